//! A shard's journal: what makes appends durable, one write for all that arrived meanwhile.
//!
//! A few files, written once in full and recycled, hold one endless sequence of *frames*; a frame holds *records*, and
//! what a record means is the log's to say. Records are numbered from 1 ([`Sequence`]); bytes are counted from the
//! journal's birth ([`Lsn`]).
//!
//! - [`frame`]: how a frame lies on disk. - [`file_header`]: how a file begins.
//! - [`commit_machine`]: which frame is written when and where, and what is durable. [`space`]: which file comes next.
//!   [`hold_machine`]: whether a frame waits for those just answered.
//! - [`driver`]: performs what the machine decides ([`Journal`]). [`files`]: makes and opens files.
//! - [`recovery_machine`]: which frames count after a crash, and whether the last was torn or something rotted.
//!   [`replay`]: reads them ([`Replay`]).
//!
//! # What is promised
//! A record is durable when its frame and every frame before it were written with O_DSYNC. After a crash, replay gives
//! the records of an unbroken chain of frames, all durable ones among them. Where the chain breaks, either nothing
//! durable follows (a torn tail, which is forgotten), or a later frame claims that more was durable: then something
//! rotted, and recovery stops with [`crate::error::StorageError::Corrupt`] rather than overwrite it. The claim that
//! covers the last frame is a *closing* frame, written after a short idle time and at close; rot in the newest few
//! frames before that cannot be told from a torn tail.
//!
//! A failed write is final: what is durable can no longer be known.

mod commit_machine;
mod driver;
pub mod dump;
mod file_header;
mod files;
mod frame;
mod hold_machine;
mod recovery_machine;
mod replay;
mod space;

use std::fmt;

use bytes::Bytes;

pub use self::{
    driver::{DurableWrite, Journal, Listener, News, Observer},
    replay::Replay,
};
use crate::limits;

/// A record's number in its journal, from 1, one more for each append; 0 stands before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The sequence after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A position in the journal, in bytes of frames since its birth; never reused, though the disk space is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub(crate) struct Lsn(pub(crate) u64);

impl Lsn {
    fn after(self, bytes: u64) -> Self {
        Self(self.0 + bytes)
    }
}

/// Where a replay starts: a frame's beginning. Checkpoints hold it as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalPosition {
    lsn: Lsn,
    /// The first record at or after it.
    pub(crate) sequence: Sequence,
    /// The checksum of the frame before it.
    chain: u32,
    /// The file it lies in, by the number in the file's name, and where that file begins.
    file: u32,
    base: Lsn,
    /// Which journal; 0 in [`JournalPosition::START`].
    journal: u64,
}

impl JournalPosition {
    /// The beginning of a journal that was never checkpointed.
    pub const START: Self = Self { lsn: Lsn(0), sequence: Sequence(1), chain: 0, file: 0, base: Lsn(0), journal: 0 };

    /// The size of [`JournalPosition::to_bytes`].
    pub const SIZE: usize = 40;

    /// As checkpoints hold it.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[0..8].copy_from_slice(&self.lsn.0.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.sequence.0.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.chain.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.file.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.base.0.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.journal.to_le_bytes());
        bytes
    }

    /// Reads what [`JournalPosition::to_bytes`] wrote; `None` if it cannot be one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::SIZE] = bytes.try_into().ok()?;
        let u64_at = |at: usize| frame::u64_at(bytes, at);
        let position = Self {
            lsn: Lsn(u64_at(0)),
            sequence: Sequence(u64_at(8)),
            chain: frame::u32_at(bytes, 16),
            file: frame::u32_at(bytes, 20),
            base: Lsn(u64_at(24)),
            journal: u64_at(32),
        };
        (position.base <= position.lsn && position.sequence.0 > 0).then_some(position)
    }

    /// The first record that a replay from here gives, if it was ever appended.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }
}

/// A record as replay gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// What the appender said it is.
    pub kind: u8,
    /// Its bytes: a view of the frame it was read with.
    pub payload: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of kind {}, {} bytes", self.sequence.0, self.kind, self.payload.len())
    }
}

/// A journal's measures.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// Bytes of all files together; rounded down to whole files, at least two.
    pub size: u64,
    /// Bytes of one file: the unit in which space is reused.
    pub file_size: u64,
}

impl JournalOptions {
    /// The usual files, `size` bytes in all.
    pub fn of_size(size: u64) -> Self {
        Self { size, file_size: limits::JOURNAL_FILE }
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self::of_size(limits::JOURNAL_SIZE)
    }
}

/// How a recovered journal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecoveryVerdict {
    /// Nothing follows the last whole frame.
    Clean,
    /// What follows is a frame, or part of one, that was being written when the process or the power ended. It was not
    /// acknowledged, and is forgotten.
    TornTail,
}

/// How full a journal is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// From the oldest file not wholly freed to the end.
    pub used: u64,
    /// What all files together can hold.
    pub size: u64,
    /// Appended and not yet given to the disk: waits in memory, for earlier writes or for space.
    pub backlog: u64,
}
