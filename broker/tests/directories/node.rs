//! A simulated node with data directories that are mounted, unmounted and failed, started as `corelog serve` starts one;
//! and what a client asks of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use corelog_broker::{
    config::BrokerConfig,
    core::{
        env::Conn,
        mailbox,
        stop::{Rendezvous, Stop},
    },
    metrics::board::Life,
    serve::{self, CoreSeat, shared::Shared},
    sim::{Network, SimNetEnv},
};
use corelog_storage::{
    batch::Header,
    env::Env,
    ids::{ProducerEpoch, ProducerId, Timestamp},
    record::BatchBuilder,
    sim::{Faults, HostId, Place, World},
};
use corelog_wire::{
    frame,
    messages::{
        AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, CreateTopicsRequest, DescribeLogDirsRequest,
        FetchRequest, MetadataRequest, ProduceRequest, ProduceResponse,
        alter_partition_reassignments::{ReassignablePartition, ReassignableTopic},
        alter_replica_log_dirs::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
        create_topics::CreatableTopic,
        fetch::{FetchPartition, FetchTopic},
        metadata::{MetadataRequestTopic, MetadataResponsePartition},
        produce::{PartitionProduceData, TopicProduceData},
    },
};

use crate::client::{self, Client};

pub(crate) const SERVER: HostId = HostId(0);
const CLIENT: HostId = HostId(1);
const NODE_PORT: u16 = 9092;
const CORE_PORT: u16 = 9100;
/// Far more than a start takes.
const START_STEPS: u64 = 3_000_000;

/// A partition, by its topic's name and its index.
pub(crate) type Partition = (String, i32);

/// A machine for one node, and one for its clients.
pub(crate) struct Machine {
    pub(crate) world: World,
    network: Network,
    pub(crate) client: SimNetEnv,
    /// Whether partitions in use gather on the first core.
    pub(crate) gather: bool,
    stop: Option<Stop>,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let network = Network::new(&world);
        let client = network.start(CLIENT, 1).remove(0);
        Self { world, network, client, gather: false, stop: None }
    }

    /// Starts a node on so many cores, with these directories; the error is what it says where it does not start.
    pub(crate) fn start(&mut self, cores: u16, dirs: &[PathBuf]) -> Result<(), String> {
        let config = Arc::new(configuration(cores, dirs, self.gather));
        let envs = self.network.start(SERVER, cores);
        let (maker, paths) = (envs[0].clone(), dirs.to_vec());
        let unusable = self.world.block_on(Place { host: SERVER, core: 0 }, async move {
            let mut unusable = BTreeMap::new();
            for path in paths {
                let made = maker.create_dir(&path).await;
                // As whoever mounts a disk does.
                let _ = maker.sync_dir(path.parent().expect("no root")).await;
                if let Err(error) = made {
                    unusable.insert(
                        path.clone(),
                        format!("the data directory {} cannot be used ({error})", path.display()),
                    );
                }
            }
            unusable
        });
        let shared = Arc::new(Shared::new(Arc::default(), unusable.expect("it ends")));
        let (stop, rendezvous) = (Stop::default(), Rendezvous::new(cores));
        self.stop = Some(stop.clone());
        for (env, seat) in envs.into_iter().zip(mailbox::mesh(cores, 64)) {
            let (config, shared) = (config.clone(), shared.clone());
            let (stop, rendezvous, place) = (stop.clone(), rendezvous.clone(), env.place());
            self.world.spawn(place, serve::run(CoreSeat { env, config, shared, seat, stop, rendezvous }));
        }
        for _ in 0..START_STEPS {
            if let Some(failure) = shared.failure() {
                self.world.run_steps(10_000);
                return Err(failure);
            }
            if shared.board().read().life == Life::Serving {
                return Ok(());
            }
            self.world.step();
        }
        Err("it starts in time".to_owned())
    }

    /// Ends it as SIGTERM does.
    pub(crate) fn stop(&mut self) {
        let (stop, env) = (self.stop.take().expect("it runs"), self.network.start(SERVER, 1).remove(0));
        stop.request_from(&env);
        self.world.run_for(std::time::Duration::from_secs(10));
        self.world.kill(SERVER);
    }

    /// What strikes the disk that is mounted there, from now on.
    pub(crate) fn strike(&self, dir: &Path, faults: Option<Faults>) {
        self.world.set_disk_faults(SERVER, dir, faults);
    }

    pub(crate) fn mount(&self, from: &Path, to: &Path) {
        self.world.mount_elsewhere(SERVER, from, to);
    }

    pub(crate) fn run<T: 'static, F: Future<Output = T> + 'static>(&self, ask: impl FnOnce(SimNetEnv) -> F) -> T {
        self.world.block_on(self.client.place(), ask(self.client.clone())).expect("the client ends")
    }
}

