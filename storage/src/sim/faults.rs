//! What goes wrong in a simulated world, how often, and how often it did.

use std::{collections::BTreeMap, time::Duration};

/// How often faults strike one host, or one directory of it, per million operations unless said otherwise.
///
/// What must survive is the workload's to say: the world injects what it is told, anywhere. Power cuts, bit rot and a
/// full disk have calls of their own, because a checker has to know of them.
#[derive(Clone, Copy, Debug)]
pub struct Faults {
    /// A disk operation takes from the first to the second of these, evenly.
    pub disk_latency: (Duration, Duration),
    /// A read answers EIO.
    pub read_error: u32,
    /// A write answers EIO; what it wrote may be there in part.
    pub write_error: u32,
    /// A sync (of a file or a directory) answers EIO; nothing it covered is durable, nor will a later sync make it so.
    pub sync_error: u32,
    /// A write that needs new blocks answers ENOSPC.
    pub no_space: u32,
    /// A disk operation takes [`Faults::stall`] longer.
    pub stalls: u32,
    /// How long a stall is, at most.
    pub stall: Duration,
    /// A look at the wall clock finds that it jumped, up to a day either way.
    pub clock_jumps: u32,
    /// Every operation on the disk answers EIO: it is gone.
    pub gone: bool,
}

impl Default for Faults {
    /// No faults, latencies as of a good disk.
    fn default() -> Self {
        Self {
            disk_latency: (Duration::from_micros(20), Duration::from_micros(300)),
            read_error: 0,
            write_error: 0,
            sync_error: 0,
            no_space: 0,
            stalls: 0,
            stall: Duration::from_millis(500),
            clock_jumps: 0,
            gone: false,
        }
    }
}

/// What was injected (or happened), by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<&'static str, u64>);

impl Counters {
    /// One more of `kind`.
    pub fn count(&mut self, kind: &'static str) {
        self.add(kind, 1);
    }

    /// `many` more of `kind`.
    pub fn add(&mut self, kind: &'static str, many: u64) {
        *self.0.entry(kind).or_default() += many;
    }

    /// How many of `kind` there were.
    pub fn get(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }

    /// All kinds in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        self.0.iter().map(|(kind, many)| (*kind, *many))
    }

    /// Adds another run's counts to these.
    pub fn merge(&mut self, other: &Counters) {
        for (kind, many) in other.iter() {
            self.add(kind, many);
        }
    }
}
