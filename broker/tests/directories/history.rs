//! Lives of a node with two or three data directories, from one seed: disks are mounted elsewhere, missing, empty, or fail
//! while it runs; the number of cores changes; it ends by a power cut, a kill or in order.
//!
//! - *What was acknowledged is found*, in every life that has its disk.
//! - *The other directory is served*, whatever became of one.
//! - *Every core says that it is offline*, and which partitions are: no leader, an offline replica, KAFKA_STORAGE_ERROR.
//! - *New partitions go where they can be served*.
//! - *Producers notice nothing* of partitions that move between the disks and between the cores, as long as the disks are
//!   sound; nor does one that has several batches under way, each with its number.
//! - *Consumers notice nothing* of it either: each record comes once, in its order.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    rc::Rc,
    time::Duration,
};

use corelog_broker::sim::SimNetEnv;
use corelog_storage::{
    env::{Env, Lane},
    sim::{Counters, Faults, Rng, World},
};

use crate::{
    client::Client,
    node::{self, Machine, Partition, SERVER},
};

const LIVES: u64 = 5;
const STORAGE_ERROR: i16 = 56;
const PRODUCERS: u64 = 2;
const CONSUMERS: u64 = 2;
/// Of a producer that does not wait.
const UNDER_WAY: usize = 5;
const REASSIGNMENT_IN_PROGRESS: i16 = 60;

/// A partition as the outside world knows it.
struct Model {
    /// The number of the disk it is on, as it was last said.
    disk: usize,
    acknowledged: BTreeMap<i64, String>,
}

#[derive(Default)]
struct Truth {
    partitions: RefCell<BTreeMap<Partition, Model>>,
    texts: Cell<u64>,
    /// All disks are sound: nothing is refused.
    sound: Cell<bool>,
    producers: Cell<i64>,
    broken: RefCell<Option<String>>,
}

impl Truth {
    fn text(&self) -> String {
        self.texts.set(self.texts.get() + 1);
        format!("record <{}>", self.texts.get())
    }

    /// A property does not hold, if all disks are sound.
    fn breaks(&self, what: String) {
        if self.sound.get() {
            self.broken.borrow_mut().get_or_insert(what);
        }
    }

