//! The journal's workload and its checker.
//!
//! A life begins with recovery, appends records from several tasks, moves the checkpoint on, and ends with a power cut
//! or a kill at any await, or with a close. Between lives something may rot. The checker knows what was appended and
//! what was acknowledged:
//! - all that was acknowledged, from the checkpoint on, is replayed, unchanged and in order;
//! - nothing that was never appended is replayed, and no number is skipped;
//! - unless something rotted: then recovery may refuse, but must not say that all is well while records are missing;
//! - after an idle time, rot in any acknowledged record is noticed.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::Path,
    rc::Rc,
    time::Duration,
};

use corelog_storage::{
    env::{Env, Lane},
    error::StorageError,
    journal::{Journal, JournalOptions, JournalPosition, Sequence},
    sim::{Faults, HostId, Place, Rng, SimEnv, World},
};

use super::report::Report;

const HOST: HostId = Place::FIRST.host;
const DIR: &str = "/journal";
/// Lives of a seed, and the most steps of each; many short ones where it is their ends that count.
const LIVES: [(Mix, u64, u64); 2] = [(Mix::Any, 8, 4_000), (Mix::Frames, 40, 400)];

/// What the outside world knows of the journal.
#[derive(Default)]
struct Truth {
    /// What was appended and not forgotten by a recovery.
    appended: RefCell<BTreeMap<Sequence, Vec<u8>>>,
    /// What must be found, from the checkpoint on.
    acknowledged: RefCell<BTreeMap<Sequence, Vec<u8>>>,
    /// A durable checkpoint says: replay from here.
    checkpoint: Cell<Option<(JournalPosition, Sequence)>>,
    /// The last life ended by a close: every acknowledged record is covered by a claim.
    claimed: Cell<bool>,
    /// Something rotted in this or an earlier life, if only what nobody was promised: it may be noticed later.
    rotted: Cell<bool>,
}

impl Truth {
    fn append(&self, sequence: Sequence, payload: &[u8]) {
        self.appended.borrow_mut().insert(sequence, payload.to_vec());
    }

    fn was_appended(&self, sequence: Sequence, payload: &[u8]) -> bool {
        self.appended.borrow().get(&sequence).is_some_and(|appended| appended == payload)
    }
}

fn options() -> JournalOptions {
    JournalOptions { size: 4 * 96 * 4096, file_size: 96 * 4096 }
}

/// What a life appends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mix {
    /// Mostly small, some large.
    Any,
    /// A frame each, of few lengths, one for each task under way: what an earlier life left often lies where the next frame
    /// is due.
    Frames,
}

fn payload(rng: &Rng, mix: Mix) -> Vec<u8> {
    let mark = rng.next();
    if mix == Mix::Frames {
        return mark.to_le_bytes().repeat(4_200 + 512 * rng.below(3) as usize);
    }
    let len = match rng.below(20) {
        0 => rng.below(60_000),
        1..=4 => rng.below(9_000),
        _ => rng.below(300),
    };
    (0..len + 8).map(|at| (mark.rotate_left((at % 64) as u32) as u8).wrapping_add((at / 64) as u8)).collect()
}

/// Runs one seed; an error names the property that does not hold.
pub(crate) fn run(seed: u64) -> Result<Report, String> {
    run_mix(seed, Mix::Any)
}

/// As [`run`], with [`Mix::Frames`].
pub(crate) fn run_frames(seed: u64) -> Result<Report, String> {
    run_mix(seed, Mix::Frames)
}

fn run_mix(seed: u64, mix: Mix) -> Result<Report, String> {
    let world = World::new(seed);
    let truth = Rc::new(Truth::default());
    let chance = world.rng().fork();
    let (_, lives, steps) = LIVES.into_iter().find(|row| row.0 == mix).expect("a row for each mix");
    for life in 0..lives {
        set_faults(&world, &chance);
        if !live(&world, &truth, &chance, life, mix, steps)? {
            break;
        }
    }
    Ok(Report { counters: world.counters(), trace: world.trace_hash() })
}

fn set_faults(world: &World, chance: &Rng) {
    let mut faults = Faults::default();
    if chance.below(3) == 0 {
        faults.stalls = 10_000;
        faults.stall = Duration::from_millis(60);
    }
    if chance.below(12) == 0 {
        faults.write_error = 5_000;
    }
    if chance.below(6) == 0 {
        faults.no_space = 20_000;
    }
    if chance.below(6) == 0 {
        faults.read_error = 10_000;
    }
    world.set_faults(HOST, faults);
}

