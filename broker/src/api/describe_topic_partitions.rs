//! DescribeTopicPartitions, version 0 (KIP-966): topics by name in pages of partitions, each page with the cursor where
//! the next begins.

use std::{collections::BTreeSet, rc::Rc};

use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    messages::{
        DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse,
        describe_topic_partitions::{
            DescribeTopicPartitionsResponsePartition, DescribeTopicPartitionsResponseTopic, ResponseCursor,
        },
    },
};

use crate::{
    api::{RequestContext, TOPIC_OPERATIONS},
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        ids::NodeId,
        image::{ClusterImage, TopicImage},
        record::PartitionState,
        topic_name,
    },
    net::listener::ListenerRef,
    partition::offline::Offline,
};

/// Answers from the image.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeTopicPartitionsRequest,
) -> DescribeTopicPartitionsResponse {
    let limit = usize::try_from(request.response_partition_limit).unwrap_or_default();
    let limit = limit.clamp(1, core.config.net.describe_partitions_limit as usize);
    let view = View { node: core.node, listener: context.listener, offline: core.partitions.offline() };
    page(&core.image(), &view, &request, limit)
}

/// How the listener that was asked shows partitions.
struct View<'a> {
    node: NodeId,
    listener: ListenerRef,
    offline: &'a Offline,
}

/// The page of at most `limit` partitions from the request's cursor on.
fn page(
    image: &ClusterImage,
    view: &View<'_>,
    request: &DescribeTopicPartitionsRequest,
    limit: usize,
) -> DescribeTopicPartitionsResponse {
    let (from, mut skip) = match &request.cursor {
        Some(cursor) => (cursor.topic_name.as_str(), usize::try_from(cursor.partition_index).unwrap_or_default()),
        None => ("", 0),
    };
    let asked: BTreeSet<&str> = request.topics.iter().map(|topic| topic.name.as_str()).collect();
    let all = asked.is_empty().then(|| image.topics_from(from).map(|topic| &*topic.name)).into_iter().flatten();
    let names: Vec<&str> = asked.into_iter().filter(|name| *name >= from).chain(all).collect();
    let mut left = limit;
    let mut response = DescribeTopicPartitionsResponse::default();
    for name in names {
        let begin = if name == from { std::mem::take(&mut skip) } else { 0 };
        if left == 0 {
            response.next_cursor = Some(cursor(name, begin));
            break;
        }
        let Some(topic) = image.topic(name) else {
            response.topics.push(unknown(name));
            continue;
        };
        let shown = topic.partitions.iter().skip(begin).take(left);
        let partitions: Vec<_> = shown.map(|state| partition(view, topic, state)).collect();
        let end = begin + partitions.len();
        left -= partitions.len();
        response.topics.push(described(topic, partitions));
        if end < topic.partitions.len() {
            response.next_cursor = Some(cursor(name, end));
            break;
        }
    }
    response
}

fn cursor(topic: &str, index: usize) -> ResponseCursor {
    ResponseCursor { topic_name: topic.to_owned(), partition_index: index as i32 }
}

