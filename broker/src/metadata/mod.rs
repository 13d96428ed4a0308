//! What the cluster knows: topics, partitions, nodes, configurations, and the log that remembers it.
//!
//! Core 0 runs the metadata log and its controller; every core holds the latest [`image::ClusterImage`], which never
//! changes once published.

pub mod call;
pub mod controller;
pub mod ids;
pub mod image;
pub mod record;
pub mod topic_name;
