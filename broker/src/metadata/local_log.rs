//! The metadata log of a single node: a log of our own in shard 0, under a reserved name.
//!
//! A step is one record batch, so the journal makes it atomic. Snapshots lie in the same log (`replay.rs`); once one is
//! durable, what lies before it is deleted.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use corelog_storage::{
    batch::{self, BatchRules, Sender},
    env::{Env, Lane},
    error::{ReadError, StorageError},
    ids::{LeaderEpoch, Offset, Timestamp},
    log::{Appended, Log, LogConfig, Ticket},
    shard::Shard,
};

use crate::{
    limits::METADATA_SEGMENT,
    metadata::{
        ids::METADATA_LOG,
        image::{ClusterImage, ImageVersion},
        log::{Committed, MetadataError, MetadataLog},
        record::MetadataRecord,
        replay::{self, Replay},
    },
};

/// Records behind the last snapshot after which the next is made, unless the image itself is larger.
const SNAPSHOT_AFTER: usize = 10_000;

/// Committed steps that are kept for readers who lag.
const STEPS_KEPT: usize = 64;

/// What a start reads at once.
const READ_AT_ONCE: usize = 1 << 20;

/// The log of one node. Clones share it.
pub struct LocalLog<E: Env> {
    inner: Rc<Inner<E>>,
}

struct Inner<E: Env> {
    env: E,
    log: Rc<Log<E>>,
    state: RefCell<State>,
}

struct State {
    /// After all committed steps.
    image: Arc<ClusterImage>,
    /// After all proposed steps.
    proposed: ClusterImage,
    /// Proposed and not yet known durable, in order.
    pending: VecDeque<Pending>,
    /// The last committed ones, in order.
    steps: VecDeque<Committed>,
    since_snapshot: usize,
    snapshotting: bool,
    failed: Option<MetadataError>,
    readers: Vec<Waker>,
}

struct Pending {
    ticket: Ticket,
    records: Arc<[MetadataRecord]>,
}

impl<E: Env> Clone for LocalLog<E> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<E: Env> LocalLog<E> {
    /// Opens the log in `shard`, or creates it, and reads it back.
    pub async fn open(env: E, shard: &Shard<E>) -> Result<Self, MetadataError> {
        let config = LogConfig {
            segment_bytes: METADATA_SEGMENT,
            retention_ms: None,
            segment_ms: i64::MAX,
            delete: false,
            ..LogConfig::default()
        };
        let log = match shard.log(METADATA_LOG) {
            Some(log) => log,
            None => shard.create_log(METADATA_LOG, config)?,
        };
        log.set_config(config);
        let (image, since_snapshot) = read_back(&log).await?;
        let state = State {
            proposed: image.clone(),
            image: Arc::new(image),
            pending: VecDeque::new(),
            steps: VecDeque::new(),
            since_snapshot,
            snapshotting: false,
            failed: None,
            readers: Vec::new(),
        };
        Ok(Self { inner: Rc::new(Inner { env, log, state: RefCell::new(state) }) })
    }
}

async fn read_back<E: Env>(log: &Log<E>) -> Result<(ClusterImage, usize), MetadataError> {
    let mut replay = Replay::default();
    let mut rest = BytesMut::new();
    let mut from = log.start();
    while from < log.end() {
        let read = log.read(from, READ_AT_ONCE, log.end(), true).await.map_err(unreadable)?;
        for piece in &read.chain {
            rest.extend_from_slice(piece);
        }
        rest = BytesMut::from(&replay.take(rest.freeze())?[..]);
        if read.next <= from {
            break;
        }
        from = read.next;
    }
    Ok(replay.finish())
}

fn unreadable(error: ReadError) -> MetadataError {
    match error {
        ReadError::Storage(error) => MetadataError::Storage(error),
        ReadError::OutOfRange { .. } => MetadataError::Append(error.to_string()),
    }
}

impl<E: Env> MetadataLog for LocalLog<E> {
    async fn propose(&self, records: Vec<MetadataRecord>) -> Result<ImageVersion, MetadataError> {
        let (ticket, version) = self.inner.append_step(records)?;
        let durable = self.inner.log.wait_durable(ticket).await;
        self.inner.settle(ticket, durable)?;
        self.snapshot_if_due();
        Ok(version)
    }

    fn image(&self) -> Arc<ClusterImage> {
        self.inner.state.borrow().image.clone()
    }

