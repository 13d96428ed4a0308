//! Partitions that go from one core to another, as clients see it.

use std::{cell::Cell, path::PathBuf, rc::Rc, time::Duration};

use corelog_broker::sim::SimNetEnv;
use corelog_storage::{
    batch::Header,
    env::{Env, Lane},
    sim::World,
};
use corelog_wire::messages::{
    FetchRequest, FindCoordinatorRequest,
    fetch::{FetchPartition, FetchTopic},
};

use crate::{
    client::Client,
    node::{self, Machine, Partition, SERVER},
};

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const NOT_LEADER: i16 = 6;
const INVALID_REPLICA_ASSIGNMENT: i16 = 39;
const FENCED_LEADER_EPOCH: i16 = 74;
const UNKNOWN_LEADER_EPOCH: i16 = 75;

fn partition(index: i32) -> Partition {
    ("t".to_owned(), index)
}

/// A node of two cores with a topic of two partitions, which are led by one core each.
fn started(seed: u64) -> Machine {
    let mut machine = Machine::new(seed);
    start(&mut machine);
    let code = machine.run(|env| async move { node::create(&mut client(&env).await, "t", 2).await });
    assert_eq!(code, 0, "it is created");
    machine
}

fn start(machine: &mut Machine) {
    machine.start(2, &[PathBuf::from("/a")]).expect("it starts");
}

async fn client(env: &SimNetEnv) -> Client {
    node::connect(env).await.expect("it listens")
}

/// The core that leads a partition, as a core listener tells it.
async fn core_of(env: &SimNetEnv, partition: &Partition) -> u16 {
    let told = node::metadata(&mut node::connect_to_core(env, 0).await, partition).await;
    (0..2).find(|core| node::broker_of(*core) == told.leader_id).expect("a core leads it")
}

/// One fetch of a session, or of none: a partition's offset and epoch.
fn fetch(session: (i32, i32), asked: Option<(&Partition, i64, i32)>) -> FetchRequest {
    let topic = |((topic, index), fetch_offset, current_leader_epoch): (&Partition, i64, i32)| FetchTopic {
        topic: topic.clone(),
        partitions: vec![FetchPartition {
            partition: *index,
            fetch_offset,
            current_leader_epoch,
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        }],
        ..FetchTopic::default()
    };
    FetchRequest {
        session_id: session.0,
        session_epoch: session.1,
        max_wait_ms: 10_000,
        min_bytes: 1,
        max_bytes: 1 << 20,
        topics: asked.into_iter().map(topic).collect(),
        ..FetchRequest::default()
    }
}

#[test]
fn a_partition_goes_to_the_core_that_is_named_and_stays_there() {
    let mut machine = started(41);
    machine.run(|env| async move {
        let mut node_client = client(&env).await;
        let before = core_of(&env, &partition(0)).await;
        let after = 1 - before;
        let epoch = node::metadata(&mut node_client, &partition(0)).await.leader_epoch;
        assert_eq!(node::produce(&mut node_client, &partition(0), "first").await, Some(Ok(0)));
        let mut old = node::connect_to_core(&env, before).await;
        assert_eq!(node::move_to_core(&mut old, &[partition(0)], after).await, Some(vec![0]));
        assert_eq!(core_of(&env, &partition(0)).await, after);
        assert_eq!(node::metadata(&mut node_client, &partition(0)).await.leader_epoch, epoch + 1);

        // A producer at the node's listener need not know; at the core of before it is told.
        assert_eq!(node::produce(&mut node_client, &partition(0), "second").await, Some(Ok(1)));
        assert_eq!(node::produce(&mut old, &partition(0), "x").await, Some(Err(NOT_LEADER)));
        let mut new = node::connect_to_core(&env, after).await;
        assert_eq!(node::produce(&mut new, &partition(0), "third").await, Some(Ok(2)));

        let epochs = [(epoch, FENCED_LEADER_EPOCH), (epoch + 1, 0), (epoch + 2, UNKNOWN_LEADER_EPOCH)];
        for (believed, expected) in epochs {
            let answer = node_client.call(12, &fetch((0, -1), Some((&partition(0), 0, believed)))).await;
            assert_eq!(answer.responses[0].partitions[0].error_code, expected, "epoch {believed}");
        }
        assert_eq!(node::move_to_core(&mut new, &[partition(0)], after).await, Some(vec![0]), "it is there");
    });
    machine.world.power_cut(SERVER);
    start(&mut machine);
    machine.run(|env| async move {
        assert_eq!(core_of(&env, &partition(0)).await, core_of(&env, &partition(1)).await, "both are on one core now");
        let found = node::read(&mut client(&env).await, &partition(0)).await.expect("it is read");
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 1, 2]);
    });
}

