//! The controller: decides what becomes of the cluster's metadata. One runs, on core 0 of the active node.

pub mod machine;

mod configs;
mod partitions;
mod replicas;
mod start;
mod topics;

#[cfg(test)]
mod tests;
