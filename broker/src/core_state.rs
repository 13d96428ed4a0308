//! What one core of the broker is made of: its environment, its storage, the partitions it leads, its connections, and
//! the cluster's image it acts by. Everything here stays on its core; other cores are reached through the router.

use std::{
    cell::{OnceCell, RefCell},
    fmt,
    net::SocketAddr,
    rc::Rc,
    sync::Arc,
};

use corelog_storage::ids::LogId;

use crate::{
    api::session_slot,
    config::{BrokerConfig, Settings, listener::Endpoint},
    core::env::{CoreId, NetEnv},
    directories::{self, Directories, moves::Moves},
    error::Fault,
    group::core_desk::Groups,
    loggers::Loggers,
    metadata::{ids::NodeId, image::ClusterImage},
    metrics::{CoreMetrics, Stage},
    net::{
        admission::Admission,
        budget::Budget,
        complaints::{Complaint, Complaints},
        connections::Connections,
        listener::{Endpoints, ListenerRef},
    },
    partition::{
        Partition,
        offline::{Offline, OfflineLogs},
        registry::{Reach, Registry},
    },
    producer_ids::ProducerIds,
    quota::{
        core_quotas::{self, CoreQuotas},
        meter::Window,
    },
    router::{Router, Seat, metadata::Controller},
    transfer::Transfers,
};

/// One core of the broker.
pub struct Core<E: NetEnv> {
    /// Its world.
    pub env: E,
    /// Which core of the node.
    pub id: CoreId,
    /// The node.
    pub node: NodeId,
    /// What the broker was told.
    pub config: Arc<BrokerConfig>,
    /// What clients are told to connect to.
    pub endpoints: Endpoints,
    /// Its storage: a shard in each of them.
    pub directories: Directories<E>,
    /// The partitions it leads.
    pub partitions: Registry<E>,
    /// Those that go to another directory.
    pub moves: Moves,
    /// Those that go to another core, or come from one.
    pub transfers: Transfers,
    /// The other cores.
    pub router: Router<E>,
    /// Its connections.
    pub connections: Connections,
    /// The node's count of connections.
    pub admission: Admission,
    /// What the node's log tells.
    pub loggers: Arc<Loggers>,
    /// The bound on its connections' memory.
    pub budget: Rc<Budget>,
    /// Its connections' fetch sessions.
    pub fetch_sessions: session_slot::Open,
    /// Bad input so far.
    pub complaints: Complaints,
    /// What it counts and times.
    pub metrics: Rc<CoreMetrics>,
    /// The controller, on its core, once it runs.
    pub controller: OnceCell<Rc<dyn Controller>>,
    /// The coordinators of the groups that its partitions keep.
    pub groups: Groups<E>,
    /// Quotas of clients.
    pub quotas: CoreQuotas,
    /// Ids for idempotent producers.
    pub producer_ids: ProducerIds,
    settings: RefCell<Settings>,
    image: RefCell<Arc<ClusterImage>>,
}

/// What a core is built from.
pub struct CoreParts<E: NetEnv> {
    /// Its world.
    pub env: E,
    /// What the broker was told.
    pub config: Arc<BrokerConfig>,
    /// What clients are told to connect to; the ports are the bound ones.
    pub endpoints: Endpoints,
    /// Its storage, recovered.
    pub directories: Directories<E>,
    /// Logs of the node that are damaged.
    pub offline: Arc<OfflineLogs>,
    /// Its place among the cores.
    pub seat: Seat,
    /// The node's count of connections.
    pub admission: Admission,
    /// What the node's log tells.
    pub loggers: Arc<Loggers>,
    /// Bytes of its memory for requests and unsent responses.
    pub connection_memory: usize,
}

