//! OffsetFetch, versions 1 to 10: the offsets a group committed.
//!
//! Up to version 7 for one group, then for several (KIP-709). From version 2 on a group's error stands apart, before it
//! is each partition's; from 2 on null topics mean all. From version 7 on the client may wait for offsets in flight
//! (KIP-447). From version 10 on topics are named by id (KIP-848).

use std::rc::Rc;

use corelog_storage::ids::TopicId;
use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    messages::{
        OffsetFetchRequest, OffsetFetchResponse,
        offset_fetch::{
            OffsetFetchRequestGroup, OffsetFetchRequestTopics, OffsetFetchResponseGroup, OffsetFetchResponsePartition,
            OffsetFetchResponsePartitions, OffsetFetchResponseTopic, OffsetFetchResponseTopics,
        },
    },
};

use crate::group::desk::{Asker, Desk, code, mismatch};
use crate::group::{
    call::{Answer, Call, FetchOffsets, FetchedOffset},
    names::TopicName,
};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers from what is committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: OffsetFetchRequest,
) -> OffsetFetchResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let version = asker.version;
    if version >= 8 {
        let mut groups = Vec::with_capacity(request.groups.len());
        for group in request.groups {
            groups.push(fetch(desk, version, group, request.require_stable).await);
        }
        return OffsetFetchResponse { groups, ..OffsetFetchResponse::default() };
    }
    let topics = request.topics.map(|topics| {
        let topics = topics.into_iter().map(|topic| OffsetFetchRequestTopics {
            name: topic.name,
            topic_id: Uuid::ZERO,
            partition_indexes: topic.partition_indexes,
        });
        topics.collect::<Vec<_>>()
    });
    let asked = topics.clone().unwrap_or_default();
    let group = OffsetFetchRequestGroup { group_id: request.group_id, topics, ..OffsetFetchRequestGroup::default() };
    let mut fetched = fetch(desk, version, group, request.require_stable).await;
    if version < 2 && fetched.error_code != 0 {
        fetched.topics = asked.iter().map(|topic| failed(topic, fetched.error_code)).collect();
        fetched.error_code = 0;
    }
    OffsetFetchResponse {
        topics: fetched.topics.into_iter().map(of_one_group).collect(),
        error_code: fetched.error_code,
        ..OffsetFetchResponse::default()
    }
}

async fn fetch(
    desk: &impl Desk,
    version: i16,
    group: OffsetFetchRequestGroup,
    require_stable: bool,
) -> OffsetFetchResponseGroup {
    let by_id = version >= 10;
    let all = group.topics.is_none();
    let mut unknown = Vec::new();
    let mut topics: Vec<(TopicName, TopicId, Vec<i32>)> = Vec::new();
    for topic in group.topics.into_iter().flatten() {
        if by_id {
            match desk.topic_by_id(TopicId(topic.topic_id.0)) {
                Some(known) => topics.push((known.name.into(), known.id, topic.partition_indexes)),
                None => unknown.push(failed(&topic, ErrorCode::UnknownTopicId.code())),
            }
        } else {
            let id = desk.topic(&topic.name).map(|known| known.id).unwrap_or_default();
            topics.push((topic.name.into(), id, topic.partition_indexes));
        }
    }
    let call = FetchOffsets { group: group.group_id.as_str().into(), topics: (!all).then_some(topics), require_stable };
    let mut response = OffsetFetchResponseGroup { group_id: group.group_id, ..OffsetFetchResponseGroup::default() };
    match desk.call(Call::FetchOffsets(call)).await {
        Answer::FetchOffsets(fetched) => {
            for (name, partitions) in fetched {
                let id = desk.topic(name.as_str()).map(|topic| Uuid(topic.id.0));
                if by_id && id.is_none() {
                    continue; // deleted meanwhile: there is no id to name it by
                }
                response.topics.push(OffsetFetchResponseTopics {
                    name: name.to_string(),
                    topic_id: id.unwrap_or_default(),
                    partitions: partitions.into_iter().map(fetched_partition).collect(),
                });
            }
            response.topics.extend(unknown);
        }
        other => response.error_code = code(mismatch(&other)),
    }
    response
}

fn fetched_partition(fetched: FetchedOffset) -> OffsetFetchResponsePartitions {
    OffsetFetchResponsePartitions {
        partition_index: fetched.partition,
        committed_offset: fetched.offset,
        committed_leader_epoch: fetched.leader_epoch,
        metadata: Some(fetched.metadata),
        error_code: 0,
    }
}

fn failed(topic: &OffsetFetchRequestTopics, error_code: i16) -> OffsetFetchResponseTopics {
    let partitions = topic.partition_indexes.iter().map(|partition| OffsetFetchResponsePartitions {
        partition_index: *partition,
        committed_offset: -1,
        committed_leader_epoch: -1,
        metadata: Some(String::new()),
        error_code,
    });
    OffsetFetchResponseTopics { name: topic.name.clone(), topic_id: topic.topic_id, partitions: partitions.collect() }
}

fn of_one_group(topic: OffsetFetchResponseTopics) -> OffsetFetchResponseTopic {
    let partitions = topic.partitions.into_iter().map(|partition| OffsetFetchResponsePartition {
        partition_index: partition.partition_index,
        committed_offset: partition.committed_offset,
        committed_leader_epoch: partition.committed_leader_epoch,
        metadata: partition.metadata,
        error_code: partition.error_code,
    });
    OffsetFetchResponseTopic { name: topic.name, partitions: partitions.collect() }
}
