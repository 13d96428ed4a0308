//! Shards under simulated crashes, against a model that remembers everything.

mod cache;
mod copies;
mod deleted_records;
mod limits_of_life;
mod offline;

use std::{
    cell::RefCell, collections::BTreeMap, future::poll_fn, path::PathBuf, pin::pin, rc::Rc, task::Poll, time::Duration,
};

use bytes::Bytes;

use super::*;
use crate::{
    batch::{Header, testing::BatchSpec},
    error::{AppendError, ReadError},
    ids::{LeaderEpoch, Offset, PartitionIndex, Timestamp, TopicId},
    journal::JournalOptions,
    sim::{Faults, Place, SimEnv, World},
};

fn id(partition: i32) -> LogId {
    LogId { topic: TopicId([7; 16]), partition: PartitionIndex(partition) }
}

fn options() -> ShardOptions {
    ShardOptions {
        pool: BufferPool::new(8 << 20, 0),
        cache_bytes: 2 << 20,
        cache_begins: 2 << 20,
        read_bytes: 4 << 20,
        journal: JournalOptions { size: 4 << 20, file_size: 1 << 20 },
    }
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 200_000, retention_ms: None, ..LogConfig::default() }
}

/// One place's storage, opened, closed and cut off at will.
struct Bench {
    world: World,
    dir: PathBuf,
}

impl Bench {
    fn new(name: &str, seed: u64) -> Self {
        let bench = Self { world: World::new(seed), dir: PathBuf::from(format!("/{name}-{seed}")) };
        let dir = bench.dir.clone();
        bench.run(|env| async move {
            env.create_dir(&dir).await.unwrap();
            env.sync_dir(std::path::Path::new("/")).await.unwrap();
        });
        bench
    }

    fn run<T: 'static, F: Future<Output = T> + 'static>(&self, work: impl FnOnce(SimEnv) -> F) -> T {
        let env = self.world.env(Place::FIRST);
        self.world.block_on(Place::FIRST, work(env)).expect("the work ends")
    }

    fn open(&self) -> (Rc<Shard<SimEnv>>, RecoveryReport) {
        let dir = self.dir.clone();
        self.run(|env| async move { Shard::open(env, &dir, ShardId(0), options()).await.unwrap() })
    }
}

async fn read_all(log: &Rc<Log<SimEnv>>, max_bytes: usize) -> Vec<u8> {
    let (mut at, mut all) = (log.start(), Vec::new());
    while at < log.end() {
        let read = log.read(at, max_bytes, log.end(), true).await.unwrap();
        assert!(read.next > at, "a read of at least one batch goes on");
        all.extend(read.chain.concat());
        at = read.next;
    }
    all
}

/// What was appended, as it must be read.
#[derive(Clone, Default)]
struct Model {
    batches: Vec<(Offset, Offset, Bytes)>,
    acked: Offset,
    sequence: i32,
}

impl Model {
    fn end(&self) -> Offset {
        self.batches.last().map_or(Offset(0), |batch| batch.1)
    }

    fn bytes_from(&self, start: Offset) -> Vec<u8> {
        let kept = self.batches.iter().filter(|(_, end, _)| *end > start);
        kept.flat_map(|(.., bytes)| bytes.to_vec()).collect()
    }

    /// What recovery left: at least all that was acknowledged.
    fn cut(&mut self, end: Offset) {
        assert!(end >= self.acked, "acknowledged up to {:?}, found up to {end:?}", self.acked);
        self.batches.retain(|(_, last, _)| *last <= end);
        assert_eq!(self.end(), end, "a log ends where a batch ends");
        self.sequence = self.end().0 as i32;
    }
}

fn stored(spec: &BatchSpec, base: Offset) -> Bytes {
    BatchSpec { base_offset: base.0, ..spec.clone() }.build()
}

fn append(log: &Rc<Log<SimEnv>>, model: &mut Model, records: i32, value: usize) -> Ticket {
    try_append(log, model, records, value).unwrap()
}

