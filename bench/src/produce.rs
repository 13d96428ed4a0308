//! Closed loop: each connection keeps a number of Produce requests in flight.

use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::mux::Mux;
use crate::payload::{self, Stamp};
use crate::process::{Cost, Meter};
use crate::report::{Report, histogram};
use crate::verify::{Ack, verify};
use crate::{Target, batch};
use bytes::Bytes;
use corelog_wire::messages::ProduceRequest;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Connections; each writes to one partition, in turn.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Requests in flight on each.
    #[arg(long, default_value_t = 1)]
    depth: usize,
    /// The topic, which nobody has written to; one of the run's own unless given.
    #[arg(long)]
    topic: Option<String>,
    /// Partitions of the topic.
    #[arg(long, default_value_t = 4)]
    partitions: i32,
    /// Bytes of a record's value.
    #[arg(long, default_value_t = 100)]
    record: usize,
    /// Records in a batch; a request holds one batch.
    #[arg(long, default_value_t = 1)]
    batch: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How long to run before that.
    #[arg(long, default_value_t = 2.0)]
    warmup: f64,
}

/// A request that waits for its answer.
struct Pending {
    correlation_id: i32,
    sent: Instant,
    first_sequence: u64,
}

struct Writer<'a> {
    options: &'a Options,
    topic: String,
    mux: Mux,
    pending: Vec<VecDeque<Pending>>,
    sequences: Vec<u64>,
    correlation_id: i32,
    acks: Vec<Ack>,
    /// Where latencies go while measuring.
    latencies: Option<Histogram<u64>>,
}

/// What was written.
struct Written {
    topic: String,
    acks: Vec<Ack>,
    requests: u64,
    cost: Cost,
    latencies: Histogram<u64>,
}

impl Writer<'_> {
    fn partition(&self, lane: usize) -> i32 {
        lane as i32 % self.options.partitions
    }

    fn send(&mut self, lane: usize) -> Result<()> {
        let first_sequence = self.sequences[lane];
        self.sequences[lane] += self.options.batch as u64;
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let records = batch::build(self.options.batch, self.options.record, batch::now_ms(), |place, value| {
            Stamp { stream: lane as u32, sequence: first_sequence + place as u64, due: 0 }.write(value);
        });
        let request = client::produce_request(&self.topic, self.partition(lane), records);
        let frame = client::encode(client::PRODUCE, self.correlation_id, &request)?;
        let correlation_id = self.correlation_id;
        self.pending[lane].push_back(Pending { correlation_id, sent: Instant::now(), first_sequence });
        self.mux.send(lane, &frame)
    }

    fn answer(&mut self, lane: usize, answer: &Bytes) -> Result<()> {
        let (correlation_id, response) = client::decode::<ProduceRequest>(client::PRODUCE, answer)?;
        let pending = self.pending[lane].pop_front().filter(|p| p.correlation_id == correlation_id);
        let pending = pending.ok_or_else(|| Error::Broken("an answer out of order".into()))?;
        if let Some(latencies) = &mut self.latencies {
            latencies.saturating_record(pending.sent.elapsed().as_nanos() as u64);
        }
        let outcome = client::produced(&response).next().ok_or_else(|| Error::Broken("an answer to nothing".into()))?;
        accept("Produce", outcome.error_code)?;
        self.acks.push(Ack {
            partition: outcome.index,
            base_offset: outcome.base_offset,
            stream: lane as u32,
            first_sequence: pending.first_sequence,
            count: self.options.batch as u32,
        });
        Ok(())
    }

    /// Answers each answer with another request until `deadline`.
    fn run_until(&mut self, deadline: Instant) -> Result<()> {
        let mut answers = Vec::new();
        while Instant::now() < deadline {
            self.mux.receive(Duration::from_millis(100), &mut answers)?;
            for (lane, answer) in answers.drain(..) {
                self.answer(lane, &answer)?;
                self.send(lane)?;
            }
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        let mut answers = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.pending.iter().any(|lane| !lane.is_empty()) {
            if Instant::now() > deadline {
                return Err(Error::Broken("requests without an answer after 30 s".into()));
            }
            self.mux.receive(Duration::from_millis(100), &mut answers)?;
            for (lane, answer) in answers.drain(..) {
                self.answer(lane, &answer)?;
            }
        }
        Ok(())
    }
}

/// Makes a topic and writes to it.
fn write(options: &Options) -> Result<Written> {
    if options.record < payload::LEAST {
        return Err(Error::Cannot(format!("a record needs {} bytes for its stamp", payload::LEAST)));
    }
    let topic = options.topic.clone().unwrap_or_else(|| client::topic_name("produce"));
    Connection::open(&options.target.broker)?.create_topic(&topic, options.partitions)?;
    let mux = Mux::open(&options.target.broker, options.connections)?;
    let lanes = mux.len();
    let mut writer = Writer {
        options,
        topic,
        mux,
        pending: (0..lanes).map(|_| VecDeque::new()).collect(),
        sequences: vec![0; lanes],
        correlation_id: 0,
        acks: Vec::new(),
        latencies: None,
    };
    for lane in (0..lanes).flat_map(|lane| std::iter::repeat_n(lane, options.depth)) {
        writer.send(lane)?;
    }
    writer.run_until(Instant::now() + Duration::from_secs_f64(options.warmup))?;
    let before = writer.acks.len();
    writer.latencies = Some(histogram());
    let meter = Meter::start(&options.target)?;
    writer.run_until(Instant::now() + Duration::from_secs_f64(options.seconds))?;
    let requests = (writer.acks.len() - before) as u64;
    let cost = meter.stop()?;
    let latencies = writer.latencies.take().unwrap_or_else(histogram);
    writer.drain()?;
    Ok(Written { topic: writer.topic, acks: writer.acks, requests, cost, latencies })
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let written = write(options)?;
    let verified = verify(&options.target.broker, &written.topic, written.acks)?;
    let bytes = written.requests * (options.batch * options.record) as u64;
    let seconds = written.cost.elapsed.as_secs_f64();
    let mut report = Report::new("produce");
    report.number("connections", options.connections as f64);
    report.number("depth", options.depth as f64);
    report.number("batch_bytes", (options.batch * options.record) as f64);
    report.number("requests", written.requests as f64);
    report.number("requests_per_s", written.requests as f64 / seconds);
    report.number("mb_per_s", bytes as f64 / 1e6 / seconds);
    report.number("written_gb", (verified * options.record as u64) as f64 / 1e9);
    report.latency("ack", &written.latencies);
    written.cost.report(&mut report, written.requests, bytes);
    report.number("records_verified", verified as f64);
    Ok(report)
}
