//! What each kind of listener answers for. On the node listener any core answers for all of the node; on the core
//! listener a core answers for itself alone, and says where else to ask. Ids and ports are of the listener that was asked.

use std::time::Duration;

use bytes::Bytes;
use corelog_broker::sim::SimNetEnv;
use corelog_storage::env::Env;
use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        DeleteGroupsRequest, DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest,
        FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest,
        ListGroupsRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetDeleteRequest,
        OffsetFetchRequest, SyncGroupRequest,
        describe_configs::DescribeConfigsResource,
        join_group::JoinGroupRequestProtocol,
        list_offsets::{ListOffsetsPartition, ListOffsetsTopic},
        metadata::MetadataRequestTopic,
        offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch::OffsetFetchRequestGroup,
    },
};

use crate::{
    client::Client,
    cluster::{
        CORE_PORT, CORES, LEADER_EPOCH, NODE_PORT, OFFSETS_TOPIC, PARTITIONS, TOPIC, TOPIC_ID, batch, fetch, fetched,
        owner, produce, produced, start,
    },
};

/// Of the node with id 1, on the node listener and on the core listener.
const NODE: i32 = 1;
const FIRST_CORE: i32 = 2000;

/// Groups that each core coordinates: by Java's hash, over the partitions of `__consumer_offsets`.
const GROUPS: [[&str; 2]; CORES as usize] = [["b", "d"], ["a", "c"]];

const NOT_LEADER: i16 = ErrorCode::NotLeaderOrFollower as i16;
const NOT_COORDINATOR: i16 = ErrorCode::NotCoordinator as i16;

/// A connection to each core's own port. The coordinators have loaded.
async fn cores(env: &SimNetEnv) -> Vec<Client> {
    env.sleep(Duration::from_secs(1)).await;
    let mut clients = Vec::new();
    for core in 0..CORES {
        clients.push(Client::at_port(env, CORE_PORT + core).await);
    }
    clients
}

/// As many connections to the node's port: the network deals them to the cores in turn.
async fn nodes(env: &SimNetEnv) -> Vec<Client> {
    env.sleep(Duration::from_secs(1)).await;
    let mut clients = Vec::new();
    for _ in 0..CORES {
        clients.push(Client::at_port(env, NODE_PORT).await);
    }
    clients
}

fn broker_id(core: usize) -> i32 {
    FIRST_CORE + core as i32
}

fn own_port(core: usize) -> i32 {
    i32::from(CORE_PORT) + core as i32
}

/// Where the log of a partition ends, as its owner says.
async fn end(client: &mut Client, partition_index: i32) -> (i16, i64) {
    let partition = ListOffsetsPartition { partition_index, timestamp: -1, ..ListOffsetsPartition::default() };
    let topics = vec![ListOffsetsTopic { name: TOPIC.to_owned(), partitions: vec![partition] }];
    let answer = client.call(7, &ListOffsetsRequest { topics, ..ListOffsetsRequest::default() }).await;
    let answer = &answer.topics[0].partitions[0];
    (answer.error_code, answer.offset)
}

#[test]
fn a_core_appends_to_its_own_partitions_and_hints_at_the_leader_of_others() {
    start(101).run(|env, _| async move {
        let mut clients = cores(&env).await;
        for version in 3..=13 {
            for core in 0..clients.len() {
                let other = 1 - core;
                let mut request = produce(&[(0, batch("a")), (1, batch("b"))], -1);
                if version >= 13 {
                    request.topic_data[0].name = String::new();
                    request.topic_data[0].topic_id = corelog_wire::Uuid(TOPIC_ID.0);
                }
                let response = clients[core].call(version, &request).await;
                let rows = produced(&response);
                assert_eq!(rows[core], (core as i32, 0, i64::from(version) - 3), "version {version}");
                assert_eq!(rows[other], (other as i32, NOT_LEADER, -1), "version {version}");
                let hint = &response.responses[0].partition_responses[other].current_leader;
                let endpoints: Vec<_> =
                    response.node_endpoints.iter().map(|at| (at.node_id, at.host.as_str(), at.port)).collect();
                if version >= 10 {
                    assert_eq!((hint.leader_id, hint.leader_epoch), (broker_id(other), LEADER_EPOCH));
                    assert_eq!(endpoints, [(broker_id(other), "broker", own_port(other))]);
                } else {
                    assert!(hint.leader_id == -1 && endpoints.is_empty(), "version {version}");
                }
            }
        }
        for (core, client) in clients.iter_mut().enumerate() {
            assert_eq!(end(client, core as i32).await, (0, 11), "only what was sent to the owner is there");
            assert_eq!(end(client, 1 - core as i32).await.0, NOT_LEADER);
        }
    });
}

