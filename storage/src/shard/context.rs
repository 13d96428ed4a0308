//! What the logs of one shard share: the journal, memory, open files, and the knowledge whether all is well.

use std::{
    cell::{Cell, OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::PathBuf,
    rc::{Rc, Weak},
};

use bytes::Bytes;

use super::{
    ShardOptions,
    clock_machine::{ClockMachine, Reading},
    files::Files,
    memory::{Indexes, ReadBudget},
    reach_machine::ReachMachine,
};
use crate::{
    buffer::AlignedBuf,
    env::Env,
    error::{AppendError, StorageError},
    ids::Offset,
    journal::{Journal, News, Sequence, Usage},
    limits::{CACHE_ORDER_SWEPT, CHECKPOINT_AFTER, JOURNAL_KEPT, PRODUCER_BYTES, PRODUCERS_SHARE},
    log::{Extent, Log, state::LogNumber},
};

/// What is told why a shard failed.
pub(crate) type FailureObserver = Rc<dyn Fn(StorageError)>;

/// A log is journaled up to an offset once a record is durable.
type Pending<E> = (Sequence, Weak<Log<E>>, Offset);

/// How many chunks are looked at for one that may go.
const LOOKS: usize = 16;

/// What becomes of a chunk that may not go yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unflushed {
    Stays,
    IsWritten,
}

/// One shard's shared state.
pub(crate) struct Context<E: Env> {
    pub(crate) env: E,
    pub(crate) data_dir: PathBuf,
    pub(crate) options: ShardOptions,
    pub(crate) files: Files<E>,
    pub(crate) indexes: Indexes,
    pub(crate) reads: ReadBudget,
    journal: OnceCell<Journal<E>>,
    clock: RefCell<ClockMachine>,
    /// Logs in the order in which they took their chunks of memory.
    cache: RefCell<VecDeque<Weak<Log<E>>>>,
    cached: Cell<usize>,
    /// How much of the cache is used.
    reach: RefCell<ReachMachine>,
    /// Bytes of memory that were ever taken for tails.
    taken: Cell<u64>,
    /// Whether something was flushed since a look for a chunk to let go of found none.
    worth_a_look: Cell<bool>,
    /// How many of them there may be before those are dropped whose chunks are gone.
    sweep_above: Cell<usize>,
    /// Appends whose journal records are not durable, in order.
    pending: RefCell<VecDeque<Pending<E>>>,
    /// Producers that all logs remember.
    producers: Cell<usize>,
    /// Bytes of all logs that are not in segments.
    pub(crate) unflushed: Cell<u64>,
    /// Bytes written to segments since the last checkpoint.
    pub(crate) written: Cell<u64>,
    /// Logs the journal is kept for, by the oldest record they need.
    pub(crate) dirty: RefCell<BTreeSet<(Sequence, LogNumber)>>,
    pub(crate) last_sequence: Cell<Sequence>,
    failed: RefCell<Option<StorageError>>,
    /// Told when this shard fails, once.
    pub(crate) on_failure: RefCell<Option<FailureObserver>>,
    full: Cell<bool>,
    /// Called when the journal fills up, or too much is not in segments.
    pub(crate) relief: RefCell<Option<Rc<dyn Fn()>>>,
}

impl<E: Env> Context<E> {
    pub(crate) fn new(env: E, data_dir: PathBuf, options: ShardOptions) -> Self {
        Self {
            files: Files::new(env.clone()),
            indexes: Indexes::default(),
            reads: ReadBudget::new(options.read_bytes),
            reach: RefCell::new(ReachMachine::new(options.cache_begins, options.cache_bytes)),
            taken: Cell::new(0),
            clock: RefCell::new(ClockMachine::new(env.wall_clock_ms(), env.now())),
            env,
            data_dir,
            options,
            journal: OnceCell::new(),
            cache: RefCell::default(),
            cached: Cell::new(0),
            worth_a_look: Cell::new(true),
            sweep_above: Cell::new(CACHE_ORDER_SWEPT),
            pending: RefCell::default(),
            producers: Cell::new(0),
            unflushed: Cell::new(0),
            written: Cell::new(0),
            dirty: RefCell::default(),
            last_sequence: Cell::default(),
            failed: RefCell::default(),
            on_failure: RefCell::default(),
            full: Cell::new(false),
            relief: RefCell::default(),
        }
    }

