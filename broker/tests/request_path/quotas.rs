//! Quotas of clients: who has used more than its share is told so at once and waits, on whichever cores its connections
//! are; nothing that was asked is lost, doubled or overtaken meanwhile.

use std::{cell::Cell, rc::Rc, time::Duration};

use corelog_broker::{
    core::env::Conn,
    metadata::{
        quota::{QuotaEntity, QuotaKey, QuotaName, QuotaValue},
        record::MetadataRecord,
    },
    metrics::snapshot::CoreSnapshot,
    quota::core_quotas::Use,
    sim::SimNetEnv,
};
use corelog_storage::env::{Env, Lane};
use corelog_wire::{
    error_code::ErrorCode,
    frame,
    messages::{
        AlterClientQuotasRequest, ApiVersionsRequest, DescribeClientQuotasRequest, FetchRequest, ProduceRequest,
        alter_client_quotas::{RequestEntityData, RequestEntryData},
        describe_client_quotas::ComponentData,
    },
};

use crate::{
    client::{Client, answer},
    cluster::{CORES, Cluster, batch, fetch, fetched, produce, produced, start},
};

/// What the client of these tests calls itself: see [`Client::call`].
const CLIENT_ID: &str = "test";

fn entity(user: Option<&str>, client_id: Option<&str>) -> QuotaEntity {
    let name = |name: &str| match name {
        "" => QuotaName::Default,
        name => QuotaName::Named(name.to_owned()),
    };
    QuotaEntity { user: user.map(name), client_id: client_id.map(name), ip: None }
}

fn quota(entity: QuotaEntity, key: QuotaKey, value: f64) -> MetadataRecord {
    MetadataRecord::Quota { entity, key, value: Some(QuotaValue::new(value)) }
}

fn of_client(key: QuotaKey, value: f64) -> MetadataRecord {
    quota(entity(None, Some(CLIENT_ID)), key, value)
}

fn throttled(cluster: &Cluster, what: Use) -> Vec<u64> {
    let of = |core: CoreSnapshot| {
        core.throttles.iter().find(|(kind, _)| *kind == what).map_or(0, |(_, times)| times.count())
    };
    cluster.cores.borrow().iter().map(|core| of(CoreSnapshot::take(core))).collect()
}

fn wait(ms: i32) -> Duration {
    Duration::from_millis(u64::try_from(ms).expect("not negative"))
}

/// Produces without a pause until `end`; counts the bytes of requests sent after `begin`.
async fn press(env: SimNetEnv, mut client: Client, partition: i32, span: (Duration, Duration), sent: Rc<Cell<usize>>) {
    let started = env.now();
    while env.now().since(started) < span.1 {
        let request =
            frame::request(9, 5, Some(CLIENT_ID), &produce(&[(partition, batch(&"x".repeat(900)))], -1)).unwrap();
        if env.now().since(started) >= span.0 {
            sent.set(sent.get() + request.len());
        }
        client.send(request).await;
        let response = answer::<ProduceRequest>(9, &client.receive().await.expect("an answer")).1;
        assert_eq!(produced(&response)[0].1, 0);
    }
}

#[test]
fn producers_on_both_cores_keep_to_their_clients_quota_together() {
    for (seed, rate, connections) in [(601, 20_000.0, 2), (602, 50_000.0, 6), (603, 5_000.0, 2)] {
        let cluster = start(seed);
        cluster.change(&[of_client(QuotaKey::ProducerByteRate, rate)]);
        let cores = cluster.cores.clone();
        let sent = cluster.run(move |env, at| async move {
            let (span, sent, left) =
                ((Duration::from_secs(50), Duration::from_secs(380)), Rc::default(), Rc::new(Cell::new(connections)));
            for number in 0..connections {
                let (client, left, sent) = (Client::connect(&env, at).await, left.clone(), Rc::clone(&sent));
                let own = env.clone();
                env.spawn(Lane::Latency, async move {
                    press(own, client, number % i32::from(CORES), span, sent).await;
                    left.set(left.get() - 1);
                });
            }
            while left.get() > 0 {
                env.sleep(Duration::from_millis(100)).await;
            }
            let moved: u64 = cores.borrow().iter().map(|core| core.metrics.counts().connections_taken_over).sum();
            assert!(moved <= connections as u64);
            sent.get()
        });
        let measured = sent as f64 / 330.0;
        assert!((rate * 0.9..rate * 1.05).contains(&measured), "{measured} bytes in a second of {rate}");
        let times = throttled(&cluster, Use::Produce);
        assert!(times.iter().all(|times| *times > 0), "each core holds its own connections up: {times:?}");
    }
}

