//! Starts with directories that are added, taken away, foreign or missing, and what is answered about them, one by one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use corelog_broker::{group::names, sim::SimNetEnv};
use corelog_storage::{env::Env, sim::Faults};
use corelog_wire::messages::{
    AlterReplicaLogDirsRequest, DeleteTopicsRequest, FindCoordinatorRequest, IncrementalAlterConfigsRequest,
    alter_replica_log_dirs::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
    delete_topics::DeleteTopicState,
    incremental_alter_configs::{AlterConfigsResource, AlterableConfig},
};

use crate::{
    client::Client,
    node::{self, Machine, Partition, SERVER, Seen},
};

const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const STORAGE_ERROR: i16 = 56;
const LOG_DIR_NOT_FOUND: i16 = 57;

const OFFSETS_TOPIC: &str = "__consumer_offsets";

fn dirs(names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(PathBuf::from).collect()
}

/// A machine whose node runs with these directories, and has a topic of `partitions`.
fn started(seed: u64, names: &[&str], partitions: i32) -> Machine {
    let mut machine = Machine::new(seed);
    machine.start(2, &dirs(names)).expect("it starts");
    create(&machine, "t", partitions);
    machine
}

fn create(machine: &Machine, topic: &'static str, partitions: i32) {
    let code = machine.run(move |env| async move { node::create(&mut client(&env).await, topic, partitions).await });
    assert_eq!(code, 0, "{topic} is created");
}

async fn client(env: &SimNetEnv) -> Client {
    node::connect(env).await.expect("it listens")
}

/// Where each partition of a topic is.
fn placed(machine: &Machine, topic: &'static str) -> BTreeMap<i32, PathBuf> {
    machine.run(move |env| async move {
        let directories = node::directories(&mut client(&env).await).await;
        let each = directories
            .into_iter()
            .flat_map(|(path, (_, partitions))| partitions.into_iter().map(move |partition| (partition, path.clone())));
        each.filter(|((name, _), _)| name == topic).map(|((_, index), path)| (index, path)).collect()
    })
}

fn produce(machine: &Machine, topic: &str, index: i32) -> Result<i64, i16> {
    let partition: Partition = (topic.to_owned(), index);
    let told = machine.run(move |env| async move { node::produce(&mut client(&env).await, &partition, "a").await });
    told.expect("an answer")
}

fn says_of_itself(machine: &Machine) -> Vec<PathBuf> {
    machine.world.files(SERVER).into_iter().filter(|path| path.ends_with("directory")).collect()
}

#[test]
fn one_directory_keeps_the_layout_it_had_and_others_may_come_and_go() {
    let mut machine = started(1, &["/a"], 2);
    assert_eq!([produce(&machine, "t", 0), produce(&machine, "t", 1)], [Ok(0), Ok(0)]);
    machine.stop();
    assert_eq!(says_of_itself(&machine), Vec::<PathBuf>::new(), "a broker's only directory says nothing");

    machine.start(2, &dirs(&["/b", "/a"])).expect("an empty directory is added");
    assert_eq!(says_of_itself(&machine), dirs(&["/a/directory", "/b/directory"]));
    assert_eq!([produce(&machine, "t", 0), produce(&machine, "t", 1)], [Ok(1), Ok(1)]);
    create(&machine, "new", 2);
    assert_eq!(
        placed(&machine, "new").into_values().collect::<Vec<_>>(),
        dirs(&["/b", "/a"]),
        "within the topic first"
    );
    create(&machine, "next", 1);
    assert_eq!(placed(&machine, "next")[&0], PathBuf::from("/b"), "then over all");
    assert_eq!(produce(&machine, "next", 0), Ok(0));
    machine.stop();

    machine.start(1, &dirs(&["/a"])).expect("one is taken out of the list");
    assert_eq!((produce(&machine, "t", 0), produce(&machine, "next", 0)), (Ok(2), Err(STORAGE_ERROR)));
    machine.stop();
    machine.start(3, &dirs(&["/a", "/b"])).expect("and comes back");
    assert_eq!((produce(&machine, "t", 0), produce(&machine, "next", 0)), (Ok(3), Ok(1)));
}

