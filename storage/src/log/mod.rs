//! One partition's log on one core.
//!
//! An append goes to the journal and to the [`tail`]; it is durable when its journal record is. The tail is written to
//! [`segment`]s later ([`flush`]), where [`index`] finds it again ([`read`], [`lookup`]); [`retention`] deletes it. A
//! batch of some size goes to its segment at once, and only its header to the journal: it is durable when both are.
//!
//! One core has a log; everything is behind a `RefCell` that no `await` crosses.

mod append;
mod config;
pub(crate) mod copy;
pub(crate) mod cuts;
pub mod dump;
mod epochs;
mod flush;
pub(crate) mod index;
mod lookup;
pub(crate) mod producers;
mod read;
mod recover;
mod retention;
pub(crate) mod segment;
pub(crate) mod state;
mod tail;

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    rc::Rc,
    task::{Poll, Waker},
};

use bytes::Bytes;

pub use self::config::LogConfig;
use self::state::{LogNumber, State};
pub(crate) use self::{append::Source, flush::Extent};
use crate::{
    env::Env,
    error::StorageError,
    ids::{LeaderEpoch, LogId, Offset, ProducerEpoch, ProducerId, Timestamp},
    journal::Sequence,
    shard::{
        context::Context,
        record::{encode_config, kind},
    },
};

/// What an append gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Appended {
    /// Offset of the batch's first record.
    pub base_offset: Offset,
    /// Offset of its last record.
    pub last_offset: Offset,
    /// The broker's time that its records took, if the topic asks for that.
    pub log_append_time: Option<Timestamp>,
    /// The producer sent it before: nothing was appended, these are the offsets it has.
    pub duplicate: bool,
    /// What to wait for until the batch is durable.
    pub ticket: Ticket,
}

/// Names a point of a log: all before it is durable once [`Log::wait_durable`] returned `Ok`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ticket(pub Offset);

/// Whole batches in the log's order, ready to be sent.
#[derive(Clone, Debug, Default)]
pub struct ReadResult {
    /// The bytes, in slices that share memory with the tail cache or with the read's buffer.
    pub chain: Vec<Bytes>,
    /// Their sum.
    pub bytes: usize,
    /// Where the next read continues.
    pub next: Offset,
    /// Whether the disk was read.
    pub from_disk: bool,
}

/// A record found by its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimedOffset {
    /// Its offset.
    pub offset: Offset,
    /// Its timestamp.
    pub timestamp: Timestamp,
    /// The epoch of its batch.
    pub epoch: LeaderEpoch,
}

/// An idempotent producer that a log remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerInfo {
    /// Its id.
    pub id: ProducerId,
    /// Its newest epoch here.
    pub epoch: ProducerEpoch,
    /// The last sequence number of that epoch; `None` before the first batch.
    pub last_sequence: Option<i32>,
    /// When it last wrote, by the wall clock.
    pub last_seen_ms: i64,
}

/// What [`Log::subscribe_durable`] calls.
pub type DurableListener = Rc<dyn Fn(Offset)>;
/// What [`Log::subscribe_start`] calls.
pub type StartListener = Rc<dyn Fn()>;

/// One partition's log.
pub struct Log<E: Env> {
    id: LogId,
    number: LogNumber,
    context: Rc<Context<E>>,
    state: RefCell<State>,
    /// What is to be written to segments next, and whether a task does.
    wanted: Cell<Option<Extent>>,
    flushing: Cell<bool>,
    /// The segment that is being written just now.
    writing: Cell<Option<Offset>>,
    flush_waiters: RefCell<Vec<Waker>>,
    /// Segments below the start whose files are still there, by base and end: replay may ask for the bypassed batches in
    /// them until a checkpoint covers them, or a crash left no time to remove them.
    left_over: RefCell<Vec<(Offset, Offset)>>,
    /// Up to where the newest durable checkpoint has the log in its segments: replay reads no file of what lies below.
    checkpointed: Cell<Offset>,
    /// The newest record that moved the log's start.
    start_record: Cell<Sequence>,
    /// Whether the entry of its directory is known to be durable.
    dir_durable: Cell<bool>,
    /// Its files may have more than it knows: it is being recovered.
    recovering: Cell<bool>,
    /// Where the last read from disk ended.
    next_read: Cell<Option<(Offset, Offset, u32)>>,
    /// How much had been appended when the disk was last read.
    missed_at: Cell<Option<u64>>,
}

