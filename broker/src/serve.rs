//! Runs a node: takes its directory, starts its cores, serves until it is told to stop, and ends in order.
//!
//! Start: every core recovers its shard and binds its listeners; then core 0 starts the controller, which publishes the
//! cluster's image; connections are accepted once every core acts by it. End: nothing new is accepted, what was asked is
//! answered, every shard is closed.

use std::{
    fmt,
    future::Future,
    io,
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    pin::Pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use corelog_storage::{
    buffer::BufferPool,
    env::{Env, Lane},
    journal::JournalOptions,
    shard::{Shard, ShardId, ShardOptions},
};

use crate::{
    config::{
        BrokerConfig,
        listener::{Advertises, Endpoint},
    },
    core::{
        data_dir::DataDir,
        env::{CoreId, Listener, NetEnv, Spread},
        launch::{self, CoreStart},
        mailbox,
        stop::{Rendezvous, Stop},
    },
    core_state::{Core, CoreParts},
    limits,
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        controller::driver,
        image::ImageVersion,
        local_log::LocalLog,
    },
    net::listener::{Endpoints, ListenerKind, ListenerRef, accept_loop},
    router::{CoreMessage, Seat, metadata::Controller},
};

/// Why a node did not start, or ended badly; for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServeError(pub String);

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ServeError {}

