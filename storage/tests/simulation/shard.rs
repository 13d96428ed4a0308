//! The shard's workload and its checker: logs that are appended to, read, checkpointed, trimmed, deleted and made anew
//! through power cuts, kills and failing disks.
//!
//! - What was acknowledged is found, byte for byte and in order, unless it was deleted on purpose.
//! - Whatever is read was appended at that very offset: in the life that appended it, and in every later one.
//! - A log ends where a batch ends, and knows the epoch of each of its batches.
//! - What was deleted stays deleted; retention leaves what it was asked to keep.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::Path,
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use corelog_storage::{
    batch::{self, BatchRules},
    buffer::BufferPool,
    env::{Env, Lane},
    error::{AppendError, ReadError, StorageError},
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, Timestamp, TopicId},
    journal::JournalOptions,
    log::{Log, LogConfig},
    record::BatchBuilder,
    shard::{Shard, ShardId, ShardOptions},
    sim::{Faults, HostId, Place, Rng, SimEnv, World},
};

use super::report::Report;

const HOST: HostId = Place::FIRST.host;
const DIR: &str = "/data";
const LIVES: u64 = 5;
const PARTITIONS: u64 = 4;
const KEPT_BYTES: u64 = 300_000;

/// What the outside world knows of one log.
#[derive(Clone, Default)]
struct Model {
    batches: Vec<(Offset, Bytes, LeaderEpoch)>,
    end: Offset,
    acknowledged: Offset,
    /// Where it must at least begin, and may at most.
    start: (Offset, Offset),
    /// Its deletion was asked for: it may be gone. Then, that it was acknowledged: it is gone.
    doomed: bool,
    deleted: bool,
}

impl Model {
    fn bytes_from(&self, start: Offset) -> Vec<u8> {
        let ends = self.batches.iter().skip(1).map(|batch| batch.0).chain([self.end]);
        let kept = self.batches.iter().zip(ends).filter(|(_, end)| *end > start);
        kept.flat_map(|(batch, _)| batch.1.to_vec()).collect()
    }

    /// Forgets what recovery did not find; false if the log ends within a batch.
    fn cut(&mut self, end: Offset) -> bool {
        let whole = end == self.end || self.batches.iter().any(|batch| batch.0 == end);
        self.batches.retain(|batch| batch.0 < end);
        self.end = end;
        whole
    }
}

#[derive(Default)]
struct Truth {
    models: RefCell<BTreeMap<LogId, Model>>,
    /// The log each partition has now.
    current: RefCell<BTreeMap<u64, LogId>>,
    topics: Cell<u8>,
    /// The first property found broken by a task.
    broken: RefCell<Option<String>>,
}

impl Truth {
    fn is_broken(&self, property: String) {
        self.broken.borrow_mut().get_or_insert(property);
    }

    fn with<T>(&self, id: LogId, act: impl FnOnce(&mut Model) -> T) -> T {
        act(self.models.borrow_mut().entry(id).or_default())
    }

    fn model(&self, id: LogId) -> Model {
        self.with(id, |model| model.clone())
    }

    fn id(&self, partition: u64) -> LogId {
        *self.current.borrow_mut().entry(partition).or_insert_with(|| self.new_id(partition))
    }

    fn new_id(&self, partition: u64) -> LogId {
        self.topics.set(self.topics.get() + 1);
        LogId { topic: TopicId([self.topics.get(); 16]), partition: PartitionIndex(partition as i32) }
    }
}

/// Little memory and a short journal, so that their bounds are met.
pub(crate) fn options() -> ShardOptions {
    ShardOptions {
        pool: BufferPool::new(8 << 20, 0),
        cache_bytes: 1 << 20,
        cache_begins: 1 << 19,
        read_bytes: 4 << 20,
        journal: JournalOptions { size: 3 << 20, file_size: 768 << 10 },
    }
}

fn config(id: LogId) -> LogConfig {
    let retention_bytes = (id.partition.0 == 0).then_some(KEPT_BYTES);
    LogConfig { segment_bytes: 250_000, retention_ms: None, retention_bytes, ..LogConfig::default() }
}

/// Runs one seed; an error names the property that does not hold.
pub(crate) fn run(seed: u64) -> Result<Report, String> {
    let world = World::new(seed);
    let truth = Rc::new(Truth::default());
    let chance = world.rng().fork();
    for _ in 0..LIVES {
        let env = world.env(Place::FIRST);
        world.set_faults(HOST, Faults::default());
        let opened = world.block_on(Place::FIRST, recover(env.clone(), truth.clone()));
        let shard = opened.ok_or("recovery ends")??;
        world.count("recovery");
        world.set_faults(HOST, faults(&chance));
        for number in 0..2 {
            env.spawn(Lane::Latency, append_batches(env.clone(), shard.clone(), truth.clone(), number));
        }
        env.spawn(Lane::Latency, read_back(env.clone(), shard.clone(), truth.clone()));
        env.spawn(Lane::Background, keep_up(env.clone(), shard.clone(), truth.clone()));
        let crowded = chance.below(5) == 0;
        if crowded {
            world.set_capacity(HOST, Some(world.disk_usage(HOST) + chance.below(800_000)));
        }
        world.run_steps(chance.between(200, 6_000));
        world.set_capacity(HOST, None);
        match chance.below(6) {
            0 => world.kill(HOST),
            _ => world.power_cut(HOST),
        }
        if let Some(broken) = truth.broken.borrow().clone() {
            return Err(broken);
        }
    }
    Ok(Report { counters: world.counters(), trace: world.trace_hash() })
}

