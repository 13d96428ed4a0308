//! Whether committed offsets wait a moment for others', so that they share a write to the disk. No I/O, no clock.
//!
//! Offsets come from many groups, each now and then; written as each comes they cost the disk a write and the core a wake
//! each. The first of a *round* waits for at most [`LingerMachine::new`]'s time; once half of it is over, the next that
//! comes ends the round, in the wake that brought it. A round that nobody joined was for nothing: after it some pass
//! without waiting, twice as many each time. So a client that commits and waits for the answer, over and over, is held
//! up once in [`PASSES`] at most.
//!
//! **Inputs**: [`arrived`](LingerMachine::arrived) (offsets to be written), [`ended`](LingerMachine::ended) (the round
//! is over: all of it is being written).
//!
//! **Effect**: [`Arrival`], what becomes of what came.
//!
//! **Invariants**
//! - Nothing waits longer than the time given.
//! - Of rounds that nobody joins there are ever fewer, down to one for [`PASSES`] arrivals.

use std::time::Duration;

use corelog_storage::env::Instant;

/// The most that pass after a round that nobody joined.
const PASSES: u32 = 63;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct LingerMachine {
    longest: Duration,
    round: Option<Round>,
    /// So many pass without waiting; so many did after the last round that nobody joined.
    pass: u32,
    passed: u32,
}

#[derive(Debug)]
struct Round {
    half: Instant,
    joined: bool,
}

/// What becomes of offsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// They are written at once.
    Passes,
    /// They begin a round, which ends then at the latest.
    Begins(Instant),
    /// They wait for the end of the round.
    Joins,
    /// They join the round, which ends now.
    Ends,
}

impl LingerMachine {
    /// A machine that lets offsets wait for at most `longest`.
    pub(super) fn new(longest: Duration) -> Self {
        Self { longest, round: None, pass: 0, passed: 0 }
    }

    /// Offsets are to be written.
    pub(super) fn arrived(&mut self, now: Instant) -> Arrival {
        if let Some(round) = &mut self.round {
            round.joined = true;
            return if now >= round.half { Arrival::Ends } else { Arrival::Joins };
        }
        if self.pass > 0 || self.longest.is_zero() {
            self.pass = self.pass.saturating_sub(1);
            return Arrival::Passes;
        }
        self.round = Some(Round { half: now.after(self.longest / 2), joined: false });
        Arrival::Begins(now.after(self.longest))
    }

    /// The round is over.
    pub(super) fn ended(&mut self) {
        if let Some(round) = self.round.take() {
            self.passed = if round.joined { 0 } else { (2 * self.passed + 1).min(PASSES) };
            self.pass = self.passed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_millis(10);

    fn at(us: u64) -> Instant {
        Instant(us * 1000)
    }

    /// How many writes `count` commits take that come every so many microseconds, and the longest wait in microseconds.
    fn open_loop(every_us: u64, count: u64) -> (u64, u64) {
        let mut machine = LingerMachine::new(LONGEST);
        let (mut writes, mut longest, mut round) = (0, 0, None);
        for now in (0..count).map(|number| number * every_us) {
            if let Some((began, ends)) = round.filter(|(_, ends)| *ends <= now) {
                machine.ended();
                (writes, longest, round) = (writes + 1, longest.max(ends - began), None);
            }
            match machine.arrived(at(now)) {
                Arrival::Passes => writes += 1,
                Arrival::Begins(until) => round = Some((now, until.0 / 1000)),
                Arrival::Joins => {}
                Arrival::Ends => {
                    let (began, _) = round.take().expect("a round");
                    machine.ended();
                    (writes, longest) = (writes + 1, longest.max(now - began));
                }
            }
        }
        (writes, longest)
    }

    #[test]
    fn what_comes_often_shares_writes_and_waits_half_the_time_and_one_more() {
        let (writes, longest) = open_loop(2000, 4000);
        assert_eq!((writes, longest), (1000, 6000));
        let (writes, longest) = open_loop(100, 51_000);
        assert_eq!((writes, longest), (1000, 5000));
    }

    #[test]
    fn what_comes_seldom_passes_but_for_one_in_many() {
        let (writes, longest) = open_loop(1_000_000, 6400);
        assert!((6399..=6400).contains(&writes) && longest == 10_000, "{writes} writes, {longest} us");
        let mut machine = LingerMachine::new(LONGEST);
        let mut waited = 0;
        for number in 0..6400 {
            if matches!(machine.arrived(at(number * 300)), Arrival::Begins(_)) {
                waited += 1;
                machine.ended();
            }
        }
        assert!(waited <= 6400 / 64 + 6, "a client alone was held up {waited} times");
    }

    #[test]
    fn company_is_found_again() {
        let mut machine = LingerMachine::new(LONGEST);
        for number in 0..1000 {
            if machine.arrived(at(number)) != Arrival::Passes {
                machine.ended();
            }
        }
        while machine.arrived(at(0)) == Arrival::Passes {}
        assert_eq!(machine.arrived(at(1)), Arrival::Joins);
        machine.ended();
        assert_eq!(machine.arrived(at(2)), Arrival::Begins(at(10_002)), "who is joined once waits from then on");
    }

    #[test]
    fn without_time_nothing_waits() {
        let mut machine = LingerMachine::new(Duration::ZERO);
        assert!((0..100).all(|number| machine.arrived(at(number)) == Arrival::Passes));
    }
}
