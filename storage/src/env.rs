//! The seam between the log and the world: clock, randomness, tasks and disk of one core.
//!
//! Two implementations: the real one (one io_uring ring per core, in the broker) and [`crate::sim`], which runs any
//! number of cores in one thread from one seed. Futures are `!Send`: nothing here ever leaves its core.
//!
//! **Cancellation.** An operation whose future is dropped still owns its buffer until the disk is done with it; that is
//! the implementation's duty, once, not the caller's.

use std::{future::Future, io, path::Path, time::Duration};

use bytes::Bytes;

use crate::buffer::AlignedBuf;

/// The unit of disk I/O in bytes: positions, lengths and memory addresses are multiples of it (O_DIRECT).
pub const BLOCK: usize = 4096;

/// A point on the monotonic clock, in nanoseconds since an arbitrary start. Never goes back, whatever the wall clock does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// This instant plus `duration`, saturating.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_nanos() as u64))
    }

    /// Time since `earlier`; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Which of a core's task queues a task runs on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// Somebody waits for the outcome: requests, commits, replication.
    Latency,
    /// Upkeep: flushes, checkpoints, retention, metrics.
    Background,
}

/// How to open a file. All files are opened for direct I/O.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenFile {
    /// Create it, empty, if it does not exist (else `NotFound`).
    pub create: bool,
    /// Open with O_DSYNC, so that [`File::write_durable`] may be called.
    pub durable_writes: bool,
}

/// One core's world.
pub trait Env: Clone + 'static {
    /// An open file.
    type File: File;

    /// The monotonic clock: all timers, sessions and time-outs.
    fn now(&self) -> Instant;
    /// The wall clock, ms since 1970; may jump. For record timestamps and retention only.
    fn wall_clock_ms(&self) -> i64;
    /// 64 random bits.
    fn random(&self) -> u64;
    /// Resolves when this core is awake for something else at or after `earliest`, or else at or after `latest`: those who
    /// can wait a little longer share a wake.
    fn sleep_between(&self, earliest: Instant, latest: Instant) -> impl Future<Output = ()> + 'static;
    /// Resolves at or after `deadline`.
    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + 'static {
        self.sleep_between(deadline, deadline)
    }
    /// Resolves after `duration`.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.sleep_until(self.now().after(duration))
    }
    /// Runs `task` on this core until it ends by itself; there is no cancelling a task from outside.
    fn spawn(&self, lane: Lane, task: impl Future<Output = ()> + 'static);

    /// Opens a file. The directory entry of a created file is durable only after [`Env::sync_dir`].
    fn open(&self, path: &Path, how: OpenFile) -> impl Future<Output = io::Result<Self::File>>;
    /// Creates a directory and its parents; no error if it exists.
    fn create_dir(&self, path: &Path) -> impl Future<Output = io::Result<()>>;
    /// Names of the files and directories in `dir`, sorted.
    fn list(&self, dir: &Path) -> impl Future<Output = io::Result<Vec<String>>>;
    /// Renames, replacing `to` at once; durable after [`Env::sync_dir`] of both parents.
    fn rename(&self, from: &Path, to: &Path) -> impl Future<Output = io::Result<()>>;
    /// Removes a file or an empty directory; durable after [`Env::sync_dir`].
    fn remove(&self, path: &Path) -> impl Future<Output = io::Result<()>>;
    /// Makes the entries of `dir` durable. A failure is final for the directory.
    fn sync_dir(&self, dir: &Path) -> impl Future<Output = io::Result<()>>;
}

/// An open file: direct I/O in whole [`BLOCK`]s. Clones share one open file; the last to go closes it.
///
/// Only what a returned [`File::write_durable`] wrote, or what was written before a successful [`File::sync`] began, is
/// sure to be found after a power cut, and it is durable for **its own bytes only**.
#[allow(clippy::len_without_is_empty)] // it asks the file system: not a collection's length
pub trait File: Clone + 'static {
    /// Reads up to `buffer.len()` bytes at `position`; returns the buffer and how many bytes were there (fewer at the
    /// file's end only).
    fn read_at(&self, position: u64, buffer: AlignedBuf) -> impl Future<Output = io::Result<(AlignedBuf, usize)>>;
    /// Writes all of `data`; not durable by itself. `data` is block-aligned in address and length.
    fn write_at(&self, position: u64, data: Bytes) -> impl Future<Output = io::Result<()>>;
    /// Writes all of `data`, durable when this returns `Ok`. Needs [`OpenFile::durable_writes`].
    fn write_durable(&self, position: u64, data: Bytes) -> impl Future<Output = io::Result<()>>;
    /// As [`File::write_durable`], of pieces of memory one after the other, in one write; each is block-aligned in address
    /// and length.
    fn write_durable_pieces(&self, position: u64, data: Vec<Bytes>) -> impl Future<Output = io::Result<()>>;
    /// fdatasync. An error is final: never retried, the caller stops serving from this directory.
    fn sync(&self) -> impl Future<Output = io::Result<()>>;
    /// The file's length in bytes.
    fn len(&self) -> impl Future<Output = io::Result<u64>>;
    /// Reserves blocks to `length` without writing them (fallocate); the length grows to it.
    fn allocate(&self, length: u64) -> impl Future<Output = io::Result<()>>;
    /// Cuts or extends the file to `length` bytes.
    fn set_len(&self, length: u64) -> impl Future<Output = io::Result<()>>;
}
