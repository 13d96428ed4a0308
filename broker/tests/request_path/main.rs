//! The path of a request over a simulated network and two cores: order, waiting over cores, bad input; and what each
//! kind of listener answers for; and configurations that change, topics that come and go, wall clocks that jump.

mod admin;
#[path = "../support/client.rs"]
mod client;
mod cluster;
mod configs;
mod core_listener;
mod fetch_sessions;
mod hand_over;
mod limits_of_life;
mod metrics;
mod quotas;

use std::{ops::Range, pin::Pin, rc::Rc, time::Duration};

use bytes::Bytes;
use corelog_broker::{
    core::env::{Conn, CoreId},
    limits,
    metadata::{
        call::{MetadataAnswer, MetadataCall, Refusal},
        image::ImageVersion,
    },
    net::complaints::Complaint,
    router::metadata::Controller,
};
use corelog_storage::{
    env::Env,
    ids::{ProducerEpoch, ProducerId, Timestamp},
    record::BatchBuilder,
};
use corelog_wire::{
    error_code::ErrorCode,
    frame,
    messages::{
        ApiVersionsRequest, DeleteRecordsRequest, DescribeConfigsRequest, FetchRequest, ListOffsetsRequest,
        OffsetForLeaderEpochRequest, ProduceRequest,
        delete_records::{DeleteRecordsPartition, DeleteRecordsTopic},
        describe_configs::DescribeConfigsResource,
        list_offsets::{ListOffsetsPartition, ListOffsetsTopic},
        offset_for_leader_epoch::{OffsetForLeaderPartition, OffsetForLeaderTopic},
    },
};

use client::{Client, answer};
use cluster::{
    PARTITIONS, TOPIC, TOPIC_ID, batch, fetch, fetched, produce, produced, start, start_with, start_with_journal,
};

#[test]
fn five_pipelined_requests_over_partitions_of_both_cores_are_answered_in_order() {
    for seed in 0..5 {
        let cluster = start(seed);
        cluster.run(|env, at| async move {
            let mut client = Client::connect(&env, at).await;
            let order = [0, 1, 2, 3, 1];
            for (correlation, partition) in order.into_iter().enumerate() {
                let request = produce(&[(partition, batch("a"))], -1);
                client.send(frame::request(9, correlation as i32, None, &request).unwrap()).await;
            }
            let mut offsets = Vec::new();
            for (correlation, partition) in order.into_iter().enumerate() {
                let frame = client.receive().await.expect("an answer");
                let (got, response) = answer::<ProduceRequest>(9, &frame);
                assert_eq!(got, correlation as i32);
                let outcome = produced(&response)[0];
                assert_eq!((outcome.0, outcome.1), (partition, 0));
                offsets.push(outcome.2);
            }
            assert_eq!(offsets, [0, 0, 0, 0, 1]);
        });
    }
}

#[test]
fn batches_of_one_connection_reach_a_partition_of_another_core_in_the_order_sent() {
    let cluster = start(11);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        for sequence in 0..20 {
            let mut parts = Vec::new();
            for partition in 0..PARTITIONS {
                let mut builder = BatchBuilder::new().producer(ProducerId(9), ProducerEpoch(0), sequence);
                builder.push(Timestamp(1), None, Some(b"x"));
                parts.push((partition, builder.build()));
            }
            client.send(frame::request(9, sequence, None, &produce(&parts, -1)).unwrap()).await;
        }
        for sequence in 0..20 {
            let frame = client.receive().await.expect("an answer");
            let response = answer::<ProduceRequest>(9, &frame).1;
            // The producer's sequence would be refused if any batch had overtaken another.
            for outcome in produced(&response) {
                assert_eq!((outcome.1, outcome.2), (0, i64::from(sequence)));
            }
        }
    });
}

/// More at once than the journal has room for: it waits while logs are written out, in its order.
#[test]
fn more_than_the_journal_takes_is_acknowledged_later_and_not_refused() {
    const EACH: i32 = 400;
    const SIZE: usize = 30 << 10;
    let cluster = start_with_journal(31, 4 << 20);
    cluster.set_disk_latency(Duration::from_millis(10), Duration::from_millis(20));
    cluster.run(|env, at| async move {
        let mut clients = Vec::new();
        for partition in 0..PARTITIONS {
            let client = Client::connect(&env, at).await;
            for sequence in 0..EACH {
                let mut builder = BatchBuilder::new().producer(ProducerId(9), ProducerEpoch(0), sequence);
                builder.push(Timestamp(1), None, Some(&vec![b'x'; SIZE]));
                let request = produce(&[(partition, builder.build())], -1);
                client.send(frame::request(9, sequence, None, &request).unwrap()).await;
            }
            clients.push(client);
        }
        for mut client in clients {
            for sequence in 0..EACH {
                let frame = client.receive().await.expect("an answer");
                let (correlation, response) = answer::<ProduceRequest>(9, &frame);
                let outcome = produced(&response)[0];
                assert_eq!((correlation, outcome.1, outcome.2), (sequence, 0, i64::from(sequence)));
            }
        }
    });
}