fn try_append(log: &Rc<Log<SimEnv>>, model: &mut Model, records: i32, value: usize) -> Result<Ticket, AppendError> {
    let spec = BatchSpec {
        records,
        value,
        producer: Some((9, 0, model.sequence)),
        timestamp: 1_000 + i64::from(model.sequence),
        ..BatchSpec::default()
    };
    let appended = log.append(&spec.valid(), LeaderEpoch(0))?;
    assert_eq!(appended.base_offset, model.end());
    assert!(!appended.duplicate);
    let end = Offset(appended.last_offset.0 + 1);
    model.batches.push((appended.base_offset, end, stored(&spec, appended.base_offset)));
    model.sequence += records;
    Ok(appended.ticket)
}

use crate::log::{Ticket, segment::log_dir};

#[test]
fn what_is_appended_is_read_from_memory_and_after_a_restart_from_disk() {
    let bench = Bench::new("restart", 1);
    let (shard, _) = bench.open();
    let (log, model) = bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for round in 0..500 {
            let value = if round % 50 == 7 { 160_000 } else { round % 300 };
            let ticket = append(&log, &mut model, 1 + round as i32 % 4, value);
            if round % 3 == 0 || value > 50_000 {
                log.wait_durable(ticket).await.unwrap();
            }
        }
        assert_eq!(read_all(&log, 10_000).await, model.bytes_from(Offset(0)));
        shard.close().await.unwrap();
        (log, model)
    });
    drop(log);
    let (shard, report) = bench.open();
    assert!(!report.suspect && report.truncated.is_empty());
    bench.run(|_| async move {
        let log = shard.log(id(0)).unwrap();
        assert_eq!(log.end(), model.end());
        for max_bytes in [1, 5_000, 1 << 20] {
            assert_eq!(read_all(&log, max_bytes).await, model.bytes_from(Offset(0)));
        }
        let last = model.sequence - 1;
        let found = log.offset_for_timestamp(Timestamp(1_000 + i64::from(last)), log.end()).await.unwrap().unwrap();
        assert_eq!(found.timestamp.0, 1_000 + i64::from(last));
    });
}

