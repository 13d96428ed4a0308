//! One slice: a case's load on one broker for some seconds, what it did, and whether all of it is there.

mod consumer;
mod figures;
mod neighbours;
mod producer;
mod recovery;
mod shared;
mod timeline;
mod topic;

pub(crate) use timeline::Second;
pub(crate) use topic::Topic;

use crate::client::Connection;
use crate::error::{Error, Result};
use crate::mux::Mux;
use crate::pace::{joined, sleep_until};
use crate::process::{Cost, Meter};
use crate::target::Endpoint;
use crate::verify::{Ack, Allow, verify_from};
use crate::workload::Case;
use consumer::Consumer;
use hdrhistogram::Histogram;
use neighbours::Neighbours;
use producer::{Produced, Producer};
use shared::{Counts, Lag, Shared, Times};
use std::collections::BTreeMap;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use timeline::Timeline;

/// From the opening of connections until the first record is due.
const LEAD: Duration = Duration::from_millis(50);
/// How long producers go on for a broker that is to be killed, and how long a backlog may take to write.
const UNTIL_KILLED: Duration = Duration::from_secs(60);
const MOST_FILLING: Duration = Duration::from_secs(600);
/// More late sends than this share, and the load was another one than was asked for.
const MOST_LATE: f64 = 0.01;

/// What a slice runs on.
pub(crate) struct Site<'a> {
    pub(crate) target: &'a Endpoint,
    /// Brokers that stand by meanwhile.
    pub(crate) peers: &'a [u32],
    /// The shell's command that starts the broker again and prints its process id.
    pub(crate) restart: Option<&'a str>,
    pub(crate) syscalls: bool,
    /// A folder on the brokers' disk.
    pub(crate) sync_dir: Option<&'a Path>,
    /// The broker is killed at the end.
    pub(crate) kill: bool,
}

/// Figures by name.
pub(crate) type Metrics = BTreeMap<String, f64>;

/// What came of a slice; of one that failed, what came before.
pub(crate) struct Slice {
    pub(crate) metrics: Metrics,
    /// By kind, `ack` and `e2e`: those that count.
    pub(crate) latencies: BTreeMap<&'static str, Histogram<u64>>,
    pub(crate) seconds: Vec<Second>,
    /// The share of the processors' time that another machine took while the slice counted.
    pub(crate) steal: f64,
    /// The broker's process, if it was started again.
    pub(crate) restarted: Option<u32>,
    pub(crate) failure: Option<Error>,
}

/// Runs one slice. `each` is told of every second.
pub(crate) fn run(
    site: &Site<'_>,
    case: &Case,
    topic: &mut Topic,
    number: u32,
    each: &mut dyn FnMut(&Second),
) -> Slice {
    let times = Times {
        start: Instant::now() + LEAD,
        warmup: Duration::from_secs_f64(case.warmup),
        seconds: Duration::from_secs_f64(case.seconds),
        beyond: if case.kill { UNTIL_KILLED } else { Duration::ZERO },
    };
    let mut shared = Shared::new(times);
    let mut timeline = Timeline::new(site.target.pid);
    let outcome = measure(site, case, topic, number, &mut shared, &mut timeline, each);
    let mut latencies = BTreeMap::new();
    for (kind, recorder) in [("ack", &shared.acks), ("e2e", &shared.arrivals)] {
        let all = recorder.all();
        if !all.is_empty() {
            latencies.insert(kind, all);
        }
    }
    let (metrics, seconds) = (Metrics::new(), timeline.take());
    let mut slice = Slice { metrics, latencies, seconds, steal: 0.0, restarted: None, failure: None };
    figures::latencies(&mut slice.metrics, &slice.latencies);
    match outcome {
        Ok(measured) => {
            slice.steal = measured.cost.machine.steal();
            slice.restarted = measured.recovered.map(|(_, pid)| pid);
            figures::all(&mut slice.metrics, case, &measured);
            figures::growth(&mut slice.metrics, &slice.seconds);
            slice.failure = void(case, &measured.lag);
        }
        Err(failure) => slice.failure = Some(failure),
    }
    slice
}

struct Measured {
    counts: Counts,
    /// By threads beside.
    synced: u64,
    cost: Cost,
    lag: Lag,
    verified: u64,
    /// Bytes of the backlog, and how long it took to drain.
    drained: Option<(u64, Duration)>,
    /// How long the broker was away after it was killed, and its new process.
    recovered: Option<(Duration, u32)>,
}

