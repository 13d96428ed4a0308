//! Random histories: groups of clients of every temper, a log that commits when it likes, a coordinator that dies at
//! any point and is loaded anew, administrators, and time that passes. One seed, one history.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use corelog_broker::group::{
    call::*,
    config::Config,
    coordinator_machine::{Coordinator, Effects, Loader},
    error::GroupError,
    names::{Generation, GroupId, InstanceId, MemberId, TopicName},
    record::Record,
    state::{Ticket, WriteId},
    turn::Now,
};
use corelog_storage::{env::Instant, ids::TopicId};

use crate::checker::{Checker, OffsetKey};

const PARTITIONS: u8 = 6;
const SESSION_MS: i32 = 6_000;
const REBALANCE_MS: i32 = 4_000;
const RETENTION_MS: i64 = 60_000;
/// Long enough, at the end of a history, for every session and rebalance to run its course.
const QUIET_MS: u64 = 120_000;
const STEPS: usize = 1_000;

/// What one history saw.
pub(crate) struct Summary {
    pub(crate) trace: u64,
    pub(crate) crashes: u64,
    pub(crate) generations: u64,
    pub(crate) judged: BTreeMap<&'static str, u64>,
}

/// Runs the history of `seed`; panics where a property does not hold.
pub(crate) fn run(seed: u64) -> Summary {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
    }
    world.settle();
    Summary {
        trace: world.trace.finish(),
        crashes: world.crashes,
        generations: world.generations,
        judged: world.checker.judged,
    }
}

struct World {
    random: u64,
    now_ms: u64,
    config: Rc<Config>,
    coordinator: Coordinator,
    /// Writes that are appended and not committed: their number and how many records.
    in_flight: Vec<(WriteId, usize)>,
    checker: Checker,
    clients: Vec<Client>,
    asked: BTreeMap<Ticket, Asked>,
    next_ticket: u64,
    next_offset: i64,
    step: Step,
    trace: DefaultHasher,
    crashes: u64,
    generations: u64,
}

/// What the present input may legitimately delete.
#[derive(PartialEq)]
enum Step {
    Other,
    Time,
    DeleteOffsets,
}

struct Asked {
    client: Option<usize>,
    call: Call,
    /// For fetches: what they may not fall short of.
    floors: BTreeMap<OffsetKey, i64>,
    /// The generation was known to be over when it was sent.
    stale: bool,
}

struct Client {
    group: GroupId,
    instance: Option<InstanceId>,
    member: MemberId,
    phase: Phase,
    generation: Generation,
    others: Vec<MemberMetadata>,
    owned: Vec<u8>,
    alive: bool,
    /// Sends heartbeats, but never rejoins.
    stubborn: bool,
    last_heard_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Out,
    Joining,
    Joined { leads: bool },
    Syncing,
    Member,
}

impl World {
    fn new(seed: u64) -> Self {
        let config = Rc::new(Config {
            initial_rebalance_delay_ms: 500,
            offsets_retention_ms: RETENTION_MS,
            retention_check_interval_ms: 10_000,
            max_size: if seed.is_multiple_of(3) { 3 } else { 100 },
            ..Config::default()
        });
        let now = Now { monotonic: Instant(0), wall_ms: 1_000_000 };
        let (coordinator, effects) = Loader::default().finish(Rc::clone(&config), now);
        assert!(effects.writes.is_empty() && effects.answers.is_empty());
        let mut world = Self {
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            now_ms: 0,
            config,
            coordinator,
            in_flight: Vec::new(),
            checker: Checker::default(),
            clients: Vec::new(),
            asked: BTreeMap::new(),
            next_ticket: 0,
            next_offset: 0,
            step: Step::Other,
            trace: DefaultHasher::new(),
            crashes: 0,
            generations: 0,
        };
        for index in 0..8 {
            let group = GroupId::from(if index < 5 { "g" } else { "h" });
            // Two clients share one static name, as a restarted one and its former self do.
            let instance = match index {
                1 | 4 => Some(InstanceId::from("static-1")),
                6 => Some(InstanceId::from("static-6")),
                _ => None,
            };
            world.clients.push(Client::new(group, instance));
        }
        world
    }

