//! What a broker costs that has many partitions and consumers and nothing to do.

use crate::Target;
use crate::client::{self, Connection};
use crate::error::Result;
use crate::mux::Mux;
use crate::process::{self, Meter};
use crate::report::Report;
use std::thread;
use std::time::{Duration, Instant};

/// How long a poll waits, in milliseconds.
const MAX_WAIT_MS: i32 = 500;

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 1000)]
    partitions: i32,
    /// Connections that fetch; each asks for its share of the partitions.
    #[arg(long, default_value_t = 100)]
    pollers: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 60.0)]
    seconds: f64,
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let broker = &options.target.broker;
    let empty = options.target.pid.map(process::memory).transpose()?;
    let topic = client::topic_name("idle");
    Connection::open(broker)?.create_topic(&topic, options.partitions)?;
    let mut mux = Mux::open(broker, options.pollers)?;
    let partitions: Vec<(i32, i64)> = (0..options.partitions).map(|partition| (partition, 0)).collect();
    let share = partitions.len().div_ceil(options.pollers.max(1));
    let encode = |share: &[(i32, i64)]| {
        client::encode(client::FETCH, 1, &client::fetch_request(&topic, share, MAX_WAIT_MS, 1 << 20))
    };
    let requests = partitions.chunks(share).map(encode).collect::<Result<Vec<_>>>()?;
    // One after the other, as consumers come: those that began together would go on together.
    let apart = Duration::from_millis(MAX_WAIT_MS as u64) / requests.len().max(1) as u32;
    for (lane, request) in requests.iter().enumerate() {
        mux.send(lane, request)?;
        thread::sleep(apart);
    }
    let (mut answers, mut polls) = (Vec::new(), 0);
    let meter = Meter::start(&options.target)?;
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    while Instant::now() < end {
        mux.receive(Duration::from_millis(100), &mut answers)?;
        for (lane, _) in answers.drain(..) {
            polls += 1;
            mux.send(lane, &requests[lane])?;
        }
    }
    let cost = meter.stop()?;
    let mut report = Report::new("idle");
    report.number("partitions", f64::from(options.partitions));
    report.number("pollers", requests.len() as f64);
    report.number("polls", polls as f64);
    if let Some(cpu) = cost.cpu {
        report.number("broker_cpu_ms_per_s", cpu * 1000.0 / cost.elapsed.as_secs_f64());
    }
    if let (Some(pid), Some(empty)) = (options.target.pid, empty) {
        report.number("memory_beyond_empty_mib", (process::memory(pid)? as f64 - empty as f64) / (1 << 20) as f64);
    }
    cost.report(&mut report, polls, 0);
    Ok(report)
}
