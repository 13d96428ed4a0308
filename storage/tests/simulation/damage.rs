//! Damage that a start finds: one bit of one log's segment turns while the process is down, and turns back, or never does.
//!
//! - A log that nothing damaged is served, and holds what it acknowledged, whatever became of another.
//! - A log that was found damaged is out of service at every start until it is mended; then it holds what it acknowledged.
//! - Its name is not free until it is deleted, and then it is.
//! - Whatever is read is what was appended.

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
    env::{BLOCK, Env, Lane},
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, Timestamp, TopicId},
    log::{Log, LogConfig},
    record::BatchBuilder,
    shard::{Shard, ShardId},
    sim::{HostId, Place, Rng, SimEnv, World},
};

use super::{report::Report, shard::options};

const HOST: HostId = Place::FIRST.host;
const DIR: &str = "/data";
const LIVES: u64 = 8;
const LOGS: u64 = 3;

/// What was appended to a log.
#[derive(Clone, Default)]
struct Model {
    batches: Vec<(Offset, Bytes)>,
    end: Offset,
    acknowledged: Offset,
}

/// The one damage there is at a time.
#[derive(Clone)]
struct Damage {
    log: LogId,
    path: PathBuf,
    at: (u64, u8),
    /// The damaged block: a log that is served may have written it anew.
    block: Vec<u8>,
    /// A start found it, and the log was out of service.
    found: bool,
}

#[derive(Default)]
struct Truth {
    models: RefCell<BTreeMap<LogId, Model>>,
    damage: RefCell<Option<Damage>>,
    topics: Cell<u8>,
}

impl Truth {
    fn new_log(&self) -> LogId {
        self.topics.set(self.topics.get() + 1);
        let id = LogId { topic: TopicId([self.topics.get(); 16]), partition: PartitionIndex(0) };
        self.models.borrow_mut().insert(id, Model::default());
        id
    }

    fn ids(&self) -> Vec<LogId> {
        self.models.borrow().keys().copied().collect()
    }

    fn damage_of(&self, id: LogId) -> Option<Damage> {
        self.damage.borrow().clone().filter(|damage| damage.log == id)
    }
}

fn config() -> LogConfig {
    LogConfig { segment_bytes: 2 << 20, retention_ms: None, ..LogConfig::default() }
}

/// Runs one seed; an error names the property that does not hold.
pub(crate) fn run(seed: u64) -> Result<Report, String> {
    let world = World::new(seed);
    let (truth, chance) = (Rc::new(Truth::default()), world.rng().fork());
    for _ in 0..LOGS {
        truth.new_log();
    }
    for _ in 0..LIVES {
        let env = world.env(Place::FIRST);
        let opened = world.block_on(Place::FIRST, recover(env.clone(), truth.clone()));
        let shard = opened.ok_or("recovery ends")??;
        world.count("recovery");
        for id in truth.ids() {
            if let Some(log) = shard.log(id) {
                env.spawn(Lane::Latency, append_batches(env.clone(), log, truth.clone()));
            }
        }
        env.spawn(Lane::Background, keep_up(env.clone(), shard));
        world.run_steps(chance.between(200, 1_500));
        match chance.below(3) {
            0 => world.kill(HOST),
            _ => world.power_cut(HOST),
        }
        damage_or_mend(&world, &truth, &chance);
    }
    Ok(Report { counters: world.counters(), trace: world.trace_hash() })
}

/// While the process is down.
fn damage_or_mend(world: &World, truth: &Truth, chance: &Rng) {
    let damage = truth.damage.borrow().clone();
    match damage {
        Some(Damage { path, at, block, .. }) if chance.below(3) == 0 => {
            if block_at(world, &path, at.0) == block {
                world.rot(HOST, &path, at.0, at.1);
                world.count("damage mended");
            }
            *truth.damage.borrow_mut() = None;
        }
        Some(_) => {}
        None => {
            let segments = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "log");
            let files: Vec<PathBuf> = world.files(HOST).into_iter().filter(segments).collect();
            let Some(path) = files.get(chance.below(files.len() as u64) as usize).cloned() else { return };
            let log = truth.ids().into_iter().find(|id| path.to_string_lossy().contains(&id.to_string()));
            let size = world.content(HOST, &path).map_or(0, |content| content.len() as u64);
            // Near its end, where a start looks.
            let at = (size.saturating_sub(1 + chance.below(700_000)), chance.below(8) as u8);
            if let Some(log) = log
                && world.rot(HOST, &path, at.0, at.1)
            {
                world.count("damage done");
                let block = block_at(world, &path, at.0);
                *truth.damage.borrow_mut() = Some(Damage { log, path, at, block, found: false });
            }
        }
    }
}

fn block_at(world: &World, path: &Path, position: u64) -> Vec<u8> {
    let content = world.content(HOST, path).unwrap_or_default();
    content.chunks(BLOCK).nth(position as usize / BLOCK).unwrap_or_default().to_vec()
}

