//! AlterReplicaLogDirs, versions 1 and 2: moves replicas to another directory of the node (KIP-113). None moves yet: a
//! replica that is there already is where it shall be, any other is refused.

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
    api::RequestContext, core::env::NetEnv, core_state::Core, directories::Directory, metadata::image::TopicImage,
    router,
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
            let code = |index: i32| match (wanted, image.topic(&topic.name)) {
                (None, _) => ErrorCode::LogDirNotFound,
                (Some(_), None) => ErrorCode::UnknownTopicOrPartition,
                (Some(directory), Some(topic)) => stays(core, context, directory, topic, PartitionIndex(index)),
            };
            let row = |index: &i32| AlterReplicaLogDirPartitionResult {
                partition_index: *index,
                error_code: code(*index).code(),
            };
            let partitions = topic.partitions.iter().map(row).collect();
            results.push(AlterReplicaLogDirTopicResult { topic_name: topic.name.clone(), partitions });
        }
    }
    AlterReplicaLogDirsResponse { results, ..AlterReplicaLogDirsResponse::default() }
}

/// Whether the partition is in that directory.
fn stays<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    directory: &Directory<E>,
    topic: &TopicImage,
    index: PartitionIndex,
) -> ErrorCode {
    if core.partitions.offline().directory(directory.id).is_some() {
        return ErrorCode::KafkaStorageError;
    }
    match router::locate(core, context.listener, topic, index) {
        Err(fault) => fault.code(),
        Ok(_) if topic.partition(index).and_then(|state| state.directory_on(core.node)) == Some(directory.id) => {
            ErrorCode::None
        }
        Ok(_) => ErrorCode::InvalidReplicaAssignment,
    }
}