/// Appends, restarts and power cuts at random; afterwards everything acknowledged is there, byte for byte.
fn crash_run(seed: u64) {
    let bench = Bench::new("crash", seed);
    let mut models: BTreeMap<i32, Model> = BTreeMap::new();
    for round in 0..6_u64 {
        let (shard, _) = bench.open();
        let shared = Rc::new(RefCell::new(models.clone()));
        let (inner, draw_env) = (shared.clone(), bench.world.env(Place::FIRST));
        let verify = shard.clone();
        let checked = shared.clone();
        bench.run(|_| async move {
            for (partition, model) in checked.borrow_mut().iter_mut() {
                match verify.log(id(*partition)) {
                    Some(log) => model.cut(log.end()),
                    None => model.cut(Offset(0)),
                }
            }
            let models = checked.borrow().clone();
            for (partition, model) in models {
                let Some(log) = verify.log(id(partition)) else { continue };
                let found = read_all(&log, 1 << 20).await;
                assert!(found == model.bytes_from(log.start()), "seed {seed}: log {partition} is not what was written");
                // A resent batch is known again, at its old place.
                if let Some((base, end, bytes)) = model.batches.last() {
                    let header = Header::parse(bytes).unwrap();
                    let spec = BatchSpec {
                        records: (end.0 - base.0) as i32,
                        value: 1,
                        producer: Some((9, 0, header.base_sequence)),
                        ..BatchSpec::default()
                    };
                    let again = log.append(&spec.valid(), LeaderEpoch(0)).unwrap();
                    assert!(again.duplicate && again.base_offset == *base, "seed {seed}: resent to log {partition}");
                }
            }
        });
        let world = bench.world.clone();
        // Every other history has a disk that fails now and then.
        if seed % 2 == 1 {
            let fails = Faults {
                write_error: 300,
                sync_error: 300,
                no_space: 300,
                stalls: 3_000,
                clock_jumps: 100,
                ..Faults::default()
            };
            world.set_faults(Place::FIRST.host, fails);
        }
        world.spawn(Place::FIRST, async move {
            for step in 0..400_u64 {
                let draw = draw_env.random();
                let partition = (draw % 5) as i32;
                let log = match shard.log(id(partition)) {
                    Some(log) => log,
                    None => match shard.create_log(id(partition), config()) {
                        Ok(log) => log,
                        Err(_) => return,
                    },
                };
                let value = match draw >> 8 & 15 {
                    0 => 140_000,
                    1 => 200_000,
                    _ => (draw >> 16) as usize % 900,
                };
                let mut model = inner.borrow().get(&partition).cloned().unwrap_or_default();
                let ticket = match try_append(&log, &mut model, 1 + (draw >> 40) as i32 % 3, value) {
                    Ok(ticket) => ticket,
                    Err(AppendError::Overloaded) => {
                        draw_env.sleep(Duration::from_millis(1)).await;
                        continue;
                    }
                    // The disk failed for good: this life of the shard is over.
                    Err(AppendError::Storage(StorageError::ShardFailed(_))) => return,
                    Err(AppendError::Storage(StorageError::DiskFull)) => {
                        draw_env.sleep(Duration::from_millis(600)).await;
                        continue;
                    }
                    Err(error) => panic!("{error}"),
                };
                inner.borrow_mut().insert(partition, model);
                let (log, models) = (log.clone(), inner.clone());
                draw_env.spawn(crate::env::Lane::Latency, async move {
                    if log.wait_durable(ticket).await.is_ok() {
                        let mut models = models.borrow_mut();
                        let model = models.get_mut(&partition).unwrap();
                        model.acked = model.acked.max(ticket.0);
                    }
                });
                if step % 97 == 96 {
                    drop(shard.checkpoint().await);
                }
                draw_env.sleep(Duration::from_micros(draw >> 50)).await;
            }
        });
        world.run_steps(300 + (seed * 7_919 + round * 104_729) % 6_000);
        world.power_cut(Place::FIRST.host);
        world.set_faults(Place::FIRST.host, Faults::default());
        models = shared.borrow().clone();
    }
}

