//! ListOffsets, versions 1 to 11: offsets by time, and the special timestamps: -1 latest, -2 earliest, -3 greatest
//! timestamp (version 7, KIP-734), -4 earliest on local disk (version 8, KIP-405), -5 latest on remote storage (version
//! 9, KIP-1005), -6 earliest not yet on remote storage (version 11, KIP-1023). There is no remote storage: all is local.

use std::rc::Rc;

use corelog_storage::ids::{LeaderEpoch, Offset, PartitionIndex, Timestamp};
use corelog_wire::messages::{
    ListOffsetsRequest, ListOffsetsResponse,
    list_offsets::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    partition::query::{Answer, Query, Target},
    router::{self, query::Asked},
};

/// Answers per partition; the owners are asked at once.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let image = core.image();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let found = image.topic(&topic.name).ok_or(Fault::UnknownTopicOrPartition);
        for partition in &topic.partitions {
            questions.push(found.clone().and_then(|topic| {
                let index = PartitionIndex(partition.partition_index);
                let (owner, log) = router::locate(core, context.listener, topic, index)?;
                let query = Query::ListOffset {
                    leader_epoch: LeaderEpoch(partition.current_leader_epoch),
                    target: target(partition.timestamp, context.api_version)?,
                    committed_only: request.isolation_level == 1,
                };
                Ok((owner, Asked { log, query }))
            }));
        }
    }
    let mut answers = router::query::ask(core, questions).await.into_iter();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| ListOffsetsTopicResponse {
            name: topic.name,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| {
                    let answer = answers.next().expect("one answer per question");
                    row(context.api_version, partition.partition_index, answer)
                })
                .collect(),
        })
        .collect();
    ListOffsetsResponse { topics, ..ListOffsetsResponse::default() }
}

/// What a timestamp means; special ones only from the version that brought them.
fn target(timestamp: i64, version: i16) -> Result<Target, Fault> {
    let (target, since) = match timestamp {
        -1 => (Target::Latest, 1),
        -2 => (Target::Earliest, 1),
        -3 => (Target::MaxTimestamp, 7),
        -4 => (Target::EarliestLocal, 8),
        -5 => (Target::LatestTiered, 9),
        -6 => (Target::EarliestPendingUpload, 11),
        ..=-7 => return Err(Fault::UnsupportedTimestamp),
        time => (Target::At(Timestamp(time)), 1),
    };
    if version < since { Err(Fault::UnsupportedTimestamp) } else { Ok(target) }
}

/// First version whose response tells the epoch.
const EPOCH_VERSION: i16 = 4;

fn row(version: i16, index: i32, answer: Result<Answer, Fault>) -> ListOffsetsPartitionResponse {
    let (code, offset, timestamp, epoch) = match answer {
        Ok(Answer::Offset { offset, timestamp, epoch }) => (0, offset, timestamp, epoch),
        Ok(_) => unreachable!("the answer to another question"),
        Err(fault) => (fault.code().code(), Offset(-1), Timestamp(-1), LeaderEpoch(-1)),
    };
    ListOffsetsPartitionResponse {
        partition_index: index,
        error_code: code,
        timestamp: timestamp.0,
        offset: offset.0,
        leader_epoch: if version >= EPOCH_VERSION { epoch.0 } else { -1 },
    }
}
