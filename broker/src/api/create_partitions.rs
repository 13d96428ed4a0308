//! CreatePartitions, versions 0 to 3: more partitions for a topic, never fewer (KIP-195).

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        CreatePartitionsRequest, CreatePartitionsResponse,
        create_partitions::{CreatePartitionsTopic, CreatePartitionsTopicResult},
    },
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::call::{Assignment, MetadataAnswer, MetadataCall, MorePartitions, Refusal},
    net::listener::ListenerRef,
    router,
};

/// From this version on a client is refused what is beyond its quota of partitions (KIP-599).
const STRICT_SINCE: i16 = 3;

/// Answers per topic, in the order asked; a topic named twice is refused each time.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let twice = |name: &str| request.topics.iter().filter(|topic| topic.name == name).count() > 1;
    let (doubled, single): (Vec<_>, Vec<_>) = request.topics.iter().partition(|topic| twice(&topic.name));
    let mut results: Vec<_> = doubled
        .iter()
        .map(|topic| row(&topic.name, Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name."))))
        .collect();
    if !single.is_empty() {
        let topics: Vec<_> = single.iter().map(|topic| wanted(core, context.listener, topic)).collect();
        let call = MetadataCall::CreatePartitions { topics, validate_only: request.validate_only };
        let outcomes = match router::metadata::paid(core, context, STRICT_SINCE, call).await {
            Ok(MetadataAnswer::PartitionsCreated(outcomes)) => outcomes,
            Ok(MetadataAnswer::Unavailable(refusal)) => vec![Err(refusal); single.len()],
            Ok(_) => unreachable!("the answer to another call"),
            Err(fault) => vec![Err(Refusal::bare(fault.code())); single.len()],
        };
        results.extend(single.iter().zip(outcomes).map(|(topic, outcome)| row(&topic.name, outcome)));
    }
    CreatePartitionsResponse { results, ..CreatePartitionsResponse::default() }
}

fn wanted<E: NetEnv>(core: &Core<E>, listener: ListenerRef, topic: &CreatePartitionsTopic) -> MorePartitions {
    let assignments = topic.assignments.as_ref().map(|assignments| {
        assignments
            .iter()
            .map(|assignment| Assignment {
                partition: -1,
                brokers: assignment
                    .broker_ids
                    .iter()
                    .map(|&id| listener.assigned(core.node, core.cores(), id))
                    .collect(),
            })
            .collect()
    });
    MorePartitions { name: topic.name.clone(), count: topic.count, assignments }
}

fn row(name: &str, outcome: Result<(), Refusal>) -> CreatePartitionsTopicResult {
    let (error_code, error_message) = match outcome {
        Ok(()) => (ErrorCode::None.code(), None),
        Err(refusal) => (refusal.code.code(), refusal.message),
    };
    CreatePartitionsTopicResult { name: name.to_owned(), error_code, error_message }
}
