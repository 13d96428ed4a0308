//! A consumer that stays a while behind its producers: what it reads was written a moment ago, and whether it is still in
//! the broker's memory shows in the bytes read from disk.

use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::pace::{joined, sleep_until};
use crate::payload::Stamp;
use crate::process::Meter;
use crate::report::{Report, histogram};
use crate::verify::{Ack, verify};
use crate::{Target, batch};
use hdrhistogram::Histogram;
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of a record's value, and records of a batch: about 64 KiB.
const RECORD: usize = 1024;
const BATCH: usize = 63;
const FETCH_BYTES: i32 = 256 << 10;

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Megabytes written each second.
    #[arg(long, default_value_t = 50)]
    rate: u64,
    /// Megabytes written in all: several times what the broker's memory holds.
    #[arg(long, default_value_t = 1024)]
    megabytes: u64,
    /// Partitions, each with a producer.
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    /// How far the consumer stays behind, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    lag: u64,
}

impl Options {
    fn batches(&self) -> u64 {
        (self.megabytes * 1_000_000).div_ceil((RECORD * BATCH) as u64 * self.partitions as u64)
    }

    fn due(&self, batch: u64) -> Duration {
        let bytes = batch * (RECORD * BATCH) as u64 * self.partitions as u64;
        Duration::from_nanos(bytes * 1000 / self.rate)
    }
}

fn write(options: &Options, topic: &str, partition: i32, start: Instant) -> Result<Vec<Ack>> {
    let mut connection = Connection::open(&options.target.broker)?;
    let mut acks = Vec::new();
    for number in 0..options.batches() {
        let (due, first) = (options.due(number), number * BATCH as u64);
        let records = batch::build(BATCH, RECORD, 0, |place, value| {
            let sequence = first + place as u64;
            Stamp { stream: partition as u32, sequence, due: due.as_nanos() as u64 }.write(value);
        });
        sleep_until(start + due);
        let response = connection.call(client::PRODUCE, &client::produce_request(topic, partition, records))?;
        let outcome = client::produced(&response).next();
        let outcome = outcome.ok_or_else(|| Error::Broken("an answer to nothing".into()))?;
        accept("Produce", outcome.error_code)?;
        acks.push(Ack {
            partition,
            base_offset: outcome.base_offset,
            stream: partition as u32,
            first_sequence: first,
            count: BATCH as u32,
        });
    }
    Ok(acks)
}

/// Reads every partition to its end, nothing before it is `lag` old; returns how old records were when they came.
fn read(options: &Options, topic: &str, start: Instant) -> Result<Histogram<u64>> {
    let (mut connection, mut ages) = (Connection::open(&options.target.broker)?, histogram());
    let lag = Duration::from_millis(options.lag);
    let end = (options.batches() * BATCH as u64) as i64;
    let mut next = vec![0_i64; options.partitions as usize];
    while next.iter().any(|next| *next < end) {
        let oldest = next.iter().map(|next| *next as u64 / BATCH as u64).min().unwrap_or_default();
        sleep_until(start + options.due(oldest) + lag);
        let due = |next: i64| start + options.due(next as u64 / BATCH as u64) + lag <= Instant::now();
        let from: Vec<(i32, i64)> = (0..).zip(next.iter().copied()).filter(|(_, at)| *at < end && due(*at)).collect();
        let response = connection.call(client::FETCH, &client::fetch_request(topic, &from, 500, FETCH_BYTES))?;
        let arrived = start.elapsed().as_nanos() as u64;
        for part in client::fetched(&response) {
            accept("Fetch", part.error_code)?;
            let batches = part.records.clone().unwrap_or_default();
            let at = &mut next[part.partition_index as usize];
            *at = batch::walk(&batches, *at, |_, value| {
                ages.saturating_record(arrived.saturating_sub(Stamp::read(value)?.due));
                Ok(())
            })?;
        }
    }
    Ok(ages)
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let topic = client::topic_name("behind");
    Connection::open(&options.target.broker)?.create_topic(&topic, options.partitions)?;
    let start = Instant::now() + Duration::from_millis(100);
    let meter = Meter::start(&options.target)?;
    let (acks, ages) = thread::scope(|scope| {
        let topic = &topic;
        let writers: Vec<_> = (0..options.partitions)
            .map(|partition| scope.spawn(move || write(options, topic, partition, start)))
            .collect();
        let reader = scope.spawn(|| read(options, topic, start));
        let acks = writers.into_iter().map(joined).collect::<Result<Vec<_>>>();
        Ok::<_, Error>((acks?.concat(), joined(reader)?))
    })?;
    let cost = meter.stop()?;
    let verified = verify(&options.target.broker, &topic, acks)?;
    let bytes = ages.len() * RECORD as u64;
    let mut report = Report::new("behind");
    report.number("megabytes", bytes as f64 / 1e6);
    report.number("mb_per_s", bytes as f64 / 1e6 / cost.elapsed.as_secs_f64());
    report.latency("age", &ages);
    cost.report(&mut report, 0, bytes);
    report.number("records_verified", verified as f64);
    Ok(report)
}