/// One life. False if the journal is lost for good (rot was found).
fn live(world: &World, truth: &Rc<Truth>, chance: &Rng, life: u64, mix: Mix, steps: u64) -> Result<bool, String> {
    let env = world.env(Place::FIRST);
    let odds = if truth.claimed.get() { 2 } else { 8 };
    let rotted = life > 0 && chance.below(odds) == 0 && rot(world, chance);
    truth.rotted.set(rotted || truth.rotted.get());
    let outcome = world.block_on(Place::FIRST, recover(env.clone(), truth.clone()));
    let journal = match outcome.ok_or("recovery ends")? {
        Ok(journal) => journal,
        Err(Broken::Missing(sequence)) if rotted && truth.claimed.get() => {
            return Err(format!("after an idle time rot is noticed, but {sequence:?} was lost in silence"));
        }
        Err(Broken::Missing(_)) if rotted => {
            world.count("rot among the newest frames");
            return Ok(false);
        }
        Err(Broken::Missing(sequence)) => return Err(format!("{sequence:?} was acknowledged and is not found")),
        Err(Broken::Property(broken)) => return Err(broken),
        Err(Broken::Refused(_)) if truth.rotted.get() => {
            world.count("rot found");
            return Ok(false);
        }
        Err(Broken::Refused(StorageError::DiskFull | StorageError::Io { .. })) => {
            world.kill(HOST);
            return Ok(true);
        }
        Err(Broken::Refused(error)) => return Err(format!("recovery without rot succeeds, but: {error}")),
    };
    world.count("recovery");
    truth.claimed.set(false);
    let tasks = if mix == Mix::Frames { chance.between(3, 8) } else { chance.between(1, 4) };
    for _ in 0..tasks {
        env.spawn(Lane::Latency, append_records(env.clone(), journal.clone(), truth.clone(), mix));
    }
    env.spawn(Lane::Background, move_checkpoint(env.clone(), journal.clone(), truth.clone()));
    world.run_steps(chance.between(50, steps));
    end(world, env, journal, truth, chance);
    Ok(true)
}

enum Broken {
    Property(String),
    Missing(Sequence),
    Refused(StorageError),
}

/// Opens the journal and checks what it gives against the truth.
async fn recover(env: SimEnv, truth: Rc<Truth>) -> Result<Journal<SimEnv>, Broken> {
    let broken = |property: String| Err(Broken::Property(property));
    env.create_dir(Path::new(DIR)).await.map_err(|_| Broken::Refused(StorageError::DiskFull))?;
    env.sync_dir(Path::new("/")).await.map_err(|_| Broken::Refused(StorageError::DiskFull))?;
    let (start, needed) = truth.checkpoint.get().unwrap_or((JournalPosition::START, Sequence(1)));
    let replay = Journal::recover(env.clone(), Path::new(DIR), options(), start).await;
    let mut replay = replay.map_err(Broken::Refused)?;
    let mut expected = start.sequence();
    let mut found = BTreeMap::new();
    while let Some(record) = replay.next().await.map_err(Broken::Refused)? {
        if record.sequence != expected {
            return broken(format!("no number is skipped: {:?} came where {expected:?} was due", record.sequence));
        }
        expected = expected.next();
        if !truth.was_appended(record.sequence, &record.payload) {
            return broken(format!("{:?} was never appended as it was replayed", record.sequence));
        }
        found.insert(record.sequence, record.payload.to_vec());
    }
    let (journal, _) = replay.finish().await.map_err(Broken::Refused)?;
    if start.sequence() > needed {
        return broken(format!("a replay starts at or before what is needed: {start:?}, {needed:?}"));
    }
    for (sequence, payload) in truth.acknowledged.borrow().range(needed..) {
        if found.get(sequence) != Some(payload) {
            return Err(Broken::Missing(*sequence));
        }
        env.world().count("record verified");
    }
    // What was replayed is durable from now on, and the rest is forgotten.
    let next = expected;
    truth.acknowledged.borrow_mut().retain(|sequence, _| *sequence < next);
    truth.appended.borrow_mut().retain(|sequence, _| *sequence < next);
    truth.acknowledged.borrow_mut().extend(found);
    if journal.durable().next() != next {
        return broken(format!("what was replayed counts as durable: {:?}, {next:?}", journal.durable()));
    }
    Ok(journal)
}

