//! Fetch sessions: a client names and is told only what changed, and still reads every record once, in order, wherever
//! its connection is.

use std::time::Duration;

use corelog_broker::{limits, sim::SimNetEnv};
use corelog_storage::env::Env;
use corelog_wire::messages::{FetchRequest, FetchResponse, fetch::ForgottenTopic};

use crate::{
    client::{Client, answer},
    cluster::{CORES, Cluster, PARTITIONS, TOPIC, TOPIC_ID, batch, fetch, fetched, produce, produced, start},
};

const VERSION: i16 = 11;
const ID_VERSION: i16 = 13;
const UNKNOWN_PARTITION: i16 = 3;
const SESSION_UNKNOWN: i16 = 70;
const SESSION_EPOCH: i16 = 71;
const SESSION_TOPIC_ID: i16 = 106;

/// A consumer that fetches within a session.
struct Consumer {
    client: Client,
    id: i32,
    epoch: i32,
}

impl Consumer {
    async fn new(env: &SimNetEnv, at: std::net::SocketAddr) -> Self {
        Self { client: Client::connect(env, at).await, id: 0, epoch: 0 }
    }

    /// One fetch: what is asked anew, and what is forgotten.
    async fn fetch(&mut self, offsets: &[(i32, i64)], forgotten: &[i32], max_wait_ms: i32) -> FetchResponse {
        let response = self.client.call(VERSION, &self.request(offsets, forgotten, max_wait_ms)).await;
        assert_eq!(response.error_code, 0);
        (self.id, self.epoch) = (response.session_id, self.epoch + 1);
        response
    }

    fn request(&self, offsets: &[(i32, i64)], forgotten: &[i32], max_wait_ms: i32) -> FetchRequest {
        let mut request = fetch(offsets, 1, max_wait_ms);
        if offsets.is_empty() {
            request.topics.clear();
        }
        if !forgotten.is_empty() {
            let (topic, partitions) = (TOPIC.to_owned(), forgotten.to_vec());
            request.forgotten_topics_data = vec![ForgottenTopic { topic, partitions, ..ForgottenTopic::default() }];
        }
        (request.session_id, request.session_epoch) = (self.id, self.epoch);
        request
    }
}

async fn write(writer: &mut Client, partition: i32, text: &str) {
    let response = writer.call(9, &produce(&[(partition, batch(text))], -1)).await;
    assert_eq!(produced(&response)[0].1, 0);
}

fn sessions(cluster: &Cluster) -> usize {
    cluster.cores.borrow().iter().map(|core| core.fetch_sessions.count()).sum()
}

#[test]
fn a_session_is_told_only_what_changed() {
    let cluster = start(300);
    cluster.run(|env, at| async move {
        let (mut consumer, mut writer) = (Consumer::new(&env, at).await, Client::connect(&env, at).await);
        let all: Vec<_> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
        let first = consumer.fetch(&all, &[], 0).await;
        assert!(first.session_id > 0);
        assert_eq!(fetched(&first).len(), PARTITIONS as usize, "the first answer is about all");
        assert_eq!(fetched(&consumer.fetch(&[], &[], 10).await), [], "nothing happened");
        write(&mut writer, 2, "news").await;
        let news = fetched(&consumer.fetch(&[], &[], 1000).await);
        assert_eq!((news.len(), news[0].0, news[0].2), (1, 2, 1));
        assert!(news[0].3 > 0);
        assert_eq!(fetched(&consumer.fetch(&[(2, 1)], &[], 10).await), [], "what was read is not told again");
        write(&mut writer, 3, "forgotten").await;
        assert_eq!(fetched(&consumer.fetch(&[], &[3], 10).await), [], "what was forgotten is not told");
        assert_eq!(fetched(&consumer.fetch(&[(3, 0)], &[], 10).await)[0].0, 3, "asked for again");
    });
}

#[test]
fn a_session_looks_only_at_partitions_to_which_something_happened() {
    let cluster = start(305);
    let cores = cluster.cores.clone();
    let looks = move || cores.borrow().iter().map(|core| core.metrics.counts().fetch_looks).sum::<u64>();
    cluster.run(move |env, at| async move {
        let (mut consumer, mut writer) = (Consumer::new(&env, at).await, Client::connect(&env, at).await);
        let all: Vec<_> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
        consumer.fetch(&all, &[], 0).await;
        assert_eq!(looks(), PARTITIONS as u64, "the first fetch is about all");
        for _ in 0..50 {
            consumer.fetch(&[], &[], 1).await;
        }
        assert_eq!(looks(), PARTITIONS as u64, "nothing happened");
        for offset in 0..50 {
            write(&mut writer, 2, "news").await;
            consumer.fetch(&[], &[], 1000).await;
            consumer.fetch(&[(2, offset + 1)], &[], 0).await;
        }
        assert_eq!(looks(), PARTITIONS as u64 + 2 * 50, "what was written, and what was asked anew");
    });
}

