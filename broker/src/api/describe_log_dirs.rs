//! DescribeLogDirs, versions 1 to 5: how much of the disk each partition's log takes (KIP-113), and how much there is
//! (KIP-827). On a core listener a core tells of its own partitions alone.
//!
//! A log's size is that of its records, without what is set aside for more. Replicas that move between directories, and
//! directories that take no more (KIP-1066), do not exist: there is one directory.

use std::{collections::BTreeMap, rc::Rc};

use corelog_storage::ids::PartitionIndex;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        DescribeLogDirsRequest, DescribeLogDirsResponse,
        describe_log_dirs::{DescribeLogDirsPartition, DescribeLogDirsResult, DescribeLogDirsTopic},
    },
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::image::TopicImage,
    partition::query::{Answer, Query},
    router::{self, query::Asked},
};

/// Answers for the topics asked for, or all.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeLogDirsRequest,
) -> DescribeLogDirsResponse {
    let image = core.image();
    let mut wanted: Vec<(&TopicImage, PartitionIndex)> = Vec::new();
    match &request.topics {
        None => wanted.extend(image.topics().flat_map(|topic| topic.partitions.iter().map(|p| (&**topic, p.index)))),
        Some(topics) => {
            for asked in topics {
                let Some(topic) = image.topic(&asked.topic) else { continue };
                wanted.extend(asked.partitions.iter().map(|index| (&**topic, PartitionIndex(*index))));
            }
        }
    }
    let questions = wanted.iter().map(|(topic, index)| {
        let (owner, log) = router::locate(core, context.listener, topic, *index)?;
        Ok((owner, Asked { log, query: Query::Size }))
    });
    let answers = router::query::ask(core, questions.collect()).await;
    let mut topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>> = BTreeMap::new();
    for ((topic, index), answer) in wanted.into_iter().zip(answers) {
        // What is not here is not told of.
        if let Ok(Answer::Size(bytes)) = answer {
            let row = DescribeLogDirsPartition {
                partition_index: index.0,
                partition_size: i64::try_from(bytes).unwrap_or(i64::MAX),
                offset_lag: 0,
                is_future_key: false,
            };
            topics.entry(&topic.name).or_default().push(row);
        }
    }
    let topics =
        topics.into_iter().map(|(name, partitions)| DescribeLogDirsTopic { name: name.to_owned(), partitions });
    let mut result = DescribeLogDirsResult {
        log_dir: core.config.data_dir.display().to_string(),
        topics: topics.collect(),
        ..DescribeLogDirsResult::default()
    };
    match core.env.disk_space(&core.config.data_dir).await {
        Ok(space) => {
            let bytes = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
            (result.total_bytes, result.usable_bytes) = (bytes(space.total), bytes(space.usable));
        }
        Err(error) => {
            tracing::warn!(%error, "the file system does not say how much room there is");
            result.error_code = ErrorCode::KafkaStorageError.code();
        }
    }
    DescribeLogDirsResponse { results: vec![result], ..DescribeLogDirsResponse::default() }
}
