//! Questions to a partition besides reading and writing: offsets by time, where epochs end, a new log start.

use std::rc::Rc;

use corelog_storage::{
    error::{ReadError, StorageError},
    ids::{LeaderEpoch, LogId, Offset, Timestamp},
    log::{ProducerInfo, TimedOffset},
};

use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    directories::moves::{self, Coming},
    error::Fault,
    metadata::ids::DirectoryId,
    partition::Partition,
    transfer,
};

/// What is asked of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Query {
    /// An offset, by what the timestamp means.
    ListOffset {
        /// The leader epoch the client believes in, or -1.
        leader_epoch: LeaderEpoch,
        /// Which.
        target: Target,
        /// Only records of decided transactions count.
        committed_only: bool,
    },
    /// Where an epoch ends (KIP-101).
    EpochEnd {
        /// The leader epoch the client believes in, or -1.
        leader_epoch: LeaderEpoch,
        /// Which epoch.
        epoch: LeaderEpoch,
    },
    /// Moves the log's start; `None` means to the high watermark.
    DeleteRecords {
        /// The new start.
        before: Option<Offset>,
    },
    /// How many bytes the log takes, and its copy in another directory.
    Size,
    /// Has it move to that directory of this node.
    MoveTo(DirectoryId),
    /// Has it move to that core of this node.
    MoveToCore(CoreId),
    /// The idempotent producers the log remembers.
    Producers,
}

/// Which offset ListOffsets asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// The first there is.
    Earliest,
    /// One past the last committed.
    Latest,
    /// The first at or after this time.
    At(Timestamp),
    /// That of the greatest timestamp (KIP-734).
    MaxTimestamp,
    /// The first that lies on local disk (KIP-405): all do.
    EarliestLocal,
    /// The last that lies on remote storage (KIP-1005): none does.
    LatestTiered,
    /// The first that is not yet on remote storage (KIP-1023): the first there is.
    EarliestPendingUpload,
}

/// The answer to a [`Query`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To `ListOffset`; -1 where there is none.
    Offset {
        /// The offset.
        offset: Offset,
        /// The record's timestamp, where the question was about one.
        timestamp: Timestamp,
        /// The epoch of the record, or the leader's.
        epoch: LeaderEpoch,
    },
    /// To `EpochEnd`.
    EpochEnd {
        /// The newest epoch not above the one asked for, or -1.
        epoch: LeaderEpoch,
        /// Where it ends, or -1.
        end: Offset,
    },
    /// To `DeleteRecords`: the log's start now.
    LogStart(Offset),
    /// To `Size`.
    Size {
        /// Of the log.
        bytes: u64,
        /// The copy that is being made of it.
        coming: Option<Coming>,
    },
    /// To `MoveTo` and `MoveToCore`: it does, or is there.
    Moves,
    /// To `Producers`, by id.
    Producers(Vec<ProducerInfo>),
}

/// Answers a query about a partition of this core.
pub async fn answer<E: NetEnv>(core: &Rc<Core<E>>, log: LogId, query: Query) -> Result<Answer, Fault> {
    let partition = core.led(log)?;
    match query {
        Query::ListOffset { leader_epoch, target, committed_only } => {
            partition.check_epoch(leader_epoch)?;
            list_offset(&partition, target, committed_only).await
        }
        Query::EpochEnd { leader_epoch, epoch } => {
            partition.check_epoch(leader_epoch)?;
            let (epoch, end) = epoch_end(&partition, epoch);
            Ok(Answer::EpochEnd { epoch, end })
        }
        Query::DeleteRecords { before } => {
            if partition.is_internal() {
                return Err(Fault::InternalTopic);
            }
            let end = partition.high_watermark();
            let before = before.unwrap_or(end);
            if before.0 < 0 || before > end {
                return Err(Fault::OffsetOutOfRange);
            }
            loop {
                partition.clone().when_let_go().await;
                match partition.ask(async |log| log.delete_records(before).await).await {
                    // It was held before the start was moved.
                    Err(StorageError::Moved) if partition.is_held() => {}
                    start => return Ok(Answer::LogStart(start?)),
                }
            }
        }
        Query::Size => Ok(Answer::Size { bytes: partition.log().size(), coming: core.moves.coming(&partition) }),
        Query::MoveTo(directory) => moves::ask(core, log, directory).await.map(|()| Answer::Moves),
        Query::MoveToCore(to) => transfer::ask(core, log, to).map(|()| Answer::Moves),
        Query::Producers => Ok(Answer::Producers(partition.log().producer_infos())),
    }
}

/// In place of an epoch where there is none.
const NO_EPOCH: LeaderEpoch = LeaderEpoch(-1);

fn epoch_end<E: NetEnv>(partition: &Partition<E>, epoch: LeaderEpoch) -> (LeaderEpoch, Offset) {
    if epoch == NO_EPOCH {
        return (NO_EPOCH, Offset(-1));
    }
    // The current epoch ends where the log does, even before an append in it.
    if epoch == partition.leader_epoch() {
        return (epoch, partition.log().end());
    }
    partition.log().epoch_end(epoch).unwrap_or((NO_EPOCH, Offset(-1)))
}

async fn list_offset<E: NetEnv>(
    partition: &Partition<E>,
    target: Target,
    committed_only: bool,
) -> Result<Answer, Fault> {
    let log = partition.log();
    let end = if committed_only { partition.last_stable_offset() } else { partition.high_watermark() };
    let plain = |offset| Answer::Offset { offset, timestamp: Timestamp(-1), epoch: epoch_at(partition, offset) };
    Ok(match target {
        Target::Earliest | Target::EarliestLocal | Target::EarliestPendingUpload => plain(log.start()),
        Target::Latest => Answer::Offset { offset: end, timestamp: Timestamp(-1), epoch: partition.leader_epoch() },
        Target::LatestTiered => none(),
        Target::MaxTimestamp => found(partition.ask(async |log| log.max_timestamp(end).await).await)?,
        Target::At(time) => found(partition.ask(async |log| log.offset_for_timestamp(time, end).await).await)?,
    })
}

/// The epoch of the record at `offset`: the oldest one that ends past it.
fn epoch_at<E: NetEnv>(partition: &Partition<E>, offset: Offset) -> LeaderEpoch {
    let current = partition.leader_epoch();
    let mut epoch = LeaderEpoch(0);
    while epoch < current {
        match partition.log().epoch_end(epoch) {
            Some((_, end)) if end > offset => return epoch,
            _ => epoch.0 += 1,
        }
    }
    current
}

fn found(result: Result<Option<TimedOffset>, ReadError>) -> Result<Answer, Fault> {
    match result {
        Ok(Some(TimedOffset { offset, timestamp, epoch })) => Ok(Answer::Offset { offset, timestamp, epoch }),
        Ok(None) => Ok(none()),
        Err(ReadError::OutOfRange { .. }) => Ok(none()),
        Err(ReadError::Storage(error)) => Err(storage(error)),
    }
}

fn storage(error: StorageError) -> Fault {
    error.into()
}

fn none() -> Answer {
    Answer::Offset { offset: Offset(-1), timestamp: Timestamp(-1), epoch: LeaderEpoch(-1) }
}
