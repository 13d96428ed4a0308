//! The timers of a coordinator, as a value: what fires when, in a defined order.

use std::collections::{BTreeMap, BTreeSet};

use corelog_storage::env::Instant;

use super::names::{Generation, GroupId, MemberId};

/// What a timer is for. One timer of each name at most; arming it again moves it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum TimerName {
    /// A member's session ends unless it gave a sign of life meanwhile.
    Session(GroupId, MemberId),
    /// The join phase ends, with or without those who did not rejoin.
    Join(GroupId),
    /// Members that joined this generation and never synced are removed.
    Sync(GroupId, Generation),
    /// Offsets and groups past their retention are looked for.
    Retention,
}

/// All timers, by deadline.
#[derive(Default, Debug)]
pub(super) struct Timers {
    by_deadline: BTreeSet<(Instant, TimerName)>,
    deadlines: BTreeMap<TimerName, Instant>,
}

impl Timers {
    /// Lets `name` fire at `deadline`, in place of any earlier wish.
    pub(super) fn arm(&mut self, name: TimerName, deadline: Instant) {
        if let Some(old) = self.deadlines.insert(name.clone(), deadline) {
            self.by_deadline.remove(&(old, name.clone()));
        }
        self.by_deadline.insert((deadline, name));
    }

    /// `name` shall not fire.
    pub(super) fn cancel(&mut self, name: &TimerName) {
        if let Some(old) = self.deadlines.remove(name) {
            self.by_deadline.remove(&(old, name.clone()));
        }
    }

    /// When the next one fires.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.by_deadline.first().map(|(deadline, _)| *deadline)
    }

    /// Takes the first timer due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<TimerName> {
        let (deadline, _) = self.by_deadline.first()?;
        if *deadline > now {
            return None;
        }
        let (_, name) = self.by_deadline.pop_first().expect("it was just seen");
        self.deadlines.remove(&name);
        Some(name)
    }

    /// When `name` fires, if it is armed.
    pub(super) fn deadline(&self, name: &TimerName) -> Option<Instant> {
        self.deadlines.get(name).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arming_again_moves_a_timer_and_firing_removes_it() {
        let mut timers = Timers::default();
        timers.arm(TimerName::Retention, Instant(5));
        timers.arm(TimerName::Join("g".into()), Instant(3));
        timers.arm(TimerName::Retention, Instant(9));
        assert_eq!(timers.next_deadline(), Some(Instant(3)));
        assert_eq!(timers.pop_due(Instant(8)), Some(TimerName::Join("g".into())));
        assert_eq!(timers.pop_due(Instant(8)), None);
        assert_eq!(timers.deadline(&TimerName::Retention), Some(Instant(9)));
        timers.cancel(&TimerName::Retention);
        assert_eq!(timers.next_deadline(), None);
    }
}
