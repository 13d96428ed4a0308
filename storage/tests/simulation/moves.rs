//! Logs that go from one data directory to another and back, or from one shard to another of the same, while they are
//! appended to and read, through power cuts, kills, and disks that fail or fill up.
//!
//! Which copy counts is told by a log of its own, as the broker's metadata does; a start drops the other. Of two claims in
//! one directory the greater counts; a start has the other forgotten.
//! - What was acknowledged is found, byte for byte and in order, in the copy that counts.
//! - Whatever is read was appended at that very offset.
//! - A producer that sends again what was acknowledged is told the offsets it had.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use corelog_storage::{
    batch::{self, BatchRules},
    env::{Env, Lane},
    error::{AppendError, StorageError},
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, ProducerEpoch, ProducerId, Timestamp, TopicId},
    log::{Log, LogConfig},
    record::BatchBuilder,
    shard::{Copy, CopyError, Generation, Rest, Shard, ShardId, Step},
    sim::{Faults, HostId, Place, Rng, SimEnv, World},
};

use super::{report::Report, shard::options};

const HOST: HostId = Place::FIRST.host;
const LIVES: u64 = 6;
const LOGS: u64 = 2;
const EPOCH: LeaderEpoch = LeaderEpoch(0);

type Home = Rc<Shard<SimEnv>>;

/// What logs go between.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Directories,
    Shards,
}

impl Between {
    fn dir(self, number: usize) -> PathBuf {
        match self {
            Self::Directories => format!("/disk-{number}").into(),
            Self::Shards => "/disk".into(),
        }
    }
}

/// What the outside world knows of one log.
#[derive(Clone, Default)]
struct Model {
    batches: Vec<(Offset, Bytes)>,
    end: Offset,
    acknowledged: Offset,
}

#[derive(Default)]
struct Truth {
    models: RefCell<BTreeMap<LogId, Model>>,
    broken: RefCell<Option<String>>,
}

impl Truth {
    fn is_broken(&self, property: String) {
        self.broken.borrow_mut().get_or_insert(property);
    }

    fn with<T>(&self, id: LogId, act: impl FnOnce(&mut Model) -> T) -> T {
        act(self.models.borrow_mut().entry(id).or_default())
    }
}

/// A log as it is served.
struct Served {
    id: LogId,
    log: RefCell<Rc<Log<SimEnv>>>,
    at: Cell<usize>,
    /// Nothing is appended.
    held: Cell<bool>,
}

/// The shards, and the log that tells in which directory each log is.
struct Node {
    between: Between,
    shards: [Home; 2],
    homes: Rc<Log<SimEnv>>,
    served: Vec<Rc<Served>>,
}

fn log_id(number: u64) -> LogId {
    LogId { topic: TopicId([number as u8 + 1; 16]), partition: PartitionIndex(0) }
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 250_000, retention_ms: None, ..LogConfig::default() }
}

/// Runs one seed of logs that go between directories; an error names the property that does not hold.
pub(crate) fn run_directories(seed: u64) -> Result<Report, String> {
    run(Between::Directories, seed)
}

/// The same between shards of one directory.
pub(crate) fn run_shards(seed: u64) -> Result<Report, String> {
    run(Between::Shards, seed)
}

fn run(between: Between, seed: u64) -> Result<Report, String> {
    let world = World::new(seed);
    let truth = Rc::new(Truth::default());
    let chance = world.rng().fork();
    for _ in 0..LIVES {
        let env = world.env(Place::FIRST);
        world.set_faults(HOST, Faults::default());
        (0..2).for_each(|number| world.set_disk_faults(HOST, &between.dir(number), None));
        let opened = world.block_on(Place::FIRST, recover(env.clone(), between, truth.clone()));
        let node = Rc::new(opened.ok_or("recovery ends")??);
        world.count("recovery");
        strike(&world, between, &chance);
        for served in &node.served {
            env.spawn(Lane::Latency, append_batches(env.clone(), served.clone(), truth.clone()));
            env.spawn(Lane::Latency, read_back(env.clone(), served.clone(), truth.clone()));
        }
        env.spawn(Lane::Background, keep_moving(env.clone(), node.clone()));
        world.run_steps(chance.between(500, 4_000));
        world.set_capacity(HOST, None);
        match chance.below(5) {
            0 => world.kill(HOST),
            _ => world.power_cut(HOST),
        }
        if let Some(broken) = truth.broken.borrow().clone() {
            return Err(broken);
        }
    }
    Ok(Report { counters: world.counters(), trace: world.trace_hash() })
}

