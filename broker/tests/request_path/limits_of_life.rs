//! What a long life must not do: a topic made anew serves nothing of the one before, whoever asks by whichever name; a
//! wall clock that jumps ends no session, no wait and no committed offset.

use std::time::Duration;

use corelog_broker::metadata::record::MetadataRecord;
use corelog_storage::{env::Env, ids::TopicId};
use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    frame,
    messages::{
        DescribeGroupsRequest, FetchRequest, HeartbeatRequest, OffsetFetchRequest, SyncGroupRequest,
        offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopics},
    },
};

use crate::{
    client::{Client, answer},
    cluster::{Cluster, TOPIC, TOPIC_ID, batch, fetch, fetched, produce, produced, start, topic_records},
    core_listener::{by_id, commit, committed, joined},
};

const UNKNOWN_TOPIC_ID: i16 = ErrorCode::UnknownTopicId as i16;
const HOUR_MS: i64 = 3_600_000;
const YEAR_MS: i64 = 365 * 24 * HOUR_MS;

/// The id that the topic has after so many rebirths.
fn id(life: u8) -> TopicId {
    if life == 0 { TOPIC_ID } else { TopicId([100 + life; 16]) }
}

/// The topic is deleted and made anew; in one step of the cluster's metadata, or in two.
fn reborn(cluster: &Cluster, life: u8) {
    let gone = MetadataRecord::RemoveTopic { id: id(life) };
    let anew = topic_records(id(life + 1), TOPIC);
    if life.is_multiple_of(2) {
        cluster.change(&[vec![gone], anew].concat());
    } else {
        cluster.change(&[gone]);
        cluster.change(&anew);
    }
}

fn fetch_by_id(topic: TopicId, partition: i32, max_wait_ms: i32) -> FetchRequest {
    let mut request = fetch(&[(partition, 0)], 1, max_wait_ms);
    request.topics[0].topic = String::new();
    request.topics[0].topic_id = Uuid(topic.0);
    request
}

/// What the group committed for partition 0 of the topic, asked by its name.
async fn committed_for(client: &mut Client, group: &str) -> i64 {
    let topic = OffsetFetchRequestTopics {
        name: TOPIC.to_owned(),
        partition_indexes: vec![0],
        ..OffsetFetchRequestTopics::default()
    };
    let group = OffsetFetchRequestGroup { group_id: group.to_owned(), topics: Some(vec![topic]), ..Default::default() };
    let answer = client.call(9, &OffsetFetchRequest { groups: vec![group], ..Default::default() }).await;
    answer.groups[0].topics[0].partitions[0].committed_offset
}

#[test]
fn a_topic_made_anew_serves_nothing_of_the_one_before() {
    for seed in 300..304 {
        let cluster = start(seed);
        for life in 0..4 {
            // Records of this life, a group that read them, and two fetches that wait for more of them.
            let mut waiting = cluster.run(move |env, at| async move {
                env.sleep(Duration::from_secs(1)).await;
                let mut client = Client::connect(&env, at).await;
                for partition in 0..2 {
                    let response = client.call(9, &produce(&[(partition, batch(&format!("life {life}")))], -1)).await;
                    assert_eq!(produced(&response), [(partition, 0, 0)], "a new topic begins at its beginning");
                }
                assert_eq!(commit(&mut client, "g", 1).await, 0);
                let mut waiting = Vec::new();
                for partition in 0..2 {
                    let client = Client::connect(&env, at).await;
                    let mut request = fetch_by_id(id(life), partition, 60_000);
                    request.topics[0].partitions[0].fetch_offset = 1;
                    client.send(frame::request(13, 1, None, &request).unwrap()).await;
                    waiting.push(client);
                }
                env.sleep(Duration::from_millis(env.random() % 50)).await;
                waiting
            });
            reborn(&cluster, life);
            cluster.run(move |env, at| async move {
                for client in &mut waiting {
                    let before = env.now();
                    let told = fetched(&answer::<FetchRequest>(13, &client.receive().await.expect("an answer")).1)[0];
                    assert!(told.1 != 0 && told.3 == 0, "who waited is told that the topic is gone: {told:?}");
                    assert!(env.now().since(before) < Duration::from_secs(1), "at once");
                }
                let mut client = Client::connect(&env, at).await;
                for partition in 0..2 {
                    let by_old_id = client.call(13, &fetch_by_id(id(life), partition, 0)).await;
                    assert_eq!(fetched(&by_old_id), [(partition, UNKNOWN_TOPIC_ID, -1, 0)]);
                    let mut late = by_id(produce(&[(partition, batch("too late"))], -1));
                    late.topic_data[0].topic_id = Uuid(id(life).0);
                    assert_eq!(produced(&client.call(13, &late).await), [(partition, UNKNOWN_TOPIC_ID, -1)]);
                    let by_new_id = client.call(13, &fetch_by_id(id(life + 1), partition, 0)).await;
                    assert_eq!(fetched(&by_new_id), [(partition, 0, 0, 0)], "an empty log");
                    let by_name = client.call(11, &fetch(&[(partition, 0)], 0, 0)).await;
                    assert_eq!(fetched(&by_name), [(partition, 0, 0, 0)], "an empty log");
                    let beyond = client.call(11, &fetch(&[(partition, 1)], 0, 0)).await;
                    assert_eq!(fetched(&beyond)[0].1, ErrorCode::OffsetOutOfRange as i16, "where the old one ended");
                }
                assert_eq!(committed_for(&mut client, "g").await, -1, "an offset of the one before is none of this");
                assert_eq!(committed(&mut client, "g").await.1, [0; 0]);
            });
        }
    }
}

