//! How long something took, each time: counted in buckets, so that a core's figures are few bytes to add to and to copy.

use std::cell::Cell;

use corelog_storage::env::Instant;

/// The upper bounds of the buckets that are shown, in microseconds: four in each power of ten, from 10 us to 10 s.
pub const BOUNDS_US: [u64; 25] = [
    10, 20, 30, 50, 100, 200, 300, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 30_000, 50_000, 100_000, 200_000,
    300_000, 500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000, 10_000_000,
];

/// The times of one kind of thing on one core.
#[derive(Default)]
pub struct Latency {
    /// By the first bound that is long enough; behind all bounds, what took longer.
    counts: [Cell<u64>; BOUNDS_US.len() + 1],
    nanos: Cell<u64>,
}

/// A copy of them, to be read elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    counts: [u64; BOUNDS_US.len() + 1],
    nanos: u64,
}

impl Latency {
    /// It took from `begun` until `ended`.
    pub fn record(&self, begun: Instant, ended: Instant) {
        let nanos = ended.0.saturating_sub(begun.0);
        self.nanos.set(self.nanos.get() + nanos);
        let count = &self.counts[BOUNDS_US.partition_point(|bound| bound * 1000 < nanos)];
        count.set(count.get() + 1);
    }

    /// A copy of what was recorded so far.
    pub fn copy(&self) -> Times {
        Times { counts: std::array::from_fn(|bucket| self.counts[bucket].get()), nanos: self.nanos.get() }
    }
}

impl Times {
    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All times together, in seconds.
    pub fn seconds(&self) -> f64 {
        self.nanos as f64 / 1e9
    }

    /// How often it took at most each of [`BOUNDS_US`].
    pub fn cumulative(&self) -> [u64; BOUNDS_US.len()] {
        let mut sum = 0;
        std::array::from_fn(|bucket| {
            sum += self.counts[bucket];
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(micros: &[u64]) -> Times {
        let latency = Latency::default();
        micros.iter().for_each(|us| latency.record(Instant(1_000), Instant(1_000 + us * 1000)));
        latency.copy()
    }

    #[test]
    fn each_time_is_in_the_buckets_that_hold_it_and_in_no_other() {
        let times = took(&[0, 9, 10, 11, 150, 999, 1_000, 4_000_000, 10_000_000, 59_000_000, 90_000_000]);
        let at_most = |us: u64| times.cumulative()[BOUNDS_US.iter().position(|bound| *bound == us).expect("a bound")];
        assert_eq!((at_most(10), at_most(20), at_most(100), at_most(200)), (3, 4, 4, 5));
        assert_eq!((at_most(1_000), at_most(3_000_000), at_most(5_000_000), at_most(10_000_000)), (7, 7, 8, 9));
        assert_eq!(times.count(), 11);
        assert!((times.seconds() - 163.002_179).abs() < 1e-6, "{}", times.seconds());
    }

    #[test]
    fn every_bound_holds_a_time_of_just_its_length() {
        for (place, bound) in BOUNDS_US.into_iter().enumerate() {
            let counts = took(&[bound]).cumulative();
            assert!(counts[..place].iter().all(|count| *count == 0), "{bound} us is in a bucket below");
            assert!(counts[place..].iter().all(|count| *count == 1), "{bound} us is not in its bucket");
        }
    }

    #[test]
    fn a_clock_that_seems_to_go_back_counts_as_no_time() {
        let latency = Latency::default();
        latency.record(Instant(5_000), Instant(1_000));
        assert_eq!((latency.copy().count(), latency.copy().cumulative()[0]), (1, 1));
    }
}
