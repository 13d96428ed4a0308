//! Whether the next frame waits a moment for more records. No I/O, no clock.
//!
//! Producers send the next request when they have the answer to the last, so what comes in the time of a write after a
//! commit is what that commit called for. A frame written at once takes the first of them alone, and the others wait for
//! the next write: two groups alternate, and each write serves half of what it could.
//!
//! After each commit there is a *window*, twice as long as a write takes. Where windows bring two records or more, the
//! next frame waits until as many came as a window brings. What comes in the rest of the window, while that frame is being
//! written, still counts: so it is learned when more come.
//!
//! Only what commits call for is worth waiting for. It comes in a bunch, so that some quarter of the window is nearly empty.
//! What comes of itself comes in all quarters alike, and does not wait; nor does what comes slowly.
//!
//! 16 producers of 100 bytes, one request in flight each, on two cores: a window brings 6 to 7 records.
//! Beside a window half as long: 0.85 to 0.97x of the CPU per request in 4 rounds. Open loop at 10,000/s: the same latency.
//!
//! **Inputs**: [`committed`](HoldMachine::committed) (a commit ended, and nothing is being written),
//! [`arrived`](HoldMachine::arrived) (a record).
//!
//! **Effect**: [`until`](HoldMachine::until), what the next frame waits for.
//!
//! **Invariants**
//! - Nothing waits longer than two writes take, nor than the limit given.
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
    /// Running means of what each quarter of a window brings, in parts of [`RECORD`].
    brings: [u32; QUARTERS],
}

#[derive(Clone, Copy, Debug)]
struct Window {
    begins: Instant,
    quarter: Duration,
    arrived: [u32; QUARTERS],
}

impl Window {
    /// How many of its quarters are over.
    fn over(&self, now: Instant) -> usize {
        let since = now.since(self.begins).as_nanos() / self.quarter.as_nanos();
        since.min(QUARTERS as u128) as usize
    }

    fn ends(&self) -> Instant {
        self.begins.after(self.quarter * QUARTERS as u32)
    }
}

const QUARTERS: usize = 4;
const RECORD: u32 = 64;
/// The weight of the newest in a running mean is one of this many parts.
const PARTS: u32 = 16;

impl HoldMachine {
    /// A machine that lets a frame wait for at most `longest`.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, write: Duration::ZERO, window: None, brings: [0; QUARTERS] }
    }

    /// A commit ended whose write took `took`, and no other write is under way.
    pub(super) fn committed(&mut self, took: Duration, now: Instant) {
        self.judge(now);
        self.write = (self.write * (PARTS - 1) + took) / PARTS;
        let quarter = (self.write * 2).min(self.longest) / QUARTERS as u32;
        let window = Window { begins: now, quarter, arrived: [0; QUARTERS] };
        self.window = (!quarter.is_zero()).then_some(window);
    }

    /// Takes note of what those quarters of the last window brought that are over.
    fn judge(&mut self, now: Instant) {
        let Some(window) = self.window else { return };
        for quarter in 0..window.over(now) {
            let arrived = window.arrived[quarter].min(u32::MAX / RECORD / PARTS);
            self.brings[quarter] = (self.brings[quarter] * (PARTS - 1) + arrived * RECORD) / PARTS;
        }
        self.window = None;
    }

    /// Whether a record that arrives now is to be reported.
    pub(super) fn counts(&self) -> bool {
        self.window.is_some()
    }

    /// A record came.
    pub(super) fn arrived(&mut self, now: Instant) {
        let Some(window) = &mut self.window else { return };
        let quarter = window.over(now);
        match window.arrived.get_mut(quarter) {
            Some(arrived) => *arrived += 1,
            None => self.judge(now),
        }
    }

    /// How long the next frame should still wait, if at all.
    pub(super) fn until(&self, now: Instant) -> Option<Instant> {
        let window = self.window.filter(|window| now < window.ends())?;
        let (brings, arrived): (u32, u32) = (self.brings.iter().sum(), window.arrived.iter().sum());
        let emptiest = self.brings.iter().min().copied().unwrap_or_default();
        let is_called_for = emptiest * 2 * QUARTERS as u32 <= brings;
        (brings >= 2 * RECORD && is_called_for && arrived * RECORD < brings).then(|| window.ends())
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
        let mut machine = HoldMachine::new(Duration::from_micros(400));
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
    fn waits_no_longer_than_two_writes_take_or_the_limit() {
        let (mut machine, now) = trained(4, 5);
        machine.committed(WRITE, at(now));
        let until = machine.until(at(now)).expect("they came back so far");
        assert!(until <= at(now + 200));
        assert_eq!(machine.until(until), None);
        let (mut machine, now) = trained(4, 5);
        machine.committed(Duration::from_secs(1), at(now));
        assert!(machine.until(at(now)).expect("waits") <= at(now + 400));
    }

    #[test]
    fn slow_traffic_does_not_wait() {
        for (records, apart_us) in [(1, 5), (1, 200), (5, 180)] {
            let (mut machine, now) = trained(records, apart_us);
            machine.committed(WRITE, at(now));
            assert_eq!(machine.until(at(now)), None);
        }
    }

    #[test]
    fn what_comes_of_itself_does_not_wait() {
        for apart_us in [10, 25, 50] {
            let mut machine = HoldMachine::new(Duration::from_micros(400));
            for round in 0..160 {
                machine.committed(WRITE, at(round * 1000));
                let phase = round * 7 % apart_us;
                (0..900 / apart_us).for_each(|number| machine.arrived(at(round * 1000 + phase + number * apart_us)));
            }
            machine.committed(WRITE, at(160_000));
            assert_eq!(machine.until(at(160_000)), None, "one each {apart_us} us");
        }
    }

    #[test]
    fn waits_for_clients_that_take_their_time() {
        let mut machine = HoldMachine::new(Duration::from_micros(400));
        for round in 0..160 {
            machine.committed(WRITE, at(round * 1000));
            (0..4).for_each(|number| machine.arrived(at(round * 1000 + 80 + number * 25)));
        }
        machine.committed(WRITE, at(160_000));
        assert!(machine.until(at(160_150)).is_some());
    }

    #[test]
    fn learns_from_windows_that_the_next_commit_cuts_short() {
        let mut machine = HoldMachine::new(Duration::from_micros(400));
        for round in 0..160 {
            machine.committed(WRITE, at(round * 160));
            (1..=4).for_each(|number| machine.arrived(at(round * 160 + number)));
        }
        machine.committed(WRITE, at(160 * 160));
        assert!(machine.until(at(160 * 160 + 3)).is_some());
    }

    #[test]
    fn waits_no_more_when_they_stop_coming() {
        let (mut machine, mut now) = trained(4, 5);
        for _ in 0..16 {
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
