//! What one node answers an administrator about its directory, producers, leaders, assignments and quorum; on a core
//! listener each core for itself.

use corelog_broker::metadata::{
    ids::{BrokerEpoch, DirectoryId, NodeId, Uuid},
    record::{MetadataRecord, NodeRegistration},
};
use corelog_storage::{
    env::Env,
    ids::{ProducerEpoch, ProducerId, Timestamp},
    record::BatchBuilder,
};
use corelog_wire::{
    Uuid as Uuid16,
    error_code::ErrorCode,
    messages::{
        AlterConfigsRequest, AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, CreateTopicsRequest,
        DeleteTopicsRequest, DescribeClusterRequest, DescribeLogDirsRequest, DescribeProducersRequest,
        DescribeQuorumRequest, DescribeTopicPartitionsRequest, ElectLeadersRequest, InitProducerIdRequest,
        MetadataRequest, UpdateFeaturesRequest,
        alter_configs::{AlterConfigsResource, AlterableConfig},
        alter_partition_reassignments::{ReassignablePartition, ReassignableTopic},
        alter_replica_log_dirs::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
        create_topics::CreatableTopic,
        delete_topics::DeleteTopicState,
        describe_producers::TopicRequest,
        describe_quorum::{RequestPartitionData, RequestTopicData},
        elect_leaders::TopicPartitions,
        metadata::MetadataRequestTopic,
        update_features::FeatureUpdateKey,
    },
};

use crate::{
    client::Client,
    cluster::{CORE_PORT, CORES, PARTITIONS, TOPIC, TOPIC_ID, batch, owner, produce, produced, start, start_with},
};

/// Bytes of each partition's log, as told.
async fn sizes(client: &mut Client, version: i16) -> Vec<(i32, i64)> {
    let answer = client.call(version, &DescribeLogDirsRequest { topics: None }).await;
    assert_eq!((answer.error_code, answer.results.len(), answer.results[0].error_code), (0, 1, 0));
    if version >= 4 {
        assert!(answer.results[0].total_bytes >= answer.results[0].usable_bytes && answer.results[0].usable_bytes > 0);
    }
    let topics = answer.results[0].topics.iter().filter(|topic| topic.name == TOPIC);
    topics.flat_map(|topic| &topic.partitions).map(|row| (row.partition_index, row.partition_size)).collect()
}

#[test]
fn a_log_directory_holds_what_was_written_and_each_core_tells_of_its_own() {
    start_with(501, &[(TOPIC_ID, TOPIC)]).run(|env, at| async move {
        let mut node = Client::connect(&env, at).await;
        let sent = batch(&"x".repeat(20_000));
        assert_eq!(produced(&node.call(9, &produce(&[(1, sent.clone())], -1)).await), [(1, 0, 0)]);
        for version in 1..=5 {
            let told = sizes(&mut node, version).await;
            assert_eq!(told.iter().map(|row| row.0).collect::<Vec<_>>(), [0, 1, 2, 3], "version {version}");
            let one = told[1].1 as usize;
            assert!(one >= sent.len() && one < sent.len() + 8192, "{one} bytes for {}", sent.len());
            assert_eq!(told[0].1, 0);
        }
        for core in 0..CORES {
            let told = sizes(&mut Client::at_port(&env, CORE_PORT + core).await, 4).await;
            assert!(told.len() == 2 && told.iter().all(|(index, _)| owner(*index).0 == core), "{told:?}");
        }
    });
}

#[test]
fn a_partitions_leader_tells_of_its_idempotent_producers() {
    start(502).run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let mut builder = BatchBuilder::new().producer(ProducerId(77), ProducerEpoch(3), 5);
        for _ in 0..4 {
            builder.push(Timestamp(1), None, Some(b"x"));
        }
        assert_eq!(produced(&client.call(9, &produce(&[(1, builder.build())], -1)).await), [(1, 0, 0)]);
        let topics = vec![TopicRequest { name: TOPIC.to_owned(), partition_indexes: vec![0, 1, 99] }];
        let answer = client.call(0, &DescribeProducersRequest { topics }).await;
        let rows = &answer.topics[0].partitions;
        assert_eq!((rows[0].error_code, rows[0].active_producers.len()), (0, 0));
        assert_eq!(rows[2].error_code, ErrorCode::UnknownTopicOrPartition.code());
        let producer = &rows[1].active_producers[0];
        assert_eq!((producer.producer_id, producer.producer_epoch, producer.last_sequence), (77, 3, 8));
        assert!((0..=env.wall_clock_ms()).contains(&producer.last_timestamp));
    });
}

