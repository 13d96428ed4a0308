//! A slice second by second: rate, latency, and the broker's CPU time and memory.

use super::shared::Shared;
use crate::pace::sleep_until;
use crate::process;
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
}

#[derive(Clone, Copy)]
struct Reading {
    at: Instant,
    requests: u64,
    delivered: u64,
    cpu: Option<f64>,
}

impl Timeline {
    pub(crate) fn new(pid: Option<u32>) -> Self {
        Self { pid, seconds: Vec::new(), last: None }
    }

    pub(crate) fn take(self) -> Vec<Second> {
        self.seconds
    }

    fn read(&self, shared: &Shared) -> Reading {
        let (requests, delivered) = shared.count();
        // A broker that is gone is noticed by the load.
        let cpu = self.pid.and_then(|pid| process::cpu(pid).ok());
        Reading { at: Instant::now(), requests, delivered, cpu }
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

    fn second(&self, shared: &Shared, last: &Reading, now: &Reading) -> Second {
        let took = (now.at - last.at).as_secs_f64();
        let (acks, arrivals) = (shared.acks.second(), shared.arrivals.second());
        let latencies = if arrivals.is_empty() { acks } else { arrivals };
        let at = |quantile| (!latencies.is_empty()).then(|| latencies.value_at_quantile(quantile) as f64 / 1000.0);
        let elapsed = now.at - shared.times.start;
        Second {
            at: elapsed.as_secs_f64(),
            // A second belongs to where it began.
            counts: elapsed > shared.times.warmup + SECOND / 100,
            requests_per_s: (now.requests - last.requests) as f64 / took,
            delivered_per_s: (now.delivered - last.delivered) as f64 / took,
            p50: at(0.5),
            p99: at(0.99),
            max: at(1.0),
            cpu_ms_per_s: now.cpu.zip(last.cpu).map(|(now, last)| (now - last) * 1000.0 / took),
            memory_mib: self.pid.and_then(|pid| process::memory(pid).ok()).map(|m| m as f64 / f64::from(1 << 20)),
            files: self.pid.and_then(|pid| process::files(pid).ok()).map(|files| files as f64),
        }
    }
}