#[test]
fn who_exceeds_a_quota_is_answered_at_once_and_not_read_for_as_long_as_it_is_told() {
    let cluster = start(610);
    cluster.change(&[of_client(QuotaKey::ProducerByteRate, 1000.0)]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        let large = produce(&[(0, batch(&"x".repeat(12_000)))], -1);
        let before = env.now();
        let response = client.call(9, &large).await;
        assert_eq!(produced(&response), [(0, 0, 0)], "it is done");
        assert!(env.now().since(before) < Duration::from_millis(100), "and answered at once");
        assert!((1_000..3_000).contains(&response.throttle_time_ms), "{} ms", response.throttle_time_ms);
        client.call(0, &ApiVersionsRequest::default()).await;
        let waited = env.now().since(before);
        let told = wait(response.throttle_time_ms);
        assert!(waited >= told && waited < told + Duration::from_millis(100), "{waited:?} of {told:?}");

        let mut other = Client::connect(&env, at).await;
        let request = frame::request(9, 5, Some("another"), &large).unwrap();
        for _ in 0..3 {
            let before = env.now();
            other.send(request.clone()).await;
            let response = answer::<ProduceRequest>(9, &other.receive().await.expect("an answer")).1;
            assert_eq!(response.throttle_time_ms, 0, "who has no quota is not throttled");
            assert!(env.now().since(before) < Duration::from_millis(100));
        }
    });
    assert_eq!(throttled(&cluster, Use::Produce).iter().sum::<u64>(), 1);
}

#[test]
fn requests_pipelined_behind_the_one_too_many_wait_in_their_order() {
    for seed in 620..625 {
        let cluster = start(seed);
        cluster.change(&[of_client(QuotaKey::ProducerByteRate, 1000.0)]);
        cluster.run(|env, at| async move {
            let mut client = Client::connect(&env, at).await;
            let before = env.now();
            // A window's worth is 10,000 bytes: the first is too many at once, and each after it.
            for number in 0..5 {
                let request = produce(&[(number % 2, batch(&"x".repeat(10_500)))], -1);
                client.send(frame::request(9, number, Some(CLIENT_ID), &request).unwrap()).await;
            }
            let hello = frame::request(0, 5, Some(CLIENT_ID), &ApiVersionsRequest::default()).unwrap();
            client.send(hello).await;
            let mut may = before;
            for number in 0..5 {
                let frame = client.receive().await.expect("an answer");
                let (correlation, response) = answer::<ProduceRequest>(9, &frame);
                assert_eq!((correlation, produced(&response)[0].1), (number, 0));
                assert!(env.now() >= may, "not before the time told with the one before");
                assert!(env.now().since(may) < Duration::from_millis(200), "and not much later");
                assert!(response.throttle_time_ms > 0);
                may = env.now().after(wait(response.throttle_time_ms - 20));
            }
            let (correlation, _) = answer::<ApiVersionsRequest>(0, &client.receive().await.expect("an answer"));
            assert!(correlation == 5 && env.now() >= may);
        });
    }
}

#[test]
fn a_fetch_too_many_returns_nothing_now_and_everything_later() {
    let cluster = start(630);
    cluster.change(&[of_client(QuotaKey::ConsumerByteRate, 1000.0)]);
    cluster.run(|env, at| async move {
        let mut writer = Client::connect(&env, at).await;
        for partition in [0, 1] {
            for _ in 0..10 {
                writer.call(9, &produce(&[(partition, batch(&"x".repeat(2_000)))], -1)).await;
            }
        }
        let mut reader = Client::connect(&env, at).await;
        let (mut offsets, mut empty, begun) = ([0, 0], 0, env.now());
        while offsets.iter().sum::<i64>() < 20 {
            // Another is pipelined behind each.
            let asked = [(0, offsets[0]), (1, offsets[1])];
            let request = fetch(&asked, 1, 1000);
            let before = env.now();
            for number in 0..2 {
                reader.send(frame::request(11, number, Some(CLIENT_ID), &request).unwrap()).await;
            }
            let (_, response) = answer::<FetchRequest>(11, &reader.receive().await.expect("an answer"));
            assert!(env.now().since(before) < Duration::from_millis(300), "the answer goes out at once");
            let told = wait(response.throttle_time_ms);
            let (_, second) = answer::<FetchRequest>(11, &reader.receive().await.expect("an answer"));
            assert!(env.now().since(before) >= told, "the next does not begin before the time is over");
            env.sleep(wait(second.throttle_time_ms)).await;
            for response in [&response, &second] {
                if response.throttle_time_ms > 0 {
                    assert!(response.responses.is_empty() && response.error_code == 0, "nothing comes with it");
                    empty += 1;
                }
            }
            // What came is as if it had been asked for once.
            let rows = if second.throttle_time_ms == 0 { fetched(&second) } else { fetched(&response) };
            for (partition, error, _, bytes) in rows {
                assert_eq!(error, 0);
                offsets[partition as usize] += (bytes / batch(&"x".repeat(2_000)).len()) as i64;
            }
            assert!(env.now().since(begun) < Duration::from_secs(300), "there is progress");
        }
        assert!(empty > 0);
        assert!(env.now().since(begun) > Duration::from_secs(20), "40,000 bytes and more at 1,000 in a second");
    });
    assert!(throttled(&cluster, Use::Fetch).iter().sum::<u64>() > 0);
}

