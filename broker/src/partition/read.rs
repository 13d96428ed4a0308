//! Reading a partition for a fetch.

use bytes::Bytes;
use corelog_storage::ids::{LeaderEpoch, LogId, Offset};
use corelog_wire::error_code::ErrorCode;

use crate::{
    core::env::NetEnv,
    error::Fault,
    partition::{Partition, watchers::Look},
};

/// What a fetch asks of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FetchPart {
    /// Which partition.
    pub log: LogId,
    /// From where.
    pub offset: Offset,
    /// The leader epoch the client believes in, or -1.
    pub leader_epoch: LeaderEpoch,
    /// The epoch of the last record the client has, or -1: if the log diverges from it, the client is told where.
    pub last_fetched_epoch: LeaderEpoch,
    /// Bytes it wants at most.
    pub max_bytes: usize,
    /// Where bytes are short, the lowest turn is served first.
    pub turn: u64,
}

/// What a fetch gets of one partition.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Why it gets nothing.
    pub fault: Option<Fault>,
    /// One past the last committed record.
    pub high_watermark: Offset,
    /// One past the last record of decided transactions.
    pub last_stable_offset: Offset,
    /// The first offset there is.
    pub log_start: Offset,
    /// The client's last record is not in the log: the newest epoch both may share, and where it ends.
    pub diverging: Option<(LeaderEpoch, Offset)>,
    /// Whole batches.
    pub records: Vec<Bytes>,
}

impl Fetched {
    /// Nothing, for this reason. Offsets are unknown.
    pub fn failed(fault: Fault) -> Self {
        let unknown = Offset(-1);
        Self {
            fault: Some(fault),
            high_watermark: unknown,
            last_stable_offset: unknown,
            log_start: unknown,
            ..Self::default()
        }
    }

    /// Whether whoever was asked says that it does not lead it.
    pub(crate) fn is_refused(&self) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.code() == ErrorCode::NotLeaderOrFollower)
    }

    /// Bytes of records.
    pub fn bytes(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }
}

impl FetchPart {
    /// What there is for it.
    pub(super) fn look<E: NetEnv>(&self, partition: &Partition<E>) -> Result<Look, Fault> {
        self.check(partition)?;
        Ok(Look { available: self.available(partition), urgent: self.diverges(partition).is_some() })
    }

    /// Reads at most `budget` bytes; with `whole_batch` at least one batch, however large.
    pub(super) async fn read<E: NetEnv>(
        &self,
        partition: &Partition<E>,
        budget: usize,
        whole_batch: bool,
    ) -> Result<Fetched, Fault> {
        self.check(partition)?;
        let mut fetched = Fetched {
            fault: None,
            high_watermark: partition.high_watermark(),
            last_stable_offset: partition.last_stable_offset(),
            log_start: partition.log().start(),
            diverging: self.diverges(partition),
            records: Vec::new(),
        };
        let budget = budget.min(self.max_bytes);
        if fetched.diverging.is_some() || self.offset >= fetched.high_watermark || (budget == 0 && !whole_batch) {
            return Ok(fetched);
        }
        let read = partition.ask(async |log| log.read(self.offset, budget, fetched.high_watermark, whole_batch).await);
        match read.await {
            Ok(read) => fetched.records = read.chain,
            Err(error) => fetched.fault = Some(error.into()),
        }
        Ok(fetched)
    }

    /// Whether the partition is led by the epoch that the client believes in, and holds the offset.
    fn check<E: NetEnv>(&self, partition: &Partition<E>) -> Result<(), Fault> {
        partition.check_epoch(self.leader_epoch)?;
        let log = partition.log();
        if self.last_fetched_epoch.0 >= 0 {
            if log.epoch_end(self.last_fetched_epoch).is_none() {
                return Err(Fault::OffsetOutOfRange);
            }
            if self.diverges(partition).is_some() {
                return Ok(());
            }
        }
        if self.offset < log.start() || self.offset > log.end() {
            return Err(Fault::OffsetOutOfRange);
        }
        Ok(())
    }

    /// Where the log and the client's last fetched epoch part, if they do (KIP-595).
    fn diverges<E: NetEnv>(&self, partition: &Partition<E>) -> Option<(LeaderEpoch, Offset)> {
        if self.last_fetched_epoch.0 < 0 {
            return None;
        }
        let (epoch, end) = partition.log().epoch_end(self.last_fetched_epoch)?;
        (epoch < self.last_fetched_epoch || end < self.offset).then_some((epoch, end))
    }

    fn available<E: NetEnv>(&self, partition: &Partition<E>) -> u64 {
        let end = partition.high_watermark();
        if self.offset >= end {
            0
        } else {
            partition.log().bytes_between(self.offset, end).min(self.max_bytes as u64).max(1)
        }
    }
}