#[test]
fn acknowledged_batches_survive_power_cuts_at_any_step() {
    let seeds = std::env::var("CORELOG_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2);
    for seed in 0..seeds {
        crash_run(seed);
    }
}

/// The journal has a large batch's header alone: where its segment has something else, the log ends before it.
fn bypass_run() {
    let bench = Bench::new("bypass", 11);
    let (shard, _) = bench.open();
    let model = bench.run(|_| async move {
        // Keeps the journal from here on, through what follows.
        append(&shard.create_log(id(1), config()).unwrap(), &mut Model::default(), 1, 10);
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        append(&log, &mut model, 1, 100);
        let ticket = append(&log, &mut model, 1, 150_000);
        log.wait_durable(ticket).await.unwrap();
        model
    });
    bench.world.power_cut(Place::FIRST.host);
    let path = log_dir(&bench.dir, id(0)).join(crate::log::segment::segment_name(Offset(0)));
    assert!(bench.world.rot(Place::FIRST.host, &path, 60_000, 1));
    let (shard, report) = bench.open();
    assert_eq!(report.truncated, [id(0)]);
    let first = model.batches[0].clone();
    let model = bench.run(|_| async move {
        let log = shard.log(id(0)).unwrap();
        assert_eq!(log.end(), Offset(1));
        assert_eq!(read_all(&log, 1 << 20).await, first.2);
        // What comes next goes elsewhere, and survives in turn.
        let mut model = Model { batches: vec![first], sequence: 1, ..Model::default() };
        append(&log, &mut model, 1, 170_000);
        let ticket = append(&log, &mut model, 1, 100_000);
        log.wait_durable(ticket).await.unwrap();
        model
    });
    // From the journal alone; then, after a checkpoint younger than the cut, with a journal older than it; then without
    // the segment that came first after the cut.
    let starts = [Offset(0), Offset(0), Offset(2)];
    for (at, start) in starts.into_iter().enumerate() {
        // What was removed stays removed: no cut of the power.
        bench.world.kill(Place::FIRST.host);
        let (shard, report) = bench.open();
        assert!(report.truncated.is_empty() && !report.suspect);
        let expected = model.bytes_from(start);
        bench.run(|_| async move {
            let log = shard.log(id(0)).unwrap();
            assert_eq!((log.start(), log.end()), (start, Offset(3)));
            assert_eq!(read_all(&log, 1 << 20).await, expected);
            log.flush_all().await.unwrap();
            shard.checkpoint().await.unwrap();
            if let Some(next) = starts.get(at + 1) {
                log.delete_records(*next).await.unwrap();
            }
        });
    }
}

#[test]
fn a_bypassed_batch_that_is_not_whole_ends_its_log() {
    bypass_run();
}

/// The power is cut while a start, or what follows it, deals with bypassed batches that were acknowledged: their segment
/// alone has them, and a torn write over one would lose it.
fn found_run() {
    for steps in (0..240).step_by(3) {
        let bench = Bench::new("found", steps);
        let (shard, _) = bench.open();
        let model = bench.run(|_| async move {
            let log = shard.create_log(id(0), config()).unwrap();
            let mut model = Model::default();
            for value in [100, 150_000, 300, 130_000] {
                let ticket = append(&log, &mut model, 1, value);
                log.wait_durable(ticket).await.unwrap();
            }
            model
        });
        bench.world.kill(Place::FIRST.host);
        let (env, dir) = (bench.world.env(Place::FIRST), bench.dir.clone());
        bench.world.spawn(Place::FIRST, async move {
            let (shard, _) = Shard::open(env, &dir, ShardId(0), options()).await.unwrap();
            shard.close().await.unwrap();
        });
        bench.world.run_steps(steps);
        bench.world.power_cut(Place::FIRST.host);
        let (shard, _) = bench.open();
        bench.run(|_| async move {
            let log = shard.log(id(0)).unwrap();
            assert_eq!(log.end(), model.end(), "cut after {steps} steps");
            assert_eq!(read_all(&log, 1 << 20).await, model.bytes_from(Offset(0)), "cut after {steps} steps");
        });
    }
}

#[test]
fn a_bypassed_batch_that_a_start_finds_is_not_written_again() {
    found_run();
}

#[test]
fn a_shard_tells_once_that_its_disk_failed_and_one_on_another_disk_goes_on() {
    let bench = Bench::new("failing", 21);
    let (shard, _) = bench.open();
    let other = bench.run(|env| async move {
        env.create_dir("/other".as_ref()).await.unwrap();
        env.sync_dir("/".as_ref()).await.unwrap();
        Shard::open(env, "/other".as_ref(), ShardId(0), options()).await.unwrap().0
    });
    let told: Rc<RefCell<Vec<StorageError>>> = Rc::default();
    let telling = told.clone();
    shard.observe_failure(Rc::new(move |error| telling.borrow_mut().push(error)));
    let fails = Faults { write_error: 1_000_000, ..Faults::default() };
    bench.world.set_disk_faults(Place::FIRST.host, &bench.dir, Some(fails));
    bench.run(|_| async move {
        let logs = [&shard, &other].map(|shard| shard.create_log(id(0), config()).unwrap());
        let tickets = [0, 1].map(|at| append(&logs[at], &mut Model::default(), 1, 100));
        assert!(matches!(logs[0].wait_durable(tickets[0]).await, Err(StorageError::ShardFailed(_))));
        assert_eq!(logs[1].wait_durable(tickets[1]).await, Ok(()));
        shard.stop_serving(StorageError::Closed);
        assert_eq!(*told.borrow(), [shard.failure().unwrap()], "the first reason is told, once");
        // What waits is told, too, when another core finds the disk failed.
        let mut model = Model::default();
        let log = other.create_log(id(1), config()).unwrap();
        let ticket = append(&log, &mut model, 1, 100);
        other.stop_serving(told.borrow()[0].clone());
        assert!(matches!(log.wait_durable(ticket).await, Err(StorageError::DirectoryOffline(_))));
        assert!(try_append(&log, &mut model, 1, 100).is_err());
    });
}

/// Each deliberate bug must show within a few seeds, or the test above proves little.
#[cfg(feature = "mutants")]
#[test]
fn every_deliberate_bug_of_the_log_is_caught() {
    use crate::mutant::{Mutant, choose};
    const SEEDS: u64 = 20;
    let survivors: Vec<Mutant> = [
        Mutant::LogSkipsSegmentSync,
        Mutant::LogIndexOffByOne,
        Mutant::LogCheckpointSkipsProducers,
        Mutant::LogCheckpointTooEarly,
        Mutant::LogTrustsBypassed,
        Mutant::LogAcksBeforeSegment,
        Mutant::LogRetentionTakesOneMore,
        Mutant::LogForgetsEpochs,
        Mutant::LogForgetsCuts,
        Mutant::LogReplayDropsLast,
        Mutant::LogRewritesFound,
    ]
    .into_iter()
    .filter(|mutant| {
        choose(Some(*mutant));
        let runs = [bypass_run as fn(), deleted_records::start_ahead_run, found_run, retention_run];
        let directed = runs.into_iter().any(|run| std::panic::catch_unwind(run).is_err());
        let directed = directed.then_some(0);
        let caught =
            directed.or_else(|| (0..SEEDS).find(|seed| std::panic::catch_unwind(|| crash_run(*seed)).is_err()));
        choose(None);
        eprintln!("{mutant:?}: caught by seed {caught:?}");
        caught.is_none()
    })
    .collect();
    assert_eq!(survivors, [], "no seed of {SEEDS} caught these");
}

#[test]
fn retention_and_deleted_records_give_up_whole_segments_for_good() {
    retention_run();
}

fn retention_run() {
    let bench = Bench::new("retention", 3);
    let (shard, _) = bench.open();
    let start = bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for _ in 0..100 {
            append(&log, &mut model, 1, 10_000);
        }
        shard.checkpoint().await.unwrap();
        assert_eq!(log.delete_records(Offset(30)).await, Ok(Offset(30)));
        assert!(matches!(log.read(Offset(29), 1, log.end(), true).await, Err(ReadError::OutOfRange { .. })));
        assert!(log.read(Offset(30), 1, log.end(), true).await.unwrap().bytes > 0);
        log.set_config(LogConfig { retention_bytes: Some(400_000), ..config() });
        shard.run_retention(86_400_000).await.unwrap();
        assert!(log.size() >= 400_000 && log.size() < 700_000, "{}", log.size());
        let start = log.start();
        assert!(start > Offset(30));
        // What was deleted is deleted, whether or not the disk was told in time.
        start
    });
    bench.world.power_cut(Place::FIRST.host);
    let (shard, report) = bench.open();
    assert!(!report.suspect);
    bench.run(|_| async move {
        let log = shard.log(id(0)).unwrap();
        assert_eq!((log.start(), log.end()), (start, Offset(100)));
        assert_eq!(log.epoch_at(start), Some(LeaderEpoch(0)), "epochs are remembered");
        let all = read_all(&log, 1 << 20).await;
        assert_eq!(Header::parse(&all).unwrap().base_offset, start);
        log.delete_records(Offset(100)).await.unwrap();
        assert_eq!((log.start(), log.size()), (Offset(100), 0));
        let mut model =
            Model { batches: vec![(Offset(99), Offset(100), Bytes::new())], sequence: 100, ..Model::default() };
        let ticket = append(&log, &mut model, 1, 5);
        log.wait_durable(ticket).await.unwrap();
    });
}