#[test]
fn a_new_broker_needs_all_its_directories_and_an_old_one_that_of_the_metadata() {
    let mut machine = Machine::new(2);
    machine.strike(&PathBuf::from("/b"), Some(Faults { gone: true, ..Faults::default() }));
    let refused = machine.start(2, &dirs(&["/a", "/b"])).expect_err("refused");
    assert!(refused.contains("/b cannot be used") && refused.contains("not used before"), "{refused}");
    machine.strike(&PathBuf::from("/b"), None);
    machine.start(2, &dirs(&["/a", "/b"])).expect("it starts");
    machine.stop();
    machine.mount("/a".as_ref(), "/shelf".as_ref());
    let refused = machine.start(2, &dirs(&["/a", "/b"])).expect_err("refused");
    assert!(refused.contains("/b belongs to node 0") && refused.contains("bring that one back"), "{refused}");
    machine.mount("/shelf".as_ref(), "/c".as_ref());
    machine.start(2, &dirs(&["/b", "/c"])).expect("it is known wherever it is");
}

#[test]
fn a_directory_of_another_broker_is_refused_and_so_is_a_copy() {
    let mut machine = started(3, &["/a", "/b"], 1);
    machine.stop();
    machine.start(1, &dirs(&["/c", "/d"])).expect("another broker");
    machine.stop();
    let refused = machine.start(1, &dirs(&["/a", "/b", "/d"])).expect_err("refused");
    assert!(
        refused.contains("/d belongs to node 0 of cluster") && refused.contains("mount the right disk"),
        "{refused}"
    );
    let refused = machine.start(1, &dirs(&["/a", "/c"])).expect_err("refused");
    assert!(refused.contains("of two brokers"), "{refused}");
    let copy = machine.world.content(SERVER, "/b/directory".as_ref()).expect("it is there");
    machine.start(1, &dirs(&["/a", "/b", "/e"])).expect("it starts");
    machine.stop();
    machine.world.put(SERVER, "/e/directory".as_ref(), &copy);
    let refused = machine.start(1, &dirs(&["/a", "/b", "/e"])).expect_err("refused");
    assert!(refused.contains("/b and /e are copies"), "{refused}");
}

#[test]
fn when_the_metadatas_directory_fails_the_others_are_served_and_topics_cannot_be_made() {
    let machine = started(4, &["/a", "/b"], 4);
    let placed = placed(&machine, "t");
    machine.strike("/a".as_ref(), Some(Faults { write_error: 1_000_000, ..Faults::default() }));
    let on = |path: &str| {
        placed.iter().filter(|(_, at)| at.as_path() == Path::new(path)).map(|(index, _)| *index).collect::<Vec<_>>()
    };
    assert_eq!((on("/a").len(), on("/b").len()), (2, 2));
    for _ in 0..2 {
        assert!(on("/a").into_iter().all(|index| produce(&machine, "t", index) == Err(STORAGE_ERROR)));
    }
    assert!(on("/b").into_iter().all(|index| produce(&machine, "t", index) == Ok(0)));
    let refused = machine.run(|env| async move { node::create(&mut client(&env).await, "more", 1).await });
    assert_eq!(refused, STORAGE_ERROR);
    assert!(on("/b").into_iter().all(|index| produce(&machine, "t", index) == Ok(1)));
}

/// Where a partition is, and where it is to come.
fn seen(machine: &Machine, topic: &str, index: i32) -> Vec<Seen> {
    let partition: Partition = (topic.to_owned(), index);
    machine.run(move |env| async move { node::seen(&mut client(&env).await, &partition).await })
}

fn move_to(machine: &Machine, topic: &str, index: i32, path: &'static str) -> i16 {
    let partition: Partition = (topic.to_owned(), index);
    let path = Path::new(path);
    let told = machine.run(move |env| async move { node::move_to(&mut client(&env).await, &partition, path).await });
    told.expect("an answer")
}

/// Waits until a partition is in one directory alone: which.
fn settled(machine: &Machine, topic: &str, index: i32) -> PathBuf {
    for _ in 0..1_000 {
        match &seen(machine, topic, index)[..] {
            [(path, 0, false)] => return path.clone(),
            _ => machine.world.run_for(Duration::from_millis(20)),
        }
    }
    panic!("the move comes to its end: {:?}", seen(machine, topic, index))
}

/// Has moves take long: so many bytes per second.
fn slow_down(machine: &Machine, rate: u64) {
    let code = machine.run(move |env| async move {
        let config = AlterableConfig {
            name: "replica.alter.log.dirs.io.max.bytes.per.second".to_owned(),
            value: Some(rate.to_string()),
            ..AlterableConfig::default()
        };
        const BROKER: i8 = 4;
        let resource =
            AlterConfigsResource { resource_type: BROKER, resource_name: "0".to_owned(), configs: vec![config] };
        let request = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
        client(&env).await.call(1, &request).await.responses[0].error_code
    });
    assert_eq!(code, 0);
}

