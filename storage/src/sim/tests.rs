//! The simulated world keeps its promises, and breaks what it may break.

use std::{path::Path, time::Duration};

use bytes::Bytes;

use super::*;
use crate::{
    buffer::AlignedBuf,
    contract,
    env::{BLOCK, Env, File, Lane, OpenFile},
};

const DURABLE: OpenFile = OpenFile { create: true, durable_writes: true };
const HOST: HostId = Place::FIRST.host;

fn block(mark: u8) -> Bytes {
    let mut buffer = AlignedBuf::zeroed(BLOCK);
    buffer.fill(mark);
    buffer.freeze()
}

/// Makes /d/f durable, empty.
async fn prepare(env: &SimEnv) -> SimFile {
    env.create_dir(Path::new("/d")).await.unwrap();
    env.sync_dir(Path::new("/")).await.unwrap();
    let file = env.open(Path::new("/d/f"), DURABLE).await.unwrap();
    env.sync_dir(Path::new("/d")).await.unwrap();
    file
}

fn in_world(seed: u64, act: impl AsyncFnOnce(SimEnv) + 'static) -> World {
    let world = World::new(seed);
    let env = world.env(Place::FIRST);
    world.block_on(Place::FIRST, act(env)).expect("the world goes on");
    world
}

#[test]
fn the_contract_of_an_environment_holds() {
    for seed in 0..5 {
        in_world(seed, async |env| {
            env.create_dir(Path::new("/contract")).await.unwrap();
            assert!(contract::run(&env, Path::new("/contract")).await >= 23);
        });
    }
}

#[test]
fn one_seed_gives_one_history() {
    let history = |seed| {
        let world = in_world(seed, async |env| {
            let file = prepare(&env).await;
            for index in 0..10 {
                let (file, sleeper) = (file.clone(), env.clone());
                env.spawn(Lane::Latency, async move {
                    sleeper.sleep(Duration::from_micros(sleeper.random() % 1000)).await;
                    let _ = file.write_at(index * BLOCK as u64, block(index as u8)).await;
                });
            }
            env.sleep(Duration::from_millis(1)).await;
        });
        world.power_cut(HOST);
        (world.trace_hash(), world.content(HOST, Path::new("/d/f")))
    };
    for seed in 0..20 {
        assert_eq!(history(seed), history(seed), "seed {seed}");
    }
    assert_ne!(history(1), history(2));
}

#[test]
fn a_durable_write_survives_and_makes_nothing_else_durable() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..100 {
        let world = in_world(seed, async |env| {
            let file = prepare(&env).await;
            file.write_durable(0, block(1)).await.unwrap();
            file.write_durable(BLOCK as u64, block(1)).await.unwrap();
            file.write_at(0, block(2)).await.unwrap();
            file.write_durable(BLOCK as u64, block(3)).await.unwrap();
        });
        world.power_cut(HOST);
        let content = world.content(HOST, Path::new("/d/f")).unwrap();
        assert_eq!(content[BLOCK..], block(3)[..], "seed {seed}");
        match content[..BLOCK].iter().filter(|byte| **byte == 2).count() {
            0 => lost += 1,
            BLOCK => kept += 1,
            _ => torn += 1,
        }
        assert!(content[..BLOCK].chunks(SECTOR).all(|sector| sector.iter().all(|byte| *byte == sector[0])));
    }
    assert!(kept > 10 && lost > 10 && torn > 10, "kept {kept}, lost {lost}, torn {torn}");
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    for seed in 0..50 {
        let world = in_world(seed, async |env| {
            let file = prepare(&env).await;
            file.write_at(0, block(1)).await.unwrap();
            file.sync().await.unwrap();
        });
        world.power_cut(HOST);
        assert_eq!(world.content(HOST, Path::new("/d/f")).unwrap(), block(1), "seed {seed}");
    }
}