    /// The partitions that are, or are not, on these disks.
    fn partitions(&self, on: impl Fn(usize) -> bool) -> Vec<Partition> {
        let partitions = self.partitions.borrow();
        partitions.iter().filter(|(_, model)| on(model.disk)).map(|(partition, _)| partition.clone()).collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Up,
    /// Not mounted; its path is empty.
    Missing,
    /// Every operation fails.
    Dead,
    /// What it says of itself can be read, and nothing else.
    Unreadable,
}

/// A disk of the node. The first holds the metadata.
#[derive(Clone, Copy, Debug)]
struct Disk {
    /// Where it was mounted last.
    path: usize,
    state: State,
}

struct History {
    machine: Machine,
    chance: Rng,
    truth: Rc<Truth>,
    disks: Vec<Disk>,
    topics: u64,
}

fn path(number: usize) -> PathBuf {
    format!("/disk-{number}").into()
}

/// Where a disk is that is not mounted.
fn shelf(disk: usize) -> PathBuf {
    format!("/shelf-{disk}").into()
}

/// Runs one seed; an error names the property that does not hold.
pub(crate) fn run(seed: u64) -> Result<(Counters, u64), String> {
    let machine = Machine::new(seed);
    let chance = machine.world.rng().fork();
    let disks = (0..2).map(|path| Disk { path, state: State::Up }).collect();
    let mut history = History { machine, chance, truth: Rc::default(), disks, topics: 0 };
    for life in 0..LIVES {
        history.live(life)?;
    }
    Ok((history.machine.world.counters(), history.machine.world.trace_hash()))
}

impl History {
    fn live(&mut self, life: u64) -> Result<(), String> {
        if life > 0 {
            self.mount();
        }
        let cores = self.chance.between(1, 3) as u16;
        self.machine.gather = self.chance.below(2) == 0;
        let dirs: Vec<PathBuf> = (0..self.disks.len()).map(path).collect();
        let world = self.machine.world.clone();
        self.machine.start(cores, &dirs).map_err(|failure| format!("the other directory is served, but: {failure}"))?;
        world.count("start");
        let absent = self.disks.iter().position(|disk| disk.state != State::Up);
        self.look_where(absent);
        self.check(cores, absent)?;
        if life == 0 || self.chance.below(2) == 0 {
            self.create(absent)?;
        }
        self.truth.sound.set(absent.is_none());
        if absent.is_none() {
            let paths: Vec<PathBuf> = (0..self.disks.len()).map(path).collect();
            let (env, truth, rng) = (self.machine.client.clone(), self.truth.clone(), self.chance.fork());
            let moving = keep_moving(env, world.clone(), truth, rng, (paths, cores));
            self.machine.client.spawn(Lane::Latency, moving);
        }
        let (env, truth, rng) = (self.machine.client.clone(), self.truth.clone(), self.chance.fork());
        self.machine.client.spawn(Lane::Latency, keep_streaming(env, truth, rng));
        for _ in 0..CONSUMERS {
            let (env, truth, rng) = (self.machine.client.clone(), self.truth.clone(), self.chance.fork());
            self.machine.client.spawn(Lane::Latency, keep_consuming(env, world.clone(), truth, rng));
        }
        for _ in 0..PRODUCERS {
            let (env, truth, rng) = (self.machine.client.clone(), self.truth.clone(), self.chance.fork());
            self.machine.client.spawn(Lane::Latency, keep_producing(env, truth, rng));
        }
        world.run_steps(self.chance.between(500, 8_000));
        self.truth.sound.set(false);
        if let Some(broken) = self.truth.broken.take() {
            return Err(broken);
        }
        if absent.is_none() && self.chance.below(2) == 0 {
            self.strike(cores)?;
        }
        match self.chance.below(4) {
            0 => world.kill(SERVER),
            1 => {
                self.machine.stop();
                world.count("stop in order");
            }
            _ => world.power_cut(SERVER),
        }
        self.unmount();
        Ok(())
    }

    /// Learns where the partitions are, which may have moved: those that are not seen went to the disk that is absent.
    fn look_where(&self, absent: Option<usize>) {
        let (truth, disks, world) = (self.truth.clone(), self.disks.clone(), self.machine.world.clone());
        self.machine.run(|env| async move {
            let mut client = node::connect(&env).await.expect("it listens");
            let seen = node::directories(&mut client).await;
            for (partition, model) in truth.partitions.borrow_mut().iter_mut() {
                let at = seen.iter().find(|(_, (_, partitions))| partitions.contains(partition)).map(|(at, _)| at);
                let disk = disks.iter().position(|disk| at == Some(&path(disk.path)));
                let Some(disk) = disk.or(absent) else { continue };
                if std::mem::replace(&mut model.disk, disk) != disk {
                    world.count("partition moved");
                }
            }
        });
    }

    /// All disks go on the shelf, and are sound again.
    fn unmount(&mut self) {
        for (number, disk) in self.disks.iter_mut().enumerate() {
            self.machine.strike(&path(disk.path), None);
            self.machine.strike(&path(disk.path).join("shards"), None);
            if disk.state != State::Missing {
                self.machine.mount(&path(disk.path), &shelf(number));
            }
            disk.state = State::Up;
        }
    }

