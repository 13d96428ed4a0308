//! How a core serves groups: the coordinators of the partitions it leads, and its [`Desk`] for the requests of its
//! connections.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    net::SocketAddr,
    rc::Rc,
};

use bytes::{Bytes, BytesMut};
use corelog_storage::{
    ids::{LogId, Offset, PartitionIndex, TopicId},
    log::Ticket,
};

use crate::{
    api::RequestContext,
    config::BrokerConfig,
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    group::{
        call::{Answer, Call, Client, Listed},
        config::Config,
        desk::{Asker, Desk, Endpoint, Topic},
        driver::{CoordinatorLog, Coordinators, TopicIds},
        error::GroupError,
        memory::GroupMemory,
        names::{self, GroupId, TopicName},
    },
    limits,
    metadata::{
        call::{MetadataAnswer, MetadataCall, NewTopic, Refusal},
        image::{ClusterImage, TopicImage},
    },
    net::{
        complaints::Complaint,
        listener::{ListenerKind, ListenerRef},
        traffic::Traffic,
    },
    partition::Partition,
    router,
    slot::{self, Filled, Slot},
};

/// The topic that keeps groups.
const OFFSETS_TOPIC: &str = "__consumer_offsets";

/// A led partition of `__consumer_offsets`.
struct PartitionLog<E: NetEnv> {
    partition: Rc<Partition<E>>,
    env: E,
}

impl<E: NetEnv> CoordinatorLog for PartitionLog<E> {
    type Error = Fault;

    fn start(&self) -> Offset {
        self.partition.log().start()
    }

    fn high_watermark(&self) -> Offset {
        self.partition.high_watermark()
    }

    fn append(&self, batch: Bytes) -> Result<Offset, Fault> {
        Ok(Offset(self.partition.append_own(batch)?.last_offset.0 + 1))
    }

    fn held(&self) -> Option<impl Future<Output = ()> + 'static> {
        let full = self.partition.log().is_overloaded();
        if !full && !self.partition.is_held() {
            return None;
        }
        let (partition, env) = (self.partition.clone(), self.env.clone());
        Some(async move {
            if full {
                env.sleep(limits::GROUP_APPENDS_AGAIN).await;
            }
            partition.when_let_go().await;
        })
    }

    fn retention_clock_ms(&self) -> i64 {
        self.partition.log().retention_clock_ms()
    }

    fn committed(&self, end: Offset) -> impl Future<Output = Result<(), Fault>> + 'static {
        let durable = self.partition.acknowledged(Ticket(end));
        async move { Ok(durable.await?) }
    }

    async fn read(&self, from: Offset, max_bytes: usize) -> Result<(Bytes, Offset), Fault> {
        let read = self.partition.log().read(from, max_bytes, self.partition.high_watermark(), true).await?;
        let mut batches = BytesMut::with_capacity(read.bytes);
        read.chain.iter().for_each(|slice| batches.extend_from_slice(slice));
        Ok((batches.freeze(), read.next))
    }
}

/// The groups of one core.
pub struct Groups<E: NetEnv> {
    coordinators: Coordinators<E, PartitionLog<E>>,
    /// The partitions that the coordinators keep their records in.
    logs: RefCell<BTreeMap<i32, LogId>>,
    /// Calls of this core that another core parked.
    parked: RefCell<BTreeMap<u64, Slot<Answer>>>,
    next_call: Cell<u64>,
}

impl<E: NetEnv> Groups<E> {
    /// No coordinators yet.
    pub fn new(env: &E, config: &BrokerConfig) -> Self {
        let memory = GroupMemory::new(config.memory_per_core() as usize / limits::GROUPS_SHARE);
        Self {
            coordinators: Coordinators::new(env.clone(), Config { memory, ..(&config.groups).into() }),
            logs: RefCell::default(),
            parked: RefCell::default(),
            next_call: Cell::new(0),
        }
    }

