//! Committed offsets: what commits at a rate cost, and how long a broker takes to load what was committed.

use crate::Target;
use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::mux::Mux;
use crate::process::Meter;
use crate::report::{Report, histogram};
use corelog_wire::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, offset_commit, offset_fetch::OffsetFetchRequestGroup,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const COMMIT: i16 = 7;
const FETCH: i16 = 8;
/// Of `__consumer_offsets`.
const OFFSETS_PARTITIONS: i32 = 50;
const PATIENCE: Duration = Duration::from_secs(300);
const PAUSE: Duration = Duration::from_millis(5);

#[derive(clap::Args, Clone)]
pub(crate) struct CommitOptions {
    #[command(flatten)]
    target: Target,
    /// Commits in a second.
    #[arg(long, default_value_t = 1000.0)]
    rate: f64,
    /// Partitions of each.
    #[arg(long, default_value_t = 10)]
    partitions: i32,
    /// Groups, each with a connection of its own, that commit in turn.
    #[arg(long, default_value_t = 50)]
    groups: usize,
    /// How long to measure.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
}

#[derive(clap::Args, Clone)]
pub(crate) struct LoadOptions {
    #[command(flatten)]
    target: Target,
    /// Offsets in all, of one partition of `__consumer_offsets`.
    #[arg(long, default_value_t = 100_000)]
    offsets: usize,
    /// Offsets of each group.
    #[arg(long, default_value_t = 1000)]
    partitions: i32,
    /// The topic they are of.
    #[arg(long, default_value = "bench-offsets")]
    topic: String,
    /// Commit them first, rather than wait for a broker that brings them back.
    #[arg(long)]
    commit: bool,
}

