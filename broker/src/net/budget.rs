//! One core's bound on the memory of its connections: requests received and responses not yet sent.
//!
//! A request's bytes are reserved before they are received in full, and kept until its response has left. When the
//! bound is reached, sockets are not read until something is given back. Responses that hold log data are cut to a
//! share of what is left ([`Budget::share`]), so that readers who ask for much and take nothing cannot starve others; and
//! requests that are not there in full may hold a part of it only, so that those who announce much and send half cannot.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use crate::limits;

/// A core's budget of connection memory, in bytes.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: Cell<usize>,
    /// Of these for requests that are not there in full.
    partial: Cell<usize>,
    waiting: RefCell<VecDeque<Waker>>,
}

/// Bytes taken out of a [`Budget`]; dropping gives them back.
#[derive(Debug)]
pub struct Reservation {
    budget: Rc<Budget>,
    bytes: usize,
    partial: bool,
}

impl Budget {
    /// A budget of `limit` bytes.
    pub fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self { limit, used: Cell::new(0), partial: Cell::new(0), waiting: RefCell::default() })
    }

    /// Bytes reserved now.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// Takes `bytes` as soon as the budget is not exhausted. The last to get in may overdraw it by its own size, so
    /// that something larger than the budget passes too.
    pub async fn reserve(self: &Rc<Self>, bytes: usize) -> Reservation {
        poll_fn(|context| {
            if self.used.get() < self.limit {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push_back(context.waker().clone());
            Poll::Pending
        })
        .await;
        self.take(bytes)
    }

    /// Takes `bytes` at once, overdrawing if need be: for what is already in memory.
    pub fn take(self: &Rc<Self>, bytes: usize) -> Reservation {
        self.used.set(self.used.get() + bytes);
        Reservation { budget: self.clone(), bytes, partial: false }
    }

    /// As [`Budget::take`], for a request that is not there in full.
    pub fn take_partial(self: &Rc<Self>, bytes: usize) -> Reservation {
        let mut taken = Reservation { budget: self.clone(), bytes: 0, partial: true };
        taken.resize(bytes);
        taken
    }

    /// Whether a request that is not there in full may take more; else wakes when to ask again.
    pub fn poll_room_for_partial(&self, context: &Context<'_>) -> Poll<()> {
        if self.used.get() < self.limit && self.partial.get() < self.limit / limits::PARTIAL_SHARE {
            return Poll::Ready(());
        }
        self.waiting.borrow_mut().push_back(context.waker().clone());
        Poll::Pending
    }

    /// Whether somebody waits.
    pub fn is_pressed(&self) -> bool {
        !self.waiting.borrow().is_empty()
    }

    /// Takes `bytes` for something that can be done without, while less than half of the budget is in use.
    pub fn take_spare(self: &Rc<Self>, bytes: usize) -> Option<Reservation> {
        (self.used.get() + bytes <= self.limit / 2).then(|| self.take(bytes))
    }

    /// How much of `wanted` bytes of log data one response may carry now: a share of what is left, never less than
    /// [`limits::FETCH_SHARE_MIN`].
    pub fn share(&self, wanted: usize) -> usize {
        let left = self.limit.saturating_sub(self.used.get());
        wanted.min((left / limits::FETCH_SHARE).max(limits::FETCH_SHARE_MIN))
    }

    fn give_back(&self, bytes: usize, partial: bool) {
        self.used.set(self.used.get() - bytes);
        if partial {
            self.partial.set(self.partial.get() - bytes);
        }
        if self.used.get() < self.limit {
            // All of them: each takes its part only if there is still some when its turn comes.
            for waker in self.waiting.take() {
                waker.wake();
            }
        }
    }
}

impl Reservation {
    /// Bytes reserved.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Now `bytes` are needed, whether more or fewer.
    pub fn resize(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        if bytes >= before {
            self.budget.used.set(self.budget.used.get() + (bytes - before));
            if self.partial {
                self.budget.partial.set(self.budget.partial.get() + (bytes - before));
            }
        } else {
            self.budget.give_back(before - bytes, self.partial);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.give_back(self.bytes, self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        task::{Context, Poll, Waker},
    };

    use super::*;

    fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let budget = Budget::new(100);
        let mut first = poll(budget.reserve(60)).unwrap();
        let second = poll(budget.reserve(60)).expect("the last one in may overdraw");
        assert!(poll(budget.reserve(1)).is_none());
        drop(second);
        drop(poll(budget.reserve(1)).unwrap());
        first.resize(100);
        assert!(poll(budget.reserve(1)).is_none());
        first.resize(10);
        assert_eq!(budget.used(), 10);
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_can_be_done_without_takes_half_of_it_at_most() {
        let budget = Budget::new(100);
        let _half = budget.take_spare(50).expect("half is free");
        assert!(budget.take_spare(1).is_none());
        assert!(poll(budget.reserve(50)).is_some(), "the rest is for requests");
    }

    #[test]
    fn requests_sent_by_half_leave_room_for_those_sent_in_full() {
        let budget = Budget::new(100);
        let mut half = budget.take_partial(0);
        let room = || budget.poll_room_for_partial(&Context::from_waker(Waker::noop())).is_ready();
        assert!(room());
        half.resize(60);
        assert!(!room() && budget.is_pressed());
        drop(poll(budget.reserve(30)).expect("the rest is for others"));
        drop(half);
        assert!(room() && !budget.is_pressed());
    }

    #[test]
    fn five_hundred_readers_that_take_nothing_leave_room_for_the_next() {
        let limit = 64 << 20;
        let budget = Budget::new(limit);
        let held: Vec<_> = (0..500).map(|_| budget.take(budget.share(50 << 20))).collect();
        assert!(budget.used() <= limit + 500 * limits::FETCH_SHARE_MIN);
        assert!(budget.share(50 << 20) >= limits::FETCH_SHARE_MIN);
        drop(held);
        assert_eq!(budget.used(), 0);
    }
}