/// A disk that takes seconds for each write: what waited for five is refused, and is not in the log later on.
#[test]
fn what_waits_for_room_too_long_is_refused_and_not_appended_after_all() {
    const COUNT: i32 = 1000;
    let cluster = start_with_journal(32, 4 << 20);
    cluster.set_disk_latency(Duration::from_secs(4), Duration::from_secs(5));
    let accepted = cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        for correlation in 0..COUNT {
            let mut builder = BatchBuilder::new();
            builder.push(Timestamp(1), None, Some(&[b'x'; 30 << 10]));
            let request = ProduceRequest { timeout_ms: 600_000, ..produce(&[(0, builder.build())], -1) };
            client.send(frame::request(9, correlation, None, &request).unwrap()).await;
        }
        let mut accepted = 0;
        for correlation in 0..COUNT {
            let frame = client.receive().await.expect("an answer");
            let (answered, response) = answer::<ProduceRequest>(9, &frame);
            assert_eq!(answered, correlation);
            match produced(&response)[0] {
                (0, 0, offset) => {
                    assert_eq!(offset, accepted, "in the order sent");
                    accepted += 1;
                }
                outcome => assert_eq!(outcome.1, ErrorCode::NotEnoughReplicas.code()),
            }
        }
        accepted
    });
    assert!(0 < accepted && accepted < i64::from(COUNT), "{accepted} were accepted");
    cluster.set_disk_latency(Duration::from_micros(50), Duration::from_micros(100));
    cluster.run(move |env, at| async move {
        env.sleep(Duration::from_secs(60)).await;
        let mut client = Client::connect(&env, at).await;
        let response = client.call(11, &fetch(&[(0, 0)], 0, 0)).await;
        assert_eq!(fetched(&response)[0].2, accepted, "the high watermark");
    });
}

#[test]
fn a_waiting_fetch_over_both_cores_returns_soon_after_a_record_on_either() {
    for seed in 20..25 {
        let cluster = start(seed);
        cluster.run(|env, at| async move {
            let mut reader = Client::connect(&env, at).await;
            let mut writer = Client::connect(&env, at).await;
            let mut ends = [0i64; PARTITIONS as usize];
            for partition in [0, 1, 2, 3, 3, 0] {
                let wanted: Vec<_> = (0..PARTITIONS).map(|part| (part, ends[part as usize])).collect();
                reader.send(frame::request(11, 1, None, &fetch(&wanted, 1, 60_000)).unwrap()).await;
                env.sleep(Duration::from_millis(20)).await;
                let before = env.now();
                let response = writer.call(9, &produce(&[(partition, batch("news"))], 1)).await;
                assert_eq!(produced(&response)[0].1, 0);
                let frame = reader.receive().await.expect("an answer");
                let rows = fetched(&answer::<FetchRequest>(11, &frame).1);
                assert!(env.now().since(before) < Duration::from_secs(2), "no waiting for the time to be over");
                for row in rows {
                    assert_eq!(row.1, 0);
                    assert_eq!(row.3 > 0, row.0 == partition, "{row:?}");
                }
                ends[partition as usize] += 1;
            }
        });
    }
}

/// How long a fetch that may wait for `max_wait_ms` takes without news: the way there and back, and up to an eighth less.
fn waited_in_vain(max_wait_ms: u64) -> Range<Duration> {
    Duration::from_millis(max_wait_ms * 7 / 8)..Duration::from_millis(max_wait_ms + 1000)
}

#[test]
fn a_fetch_without_news_is_answered_when_its_time_is_over() {
    let cluster = start(31);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let before = env.now();
        let response = client.call(11, &fetch(&[(0, 0), (1, 0)], 1, 500)).await;
        assert_eq!(fetched(&response), [(0, 0, 0, 0), (1, 0, 0, 0)]);
        let waited = env.now().since(before);
        assert!(waited_in_vain(500).contains(&waited), "{waited:?}");
        let response = client.call(11, &fetch(&[(0, 5), (1, 0)], 1, 60_000)).await;
        assert_eq!(fetched(&response)[0].1, 1, "out of range, told at once");
    });
}

