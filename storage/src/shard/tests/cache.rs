//! How much memory tails take.

use super::*;
use crate::limits::{LAZY_WRITE, MAX_CHUNK};

const BEGINS: usize = 8 << 20;
const MOST: usize = 32 << 20;
const BATCH: usize = 60_000;
/// What is not written to segments yet, and the room made ahead of an append.
const BESIDE: usize = LAZY_WRITE as usize + 3 * MAX_CHUNK;

fn open(bench: &Bench) -> Rc<Shard<SimEnv>> {
    let dir = bench.dir.clone();
    let journal = JournalOptions { size: 64 << 20, file_size: 16 << 20 };
    let pool = BufferPool::new(2 * MOST, 0);
    let options = ShardOptions { pool, cache_bytes: MOST, cache_begins: BEGINS, read_bytes: 4 << 20, journal };
    bench.run(|env| async move { Shard::open(env, &dir, ShardId(0), options).await.unwrap().0 })
}

/// Appends as many batches as `bytes` are, a reader `behind` the end after each; how many of the last half of its reads
/// went to the disk.
async fn follow(log: &Rc<Log<SimEnv>>, model: &mut Model, bytes: usize, behind: usize) -> usize {
    let (rounds, mut from_disk) = (bytes / BATCH, 0);
    for round in 0..rounds {
        let ticket = append(log, model, 1, BATCH);
        log.wait_durable(ticket).await.unwrap();
        let at = Offset(log.end().0 - (behind / BATCH) as i64);
        if at >= Offset(0) {
            let read = log.read(at, BATCH, log.end(), true).await.unwrap();
            from_disk += usize::from(read.from_disk && round > rounds / 2);
        }
    }
    from_disk
}

#[test]
fn memory_grows_with_how_far_readers_are_behind_and_no_further() {
    let bench = Bench::new("reach", 1);
    let shard = open(&bench);
    bench.run(|_| async move {
        let log = shard.create_log(id(0), LogConfig { retention_ms: None, ..LogConfig::default() }).unwrap();
        let mut model = Model::default();
        assert_eq!(follow(&log, &mut model, 3 * MOST, 0).await, 0);
        assert!(shard.cached_bytes() <= BEGINS + BESIDE, "{} bytes, nobody behind", shard.cached_bytes());
        assert_eq!(follow(&log, &mut model, 3 * MOST, 2 * BEGINS).await, 0);
        assert!(shard.cached_bytes() <= 3 * BEGINS + BESIDE, "{} bytes", shard.cached_bytes());
        let deep = follow(&log, &mut model, MOST, 2 * MOST).await;
        assert!(deep > 0, "so far behind it is the disk's");
        assert!(shard.cached_bytes() <= 3 * BEGINS + BESIDE, "{} bytes, in vain", shard.cached_bytes());
        assert_eq!(follow(&log, &mut model, 6 * MOST, 0).await, 0);
        assert!(shard.cached_bytes() <= BEGINS + BESIDE, "{} bytes, nobody behind any more", shard.cached_bytes());
        let read = read_all(&log, 1 << 20).await;
        assert_eq!(read.len(), model.bytes_from(Offset(0)).len());
        assert_eq!(follow(&log, &mut model, 3 * MOST, 0).await, 0);
        assert!(shard.cached_bytes() <= BEGINS + BESIDE, "{} bytes, one who caught up", shard.cached_bytes());
    });
}

#[test]
fn more_is_not_taken_than_the_journal_has_room_for_and_room_is_made() {
    let bench = Bench::new("room", 23);
    let options = ShardOptions { pool: BufferPool::new(64 << 20, 0), cache_bytes: 32 << 20, ..options() };
    let dir = bench.dir.clone();
    bench.run(|env| async move {
        let (shard, _) = Shard::open(env.clone(), &dir, ShardId(0), options).await.unwrap();
        let log = shard.create_log(id(0), config()).unwrap();
        let mut model = Model::default();
        for _ in 0..10 {
            let mut taken = 0;
            while try_append(&log, &mut model, 1, 40_000).is_ok() {
                taken += 1;
            }
            assert!((10..100).contains(&taken), "{taken} appends of 40 kB to a journal of 4 MiB");
            assert!(log.is_overloaded());
            env.sleep(Duration::from_secs(5)).await;
            assert!(!log.is_overloaded());
            assert_eq!(log.durable_end(), model.end());
        }
    });
}

#[test]
fn what_deletion_needs_is_taken_whatever_else_waits_in_memory() {
    let bench = Bench::new("needed", 1);
    let (shard, _) = bench.open();
    bench.run(|_| async move {
        let (busy, needed) = (shard.create_log(id(0), config()).unwrap(), shard.create_log(id(1), config()).unwrap());
        let mut model = Model::default();
        let refused = (0..1_000).find_map(|_| try_append(&busy, &mut model, 1, BATCH).err());
        assert_eq!(refused, Some(AppendError::Overloaded));
        let batch = BatchSpec::default().valid();
        assert_eq!(needed.append(&batch, LeaderEpoch(0)).err(), Some(AppendError::Overloaded));
        let appended = needed.append_on_full_disk(&batch, LeaderEpoch(0)).unwrap();
        needed.wait_durable(appended.ticket).await.unwrap();
    });
}
