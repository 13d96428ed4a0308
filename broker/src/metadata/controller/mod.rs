//! The controller: decides what becomes of the cluster's metadata. One runs, on core 0 of the active node.

pub mod driver;
pub mod machine;

mod broker_configs;
mod config_edit;
mod configs;
mod group_configs;
mod partitions;
mod quotas;
mod replicas;
pub mod start;
mod topics;

pub(crate) use replicas::check_assignment;
#[cfg(test)]
pub(crate) use replicas::new_partition;

#[cfg(test)]
mod tests;
