//! What can go wrong, by who is at fault: the client ([`BatchError`], part of [`AppendError`], [`ReadError::OutOfRange`]),
//! the disk ([`StorageError`]), or nobody ([`StorageError::Moved`], [`StorageError::Deleted`]).

use std::{fmt, io, path::Path, sync::Arc};

use crate::ids::{LogId, Offset, ProducerEpoch, ProducerId, Timestamp};

/// The disk, or what lies on it, failed us. Cheap to clone: every waiter gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// An operation failed; this file cannot be used now, others may.
    Io {
        /// What was tried on which file.
        what: Arc<str>,
        /// What the system said.
        kind: io::ErrorKind,
        /// The system's words.
        message: Arc<str>,
    },
    /// No space is left. Deleting and retention still work; appends do again once there is space.
    DiskFull,
    /// A write to the journal or a sync failed earlier: what is durable can no longer be known, so this shard serves
    /// no more until the process is started again.
    ShardFailed(Arc<str>),
    /// The data directory that it lies in is missing, or failed elsewhere.
    DirectoryOffline(Arc<str>),
    /// What was read is not what was written.
    Corrupt {
        /// File and position.
        place: Arc<str>,
        /// What does not fit.
        why: &'static str,
    },
    /// The file does not begin with our magic: not ours.
    Foreign {
        /// Its path.
        path: Arc<str>,
    },
    /// Written by a newer version of this program.
    Newer {
        /// Its path.
        path: Arc<str>,
        /// Its format version.
        version: u16,
    },
    /// No such log on this shard.
    Unknown(LogId),
    /// There is such a log already.
    Exists(LogId),
    /// The log was deleted meanwhile.
    Deleted,
    /// The log was handed to another shard.
    Moved,
    /// The shard was closed.
    Closed,
}

impl StorageError {
    /// Wraps what the system said about `what` done to `path`.
    pub fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::StorageFull || error.kind() == io::ErrorKind::QuotaExceeded {
            return Self::DiskFull;
        }
        let what = format!("{what} {}", path.display());
        Self::Io { what: what.into(), kind: error.kind(), message: error.to_string().into() }
    }

    /// Whether a file was not there.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { kind: io::ErrorKind::NotFound, .. })
    }

    /// Something at `place` of `path` that cannot be ours.
    pub fn corrupt(path: &Path, position: u64, why: &'static str) -> Self {
        Self::Corrupt { place: format!("{} at byte {position}", path.display()).into(), why }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { what, message, .. } => write!(f, "{what}: {message}"),
            Self::DiskFull => f.write_str("no space left: delete topics, lower retention, or enlarge the disk"),
            Self::ShardFailed(why) => write!(f, "stopped after a failed write or sync ({why}); restart the broker"),
            Self::DirectoryOffline(why) => write!(f, "its data directory is offline: {why}"),
            Self::Corrupt { place, why } => write!(
                f,
                "corrupt data in {place}: {why}; the disk may be failing: restore the data directory from a copy, or give \
                 up what is damaged (delete the topic; of a journal or checkpoint: start with another --data-dir)"
            ),
            Self::Foreign { path } => write!(f, "{path} is not a Corelog file: restore it from a copy"),
            Self::Newer { path, version } => write!(f, "{path} has format {version}, newer than this program knows"),
            Self::Unknown(id) => write!(f, "no log {id} on this shard"),
            Self::Exists(id) => write!(f, "log {id} exists already"),
            Self::Deleted => f.write_str("the log was deleted"),
            Self::Moved => f.write_str("the log was handed to another core"),
            Self::Closed => f.write_str("the shard is closed"),
        }
    }
}

impl std::error::Error for StorageError {}