#[test]
fn a_core_reads_its_own_partitions_and_hints_at_the_leader_of_others() {
    start(102).run(|env, _| async move {
        let mut clients = cores(&env).await;
        for (core, client) in clients.iter_mut().enumerate() {
            assert_eq!(produced(&client.call(9, &produce(&[(core as i32, batch("a"))], -1)).await)[0].1, 0);
        }
        for version in 4..=18 {
            for core in 0..clients.len() {
                let other = 1 - core;
                let mut request = fetch(&[(0, 0), (1, 0)], 1, 60_000);
                if version >= 13 {
                    request.topics[0].topic = String::new();
                    request.topics[0].topic_id = corelog_wire::Uuid(TOPIC_ID.0);
                }
                let response = clients[core].call(version, &request).await;
                let rows = fetched(&response);
                assert!(rows[core].1 == 0 && rows[core].3 > 0, "version {version}: {rows:?}");
                assert_eq!((rows[other].1, rows[other].3), (NOT_LEADER, 0), "version {version}");
                let hint = &response.responses[0].partitions[other].current_leader;
                let hinted = if version >= 12 { (broker_id(other), LEADER_EPOCH) } else { (-1, -1) };
                assert_eq!((hint.leader_id, hint.leader_epoch), hinted, "version {version}");
                let endpoints: Vec<_> =
                    response.node_endpoints.iter().map(|at| (at.node_id, at.host.as_str(), at.port)).collect();
                let told = [(broker_id(other), "broker", own_port(other))];
                assert_eq!(endpoints, &told[..usize::from(version >= 16)], "version {version}");
            }
        }
    });
}

/// The error that each kind of group request gets, in a fixed order.
async fn group_errors(client: &mut Client, group: &str) -> Vec<i16> {
    let group_id = group.to_owned();
    let join = client.call(9, &join(group, "")).await.error_code;
    let sync = SyncGroupRequest { group_id: group_id.clone(), member_id: "m".to_owned(), ..Default::default() };
    let sync = client.call(3, &sync).await.error_code;
    let heartbeat = HeartbeatRequest { group_id: group_id.clone(), member_id: "m".to_owned(), ..Default::default() };
    let heartbeat = client.call(4, &heartbeat).await.error_code;
    let leave = LeaveGroupRequest { group_id: group_id.clone(), member_id: "m".to_owned(), ..Default::default() };
    let leave = client.call(2, &leave).await.error_code;
    let commit = commit(client, group, 7).await;
    let fetch = committed(client, group).await.0;
    let delete_offsets = OffsetDeleteRequest { group_id: group_id.clone(), ..Default::default() };
    let delete_offsets = client.call(0, &delete_offsets).await.error_code;
    let describe = DescribeGroupsRequest { groups: vec![group_id.clone()], ..Default::default() };
    let describe = client.call(6, &describe).await.groups[0].error_code;
    let delete = client.call(2, &DeleteGroupsRequest { groups_names: vec![group_id] }).await.results[0].error_code;
    vec![join, sync, heartbeat, leave, commit, fetch, delete_offsets, describe, delete]
}

fn join(group: &str, member: &str) -> JoinGroupRequest {
    let protocol = JoinGroupRequestProtocol { name: "range".to_owned(), metadata: Bytes::from_static(b"any") };
    JoinGroupRequest {
        group_id: group.to_owned(),
        session_timeout_ms: 30_000,
        rebalance_timeout_ms: 30_000,
        member_id: member.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol],
        ..JoinGroupRequest::default()
    }
}

pub(crate) async fn commit(client: &mut Client, group: &str, committed_offset: i64) -> i16 {
    let partition = OffsetCommitRequestPartition {
        partition_index: 0,
        committed_offset,
        ..OffsetCommitRequestPartition::default()
    };
    let topic = OffsetCommitRequestTopic { name: TOPIC.to_owned(), partitions: vec![partition], ..Default::default() };
    let request = OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..OffsetCommitRequest::default()
    };
    client.call(8, &request).await.topics[0].partitions[0].error_code
}

/// The error, and what the group committed for partition 0.
pub(crate) async fn committed(client: &mut Client, group: &str) -> (i16, Vec<i64>) {
    let group = OffsetFetchRequestGroup { group_id: group.to_owned(), ..OffsetFetchRequestGroup::default() };
    let answer = client.call(9, &OffsetFetchRequest { groups: vec![group], ..Default::default() }).await;
    let topics = &answer.groups[0].topics;
    let offsets = topics.iter().flat_map(|topic| &topic.partitions).map(|found| found.committed_offset);
    (answer.groups[0].error_code, offsets.collect())
}