/// One partition is one core's, the connection's or another: with news, without, out of time and out of range.
#[test]
fn a_fetch_of_one_partition_is_answered_alike_whichever_core_has_it() {
    for seed in 40..45 {
        let cluster = start(seed);
        cluster.run(|env, at| async move {
            let mut reader = Client::connect(&env, at).await;
            let mut writer = Client::connect(&env, at).await;
            for partition in 0..PARTITIONS {
                let wanted = |offset| [(partition, offset)];
                let before = env.now();
                let response = reader.call(11, &fetch(&wanted(0), 1, 500)).await;
                assert_eq!(fetched(&response), [(partition, 0, 0, 0)]);
                let waited = env.now().since(before);
                assert!(waited_in_vain(500).contains(&waited), "{waited:?}");

                reader.send(frame::request(11, 1, None, &fetch(&wanted(0), 1, 60_000)).unwrap()).await;
                env.sleep(Duration::from_millis(20)).await;
                let before = env.now();
                writer.call(9, &produce(&[(partition, batch("news"))], 1)).await;
                let frame = reader.receive().await.expect("an answer");
                let told = fetched(&answer::<FetchRequest>(11, &frame).1)[0];
                assert!(env.now().since(before) < Duration::from_secs(2), "no waiting for the time to be over");
                assert!(told.1 == 0 && told.3 > 0, "{told:?}");

                let response = reader.call(11, &fetch(&wanted(0), 1, 60_000)).await;
                assert_eq!(fetched(&response)[0].3, told.3, "what is there is answered at once");
                let response = reader.call(11, &fetch(&wanted(9), 1, 60_000)).await;
                assert_eq!(fetched(&response)[0].1, 1, "out of range, told at once");
            }
        });
    }
}

#[test]
fn refused_batches_say_why_and_harm_nobody() {
    let cluster = start(41);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let good = batch("good");
        let mut damaged = good.to_vec();
        *damaged.last_mut().unwrap() ^= 1;
        let parts =
            [(0, Bytes::from(damaged)), (1, good.slice(..good.len() - 1)), (2, good.clone()), (9, good.clone())];
        let response = client.call(9, &produce(&parts, -1)).await;
        assert_eq!(produced(&response), [(0, 2, -1), (1, 87, -1), (2, 0, 0), (9, 3, -1)]);
        let response = client.call(9, &produce(&[(0, good)], 5)).await;
        assert_eq!(produced(&response), [(0, 21, -1)], "acks of 5");
    });
    assert_eq!(cluster.complaints(Complaint::BadBatch), 2);
}

#[test]
fn records_at_fault_are_named_from_version_8_on() {
    let cluster = start(42);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let mut builder = BatchBuilder::new();
        for time in [1, 1 << 60, 2, 1 << 61] {
            builder.push(Timestamp(time), None, Some(b"value"));
        }
        let parts = [(0, builder.build()), (1, batch("good"))];
        for version in [7, 8, 9] {
            let response = client.call(version, &produce(&parts, -1)).await;
            assert_eq!(produced(&response)[0], (0, 32, -1), "a batch goes in whole or not at all");
            assert_eq!(produced(&response)[1].1, 0, "the other partition has nothing to do with it");
            let refused = &response.responses[0].partition_responses[0];
            let named: Vec<i32> = refused.record_errors.iter().map(|record| record.batch_index).collect();
            assert_eq!(named, if version < 8 { vec![] } else { vec![1, 3] }, "version {version}");
            let words = refused.record_errors.iter().all(|record| record.batch_index_error_message.is_some());
            assert!(words && refused.error_message.is_some() == (version >= 8), "version {version}");
        }
    });
    assert_eq!(cluster.complaints(Complaint::BadBatch), 3);
}

