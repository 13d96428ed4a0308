//! What each core counts and times, and how an operator sees it.
//!
//! A core owns its figures ([`CoreMetrics`]): plain cells, no atomics, nothing shared. Once a second it posts a copy
//! ([`snapshot::CoreSnapshot`]) on the node's [`board::Board`], from which a plain thread answers HTTP
//! (`core/http_thread.rs`): whoever scrapes, however slowly, costs a core nothing.
//!
//! Times are taken by the clock of the core's turn ([`NetEnv::turn`]), which is read once for all that a turn handles. A
//! time is therefore right to within a turn, some microseconds on an idle core and up to a few hundred on a busy one,
//! and right on average.
//!
//! [`NetEnv::turn`]: crate::core::env::NetEnv::turn

pub mod board;
pub mod exposition;
pub mod health;
pub mod http;
pub mod latency;
pub mod pages;
pub mod snapshot;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    time::Duration,
};

use corelog_storage::env::Instant;
use corelog_wire::{api::ApiKey, error_code::ErrorCode};

use self::latency::Latency;
use crate::quota::core_quotas::Use;

/// Where a request's time goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Stage {
    /// A send of responses, from when the kernel is asked until it has taken all: long where a peer reads slowly.
    Socket,
    /// A request that is read, until it is begun: behind others of its connection, or for want of memory.
    Queue,
    /// A request to another core, until that core looks at it.
    Router,
    /// One durable write of the journal, for all that shares it.
    Journal,
    /// A batch that is appended, until it is acknowledged: the write that was under way, and its own.
    Ack,
}

impl Stage {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [Self::Socket, Self::Queue, Self::Router, Self::Journal, Self::Ack];

    /// As label values name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Queue => "queue",
            Self::Router => "router",
            Self::Journal => "journal",
            Self::Ack => "ack",
        }
    }
}

/// Plain counts of one core since its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that came from another core.
    pub connections_taken_over: u64,
    /// Bytes received from clients.
    pub received_bytes: u64,
    /// Bytes sent to clients.
    pub sent_bytes: u64,
    /// Records that clients appended to this core's partitions.
    pub appended_records: u64,
    /// Bytes of those batches.
    pub appended_bytes: u64,
    /// Bytes of batches that fetches returned.
    pub fetched_bytes: u64,
    /// Partitions that fetches looked at.
    pub fetch_looks: u64,
    /// Bytes of durable journal writes.
    pub journal_bytes: u64,
    /// Connections that were closed because their address had made too many lately.
    pub connections_too_soon: u64,
}

/// One core's figures. Everything stays on the core.
pub struct CoreMetrics {
    /// Nothing is counted where nobody could see it.
    on: bool,
    stages: [Latency; Stage::ALL.len()],
    /// From reading a request to its response, by API key.
    apis: Box<[Latency]>,
    counts: Cell<Counts>,
    /// For how long connections were not read, by the kind of quota.
    throttles: [Latency; Use::ALL.len()],
    /// Partitions that were refused in Produce and Fetch.
    errors: RefCell<BTreeMap<(ApiKey, ErrorCode), u64>>,
}

impl CoreMetrics {
    /// Nothing counted yet; nothing ever unless `on`.
    pub fn new(on: bool) -> Self {
        let keys = ApiKey::all().map(|key| key as usize).max().map_or(0, |last| last + 1);
        Self {
            on,
            stages: std::array::from_fn(|_| Latency::default()),
            apis: (0..keys).map(|_| Latency::default()).collect(),
            counts: Cell::default(),
            throttles: std::array::from_fn(|_| Latency::default()),
            errors: RefCell::default(),
        }
    }

    /// Something took from `begun` until `ended` in a stage.
    pub fn stage(&self, stage: Stage, begun: Instant, ended: Instant) {
        if self.on {
            self.stages[stage as usize].record(begun, ended);
        }
    }

    /// A request was read at `read` and answered at `answered`.
    pub fn answered(&self, key: i16, read: Instant, answered: Instant) {
        if self.on
            && let Some(latency) = usize::try_from(key).ok().and_then(|key| self.apis.get(key))
        {
            latency.record(read, answered);
        }
    }

    /// A connection is not read for so long, for its client's quota.
    pub fn throttled(&self, what: Use, wait: Duration) {
        if self.on {
            let begun = Instant(0);
            self.throttles[what as usize].record(begun, begun.after(wait));
        }
    }

    /// Changes the counts.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        if self.on {
            let mut counts = self.counts.get();
            change(&mut counts);
            self.counts.set(counts);
        }
    }

    /// A partition of a request was refused.
    pub fn refused(&self, key: ApiKey, code: ErrorCode) {
        if self.on {
            *self.errors.borrow_mut().entry((key, code)).or_default() += 1;
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts.get()
    }
}
