//! DescribeLogDirs, versions 1 to 5: how much of the disk each partition's log takes (KIP-113), and how much there is
//! (KIP-827). On a core listener a core tells of its own partitions alone.
//!
//! Every directory of `log.dirs` is told of; one that is offline with its error alone. A log's size is that of its records,
//! without what is set aside for more. A partition that moves to another directory is told of in both, in the other as a
//! future one that is so many offsets behind. Directories that take no more (KIP-1066) do not exist.

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
    directories::Directory,
    metadata::{ids::DirectoryId, image::TopicImage},
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
    let mut by_directory: BTreeMap<DirectoryId, BTreeMap<&str, Vec<DescribeLogDirsPartition>>> = BTreeMap::new();
    for ((topic, index), answer) in wanted.into_iter().zip(answers) {
        let directory = topic.partition(index).and_then(|state| state.directory_on(core.node));
        // What is not here is not told of.
        let (Some(directory), Ok(Answer::Size { bytes, coming })) = (directory, answer) else { continue };
        let row = |bytes, lag, is_future_key| DescribeLogDirsPartition {
            partition_index: index.0,
            partition_size: i64::try_from(bytes).unwrap_or(i64::MAX),
            offset_lag: lag,
            is_future_key,
        };
        let mut tell = |directory: DirectoryId, row| {
            by_directory.entry(directory).or_default().entry(&topic.name).or_default().push(row);
        };
        tell(directory, row(bytes, 0, false));
        if let Some(coming) = coming.filter(|coming| coming.to != directory) {
            tell(coming.to, row(coming.bytes, coming.lag, true));
        }
    }
    let mut results = Vec::new();
    for directory in core.directories.iter() {
        let topics = by_directory.remove(&directory.id).unwrap_or_default();
        results.push(result(core, directory, topics).await);
    }
    DescribeLogDirsResponse { results, ..DescribeLogDirsResponse::default() }
}

async fn result<E: NetEnv>(
    core: &Core<E>,
    directory: &Directory<E>,
    topics: BTreeMap<&str, Vec<DescribeLogDirsPartition>>,
) -> DescribeLogDirsResult {
    let mut result =
        DescribeLogDirsResult { log_dir: directory.path.display().to_string(), ..DescribeLogDirsResult::default() };
    if core.partitions.offline().directory(directory.id).is_some() {
        result.error_code = ErrorCode::KafkaStorageError.code();
        return result;
    }
    let topics = topics.into_iter();
    result.topics =
        topics.map(|(name, partitions)| DescribeLogDirsTopic { name: name.to_owned(), partitions }).collect();
    match core.env.disk_space(&directory.path).await {
        Ok(space) => {
            let bytes = |bytes| i64::try_from(bytes).unwrap_or(i64::MAX);
            (result.total_bytes, result.usable_bytes) = (bytes(space.total), bytes(space.usable));
        }
        Err(error) => {
            tracing::warn!(%error, "the file system does not say how much room there is");
            result.error_code = ErrorCode::KafkaStorageError.code();
        }
    }
    result
}
