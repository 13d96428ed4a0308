//! How long until each partition of a topic answers Produce and Fetch, for instance after a start of the broker.

use crate::Target;
use crate::batch;
use crate::client::{self, Connection};
use crate::error::{Error, Result};
use crate::payload::Stamp;
use crate::report::Report;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// The topic.
    #[arg(long, default_value = "bench-answers")]
    topic: String,
    /// Its partitions.
    #[arg(long, default_value_t = 1000)]
    partitions: i32,
    /// Make the topic first, rather than wait for one that a broker brings back.
    #[arg(long)]
    create: bool,
}

const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(10);

/// Asks all of `open` once; those that answered well leave the set.
fn ask(connection: &mut Connection, topic: &str, open: &mut BTreeSet<i32>, unread: &mut BTreeSet<i32>) -> Result<()> {
    if !open.is_empty() {
        let stamp = Stamp { stream: 0, sequence: 0, due: 0 };
        let record = batch::build(1, 100, 0, |_, value| stamp.write(value));
        let batches = open.iter().map(|partition| (*partition, record.clone())).collect();
        let response = connection.call(client::PRODUCE, &client::produce_many(topic, batches))?;
        for part in client::produced(&response).filter(|part| part.error_code == 0) {
            open.remove(&part.index);
        }
    }
    let from: Vec<(i32, i64)> = unread.iter().filter(|p| !open.contains(p)).map(|p| (*p, 0)).collect();
    if !from.is_empty() {
        let response = connection.call(client::FETCH, &client::fetch_request(topic, &from, 100, 8 << 20))?;
        for part in client::fetched(&response).filter(|part| part.error_code == 0) {
            unread.remove(&part.partition_index);
        }
    }
    Ok(())
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let began = Instant::now();
    if options.create {
        Connection::open(&options.target.broker)?.create_topic(&options.topic, options.partitions)?;
    }
    let mut open: BTreeSet<i32> = (0..options.partitions).collect();
    let mut unread = open.clone();
    let mut connection = None;
    while !unread.is_empty() {
        if began.elapsed() > PATIENCE {
            return Err(Error::Broken(format!("{} partitions do not answer after {PATIENCE:?}", unread.len())));
        }
        let link = match &mut connection {
            Some(link) => link,
            none => match Connection::open(&options.target.broker) {
                Ok(link) => none.insert(link),
                Err(_) => {
                    std::thread::sleep(PAUSE);
                    continue;
                }
            },
        };
        let before = unread.len();
        let asked = ask(link, &options.topic, &mut open, &mut unread);
        if asked.is_err() {
            connection = None; // not up yet: it closed the connection, or knows less than it will
        }
        if unread.len() == before {
            std::thread::sleep(PAUSE);
        }
    }
    let mut report = Report::new("answers");
    report.number("partitions", f64::from(options.partitions));
    report.number("all_answered_ms", began.elapsed().as_secs_f64() * 1000.0);
    Ok(report)
}
