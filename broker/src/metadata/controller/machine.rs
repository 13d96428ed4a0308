//! The controller's decisions, pure: a call and the present state in, records and an answer out.
//!
//! *Inputs*: [`ControllerMachine::decide`] with a call; [`ControllerMachine::start`] when the node has read its log.
//! *Effects*: the records of a [`Decision`], to be proposed as one atomic step, and its answer, to be given when they
//! are committed (at once where there are none).
//! *Invariants*: the machine's image is the committed one plus every decision since, in order, so that two calls that
//! arrive together cannot both create one topic; a refused entry of a call leaves no record. If a decision's records
//! cannot be committed, the machine is of no more use.

use std::{mem, sync::Arc};

use corelog_storage::{
    env::Instant,
    ids::{LogId, ProducerId},
};
use corelog_wire::error_code::ErrorCode;

use crate::{
    config::BrokerConfig,
    core::env::CoreId,
    metadata::{
        call::{MetadataAnswer, MetadataCall, Payer, ProducerIdBlock, Refusal},
        ids::{DirectoryId, NodeId, PartitionEpoch},
        image::ClusterImage,
        record::{MetadataRecord, NodeRegistration, PartitionState, Replica},
    },
    placement::Move,
    quota::mutations_machine::{Account, Mutations},
};

/// How many producer ids are set aside at once, as many as Kafka does.
pub const PRODUCER_ID_BLOCK: u32 = 1000;

/// The most records that one call may make, as in Kafka.
pub(super) const MAX_RECORDS: usize = 10_000;

/// What a call leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// To be proposed as one step.
    pub records: Vec<MetadataRecord>,
    /// To be given when that step is committed.
    pub answer: MetadataAnswer,
}

/// The controller's state.
pub struct ControllerMachine {
    pub(super) config: Arc<BrokerConfig>,
    pub(super) image: ClusterImage,
    mutations: Mutations,
}

impl ControllerMachine {
    /// A controller that continues from `image`, the newest committed.
    pub fn new(config: Arc<BrokerConfig>, image: ClusterImage) -> Self {
        Self { mutations: Mutations::new(&config.settings), config, image }
    }

    /// The committed state plus all decisions since.
    pub fn image(&self) -> &ClusterImage {
        &self.image
    }

    /// Decides one call, at `now`. `draw` gives random bits for ids.
    pub fn decide(&mut self, call: MetadataCall, now: Instant, draw: &mut dyn FnMut() -> u64) -> Decision {
        match call {
            MetadataCall::Paid { payer, call } => self.decide_paid(&payer, *call, now, draw),
            call => self.decide_for(&mut Account::free(), call, draw),
        }
    }

    fn decide_paid(
        &mut self,
        payer: &Payer,
        call: MetadataCall,
        now: Instant,
        draw: &mut dyn FnMut() -> u64,
    ) -> Decision {
        let mut account = Account::open(self.image.quotas(), payer, now);
        let Decision { records, answer } = self.decide_for(&mut account, call, draw);
        Decision { records, answer: MetadataAnswer::Paid { until: account.until(), answer: Box::new(answer) } }
    }

    fn decide_for(&mut self, account: &mut Account, call: MetadataCall, draw: &mut dyn FnMut() -> u64) -> Decision {
        match call {
            MetadataCall::CreateTopics { topics, validate_only } => {
                self.create_topics(account, topics, validate_only, draw)
            }
            MetadataCall::DeleteTopics { topics } => self.delete_topics(account, topics),
            MetadataCall::CreatePartitions { topics, validate_only } => {
                self.create_partitions(account, topics, validate_only)
            }
            MetadataCall::Paid { call, .. } => self.decide_for(account, *call, draw),
            MetadataCall::AlterConfigs { changes, validate_only } => self.alter_configs(changes, validate_only),
            MetadataCall::AlterQuotas { changes, validate_only } => self.alter_quotas(&changes, validate_only),
            MetadataCall::AllocateProducerIds => self.allocate_producer_ids(),
            MetadataCall::MoveReplica { node, log, from, to } => self.move_replica(node, log, from, to),
            MetadataCall::MoveToCore { node, logs, from, to } => self.move_to_core(node, &logs, from, to),
            MetadataCall::DirectoryFailed { node, directory } => self.directory_failed(node, directory),
        }
    }