    fn roll(&mut self, sides: u64) -> u64 {
        // splitmix64
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn now(&self) -> Now {
        Now { monotonic: Instant(0).after(Duration::from_millis(self.now_ms)), wall_ms: 1_000_000 + self.now_ms as i64 }
    }

    fn step(&mut self) {
        match self.roll(100) {
            0..60 => {
                let client = self.roll(self.clients.len() as u64) as usize;
                self.act(client);
            }
            60..74 => {
                let ms = [10, 50, 100, 400, 1_000, 2_000, 7_000][self.roll(7) as usize];
                self.pass(ms);
            }
            74..90 => self.commit_some(),
            90 if self.roll(2) == 0 => self.crash(),
            91 => self.change_temper(),
            92..94 => self.delete_offsets(),
            94 if self.roll(4) == 0 => self.delete_group(),
            95 if self.roll(4) == 0 => self.delete_topic(),
            96 if self.roll(20) == 0 => self.pass(RETENTION_MS as u64),
            _ => self.fetch(None),
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.step = Step::Time;
        let now = self.now();
        let effects = self.coordinator.tick(now);
        self.perform(effects);
        self.step = Step::Other;
    }

    fn commit_some(&mut self) {
        if self.in_flight.is_empty() {
            return;
        }
        let count = 1 + self.roll(self.in_flight.len() as u64) as usize;
        let mut to = WriteId(0);
        for (id, records) in self.in_flight.drain(..count) {
            to = id;
            self.checker.committed += records;
        }
        let now = self.now();
        let effects = self.coordinator.committed(to, now);
        self.perform(effects);
    }

    /// The coordinator dies, or loses its leadership; some of what was not committed may have become durable.
    fn crash(&mut self) {
        self.crashes += 1;
        let uncommitted = (self.checker.log.len() - self.checker.committed) as u64;
        let kept = self.roll(uncommitted + 1) as usize;
        let polite = self.roll(2) == 0;
        let (fresh, _) = Loader::default().finish(Rc::clone(&self.config), self.now());
        let dead = std::mem::replace(&mut self.coordinator, fresh);
        if polite {
            let mut told: Vec<Ticket> = dead.resign().into_iter().map(|(ticket, _)| ticket).collect();
            told.sort();
            let waiting: Vec<Ticket> = self.asked.keys().copied().collect();
            assert_eq!(told, waiting, "whoever waits is told of the loss of leadership, once");
        }
        self.asked.clear();
        for client in &mut self.clients {
            client.phase = match client.phase {
                Phase::Joining | Phase::Syncing => Phase::Out,
                phase => phase,
            };
        }
        self.in_flight.clear();
        self.checker.crashed(kept);
        let mut loader = Loader::default();
        for record in &self.checker.log {
            loader.replay(record);
        }
        let (coordinator, effects) = loader.finish(Rc::clone(&self.config), self.now());
        self.coordinator = coordinator;
        self.perform(effects);
    }

    fn change_temper(&mut self) {
        let index = self.roll(self.clients.len() as u64) as usize;
        match self.roll(3) {
            0 => self.clients[index].alive = false,
            1 => self.clients[index].stubborn = true,
            _ => {
                // A restarted process: it knows nothing of its former self.
                let client = &mut self.clients[index];
                *client = Client::new(client.group.clone(), client.instance.clone());
                self.asked
                    .values_mut()
                    .filter(|asked| asked.client == Some(index))
                    .for_each(|asked| asked.client = None);
            }
        }
    }

    fn ask(&mut self, client: Option<usize>, call: Call) {
        self.ask_stale(client, call, false);
    }

    fn ask_stale(&mut self, client: Option<usize>, call: Call, stale: bool) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        let mut floors = BTreeMap::new();
        if let Call::FetchOffsets(fetch) = &call {
            for (topic, _, partitions) in fetch.topics.iter().flatten() {
                for partition in partitions {
                    let key = (fetch.group.clone(), topic.clone(), *partition);
                    floors.insert(key.clone(), self.checker.floor(&key));
                }
            }
        }
        self.asked.insert(ticket, Asked { client, call: call.clone(), floors, stale });
        let now = self.now();
        let effects = self.coordinator.handle(ticket, call, now);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Effects) {
        for write in effects.writes {
            for record in write.records.iter() {
                self.wrote(record);
            }
            self.in_flight.push((write.id, write.records.len()));
        }
        for (ticket, answer) in effects.answers {
            format!("{ticket:?} {answer:?}").hash(&mut self.trace);
            let asked = self.asked.remove(&ticket).expect("a call is answered once");
            self.answered(asked, answer);
        }
    }

    fn wrote(&mut self, record: &Record) {
        match record {
            Record::Offset { group, value: None, .. } if self.step == Step::Time => {
                self.checker.expired(group, 1_000_000 + self.now_ms as i64, RETENTION_MS);
            }
            Record::Offset { group, topic, value: None, .. }
                if self.step == Step::DeleteOffsets && topic.as_str() == "t" =>
            {
                self.checker.deleted_subscribed(group);
            }
            Record::Group { value: Some(value), .. } if !value.members.is_empty() => self.generations += 1,
            _ => {}
        }
        self.checker.wrote(record);
    }

    // What clients do.

    fn act(&mut self, index: usize) {
        if !self.clients[index].alive {
            return;
        }
        match self.clients[index].phase {
            Phase::Joining | Phase::Syncing => {}
            Phase::Out if self.clients[index].stubborn => {}
            Phase::Out => self.join(index),
            Phase::Joined { leads } => self.sync(index, leads),
            Phase::Member => match self.roll(10) {
                0 => self.leave(index),
                1..5 => self.commit(index),
                5 => self.fetch(Some(index)),
                6 if !self.clients[index].stubborn => self.join(index),
                _ => self.heartbeat(index),
            },
        }
    }

    fn join(&mut self, index: usize) {
        let entropy = (u128::from(self.roll(u64::MAX)) << 64) | u128::from(self.roll(u64::MAX));
        let both = self.roll(2) == 0;
        let client = &mut self.clients[index];
        client.phase = Phase::Joining;
        let mut protocols = vec![("range".into(), subscription(&["t"]))];
        if both {
            protocols.push(("roundrobin".into(), subscription(&["t"])));
        }
        let join = Join {
            group: client.group.clone(),
            member: client.member.clone(),
            instance: client.instance.clone(),
            client: corelog_broker::group::call::Client { id: format!("c{index}"), host: "/10.0.0.1".into() },
            session_timeout_ms: SESSION_MS,
            rebalance_timeout_ms: REBALANCE_MS,
            protocol_type: "consumer".into(),
            protocols,
            reason: None,
            member_id_required: !index.is_multiple_of(2),
            may_skip_assignment: index.is_multiple_of(4),
            entropy,
        };
        self.ask(Some(index), Call::Join(join));
    }

    /// A leader deals the partitions out; a member asks for its own.
    fn sync(&mut self, index: usize, leads: bool) {
        let offset = self.roll(u64::from(PARTITIONS)) as u8;
        let client = &mut self.clients[index];
        client.phase = Phase::Syncing;
        let mut assignments: Vec<(MemberId, Vec<u8>)> =
            client.others.iter().map(|other| (other.member.clone(), Vec::new())).collect();
        if leads && !assignments.is_empty() {
            for partition in 0..PARTITIONS {
                let to = usize::from(partition + offset) % assignments.len();
                assignments[to].1.push(partition);
            }
        }
        let sync = Sync {
            group: client.group.clone(),
            member: client.member.clone(),
            instance: client.instance.clone(),
            generation: client.generation,
            protocol_type: Some("consumer".into()),
            protocol: None,
            assignments: assignments.into_iter().map(|(id, bytes)| (id, Bytes::from(bytes))).collect(),
        };
        self.ask(Some(index), Call::Sync(sync));
    }

    fn heartbeat(&mut self, index: usize) {
        let client = &self.clients[index];
        let heartbeat = Heartbeat {
            group: client.group.clone(),
            member: client.member.clone(),
            instance: client.instance.clone(),
            generation: client.generation,
        };
        self.ask(Some(index), Call::Heartbeat(heartbeat));
    }

    fn leave(&mut self, index: usize) {
        let client = &mut self.clients[index];
        let members = vec![(client.member.clone(), client.instance.clone())];
        let leave = Leave { group: client.group.clone(), members };
        client.reset();
        self.ask(None, Call::Leave(leave));
    }

    fn commit(&mut self, index: usize) {
        let topic = if self.roll(4) == 0 { "other" } else { "t" };
        let stale = self.roll(4) == 0 && self.clients[index].generation.0 > 1;
        self.next_offset += 1;
        let client = &self.clients[index];
        let partition = client.owned.first().copied().map_or(0, i32::from);
        let commit = CommitOffsets {
            group: client.group.clone(),
            member: client.member.clone(),
            instance: client.instance.clone(),
            generation: Generation(client.generation.0 - i32::from(stale)),
            retention_ms: None,
            knows_group_id_not_found: true,
            topics: vec![(
                topic.into(),
                TopicId([1; 16]),
                vec![PartitionCommit {
                    partition,
                    offset: self.next_offset,
                    leader_epoch: -1,
                    metadata: String::new(),
                }],
            )],
        };
        self.ask_stale(Some(index), Call::CommitOffsets(commit), stale);
    }

    fn fetch(&mut self, client: Option<usize>) {
        let group = GroupId::from(if self.roll(2) == 0 { "g" } else { "h" });
        let require_stable = self.roll(2) == 0;
        let all: Vec<i32> = (0..i32::from(PARTITIONS)).collect();
        let topics = ["t", "other"].map(|topic| (TopicName::from(topic), TopicId([1; 16]), all.clone()));
        self.ask(
            client,
            Call::FetchOffsets(FetchOffsets { group: group.clone(), topics: Some(topics.into()), require_stable }),
        );
        self.ask(None, Call::Describe(group));
        self.coordinator.list();
    }

    // What administrators do.

    fn delete_offsets(&mut self) {
        let group = GroupId::from(if self.roll(2) == 0 { "g" } else { "h" });
        let topic = if self.roll(2) == 0 { "t" } else { "other" };
        self.step = Step::DeleteOffsets;
        let topics = vec![(topic.into(), (0..i32::from(PARTITIONS)).collect())];
        self.ask(None, Call::DeleteOffsets(DeleteOffsets { group, topics }));
        self.step = Step::Other;
    }

    fn delete_group(&mut self) {
        let group = GroupId::from(if self.roll(2) == 0 { "g" } else { "h" });
        self.ask(None, Call::Delete(group));
    }

    fn delete_topic(&mut self) {
        let deleted = BTreeMap::from([(TopicName::from("other"), TopicId([1; 16]))]);
        let now = self.now();
        let effects = self.coordinator.topics_deleted(&deleted, now);
        self.perform(effects);
    }

    // What clients make of the answers.

    fn answered(&mut self, asked: Asked, answer: Answer) {
        match (&asked.call, &answer) {
            (Call::CommitOffsets(commit), Answer::CommitOffsets(outcomes)) => {
                for ((topic, outcomes), (_, _, sent)) in outcomes.iter().zip(&commit.topics) {
                    for ((partition, outcome), sent) in outcomes.iter().zip(sent) {
                        assert!(!(asked.stale && outcome.is_ok()), "a commit of a past generation was accepted");
                        if outcome.is_ok() {
                            let key = (commit.group.clone(), topic.clone(), *partition);
                            self.checker.commit_acknowledged(&key, sent.offset);
                        }
                    }
                }
            }
            (Call::FetchOffsets(fetch), Answer::FetchOffsets(topics)) => {
                for (topic, fetched) in topics {
                    for fetched in fetched {
                        let key = (fetch.group.clone(), topic.clone(), fetched.partition);
                        let floor = asked.floors.get(&key).copied().unwrap_or(-1);
                        self.checker.fetched(&key, floor, fetched);
                    }
                }
            }
            (Call::Sync(sync), Answer::Sync(Ok(synced))) => {
                let identity = sync.instance.as_ref().map_or(sync.member.as_str(), InstanceId::as_str);
                self.checker.synced(&sync.group, sync.generation, &sync.member, identity, synced);
            }
            _ => {}
        }
        if let Some(index) = asked.client {
            self.clients[index].last_heard_ms = self.now_ms;
            self.clients[index].take(answer);
        }
    }

    // The end.

    /// Nothing goes wrong any more: every rebalance must end, and with the right members.
    fn settle(&mut self) {
        for index in [2, 7] {
            self.clients[index].alive = false;
        }
        // As in Kafka, a static member that stays silent about rejoining holds the rebalance up for as long as it lives.
        self.clients.iter_mut().filter(|client| client.instance.is_some()).for_each(|client| client.stubborn = false);
        let until = self.now_ms + QUIET_MS;
        while self.now_ms < until {
            self.commit_all();
            for index in 0..self.clients.len() {
                if self.is_superseded(index) {
                    self.clients[index].alive = false;
                }
                match self.clients[index].phase {
                    Phase::Member if self.clients[index].alive => self.heartbeat(index),
                    _ => self.act(index),
                }
                self.commit_all();
            }
            self.pass(250);
        }
        assert!(self.asked.is_empty(), "somebody still waits: {:?}", self.asked.values().map(|a| &a.call).next());
        for group in ["g", "h"] {
            self.check_settled(&GroupId::from(group));
        }
    }

    fn commit_all(&mut self) {
        while !self.in_flight.is_empty() {
            self.commit_some();
        }
    }

    /// Whether another live client bears the same static name: only the last of them can settle.
    fn is_superseded(&self, index: usize) -> bool {
        let Some(instance) = &self.clients[index].instance else { return false };
        let rest = self.clients.get(index + 1..).unwrap_or_default();
        rest.iter().any(|other| other.alive && other.instance.as_ref() == Some(instance))
    }

    fn check_settled(&mut self, group: &GroupId) {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        let effects = self.coordinator.handle(ticket, Call::Describe(group.clone()), self.now());
        let [(_, Answer::Describe(described))] = &effects.answers[..] else { panic!("a description is given at once") };
        let members: Vec<&MemberId> = described.members.iter().map(|member| &member.member).collect();
        let of_group = |client: &&Client| client.group == *group && client.alive;
        // Where the group is smaller than its clients, those who found no place keep asking.
        let full = members.len() >= self.config.max_size;
        for client in self.clients.iter().filter(of_group).filter(|client| !client.stubborn) {
            let in_group = client.phase == Phase::Member && members.contains(&&client.member);
            assert!(
                in_group || full,
                "{group}: a client ended as {:?}, the group as {:?}",
                client.phase,
                described.state
            );
        }
        for member in &members {
            let known = self.clients.iter().filter(of_group).any(|client| client.member == **member);
            assert!(known, "{group} keeps {member}, which is dead");
        }
        let state = if members.is_empty() { [GroupState::Empty, GroupState::Dead] } else { [GroupState::Stable; 2] };
        assert!(full || state.contains(&described.state), "{group} ended as {:?}", described.state);
        *self.checker.judged.entry("every rebalance ends").or_default() += 1;
    }
}

impl Client {
    fn new(group: GroupId, instance: Option<InstanceId>) -> Self {
        Self {
            group,
            instance,
            member: MemberId::from(""),
            phase: Phase::Out,
            generation: Generation(-1),
            others: Vec::new(),
            owned: Vec::new(),
            alive: true,
            stubborn: false,
            last_heard_ms: 0,
        }
    }