    /// Mounts them again: where they were and maybe without one, or elsewhere; maybe with one more.
    fn mount(&mut self) {
        let world = self.machine.world.clone();
        let before = self.disks.len();
        let missing = (self.chance.below(3) == 0).then(|| 1 + self.chance.below(before as u64 - 1) as usize);
        if before == 2 && self.chance.below(3) == 0 {
            self.disks.push(Disk { path: 2, state: State::Up });
            world.count("directory added");
        }
        if missing.is_none() && self.chance.below(2) == 0 {
            let count = self.disks.len();
            self.disks.iter_mut().for_each(|disk| disk.path = (disk.path + 1) % count);
            world.count("disks mounted elsewhere");
        }
        if let Some(number) = missing {
            let states = [
                (State::Missing, "disk missing"),
                (State::Dead, "disk dead at the start"),
                (State::Unreadable, "disk unreadable at the start"),
            ];
            let (state, what) = states[self.chance.below(3) as usize];
            self.disks[number].state = state;
            world.count(what);
        }
        for (number, disk) in self.disks.iter().enumerate() {
            if disk.state != State::Missing {
                self.machine.mount(&shelf(number), &path(disk.path));
            }
            let gone = Some(Faults { gone: true, ..Faults::default() });
            match disk.state {
                State::Dead => self.machine.strike(&path(disk.path), gone),
                State::Unreadable => self.machine.strike(&path(disk.path).join("shards"), gone),
                State::Up | State::Missing => {}
            }
        }
    }

    fn create(&mut self, absent: Option<usize>) -> Result<(), String> {
        self.topics += 1;
        let (name, count) = (format!("topic-{}", self.topics), self.chance.between(2, 5) as i32);
        let topic = name.clone();
        let placed = self.machine.run(|env| async move {
            let mut client = node::connect(&env).await.expect("it listens");
            assert_eq!(node::create(&mut client, &topic, count).await, 0);
            node::directories(&mut client).await
        });
        for index in 0..count {
            let partition = (name.clone(), index);
            let at = placed.iter().find(|(_, (_, partitions))| partitions.contains(&partition)).map(|(path, _)| path);
            let disk = self.disks.iter().position(|disk| at == Some(&path(disk.path)));
            let Some(disk) = disk.filter(|disk| Some(*disk) != absent) else {
                return Err(format!("new partitions go where they can be served, not to {at:?}"));
            };
            self.truth.partitions.borrow_mut().insert(partition, Model { disk, acknowledged: BTreeMap::new() });
            self.machine.world.count("partition placed");
        }
        Ok(())
    }

    /// Nothing moves any more, and it is known where everything is.
    fn rest(&self) {
        let truth = self.truth.clone();
        self.machine.run(|env| async move {
            // What is on its way to the node comes first.
            env.sleep(Duration::from_millis(100)).await;
            let mut client = node::connect(&env).await.expect("it listens");
            for partition in truth.partitions(|_| true) {
                while node::seen(&mut client, &partition).await.iter().any(|(.., to_come)| *to_come) {
                    env.sleep(Duration::from_millis(20)).await;
                }
            }
        });
        self.look_where(None);
    }

    /// One disk fails while the node runs: the others go on.
    fn strike(&mut self, cores: u16) -> Result<(), String> {
        let world = self.machine.world.clone();
        let number = self.chance.below(self.disks.len() as u64) as usize;
        let all = 1_000_000;
        let faults = match self.chance.below(3) {
            0 => Faults { gone: true, ..Faults::default() },
            1 => Faults { write_error: all, ..Faults::default() },
            _ => Faults { write_error: all, sync_error: all, ..Faults::default() },
        };
        self.rest();
        let victims = self.truth.partitions(|disk| disk == number);
        let Some(victim) = victims.first().cloned() else { return Ok(()) };
        self.machine.strike(&path(self.disks[number].path), Some(faults));
        let text = self.truth.text();
        // What is written there fails, and then all know.
        self.machine.run(|env| async move {
            let mut client = node::connect(&env).await.expect("it listens");
            let told = node::produce(&mut client, &victim, &text).await;
            assert!(matches!(told, Some(Err(_))), "a record was acknowledged by a disk that fails: {told:?}");
            env.sleep(Duration::from_secs(1)).await;
        });
        world.count("disk failed");
        self.check(cores, Some(number))?;
        if number > 0 {
            self.create(Some(number))?;
        }
        world.run_steps(self.chance.between(500, 4_000));
        self.check(cores, Some(number))
    }

