//! What every [`Env`] must do: one suite, run against the simulated and the real one, so that the simulator cannot
//! promise what the real world does not keep. Durability after a power cut is judged elsewhere: here is what a living
//! process can see.
//!
//! Checks panic with the property that does not hold.

use std::{
    cell::RefCell,
    future::{Future, poll_fn},
    io::ErrorKind,
    path::{Path, PathBuf},
    pin::pin,
    rc::Rc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;

use crate::{
    buffer::{AlignedBuf, AppendBuf, BufferPool},
    env::{BLOCK, Env, File, Lane, OpenFile},
};

const CREATE: OpenFile = OpenFile { create: true, durable_writes: false };
const CREATE_DURABLE: OpenFile = OpenFile { create: true, durable_writes: true };
const EXISTING: OpenFile = OpenFile { create: false, durable_writes: false };

/// Runs every check inside `dir`, an existing empty directory; returns how many there were.
pub async fn run<E: Env>(env: &E, dir: &Path) -> usize {
    let mut count = 0;
    macro_rules! check {
        ($($name:ident),+ $(,)?) => {$(
            let own = dir.join(stringify!($name));
            env.create_dir(&own).await.expect(stringify!($name));
            $name(env, own).await;
            count += 1;
        )+};
    }
    check!(
        what_was_written_is_read,
        durable_writes_are_read,
        pieces_are_written_one_after_the_other,
        reads_end_with_the_file,
        writes_in_flight_together_do_not_mix,
        large_writes_and_reads_are_whole,
        views_of_a_chunk_are_written_as_they_are,
        pool_memory_is_fit_for_io,
        clones_share_one_file,
        only_create_creates,
        a_directory_is_not_a_file,
        creating_a_directory_creates_its_parents,
        lists_are_sorted_and_whole,
        a_rename_replaces_at_once,
        removal_spares_who_has_the_file_open,
        only_empty_directories_are_removed,
        a_cut_file_extends_with_zeroes,
        allocated_blocks_read_as_zeroes,
        dropped_operations_harm_nobody,
        sleep_never_ends_early,
        sleepers_wake_in_order,
        a_sleep_that_may_end_early_ends_in_its_time,
        spawned_tasks_run_without_being_awaited,
        a_spawned_task_starts_only_when_its_spawner_gives_way,
        clocks_do_not_stand_still,
        random_numbers_differ,
    );
    count
}

fn filled(len: usize, mark: u8) -> Bytes {
    let mut buffer = AlignedBuf::zeroed(len);
    for (index, byte) in buffer.iter_mut().enumerate() {
        *byte = mark.wrapping_add((index / 7) as u8);
    }
    buffer.freeze()
}

async fn read<F: File>(file: &F, position: u64, len: usize) -> Vec<u8> {
    let (buffer, count) = file.read_at(position, AlignedBuf::zeroed(len)).await.expect("a read");
    buffer[..count].to_vec()
}

async fn what_was_written_is_read<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE).await.unwrap();
    assert_eq!(file.len().await.unwrap(), 0, "a created file is empty");
    file.write_at(0, filled(3 * BLOCK, 1)).await.unwrap();
    file.write_at(BLOCK as u64, filled(BLOCK, 2)).await.unwrap();
    file.sync().await.unwrap();
    env.sync_dir(&dir).await.unwrap();
    assert_eq!(file.len().await.unwrap(), 3 * BLOCK as u64);
    let content = read(&file, 0, 3 * BLOCK).await;
    assert_eq!(content[..BLOCK], filled(3 * BLOCK, 1)[..BLOCK]);
    assert_eq!(content[BLOCK..2 * BLOCK], filled(BLOCK, 2)[..], "the later write wins");
    assert_eq!(content[2 * BLOCK..], filled(3 * BLOCK, 1)[2 * BLOCK..]);
}

async fn durable_writes_are_read<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    file.write_durable(0, filled(2 * BLOCK, 3)).await.unwrap();
    file.write_durable(BLOCK as u64, filled(2 * BLOCK, 4)).await.unwrap();
    let again = env.open(&dir.join("file"), EXISTING).await.unwrap();
    let content = read(&again, 0, 3 * BLOCK).await;
    assert_eq!(content[..BLOCK], filled(2 * BLOCK, 3)[..BLOCK]);
    assert_eq!(content[BLOCK..], filled(2 * BLOCK, 4)[..]);
}

async fn pieces_are_written_one_after_the_other<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    file.write_durable(0, filled(5 * BLOCK, 1)).await.unwrap();
    let pieces = vec![filled(BLOCK, 2), filled(4 * BLOCK, 3).slice(2 * BLOCK..), filled(BLOCK, 4)];
    file.write_durable_pieces(BLOCK as u64, pieces.clone()).await.unwrap();
    let content = read(&file, 0, 6 * BLOCK).await;
    assert_eq!(content[..BLOCK], filled(5 * BLOCK, 1)[..BLOCK]);
    assert_eq!(content[BLOCK..], pieces.concat());
}

