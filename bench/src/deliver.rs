//! Open loop: records to some of a topic's partitions, delivered to consumers that wait for all of them; what each fetch
//! costs the broker, however many partitions it watches.

use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::mux::Mux;
use crate::pace::{joined, sleep_until};
use crate::payload::Stamp;
use crate::process::Meter;
use crate::report::{Report, histogram};
use crate::verify::{Ack, verify};
use crate::{Target, batch};
use bytes::Bytes;
use corelog_wire::messages::{FetchRequest, ProduceRequest};
use hdrhistogram::Histogram;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Partitions of the topic, all of which each consumer fetches.
    #[arg(long, default_value_t = 1000)]
    partitions: i32,
    /// Of these, how many get records, in turn.
    #[arg(long, default_value_t = 1)]
    written: i32,
    /// Connections that fetch.
    #[arg(long, default_value_t = 1)]
    consumers: usize,
    /// They fetch within sessions (KIP-227): each names what changed.
    #[arg(long)]
    sessions: bool,
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

impl Options {
    /// Where the record of this number goes.
    fn partition(&self, sequence: u64) -> i32 {
        (sequence % self.written as u64) as i32
    }

    fn count(&self) -> u64 {
        (self.warmup + self.seconds) * self.rate
    }

    fn skipped(&self) -> u64 {
        self.warmup * self.rate
    }
}

/// The consumers' wait for data: much longer than a record may take.
const MAX_WAIT_MS: i32 = 500;

fn send(options: &Options, topic: &str, mut stream: TcpStream, start: Instant) -> Result<()> {
    for sequence in 0..options.count() {
        let due = Duration::from_nanos(sequence * 1_000_000_000 / options.rate);
        let stamp = Stamp { stream: 0, sequence, due: due.as_nanos() as u64 };
        let records = batch::build(1, options.record, 0, |_, value| stamp.write(value));
        let request = client::produce_request(topic, options.partition(sequence), records);
        let frame = client::encode(client::PRODUCE, sequence as i32, &request)?;
        sleep_until(start + due);
        stream.write_all(&frame)?;
    }
    Ok(())
}

fn acknowledge(options: &Options, mut stream: TcpStream) -> Result<Vec<Ack>> {
    let mut acks = Vec::with_capacity(options.count() as usize);
    for sequence in 0..options.count() {
        let answer = client::read_frame(&mut stream)?;
        let (_, response) = client::decode::<ProduceRequest>(client::PRODUCE, &answer)?;
        for outcome in client::produced(&response) {
            accept("Produce", outcome.error_code)?;
            let (partition, base_offset) = (options.partition(sequence), outcome.base_offset);
            acks.push(Ack { partition, base_offset, stream: 0, first_sequence: sequence, count: 1 });
        }
    }
    Ok(acks)
}

/// One consumer: where it is in each partition, and in its session.
struct Consumer {
    next: Vec<i64>,
    seen: u64,
    session: (i32, i32),
    /// What the next request names.
    asks: Vec<(i32, i64)>,
}

/// What the consumers measured, of the records after the first few seconds.
struct Delivered {
    fetches: u64,
    records: u64,
    latencies: Histogram<u64>,
}

impl Consumer {
    fn new(options: &Options) -> Self {
        let session = (0, if options.sessions { 0 } else { -1 });
        let asks = (0..options.partitions).map(|partition| (partition, 0)).collect();
        Self { next: vec![0; options.partitions as usize], seen: 0, session, asks }
    }

    fn request(&self, topic: &str) -> Result<Bytes> {
        let mut request = client::fetch_request(topic, &self.asks, MAX_WAIT_MS, 1 << 20);
        (request.session_id, request.session_epoch) = self.session;
        request.topics.retain(|topic| !topic.partitions.is_empty());
        client::encode(client::FETCH, 1, &request)
    }

