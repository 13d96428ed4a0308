//! Metadata, versions 0 to 13: brokers, topics and their leaders, as the listener that was asked shows them.
//!
//! All topics are an empty list in version 0 and null from 1 on. A topic that is asked for by name and does not exist is
//! created where the broker and (from version 4 on) the request allow it. From version 10 on topics have ids, from 12 on
//! they may be asked for by id (KIP-516).

use std::rc::Rc;

use corelog_storage::ids::TopicId;
use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    messages::{
        MetadataRequest, MetadataResponse,
        metadata::{MetadataRequestTopic, MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic},
    },
};

use crate::{
    api::{CLUSTER_OPERATIONS, RequestContext, TOPIC_OPERATIONS},
    core::env::{CoreId, NetEnv},
    core_state::Core,
    metadata::{
        call::{MetadataAnswer, MetadataCall, NewTopic},
        ids::{NodeId, topic_uuid},
        image::{ClusterImage, TopicImage, is_internal},
        record::PartitionState,
    },
    net::{
        complaints::Complaint,
        listener::{ListenerKind, ListenerRef},
    },
    partition::offline::Offline,
    router,
};

/// Answers from the image; creates what may be created first.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: MetadataRequest,
) -> MetadataResponse {
    let all = match &request.topics {
        None => true,
        Some(topics) => context.api_version == 0 && topics.is_empty(),
    };
    let asked = request.topics.unwrap_or_default();
    if core.config.topics.auto_create && (context.api_version < 4 || request.allow_auto_topic_creation) {
        create_missing(core, context, &asked).await;
    }
    let image = core.image();
    let view = View {
        node: core.node,
        listener: context.listener,
        offline: core.partitions.offline(),
        operations: request.include_topic_authorized_operations,
        nameless: (context.api_version < 12).then(String::new),
    };
    let topics = if all {
        image.topics().map(|topic| view.topic(topic)).collect()
    } else {
        asked.into_iter().map(|topic| view.asked(&image, topic)).collect()
    };
    MetadataResponse {
        brokers: brokers(core, context.listener),
        cluster_id: image.cluster_id().map(|id| id.to_string()),
        controller_id: context.listener.broker_id(core.node, CoreId(0)),
        topics,
        cluster_authorized_operations: if request.include_cluster_authorized_operations {
            CLUSTER_OPERATIONS
        } else {
            i32::MIN
        },
        ..MetadataResponse::default()
    }
}

/// Creates the topics that are asked for by name and do not exist. Whatever is refused stays unknown.
async fn create_missing<E: NetEnv>(core: &Rc<Core<E>>, context: &RequestContext, asked: &[MetadataRequestTopic]) {
    let image = core.image();
    let missing = asked.iter().filter_map(|topic| topic.name.as_ref().filter(|_| topic.topic_id.is_zero()));
    let topics: Vec<NewTopic> = missing
        .filter(|name| image.topic(name).is_none() && !is_internal(name))
        .map(|name| NewTopic {
            name: name.clone(),
            partitions: -1,
            replication_factor: -1,
            assignments: Vec::new(),
            configs: Vec::new(),
        })
        .collect();
    if topics.is_empty() {
        return;
    }
    match router::metadata::paid(core, context, 0, MetadataCall::CreateTopics { topics, validate_only: false }).await {
        Ok(MetadataAnswer::TopicsCreated(_)) => {}
        other => core.complain(Complaint::NotCreated, context.peer, &format_args!("{other:?}")),
    }
}

fn brokers<E: NetEnv>(core: &Core<E>, listener: ListenerRef) -> Vec<MetadataResponseBroker> {
    let cores = match listener.kind {
        ListenerKind::Node => 1,
        ListenerKind::Core(_) => core.cores(),
    };
    let endpoints = (0..cores).filter_map(|id| core.endpoint(listener, CoreId(id)));
    let brokers = endpoints.map(|(node_id, endpoint)| MetadataResponseBroker {
        node_id,
        host: endpoint.host.clone(),
        port: i32::from(endpoint.port),
        rack: None,
    });
    brokers.collect()
}

/// How the listener that was asked shows topics.
struct View<'a> {
    node: NodeId,
    listener: ListenerRef,
    offline: &'a Offline,
    operations: bool,
    /// The name of a topic that has none: null is told from version 12 on.
    nameless: Option<String>,
}

impl View<'_> {
    fn asked(&self, image: &ClusterImage, asked: MetadataRequestTopic) -> MetadataResponseTopic {
        let by_id = !asked.topic_id.is_zero();
        let found = if by_id {
            image.topic_by_id(TopicId(asked.topic_id.0))
        } else {
            image.topic(asked.name.as_deref().unwrap_or_default())
        };
        if let Some(topic) = found {
            return self.topic(topic);
        }
        let error = match &asked.name {
            _ if by_id => ErrorCode::UnknownTopicId,
            Some(name) if !is_valid_name(name) => ErrorCode::InvalidTopicException,
            _ => ErrorCode::UnknownTopicOrPartition,
        };
        MetadataResponseTopic {
            error_code: error.code(),
            is_internal: !by_id && asked.name.as_deref().is_some_and(is_internal),
            // Of a topic that is asked for by its id, and is not there, the name beside it says nothing.
            name: asked.name.filter(|_| !by_id).or_else(|| self.nameless.clone()),
            topic_id: asked.topic_id,
            ..MetadataResponseTopic::default()
        }
    }

    fn topic(&self, topic: &TopicImage) -> MetadataResponseTopic {
        MetadataResponseTopic {
            error_code: 0,
            name: Some(topic.name.to_string()),
            topic_id: Uuid(topic_uuid(topic.id).0),
            is_internal: topic.is_internal(),
            partitions: topic.partitions.iter().map(|state| self.partition(topic, state)).collect(),
            topic_authorized_operations: if self.operations { TOPIC_OPERATIONS } else { i32::MIN },
        }
    }

    /// One that is offline has no leader: all its replicas on this node are offline.
    fn partition(&self, topic: &TopicImage, state: &PartitionState) -> MetadataResponsePartition {
        let shown = |node: NodeId| state.core_on(node).map(|core| self.listener.broker_id(node, core));
        let offline = self.offline.why(topic.log(state.index), state).is_some();
        let leader = state.leader.filter(|leader| *leader == self.node && !offline).and_then(shown);
        MetadataResponsePartition {
            error_code: if leader.is_some() { 0 } else { ErrorCode::LeaderNotAvailable.code() },
            partition_index: state.index.0,
            leader_id: leader.unwrap_or(-1),
            leader_epoch: state.leader_epoch.0,
            replica_nodes: state.replicas.iter().filter_map(|replica| shown(replica.node)).collect(),
            isr_nodes: state.isr.iter().filter_map(|node| shown(*node)).collect(),
            offline_replicas: shown(self.node).filter(|_| offline).into_iter().collect(),
        }
    }
}

/// Whether a topic could have this name.
fn is_valid_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= 249 && name != "." && name != ".." && name.bytes().all(legal)
}
