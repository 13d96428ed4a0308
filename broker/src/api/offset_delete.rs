//! OffsetDelete, version 0 (KIP-496): deletes offsets of topics to which no member of the group subscribes.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        OffsetDeleteRequest, OffsetDeleteResponse,
        offset_delete::{OffsetDeleteResponsePartition, OffsetDeleteResponseTopic},
    },
};

use crate::group::call::{Answer, Call, DeleteOffsets};
use crate::group::desk::{Asker, Desk, code, code_of, mismatch};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers when the deletion is committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: OffsetDeleteRequest,
) -> OffsetDeleteResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, _: &Asker, request: OffsetDeleteRequest) -> OffsetDeleteResponse {
    let mut response = OffsetDeleteResponse::default();
    let mut topics = Vec::new();
    for topic in request.topics {
        let known = desk.topic(&topic.name);
        let indexes = topic.partitions.iter().map(|partition| partition.partition_index);
        let (there, missing): (Vec<i32>, Vec<i32>) =
            indexes.partition(|index| known.as_ref().is_some_and(|topic| topic.has(*index)));
        let refused = missing.into_iter().map(|partition_index| OffsetDeleteResponsePartition {
            partition_index,
            error_code: ErrorCode::UnknownTopicOrPartition.code(),
        });
        add(&mut response, &topic.name, refused);
        if !there.is_empty() {
            topics.push((topic.name.into(), there));
        }
    }
    let call = DeleteOffsets { group: request.group_id.into(), topics };
    match desk.call(Call::DeleteOffsets(call)).await {
        Answer::DeleteOffsets(topics) => {
            for (topic, outcomes) in topics {
                let deleted = outcomes.into_iter().map(|(partition_index, outcome)| OffsetDeleteResponsePartition {
                    partition_index,
                    error_code: code_of(outcome),
                });
                add(&mut response, topic.as_str(), deleted);
            }
        }
        // A group's error stands alone.
        other => response = OffsetDeleteResponse { error_code: code(mismatch(&other)), ..Default::default() },
    }
    response
}

fn add(
    response: &mut OffsetDeleteResponse,
    name: &str,
    partitions: impl Iterator<Item = OffsetDeleteResponsePartition>,
) {
    match response.topics.iter_mut().find(|topic| topic.name == name) {
        Some(topic) => topic.partitions.extend(partitions),
        None => {
            let topic = OffsetDeleteResponseTopic { name: name.to_owned(), partitions: partitions.collect() };
            response.topics.push(topic);
        }
    }
}