async fn append_records(env: SimEnv, journal: Journal<SimEnv>, truth: Rc<Truth>, mix: Mix) {
    let rng = env.world().rng().fork();
    loop {
        if journal.usage().backlog < 400_000 {
            let payload = payload(&rng, mix);
            let (one, two) = payload.split_at(payload.len() / 2);
            let sequence = journal.append(rng.below(4) as u8, &[one, two]);
            truth.append(sequence, &payload);
            let (waiter, waiting) = (journal.clone(), truth.clone());
            let acknowledged = async move {
                let outcome = waiter.wait_durable(sequence).await;
                if outcome.is_ok() {
                    waiting.acknowledged.borrow_mut().insert(sequence, payload);
                }
                outcome
            };
            if mix == Mix::Frames {
                if acknowledged.await.is_err() {
                    return;
                }
                // Apart from the others, or all would share a frame.
                env.sleep(Duration::from_nanos(rng.below(300_000))).await;
                continue;
            }
            env.spawn(Lane::Latency, async move { drop(acknowledged.await) });
        }
        let pause = match rng.below(40) {
            0 => 15_000_000,
            1..=10 => 0,
            _ => rng.below(400_000),
        };
        env.sleep(Duration::from_nanos(pause)).await;
    }
}

/// Now and then makes a durable checkpoint some way behind the end, and frees what lies before it.
async fn move_checkpoint(env: SimEnv, journal: Journal<SimEnv>, truth: Rc<Truth>) {
    let rng = env.world().rng().fork();
    loop {
        env.sleep(Duration::from_micros(rng.between(500, 6_000))).await;
        let durable = journal.durable();
        let needed = Sequence((durable.0 + 1).saturating_sub(rng.below(60)).max(1));
        if truth.checkpoint.get().is_some_and(|(_, already)| already >= needed) {
            continue;
        }
        let position = journal.position_of(needed);
        let bytes = position.to_bytes();
        env.sleep(Duration::from_micros(rng.between(50, 500))).await;
        let position = JournalPosition::from_bytes(&bytes).expect("a position survives its bytes");
        truth.checkpoint.set(Some((position, needed)));
        journal.free_before(position);
    }
}

fn end(world: &World, env: SimEnv, journal: Journal<SimEnv>, truth: &Truth, chance: &Rng) {
    match chance.below(8) {
        0 | 1 => world.kill(HOST),
        2 => {
            // Everybody stops, then idle time: now every acknowledged record is covered by a claim.
            let failed = world.block_on(Place::FIRST, close(env, journal.clone())).unwrap_or(false);
            if failed {
                world.count("failed journal");
            } else {
                // A claim is not worth another file: where the last one is full there may be none.
                truth.claimed.set(!journal.usage().used.is_multiple_of(options().file_size - 4096));
            }
            world.power_cut(HOST);
        }
        _ => world.power_cut(HOST),
    }
}

async fn close(env: SimEnv, journal: Journal<SimEnv>) -> bool {
    let closed = Rc::new(Cell::new(None));
    let slot = closed.clone();
    env.spawn(Lane::Latency, async move { slot.set(Some(journal.close().await.is_err())) });
    for _ in 0..200 {
        env.sleep(Duration::from_millis(1)).await;
        if let Some(failed) = closed.take() {
            return failed;
        }
    }
    true
}

/// Damages a bit of one of the newest frames, or of anything. True if there was something to damage.
fn rot(world: &World, chance: &Rng) -> bool {
    let mut frames = Vec::new();
    for path in world.files(HOST).into_iter().filter(|path| path.starts_with(DIR)) {
        let content = world.content(HOST, &path).unwrap_or_default();
        for (at, block) in content.chunks(4096).enumerate().filter(|(_, block)| block.starts_with(b"CLJF")) {
            let lsn = u64::from_le_bytes(block[16..24].try_into().expect("eight bytes"));
            frames.push((lsn, path.clone(), at as u64 * 4096));
        }
    }
    frames.sort();
    let newest = if chance.below(4) == 0 { frames.len() } else { frames.len().min(5) } as u64;
    let Some((_, path, at)) = frames.iter().rev().nth(chance.below(newest) as usize) else { return false };
    world.rot(HOST, path, at + chance.below(80), chance.below(8) as u8)
}
