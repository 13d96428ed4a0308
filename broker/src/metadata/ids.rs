//! The names of nodes, directories and clusters, and how Kafka prints a UUID.

use std::fmt;

use corelog_storage::ids::{LogId, PartitionIndex, TopicId};

/// Names a node (a process) of the cluster; what Kafka calls a broker id on the node listener.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct NodeId(pub i32);

/// Rises with every change of a partition record, so that a change proposed on stale grounds is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct PartitionEpoch(pub i32);

/// Rises with every registration of a node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct BrokerEpoch(pub i64);

/// The identity of a data directory, made when it is formatted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct DirectoryId(pub Uuid);

/// 128 bits, printed as Kafka prints them: URL-safe base64 without padding, 22 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid(pub [u8; 16]);

/// The log that holds the metadata itself. Kafka reserves this topic id for the same purpose.
pub const METADATA_LOG: LogId =
    LogId { topic: TopicId([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), partition: PartitionIndex(0) };

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Uuid {
    /// A version 4 UUID out of random bits; `None` if it is one that must not be used: those whose printed form begins
    /// with a dash (command lines take it for an option). The caller draws again.
    pub fn from_random(bits: [u64; 2]) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&bits[0].to_be_bytes());
        bytes[8..].copy_from_slice(&bits[1].to_be_bytes());
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        let uuid = Self(bytes);
        // The reserved ids (zero, and the metadata log's) have no version bits: they cannot come out here.
        (!uuid.to_string().starts_with('-')).then_some(uuid)
    }

    /// Draws until one is usable.
    pub fn random(mut draw: impl FnMut() -> u64) -> Self {
        loop {
            if let Some(uuid) = Self::from_random([draw(), draw()]) {
                return uuid;
            }
        }
    }

    /// Reads the printed form.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 22 {
            return None;
        }
        let mut value: u128 = 0;
        for (index, byte) in text.bytes().enumerate() {
            let digit = ALPHABET.iter().position(|&letter| letter == byte)? as u128;
            // 21 digits carry 126 bits; the last one the remaining two, and four that must be zero.
            value = if index < 21 {
                value << 6 | digit
            } else if digit & 0x0f == 0 {
                value << 2 | digit >> 4
            } else {
                return None;
            };
        }
        Some(Self(value.to_be_bytes()))
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = u128::from_be_bytes(self.0);
        for index in 0..21 {
            let digit = (value >> (122 - 6 * index)) & 0x3f;
            write!(f, "{}", ALPHABET[digit as usize] as char)?;
        }
        write!(f, "{}", ALPHABET[((value & 0x03) << 4) as usize] as char)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<TopicId> for Uuid {
    fn from(id: TopicId) -> Self {
        Self(id.0)
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
    fn a_uuid_prints_as_kafka_prints_it_and_reads_back() {
        // From Kafka: Uuid(0, 1) is the metadata topic's id.
        assert_eq!(Uuid::from(METADATA_LOG.topic).to_string(), "AAAAAAAAAAAAAAAAAAAAAQ");
        let uuid = Uuid([0x5b, 0x6c, 0xff, 0xee, 0, 1, 0x42, 3, 0x84, 5, 6, 7, 8, 9, 10, 251]);
        assert_eq!(Uuid::parse(&uuid.to_string()), Some(uuid));
        assert_eq!(uuid.to_string().len(), 22);
        assert_eq!(Uuid::parse("AAAAAAAAAAAAAAAAAAAAAR"), None, "stray bits");
        assert_eq!(Uuid::parse("AAAAAAAAAAAAAAAAAAAA/Q"), None, "not URL-safe");
    }

    #[test]
    fn a_random_uuid_never_begins_with_a_dash() {
        assert_eq!(Uuid::from_random([u64::from_be_bytes([0xf8, 0, 0, 0, 0, 0, 0, 0]), 0]), None);
        let mut state = 7u64;
        for _ in 0..2000 {
            let uuid = Uuid::random(|| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                state
            });
            assert!(!uuid.to_string().starts_with('-'));
        }
    }
}