    /// Asks the coordinator of partition `index`, which must be led here.
    pub fn call(&self, index: i32, call: Call) -> impl Future<Output = Answer> + 'static + use<E> {
        self.coordinators.call(index, call)
    }

    /// All groups coordinated here.
    pub fn list(&self) -> Result<Vec<Listed>, GroupError> {
        self.coordinators.list()
    }

    /// Coordinators that still read their groups.
    pub fn loading(&self) -> usize {
        self.coordinators.loading()
    }

    /// A place for the answer to a call that another core may park.
    pub(crate) fn expect_release(&self) -> (u64, Filled<Answer>) {
        let id = self.next_call.get();
        self.next_call.set(id + 1);
        let (slot, filled) = slot::pair();
        self.parked.borrow_mut().insert(id, slot);
        (id, filled)
    }

    /// That call is not parked.
    pub(crate) fn forget_release(&self, id: u64) {
        let slot = self.parked.borrow_mut().remove(&id);
        drop(slot);
    }

    /// The answer to a parked call.
    pub(crate) fn released(&self, id: u64, answer: Answer) {
        let slot = self.parked.borrow_mut().remove(&id);
        if let Some(slot) = slot {
            slot.fill(answer);
        }
    }

    /// Follows a newer image, or a partition that went offline, after the partitions did: coordinators come and go with the
    /// partitions, offsets go with their topics.
    pub fn follow(&self, core: &Rc<Core<E>>, before: &ClusterImage, after: &ClusterImage) {
        let led = led_here(core, after.topic(OFFSETS_TOPIC).map(AsRef::as_ref));
        let lost: Vec<i32> = self
            .logs
            .borrow()
            .iter()
            .filter(|(index, log)| led.get(index) != Some(log))
            .map(|(index, _)| *index)
            .collect();
        for index in lost {
            self.logs.borrow_mut().remove(&index);
            self.coordinators.resigned(index);
        }
        for (index, log) in led {
            let known = self.logs.borrow().contains_key(&index);
            if let Some(partition) = core.partitions.get(log).filter(|_| !known) {
                self.logs.borrow_mut().insert(index, log);
                self.coordinators.elected(index, PartitionLog { partition, env: core.env.clone() }, topic_ids(core));
            }
        }
        let deleted: BTreeMap<TopicName, TopicId> = before
            .topics()
            .filter(|topic| after.topic_by_id(topic.id).is_none())
            .map(|topic| (TopicName::from(&*topic.name), topic.id))
            .collect();
        if !deleted.is_empty() {
            self.coordinators.topics_deleted(&deleted);
        }
    }
}

fn led_here<E: NetEnv>(core: &Core<E>, topic: Option<&TopicImage>) -> BTreeMap<i32, LogId> {
    let Some(topic) = topic else { return BTreeMap::new() };
    let logs = topic.partitions.iter().map(|state| (state.index.0, topic.log(state.index)));
    logs.filter(|(_, log)| core.partitions.get(*log).is_some()).collect()
}

fn topic_ids<E: NetEnv>(core: &Rc<Core<E>>) -> Box<TopicIds> {
    let core = Rc::downgrade(core);
    Box::new(move |name| core.upgrade()?.image().topic(name).map(|topic| topic.id))
}

/// What one request sees of the node's groups.
pub struct CoreDesk<'a, E: NetEnv> {
    core: &'a Rc<Core<E>>,
    listener: ListenerRef,
    peer: SocketAddr,
    traffic: Rc<Traffic>,
}

impl<'a, E: NetEnv> CoreDesk<'a, E> {
    /// For a request of this context.
    pub fn new(core: &'a Rc<Core<E>>, context: &RequestContext) -> Self {
        Self { core, listener: context.listener, peer: context.peer, traffic: context.traffic.clone() }
    }

    /// Who asks.
    pub fn asker(context: &RequestContext) -> Asker {
        let id = context.client_id.clone().unwrap_or_default();
        Asker { version: context.api_version, client: Client { id, host: format!("/{}", context.peer.ip()) } }
    }

    /// The partition that keeps a group, and the core that leads it, if the listener that was asked answers for it.
    fn locate(&self, group: &GroupId) -> Result<(i32, CoreId), GroupError> {
        let image = self.core.image();
        let topic = image.topic(OFFSETS_TOPIC).ok_or(GroupError::NotCoordinator)?;
        let index = names::partition_of(group.as_str(), topic.partitions.len() as i32);
        let located = router::locate(self.core, self.listener, topic, PartitionIndex(index));
        let (owner, _) = located.map_err(|_| GroupError::NotCoordinator)?;
        Ok((index, owner))
    }