#[test]
fn a_deleted_log_leaves_no_files_and_its_name_no_data() {
    let bench = Bench::new("delete", 4);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for _ in 0..50 {
            append(&log, &mut model, 1, 10_000);
        }
        shard.checkpoint().await.unwrap();
        shard.delete_log(id(0)).await.unwrap();
        assert!(matches!(
            log.append(&BatchSpec::default().valid(), LeaderEpoch(0)),
            Err(AppendError::Storage(StorageError::Deleted))
        ));
    });
    let left: Vec<_> = bench
        .world
        .files(Place::FIRST.host)
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".log"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    bench.world.power_cut(Place::FIRST.host);
    let (shard, report) = bench.open();
    assert_eq!(report.logs, 0);
    bench.run(|env| async move {
        env.sleep(Duration::from_millis(100)).await;
        let log = shard.create_log(id(0), config()).unwrap();
        assert_eq!(log.end(), Offset(0));
    });
}

/// A write that is under way when its log is deleted creates no file after the others are gone.
#[test]
fn a_deletion_amid_any_write_leaves_no_files() {
    let bench = Bench::new("delete-amid", 3);
    let (shard, _) = bench.open();
    let dir = bench.dir.clone();
    bench.run(|env| async move {
        for round in 0..400 {
            let log = shard.create_log(id(round), LogConfig { segment_bytes: 60_000, ..config() }).unwrap();
            let mut model = Model::default();
            for _ in 0..3 {
                append(&log, &mut model, 1, 50_000);
            }
            env.sleep(Duration::from_micros(env.random() % 3_000)).await;
            shard.delete_log(id(round)).await.unwrap();
            env.sleep(Duration::from_millis(5)).await;
            assert!(env.list(&log_dir(&dir, id(round))).await.is_err(), "round {round} left its directory");
        }
    });
}