    /// The journal serves from now on: recovery is over.
    pub(crate) fn start(self: &Rc<Self>, journal: Journal<E>) {
        let weak = Rc::downgrade(self);
        self.last_sequence.set(self.last_sequence.get().max(journal.durable()));
        journal.set_listener(Rc::new(move |news| {
            let Some(context) = weak.upgrade() else { return };
            match news {
                News::Durable(durable) => context.committed(durable),
                News::Starved => context.wake_pending(),
                News::Failed(error) => context.fail(error),
            }
        }));
        assert!(self.journal.set(journal).is_ok(), "a shard is started once");
    }

    /// Whether the journal serves.
    pub(crate) fn is_started(&self) -> bool {
        self.journal.get().is_some()
    }

    pub(crate) fn journal(&self) -> &Journal<E> {
        self.journal.get().expect("nothing is written before recovery is over")
    }

    /// Puts a record in the journal.
    pub(crate) fn write(&self, kind: u8, payload: &[&[u8]]) -> Sequence {
        let sequence = self.journal().append(kind, payload);
        self.last_sequence.set(sequence);
        sequence
    }

    /// As [`Context::write`], with `lent` behind `head`: see [`Journal::append_lent`].
    pub(crate) fn write_lent(&self, kind: u8, head: &[u8], lent: &[Bytes]) -> Sequence {
        let sequence = self.journal().append_lent(kind, head, lent);
        self.last_sequence.set(sequence);
        sequence
    }

    /// Puts a record in the journal and waits until it is durable.
    pub(crate) async fn write_durable(&self, kind: u8, payload: &[&[u8]]) -> Result<Sequence, StorageError> {
        self.check()?;
        let sequence = self.write(kind, payload);
        self.journal().wait_durable(sequence).await?;
        Ok(sequence)
    }

    /// The time that retention goes by, in ms since 1970: the wall clock, but for jumps.
    pub(crate) fn retention_clock_ms(&self) -> i64 {
        let reading = self.clock.borrow_mut().read(self.env.wall_clock_ms(), self.env.now());
        match reading {
            Reading::Jumped(_, by) => {
                tracing::warn!(
                    by_ms = by,
                    "the wall clock jumped forward: nothing is deleted for its age by it for a day"
                );
            }
            Reading::Believed(_) => {
                tracing::warn!("the wall clock is believed again: what is too old by it is deleted")
            }
            Reading::Time(_) | Reading::Ahead(_) => {}
        }
        reading.time()
    }

    /// `log` is journaled up to `end` once `sequence` is durable.
    pub(crate) fn expect_durable(&self, sequence: Sequence, log: Weak<Log<E>>, end: Offset) {
        self.pending.borrow_mut().push_back((sequence, log, end));
    }

    fn committed(&self, durable: Sequence) {
        let mut touched: Vec<Rc<Log<E>>> = Vec::new();
        {
            let mut pending = self.pending.borrow_mut();
            while pending.front().is_some_and(|(sequence, ..)| *sequence <= durable) {
                let Some((_, log, end)) = pending.pop_front() else { break };
                if let Some(log) = log.upgrade()
                    && log.journaled(end)
                {
                    touched.push(log);
                }
            }
        }
        for log in touched {
            log.settle();
        }
        let usage = self.journal().usage();
        if usage.used * 2 > usage.size {
            self.ask_relief();
        }
    }

    /// `bytes` went to a segment.
    pub(crate) fn flushed(&self, bytes: u64) {
        self.unflushed.set(self.unflushed.get().saturating_sub(bytes));
        self.written.set(self.written.get() + bytes);
        self.worth_a_look.set(true);
        if self.written.get() > CHECKPOINT_AFTER {
            self.ask_relief();
        }
    }

    /// Whether logs should be written to segments, so that the journal and memory have room.
    pub(crate) fn is_pressed(&self) -> bool {
        let usage = self.journal().usage();
        let journal = usage.used * 2 > usage.size || self.lacks_journal(&usage);
        journal || self.unflushed.get() * 2 > self.options.cache_bytes as u64
    }