    /// Creates the topic that keeps groups; whether it is there now.
    async fn create_offsets_topic(&self) -> bool {
        let settings = &self.core.config.groups;
        let nodes = self.core.image().nodes().count().max(1);
        let config = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        let topic = NewTopic {
            name: OFFSETS_TOPIC.to_owned(),
            partitions: settings.offsets_partitions,
            replication_factor: settings.offsets_replication_factor.min(nodes as i16),
            assignments: Vec::new(),
            configs: vec![
                config("cleanup.policy", "compact"),
                config("compression.type", "producer"),
                config("segment.bytes", &settings.offsets_segment_bytes.to_string()),
            ],
        };
        let call = MetadataCall::CreateTopics { topics: vec![topic], validate_only: false };
        let answer = router::metadata::call(self.core, call).await;
        // Another request may have created it meanwhile.
        let there = self.core.image().topic(OFFSETS_TOPIC).is_some();
        if !there {
            self.core.complain(Complaint::NoOffsetsTopic, self.peer, &why_not(answer));
        }
        there
    }
}

/// Why the topic that keeps groups was not created.
fn why_not(answer: Result<MetadataAnswer, Fault>) -> String {
    match answer {
        Ok(MetadataAnswer::TopicsCreated(outcomes)) => match outcomes.into_iter().find_map(Result::err) {
            Some(Refusal { code, message }) => format!("{code:?}: {}", message.unwrap_or_default()),
            None => "it was deleted at once".to_owned(),
        },
        Ok(other) => format!("{other:?}"),
        Err(fault) => fault.to_string(),
    }
}

fn facts(topic: &TopicImage) -> Topic {
    Topic { name: topic.name.to_string(), id: topic.id, partitions: topic.partitions.len() as i32 }
}

impl<E: NetEnv> Desk for CoreDesk<'_, E> {
    async fn call(&self, call: Call) -> Answer {
        match self.locate(call.group()) {
            Ok((index, owner)) => {
                // A client's connection to its coordinator: that of its group, for as long as it lives.
                self.traffic.asked(std::iter::once(owner));
                router::group::call(self.core, owner, index, call).await
            }
            Err(error) => Answer::Refused(error),
        }
    }

    async fn list(&self) -> Result<Vec<Listed>, GroupError> {
        let cores: Vec<CoreId> = match self.listener.kind {
            ListenerKind::Node => (0..self.core.cores()).map(CoreId).collect(),
            ListenerKind::Core(core) => vec![core],
        };
        let mut listed = Vec::new();
        for core in cores {
            listed.extend(router::group::list(self.core, core).await?);
        }
        Ok(listed)
    }

    async fn coordinator(&self, group: &GroupId) -> Result<Endpoint, GroupError> {
        let image = self.core.image();
        if image.topic(OFFSETS_TOPIC).is_none() && !self.create_offsets_topic().await {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        let image = self.core.image();
        let topic = image.topic(OFFSETS_TOPIC).ok_or(GroupError::CoordinatorNotAvailable)?;
        let index = names::partition_of(group.as_str(), topic.partitions.len() as i32);
        let index = PartitionIndex(index);
        let state = topic.partition(index).ok_or(GroupError::CoordinatorNotAvailable)?;
        if self.core.partitions.offline().why(topic.log(index), state).is_some() {
            return Err(GroupError::CoordinatorNotAvailable);
        }
        let leader = state.leader_core();
        let (_, owner) =
            leader.filter(|(node, _)| *node == self.core.node).ok_or(GroupError::CoordinatorNotAvailable)?;
        let (broker_id, at) = self.core.endpoint(self.listener, owner).ok_or(GroupError::CoordinatorNotAvailable)?;
        Ok(Endpoint { broker_id, host: at.host.clone(), port: at.port })
    }

    fn topic(&self, name: &str) -> Option<Topic> {
        self.core.image().topic(name).map(|topic| facts(topic))
    }

    fn topic_by_id(&self, id: TopicId) -> Option<Topic> {
        self.core.image().topic_by_id(id).map(|topic| facts(topic))
    }

    fn entropy(&self) -> u128 {
        u128::from(self.core.env.random()) << 64 | u128::from(self.core.env.random())
    }
}
