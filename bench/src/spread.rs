//! One record to each partition in turn, and one consumer of all of them: a record must not wait for another core.

use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::payload::Stamp;
use crate::report::{Report, histogram};
use crate::{Target, batch};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 12)]
    partitions: i32,
    /// How often each gets a record.
    #[arg(long, default_value_t = 10)]
    rounds: u64,
}

/// The consumer's wait for data: much longer than a record may take.
const MAX_WAIT_MS: i32 = 500;
/// Between two records, so that each finds the consumer waiting.
const PAUSE: Duration = Duration::from_millis(20);

/// Fetches all partitions in one request; tells each record's number and when it came.
fn consume(topic: &str, partitions: i32, broker: &str, count: u64, told: mpsc::Sender<(u64, Instant)>) -> Result<()> {
    let mut connection = Connection::open(broker)?;
    let mut from: Vec<(i32, i64)> = (0..partitions).map(|partition| (partition, 0)).collect();
    let mut seen = 0;
    while seen < count {
        let response = connection.call(client::FETCH, &client::fetch_request(topic, &from, MAX_WAIT_MS, 1 << 20))?;
        let arrived = Instant::now();
        for part in client::fetched(&response) {
            accept("Fetch", part.error_code)?;
            let next = &mut from[part.partition_index as usize].1;
            *next = batch::walk(&part.records.clone().unwrap_or_default(), *next, |_, value| {
                seen += 1;
                // The receiver is gone only where the run has failed already.
                let _ = told.send((Stamp::read(value)?.sequence, arrived));
                Ok(())
            })?;
        }
    }
    Ok(())
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let broker = &options.target.broker;
    let topic = client::topic_name("spread");
    let mut connection = Connection::open(broker)?;
    connection.create_topic(&topic, options.partitions)?;
    let count = options.rounds * options.partitions as u64;
    let mut latencies = histogram();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let consumer = scope.spawn(|| consume(&topic, options.partitions, broker, count, tell));
        for sequence in 0..count {
            thread::sleep(PAUSE);
            let stamp = Stamp { stream: 0, sequence, due: 0 };
            let records = batch::build(1, 100, 0, |_, value| stamp.write(value));
            let partition = (sequence % options.partitions as u64) as i32;
            let sent = Instant::now();
            let response = connection.call(client::PRODUCE, &client::produce_request(&topic, partition, records))?;
            client::produced(&response).try_for_each(|p| accept("Produce", p.error_code))?;
            let (seen, arrived) = told
                .recv_timeout(Duration::from_secs(5))
                .map_err(|_| Error::Broken(format!("record {sequence} did not arrive within 5 s")))?;
            if seen != sequence {
                return Err(Error::Broken(format!("record {seen} instead of {sequence}")));
            }
            latencies.saturating_record(arrived.saturating_duration_since(sent).as_nanos() as u64);
        }
        consumer.join().unwrap_or_else(|_| Err(Error::Broken("the consumer died".into())))
    })?;
    let mut report = Report::new("spread");
    report.number("partitions", f64::from(options.partitions));
    report.number("records", count as f64);
    report.latency("arrival", &latencies);
    Ok(report)
}