/// What is wrong with a record batch: always its sender's fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// Not one complete batch.
    NoBatch,
    /// More than one batch where exactly one is allowed.
    MoreThanOne,
    /// The length field cannot be: less than a header.
    Length(i32),
    /// A message format other than 2.
    Magic(i8),
    /// CRC32C does not match.
    Checksum,
    /// Longer than allowed.
    TooLarge {
        /// Its size in bytes.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// A client's batch starts at another offset than 0.
    BaseOffset(i64),
    /// Record count and last offset delta do not fit each other, or there is no record.
    Count {
        /// The count field.
        count: i32,
        /// The last offset delta.
        last_offset_delta: i32,
    },
    /// Only the broker writes control batches.
    Control,
    /// An unknown codec, or one this request version cannot carry.
    Codec(u8),
    /// A producer id without a sequence or epoch, or the other way round.
    Producer,
    /// A transactional batch without a producer id.
    Transactional,
    /// The records within cannot be walked.
    Records(&'static str),
    /// They cannot even be decompressed.
    Compressed(&'static str),
    /// The topic's configuration refuses some of them, and a batch goes in whole or not at all.
    Refused(RefusedRecords),
}

/// The records of a batch that its topic refuses (KIP-467).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedRecords {
    /// The first of them; not all if there are very many.
    pub first: Arc<[RefusedRecord]>,
    /// How many there are.
    pub count: u32,
    /// Whether one is refused for its timestamp.
    pub by_timestamp: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedRecord {
    /// Its place in the batch, from 0.
    pub index: i32,
    /// Why.
    pub why: RecordFault,
}

/// Why a topic refuses a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordFault {
    /// It has no key, and the topic is compacted.
    NoKey,
    /// Its timestamp lies too far from the broker's clock.
    Timestamp(Timestamp),
    /// Its producer gives it the broker's timestamp.
    TimestampType,
}

impl fmt::Display for RecordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoKey => f.write_str("a compacted topic needs a key"),
            Self::Timestamp(at) => write!(f, "timestamp {} is too far from the broker's time", at.0),
            Self::TimestampType => f.write_str("timestamps of type LogAppendTime are the broker's to set"),
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoBatch => f.write_str("no complete record batch"),
            Self::MoreThanOne => f.write_str("more than one record batch for a partition"),
            Self::Length(length) => write!(f, "a batch length of {length}"),
            Self::Magic(magic) => write!(f, "message format {magic}, only 2 is served"),
            Self::Checksum => f.write_str("the checksum does not match"),
            Self::TooLarge { size, limit } => write!(f, "a batch of {size} bytes, at most {limit} are allowed"),
            Self::BaseOffset(offset) => write!(f, "the batch starts at offset {offset}, not 0"),
            Self::Count { count, last_offset_delta } => {
                write!(f, "{count} records with a last offset delta of {last_offset_delta}")
            }
            Self::Control => f.write_str("clients may not write control batches"),
            Self::Codec(codec) => write!(f, "compression codec {codec}"),
            Self::Producer => f.write_str("producer id, epoch and sequence do not fit each other"),
            Self::Transactional => f.write_str("a transactional batch without a producer id"),
            Self::Records(why) => write!(f, "broken records: {why}"),
            Self::Compressed(why) => write!(f, "broken compression: {why}"),
            Self::Refused(records) => {
                write!(f, "{} records are refused", records.count)?;
                records
                    .first
                    .first()
                    .map_or(Ok(()), |first| write!(f, ", the first (record {}): {}", first.index, first.why))
            }
        }
    }
}

impl std::error::Error for BatchError {}

/// Why an append was refused; nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendError {
    /// The producer's sequence does not follow its last one.
    OutOfOrderSequence {
        /// Who.
        producer: ProducerId,
        /// What it sent.
        sequence: i32,
        /// What was expected.
        expected: i32,
    },
    /// The producer's epoch is older than one seen.
    InvalidProducerEpoch {
        /// Who.
        producer: ProducerId,
        /// What it sent.
        epoch: ProducerEpoch,
        /// The newest seen.
        current: ProducerEpoch,
    },
    /// The batch's leader epoch is older than the log's.
    StaleLeaderEpoch,
    /// A batch that keeps its offsets (from a leader) does not start at this log's end.
    NotContiguous {
        /// Where it starts.
        base: Offset,
        /// Where the log ends.
        end: Offset,
    },
    /// More is waiting for the disk than may be held in memory; try again soon.
    Overloaded,
    /// The log cannot take it.
    Storage(StorageError),
}

impl From<StorageError> for AppendError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfOrderSequence { producer, sequence, expected } => {
                write!(f, "producer {} sent sequence {sequence} where {expected} was due", producer.0)
            }
            Self::InvalidProducerEpoch { producer, epoch, current } => {
                write!(f, "producer {} has epoch {}, its newest is {}", producer.0, epoch.0, current.0)
            }
            Self::StaleLeaderEpoch => f.write_str("the leader epoch is older than the log's"),
            Self::NotContiguous { base, end } => write!(f, "a batch at {} does not follow {}", base.0, end.0),
            Self::Overloaded => f.write_str("too much is waiting for the disk"),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AppendError {}

/// Why a read gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// The offset lies before the log's start or past its end.
    OutOfRange {
        /// The first offset there is.
        start: Offset,
        /// One past the last.
        end: Offset,
    },
    /// The disk or its data failed.
    Storage(StorageError),
}

impl From<StorageError> for ReadError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfRange { start, end } => write!(f, "the log holds offsets {} to {}", start.0, end.0),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {}