fn commit(group: &str, topic: &str, partitions: i32, offset: i64) -> OffsetCommitRequest {
    let partition = |partition_index| offset_commit::OffsetCommitRequestPartition {
        partition_index,
        committed_offset: offset,
        committed_leader_epoch: -1,
        ..Default::default()
    };
    let topic = offset_commit::OffsetCommitRequestTopic {
        name: topic.into(),
        partitions: (0..partitions).map(partition).collect(),
        ..Default::default()
    };
    OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

fn accept_commit(response: &OffsetCommitResponse) -> Result<()> {
    let mut partitions = response.topics.iter().flat_map(|topic| &topic.partitions);
    partitions.try_for_each(|partition| accept("OffsetCommit", partition.error_code))
}

/// Open loop: commits that are due at a rate, whatever the broker does.
pub(crate) fn run_commits(options: &CommitOptions) -> Result<Report> {
    let broker = &options.target.broker;
    let topic = client::topic_name("commits");
    let mut connection = Connection::open(broker)?;
    connection.create_topic(&topic, options.partitions)?;
    let groups: Vec<String> = (0..options.groups).map(|number| format!("{topic}-{number}")).collect();
    for group in &groups {
        connection.await_coordinator(group)?;
    }
    let mut mux = Mux::open(broker, options.groups)?;
    let mut pending: Vec<VecDeque<Instant>> = vec![VecDeque::new(); options.groups];
    let (mut answers, mut latencies, mut sent, mut answered) = (Vec::new(), histogram(), 0_u64, 0_u64);
    let meter = Meter::start(&options.target)?;
    let began = Instant::now();
    let total = (options.rate * options.seconds) as u64;
    while answered < total {
        let due = |number: u64| began + Duration::from_secs_f64(number as f64 / options.rate);
        while sent < total && due(sent) <= Instant::now() {
            let lane = sent as usize % options.groups;
            let request = commit(&groups[lane], &topic, options.partitions, sent as i64);
            mux.send(lane, &client::encode(COMMIT, 1, &request)?)?;
            pending[lane].push_back(due(sent));
            sent += 1;
        }
        mux.receive(Duration::from_millis(1), &mut answers)?;
        for (lane, answer) in answers.drain(..) {
            accept_commit(&client::decode::<OffsetCommitRequest>(COMMIT, &answer)?.1)?;
            let due = pending[lane].pop_front().ok_or_else(|| Error::Broken("an answer to no commit".into()))?;
            latencies.saturating_record(due.elapsed().as_nanos() as u64);
            answered += 1;
        }
        if began.elapsed().as_secs_f64() > options.seconds * 3.0 + 10.0 {
            return Err(Error::Broken(format!("{answered} commits of {total} were answered")));
        }
    }
    let cost = meter.stop()?;
    let mut report = Report::new("commits");
    report.number("commits_per_s", answered as f64 / cost.elapsed.as_secs_f64());
    report.latency("commit", &latencies);
    if let Some(cpu) = cost.cpu {
        report.number("broker_cpu_ms_per_s", cpu * 1000.0 / cost.elapsed.as_secs_f64());
    }
    cost.report(&mut report, answered, 0);
    Ok(report)
}

/// Names of groups that one partition of `__consumer_offsets` keeps.
fn groups_of_one_partition(count: usize) -> Vec<String> {
    // The names are ASCII, so that bytes are what Java hashes.
    let hash = |name: &str| name.bytes().fold(0_i32, |hash, byte| hash.wrapping_mul(31).wrapping_add(i32::from(byte)));
    let partition = |name: &str| (hash(name) & i32::MAX) % OFFSETS_PARTITIONS;
    let names = (0..).map(|number: u64| format!("bench-offsets-{number}"));
    names.filter(|name| partition(name) == 7).take(count).collect()
}

/// How many offsets the group has, or none if the coordinator does not say.
fn fetched(connection: &mut Connection, group: &str) -> Result<Option<usize>> {
    let asked = OffsetFetchRequestGroup { group_id: group.into(), topics: None, ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![asked], ..Default::default() };
    let response = connection.call(FETCH, &request)?;
    let group = response.groups.first().filter(|group| group.error_code == 0);
    Ok(group.map(|group| group.topics.iter().map(|topic| topic.partitions.len()).sum()))
}

pub(crate) fn run_load(options: &LoadOptions) -> Result<Report> {
    let began = Instant::now();
    let broker = &options.target.broker;
    let groups = groups_of_one_partition(options.offsets.div_ceil(options.partitions as usize));
    if options.commit {
        let mut connection = Connection::open(broker)?;
        connection.create_topic(&options.topic, options.partitions)?;
        for group in &groups {
            connection.await_coordinator(group)?;
            accept_commit(&connection.call(COMMIT, &commit(group, &options.topic, options.partitions, 7))?)?;
        }
    }
    let last = groups.last().ok_or_else(|| Error::Cannot("no offsets are asked for".into()))?;
    let mut connection = None;
    let mut first_answer = None;
    loop {
        if began.elapsed() > PATIENCE {
            return Err(Error::Broken(format!("no offsets after {PATIENCE:?}")));
        }
        let link = match &mut connection {
            Some(link) => link,
            none => match Connection::open(broker) {
                Ok(link) => none.insert(link),
                Err(_) => {
                    std::thread::sleep(PAUSE);
                    continue;
                }
            },
        };
        match fetched(link, last) {
            Ok(Some(count)) if count == options.partitions as usize => break,
            Ok(Some(count)) if count > 0 => return Err(Error::Broken(format!("{count} offsets instead of all"))),
            Ok(_) => {}
            Err(_) => connection = None, // not up yet: it closed the connection
        }
        first_answer.get_or_insert_with(Instant::now);
        std::thread::sleep(PAUSE);
    }
    let done = Instant::now();
    let link = connection.as_mut().ok_or_else(|| Error::Broken("it answered without a connection".into()))?;
    for group in &groups {
        // A coordinator may have to load once more, soon after a start.
        let count = loop {
            match fetched(link, group)? {
                None if began.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                count => break count,
            }
        };
        if count != Some(options.partitions as usize) {
            return Err(Error::Broken(format!("group {group} has {count:?} offsets")));
        }
    }
    let mut report = Report::new("offsets");
    report.number("offsets", (groups.len() * options.partitions as usize) as f64);
    report.number("offsets_answered_ms", (done - began).as_secs_f64() * 1000.0);
    let loading = first_answer.map_or(0.0, |first| (done - first).as_secs_f64() * 1000.0);
    report.number("behind_first_answer_ms", loading);
    Ok(report)
}
