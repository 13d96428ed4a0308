//! What can go wrong with a request, by who is at fault, and the one place where it becomes a Kafka error code.

use std::fmt;

use corelog_storage::error::{AppendError, BatchError, ReadError, StorageError};
use corelog_wire::error_code::ErrorCode;

use crate::core::mailbox::Gone;

/// Why a request, or one topic or partition of it, could not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    // The client asks for what is not there, or what it may not have.
    /// No topic of this name, or no partition of this number.
    UnknownTopicOrPartition,
    /// No topic of this id.
    UnknownTopicId,
    /// Clients do not write to the cluster's own topics.
    InternalTopic,
    /// This broker (or, on a core listener, this core) does not lead the partition.
    NotLeader,
    /// The client believes in an older leader epoch.
    FencedLeaderEpoch,
    /// The client believes in a newer leader epoch than this broker knows.
    UnknownLeaderEpoch,
    /// Fewer replicas are in sync than acks=all asks for.
    NotEnoughReplicas,
    /// acks is none of 0, 1, -1.
    InvalidAcks,
    /// The records are not one valid batch.
    Batch(BatchError),
    /// The log refused the batch.
    Append(AppendError),
    /// An offset outside the log.
    OffsetOutOfRange,
    /// Fetch sessions are not kept: this one is unknown.
    FetchSessionUnknown,
    /// The session's requests are not in order.
    FetchSessionEpoch,
    /// The session names topics in another way: by name, or by id.
    FetchSessionTopicIds,
    /// A special timestamp that this version does not have.
    UnsupportedTimestamp,
    /// There are no transactions yet.
    TransactionsAbsent,
    /// What the request says does not make sense.
    InvalidRequest(&'static str),
    // Nobody: it took too long, or something is on its way.
    /// Not acknowledged within the request's time.
    TimedOut,
    /// The partition has no leader now, or its core is not ready.
    LeaderNotAvailable,
    /// The partition is on its way to another data directory.
    ReassignmentInProgress,
    // The disk.
    /// Storage failed, or gave the log up.
    Storage(StorageError),
    // Us.
    /// The controller does not answer.
    ControllerUnavailable,
    /// Another core gave no answer: the broker is stopping.
    CoreGone,
}

impl Fault {
    /// What the client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
            Self::UnknownTopicId => ErrorCode::UnknownTopicId,
            Self::InternalTopic => ErrorCode::InvalidTopicException,
            Self::NotLeader => ErrorCode::NotLeaderOrFollower,
            Self::FencedLeaderEpoch => ErrorCode::FencedLeaderEpoch,
            Self::UnknownLeaderEpoch => ErrorCode::UnknownLeaderEpoch,
            Self::NotEnoughReplicas => ErrorCode::NotEnoughReplicas,
            Self::InvalidAcks => ErrorCode::InvalidRequiredAcks,
            Self::Batch(error) => batch_code(error),
            Self::Append(error) => append_code(error),
            Self::OffsetOutOfRange => ErrorCode::OffsetOutOfRange,
            Self::FetchSessionUnknown => ErrorCode::FetchSessionIdNotFound,
            Self::FetchSessionEpoch => ErrorCode::InvalidFetchSessionEpoch,
            Self::FetchSessionTopicIds => ErrorCode::FetchSessionTopicIdError,
            Self::UnsupportedTimestamp | Self::TransactionsAbsent => ErrorCode::UnsupportedVersion,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::TimedOut => ErrorCode::RequestTimedOut,
            Self::LeaderNotAvailable => ErrorCode::LeaderNotAvailable,
            Self::ReassignmentInProgress => ErrorCode::ReassignmentInProgress,
            Self::Storage(error) => storage_code(error),
            Self::ControllerUnavailable => ErrorCode::CoordinatorNotAvailable,
            Self::CoreGone => ErrorCode::NotLeaderOrFollower,
        }
    }
}

