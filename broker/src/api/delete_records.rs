//! DeleteRecords, versions 0 to 2: moves a partition's log start; -1 means to the high watermark (KIP-107).

use std::rc::Rc;

use corelog_storage::ids::{Offset, PartitionIndex};
use corelog_wire::messages::{
    DeleteRecordsRequest, DeleteRecordsResponse,
    delete_records::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult},
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    partition::query::{Answer, Query},
    router::{self, query::Asked},
};

/// Answers per partition, with the log's start afterwards.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DeleteRecordsRequest,
) -> DeleteRecordsResponse {
    let image = core.image();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let found = image.topic(&topic.name).ok_or(Fault::UnknownTopicOrPartition);
        for partition in &topic.partitions {
            questions.push(found.clone().and_then(|topic| {
                let index = PartitionIndex(partition.partition_index);
                let (owner, log) = router::locate(core, context.listener, topic, index)?;
                let before = (partition.offset != -1).then_some(Offset(partition.offset));
                Ok((owner, Asked { log, query: Query::DeleteRecords { before } }))
            }));
        }
    }
    let mut answers = router::query::ask(core, questions).await.into_iter();
    let topics = request
        .topics
        .into_iter()
        .map(|topic| DeleteRecordsTopicResult {
            name: topic.name,
            partitions: topic
                .partitions
                .iter()
                .map(|partition| row(partition.partition_index, answers.next().expect("one answer per question")))
                .collect(),
        })
        .collect();
    DeleteRecordsResponse { topics, ..DeleteRecordsResponse::default() }
}

fn row(index: i32, answer: Result<Answer, Fault>) -> DeleteRecordsPartitionResult {
    let (code, low_watermark) = match answer {
        Ok(Answer::LogStart(start)) => (0, start.0),
        Ok(_) => unreachable!("the answer to another question"),
        Err(fault) => (fault.code().code(), -1),
    };
    DeleteRecordsPartitionResult { partition_index: index, low_watermark, error_code: code }
}
