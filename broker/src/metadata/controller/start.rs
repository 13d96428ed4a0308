//! What a node's start changes: its registration, the directories it has, and the cores its partitions are on.

use std::fmt;

use super::machine::ControllerMachine;
use crate::{
    metadata::{
        ids::{BrokerEpoch, DirectoryId, NodeId, Uuid, random_uuid},
        image::ClusterImage,
        record::{MetadataRecord, NodeRegistration},
    },
    placement::{self, Move},
};

/// The data directory belongs to another node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrongNode {
    /// Whose it is.
    pub owner: NodeId,
    /// Who wanted it.
    pub asked: NodeId,
}

impl fmt::Display for WrongNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the data directory belongs to node {}, not to node {}: set node.id = {} or use another directory",
            self.owner, self.asked, self.owner
        )
    }
}

impl std::error::Error for WrongNode {}

/// What a node finds of itself before it registers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// The cluster's id, drawn if it had none.
    pub cluster: Uuid,
    /// The data directories that are fit for use, the metadata's first.
    pub directories: Vec<DirectoryId>,
}

/// What a start leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start {
    /// To be proposed as one step, before anything is served.
    pub records: Vec<MetadataRecord>,
    /// Partitions that change their core: their logs follow once the records are committed.
    pub moves: Vec<Move>,
}

/// Whether the metadata is this node's, or nobody's yet.
pub fn check_node(image: &ClusterImage, asked: NodeId) -> Result<(), WrongNode> {
    match image.nodes().find(|node| node.id != asked) {
        Some(other) => Err(WrongNode { owner: other.id, asked }),
        None => Ok(()),
    }
}

impl ControllerMachine {
    /// Registers this node anew, gives the cluster its id if it has none, and places partitions on the cores there are.
    pub fn start(&mut self, found: Found, draw: &mut dyn FnMut() -> u64) -> Result<Start, WrongNode> {
        let asked = self.config.node;
        check_node(&self.image, asked)?;
        let mut records = Vec::new();
        if self.image.cluster_id().is_none() {
            records.push(MetadataRecord::Cluster { id: found.cluster });
        }
        let moves = placement::moves(&self.image, asked, self.config.cores);
        records.extend(moves.iter().filter_map(|step| self.to_core(asked, step)));
        records.push(MetadataRecord::Node(self.registration(found.directories, draw)));
        self.advance(&records);
        // The file may say otherwise than at the last start.
        let changed = self.all_min_isr_records(&self.settings());
        self.advance(&changed);
        records.extend(changed);
        Ok(Start { records, moves })
    }

