//! AlterPartitionReassignments, versions 0 and 1: moves replicas to other brokers (KIP-455). With one node there is no other
//! broker but its own cores: on a core listener brokers are cores, and a partition goes to the core that is named
//! (`transfer/`). That is over when it is answered, or after the request's time goes on: there is never a move to be given up.

use std::{rc::Rc, time::Duration};

use corelog_storage::ids::{LogId, PartitionIndex};
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse,
        alter_partition_reassignments::{ReassignablePartitionResponse, ReassignableTopicResponse},
    },
};

use crate::{
    api::RequestContext,
    core::env::{CoreId, NetEnv},
    core_state::Core,
    limits::TRANSFER_LOOKS_UP,
    metadata::{
        call::{AssignedBroker, Refusal},
        controller::check_assignment,
        image::ClusterImage,
    },
    partition::query::Query,
    router::{self, query::Asked},
};

/// A partition that is to go from one core to another.
#[derive(Clone, Copy)]
struct Wanted {
    log: LogId,
    from: CoreId,
    to: CoreId,
}

/// Answers per partition.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    let image = core.image();
    let mut outcomes = Vec::new();
    for topic in &request.topics {
        for partition in &topic.partitions {
            let named = |id: &i32| context.listener.assigned(core.node, core.cores(), *id);
            let brokers = partition.replicas.as_ref().map(|replicas| replicas.iter().map(named).collect::<Vec<_>>());
            outcomes.push(check(&image, &topic.name, partition.partition_index, brokers.as_deref()));
        }
    }
    let patience = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0));
    carry_out(core, &mut outcomes, patience).await;
    // As Kafka says it: of no partition at all there is an empty word.
    let error_message = request.topics.is_empty().then(String::new);
    let mut outcomes = outcomes.into_iter();
    let responses = request.topics.into_iter().map(|topic| {
        let rows = topic.partitions.iter().zip(&mut outcomes).map(|(partition, outcome)| {
            let refusal = outcome.err().unwrap_or_else(|| Refusal::bare(ErrorCode::None));
            ReassignablePartitionResponse {
                partition_index: partition.partition_index,
                error_code: refusal.code.code(),
                error_message: refusal.message,
            }
        });
        ReassignableTopicResponse { partitions: rows.collect(), name: topic.name }
    });
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses: responses.collect(),
        error_message,
        ..AlterPartitionReassignmentsResponse::default()
    }
}

/// What there is to do, if anything is. `wanted` of `None` gives a move up.
fn check(
    image: &ClusterImage,
    topic: &str,
    partition: i32,
    wanted: Option<&[AssignedBroker]>,
) -> Result<Option<Wanted>, Refusal> {
    let unknown = |what: String| Refusal::new(ErrorCode::UnknownTopicOrPartition, what);
    let found = image.topic(topic).ok_or_else(|| unknown(format!("Unable to find a topic named {topic}.")))?;
    let state = found.partition(PartitionIndex(partition));
    let state = state.ok_or_else(|| unknown(format!("Unable to find partition {topic}:{partition}.")))?;
    let Some(wanted) = wanted else { return Err(Refusal::bare(ErrorCode::NoReassignmentInProgress)) };
    check_assignment(image, wanted, None)?;
    let refuse = |what: &str| Err(Refusal::new(ErrorCode::InvalidReplicaAssignment, what.to_owned()));
    let (&[wanted], [replica]) = (wanted, &state.replicas[..]) else {
        return refuse("A partition has one replica: the cluster has one node.");
    };
    match wanted.core.filter(|to| *to != replica.core) {
        None => Ok(None),
        Some(_) if found.is_internal() => refuse("A topic of the cluster's own stays where its coordinators are."),
        Some(to) => Ok(Some(Wanted { log: found.log(state.index), from: replica.core, to })),
    }
}

/// Has the owners give the partitions away, and waits until they have, or `patience` is over.
async fn carry_out<E: NetEnv>(
    core: &Rc<Core<E>>,
    outcomes: &mut [Result<Option<Wanted>, Refusal>],
    patience: Duration,
) {
    let wanted: Vec<(usize, Wanted)> =
        outcomes.iter().enumerate().filter_map(|(place, found)| Some((place, (*found.as_ref().ok()?)?))).collect();
    if wanted.is_empty() {
        return;
    }
    let question = |wanted: &Wanted| (wanted.from, Asked { log: wanted.log, query: Query::MoveToCore(wanted.to) });
    let answers = router::query::ask(core, wanted.iter().map(|(_, wanted)| Ok(question(wanted))).collect()).await;
    let mut under_way = Vec::new();
    for ((place, wanted), answer) in wanted.into_iter().zip(answers) {
        match answer {
            Ok(_) => under_way.push((place, wanted)),
            Err(fault) => outcomes[place] = Err(Refusal::new(fault.code(), fault.to_string())),
        }
    }
    let until = core.env.now().after(patience);
    loop {
        let image = core.image();
        under_way.retain(|(place, wanted)| match image.partition(wanted.log) {
            Some(state) => state.core_on(core.node) != Some(wanted.to),
            None => {
                outcomes[*place] = Err(Refusal::bare(ErrorCode::UnknownTopicOrPartition));
                false
            }
        });
        if under_way.is_empty() {
            return;
        }
        if core.env.now() >= until || core.connections.stopping() {
            break;
        }
        core.env.sleep(TRANSFER_LOOKS_UP).await;
    }
    for (place, _) in under_way {
        outcomes[place] = Err(Refusal::new(ErrorCode::RequestTimedOut, "The partition has not moved yet.".to_owned()));
    }
}
