//! Configuration: one table of what a broker and a topic may be told, the file that tells it, and the values in force.
//!
//! The table serves the file, DescribeConfigs, CreateTopics and IncrementalAlterConfigs, so that a key means the same
//! everywhere.

pub mod across;
pub mod broker;
pub mod broker_keys;
pub mod client_metrics_keys;
pub mod definition;
pub mod file;
pub mod group_keys;
pub mod kafka_keys;
pub mod listener;
pub mod machine_limits;
pub mod settings;
pub mod table;
pub mod threads;
pub mod topic;
pub mod topic_keys;

pub use broker::BrokerConfig;
pub use settings::Settings;
pub use topic::TopicConfig;