#[test]
fn a_waiting_session_is_woken_by_any_of_its_partitions() {
    for seed in 310..315 {
        let cluster = start(seed);
        cluster.run(|env, at| async move {
            let (mut consumer, mut writer) = (Consumer::new(&env, at).await, Client::connect(&env, at).await);
            let all: Vec<_> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
            consumer.fetch(&all, &[], 0).await;
            for partition in [1, 0, 3, 2] {
                let request = consumer.request(&[], &[], 60_000);
                let frame = corelog_wire::frame::request(VERSION, 1, None, &request).unwrap();
                consumer.client.send(frame).await;
                env.sleep(Duration::from_millis(5)).await;
                let before = env.now();
                write(&mut writer, partition, "news").await;
                let frame = consumer.client.receive().await.expect("an answer");
                assert!(env.now().since(before) < Duration::from_secs(2), "no waiting for the time to be over");
                let response = answer::<FetchRequest>(VERSION, &frame).1;
                assert_eq!(fetched(&response).iter().map(|row| row.0).collect::<Vec<_>>(), [partition]);
                consumer.epoch += 1;
                consumer.fetch(&[(partition, 1)], &[], 0).await;
            }
        });
    }
}

#[test]
fn every_record_is_read_once_in_order_while_the_session_moves_and_changes() {
    for seed in 320..330 {
        let cluster = start(seed);
        cluster.run(move |env, at| async move {
            let (mut consumer, mut writer) = (Consumer::new(&env, at).await, Client::connect(&env, at).await);
            let mut written = [0; PARTITIONS as usize];
            let mut read = [0; PARTITIONS as usize];
            let mut watched = [false; PARTITIONS as usize];
            let mut changed: Vec<(i32, i64)> = vec![(0, 0)];
            watched[0] = true;
            for round in 0..400 {
                // Long stretches about one core's partitions, which move the connection there.
                let core = (round / 100) % i32::from(CORES);
                let partition = core + i32::from(CORES) * (env.random() % 2) as i32;
                if env.random().is_multiple_of(3) {
                    write(&mut writer, partition, "x").await;
                    written[partition as usize] += 1;
                }
                let mut forgotten = Vec::new();
                for other in 0..PARTITIONS {
                    let wanted = other % i32::from(CORES) == core;
                    let is_watched = std::mem::replace(&mut watched[other as usize], wanted);
                    if is_watched && !wanted {
                        changed.retain(|(partition, _)| *partition != other);
                        forgotten.push(other);
                    } else if wanted && !is_watched {
                        changed.push((other, read[other as usize]));
                    }
                }
                let response = consumer.fetch(&changed, &forgotten, 1).await;
                changed.clear();
                for (partition, error, high_watermark, bytes) in fetched(&response) {
                    assert_eq!(error, 0);
                    if bytes > 0 {
                        assert!(watched[partition as usize]);
                        assert_eq!(high_watermark, written[partition as usize]);
                        assert!(high_watermark > read[partition as usize], "nothing is told twice");
                        read[partition as usize] = high_watermark;
                        changed.push((partition, high_watermark));
                    }
                }
            }
            let rest: Vec<_> = (0..PARTITIONS).map(|partition| (partition, read[partition as usize])).collect();
            for (partition, _, high_watermark, bytes) in fetched(&consumer.fetch(&rest, &[], 1).await) {
                let behind = read[partition as usize] < high_watermark;
                assert_eq!(bytes > 0, behind);
            }
        });
        let moves: u64 = cluster.cores.borrow().iter().map(|core| core.metrics.counts().connections_taken_over).sum();
        assert!(moves > 0, "it moved");
        cluster.run(|env, _| async move { env.sleep(Duration::from_secs(5)).await });
        assert_eq!(sessions(&cluster), 0, "it ended with its connection");
        assert!(cluster.cores.borrow().iter().all(|core| core.budget.used() == 0));
    }
}

#[test]
fn full_answers_give_each_partition_its_turn() {
    let cluster = start(340);
    cluster.run(|env, at| async move {
        let (mut consumer, mut writer) = (Consumer::new(&env, at).await, Client::connect(&env, at).await);
        for partition in 0..PARTITIONS {
            for _ in 0..3 {
                write(&mut writer, partition, &"x".repeat(1000)).await;
            }
        }
        let mut offsets: Vec<(i32, i64)> = (0..PARTITIONS).map(|partition| (partition, 0)).collect();
        let mut turns = Vec::new();
        for _ in 0..2 * PARTITIONS {
            let mut request = consumer.request(&offsets, &[], 0);
            request.max_bytes = 1; // one batch
            let response = consumer.client.call(VERSION, &request).await;
            (consumer.id, consumer.epoch) = (response.session_id, consumer.epoch + 1);
            offsets.clear();
            let rows = fetched(&response);
            let (partition, ..) = *rows.iter().find(|row| row.3 > 0).expect("a batch");
            offsets.push((partition, turns.iter().filter(|turn| **turn == partition).count() as i64 + 1));
            turns.push(partition);
        }
        assert_eq!(turns, [0, 1, 2, 3, 0, 1, 2, 3]);
    });
}