#[test]
fn produce_without_acks_sends_nothing_and_closes_on_an_error() {
    let cluster = start(51);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        client.send(frame::request(9, 1, None, &produce(&[(0, batch("a")), (1, batch("b"))], 0)).unwrap()).await;
        let question = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: TOPIC.to_owned(),
                partitions: (0..2)
                    .map(|partition_index| ListOffsetsPartition {
                        partition_index,
                        timestamp: -2,
                        ..ListOffsetsPartition::default()
                    })
                    .collect(),
            }],
            ..ListOffsetsRequest::default()
        };
        let answer = client.call(5, &question).await;
        assert!(answer.topics[0].partitions.iter().all(|part| (part.error_code, part.offset) == (0, 0)));
        client.send(frame::request(9, 2, None, &produce(&[(9, batch("a"))], 0)).unwrap()).await;
        assert_eq!(client.receive().await, None);
    });
    assert_eq!(cluster.complaints(Complaint::UnansweredProduce), 1);
}

#[test]
fn garbage_closes_its_connection_after_the_answers_before_it_and_no_other() {
    let cases: [(&[u8], Complaint); 6] = [
        (b"GET / HTTP/1.1\r\n\r\n", Complaint::BadFrame),
        (&[0xff, 0xff, 0xff, 0xff], Complaint::BadFrame),
        (&[0, 0, 0, 4, 0, 18, 0, 0], Complaint::BadFrame),
        (&[0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff], Complaint::BadFrame),
        (&[0, 0, 0, 10, 0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0xff], Complaint::UnsupportedVersion),
        (&[0, 0, 0, 14, 0, 2, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff], Complaint::BadRequest),
    ];
    let cluster = start(61);
    for (garbage, complaint) in cases {
        let before = cluster.complaints(complaint);
        cluster.run(move |env, at| async move {
            let mut bystander = Client::connect(&env, at).await;
            let mut client = Client::connect(&env, at).await;
            let hello = frame::request(0, 77, None, &ApiVersionsRequest::default()).unwrap();
            let mut bytes = hello.to_vec();
            bytes.extend_from_slice(garbage);
            client.send(bytes.into()).await;
            let frame = client.receive().await.expect("what came before is answered");
            assert_eq!(answer::<ApiVersionsRequest>(0, &frame).0, 77);
            assert_eq!(client.receive().await, None, "then the connection is closed");
            let answer = bystander.call(0, &ApiVersionsRequest::default()).await;
            assert_eq!(answer.error_code, 0);
        });
        assert_eq!(cluster.complaints(complaint), before + 1, "{garbage:?}");
    }
}

#[test]
fn api_versions_of_the_future_is_answered_in_version_0() {
    let cluster = start(71);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        client.send(Bytes::from_static(&[0, 0, 0, 10, 0, 18, 0, 99, 0, 0, 0, 4, 0xff, 0xff])).await;
        let frame = client.receive().await.expect("an answer");
        let (correlation, response) = answer::<ApiVersionsRequest>(0, &frame);
        assert_eq!((correlation, response.error_code, response.api_keys.len()), (4, 35, 1));
        let response = client
            .call(
                4,
                &ApiVersionsRequest {
                    client_software_name: "test".to_owned(),
                    client_software_version: "1.0".to_owned(),
                    ..ApiVersionsRequest::default()
                },
            )
            .await;
        let produce = response.api_keys.iter().find(|row| row.api_key == 0).expect("Produce is served");
        assert_eq!((produce.min_version, produce.max_version), (0, 13));
    });
}

