//! AlterPartitionReassignments, versions 0 and 1: moves replicas to other brokers (KIP-455). With one node the only
//! possible assignment is the present one, and there is never a move to be given up. On a core listener brokers are cores:
//! a partition changes its core when the number of cores does, not by hand.

use std::rc::Rc;

use corelog_storage::ids::PartitionIndex;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
        alter_partition_reassignments::{
            ReassignablePartition, ReassignablePartitionResponse, ReassignableTopicResponse,
        },
    },
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        call::{AssignedBroker, Refusal},
        controller::check_assignment,
        image::ClusterImage,
        record::PartitionState,
    },
};

/// Answers per partition.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let image = core.image();
    // As Kafka says it: of no partition at all there is an empty word.
    let error_message = request.topics.is_empty().then(String::new);
    let responses = request.topics.into_iter().map(|topic| {
        let row = |partition: &ReassignablePartition| {
            let brokers = partition.replicas.as_ref().map(|replicas| {
                replicas.iter().map(|id| context.listener.assigned(core.node, core.cores(), *id)).collect::<Vec<_>>()
            });
            let outcome = reassign(&image, &topic.name, partition.partition_index, brokers.as_deref());
            let refusal = outcome.err().unwrap_or_else(|| Refusal::bare(ErrorCode::None));
            ReassignablePartitionResponse {
                partition_index: partition.partition_index,
                error_code: refusal.code.code(),
                error_message: refusal.message,
            }
        };
        let partitions = topic.partitions.iter().map(row).collect();
        ReassignableTopicResponse { name: topic.name.clone(), partitions }
    });
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses: responses.collect(),
        error_message,
        ..AlterPartitionReassignmentsResponse::default()
    }
}

/// `wanted` of `None` gives a move up.
fn reassign(
    image: &ClusterImage,
    topic: &str,
    partition: i32,
    wanted: Option<&[AssignedBroker]>,
) -> Result<(), Refusal> {
    let unknown = |what: String| Refusal::new(ErrorCode::UnknownTopicOrPartition, what);
    let found = image.topic(topic).ok_or_else(|| unknown(format!("Unable to find a topic named {topic}.")))?;
    let state = found.partition(PartitionIndex(partition));
    let state = state.ok_or_else(|| unknown(format!("Unable to find partition {topic}:{partition}.")))?;
    let Some(wanted) = wanted else { return Err(Refusal::bare(ErrorCode::NoReassignmentInProgress)) };
    check_assignment(image, wanted, None)?;
    if is_present(state, wanted) {
        return Ok(());
    }
    let what = "A partition changes its core when the number of cores does.";
    Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, what))
}

fn is_present(state: &PartitionState, wanted: &[AssignedBroker]) -> bool {
    let same = |(replica, wanted): (&crate::metadata::record::Replica, &AssignedBroker)| {
        wanted.node == Some(replica.node) && wanted.core.is_none_or(|core| core == replica.core)
    };
    state.replicas.len() == wanted.len() && state.replicas.iter().zip(wanted).all(same)
}