    fn allocate_producer_ids(&mut self) -> Decision {
        let first = self.image.next_producer_id();
        let next = ProducerId(first.0 + i64::from(PRODUCER_ID_BLOCK));
        let records = vec![MetadataRecord::ProducerIds { next }];
        self.advance(&records);
        let block = ProducerIdBlock { first, count: PRODUCER_ID_BLOCK };
        Decision { records, answer: MetadataAnswer::ProducerIds(block) }
    }

    fn move_replica(&mut self, node: NodeId, log: LogId, from: DirectoryId, to: DirectoryId) -> Decision {
        let moved = self.put_elsewhere(node, log, |own| mem::replace(&mut own.directory, to) == from);
        let answer = MetadataAnswer::ReplicaMoved(moved.is_some());
        let records: Vec<_> =
            moved.map(|state| MetadataRecord::Partition { topic: log.topic, state }).into_iter().collect();
        self.advance(&records);
        Decision { records, answer }
    }

    fn move_to_core(&mut self, node: NodeId, logs: &[LogId], from: CoreId, to: CoreId) -> Decision {
        let moved: Vec<_> = logs.iter().map(|log| self.to_core(node, &Move { log: *log, from, to })).collect();
        let answer = MetadataAnswer::ReplicasMoved(moved.iter().map(Option::is_some).collect());
        let records: Vec<_> = moved.into_iter().flatten().collect();
        self.advance(&records);
        Decision { records, answer }
    }

    /// What puts a node's partition on another core, if it is where it is said to be. The leader epoch rises: metadata of before
    /// cannot win, and hints of the new owner count as newer.
    pub(super) fn to_core(&self, node: NodeId, step: &Move) -> Option<MetadataRecord> {
        let change = |own: &mut Replica| mem::replace(&mut own.core, step.to) == step.from;
        let mut state = self.put_elsewhere(node, step.log, change)?;
        if state.leader == Some(node) {
            state.leader_epoch.0 += 1;
        }
        Some(MetadataRecord::Partition { topic: step.log.topic, state })
    }

    /// A partition as it is once the node's copy is elsewhere; `change` says whether it is where it was said to be.
    fn put_elsewhere(
        &self,
        node: NodeId,
        log: LogId,
        change: impl FnOnce(&mut Replica) -> bool,
    ) -> Option<PartitionState> {
        let mut state = self.image.partition(log)?.clone();
        state.partition_epoch = PartitionEpoch(state.partition_epoch.0 + 1);
        change(state.replicas.iter_mut().find(|replica| replica.node == node)?).then_some(state)
    }

    /// The node goes on without it; but for the last one, beside which there is none to go on with.
    fn directory_failed(&mut self, node: NodeId, directory: DirectoryId) -> Decision {
        let mut records = Vec::new();
        if let Some(registered) = self.image.node(node) {
            let left: Vec<_> = registered.directories.iter().copied().filter(|other| *other != directory).collect();
            if left != registered.directories && !left.is_empty() {
                let registered = (**registered).clone();
                records.push(MetadataRecord::Node(NodeRegistration { directories: left, ..registered }));
            }
        }
        self.advance(&records);
        Decision { records, answer: MetadataAnswer::DirectoryNoted }
    }

    /// Charges a change of so many partitions to whoever asks for it.
    pub(super) fn charge(&mut self, account: &mut Account, partitions: usize) -> Result<(), Refusal> {
        match self.mutations.charge(account, partitions) {
            true => Ok(()),
            false => Err(Refusal::bare(ErrorCode::ThrottlingQuotaExceeded)),
        }
    }

    /// Takes a decision's records into the machine's image.
    pub(super) fn advance(&mut self, records: &[MetadataRecord]) {
        for record in records {
            // The controller made them out of this very image: a mismatch is a defect, and must not reach the log.
            self.image.apply(record).expect("the controller's own records apply");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::controller::start::tests::started;

    #[test]
    fn no_producer_id_is_given_twice() {
        let (mut machine, _) = started(1);
        let mut first_free = 0;
        for _ in 0..3 {
            let decision = machine.decide(MetadataCall::AllocateProducerIds, Instant(0), &mut || 0);
            let MetadataAnswer::ProducerIds(block) = decision.answer else { panic!("a block") };
            assert!(block.first.0 >= first_free);
            first_free = block.first.0 + i64::from(block.count);
            assert_eq!(decision.records, [MetadataRecord::ProducerIds { next: ProducerId(first_free) }]);
        }
    }
}