fn unknown(name: &str) -> DescribeTopicPartitionsResponseTopic {
    let valid = topic_name::check(name).is_ok();
    let code = if valid { ErrorCode::UnknownTopicOrPartition } else { ErrorCode::InvalidTopicException };
    DescribeTopicPartitionsResponseTopic {
        error_code: code.code(),
        name: Some(name.to_owned()),
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

fn described(
    topic: &TopicImage,
    partitions: Vec<DescribeTopicPartitionsResponsePartition>,
) -> DescribeTopicPartitionsResponseTopic {
    DescribeTopicPartitionsResponseTopic {
        name: Some(topic.name.to_string()),
        topic_id: Uuid(topic.id.0),
        is_internal: topic.is_internal(),
        partitions,
        topic_authorized_operations: TOPIC_OPERATIONS,
        ..DescribeTopicPartitionsResponseTopic::default()
    }
}

/// One that is offline has no leader: all its replicas on this node are offline.
fn partition(view: &View<'_>, topic: &TopicImage, state: &PartitionState) -> DescribeTopicPartitionsResponsePartition {
    let listener = view.listener;
    let shown = |node: NodeId| state.core_on(node).map(|core| listener.broker_id(node, core));
    let offline = view.offline.why(topic.log(state.index), state).is_some();
    let ids = |nodes: &[NodeId]| nodes.iter().filter_map(|node| shown(*node)).collect::<Vec<i32>>();
    let leader = state.leader.filter(|_| !offline).and_then(shown);
    DescribeTopicPartitionsResponsePartition {
        error_code: leader.map_or(ErrorCode::LeaderNotAvailable, |_| ErrorCode::None).code(),
        partition_index: state.index.0,
        leader_id: leader.unwrap_or(-1),
        leader_epoch: state.leader_epoch.0,
        replica_nodes: state.replicas.iter().map(|one| listener.broker_id(one.node, one.core)).collect(),
        isr_nodes: ids(&state.isr),
        eligible_leader_replicas: Some(ids(&state.elr)),
        last_known_elr: Some(ids(&state.last_known_elr)),
        offline_replicas: shown(view.node).filter(|_| offline).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use corelog_storage::{
        error::StorageError,
        ids::{LeaderEpoch, LogId, PartitionIndex, TopicId},
    };
    use corelog_wire::messages::describe_topic_partitions::{RequestCursor, TopicRequest};

    use super::*;
    use crate::{
        core::env::CoreId,
        metadata::{
            ids::{DirectoryId, PartitionEpoch},
            record::{MetadataRecord, Replica},
        },
        net::listener::ListenerKind,
        partition::offline::OfflineLogs,
    };

    const LISTENER: ListenerRef = ListenerRef { number: 0, kind: ListenerKind::Node };

    fn view(offline: &Offline) -> View<'_> {
        View { node: NodeId(3), listener: LISTENER, offline }
    }

    fn offline<const N: usize>(logs: [(LogId, StorageError); N]) -> Offline {
        Offline::new(NodeId(3), Arc::new(OfflineLogs::from(logs)), [(DirectoryId::default(), None)])
    }

    fn image(topics: &[(&str, i32)]) -> ClusterImage {
        let mut image = ClusterImage::default();
        for (number, (name, partitions)) in topics.iter().enumerate() {
            let topic = TopicId([number as u8 + 1; 16]);
            image.apply(&MetadataRecord::Topic { id: topic, name: (*name).to_owned() }).expect("applies");
            for index in 0..*partitions {
                let node = NodeId(3);
                let state = PartitionState {
                    index: PartitionIndex(index),
                    leader: Some(node),
                    leader_epoch: LeaderEpoch(0),
                    partition_epoch: PartitionEpoch(0),
                    replicas: vec![Replica { node, directory: DirectoryId::default(), core: CoreId(0) }],
                    adding: vec![],
                    removing: vec![],
                    isr: vec![node],
                    elr: vec![],
                    last_known_elr: vec![],
                    min_isr: 1,
                };
                image.apply(&MetadataRecord::Partition { topic, state }).expect("applies");
            }
        }
        image
    }

    /// All partitions in the order told, page after page.
    fn walk(image: &ClusterImage, topics: &[&str], limit: usize) -> Vec<(String, i32)> {
        let topic = |name: &&str| TopicRequest { name: (*name).to_owned() };
        let mut request = DescribeTopicPartitionsRequest {
            topics: topics.iter().map(topic).collect(),
            ..DescribeTopicPartitionsRequest::default()
        };
        let mut told = Vec::new();
        loop {
            let page = page(image, &view(&offline([])), &request, limit);
            let before = told.len();
            for topic in page.topics {
                let name = topic.name.unwrap_or_default();
                told.extend(topic.partitions.into_iter().map(|one| (name.clone(), one.partition_index)));
            }
            assert!(told.len() - before <= limit);
            let Some(next) = page.next_cursor else { return told };
            request.cursor = Some(RequestCursor { topic_name: next.topic_name, partition_index: next.partition_index });
        }
    }

    #[test]
    fn pages_tell_every_partition_once_and_in_order() {
        let image = image(&[("b", 3), ("a", 2), ("c", 4)]);
        let whole: Vec<(String, i32)> = [("a", 2), ("b", 3), ("c", 4)]
            .into_iter()
            .flat_map(|(t, n)| (0..n).map(move |i| (t.to_owned(), i)))
            .collect();
        for limit in 1..=10 {
            assert_eq!(walk(&image, &[], limit), whole, "all topics, {limit} at a time");
            assert_eq!(walk(&image, &["c", "a", "b", "a"], limit), whole, "by name, {limit} at a time");
        }
        assert_eq!(walk(&image, &["b"], 2), whole[2..5]);
    }

    #[test]
    fn an_unknown_topic_is_answered_with_its_error() {
        let topics = ["none", "a b"].map(|name| TopicRequest { name: name.to_owned() }).to_vec();
        let request = DescribeTopicPartitionsRequest { topics, ..DescribeTopicPartitionsRequest::default() };
        let codes: Vec<i16> =
            page(&image(&[]), &view(&offline([])), &request, 5).topics.iter().map(|topic| topic.error_code).collect();
        let expected = [ErrorCode::InvalidTopicException, ErrorCode::UnknownTopicOrPartition].map(ErrorCode::code);
        assert_eq!(codes, expected);
    }

    #[test]
    fn a_partition_whose_log_is_damaged_has_no_leader_and_an_offline_replica() {
        let image = image(&[("a", 2)]);
        let log = image.topic("a").expect("made").log(PartitionIndex(1));
        let page =
            page(&image, &view(&offline([(log, StorageError::Closed)])), &DescribeTopicPartitionsRequest::default(), 5);
        let shown = |one: &DescribeTopicPartitionsResponsePartition| {
            (one.error_code, one.leader_id, one.isr_nodes.clone(), one.offline_replicas.clone())
        };
        let shown: Vec<_> = page.topics[0].partitions.iter().map(shown).collect();
        assert_eq!(shown, [(0, 3, vec![3], vec![]), (5, -1, vec![3], vec![3])]);
    }

    #[test]
    fn partitions_of_a_directory_that_is_offline_or_none_of_the_nodes_have_no_leader() {
        let image = image(&[("a", 1)]);
        let leaders = |offline: &Offline| {
            let page = page(&image, &view(offline), &DescribeTopicPartitionsRequest::default(), 5);
            let partition = &page.topics[0].partitions[0];
            (partition.leader_id, partition.offline_replicas.clone())
        };
        let failing = offline([]);
        assert_eq!(leaders(&failing), (3, vec![]));
        assert!(failing.fail(DirectoryId::default(), StorageError::Closed));
        assert!(!failing.fail(DirectoryId::default(), StorageError::Closed), "it failed before");
        assert_eq!(leaders(&failing), (-1, vec![3]));
        assert_eq!(leaders(&Offline::new(NodeId(3), Arc::default(), [])), (-1, vec![3]));
    }
}