#[test]
fn a_log_moves_with_all_it_knows_and_the_greater_claim_is_the_new_one() {
    let bench = Bench::new("move", 5);
    let (from, _) = bench.open();
    let dir = bench.dir.clone();
    let (to, _) = bench.run(|env| async move { Shard::open(env, &dir, ShardId(1), options()).await.unwrap() });
    let model = bench.run(|_| async move {
        let log = from.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for round in 0..60 {
            append(&log, &mut model, 2, if round == 30 { 190_000 } else { 3_000 });
        }
        let manifest = from.release(id(0)).await.unwrap();
        assert!(from.log(id(0)).is_none() && log.append(&BatchSpec::default().valid(), LeaderEpoch(0)).is_err());
        let moved = to.adopt(manifest).await.unwrap();
        assert_eq!((from.claims()[0].1, to.claims()[0].1), (Generation(0), Generation(1)));
        assert_eq!(read_all(&moved, 1 << 20).await, model.bytes_from(Offset(0)));
        let ticket = append(&moved, &mut model, 1, 100);
        moved.wait_durable(ticket).await.unwrap();
        model
    });
    // A crash before the giver forgot.
    bench.world.power_cut(Place::FIRST.host);
    let (from, _) = bench.open();
    let dir = bench.dir.clone();
    let (to, _) = bench.run(|env| async move { Shard::open(env, &dir, ShardId(1), options()).await.unwrap() });
    bench.run(|_| async move {
        assert!(from.claims()[0].1 < to.claims()[0].1);
        from.forget(id(0)).await.unwrap();
        assert!(from.claims().is_empty());
        let log = to.log(id(0)).unwrap();
        assert_eq!(read_all(&log, 1 << 20).await, model.bytes_from(Offset(0)));
        from.close().await.unwrap();
        to.close().await.unwrap();
    });
}