impl ServeError {
    fn new(what: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

/// Runs the node until SIGTERM or SIGINT.
pub fn run(config: BrokerConfig) -> Result<(), ServeError> {
    let directory = DataDir::take(&config.data_dir).map_err(|error| ServeError(error.to_string()))?;
    let bindings = bindings(&config)?;
    let config = Arc::new(config);
    let mut seats = mailbox::mesh(config.cores, limits::MAILBOX_CREDITS).into_iter();
    let setup = Arc::new(Mutex::new(Setup {
        endpoints: config
            .listeners
            .iter()
            .map(|listener| {
                let count = if listener.advertises == Advertises::Node { 1 } else { config.cores };
                vec![listener.advertised.clone(); usize::from(count)]
            })
            .collect(),
        failure: None,
    }));
    let options = launch::Options { cores: config.cores, ..launch::Options::default() };
    let outcomes = launch::launch(&options, |_| {
        let node = Node {
            data_dir: directory.path().to_owned(),
            bindings: bindings.clone(),
            config: config.clone(),
            setup: setup.clone(),
            seat: seats.next().expect("a seat for each core"),
        };
        move |start: CoreStart| serve_core(start.env, start.stop, start.rendezvous, node)
    })
    .map_err(|error| ServeError(error.to_string()))?;
    outcomes.into_iter().collect::<Result<Vec<()>, _>>().map(drop)
}

/// Where a listener binds.
#[derive(Clone, Copy)]
struct Binding {
    at: SocketAddr,
    advertises: Advertises,
}

fn bindings(config: &BrokerConfig) -> Result<Vec<Binding>, ServeError> {
    config
        .listeners
        .iter()
        .map(|listener| {
            let (host, port) = (listener.bind.host.as_str(), listener.bind.port);
            let mut found = (host, port).to_socket_addrs().map_err(|error| ServeError::new(&listener.bind, error))?;
            let at = found.next().ok_or_else(|| ServeError::new(&listener.bind, "no such address"))?;
            Ok(Binding { at, advertises: listener.advertises })
        })
        .collect()
}

/// What a core is given to start with.
struct Node {
    data_dir: PathBuf,
    bindings: Vec<Binding>,
    config: Arc<BrokerConfig>,
    setup: Arc<Mutex<Setup>>,
    seat: Seat,
}

/// What the cores tell each other before their mailboxes are open.
struct Setup {
    endpoints: Vec<Vec<Endpoint>>,
    failure: Option<ServeError>,
}

impl Node {
    fn setup<T>(&self, with: impl FnOnce(&mut Setup) -> T) -> T {
        with(&mut self.setup.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records an outcome of this core, waits for all; fails if any failed.
    async fn together<T, E: NetEnv>(
        &self,
        env: &E,
        meeting: &Rendezvous,
        outcome: Result<T, ServeError>,
    ) -> Result<T, ServeError> {
        if let Err(error) = &outcome {
            self.setup(|setup| setup.failure.get_or_insert(error.clone()).clone());
        }
        meeting.meet(env).await;
        match self.setup(|setup| setup.failure.clone()) {
            Some(failure) => Err(failure),
            None => outcome,
        }
    }
}

async fn serve_core<E: NetEnv>(env: E, stop: Stop, meeting: Rendezvous, mut node: Node) -> Result<(), ServeError> {
    let prepared = prepare(&env, &node).await;
    let (shard, listeners) = node.together(&env, &meeting, prepared).await?;
    let core = start_core(&env, &mut node, shard.clone());
    meeting.meet(&env).await;
    let led = if core.id == CoreId(0) { lead(&core, &shard).await } else { Ok(()) };
    let outcome = match node.together(&env, &meeting, led).await {
        Ok(()) => {
            for (listener, from) in listeners {
                env.spawn(Lane::Latency, accept_loop(core.clone(), listener, from));
            }
            keep_retention(&core);
            announce(&core);
            stop.requested(&env).await;
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    core.connections.stop();
    let patience = env.now().after(limits::STOP_PATIENCE);
    while core.connections.count() > 0 && env.now() < patience {
        env.sleep(limits::STOP_POLL).await;
    }
    meeting.meet(&env).await;
    let closed = shard.close().await.map_err(|error| ServeError::new("closing", error));
    meeting.meet(&env).await;
    outcome.and(closed)
}

type Listeners<E> = Vec<(<E as NetEnv>::Listener, ListenerRef)>;

/// Recovers the shard and binds the listeners.
async fn prepare<E: NetEnv>(env: &E, node: &Node) -> Result<(Rc<Shard<E>>, Listeners<E>), ServeError> {
    let core = env.core();
    let (shard, report) = Shard::open(env.clone(), &node.data_dir, ShardId(core.0), shard_options(&node.config))
        .await
        .map_err(|error| ServeError::new(format_args!("shard {core} of {}", node.data_dir.display()), error))?;
    tracing::info!(%core, ?report, "shard recovered");
    let mut listeners = Vec::new();
    for (number, binding) in node.bindings.iter().enumerate() {
        let (at, spread, kind) = match binding.advertises {
            Advertises::Node => (binding.at, Spread::AllCores, ListenerKind::Node),
            Advertises::Cores => (port_of(binding.at, core), Spread::ThisCore, ListenerKind::Core(core)),
        };
        let listener = env.listen(at, spread).await.map_err(|error| bind_error(at, &error))?;
        let place = if kind == ListenerKind::Node { 0 } else { usize::from(core.0) };
        let bound = listener.local_addr().port();
        node.setup(|setup| {
            let endpoint = &mut setup.endpoints[number][place];
            if endpoint.port == 0 {
                endpoint.port = bound;
            } else if kind != ListenerKind::Node {
                endpoint.port += core.0;
            }
        });
        listeners.push((listener, ListenerRef { number, kind }));
    }
    Ok((shard, listeners))
}

fn bind_error(at: SocketAddr, error: &io::Error) -> ServeError {
    ServeError::new(format_args!("cannot listen on {at}"), error)
}

/// Core I listens on the port plus I; where the system chooses, it chooses for each.
fn port_of(mut at: SocketAddr, core: CoreId) -> SocketAddr {
    if at.port() != 0 {
        at.set_port(at.port() + core.0);
    }
    at
}

/// How a core's memory is dealt out: half to the tail cache, an eighth to reads, a quarter to connections.
fn shard_options(config: &BrokerConfig) -> ShardOptions {
    let memory = usize::try_from(config.memory_per_core()).unwrap_or(usize::MAX / 2);
    let (cache_bytes, read_bytes) = (memory / 2, memory / 8);
    ShardOptions {
        pool: BufferPool::new(cache_bytes + read_bytes, limits::POOL_TOUCH_AHEAD),
        cache_bytes,
        read_bytes,
        journal: JournalOptions::of_size(config.journal_bytes),
    }
}

fn start_core<E: NetEnv>(env: &E, node: &mut Node, shard: Rc<Shard<E>>) -> Rc<Core<E>> {
    let endpoints = Endpoints { listeners: node.setup(|setup| setup.endpoints.clone()) };
    let placeholder = mailbox::mesh(1, 1).remove(0);
    let memory = usize::try_from(node.config.memory_per_core()).unwrap_or(usize::MAX / 2);
    Core::start(CoreParts {
        env: env.clone(),
        config: node.config.clone(),
        endpoints,
        shard,
        seat: std::mem::replace(&mut node.seat, placeholder),
        connection_memory: memory / 4,
    })
}

/// Starts the controller on this core; on return every core acts by the cluster's image.
async fn lead<E: NetEnv>(core: &Rc<Core<E>>, shard: &Shard<E>) -> Result<(), ServeError> {
    let log = LocalLog::open(core.env.clone(), shard).await.map_err(|error| ServeError::new("metadata", error))?;
    let (controller, moves) = driver::Controller::start(core.env.clone(), log, core.config.clone())
        .await
        .map_err(|error| ServeError::new("metadata", error))?;
    if let Some(first) = moves.first() {
        return Err(ServeError(format!(
            "{} lies on core {}, of which this start has fewer: start with as many cores as before",
            first.log, first.from
        )));
    }
    let version = controller.image().version();
    let publisher = core.clone();
    let told = controller.clone();
    controller.publish_to(Box::new(move |image| {
        for other in (0..publisher.cores()).map(CoreId).filter(|other| *other != publisher.id) {
            publisher.router.mailbox().note(other, CoreMessage::Image(image.clone()));
        }
        let (core, controller) = (publisher.clone(), told.clone());
        publisher.env.spawn(Lane::Latency, async move {
            let version = image.version();
            core.publish(image).await;
            controller.applied(core.id, version);
        });
    }));
    let here: Rc<dyn Controller> = Rc::new(Here(controller.clone()));
    let _ = core.controller.set(here);
    controller.wait_applied(version).await;
    Ok(())
}

/// The controller behind the router.
struct Here<E: Env>(Rc<driver::Controller<E, LocalLog<E>>>);

impl<E: Env> Controller for Here<E> {
    fn call(&self, call: MetadataCall) -> Pin<Box<dyn Future<Output = MetadataAnswer>>> {
        let controller = self.0.clone();
        Box::pin(async move { controller.call(call).await })
    }

    fn applied(&self, core: CoreId, version: ImageVersion) {
        self.0.applied(core, version);
    }
}

/// Deletes what retention no longer wants, every few minutes.
fn keep_retention<E: NetEnv>(core: &Rc<Core<E>>) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Background, async move {
        loop {
            core.env.sleep(core.config.retention_check_interval).await;
            if core.connections.stopping() {
                return;
            }
            if let Err(error) = core.shard.run_retention().await {
                tracing::warn!(core = %core.id, %error, "retention");
            }
        }
    });
}

fn announce<E: NetEnv>(core: &Core<E>) {
    if core.id == CoreId(0) {
        for (listener, endpoints) in core.config.listeners.iter().zip(&core.endpoints.listeners) {
            let at: Vec<String> = endpoints.iter().map(Endpoint::to_string).collect();
            tracing::info!(listener = %listener.name, advertised = %at.join(","), "ready");
        }
    }
}
