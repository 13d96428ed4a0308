//! What a load is, case by case; [`file`] reads it from a workload file.

pub(crate) mod file;
mod keys;

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A workload file: its cases are measured one after the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Workload {
    /// The file's name without folder and ending.
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) cases: Vec<Case>,
}

/// One load. Producers and consumers are connections; a record has one producer, in whose order it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)] // what older summaries lack
pub(crate) struct Case {
    pub(crate) name: String,
    /// Bytes of a record's value.
    pub(crate) record: usize,
    /// Records in a batch.
    pub(crate) batch: usize,
    /// Bytes of values in a batch, instead of the number of its records; 0 where that is given.
    pub(crate) batch_bytes: usize,
    pub(crate) partitions: i32,
    /// Of these, the first so many get records; 0 for all of them.
    pub(crate) written: i32,
    /// A request holds a batch for each of so many partitions.
    pub(crate) partitions_per_request: usize,
    /// Distinct keys of each producer's records; 0 means no keys.
    pub(crate) keys: u64,
    /// Producers.
    pub(crate) connections: usize,
    /// Requests in flight on each, in a closed loop.
    pub(crate) depth: usize,
    /// Records a second, all producers together: an open loop. Without it, a closed loop: what comes out is capacity.
    pub(crate) rate: Option<f64>,
    pub(crate) consumers: usize,
    /// Consumers share the partitions, as a group does; otherwise each reads all.
    pub(crate) share: bool,
    /// Most bytes of one answer to a consumer.
    pub(crate) fetch: i32,
    /// Connections that do nothing.
    pub(crate) idle_connections: usize,
    /// Threads that append 4 KiB to a file of their own on the same disk and sync it, again and again.
    pub(crate) syncs_beside: usize,
    /// Megabytes that are there before the slice begins; consumers drain them while producers go on.
    pub(crate) backlog_mb: f64,
    /// The broker may delete what it holds while a slice runs.
    pub(crate) retention: bool,
    /// The broker is killed at the slice's end, under load, and started again.
    pub(crate) kill: bool,
    /// The topic's own configurations.
    pub(crate) configs: Vec<(String, String)>,
    /// One topic serves all slices of the case. Otherwise each has its own: where a broker places a partition is luck, which
    /// must not stay with one side.
    pub(crate) keep_topic: bool,
    /// Seconds before a slice counts, and for which it counts.
    pub(crate) warmup: f64,
    pub(crate) seconds: f64,
    /// Slices of each broker that must count.
    pub(crate) pairs: usize,
    /// A request sent so much after it was due is late; many of those, and it was another load than was asked for.
    pub(crate) late_ms: f64,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            name: String::new(),
            record: 100,
            batch: 1,
            batch_bytes: 0,
            partitions: 1,
            written: 0,
            partitions_per_request: 1,
            keys: 0,
            connections: 1,
            depth: 1,
            rate: None,
            consumers: 0,
            share: false,
            fetch: 1 << 20,
            idle_connections: 0,
            syncs_beside: 0,
            backlog_mb: 0.0,
            retention: false,
            kill: false,
            configs: Vec::new(),
            keep_topic: false,
            warmup: 1.0,
            seconds: 4.0,
            pairs: 5,
            late_ms: 5.0,
        }
    }
}

impl Case {
    /// Whether its name has all words of `part`.
    pub(crate) fn is_named(&self, part: &str) -> bool {
        part.split_whitespace().all(|word| self.name.split(' ').any(|own| own == word))
    }

    /// Partitions that get records.
    pub(crate) fn written(&self) -> usize {
        (if self.written == 0 { self.partitions } else { self.written }) as usize
    }

    /// Records of a request.
    pub(crate) fn records(&self) -> usize {
        self.batch * self.partitions_per_request
    }

    /// Bytes of values in a request.
    pub(crate) fn payload(&self) -> usize {
        self.records() * self.record
    }

    /// When the `number`th request of an open loop is due, from the slice's start.
    pub(crate) fn due(&self, number: u64, rate: f64) -> Duration {
        Duration::from_secs_f64(number as f64 * self.records() as f64 / rate)
    }

    /// How its producers go on, in words.
    pub(crate) fn pace(&self) -> String {
        match self.rate {
            Some(0.0) => "nothing is sent".into(),
            Some(rate) => format!("open loop, {rate} records/s"),
            None => "closed loop: capacity".into(),
        }
    }

    /// Works out what follows from several keys, and refuses what cannot be meant, whatever each says for itself.
    fn settle(&mut self) -> Result<(), (&'static str, String)> {
        if self.batch_bytes > 0 {
            self.batch = (self.batch_bytes / self.record).max(1);
        }
        if self.written > self.partitions {
            return Err(("written", format!("there are only {} partitions", self.partitions)));
        }
        let own = self.written() / self.connections;
        if self.partitions_per_request > own.max(1) {
            return Err(("partitions_per_request", format!("a producer has only {} partitions", own.max(1))));
        }
        if self.share && self.consumers > self.partitions as usize {
            return Err(("consumers", format!("more than the {} partitions they share", self.partitions)));
        }
        if self.kill && self.keep_topic {
            return Err(("keep_topic", "what a killed broker did not acknowledge would be in the next slice".into()));
        }
        if self.rate.is_some() && self.depth > 1 {
            return Err(("depth", "an open loop sends what is due, whatever is in flight".into()));
        }
        Ok(())
    }
}
