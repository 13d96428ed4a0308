//! DescribeProducers, version 0: the idempotent producers that a partition's leader remembers (KIP-664).
//!
//! The time told is that of the producer's last append, by this broker's clock. There are no transactions.

use std::rc::Rc;

use corelog_storage::{ids::PartitionIndex, log::ProducerInfo};
use corelog_wire::messages::{
    DescribeProducersRequest, DescribeProducersResponse,
    describe_producers::{PartitionResponse, ProducerState, TopicResponse},
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    metadata::topic_name,
    partition::query::{Answer, Query},
    router::{self, query::Asked},
};

/// Answers per partition.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let image = core.image();
    let mut questions = Vec::new();
    for topic in &request.topics {
        let found = image.topic(&topic.name).ok_or(Fault::UnknownTopicOrPartition);
        for index in &topic.partition_indexes {
            questions.push(found.clone().and_then(|topic| {
                let (owner, log) = router::locate(core, context.listener, topic, PartitionIndex(*index))?;
                Ok((owner, Asked { log, query: Query::Producers }))
            }));
        }
    }
    let mut answers = router::query::ask(core, questions).await.into_iter();
    let topics = request.topics.into_iter().map(|topic| {
        let invalid = topic_name::check(&topic.name).err();
        let mut row = |index: i32| {
            let answer = answers.next().expect("one answer per question");
            match &invalid {
                Some(refusal) => PartitionResponse {
                    partition_index: index,
                    error_code: refusal.code.code(),
                    error_message: refusal.message.clone(),
                    ..PartitionResponse::default()
                },
                None => row(index, answer),
            }
        };
        let partitions = topic.partition_indexes.iter().map(|index| row(*index)).collect();
        TopicResponse { name: topic.name, partitions }
    });
    DescribeProducersResponse { topics: topics.collect(), ..DescribeProducersResponse::default() }
}

fn row(partition_index: i32, answer: Result<Answer, Fault>) -> PartitionResponse {
    match answer {
        Ok(Answer::Producers(producers)) => PartitionResponse {
            partition_index,
            active_producers: producers.into_iter().map(state).collect(),
            ..PartitionResponse::default()
        },
        Ok(_) => unreachable!("the answer to another question"),
        Err(fault) => PartitionResponse {
            partition_index,
            error_code: fault.code().code(),
            error_message: Some(fault.to_string()),
            ..PartitionResponse::default()
        },
    }
}

fn state(producer: ProducerInfo) -> ProducerState {
    ProducerState {
        producer_id: producer.id.0,
        producer_epoch: i32::from(producer.epoch.0),
        last_sequence: producer.last_sequence.unwrap_or(-1),
        last_timestamp: producer.last_seen_ms,
        coordinator_epoch: -1,
        current_txn_start_offset: -1,
    }
}
