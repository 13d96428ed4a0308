//! Starts with directories that are added, taken away, foreign or missing, and what is answered about them, one by one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use corelog_broker::{group::names, sim::SimNetEnv};
use corelog_storage::{env::Env, sim::Faults};
use corelog_wire::messages::{
    AlterReplicaLogDirsRequest, FindCoordinatorRequest,
    alter_replica_log_dirs::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
};

use crate::{
    client::Client,
    node::{self, Machine, Partition, SERVER},
};

const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const INVALID_REPLICA_ASSIGNMENT: i16 = 39;
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

#[test]
fn replicas_stay_in_the_directory_they_were_placed_in() {
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
    let (placed, unknown) = (placed(&machine, "t"), 3);
    let expected = |path: &str| {
        let code = |index| if placed[&index] == Path::new(path) { 0 } else { INVALID_REPLICA_ASSIGNMENT };
        vec![code(0), code(1), unknown]
    };
    assert_eq!(codes, [expected("/a"), expected("/b"), vec![LOG_DIR_NOT_FOUND; 3]]);
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
