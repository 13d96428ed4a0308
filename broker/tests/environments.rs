//! One contract, two worlds: the suites of storage and of the network over the simulated and the real environment.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "the outside of the environment")]

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use corelog_broker::{
    core::{
        data_dir::DataDir,
        env::{CoreId, NetEnv},
        launch::{CoreStart, Options, launch},
        mailbox::{Incoming, mesh},
        net_contract,
        stop::Rendezvous,
    },
    sim::{NetFaults, Network},
};
use corelog_storage::{
    contract,
    env::{BLOCK, Env, File, Lane, OpenFile},
    sim::{HostId, Place, World},
};

const STORAGE_CHECKS: usize = 23;
const NETWORK_CHECKS: usize = 19;

fn options(floor: bool) -> Options {
    Options { cores: 1, floor, bind: false, signals: false, ..Options::default() }
}

/// A fresh directory on the disk the tests are built on; never a tmpfs.
fn directory(name: &str) -> PathBuf {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn the_real_disk_keeps_the_contract_on_both_kernel_paths() {
    for floor in [false, true] {
        let dir = directory(if floor { "contract-floor" } else { "contract" });
        let own = dir.clone();
        let checks = launch(&options(floor), move |_| {
            let own = own.clone();
            move |start: CoreStart| async move { contract::run(&start.env, &own).await }
        });
        assert!(checks.unwrap()[0] >= STORAGE_CHECKS);
        std::fs::remove_dir_all(dir).unwrap();
    }
}

#[test]
fn the_real_network_keeps_the_contract_on_both_kernel_paths() {
    for floor in [false, true] {
        let checks = launch(&options(floor), |_| |start: CoreStart| async move { net_contract::run(&start.env).await });
        assert!(checks.unwrap()[0] >= NETWORK_CHECKS);
    }
}

#[test]
fn the_simulated_network_keeps_the_contract() {
    for seed in 0..4 {
        let world = World::new(seed);
        let network = Network::new(&world);
        network.set_faults(NetFaults { piece: if seed % 2 == 0 { 4096 } else { 700 }, ..NetFaults::default() });
        let env = network.start(HostId(0), 1).remove(0);
        let checks = world.block_on(Place::FIRST, async move { net_contract::run(&env).await });
        assert!(checks.unwrap() >= NETWORK_CHECKS);
    }
}

#[test]
fn files_are_open_for_direct_and_durable_writes() {
    let dir = directory("flags");
    let path = dir.join("journal");
    let flags = launch(&options(false), move |_| {
        let path = path.clone();
        move |start: CoreStart| async move {
            let how = OpenFile { create: true, durable_writes: true };
            let durable = start.env.open(&path, how).await.unwrap();
            let plain = start.env.open(&path, OpenFile { create: false, durable_writes: false }).await.unwrap();
            assert_eq!(plain.len().await.unwrap(), 0);
            [durable.descriptor(), plain.descriptor()].map(|descriptor| {
                let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{descriptor}")).unwrap();
                let flags = text.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
                i32::from_str_radix(flags.trim(), 8).unwrap()
            })
        }
    })
    .unwrap()[0];
    assert_ne!(flags[0] & libc::O_DIRECT, 0);
    assert_eq!(flags[0] & libc::O_DSYNC, libc::O_DSYNC);
    assert_ne!(flags[1] & libc::O_DIRECT, 0);
    assert_eq!(flags[1] & libc::O_DSYNC, 0);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_memory_file_system_is_refused_by_name() {
    let path = PathBuf::from(format!("/dev/shm/corelog-test-{}", std::process::id()));
    let own = path.clone();
    let error = launch(&options(false), move |_| {
        let path = own.clone();
        move |start: CoreStart| async move {
            let how = OpenFile { create: true, durable_writes: true };
            start.env.open(&path, how).await.err().map(|error| error.to_string())
        }
    })
    .unwrap()
    .remove(0)
    .expect("refused");
    let _ = std::fs::remove_file(&path);
    assert!(error.contains("no direct I/O") && error.contains("/dev/shm"), "{error}");
}

#[test]
fn a_data_directory_belongs_to_one_process() {
    let dir = directory("lock").join("deep/data");
    let taken = DataDir::take(&dir, Duration::ZERO).unwrap();
    let refused = DataDir::take(&dir, Duration::ZERO).unwrap_err().to_string();
    assert!(refused.contains("in use by process") && refused.contains(&std::process::id().to_string()), "{refused}");
    drop(taken);
    drop(DataDir::take(&dir, Duration::ZERO).expect("free again"));
    let file = dir.join("file");
    std::fs::write(&file, "").unwrap();
    assert!(DataDir::take(&file, Duration::ZERO).unwrap_err().to_string().contains("a file is in its place"));
    let memory = PathBuf::from(format!("/dev/shm/corelog-dir-{}", std::process::id()));
    let refused = DataDir::take(&memory, Duration::ZERO).unwrap_err().to_string();
    std::fs::remove_dir_all(memory).unwrap();
    assert!(refused.contains("no direct I/O"), "{refused}");
}

#[test]
fn of_several_data_directories_one_may_be_unusable_but_none_is_named_twice_or_in_use() {
    let dir = directory("several");
    let (one, other, file) = (dir.join("one"), dir.join("other"), dir.join("file"));
    std::fs::write(&file, "").unwrap();
    let (taken, unusable) = DataDir::take_all(&[one.clone(), file.clone(), other.clone()], Duration::ZERO).unwrap();
    assert_eq!(taken.iter().map(DataDir::path).collect::<Vec<_>>(), [&one, &other]);
    assert_eq!(unusable.keys().collect::<Vec<_>>(), [&file]);
    let refused = |dirs: &[PathBuf]| DataDir::take_all(dirs, Duration::ZERO).unwrap_err().to_string();
    assert!(refused(&[dir.join("third"), one.clone()]).contains("in use by process"));
    assert!(refused(std::slice::from_ref(&file)).contains("a file is in its place"), "the only one must be usable");
    drop(taken);
    std::os::unix::fs::symlink(&one, dir.join("link")).unwrap();
    assert!(refused(&[one, dir.join("link")]).contains("are one: name it once"));
    std::fs::remove_dir_all(dir).unwrap();
}

/// Takes a directory that another holds for `held`; the outcome and how long it took.
fn take_while_held(name: &str, held: Duration, patience: Duration) -> (Result<(), String>, Duration) {
    let dir = directory(name);
    let other = DataDir::take(&dir, Duration::ZERO).unwrap();
    let holder = std::thread::spawn(move || {
        std::thread::sleep(held);
        drop(other);
    });
    let begun = Instant::now();
    let outcome = DataDir::take(&dir, patience).map(drop).map_err(|error| error.to_string());
    let took = begun.elapsed();
    holder.join().unwrap();
    std::fs::remove_dir_all(dir).unwrap();
    (outcome, took)
}

#[test]
fn a_data_directory_that_becomes_free_is_taken() {
    let held = Duration::from_millis(500);
    let (outcome, took) = take_while_held("freed", held, held * 100);
    assert!(outcome.is_ok() && took + Duration::from_millis(50) >= held, "{outcome:?} after {took:?}");
}

#[test]
fn a_data_directory_that_stays_taken_is_an_error_in_the_end() {
    let patience = Duration::from_millis(300);
    let (outcome, took) = take_while_held("kept", patience * 10, patience);
    assert!(outcome.as_ref().is_err_and(|error| error.contains("in use by process")), "{outcome:?}");
    assert!(took >= patience && took < patience * 10, "{took:?}");
}

/// Operations dropped at every stage, then everything is found as it should be.
#[test]
fn futures_dropped_in_flight_are_safe() {
    let dir = directory("dropped");
    let own = dir.clone();
    launch(&options(false), move |_| {
        let dir = own.clone();
        move |start: CoreStart| async move {
            let env = start.env;
            let how = OpenFile { create: true, durable_writes: true };
            let path = dir.join("file");
            let file = env.open(&path, how).await.unwrap();
            for round in 0..200u64 {
                let buffer = corelog_storage::buffer::AlignedBuf::zeroed(BLOCK * 4);
                let write = file.write_durable(round % 16 * BLOCK as u64, buffer.freeze());
                let open = env.open(&path, how);
                let nap = Duration::from_micros(round % 50 * 7);
                either(env.sleep(nap), async {
                    let _ = write.await;
                    let _ = open.await;
                })
                .await;
            }
            file.sync().await.unwrap();
            assert!(file.len().await.unwrap() <= 20 * BLOCK as u64);
            let open_files = std::fs::read_dir("/proc/self/fd").unwrap().count();
            assert!(open_files < 120, "descriptors that came too late were closed: {open_files}");
        }
    })
    .unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

/// Runs both until one is done; drops the other.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() { std::task::Poll::Ready(()) } else { other.as_mut().poll(context) }
    })
    .await;
}

