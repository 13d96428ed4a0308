//! Configurations that change while the broker runs: what is told of them, and that they are obeyed at once.

use std::time::Duration;

use bytes::Bytes;
use corelog_broker::{
    core::env::Conn,
    metadata::{
        ids::NodeId,
        record::{ConfigResource, MetadataRecord},
    },
    net::complaints::Complaint,
};
use corelog_storage::{
    batch::{Codec, Header},
    env::Env,
    ids::Timestamp,
    record::{self, BatchBuilder},
};
use corelog_wire::{
    error_code::ErrorCode,
    frame,
    messages::{
        ApiVersionsRequest, DescribeConfigsRequest, ListConfigResourcesRequest,
        describe_configs::DescribeConfigsResource,
    },
};

use crate::{
    client::Client,
    cluster::{TOPIC, TOPIC_ID, batch, fetch, produce, produced, start},
};

fn set(resource: ConfigResource, key: &str, value: Option<&str>) -> MetadataRecord {
    MetadataRecord::Config { resource, key: key.to_owned(), value: value.map(str::to_owned) }
}

fn of_topic(key: &str, value: &str) -> MetadataRecord {
    set(ConfigResource::Topic(TOPIC_ID), key, Some(value))
}

fn text(size: usize) -> Bytes {
    batch(&"abc".repeat(size / 3))
}

/// Value, source and synonyms' sources of one key.
async fn told(client: &mut Client, kind: i8, name: &str, key: &str) -> (Option<String>, i8, Vec<i8>) {
    let resource = DescribeConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configuration_keys: Some(vec![key.to_owned()]),
    };
    let request = DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, ..Default::default() };
    let row = client.call(4, &request).await.results.remove(0).configs.remove(0);
    (row.value, row.config_source, row.synonyms.iter().map(|synonym| synonym.source).collect())
}

#[test]
fn a_value_set_for_all_brokers_holds_at_once_for_every_topic_without_its_own() {
    let cluster = start(401);
    cluster.change(&[
        set(ConfigResource::AllNodes, "message.max.bytes", Some("300")),
        set(ConfigResource::AllNodes, "log.retention.ms", Some("5")),
        set(ConfigResource::Node(NodeId(1)), "log.retention.ms", Some("6")),
        set(ConfigResource::AllNodes, "x.password", Some("secret")),
    ]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let too_large = ErrorCode::MessageTooLarge.code();
        let response = client.call(9, &produce(&[(0, text(600)), (1, text(600)), (2, text(60))], -1)).await;
        assert_eq!(produced(&response), [(0, too_large, -1), (1, too_large, -1), (2, 0, 0)]);
        assert_eq!(told(&mut client, 2, TOPIC, "retention.ms").await, (Some("6".into()), 2, vec![2, 3, 5]));
        assert_eq!(told(&mut client, 4, "1", "log.retention.ms").await, (Some("6".into()), 2, vec![2, 3, 5]));
        assert_eq!(told(&mut client, 4, "", "log.retention.ms").await, (Some("5".into()), 3, vec![3]));
        assert_eq!(told(&mut client, 4, "1", "x.password").await.0, None, "what nobody knows may be a secret");
    });
    cluster.change(&[set(ConfigResource::AllNodes, "message.max.bytes", None), of_topic("max.message.bytes", "1000")]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let response = client.call(9, &produce(&[(0, text(600)), (1, text(1200))], -1)).await;
        assert_eq!(produced(&response), [(0, 0, 0), (1, ErrorCode::MessageTooLarge.code(), -1)]);
        assert_eq!(told(&mut client, 2, TOPIC, "max.message.bytes").await, (Some("1000".into()), 1, vec![1, 5]));
    });
}

#[test]
fn a_topic_that_demands_a_codec_and_the_brokers_time_stores_both_whatever_comes() {
    let cluster = start(402);
    cluster.change(&[of_topic("compression.type", "zstd"), of_topic("message.timestamp.type", "LogAppendTime")]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let sent = text(3000);
        let response = client.call(9, &produce(&[(0, sent.clone())], -1)).await;
        let append_time = response.responses[0].partition_responses[0].log_append_time_ms;
        assert_eq!((produced(&response)[0].1, append_time > 1), (0, true));
        let mut response = client.call(11, &fetch(&[(0, 0)], 1, 1000)).await;
        let stored = response.responses[0].partitions[0].records.take().expect("records");
        let header = Header::parse(&stored).expect("a batch");
        assert_eq!((header.codec(), header.is_log_append_time()), (Some(Codec::Zstd), true));
        assert_eq!(header.max_timestamp, Timestamp(append_time));
        assert!(stored.len() < sent.len() / 4, "{} bytes", stored.len());
        let body = record::body(&header, &stored).expect("unfolds");
        let values: Vec<_> = record::records(&body, 1).map(|record| record.expect("whole").value).collect();
        assert_eq!(values, [Some("abc".repeat(1000).as_bytes())]);
    });
}

