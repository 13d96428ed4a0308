//! A classic group of many members: how long a rebalance takes, and what it costs at rest.
//!
//! In the rebalance that is measured nobody waits for a timer: one member rejoins, all others send their next heartbeats
//! at once, learn of it, rejoin, and have their assignments.

use crate::Target;
use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::mux::Mux;
use crate::process::Meter;
use crate::report::Report;
use bytes::{BufMut, Bytes, BytesMut};
use corelog_wire::error_code::ErrorCode;
use corelog_wire::messages::{
    HeartbeatRequest, JoinGroupRequest, SyncGroupRequest, join_group, sync_group::SyncGroupRequestAssignment,
};
use std::time::{Duration, Instant};

#[derive(clap::Args, Clone)]
pub(crate) struct Options {
    #[command(flatten)]
    target: Target,
    /// Members of the group.
    #[arg(long, default_value_t = 500)]
    members: usize,
    /// Partitions of the topic they share.
    #[arg(long, default_value_t = 2000)]
    partitions: i32,
    /// How often the rebalance is measured.
    #[arg(long, default_value_t = 5)]
    rebalances: usize,
    /// Between two heartbeats of a member at rest.
    #[arg(long, default_value_t = 3.0)]
    heartbeat_seconds: f64,
    /// How long the group is at rest.
    #[arg(long, default_value_t = 15.0)]
    seconds: f64,
}

const JOIN: i16 = 5;
const SYNC: i16 = 3;
const HEARTBEAT: i16 = 3;
const TIMEOUT_MS: i32 = 60_000;
const PATIENCE: Duration = Duration::from_secs(60);

/// What a member waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Waits {
    Join,
    Sync,
    Heartbeat,
    Nothing,
}

struct Member {
    id: String,
    waits: Waits,
    /// Has its assignment of the newest generation.
    assigned: bool,
}

struct Group<'a> {
    options: &'a Options,
    name: String,
    topic: String,
    mux: Mux,
    members: Vec<Member>,
    generation: i32,
    /// Said with each join, so that no rejoin is like the one before.
    round: i32,
}

/// The consumer protocol's subscription to one topic, of version 0.
fn subscription(topic: &str, round: i32) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    bytes.put_i16(topic.len() as i16);
    bytes.put_slice(topic.as_bytes());
    bytes.put_i32(4);
    bytes.put_i32(round);
    bytes.freeze()
}

/// The consumer protocol's assignment of some partitions of one topic, of version 0.
fn assignment(topic: &str, partitions: impl ExactSizeIterator<Item = i32>) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_i16(0);
    bytes.put_i32(1);
    bytes.put_i16(topic.len() as i16);
    bytes.put_slice(topic.as_bytes());
    bytes.put_i32(partitions.len() as i32);
    partitions.for_each(|partition| bytes.put_i32(partition));
    bytes.put_i32(-1);
    bytes.freeze()
}

