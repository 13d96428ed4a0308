//! A core's timers: who sleeps until when. The pump fires them, and blocks no longer than until the next.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use corelog_storage::env::Instant;

/// Removed when fired or when the sleeper is dropped, so that timers which hardly ever fire (session and request
/// time-outs) do not pile up.
#[derive(Default)]
pub(super) struct Timers {
    /// By when they may be woken, then by number: each one's latest moment, and its waker.
    sleepers: RefCell<BTreeMap<(Instant, u64), (Instant, Waker)>>,
    /// When the core must be awake for them, likewise.
    deadlines: RefCell<BTreeSet<(Instant, u64)>>,
    next: Cell<u64>,
}

impl Timers {
    pub(super) fn sleep_between(self: &Rc<Self>, earliest: Instant, latest: Instant) -> Sleep {
        Sleep { timers: self.clone(), earliest, latest: latest.max(earliest), number: None }
    }

    /// The earliest moment that somebody cannot sleep through.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.borrow().first().map(|(deadline, _)| *deadline)
    }

    /// Wakes everyone who may be woken by now.
    pub(super) fn fire(&self, now: Instant) {
        if self.sleepers.borrow().first_key_value().is_none_or(|((first, _), _)| *first > now) {
            return;
        }
        let due = {
            let mut sleepers = self.sleepers.borrow_mut();
            let later = sleepers.split_off(&(Instant(now.0 + 1), 0));
            std::mem::replace(&mut *sleepers, later)
        };
        for ((_, number), (latest, waker)) in due {
            self.deadlines.borrow_mut().remove(&(latest, number));
            waker.wake();
        }
    }

    fn enter(&self, (earliest, latest): (Instant, Instant), number: u64, waker: Waker) {
        self.sleepers.borrow_mut().insert((earliest, number), (latest, waker));
        self.deadlines.borrow_mut().insert((latest, number));
    }

    fn leave(&self, earliest: Instant, number: u64) {
        let left = self.sleepers.borrow_mut().remove(&(earliest, number));
        if let Some((latest, _)) = left {
            self.deadlines.borrow_mut().remove(&(latest, number));
        }
    }

    fn has(&self, earliest: Instant, number: u64) -> bool {
        self.sleepers.borrow().contains_key(&(earliest, number))
    }
}

/// Resolves between its earliest and its latest moment; one whose time is over still gives way once, to everything else
/// that can run.
pub(super) struct Sleep {
    timers: Rc<Timers>,
    earliest: Instant,
    latest: Instant,
    /// Set once it is among the sleepers.
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let number = match self.number {
            Some(number) => {
                if !self.timers.has(self.earliest, number) {
                    self.number = None; // nothing to remove
                    return Poll::Ready(());
                }
                number
            }
            None => {
                let number = self.timers.next.get();
                self.timers.next.set(number + 1);
                number
            }
        };
        self.number = Some(number);
        self.timers.enter((self.earliest, self.latest), number, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.timers.leave(self.earliest, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn who_can_wait_is_woken_with_who_cannot_and_leaves_nothing_behind() {
        let timers = Rc::<Timers>::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut patient = pin!(timers.sleep_between(Instant(10), Instant(90)));
        let mut strict = pin!(timers.sleep_between(Instant(50), Instant(50)));
        assert!(patient.as_mut().poll(&mut context).is_pending() && strict.as_mut().poll(&mut context).is_pending());
        assert_eq!(timers.next_deadline(), Some(Instant(50)), "the core need not wake for the patient one");
        timers.fire(Instant(9));
        assert!(patient.as_mut().poll(&mut context).is_pending(), "nobody ends early");
        timers.fire(Instant(10));
        assert!(patient.as_mut().poll(&mut context).is_ready() && strict.as_mut().poll(&mut context).is_pending());
        {
            let mut dropped = pin!(timers.sleep_between(Instant(20), Instant(30)));
            assert!(dropped.as_mut().poll(&mut context).is_pending());
            assert_eq!(timers.next_deadline(), Some(Instant(30)));
        }
        assert_eq!(timers.next_deadline(), Some(Instant(50)));
        timers.fire(Instant(50));
        assert!(strict.as_mut().poll(&mut context).is_ready());
        assert_eq!(timers.next_deadline(), None);
    }
}
