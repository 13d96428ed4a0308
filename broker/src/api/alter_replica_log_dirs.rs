//! AlterReplicaLogDirs, versions 1 and 2: moves replicas to another directory of the node (KIP-113).
//!
//! A move is accepted, and goes on behind the answer (`directories/moves.rs`); DescribeLogDirs shows it. One to another
//! directory takes its place, and one to the directory that the replica is in ends it.

use std::{path::Path, rc::Rc};

use corelog_storage::ids::PartitionIndex;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse,
        alter_replica_log_dirs::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult},
    },
};

use crate::{
    api::RequestContext,
    core::env::{CoreId, NetEnv},
    core_state::Core,
    directories::Directory,
    error::Fault,
    metadata::image::TopicImage,
    partition::query::Query,
    router::{self, query::Asked},
};

/// Answers per partition; a topic that is named for several directories is answered for each.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let image = core.image();
    let mut results = Vec::new();
    for dir in request.dirs {
        let wanted = core.directories.iter().find(|directory| Path::new(&dir.path) == directory.path);
        for topic in dir.topics {
            let place = |index: &i32| match (wanted, image.topic(&topic.name)) {
                (None, _) => Err(ErrorCode::LogDirNotFound),
                (Some(_), None) => Err(ErrorCode::UnknownTopicOrPartition),
                (Some(directory), Some(topic)) => question(core, context, directory, topic, PartitionIndex(*index)),
            };
            let places: Vec<_> = topic.partitions.iter().map(place).collect();
            let questions = places.iter().map(|place| place.map_err(|_| Fault::UnknownTopicOrPartition)).collect();
            let answers = router::query::ask(core, questions).await;
            let outcomes = places.into_iter().zip(answers).map(|(place, answer)| match (place, answer) {
                (Err(code), _) => code,
                (Ok(_), Err(fault)) => fault.code(),
                (Ok(_), Ok(_)) => ErrorCode::None,
            });
            let row = |(index, code): (&i32, ErrorCode)| AlterReplicaLogDirPartitionResult {
                partition_index: *index,
                error_code: code.code(),
            };
            let partitions = topic.partitions.iter().zip(outcomes).map(row).collect();
            results.push(AlterReplicaLogDirTopicResult { topic_name: topic.name.clone(), partitions });
        }
    }
    AlterReplicaLogDirsResponse { results, ..AlterReplicaLogDirsResponse::default() }
}

/// What the partition's owner is asked.
fn question<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    directory: &Directory<E>,
    topic: &TopicImage,
    index: PartitionIndex,
) -> Result<(CoreId, Asked), ErrorCode> {
    if core.partitions.offline().directory(directory.id).is_some() {
        return Err(ErrorCode::KafkaStorageError);
    }
    let (owner, log) = router::locate(core, context.listener, topic, index).map_err(|fault| fault.code())?;
    Ok((owner, Asked { log, query: Query::MoveTo(directory.id) }))
}
