//! From a request to the cores that own its partitions, and back: the only place where work hops between cores.
//!
//! A request is split by owner; each owner other than this core gets one message, in the order of the requests;
//! answers are merged. What this core owns is done at once, by a function call. Whoever holds another core's request
//! asks nobody in turn: messages go one hop.

pub mod fetch;
pub mod group;
pub mod metadata;
pub mod produce;
pub mod query;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use corelog_storage::{
    env::Lane,
    error::StorageError,
    ids::{LeaderEpoch, LogId, PartitionIndex, TopicId},
};

use self::{
    fetch::{Begin, Kept, Notes, WatchId},
    group::GroupLetter,
    produce::{Produced, Routed},
    query::Asked,
};
use crate::{
    config::listener::Endpoint,
    core::{
        env::{CoreId, NetEnv},
        mailbox::{self, Incoming, Mailbox},
    },
    core_state::Core,
    directories,
    error::Fault,
    group::{
        call::{Answer as GroupAnswer, Listed},
        error::GroupError,
    },
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        ids::DirectoryId,
        image::{ClusterImage, ImageVersion, TopicImage},
    },
    metrics::Stage,
    net::{
        driver::{self, HandedOver},
        listener::ListenerRef,
    },
    partition::{query::Answer, read::Fetched, watchers::Key},
    quota::core_quotas::{self, Usage},
    transfer,
};

/// A core's seat at the mesh of mailboxes, before it starts.
pub type Seat = mailbox::Seat<CoreMessage, CoreReply>;
/// Another core's request, to be answered.
pub type Caller = mailbox::Caller<CoreMessage, CoreReply>;
/// An answer under way.
pub type Pending = mailbox::Pending<CoreMessage, CoreReply>;

/// What one core asks of another, or tells it.
#[derive(Debug)]
pub enum CoreMessage {
    /// Append these, in this order. Answered when all are acknowledged as they ask.
    Produce(Vec<Routed>),
    /// Begin a fetch of a watch: say what there is; if that is less than `enough`, park, and send
    /// [`CoreMessage::FetchReady`] once it is there.
    FetchBegin(Begin),
    /// Note: tell again, once there is so much.
    FetchWait {
        /// Which watch.
        watch: WatchId,
        /// Bytes worth telling of.
        enough: u64,
    },
    /// Note to the asking core: this much is there now.
    FetchReady {
        /// Of which watch.
        watch: WatchId,
        /// Which fetch of it.
        round: u32,
        /// Bytes, by partition that stirred.
        stirred: Vec<(Key, u64)>,
    },
    /// Note to the asking core: the fetch that was this core's alone.
    FetchDone {
        /// Of which watch.
        watch: WatchId,
        /// Which fetch of it.
        round: u32,
        /// What it returns, by partition that stirred.
        fetched: Vec<(Key, Fetched)>,
    },
    /// Read what stirred of a watch; forget the watch, unless it lasts.
    FetchCollect {
        /// Which watch.
        watch: WatchId,
        /// Bytes, by partition that stirred, as was said.
        budgets: Vec<usize>,
        /// The partition that gives one batch at least.
        whole_batch: Option<usize>,
    },
    /// Note: forget the watch.
    FetchEnd(WatchId),
    /// Questions about partitions.
    Query(Vec<Asked>),
    /// A call of the coordinator that keeps its groups in that partition of `__consumer_offsets`.
    Group(GroupLetter),
    /// Note to the asking core: the answer to a call that was parked.
    GroupReleased(u64, Box<GroupAnswer>),
    /// The groups coordinated on the core.
    ListGroups,
    /// A change of the cluster's metadata: to core 0.
    Metadata(MetadataCall),
    /// Note: the cluster as it is now.
    Image(Arc<ClusterImage>),
    /// Note to core 0: this core acts by that image.
    ImageApplied(ImageVersion),
    /// Note: a data directory failed.
    DirectoryFailed(DirectoryId, StorageError),
    /// Note: this connection is yours from here on.
    Connection(Box<HandedOver>),
    /// Note: of a partition that goes from one core to another.
    Transfer(transfer::Letter),
    /// Note: what clients with quotas used on the telling core since it last told.
    QuotaUsage(Arc<[Usage]>),
}