#[test]
fn a_batch_larger_than_all_that_a_window_allows_is_fetched_all_the_same() {
    let cluster = start(635);
    cluster.change(&[of_client(QuotaKey::ConsumerByteRate, 100.0)]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        client.call(9, &produce(&[(0, batch(&"x".repeat(20_000)))], -1)).await;
        for round in 0..3 {
            let before = env.now();
            let mut response = client.call(11, &fetch(&[(0, 0)], 1, 1000)).await;
            let told = wait(response.throttle_time_ms);
            assert!(told > Duration::from_secs(150) && env.now().since(before) < told * 2, "round {round}: {told:?}");
            let records = response.responses[0].partitions[0].records.take().expect("records");
            assert!(records.len() > 20_000);
            env.sleep(told).await;
        }
    });
}

#[test]
fn a_connection_that_moves_between_cores_keeps_its_quota() {
    for seed in 640..645 {
        let cluster = start(seed);
        cluster.change(&[of_client(QuotaKey::ProducerByteRate, 3000.0)]);
        let cores = cluster.cores.clone();
        let (sent, seconds) = cluster.run(move |env, at| async move {
            let mut client = Client::connect(&env, at).await;
            let (mut sent, begun) = (0, env.now());
            // Long enough on each core to be moved there.
            for number in 0..400 {
                let request =
                    frame::request(9, 1, Some(CLIENT_ID), &produce(&[(number / 80 % 2, batch(&"x".repeat(500)))], -1));
                let request = request.unwrap();
                sent += request.len();
                client.send(request).await;
                let response = answer::<ProduceRequest>(9, &client.receive().await.expect("an answer")).1;
                assert_eq!(produced(&response)[0].1, 0);
            }
            let moved: u64 = cores.borrow().iter().map(|core| core.metrics.counts().connections_taken_over).sum();
            assert!(moved >= 3, "{moved} moves");
            (sent, env.now().since(begun).as_secs_f64())
        });
        // What a window allows may come at once.
        let (least, most) = (0.9 * 3000.0 * seconds, 1.05 * 3000.0 * (seconds + 11.0));
        assert!((least..most).contains(&(sent as f64)), "{sent} bytes in {seconds} s");
    }
}

#[test]
fn a_closed_connection_that_was_held_up_leaves_nothing_behind() {
    let cluster = start(650);
    cluster.change(&[of_client(QuotaKey::ProducerByteRate, 1.0)]);
    cluster.run(|env, at| async move {
        for requests in 1..5 {
            let mut client = Client::connect(&env, at).await;
            for _ in 0..requests {
                let request = produce(&[(0, batch(&"x".repeat(5000)))], -1);
                client.send(frame::request(9, 1, Some(CLIENT_ID), &request).unwrap()).await;
            }
            client.receive().await.expect("the first is answered");
            env.sleep(Duration::from_millis(100)).await;
            client.conn.shutdown();
        }
        // Nobody reads a muted connection: it is closed when it has been silent for too long.
        env.sleep(Duration::from_secs(700)).await;
    });
    assert!(cluster.cores.borrow().iter().all(|core| core.connections.count() == 0));
    assert!(cluster.cores.borrow().iter().all(|core| core.budget.used() == 0));
}