fn faults(chance: &Rng) -> Faults {
    let mut faults = Faults { clock_jumps: 1_000, ..Faults::default() };
    match chance.below(4) {
        0 => faults.stalls = 5_000,
        1 => {
            faults.write_error = 500;
            faults.sync_error = 500;
        }
        2 => faults.no_space = 5_000,
        _ => {}
    }
    faults
}

async fn recover(env: SimEnv, truth: Rc<Truth>) -> Result<Rc<Shard<SimEnv>>, String> {
    env.create_dir(Path::new(DIR)).await.map_err(|error| error.to_string())?;
    env.sync_dir(Path::new("/")).await.map_err(|error| error.to_string())?;
    let opened = Shard::open(env.clone(), Path::new(DIR), ShardId(0), options()).await;
    let (shard, report) = opened.map_err(|error| format!("recovery without rot succeeds, but: {error}"))?;
    if report.suspect {
        return Err("recovery without rot suspects nothing".to_string());
    }
    let ids: Vec<LogId> = truth.models.borrow().keys().copied().collect();
    for id in ids {
        let model = truth.model(id);
        match shard.log(id) {
            Some(_) if model.deleted => return Err(format!("a deleted log is gone: {id}")),
            _ if model.doomed && !model.deleted => drop(truth.models.borrow_mut().remove(&id)),
            Some(log) => verify(&env, &log, &truth).await?,
            None if model.deleted || model.acknowledged == Offset(0) => truth.with(id, |model| {
                let (doomed, deleted) = (model.doomed, model.deleted);
                *model = Model { doomed, deleted, ..Model::default() };
            }),
            None => return Err(format!("acknowledged records are found, but {id} is gone")),
        }
    }
    Ok(shard)
}

async fn verify(env: &SimEnv, log: &Rc<Log<SimEnv>>, truth: &Truth) -> Result<(), String> {
    let (id, start, end) = (log.id(), log.start(), log.end());
    let known = truth.model(id);
    if end < known.acknowledged {
        return Err(format!("{id}: acknowledged up to {:?}, found up to {end:?}", known.acknowledged));
    }
    if start < known.start.0 || start > known.start.1 {
        return Err(format!("{id}: the log starts at {start:?}, not within {:?}", known.start));
    }
    if !truth.with(id, |model| model.cut(end)) {
        return Err(format!("{id}: a log ends where a batch ends, not at {end:?}"));
    }
    let model = truth.model(id);
    let found =
        read_range(log, start, end, 1 << 20).await.map_err(|error| format!("{id}: what is there is read: {error}"))?;
    if found != model.bytes_from(start) {
        return Err(format!("{id}: what is read is what was appended"));
    }
    for (base, _, epoch) in model.batches.iter().filter(|batch| batch.0 >= start) {
        if log.epoch_at(*base) != Some(*epoch) {
            return Err(format!("{id}: the epoch at {base:?} is known as {epoch:?}, not {:?}", log.epoch_at(*base)));
        }
        env.world().count("record verified");
    }
    truth.with(id, |model| {
        model.acknowledged = end;
        model.start = (start, start);
    });
    Ok(())
}

async fn read_range(log: &Rc<Log<SimEnv>>, from: Offset, to: Offset, most: usize) -> Result<Vec<u8>, ReadError> {
    let (mut at, mut found) = (from, Vec::new());
    while at < to {
        let read = log.read(at, most, to, true).await?;
        if read.next <= at {
            break;
        }
        found.extend(read.chain.concat());
        at = read.next;
    }
    Ok(found)
}

