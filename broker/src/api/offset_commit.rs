//! OffsetCommit, versions 2 to 10: stores where a group's consumers shall resume.
//!
//! Up to version 4 the client may say how long to keep the offsets (KIP-211 ended that). From version 9 on an unknown
//! group is GROUP_ID_NOT_FOUND, before it ILLEGAL_GENERATION. From version 10 on topics are named by id (KIP-848).
//! Offsets of topics and partitions that do not exist are refused one by one; the others are committed all or none.

use std::rc::Rc;

use corelog_storage::ids::TopicId;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        OffsetCommitRequest, OffsetCommitResponse,
        offset_commit::{OffsetCommitRequestTopic, OffsetCommitResponsePartition, OffsetCommitResponseTopic},
    },
};

use crate::group::desk::{Asker, Desk, Topic, code, code_of, instance, mismatch};
use crate::group::{
    call::{Answer, Call, CommitOffsets, PartitionCommit},
    names::Generation,
};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers when the offsets are committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: OffsetCommitRequest,
) -> OffsetCommitResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let by_id = asker.version >= 10;
    let mut response = Vec::with_capacity(request.topics.len());
    let mut topics = Vec::new();
    for topic in request.topics {
        let known = if by_id { desk.topic_by_id(TopicId(topic.topic_id.0)) } else { desk.topic(&topic.name) };
        let (refused, valid) = split(&topic, known.as_ref(), by_id);
        response.push(refused);
        if let Some(known) = known.filter(|_| !valid.is_empty()) {
            topics.push((known.name.as_str().into(), known.id, valid));
        }
    }
    if !topics.is_empty() {
        let commit = CommitOffsets {
            group: request.group_id.into(),
            member: request.member_id.into(),
            instance: instance(request.group_instance_id),
            generation: Generation(request.generation_id_or_member_epoch),
            retention_ms: (request.retention_time_ms != -1).then_some(request.retention_time_ms),
            knows_group_id_not_found: asker.version >= 9,
            topics,
        };
        merge(&mut response, desk.call(Call::CommitOffsets(commit)).await);
    }
    OffsetCommitResponse { topics: response, ..OffsetCommitResponse::default() }
}

const PENDING: i16 = i16::MIN;

/// One topic of the response, with the partitions that do not exist refused and the others left open; and the latter.
fn split(
    topic: &OffsetCommitRequestTopic,
    known: Option<&Topic>,
    by_id: bool,
) -> (OffsetCommitResponseTopic, Vec<PartitionCommit>) {
    let unknown = match known {
        None if by_id => ErrorCode::UnknownTopicId,
        _ => ErrorCode::UnknownTopicOrPartition,
    };
    let mut valid = Vec::with_capacity(if known.is_some() { topic.partitions.len() } else { 0 });
    let mut partitions = Vec::with_capacity(topic.partitions.len());
    for partition in &topic.partitions {
        let exists = known.is_some_and(|topic| topic.has(partition.partition_index));
        partitions.push(OffsetCommitResponsePartition {
            partition_index: partition.partition_index,
            error_code: if exists { PENDING } else { unknown.code() },
        });
        if exists {
            valid.push(PartitionCommit {
                partition: partition.partition_index,
                offset: partition.committed_offset,
                leader_epoch: partition.committed_leader_epoch,
                metadata: partition.committed_metadata.clone().unwrap_or_default(),
            });
        }
    }
    let name = topic.name.clone();
    (OffsetCommitResponseTopic { name, topic_id: topic.topic_id, partitions }, valid)
}

/// Fills in what was left open, in the order asked.
fn merge(response: &mut [OffsetCommitResponseTopic], answer: Answer) {
    let open = response.iter_mut().flat_map(|topic| &mut topic.partitions);
    let open = open.filter(|partition| partition.error_code == PENDING);
    match answer {
        Answer::CommitOffsets(outcomes) => {
            let outcomes = outcomes.into_iter().flat_map(|(_, partitions)| partitions);
            for (partition, (index, outcome)) in open.zip(outcomes) {
                assert_eq!(partition.partition_index, index, "outcomes come in the order asked");
                partition.error_code = code_of(outcome);
            }
        }
        other => {
            let error = code(mismatch(&other));
            open.for_each(|partition| partition.error_code = error);
        }
    }
}
