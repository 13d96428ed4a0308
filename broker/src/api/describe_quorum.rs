//! DescribeQuorum, versions 0 to 2: who keeps the cluster's metadata (KIP-595, KIP-853). One node is a quorum of one, and
//! has all that is committed; its log's offsets are counts of records.

use std::rc::Rc;

use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    messages::{
        DescribeQuorumRequest, DescribeQuorumResponse,
        describe_quorum::{Listener, Node, ReplicaState, ResponsePartitionData, ResponseTopicData},
    },
};

use crate::{
    api::RequestContext, core::env::NetEnv, core_state::Core, metadata::topic_name::CLUSTER_METADATA,
    router::metadata::CONTROLLER,
};

/// Answers about the one partition there is.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeQuorumRequest,
) -> DescribeQuorumResponse {
    let is_metadata = |topic: &str, partition: i32| topic == CLUSTER_METADATA && partition == 0;
    let asked_right = matches!(&request.topics[..], [topic] if matches!(
        &topic.partitions[..], [partition] if is_metadata(&topic.topic_name, partition.partition_index)
    ));
    if !asked_right {
        return unknown(request);
    }
    let leader_id = context.listener.broker_id(core.node, CONTROLLER);
    let topic_name = CLUSTER_METADATA.to_owned();
    let partitions = vec![partition(core, context.api_version, leader_id)];
    let endpoint = core.endpoint(context.listener, CONTROLLER);
    let listeners = endpoint.map(|(_, endpoint)| Listener {
        name: core.config.listeners.get(context.listener.number).map(|own| own.name.clone()).unwrap_or_default(),
        host: endpoint.host.clone(),
        port: endpoint.port,
    });
    DescribeQuorumResponse {
        topics: vec![ResponseTopicData { topic_name, partitions }],
        nodes: match context.api_version {
            0 | 1 => Vec::new(),
            _ => vec![Node { node_id: leader_id, listeners: listeners.into_iter().collect() }],
        },
        error_message: Some(String::new()),
        ..DescribeQuorumResponse::default()
    }
}

fn partition<E: NetEnv>(core: &Core<E>, version: i16, leader_id: i32) -> ResponsePartitionData {
    let image = core.image();
    let records = image.version().0 as i64;
    let node = image.node(core.node);
    let mut voter = ReplicaState { replica_id: leader_id, log_end_offset: records, ..ReplicaState::default() };
    if version >= 1 {
        voter.last_fetch_timestamp = core.env.wall_clock_ms();
        voter.last_caught_up_timestamp = voter.last_fetch_timestamp;
    }
    if version >= 2 {
        let directory = node.and_then(|node| node.directories.first());
        voter.replica_directory_id = directory.map_or(Uuid::ZERO, |id| Uuid(id.0.0));
    }
    ResponsePartitionData {
        leader_id,
        // Each registration of the node is a term of its own.
        leader_epoch: node.map_or(0, |node| i32::try_from(node.epoch.0).unwrap_or(i32::MAX)),
        high_watermark: records,
        current_voters: vec![voter],
        error_message: Some(String::new()),
        ..ResponsePartitionData::default()
    }
}

/// No other partition has a quorum.
fn unknown(request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    let code = ErrorCode::UnknownTopicOrPartition;
    let topics = request.topics.into_iter().map(|topic| ResponseTopicData {
        topic_name: topic.topic_name,
        partitions: topic
            .partitions
            .iter()
            .map(|partition| ResponsePartitionData {
                partition_index: partition.partition_index,
                error_code: code.code(),
                error_message: Some("This server does not host this topic-partition.".to_owned()),
                ..ResponsePartitionData::default()
            })
            .collect(),
    });
    DescribeQuorumResponse {
        topics: topics.collect(),
        error_message: Some(String::new()),
        ..DescribeQuorumResponse::default()
    }
}