#[test]
fn what_is_in_no_segment_yet_goes_with_the_log() {
    let bench = Bench::new("carried", 7);
    let (from, _) = bench.open();
    let dir = bench.dir.clone();
    let open = move |env| async move { Shard::open(env, &dir, ShardId(1), options()).await.unwrap().0 };
    let to = bench.run(open.clone());
    let model = bench.run(|env| async move {
        let log = from.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        append(&log, &mut model, 3, 20_000);
        log.flush_all().await.unwrap();
        for _ in 0..4 {
            append(&log, &mut model, 2, 3_000);
        }
        let files = env.world().disk_usage(Place::FIRST.host);
        let manifest = from.hold(id(0), Rest::Carried).await.unwrap();
        assert_eq!(env.world().disk_usage(Place::FIRST.host), files, "its segments are as they were");
        let moved = to.adopt(manifest).await.unwrap();
        assert_eq!(moved.producer_infos(), log.producer_infos());
        from.forget(id(0)).await.unwrap();
        assert_eq!(read_all(&moved, 1 << 20).await, model.bytes_from(Offset(0)));
        let ticket = append(&moved, &mut model, 1, 100);
        moved.wait_durable(ticket).await.unwrap();
        // The checkpoint has the log, the journal what came with it.
        to.checkpoint().await.unwrap();
        model
    });
    bench.world.power_cut(Place::FIRST.host);
    let (from, _) = bench.open();
    let to = bench.run(open);
    bench.run(|_| async move {
        assert!(from.claims().is_empty());
        assert_eq!(read_all(&to.log(id(0)).unwrap(), 1 << 20).await, model.bytes_from(Offset(0)));
    });
}

#[test]
fn a_full_disk_refuses_appends_and_recovers_by_itself() {
    let bench = Bench::new("full", 6);
    let (shard, _) = bench.open();
    let world = bench.world.clone();
    bench.run(|env| async move {
        let log = shard.create_log(id(0), LogConfig { segment_bytes: 300_000, ..config() }).unwrap();
        let mut model = Model::default();
        let ticket = append(&log, &mut model, 1, 150_000);
        log.wait_durable(ticket).await.unwrap();
        world.set_capacity(Place::FIRST.host, Some(world.disk_usage(Place::FIRST.host) + 200_000));
        let mut refused = false;
        for _ in 0..20 {
            let spec = BatchSpec { value: 100_000, ..BatchSpec::default() };
            match log.append(&spec.valid(), LeaderEpoch(0)) {
                Ok(appended) => refused |= log.wait_durable(appended.ticket).await == Err(StorageError::DiskFull),
                Err(error) => refused |= error == AppendError::Storage(StorageError::DiskFull),
            }
        }
        assert!(refused);
        let end = log.durable_end();
        assert!(log.read(Offset(0), 1, end, true).await.unwrap().bytes > 0, "reading goes on");
        world.set_capacity(Place::FIRST.host, None);
        env.sleep(Duration::from_secs(2)).await;
        let appended = log.append(&BatchSpec::default().valid(), LeaderEpoch(0)).unwrap();
        log.wait_durable(appended.ticket).await.unwrap();
    });
}

#[test]
fn damage_on_disk_is_one_logs_error() {
    let bench = Bench::new("rot", 8);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        for partition in 0..2 {
            let log = shard.create_log(id(partition), config()).unwrap();
            let mut model = Model::default();
            for _ in 0..30 {
                append(&log, &mut model, 1, 3_000);
            }
        }
        shard.close().await.unwrap();
    });
    let path = log_dir(&bench.dir, id(0)).join(crate::log::segment::segment_name(Offset(0)));
    assert!(bench.world.rot(Place::FIRST.host, &path, 50_000, 3));
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let (bad, good) = (shard.log(id(0)).unwrap(), shard.log(id(1)).unwrap());
        assert!(bad.read(Offset(0), 3_000, bad.end(), true).await.is_ok(), "what is before the damage is fine");
        let mut outcome = Ok(());
        for at in 0..30 {
            outcome = outcome.and(bad.read(Offset(at), 1, bad.end(), true).await.map(drop));
        }
        assert!(matches!(outcome, Err(ReadError::Storage(StorageError::Corrupt { .. }))));
        assert!(!read_all(&good, 1 << 20).await.is_empty());
        assert_eq!(shard.failure(), None);
    });
}