#[test]
fn every_version_of_the_record_apis_is_answered() {
    let cluster = start(75);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        for version in 1..=11 {
            let partition = ListOffsetsPartition { timestamp: -1, ..ListOffsetsPartition::default() };
            let topics = vec![ListOffsetsTopic { name: TOPIC.to_owned(), partitions: vec![partition] }];
            let answer = client.call(version, &ListOffsetsRequest { topics, ..ListOffsetsRequest::default() }).await;
            let part = &answer.topics[0].partitions[0];
            assert_eq!((part.error_code, part.offset), (0, 0), "version {version}");
        }
        for version in 3..=13 {
            let mut request = produce(&[(0, batch("a")), (1, batch("b"))], -1);
            if version >= 13 {
                request.topic_data[0].name = String::new();
                request.topic_data[0].topic_id = corelog_wire::Uuid(TOPIC_ID.0);
            }
            let response = client.call(version, &request).await;
            let offset = i64::from(version) - 3;
            assert_eq!(produced(&response), [(0, 0, offset), (1, 0, offset)], "version {version}");
        }
        for version in 4..=18 {
            let mut request = fetch(&[(0, 10), (1, 10)], 1, 1000);
            if version >= 13 {
                request.topics[0].topic = String::new();
                request.topics[0].topic_id = corelog_wire::Uuid(TOPIC_ID.0);
            }
            let response = client.call(version, &request).await;
            assert!(fetched(&response).iter().all(|row| row.1 == 0 && row.3 > 0), "version {version}");
        }
        for version in 1..=4 {
            let resource = DescribeConfigsResource {
                resource_type: 2,
                resource_name: TOPIC.to_owned(),
                ..DescribeConfigsResource::default()
            };
            let request = DescribeConfigsRequest { resources: vec![resource], ..DescribeConfigsRequest::default() };
            let answer = client.call(version, &request).await;
            assert_eq!((answer.results[0].error_code, answer.results[0].configs.len()), (0, 33), "version {version}");
        }
        for version in 2..=4 {
            let partition = OffsetForLeaderPartition::default();
            let topics = vec![OffsetForLeaderTopic { topic: TOPIC.to_owned(), partitions: vec![partition] }];
            let request = OffsetForLeaderEpochRequest { topics, ..OffsetForLeaderEpochRequest::default() };
            let answer = client.call(version, &request).await;
            assert_eq!(answer.topics[0].partitions[0].error_code, 0, "version {version}");
        }
        for version in 0..=2 {
            let partition = DeleteRecordsPartition { partition_index: 1, offset: -1 };
            let topics = vec![DeleteRecordsTopic { name: TOPIC.to_owned(), partitions: vec![partition] }];
            let answer = client.call(version, &DeleteRecordsRequest { topics, timeout_ms: 1000 }).await;
            let part = &answer.topics[0].partitions[0];
            assert_eq!((part.error_code, part.low_watermark), (0, 11), "version {version}");
        }
    });
}

#[test]
fn what_was_asked_before_the_clients_end_of_stream_is_answered() {
    let cluster = start(81);
    cluster.run(|env, at| async move {
        let idle = Client::connect(&env, at).await;
        idle.conn.shutdown();
        let mut client = Client::connect(&env, at).await;
        client.send(Bytes::from_static(&[0, 0, 0, 50, 0, 18])).await;
        client.conn.shutdown();
        assert_eq!(client.receive().await, None);
        env.sleep(Duration::from_secs(5)).await;
    });
    assert_eq!(cluster.complaints(Complaint::Truncated), 1);
    assert!(cluster.cores.borrow().iter().all(|core| core.connections.count() == 0), "nothing is left behind");
    assert!(cluster.cores.borrow().iter().all(|core| core.budget.used() == 0));
}

#[test]
fn many_slow_senders_that_announce_much_cost_little() {
    let cluster = start(91);
    let cores = cluster.cores.clone();
    cluster.run(move |env, at| async move {
        let mut slow = Vec::new();
        for _ in 0..100 {
            let client = Client::connect(&env, at).await;
            client.send(Bytes::from_static(&[6, 0, 0, 0, 0, 0, 0, 9])).await;
            slow.push(client);
        }
        env.sleep(Duration::from_secs(3)).await;
        let held: usize = cores.borrow().iter().map(|core| core.budget.used()).sum();
        assert!(held <= 100 * limits::FRAME_BUFFER_MIN, "{held} bytes");
        let mut client = Client::connect(&env, at).await;
        let response = client.call(9, &produce(&[(0, batch("a")), (1, batch("b"))], -1)).await;
        assert_eq!(produced(&response), [(0, 0, 0), (1, 0, 0)]);
    });
}

/// Refuses whatever it is asked.
struct Refusing;

impl Controller for Refusing {
    fn call(&self, _: MetadataCall) -> Pin<Box<dyn Future<Output = MetadataAnswer>>> {
        let refusal = Refusal { code: ErrorCode::PolicyViolation, message: Some("Too many.".to_owned()) };
        Box::pin(async { MetadataAnswer::TopicsCreated(vec![Err(refusal)]) })
    }

    fn applied(&self, _: CoreId, _: ImageVersion) {}
}

#[test]
fn groups_without_a_topic_to_be_kept_in_are_told_so_and_it_is_counted() {
    let cluster = start_with(99, &[(TOPIC_ID, TOPIC)]);
    assert!(cluster.cores.borrow()[0].controller.set(Rc::new(Refusing)).is_ok());
    cluster.run(|env, at| async move {
        for _ in 0..2 {
            let mut client = Client::connect(&env, at).await;
            let found = core_listener::coordinator(&mut client, 6, "a").await;
            assert_eq!(found, (ErrorCode::CoordinatorNotAvailable as i16, -1, String::new(), -1));
        }
    });
    assert_eq!(cluster.complaints(Complaint::NoOffsetsTopic), 2);
}
