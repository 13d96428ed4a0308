//! The records of the metadata log: each is one fact, and a batch of them takes effect as a whole.

use std::collections::BTreeMap;

use corelog_storage::ids::{LeaderEpoch, PartitionIndex, ProducerId, TopicId};

use crate::{
    core::env::CoreId,
    metadata::{
        ids::{BrokerEpoch, DirectoryId, NodeId, PartitionEpoch, Uuid},
        quota::{QuotaEntity, QuotaKey, QuotaValue},
    },
};

/// One fact about the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MetadataRecord {
    /// The cluster's id: the first record of every log.
    Cluster {
        /// Printed to clients as Kafka prints it.
        id: Uuid,
    },
    /// A node registered, or registered again.
    Node(NodeRegistration),
    /// A topic exists, without partitions yet.
    Topic {
        /// Its id, never used before.
        id: TopicId,
        /// Its name, unique among the topics that exist.
        name: String,
    },
    /// A topic and all its partitions and configurations are gone.
    RemoveTopic {
        /// Which.
        id: TopicId,
    },
    /// A partition's whole state, replacing what was there.
    Partition {
        /// The topic.
        topic: TopicId,
        /// Its state; the index is the next unused one, or an existing one.
        state: PartitionState,
    },
    /// A configuration's own value, or its removal.
    Config {
        /// Whose.
        resource: ConfigResource,
        /// The key.
        key: String,
        /// The value; `None` removes it.
        value: Option<String>,
    },
    /// Producer ids below this one are taken.
    ProducerIds {
        /// The first id that nobody was given.
        next: ProducerId,
    },
    /// A quota, or its removal.
    Quota {
        /// Whose.
        entity: QuotaEntity,
        /// Of what.
        key: QuotaKey,
        /// How much; `None` removes it.
        value: Option<QuotaValue>,
    },
}

/// What a node says of itself when it starts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeRegistration {
    /// Its id.
    pub id: NodeId,
    /// This registration's epoch: higher than any of before.
    pub epoch: BrokerEpoch,
    /// Made at random by each process, so that two processes under one id are told apart.
    pub incarnation: Uuid,
    /// How many cores (executors) it runs.
    pub cores: u16,
    /// Its data directories that are fit for use; the first at a start holds the metadata.
    pub directories: Vec<DirectoryId>,
    /// `broker.rack`.
    pub rack: Option<String>,
}

/// A partition, as replication needs it (one atomic record).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionState {
    /// Its number within the topic.
    pub index: PartitionIndex,
    /// Who leads; `None` while nobody can.
    pub leader: Option<NodeId>,
    /// The leader's term. Rises with each change of leader, and of its owning core.
    pub leader_epoch: LeaderEpoch,
    /// Rises with each change of this record.
    pub partition_epoch: PartitionEpoch,
    /// Who keeps a copy, the preferred leader first.
    pub replicas: Vec<Replica>,
    /// Replicas being added by a reassignment.
    pub adding: Vec<NodeId>,
    /// Replicas being removed by a reassignment.
    pub removing: Vec<NodeId>,
    /// Replicas known to hold every committed record.
    pub isr: Vec<NodeId>,
    /// Replicas outside the ISR that are still known to hold every committed record (KIP-966).
    pub elr: Vec<NodeId>,
    /// The ELR's members that were last removed from it by an unclean shutdown.
    pub last_known_elr: Vec<NodeId>,
    /// The minimum ISR in force with this record.
    pub min_isr: u16,
}

/// One copy of a partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replica {
    /// On which node.
    pub node: NodeId,
    /// In which of its directories.
    pub directory: DirectoryId,
    /// On which of its cores.
    pub core: CoreId,
}

/// Whose configuration it is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ConfigResource {
    /// A topic's.
    Topic(TopicId),
    /// One node's.
    Node(NodeId),
    /// Every node's.
    AllNodes,
    /// A group's; the group need not exist.
    Group(String),
    /// A subscription's to clients' metrics.
    ClientMetrics(String),
}

/// A resource's own values by key; what is absent is inherited.
pub type ConfigOverrides = BTreeMap<String, String>;