    async fn next(&self, version: ImageVersion) -> Result<Committed, MetadataError> {
        poll_fn(|context| {
            let mut state = self.inner.state.borrow_mut();
            if let Some(step) = state.step_after(version) {
                return Poll::Ready(Ok(step));
            }
            if let Some(error) = &state.failed {
                return Poll::Ready(Err(error.clone()));
            }
            if !state.readers.iter().any(|reader| reader.will_wake(context.waker())) {
                state.readers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await
    }

    async fn snapshot(&self) -> Result<(), MetadataError> {
        // A snapshot stands for all before it in the log, so it must not overtake a step.
        loop {
            let newest = self.inner.state.borrow().pending.back().map(|pending| pending.ticket);
            let Some(ticket) = newest else { break };
            let durable = self.inner.log.wait_durable(ticket).await;
            self.inner.settle(ticket, durable)?;
        }
        let (begin, ticket) = self.inner.append_snapshot()?;
        self.inner.log.wait_durable(ticket).await?;
        self.inner.log.delete_records(begin).await?;
        Ok(())
    }
}

impl<E: Env> LocalLog<E> {
    fn snapshot_if_due(&self) {
        {
            let mut state = self.inner.state.borrow_mut();
            let size = state.image.topics().map(|topic| 1 + topic.partitions.len()).sum::<usize>();
            if state.snapshotting || state.since_snapshot < SNAPSHOT_AFTER.max(size) {
                return;
            }
            state.snapshotting = true;
        }
        let log = self.clone();
        self.inner.env.spawn(Lane::Background, async move {
            if let Err(error) = log.snapshot().await {
                tracing::warn!(%error, "the metadata's snapshot failed");
            }
            log.inner.state.borrow_mut().snapshotting = false;
        });
    }
}

impl<E: Env> Inner<E> {
    fn append_step(&self, records: Vec<MetadataRecord>) -> Result<(Ticket, ImageVersion), MetadataError> {
        let mut state = self.state.borrow_mut();
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        if records.is_empty() {
            return Ok((Ticket(self.log.end()), state.proposed.version()));
        }
        let proposed = state.proposed.after(&records)?;
        let appended = self.append(replay::step_batch(&records, self.now()))?;
        let version = proposed.version();
        state.proposed = proposed;
        state.pending.push_back(Pending { ticket: appended.ticket, records: records.into() });
        Ok((appended.ticket, version))
    }

    /// Appends all of a snapshot at once: nothing can come between its batches.
    fn append_snapshot(&self) -> Result<(Offset, Ticket), MetadataError> {
        let image = self.state.borrow().image.clone();
        let mut begin = None;
        let mut ticket = Ticket(self.log.end());
        for batch in replay::snapshot_batches(&image, self.now()) {
            let appended = self.append(batch)?;
            begin.get_or_insert(appended.base_offset);
            ticket = appended.ticket;
        }
        self.state.borrow_mut().since_snapshot = 0;
        Ok((begin.expect("a snapshot has a beginning and an end"), ticket))
    }

    fn append(&self, bytes: Bytes) -> Result<Appended, MetadataError> {
        let rules = BatchRules { sender: Sender::Client, ..BatchRules::default() };
        let batch = batch::check(bytes, &rules).map_err(|error| MetadataError::Append(error.to_string()))?;
        Ok(self.log.append_on_full_disk(&batch, LeaderEpoch(0))?)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.env.wall_clock_ms())
    }

    /// All steps up to `ticket` are durable, or never will be.
    fn settle(&self, ticket: Ticket, durable: Result<(), StorageError>) -> Result<(), MetadataError> {
        let mut state = self.state.borrow_mut();
        let outcome = match durable {
            Ok(()) => state.commit(ticket),
            Err(error) => Err(MetadataError::Storage(error)),
        };
        if let Err(error) = &outcome {
            state.failed.get_or_insert_with(|| error.clone());
        }
        let readers = std::mem::take(&mut state.readers);
        drop(state);
        readers.into_iter().for_each(Waker::wake);
        outcome
    }
}

impl State {
    fn commit(&mut self, ticket: Ticket) -> Result<(), MetadataError> {
        while self.pending.front().is_some_and(|pending| pending.ticket <= ticket) {
            let Some(step) = self.pending.pop_front() else { break };
            let image = Arc::new(self.image.after(&step.records)?);
            self.since_snapshot += step.records.len();
            self.image = image.clone();
            if self.steps.len() == STEPS_KEPT {
                self.steps.pop_front();
            }
            self.steps.push_back(Committed { image, records: Some(step.records) });
        }
        Ok(())
    }

    fn step_after(&self, version: ImageVersion) -> Option<Committed> {
        if self.image.version() <= version {
            return None;
        }
        let before = |step: &Committed| {
            let records = step.records.as_ref().map_or(0, |records| records.len() as u64);
            ImageVersion(step.image.version().0 - records)
        };
        let step = self.steps.iter().find(|step| before(step) == version).cloned();
        Some(step.unwrap_or_else(|| Committed { image: self.image.clone(), records: None }))
    }
}
