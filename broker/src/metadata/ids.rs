//! The names of nodes and data directories, and the ids that are drawn at random.

use std::fmt;

use corelog_storage::ids::{LogId, PartitionIndex, TopicId};
pub use corelog_wire::Uuid;

/// Names a node (a process) of the cluster; what Kafka calls a broker id on the node listener.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(pub i32);

/// Rises with every change of a partition record, so that a change proposed on stale grounds is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct PartitionEpoch(pub i32);

/// Rises with every registration of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct BrokerEpoch(pub i64);

/// The identity of a data directory, drawn when it is first used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct DirectoryId(pub Uuid);

/// The log that holds the metadata itself. Kafka reserves this topic id for the same purpose.
pub const METADATA_LOG: LogId =
    LogId { topic: TopicId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), partition: PartitionIndex(0) };

/// A topic's id as the wire shows it.
pub fn topic_uuid(id: TopicId) -> Uuid {
    Uuid(id.0)
}

/// Draws random bits until they make a usable id.
pub fn random_uuid(mut draw: impl FnMut() -> u64) -> Uuid {
    loop {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&draw().to_be_bytes());
        bytes[8..].copy_from_slice(&draw().to_be_bytes());
        if let Some(uuid) = Uuid::from_random(bytes) {
            return uuid;
        }
    }
}

impl fmt::Display for DirectoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_logs_id_is_kafkas_and_no_random_id_meets_it() {
        assert_eq!(topic_uuid(METADATA_LOG.topic).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let mut numbers = [0, 0, 0, 1, 7, 9].into_iter();
        let drawn = random_uuid(|| numbers.next().expect("two draws are refused, the third is not"));
        assert_ne!(TopicId(drawn.0), METADATA_LOG.topic);
        assert_eq!(numbers.next(), None);
    }
}