/// A node whose first partition is in `/a`, with so many records acknowledged.
fn filled(seed: u64, names: &[&str], records: i64) -> Machine {
    let machine = started(seed, names, names.len() as i32);
    if placed(&machine, "t")[&0] != Path::new("/a") {
        return filled(seed + 100, names, records);
    }
    (0..records).for_each(|offset| assert_eq!(produce(&machine, "t", 0), Ok(offset)));
    machine
}

fn count(machine: &Machine, topic: &str, index: i32) -> usize {
    let partition: Partition = (topic.to_owned(), index);
    let found = machine.run(move |env| async move { node::read(&mut client(&env).await, &partition).await });
    found.expect("it is served").len()
}

#[test]
fn what_is_asked_of_moves_is_answered_as_kafka_does() {
    let machine = started(5, &["/a", "/b"], 2);
    let codes = machine.run(|env| async move {
        let topic = || AlterReplicaLogDirTopic { name: "t".to_owned(), partitions: vec![0, 1, 2] };
        let dir = |path: &str| AlterReplicaLogDir { path: path.to_owned(), topics: vec![topic()] };
        let request = AlterReplicaLogDirsRequest { dirs: vec![dir("/a"), dir("/b"), dir("/c")] };
        let response = client(&env).await.call(2, &request).await;
        let codes = |topic: &corelog_wire::messages::alter_replica_log_dirs::AlterReplicaLogDirTopicResult| {
            topic.partitions.iter().map(|partition| partition.error_code).collect::<Vec<_>>()
        };
        response.results.iter().map(codes).collect::<Vec<_>>()
    });
    let unknown = 3;
    assert_eq!(codes, [vec![0, 0, unknown], vec![0, 0, unknown], vec![LOG_DIR_NOT_FOUND; 3]]);
    assert_eq!(
        [settled(&machine, "t", 0), settled(&machine, "t", 1)],
        ["/b", "/b"].map(PathBuf::from),
        "the last counts"
    );
}

#[test]
fn a_partition_moves_and_its_records_and_its_directory_last() {
    let mut machine = filled(7, &["/a", "/b"], 20);
    assert_eq!(move_to(&machine, "t", 0, "/b"), 0);
    assert_eq!(settled(&machine, "t", 0), Path::new("/b"));
    assert_eq!((count(&machine, "t", 0), produce(&machine, "t", 0)), (20, Ok(20)));
    let files = |machine: &Machine, dir: &str| {
        let logs = Path::new(dir).join("logs");
        machine
            .world
            .files(SERVER)
            .iter()
            .filter(|path| path.starts_with(&logs) && path.to_string_lossy().ends_with("-0/00000000000000000000.log"))
            .count()
    };
    machine.world.run_for(Duration::from_secs(1));
    assert_eq!((files(&machine, "/a"), files(&machine, "/b")), (0, 1), "the other is gone");
    machine.world.power_cut(SERVER);
    machine.start(1, &dirs(&["/a", "/b"])).expect("it starts");
    assert_eq!((settled(&machine, "t", 0), count(&machine, "t", 0)), (PathBuf::from("/b"), 21));
    assert_eq!(move_to(&machine, "t", 0, "/a"), 0);
    assert_eq!(settled(&machine, "t", 0), Path::new("/a"));
    assert_eq!((count(&machine, "t", 0), produce(&machine, "t", 0)), (21, Ok(21)));
}

#[test]
fn a_move_is_seen_replaced_ended_and_taken_up_by_the_next_start() {
    let mut machine = filled(8, &["/a", "/b", "/c"], 20);
    slow_down(&machine, 1_000);
    let on_its_way = |machine: &Machine, to: &str| {
        machine.world.run_for(Duration::from_millis(300));
        let seen = seen(machine, "t", 0);
        let [(at, 0, false), (coming, lag, true)] = &seen[..] else { panic!("{seen:?}") };
        assert_eq!((at.as_path(), coming.as_path()), (Path::new("/a"), Path::new(to)));
        assert!((0..=20).contains(lag), "{seen:?}");
    };
    assert_eq!(move_to(&machine, "t", 0, "/b"), 0);
    on_its_way(&machine, "/b");
    assert_eq!(move_to(&machine, "t", 0, "/b"), 0);
    on_its_way(&machine, "/b");
    assert_eq!(move_to(&machine, "t", 0, "/c"), 0);
    on_its_way(&machine, "/c");
    assert_eq!(move_to(&machine, "t", 0, "/a"), 0, "where it is: it stays");
    assert_eq!(seen(&machine, "t", 0), [(PathBuf::from("/a"), 0, false)]);
    let copies = |machine: &Machine| {
        machine.world.files(SERVER).iter().filter(|path| path.to_string_lossy().contains("/copies/")).count()
    };
    assert_eq!(copies(&machine), 0, "nothing is left");
    assert_eq!(move_to(&machine, "t", 0, "/c"), 0);
    for end in 0..3 {
        on_its_way(&machine, "/c");
        match end {
            0 => machine.world.kill(SERVER),
            1 => machine.world.power_cut(SERVER),
            _ => machine.stop(),
        }
        machine.start(2, &dirs(&["/a", "/b", "/c"])).expect("it starts");
    }
    slow_down(&machine, 1 << 40);
    assert_eq!((settled(&machine, "t", 0), count(&machine, "t", 0)), (PathBuf::from("/c"), 20));
    assert_eq!(copies(&machine), 0, "nothing is left");
}

