//! One history: writers, consumers and what befalls them, from a seed; and what must hold at its end.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use corelog_broker::{
    core_state::Core,
    metadata::{ids::PartitionEpoch, image::ClusterImage, record::MetadataRecord},
    sim::SimNetEnv,
};
use corelog_storage::{
    env::{Env, Instant, Lane},
    ids::{LeaderEpoch, TopicId},
};
use corelog_wire::messages::{
    DeleteRecordsRequest,
    delete_records::{DeleteRecordsPartition, DeleteRecordsTopic},
};

use crate::{
    client::Client,
    cluster::{PARTITIONS, TOPIC, TOPIC_ID, batch, produce, produced, start_with, topic_records},
    consumer::Consumer,
};

/// How often things happened.
pub(crate) type Counts = BTreeMap<&'static str, u64>;

/// Deleted and made anew under its name.
pub(crate) const FLEETING: &str = "fleeting";
const CONSUMERS: u64 = 3;
const WRITES: u64 = 250;
const CHANGES: u64 = 12;

/// What was acknowledged of one partition.
#[derive(Clone, Default)]
pub(crate) struct Written {
    /// When each of its records was.
    pub(crate) at: Vec<Instant>,
    /// Where the log begins, and since when that is acknowledged.
    pub(crate) start: (i64, Instant),
}

/// What all of a history share.
pub(crate) struct History {
    pub(crate) env: SimNetEnv,
    pub(crate) address: SocketAddr,
    cores: Vec<Rc<Core<SimNetEnv>>>,
    /// Of the topic that stays, by partition; then of the fleeting one.
    pub(crate) written: RefCell<BTreeMap<(&'static str, i32), Written>>,
    counts: RefCell<Counts>,
    running: Cell<u64>,
    /// The fleeting topic is as it will be.
    pub(crate) settled: Cell<bool>,
}

impl History {
    pub(crate) fn count(&self, kind: &'static str) {
        *self.counts.borrow_mut().entry(kind).or_default() += 1;
    }

    /// One chance in so many.
    pub(crate) fn chance(&self, of: u64) -> bool {
        self.env.random().is_multiple_of(of)
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.env.random() % bound
    }

    pub(crate) async fn pause(&self, most_ms: u64) {
        self.env.sleep(Duration::from_micros(self.below(most_ms * 1000))).await;
    }

    fn begin(self: &Rc<Self>, task: impl Future<Output = ()> + 'static) {
        let history = self.clone();
        self.running.set(self.running.get() + 1);
        self.env.spawn(Lane::Latency, async move {
            task.await;
            history.running.set(history.running.get() - 1);
        });
    }

    /// All cores come to act by the image with these records, one after the other or the other way round.
    async fn change(&self, image: &mut Arc<ClusterImage>, records: &[MetadataRecord]) {
        *image = Arc::new(image.after(records).unwrap());
        let mut cores = self.cores.clone();
        if self.chance(2) {
            cores.reverse();
        }
        for core in cores {
            let image = image.clone();
            core.env.clone().spawn(Lane::Latency, async move { core.publish(image) });
            if self.chance(2) {
                self.pause(20).await;
            }
        }
    }
}

/// Runs one; panics where a property is broken.
pub(crate) fn run(seed: u64) -> Counts {
    let cluster = start_with(seed, &[(TOPIC_ID, TOPIC), (fleeting(0), FLEETING)]);
    let cores = cluster.cores.borrow().clone();
    let mut counts = cluster.run(move |env, address| async move {
        let history = Rc::new(History {
            env,
            address,
            cores,
            written: RefCell::default(),
            counts: RefCell::default(),
            running: Cell::new(0),
            settled: Cell::new(false),
        });
        history.begin(write(history.clone()));
        history.begin(change(history.clone()));
        for _ in 0..CONSUMERS {
            history.begin(Consumer::live(history.clone()));
        }
        while history.running.get() > 0 {
            history.env.sleep(Duration::from_millis(100)).await;
        }
        history.counts.take()
    });
    cluster.run(|env, _| async move { env.sleep(Duration::from_secs(5)).await });
    for core in cluster.cores.borrow().iter() {
        let watchers: usize = core.partitions.all().iter().map(|partition| partition.watchers()).sum();
        let left = (core.fetch_sessions.count(), core.router.watches(), watchers, core.budget.used());
        assert_eq!(left, (0, (0, 0), 0, 0), "a session that ended leaves nothing behind");
        *counts.entry("connection moved").or_default() += core.metrics.counts().connections_taken_over;
    }
    counts
}

fn fleeting(generation: u8) -> TopicId {
    TopicId([100 + generation; 16])
}

/// Writes to the topic that stays, one partition or another, and deletes some of it again; then to the fleeting one.
async fn write(history: Rc<History>) {
    let mut writer = Client::connect(&history.env, history.address).await;
    for _ in 0..WRITES {
        history.pause(if history.chance(10) { 300 } else { 30 }).await;
        let partition = history.below(PARTITIONS as u64) as i32;
        let text = "x".repeat(1 + history.below(300) as usize);
        let response = writer.call(9, &produce(&[(partition, batch(&text))], -1)).await;
        assert_eq!(produced(&response)[0].1, 0);
        let now = history.env.now();
        history.written.borrow_mut().entry((TOPIC, partition)).or_default().at.push(now);
        if history.chance(25) {
            let partitions = vec![DeleteRecordsPartition { partition_index: partition, offset: -1 }];
            let topics = vec![DeleteRecordsTopic { name: TOPIC.to_owned(), partitions }];
            let answer = writer.call(2, &DeleteRecordsRequest { topics, timeout_ms: 1000 }).await;
            let start = answer.topics[0].partitions[0].low_watermark;
            let mut written = history.written.borrow_mut();
            written.entry((TOPIC, partition)).or_default().start = (start, history.env.now());
            history.count("log start moved");
        }
    }
    while !history.settled.get() {
        history.pause(100).await;
    }
    for partition in 0..PARTITIONS {
        let mut request = produce(&[(partition, batch("at last"))], -1);
        request.topic_data[0].name = FLEETING.to_owned();
        let response = writer.call(9, &request).await;
        assert_eq!(produced(&response)[0].1, 0);
        let now = history.env.now();
        history.written.borrow_mut().entry((FLEETING, partition)).or_default().at.push(now);
    }
}

/// What befalls the cluster: new leader epochs, a topic that goes and comes again.
async fn change(history: Rc<History>) {
    let mut image = history.cores[0].image();
    let mut generation = 0;
    for _ in 0..CHANGES {
        history.pause(1000).await;
        if history.chance(2) {
            let topic = image.topic_by_id(TOPIC_ID).expect("it stays");
            let mut state = topic.partitions[history.below(PARTITIONS as u64) as usize].clone();
            state.leader_epoch = LeaderEpoch(state.leader_epoch.0 + 1);
            state.partition_epoch = PartitionEpoch(state.partition_epoch.0 + 1);
            history.change(&mut image, &[MetadataRecord::Partition { topic: TOPIC_ID, state }]).await;
            history.count("epoch bumped");
            continue;
        }
        let mut records = vec![MetadataRecord::RemoveTopic { id: fleeting(generation) }];
        if history.chance(2) {
            history.change(&mut image, &records).await;
            records.clear();
            history.pause(300).await;
        }
        generation += 1;
        records.extend(topic_records(fleeting(generation), FLEETING));
        history.change(&mut image, &records).await;
        history.count("topic made anew");
    }
    history.env.sleep(Duration::from_millis(100)).await;
    history.settled.set(true);
}