#[test]
fn what_a_failed_sync_covered_is_not_durable_by_a_later_one() {
    let mut lost = 0;
    for seed in 0..50 {
        let world = in_world(seed, async |env| {
            let file = prepare(&env).await;
            file.write_at(0, block(1)).await.unwrap();
            let faults = env.world().faults(HOST);
            env.world().set_faults(HOST, Faults { sync_error: 1_000_000, ..faults });
            file.sync().await.unwrap_err();
            env.world().set_faults(HOST, faults);
            file.sync().await.unwrap();
        });
        world.power_cut(HOST);
        lost += u32::from(world.content(HOST, Path::new("/d/f")).unwrap() != block(1));
    }
    assert!(lost > 10, "lost {lost} of 50");
}

#[test]
fn names_are_lost_without_a_sync_of_their_directory() {
    let (mut lost, mut kept) = (0, 0);
    for seed in 0..50 {
        let world = in_world(seed, async |env| {
            prepare(&env).await;
            let new = env.open(Path::new("/d/new"), DURABLE).await.unwrap();
            new.write_durable(0, block(1)).await.unwrap();
            new.sync().await.unwrap();
        });
        world.power_cut(HOST);
        assert!(world.content(HOST, Path::new("/d/f")).is_some());
        match world.content(HOST, Path::new("/d/new")) {
            None => lost += 1,
            Some(_) => kept += 1,
        }
    }
    assert!(lost > 5 && kept > 5, "lost {lost}, kept {kept}");
}

#[test]
fn a_kill_loses_nothing_that_was_written() {
    let world = in_world(7, async |env| {
        let file = prepare(&env).await;
        file.write_at(0, block(1)).await.unwrap();
    });
    world.kill(HOST);
    assert_eq!(world.content(HOST, Path::new("/d/f")).unwrap(), block(1));
}

#[test]
fn the_dead_do_nothing() {
    let world = World::new(3);
    let env = world.env(Place::FIRST);
    let outcome = world.block_on(Place::FIRST, {
        let (env, world) = (env.clone(), world.clone());
        async move {
            let file = prepare(&env).await;
            world.power_cut(HOST);
            file.write_durable(0, block(1)).await.unwrap();
        }
    });
    assert!(outcome.is_none() && !env.is_alive());
    assert!(world.content(HOST, Path::new("/d/f")).unwrap().is_empty());
    assert!(world.env(Place::FIRST).is_alive());
}

#[test]
fn a_full_disk_refuses_new_blocks_only() {
    in_world(1, async |env| {
        let file = prepare(&env).await;
        file.write_at(0, block(1)).await.unwrap();
        env.world().set_capacity(HOST, Some(2 * BLOCK as u64));
        file.write_at(BLOCK as u64, block(2)).await.unwrap();
        let refused = file.write_at(2 * BLOCK as u64, block(3)).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::StorageFull);
        file.write_durable(0, block(4)).await.unwrap();
        env.remove(Path::new("/d/f")).await.unwrap();
        let other = env.open(Path::new("/d/other"), DURABLE).await.unwrap();
        other.write_at(0, block(5)).await.unwrap();
    });
}

#[test]
fn rot_and_unreadable_blocks_are_seen_until_written_again() {
    in_world(1, async |env| {
        let file = prepare(&env).await;
        file.write_durable(0, block(0)).await.unwrap();
        assert!(env.world().rot(HOST, Path::new("/d/f"), 100, 0));
        let (buffer, _) = file.read_at(0, AlignedBuf::zeroed(BLOCK)).await.unwrap();
        assert_eq!((buffer[100], buffer[99]), (1, 0));
        assert!(env.world().make_unreadable(HOST, Path::new("/d/f"), 0));
        assert!(file.read_at(0, AlignedBuf::zeroed(BLOCK)).await.is_err());
        file.write_durable(0, block(2)).await.unwrap();
        assert!(file.read_at(0, AlignedBuf::zeroed(BLOCK)).await.is_ok());
    });
}

#[test]
#[should_panic(expected = "direct I/O at position")]
fn misaligned_io_is_refused() {
    in_world(1, async |env| {
        let file = prepare(&env).await;
        let _ = file.write_at(512, block(1)).await;
    });
}
