//! AlterReplicaLogDirs, versions 1 and 2: moves replicas to another directory of the node (KIP-113). There is one, where
//! all are already.

use std::{path::Path, rc::Rc};

use corelog_storage::ids::PartitionIndex;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse,
        alter_replica_log_dirs::{AlterReplicaLogDirPartitionResult, AlterReplicaLogDirTopicResult},
    },
};

use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, router};

/// Answers per partition; a topic that is named for several directories is answered for each.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: AlterReplicaLogDirsRequest,
) -> AlterReplicaLogDirsResponse {
    let image = core.image();
    let mut results = Vec::new();
    for dir in request.dirs {
        let is_ours = Path::new(&dir.path) == core.config.data_dir;
        for topic in dir.topics {
            let code = |index: i32| match image.topic(&topic.name) {
                _ if !is_ours => ErrorCode::LogDirNotFound,
                None => ErrorCode::UnknownTopicOrPartition,
                Some(topic) => match router::locate(core, context.listener, topic, PartitionIndex(index)) {
                    Ok(_) => ErrorCode::None,
                    Err(fault) => fault.code(),
                },
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
