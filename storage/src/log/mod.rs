//! One partition's log on one core.

pub mod config;
pub mod epochs;
pub mod producers;

use std::{future::Future, marker::PhantomData, rc::Rc};

use bytes::Bytes;

pub use self::config::LogConfig;
use crate::{
    batch::ValidBatch,
    env::Env,
    error::{AppendError, ReadError, StorageError},
    ids::{LeaderEpoch, LogId, Offset, Timestamp},
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

/// What [`Log::subscribe_durable`] calls.
pub type DurableListener = Rc<dyn Fn(Offset)>;

/// One partition's log.
pub struct Log<E: Env> {
    id: LogId,
    env: PhantomData<E>,
}

impl<E: Env> Log<E> {
    /// Its name.
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Appends one batch at the log's end: readable at once, durable when [`Log::wait_durable`] says so. Assigns the
    /// offsets and checks the producer's sequence. Never waits.
    pub fn append(&self, _batch: &ValidBatch, _epoch: LeaderEpoch) -> Result<Appended, AppendError> {
        Err(StorageError::Closed.into())
    }

    /// Resolves when all before `ticket` is durable, or never will be.
    pub fn wait_durable(&self, _ticket: Ticket) -> impl Future<Output = Result<(), StorageError>> + 'static {
        std::future::ready(Err(StorageError::Closed))
    }

    /// The first offset there is.
    pub fn start(&self) -> Offset {
        Offset(0)
    }

    /// One past the last appended record.
    pub fn end(&self) -> Offset {
        Offset(0)
    }

    /// All before it is durable. Equal to [`Log::end`] for a relaxed log.
    pub fn durable_end(&self) -> Offset {
        Offset(0)
    }

    /// `listener` is called with the new [`Log::durable_end`] after each commit that moves it, on this core, from
    /// within the commit: it must be quick and must not append. One listener; a second replaces the first.
    pub fn subscribe_durable(&self, _listener: DurableListener) {}

    /// Whole batches from the one that holds `from` on, all below `up_to`, at most `max_bytes` of them; or one batch,
    /// however large, with `at_least_one`.
    pub async fn read(
        &self,
        _from: Offset,
        _max_bytes: usize,
        _up_to: Offset,
        _at_least_one: bool,
    ) -> Result<ReadResult, ReadError> {
        Err(StorageError::Closed.into())
    }

    /// About how many bytes of batches lie between two offsets; never less than there are.
    pub fn bytes_between(&self, _from: Offset, _up_to: Offset) -> u64 {
        0
    }

    /// The first record, below `up_to`, whose timestamp is at least `at`.
    pub async fn offset_for_timestamp(&self, _at: Timestamp, _up_to: Offset) -> Result<Option<TimedOffset>, ReadError> {
        Ok(None)
    }

    /// The record with the greatest timestamp, the first of them; `None` for an empty log.
    pub async fn max_timestamp(&self, _up_to: Offset) -> Result<Option<TimedOffset>, ReadError> {
        Ok(None)
    }

    /// The newest epoch not above `epoch` that the log knows, and where it ends (KIP-101).
    pub fn epoch_end(&self, _epoch: LeaderEpoch) -> Option<(LeaderEpoch, Offset)> {
        None
    }

    /// The newest epoch the log knows.
    pub fn latest_epoch(&self) -> Option<LeaderEpoch> {
        None
    }

    /// Enters `epoch` at the log's end, before anything is appended in it. Durable with the next append or wait.
    pub fn begin_epoch(&self, _epoch: LeaderEpoch) -> Result<Ticket, AppendError> {
        Err(StorageError::Closed.into())
    }

    /// Moves the log's start to `before` (at most its end) and deletes segments that lie below. Durable on return.
    pub async fn delete_records(&self, _before: Offset) -> Result<Offset, StorageError> {
        Err(StorageError::Closed)
    }

    /// What holds from now on.
    pub fn set_config(&self, _config: LogConfig) {}

    /// Bytes of batches from the start of the oldest segment.
    pub fn size(&self) -> u64 {
        0
    }
}