    /// Whether the journal has no more room than what waits for it may need. A checkpoint waits for all that was appended
    /// before it, and only then frees room: what has none must not be appended. Half a file is kept, or a part of many files, for
    /// records that are not asked about, and since frames do not fill the end of a file.
    fn lacks_journal(&self, usage: &Usage) -> bool {
        let kept = (self.options.journal.file_size / 2).max(usage.size / JOURNAL_KEPT);
        usage.used + usage.backlog + kept > usage.size
    }

    pub(crate) fn ask_relief(&self) {
        let relief = self.relief.borrow().clone();
        if let Some(relief) = relief {
            relief();
        }
    }

    /// Whether this shard still serves.
    pub(crate) fn check(&self) -> Result<(), StorageError> {
        match &*self.failed.borrow() {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }

    /// A write or a sync failed: nothing is served any more.
    pub(crate) fn fail(&self, error: StorageError) {
        if self.failed.borrow().is_some() {
            return;
        }
        let is_end = error == StorageError::Closed;
        if !is_end {
            tracing::error!(%error, "the shard stops serving");
        }
        let why = match error {
            StorageError::ShardFailed(_) | StorageError::DirectoryOffline(_) | StorageError::Closed => error,
            other => StorageError::ShardFailed(other.to_string().into()),
        };
        *self.failed.borrow_mut() = Some(why.clone());
        if let Some(observer) = self.on_failure.take().filter(|_| !is_end) {
            observer(why);
        }
        let pending = std::mem::take(&mut *self.pending.borrow_mut());
        for (_, log, _) in pending {
            if let Some(log) = log.upgrade() {
                log.wake_all();
            }
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.full.get()
    }

    /// Whether the disk has no space for segments, or for the journal.
    pub(crate) fn wants_space(&self) -> bool {
        self.full.get() || self.journal().is_short()
    }

    /// Whether the journal has no room for what waits, and the disk none for the journal.
    pub(crate) fn is_starved(&self) -> bool {
        self.journal().lacks_room() && self.wants_space()
    }

    /// Has everybody look again who waits for the journal.
    fn wake_pending(&self) {
        let logs: Vec<_> = self.pending.borrow().iter().filter_map(|(_, log, _)| log.upgrade()).collect();
        for log in logs {
            log.wake_all();
        }
    }

    /// The disk has, or again has not, space for segments.
    pub(crate) fn set_full(&self, full: bool) {
        if self.full.replace(full) != full {
            if full {
                tracing::warn!("no space left: appends fail until there is some; delete topics or lower retention");
            } else {
                tracing::info!("there is space again");
            }
        }
    }

    /// Whether the disk has space for what an append brings.
    pub(crate) fn admit_to_disk(&self) -> Result<(), StorageError> {
        self.check()?;
        if self.wants_space() { Err(StorageError::DiskFull) } else { Ok(()) }
    }

    /// Whether memory and journal can take an append now.
    pub(crate) fn admit(&self) -> Result<(), AppendError> {
        self.check()?;
        let (waiting, limit) = (self.unflushed.get(), self.options.cache_bytes as u64);
        let usage = self.journal().usage();
        let lacks_journal = self.lacks_journal(&usage);
        if lacks_journal || waiting * 2 > limit {
            self.ask_relief();
        }
        if lacks_journal || waiting > limit || usage.backlog > limit {
            return Err(AppendError::Overloaded);
        }
        Ok(())
    }

    /// Lets go of old chunks until `len` bytes of new ones fit what is used of the cache, as far as there are any that may
    /// go; beyond its bound others are written for it. To be called while no log's state is borrowed: a log in use lets go
    /// of nothing.
    pub(crate) fn make_room(&self, len: usize) {
        while self.cached.get() + len > self.reach.borrow().reach() && self.worth_a_look.get() {
            self.worth_a_look.set(self.evict(LOOKS, Unflushed::Stays));
        }
        while self.cached.get() + len > self.options.cache_bytes && self.evict_one() {}
    }

    /// A reader took `bytes` from the disk, `behind` the end of its log, which grew by `appended` since it was last read so.
    pub(crate) fn missed(&self, behind: u64, bytes: usize, appended: u64) {
        self.reach.borrow_mut().missed(behind, bytes, appended);
    }

    /// A reader found what it wanted in memory that was taken when [`Context::taken`] was `then`.
    pub(crate) fn hit(&self, then: u64) {
        self.reach.borrow_mut().hit(self.taken.get().saturating_sub(then));
    }

    /// Bytes of memory that were ever taken for tails: how old a piece of it is.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    /// Memory for a chunk of `log`'s tail, making room by letting go of the oldest chunks of all logs.
    pub(crate) fn take(&self, len: usize, log: &Weak<Log<E>>) -> Option<AlignedBuf> {
        let mut memory = None;
        for _ in 0..64 {
            if self.cached.get() + len <= self.options.cache_bytes {
                memory = self.options.pool.take(len);
                if memory.is_some() {
                    break;
                }
            }
            if !self.evict_one() {
                break;
            }
        }
        // A tail of unflushed data may pass the cache's bound by as much again; admission stops it there.
        if memory.is_none() && self.cached.get() + len <= self.options.cache_bytes * 2 {
            memory = self.options.pool.take(len).or_else(|| Some(AlignedBuf::zeroed(len)));
        }
        let memory = memory?;
        self.took(memory.len(), log);
        Some(memory)
    }

    /// Memory that recovery needs, whatever the bound.
    pub(crate) fn take_anyway(&self, len: usize, log: &Weak<Log<E>>) -> AlignedBuf {
        let memory = self.options.pool.take(len).unwrap_or_else(|| AlignedBuf::zeroed(len));
        self.took(memory.len(), log);
        memory
    }

    fn took(&self, bytes: usize, log: &Weak<Log<E>>) {
        self.cached.set(self.cached.get() + bytes);
        self.taken.set(self.taken.get() + bytes as u64);
        self.reach.borrow_mut().took(self.taken.get());
        self.cache.borrow_mut().push_back(log.clone());
        if self.cache.borrow().len() > self.sweep_above.get() {
            self.sweep();
        }
    }

    /// Drops what stands in the cache's order for chunks that went with their log, or with its old segments.
    fn sweep(&self) {
        let mut left: BTreeMap<LogNumber, usize> = BTreeMap::new();
        let mut cache = self.cache.borrow_mut();
        cache.retain(|weak| {
            let Some(log) = weak.upgrade() else { return false };
            let left = left.entry(log.number()).or_insert_with(|| log.chunks().unwrap_or(usize::MAX));
            let stands = *left > 0;
            *left = left.saturating_sub(1);
            stands
        });
        self.sweep_above.set(CACHE_ORDER_SWEPT.max(2 * cache.len()));
    }

    /// How many chunks the cache's order stands for.
    #[cfg(test)]
    pub(crate) fn in_order(&self) -> usize {
        self.cache.borrow().len()
    }

    /// Lets go of the oldest chunk that may go; those that may not yet are written. Looks at a few only.
    pub(crate) fn evict_one(&self) -> bool {
        self.evict(LOOKS, Unflushed::IsWritten)
    }

    /// Lets go of one chunk that is flushed, if there is one.
    pub(crate) fn evict_flushed(&self) -> bool {
        let count = self.cache.borrow().len();
        self.evict(count, Unflushed::Stays)
    }

    fn evict(&self, looks: usize, unflushed: Unflushed) -> bool {
        for _ in 0..looks {
            let Some(weak) = self.cache.borrow_mut().pop_front() else { return false };
            let Some(log) = weak.upgrade() else { continue };
            if let Some(freed) = log.evict() {
                self.cached.set(self.cached.get().saturating_sub(freed));
                return true;
            }
            if log.has_chunks() {
                if unflushed == Unflushed::IsWritten {
                    log.kick(Extent::All);
                }
                self.cache.borrow_mut().push_back(weak);
            }
        }
        false
    }

    /// `bytes` of chunks were let go of.
    pub(crate) fn released(&self, bytes: usize) {
        self.cached.set(self.cached.get().saturating_sub(bytes));
    }

    /// Whether one more producer may be remembered.
    pub(crate) fn has_room_for_producer(&self) -> bool {
        self.producers.get() * PRODUCER_BYTES < self.options.cache_bytes / PRODUCERS_SHARE
    }

    /// A log remembers `now` producers where it remembered `before`.
    pub(crate) fn remembers(&self, before: usize, now: usize) {
        self.producers.set(self.producers.get() - before + now);
    }

    /// Bytes of chunks in memory.
    pub(crate) fn cached(&self) -> usize {
        self.cached.get()
    }
}
