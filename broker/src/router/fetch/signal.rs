//! What wakes a waiting fetch, and where the notes of owners arrive meanwhile.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::{
    core::env::NetEnv,
    core_state::Core,
    limits,
    partition::{read::Fetched, watchers::Key},
};

/// How long a fetch waits that may wait for `max_wait`. Never longer, and a little less where the core is awake anyway: what
/// a core without work costs is how often it wakes.
pub(super) fn patience<E: NetEnv>(core: &Core<E>, max_wait: Duration) -> impl Future<Output = ()> + 'static {
    let now = core.env.now();
    core.env.sleep_between(now.after(max_wait - max_wait / limits::FETCH_IMPATIENCE), now.after(max_wait))
}

/// A bell that one fetch waits for.
#[derive(Default)]
pub(super) struct Signal {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Signal {
    pub(super) fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// It did not ring yet.
    pub(super) fn reset(&self) {
        self.rung.set(false);
    }

    pub(super) async fn rung(&self) {
        poll_fn(|context| self.poll_rung(context)).await;
    }

    /// `None` if it did not ring in time.
    pub(super) async fn rung_within<E: NetEnv>(&self, core: &Core<E>, time: Duration) -> Option<()> {
        let timer = pin!(patience(core, time));
        self.rung_before(timer).await
    }

    /// `None` if it did not ring before `timer` was over.
    pub(super) async fn rung_before(&self, mut timer: Pin<&mut impl Future<Output = ()>>) -> Option<()> {
        poll_fn(|context| {
            if self.poll_rung(context).is_ready() {
                return Poll::Ready(Some(()));
            }
            timer.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    fn poll_rung(&self, context: &Context<'_>) -> Poll<()> {
        if self.rung.get() {
            return Poll::Ready(());
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

/// What the owner of a share said about the present fetch.
pub(in crate::router) struct Notes {
    /// The fetch's number: what was said about those before it says nothing.
    round: Cell<u32>,
    bell: Rc<Signal>,
    pub(super) stirred: RefCell<Option<Vec<(Key, u64)>>>,
    pub(super) done: RefCell<Option<Vec<(Key, Fetched)>>>,
}

impl Notes {
    pub(super) fn new(bell: Rc<Signal>) -> Self {
        Self { round: Cell::new(0), bell, stirred: RefCell::default(), done: RefCell::default() }
    }

    pub(super) fn next_round(&self) -> u32 {
        self.stirred.take();
        self.done.take();
        self.round.set(self.round.get().wrapping_add(1));
        self.round.get()
    }

    pub(super) fn ready(&self, round: u32, stirred: Vec<(Key, u64)>) {
        if round == self.round.get() {
            self.stirred.replace(Some(stirred));
            self.bell.ring();
        }
    }

    pub(super) fn done(&self, round: u32, fetched: Vec<(Key, Fetched)>) {
        if round == self.round.get() {
            self.done.replace(Some(fetched));
            self.bell.ring();
        }
    }
}