#[test]
fn waits_and_sessions_go_by_the_monotonic_clock() {
    for (seed, offset) in [(310, YEAR_MS), (311, -YEAR_MS), (312, HOUR_MS), (313, 0)] {
        let cluster = start(seed);
        let (mut member, generation, id, reader) = cluster.run(|env, at| async move {
            env.sleep(Duration::from_secs(1)).await;
            let mut member = Client::connect(&env, at).await;
            let joined = joined(&mut member, "a").await;
            let sync = SyncGroupRequest {
                group_id: "a".to_owned(),
                generation_id: joined.generation_id,
                member_id: joined.member_id.clone(),
                ..SyncGroupRequest::default()
            };
            assert_eq!(member.call(3, &sync).await.error_code, 0);
            let reader = Client::connect(&env, at).await;
            reader.send(frame::request(11, 1, None, &fetch(&[(0, 0), (1, 0)], 1, 1_000)).unwrap()).await;
            (member, joined.generation_id, joined.member_id, reader)
        });
        cluster.set_wall_offset(offset);
        cluster.run(move |env, at| async move {
            let mut reader = reader;
            let before = env.now();
            let response = answer::<FetchRequest>(11, &reader.receive().await.expect("an answer")).1;
            assert_eq!(fetched(&response), [(0, 0, 0, 0), (1, 0, 0, 0)]);
            let waited = env.now().since(before);
            assert!(waited > Duration::from_millis(500) && waited < Duration::from_secs(2), "{waited:?}");
            let beat = HeartbeatRequest {
                group_id: "a".to_owned(),
                generation_id: generation,
                member_id: id,
                ..HeartbeatRequest::default()
            };
            for _ in 0..3 {
                env.sleep(Duration::from_secs(20)).await;
                assert_eq!(member.call(4, &beat).await.error_code, 0, "a session of 30 s, a heartbeat every 20");
            }
            env.sleep(Duration::from_secs(31)).await;
            let mut other = Client::connect(&env, at).await;
            let groups = vec!["a".to_owned()];
            let described = other.call(5, &DescribeGroupsRequest { groups, ..Default::default() }).await;
            assert!(described.groups[0].members.is_empty(), "without a heartbeat it ends");
        });
    }
}

/// Offsets expire a week after their group became empty: by the time that passed, not by what the clock says.
#[test]
fn a_wall_clock_a_year_ahead_expires_no_committed_offset() {
    let cluster = start(320);
    cluster.run(|env, at| async move {
        env.sleep(Duration::from_secs(1)).await;
        assert_eq!(commit(&mut Client::connect(&env, at).await, "g", 7).await, 0);
    });
    cluster.set_wall_offset(YEAR_MS);
    for (hours, expected) in [(12, 7), (24 * 8, -1)] {
        cluster.run(move |env, at| async move {
            env.sleep(Duration::from_secs(3600 * hours)).await;
            assert_eq!(committed_for(&mut Client::connect(&env, at).await, "g").await, expected, "after {hours} h");
        });
        // It was wrong for half a day.
        cluster.set_wall_offset(0);
    }
}
