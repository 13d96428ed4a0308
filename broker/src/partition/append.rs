//! Appending a client's records to a partition: checked, stamped, in the order received; acknowledged when durable.

use std::future::Future;

use bytes::Bytes;
use corelog_storage::{
    batch::{self, BatchRules, Sender, TimestampRange, ValidBatch},
    compress::Compression,
    env::Env,
    error::StorageError,
    ids::Timestamp,
    log::{Appended, LogConfig, Ticket},
    recompress::recompress,
};

use crate::{core::env::NetEnv, error::Fault, partition::Partition};

/// What a topic's configuration asks of the records that come in, and of its logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TopicRules {
    /// The greatest batch (`max.message.bytes`).
    pub max_message_bytes: usize,
    /// Replicas that must be in sync for acks=all (`min.insync.replicas`).
    pub min_insync_replicas: usize,
    /// How old a record's timestamp may be (`message.timestamp.before.max.ms`).
    pub timestamp_before_max_ms: i64,
    /// How far ahead it may be (`message.timestamp.after.max.ms`).
    pub timestamp_after_max_ms: i64,
    /// Every record needs a key (`cleanup.policy` has `compact`).
    pub keyed: bool,
    /// The codec records are kept in (`compression.type`); `None` is the one they came in.
    pub compression: Option<Compression>,
    /// One of the cluster's own topics, which clients do not write to.
    pub internal: bool,
    /// What its logs are told.
    pub log: LogConfig,
}

impl Default for TopicRules {
    /// Kafka's defaults.
    fn default() -> Self {
        Self {
            max_message_bytes: 1_048_588,
            min_insync_replicas: 1,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            keyed: false,
            compression: None,
            internal: false,
            log: LogConfig::default(),
        }
    }
}

/// When a produce request is acknowledged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// Never.
    None,
    /// When the leader has it durably.
    Leader,
    /// When it is committed.
    All,
}

impl Acks {
    /// From the request's field.
    pub fn from_wire(acks: i16) -> Option<Self> {
        match acks {
            0 => Some(Self::None),
            1 => Some(Self::Leader),
            -1 => Some(Self::All),
            _ => None,
        }
    }
}

/// One batch of a produce request, for one partition.
#[derive(Clone, Debug)]
pub struct Records {
    /// As received.
    pub bytes: Bytes,
    /// When it is acknowledged.
    pub acks: Acks,
    /// Whether the request's version can carry zstd.
    pub zstd: bool,
}

impl<E: NetEnv> Partition<E> {
    /// Appends a client's batch at the log's end. Synchronous: batches take the order of the calls.
    pub fn append_from_client(&self, env: &E, records: Records) -> Result<Appended, Fault> {
        if self.has_resigned() {
            return Err(Fault::NotLeader);
        }
        let rules = self.rules.borrow().clone();
        if rules.internal {
            return Err(Fault::InternalTopic);
        }
        if records.acks == Acks::All && !self.has_enough_replicas(rules.min_insync_replicas) {
            return Err(Fault::NotEnoughReplicas);
        }
        let batch = batch::check(records.bytes, &batch_rules(&rules, env, records.zstd)).map_err(Fault::Batch)?;
        if batch.header().is_transactional() {
            return Err(Fault::TransactionsAbsent);
        }
        let batch = match rules.compression {
            Some(wanted) => recompress(batch, wanted, rules.max_message_bytes).map_err(Fault::Batch)?,
            None => batch,
        };
        self.append(&batch)
    }

    /// Appends a batch of the broker's own making.
    pub fn append_own(&self, bytes: Bytes) -> Result<Appended, Fault> {
        if self.has_resigned() {
            return Err(Fault::NotLeader);
        }
        let rules = BatchRules { sender: Sender::Broker, ..BatchRules::default() };
        self.append(&batch::check(bytes, &rules).map_err(Fault::Batch)?)
    }

    /// Resolves when all before `ticket` is committed, or never will be.
    pub fn acknowledged(&self, ticket: Ticket) -> impl Future<Output = Result<(), StorageError>> + 'static {
        let log = self.log();
        async move { log.wait_durable(ticket).await }
    }

    fn append(&self, batch: &ValidBatch) -> Result<Appended, Fault> {
        let log = self.log();
        let appended = log.append(batch, self.leader_epoch())?;
        // Moves only if the topic is relaxed: otherwise the commit tells.
        self.committed(log.durable_end());
        Ok(appended)
    }

    /// As Kafka: a minimum above the number of replicas means all of them.
    fn has_enough_replicas(&self, minimum: usize) -> bool {
        let state = self.state.borrow();
        state.isr.len() >= minimum.min(state.replicas.len())
    }
}

fn batch_rules<E: Env>(rules: &TopicRules, env: &E, zstd: bool) -> BatchRules {
    let timestamps = (!rules.log.log_append_time).then(|| {
        let now = env.wall_clock_ms();
        TimestampRange {
            oldest: Timestamp(now.saturating_sub(rules.timestamp_before_max_ms)),
            newest: Timestamp(now.saturating_add(rules.timestamp_after_max_ms)),
        }
    });
    BatchRules { max_size: rules.max_message_bytes, zstd, sender: Sender::Client, timestamps, keyed: rules.keyed }
}