fn configuration(cores: u16, dirs: &[PathBuf], gather: bool) -> BrokerConfig {
    let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    let set = [
        ("cores", cores.to_string()),
        ("log.dirs", dirs.join(",")),
        ("memory", format!("{}MiB", 64 * u32::from(cores))),
        ("journal.size", "4MiB".to_owned()),
        ("metrics.listener", "none".to_owned()),
        ("core.gather", gather.to_string()),
        ("listeners", format!("PLAINTEXT://10.0.0.0:{NODE_PORT}")),
        ("core.listeners", format!("CORES://10.0.0.0:{CORE_PORT}")),
    ];
    let with = |config: BrokerConfig, (key, value): (&str, String)| config.with(key, &value).expect("valid");
    set.into_iter().fold(BrokerConfig::default(), with)
}

/// A connection by the node's listener.
pub(crate) async fn connect(env: &SimNetEnv) -> Option<Client> {
    Client::try_connect(env, SocketAddr::new([10, 0, 0, 0].into(), NODE_PORT)).await.ok()
}

/// A connection to one core.
pub(crate) async fn connect_to_core(env: &SimNetEnv, core: u16) -> Client {
    Client::at_port(env, CORE_PORT + core).await
}

/// Creates a topic; its error code.
pub(crate) async fn create(client: &mut Client, name: &str, partitions: i32) -> i16 {
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: 1,
        ..CreatableTopic::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], ..CreateTopicsRequest::default() };
    client.call(5, &request).await.topics[0].error_code
}

/// Which partitions each directory holds, and its error code, by path.
pub(crate) async fn directories(client: &mut Client) -> BTreeMap<PathBuf, (i16, BTreeSet<Partition>)> {
    let response = client.call(4, &DescribeLogDirsRequest::default()).await;
    let directories = response.results.into_iter().map(|result| {
        let partitions = result.topics.into_iter().flat_map(|topic| {
            let name = topic.name;
            let here = topic.partitions.into_iter().filter(|partition| !partition.is_future_key);
            here.map(move |partition| (name.clone(), partition.partition_index))
        });
        (PathBuf::from(result.log_dir), (result.error_code, partitions.collect()))
    });
    directories.collect()
}

/// Asks for a partition to be in a directory; the error code, or `None` when the connection ended.
pub(crate) async fn move_to(client: &mut Client, (topic, index): &Partition, path: &Path) -> Option<i16> {
    let topic = AlterReplicaLogDirTopic { name: topic.clone(), partitions: vec![*index] };
    let dir = AlterReplicaLogDir { path: path.display().to_string(), topics: vec![topic] };
    let request = AlterReplicaLogDirsRequest { dirs: vec![dir] };
    Some(client.try_call(2, &request).await?.results[0].partitions[0].error_code)
}

/// The id that a core listener's clients know a core by.
pub(crate) fn broker_of(core: u16) -> i32 {
    1000 + i32::from(core)
}

/// Asks, on a core's listener, for partitions to be on a core; the error codes, or `None` when the connection ended.
pub(crate) async fn move_to_core(client: &mut Client, partitions: &[Partition], core: u16) -> Option<Vec<i16>> {
    let topic = |(topic, index): &Partition| {
        let partition = ReassignablePartition { partition_index: *index, replicas: Some(vec![broker_of(core)]) };
        ReassignableTopic { name: topic.clone(), partitions: vec![partition] }
    };
    let topics = partitions.iter().map(topic).collect();
    let request = AlterPartitionReassignmentsRequest { topics, ..AlterPartitionReassignmentsRequest::default() };
    let answers = client.try_call(1, &request).await?.responses;
    Some(answers.into_iter().map(|topic| topic.partitions[0].error_code).collect())
}

/// A partition in a directory: where, how many offsets it is behind, and whether it is to come there.
pub(crate) type Seen = (PathBuf, i64, bool);

/// Where a partition is, and where it is to come.
pub(crate) async fn seen(client: &mut Client, (topic, index): &Partition) -> Vec<Seen> {
    let response = client.call(4, &DescribeLogDirsRequest::default()).await;
    let mut seen = Vec::new();
    for result in response.results {
        for told in result.topics.into_iter().filter(|told| told.name == *topic) {
            let partitions = told.partitions.into_iter().filter(|partition| partition.partition_index == *index);
            seen.extend(partitions.map(|told| (result.log_dir.clone().into(), told.offset_lag, told.is_future_key)));
        }
    }
    seen
}

