//! A slice second by second: rate, latency, and the broker's CPU time and memory.

use super::shared::{Counts, Shared};
use crate::pace::sleep_until;
use crate::process;
use crate::report::histogram;
use hdrhistogram::Histogram;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
/// A thread that failed ends the waiting so soon.
const LOOK: Duration = Duration::from_millis(50);

/// One second, or less at the end.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Second {
    /// Since the slice's start, in seconds: where it ends.
    pub(crate) at: f64,
    pub(crate) counts: bool,
    pub(crate) requests_per_s: f64,
    pub(crate) delivered_per_s: f64,
    /// Microseconds; of consumers where there are any, else of acknowledgements. None without any in this second.
    pub(crate) p50: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) cpu_ms_per_s: Option<f64>,
    pub(crate) memory_mib: Option<f64>,
    /// Open file descriptors.
    pub(crate) files: Option<f64>,
}

pub(crate) struct Timeline {
    pid: Option<u32>,
    seconds: Vec<Second>,
    last: Option<Reading>,
    /// Latencies of the last second; made once, as fresh memory takes milliseconds.
    acks: Histogram<u64>,
    arrivals: Histogram<u64>,
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    counts: Counts,
    cpu: Option<f64>,
}

impl Timeline {
    pub(crate) fn new(pid: Option<u32>) -> Self {
        Self { pid, seconds: Vec::new(), last: None, acks: histogram(), arrivals: histogram() }
    }

    pub(crate) fn take(self) -> Vec<Second> {
        self.seconds
    }

    fn read(&self, shared: &Shared) -> Reading {
        // A broker that is gone is noticed by the load.
        let cpu = self.pid.and_then(|pid| process::cpu(pid).ok());
        Reading { at: Instant::now(), counts: shared.count(), cpu }
    }

    /// Adds second after second until `until`, or until a thread failed.
    pub(crate) fn follow(&mut self, shared: &Shared, until: Instant, each: &mut dyn FnMut(&Second)) {
        sleep_until(shared.times.start);
        let mut last = self.last.unwrap_or_else(|| self.read(shared));
        while last.at < until && !shared.stopped() {
            let next = (last.at + SECOND).min(until);
            while Instant::now() < next && !shared.stopped() {
                sleep_until(next.min(Instant::now() + LOOK));
            }
            let now = self.read(shared);
            let second = self.second(shared, &last, &now);
            each(&second);
            self.seconds.push(second);
            last = now;
        }
        self.last = Some(last);
    }

    fn second(&mut self, shared: &Shared, last: &Reading, now: &Reading) -> Second {
        let took = (now.at - last.at).as_secs_f64();
        shared.acks.second(&mut self.acks);
        shared.arrivals.second(&mut self.arrivals);
        let latencies = if self.arrivals.is_empty() { &self.acks } else { &self.arrivals };
        let at = |quantile| (!latencies.is_empty()).then(|| latencies.value_at_quantile(quantile) as f64 / 1000.0);
        let (elapsed, counts) = (now.at - shared.times.start, now.counts.since(&last.counts));
        Second {
            at: elapsed.as_secs_f64(),
            // A second belongs to where it began.
            counts: elapsed > shared.times.warmup + SECOND / 100,
            requests_per_s: counts.requests as f64 / took,
            delivered_per_s: counts.delivered as f64 / took,
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
            cpu_ms_per_s: now.cpu.zip(last.cpu).map(|(now, last)| (now - last) * 1000.0 / took),
            memory_mib: self.pid.and_then(|pid| process::memory(pid).ok()).map(|m| m as f64 / f64::from(1 << 20)),
            files: self.pid.and_then(|pid| process::files(pid).ok()).map(|files| files as f64),
        }
    }
}
