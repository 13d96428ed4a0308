//! A topic's configuration in force, as the code that obeys it wants it: typed, with the broker's values filled in.

use std::time::Duration;

use crate::{
    config::{settings::Settings, topic_keys::TOPIC_KEYS},
    metadata::record::ConfigOverrides,
};

/// Whose clock stamps records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampType {
    /// The producer's.
    Create,
    /// The broker's, when it appends.
    LogAppend,
}

/// The codec records are kept in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompressionType {
    /// As they came.
    Producer,
    /// None.
    Uncompressed,
    /// gzip.
    Gzip,
    /// Snappy.
    Snappy,
    /// LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// A topic's configuration in force. `None` of a limit is "no limit".
#[derive(Clone, PartialEq, Debug)]
pub struct TopicConfig {
    /// Old segments are deleted.
    pub delete: bool,
    /// Old records of a key are removed.
    pub compact: bool,
    /// The codec records are kept in.
    pub compression: CompressionType,
    /// gzip's level, -1 for its own choice.
    pub gzip_level: i32,
    /// zstd's level.
    pub zstd_level: i32,
    /// How long a tombstone stays.
    pub delete_retention: Duration,
    /// How long a deleted segment's file stays.
    pub file_delete_delay: Duration,
    /// Records after which the log must be durable; 1 means before each acknowledgement.
    pub flush_messages: u64,
    /// Time after which the log must be durable.
    pub flush_interval: Option<Duration>,
    /// Bytes of log for each index entry.
    pub index_interval_bytes: u32,
    /// The largest record batch in bytes.
    pub max_message_bytes: u32,
    /// How far ahead of the broker's clock a timestamp may be, in ms.
    pub timestamp_after_max_ms: i64,
    /// How far behind the broker's clock a timestamp may be, in ms.
    pub timestamp_before_max_ms: i64,
    /// Whose clock stamps records.
    pub timestamp_type: TimestampType,
    /// In-sync replicas that acks=all needs.
    pub min_insync_replicas: u16,
    /// How long records are kept.
    pub retention: Option<Duration>,
    /// How many bytes of each partition are kept.
    pub retention_bytes: Option<u64>,
    /// Size at which a segment rolls.
    pub segment_bytes: u64,
    /// Size of an index at which a segment rolls.
    pub segment_index_bytes: u32,
    /// Age at which a segment rolls.
    pub segment_age: Duration,
    /// Random part of that age.
    pub segment_jitter: Duration,
    /// Shortest time a record stays uncompacted.
    pub min_compaction_lag: Duration,
    /// Longest time a record stays uncompacted.
    pub max_compaction_lag: Option<Duration>,
    /// Share of uncompacted bytes that makes compaction worthwhile.
    pub min_cleanable_ratio: f64,
    /// Whether a replica that may lack records may lead.
    pub unclean_leader_election: bool,
}

impl TopicConfig {
    /// What is in force for a topic with these values of its own.
    pub fn resolve(settings: &Settings, overrides: &ConfigOverrides) -> Self {
        let values = Values { settings, overrides };
        let policies = values.text("cleanup.policy");
        let segment_bytes = overrides
            .get("internal.segment.bytes")
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| values.number("segment.bytes") as u64);
        Self {
            delete: policies.split(',').any(|policy| policy == "delete"),
            compact: policies.split(',').any(|policy| policy == "compact"),
            compression: compression(&values.text("compression.type")),
            gzip_level: values.number("compression.gzip.level") as i32,
            zstd_level: values.number("compression.zstd.level") as i32,
            delete_retention: values.millis("delete.retention.ms"),
            file_delete_delay: values.millis("file.delete.delay.ms"),
            flush_messages: values.number("flush.messages") as u64,
            flush_interval: values.bounded_millis("flush.ms"),
            index_interval_bytes: values.number("index.interval.bytes") as u32,
            max_message_bytes: values.number("max.message.bytes") as u32,
            timestamp_after_max_ms: values.number("message.timestamp.after.max.ms"),
            timestamp_before_max_ms: values.number("message.timestamp.before.max.ms"),
            timestamp_type: match values.text("message.timestamp.type").as_str() {
                "LogAppendTime" => TimestampType::LogAppend,
                _ => TimestampType::Create,
            },
            min_insync_replicas: u16::try_from(values.number("min.insync.replicas")).unwrap_or(u16::MAX),
            retention: values.bounded_millis("retention.ms"),
            retention_bytes: u64::try_from(values.number("retention.bytes")).ok(),
            segment_bytes,
            segment_index_bytes: values.number("segment.index.bytes") as u32,
            segment_age: values.millis("segment.ms"),
            segment_jitter: values.millis("segment.jitter.ms"),
            min_compaction_lag: values.millis("min.compaction.lag.ms"),
            max_compaction_lag: values.bounded_millis("max.compaction.lag.ms"),
            min_cleanable_ratio: values.text("min.cleanable.dirty.ratio").parse().unwrap_or(0.5),
            unclean_leader_election: values.text("unclean.leader.election.enable") == "true",
        }
    }
}

impl Default for TopicConfig {
    /// What a topic without values has on a broker without a file.
    fn default() -> Self {
        Self::resolve(&Settings::default(), &ConfigOverrides::new())
    }
}

struct Values<'a> {
    settings: &'a Settings,
    overrides: &'a ConfigOverrides,
}

impl Values<'_> {
    fn text(&self, name: &str) -> String {
        let key = TOPIC_KEYS.iter().find(|key| key.definition.name == name);
        let key = key.unwrap_or_else(|| panic!("{name} is in the table of topic keys"));
        self.settings.topic_value(key, self.overrides).unwrap_or_default()
    }

    /// A whole number. All were checked when they were set.
    fn number(&self, name: &str) -> i64 {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text}"))
    }

    fn millis(&self, name: &str) -> Duration {
        self.bounded_millis(name).unwrap_or(Duration::MAX)
    }

    /// Negative and the largest number both mean "no limit".
    fn bounded_millis(&self, name: &str) -> Option<Duration> {
        match self.number(name) {
            i64::MAX => None,
            number => u64::try_from(number).ok().map(Duration::from_millis),
        }
    }
}

fn compression(name: &str) -> CompressionType {
    match name {
        "uncompressed" => CompressionType::Uncompressed,
        "gzip" => CompressionType::Gzip,
        "snappy" => CompressionType::Snappy,
        "lz4" => CompressionType::Lz4,
        "zstd" => CompressionType::Zstd,
        _ => CompressionType::Producer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_any_value_a_topic_keeps_a_week_and_acknowledges_durable_records() {
        let config = TopicConfig::default();
        assert_eq!(config.flush_messages, 1);
        assert_eq!(config.flush_interval, None);
        assert_eq!(config.retention, Some(Duration::from_secs(7 * 24 * 3600)));
        assert_eq!(config.retention_bytes, None);
        assert_eq!(config.segment_bytes, 1 << 30);
        assert!(config.delete && !config.compact);
    }

    #[test]
    fn a_topics_own_values_are_obeyed() {
        let own = [("retention.ms", "-1"), ("cleanup.policy", "compact,delete"), ("internal.segment.bytes", "5000")];
        let own = own.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let config = TopicConfig::resolve(&Settings::default(), &own);
        assert_eq!((config.retention, config.delete, config.compact), (None, true, true));
        assert_eq!(config.segment_bytes, 5000);
    }
}