async fn reads_end_with_the_file<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE).await.unwrap();
    file.write_at(0, filled(2 * BLOCK, 5)).await.unwrap();
    assert_eq!(read(&file, BLOCK as u64, 4 * BLOCK).await.len(), BLOCK, "a read is short at the end");
    assert_eq!(read(&file, 2 * BLOCK as u64, BLOCK).await.len(), 0, "and empty beyond it");
    assert_eq!(read(&file, 64 * BLOCK as u64, BLOCK).await.len(), 0);
}

async fn writes_in_flight_together_do_not_mix<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    let done = Rc::new(RefCell::new(0));
    for index in 0..16_u8 {
        let (file, done) = (file.clone(), done.clone());
        env.spawn(Lane::Latency, async move {
            let position = u64::from(index) * 2 * BLOCK as u64;
            if index % 2 == 0 {
                file.write_durable(position, filled(2 * BLOCK, index)).await.unwrap();
            } else {
                file.write_at(position, filled(2 * BLOCK, index)).await.unwrap();
            }
            *done.borrow_mut() += 1;
        });
    }
    wait_until(env, || *done.borrow() == 16).await;
    for index in 0..16_u8 {
        let content = read(&file, u64::from(index) * 2 * BLOCK as u64, 2 * BLOCK).await;
        assert_eq!(content, filled(2 * BLOCK, index), "write {index} is whole");
    }
}

async fn large_writes_and_reads_are_whole<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    let len = 3 << 20;
    file.write_durable(0, filled(len, 9)).await.unwrap();
    assert!(read(&file, 0, len).await == filled(len, 9), "3 MiB in one write and one read");
}

async fn views_of_a_chunk_are_written_as_they_are<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    let mut chunk = AppendBuf::new(AlignedBuf::zeroed(4 * BLOCK));
    chunk.append(&filled(2 * BLOCK + 100, 6));
    let whole_blocks = chunk.view(0..2 * BLOCK);
    let mut write = pin!(file.write_durable(0, whole_blocks.clone()));
    let mut appended = false;
    poll_fn(|context| {
        let polled = write.as_mut().poll(context);
        if !appended {
            appended = true;
            chunk.append(b"while the disk reads the blocks before");
        }
        polled
    })
    .await
    .unwrap();
    assert_eq!(read(&file, 0, 2 * BLOCK).await, whole_blocks);
}

async fn pool_memory_is_fit_for_io<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    let pool = BufferPool::new(16 * BLOCK, BLOCK);
    let mut buffer = pool.take(2 * BLOCK).expect("within the budget");
    buffer.fill(0xa5);
    file.write_durable(0, buffer.freeze()).await.unwrap();
    let (buffer, count) = file.read_at(0, pool.take(2 * BLOCK).unwrap()).await.unwrap();
    assert_eq!(count, 2 * BLOCK);
    assert!(buffer.iter().all(|byte| *byte == 0xa5));
    drop(buffer);
    assert_eq!(pool.in_use(), 0, "no operation keeps memory after it ended");
}

async fn clones_share_one_file<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE).await.unwrap();
    let clone = file.clone();
    clone.write_at(0, filled(BLOCK, 7)).await.unwrap();
    drop(clone);
    assert_eq!(read(&file, 0, BLOCK).await, filled(BLOCK, 7), "dropping a clone does not close the file");
}

async fn only_create_creates<E: Env>(env: &E, dir: PathBuf) {
    let missing = env.open(&dir.join("file"), EXISTING).await.map(drop);
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    let no_directory = env.open(&dir.join("missing/file"), CREATE).await.map(drop);
    assert_eq!(no_directory.unwrap_err().kind(), ErrorKind::NotFound);
    let file = env.open(&dir.join("file"), CREATE).await.unwrap();
    file.write_at(0, filled(BLOCK, 8)).await.unwrap();
    let again = env.open(&dir.join("file"), CREATE).await.unwrap();
    assert_eq!(again.len().await.unwrap(), BLOCK as u64, "opening with create keeps what is there");
}

async fn a_directory_is_not_a_file<E: Env>(env: &E, dir: PathBuf) {
    env.create_dir(&dir.join("sub")).await.unwrap();
    assert!(env.open(&dir.join("sub"), CREATE).await.is_err());
    let file = env.open(&dir.join("file"), CREATE).await.unwrap();
    drop(file);
    assert!(env.create_dir(&dir.join("file")).await.is_err());
    assert!(env.list(&dir.join("missing")).await.is_err());
    assert!(env.sync_dir(&dir.join("missing")).await.is_err());
}