    /// Takes an answer: each record must be the next of its partition.
    fn take(&mut self, options: &Options, answer: &Bytes, arrived: u64, to: &mut Delivered) -> Result<()> {
        let (_, response) = client::decode::<FetchRequest>(client::FETCH, answer)?;
        accept("Fetch", response.error_code)?;
        if options.sessions {
            self.session = (response.session_id, self.session.1 + 1);
            self.asks.clear();
        }
        let mut measured = 0;
        for part in client::fetched(&response) {
            accept("Fetch", part.error_code)?;
            let next = &mut self.next[part.partition_index as usize];
            let before = *next;
            *next = batch::walk(&part.records.clone().unwrap_or_default(), before, |offset, value| {
                let stamp = Stamp::read(value)?;
                if stamp.sequence != offset as u64 * options.written as u64 + part.partition_index as u64 {
                    return Err(Error::Broken("a consumer got another record than the next".into()));
                }
                self.seen += 1;
                if stamp.sequence >= options.skipped() {
                    measured += 1;
                    to.latencies.saturating_record(arrived.saturating_sub(stamp.due));
                }
                Ok(())
            })?;
            if options.sessions && *next > before {
                self.asks.push((part.partition_index, *next));
            } else if let Some(asked) = self.asks.get_mut(part.partition_index as usize) {
                asked.1 = *next;
            }
        }
        to.records += measured;
        to.fetches += u64::from(measured > 0);
        Ok(())
    }
}

fn consume(options: &Options, topic: &str, mut mux: Mux, start: Instant) -> Result<Delivered> {
    let mut consumers: Vec<Consumer> = (0..mux.len()).map(|_| Consumer::new(options)).collect();
    for (lane, consumer) in consumers.iter().enumerate() {
        mux.send(lane, &consumer.request(topic)?)?;
    }
    let mut delivered = Delivered { fetches: 0, records: 0, latencies: histogram() };
    let mut answers = Vec::new();
    let mut left = consumers.len() as u64 * options.count();
    while left > 0 {
        mux.receive(Duration::from_millis(100), &mut answers)?;
        let arrived = start.elapsed().as_nanos() as u64;
        for (lane, answer) in answers.drain(..) {
            let consumer = &mut consumers[lane];
            let before = consumer.seen;
            consumer.take(options, &answer, arrived, &mut delivered)?;
            left -= consumer.seen - before;
            mux.send(lane, &consumer.request(topic)?)?;
        }
    }
    Ok(delivered)
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    if !(1..=options.partitions).contains(&options.written) {
        return Err(Error::Cannot("as many partitions are written as there are, at most, and one at least".into()));
    }
    let broker = &options.target.broker;
    let topic = client::topic_name("deliver");
    Connection::open(broker)?.create_topic(&topic, options.partitions)?;
    let mux = Mux::open(broker, options.consumers)?;
    let writer = Connection::open(broker)?.into_stream();
    let answers = writer.try_clone()?;
    let start = Instant::now() + Duration::from_millis(500);
    let (acks, delivered, cost) = thread::scope(|scope| {
        let consumers = scope.spawn(|| consume(options, &topic, mux, start));
        let acks = scope.spawn(|| acknowledge(options, answers));
        let sender = scope.spawn(|| send(options, &topic, writer, start));
        sleep_until(start + Duration::from_secs(options.warmup));
        let meter = Meter::start(&options.target)?;
        joined(sender)?;
        let cost = meter.stop()?;
        Ok::<_, Error>((joined(acks)?, joined(consumers)?, cost))
    })?;
    let verified = verify(broker, &topic, acks)?;
    let mut report = Report::new("deliver");
    report.number("partitions", f64::from(options.partitions));
    report.number("written", f64::from(options.written));
    report.number("consumers", options.consumers as f64);
    report.number("sessions", f64::from(u8::from(options.sessions)));
    report.number("fetches", delivered.fetches as f64);
    report.number("deliveries", delivered.records as f64);
    report.latency("deliver", &delivered.latencies);
    cost.report(&mut report, delivered.fetches, 0);
    report.number("records_verified", verified as f64);
    Ok(report)
}
