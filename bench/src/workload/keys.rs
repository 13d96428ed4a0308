//! The keys of a workload file: each one's range, and the place it sets.

use super::Case;
use crate::payload;
use std::ops::RangeInclusive;

/// A value as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Truth(bool),
    Text(String),
}

impl Value {
    /// As it stands in a case's name.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Text(text) => text.clone(),
        }
    }

    fn number(&self, range: RangeInclusive<f64>) -> Result<f64, String> {
        match self {
            Self::Number(number) if range.contains(number) => Ok(*number),
            Self::Number(number) => Err(format!("{number} is not between {} and {}", range.start(), range.end())),
            other => Err(format!("{:?} is no number", other.shown())),
        }
    }

    fn count(&self, range: RangeInclusive<u32>) -> Result<u32, String> {
        let number = self.number(f64::from(*range.start())..=f64::from(*range.end()))?;
        if number.fract() == 0.0 { Ok(number as u32) } else { Err(format!("{number} is no whole number")) }
    }

    fn truth(&self) -> Result<bool, String> {
        match self {
            Self::Truth(truth) => Ok(*truth),
            other => Err(format!("{:?} is neither true nor false", other.shown())),
        }
    }
}

/// A key, and what it does to a case.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) set: fn(&mut Case, &Value) -> Result<(), String>,
}

const MOST_CONNECTIONS: u32 = 10_000;
const MOST_PARTITIONS: u32 = 100_000;
const MOST_BYTES: u32 = 64 << 20;
const MOST_SYNCS: u32 = 64;

/// All keys that a case may have; those of a file's head are in [`super::file`].
pub(crate) const KEYS: [Key; 23] = [
    Key {
        name: "record",
        set: |case, v| v.count(payload::LEAST as u32..=MOST_BYTES).map(|n| case.record = n as usize),
    },
    Key { name: "batch", set: |case, v| v.count(1..=100_000).map(|n| case.batch = n as usize) },
    Key { name: "batch_bytes", set: |case, v| v.count(1..=MOST_BYTES).map(|n| case.batch_bytes = n as usize) },
    Key { name: "partitions", set: |case, v| v.count(1..=MOST_PARTITIONS).map(|n| case.partitions = n as i32) },
    Key { name: "written", set: |case, v| v.count(1..=MOST_PARTITIONS).map(|n| case.written = n as i32) },
    Key {
        name: "partitions_per_request",
        set: |case, v| v.count(1..=MOST_PARTITIONS).map(|n| case.partitions_per_request = n as usize),
    },
    Key { name: "keys", set: |case, v| v.count(0..=u32::MAX).map(|n| case.keys = u64::from(n)) },
    Key { name: "connections", set: |case, v| v.count(1..=MOST_CONNECTIONS).map(|n| case.connections = n as usize) },
    Key { name: "depth", set: |case, v| v.count(1..=10_000).map(|n| case.depth = n as usize) },
    Key { name: "rate", set: |case, v| v.number(0.0..=1e9).map(|n| case.rate = Some(n)) },
    Key { name: "consumers", set: |case, v| v.count(0..=MOST_CONNECTIONS).map(|n| case.consumers = n as usize) },
    Key { name: "share", set: |case, v| v.truth().map(|truth| case.share = truth) },
    Key { name: "fetch", set: |case, v| v.count(1..=MOST_BYTES).map(|n| case.fetch = n as i32) },
    Key {
        name: "idle_connections",
        set: |case, v| v.count(0..=MOST_CONNECTIONS).map(|n| case.idle_connections = n as usize),
    },
    Key { name: "syncs_beside", set: |case, v| v.count(0..=MOST_SYNCS).map(|n| case.syncs_beside = n as usize) },
    Key { name: "backlog_mb", set: |case, v| v.number(0.0..=1e6).map(|n| case.backlog_mb = n) },
    Key { name: "retention", set: |case, v| v.truth().map(|truth| case.retention = truth) },
    Key { name: "kill", set: |case, v| v.truth().map(|truth| case.kill = truth) },
    Key { name: "keep_topic", set: |case, v| v.truth().map(|truth| case.keep_topic = truth) },
    Key { name: "warmup", set: |case, v| v.number(0.0..=600.0).map(|n| case.warmup = n) },
    Key { name: "seconds", set: |case, v| v.number(0.1..=86_400.0).map(|n| case.seconds = n) },
    Key { name: "pairs", set: |case, v| v.count(1..=1000).map(|n| case.pairs = n as usize) },
    Key { name: "late_ms", set: |case, v| v.number(0.1..=10_000.0).map(|n| case.late_ms = n) },
];

pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}
