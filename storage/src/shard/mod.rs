//! What one core runs of the storage: a journal, a checkpoint, and the logs they serve.

mod aside;
mod clock_machine;
#[rustfmt::skip]
#[allow(clippy::all, missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks, dead_code, unused)]
pub(crate) mod checkpoint_generated;
pub(crate) mod context;
mod copy;
mod deletion;
pub mod dump;
pub(crate) mod files;
mod manifest;
mod memory;
mod moves;
mod reach_machine;
pub(crate) mod record;
mod recover;
#[cfg(test)]
mod tests;
mod upkeep;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    rc::Rc,
    task::Waker,
};

use self::{
    context::Context,
    deletion::Removals,
    record::{encode_config, encode_id, kind},
};
pub use self::{
    copy::{Copy, CopyError, Step},
    manifest::LogManifest,
    moves::Rest,
};
use crate::{
    buffer::BufferPool,
    env::Env,
    error::StorageError,
    ids::LogId,
    journal::{JournalOptions, Observer, Usage},
    log::{
        Log, LogConfig,
        state::{Life, LogImage, LogNumber, State},
    },
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
    /// How much of that it takes as long as no reader falls further behind: memory that was used before costs less than
    /// fresh memory.
    pub cache_begins: usize,
    /// How much of it disk reads in flight may hold.
    pub read_bytes: usize,
    /// The journal's measures.
    pub journal: JournalOptions,
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
    /// Logs that were offline and are served again: what was damaged is whole.
    pub mended: Vec<LogId>,
}

/// A log that is not served, since something durable of it cannot be read. Its records are kept as they are, for a start
/// that finds the damage mended, until it is deleted.
struct Offline {
    image: LogImage,
    error: StorageError,
}

/// How often a log was handed from shard to shard: the greater claim wins if a crash left two.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Generation(pub u32);

/// One core's storage.
pub struct Shard<E: Env> {
    context: Rc<Context<E>>,
    dir: PathBuf,
    logs: RefCell<BTreeMap<LogId, Rc<Log<E>>>>,
    by_number: RefCell<BTreeMap<LogNumber, Rc<Log<E>>>>,
    offline: RefCell<BTreeMap<LogId, Offline>>,
    next_number: Cell<u32>,
    /// Logs that are deleted and whose files may still be there.
    deleting: RefCell<BTreeSet<LogId>>,
    removals: Removals<E>,
    /// One checkpoint at a time.
    checkpointing: Cell<bool>,
    checkpoint_waiters: RefCell<Vec<Waker>>,
    relieving: Cell<bool>,
    closed: Cell<bool>,
}

impl<E: Env> Shard<E> {
    /// Opens shard `id` below `data_dir`, creating it if it is new: reads its checkpoint, then replays its journal. Files of
    /// deleted logs go in the background.
    pub async fn open(
        env: E,
        data_dir: &Path,
        id: ShardId,
        options: ShardOptions,
    ) -> Result<(Rc<Self>, RecoveryReport), StorageError> {
        let (shard, report) = Self::open_among(env.clone(), data_dir, id, options).await?;
        let removing = shard.clone();
        env.spawn(crate::env::Lane::Background, async move { removing.remove_deleted(|_| false).await });
        Ok((shard, report))
    }

    /// The same for one of several shards of a directory: files of deleted logs stay until [`Shard::remove_deleted`].
    pub async fn open_among(
        env: E,
        data_dir: &Path,
        id: ShardId,
        options: ShardOptions,
    ) -> Result<(Rc<Self>, RecoveryReport), StorageError> {
        recover::open(env, data_dir, id, options).await
    }

    /// The shards that exist below `data_dir`.
    pub async fn list(env: &E, data_dir: &Path) -> Result<Vec<ShardId>, StorageError> {
        let dir = shards_dir(data_dir);
        match env.list(&dir).await {
            Ok(names) => Ok(names.iter().filter_map(|name| name.parse().ok().map(ShardId)).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StorageError::io("list", &dir, &error)),
        }
    }

    fn new(context: Rc<Context<E>>, dir: PathBuf) -> Rc<Self> {
        Rc::new(Self {
            context,
            dir,
            logs: RefCell::default(),
            by_number: RefCell::default(),
            offline: RefCell::default(),
            next_number: Cell::new(1),
            deleting: RefCell::default(),
            removals: Removals::default(),
            checkpointing: Cell::new(false),
            checkpoint_waiters: RefCell::default(),
            relieving: Cell::new(false),
            closed: Cell::new(false),
        })
    }

    /// Creates an empty log. It takes no disk until its first append; after a crash it is there if anything that was
    /// appended to this shard later was durable.
    pub fn create_log(&self, id: LogId, config: LogConfig) -> Result<Rc<Log<E>>, StorageError> {
        self.usable()?;
        if self.has(id) || self.deleting.borrow().contains(&id) {
            return Err(StorageError::Exists(id));
        }
        let number = self.take_number();
        self.context.write(kind::CREATE, &[&number.0.to_le_bytes(), &encode_id(id), &encode_config(&config)]);
        Ok(self.insert(id, number, State::new(config, Generation::default())))
    }