fn strike(world: &World, between: Between, chance: &Rng) {
    let disk = between.dir(chance.below(2) as usize);
    match chance.below(5) {
        0 => world.set_disk_faults(HOST, &disk, Some(Faults { write_error: 2_000, ..Faults::default() })),
        1 => world.set_disk_faults(HOST, &disk, Some(Faults { no_space: 20_000, ..Faults::default() })),
        2 => world.set_faults(HOST, Faults { stalls: 5_000, ..Faults::default() }),
        _ => {}
    }
}

async fn open(env: &SimEnv, dir: &Path, id: u16) -> Result<Home, String> {
    env.create_dir(dir).await.map_err(|error| error.to_string())?;
    env.sync_dir(Path::new("/")).await.map_err(|error| error.to_string())?;
    let opened = Shard::open_among(env.clone(), dir, ShardId(id), options()).await;
    let (shard, report) = opened.map_err(|error| format!("recovery without rot succeeds, but: {error}"))?;
    match report.suspect || !shard.offline().is_empty() {
        true => Err(format!("recovery without rot suspects nothing: {:?}", shard.offline())),
        false => Ok(shard),
    }
}

async fn recover(env: SimEnv, between: Between, truth: Rc<Truth>) -> Result<Node, String> {
    let metadata = open(&env, Path::new("/metadata"), 0).await?;
    let shards = [open(&env, &between.dir(0), 0).await?, open(&env, &between.dir(1), 1).await?];
    let homes_id = log_id(99);
    let homes = match metadata.log(homes_id) {
        Some(homes) => homes,
        None => metadata.create_log(homes_id, config()).map_err(|error| error.to_string())?,
    };
    let told = read_all(&homes).await?;
    let mut served = Vec::new();
    for number in 0..LOGS {
        let id = log_id(number);
        let at = match between {
            Between::Directories => told_of(&told, number),
            Between::Shards => usize::from(claim(&shards[1], id) > claim(&shards[0], id)),
        };
        let known = truth.with(id, |model| model.clone());
        let log = match shards[at].log(id) {
            Some(log) => log,
            None if known.acknowledged == Offset(0) && at == 0 => {
                truth.with(id, |model| *model = Model::default());
                shards[at].create_log(id, config()).map_err(|error| error.to_string())?
            }
            None => return Err(format!("acknowledged records are found, but {id} is not at {at}")),
        };
        let other = &shards[1 - at];
        if other.log(id).is_some() {
            let dropped = match between {
                Between::Directories => other.delete_log(id).await,
                Between::Shards => other.forget(id).await,
            };
            dropped.map_err(|error| error.to_string())?;
            env.world().count("claim dropped");
        }
        verify(&env, &log, &truth).await?;
        served.push(Rc::new(Served { id, log: RefCell::new(log), at: Cell::new(at), held: Cell::new(false) }));
    }
    for (shard, other) in [(&shards[0], &shards[1]), (&shards[1], &shards[0])] {
        shard.remove_deleted(|id| between == Between::Shards && other.log(id).is_some()).await;
    }
    Ok(Node { between, shards, homes, served })
}

/// The directory of a log, by the log that tells: the last byte of a record's value says where, the one before it which.
fn told_of(told: &[u8], number: u64) -> usize {
    let at = told.windows(6).rev().find(|part| part[..5] == [b'h', b'o', b'm', b'e', number as u8]);
    at.map_or(0, |part| usize::from(part[5] - 1))
}

fn claim(shard: &Home, id: LogId) -> Option<Generation> {
    shard.claims().into_iter().find_map(|(claimed, generation)| (claimed == id).then_some(generation))
}

async fn read_all(log: &Rc<Log<SimEnv>>) -> Result<Vec<u8>, String> {
    let (mut at, mut found) = (log.start(), Vec::new());
    while at < log.end() {
        let read = log.read(at, 1 << 20, log.end(), true).await;
        let read = read.map_err(|error| format!("{}: what is there is read: {error}", log.id()))?;
        found.extend(read.chain.concat());
        at = read.next;
    }
    Ok(found)
}