/// The answers to requests among [`CoreMessage`].
#[derive(Debug)]
pub enum CoreReply {
    /// To `Produce`, in its order.
    Produced(Vec<Produced>),
    /// To `FetchBegin`.
    FetchBegun {
        /// Bytes there are, by partition that stirred.
        stirred: Vec<(Key, u64)>,
        /// Something must be answered at once.
        urgent: bool,
    },
    /// To `FetchCollect`, and to `FetchBegin` of a fetch that is the core's alone.
    Fetched(Vec<(Key, Fetched)>),
    /// To `Group`.
    GroupAnswered(Box<GroupAnswer>),
    /// To `Group`, which will take longer: [`CoreMessage::GroupReleased`] follows.
    GroupParked,
    /// To `ListGroups`.
    GroupsListed(Result<Vec<Listed>, GroupError>),
    /// To `Metadata`.
    Metadata(MetadataAnswer),
    /// To `Query`, in its order.
    Answered(Vec<Result<Answer, Fault>>),
}

/// One core's way to the others.
pub struct Router<E: NetEnv> {
    mailbox: Mailbox<CoreMessage, CoreReply>,
    next_watch: Cell<u64>,
    /// What others said about the watches they keep for this core.
    notes: RefCell<BTreeMap<WatchId, Rc<Notes>>>,
    /// Watches that this core keeps for others.
    kept: RefCell<BTreeMap<(CoreId, WatchId), Rc<Kept<E>>>>,
}

impl<E: NetEnv> Router<E> {
    /// Takes this core's seat.
    pub fn open(seat: Seat, env: &E) -> Self {
        Self { mailbox: seat.open(env), next_watch: Cell::new(0), notes: RefCell::default(), kept: RefCell::default() }
    }

    /// How many watches this core keeps for others, and others for it.
    pub fn watches(&self) -> (usize, usize) {
        (self.kept.borrow().len(), self.notes.borrow().len())
    }

    /// The mailbox itself, for requests that go to one core as a whole.
    pub fn mailbox(&self) -> &Mailbox<CoreMessage, CoreReply> {
        &self.mailbox
    }
}

/// Answers the other cores until the core stops.
pub fn serve<E: NetEnv>(core: &Rc<Core<E>>) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        loop {
            match core.router.mailbox.receive().await {
                Incoming::Request(caller, message) => on_request(&core, caller, message),
                Incoming::Note(from, message) => on_note(&core, from, message),
            }
        }
    });
}

fn on_request<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, message: CoreMessage) {
    core.metrics.stage(Stage::Router, caller.sent(), core.env.turn());
    match message {
        CoreMessage::Produce(batches) => produce::serve(core, caller, batches),
        CoreMessage::FetchBegin(begin) => fetch::begin_share(core, caller, begin),
        CoreMessage::FetchCollect { watch, budgets, whole_batch } => {
            fetch::collect_share(core, caller, watch, budgets, whole_batch);
        }
        CoreMessage::Query(questions) => query::serve(core, caller, questions),
        CoreMessage::Metadata(call) => metadata::serve(core, caller, call),
        CoreMessage::Group(letter) => group::serve(core, caller, letter),
        CoreMessage::ListGroups => caller.reply(CoreReply::GroupsListed(core.groups.list())),
        CoreMessage::FetchWait { .. }
        | CoreMessage::GroupReleased(..)
        | CoreMessage::FetchReady { .. }
        | CoreMessage::FetchDone { .. }
        | CoreMessage::FetchEnd(_)
        | CoreMessage::Image(_)
        | CoreMessage::ImageApplied(_)
        | CoreMessage::DirectoryFailed(..)
        | CoreMessage::Transfer(_)
        | CoreMessage::QuotaUsage(_)
        | CoreMessage::Connection(_) => unreachable!("a note sent as a request"),
    }
}

