//! The local log through the conformance suite, and through power cuts in the simulator.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    path::Path,
    rc::Rc,
    task::Poll,
};

use corelog_storage::{
    buffer::BufferPool,
    env::{Env, Lane},
    journal::JournalOptions,
    shard::{Shard, ShardId, ShardOptions},
    sim::{HostId, Place, SimEnv, World},
};

use super::{conformance, local_log::LocalLog, log::MetadataLog};

/// Seeds of the crash test; more by `CORELOG_SIM_SEEDS`.
const SEEDS: u64 = 3;
/// Power cuts within one seed.
const CUTS: u64 = 3;

const DIR: &str = "/data";

fn options() -> ShardOptions {
    ShardOptions {
        pool: BufferPool::new(8 << 20, 0),
        cache_bytes: 2 << 20,
        cache_begins: 2 << 20,
        read_bytes: 4 << 20,
        journal: JournalOptions { size: 4 << 20, file_size: 1 << 20 },
    }
}

async fn format(env: &SimEnv) {
    env.create_dir(Path::new(DIR)).await.expect("created");
    env.sync_dir(Path::new("/")).await.expect("synced");
}

async fn open(env: SimEnv) -> LocalLog<SimEnv> {
    let (shard, _) = Shard::open(env.clone(), Path::new(DIR), ShardId(0), options()).await.expect("the shard opens");
    LocalLog::open(env, &shard).await.expect("the log opens")
}

#[test]
fn the_local_log_conforms() {
    let world = World::new(1);
    let env = world.env(Place::FIRST);
    let run = async move {
        format(&env).await;
        conformance::run(&open(env).await).await;
    };
    world.block_on(Place::FIRST, run).expect("the suite ends");
}

/// Proposes steps, several under way at a time and a snapshot now and then, until the power goes.
async fn work(env: SimEnv, log: LocalLog<SimEnv>, acknowledged: Rc<Cell<u64>>, proposed: Rc<Cell<u64>>) {
    loop {
        let number = proposed.get();
        proposed.set(number + 1);
        let (step, acknowledged) = (log.clone(), acknowledged.clone());
        let propose = async move {
            if step.propose(conformance::step(number)).await.is_ok() {
                acknowledged.set(acknowledged.get().max(number + 1));
            }
        };
        let mut propose = Box::pin(propose);
        // Steps take their places in the order of their first polls, whoever awaits them.
        let done = poll_fn(|context| Poll::Ready(propose.as_mut().poll(context).is_ready())).await;
        match env.random() % 4 {
            _ if done => {}
            0 => env.spawn(Lane::Latency, propose),
            _ => propose.await,
        }
        if env.random().is_multiple_of(8) {
            let log = log.clone();
            env.spawn(Lane::Background, async move { drop(log.snapshot().await) });
        }
    }
}

fn survives_power_cuts(seed: u64) -> u64 {
    let world = World::new(seed);
    let env = world.env(Place::FIRST);
    world.block_on(Place::FIRST, async move { format(&env).await }).expect("formatted");
    let (acknowledged, proposed) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for _ in 0..=CUTS {
        let env = world.env(Place::FIRST);
        let log = world.block_on(Place::FIRST, open(env.clone())).expect("opens");
        let found = conformance::check_reopened(&log, acknowledged.get(), proposed.get());
        acknowledged.set(found);
        proposed.set(found);
        world.spawn(Place::FIRST, work(env, log, acknowledged.clone(), proposed.clone()));
        world.run_steps(300 + seed * 97 % 300);
        world.power_cut(HostId(0));
    }
    acknowledged.get()
}

#[test]
fn no_acknowledged_step_is_lost_in_power_cuts() {
    let seeds = std::env::var("CORELOG_SIM_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(SEEDS);
    let acknowledged: u64 = (1..=seeds).map(survives_power_cuts).sum();
    assert!(acknowledged > 10 * seeds, "the runs did something: {acknowledged} steps");
}