#[test]
fn elections_and_reassignments_find_everything_in_its_place() {
    let cluster = start(503);
    cluster.change(&[MetadataRecord::Node(NodeRegistration {
        id: NodeId(1),
        epoch: BrokerEpoch(1),
        incarnation: Uuid([1; 16]),
        cores: CORES,
        directories: vec![DirectoryId::default()],
        rack: None,
    })]);
    cluster.run(|env, at| async move {
        let mut node = Client::connect(&env, at).await;
        for version in 0..=2 {
            let topics = vec![TopicPartitions { topic: TOPIC.to_owned(), partitions: vec![0, 99] }];
            let request = ElectLeadersRequest { topic_partitions: Some(topics), ..ElectLeadersRequest::default() };
            let answer = node.call(version, &request).await;
            let codes: Vec<i16> =
                answer.replica_election_results[0].partition_result.iter().map(|row| row.error_code).collect();
            let expected = [ErrorCode::ElectionNotNeeded.code(), ErrorCode::UnknownTopicOrPartition.code()];
            assert_eq!(codes, expected, "version {version}");
        }
        let all = ElectLeadersRequest { topic_partitions: None, ..ElectLeadersRequest::default() };
        let elected = node.call(2, &all).await.replica_election_results;
        assert!(elected.iter().all(|topic| topic.partition_result.is_empty()), "nothing was to be done");

        let reassign = async |client: &mut Client, partition_index: i32, replicas: Option<Vec<i32>>| {
            let partitions = vec![ReassignablePartition { partition_index, replicas }];
            let topics = vec![ReassignableTopic { name: TOPIC.to_owned(), partitions }];
            let request = AlterPartitionReassignmentsRequest { topics, ..Default::default() };
            ErrorCode::from_i16(client.call(1, &request).await.responses[0].partitions[0].error_code).expect("known")
        };
        assert_eq!(reassign(&mut node, 0, Some(vec![1])).await, ErrorCode::None, "it is there");
        assert_eq!(reassign(&mut node, 0, Some(vec![9])).await, ErrorCode::InvalidReplicaAssignment);
        let mut core = Client::at_port(&env, CORE_PORT).await;
        assert_eq!(reassign(&mut core, 1, Some(vec![2001])).await, ErrorCode::None);
        assert_eq!(reassign(&mut node, 0, None).await, ErrorCode::NoReassignmentInProgress);
        assert_eq!(reassign(&mut node, 99, None).await, ErrorCode::UnknownTopicOrPartition);
    });
}

#[test]
fn one_node_is_a_quorum_of_one_without_features_and_with_one_directory() {
    start(504).run(|env, at| async move {
        let mut node = Client::connect(&env, at).await;
        let ask = |topic_name: &str| DescribeQuorumRequest {
            topics: vec![RequestTopicData {
                topic_name: topic_name.to_owned(),
                partitions: vec![RequestPartitionData { partition_index: 0 }],
            }],
        };
        for (port, id) in [(at.port(), 1), (CORE_PORT, 2000), (CORE_PORT + 1, 2000)] {
            let mut client = Client::at_port(&env, port).await;
            for version in 0..=1 {
                let answer = client.call(version, &ask("__cluster_metadata")).await;
                assert_eq!(answer.topics[0].partitions[0].leader_id, id, "version {version}");
            }
            let answer = client.call(2, &ask("__cluster_metadata")).await;
            let row = &answer.topics[0].partitions[0];
            let voters: Vec<i32> = row.current_voters.iter().map(|voter| voter.replica_id).collect();
            assert_eq!((row.error_code, row.leader_id, voters), (0, id, vec![id]), "core 0 has the controller");
            assert!(row.high_watermark > i64::from(PARTITIONS));
            assert_eq!(answer.nodes[0].listeners.len(), 1);
        }
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        assert_eq!(node.call(0, &ask(TOPIC)).await.topics[0].partitions[0].error_code, unknown);

        let update = FeatureUpdateKey { feature: "nonsense".to_owned(), max_version_level: 1, ..Default::default() };
        let request = UpdateFeaturesRequest { feature_updates: vec![update], ..UpdateFeaturesRequest::default() };
        let refused = ErrorCode::InvalidUpdateVersion.code();
        for version in 0..=2 {
            assert_eq!(node.call(version, &request).await.error_code, refused);
        }

        let move_to = |path: &str| AlterReplicaLogDirsRequest {
            dirs: vec![AlterReplicaLogDir {
                path: path.to_owned(),
                topics: vec![AlterReplicaLogDirTopic { name: TOPIC.to_owned(), partitions: vec![0] }],
            }],
        };
        let told = node.call(4, &DescribeLogDirsRequest { topics: None }).await.results.remove(0).log_dir;
        assert_eq!(node.call(2, &move_to(&told)).await.results[0].partitions[0].error_code, 0);
        let nowhere = node.call(2, &move_to("/nowhere")).await.results[0].partitions[0].error_code;
        assert_eq!(nowhere, ErrorCode::LogDirNotFound.code());
    });
}

