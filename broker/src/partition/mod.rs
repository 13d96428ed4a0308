//! A partition that this core leads: its log, its place in the cluster, who waits for its records.
//!
//! The high watermark is the end of what is committed. On a single node that is the durable end of the log (for a
//! relaxed topic, its appended end); it moves from within the storage's commit and wakes those who wait for this
//! partition, and nobody else.

pub mod append;
pub mod hold;
pub mod mutant;
pub mod offline;
pub mod query;
pub mod read;
pub mod registry;
pub mod watch;
pub mod watchers;

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    sync::Arc,
};

use corelog_storage::{
    ids::{LeaderEpoch, LogId, Offset},
    log::Log,
};

pub use self::append::TopicRules;
use self::{hold::Hold, watchers::Watchers};
use crate::{
    core::env::NetEnv,
    error::Fault,
    metadata::{
        ids::{DirectoryId, NodeId},
        record::PartitionState,
    },
};

/// A partition led by this core.
pub struct Partition<E: NetEnv> {
    id: LogId,
    topic: Arc<str>,
    log: RefCell<Rc<Log<E>>>,
    state: RefCell<PartitionState>,
    rules: RefCell<Arc<TopicRules>>,
    high_watermark: Cell<Offset>,
    watchers: Watchers,
    /// Set when this core no longer leads it: deleted, or moved.
    resigned: Cell<bool>,
    /// Since somebody last asked: see [`crate::transfer::balance`].
    work: Cell<u64>,
    hold: Hold,
}

impl<E: NetEnv> Partition<E> {
    /// Leads `log` in the epoch of `state`. What the log holds durably is committed.
    pub fn lead(log: Rc<Log<E>>, topic: Arc<str>, state: PartitionState, rules: Arc<TopicRules>) -> Rc<Self> {
        let partition = Rc::new(Self {
            id: log.id(),
            topic,
            high_watermark: Cell::new(log.durable_end()),
            log: RefCell::new(log),
            state: RefCell::new(state),
            rules: RefCell::new(rules),
            watchers: Watchers::default(),
            resigned: Cell::new(false),
            work: Cell::new(0),
            hold: Hold::default(),
        });
        partition.enter_epoch();
        partition.listen();
        partition
    }

    /// Hears of what happens to its log.
    fn listen(self: &Rc<Self>) {
        let log = self.log();
        let weak: Weak<Self> = Rc::downgrade(self);
        log.subscribe_durable(Rc::new(move |end| {
            if let Some(partition) = weak.upgrade() {
                partition.committed(end);
            }
        }));
        let weak = Rc::downgrade(self);
        log.subscribe_start(Rc::new(move || {
            if let Some(partition) = weak.upgrade() {
                partition.watchers.moved();
            }
        }));
    }

    /// Its records are in this log from now on, which has all that its own had. Nobody who watches notices.
    pub fn go_over(self: &Rc<Self>, log: Rc<Log<E>>) {
        let before = self.log.replace(log);
        before.subscribe_durable(Rc::new(|_| {}));
        before.subscribe_start(Rc::new(|| {}));
        self.listen();
        self.enter_epoch();
        self.watchers.moved();
    }

    /// Its log's name.
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Its topic's name.
    pub fn topic(&self) -> &Arc<str> {
        &self.topic
    }

    /// Whether it is of one of the cluster's own topics.
    pub fn is_internal(&self) -> bool {
        self.rules.borrow().internal
    }

    /// Its log: another one once it has gone to another directory.
    pub fn log(&self) -> Rc<Log<E>> {
        self.log.borrow().clone()
    }

    /// Asks its log; another one that it has gone over to meanwhile, if that is why there is no answer.
    async fn ask<T, F>(&self, question: impl AsyncFn(Rc<Log<E>>) -> Result<T, F>) -> Result<T, F> {
        loop {
            let log = self.log();
            let answer = question(log.clone()).await;
            if answer.is_ok() || Rc::ptr_eq(&log, &self.log.borrow()) {
                return answer;
            }
        }
    }

    /// The term in which this core leads it.
    pub fn leader_epoch(&self) -> LeaderEpoch {
        self.state.borrow().leader_epoch
    }

    /// It has so much to do; whether that is the first since [`Partition::take_work`].
    pub(crate) fn add_work(&self, work: u64) -> bool {
        let before = self.work.get();
        self.work.set(before.saturating_add(work));
        before == 0
    }

    /// What it had to do since this was last called.
    pub(crate) fn take_work(&self) -> u64 {
        self.work.take()
    }

    /// One past the last committed record.
    pub fn high_watermark(&self) -> Offset {
        self.high_watermark.get()
    }

    /// One past the last record that readers of committed transactions may see. There are no transactions yet.
    pub fn last_stable_offset(&self) -> Offset {
        self.high_watermark.get()
    }

    /// The record of the cluster's metadata that this partition was last told.
    pub fn state(&self) -> PartitionState {
        self.state.borrow().clone()
    }

    /// How many fetches and sessions watch it.
    pub fn watchers(&self) -> usize {
        self.watchers.count()
    }

    /// The directory of `node` that its copy is in.
    pub fn directory_on(&self, node: NodeId) -> Option<DirectoryId> {
        self.state.borrow().directory_on(node)
    }

    /// Takes a newer state and newer rules. A new leader epoch begins at the log's end.
    pub fn update(&self, state: PartitionState, rules: Arc<TopicRules>) {
        let before = self.leader_epoch();
        assert!(state.leader_epoch >= before, "the leader epoch of {} falls", self.id);
        self.log().set_config(rules.log);
        *self.rules.borrow_mut() = rules;
        *self.state.borrow_mut() = state;
        if self.leader_epoch() > before {
            self.enter_epoch();
            self.watchers.changed();
        }
        self.committed(self.log().durable_end());
    }

    /// Ends this core's leadership: whoever watches is woken and told.
    pub fn resign(&self) {
        self.resigned.set(true);
        self.watchers.changed();
    }

    /// Whether this core stopped leading it.
    pub fn has_resigned(&self) -> bool {
        self.resigned.get()
    }

    /// Checks the leader epoch a client believes in; -1 means that it does not say.
    pub fn check_epoch(&self, believed: LeaderEpoch) -> Result<(), Fault> {
        if self.resigned.get() {
            return Err(Fault::NotLeader);
        }
        let current = self.leader_epoch();
        if believed.0 < 0 || believed == current {
            Ok(())
        } else if believed < current {
            Err(Fault::FencedLeaderEpoch)
        } else {
            Err(Fault::UnknownLeaderEpoch)
        }
    }

    /// Enters the current leader epoch into the log, before anything is appended in it.
    fn enter_epoch(&self) {
        let epoch = self.leader_epoch();
        let log = self.log();
        if log.latest_epoch().is_none_or(|latest| latest < epoch)
            && let Err(error) = log.begin_epoch(epoch)
        {
            tracing::warn!(partition = %self.id, %error, "the leader epoch could not be entered");
        }
    }

    /// All before `end` is committed.
    fn committed(&self, end: Offset) {
        let before = self.high_watermark.get();
        if end <= before {
            return;
        }
        self.high_watermark.set(end);
        if !self.watchers.is_empty() {
            self.watchers.grew(end, self.log.borrow().bytes_between(before, end));
        }
    }
}
