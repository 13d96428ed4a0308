//! A connection moves to the core that owns what it asks for: nothing it sends is lost, doubled or reordered, wherever
//! its bytes are when it moves.

use std::{net::SocketAddr, time::Duration};

use corelog_broker::{
    core::env::{Conn, CoreId},
    limits,
    sim::{NetFaults, SimNetEnv},
};
use corelog_storage::{
    env::Env,
    ids::{ProducerEpoch, ProducerId, Timestamp},
    record::BatchBuilder,
};
use corelog_wire::{
    frame,
    messages::{FetchRequest, ProduceRequest},
};

use crate::{
    client::{Client, answer},
    cluster::{CORES, Cluster, batch, fetch, fetched, produce, produced, start},
    core_listener::{commit, committed},
};

fn moves(cluster: &Cluster) -> u64 {
    cluster.cores.borrow().iter().map(|core| core.metrics.counts().connections_taken_over).sum()
}

fn open_on(cluster: &Cluster, core: CoreId) -> usize {
    cluster.cores.borrow()[usize::from(core.0)].connections.count()
}

/// A producer that keeps several requests under way. Its batches are refused if one is lost, doubled or overtaken.
struct Producer {
    client: Client,
    id: ProducerId,
    /// The next sequence number, by partition.
    next: [i32; CORES as usize],
    /// Partition and sequence number of what was sent and is not answered.
    asked: Vec<(i32, i32)>,
}

impl Producer {
    /// The connections of a cluster go to its cores in turn.
    async fn connect(env: &SimNetEnv, at: SocketAddr, id: i64) -> Self {
        let client = Client::connect(env, at).await;
        Self { client, id: ProducerId(id), next: [0; CORES as usize], asked: Vec::new() }
    }

    async fn send(&mut self, partition: i32) {
        let next = &mut self.next[partition as usize];
        let mut builder = BatchBuilder::new().producer(self.id, ProducerEpoch(0), *next);
        builder.push(Timestamp(1), None, Some(b"some value"));
        self.asked.push((partition, *next));
        *next += 1;
        let request = produce(&[(partition, builder.build())], -1);
        self.client.send(frame::request(9, self.asked.len() as i32, None, &request).unwrap()).await;
    }

    /// Reads answers until so many are left to come.
    async fn confirm(&mut self, left: usize) {
        while self.asked.len() > left {
            let (partition, sequence) = self.asked.remove(0);
            let frame = self.client.receive().await.expect("an answer");
            let response = answer::<ProduceRequest>(9, &frame).1;
            let (index, error, _) = produced(&response)[0];
            assert_eq!((index, error), (partition, 0), "sequence {sequence}");
        }
    }
}

#[test]
fn a_producer_with_requests_under_way_is_moved_once_to_where_they_go() {
    for seed in 200..210 {
        let cluster = start(seed);
        let cores = cluster.cores.clone();
        cluster.run(move |env, at| async move {
            env.network().set_faults(NetFaults { piece: 37, ..NetFaults::default() });
            let mut producers = Vec::new();
            for (id, partition) in [1, 0, 0].into_iter().enumerate() {
                let mut producer = Producer::connect(&env, at, id as i64).await;
                for _ in 0..200 {
                    producer.send(partition).await;
                    producer.confirm(4).await;
                }
                producer.confirm(0).await;
                producers.push(producer);
            }
            let open: Vec<usize> = cores.borrow().iter().map(|core| core.connections.count()).collect();
            assert_eq!(open, [2, 1], "each is where its partition is");
        });
        assert_eq!(moves(&cluster), 2, "the third was on the right core from the start");
    }
}

