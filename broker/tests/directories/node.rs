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
    ids::Timestamp,
    record::BatchBuilder,
    sim::{Faults, HostId, Place, World},
};
use corelog_wire::messages::{
    AlterReplicaLogDirsRequest, CreateTopicsRequest, DescribeLogDirsRequest, FetchRequest, MetadataRequest,
    ProduceRequest,
    alter_replica_log_dirs::{AlterReplicaLogDir, AlterReplicaLogDirTopic},
    create_topics::CreatableTopic,
    fetch::{FetchPartition, FetchTopic},
    metadata::{MetadataRequestTopic, MetadataResponsePartition},
    produce::{PartitionProduceData, TopicProduceData},
};

use crate::client::Client;

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
    stop: Option<Stop>,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new(seed);
        let network = Network::new(&world);
        let client = network.start(CLIENT, 1).remove(0);
        Self { world, network, client, stop: None }
    }

    /// Starts a node on so many cores, with these directories; the error is what it says where it does not start.
    pub(crate) fn start(&mut self, cores: u16, dirs: &[PathBuf]) -> Result<(), String> {
        let config = Arc::new(configuration(cores, dirs));
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

fn configuration(cores: u16, dirs: &[PathBuf]) -> BrokerConfig {
    let dirs: Vec<String> = dirs.iter().map(|dir| dir.display().to_string()).collect();
    let set = [
        ("cores", cores.to_string()),
        ("log.dirs", dirs.join(",")),
        ("memory", format!("{}MiB", 64 * u32::from(cores))),
        ("journal.size", "4MiB".to_owned()),
        ("metrics.listener", "none".to_owned()),
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

/// Appends one record: its offset, or the error code. `None`: the connection ended.
pub(crate) async fn produce(client: &mut Client, (topic, index): &Partition, text: &str) -> Option<Result<i64, i16>> {
    let partition = PartitionProduceData { index: *index, records: Some(batch(text)) };
    let topic =
        TopicProduceData { name: topic.clone(), partition_data: vec![partition], ..TopicProduceData::default() };
    let request = ProduceRequest { acks: -1, timeout_ms: 5_000, topic_data: vec![topic], ..ProduceRequest::default() };
    let response = client.try_call(9, &request).await?;
    let answer = &response.responses[0].partition_responses[0];
    Some(if answer.error_code == 0 { Ok(answer.base_offset) } else { Err(answer.error_code) })
}

/// Every batch of a partition by its offset, or the error code.
pub(crate) async fn read(client: &mut Client, (topic, index): &Partition) -> Result<BTreeMap<i64, Bytes>, i16> {
    let mut found = BTreeMap::new();
    let mut next = 0;
    loop {
        let partition = FetchPartition {
            partition: *index,
            fetch_offset: next,
            partition_max_bytes: 1 << 20,
            ..FetchPartition::default()
        };
        let topic = FetchTopic { topic: topic.clone(), partitions: vec![partition], ..FetchTopic::default() };
        let request = FetchRequest {
            max_wait_ms: 0,
            min_bytes: 0,
            max_bytes: 1 << 20,
            session_epoch: -1,
            topics: vec![topic],
            ..FetchRequest::default()
        };
        let response = client.call(12, &request).await;
        let answer = &response.responses[0].partitions[0];
        if answer.error_code != 0 {
            return Err(answer.error_code);
        }
        let mut rest = answer.records.clone().unwrap_or_default();
        while let Ok(header) = Header::parse(&rest) {
            let whole = rest.split_to(header.size as usize);
            next = header.last_offset().0 + 1;
            found.insert(header.base_offset.0, whole);
        }
        if next >= answer.high_watermark {
            return Ok(found);
        }
    }
}
