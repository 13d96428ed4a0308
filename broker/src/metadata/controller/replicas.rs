//! Where the replicas of a new partition go: by hand, or one on each of as many nodes, on the core that has least, in the
//! data directory that has least.

use std::collections::{BTreeMap, BTreeSet};

use corelog_storage::ids::{LeaderEpoch, PartitionIndex, TopicId};
use corelog_wire::error_code::ErrorCode;

use crate::{
    core::env::CoreId,
    metadata::{
        call::{AssignedBroker, Refusal},
        ids::{NodeId, PartitionEpoch},
        image::ClusterImage,
        record::{NodeRegistration, PartitionState, Replica},
    },
    placement::{CoreLoad, DirectoryLoad},
};

/// Places new partitions on an image's nodes, one after another.
pub(super) struct Placer<'a> {
    image: &'a ClusterImage,
    load: BTreeMap<NodeId, NodeLoad>,
}

struct NodeLoad {
    cores: CoreLoad,
    /// None if the node does not say what it has.
    directories: Option<DirectoryLoad>,
}

impl NodeLoad {
    fn of(image: &ClusterImage, node: &NodeRegistration) -> Self {
        let directories = Some(node.directories.clone()).filter(|directories| !directories.is_empty());
        Self {
            cores: CoreLoad::of(image, node.id, node.cores),
            directories: directories.map(|directories| DirectoryLoad::of(image, node.id, directories)),
        }
    }
}

impl<'a> Placer<'a> {
    pub(super) fn new(image: &'a ClusterImage) -> Self {
        let load = image.nodes().map(|node| (node.id, NodeLoad::of(image, node))).collect();
        Self { image, load }
    }

    /// A partition's replicas on `factor` nodes; the first one rotates with the partition's number.
    pub(super) fn choose(&mut self, topic: TopicId, index: PartitionIndex, factor: i16) -> Vec<Replica> {
        let nodes: Vec<NodeId> = self.image.nodes().map(|node| node.id).collect();
        let first = index.0 as usize;
        (0..factor as usize).map(|step| self.put(topic, nodes[(first + step) % nodes.len()], None)).collect()
    }

    /// The replicas that a client asked for; they were checked.
    pub(super) fn assign(&mut self, topic: TopicId, brokers: &[AssignedBroker]) -> Vec<Replica> {
        let named = brokers.iter().filter_map(|broker| Some((broker.node?, broker.core)));
        named.map(|(node, core)| self.put(topic, node, core)).collect()
    }

    fn put(&mut self, topic: TopicId, node: NodeId, core: Option<CoreId>) -> Replica {
        let load = self.load.get_mut(&node).expect("a registered node");
        let core = core.unwrap_or_else(|| load.cores.lightest(topic));
        load.cores.add(topic, core);
        let directory = load.directories.as_mut().map(|directories| {
            let lightest = directories.lightest(topic);
            directories.add(topic, lightest);
            lightest
        });
        Replica { node, core, directory: directory.unwrap_or_default() }
    }
}

/// A new partition that its first replica leads.
pub(crate) fn new_partition(index: PartitionIndex, replicas: Vec<Replica>, min_isr: u16) -> PartitionState {
    let nodes: Vec<NodeId> = replicas.iter().map(|replica| replica.node).collect();
    PartitionState {
        index,
        leader: nodes.first().copied(),
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
        replicas,
        adding: Vec::new(),
        removing: Vec::new(),
        isr: nodes,
        elr: Vec::new(),
        last_known_elr: Vec::new(),
        min_isr,
    }
}

/// Whether `factor` replicas can stand on nodes of their own.
pub(super) fn check_factor(image: &ClusterImage, factor: i16) -> Result<(), Refusal> {
    let nodes = image.nodes().count();
    if usize::try_from(factor).is_ok_and(|factor| factor <= nodes) {
        return Ok(());
    }
    let what = format!(
        "Unable to replicate the partition {factor} time(s): The target replication factor of {factor} cannot be reached \
         because only {nodes} broker(s) are registered or some brokers have all their log directories cordoned."
    );
    Err(Refusal::new(ErrorCode::InvalidReplicationFactor, what))
}

/// Whether a client's assignment can be: known brokers, on nodes of their own, as many as for the other partitions.
pub(crate) fn check_assignment(
    image: &ClusterImage,
    brokers: &[AssignedBroker],
    factor: Option<usize>,
) -> Result<(), Refusal> {
    let refuse = |what: String| {
        let what = format!("The manual partition assignment includes {what}");
        Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, what))
    };
    if brokers.is_empty() {
        return refuse("an empty replica list.".to_owned());
    }
    let mut sorted = brokers.to_vec();
    sorted.sort_by_key(|broker| broker.shown);
    let mut nodes = BTreeSet::new();
    for broker in sorted {
        let registered = broker.node.and_then(|node| image.node(node)).filter(|node| has_core(node, broker.core));
        let Some(node) = registered else {
            return refuse(format!("broker {}, but no such broker is registered.", broker.shown));
        };
        // Two cores of one node would share its fate.
        if !nodes.insert(node.id) {
            return refuse(format!("the broker {} more than once.", broker.shown));
        }
    }
    match factor {
        Some(factor) if factor != brokers.len() => refuse(format!(
            "a partition with {} replica(s), but this is not consistent with previous partitions, which have {factor} \
             replica(s).",
            brokers.len()
        )),
        _ => Ok(()),
    }
}

fn has_core(node: &NodeRegistration, core: Option<CoreId>) -> bool {
    core.is_none_or(|core| core.0 < node.cores)
}