async fn verify(env: &SimEnv, log: &Rc<Log<SimEnv>>, truth: &Truth) -> Result<(), String> {
    let (id, end) = (log.id(), log.end());
    let model = truth.with(id, |model| {
        model.batches.retain(|batch| batch.0 < end);
        model.end = end;
        model.clone()
    });
    if end < model.acknowledged {
        return Err(format!("{id}: acknowledged up to {:?}, found up to {end:?}", model.acknowledged));
    }
    if read_all(log).await? != model.batches.iter().flat_map(|batch| batch.1.to_vec()).collect::<Vec<_>>() {
        return Err(format!("{id}: what is read is what was appended"));
    }
    env.world().count("log verified");
    if let Some((base, _)) = model.batches.last() {
        let again = log.append(&batch::check(request(*base), &BatchRules::default()).expect("good"), EPOCH);
        if again.as_ref().ok().is_none_or(|again| !again.duplicate || again.base_offset != *base) {
            return Err(format!("{id}: a producer is told the offsets it had, not {again:?}"));
        }
    }
    truth.with(id, |model| model.acknowledged = end);
    Ok(())
}

/// What a producer sends to be at `base`: its offsets are its sequence numbers.
fn builder(base: Offset) -> BatchBuilder {
    let mut builder = BatchBuilder::new().producer(ProducerId(7), ProducerEpoch(0), base.0 as i32);
    let size = if base.0 % 24 == 23 { 140_000 } else { [30, 700, 9_000][(base.0 % 3) as usize] };
    builder.push(Timestamp(base.0), Some(&base.0.to_le_bytes()), Some(&vec![base.0 as u8; size]));
    builder
}

fn request(base: Offset) -> Bytes {
    builder(base).build()
}

async fn append_batches(env: SimEnv, served: Rc<Served>, truth: Rc<Truth>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_micros(rng.below(4_000))).await;
        if served.held.get() {
            continue;
        }
        let (log, id) = (served.log.borrow().clone(), served.id);
        let base = log.end();
        match log.append(&batch::check(request(base), &BatchRules::default()).expect("a good batch"), EPOCH) {
            Ok(appended) => {
                let end = Offset(appended.last_offset.0 + 1);
                truth.with(id, |model| {
                    model.batches.push((base, builder(base).build_at(base, EPOCH)));
                    model.end = end;
                });
                let truth = truth.clone();
                env.spawn(Lane::Latency, async move {
                    if log.wait_durable(appended.ticket).await.is_ok() {
                        truth.with(id, |model| model.acknowledged = model.acknowledged.max(end));
                    }
                });
            }
            Err(AppendError::Overloaded | AppendError::Storage(StorageError::DiskFull)) => {}
            Err(AppendError::Storage(StorageError::ShardFailed(_))) => return,
            Err(error) => truth.is_broken(format!("a good append is taken, but: {error}")),
        }
    }
}

/// Reads from some batch on, while the log moves or not.
async fn read_back(env: SimEnv, served: Rc<Served>, truth: Rc<Truth>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_millis(rng.between(2, 20))).await;
        let log = served.log.borrow().clone();
        let from = Offset(rng.below(log.end().0 as u64 + 1) as i64);
        let Ok(read) = log.read(from, 1 << 15, log.end(), true).await else { continue };
        let as_appended = truth.with(served.id, |model| {
            let batches = model.batches.iter().skip_while(|batch| batch.0 < from).map(|batch| &batch.1);
            let appended: Vec<u8> = batches.flat_map(|batch| batch.iter().copied()).take(read.bytes).collect();
            appended == read.chain.concat()
        });
        if !as_appended {
            truth.is_broken(format!("{}: what is read is what was appended", served.id));
        }
        env.world().count("range read");
    }
}

