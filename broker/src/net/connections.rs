//! The connections of one core, watched for stalled and idle ones, and all ended when the core stops.
//!
//! One task looks every second: connections only note which second it is, so that nothing on the path of a request
//! reads a clock or sets a timer for this.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    task::{Context, Waker},
    time::Duration,
};

use corelog_storage::env::{Env, Lane};

use crate::{limits, net::budget::Budget};

/// How a connection ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Ending {
    /// It does not.
    Open,
    /// Nothing more is read; what was asked is answered for a little while.
    AfterAnswers,
    /// At once.
    Now,
}

/// All connections of one core.
#[derive(Default)]
pub struct Connections {
    inner: Rc<Inner>,
}

#[derive(Default)]
struct Inner {
    open: RefCell<BTreeMap<u64, Rc<Watched>>>,
    next: Cell<u64>,
    /// Seconds that the watch has counted.
    second: Rc<Cell<u64>>,
    stopping: Cell<bool>,
}

/// What the watch knows of one connection, shared with its loops.
pub struct Watched {
    number: u64,
    owner: Rc<Inner>,
    second: Rc<Cell<u64>>,
    /// When it last received anything.
    heard_at: Cell<u64>,
    /// Since when a request of some length comes.
    receiving_since: Cell<Option<u64>>,
    /// Since when a send waits for the peer.
    sending_since: Cell<Option<u64>>,
    ending: Cell<Ending>,
    ending_since: Cell<u64>,
    stalled: Cell<bool>,
    writer: RefCell<Option<Waker>>,
    shutdown: Box<dyn Fn()>,
}

impl Connections {
    /// Watches a new connection; `shutdown` ends its socket.
    pub fn watch(&self, shutdown: impl Fn() + 'static) -> Rc<Watched> {
        let inner = &self.inner;
        let number = inner.next.get();
        inner.next.set(number + 1);
        let watched = Rc::new(Watched {
            number,
            owner: inner.clone(),
            second: inner.second.clone(),
            heard_at: Cell::new(inner.second.get()),
            receiving_since: Cell::new(None),
            sending_since: Cell::new(None),
            ending: Cell::new(Ending::Open),
            ending_since: Cell::new(0),
            stalled: Cell::new(false),
            writer: RefCell::default(),
            shutdown: Box::new(shutdown),
        });
        inner.open.borrow_mut().insert(number, watched.clone());
        watched
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.inner.open.borrow().len()
    }

    /// Whether the core accepts no more.
    pub fn stopping(&self) -> bool {
        self.inner.stopping.get()
    }

    /// Accepts no more, reads no more, and ends every connection once what it asked is answered.
    pub fn stop(&self) {
        self.inner.stopping.set(true);
        for watched in self.snapshot() {
            watched.end(Ending::AfterAnswers);
        }
    }

    /// Starts the watch; it ends when the core stops and the last connection is gone.
    pub fn start_watching<E: Env>(&self, env: &E, max_idle: Option<Duration>, budget: Rc<Budget>) {
        let (inner, task_env) = (self.inner.clone(), env.clone());
        env.spawn(Lane::Background, async move {
            loop {
                task_env.sleep(limits::WATCH_INTERVAL).await;
                let connections = Self { inner: inner.clone() };
                connections.look(max_idle, budget.is_pressed());
                if connections.stopping() && connections.count() == 0 {
                    return;
                }
            }
        });
    }

    fn look(&self, max_idle: Option<Duration>, memory_is_short: bool) {
        let now = self.inner.second.get() + 1;
        self.inner.second.set(now);
        for watched in self.snapshot() {
            watched.look(now, max_idle, memory_is_short);
        }
    }

    fn snapshot(&self) -> Vec<Rc<Watched>> {
        self.inner.open.borrow().values().cloned().collect()
    }
}

impl Watched {
    /// Something was received.
    pub fn heard(&self) {
        self.heard_at.set(self.second.get());
    }

    /// A request of some length comes, or is there in full.
    pub fn receiving(&self, comes: bool) {
        let since = self.receiving_since.get();
        self.receiving_since.set(comes.then(|| since.unwrap_or_else(|| self.second.get())));
    }

    /// A send begins to wait for the peer, or is done.
    pub fn sending(&self, waits: bool) {
        self.sending_since.set(waits.then(|| self.second.get()));
    }

    /// The connection begins to end.
    pub fn end(&self, how: Ending) {
        if how > self.ending.get() {
            self.ending.set(how);
            self.ending_since.set(self.second.get());
            self.wake_writer();
        }
    }

    /// Nothing more is read.
    pub fn ending(&self) -> bool {
        self.ending.get() != Ending::Open
    }

    /// Nothing more is answered.
    pub fn closed(&self) -> bool {
        self.ending.get() == Ending::Now
    }

    /// It was closed because its peer took nothing, or sent too slowly while memory was short.
    pub fn stalled(&self) -> bool {
        self.stalled.get()
    }

    /// The connection is over.
    pub fn gone(&self) {
        self.ending.set(Ending::Now);
        self.owner.open.borrow_mut().remove(&self.number);
    }

    /// The writing loop waits.
    pub fn store_writer(&self, context: &Context<'_>) {
        let mut writer = self.writer.borrow_mut();
        if !writer.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *writer = Some(context.waker().clone());
        }
    }

    /// There may be something for the writing loop to do.
    pub fn wake_writer(&self) {
        if let Some(writer) = self.writer.take() {
            writer.wake();
        }
    }

    fn look(&self, now: u64, max_idle: Option<Duration>, memory_is_short: bool) {
        let longer_than = |since: u64, limit: Duration| now - since > limit.as_secs();
        let sending = self.sending_since.get();
        let slow = self.receiving_since.get().filter(|_| memory_is_short);
        if sending.is_some_and(|since| longer_than(since, limits::STALLED_READER))
            || slow.is_some_and(|since| longer_than(since, limits::STALLED_SENDER))
        {
            self.stalled.set(true);
            return self.cut();
        }
        match self.ending.get() {
            Ending::Now => self.cut(),
            Ending::AfterAnswers
                if longer_than(self.ending_since.get(), limits::DRAIN_AFTER_END) && sending.is_none() =>
            {
                self.cut();
            }
            Ending::AfterAnswers => {}
            Ending::Open => {
                if sending.is_none() && max_idle.is_some_and(|limit| longer_than(self.heard_at.get(), limit)) {
                    self.cut();
                }
            }
        }
    }

    fn cut(&self) {
        self.end(Ending::Now);
        (self.shutdown)();
    }
}
