//! A core's timers: who sleeps until when. The pump fires them, and blocks no longer than until the next.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use corelog_storage::env::Instant;

/// By deadline, then by number; removed when fired or when the sleeper is dropped, so that timers which hardly ever
/// fire (session and request time-outs) do not pile up.
#[derive(Default)]
pub(super) struct Timers {
    sleepers: RefCell<BTreeMap<(Instant, u64), Waker>>,
    next: Cell<u64>,
}

impl Timers {
    pub(super) fn sleep_until(self: &Rc<Self>, deadline: Instant) -> Sleep {
        Sleep { timers: self.clone(), deadline, number: None }
    }

    /// The earliest deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.sleepers.borrow().keys().next().map(|(deadline, _)| *deadline)
    }

    /// Wakes everyone whose deadline has passed.
    pub(super) fn fire(&self, now: Instant) {
        if self.next_deadline().is_none_or(|first| first > now) {
            return;
        }
        let due = {
            let mut sleepers = self.sleepers.borrow_mut();
            let later = sleepers.split_off(&(Instant(now.0 + 1), 0));
            std::mem::replace(&mut *sleepers, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

/// Resolves at its deadline; a deadline in the past still gives way once, to everything else that can run.
pub(super) struct Sleep {
    timers: Rc<Timers>,
    deadline: Instant,
    /// Set once it is among the sleepers.
    number: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let number = match self.number {
            Some(number) => {
                if !self.timers.sleepers.borrow().contains_key(&(self.deadline, number)) {
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
        let key = (self.deadline, number);
        self.timers.sleepers.borrow_mut().insert(key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let waker = self.timers.sleepers.borrow_mut().remove(&(self.deadline, number));
            drop(waker);
        }
    }
}
