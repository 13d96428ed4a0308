//! One core's figures at a moment: a copy that other threads may read.

use std::sync::Arc;

use corelog_storage::{env::Instant, journal::Usage};
use corelog_wire::{api::ApiKey, error_code::ErrorCode};

use super::{Counts, Stage, latency::Times};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    directories::Directory,
    net::complaints::Complaint,
    quota::core_quotas::Use,
};

/// What a core posts on the board.
#[derive(Clone, Debug)]
pub struct CoreSnapshot {
    /// Which core.
    pub core: CoreId,
    /// When it was taken.
    pub taken: Instant,
    /// CPU seconds of the core's thread.
    pub cpu_seconds: f64,
    /// Coordinators that still read their groups.
    pub coordinators_loading: usize,
    /// By stage, in [`Stage::ALL`]'s order.
    pub stages: [Times; Stage::ALL.len()],
    /// By API, those that were used.
    pub apis: Vec<(ApiKey, Times)>,
    /// For how long connections were not read, by the kinds of quotas that held any up.
    pub throttles: Vec<(Use, Times)>,
    /// Meters of quotas.
    pub quota_meters: usize,
    /// Plain counts.
    pub counts: Counts,
    /// Partitions refused in Produce and Fetch.
    pub errors: Vec<(ApiKey, ErrorCode, u64)>,
    /// Bad input.
    pub complaints: Vec<(Complaint, u64)>,
    /// Connections open.
    pub connections: usize,
    /// Fetch sessions open.
    pub fetch_sessions: usize,
    /// Bytes of requests received and responses not yet sent.
    pub connection_memory: usize,
    /// Bytes of log kept in memory.
    pub cached_bytes: usize,
    /// How full the journals are, all together.
    pub journal: Usage,
    /// The data directories.
    pub directories: Vec<DirectoryFigures>,
    /// Partitions that the core leads.
    pub partitions: usize,
    /// Partitions that went from it to another core.
    pub partitions_given: u64,
}

/// What a core has in one data directory.
#[derive(Clone, Debug)]
pub struct DirectoryFigures {
    /// Where it is.
    pub path: Arc<str>,
    /// Whether it is served.
    pub online: bool,
    /// Partitions in it that the core leads.
    pub partitions: usize,
    /// How full the core's journal there is.
    pub journal: Usage,
}

const NO_JOURNAL: Usage = Usage { used: 0, size: 0, backlog: 0 };

fn directories<E: NetEnv>(core: &Core<E>) -> Vec<DirectoryFigures> {
    let led = core.partitions.count_by_directory(core.node);
    let figures = |directory: &Directory<E>| DirectoryFigures {
        path: directory.path.display().to_string().into(),
        online: core.partitions.offline().directory(directory.id).is_none(),
        partitions: led.get(&directory.id).copied().unwrap_or_default(),
        journal: directory.shard.as_ref().map_or(NO_JOURNAL, |shard| shard.journal_usage()),
    };
    core.directories.iter().map(figures).collect()
}

fn sum(directories: &[DirectoryFigures]) -> Usage {
    directories.iter().fold(NO_JOURNAL, |sum, one| Usage {
        used: sum.used + one.journal.used,
        size: sum.size + one.journal.size,
        backlog: sum.backlog + one.journal.backlog,
    })
}

impl CoreSnapshot {
    /// A copy of the core's figures as they are now.
    pub fn take<E: NetEnv>(core: &Core<E>) -> Self {
        let metrics = &core.metrics;
        let apis = ApiKey::all().map(|key| (key, metrics.apis[key as usize].copy()));
        let throttles = Use::ALL.into_iter().map(|what| (what, metrics.throttles[what as usize].copy()));
        let errors = metrics.errors.borrow();
        let directories = directories(core);
        Self {
            core: core.id,
            taken: core.env.now(),
            cpu_seconds: core.env.cpu_time().as_secs_f64(),
            coordinators_loading: core.groups.loading(),
            stages: std::array::from_fn(|stage| metrics.stages[stage].copy()),
            apis: apis.filter(|(_, times)| times.count() > 0).collect(),
            throttles: throttles.filter(|(_, times)| times.count() > 0).collect(),
            quota_meters: core.quotas.meters(),
            counts: metrics.counts(),
            errors: errors.iter().map(|(&(key, code), &count)| (key, code, count)).collect(),
            complaints: core.complaints.counts(),
            connections: core.connections.count(),
            fetch_sessions: core.fetch_sessions.count(),
            connection_memory: core.budget.used(),
            cached_bytes: core.directories.shards().map(|shard| shard.cached_bytes()).sum(),
            journal: sum(&directories),
            directories,
            partitions: core.partitions.count(),
            partitions_given: core.transfers.given(),
        }
    }
}

#[cfg(test)]
impl CoreSnapshot {
    /// A core on which nothing happened.
    pub(crate) fn of_nothing(core: CoreId) -> Self {
        Self {
            core,
            taken: Instant(0),
            cpu_seconds: 0.0,
            coordinators_loading: 0,
            stages: std::array::from_fn(|_| super::latency::Latency::default().copy()),
            apis: Vec::new(),
            throttles: Vec::new(),
            quota_meters: 0,
            counts: Counts::default(),
            errors: Vec::new(),
            complaints: Vec::new(),
            connections: 0,
            fetch_sessions: 0,
            connection_memory: 0,
            cached_bytes: 0,
            journal: NO_JOURNAL,
            directories: Vec::new(),
            partitions: 0,
            partitions_given: 0,
        }
    }
}