fn batch_code(error: &BatchError) -> ErrorCode {
    match error {
        BatchError::TooLarge { .. } => ErrorCode::MessageTooLarge,
        BatchError::Codec(_) => ErrorCode::UnsupportedCompressionType,
        // As Kafka: one wrong timestamp decides for all that is wrong.
        BatchError::Refused(records) if records.by_timestamp => ErrorCode::InvalidTimestamp,
        BatchError::Transactional => ErrorCode::TransactionalIdAuthorizationFailed,
        BatchError::NoBatch
        | BatchError::Magic(0 | 1)
        | BatchError::MoreThanOne
        | BatchError::BaseOffset(_)
        | BatchError::Count { .. }
        | BatchError::Control
        | BatchError::Producer
        | BatchError::Records(_)
        | BatchError::Compressed(_)
        | BatchError::Refused(_) => ErrorCode::InvalidRecord,
        BatchError::Length(_) | BatchError::Magic(_) | BatchError::Checksum => ErrorCode::CorruptMessage,
    }
}

fn append_code(error: &AppendError) -> ErrorCode {
    match error {
        AppendError::OutOfOrderSequence { .. } => ErrorCode::OutOfOrderSequenceNumber,
        AppendError::InvalidProducerEpoch { .. } => ErrorCode::InvalidProducerEpoch,
        AppendError::StaleLeaderEpoch => ErrorCode::NotLeaderOrFollower,
        AppendError::NotContiguous { .. } => ErrorCode::UnknownServerError,
        // Nothing was appended and the client tries again: the one retriable code without side effects.
        AppendError::Overloaded => ErrorCode::NotEnoughReplicas,
        AppendError::Storage(error) => storage_code(error),
    }
}

fn storage_code(error: &StorageError) -> ErrorCode {
    match error {
        StorageError::Unknown(_) | StorageError::Deleted => ErrorCode::UnknownTopicOrPartition,
        StorageError::Moved | StorageError::Closed => ErrorCode::NotLeaderOrFollower,
        StorageError::Io { .. }
        | StorageError::DiskFull
        | StorageError::ShardFailed(_)
        | StorageError::DirectoryOffline(_)
        | StorageError::Corrupt { .. }
        | StorageError::Foreign { .. }
        | StorageError::Newer { .. }
        | StorageError::Exists(_) => ErrorCode::KafkaStorageError,
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTopicOrPartition => f.write_str("no such topic or partition"),
            Self::UnknownTopicId => f.write_str("no topic of this id"),
            Self::InternalTopic => f.write_str("clients may not write to this internal topic"),
            Self::NotLeader => f.write_str("not the leader of this partition"),
            Self::FencedLeaderEpoch => f.write_str("the leader epoch is older than this broker's"),
            Self::UnknownLeaderEpoch => f.write_str("the leader epoch is newer than this broker's"),
            Self::NotEnoughReplicas => f.write_str("fewer replicas are in sync than min.insync.replicas"),
            Self::InvalidAcks => f.write_str("acks must be 0, 1 or -1 (all)"),
            Self::Batch(error) => error.fmt(f),
            Self::Append(error) => error.fmt(f),
            Self::OffsetOutOfRange => f.write_str("the offset lies outside the log"),
            Self::FetchSessionUnknown => f.write_str("no such fetch session"),
            Self::FetchSessionEpoch => f.write_str("a request of a fetch session out of order"),
            Self::FetchSessionTopicIds => f.write_str("the fetch session names topics in another way"),
            Self::UnsupportedTimestamp => f.write_str("this version has no such special timestamp"),
            Self::TransactionsAbsent => f.write_str("this broker does not support transactions yet"),
            Self::InvalidRequest(why) => f.write_str(why),
            Self::TimedOut => f.write_str("not acknowledged in time"),
            Self::LeaderNotAvailable => f.write_str("the partition has no leader now"),
            Self::ReassignmentInProgress => f.write_str("the partition is on its way to another data directory"),
            Self::Storage(error) => error.fmt(f),
            Self::ControllerUnavailable => f.write_str("the controller does not answer"),
            Self::CoreGone => f.write_str("the owning core has stopped"),
        }
    }
}

impl std::error::Error for Fault {}

impl From<AppendError> for Fault {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

impl From<StorageError> for Fault {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::OutOfRange { .. } => Self::OffsetOutOfRange,
            ReadError::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<Gone> for Fault {
    fn from(_: Gone) -> Self {
        Self::CoreGone
    }
}