async fn creating_a_directory_creates_its_parents<E: Env>(env: &E, dir: PathBuf) {
    env.create_dir(&dir.join("a/b/c")).await.unwrap();
    env.create_dir(&dir.join("a/b/c")).await.expect("once more is no error");
    assert_eq!(env.list(&dir.join("a/b")).await.unwrap(), ["c"]);
}

async fn lists_are_sorted_and_whole<E: Env>(env: &E, dir: PathBuf) {
    for name in ["b", "c", "a", "ab"] {
        env.open(&dir.join(name), CREATE).await.unwrap();
    }
    env.create_dir(&dir.join("aa/inner")).await.unwrap();
    assert_eq!(env.list(&dir).await.unwrap(), ["a", "aa", "ab", "b", "c"]);
}

async fn a_rename_replaces_at_once<E: Env>(env: &E, dir: PathBuf) {
    let (old, new) = (dir.join("old"), dir.join("new"));
    env.open(&old, CREATE).await.unwrap().write_at(0, filled(BLOCK, 1)).await.unwrap();
    env.open(&new, CREATE).await.unwrap().write_at(0, filled(2 * BLOCK, 2)).await.unwrap();
    env.rename(&old, &new).await.unwrap();
    assert_eq!(env.list(&dir).await.unwrap(), ["new"]);
    let file = env.open(&new, EXISTING).await.unwrap();
    assert_eq!(read(&file, 0, 2 * BLOCK).await, filled(BLOCK, 1));
    assert_eq!(env.rename(&old, &new).await.unwrap_err().kind(), ErrorKind::NotFound);
}

async fn removal_spares_who_has_the_file_open<E: Env>(env: &E, dir: PathBuf) {
    let path = dir.join("file");
    let file = env.open(&path, CREATE).await.unwrap();
    file.write_at(0, filled(BLOCK, 3)).await.unwrap();
    env.remove(&path).await.unwrap();
    assert_eq!(env.remove(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(env.list(&dir).await.unwrap().is_empty());
    let other = env.open(&path, CREATE).await.unwrap();
    assert_eq!(other.len().await.unwrap(), 0, "the name is free for another file");
    assert_eq!(read(&file, 0, BLOCK).await, filled(BLOCK, 3));
}

async fn only_empty_directories_are_removed<E: Env>(env: &E, dir: PathBuf) {
    env.create_dir(&dir.join("sub")).await.unwrap();
    env.open(&dir.join("sub/file"), CREATE).await.unwrap();
    assert!(env.remove(&dir.join("sub")).await.is_err());
    env.remove(&dir.join("sub/file")).await.unwrap();
    env.remove(&dir.join("sub")).await.unwrap();
    assert!(env.list(&dir).await.unwrap().is_empty());
}

async fn a_cut_file_extends_with_zeroes<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE).await.unwrap();
    file.write_at(0, filled(4 * BLOCK, 4)).await.unwrap();
    file.set_len(2 * BLOCK as u64).await.unwrap();
    assert_eq!(read(&file, 0, 4 * BLOCK).await, filled(4 * BLOCK, 4)[..2 * BLOCK]);
    file.set_len(3 * BLOCK as u64).await.unwrap();
    assert_eq!(read(&file, 2 * BLOCK as u64, BLOCK).await, vec![0; BLOCK]);
    file.write_at(5 * BLOCK as u64, filled(BLOCK, 5)).await.unwrap();
    assert_eq!(read(&file, 3 * BLOCK as u64, 2 * BLOCK).await, vec![0; 2 * BLOCK], "a hole reads as zeroes");
}

async fn allocated_blocks_read_as_zeroes<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    file.allocate(4 * BLOCK as u64).await.unwrap();
    assert_eq!(file.len().await.unwrap(), 4 * BLOCK as u64, "the length grows to what was allocated");
    file.write_durable(BLOCK as u64, filled(BLOCK, 6)).await.unwrap();
    file.allocate(2 * BLOCK as u64).await.unwrap();
    assert_eq!(file.len().await.unwrap(), 4 * BLOCK as u64, "allocating less changes nothing");
    assert_eq!(read(&file, 0, BLOCK).await, vec![0; BLOCK]);
    assert_eq!(read(&file, BLOCK as u64, BLOCK).await, filled(BLOCK, 6));
}