#[test]
fn a_compacted_topic_takes_no_record_without_a_key() {
    let cluster = start(403);
    cluster.change(&[of_topic("cleanup.policy", "compact")]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let mut keyed = BatchBuilder::new();
        keyed.push(Timestamp(1), Some(b"key"), Some(b"value"));
        let response = client.call(9, &produce(&[(0, batch("x")), (1, keyed.build())], -1)).await;
        assert_eq!(produced(&response), [(0, ErrorCode::InvalidRecord.code(), -1), (1, 0, 0)]);
    });
}

#[test]
fn a_minimum_of_replicas_that_one_node_cannot_have_means_all_there_are() {
    let cluster = start(404);
    cluster.change(&[of_topic("min.insync.replicas", "2")]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        assert_eq!(produced(&client.call(9, &produce(&[(0, batch("x"))], -1)).await), [(0, 0, 0)]);
    });
}

#[test]
fn connections_are_bounded_by_address_at_once_and_in_all_by_waiting() {
    let cluster = start(406);
    cluster.change(&[set(ConfigResource::AllNodes, "max.connections.per.ip", Some("3"))]);
    cluster.run(|env, at| async move {
        let mut served = Vec::new();
        for _ in 0..3 {
            let mut client = Client::connect(&env, at).await;
            assert_eq!(client.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
            served.push(client);
        }
        let mut refused = Client::connect(&env, at).await;
        assert_eq!(refused.receive().await, None, "closed, whichever core took it");
        served.pop().expect("open").conn.shutdown();
        env.sleep(Duration::from_secs(1)).await;
        let mut again = Client::connect(&env, at).await;
        assert_eq!(again.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
        for client in served.iter().chain([&again]) {
            client.conn.shutdown();
        }
        env.sleep(Duration::from_secs(1)).await;
    });
    assert_eq!(cluster.complaints(Complaint::TooManyConnections), 1);
    let all = |value| set(ConfigResource::AllNodes, "max.connections", value);
    cluster.change(&[set(ConfigResource::AllNodes, "max.connections.per.ip", None), all(Some("2"))]);
    let cores = cluster.cores.clone();
    cluster.run(|env, at| async move {
        let mut served = Vec::new();
        for _ in 0..2 {
            let mut client = Client::connect(&env, at).await;
            assert_eq!(client.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
            served.push(client);
        }
        let mut waiting = Client::connect(&env, at).await;
        waiting.send(frame::request(0, 1, None, &ApiVersionsRequest::default()).unwrap()).await;
        env.sleep(Duration::from_secs(3)).await;
        assert_eq!(cores.borrow()[0].admission.open(), 2);
        served.remove(0).conn.shutdown();
        assert!(waiting.receive().await.is_some(), "served once there is a place");
    });
}

#[test]
fn what_has_a_configuration_is_listed_by_type() {
    let cluster = start(405);
    cluster.change(&[
        set(ConfigResource::Group("g".into()), "consumer.session.timeout.ms", Some("50000")),
        set(ConfigResource::ClientMetrics("m".into()), "interval.ms", Some("1000")),
    ]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let list = async |client: &mut Client, version: i16, types: &[i8]| {
            let request = ListConfigResourcesRequest { resource_types: types.to_vec() };
            let answer = client.call(version, &request).await;
            let rows = answer.config_resources.into_iter().map(|row| (row.resource_type, row.resource_name));
            (answer.error_code, rows.collect::<Vec<_>>())
        };
        assert_eq!(list(&mut client, 0, &[]).await.1.len(), 1, "clients' metrics alone");
        assert_eq!(list(&mut client, 1, &[32, 4]).await, (0, vec![(4, "1".into()), (32, "g".into())]));
        assert_eq!(list(&mut client, 1, &[]).await.1.len(), 6);
        assert_eq!(list(&mut client, 1, &[7]).await, (ErrorCode::UnsupportedVersion.code(), vec![]));
        let (value, source, synonyms) = told(&mut client, 32, "g", "consumer.session.timeout.ms").await;
        assert_eq!((value.as_deref(), source, synonyms), (Some("50000"), 8, vec![8, 5]));
    });
}
