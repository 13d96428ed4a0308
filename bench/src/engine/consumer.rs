//! One thread that drives all consumers: each has a fetch waiting at the broker, in a fetch session as Kafka's clients
//! have, and checks what comes: intact, without a gap.

use super::shared::Shared;
use crate::batch;
use crate::client;
use crate::error::{Error, Result, accept};
use crate::mux::Mux;
use crate::pace::sleep_until;
use crate::payload::Stamp;
use crate::workload::Case;
use bytes::Bytes;
use corelog_wire::error_code::ErrorCode;
use corelog_wire::messages::FetchRequest;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const MAX_WAIT_MS: i32 = 500;
/// Consumers are there when the first record is due.
const AHEAD: Duration = Duration::from_millis(20);
/// How long the last acknowledged record may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// A consumer's place in each of its partitions, and its session with the broker.
struct Lane {
    next: BTreeMap<i32, i64>,
    /// Partitions whose place the broker does not know yet.
    moved: Vec<i32>,
    session: i32,
    epoch: i32,
}

impl Lane {
    /// The next request: all partitions to begin a session, then only those that moved.
    fn request(&mut self, topic: &str, fetch: i32) -> FetchRequest {
        let from: Vec<(i32, i64)> = match self.session {
            0 => self.next.iter().map(|(partition, next)| (*partition, *next)).collect(),
            _ => self.moved.iter().map(|partition| (*partition, self.next[partition])).collect(),
        };
        self.moved.clear();
        let mut request = client::fetch_request(topic, &from, MAX_WAIT_MS, fetch);
        if from.is_empty() {
            request.topics.clear();
        }
        (request.session_id, request.session_epoch) = (self.session, self.epoch);
        self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        request
    }

    fn begin_again(&mut self) {
        (self.session, self.epoch) = (0, 0);
    }

    fn has(&self, ends: &[i64]) -> bool {
        self.next.iter().all(|(partition, next)| *next >= ends[*partition as usize])
    }
}

pub(crate) struct Consumer<'a> {
    case: &'a Case,
    shared: &'a Shared,
    topic: &'a str,
    mux: Mux,
    lanes: Vec<Lane>,
    /// Where each partition ended when the slice began: what is before is a backlog, whose age says nothing.
    fresh: &'a [i64],
}

impl<'a> Consumer<'a> {
    /// Consumers that begin at `starts`, and have drained the backlog at `fresh`.
    pub(crate) fn new(
        case: &'a Case,
        shared: &'a Shared,
        topic: &'a str,
        mux: Mux,
        starts: &[i64],
        fresh: &'a [i64],
    ) -> Self {
        let count = mux.len();
        let lane = |at: usize| {
            let own = |partition: &usize| !case.share || partition % count == at;
            let next = (0..starts.len()).filter(own).map(|partition| (partition as i32, starts[partition])).collect();
            Lane { next, moved: Vec::new(), session: 0, epoch: 0 }
        };
        Self { case, shared, topic, lanes: (0..count).map(lane).collect(), mux, fresh }
    }

    /// Reads until each consumer has all that was acknowledged.
    pub(crate) fn run(mut self) -> Result<()> {
        let read = self.read();
        self.shared.unless_killed(read)
    }

    fn read(&mut self) -> Result<()> {
        // A backlog is there already: it is read from when producers go on.
        let backlog = self.lanes.iter().any(|lane| !lane.has(self.fresh));
        let start = self.shared.times.start;
        sleep_until(if backlog { start } else { start - AHEAD });
        for lane in 0..self.lanes.len() {
            self.ask(lane)?;
        }
        let (mut answers, mut deadline) = (Vec::new(), None);
        while !self.shared.stopped() {
            self.mux.receive(Duration::from_millis(20), &mut answers)?;
            for (lane, answer) in answers.drain(..) {
                self.take(lane, &answer)?;
                self.ask(lane)?;
            }
            if self.shared.drained.get().is_none() && self.lanes.iter().all(|lane| lane.has(self.fresh)) {
                self.shared.drained.get_or_init(|| self.shared.times.start.elapsed());
            }
            if let Some(ends) = self.shared.ends() {
                if self.lanes.iter().all(|lane| lane.has(ends)) {
                    break;
                }
                if Instant::now() > *deadline.get_or_insert(Instant::now() + PATIENCE) {
                    return Err(Error::Broken(format!("consumers lack what was acknowledged {PATIENCE:?} ago")));
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, lane: usize) -> Result<()> {
        let request = self.lanes[lane].request(self.topic, self.case.fetch);
        self.mux.send(lane, &client::encode(client::FETCH, 1, &request)?)
    }

    fn take(&mut self, lane: usize, answer: &Bytes) -> Result<()> {
        let arrived = self.shared.times.start.elapsed().as_nanos() as u64;
        let response = client::decode::<FetchRequest>(client::FETCH, answer)?.1;
        let lane = &mut self.lanes[lane];
        let forgotten = [ErrorCode::FetchSessionIdNotFound.code(), ErrorCode::InvalidFetchSessionEpoch.code()];
        if forgotten.contains(&response.error_code) {
            lane.begin_again();
            return Ok(());
        }
        accept("Fetch", response.error_code)?;
        match response.session_id {
            0 => lane.begin_again(),
            session => lane.session = session,
        }
        let (times, mut latencies, mut delivered) = (self.shared.times, Vec::new(), 0);
        for part in client::fetched(&response) {
            accept("Fetch", part.error_code)?;
            let batches = part.records.clone().unwrap_or_default();
            let partition = part.partition_index;
            let next = lane.next.get_mut(&partition).ok_or_else(|| Error::Broken("a partition not asked".into()))?;
            let (mut expected, fresh) = (*next, self.fresh[partition as usize]);
            let after = batch::walk(&batches, *next, |offset, value| {
                if offset != expected {
                    return Err(Error::Broken(format!("offset {offset} came after {expected} was due")));
                }
                expected += 1;
                let due = Stamp::read(value)?.due;
                delivered += 1;
                if offset < fresh {
                    return Ok(());
                }
                latencies.push((arrived.saturating_sub(due), times.counts(Duration::from_nanos(due))));
                Ok(())
            })?;
            if after > *next {
                *next = after;
                lane.moved.push(partition);
            }
        }
        self.shared.delivered.fetch_add(delivered, Relaxed);
        self.shared.fetches.fetch_add(1, Relaxed);
        self.shared.arrivals.record(latencies.into_iter());
        Ok(())
    }
}
