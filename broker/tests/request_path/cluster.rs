//! A node of two cores in a simulated network, with a node listener and a core listener, and what a client asks of it.

use std::{cell::RefCell, net::SocketAddr, path::Path, rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use corelog_broker::{
    config::{BrokerConfig, Settings, listener::Endpoint},
    core::{
        env::{CoreId, NetEnv, Spread},
        mailbox,
    },
    core_state::{Core, CoreParts},
    directories::Directories,
    metadata::{
        ids::{DirectoryId, NodeId, PartitionEpoch, Uuid},
        image::ClusterImage,
        record::{MetadataRecord, PartitionState, Replica},
    },
    net::{
        admission::Admission,
        complaints::Complaint,
        listener::{Endpoints, ListenerKind, ListenerRef, accept_loop},
    },
    sim::{Network, SimNetEnv},
};
use corelog_storage::{
    buffer::BufferPool,
    env::{Env, Lane},
    ids::{LeaderEpoch, PartitionIndex, Timestamp, TopicId},
    journal::JournalOptions,
    record::BatchBuilder,
    shard::{Shard, ShardId, ShardOptions},
    sim::{Faults, HostId, Place, World},
};
use corelog_wire::messages::{
    FetchRequest, FetchResponse, ProduceRequest, ProduceResponse,
    fetch::{FetchPartition, FetchTopic},
    produce::{PartitionProduceData, TopicProduceData},
};

pub(crate) const TOPIC: &str = "orders";
pub(crate) const TOPIC_ID: TopicId = TopicId([7; 16]);
/// Keeps groups, as many partitions and placed alike.
pub(crate) const OFFSETS_TOPIC: &str = "__consumer_offsets";
const OFFSETS_TOPIC_ID: TopicId = TopicId([8; 16]);
pub(crate) const LEADER_EPOCH: i32 = 4;
pub(crate) const CORES: u16 = 2;
pub(crate) const PARTITIONS: i32 = 4;
const SERVER: HostId = HostId(0);
const CLIENT: HostId = HostId(1);

/// The node listener's port, and the first core's; each other core's follows.
pub(crate) const NODE_PORT: u16 = 9092;
pub(crate) const CORE_PORT: u16 = 9100;

/// A node of two cores with one topic beside the groups' own, whose partitions lie on the cores in turn, and a client's
/// host.
pub(crate) struct Cluster {
    world: World,
    pub(crate) cores: Rc<RefCell<Vec<Rc<Core<SimNetEnv>>>>>,
    client: SimNetEnv,
}

fn image(topics: &[(TopicId, &str)]) -> Arc<ClusterImage> {
    let mut image = ClusterImage::default();
    image.apply(&MetadataRecord::Cluster { id: Uuid([3; 16]) }).unwrap();
    for &(id, name) in topics {
        image = image.after(&topic_records(id, name)).unwrap();
    }
    Arc::new(image)
}

/// What makes a topic.
pub(crate) fn topic_records(id: TopicId, name: &str) -> Vec<MetadataRecord> {
    let partitions = (0..PARTITIONS).map(|index| MetadataRecord::Partition { topic: id, state: partition(index) });
    std::iter::once(MetadataRecord::Topic { id, name: name.to_owned() }).chain(partitions).collect()
}

fn partition(index: i32) -> PartitionState {
    let node = NodeId(1);
    PartitionState {
        index: PartitionIndex(index),
        leader: Some(node),
        leader_epoch: LeaderEpoch(LEADER_EPOCH),
        partition_epoch: PartitionEpoch(0),
        replicas: vec![Replica { node, directory: DirectoryId::default(), core: owner(index) }],
        adding: Vec::new(),
        removing: Vec::new(),
        isr: vec![node],
        elr: Vec::new(),
        last_known_elr: Vec::new(),
        min_isr: 1,
    }
}

/// The core that leads partition `index`, of either topic.
pub(crate) fn owner(index: i32) -> CoreId {
    CoreId((index % i32::from(CORES)) as u16)
}

fn endpoint(port: u16) -> Endpoint {
    Endpoint { host: "broker".to_owned(), port }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::new([10, 0, 0, 0].into(), port)
}

pub(crate) fn start(seed: u64) -> Cluster {
    start_with(seed, &[(TOPIC_ID, TOPIC), (OFFSETS_TOPIC_ID, OFFSETS_TOPIC)])
}

/// One whose cores have a journal of so many bytes.
pub(crate) fn start_with_journal(seed: u64, bytes: u64) -> Cluster {
    begin(seed, &[(TOPIC_ID, TOPIC)], bytes)
}

/// A node with these topics.
pub(crate) fn start_with(seed: u64, topics: &[(TopicId, &str)]) -> Cluster {
    begin(seed, topics, 32 << 20)
}

fn begin(seed: u64, topics: &[(TopicId, &str)], journal: u64) -> Cluster {
    let image = image(topics);
    let world = World::new(seed);
    let network = Network::new(&world);
    let config = Arc::new(BrokerConfig::new(Settings::default()).unwrap().with("node.id", "1").unwrap());
    let cores = Rc::new(RefCell::new(Vec::new()));
    let admission = Admission::default();
    let seats = mailbox::mesh(CORES, 64);
    for (env, seat) in network.start(SERVER, CORES).into_iter().zip(seats) {
        let (place, config, cores, image) = (env.place(), config.clone(), cores.clone(), image.clone());
        let admission = admission.clone();
        let started = world.block_on(place, async move {
            env.create_dir(Path::new("/data")).await.unwrap();
            let options = ShardOptions {
                pool: BufferPool::new(32 << 20, 0),
                cache_bytes: 16 << 20,
                cache_begins: 8 << 20,
                read_bytes: 16 << 20,
                journal: JournalOptions::of_size(journal),
            };
            let (shard, _) =
                Shard::open(env.clone(), Path::new("/data"), ShardId(env.core().0), options).await.unwrap();
            let own_ports = (0..CORES).map(|core| endpoint(CORE_PORT + core)).collect();
            let core = Core::start(CoreParts {
                offline: std::sync::Arc::default(),
                env: env.clone(),
                config,
                endpoints: Endpoints { listeners: vec![vec![endpoint(NODE_PORT)], own_ports] },
                directories: Directories::one("/data".into(), shard),
                seat,
                admission: admission.clone(),
                loggers: Arc::default(),
                connection_memory: 8 << 20,
            });
            core.publish(image);
            let node = (NODE_PORT, Spread::AllCores, ListenerKind::Node);
            let own = (CORE_PORT + core.id.0, Spread::ThisCore, ListenerKind::Core(core.id));
            for (number, (port, spread, kind)) in [node, own].into_iter().enumerate() {
                let listener = env.listen(address(port), spread).await.unwrap();
                env.spawn(Lane::Latency, accept_loop(core.clone(), listener, ListenerRef { number, kind }));
            }
            cores.borrow_mut().push(core);
        });
        assert!(started.is_some(), "the core starts");
    }
    let client = network.start(CLIENT, 1).remove(0);
    Cluster { world, cores, client }
}

impl Cluster {
    pub(crate) fn run<T: 'static, F: Future<Output = T> + 'static>(
        &self,
        client: impl FnOnce(SimNetEnv, SocketAddr) -> F,
    ) -> T {
        let place: Place = self.client.place();
        self.world.block_on(place, client(self.client.clone(), address(NODE_PORT))).expect("the client ends")
    }

    /// Sets the node's wall clock off by so much.
    pub(crate) fn set_wall_offset(&self, ms: i64) {
        self.world.set_wall_offset(SERVER, ms);
    }

    /// Each operation of the node's disk takes so long.
    pub(crate) fn set_disk_latency(&self, least: Duration, most: Duration) {
        self.world.set_faults(SERVER, Faults { disk_latency: (least, most), ..self.world.faults(SERVER) });
    }

    /// Every core acts by the cluster's image with these records.
    pub(crate) fn change(&self, records: &[MetadataRecord]) {
        let image = Arc::new(self.cores.borrow()[0].image().after(records).unwrap());
        for core in self.cores.borrow().iter().cloned() {
            let image = image.clone();
            self.world.block_on(core.env.place(), async move { core.publish(image) }).expect("it follows");
        }
    }

    pub(crate) fn complaints(&self, what: Complaint) -> u64 {
        self.cores.borrow().iter().map(|core| core.complaints.count(what)).sum()
    }
}

pub(crate) fn batch(text: &str) -> Bytes {
    let mut builder = BatchBuilder::new();
    builder.push(Timestamp(1), None, Some(text.as_bytes()));
    builder.build()
}

pub(crate) fn produce(parts: &[(i32, Bytes)], acks: i16) -> ProduceRequest {
    ProduceRequest {
        acks,
        timeout_ms: 5000,
        topic_data: vec![TopicProduceData {
            name: TOPIC.to_owned(),
            partition_data: parts
                .iter()
                .map(|(index, records)| PartitionProduceData { index: *index, records: Some(records.clone()) })
                .collect(),
            ..TopicProduceData::default()
        }],
        ..ProduceRequest::default()
    }
}

pub(crate) fn fetch(offsets: &[(i32, i64)], min_bytes: i32, max_wait_ms: i32) -> FetchRequest {
    FetchRequest {
        max_wait_ms,
        min_bytes,
        max_bytes: 1 << 20,
        session_epoch: -1,
        topics: vec![FetchTopic {
            topic: TOPIC.to_owned(),
            partitions: offsets
                .iter()
                .map(|&(partition, fetch_offset)| FetchPartition {
                    partition,
                    fetch_offset,
                    partition_max_bytes: 1 << 20,
                    ..FetchPartition::default()
                })
                .collect(),
            ..FetchTopic::default()
        }],
        ..FetchRequest::default()
    }
}

pub(crate) fn produced(response: &ProduceResponse) -> Vec<(i32, i16, i64)> {
    response
        .responses
        .iter()
        .flat_map(|topic| &topic.partition_responses)
        .map(|partition| (partition.index, partition.error_code, partition.base_offset))
        .collect()
}

pub(crate) fn fetched(response: &FetchResponse) -> Vec<(i32, i16, i64, usize)> {
    response
        .responses
        .iter()
        .flat_map(|topic| &topic.partitions)
        .map(|part| {
            let bytes = part.records.as_ref().map_or(0, Bytes::len);
            (part.partition_index, part.error_code, part.high_watermark, bytes)
        })
        .collect()
}