async fn append_batches(env: SimEnv, shard: Rc<Shard<SimEnv>>, truth: Rc<Truth>, number: u64) {
    let rng = env.world().rng().fork();
    let mut epoch = 0;
    loop {
        let id = truth.id(rng.below(PARTITIONS));
        let Some(log) = shard.log(id).or_else(|| shard.create_log(id, config(id)).ok()) else { return };
        if rng.below(60) == 0 {
            epoch += 1;
        }
        let epoch = LeaderEpoch(epoch).max(log.latest_epoch().unwrap_or_default());
        let mut builder = BatchBuilder::new();
        let size = [rng.below(400), rng.below(9_000), 60_000][(rng.below(20) / 9) as usize];
        for _ in 0..rng.between(1, 4) {
            let value = vec![rng.next() as u8; size as usize];
            builder.push(Timestamp(1_000 + number as i64), Some(&rng.next().to_le_bytes()), Some(&value));
        }
        let batch = batch::check(builder.build(), &BatchRules::default()).expect("a good batch");
        match log.append(&batch, epoch) {
            Ok(appended) => {
                let end = Offset(appended.last_offset.0 + 1);
                truth.with(id, |model| {
                    let stored = builder.build_at(appended.base_offset, epoch);
                    model.batches.push((appended.base_offset, stored, epoch));
                    model.end = end;
                });
                let truth = truth.clone();
                env.spawn(Lane::Latency, async move {
                    if log.wait_durable(appended.ticket).await.is_ok() {
                        truth.with(id, |model| model.acknowledged = model.acknowledged.max(end));
                    }
                });
            }
            Err(AppendError::Storage(StorageError::ShardFailed(_))) => return,
            Err(AppendError::Overloaded | AppendError::StaleLeaderEpoch | AppendError::Storage(_)) => {
                env.world().count("append refused");
                env.sleep(Duration::from_millis(5)).await;
            }
            Err(error) => truth.is_broken(format!("a good append is taken, but: {error}")),
        }
        env.sleep(Duration::from_micros(rng.below(500))).await;
    }
}

/// Reads some range now and then, from memory or disk, and compares.
async fn read_back(env: SimEnv, shard: Rc<Shard<SimEnv>>, truth: Rc<Truth>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_micros(rng.between(500, 8_000))).await;
        let id = truth.id(rng.below(PARTITIONS));
        let Some(log) = shard.log(id) else { continue };
        let model = truth.model(id);
        let bases: Vec<Offset> =
            model.batches.iter().map(|batch| batch.0).filter(|base| *base >= log.start()).collect();
        let Some(from) = bases.get(rng.below(bases.len() as u64) as usize).copied() else { continue };
        // The start may move on meanwhile, and a disk may fail: then nothing is promised.
        let Ok(found) = read_range(&log, from, model.end, 1 << rng.between(11, 18)).await else { continue };
        if found != model.bytes_from(from) {
            truth.is_broken(format!("{id}: what is read is what was appended, from {from:?}"));
        }
        env.world().count("range read");
    }
}

async fn keep_up(env: SimEnv, shard: Rc<Shard<SimEnv>>, truth: Rc<Truth>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_millis(rng.between(3, 40))).await;
        let partition = rng.below(PARTITIONS);
        let id = truth.id(partition);
        match rng.below(8) {
            0..=2 => drop(shard.checkpoint().await),
            3 | 4 => trim_by_size(&shard, &truth).await,
            5 | 7 => {
                let Some(log) = shard.log(id) else { continue };
                // Near the start, or near the end, where appends go on.
                let wanted = match rng.below(2) {
                    0 => Offset(log.start().0 + rng.below(20) as i64).min(log.end()),
                    _ => Offset(log.end().0 - rng.below(2) as i64).max(log.start()),
                };
                truth.with(id, |model| model.start.1 = model.start.1.max(wanted));
                if let Ok(start) = log.delete_records(wanted).await {
                    truth.with(id, |model| model.start.0 = model.start.0.max(start.min(wanted)));
                    env.world().count("records deleted");
                }
            }
            6 if shard.log(id).is_some() && rng.below(3) == 0 => {
                let new = truth.new_id(partition);
                truth.current.borrow_mut().insert(partition, new);
                truth.with(id, |model| model.doomed = true);
                if rng.below(2) == 0 {
                    if shard.drop_log(id).is_err() {
                        return;
                    }
                    env.world().count("log dropped");
                } else if shard.delete_log(id).await.is_ok() {
                    truth.with(id, |model| model.deleted = true);
                    env.world().count("log deleted");
                } else {
                    return; // neither there nor gone: the next life has other logs
                }
            }
            _ => {}
        }
    }
}

/// Retention by size: afterwards at least about what it was asked to keep is there.
async fn trim_by_size(shard: &Rc<Shard<SimEnv>>, truth: &Truth) {
    let id = truth.id(0);
    let Some(log) = shard.log(id) else { return };
    let before = log.start();
    // The log grows until its turn comes.
    truth.with(id, |model| model.start.1 = Offset(i64::MAX));
    let trimmed = shard.run_retention(86_400_000).await;
    let start = log.start();
    let kept = truth.model(id).bytes_from(start).len() as u64;
    if trimmed.is_ok() {
        truth.with(id, |model| model.start = (model.start.0.max(start), start));
        if start > before && kept < KEPT_BYTES / 2 {
            truth.is_broken(format!("{id}: retention leaves {KEPT_BYTES} bytes, not {kept}"));
        }
    }
}
