//! A small writer on the storage, in the real environment: what the power is cut under.
//!
//! `power-cut-writer write DIR RUN` appends to many logs on two cores, creates and deletes logs and takes checkpoints,
//! and prints a line for everything it was promised: `a SHARD TOPIC BASE COUNT FIRST` once COUNT records that begin with
//! number FIRST are durable at BASE, `d SHARD TOPIC` before it begins to delete a topic, `x SHARD TOPIC` after. It ends when
//! killed.
//!
//! `power-cut-writer check DIR FILE` recovers the directory and compares it with such lines.

use std::{cell::RefCell, collections::BTreeMap, path::PathBuf, process::ExitCode, rc::Rc, time::Duration};

use bytes::{Bytes, BytesMut};
use corelog_broker::core::{
    RingEnv,
    env::NetEnv,
    launch::{CoreStart, Options, launch},
};
use corelog_storage::{
    batch::{self, BatchRules, Header},
    buffer::BufferPool,
    env::{Env, Lane},
    error::AppendError,
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, Timestamp, TopicId},
    journal::JournalOptions,
    log::{Log, LogConfig},
    record::{BatchBuilder, records},
    shard::{Shard, ShardId, ShardOptions},
};

type Logs = Rc<RefCell<Vec<Rc<Log<RingEnv>>>>>;

const SHARDS: u16 = 2;
const MEMORY: usize = 96 << 20;
/// Small, so that space is reused and flushes are forced all the time.
const JOURNAL: u64 = 8 << 20;
const SEGMENT: u32 = 256 << 10;
const APPENDERS: u64 = 8;
const LOGS: usize = 12;
/// A new log, and the end of an old one, so often; a checkpoint; each a few times a second.
const RENEWAL: Duration = Duration::from_millis(60);
const CHECKPOINT: Duration = Duration::from_millis(150);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let options = Options { cores: SHARDS, bind: false, signals: false, ..Options::default() };
    match arguments[..] {
        ["write", dir, run] => {
            let run: u64 = run.parse().expect("the run is a number");
            let main = |dir: PathBuf| move |start: CoreStart| write(start.env, dir, run);
            let error = launch(&options, |_| main(dir.into())).expect_err("the writer never ends by itself");
            eprintln!("power-cut-writer: {error}");
            ExitCode::FAILURE
        }
        ["check", dir, file] => {
            let promised = std::fs::read_to_string(file).expect("the file of promises");
            let main = |dir: PathBuf, promised: String| move |start: CoreStart| check(start.env, dir, promised);
            let outcomes = launch(&options, |_| main(dir.into(), promised.clone())).expect("the cores start");
            report(&outcomes)
        }
        _ => {
            eprintln!("power-cut-writer write DIR RUN | check DIR FILE");
            ExitCode::FAILURE
        }
    }
}

async fn open(env: &RingEnv, dir: PathBuf) -> Rc<Shard<RingEnv>> {
    let options = ShardOptions {
        pool: BufferPool::new(MEMORY, 1 << 20),
        cache_bytes: MEMORY / 2,
        cache_begins: MEMORY / 4,
        read_bytes: MEMORY / 8,
        journal: JournalOptions::of_size(JOURNAL),
    };
    let (shard, report) =
        Shard::open(env.clone(), &dir, ShardId(env.core().0), options).await.expect("the directory is recovered");
    assert!(!report.suspect, "recovery suspects rot where only the power was cut: {report:?}");
    shard
}

/// Topics count on from what is there.
fn topic(number: u64) -> LogId {
    LogId { topic: TopicId(u128::from(number).to_be_bytes()), partition: PartitionIndex(0) }
}

fn number_of(id: LogId) -> u64 {
    u128::from_be_bytes(id.topic.0) as u64
}

// --- writing ---------------------------------------------------------------------------------------------------------

async fn write(env: RingEnv, dir: PathBuf, run: u64) {
    let shard = open(&env, dir).await;
    let logs: Logs = Rc::new(RefCell::new(shard.logs()));
    // No two shards and no two runs name the same topic.
    let mut newest = run << 20 | u64::from(env.core().0) << 18;
    for appender in 0..APPENDERS {
        let first = run << 40 | u64::from(env.core().0) << 36 | appender << 32;
        env.spawn(Lane::Latency, append(env.clone(), Rc::clone(&logs), first));
    }
    env.spawn(Lane::Background, checkpoints(env.clone(), Rc::clone(&shard)));
    loop {
        newest += 1;
        let config = LogConfig { segment_bytes: SEGMENT, ..LogConfig::default() };
        let log = shard.create_log(topic(newest), config).expect("a new log");
        logs.borrow_mut().push(log);
        if logs.borrow().len() > LOGS {
            let oldest = logs.borrow_mut().remove(0);
            println!("d {} {}", env.core().0, number_of(oldest.id()));
            shard.delete_log(oldest.id()).await.expect("a log is deleted");
            println!("x {} {}", env.core().0, number_of(oldest.id()));
        }
        env.sleep(RENEWAL).await;
    }
}

async fn checkpoints(env: RingEnv, shard: Rc<Shard<RingEnv>>) {
    loop {
        env.sleep(CHECKPOINT).await;
        shard.checkpoint().await.expect("a checkpoint");
    }
}