#[test]
fn a_topic_that_is_deleted_while_it_moves_is_gone_from_both_directories() {
    let machine = filled(9, &["/a", "/b"], 10);
    slow_down(&machine, 1_000);
    assert_eq!(move_to(&machine, "t", 0, "/b"), 0);
    machine.world.run_for(Duration::from_millis(300));
    let deleted = machine.run(|env| async move {
        let topic = DeleteTopicState { name: Some("t".to_owned()), ..Default::default() };
        let request = DeleteTopicsRequest { topics: vec![topic], ..Default::default() };
        client(&env).await.call(6, &request).await.responses[0].error_code
    });
    assert_eq!(deleted, 0);
    machine.world.run_for(Duration::from_secs(2));
    assert_eq!(seen(&machine, "t", 0), []);
    let files = machine.world.files(SERVER);
    let left: Vec<_> = files.iter().filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    assert!(left.iter().all(|path| path.starts_with("/a/logs")), "{left:?}");
    assert!(!files.iter().any(|path| path.to_string_lossy().contains("/copies/")));
}

#[test]
fn a_disk_that_cannot_take_a_partition_ends_its_move_and_nothing_else() {
    let machine = filled(10, &["/a", "/b"], 10);
    machine.strike("/b".as_ref(), Some(Faults { no_space: 1_000_000, ..Faults::default() }));
    let told = move_to(&machine, "t", 0, "/b");
    machine.world.run_for(Duration::from_secs(2));
    assert_eq!(seen(&machine, "t", 0), [(PathBuf::from("/a"), 0, false)]);
    assert_eq!((produce(&machine, "t", 0), count(&machine, "t", 0)), (Ok(10), 11));
    machine.strike("/b".as_ref(), None);
    assert_eq!((told, produce(&machine, "t", 1)), (0, Ok(0)), "the other partition is served there");
    assert_eq!(move_to(&machine, "t", 0, "/b"), 0);
    assert_eq!((settled(&machine, "t", 0), count(&machine, "t", 0)), (PathBuf::from("/b"), 11));
    machine.strike("/a".as_ref(), Some(Faults { gone: true, ..Faults::default() }));
    assert_eq!((move_to(&machine, "t", 0, "/a"), produce(&machine, "t", 0)), (STORAGE_ERROR, Ok(11)));
    machine.world.run_for(Duration::from_secs(2));
    assert_eq!((settled(&machine, "t", 0), produce(&machine, "t", 0)), (PathBuf::from("/b"), Ok(12)));
}

#[test]
fn groups_of_a_directory_that_fails_have_no_coordinator_and_others_keep_theirs() {
    let machine = started(6, &["/a", "/b"], 2);
    let find = |group: String| {
        machine.run(move |env| async move {
            let request = FindCoordinatorRequest { key: group, ..FindCoordinatorRequest::default() };
            client(&env).await.call(3, &request).await.error_code
        })
    };
    assert_eq!(find("any".to_owned()), 0);
    let offsets = placed(&machine, OFFSETS_TOPIC);
    let group_in = |path: &str| {
        let all = (0..).map(|number| format!("group-{number}"));
        let count = offsets.len() as i32;
        all.into_iter()
            .find(|group| offsets[&names::partition_of(group, count)] == Path::new(path))
            .expect("one of many")
    };
    machine.strike("/b".as_ref(), Some(Faults { gone: true, ..Faults::default() }));
    let victim =
        placed(&machine, "t").into_iter().find(|(_, at)| at.as_path() == Path::new("/b")).expect("one is there").0;
    assert_eq!(produce(&machine, "t", victim), Err(STORAGE_ERROR));
    machine.run(|env| async move { env.sleep(std::time::Duration::from_secs(1)).await });
    assert_eq!((find(group_in("/a")), find(group_in("/b"))), (0, COORDINATOR_NOT_AVAILABLE));
}