async fn listed(client: &mut Client) -> Vec<String> {
    let answer = client.call(5, &ListGroupsRequest::default()).await;
    assert_eq!(answer.error_code, 0);
    let mut groups: Vec<_> = answer.groups.into_iter().map(|group| group.group_id).collect();
    groups.sort();
    groups
}

#[test]
fn a_core_coordinates_its_own_groups_and_never_forwards_another_cores() {
    start(103).run(|env, _| async move {
        let mut clients = cores(&env).await;
        for core in 0..clients.len() {
            for group in GROUPS[1 - core] {
                assert_eq!(group_errors(&mut clients[core], group).await, [NOT_COORDINATOR; 9], "{group}");
            }
        }
        for (core, client) in clients.iter_mut().enumerate() {
            assert_eq!(listed(client).await, [""; 0], "nothing was forwarded");
            for group in GROUPS[core] {
                assert_eq!(committed(client, group).await, (0, vec![]), "{group}");
                assert_eq!(commit(client, group, 42).await, 0, "{group}");
                assert_eq!(committed(client, group).await, (0, vec![42]), "{group}");
            }
        }
        for (core, client) in clients.iter_mut().enumerate() {
            assert_eq!(listed(client).await, GROUPS[core], "a core lists its own");
        }
    });
}

pub(crate) async fn joined(client: &mut Client, group: &str) -> JoinGroupResponse {
    let given = client.call(9, &join(group, "")).await;
    assert_eq!(given.error_code, ErrorCode::MemberIdRequired as i16);
    client.call(9, &join(group, &given.member_id)).await
}

#[test]
fn the_node_listener_forwards_to_whichever_core_it_takes() {
    start(104).run(|env, _| async move {
        for (turn, client) in nodes(&env).await.iter_mut().enumerate() {
            let parts: Vec<_> = (0..PARTITIONS).map(|partition| (partition, batch("a"))).collect();
            let response = client.call(13, &by_id(produce(&parts, -1))).await;
            let expected: Vec<_> = (0..PARTITIONS).map(|partition| (partition, 0, turn as i64)).collect();
            assert_eq!(produced(&response), expected);
            assert!(response.node_endpoints.is_empty(), "nothing to hint at");
            let rows = fetched(&client.call(11, &fetch(&[(0, 0), (1, 0), (2, 0), (3, 0)], 1, 60_000)).await);
            assert!(rows.iter().all(|row| row.1 == 0 && row.3 > 0), "{rows:?}");
            for group in GROUPS.concat() {
                assert_eq!(commit(client, group, turn as i64).await, 0, "{group}");
                assert_eq!(committed(client, group).await, (0, vec![turn as i64]), "{group}");
            }
            assert_eq!(listed(client).await, ["a", "b", "c", "d"]);
            for group in ["a", "b"] {
                let member = joined(client, group).await;
                assert_eq!((member.error_code, &member.leader), (0, &member.member_id), "{group}");
                let beat = HeartbeatRequest {
                    group_id: group.to_owned(),
                    generation_id: member.generation_id,
                    member_id: member.member_id.clone(),
                    ..HeartbeatRequest::default()
                };
                assert_eq!(client.call(4, &beat).await.error_code, 0, "{group}");
                let leave =
                    LeaveGroupRequest { group_id: group.to_owned(), member_id: member.member_id, members: vec![] };
                assert_eq!(client.call(2, &leave).await.error_code, 0, "{group}");
            }
        }
    });
}

pub(crate) fn by_id(mut request: corelog_wire::messages::ProduceRequest) -> corelog_wire::messages::ProduceRequest {
    for topic in &mut request.topic_data {
        topic.name = String::new();
        topic.topic_id = corelog_wire::Uuid(TOPIC_ID.0);
    }
    request
}

/// Where clients are told that a group's coordinator is.
pub(crate) async fn coordinator(client: &mut Client, version: i16, group: &str) -> (i16, i32, String, i32) {
    let mut request = FindCoordinatorRequest::default();
    if version < 4 {
        request.key = group.to_owned();
        let found = client.call(version, &request).await;
        return (found.error_code, found.node_id, found.host, found.port);
    }
    request.coordinator_keys = vec![group.to_owned()];
    let found = client.call(version, &request).await.coordinators.remove(0);
    (found.error_code, found.node_id, found.host, found.port)
}

#[test]
fn coordinators_are_found_on_the_listener_that_was_asked() {
    start(105).run(|env, _| async move {
        let (mut by_core, mut by_node) = (cores(&env).await, nodes(&env).await);
        for version in 0..=6 {
            for (core, groups) in GROUPS.iter().enumerate() {
                for group in groups {
                    let told = (0, broker_id(core), "broker".to_owned(), own_port(core));
                    for client in &mut by_core {
                        assert_eq!(coordinator(client, version, group).await, told, "version {version}");
                    }
                    let told = (0, NODE, "broker".to_owned(), i32::from(NODE_PORT));
                    for client in &mut by_node {
                        assert_eq!(coordinator(client, version, group).await, told, "version {version}");
                    }
                }
            }
        }
    });
}

