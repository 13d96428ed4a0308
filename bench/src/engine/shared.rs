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

    /// Those of the second that ends now, in place of what `second` held. Whoever records is not kept waiting: at 1,000
    /// records/s, 10 ms in a second are the p99.
    pub(crate) fn second(&self, second: &mut Histogram<u64>) {
        second.reset();
        std::mem::swap(&mut self.lock().1, second);
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

/// How far sends were behind their due times: of a latency, the part that is the client's machine's.
pub(crate) struct Lag {
    /// Nanoseconds.
    pub(crate) behind: Histogram<u64>,
    pub(crate) late: u64,
}

impl Lag {
    pub(crate) fn none() -> Self {
        Self { behind: histogram(), late: 0 }
    }
}

/// What happened since a slice's start.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) requests: u64,
    /// Records that consumers have, and the answers they came in; empty ones too.
    pub(crate) delivered: u64,
    pub(crate) fetches: u64,
}

impl Counts {
    pub(crate) fn since(&self, before: &Self) -> Self {
        Self {
            requests: self.requests - before.requests,
            delivered: self.delivered - before.delivered,
            fetches: self.fetches - before.fetches,
        }
    }
}

pub(crate) struct Shared {
    pub(crate) times: Times,
    /// From due, or in a closed loop from sent, until acknowledged.
    pub(crate) acks: Recorder,
    /// From due until a consumer has it.
    pub(crate) arrivals: Recorder,
    pub(crate) requests: AtomicU64,
    pub(crate) delivered: AtomicU64,
    pub(crate) fetches: AtomicU64,
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
            fetches: AtomicU64::new(0),
            ends: OnceLock::new(),
            drained: OnceLock::new(),
            stopped: AtomicBool::new(false),
            killed: AtomicBool::new(false),
        }
    }

    pub(crate) fn count(&self) -> Counts {
        Counts {
            requests: self.requests.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            fetches: self.fetches.load(Relaxed),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_what_was_recorded_since_the_last_and_all_has_what_counts() {
        let (recorder, mut second) = (Recorder::new(), histogram());
        recorder.record([(1_000, true), (2_000, false)].into_iter());
        recorder.second(&mut second);
        assert_eq!(second.len(), 2);
        recorder.record([(3_000, true)].into_iter());
        recorder.second(&mut second);
        assert_eq!((second.len(), second.max()), (1, second.highest_equivalent(3_000)));
        recorder.second(&mut second);
        assert!(second.is_empty());
        assert_eq!(recorder.all().len(), 2);
    }
}
