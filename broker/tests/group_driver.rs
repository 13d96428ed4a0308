//! A coordinator's driver over the storage's log in a simulated world: joins, syncs and commits that go on while the
//! power is cut again and again; what was acknowledged is found by the next coordinator, and groups go on.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::{Future, poll_fn},
    path::PathBuf,
    rc::Rc,
    task::{Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use corelog_broker::group::{
    call::*,
    config::Config,
    driver::{CoordinatorLog, Coordinators},
    error::GroupError,
    names::{Generation, GroupId, MemberId},
};
use corelog_storage::{
    batch::{self, BatchRules, Sender},
    buffer::BufferPool,
    env::{Env, Lane},
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, TopicId},
    journal::JournalOptions,
    log::{Log, LogConfig, Ticket},
    shard::{Shard, ShardId, ShardOptions},
    sim::{Place, SimEnv, World},
};

const SEEDS: u64 = 3;
const CUTS: u64 = 4;
const INDEX: i32 = 3;
const TOPIC: TopicId = TopicId([1; 16]);

struct OffsetsLog(Rc<Log<SimEnv>>, Rc<Hold>);

/// The log is held for a moment, now and then, and after each append.
#[derive(Default)]
struct Hold {
    held: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

async fn keep_holding(env: SimEnv, hold: Rc<Hold>) {
    loop {
        env.sleep(std::time::Duration::from_micros(env.random() % 4_000)).await;
        hold.held.set(true);
        env.sleep(std::time::Duration::from_micros(env.random() % 2_000)).await;
        hold.held.set(false);
        hold.waiting.take().into_iter().for_each(Waker::wake);
    }
}

impl CoordinatorLog for OffsetsLog {
    type Error = String;

    fn start(&self) -> Offset {
        self.0.start()
    }

    fn high_watermark(&self) -> Offset {
        self.0.durable_end()
    }

    fn held(&self) -> Option<impl Future<Output = ()> + 'static> {
        let hold = self.1.clone();
        hold.held.get().then(|| {
            poll_fn(move |context| {
                if !hold.held.get() {
                    return Poll::Ready(());
                }
                hold.waiting.borrow_mut().push(context.waker().clone());
                Poll::Pending
            })
        })
    }

    fn append(&self, records: Bytes) -> Result<Offset, String> {
        assert!(!self.1.held.get(), "nothing is appended to a log that is held");
        let rules = BatchRules { sender: Sender::Broker, ..BatchRules::default() };
        let batch = batch::check(records, &rules).map_err(|error| error.to_string())?;
        let appended = self.0.append(&batch, LeaderEpoch(0)).map_err(|error| error.to_string())?;
        self.1.held.set(true);
        Ok(Offset(appended.last_offset.0 + 1))
    }

    fn retention_clock_ms(&self) -> i64 {
        self.0.retention_clock_ms()
    }

    fn committed(&self, end: Offset) -> impl Future<Output = Result<(), String>> + 'static {
        let durable = self.0.wait_durable(Ticket(end));
        async move { durable.await.map_err(|error| error.to_string()) }
    }

    async fn read(&self, from: Offset, max_bytes: usize) -> Result<(Bytes, Offset), String> {
        let read = self.0.read(from, max_bytes, self.0.durable_end(), true).await.map_err(|error| error.to_string())?;
        let mut batches = BytesMut::new();
        read.chain.iter().for_each(|slice| batches.extend_from_slice(slice));
        Ok((batches.freeze(), read.next))
    }
}

type Here = Rc<Coordinators<SimEnv, OffsetsLog>>;

/// Opens the storage, and leads the partition.
async fn lead(env: SimEnv) -> (Rc<Shard<SimEnv>>, Here) {
    let options = ShardOptions {
        pool: BufferPool::new(8 << 20, 0),
        cache_bytes: 2 << 20,
        cache_begins: 2 << 20,
        read_bytes: 4 << 20,
        journal: JournalOptions { size: 4 << 20, file_size: 1 << 20 },
    };
    let (shard, _) =
        Shard::open(env.clone(), &PathBuf::from("/data"), ShardId(0), options).await.expect("the shard opens");
    let id = LogId { topic: TopicId([9; 16]), partition: PartitionIndex(INDEX) };
    let log = shard.log(id).unwrap_or_else(|| shard.create_log(id, LogConfig::default()).expect("a log is made"));
    let linger = std::time::Duration::from_millis(10);
    let config = Config { initial_rebalance_delay_ms: 5, linger, ..Config::default() };
    let coordinators = Rc::new(Coordinators::new(env.clone(), config));
    let hold = Rc::<Hold>::default();
    env.spawn(Lane::Background, keep_holding(env.clone(), hold.clone()));
    coordinators.elected(INDEX, OffsetsLog(log, hold), Box::new(|name| (name == "t").then_some(TOPIC)));
    (shard, coordinators)
}

/// Asks until the coordinator is loaded.
async fn ask(env: &SimEnv, here: &Here, call: Call) -> Answer {
    loop {
        match here.call(INDEX, call.clone()).await {
            Answer::Refused(GroupError::CoordinatorLoadInProgress) => {
                env.sleep(std::time::Duration::from_millis(1)).await;
            }
            answer => return answer,
        }
    }
}

fn join(group: &GroupId, member: &MemberId, entropy: u64) -> Call {
    Call::Join(Join {
        group: group.clone(),
        member: member.clone(),
        instance: None,
        client: Client { id: "c".into(), host: "/h".into() },
        session_timeout_ms: 60_000,
        rebalance_timeout_ms: 1_000,
        protocol_type: "consumer".into(),
        protocols: vec![("range".into(), Bytes::from_static(&[0, 0, 0, 0, 0, 0]))],
        reason: None,
        member_id_required: false,
        may_skip_assignment: false,
        entropy: u128::from(entropy),
    })
}