    fn has(&self, id: LogId) -> bool {
        self.logs.borrow().contains_key(&id) || self.offline.borrow().contains_key(&id)
    }

    fn take_number(&self) -> LogNumber {
        let number = LogNumber(self.next_number.get());
        self.next_number.set(number.0 + 1);
        number
    }

    fn insert(&self, id: LogId, number: LogNumber, state: State) -> Rc<Log<E>> {
        let log = Log::new(id, number, self.context.clone(), state);
        self.next_number.set(self.next_number.get().max(number.0 + 1));
        self.logs.borrow_mut().insert(id, log.clone());
        self.by_number.borrow_mut().insert(number, log.clone());
        log
    }

    /// The log of that name, if this shard serves it.
    pub fn log(&self, id: LogId) -> Option<Rc<Log<E>>> {
        self.logs.borrow().get(&id).filter(|log| log.state().borrow().life == Life::Open).cloned()
    }

    /// All logs it serves, by name.
    pub fn logs(&self) -> Vec<Rc<Log<E>>> {
        let logs = self.logs.borrow();
        logs.values().filter(|log| log.state().borrow().life == Life::Open).cloned().collect()
    }

    /// Logs that it cannot serve, and what is wrong with them.
    pub fn offline(&self) -> Vec<(LogId, StorageError)> {
        self.offline.borrow().iter().map(|(id, offline)| (*id, offline.error.clone())).collect()
    }

    /// Takes a log out of service.
    fn put_offline(&self, log: &Rc<Log<E>>, image: LogImage, error: StorageError) {
        self.logs.borrow_mut().remove(&log.id());
        self.by_number.borrow_mut().remove(&log.number());
        log.retire(Life::Moved);
        log.let_go();
        self.offline.borrow_mut().insert(log.id(), Offline { image, error });
    }

    /// Which logs this shard believes its own, for finding out whether a crash left two claims.
    pub fn claims(&self) -> Vec<(LogId, Generation)> {
        let (logs, offline) = (self.logs.borrow(), self.offline.borrow());
        let served = logs.iter().map(|(id, log)| (*id, log.state().borrow().generation));
        served.chain(offline.iter().map(|(id, offline)| (*id, offline.image.generation))).collect()
    }

    /// Deletes what the logs' retention no longer wants, closes segments whose time is over, forgets producers that
    /// were silent for as long as `producer_expiration_ms`. The caller repeats it every few minutes. A log that fails does not keep the others from their turn.
    pub async fn run_retention(&self, producer_expiration_ms: i64) -> Result<(), StorageError> {
        let mut outcome = Ok(());
        for log in self.logs() {
            self.usable()?;
            match log.run_retention(producer_expiration_ms).await {
                Ok(()) | Err(StorageError::Deleted | StorageError::Moved) => {}
                Err(error) => outcome = Err(error),
            }
        }
        if self.logs().iter().any(|log| log.has_left_over()) {
            self.checkpoint().await?;
            self.remove_left_over().await?;
        }
        outcome
    }

    /// Removes the files that logs gave up and the newest checkpoint covers.
    async fn remove_left_over(&self) -> Result<(), StorageError> {
        for log in self.logs() {
            log.remove_left_over().await?;
        }
        Ok(())
    }

    /// Why this shard no longer serves, if a write or sync failed for good.
    pub fn failure(&self) -> Option<StorageError> {
        self.context.check().err()
    }

    /// Bytes of memory that logs' tails hold.
    pub fn cached_bytes(&self) -> usize {
        self.context.cached()
    }

    /// How full the journal is.
    pub fn journal_usage(&self) -> Usage {
        self.context.journal().usage()
    }

    /// Has `observer` told of each durable write of the journal.
    pub fn observe_journal(&self, observer: Observer) {
        self.context.journal().set_observer(observer);
    }

    /// Has `observer` told when a write or sync fails for good, once, from within whatever failed: it must be quick, and
    /// must not come back to this shard.
    pub fn observe_failure(&self, observer: Rc<dyn Fn(StorageError)>) {
        *self.context.on_failure.borrow_mut() = Some(observer);
    }

    /// Serves nothing any more, as after a failed write: what lies on the same disk has failed.
    pub fn stop_serving(&self, why: StorageError) {
        self.context.on_failure.take();
        self.context.fail(match why {
            why @ StorageError::DirectoryOffline(_) => why,
            why => StorageError::DirectoryOffline(why.to_string().into()),
        });
    }

    /// Resolves when all journal records written by now are durable: creations and configurations among them.
    pub async fn sync(&self) -> Result<(), StorageError> {
        self.context.check()?;
        self.context.journal().wait_durable(self.context.last_sequence.get()).await
    }

    fn usable(&self) -> Result<(), StorageError> {
        if self.closed.get() { Err(StorageError::Closed) } else { self.context.check() }
    }
}

/// The directory of all shards' directories.
fn shards_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("shards")
}
