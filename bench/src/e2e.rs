//! Open loop: records are due at fixed times whatever the broker does, and their latency counts from then.

use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::pace::{joined, sleep_until, wait_until};
use crate::payload::Stamp;
use crate::process::Meter;
use crate::report::{Report, histogram};
use crate::verify::{Ack, verify};
use crate::{Target, batch};
use corelog_wire::messages::ProduceRequest;
use hdrhistogram::Histogram;
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

/// A record sent later than this after it was due is counted: the load was not what was asked for.
const LATE: Duration = Duration::from_millis(1);

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Records a second.
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// Bytes of a record's value.
    #[arg(long, default_value_t = 256)]
    record: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How long to run before that.
    #[arg(long, default_value_t = 3)]
    warmup: u64,
}

struct Sent {
    late: u64,
    latest: Duration,
}

fn send(options: &Options, topic: &str, mut stream: std::net::TcpStream, start: Instant, count: u64) -> Result<Sent> {
    // SAFETY: changes this thread's own timer slack, in nanoseconds.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
    let mut sent = Sent { late: 0, latest: Duration::ZERO };
    for sequence in 0..count {
        let due = Duration::from_nanos(sequence * 1_000_000_000 / options.rate);
        let stamp = Stamp { stream: 0, sequence, due: due.as_nanos() as u64 };
        let records = batch::build(1, options.record, 0, |_, value| stamp.write(value));
        let frame = client::encode(client::PRODUCE, sequence as i32, &client::produce_request(topic, 0, records))?;
        wait_until(start + due);
        let behind = start.elapsed().saturating_sub(due);
        sent.late += u64::from(behind > LATE);
        sent.latest = sent.latest.max(behind);
        stream.write_all(&frame)?;
    }
    Ok(sent)
}

fn acknowledge(mut stream: std::net::TcpStream, count: u64) -> Result<Vec<Ack>> {
    let mut acks = Vec::with_capacity(count as usize);
    for sequence in 0..count {
        let answer = client::read_frame(&mut stream)?;
        let (correlation_id, response) = client::decode::<ProduceRequest>(client::PRODUCE, &answer)?;
        let outcome = client::produced(&response).next();
        let outcome = outcome.filter(|_| correlation_id == sequence as i32);
        let outcome = outcome.ok_or_else(|| Error::Broken("an answer out of order".into()))?;
        accept("Produce", outcome.error_code)?;
        acks.push(Ack {
            partition: 0,
            base_offset: outcome.base_offset,
            stream: 0,
            first_sequence: sequence,
            count: 1,
        });
    }
    Ok(acks)
}

fn consume(topic: &str, mut connection: Connection, start: Instant, count: u64, skip: u64) -> Result<Histogram<u64>> {
    let mut latencies = histogram();
    let mut next = 0;
    while next < count as i64 {
        let request = client::fetch_request(topic, &[(0, next)], 500, 1 << 20);
        let response = connection.call(client::FETCH, &request)?;
        let arrived = start.elapsed().as_nanos() as u64;
        for part in client::fetched(&response) {
            accept("Fetch", part.error_code)?;
            let batches = part.records.clone().unwrap_or_default();
            next = batch::walk(&batches, next, |_, value| {
                let stamp = Stamp::read(value)?;
                if stamp.sequence >= skip {
                    latencies.saturating_record(arrived.saturating_sub(stamp.due));
                }
                Ok(())
            })?;
        }
    }
    Ok(latencies)
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let broker = &options.target.broker;
    let topic = client::topic_name("e2e");
    let mut reader = Connection::open(broker)?;
    reader.create_topic(&topic, 1)?;
    let writer = Connection::open(broker)?.into_stream();
    let (skip, count) = (options.warmup * options.rate, (options.warmup + options.seconds) * options.rate);
    let answers = writer.try_clone()?;
    let start = Instant::now() + Duration::from_millis(100);
    let (sent, acks, latencies, cost) = thread::scope(|scope| {
        let consumer = scope.spawn(|| consume(&topic, reader, start, count, skip));
        let acks = scope.spawn(|| acknowledge(answers, count));
        let sender = scope.spawn(|| send(options, &topic, writer, start, count));
        sleep_until(start + Duration::from_secs(options.warmup));
        let meter = Meter::start(&options.target)?;
        let sent = joined(sender)?;
        let cost = meter.stop()?;
        Ok::<_, Error>((sent, joined(acks)?, joined(consumer)?, cost))
    })?;
    let verified = verify(broker, &topic, acks)?;
    let mut report = Report::new("e2e");
    report.number("rate", options.rate as f64);
    report.number("record_bytes", options.record as f64);
    report.number("records", latencies.len() as f64);
    report.latency("e2e", &latencies);
    report.number("late_sends", sent.late as f64);
    report.number("latest_send_us", sent.latest.as_nanos() as f64 / 1000.0);
    cost.report(&mut report, count - skip, 0);
    report.number("records_verified", verified as f64);
    Ok(report)
}