impl<E: Env> Log<E> {
    pub(crate) fn new(id: LogId, number: LogNumber, context: Rc<Context<E>>, state: State) -> Rc<Self> {
        let checkpointed = state.end;
        let recovering = !context.is_started();
        context.remembers(0, state.producers.len());
        Rc::new(Self {
            id,
            number,
            context,
            state: RefCell::new(state),
            wanted: Cell::new(None),
            flushing: Cell::new(false),
            writing: Cell::new(None),
            flush_waiters: RefCell::default(),
            left_over: RefCell::default(),
            checkpointed: Cell::new(checkpointed),
            start_record: Cell::default(),
            dir_durable: Cell::new(false),
            recovering: Cell::new(recovering),
            next_read: Cell::new(None),
            missed_at: Cell::new(None),
        })
    }

    /// Its name.
    pub fn id(&self) -> LogId {
        self.id
    }

    pub(crate) fn number(&self) -> LogNumber {
        self.number
    }

    pub(crate) fn state(&self) -> &RefCell<State> {
        &self.state
    }

    /// The first offset there is.
    pub fn start(&self) -> Offset {
        self.state.borrow().start
    }

    /// One past the last appended record.
    pub fn end(&self) -> Offset {
        self.state.borrow().end
    }

    /// All before it is durable. Equal to [`Log::end`] for a relaxed log.
    pub fn durable_end(&self) -> Offset {
        self.state.borrow().durable_end()
    }

    /// `listener` is called with the new [`Log::durable_end`] after each commit that moves it, on this core, from
    /// within the commit: it must be quick and must not append. One listener; a second replaces the first.
    pub fn subscribe_durable(&self, listener: DurableListener) {
        self.state.borrow_mut().listener = Some(listener);
    }

    /// `listener` is called after each change of [`Log::start`], and of the epochs known with it, as
    /// [`Log::subscribe_durable`] calls its own.
    pub fn subscribe_start(&self, listener: StartListener) {
        self.state.borrow_mut().start_listener = Some(listener);
    }

    fn start_moved(&self) {
        let listener = self.state.borrow().start_listener.clone();
        if let Some(listener) = listener {
            listener();
        }
    }

