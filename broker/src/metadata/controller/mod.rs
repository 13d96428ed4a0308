//! The controller: decides what becomes of the cluster's metadata. One runs, on core 0 of the active node.

pub mod driver;
pub mod machine;

mod configs;
mod partitions;
mod replicas;
pub mod start;
mod topics;

#[cfg(test)]
mod tests;
