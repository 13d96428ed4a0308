//! What the cluster knows: topics, partitions, nodes, configurations, and the log that remembers it.
//!
//! Core 0 runs the metadata log and its controller; every core holds the latest [`image::ClusterImage`], which never
//! changes once published.

pub mod call;
pub mod codec;
pub mod conformance;
pub mod controller;
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unused_imports, dead_code, unsafe_op_in_unsafe_fn, mismatched_lifetime_syntaxes)]
#[allow(clippy::all, clippy::undocumented_unsafe_blocks, reason = "generated")]
mod generated;
pub mod ids;
pub mod image;
pub mod local_log;
pub mod log;
pub mod quota;
pub mod record;
pub mod replay;
pub mod topic_name;

#[cfg(test)]
mod local_log_tests;