    /// Resolves when all before `ticket` is durable, or never will be. On a full disk it fails for what has no room now,
    /// and may yet become durable later.
    pub fn wait_durable(self: &Rc<Self>, ticket: Ticket) -> impl Future<Output = Result<(), StorageError>> + 'static {
        let log = self.clone();
        poll_fn(move |context| log.poll_durable(ticket, context.waker()))
    }

    fn poll_durable(&self, ticket: Ticket, waker: &Waker) -> Poll<Result<(), StorageError>> {
        let mut state = self.state.borrow_mut();
        if state.durable_end() >= ticket.0 {
            return Poll::Ready(Ok(()));
        }
        self.context.check()?;
        state.readable()?;
        let bypassed = state.bypasses.front().is_some_and(|bypass| bypass.base < ticket.0);
        if self.context.is_full() && bypassed || self.context.is_starved() {
            return Poll::Ready(Err(StorageError::DiskFull));
        }
        if !state.waiters.iter().any(|(offset, known)| *offset == ticket.0 && known.will_wake(waker)) {
            state.waiters.push((ticket.0, waker.clone()));
        }
        Poll::Pending
    }

    /// The journal has all below `end`, for sure. Whether that calls for [`Log::settle`], which was not yet asked.
    pub(crate) fn journaled(&self, end: Offset) -> bool {
        let mut state = self.state.borrow_mut();
        let told = state.config.relaxed || state.durable_end() == state.durable;
        state.journaled = state.journaled.max(end);
        told && state.durable_end() > state.durable
    }

    /// Tells everybody who waits how far the log is durable.
    pub(crate) fn settle(&self) {
        let (listener, durable, due) = {
            let state = &mut *self.state.borrow_mut();
            let durable = state.durable_end();
            if durable <= state.durable {
                return;
            }
            state.durable = durable;
            let due: Vec<Waker> =
                state.waiters.extract_if(.., |(at, _)| *at <= durable).map(|(_, waker)| waker).collect();
            (state.listener.clone(), durable, due)
        };
        if let Some(listener) = listener {
            listener(durable);
        }
        for waker in due {
            waker.wake();
        }
    }

    /// Something changed for everybody who waits.
    pub(crate) fn wake_all(&self) {
        let waiters = std::mem::take(&mut self.state.borrow_mut().waiters);
        for (_, waker) in waiters {
            waker.wake();
        }
        self.wake_flush_waiters();
    }

    /// Lets go of the oldest chunk of the tail, if it may go now.
    pub(crate) fn evict(&self) -> Option<usize> {
        self.state.try_borrow_mut().ok()?.tail.evict()
    }

    /// How many chunks its tail has; `None` while the log is in use.
    pub(crate) fn chunks(&self) -> Option<usize> {
        Some(self.state.try_borrow().ok()?.tail.memory().0)
    }

    pub(crate) fn has_chunks(&self) -> bool {
        self.chunks() != Some(0)
    }

    /// The newest epoch not above `epoch` that the log knows, and where it ends (KIP-101).
    pub fn epoch_end(&self, epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        let state = self.state.borrow();
        state.epochs.end_of(epoch, state.end)
    }

    /// The newest epoch the log knows.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        self.state.borrow().epochs.latest()
    }

    /// The epoch of the record at `offset`.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        self.state.borrow().epochs.epoch_at(offset)
    }

    /// Enters `epoch` at the log's end, before anything is appended in it. Nothing happens if it is known.
    pub fn begin_epoch(&self, epoch: LeaderEpoch) -> Result<(), StorageError> {
        self.context.check()?;
        let mut state = self.state.borrow_mut();
        state.usable()?;
        let end = state.end;
        if state.epochs.enter(epoch, end) {
            let fields = [&self.number.0.to_le_bytes()[..], &epoch.0.to_le_bytes(), &end.0.to_le_bytes()];
            self.context.write(kind::EPOCH, &fields);
        }
        Ok(())
    }

    /// What holds from now on. A log that is no longer served keeps what it had.
    pub fn set_config(&self, config: LogConfig) {
        let mut state = self.state.borrow_mut();
        if self.context.check().is_err() || state.usable().is_err() || state.config == config {
            return;
        }
        state.config = config;
        self.context.write(kind::CONFIG, &[&self.number.0.to_le_bytes(), &encode_config(&config)]);
        drop(state);
        self.settle();
    }

    /// The configuration that holds.
    pub fn config(&self) -> LogConfig {
        self.state.borrow().config
    }

    /// Bytes of all segments, as they are or will be on disk.
    pub fn size(&self) -> u64 {
        self.state.borrow().segments.iter().map(|segment| u64::from(segment.position)).sum()
    }

    /// The producers it remembers, by id.
    pub fn producer_infos(&self) -> Vec<ProducerInfo> {
        let info = |(id, producer): (ProducerId, &producers::Producer)| ProducerInfo {
            id,
            epoch: producer.epoch,
            last_sequence: producer.batches.back().map(|batch| batch.last_sequence),
            last_seen_ms: producer.last_seen_ms,
        };
        self.state.borrow().producers.iter().map(info).collect()
    }

    /// How many producers it remembers.
    pub fn producers(&self) -> usize {
        self.state.borrow().producers.len()
    }
}
