//! The settings of group coordinators, under Kafka's names and with its defaults.

use std::{rc::Rc, time::Duration};

use super::memory::GroupMemory;
use crate::config::broker::GroupConfig;

/// Settings of a coordinator.
#[derive(Clone, Debug)]
pub struct Config {
    /// `group.min.session.timeout.ms`
    pub min_session_timeout_ms: i32,
    /// `group.max.session.timeout.ms`
    pub max_session_timeout_ms: i32,
    /// `group.initial.rebalance.delay.ms`
    pub initial_rebalance_delay_ms: i32,
    /// `group.max.size`
    pub max_size: usize,
    /// `offsets.retention.minutes`, in ms
    pub offsets_retention_ms: i64,
    /// `offsets.retention.check.interval.ms`
    pub retention_check_interval_ms: i64,
    /// `offset.metadata.max.bytes`
    pub offset_metadata_max_bytes: usize,
    /// How large a batch of records the log takes, in bytes.
    pub max_batch_bytes: usize,
    /// How long a new member, which cannot send heartbeats yet, may wait for its first rebalance. Kafka's is fixed too.
    pub new_member_join_timeout_ms: i32,
    /// How many member ids may be handed out and not yet used (KIP-394), per group.
    pub max_pending_joins: usize,
    /// How long committed offsets may wait to be written together: `group.coordinator.append.linger.ms`.
    pub linger: Duration,
    /// The bound on what the groups of this core hold.
    pub memory: Rc<GroupMemory>,
}

impl From<&GroupConfig> for Config {
    fn from(settings: &GroupConfig) -> Self {
        let millis = |duration: Duration| i32::try_from(duration.as_millis()).unwrap_or(i32::MAX);
        let millis_long = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self {
            min_session_timeout_ms: millis(settings.min_session_timeout),
            max_session_timeout_ms: millis(settings.max_session_timeout),
            initial_rebalance_delay_ms: millis(settings.initial_rebalance_delay),
            max_size: settings.max_size as usize,
            offsets_retention_ms: millis_long(settings.offsets_retention),
            retention_check_interval_ms: millis_long(settings.offsets_retention_check_interval),
            offset_metadata_max_bytes: settings.offset_metadata_max_bytes as usize,
            linger: settings.linger,
            ..Self::default()
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_session_timeout_ms: 6_000,
            max_session_timeout_ms: 1_800_000,
            initial_rebalance_delay_ms: 3_000,
            max_size: i32::MAX as usize,
            offsets_retention_ms: 10_080 * 60_000,
            retention_check_interval_ms: 600_000,
            offset_metadata_max_bytes: 4_096,
            max_batch_bytes: 1_048_588,
            new_member_join_timeout_ms: 300_000,
            max_pending_joins: 10_000,
            linger: Duration::ZERO,
            memory: GroupMemory::new(usize::MAX),
        }
    }
}
