//! What a core asks of the controller on core 0, and what it is answered.
//!
//! One entry of a call is answered by one entry of the answer, in the same order.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use corelog_storage::{
    env::Instant,
    ids::{LogId, ProducerId, TopicId},
};
use corelog_wire::error_code::ErrorCode;

use crate::{
    core::env::CoreId,
    limits::REFUSAL_MESSAGE_MAX,
    metadata::{
        ids::{DirectoryId, NodeId},
        quota::QuotaValue,
        record::ConfigOverrides,
    },
};

/// A change of the cluster's metadata.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataCall {
    /// Creates topics.
    CreateTopics {
        /// Which.
        topics: Vec<NewTopic>,
        /// Check only.
        validate_only: bool,
    },
    /// Deletes topics.
    DeleteTopics {
        /// Which.
        topics: Vec<TopicSelector>,
    },
    /// Adds partitions to topics.
    CreatePartitions {
        /// To which.
        topics: Vec<MorePartitions>,
        /// Check only.
        validate_only: bool,
    },
    /// Changes configurations.
    AlterConfigs {
        /// Whose, and how.
        changes: Vec<ConfigChange>,
        /// Check only.
        validate_only: bool,
    },
    /// Changes clients' quotas.
    AlterQuotas {
        /// Whose, and how.
        changes: Vec<QuotaChange>,
        /// Check only.
        validate_only: bool,
    },
    /// A change of topics by a client, whose quota of partitions it is charged to (KIP-599).
    Paid {
        /// Who asks.
        payer: Payer,
        /// What for.
        call: Box<Self>,
    },
    /// Sets producer ids aside that nobody else will be given.
    AllocateProducerIds,
    /// A node's copy of a partition is in another of its data directories from now on.
    MoveReplica {
        /// Whose copy.
        node: NodeId,
        /// Which partition's.
        log: LogId,
        /// Where it is.
        from: DirectoryId,
        /// Where it will be.
        to: DirectoryId,
    },
    /// A node's copies of partitions are owned by another of its cores from now on, in a new leader epoch if it leads.
    MoveToCore {
        /// Whose copies.
        node: NodeId,
        /// Which partitions'.
        logs: Vec<LogId>,
        /// Whose they are.
        from: CoreId,
        /// Whose they will be.
        to: CoreId,
    },
    /// A data directory failed: no new partition goes there.
    DirectoryFailed {
        /// Whose.
        node: NodeId,
        /// Which.
        directory: DirectoryId,
    },
}

/// The answer to a [`MetadataCall`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataAnswer {
    /// To [`MetadataCall::CreateTopics`].
    TopicsCreated(Vec<Result<CreatedTopic, Refusal>>),
    /// To [`MetadataCall::DeleteTopics`].
    TopicsDeleted(Vec<Result<DeletedTopic, Refusal>>),
    /// To [`MetadataCall::CreatePartitions`].
    PartitionsCreated(Vec<Result<(), Refusal>>),
    /// To [`MetadataCall::AlterConfigs`].
    ConfigsAltered(Vec<Result<(), Refusal>>),
    /// To [`MetadataCall::AlterQuotas`].
    QuotasAltered(Vec<Result<(), Refusal>>),
    /// To [`MetadataCall::Paid`].
    Paid {
        /// When the payer's debt is paid, if it has one to wait for.
        until: Option<Instant>,
        /// The answer to what was asked for.
        answer: Box<Self>,
    },
    /// To [`MetadataCall::AllocateProducerIds`].
    ProducerIds(ProducerIdBlock),
    /// To [`MetadataCall::MoveReplica`]: whether it was where it was said to be.
    ReplicaMoved(bool),
    /// To [`MetadataCall::MoveToCore`]: which were where they were said to be.
    ReplicasMoved(Vec<bool>),
    /// To [`MetadataCall::DirectoryFailed`].
    DirectoryNoted,
    /// To any: nothing was decided. The log of metadata cannot be written, or the node is stopping.
    Unavailable(Refusal),
}

/// Why something was not done, in Kafka's code and words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Kafka's code.
    pub code: ErrorCode,
    /// What the client is told beside the code; `None` where Kafka says nothing.
    pub message: Option<String>,
}

/// A topic to be created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 is the default.
    pub partitions: i32,
    /// How many replicas; -1 is the default.
    pub replication_factor: i16,
    /// Where each partition goes; empty leaves that to the controller.
    pub assignments: Vec<Assignment>,
    /// Its own configuration, in the order given.
    pub configs: Vec<(String, Option<String>)>,
}

/// Where one partition's replicas go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// The partition; of no meaning where partitions are added.
    pub partition: i32,
    /// Its replicas, the preferred leader first.
    pub brokers: Vec<AssignedBroker>,
}