    fn reset(&mut self) {
        self.member = MemberId::from("");
        self.phase = Phase::Out;
        self.generation = Generation(-1);
        self.owned.clear();
    }

    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Join(Ok(joined)) => {
                let leads = joined.leader == joined.member && !joined.skip_assignment;
                self.member = joined.member;
                self.generation = joined.generation;
                self.others = joined.members;
                self.phase = Phase::Joined { leads };
            }
            Answer::Join(Err(refused)) => {
                self.phase = Phase::Out;
                match refused.error {
                    GroupError::MemberIdRequired => self.member = refused.member,
                    GroupError::FencedInstanceId => self.alive = false,
                    GroupError::RebalanceInProgress => {}
                    _ => self.reset(),
                }
            }
            Answer::Sync(Ok(synced)) => {
                self.owned = synced.assignment.to_vec();
                self.phase = Phase::Member;
            }
            Answer::Sync(Err(error)) | Answer::Heartbeat(Err(error)) | Answer::Refused(error) => self.refused(error),
            _ => {}
        }
    }

    fn refused(&mut self, error: GroupError) {
        match error {
            GroupError::FencedInstanceId => self.alive = false,
            GroupError::UnknownMember | GroupError::GroupIdNotFound => self.reset(),
            GroupError::RebalanceInProgress if self.stubborn && self.phase == Phase::Member => {}
            GroupError::RebalanceInProgress | GroupError::IllegalGeneration => self.phase = Phase::Out,
            _ => {}
        }
    }
}

fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as i32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as i16).to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1i32).to_be_bytes());
    bytes.into()
}