#[test]
fn names_without_end_are_metered_within_bounds() {
    let cluster = start(660);
    cluster.change(&[quota(entity(None, Some("")), QuotaKey::ProducerByteRate, 1000.0)]);
    let cores = cluster.cores.clone();
    cluster.run(move |env, at| async move {
        let mut client = Client::connect(&env, at).await;
        for number in 0..6000 {
            let name = format!("hostile-{number}");
            let request = frame::request(9, 1, Some(&name), &produce(&[(0, batch("x"))], -1)).unwrap();
            client.send(request).await;
            let response = answer::<ProduceRequest>(9, &client.receive().await.expect("an answer")).1;
            env.sleep(wait(response.throttle_time_ms)).await;
        }
        let most = corelog_broker::limits::QUOTA_METERS;
        assert!(cores.borrow().iter().all(|core| core.quotas.meters() <= most));
        assert!(cores.borrow().iter().any(|core| core.quotas.meters() > 1000));
        env.sleep(Duration::from_secs(40)).await;
        assert!(cores.borrow().iter().all(|core| core.quotas.meters() == 0), "the idle are forgotten");
    });
}

#[test]
fn an_address_that_connects_too_often_is_let_go_after_a_while() {
    let cluster = start(670);
    let any = QuotaEntity { ip: Some(QuotaName::Default), ..QuotaEntity::default() };
    cluster.change(&[quota(any, QuotaKey::ConnectionCreationRate, 1.0)]);
    cluster.run(|env, at| async move {
        let mut served = 0;
        loop {
            let mut client = Client::connect(&env, at).await;
            let before = env.now();
            client.send(frame::request(0, 1, None, &ApiVersionsRequest::default()).unwrap()).await;
            if client.receive().await.is_some() {
                served += 1;
                client.conn.shutdown();
                continue;
            }
            let waited = env.now().since(before);
            assert!(waited > Duration::from_millis(500) && waited < Duration::from_millis(1100), "{waited:?}");
            break;
        }
        assert!((9..=12).contains(&served), "{served}: a window's worth");
        env.sleep(Duration::from_secs(11)).await;
        let mut client = Client::connect(&env, at).await;
        assert_eq!(client.call(0, &ApiVersionsRequest::default()).await.error_code, 0);
    });
    let late: u64 = cluster.cores.borrow().iter().map(|core| core.metrics.counts().connections_too_soon).sum();
    assert_eq!(late, 1);
}

fn describe(client_id: Option<(i8, Option<&str>)>) -> DescribeClientQuotasRequest {
    let component = |(match_type, text): (i8, Option<&str>)| ComponentData {
        entity_type: "client-id".to_owned(),
        match_type,
        match_text: text.map(str::to_owned),
    };
    DescribeClientQuotasRequest { components: client_id.map(component).into_iter().collect(), strict: false }
}

#[test]
fn quotas_are_described_as_the_filter_asks() {
    let cluster = start(680);
    cluster.change(&[
        of_client(QuotaKey::ProducerByteRate, 5.0),
        of_client(QuotaKey::RequestPercentage, 0.5),
        quota(entity(Some("u"), Some("")), QuotaKey::ConsumerByteRate, 6.0),
        quota(entity(Some("u"), None), QuotaKey::ConsumerByteRate, 7.0),
    ]);
    cluster.run(|env, at| async move {
        let mut client = Client::connect(&env, at).await;
        for version in 0..=1 {
            let all = client.call(version, &describe(None)).await.entries.expect("entries");
            assert_eq!(all.len(), 3);
            let by_client = client.call(version, &describe(Some((2, None)))).await.entries.expect("entries");
            assert_eq!(by_client.len(), 2);
            let mut exact = client.call(version, &describe(Some((0, Some(CLIENT_ID))))).await.entries.expect("entries");
            let values = exact.remove(0).values.into_iter().map(|value| (value.key, value.value)).collect::<Vec<_>>();
            assert_eq!(values, [("producer_byte_rate".to_owned(), 5.0), ("request_percentage".to_owned(), 0.5)]);
            let default = client.call(version, &describe(Some((1, None)))).await.entries.expect("entries");
            assert_eq!((default.len(), default[0].entity.len()), (1, 2));
            let bad = client.call(version, &describe(Some((9, None)))).await;
            assert_eq!((bad.error_code, bad.entries), (ErrorCode::InvalidRequest.code(), None));
            // Nobody runs a controller here.
            let entity = vec![RequestEntityData { entity_type: "user".to_owned(), entity_name: None }];
            let entries = vec![RequestEntryData { entity, ops: Vec::new() }];
            let refused = client.call(version, &AlterClientQuotasRequest { entries, validate_only: false }).await;
            assert_ne!(refused.entries[0].error_code, 0);
        }
    });
}