/// Brokers, the controller, and per partition its leader, replicas and in-sync replicas, as Metadata shows them.
type Shown = (Vec<(i32, String, i32)>, i32, Vec<(i32, Vec<i32>, Vec<i32>)>);

async fn metadata(client: &mut Client, version: i16, topic: &str) -> Shown {
    let topics = vec![MetadataRequestTopic { name: Some(topic.to_owned()), ..MetadataRequestTopic::default() }];
    let answer = client.call(version, &MetadataRequest { topics: Some(topics), ..MetadataRequest::default() }).await;
    let brokers = answer.brokers.into_iter().map(|broker| (broker.node_id, broker.host, broker.port));
    assert!(answer.topics[0].partitions.iter().all(|part| (part.error_code, part.leader_epoch) == (0, LEADER_EPOCH)));
    let partitions = answer.topics[0].partitions.iter();
    let partitions =
        partitions.map(|part| (part.leader_id, part.replica_nodes.clone(), part.isr_nodes.clone())).collect();
    (brokers.collect(), answer.controller_id, partitions)
}

/// The cluster as the cores' own ports must show it, and as the node's port must.
fn expected() -> (Shown, Shown) {
    let host = || "broker".to_owned();
    let brokers = (0..usize::from(CORES)).map(|core| (broker_id(core), host(), own_port(core))).collect();
    let leader = |partition| broker_id(usize::from(owner(partition).0));
    let rows = |id: i32| (id, vec![id], vec![id]);
    let by_core = (brokers, broker_id(0), (0..PARTITIONS).map(|index| rows(leader(index))).collect());
    let by_node = (vec![(NODE, host(), i32::from(NODE_PORT))], NODE, (0..PARTITIONS).map(|_| rows(NODE)).collect());
    (by_core, by_node)
}

#[test]
fn metadata_shows_ids_and_ports_of_the_listener_that_was_asked() {
    start(106).run(|env, _| async move {
        let (by_core, by_node) = expected();
        for version in 7..=13 {
            for topic in [TOPIC, OFFSETS_TOPIC] {
                for client in &mut cores(&env).await {
                    assert_eq!(metadata(client, version, topic).await, by_core, "version {version}");
                }
                for client in &mut nodes(&env).await {
                    assert_eq!(metadata(client, version, topic).await, by_node, "version {version}");
                }
            }
        }
    });
}

async fn described_cluster(client: &mut Client, version: i16) -> (Vec<(i32, String, i32)>, i32) {
    let request = DescribeClusterRequest { endpoint_type: 1, ..DescribeClusterRequest::default() };
    let answer = client.call(version, &request).await;
    let brokers = answer.brokers.into_iter().map(|broker| (broker.broker_id, broker.host, broker.port));
    (brokers.collect(), answer.controller_id)
}

#[test]
fn the_cluster_is_described_with_ids_and_ports_of_the_listener_that_was_asked() {
    start(107).run(|env, _| async move {
        let (by_core, by_node) = expected();
        for version in 0..=2 {
            for client in &mut cores(&env).await {
                assert_eq!(described_cluster(client, version).await, (by_core.0.clone(), by_core.1));
            }
            for client in &mut nodes(&env).await {
                assert_eq!(described_cluster(client, version).await, (by_node.0.clone(), by_node.1));
            }
        }
    });
}

/// The error of asking for the configuration of a broker.
async fn broker_configs(client: &mut Client, broker: i32) -> i16 {
    let resource =
        DescribeConfigsResource { resource_type: 4, resource_name: broker.to_string(), ..Default::default() };
    let request = DescribeConfigsRequest { resources: vec![resource], ..DescribeConfigsRequest::default() };
    client.call(4, &request).await.results[0].error_code
}

#[test]
fn a_brokers_configuration_is_told_by_that_broker_alone() {
    start(108).run(|env, _| async move {
        let refused = ErrorCode::InvalidRequest as i16;
        for (core, client) in cores(&env).await.iter_mut().enumerate() {
            assert_eq!(broker_configs(client, broker_id(core)).await, 0);
            assert_eq!(broker_configs(client, broker_id(1 - core)).await, refused);
            assert_eq!(broker_configs(client, NODE).await, refused);
        }
        for client in &mut nodes(&env).await {
            assert_eq!(broker_configs(client, NODE).await, 0);
            assert_eq!(broker_configs(client, FIRST_CORE).await, refused);
        }
    });
}