async fn keep_moving(env: SimEnv, node: Rc<Node>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_millis(rng.below(6))).await;
        let served = &node.served[rng.below(LOGS) as usize];
        if rng.below(4) == 0 {
            let _ = node.shards[rng.below(2) as usize].checkpoint().await;
        }
        let (from, to) = (&node.shards[served.at.get()], &node.shards[1 - served.at.get()]);
        let outcome = match node.between {
            Between::Directories => move_one(&env, &node, served, (from, to), &rng).await,
            Between::Shards => hand_to_shard(&env, served, (from, to), &rng).await,
        };
        env.world().count(match outcome {
            Ok(true) => "log moved",
            Ok(false) => "move given up",
            Err(CopyError::Source(_)) => "source failed",
            Err(CopyError::Target(_)) => "target failed",
        });
        if from.failure().is_some() || to.failure().is_some() {
            return;
        }
        if node.between == Between::Directories && outcome != Ok(true) {
            let _ = to.drop_copy(served.id).await;
        }
    }
}

/// As the broker's transfers do it, and now and then undo it.
async fn hand_to_shard(
    env: &SimEnv,
    served: &Served,
    (from, to): (&Home, &Home),
    rng: &Rng,
) -> Result<bool, CopyError> {
    let id = served.id;
    from.write_out(id, Rest::Carried).await.map_err(CopyError::Source)?;
    served.held.set(true);
    let manifest = from.hold(id, Rest::Carried).await;
    let manifest = manifest.inspect_err(|_| served.held.set(false)).map_err(CopyError::Source)?;
    let there = to.adopt(manifest).await.map_err(CopyError::Target)?;
    // Each of the two may write its segments now.
    for shard in [from, to] {
        if rng.below(4) == 0 {
            env.spawn(Lane::Background, {
                let shard = shard.clone();
                async move { drop(shard.checkpoint().await) }
            });
            env.sleep(Duration::from_micros(rng.below(300))).await;
        }
    }
    let stays = rng.below(10) == 0;
    let loser = if stays { to } else { from };
    loser.forget(id).await.map_err(if stays { CopyError::Target } else { CopyError::Source })?;
    if stays {
        from.take_back(id).map_err(CopyError::Source)?;
    } else {
        *served.log.borrow_mut() = there;
        served.at.set(1 - served.at.get());
    }
    served.held.set(false);
    Ok(!stays)
}

async fn move_one(
    env: &SimEnv,
    node: &Node,
    served: &Served,
    (from, to): (&Home, &Home),
    rng: &Rng,
) -> Result<bool, CopyError> {
    let (id, log) = (served.id, served.log.borrow().clone());
    let mut copy = to.begin_copy(id).await.map_err(CopyError::Target)?;
    while copy.step(&log).await? != Step::Level {
        env.sleep(Duration::from_micros(rng.below(100))).await;
        if rng.below(200) == 0 {
            return Ok(false);
        }
    }
    served.held.set(true);
    let outcome = hand_over(node, served, copy, (from, to), &log).await;
    if outcome.is_err() {
        if to.log(id).is_some() {
            // Where it cannot be deleted, the start drops it.
            let _ = to.delete_log(id).await;
        }
        let _ = from.take_back(id);
        served.held.set(false);
        return outcome.map(|()| true);
    }
    served.at.set(1 - served.at.get());
    served.held.set(false);
    from.delete_log(id).await.map_err(CopyError::Source)?;
    Ok(true)
}

async fn hand_over(
    node: &Node,
    served: &Served,
    mut copy: Copy<SimEnv>,
    (from, to): (&Home, &Home),
    log: &Rc<Log<SimEnv>>,
) -> Result<(), CopyError> {
    let manifest = from.hold(served.id, Rest::Written).await.map_err(CopyError::Source)?;
    copy.finish(log, &manifest).await?;
    let there = to.adopt_copy(copy, manifest).await.map_err(CopyError::Target)?;
    let number = served.id.topic.0[0] - 1;
    let mut told = BatchBuilder::new();
    told.push(Timestamp(0), None, Some(&[b'h', b'o', b'm', b'e', number, 2 - served.at.get() as u8]));
    let told = batch::check(told.build(), &BatchRules::default()).expect("a good batch");
    let ticket = node.homes.append(&told, EPOCH).expect("its disk is sound").ticket;
    node.homes.wait_durable(ticket).await.expect("its disk is sound");
    *served.log.borrow_mut() = there;
    Ok(())
}
