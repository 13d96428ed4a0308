//! The names and positions of a log: which partition, which offset, which epoch, which producer.

use std::fmt;

/// A topic's UUID (KIP-516). All zeroes means "no id".
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TopicId(pub [u8; 16]);

/// A partition's index within its topic, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct PartitionIndex(pub i32);

/// Names one log of a node: a partition of a topic. A re-created topic has another id, so it never meets old data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LogId {
    /// The topic's id.
    pub topic: TopicId,
    /// The partition within it.
    pub partition: PartitionIndex,
}

/// A record's position in its log. An *end* offset is one past the last record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Offset(pub i64);

/// The leader's term that wrote a batch (KIP-101); rises with each change of leader or of owning core.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct LeaderEpoch(pub i32);

/// An idempotent producer's id (KIP-98); -1 means none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ProducerId(pub i64);

/// The incarnation of a producer id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct ProducerEpoch(pub i16);

/// Milliseconds since 1970-01-01 UTC, as record timestamps count; -1 means none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Timestamp(pub i64);

impl fmt::Debug for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}-{}", self.topic, self.partition.0)
    }
}