/// There is no controller here: what gets to it is answered so.
const NO_CONTROLLER: ErrorCode = ErrorCode::CoordinatorNotAvailable;

#[test]
fn what_is_named_twice_or_wrongly_is_refused_before_the_controller_is_asked() {
    start(505).run(|env, at| async move {
        let mut node = Client::connect(&env, at).await;
        let topic = |name: &str| CreatableTopic {
            name: name.to_owned(),
            num_partitions: 1,
            replication_factor: 1,
            ..CreatableTopic::default()
        };
        let topics = vec![topic("twice"), topic("once"), topic("twice")];
        let (invalid, asked) = (ErrorCode::InvalidRequest.code(), NO_CONTROLLER.code());
        for version in 2..=7 {
            let request = CreateTopicsRequest { topics: topics.clone(), ..CreateTopicsRequest::default() };
            let answer = node.call(version, &request).await;
            let codes: Vec<_> = answer.topics.iter().map(|row| (row.name.as_str(), row.error_code)).collect();
            assert_eq!(codes, [("once", asked), ("twice", invalid)], "version {version}");
        }
        let row = |name: Option<&str>, id| DeleteTopicState { name: name.map(str::to_owned), topic_id: Uuid16(id) };
        let topics = vec![row(Some("a"), [7; 16]), row(Some("b"), [0; 16]), row(None, [9; 16]), row(None, [0; 16])];
        let answer = node.call(6, &DeleteTopicsRequest { topics, ..DeleteTopicsRequest::default() }).await;
        let rows = answer.responses.iter().map(|row| (row.name.as_deref(), row.topic_id.0, row.error_code));
        assert_eq!(
            rows.collect::<Vec<_>>(),
            [
                (Some("a"), [7; 16], invalid),
                (Some("b"), [0; 16], asked),
                (None, [9; 16], asked),
                (None, [0; 16], invalid),
            ]
        );
        let value = |text: &str| AlterableConfig { name: "retention.ms".to_owned(), value: Some(text.to_owned()) };
        for (values, expected) in [(vec![value("1")], asked), (vec![value("1"), value("2")], invalid)] {
            let resource = AlterConfigsResource { resource_type: 2, resource_name: TOPIC.to_owned(), configs: values };
            let answer = node.call(1, &AlterConfigsRequest { resources: vec![resource], validate_only: false }).await;
            assert_eq!(answer.responses[0].error_code, expected);
        }
    });
}

#[test]
fn what_means_nothing_is_refused_or_named_as_kafka_does() {
    start(506).run(|env, at| async move {
        let mut node = Client::connect(&env, at).await;
        for (producer_id, producer_epoch, good) in [(-1, -1, true), (5, 0, true), (5, -1, false), (-1, 0, false)] {
            let request = InitProducerIdRequest { producer_id, producer_epoch, ..InitProducerIdRequest::default() };
            let answer = node.call(4, &request).await;
            let expected = if good { NO_CONTROLLER } else { ErrorCode::InvalidRequest };
            assert_eq!(answer.error_code, expected.code(), "{producer_id}, {producer_epoch}");
        }
        for (endpoint_type, expected) in
            [(1, ErrorCode::None), (2, ErrorCode::MismatchedEndpointType), (3, ErrorCode::UnsupportedEndpointType)]
        {
            let include_cluster_authorized_operations = true;
            let request = DescribeClusterRequest {
                endpoint_type,
                include_cluster_authorized_operations,
                ..DescribeClusterRequest::default()
            };
            let answer = node.call(2, &request).await;
            assert_eq!(answer.error_code, expected.code());
            assert_eq!(answer.cluster_authorized_operations, if expected == ErrorCode::None { 8096 } else { i32::MIN });
        }
        let described = node.call(0, &DescribeTopicPartitionsRequest::default()).await;
        assert!(!described.topics.is_empty());
        assert!(described.topics.iter().all(|topic| topic.topic_authorized_operations == 3576));
        let asked = MetadataRequestTopic { topic_id: Uuid16([9; 16]), name: Some(TOPIC.to_owned()) };
        let request = MetadataRequest { topics: Some(vec![asked]), ..MetadataRequest::default() };
        // Null is a name from version 12 on only.
        for (version, name) in [(10, Some("")), (11, Some("")), (12, None), (13, None)] {
            let answer = node.call(version, &request).await;
            let topic = &answer.topics[0];
            assert_eq!(
                (topic.error_code, topic.name.as_deref()),
                (ErrorCode::UnknownTopicId.code(), name),
                "version {version}"
            );
        }
    });
}