#[test]
fn a_connection_to_a_coordinator_is_moved_to_where_its_group_is() {
    let cluster = start(209);
    let cores = cluster.cores.clone();
    cluster.run(move |env, at| async move {
        env.sleep(Duration::from_secs(1)).await;
        let mut clients = Vec::new();
        // Both groups are coordinated by the second core; connections come to the cores in turn.
        for group in ["a", "c"] {
            let mut client = Client::connect(&env, at).await;
            for offset in 0..40 {
                assert_eq!(commit(&mut client, group, offset).await, 0);
            }
            assert_eq!(committed(&mut client, group).await.1, [39]);
            clients.push(client);
        }
        let open: Vec<usize> = cores.borrow().iter().map(|core| core.connections.count()).collect();
        assert_eq!(open, [0, 2]);
    });
    assert_eq!(moves(&cluster), 1);
}

#[test]
fn traffic_that_flips_between_the_cores_keeps_its_order_and_moves_its_connection_seldom() {
    for seed in 210..215 {
        let cluster = start(seed);
        let seconds = cluster.run(move |env, at| async move {
            let begin = env.now();
            let mut producer = Producer::connect(&env, at, 1).await;
            let mut flip = env.now();
            let mut partition = 1;
            while env.now().since(begin) < 4 * limits::HAND_OVER_REST {
                if env.now().since(flip) >= Duration::from_millis(100) {
                    flip = env.now();
                    partition = 1 - partition;
                }
                for _ in 0..4 {
                    producer.send(partition).await;
                }
                producer.confirm(3).await;
                env.sleep(Duration::from_millis(10)).await;
            }
            producer.confirm(0).await;
            env.now().since(begin).as_secs()
        });
        let most = seconds / limits::HAND_OVER_REST.as_secs() + 1;
        assert!((2..=most).contains(&moves(&cluster)), "{} moves in {seconds} s", moves(&cluster));
    }
}

#[test]
fn a_consumer_that_waits_is_moved_between_its_fetches() {
    for seed in 220..225 {
        let cluster = start(seed);
        let cores = cluster.cores.clone();
        cluster.run(move |env, at| async move {
            let mut reader = Client::connect(&env, at).await;
            let mut writer = Client::connect(&env, at).await;
            let partition = 1;
            for offset in 0..100 {
                let request = fetch(&[(partition, offset)], 1, 60_000);
                reader.send(frame::request(11, offset as i32, None, &request).unwrap()).await;
                if offset % 3 > 0 {
                    env.sleep(Duration::from_millis(2)).await;
                }
                let before = env.now();
                let response = writer.call(9, &produce(&[(partition, batch("news"))], 1)).await;
                assert_eq!(produced(&response), [(partition, 0, offset)]);
                let frame = reader.receive().await.expect("an answer");
                let (correlation, response) = answer::<FetchRequest>(11, &frame);
                assert!(env.now().since(before) < Duration::from_secs(2), "no waiting for the time to be over");
                assert_eq!((i64::from(correlation), fetched(&response)[0].2), (offset, offset + 1));
            }
            let open: Vec<usize> = cores.borrow().iter().map(|core| core.connections.count()).collect();
            assert_eq!(open, [0, 2], "both are where the partition is");
        });
        assert_eq!(moves(&cluster), 1);
    }
}

#[test]
fn a_connection_cut_while_it_moves_leaves_nothing_behind() {
    let cluster = start(230);
    for round in 0..60 {
        cluster.run(move |env, at| async move {
            let mut client = Client::connect(&env, at).await;
            let partition = 1 - round % 2; // of the other core
            for _ in 0..limits::HAND_OVER_LEAD + 1 {
                let request = produce(&[(partition, batch("x"))], -1);
                client.send(frame::request(9, 1, None, &request).unwrap()).await;
            }
            for _ in 0..limits::HAND_OVER_LEAD {
                client.receive().await.expect("an answer");
            }
            env.sleep(Duration::from_micros(13 * round as u64)).await;
            client.conn.shutdown();
        });
    }
    cluster.run(|env, _| async move { env.sleep(Duration::from_secs(5)).await });
    assert!(moves(&cluster) > 10, "most are moved before they are cut");
    for core in 0..CORES {
        assert_eq!(open_on(&cluster, CoreId(core)), 0, "nothing is left behind");
        assert_eq!(cluster.cores.borrow()[usize::from(core)].budget.used(), 0);
    }
}
