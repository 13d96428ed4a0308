//! `summary.json`: all that a run came to, in a schema with a version.

use crate::compare::rules::Rules;
use crate::compare::stats::Estimate;
use crate::engine::Metrics;
use crate::workload::Case;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Raised when a reader of older summaries would misread this one.
pub(crate) const SCHEMA: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) schema: u32,
    /// Of `corelog-bench`.
    pub(crate) version: String,
    pub(crate) started: String,
    pub(crate) status: Status,
    pub(crate) workload: String,
    pub(crate) about: String,
    pub(crate) targets: Vec<Target>,
    /// What a ratio is of: always the first target's value over the second's.
    pub(crate) ratio: Option<String>,
    pub(crate) confidence: f64,
    pub(crate) seed: u64,
    pub(crate) rules: Rules,
    pub(crate) machine: Host,
    pub(crate) cases: Vec<CaseResult>,
    pub(crate) claims: Vec<Verdict>,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "is", content = "why", rename_all = "lowercase")]
pub(crate) enum Status {
    /// Not yet; or the bench itself was killed.
    Running,
    Complete,
    /// What was measured until then.
    Partial(String),
    /// Some figures cannot be believed: they are left out.
    Void(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) pid: Option<u32>,
}

/// The machine that ran the clients, and the brokers if they are local.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Host {
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    pub(crate) memory_mib: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CaseResult {
    pub(crate) case: Case,
    /// In words: open or closed loop.
    pub(crate) pace: String,
    pub(crate) void: Option<String>,
    pub(crate) slices: Vec<SliceResult>,
    /// By metric.
    pub(crate) figures: BTreeMap<String, Figure>,
    /// By kind of latency, then by target: percentile, microseconds.
    pub(crate) percentiles: BTreeMap<String, Vec<Vec<(f64, f64)>>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SliceResult {
    /// Its place in `targets`.
    pub(crate) target: usize,
    pub(crate) pair: usize,
    /// Seconds since the run's start.
    pub(crate) at: f64,
    /// Whether it, and its pair, count.
    pub(crate) counts: bool,
    /// By which rule not.
    pub(crate) discarded: Option<String>,
    pub(crate) failed: Option<String>,
    /// System calls were counted, which slows a broker: nothing else was taken from it.
    pub(crate) syscalls: bool,
    pub(crate) metrics: Metrics,
}

/// A metric's medians over slices, and the median of the pairs' ratios.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figure {
    pub(crate) a: Option<Estimate>,
    pub(crate) b: Option<Estimate>,
    pub(crate) ratio: Option<Estimate>,
}

/// A claim, judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) claim: String,
    pub(crate) case: String,
    /// The bad end of the interval; none where nothing was measured.
    pub(crate) value: Option<f64>,
    pub(crate) holds: bool,
}

impl CaseResult {
    pub(crate) fn new(case: Case) -> Self {
        let (pace, void) = (case.pace(), None);
        Self { case, pace, void, slices: Vec::new(), figures: BTreeMap::new(), percentiles: BTreeMap::new() }
    }

    /// How many slices were discarded, and why the first one was.
    pub(crate) fn discarded(&self) -> (usize, Option<&str>) {
        let mut reasons = self.slices.iter().filter_map(|slice| slice.discarded.as_deref());
        let first = reasons.next();
        (first.map_or(0, |_| 1 + reasons.count()), first)
    }
}

impl Host {
    pub(crate) fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let after = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = after(&text("/proc/meminfo"), "MemTotal");
        let kib: u64 = memory.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        Self {
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: after(&text("/proc/cpuinfo"), "model name"),
            kernel: text("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_mib: kib / 1024,
        }
    }
}
