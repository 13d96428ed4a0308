//! What the threads of a slice tell each other: counts, latencies, where the log ends, and that it is over.

use crate::error::{Error, Result};
use crate::report::histogram;
use hdrhistogram::Histogram;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Latencies of a slice: all that count, and those of the running second.
pub(crate) struct Recorder {
    both: Mutex<(Histogram<u64>, Histogram<u64>)>,
}

impl Recorder {
    fn new() -> Self {
        Self { both: Mutex::new((histogram(), histogram())) }
    }

    fn lock(&self) -> MutexGuard<'_, (Histogram<u64>, Histogram<u64>)> {
        // Histograms are whole whatever thread died.
        self.both.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds latencies in nanoseconds, each with whether it counts.
    pub(crate) fn record(&self, latencies: impl Iterator<Item = (u64, bool)>) {
        let mut both = self.lock();
        for (nanoseconds, counts) in latencies {
            both.1.saturating_record(nanoseconds);
            if counts {
                both.0.saturating_record(nanoseconds);
            }
        }
    }

    /// Those of the second that ends now.
    pub(crate) fn second(&self) -> Histogram<u64> {
        let mut both = self.lock();
        let second = both.1.clone();
        both.1.reset();
        second
    }

    pub(crate) fn all(&self) -> Histogram<u64> {
        self.lock().0.clone()
    }
}

/// When a slice begins, counts, and ends.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) start: Instant,
    pub(crate) warmup: Duration,
    pub(crate) seconds: Duration,
    /// How long producers would go on beyond the end: until a broker is killed.
    pub(crate) beyond: Duration,
}

impl Times {
    pub(crate) fn end(&self) -> Instant {
        self.start + self.warmup + self.seconds
    }

    /// How long producers send, from the start.
    pub(crate) fn sending(&self) -> Duration {
        self.warmup + self.seconds + self.beyond
    }

    /// Whether what was due then counts.
    pub(crate) fn counts(&self, due: Duration) -> bool {
        (self.warmup..self.warmup + self.seconds).contains(&due)
    }
}

/// How far sends were behind their due times.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lag {
    pub(crate) sent: u64,
    pub(crate) late: u64,
    pub(crate) most: Duration,
}

pub(crate) struct Shared {
    pub(crate) times: Times,
    /// From due, or in a closed loop from sent, until acknowledged.
    pub(crate) acks: Recorder,
    /// From due until a consumer has it.
    pub(crate) arrivals: Recorder,
    pub(crate) requests: AtomicU64,
    pub(crate) delivered: AtomicU64,
    /// Where each partition ends, once all is acknowledged.
    ends: OnceLock<Vec<i64>>,
    /// When consumers had all that was there before the slice, from its start.
    pub(crate) drained: OnceLock<Duration>,
    stopped: AtomicBool,
    killed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            acks: Recorder::new(),
            arrivals: Recorder::new(),
            requests: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            ends: OnceLock::new(),
            drained: OnceLock::new(),
            stopped: AtomicBool::new(false),
            killed: AtomicBool::new(false),
        }
    }

    pub(crate) fn count(&self) -> (u64, u64) {
        (self.requests.load(Relaxed), self.delivered.load(Relaxed))
    }

    pub(crate) fn end_at(&self, ends: Vec<i64>) {
        self.ends.set(ends).expect("one thread says so, once");
    }

    pub(crate) fn ends(&self) -> Option<&[i64]> {
        self.ends.get().map(Vec::as_slice)
    }

    /// The broker is about to be killed: that it goes away is no failure.
    pub(crate) fn kill(&self) {
        self.killed.store(true, Relaxed);
    }

    /// `outcome`, unless it is a failure because the broker was killed.
    pub(crate) fn unless_killed(&self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(Error::Io(_)) if self.killed.load(Relaxed) => Ok(()),
            other => other,
        }
    }

    /// Some thread failed, and the others need not go on.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }
}
