//! Whether the next frame waits a moment for more records. No I/O, no clock.
//!
//! Producers send the next request when they have the answer to the last, so what comes in the time of a write after a
//! commit is what that commit called for. A frame written at once takes the first of them alone, and the others wait for
//! the next write: two groups alternate, and each write serves half of what it could.
//!
//! After each commit there is a *window*, as long as a write takes. Where windows bring two records or more, the next
//! frame waits until as many came as a window brings. What comes in the rest of the window, while that frame is being
//! written, still counts: so it is learned when more come. Slower traffic does not wait.
//!
//! 16 producers of 100 bytes, one request in flight each, on two cores: 4.4 to 5.8 records in a frame where 3.5 were; in 12
//! rounds side by side 0.86 to 1.05x of the CPU per request, median 0.91x.
//!
//! **Inputs**: [`committed`](HoldMachine::committed) (a commit ended, and nothing is being written),
//! [`arrived`](HoldMachine::arrived) (a record).
//!
//! **Effect**: [`until`](HoldMachine::until), what the next frame waits for.
//!
//! **Invariants**
//! - Nothing waits longer than a write takes, nor than the limit given.
//! - Where fewer than two records come in a window, nothing waits.

use std::time::Duration;

use crate::env::Instant;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct HoldMachine {
    longest: Duration,
    /// A running mean of what a durable write takes.
    write: Duration,
    window: Option<Window>,
    /// A running mean of what a window brings, in parts of [`RECORD`].
    brings: u32,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    ends: Instant,
    arrived: u32,
}

const RECORD: u32 = 16;
/// The weight of the newest in a running mean is one of this many parts.
const PARTS: u32 = 8;

impl HoldMachine {
    /// A machine that lets a frame wait for at most `longest`.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, write: Duration::ZERO, window: None, brings: 0 }
    }

    /// A commit ended whose write took `took`, and no other write is under way.
    pub(super) fn committed(&mut self, took: Duration, now: Instant) {
        self.judge(now);
        self.write = (self.write * (PARTS - 1) + took) / PARTS;
        let ends = now.after(self.write.min(self.longest));
        self.window = (ends > now).then_some(Window { ends, arrived: 0 });
    }

    /// Takes note of what the last window brought, if it has ended.
    fn judge(&mut self, now: Instant) {
        if let Some(window) = self.window.take_if(|window| window.ends <= now) {
            self.brings = (self.brings * (PARTS - 1) + window.arrived.min(u32::MAX / 1024) * RECORD) / PARTS;
        }
    }

    /// Whether a record that arrives now is to be reported.
    pub(super) fn counts(&self) -> bool {
        self.window.is_some()
    }

    /// A record came.
    pub(super) fn arrived(&mut self, now: Instant) {
        self.judge(now);
        if let Some(window) = &mut self.window {
            window.arrived += 1;
        }
    }

    /// How long the next frame should still wait, if at all.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        let window = self.window.filter(|window| self.brings >= 2 * RECORD && now < window.ends)?;
        (window.arrived * RECORD < self.brings).then_some(window.ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: Duration = Duration::from_micros(100);

    fn at(us: u64) -> Instant {
        Instant(us * 1000)
    }

    /// A machine after many commits, each followed by `records`, `apart_us` apart; and the time of the next commit.
    fn trained(records: u64, apart_us: u64) -> (HoldMachine, u64) {
        let mut machine = HoldMachine::new(Duration::from_micros(200));
        for round in 0..160 {
            machine.committed(WRITE, at(round * 1000));
            for number in 1..=records {
                machine.arrived(at(round * 1000 + number * apart_us));
            }
        }
        (machine, 160_000)
    }

    #[test]
    fn waits_until_as_many_are_there_as_usual() {
        let (mut machine, now) = trained(4, 5);
        machine.committed(WRITE, at(now));
        for number in 1..=3 {
            machine.arrived(at(now + number));
            assert!(machine.until(at(now + number)).is_some(), "only {number} are there");
        }
        machine.arrived(at(now + 4));
        assert_eq!(machine.until(at(now + 4)), None);
    }

    #[test]
    fn waits_no_longer_than_a_write_takes_or_the_limit() {
        let (mut machine, now) = trained(4, 5);
        machine.committed(WRITE, at(now));
        let until = machine.until(at(now)).expect("they came back so far");
        assert!(until <= at(now + 100));
        assert_eq!(machine.until(until), None);
        let (mut machine, now) = trained(4, 5);
        machine.committed(Duration::from_secs(1), at(now));
        assert!(machine.until(at(now)).expect("waits") <= at(now + 200));
    }

    #[test]
    fn slow_traffic_does_not_wait() {
        for (records, apart_us) in [(1, 5), (1, 200), (5, 80)] {
            let (mut machine, now) = trained(records, apart_us);
            machine.committed(WRITE, at(now));
            assert_eq!(machine.until(at(now)), None);
        }
    }

    #[test]
    fn waits_no_more_when_they_stop_coming() {
        let (mut machine, mut now) = trained(4, 5);
        for _ in 0..8 {
            machine.committed(WRITE, at(now));
            now += 1000;
        }
        machine.committed(WRITE, at(now));
        assert_eq!(machine.until(at(now)), None);
    }

    #[test]
    fn learns_that_more_come() {
        let (mut machine, mut now) = trained(2, 5);
        for _ in 0..40 {
            machine.committed(WRITE, at(now));
            (1..=8).for_each(|number| machine.arrived(at(now + number)));
            now += 1000;
        }
        machine.committed(WRITE, at(now));
        for number in 1..=6 {
            machine.arrived(at(now + number));
        }
        assert!(machine.until(at(now + 6)).is_some(), "eight come by now");
    }
}