#[test]
fn lookups_in_long_segments_go_by_the_index() {
    let bench = Bench::new("index", 9);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let log = shard.create_log(id(0), LogConfig { segment_bytes: 10 << 20, ..config() }).unwrap();
        for at in 0..700 {
            let spec = BatchSpec { value: 40_000, timestamp: 1_000 * at, ..BatchSpec::default() };
            let ticket = log.append(&spec.valid(), LeaderEpoch(0)).unwrap().ticket;
            if at % 10 == 9 {
                log.wait_durable(ticket).await.unwrap();
                log.flush_all().await.unwrap();
                shard.checkpoint().await.unwrap();
            }
        }
        shard.close().await.unwrap();
    });
    let (shard, report) = bench.open();
    assert_eq!(report.replayed, 0, "a closed shard replays nothing");
    bench.run(|_| async move {
        let log = shard.log(id(0)).unwrap();
        assert!(log.size() > 28_000_000);
        for at in [0, 1, 250, 255, 256, 333, 500, 699] {
            let read = log.read(Offset(at), 1, log.end(), true).await.unwrap();
            assert!(read.from_disk);
            assert_eq!(Header::parse(&read.chain.concat()).unwrap().base_offset, Offset(at));
            let found = log.offset_for_timestamp(Timestamp(1_000 * at - 500), log.end()).await.unwrap().unwrap();
            assert_eq!((found.offset, found.timestamp), (Offset(at), Timestamp(1_000 * at)));
        }
        assert_eq!(log.offset_for_timestamp(Timestamp(700_000), log.end()).await.unwrap(), None);
        let newest = log.max_timestamp(log.end()).await.unwrap().unwrap();
        assert_eq!((newest.offset, newest.timestamp), (Offset(699), Timestamp(699_000)));
    });
}

#[test]
fn compressed_and_broker_timed_records_are_found_by_time() {
    let bench = Bench::new("times", 10);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let log = shard.create_log(id(0), config()).unwrap();
        let plain = BatchSpec { records: 5, timestamp: 100, ..BatchSpec::default() }.build();
        let body = snap::raw::Encoder::new().compress_vec(&plain[crate::batch::HEADER_LEN..]).unwrap();
        let mut snappy = [&plain[..crate::batch::HEADER_LEN], &body].concat();
        let length = (snappy.len() - 12) as u32;
        snappy[8..12].copy_from_slice(&length.to_be_bytes());
        snappy[22] = 2;
        let crc = crate::batch::crc32c(&snappy[21..]);
        snappy[17..21].copy_from_slice(&crc.to_be_bytes());
        let batch = crate::batch::check(snappy.into(), &Default::default()).unwrap();
        log.append(&batch, LeaderEpoch(0)).unwrap();
        let found = log.offset_for_timestamp(Timestamp(103), log.end()).await.unwrap().unwrap();
        assert_eq!((found.offset, found.timestamp), (Offset(3), Timestamp(103)));
        log.set_config(LogConfig { log_append_time: true, ..config() });
        let appended = log.append(&BatchSpec { records: 3, ..BatchSpec::default() }.valid(), LeaderEpoch(1)).unwrap();
        let now = appended.log_append_time.unwrap();
        let found = log.offset_for_timestamp(Timestamp(105), log.end()).await.unwrap().unwrap();
        assert_eq!((found.offset, found.timestamp, found.epoch), (Offset(5), now, LeaderEpoch(1)));
        assert_eq!(log.epoch_end(LeaderEpoch(0)), Some((LeaderEpoch(0), Offset(5))));
        assert_eq!(log.append(&batch, LeaderEpoch(0)), Err(AppendError::StaleLeaderEpoch));
    });
}
