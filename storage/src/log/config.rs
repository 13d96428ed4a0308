//! What a topic's configuration asks of its logs.

use crate::limits::{MAX_SEGMENT, MIN_SEGMENT};

/// The configuration of one log. Durations are in milliseconds of the wall clock, as records count them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogConfig {
    /// A segment is closed before it grows past this (`segment.bytes`).
    pub segment_bytes: u32,
    /// A segment is closed when it spans more time than this (`segment.ms`).
    pub segment_ms: i64,
    /// Segments whose newest record is older are deleted (`retention.ms`); `None`: never.
    pub retention_ms: Option<i64>,
    /// The oldest segments are deleted while the rest is at least this large (`retention.bytes`); `None`: never.
    pub retention_bytes: Option<u64>,
    /// Whether the broker's clock replaces the records' timestamps (`message.timestamp.type`).
    pub log_append_time: bool,
    /// Whether retention deletes segments at all (`cleanup.policy` has `delete`).
    pub delete: bool,
    /// Whether appends count as durable at once (`flush.messages` above 1, or `flush.ms`).
    pub relaxed: bool,
}

impl Default for LogConfig {
    /// Kafka's defaults, but for `flush.messages`, which is 1 here.
    fn default() -> Self {
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * 86_400_000,
            retention_ms: Some(7 * 86_400_000),
            retention_bytes: None,
            log_append_time: false,
            delete: true,
            relaxed: false,
        }
    }
}

impl LogConfig {
    /// The segment size, within what segments can be.
    pub fn segment_limit(&self) -> u32 {
        self.segment_bytes.clamp(MIN_SEGMENT, MAX_SEGMENT)
    }
}