#[test]
fn what_cannot_go_to_a_core_is_refused_by_name() {
    let machine = started(42);
    machine.run(|env| async move {
        let mut node_client = client(&env).await;
        let coordinator = FindCoordinatorRequest { key: "group".to_owned(), ..FindCoordinatorRequest::default() };
        node_client.call(3, &coordinator).await;
        let mut core = node::connect_to_core(&env, 0).await;
        let ask = async |core: &mut Client, topic: &str, index: i32, to: u16| {
            node::move_to_core(core, &[(topic.to_owned(), index)], to).await.expect("an answer")[0]
        };
        assert_eq!(ask(&mut core, "t", 0, 2).await, INVALID_REPLICA_ASSIGNMENT, "there is no such core");
        assert_eq!(ask(&mut core, "t", 2, 0).await, UNKNOWN_TOPIC_OR_PARTITION);
        assert_eq!(ask(&mut core, "u", 0, 0).await, UNKNOWN_TOPIC_OR_PARTITION);
        let mut codes = Vec::new();
        for to in 0..2 {
            codes.push(ask(&mut core, "__consumer_offsets", 0, to).await);
        }
        codes.sort_unstable();
        assert_eq!(codes, [0, INVALID_REPLICA_ASSIGNMENT], "where it is, it may be");
    });
}

/// Simulated work takes no time: there is always little to do.
#[test]
fn what_is_in_use_gathers_on_the_first_core_and_what_is_not_stays() {
    let mut machine = Machine::new(43);
    machine.gather = true;
    start(&mut machine);
    machine.run(|env| async move {
        let mut node_client = client(&env).await;
        assert_eq!(node::create(&mut node_client, "t", 4).await, 0);
        let mut before = Vec::new();
        for index in 0..4 {
            before.push(core_of(&env, &partition(index)).await);
        }
        before.sort_unstable();
        assert_eq!(before, [0, 0, 1, 1], "they begin spread over the cores");
        let used: Vec<Partition> = (0..3).map(partition).collect();
        for round in 0..100 {
            for one in &used {
                assert_eq!(node::produce(&mut node_client, one, "x").await, Some(Ok(round)));
            }
            env.sleep(Duration::from_millis(20)).await;
        }
        for one in &used {
            assert_eq!(core_of(&env, one).await, 0);
        }
        assert_eq!(core_of(&env, &partition(3)).await, 1, "nobody asked for it");
    });
}

/// Moves a partition to and fro until it is told to end.
async fn keep_moving(env: SimNetEnv, world: World, ended: Rc<Cell<bool>>) {
    let mut client = node::connect_to_core(&env, 0).await;
    for step in 0.. {
        if ended.get() {
            return;
        }
        assert_eq!(node::move_to_core(&mut client, &[partition(0)], step % 2).await, Some(vec![0]));
        world.count("moved");
        // Often before it has come wholly.
        env.sleep(Duration::from_millis(u64::from(step % 3))).await;
    }
}

/// A session whose fetches wait for ten seconds hears of each record when it is there, on whichever core.
#[test]
fn a_fetch_that_waits_follows_its_partition() {
    for seed in 50..56 {
        let machine = started(seed);
        let world = machine.world.clone();
        let records = 60;
        machine.run(|env| async move {
            let ended = Rc::new(Cell::new(false));
            env.spawn(Lane::Latency, keep_moving(env.clone(), world, ended.clone()));
            let producer = env.clone();
            env.spawn(Lane::Latency, async move {
                let mut client = client(&producer).await;
                for number in 0..records {
                    let produced = node::produce(&mut client, &partition(0), &format!("record {number}")).await;
                    assert_eq!(produced, Some(Ok(number)));
                    producer.sleep(Duration::from_millis(7)).await;
                }
            });
            let (mut consumer, begun) = (client(&env).await, env.now());
            let answer = consumer.call(12, &fetch((0, 0), Some((&partition(0), 0, -1)))).await;
            let (session, mut epoch, mut next) = (answer.session_id, 1, 0);
            assert_ne!(session, 0, "a session is opened");
            let mut answer = Some(answer);
            loop {
                for told in
                    answer.take().into_iter().flat_map(|answer| answer.responses).flat_map(|topic| topic.partitions)
                {
                    assert_eq!(told.error_code, 0, "seed {seed}");
                    let mut rest = told.records.unwrap_or_default();
                    while let Ok(header) = Header::parse(&rest) {
                        assert_eq!(header.base_offset.0, next, "seed {seed}");
                        next += 1;
                        let _ = rest.split_to(header.size as usize);
                    }
                }
                if next == records {
                    break;
                }
                // As clients do, it names the partition when its offset is another.
                answer = Some(consumer.call(12, &fetch((session, epoch), Some((&partition(0), next, -1)))).await);
                epoch += 1;
            }
            let took = env.now().since(begun);
            assert!(took < Duration::from_secs(5), "seed {seed}: some record was heard of late, {took:?}");
            ended.set(true);
        });
        assert!(machine.world.counters().get("moved") > 50, "it moved all the while");
    }
}
