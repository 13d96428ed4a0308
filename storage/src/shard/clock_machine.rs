//! The time that retention goes by: the wall clock, but for jumps.
//!
//! What is deleted for its age is gone for good, so an hour in which the wall clock is wrong must not cost a log. A step
//! forward by more than [`CLOCK_STEP`] is followed only once it lasted for [`CLOCK_BELIEVED`]; until then time goes on at
//! the monotonic clock's pace. A step back is followed at once: it only makes everything seem younger.
//!
//! Input: both clocks. Output: the time. Invariant: between two askings, time never gains more on the monotonic clock
//! than [`CLOCK_STEP`], but for a step that lasted.

use crate::{
    env::Instant,
    limits::{CLOCK_BELIEVED, CLOCK_STEP},
};

/// The time that retention goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockMachine {
    /// A time, in ms since 1970, and the monotonic clock then.
    told: (i64, Instant),
    /// Since when the wall clock has been ahead of what is told.
    ahead_since: Option<Instant>,
}

/// What the machine makes of the wall clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reading {
    /// It is believed.
    Time(i64),
    /// It has just been found ahead, by so many ms: time is told as if it were not.
    Jumped(i64, i64),
    /// It is still ahead.
    Ahead(i64),
    /// It was ahead for so long that it is believed from now on.
    Believed(i64),
}

impl Reading {
    /// The time to go by, in ms since 1970.
    pub(super) fn time(self) -> i64 {
        match self {
            Self::Time(time) | Self::Jumped(time, _) | Self::Ahead(time) | Self::Believed(time) => time,
        }
    }
}

impl ClockMachine {
    /// Believes the wall clock as it is.
    pub(super) fn new(wall_ms: i64, now: Instant) -> Self {
        Self { told: (wall_ms, now), ahead_since: None }
    }

    /// The time, given what the clocks say.
    pub(super) fn read(&mut self, wall_ms: i64, now: Instant) -> Reading {
        let passed = i64::try_from(now.since(self.told.1).as_millis()).unwrap_or(i64::MAX);
        let expected = self.told.0.saturating_add(passed);
        let ahead = wall_ms.saturating_sub(expected);
        if ahead <= CLOCK_STEP.as_millis() as i64 {
            *self = Self::new(wall_ms, now);
            return Reading::Time(wall_ms);
        }
        match self.ahead_since {
            None => {
                self.ahead_since = Some(now);
                Reading::Jumped(expected, ahead)
            }
            Some(since) if now.since(since) < CLOCK_BELIEVED => Reading::Ahead(expected),
            Some(_) => {
                *self = Self::new(wall_ms, now);
                Reading::Believed(wall_ms)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const MINUTE: u64 = 60_000;
    const DAY: u64 = 1_440 * MINUTE;
    const YEAR: i64 = 365 * DAY as i64;

    fn at(ms: u64) -> Instant {
        Instant(0).after(Duration::from_millis(ms))
    }

    #[test]
    fn a_jump_forward_is_not_followed_until_it_lasted() {
        let mut clock = ClockMachine::new(1_000, at(0));
        assert_eq!(clock.read(1_500, at(500)), Reading::Time(1_500));
        assert_eq!(clock.read(1_000 + YEAR, at(1_000)), Reading::Jumped(2_000, YEAR - 1_000));
        assert_eq!(clock.read(1_000 + YEAR, at(DAY / 2)), Reading::Ahead(1_000 + DAY as i64 / 2));
        assert_eq!(
            clock.read(1_000 + DAY as i64 / 2 + 9, at(DAY / 2 + 9)).time(),
            1_009 + DAY as i64 / 2,
            "it is right again"
        );
        assert!(matches!(clock.read(YEAR, at(DAY)), Reading::Jumped(..)), "another jump lasts from its own beginning");
        assert_eq!(clock.read(YEAR, at(2 * DAY - 1)), Reading::Ahead(1_000 + 2 * DAY as i64 - 1));
        assert_eq!(clock.read(YEAR, at(2 * DAY)), Reading::Believed(YEAR));
        assert_eq!(clock.read(YEAR + 1, at(2 * DAY + 1)), Reading::Time(YEAR + 1));
    }

    #[test]
    fn a_step_back_and_a_small_step_forward_are_followed_at_once() {
        let mut clock = ClockMachine::new(YEAR, at(0));
        assert_eq!(clock.read(5, at(1)), Reading::Time(5));
        assert_eq!(clock.read(5 + MINUTE as i64, at(1)), Reading::Time(5 + MINUTE as i64));
        assert_eq!(clock.read(7 + 2 * MINUTE as i64, at(2)).time(), 6 + MINUTE as i64, "one ms too much");
    }
}