fn on_note<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, message: CoreMessage) {
    match message {
        CoreMessage::FetchWait { watch, enough } => fetch::wait_share(core, from, watch, enough),
        CoreMessage::FetchReady { watch, round, stirred } => fetch::share_ready(core, watch, round, stirred),
        CoreMessage::FetchDone { watch, round, fetched } => fetch::share_done(core, watch, round, fetched),
        CoreMessage::FetchEnd(watch) => drop(core.router.kept.borrow_mut().remove(&(from, watch))),
        CoreMessage::Image(image) => apply_image(core, from, image),
        CoreMessage::GroupReleased(id, answer) => core.groups.released(id, *answer),
        CoreMessage::DirectoryFailed(id, error) => drop(directories::failure::take_offline(core, id, &error)),
        CoreMessage::Transfer(letter) => transfer::receive(core, from, letter),
        CoreMessage::QuotaUsage(used) => core_quotas::heard(core, &used),
        CoreMessage::Connection(connection) => driver::take_over(core, *connection),
        CoreMessage::ImageApplied(version) => {
            if let Some(controller) = core.controller.get() {
                controller.applied(from, version);
            }
        }
        CoreMessage::Produce(_)
        | CoreMessage::FetchBegin(_)
        | CoreMessage::FetchCollect { .. }
        | CoreMessage::Group(_)
        | CoreMessage::ListGroups
        | CoreMessage::Metadata(_)
        | CoreMessage::Query(_) => unreachable!("a request sent as a note"),
    }
}

fn apply_image<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, image: Arc<ClusterImage>) {
    let version = image.version();
    core.publish(image);
    core.router.mailbox.note(from, CoreMessage::ImageApplied(version));
}

/// Where a partition is served, for a request that came in by `listener`.
pub fn locate<E: NetEnv>(
    core: &Core<E>,
    listener: ListenerRef,
    topic: &TopicImage,
    index: PartitionIndex,
) -> Result<(CoreId, LogId), Fault> {
    let state = topic.partition(index).ok_or(Fault::UnknownTopicOrPartition)?;
    match state.leader_core() {
        Some((node, owner)) if node == core.node && listener.answers_for(owner) => Ok((owner, topic.log(index))),
        _ => Err(Fault::NotLeader),
    }
}

/// The first version of Produce, and of Fetch, that names topics by their ids (KIP-516).
const TOPIC_IDS_FROM: i16 = 13;

/// The topic of a Produce or Fetch request, which name it by id from the same version on.
pub fn find_topic<'a>(
    image: &'a ClusterImage,
    version: i16,
    name: &str,
    id: TopicId,
) -> Result<&'a Arc<TopicImage>, Fault> {
    if version < TOPIC_IDS_FROM {
        image.topic(name).ok_or(Fault::UnknownTopicOrPartition)
    } else {
        image.topic_by_id(id).ok_or(Fault::UnknownTopicId)
    }
}

/// Who leads a partition, for a client that asked the wrong broker or believes in an old epoch (KIP-951).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeaderHint {
    /// The leader's id on the listener that was asked.
    pub broker_id: i32,
    /// Its epoch.
    pub epoch: LeaderEpoch,
    /// Where it listens.
    pub endpoint: Endpoint,
}

/// The hint that goes with `fault`, if one helps.
pub fn leader_hint<E: NetEnv>(
    core: &Core<E>,
    image: &ClusterImage,
    listener: ListenerRef,
    log: LogId,
    fault: &Fault,
) -> Option<LeaderHint> {
    if !matches!(fault, Fault::NotLeader | Fault::FencedLeaderEpoch) {
        return None;
    }
    let state = image.partition(log)?;
    let (node, owner) = state.leader_core()?;
    if node != core.node {
        return None;
    }
    let (broker_id, endpoint) = core.endpoint(listener, owner)?;
    Some(LeaderHint { broker_id, epoch: state.leader_epoch, endpoint: endpoint.clone() })
}
