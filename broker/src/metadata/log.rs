//! Where the cluster's metadata is kept: one narrow interface, so that a quorum of nodes can take the place of a log of
//! our own without anybody above it noticing. [`conformance`](super::conformance) says what every implementation keeps.

use std::{fmt, future::Future, sync::Arc};

use corelog_storage::error::{AppendError, StorageError};

use crate::metadata::{
    image::{ApplyError, ClusterImage, ImageVersion},
    record::MetadataRecord,
    replay::ReplayError,
};

/// The cluster's metadata, as an ordered log of records that take effect in steps.
///
/// 1. A step is committed whole or not at all, and stays committed through every crash once [`MetadataLog::propose`]
///    has returned `Ok`. One whose `propose` never returned, or failed, may turn out committed after a restart.
/// 2. Steps take effect in the order proposed; every reader sees the same order, and versions only rise.
/// 3. [`MetadataLog::image`] is the outcome of exactly the committed steps.
/// 4. A snapshot changes neither image nor version.
pub trait MetadataLog: 'static {
    /// Commits `records` as one step. The records must apply to the newest proposed state. Returns the version that
    /// the image then has.
    fn propose(&self, records: Vec<MetadataRecord>) -> impl Future<Output = Result<ImageVersion, MetadataError>>;

    /// The state after all committed steps.
    fn image(&self) -> Arc<ClusterImage>;

    /// The first step committed after `version`, waiting for it if need be.
    fn next(&self, version: ImageVersion) -> impl Future<Output = Result<Committed, MetadataError>>;

    /// Writes the image down so that what came before it need not be read at the next start.
    fn snapshot(&self) -> impl Future<Output = Result<(), MetadataError>>;
}

/// A committed step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Committed {
    /// The image with it.
    pub image: Arc<ClusterImage>,
    /// Its records; `None` to a reader so far behind that it must take the image whole.
    pub records: Option<Arc<[MetadataRecord]>>,
}

/// The metadata cannot be read or written. Final for this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataError {
    /// The disk.
    Storage(StorageError),
    /// The log would not take the records.
    Append(String),
    /// What is there cannot be read back.
    Damaged(ReplayError),
    /// The records do not fit the state: a defect of ours, and nothing was written.
    Rejected(ApplyError),
}

impl fmt::Display for MetadataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metadata log: ")?;
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Append(why) => f.write_str(why),
            Self::Damaged(error) => error.fmt(f),
            Self::Rejected(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for MetadataError {}

impl From<StorageError> for MetadataError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<AppendError> for MetadataError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Storage(error) => Self::Storage(error),
            other => Self::Append(other.to_string()),
        }
    }
}

impl From<ReplayError> for MetadataError {
    fn from(error: ReplayError) -> Self {
        Self::Damaged(error)
    }
}

impl From<ApplyError> for MetadataError {
    fn from(error: ApplyError) -> Self {
        Self::Rejected(error)
    }
}