/// A broker as a client names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AssignedBroker {
    /// The id in the request.
    pub shown: i32,
    /// The node it means, `None` if the listener shows no such broker.
    pub node: Option<NodeId>,
    /// The core it means, on a listener whose brokers are cores.
    pub core: Option<CoreId>,
}

/// A topic that was created, or would have been.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CreatedTopic {
    /// Its id.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas each has.
    pub replication_factor: i16,
    /// Its own configuration.
    pub configs: ConfigOverrides,
}

/// A topic by name or by id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TopicSelector {
    /// By name.
    Name(String),
    /// By id.
    Id(TopicId),
}

/// A topic that was deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeletedTopic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: TopicId,
}

/// Partitions to be added.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MorePartitions {
    /// The topic.
    pub name: String,
    /// How many it shall have then.
    pub count: i32,
    /// Where each added one goes; `None` leaves that to the controller.
    pub assignments: Option<Vec<Assignment>>,
}

/// Changes of one resource's configuration: all or none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigChange {
    /// Whose.
    pub target: ConfigTarget,
    /// The changes.
    pub edit: ConfigEdit,
}

/// Whose configuration a client means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigTarget {
    /// That of the topic of this name.
    Topic(String),
    /// One node's.
    Node(NodeId),
    /// Every node's.
    AllNodes,
    /// A group's.
    Group(String),
    /// A subscription's to clients' metrics.
    ClientMetrics(String),
}

/// How a configuration is changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConfigEdit {
    /// Key by key (KIP-339).
    Steps(Vec<ConfigStep>),
    /// All values at once: what is not among them loses its value.
    Replace(Vec<(String, Option<String>)>),
}

/// What is done to one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigStep {
    /// The key.
    pub key: String,
    /// What.
    pub operation: ConfigOperation,
    /// With what.
    pub value: Option<String>,
}

/// Numbered as IncrementalAlterConfigs numbers them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigOperation {
    /// Gives it a value.
    Set,
    /// Takes its value away.
    Delete,
    /// Adds entries to a list.
    Append,
    /// Takes entries from a list.
    Subtract,
    /// None that we know.
    Unknown(i8),
}

/// Changes of one entity's quotas: all or none. In a client's words, which may make no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuotaChange {
    /// What it consists of: types and names; without a name it is the default.
    pub entity: BTreeMap<String, Option<String>>,
    /// Keys with their new values; `None` takes a key's value away.
    pub steps: Vec<(String, Option<QuotaValue>)>,
}

/// Who creates and deletes partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Payer {
    /// The user's name.
    pub user: Arc<str>,
    /// What the client calls itself.
    pub client_id: String,
    /// What is beyond its quota is refused; else it is done, and the client waits.
    pub strict: bool,
}

/// Producer ids that belong to the caller from now on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProducerIdBlock {
    /// The first.
    pub first: ProducerId,
    /// How many.
    pub count: u32,
}

/// What is said of a key that is named twice.
pub const DUPLICATE_KEYS: &str = "Error due to duplicate config keys";

impl ConfigStep {
    /// Each key may be named once.
    pub fn check_distinct(steps: &[Self]) -> Result<(), Refusal> {
        let mut keys = BTreeSet::new();
        match steps.iter().all(|step| keys.insert(&step.key)) {
            true => Ok(()),
            false => Err(Refusal::new(ErrorCode::InvalidRequest, DUPLICATE_KEYS)),
        }
    }
}

impl ConfigOperation {
    /// From the number in a request.
    pub fn from_wire(number: i8) -> Self {
        match number {
            0 => Self::Set,
            1 => Self::Delete,
            2 => Self::Append,
            3 => Self::Subtract,
            other => Self::Unknown(other),
        }
    }
}

impl Refusal {
    /// With words, which may repeat what a client sent: at most [`REFUSAL_MESSAGE_MAX`]
    /// bytes, so that every version can carry them.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > REFUSAL_MESSAGE_MAX {
            let whole = (0..=REFUSAL_MESSAGE_MAX).rfind(|at| message.is_char_boundary(*at));
            message.truncate(whole.unwrap_or_default());
        }
        Self { code, message: Some(message) }
    }

    /// A value is missing.
    pub fn null_value(key: &str) -> Self {
        Self::new(ErrorCode::InvalidRequest, format!("Null value not supported for : {key}"))
    }

    /// Without.
    pub fn bare(code: ErrorCode) -> Self {
        Self { code, message: None }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code.name()),
            None => f.write_str(self.code.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_repeats_no_more_than_every_version_can_carry_and_whole_characters() {
        for (given, kept) in
            [("x".repeat(9), 9), ("x".repeat(40_000), REFUSAL_MESSAGE_MAX), ("\u{2028}".repeat(2000), 4095)]
        {
            let message = Refusal::new(ErrorCode::InvalidConfig, given.clone()).message.unwrap_or_default();
            assert!(message.len() == kept && given.starts_with(&message), "{} bytes", message.len());
        }
    }
}
