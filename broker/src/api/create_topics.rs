//! CreateTopics, versions 2 to 7: new topics, each on its own: some may be created and others refused.
//!
//! From version 5 on the response tells partitions, replicas and the whole configuration (KIP-525), from 7 on the topic's id.

use std::{collections::BTreeMap, rc::Rc};

use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    messages::{
        CreateTopicsRequest, CreateTopicsResponse,
        create_topics::{CreatableTopic, CreatableTopicConfigs, CreatableTopicResult},
    },
};

use crate::{
    api::{RequestContext, describe_configs},
    config::Settings,
    core::env::{CoreId, NetEnv},
    core_state::Core,
    metadata::call::{AssignedBroker, Assignment, CreatedTopic, MetadataAnswer, MetadataCall, NewTopic, Refusal},
    net::listener::{ListenerKind, ListenerRef},
    router,
};

/// From this version on a client is refused what is beyond its quota of partitions (KIP-599).
const STRICT_SINCE: i16 = 6;

/// Answers when every core serves the new topics.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let (topics, refused) = once_each(request.topics);
    let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
    let topics = topics.into_iter().map(|topic| new_topic(core, context.listener, topic)).collect();
    let call = MetadataCall::CreateTopics { topics, validate_only: request.validate_only };
    let outcomes: Vec<Result<CreatedTopic, Refusal>> =
        match router::metadata::paid(core, context, STRICT_SINCE, call).await {
            Ok(MetadataAnswer::TopicsCreated(outcomes)) => outcomes,
            Ok(MetadataAnswer::Unavailable(refusal)) => names.iter().map(|_| Err(refusal.clone())).collect(),
            Ok(_) => names.iter().map(|_| Err(unavailable(ErrorCode::UnknownServerError))).collect(),
            Err(fault) => names.iter().map(|_| Err(unavailable(fault.code()))).collect(),
        };
    let settings = core.settings();
    let outcomes = names.into_iter().zip(outcomes).chain(refused);
    let topics = outcomes.map(|(name, outcome)| result(&settings, name, outcome));
    CreateTopicsResponse { topics: topics.collect(), ..CreateTopicsResponse::default() }
}

/// The topics that are asked for once; the others are refused, with one row for each.
fn once_each(asked: Vec<CreatableTopic>) -> (Vec<CreatableTopic>, Vec<(String, Result<CreatedTopic, Refusal>)>) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for topic in &asked {
        *times.entry(topic.name.clone()).or_default() += 1;
    }
    let topics = asked.into_iter().filter(|topic| times[&topic.name] == 1).collect();
    let refusal = || Err(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name."));
    let refused = times.iter().filter(|(_, count)| **count > 1).map(|(name, _)| (name.clone(), refusal()));
    (topics, refused.collect())
}

fn unavailable(code: ErrorCode) -> Refusal {
    Refusal { code, message: None }
}

fn new_topic<E: NetEnv>(core: &Core<E>, listener: ListenerRef, topic: CreatableTopic) -> NewTopic {
    let assignments = topic.assignments.into_iter().map(|given| Assignment {
        partition: given.partition_index,
        brokers: given.broker_ids.into_iter().map(|shown| broker(core, listener, shown)).collect(),
    });
    NewTopic {
        name: topic.name,
        partitions: topic.num_partitions,
        replication_factor: topic.replication_factor,
        assignments: assignments.collect(),
        configs: topic.configs.into_iter().map(|config| (config.name, config.value)).collect(),
    }
}

/// What a broker id of the listener that was asked means.
fn broker<E: NetEnv>(core: &Core<E>, listener: ListenerRef, shown: i32) -> AssignedBroker {
    let named = (0..core.cores()).map(CoreId).find(|id| listener.broker_id(core.node, *id) == shown);
    AssignedBroker {
        shown,
        node: named.map(|_| core.node),
        core: named.filter(|_| listener.kind != ListenerKind::Node),
    }
}

fn result(settings: &Settings, name: String, outcome: Result<CreatedTopic, Refusal>) -> CreatableTopicResult {
    match outcome {
        Ok(created) => {
            let rows = describe_configs::topic_rows(settings, &created.configs).into_iter();
            let configs = rows.map(|row| row.encode(false, false)).map(|row| CreatableTopicConfigs {
                name: row.name,
                value: row.value,
                read_only: row.read_only,
                config_source: row.config_source,
                is_sensitive: row.is_sensitive,
            });
            CreatableTopicResult {
                name,
                topic_id: Uuid(created.id.0),
                num_partitions: created.partitions,
                replication_factor: created.replication_factor,
                configs: Some(configs.collect()),
                ..CreatableTopicResult::default()
            }
        }
        Err(refusal) => CreatableTopicResult {
            name,
            error_code: refusal.code.code(),
            error_message: refusal.message,
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Vec::new()),
            ..CreatableTopicResult::default()
        },
    }
}