async fn dropped_operations_harm_nobody<E: Env>(env: &E, dir: PathBuf) {
    let file = env.open(&dir.join("file"), CREATE_DURABLE).await.unwrap();
    file.write_durable(0, filled(64 * BLOCK, 1)).await.unwrap();
    for round in 0..20_u64 {
        let position = round * BLOCK as u64;
        poll_once(file.read_at(position, AlignedBuf::zeroed(8 * BLOCK))).await;
        poll_once(file.write_durable(64 * BLOCK as u64 + position, filled(BLOCK, 2))).await;
        poll_once(file.sync()).await;
        poll_once(env.sleep(Duration::from_millis(1))).await;
        // Memory of the dropped operations must not be reused while the disk still reads or fills it.
        let mut scratch = AlignedBuf::zeroed(8 * BLOCK);
        scratch.fill(round as u8);
        env.sleep(Duration::from_micros(200)).await;
        assert!(scratch.iter().all(|byte| *byte == round as u8), "a dropped read wrote to memory of others");
    }
    assert!(read(&file, 0, 64 * BLOCK).await == filled(64 * BLOCK, 1));
}

async fn sleep_never_ends_early<E: Env>(env: &E, _dir: PathBuf) {
    for micros in [0, 50, 1_000, 3_000] {
        let deadline = env.now().after(Duration::from_micros(micros));
        env.sleep_until(deadline).await;
        assert!(env.now() >= deadline, "slept {micros} us or more");
    }
    env.sleep_until(crate::env::Instant(0)).await;
}

async fn sleepers_wake_in_order<E: Env>(env: &E, _dir: PathBuf) {
    let order = Rc::new(RefCell::new(Vec::new()));
    for delay in [30_u64, 10, 20] {
        let (sleeper, order) = (env.clone(), order.clone());
        env.spawn(Lane::Latency, async move {
            sleeper.sleep(Duration::from_millis(delay)).await;
            order.borrow_mut().push(delay);
        });
    }
    wait_until(env, || order.borrow().len() == 3).await;
    assert_eq!(*order.borrow(), [10, 20, 30]);
}

async fn a_sleep_that_may_end_early_ends_in_its_time<E: Env>(env: &E, _dir: PathBuf) {
    let begun = env.now();
    let at = move |millis| begun.after(Duration::from_millis(millis));
    let ended = Rc::new(RefCell::new(Vec::new()));
    for (earliest, latest) in [(20, 400), (30, 60), (10, 100)] {
        let (sleeper, ended) = (env.clone(), ended.clone());
        env.spawn(Lane::Latency, async move {
            sleeper.sleep_between(at(earliest), at(latest)).await;
            assert!(sleeper.now() >= at(earliest), "{earliest} ms or more");
            ended.borrow_mut().push(latest);
        });
    }
    wait_until(env, || ended.borrow().len() == 3).await;
}

async fn a_spawned_task_starts_only_when_its_spawner_gives_way<E: Env>(env: &E, _dir: PathBuf) {
    for lane in [Lane::Latency, Lane::Background] {
        let shared = Rc::new(RefCell::new(0));
        let held = shared.borrow_mut();
        let inner = shared.clone();
        env.spawn(lane, async move { *inner.borrow_mut() += 1 });
        drop(held);
        assert_eq!(*shared.borrow(), 0, "it ran within the spawn");
        env.sleep(Duration::from_millis(5)).await;
        assert_eq!(*shared.borrow(), 1);
    }
}

async fn spawned_tasks_run_without_being_awaited<E: Env>(env: &E, _dir: PathBuf) {
    let ran = Rc::new(RefCell::new(0));
    for lane in [Lane::Latency, Lane::Background] {
        let (inner, ran) = (env.clone(), ran.clone());
        env.spawn(lane, async move {
            let again = ran.clone();
            inner.spawn(lane, async move { *again.borrow_mut() += 1 });
            *ran.borrow_mut() += 1;
        });
    }
    wait_until(env, || *ran.borrow() == 4).await;
}

async fn clocks_do_not_stand_still<E: Env>(env: &E, _dir: PathBuf) {
    let (before, wall) = (env.now(), env.wall_clock_ms());
    env.sleep(Duration::from_millis(20)).await;
    let passed = env.now().since(before);
    assert!(passed >= Duration::from_millis(20) && passed < Duration::from_secs(20), "{passed:?} for 20 ms");
    assert!(wall > 1_700_000_000_000 && env.wall_clock_ms() > wall, "the wall clock counts ms since 1970");
}

async fn random_numbers_differ<E: Env>(env: &E, _dir: PathBuf) {
    let mut drawn: Vec<u64> = (0..64).map(|_| env.random()).collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 64);
}

async fn wait_until<E: Env>(env: &E, mut holds: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if holds() {
            return;
        }
        env.sleep(Duration::from_millis(1)).await;
    }
    panic!("still waiting after 5 s");
}

/// Polls once, then drops the future, finished or not.
async fn poll_once<T>(future: impl Future<Output = T>) {
    let mut future = pin!(future);
    poll_fn(|context| {
        let _ = future.as_mut().poll(context);
        Poll::Ready(())
    })
    .await;
}
