//! Whose partitions a connection's requests are about, and so which core it should be on. Pure: no I/O.
//!
//! A connection that keeps asking for what one other core owns costs a hop each way for every request; moved there
//! once, it costs none. One whose requests are about several cores stays where it is.

use std::cell::Cell;

use corelog_storage::env::Instant;

use crate::{core::env::CoreId, limits};

/// What one connection asked for, counted since it came to its core.
#[derive(Debug)]
pub struct Traffic {
    here: CoreId,
    /// When it came from another core.
    moved: Option<Instant>,
    /// The core that most was asked of lately, and by how much more than of all others.
    leader: Cell<(CoreId, u32)>,
}

impl Traffic {
    /// Of a connection on core `here`, moved there at `moved`, if it was.
    pub fn new(here: CoreId, moved: Option<Instant>) -> Self {
        Self { here, moved, leader: Cell::new((here, 0)) }
    }

    /// A request was about partitions of these cores. None at all says nothing.
    pub fn asked(&self, mut owners: impl Iterator<Item = CoreId>) {
        let Some(owner) = owners.next() else { return };
        let alone = owners.all(|other| other == owner);
        let (leader, lead) = self.leader.get();
        self.leader.set(match (alone, owner == leader) {
            (true, true) => (leader, (lead + 1).min(limits::HAND_OVER_LEAD)),
            (true, false) if lead == 0 => (owner, 1),
            _ => (leader, lead.saturating_sub(limits::HAND_OVER_SETBACK)),
        });
    }

    /// The core this connection should move to; `now` is read only if there is one. Partitions left this core at `left`: one
    /// that came before follows them at once.
    pub fn destination(&self, now: impl FnOnce() -> Instant, left: Option<Instant>) -> Option<CoreId> {
        let (leader, lead) = self.leader.get();
        let ahead = leader != self.here && lead >= limits::HAND_OVER_LEAD;
        let may = |moved| left > Some(moved) || now().since(moved) >= limits::HAND_OVER_REST;
        (ahead && self.moved.is_none_or(may)).then_some(leader)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HERE: CoreId = CoreId(0);
    const THERE: CoreId = CoreId(1);
    const ZERO: Instant = Instant(0);

    fn ask(traffic: &Traffic, owners: &[CoreId], times: u32) {
        for _ in 0..times {
            traffic.asked(owners.iter().copied());
        }
    }

    #[test]
    fn a_connection_goes_where_its_requests_go() {
        let traffic = Traffic::new(HERE, None);
        ask(&traffic, &[THERE, THERE], limits::HAND_OVER_LEAD - 1);
        assert_eq!(traffic.destination(|| ZERO, None), None, "not at the first requests");
        ask(&traffic, &[], 100);
        assert_eq!(traffic.destination(|| ZERO, None), None, "requests about nothing do not count");
        ask(&traffic, &[THERE], 1);
        assert_eq!(traffic.destination(|| ZERO, None), Some(THERE));
    }

    #[test]
    fn one_that_asks_several_cores_stays() {
        let traffic = Traffic::new(HERE, None);
        ask(&traffic, &[THERE, HERE], 1000);
        for _ in 0..1000 {
            ask(&traffic, &[THERE], 3);
            ask(&traffic, &[CoreId(2)], 1);
            assert_eq!(traffic.destination(|| ZERO, None), None);
        }
    }

    #[test]
    fn one_that_changes_its_mind_moves_again_after_a_while() {
        let traffic = Traffic::new(HERE, Some(ZERO));
        ask(&traffic, &[HERE], 1000);
        ask(&traffic, &[THERE], 2 * limits::HAND_OVER_LEAD);
        let later = |wait: Duration| ZERO.after(wait);
        assert_eq!(traffic.destination(|| later(limits::HAND_OVER_REST - Duration::from_nanos(1)), None), None);
        assert_eq!(traffic.destination(|| later(limits::HAND_OVER_REST), None), Some(THERE));
    }

    #[test]
    fn one_follows_partitions_that_leave_at_once() {
        let came = ZERO.after(Duration::from_millis(10));
        let traffic = Traffic::new(HERE, Some(came));
        ask(&traffic, &[THERE], limits::HAND_OVER_LEAD);
        assert_eq!(traffic.destination(|| came, Some(ZERO)), None, "that was before it came");
        assert_eq!(traffic.destination(|| came, Some(came)), None);
        assert_eq!(traffic.destination(|| came, Some(came.after(Duration::from_nanos(1)))), Some(THERE));
    }
}