/// Appends batches of every size, up to what bypasses the journal, and waits for each.
async fn append(env: RingEnv, logs: Logs, first: u64) {
    let mut number = first;
    loop {
        env.sleep(Duration::from_micros(env.random() % 8_000)).await;
        let log = {
            let logs = logs.borrow();
            if logs.is_empty() {
                continue;
            }
            Rc::clone(&logs[env.random() as usize % logs.len()])
        };
        let (count, size) = match env.random() % 16 {
            0 => (1, 60_000 + env.random() as usize % 140_000),
            1..4 => (20, 500),
            _ => (1, 20 + env.random() as usize % 3_000),
        };
        let batch = batch::check(batch_of(number, count, size), &BatchRules::default()).expect("a batch of ours");
        match log.append(&batch, LeaderEpoch(0)) {
            Ok(appended) => {
                if log.wait_durable(appended.ticket).await.is_ok() {
                    println!("a {} {} {} {count} {number}", env.core().0, number_of(log.id()), appended.base_offset.0);
                }
                number += count;
            }
            // Its log was deleted meanwhile, or the disk is behind.
            Err(AppendError::Overloaded) => env.sleep(Duration::from_millis(5)).await,
            Err(_) => logs.borrow_mut().retain(|kept| !Rc::ptr_eq(kept, &log)),
        }
    }
}

fn batch_of(first: u64, count: u64, size: usize) -> Bytes {
    let mut batch = BatchBuilder::new();
    for number in first..first + count {
        batch.push(Timestamp(1_700_000_000_000), Some(&number.to_be_bytes()), Some(&filler(number, size)));
    }
    batch.build()
}

/// The value that record `number` has, whatever its size.
fn filler(number: u64, size: usize) -> Vec<u8> {
    let mut state = number | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

// --- checking --------------------------------------------------------------------------------------------------------

/// What one core found.
#[derive(Default)]
struct Findings {
    promises: u64,
    records: u64,
    wrong: Vec<String>,
}

/// One core's part: its shard, and the promises made for it.
async fn check(env: RingEnv, dir: PathBuf, promised: String) -> Findings {
    let shard = open(&env, dir).await;
    let mut findings = Findings::default();
    let mut held: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for log in shard.logs() {
        let numbers = read_whole(&log, &mut findings).await;
        findings.records += numbers.len() as u64;
        held.insert(number_of(log.id()), numbers);
    }
    let core = env.core().0.to_string();
    let lines: Vec<Vec<&str>> = promised.lines().map(|line| line.split(' ').collect()).collect();
    let mine = || lines.iter().filter(|fields| fields.get(1) == Some(&core.as_str()));
    let deleted: Vec<&str> = mine().filter(|fields| fields[0] == "d").map(|fields| fields[2]).collect();
    let deleted: std::collections::BTreeSet<&str> = deleted.into_iter().collect();
    for fields in mine().filter(|fields| fields[0] == "a" && !deleted.contains(fields[2])) {
        let number = |at: usize| fields[at].parse::<u64>().expect("a number");
        let (topic, base, count, first) = (number(2), number(3), number(4), number(5));
        findings.promises += count;
        let log = held.get(&topic).map_or(&[][..], Vec::as_slice);
        for index in 0..count {
            let found = log.get((base + index) as usize);
            if found != Some(&(first + index)) {
                findings.wrong.push(format!("topic {topic} offset {}: {found:?}, acknowledged {first}", base + index));
            }
        }
    }
    shard.close().await.expect("the shard is closed");
    findings
}

/// The numbers of a log's records, by offset; the logs here start at 0.
async fn read_whole(log: &Rc<Log<RingEnv>>, findings: &mut Findings) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut from = log.start();
    while from < log.end() {
        let read = match log.read(from, 1 << 20, log.end(), true).await {
            Ok(read) => read,
            Err(error) => {
                findings.wrong.push(format!("topic {} at {}: {error}", number_of(log.id()), from.0));
                break;
            }
        };
        let mut bytes = BytesMut::new();
        read.chain.iter().for_each(|part| bytes.extend_from_slice(part));
        let mut rest = bytes.freeze();
        while !rest.is_empty() {
            let header = Header::parse(&rest).expect("a whole batch");
            let batch = rest.split_to(header.size as usize);
            if header.base_offset != Offset(numbers.len() as i64) || !batch::checksum_holds(&header, &batch) {
                findings.wrong.push(format!("topic {}: bad batch at {}", number_of(log.id()), header.base_offset.0));
            }
            for record in records(&batch[batch::HEADER_LEN..], header.records) {
                let record = record.expect("a whole record");
                let number = u64::from_be_bytes(record.key.unwrap_or_default().try_into().unwrap_or_default());
                let value = record.value.unwrap_or_default();
                if value != filler(number, value.len()) {
                    findings.wrong.push(format!("topic {}: record {number} changed", number_of(log.id())));
                }
                numbers.push(number);
            }
        }
        assert!(read.next > from, "a read that does not get on");
        from = read.next;
    }
    numbers
}

fn report(outcomes: &[Findings]) -> ExitCode {
    let sum = |of: fn(&Findings) -> u64| outcomes.iter().map(of).sum::<u64>();
    let wrong: Vec<&String> = outcomes.iter().flat_map(|findings| &findings.wrong).collect();
    wrong.iter().take(10).for_each(|text| eprintln!("{text}"));
    println!("checked {} {} {}", sum(|f| f.promises), sum(|f| f.records), wrong.len());
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