/// Every core asks every other; answers come from tasks that take their time, in any order.
async fn ask_around<E: NetEnv>(
    env: E,
    mailbox: corelog_broker::core::mailbox::Mailbox<u64, u64>,
    rendezvous: Rendezvous,
) -> u64 {
    env.spawn(Lane::Latency, {
        let (env, mailbox) = (env.clone(), mailbox.clone());
        async move {
            let mut last = vec![0; env.cores().into()];
            loop {
                match mailbox.receive().await {
                    Incoming::Request(caller, number) => {
                        let from = usize::from(caller.core().0);
                        assert!(number > last[from], "requests come in the order sent");
                        last[from] = number;
                        let env = env.clone();
                        env.clone().spawn(Lane::Latency, async move {
                            env.sleep(Duration::from_micros(env.random() % 50)).await;
                            if number % 7 != 0 {
                                caller.reply(number + 1);
                            } // else dropped: Gone
                        });
                    }
                    Incoming::Note(from, note) => assert_eq!(note, u64::from(from.0)),
                }
            }
        }
    });
    let mut answered = 0;
    for number in 1..=60u64 {
        for to in (0..env.cores()).map(CoreId).filter(|to| *to != env.core()) {
            let pending = mailbox.submit(to, number).await.unwrap();
            mailbox.note(to, env.core().0.into());
            if number % 5 == 0 {
                drop(pending); // its credit comes back all the same
            } else {
                let (env, wanted) = (env.clone(), if number % 7 == 0 { None } else { Some(number + 1) });
                env.spawn(Lane::Latency, async move { assert_eq!(pending.await.ok(), wanted) });
            }
            answered += 1;
        }
    }
    rendezvous.meet(&env).await;
    answered
}

