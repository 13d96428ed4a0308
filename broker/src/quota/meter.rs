//! How much was used lately: samples of a fixed length, the oldest of which is forgotten as a new one begins. Pure.

use std::time::Duration;

use corelog_storage::env::Instant;

use crate::{config::Settings, limits};

/// The samples that a rate is taken over: `quota.window.num` of `quota.window.size.seconds`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    samples: u64,
    /// The length of one, in nanoseconds.
    length: u64,
}

/// What was used within the window.
#[derive(Clone, Debug)]
pub struct Meter {
    window: Window,
    /// The sample that is being filled, counted from the clock's start.
    newest: u64,
    /// By a sample's number modulo their count.
    sums: Box<[f64]>,
    total: f64,
}

impl Window {
    /// So many samples of so many seconds. Of very many, several are taken together.
    pub fn new(samples: u64, seconds: u64) -> Self {
        let (samples, seconds) = (samples.max(1), seconds.max(1));
        let merged = samples.div_ceil(limits::QUOTA_SAMPLES);
        let length = seconds.saturating_mul(merged).min(limits::QUOTA_SAMPLE_MAX.as_secs());
        Self { samples: samples.div_ceil(merged), length: length * 1_000_000_000 }
    }

    /// What the settings say.
    pub fn of(settings: &Settings) -> Self {
        let number = |key: &str| settings.number(key).unsigned_abs();
        Self::new(number("quota.window.num"), number("quota.window.size.seconds"))
    }

    /// The length of one sample.
    pub fn sample(self) -> Duration {
        Duration::from_nanos(self.length)
    }

    /// Seconds of all samples but the one being filled; one sample at least.
    pub fn whole_seconds(self) -> f64 {
        ((self.samples - 1).max(1) * self.length) as f64 / 1e9
    }

    /// The number of the sample that is being filled.
    pub fn number(self, now: Instant) -> u64 {
        now.0 / self.length
    }

    /// Seconds that the samples cover now: whole ones, and what has passed of the newest.
    fn seconds(self, now: Instant) -> f64 {
        ((self.samples - 1) * self.length + now.0 % self.length).max(self.length) as f64 / 1e9
    }
}

impl Meter {
    /// Nothing was used yet.
    pub fn new(window: Window) -> Self {
        Self { window, newest: 0, sums: vec![0.0; window.samples as usize].into(), total: 0.0 }
    }

    /// So much is used now.
    pub fn add(&mut self, amount: f64, now: Instant) {
        self.advance(now);
        self.sums[(self.newest % self.window.samples) as usize] += amount;
        self.total += amount;
    }

    /// What was used within the window.
    pub fn total(&mut self, now: Instant) -> f64 {
        self.advance(now);
        self.total
    }

    /// How long it takes, if nothing more is used after `amount`, until the rate is `limit` in a second again.
    pub fn wait(&mut self, limit: f64, amount: f64, now: Instant) -> Duration {
        let seconds = (self.total(now) + amount) / limit - self.window.seconds(now);
        match seconds > 0.0 {
            true => Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
            false => Duration::ZERO,
        }
    }

    /// Forgets what is older than the window. A time before the last one counts as that one.
    fn advance(&mut self, now: Instant) {
        let number = self.window.number(now);
        if number <= self.newest {
            return;
        }
        let (samples, first) = (self.window.samples, self.newest + 1);
        for old in first.max((number + 1).saturating_sub(samples))..=number {
            self.sums[(old % samples) as usize] = 0.0;
        }
        self.newest = number;
        // Added anew, so that no error of rounding stays.
        self.total = self.sums.iter().sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_000_000_000_000;

    fn at(ms: u64) -> Instant {
        Instant(START + ms * 1_000_000)
    }

    /// What the meter must know, from all that ever happened.
    fn expected(used: &[(u64, f64)], window: Window, now: Instant) -> f64 {
        let oldest = (window.number(now) + 1).saturating_sub(window.samples);
        used.iter().filter(|(ms, _)| window.number(at(*ms)) >= oldest).map(|(_, amount)| amount).sum()
    }

    #[test]
    fn a_meter_knows_the_sum_of_the_windows_samples_whenever_it_is_asked() {
        let mut random = 7_u64;
        let mut next = move |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for (samples, seconds) in [(11, 1), (1, 1), (2, 3), (64, 1), (5, 2)] {
            let window = Window::new(samples, seconds);
            let (mut meter, mut used, mut ms) = (Meter::new(window), Vec::new(), 0);
            for _ in 0..2000 {
                ms += match next(20) {
                    0 => next(30_000),
                    _ => next(400),
                };
                if next(3) > 0 {
                    let amount = next(1000) as f64;
                    meter.add(amount, at(ms));
                    used.push((ms, amount));
                }
                assert_eq!(meter.total(at(ms)), expected(&used, window, at(ms)), "{window:?} at {ms}");
            }
        }
    }

    #[test]
    fn who_waits_as_long_as_told_is_within_the_quota_again() {
        // As Kafka: the time is told as if no new sample began meanwhile.
        let window = Window::new(11, 10);
        for over in [1.0, 50.0, 400.0, 999.0] {
            let mut meter = Meter::new(window);
            meter.add(10_000.0 + over, at(0));
            let wait = meter.wait(100.0, 0.0, at(0));
            assert!((wait.as_secs_f64() - over / 100.0).abs() < 1e-9, "{wait:?}");
            let later = at(0).after(wait + Duration::from_micros(1));
            assert_eq!(meter.wait(100.0, 0.0, later), Duration::ZERO);
            let sooner = at(0).after(wait - Duration::from_micros(1));
            assert!(meter.wait(100.0, 0.0, sooner) > Duration::ZERO);
        }
    }

    #[test]
    fn who_uses_whenever_allowed_keeps_to_the_quota() {
        for (samples, seconds, limit, amount) in [(11, 1, 1000.0, 70.0), (2, 1, 50.0, 20.0), (5, 2, 1000.0, 2000.0)] {
            let window = Window::new(samples, seconds);
            let (mut meter, mut now, mut used) = (Meter::new(window), at(0), 0.0);
            let (begin, end) = (at(60_000), at(660_000));
            while now < end {
                meter.add(amount, now);
                used += if now >= begin { amount } else { 0.0 };
                now = now.after(meter.wait(limit, 0.0, now) + Duration::from_millis(1));
            }
            let rate = used / 600.0;
            assert!(rate <= limit * 1.01 && rate >= limit * 0.9, "{rate} of {limit}");
        }
    }

    #[test]
    fn very_many_samples_are_fewer_longer_ones() {
        let window = Window::new(1_000_000, 1);
        assert!(window.samples <= limits::QUOTA_SAMPLES && window.whole_seconds() > 900_000.0, "{window:?}");
        let largest = Window::new(u64::MAX, u64::MAX);
        assert!(largest.samples <= limits::QUOTA_SAMPLES && largest.whole_seconds().is_finite());
        assert_eq!(Window::new(0, 0), Window::new(1, 1));
    }

    #[test]
    fn a_clock_that_stands_or_falls_loses_nothing() {
        let mut meter = Meter::new(Window::new(3, 1));
        meter.add(5.0, at(5000));
        meter.add(1.0, at(2000));
        assert_eq!((meter.total(at(1000)), meter.total(at(7999)), meter.total(at(8000))), (6.0, 6.0, 0.0));
    }
}