/// What Metadata says of a partition.
pub(crate) async fn metadata(client: &mut Client, (topic, index): &Partition) -> MetadataResponsePartition {
    let asked = MetadataRequestTopic { name: Some(topic.clone()), ..MetadataRequestTopic::default() };
    let request = MetadataRequest { topics: Some(vec![asked]), ..MetadataRequest::default() };
    let topic = client.call(9, &request).await.topics.remove(0);
    let mut partitions = topic.partitions.into_iter();
    partitions.find(|partition| partition.partition_index == *index).expect("the partition is told of")
}

pub(crate) fn batch(text: &str) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.push(Timestamp(1), None, Some(text.as_bytes()));
    builder.build()
}

/// One record of an idempotent producer, by its number.
pub(crate) fn numbered(text: &str, producer: i64, sequence: i32) -> Bytes {
    let mut builder = BatchBuilder::new().producer(ProducerId(producer), ProducerEpoch(0), sequence);
    builder.push(Timestamp(1), None, Some(text.as_bytes()));
    builder.build()
}

const PRODUCE_VERSION: i16 = 9;

fn produce_request((topic, index): &Partition, records: Bytes) -> ProduceRequest {
    let partition = PartitionProduceData { index: *index, records: Some(records) };
    let topic =
        TopicProduceData { name: topic.clone(), partition_data: vec![partition], ..TopicProduceData::default() };
    ProduceRequest { acks: -1, timeout_ms: 5_000, topic_data: vec![topic], ..ProduceRequest::default() }
}

fn outcome(response: &ProduceResponse) -> Result<i64, i16> {
    let answer = &response.responses[0].partition_responses[0];
    if answer.error_code == 0 { Ok(answer.base_offset) } else { Err(answer.error_code) }
}

/// Appends one record: its offset, or the error code. `None`: the connection ended.
pub(crate) async fn produce(client: &mut Client, partition: &Partition, text: &str) -> Option<Result<i64, i16>> {
    let request = produce_request(partition, batch(text));
    Some(outcome(&client.try_call(PRODUCE_VERSION, &request).await?))
}

/// Sends records to be appended, and waits for nothing.
pub(crate) async fn begin_produce(client: &Client, partition: &Partition, records: Bytes) -> Option<()> {
    let request = produce_request(partition, records);
    let frame = frame::request(PRODUCE_VERSION, 5, Some("test"), &request).expect("it can be encoded");
    client.conn.send(vec![frame]).await.ok()
}

/// What became of the first of those that were sent and not heard of.
pub(crate) async fn end_produce(client: &mut Client) -> Option<Result<i64, i16>> {
    let frame = client.receive().await?;
    Some(outcome(&client::answer::<ProduceRequest>(PRODUCE_VERSION, &frame).1))
}

/// What a fetch brought of a partition: whole batches by their offsets, and the high watermark; or the error code.
pub(crate) type Brought = Result<(BTreeMap<i64, Bytes>, i64), i16>;

/// Fetches from `next` on, and waits so long for anything. `None`: the connection ended.
pub(crate) async fn fetch(
    client: &mut Client,
    (topic, index): &Partition,
    next: i64,
    max_wait_ms: i32,
) -> Option<Brought> {
    let partition = FetchPartition {
        partition: *index,
        fetch_offset: next,
        partition_max_bytes: 1 << 20,
        ..FetchPartition::default()
    };
    let topic = FetchTopic { topic: topic.clone(), partitions: vec![partition], ..FetchTopic::default() };
    let request = FetchRequest {
        max_wait_ms,
        min_bytes: max_wait_ms.min(1),
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![topic],
        ..FetchRequest::default()
    };
    let response = client.try_call(12, &request).await?;
    let answer = &response.responses[0].partitions[0];
    if answer.error_code != 0 {
        return Some(Err(answer.error_code));
    }
    let (mut found, mut rest) = (BTreeMap::new(), answer.records.clone().unwrap_or_default());
    while let Ok(header) = Header::parse(&rest) {
        let whole = rest.split_to(header.size as usize);
        found.insert(header.base_offset.0, whole);
    }
    Some(Ok((found, answer.high_watermark)))
}

/// One past the last of these batches; `next` if there are none.
pub(crate) fn end_of(batches: &BTreeMap<i64, Bytes>, next: i64) -> i64 {
    let header = batches.values().next_back().and_then(|batch| Header::parse(batch).ok());
    header.map_or(next, |header| header.last_offset().0 + 1)
}

/// Every batch of a partition by its offset, or the error code.
pub(crate) async fn read(client: &mut Client, partition: &Partition) -> Result<BTreeMap<i64, Bytes>, i16> {
    let mut found = BTreeMap::new();
    let mut next = 0;
    loop {
        let (batches, high_watermark) = fetch(client, partition, next, 0).await.expect("an answer")?;
        next = end_of(&batches, next);
        found.extend(batches);
        if next >= high_watermark {
            return Ok(found);
        }
    }
}
