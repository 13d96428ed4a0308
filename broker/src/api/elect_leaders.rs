//! ElectLeaders, versions 0 to 2: makes the preferred replica lead (KIP-460), or any where no other is left. The replica on
//! the only node leads already, so that no election is ever needed.

use std::{rc::Rc, sync::Arc};

use corelog_storage::ids::PartitionIndex;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        ElectLeadersRequest, ElectLeadersResponse,
        elect_leaders::{PartitionResult, ReplicaElectionResult},
    },
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        call::Refusal,
        image::{ClusterImage, TopicImage},
    },
};

/// The kinds of elections: of the preferred replica, and of any that is left.
const KINDS: [i8; 2] = [0, 1];

/// Answers per partition asked for. Where all are meant, only those that were elected are told, by topic: none.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    _context: &RequestContext,
    request: ElectLeadersRequest,
) -> ElectLeadersResponse {
    let image = core.image();
    let Some(topics) = request.topic_partitions else {
        let row = |topic: &Arc<TopicImage>| ReplicaElectionResult {
            topic: topic.name.to_string(),
            partition_result: Vec::new(),
        };
        let replica_election_results = image.topics().map(row).collect();
        return ElectLeadersResponse { replica_election_results, ..ElectLeadersResponse::default() };
    };
    let kind = request.election_type;
    let unknown = (!KINDS.contains(&kind))
        .then(|| Refusal::new(ErrorCode::InvalidRequest, format!("Unknown election type {kind}")));
    let results = topics.into_iter().map(|asked| {
        let row = |partition_id: i32| {
            let refusal = unknown.clone().unwrap_or_else(|| outcome(&image, &asked.topic, partition_id));
            PartitionResult { partition_id, error_code: refusal.code.code(), error_message: refusal.message }
        };
        let partition_result = asked.partitions.iter().map(|index| row(*index)).collect();
        ReplicaElectionResult { topic: asked.topic, partition_result }
    });
    ElectLeadersResponse {
        replica_election_results: results.collect(),
        error_code: unknown.as_ref().map_or(0, |refusal| refusal.code.code()),
        ..ElectLeadersResponse::default()
    }
}

fn outcome(image: &ClusterImage, topic: &str, partition: i32) -> Refusal {
    let Some(found) = image.topic(topic) else {
        return Refusal::new(ErrorCode::UnknownTopicOrPartition, format!("No such topic as {topic}"));
    };
    match found.partition(PartitionIndex(partition)) {
        Some(state) if state.leader.is_some() => {
            Refusal::new(ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition.")
        }
        Some(_) => Refusal::bare(ErrorCode::EligibleLeadersNotAvailable),
        None => Refusal::new(ErrorCode::UnknownTopicOrPartition, format!("No such partition as {topic}-{partition}")),
    }
}
