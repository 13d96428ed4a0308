//! Reading partitions for a fetch: what one core contributes to it.
//!
//! A fetch is split by owning core. Each owner makes a [`SubFetch`] of its share, says how many bytes there are, parks
//! it if that is not enough, and reads when asked to, within the bytes it is given for each partition.

use std::rc::Rc;

use bytes::Bytes;
use corelog_storage::ids::{LeaderEpoch, LogId, Offset};

use crate::{
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    partition::{Partition, waiters::Parked},
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

    /// Bytes of records.
    pub fn bytes(&self) -> usize {
        self.records.iter().map(Bytes::len).sum()
    }
}

/// One core's share of a fetch.
pub struct SubFetch<E: NetEnv> {
    parts: Vec<(FetchPart, Result<Rc<Partition<E>>, Fault>)>,
    parked: Rc<Parked>,
    /// Some partition has an answer that must not wait: an error, or a diverging epoch.
    urgent: bool,
    /// The partitions' waiting lists know of it.
    in_lists: bool,
}

impl<E: NetEnv> SubFetch<E> {
    /// Looks at the partitions, reads nothing. `wake` is called when [`SubFetch::wait_for`] is satisfied.
    pub fn begin(core: &Core<E>, parts: Vec<FetchPart>, wake: impl Fn() + 'static) -> Self {
        let mut urgent = false;
        let mut available = Vec::with_capacity(parts.len());
        let parts = parts
            .into_iter()
            .map(|part| {
                let found = find(core, &part);
                match &found {
                    Ok(partition) => {
                        urgent |= diverges(partition, &part).is_some();
                        available.push(available_bytes(partition, &part));
                    }
                    Err(_) => {
                        urgent = true;
                        available.push(0);
                    }
                }
                (part, found)
            })
            .collect();
        Self { parts, parked: Parked::new(available, wake), urgent, in_lists: false }
    }

    /// Whether it must be answered at once, however little there is.
    pub fn urgent(&self) -> bool {
        self.urgent
    }

    /// Bytes there are, by partition.
    pub fn available(&self) -> Vec<u64> {
        self.parked.available()
    }

    /// Parks: wakes once `enough` bytes are there (at once, if they are), or when a partition can no longer be waited
    /// for. May be repeated with another `enough`.
    pub fn wait_for(&mut self, enough: u64) {
        if !std::mem::replace(&mut self.in_lists, true) {
            for (index, (part, found)) in self.parts.iter().enumerate() {
                if let Ok(partition) = found {
                    // What was committed since `begin` counts too.
                    self.parked.set(index, available_bytes(partition, part));
                    partition.waiters.add(self.parked.clone(), index, part.offset);
                }
            }
        }
        self.parked.wait_for(enough);
    }

    /// Reads, in order, at most `budgets[i]` bytes of the i-th partition; of the partition `whole_batch` at least one
    /// batch, however large.
    pub async fn collect(&self, core: &Core<E>, budgets: &[usize], whole_batch: Option<usize>) -> Vec<Fetched> {
        self.parked.finish();
        let mut fetched = Vec::with_capacity(self.parts.len());
        for (index, (part, found)) in self.parts.iter().enumerate() {
            let budget = budgets.get(index).copied().unwrap_or(0).min(part.max_bytes);
            // Time has passed since it was found.
            let found = match found {
                Ok(partition) if !partition.has_resigned() => check(partition, part).map(|()| partition.clone()),
                _ => find(core, part),
            };
            fetched.push(match found {
                Ok(partition) => read_part(&partition, part, budget, whole_batch == Some(index)).await,
                Err(fault) => Fetched::failed(fault),
            });
        }
        fetched
    }
}

impl<E: NetEnv> Drop for SubFetch<E> {
    fn drop(&mut self) {
        self.parked.finish();
    }
}

/// The partition, if it is led here, by the epoch that the client believes in, and holds the offset.
fn find<E: NetEnv>(core: &Core<E>, part: &FetchPart) -> Result<Rc<Partition<E>>, Fault> {
    let partition = core.led(part.log)?;
    check(&partition, part)?;
    Ok(partition)
}

fn check<E: NetEnv>(partition: &Partition<E>, part: &FetchPart) -> Result<(), Fault> {
    partition.check_epoch(part.leader_epoch)?;
    let log = partition.log();
    if part.last_fetched_epoch.0 >= 0 {
        if log.epoch_end(part.last_fetched_epoch).is_none() {
            return Err(Fault::OffsetOutOfRange);
        }
        if diverges(partition, part).is_some() {
            return Ok(());
        }
    }
    if part.offset < log.start() || part.offset > log.end() {
        return Err(Fault::OffsetOutOfRange);
    }
    Ok(())
}

/// Where the log and the client's last fetched epoch part, if they do (KIP-595).
fn diverges<E: NetEnv>(partition: &Partition<E>, part: &FetchPart) -> Option<(LeaderEpoch, Offset)> {
    if part.last_fetched_epoch.0 < 0 {
        return None;
    }
    let (epoch, end) = partition.log().epoch_end(part.last_fetched_epoch)?;
    (epoch < part.last_fetched_epoch || end < part.offset).then_some((epoch, end))
}

fn available_bytes<E: NetEnv>(partition: &Partition<E>, part: &FetchPart) -> u64 {
    let end = partition.high_watermark();
    if part.offset >= end {
        0
    } else {
        partition.log().bytes_between(part.offset, end).min(part.max_bytes as u64).max(1)
    }
}

async fn read_part<E: NetEnv>(partition: &Partition<E>, part: &FetchPart, budget: usize, whole_batch: bool) -> Fetched {
    let mut fetched = Fetched {
        fault: None,
        high_watermark: partition.high_watermark(),
        last_stable_offset: partition.last_stable_offset(),
        log_start: partition.log().start(),
        diverging: diverges(partition, part),
        records: Vec::new(),
    };
    if fetched.diverging.is_some() || part.offset >= fetched.high_watermark || (budget == 0 && !whole_batch) {
        return fetched;
    }
    match partition.log().read(part.offset, budget, fetched.high_watermark, whole_batch).await {
        Ok(read) => fetched.records = read.chain,
        Err(error) => fetched.fault = Some(error.into()),
    }
    fetched
}