impl<E: NetEnv> Core<E> {
    /// Builds a core and starts to answer the other cores. It leads nothing until [`Core::publish`].
    pub fn start(parts: CoreParts<E>) -> Rc<Self> {
        let metrics = Rc::new(CoreMetrics::new(parts.config.metrics.is_some()));
        let states = parts.directories.iter().map(|one| (one.id, one.shard.as_ref().err().cloned()));
        let offline = Offline::new(parts.config.node, parts.offline, states);
        let core = Rc::new(Self {
            id: parts.env.core(),
            node: parts.config.node,
            groups: Groups::new(&parts.env, &parts.config),
            quotas: CoreQuotas::new(Window::of(&parts.config.settings), parts.env.cores()),
            settings: RefCell::new(parts.config.settings.clone()),
            config: parts.config,
            endpoints: parts.endpoints,
            directories: parts.directories,
            partitions: Registry::new(offline),
            moves: Moves::default(),
            transfers: Transfers::default(),
            router: Router::open(parts.seat, &parts.env),
            connections: Connections::default(),
            admission: parts.admission,
            loggers: parts.loggers,
            budget: Budget::new(parts.connection_memory),
            fetch_sessions: session_slot::Open::default(),
            complaints: Complaints::default(),
            metrics: metrics.clone(),
            controller: OnceCell::new(),
            producer_ids: ProducerIds::default(),
            image: RefCell::default(),
            env: parts.env,
        });
        for shard in core.directories.shards() {
            let metrics = metrics.clone();
            shard.observe_journal(Rc::new(move |write| {
                metrics.stage(Stage::Journal, write.begun, write.ended);
                metrics.count(|counts| counts.journal_bytes += write.bytes);
            }));
        }
        directories::failure::watch(&core);
        crate::router::serve(&core);
        core.connections.start_watching(&core.env, core.config.net.max_idle, core.budget.clone());
        core
    }

    /// The cluster as this core knows it.
    pub fn image(&self) -> Arc<ClusterImage> {
        self.image.borrow().clone()
    }

    /// The values of the broker's keys, with what was set at run time.
    pub fn settings(&self) -> Settings {
        self.settings.borrow().clone()
    }

    /// Acts by a newer image from here on: leads what is new, lets go of what is not its own any more. An older image
    /// than the present one is ignored. Waits for nothing: transfers, and who created a topic, wait for all cores.
    pub fn publish(self: &Rc<Self>, image: Arc<ClusterImage>) {
        let before = self.image();
        if image.version() > before.version() {
            *self.image.borrow_mut() = image.clone();
            let reach = self.follow_settings(&image);
            core_quotas::follow(self, image.quotas());
            self.partitions.reconcile(self, &before, &image, reach);
            self.groups.follow(self, &before, &image);
        }
    }

    /// Takes the broker's keys as `image` has them; whether that may change what every topic inherits.
    fn follow_settings(&self, image: &ClusterImage) -> Reach {
        let (all, own) = (image.all_nodes_config(), image.node_config(self.node));
        if self.settings.borrow().has_dynamic(&all, &own) {
            return Reach::ChangedTopics;
        }
        *self.settings.borrow_mut() = self.config.settings.with_dynamic(all, own);
        Reach::AllTopics
    }

    /// A partition that this core leads, or why it does not.
    pub fn led(&self, id: LogId) -> Result<Rc<Partition<E>>, Fault> {
        self.partitions.get(id).ok_or_else(|| self.why_not_led(id))
    }

    #[cold]
    fn why_not_led(&self, id: LogId) -> Fault {
        let image = self.image();
        let why = image.partition(id).and_then(|state| self.partitions.offline().why(id, state));
        why.map_or(Fault::NotLeader, Fault::Storage)
    }

    /// How many cores the node runs.
    pub fn cores(&self) -> u16 {
        self.env.cores()
    }

    /// The broker id and address by which clients of `listener` reach a core of this node.
    pub fn endpoint(&self, listener: ListenerRef, core: CoreId) -> Option<(i32, &Endpoint)> {
        Some((listener.broker_id(self.node, core), self.endpoints.of(listener, core)?))
    }

    /// Counts bad input, and logs it once in a while.
    pub fn complain(&self, what: Complaint, peer: SocketAddr, detail: &dyn fmt::Display) {
        self.complaints.add(self.env.now(), what, peer, detail);
    }
}
