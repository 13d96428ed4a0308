//! Bounds on what reads may hold: bytes in flight, and indexes kept.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::{
    ids::Offset,
    limits::OPEN_INDEXES,
    log::{index::Entry, state::LogNumber},
};

/// A number of bytes that reads in flight may hold together.
pub(crate) struct ReadBudget {
    limit: usize,
    used: Cell<usize>,
    waiting: RefCell<VecDeque<Waker>>,
}

impl ReadBudget {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, used: Cell::new(0), waiting: RefCell::default() }
    }

    /// Waits until `bytes` fit, or nothing else is in flight.
    pub(crate) async fn acquire(&self, bytes: usize) -> Permit<'_> {
        poll_fn(|context| {
            if self.used.get() == 0 || self.used.get() + bytes <= self.limit {
                self.used.set(self.used.get() + bytes);
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push_back(context.waker().clone());
            Poll::Pending
        })
        .await;
        Permit { budget: self, bytes }
    }
}

/// Bytes of a [`ReadBudget`], given back on drop.
pub(crate) struct Permit<'a> {
    budget: &'a ReadBudget,
    bytes: usize,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.budget.used.set(self.budget.used.get() - self.bytes);
        for waker in std::mem::take(&mut *self.budget.waiting.borrow_mut()) {
            waker.wake();
        }
    }
}

type IndexKey = (LogNumber, Offset, u32);

/// What is kept, and in which order it came.
type Kept = (BTreeMap<IndexKey, Rc<[Entry]>>, VecDeque<IndexKey>);

/// The parts of indexes that were read from their files last. An index that grew has another key.
#[derive(Default)]
pub(crate) struct Indexes {
    kept: RefCell<Kept>,
}

impl Indexes {
    pub(crate) fn get(&self, log: LogNumber, base: Offset, entries: u32) -> Option<Rc<[Entry]>> {
        self.kept.borrow().0.get(&(log, base, entries)).cloned()
    }

    pub(crate) fn keep(&self, log: LogNumber, base: Offset, entries: u32, index: Rc<[Entry]>) {
        let (kept, order) = &mut *self.kept.borrow_mut();
        if kept.insert((log, base, entries), index).is_none() {
            order.push_back((log, base, entries));
        }
        if order.len() > OPEN_INDEXES
            && let Some(oldest) = order.pop_front()
        {
            kept.remove(&oldest);
        }
    }
}