impl Group<'_> {
    fn join(&mut self, lane: usize) -> Result<()> {
        let metadata = subscription(&self.topic, self.round);
        let request = JoinGroupRequest {
            group_id: self.name.clone(),
            session_timeout_ms: TIMEOUT_MS,
            rebalance_timeout_ms: TIMEOUT_MS,
            member_id: self.members[lane].id.clone(),
            protocol_type: "consumer".into(),
            protocols: vec![join_group::JoinGroupRequestProtocol { name: "range".into(), metadata }],
            ..Default::default()
        };
        self.ask(lane, Waits::Join, &client::encode(JOIN, 1, &request)?)
    }

    fn sync(&mut self, lane: usize, assignments: Vec<SyncGroupRequestAssignment>) -> Result<()> {
        let request = SyncGroupRequest {
            group_id: self.name.clone(),
            generation_id: self.generation,
            member_id: self.members[lane].id.clone(),
            assignments,
            ..Default::default()
        };
        self.ask(lane, Waits::Sync, &client::encode(SYNC, 1, &request)?)
    }

    fn heartbeat(&mut self, lane: usize) -> Result<()> {
        let request = HeartbeatRequest {
            group_id: self.name.clone(),
            generation_id: self.generation,
            member_id: self.members[lane].id.clone(),
            ..Default::default()
        };
        self.ask(lane, Waits::Heartbeat, &client::encode(HEARTBEAT, 1, &request)?)
    }

    fn ask(&mut self, lane: usize, waits: Waits, frame: &[u8]) -> Result<()> {
        self.members[lane].waits = waits;
        self.mux.send(lane, frame)
    }

    /// Takes the answers that come within `wait`.
    fn receive(&mut self, wait: Duration) -> Result<()> {
        let mut answers = Vec::new();
        self.mux.receive(wait, &mut answers)?;
        for (lane, answer) in answers {
            match std::mem::replace(&mut self.members[lane].waits, Waits::Nothing) {
                Waits::Join => self.joined(lane, &answer)?,
                Waits::Sync => {
                    let response = client::decode::<SyncGroupRequest>(SYNC, &answer)?.1;
                    // Another member came, or asked again, meanwhile.
                    if response.error_code == ErrorCode::RebalanceInProgress.code() {
                        self.join(lane)?;
                        continue;
                    }
                    accept("SyncGroup", response.error_code)?;
                    self.members[lane].assigned = !response.assignment.is_empty();
                }
                Waits::Heartbeat => {
                    let code = client::decode::<HeartbeatRequest>(HEARTBEAT, &answer)?.1.error_code;
                    match code == ErrorCode::RebalanceInProgress.code() {
                        true => self.join(lane)?,
                        false => accept("Heartbeat", code)?,
                    }
                }
                Waits::Nothing => return Err(Error::Broken(format!("member {lane} was answered unasked"))),
            }
        }
        Ok(())
    }

    fn joined(&mut self, lane: usize, answer: &Bytes) -> Result<()> {
        let response = client::decode::<JoinGroupRequest>(JOIN, answer)?.1;
        if response.error_code == ErrorCode::MemberIdRequired.code() {
            self.members[lane].id = response.member_id;
            return self.join(lane);
        }
        accept("JoinGroup", response.error_code)?;
        self.generation = response.generation_id;
        let leads = response.leader == response.member_id;
        let (count, partitions) = (response.members.len(), self.options.partitions as usize);
        let part = |at: usize| (at * partitions / count) as i32..((at + 1) * partitions / count) as i32;
        let give = |(at, member): (usize, join_group::JoinGroupResponseMember)| SyncGroupRequestAssignment {
            member_id: member.member_id,
            assignment: assignment(&self.topic, part(at)),
        };
        let assignments = match leads {
            true => response.members.into_iter().enumerate().map(give).collect(),
            false => Vec::new(),
        };
        self.sync(lane, assignments)
    }

    /// Goes on until every member has its assignment.
    fn settle(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.members.iter().any(|member| !member.assigned) {
            if Instant::now() > deadline {
                let without = self.members.iter().filter(|member| !member.assigned).count();
                return Err(Error::Broken(format!("{without} members have no assignment after {PATIENCE:?}")));
            }
            self.receive(Duration::from_millis(100))?;
        }
        Ok(())
    }

    fn rebalance(&mut self) -> Result<Duration> {
        self.round += 1;
        self.members.iter_mut().for_each(|member| member.assigned = false);
        let began = Instant::now();
        self.join(0)?;
        // Not before the coordinator knows of it.
        std::thread::sleep(Duration::from_millis(20));
        for lane in 1..self.members.len() {
            self.heartbeat(lane)?;
        }
        self.settle()?;
        Ok(began.elapsed())
    }

    /// Each member sends a heartbeat in its turn; how many they were.
    fn rest(&mut self) -> Result<u64> {
        let began = Instant::now();
        let between = self.options.heartbeat_seconds / self.members.len() as f64;
        let mut sent = 0;
        while began.elapsed().as_secs_f64() < self.options.seconds {
            while sent as f64 * between < began.elapsed().as_secs_f64() {
                self.heartbeat(sent as usize % self.members.len())?;
                sent += 1;
            }
            self.receive(Duration::from_millis(5))?;
        }
        Ok(sent)
    }
}

pub(crate) fn run(options: &Options) -> Result<Report> {
    let broker = &options.target.broker;
    let topic = client::topic_name("group");
    let name = topic.clone();
    let mut connection = Connection::open(broker)?;
    connection.create_topic(&topic, options.partitions)?;
    connection.await_coordinator(&name)?;
    let members = (0..options.members).map(|_| Member { id: String::new(), waits: Waits::Nothing, assigned: false });
    let members = members.collect();
    let mux = Mux::open(broker, options.members)?;
    let mut group = Group { options, name, topic, mux, members, generation: -1, round: 0 };
    for lane in 0..options.members {
        group.join(lane)?;
    }
    group.settle()?;
    let mut took = (0..options.rebalances).map(|_| group.rebalance()).collect::<Result<Vec<_>>>()?;
    took.sort();
    let meter = Meter::start(&options.target)?;
    let heartbeats = group.rest()?;
    let cost = meter.stop()?;
    let mut report = Report::new("group");
    report.number("members", options.members as f64);
    report.number("partitions", f64::from(options.partitions));
    let ms = |duration: Option<&Duration>| duration.map_or(0.0, |one| one.as_secs_f64() * 1000.0);
    report.number("rebalance_median_ms", ms(took.get(took.len() / 2)));
    report.number("rebalance_max_ms", ms(took.last()));
    if let Some(cpu) = cost.cpu {
        report.number("broker_cpu_ms_per_s", cpu * 1000.0 / cost.elapsed.as_secs_f64());
    }
    cost.report(&mut report, heartbeats, 0);
    Ok(report)
}