async fn recover(env: SimEnv, truth: Rc<Truth>) -> Result<Rc<Shard<SimEnv>>, String> {
    let dir = Path::new(DIR);
    env.create_dir(dir).await.map_err(|error| format!("setting up: {error}"))?;
    env.sync_dir(Path::new("/")).await.map_err(|error| format!("setting up: {error}"))?;
    let opened = Shard::open(env.clone(), dir, ShardId(0), options()).await;
    let (shard, _) = opened.map_err(|error| format!("damage of one log keeps the others from service: {error}"))?;
    let offline: Vec<LogId> = shard.offline().into_iter().map(|(id, _)| id).collect();
    for id in truth.ids() {
        let damage = truth.damage_of(id);
        if !offline.contains(&id) {
            if damage.as_ref().is_some_and(|damage| damage.found) {
                return Err(format!("{id}: was out of service, is served, and was not mended"));
            }
            let log = match shard.log(id) {
                Some(log) => log,
                None => shard.create_log(id, config()).map_err(|error| format!("{id}: cannot be made: {error}"))?,
            };
            verify(&env, &log, &truth, damage.is_some()).await?;
            continue;
        }
        let Some(damage) = damage else { return Err(format!("{id}: out of service, and nothing damaged it")) };
        env.world().count("log out of service");
        *truth.damage.borrow_mut() = Some(Damage { found: true, ..damage });
        if shard.create_log(id, config()).is_ok() {
            return Err(format!("{id}: out of service, and its name was free"));
        }
        if env.world().rng().below(3) == 0 {
            let deleted = shard.delete_log(id).await;
            deleted.map_err(|error| format!("{id}: out of service, and cannot be deleted: {error}"))?;
            env.world().count("log deleted");
            *truth.damage.borrow_mut() = None;
            truth.models.borrow_mut().remove(&id);
            let made = shard.create_log(truth.new_log(), config());
            made.map_err(|error| format!("another cannot be made: {error}"))?;
        }
    }
    Ok(shard)
}

/// Of a log that is served. Where it is damaged, reading may fail, and what was acknowledged last may be cut away: the
/// newest bypassed batch has nothing behind it that tells rot from a torn write.
async fn verify(env: &SimEnv, log: &Rc<Log<SimEnv>>, truth: &Truth, damaged: bool) -> Result<(), String> {
    let (id, end) = (log.id(), log.end());
    let mut model = truth.models.borrow()[&id].clone();
    if end < model.acknowledged && !damaged {
        return Err(format!("{id}: acknowledged up to {:?}, found up to {end:?}", model.acknowledged));
    }
    if end < model.acknowledged {
        env.world().count("newest batch cut away");
    }
    model.batches.retain(|batch| batch.0 < end);
    model.end = end;
    model.acknowledged = end;
    let mut at = Offset(0);
    for (base, bytes) in &model.batches {
        match log.read(*base, 1, end, true).await {
            Ok(read) if read.chain.concat() == **bytes => at = read.next,
            Ok(_) if !damaged => return Err(format!("{id}: what is read at {base:?} is not what was appended")),
            Err(error) if !damaged => return Err(format!("{id}: what is there is read: {error}")),
            _ => env.world().count("damage met by a reader"),
        }
        env.world().count("record verified");
    }
    if at != end && !damaged {
        return Err(format!("{id}: it ends at {end:?}, not at {at:?}"));
    }
    truth.models.borrow_mut().insert(id, model);
    Ok(())
}

async fn append_batches(env: SimEnv, log: Rc<Log<SimEnv>>, truth: Rc<Truth>) {
    let rng = env.world().rng().fork();
    let id = log.id();
    loop {
        let mut builder = BatchBuilder::new();
        let size = [300, 20_000, 150_000, 150_000][rng.below(4) as usize] + rng.below(200) as usize;
        builder.push(Timestamp(1_000), Some(&rng.next().to_le_bytes()), Some(&vec![rng.next() as u8; size]));
        let batch = batch::check(builder.build(), &BatchRules::default()).expect("a good batch");
        match log.append(&batch, LeaderEpoch(0)) {
            Ok(appended) => {
                let end = Offset(appended.last_offset.0 + 1);
                if let Some(model) = truth.models.borrow_mut().get_mut(&id) {
                    model.batches.push((appended.base_offset, builder.build_at(appended.base_offset, LeaderEpoch(0))));
                    model.end = end;
                }
                if log.wait_durable(appended.ticket).await.is_ok()
                    && let Some(model) = truth.models.borrow_mut().get_mut(&id)
                {
                    model.acknowledged = model.acknowledged.max(end);
                }
            }
            Err(_) => env.sleep(Duration::from_millis(5)).await,
        }
        env.sleep(Duration::from_micros(rng.below(3_000))).await;
    }
}

async fn keep_up(env: SimEnv, shard: Rc<Shard<SimEnv>>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_millis(rng.between(20, 400))).await;
        drop(shard.checkpoint().await);
    }
}