    /// What is on the disk that is absent is offline, by the word of every core; all else is served, and there.
    fn check(&self, cores: u16, absent: Option<usize>) -> Result<(), String> {
        let (truth, disks, world) = (self.truth.clone(), self.disks.clone(), self.machine.world.clone());
        self.machine.run(|env| async move {
            for core in 0..cores {
                let mut client = node::connect_to_core(&env, core).await;
                for partition in truth.partitions(|disk| Some(disk) == absent) {
                    let told = node::metadata(&mut client, &partition).await;
                    if told.leader_id != -1 || told.offline_replicas.is_empty() {
                        return Err(format!(
                            "every core says that it is offline, but core {core} of {partition:?}: {told:?}"
                        ));
                    }
                    world.count("partition seen offline");
                }
                for partition in truth.partitions(|disk| Some(disk) != absent) {
                    let told = node::metadata(&mut client, &partition).await;
                    if told.leader_id == -1 || !told.offline_replicas.is_empty() {
                        return Err(format!(
                            "the other directory is served, but core {core} of {partition:?}: {told:?}"
                        ));
                    }
                }
                for (at, (error, _)) in node::directories(&mut client).await {
                    let disk = disks.iter().position(|disk| path(disk.path) == at);
                    let expected = if disk.is_some() && disk == absent { STORAGE_ERROR } else { 0 };
                    if error != expected {
                        return Err(format!("every core says that it is offline, but core {core} of {at:?}: {error}"));
                    }
                }
            }
            let mut client = node::connect(&env).await.expect("it listens");
            for partition in truth.partitions(|disk| Some(disk) == absent) {
                let told = (
                    node::read(&mut client, &partition).await.err(),
                    node::produce(&mut client, &partition, "x").await,
                );
                if told != (Some(STORAGE_ERROR), Some(Err(STORAGE_ERROR))) {
                    return Err(format!("every core says that it is offline, but of {partition:?}: {told:?}"));
                }
            }
            for partition in truth.partitions(|disk| Some(disk) != absent) {
                verify(&mut client, &truth, &partition, &world).await?;
            }
            Ok(())
        })
    }
}

/// All that was acknowledged is there, where it was; and one more is acknowledged.
async fn verify(client: &mut Client, truth: &Truth, partition: &Partition, world: &World) -> Result<(), String> {
    let acknowledged = truth.partitions.borrow()[partition].acknowledged.clone();
    let found = node::read(client, partition).await;
    let found = found.map_err(|error| format!("the other directory is served, but {partition:?}: error {error}"))?;
    for (offset, text) in acknowledged {
        let there =
            found.get(&offset).is_some_and(|batch| batch.windows(text.len()).any(|part| part == text.as_bytes()));
        if !there {
            return Err(format!("what was acknowledged is found, but not {offset} of {partition:?}"));
        }
        world.count("record verified");
    }
    let text = truth.text();
    match node::produce(client, partition, &text).await {
        Some(Ok(offset)) => {
            acknowledge(truth, partition, offset, text);
            Ok(())
        }
        other => Err(format!("the other directory is served, but {partition:?}: {other:?}")),
    }
}

fn acknowledge(truth: &Truth, partition: &Partition, offset: i64, text: String) {
    if let Some(model) = truth.partitions.borrow_mut().get_mut(partition) {
        model.acknowledged.insert(offset, text);
    }
}

/// Appends to partitions at random, until the node is gone.
async fn keep_producing(env: SimNetEnv, truth: Rc<Truth>, rng: Rng) {
    let Some(mut client) = node::connect(&env).await else { return };
    loop {
        let all = truth.partitions(|_| true);
        let Some(partition) = all.get(rng.below(all.len() as u64) as usize) else { return };
        let text = truth.text();
        match node::produce(&mut client, partition, &text).await {
            None => return,
            Some(Ok(offset)) => acknowledge(&truth, partition, offset, text),
            Some(Err(code)) => {
                truth.breaks(format!("producers notice nothing, but of {partition:?}: error {code}"));
                env.sleep(Duration::from_millis(5)).await;
            }
        }
        env.sleep(Duration::from_micros(rng.below(3_000))).await;
    }
}

/// Asks for partitions to be elsewhere, until the disks are to fail or the node is gone.
async fn keep_moving(env: SimNetEnv, world: World, truth: Rc<Truth>, rng: Rng, to: (Vec<PathBuf>, u16)) {
    let (paths, cores) = to;
    let Some(mut client) = node::connect(&env).await else { return };
    let mut core_client = node::connect_to_core(&env, rng.below(u64::from(cores)) as u16).await;
    while truth.sound.get() {
        let all = truth.partitions(|_| true);
        let Some(partition) = all.get(rng.below(all.len() as u64) as usize) else { return };
        let (asked, codes, what) = if rng.below(2) == 0 {
            let path = &paths[rng.below(paths.len() as u64) as usize];
            let code = node::move_to(&mut client, partition, path).await;
            (std::slice::from_ref(partition), code.map(|code| vec![code]), "move asked for")
        } else {
            let core = rng.below(u64::from(cores)) as u16;
            let some = &all[rng.below(all.len() as u64) as usize..];
            let some = &some[..some.len().min(4)];
            (some, node::move_to_core(&mut core_client, some, core).await, "move to a core")
        };
        let Some(codes) = codes else { return };
        for (partition, code) in asked.iter().zip(codes) {
            match code {
                0 => world.count(what),
                // It is on its way to another disk.
                REASSIGNMENT_IN_PROGRESS => {}
                code => truth.breaks(format!("a move is accepted, but of {partition:?}: error {code}")),
            }
        }
        env.sleep(Duration::from_millis(rng.below(12))).await;
    }
}

/// Appends to one partition, several batches under way at a time, until the node is gone or the disks are to fail.
async fn keep_streaming(env: SimNetEnv, truth: Rc<Truth>, rng: Rng) {
    let Some(mut client) = node::connect(&env).await else { return };
    let all = truth.partitions(|_| true);
    let Some(partition) = all.get(rng.below(all.len() as u64) as usize) else { return };
    truth.producers.set(truth.producers.get() + 1);
    let (producer, mut sent, mut last) = (truth.producers.get(), VecDeque::new(), -1);
    for sequence in 0.. {
        let text = truth.text();
        let batch = node::numbered(&text, producer, sequence);
        if node::begin_produce(&client, partition, batch).await.is_none() {
            return;
        }
        sent.push_back(text);
        if sent.len() < UNDER_WAY {
            continue;
        }
        let text = sent.pop_front().expect("some are under way");
        match node::end_produce(&mut client).await {
            None => return,
            Some(Ok(offset)) if offset > last => {
                last = offset;
                acknowledge(&truth, partition, offset, text);
            }
            Some(other) => {
                truth.breaks(format!("producers notice nothing, but of {partition:?} after {last}: {other:?}"));
                return;
            }
        }
        env.sleep(Duration::from_micros(rng.below(500))).await;
    }
}

/// Reads partitions from their beginning and on, until the node is gone or the disks are to fail.
async fn keep_consuming(env: SimNetEnv, world: World, truth: Rc<Truth>, rng: Rng) {
    let Some(mut client) = node::connect(&env).await else { return };
    let mut positions = BTreeMap::new();
    while truth.sound.get() {
        let all = truth.partitions(|_| true);
        let Some(partition) = all.get(rng.below(all.len() as u64) as usize) else { return };
        let next = positions.entry(partition.clone()).or_insert(0);
        let Some(brought) = node::fetch(&mut client, partition, *next, rng.below(20) as i32).await else { return };
        match brought {
            Ok((batches, _)) => {
                for (offset, batch) in &batches {
                    if offset != next {
                        truth.breaks(format!("consumers notice nothing, but of {partition:?}: {offset} after {next}"));
                    }
                    *next = node::end_of(&BTreeMap::from([(*offset, batch.clone())]), *next);
                    world.count("batch consumed");
                }
            }
            Err(code) => truth.breaks(format!("consumers notice nothing, but of {partition:?}: error {code}")),
        }
    }
}