fn measure(
    site: &Site<'_>,
    case: &Case,
    topic: &mut Topic,
    number: u32,
    shared: &mut Shared,
    timeline: &mut Timeline,
    each: &mut dyn FnMut(&Second),
) -> Result<Measured> {
    topic.prepare(&site.target.address, case)?;
    let broker = topic.broker();
    let backlog = fill(case, topic, 2 * number + 1)?;
    let producers = Mux::open(broker, case.connections)?;
    let consumers = Mux::open(broker, case.consumers)?;
    let idle = (0..case.idle_connections).map(|_| Connection::open(broker)).collect::<Result<Vec<_>>>()?;
    let neighbours = Neighbours::start(case.syncs_beside, site.sync_dir)?;
    shared.times.start = Instant::now() + LEAD;
    let (shared, starts, fresh) = (&*shared, topic.starts(), &backlog.ends[..]);
    let (counted, produced) = thread::scope(|scope| {
        let name = topic.name();
        let consumer = Consumer::new(case, shared, name, consumers, starts, fresh);
        let consumer = scope.spawn(move || told(shared, consumer.run()));
        let producer = Producer::new(case, shared, name, producers, 2 * number);
        let producer = scope.spawn(move || told(shared, producer.run(fresh)));
        let counted = told(shared, count(site, shared, &neighbours, timeline, each));
        // A thread that failed is the reason why others stopped.
        let (produced, consumed) = (joined(producer), joined(consumer));
        consumed?;
        Ok::<_, Error>((counted?, produced?))
    })?;
    drop(idle);
    neighbours.end()?;
    let (counts, synced, cost) = counted;
    let recovered = case.kill.then(|| recovery::again(site, topic.name(), case.partitions)).transpose()?;
    let Produced { acks, lag, ends } = produced;
    let backlog_bytes = backlog.acks.iter().map(|ack| u64::from(ack.count)).sum::<u64>() * case.record as u64;
    let drained = shared.drained.get().filter(|_| backlog_bytes > 0).map(|took| (backlog_bytes, *took));
    let acks: Vec<Ack> = backlog.acks.into_iter().chain(acks).collect();
    let allow = Allow { retention: case.retention, unacknowledged: case.kill };
    let verified = verify_from(topic.broker(), topic.name(), topic.starts(), acks, allow)?;
    topic.advance(ends);
    Ok(Measured { counts, synced, cost, lag, verified, drained, recovered })
}

/// Writes what is there before the slice begins.
fn fill(case: &Case, topic: &Topic, stream: u32) -> Result<Produced> {
    if case.backlog_mb == 0.0 {
        return Ok(Produced { acks: Vec::new(), lag: Lag::none(), ends: topic.starts().to_vec() });
    }
    let (start, warmup, beyond) = (Instant::now(), Duration::ZERO, Duration::ZERO);
    let shared = Shared::new(Times { start, warmup, seconds: MOST_FILLING, beyond });
    let requests = (case.backlog_mb * 1e6 / case.payload() as f64).ceil() as u64;
    let mux = Mux::open(topic.broker(), case.connections)?;
    Producer::new(case, &shared, topic.name(), mux, stream).fill(requests, topic.starts())
}

/// Tells the other threads of a failure.
fn told<T>(shared: &Shared, outcome: Result<T>) -> Result<T> {
    if outcome.is_err() {
        shared.stop();
    }
    outcome
}

/// Meters the part of the slice that counts, and goes on until the slice's end second by second.
fn count(
    site: &Site<'_>,
    shared: &Shared,
    neighbours: &Neighbours,
    timeline: &mut Timeline,
    each: &mut dyn FnMut(&Second),
) -> Result<(Counts, u64, Cost)> {
    let times = shared.times;
    timeline.follow(shared, times.start + times.warmup, each);
    let meter = Meter::start_beside(site.target.pid, site.syscalls, site.peers)?;
    let (before, synced) = (shared.count(), neighbours.synced());
    timeline.follow(shared, times.end(), each);
    let (counts, synced) = (shared.count().since(&before), neighbours.synced() - synced);
    let cost = meter.stop()?;
    sleep_until(times.end());
    if site.kill {
        shared.kill();
        recovery::kill(site)?;
    }
    Ok((counts, synced, cost))
}

/// Why a slice that ran does not count for anything: the load was another one.
fn void(case: &Case, lag: &Lag) -> Option<Error> {
    let late = lag.late as f64 / lag.behind.len().max(1) as f64;
    (late > MOST_LATE).then(|| {
        let (late, most) = (late * 100.0, lag.behind.max() as f64 / 1e6);
        Error::Broken(format!(
            "{late:.1} % of the sends were more than {} ms late, the latest {most:.0} ms",
            case.late_ms
        ))
    })
}