    fn registration(&self, directories: Vec<DirectoryId>, draw: &mut dyn FnMut() -> u64) -> NodeRegistration {
        let before = self.image.node(self.config.node);
        NodeRegistration {
            id: self.config.node,
            epoch: BrokerEpoch(before.map_or(0, |before| before.epoch.0) + 1),
            incarnation: random_uuid(draw),
            cores: self.config.cores,
            directories,
            rack: self.config.rack.clone(),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use corelog_storage::{
        env::Instant,
        ids::{LogId, TopicId},
    };

    use super::*;
    use crate::{
        config::BrokerConfig,
        core::env::CoreId,
        metadata::{
            call::{MetadataAnswer, MetadataCall, NewTopic},
            record::PartitionState,
        },
    };

    /// A fixed sequence of numbers that look random.
    pub(in crate::metadata) fn numbers(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed ^ (mixed >> 27)
        }
    }

    pub(in crate::metadata) const NOW: Instant = Instant(0);

    pub(in crate::metadata) fn config(cores: u16) -> Arc<BrokerConfig> {
        Arc::new(BrokerConfig::default().with("cores", &cores.to_string()).expect("valid"))
    }

    pub(in crate::metadata) fn found() -> Found {
        Found { cluster: Uuid([1; 16]), directories: vec![DirectoryId(Uuid([2; 16]))] }
    }

    /// A controller of a fresh node, started.
    pub(in crate::metadata) fn started(cores: u16) -> (ControllerMachine, Start) {
        let mut machine = ControllerMachine::new(config(cores), ClusterImage::default());
        let start = machine.start(found(), &mut numbers(1)).expect("starts");
        (machine, start)
    }

    pub(in crate::metadata) fn new_topic(name: &str, partitions: i32) -> NewTopic {
        let name = name.to_owned();
        NewTopic { name, partitions, replication_factor: -1, assignments: vec![], configs: vec![] }
    }

    #[test]
    fn a_first_start_gives_the_cluster_an_id_and_the_next_keeps_it() {
        let (machine, start) = started(2);
        assert!(start.moves.is_empty());
        assert_eq!(machine.image().cluster_id(), Some(found().cluster));
        let mut again = ControllerMachine::new(config(2), machine.image().clone());
        let more = vec![found().directories[0], DirectoryId(Uuid([4; 16]))];
        let later = Found { cluster: Uuid([3; 16]), directories: more.clone() };
        again.start(later, &mut numbers(2)).expect("starts");
        assert_eq!(again.image().cluster_id(), Some(found().cluster));
        let node = again.image().node(NodeId(0)).expect("registered");
        assert_eq!((node.epoch, &node.directories), (BrokerEpoch(2), &more));
    }

    /// Two cores, and one partition as it was made.
    fn with_partition() -> (ControllerMachine, PartitionState, LogId) {
        let mut machine = started(2).0;
        let call = MetadataCall::CreateTopics { topics: vec![new_topic("t", 1)], validate_only: false };
        machine.decide(call, NOW, &mut numbers(7));
        let topic = machine.image().topic("t").expect("made").clone();
        let state = topic.partitions[0].clone();
        let log = topic.log(state.index);
        (machine, state, log)
    }

    fn unknown(log: LogId) -> LogId {
        LogId { topic: TopicId([77; 16]), ..log }
    }

    #[test]
    fn a_replica_moves_from_where_it_is_and_keeps_its_leader() {
        let (mut machine, before, log) = with_partition();
        let (from, to) = (before.directory_on(NodeId(0)).expect("placed"), DirectoryId(Uuid([9; 16])));
        let mut moved = |log| {
            let decision =
                machine.decide(MetadataCall::MoveReplica { node: NodeId(0), log, from, to }, NOW, &mut numbers(8));
            (decision.records.len(), decision.answer)
        };
        assert_eq!(moved(log), (1, MetadataAnswer::ReplicaMoved(true)));
        assert_eq!(moved(log), (0, MetadataAnswer::ReplicaMoved(false)), "it is not there any more");
        assert_eq!(moved(unknown(log)), (0, MetadataAnswer::ReplicaMoved(false)));
        let after = machine.image().partition(log).expect("made");
        assert_eq!(after.directory_on(NodeId(0)), Some(to));
        assert_eq!((after.leader_core(), after.leader_epoch), (before.leader_core(), before.leader_epoch));
        assert!(after.partition_epoch > before.partition_epoch);
    }

    #[test]
    fn a_replica_goes_to_another_core_from_where_it_is_and_its_leader_gets_a_new_epoch() {
        let (mut machine, before, log) = with_partition();
        let (from, to) = (CoreId(0), CoreId(1));
        let mut moved = || {
            let call = MetadataCall::MoveToCore { node: NodeId(0), logs: vec![unknown(log), log], from, to };
            machine.decide(call, NOW, &mut numbers(8)).answer
        };
        assert_eq!(moved(), MetadataAnswer::ReplicasMoved(vec![false, true]));
        assert_eq!(moved(), MetadataAnswer::ReplicasMoved(vec![false, false]), "it is not there any more");
        let after = machine.image().partition(log).expect("made");
        assert_eq!(after.leader_core(), Some((NodeId(0), to)));
        assert_eq!(after.directory_on(NodeId(0)), before.directory_on(NodeId(0)));
        assert_eq!(after.leader_epoch.0, before.leader_epoch.0 + 1);
        assert!(after.partition_epoch > before.partition_epoch);
    }

    #[test]
    fn a_directory_that_failed_gets_no_new_partitions_and_the_last_one_all() {
        let [good, bad] = [5, 6].map(|number| DirectoryId(Uuid([number; 16])));
        let mut machine = ControllerMachine::new(config(2), ClusterImage::default());
        machine.start(Found { directories: vec![good, bad], ..found() }, &mut numbers(1)).expect("starts");
        let directories = |machine: &mut ControllerMachine, topic: &str| {
            let call = MetadataCall::CreateTopics { topics: vec![new_topic(topic, 4)], validate_only: false };
            machine.decide(call, NOW, &mut numbers(7));
            let topic = machine.image().topic(topic).expect("made");
            let mut placed: Vec<_> =
                topic.partitions.iter().filter_map(|state| state.directory_on(NodeId(0))).collect();
            placed.sort();
            placed
        };
        assert_eq!(directories(&mut machine, "both"), [good, good, bad, bad]);
        let failed = |directory| MetadataCall::DirectoryFailed { node: NodeId(0), directory };
        let epoch = machine.image().node(NodeId(0)).expect("registered").epoch;
        assert_eq!(machine.decide(failed(bad), NOW, &mut numbers(8)).records.len(), 1);
        assert_eq!(machine.decide(failed(bad), NOW, &mut numbers(8)).records, [], "it is told once");
        assert_eq!(machine.image().node(NodeId(0)).expect("registered").epoch, epoch);
        assert_eq!(directories(&mut machine, "one"), [good; 4]);
        assert_eq!(machine.decide(failed(good), NOW, &mut numbers(8)).records, []);
    }

    #[test]
    fn a_directory_of_another_node_is_refused_by_name() {
        let (machine, _) = started(1);
        let other = Arc::new(BrokerConfig::default().with("node.id", "7").expect("valid"));
        let refused = ControllerMachine::new(other, machine.image().clone()).start(found(), &mut numbers(2));
        assert!(refused.expect_err("refused").to_string().contains("set node.id = 0"));
    }

    #[test]
    fn a_changed_file_changes_what_partitions_need_to_be_in_sync() {
        let (mut machine, _) = started(1);
        let call = MetadataCall::CreateTopics { topics: vec![new_topic("t", 2)], validate_only: false };
        machine.decide(call, NOW, &mut numbers(3));
        let file = Arc::new(config(1).with("min.insync.replicas", "2").expect("valid"));
        let mut changed = ControllerMachine::new(file.clone(), machine.image().clone());
        changed.start(found(), &mut numbers(4)).expect("starts");
        let min_isr = |machine: &ControllerMachine| {
            machine.image().topic("t").expect("exists").partitions.iter().map(|state| state.min_isr).collect::<Vec<_>>()
        };
        assert_eq!(min_isr(&changed), [2, 2]);
        let mut same = ControllerMachine::new(file, changed.image().clone());
        assert_eq!(same.start(found(), &mut numbers(5)).expect("starts").records.len(), 1, "only the node registers");
    }

    #[test]
    fn a_partition_that_moves_to_another_core_gets_a_new_leader_epoch() {
        let (mut machine, _) = started(2);
        let call = MetadataCall::CreateTopics { topics: vec![new_topic("t", 4)], validate_only: false };
        let MetadataAnswer::TopicsCreated(_) = machine.decide(call, NOW, &mut numbers(3)).answer else { panic!() };
        let mut on_one = ControllerMachine::new(config(1), machine.image().clone());
        let start = on_one.start(found(), &mut numbers(4)).expect("starts");
        assert_eq!(start.moves.len(), 2);
        for state in &on_one.image().topic("t").expect("exists").partitions {
            let moved = i32::from(start.moves.iter().any(|step| step.log.partition == state.index));
            assert_eq!((state.leader_epoch.0, state.partition_epoch.0), (moved, moved));
            assert_eq!(state.core_on(NodeId(0)), Some(CoreId(0)));
        }
    }
}
