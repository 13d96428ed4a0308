//! OffsetForLeaderEpoch, versions 2 to 4: where an epoch ends in the leader's log (KIP-101, KIP-279, KIP-320).

use std::rc::Rc;

use corelog_storage::ids::{LeaderEpoch, Offset, PartitionIndex};
use corelog_wire::messages::{
    OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
    offset_for_leader_epoch::{EpochEndOffset, OffsetForLeaderTopicResult},
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    partition::query::{Answer, Query},
    router::{self, query::Asked},
};

/// Answers per partition.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let image = core.image();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let found = image.topic(&topic.topic).ok_or(Fault::UnknownTopicOrPartition);
        for partition in &topic.partitions {
            questions.push(found.clone().and_then(|topic| {
                let index = PartitionIndex(partition.partition);
                let (owner, log) = router::locate(core, context.listener, topic, index)?;
                let query = Query::EpochEnd {
                    leader_epoch: LeaderEpoch(partition.current_leader_epoch),
                    epoch: LeaderEpoch(partition.leader_epoch),
                };
                Ok((owner, Asked { log, query }))
            }));
        }
    }
    let mut answers = router::query::ask(core, questions).await.into_iter();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| OffsetForLeaderTopicResult {
            topic: topic.topic,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| row(partition.partition, answers.next().expect("one answer per question")))
                .collect(),
        })
        .collect();
    OffsetForLeaderEpochResponse { topics, ..OffsetForLeaderEpochResponse::default() }
}

fn row(index: i32, answer: Result<Answer, Fault>) -> EpochEndOffset {
    let (code, epoch, end) = match answer {
        Ok(Answer::EpochEnd { epoch, end }) => (0, epoch, end),
        Ok(_) => unreachable!("the answer to another question"),
        Err(fault) => (fault.code().code(), LeaderEpoch(-1), Offset(-1)),
    };
    EpochEndOffset { error_code: code, partition: index, leader_epoch: epoch.0, end_offset: end.0 }
}