async fn fetch(env: &SimEnv, here: &Here, group: &GroupId) -> i64 {
    let topics = Some(vec![("t".into(), TOPIC, vec![0])]);
    let call = Call::FetchOffsets(FetchOffsets { group: group.clone(), topics, require_stable: false });
    match ask(env, here, call).await {
        Answer::FetchOffsets(topics) => topics[0].1[0].offset,
        other => panic!("a fetch was answered {other:?}"),
    }
}

/// One member: joins, syncs, commits higher and higher offsets, until the power goes.
async fn consume(env: SimEnv, here: Here, group: GroupId, acknowledged: Rc<RefCell<BTreeMap<GroupId, i64>>>) {
    let mut member = MemberId::from("");
    let mut next = acknowledged.borrow().get(&group).copied().unwrap_or(0) + 1;
    loop {
        let entropy = env.random();
        let joined = match ask(&env, &here, join(&group, &member, entropy)).await {
            Answer::Join(Ok(joined)) => joined,
            Answer::Join(Err(refused)) => {
                member = refused.member;
                continue;
            }
            _ => return,
        };
        member = joined.member.clone();
        let sync = Call::Sync(Sync {
            group: group.clone(),
            member: member.clone(),
            instance: None,
            generation: joined.generation,
            protocol_type: None,
            protocol: None,
            assignments: vec![(member.clone(), Bytes::from_static(b"all"))],
        });
        match ask(&env, &here, sync).await {
            Answer::Sync(Ok(_)) => {}
            Answer::Sync(Err(_)) => continue,
            _ => return,
        }
        while let Answer::CommitOffsets(outcomes) = ask(&env, &here, commit(&group, &joined, next)).await {
            assert_eq!(outcomes[0].1[0].1, Ok(()));
            acknowledged.borrow_mut().insert(group.clone(), next);
            next += 1;
        }
    }
}

fn commit(group: &GroupId, joined: &Joined, offset: i64) -> Call {
    let partition = PartitionCommit { partition: 0, offset, leader_epoch: -1, metadata: String::new() };
    Call::CommitOffsets(CommitOffsets {
        group: group.clone(),
        member: joined.member.clone(),
        instance: None,
        generation: joined.generation,
        retention_ms: None,
        knows_group_id_not_found: true,
        topics: vec![("t".into(), TOPIC, vec![partition])],
    })
}

/// Runs one seed; returns how many commits were acknowledged.
fn run(seed: u64) -> i64 {
    let world = World::new(seed);
    let env = world.env(Place::FIRST);
    world
        .block_on(Place::FIRST, async move {
            env.create_dir(&PathBuf::from("/data")).await.unwrap();
            env.sync_dir(&PathBuf::from("/")).await.unwrap();
        })
        .unwrap();
    let acknowledged: Rc<RefCell<BTreeMap<GroupId, i64>>> = Rc::default();
    let groups: Vec<GroupId> = (0..3).map(|number| GroupId::from(format!("g{number}"))).collect();
    for _ in 0..CUTS {
        let env = world.env(Place::FIRST);
        let (shard, here) = world.block_on(Place::FIRST, lead(env.clone())).expect("the storage opens");
        for group in groups.clone() {
            let expected = acknowledged.borrow().get(&group).copied().unwrap_or(-1);
            let (inside, there, asked) = (env.clone(), here.clone(), group.clone());
            let found = world.block_on(Place::FIRST, async move { fetch(&inside, &there, &asked).await });
            assert!(
                found.expect("a fetch ends") >= expected,
                "{group}: {found:?}, acknowledged {expected}, seed {seed}"
            );
            world.spawn(Place::FIRST, consume(env.clone(), here.clone(), group, acknowledged.clone()));
        }
        world.run_steps(500 + world.rng().below(3_000));
        world.power_cut(Place::FIRST.host);
        drop((shard, here));
    }
    acknowledged.borrow().values().sum()
}

#[test]
fn acknowledged_offsets_survive_power_cuts_and_groups_go_on() {
    let commits: i64 = (0..SEEDS).map(run).sum();
    println!("{commits} commits acknowledged through {} power cuts", SEEDS * CUTS);
    assert!(commits as u64 > SEEDS * CUTS, "hardly anything was committed: {commits}");
}

#[test]
fn a_lost_leadership_answers_whoever_waits() {
    let world = World::new(1);
    let env = world.env(Place::FIRST);
    let answer = world.block_on(Place::FIRST, async move {
        env.create_dir(&PathBuf::from("/data")).await.unwrap();
        let (_shard, here) = lead(env.clone()).await;
        let group = GroupId::from("g");
        assert_eq!(fetch(&env, &here, &group).await, -1);
        let waiting: Rc<RefCell<Option<Answer>>> = Rc::default();
        let (slot, asked) = (waiting.clone(), here.call(INDEX, join(&group, &MemberId::from(""), 1)));
        env.spawn(Lane::Latency, async move { *slot.borrow_mut() = Some(asked.await) });
        here.resigned(INDEX);
        env.sleep(std::time::Duration::from_millis(1)).await;
        let told = waiting.borrow_mut().take();
        let heartbeat = Heartbeat { group, member: MemberId::from("m"), instance: None, generation: Generation(1) };
        (told, here.call(INDEX, Call::Heartbeat(heartbeat)).await)
    });
    let refused = Answer::Refused(GroupError::NotCoordinator);
    assert_eq!(answer, Some((Some(refused.clone()), refused)));
}