#[test]
fn simulated_cores_exchange_letters_and_replay_exactly() {
    let run = |seed| {
        let world = World::new(seed);
        let network = Network::new(&world);
        let rendezvous = Rendezvous::new(3);
        for (seat, env) in mesh::<u64, u64>(3, 3).into_iter().zip(network.start(HostId(0), 3)) {
            let rendezvous = rendezvous.clone();
            let world = world.clone();
            world.clone().spawn(env.place(), async move {
                let mailbox = seat.open(&env);
                assert_eq!(ask_around(env, mailbox, rendezvous).await, 120);
                world.count("core done");
            });
        }
        world.run_for(Duration::from_secs(5));
        assert_eq!(world.counters().get("core done"), 3, "nobody hangs");
        world.trace_hash()
    };
    let hashes: Vec<u64> = (0..20).map(run).collect();
    assert_eq!(hashes, (0..20).map(run).collect::<Vec<u64>>());
}

#[test]
fn real_cores_exchange_letters() {
    let mut seats = mesh::<u64, u64>(3, 3).into_iter();
    let options = Options { cores: 3, ..options(false) };
    let answered = launch(&options, |_| {
        let seat = seats.next().unwrap();
        move |start: CoreStart| async move {
            let mailbox = seat.open(&start.env);
            ask_around(start.env, mailbox, start.rendezvous).await
        }
    });
    assert_eq!(answered.unwrap(), [120; 3]);
}