#[test]
fn a_request_out_of_order_or_of_no_session_is_refused() {
    let cluster = start(350);
    cluster.run(|env, at| async move {
        let mut consumer = Consumer::new(&env, at).await;
        consumer.fetch(&[(0, 0)], &[], 0).await;
        let own = consumer.id;
        for (id, epoch, version, error) in [
            (own, 5, VERSION, SESSION_EPOCH),
            (own + 1, 1, VERSION, SESSION_UNKNOWN),
            (0, 1, VERSION, SESSION_UNKNOWN),
            (own, 1, ID_VERSION, SESSION_TOPIC_ID),
        ] {
            let mut request = consumer.request(&[], &[], 0);
            (request.session_id, request.session_epoch) = (id, epoch);
            let response = consumer.client.call(version, &request).await;
            assert_eq!((response.error_code, response.session_id), (error, 0));
        }
        consumer.fetch(&[], &[], 0).await; // all that did no harm
        let mut last = consumer.request(&[], &[], 0);
        last.session_epoch = -1;
        assert_eq!(consumer.client.call(VERSION, &last).await.error_code, 0);
        let gone = consumer.client.call(VERSION, &consumer.request(&[], &[], 0)).await;
        assert_eq!(gone.error_code, SESSION_UNKNOWN, "it was ended");
    });
    assert_eq!(sessions(&cluster), 0);
}

#[test]
fn an_error_is_told_again_and_so_is_its_end() {
    let cluster = start(360);
    cluster.run(|env, at| async move {
        let mut consumer = Consumer::new(&env, at).await;
        consumer.fetch(&[(0, 0), (PARTITIONS, 0)], &[], 0).await;
        for _ in 0..3 {
            let rows = fetched(&consumer.fetch(&[], &[], 60_000).await);
            assert_eq!((rows.len(), rows[0].0, rows[0].1), (1, PARTITIONS, UNKNOWN_PARTITION));
        }
        consumer.fetch(&[(0, 5)], &[PARTITIONS], 0).await; // out of range
        let rows = fetched(&consumer.fetch(&[(0, 0)], &[], 0).await);
        assert_eq!(rows, [(0, 0, 0, 0)], "in range again");
        assert_eq!(fetched(&consumer.fetch(&[], &[], 0).await), []);
    });
}

#[test]
fn topics_are_watched_by_id_too() {
    let cluster = start(365);
    cluster.run(|env, at| async move {
        let (mut consumer, mut writer) = (Consumer::new(&env, at).await, Client::connect(&env, at).await);
        let mut request = consumer.request(&[(0, 0), (1, 0)], &[], 0);
        request.topics[0].topic_id = corelog_wire::Uuid(TOPIC_ID.0);
        let first = consumer.client.call(ID_VERSION, &request).await;
        assert_eq!(fetched(&first).len(), 2);
        (consumer.id, consumer.epoch) = (first.session_id, 1);
        write(&mut writer, 1, "news").await;
        let second = consumer.client.call(ID_VERSION, &consumer.request(&[], &[], 100)).await;
        assert_eq!(second.responses[0].topic_id.0, TOPIC_ID.0);
        assert_eq!(fetched(&second).iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(), [(1, 1)]);
    });
}

#[test]
fn what_would_take_too_much_memory_is_answered_without_a_session() {
    let cluster = start(370);
    cluster.run(|env, at| async move {
        let mut consumer = Consumer::new(&env, at).await;
        let many: Vec<_> = (0..20_000).map(|partition| (partition, 0)).collect();
        let response = consumer.fetch(&many, &[], 0).await;
        assert_eq!((response.session_id, fetched(&response).len()), (0, many.len()));
        consumer.epoch = 0;
        assert!(consumer.fetch(&many[..100], &[], 0).await.session_id > 0);
        let more = consumer.client.call(VERSION, &consumer.request(&many, &[], 0)).await;
        assert_eq!(more.error_code, SESSION_UNKNOWN, "it must begin again");
    });
    assert_eq!(sessions(&cluster), 0);
}

#[test]
fn partitions_that_come_and_go_take_no_more_memory_than_those_that_are_there_at_once() {
    const MANY: i32 = 1000;
    let cluster = start(380);
    let cores = cluster.cores.clone();
    let used = move || cores.borrow().iter().map(|core| core.budget.used()).max().unwrap_or(0);
    cluster.run(move |env, at| async move {
        let mut consumer = Consumer::new(&env, at).await;
        consumer.fetch(&[(0, 0)], &[], 0).await;
        let mut sizes = Vec::new();
        for round in 0..5 {
            let first = PARTITIONS + MANY * round;
            let some: Vec<_> = (first..first + MANY).map(|partition| (partition, 0)).collect();
            consumer.fetch(&some, &[], 0).await;
            env.sleep(Duration::from_millis(10)).await;
            sizes.push(used());
            consumer.fetch(&[], &(first..first + MANY).collect::<Vec<_>>(), 0).await;
            env.sleep(Duration::from_millis(10)).await;
            assert!(used() > MANY as usize * limits::FETCH_SESSION_PARTITION, "what was taken once stays");
        }
        assert!(sizes.iter().all(|size| *size == sizes[0]), "room is used again: {sizes:?}");
    });
}
