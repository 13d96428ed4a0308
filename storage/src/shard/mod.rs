//! What one core runs of the storage: a journal, a checkpoint, and the logs they serve.

use std::{marker::PhantomData, path::Path, rc::Rc};

use crate::{
    buffer::BufferPool,
    env::Env,
    error::StorageError,
    ids::LogId,
    log::{Log, LogConfig},
};

/// Which shard of a data directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ShardId(pub u16);

/// How to open a shard.
#[derive(Clone, Debug)]
pub struct ShardOptions {
    /// The core's memory. Shared with receive buffers and whatever else the core bounds with it.
    pub pool: BufferPool,
    /// How much of it the tail cache may hold.
    pub cache_bytes: usize,
    /// How much of it disk reads in flight may hold.
    pub read_bytes: usize,
    /// The journal's size on disk.
    pub journal_bytes: u64,
}

/// What opening a shard found.
#[derive(Clone, Debug, Default)]
pub struct RecoveryReport {
    /// Logs it serves.
    pub logs: usize,
    /// Journal records replayed.
    pub replayed: u64,
    /// The journal ended in a frame that was never acknowledged.
    pub torn_tail: bool,
    /// Acknowledged records may be missing: something durable could not be read.
    pub suspect: bool,
    /// Logs cut back because bypassed data was not complete; none of it was acknowledged.
    pub truncated: Vec<LogId>,
}

/// How often a log was handed from shard to shard: the greater claim wins if a crash left two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Generation(pub u32);

/// A log on its way to another shard: all of its state but the files, which stay where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogManifest {
    /// Which log.
    pub id: LogId,
    /// The receiver's claim.
    pub generation: Generation,
    /// Its state, as checkpoints hold it.
    pub state: Vec<u8>,
}

/// One core's storage.
pub struct Shard<E: Env> {
    env: PhantomData<E>,
}

impl<E: Env> Shard<E> {
    /// Opens shard `id` below `data_dir`, creating it if it is new: reads its checkpoint, then replays its journal.
    pub async fn open(
        _env: E,
        _data_dir: &Path,
        _id: ShardId,
        _options: ShardOptions,
    ) -> Result<(Rc<Self>, RecoveryReport), StorageError> {
        Err(StorageError::Closed)
    }

    /// The shards that exist below `data_dir`.
    pub async fn list(_env: &E, _data_dir: &Path) -> Result<Vec<ShardId>, StorageError> {
        Ok(Vec::new())
    }

    /// Creates an empty log. It takes no disk until its first append; it is remembered after a crash from when
    /// something later was durable.
    pub fn create_log(&self, _id: LogId, _config: LogConfig) -> Result<Rc<Log<E>>, StorageError> {
        Err(StorageError::Closed)
    }

    /// The log of that name, if this shard has it.
    pub fn log(&self, _id: LogId) -> Option<Rc<Log<E>>> {
        None
    }

    /// All logs, by name.
    pub fn logs(&self) -> Vec<Rc<Log<E>>> {
        Vec::new()
    }

    /// Deletes a log and its files. Its deletion is durable on return; files go then, or at the next start.
    pub async fn delete_log(&self, _id: LogId) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }

    /// First step of a move: stops serving the log and writes all of it to its segments. The log stays this shard's,
    /// after a crash too, until [`Shard::forget`].
    pub async fn release(&self, _id: LogId) -> Result<LogManifest, StorageError> {
        Err(StorageError::Closed)
    }

    /// Second step, on the receiving shard: the log is durably its own on return.
    pub async fn adopt(&self, _manifest: LogManifest) -> Result<Rc<Log<E>>, StorageError> {
        Err(StorageError::Closed)
    }

    /// Last step, on the giving shard: gives up its claim for good, and leaves the files alone. Also for a claim that
    /// a crash left behind and that another shard's is greater than.
    pub async fn forget(&self, _id: LogId) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }

    /// Which logs this shard believes its own, for finding out whether a crash left two claims.
    pub fn claims(&self) -> Vec<(LogId, Generation)> {
        Vec::new()
    }

    /// Makes a checkpoint, which lets the journal reuse what lies before it.
    pub async fn checkpoint(&self) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }

    /// Deletes what the logs' retention no longer wants, closes segments whose time is over, forgets silent producers.
    /// The caller repeats it every few minutes.
    pub async fn run_retention(&self) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }

    /// Why this shard no longer serves, if a write or sync failed for good.
    pub fn failure(&self) -> Option<StorageError> {
        None
    }

    /// Writes everything to segments, makes a checkpoint, closes the journal. Nothing may be appended any more.
    pub async fn close(&self) -> Result<(), StorageError> {
        Err(StorageError::Closed)
    }
}
