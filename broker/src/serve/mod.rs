//! A broker from its start to its end: shards, metadata, placement, listeners; then the same backwards.
//!
//! All cores go through the same steps and meet between them (`Shared::step`), so that what one learns the others know
//! in the next: 1. bind; 2. core 0 looks which data directory has the metadata, and all open their shards in it; 3. core 0
//! reads the metadata and tells the directories apart (`directories`); 4. all open their shards in the others; 5. core 0
//! registers the node; 6. logs move to the cores that own them; 7. every core leads its partitions; 8. accept. A step that
//! fails on one core ends all of them, but for what fails in a directory that has no metadata: it is given up.

pub mod listen;
pub mod shards;
pub mod shared;

use std::{rc::Rc, sync::Arc, time::Duration};

use corelog_storage::{env::Lane, error::StorageError, shard::Shard};

use crate::{
    config::BrokerConfig,
    core::{
        env::{CoreId, NetEnv},
        stop::{Rendezvous, Stop},
    },
    core_state::{Core, CoreParts},
    directories::{
        self, identify,
        survey_machine::{self, Place, Plan, State},
    },
    limits::{CONNECTIONS_SHARE, METRICS_INTERVAL, METRICS_INTERVAL_LOADING},
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        controller::{
            driver::Controller,
            start::{Found, check_node},
        },
        ids::{DirectoryId, Uuid},
        image::{ClusterImage, ImageVersion},
        local_log::LocalLog,
        log::MetadataLog,
    },
    metrics::{board::Life, snapshot::CoreSnapshot},
    net::listener::accept_loop,
    router::{self, CoreMessage, Seat, metadata::CONTROLLER},
    serve::shared::{DirNumber, DirState, Shared, Stopped},
    transfer::balance,
};

/// How long open connections may take to get their answers when the broker stops.
const DRAIN: Duration = Duration::from_secs(5);

type NodeController<E> = Controller<E, LocalLog<E>>;

/// What a core of the broker begins with.
pub struct CoreSeat<E: NetEnv> {
    /// Its world.
    pub env: E,
    /// What the broker was told.
    pub config: Arc<BrokerConfig>,
    /// What the cores know of each other's steps.
    pub shared: Arc<Shared>,
    /// Its mailbox.
    pub seat: Seat,
    /// When to end.
    pub stop: Stop,
    /// Where the cores meet.
    pub rendezvous: Rendezvous,
}

/// Runs one core of the broker until it is told to stop. Why it ended early is in [`Shared::failure`].
pub async fn run<E: NetEnv>(seat: CoreSeat<E>) {
    // The error was noted where it happened; here it only says "no further".
    let _ = run_steps(seat).await;
}

async fn run_steps<E: NetEnv>(seat: CoreSeat<E>) -> Result<(), Stopped> {
    let CoreSeat { env, config, shared, seat, stop, rendezvous } = seat;
    let step = shared::Steps { env: env.clone(), shared: shared.clone(), rendezvous, stop: stop.clone() };

    let listeners = step.take(listen::bind(&env, &config, &shared).await).await?;
    let places = step.take(find_metadata(&env, &config, &shared).await).await?;
    let options = shards::options(&config);
    let metadata = step.take(shards::open(&env, &config, &shared, shared.metadata_dir(), &options).await).await?;
    let read = step.take(read_metadata(&env, &config, &metadata.own, places, &shared).await).await?;
    let mut opened = shards::open_others(&step, &config, metadata, &options).await?;
    let controller = step.take(start_controller(&env, &config, read, &shared).await).await?;
    shards::settle(&step, &config, &mut opened).await?;
    let directories = shards::directories(&env, &shared, opened);

    let endpoints = shared.endpoints(&config);
    let connection_memory = config.memory_per_core() as usize / CONNECTIONS_SHARE;
    let parts = CoreParts {
        env: env.clone(),
        config: config.clone(),
        endpoints,
        directories,
        offline: shared.offline(),
        seat,
        admission: shared.admission.clone(),
        loggers: shared.loggers.clone(),
        connection_memory,
    };
    let core = Core::start(parts);
    core.publish(shared.image());
    step.take(Ok::<_, String>(())).await?;
    if let Some(controller) = controller {
        publish(&core, controller.clone());
        // Some were found unusable after the node had registered.
        for directory in core.directories.iter().filter(|directory| directory.shard.is_err()) {
            let call = MetadataCall::DirectoryFailed { node: core.node, directory: directory.id };
            controller.call(call).await;
        }
    }
    directories::moves::resume(&core).await;
    env.spawn(Lane::Background, keep_up(core.clone()));
    if config.gather && config.cores > 1 {
        env.spawn(Lane::Background, balance::keep_balance(core.clone()));
    }
    if config.metrics.is_some() {
        env.spawn(Lane::Background, report(core.clone(), shared.clone()));
    }
    for (listener, from) in listeners {
        env.spawn(Lane::Latency, accept_loop(core.clone(), listener, from));
    }
    if env.core() == CONTROLLER {
        shared.announce(&config);
        announce_offline(&core);
    }
    stop.requested(&env).await;
    if env.core() == CONTROLLER {
        shared.set_life(Life::Stopping);
    }
    end(&core, &step).await
}

/// Core 0 looks at the data directories, and tells the others which has the metadata.
async fn find_metadata<E: NetEnv>(env: &E, config: &BrokerConfig, shared: &Shared) -> Result<Vec<Place>, String> {
    if env.core() != CONTROLLER {
        return Ok(Vec::new());
    }
    let places = identify::look(env, &config.data_dirs, |path| shared.unusable(path)).await;
    let metadata = survey_machine::metadata_at(&places).map_err(|refusal| refusal.to_string())?;
    shared.set_metadata_dir(DirNumber(metadata));
    Ok(places)
}

/// What core 0 has read: the metadata, and the cluster's id.
type MetadataRead<E> = Option<(LocalLog<E>, Uuid)>;

/// Core 0 reads the metadata, and tells the others which data directory is which.
async fn read_metadata<E: NetEnv>(
    env: &E,
    config: &BrokerConfig,
    shard: &Shard<E>,
    places: Vec<Place>,
    shared: &Shared,
) -> Result<MetadataRead<E>, String> {
    if env.core() != CONTROLLER {
        return Ok(None);
    }
    let log = LocalLog::open(env.clone(), shard).await.map_err(|error| error.to_string())?;
    let image = log.image();
    check_node(&image, config.node).map_err(|wrong| wrong.to_string())?;
    let metadata = shared.metadata_dir().0;
    let plan = survey_machine::plan(&places, metadata, (&image, config.node), &mut || env.random());
    let plan = plan.map_err(|refusal| refusal.to_string())?;
    identify::write(env, &places, &plan, config.node).await?;
    let cluster = plan.cluster;
    shared.set_directories(take_in(plan));
    Ok(Some((log, cluster)))
}

/// The plan's directories, and words about those that are not where they were.
fn take_in(plan: Plan) -> Vec<DirState> {
    for (id, from) in plan.moved {
        tracing::info!(directory = %id, from = %from.display(), "a data directory is mounted elsewhere than it was");
    }
    for (id, path) in plan.left_out {
        tracing::warn!(directory = %id, path = %path.display(), "a data directory is no longer in log.dirs: its partitions are offline");
    }
    let directory = |planned: survey_machine::Planned| {
        let failure = match planned.state {
            State::Gone(why) => Some(StorageError::DirectoryOffline(why.into())),
            State::Known | State::New => None,
        };
        DirState { id: planned.id, path: planned.path, failure }
    };
    plan.directories.into_iter().map(directory).collect()
}

/// Says which partitions are offline with their data directories.
fn announce_offline<E: NetEnv>(core: &Core<E>) {
    let image = core.image();
    let placed = |id| {
        let all = image.topics().flat_map(|topic| &topic.partitions);
        all.filter(|state| state.directory_on(core.node) == Some(id)).count()
    };
    for directory in core.directories.iter() {
        if let Err(why) = &directory.shard {
            let (path, partitions) = (directory.path.display(), placed(directory.id));
            tracing::error!(directory = %path, partitions, %why, "a data directory is offline, and its partitions with it; the others are served");
        }
    }
    let ours = |id: &DirectoryId| core.directories.get(*id).is_some();
    let all = image.topics().flat_map(|topic| &topic.partitions).filter_map(|state| state.directory_on(core.node));
    let elsewhere = all.filter(|id| !ours(id)).count();
    if elsewhere > 0 {
        tracing::error!(partitions = elsewhere, "partitions are offline: their data directories are not in log.dirs");
    }
}

/// Core 0 registers the node, and tells the others.
async fn start_controller<E: NetEnv>(
    env: &E,
    config: &Arc<BrokerConfig>,
    read: MetadataRead<E>,
    shared: &Shared,
) -> Result<Option<Rc<NodeController<E>>>, String> {
    let Some((log, cluster)) = read else { return Ok(None) };
    let metadata = shared.metadata_dir().0;
    let mut usable = shared.directories();
    // The metadata's first: without a file of its own, its id is found by that.
    usable.swap(0, metadata);
    let directories = usable.into_iter().filter(|one| one.failure.is_none()).map(|one| one.id).collect();
    let started = Controller::start(env.clone(), log, config.clone(), Found { cluster, directories }).await;
    let (controller, moves) = started.map_err(|error| error.to_string())?;
    if !moves.is_empty() {
        tracing::info!(partitions = moves.len(), cores = config.cores, "partitions move to other cores");
    }
    shared.set_image(controller.image());
    Ok(Some(controller))
}

/// From here on what the controller commits reaches every core.
fn publish<E: NetEnv>(core: &Rc<Core<E>>, controller: Rc<NodeController<E>>) {
    let handle = Rc::new(Handle { controller: controller.clone() });
    assert!(core.controller.set(handle).is_ok(), "the controller starts once");
    let core = core.clone();
    let to_all = controller.clone();
    controller.publish_to(Box::new(move |image: Arc<ClusterImage>| {
        for peer in (0..core.cores()).map(CoreId).filter(|peer| *peer != core.id) {
            core.router.mailbox().note(peer, CoreMessage::Image(image.clone()));
        }
        let (core, controller) = (core.clone(), to_all.clone());
        core.env.clone().spawn(Lane::Latency, async move {
            let version = image.version();
            core.publish(image);
            controller.applied(core.id, version);
        });
    }));
}

struct Handle<E: NetEnv> {
    controller: Rc<NodeController<E>>,
}

impl<E: NetEnv> router::metadata::Controller for Handle<E> {
    fn call(&self, call: MetadataCall) -> std::pin::Pin<Box<dyn Future<Output = MetadataAnswer>>> {
        let controller = self.controller.clone();
        Box::pin(async move { controller.call(call).await })
    }

    fn applied(&self, core: CoreId, version: ImageVersion) {
        self.controller.applied(core, version);
    }
}

/// Retention, until the core stops.
async fn keep_up<E: NetEnv>(core: Rc<Core<E>>) {
    while !core.connections.stopping() {
        core.env.sleep(core.config.retention_check_interval).await;
        let expiration = core.settings().number("producer.id.expiration.ms");
        for shard in core.directories.shards().filter(|shard| shard.failure().is_none()) {
            if let Err(error) = shard.run_retention(expiration).await {
                tracing::warn!(core = core.id.0, %error, "retention failed");
            }
        }
    }
}

/// Posts the core's figures, until it stops.
async fn report<E: NetEnv>(core: Rc<Core<E>>, shared: Arc<Shared>) {
    while !core.connections.stopping() {
        let snapshot = CoreSnapshot::take(&core);
        let loading = snapshot.coordinators_loading > 0;
        shared.board().post(snapshot);
        core.env.sleep(if loading { METRICS_INTERVAL_LOADING } else { METRICS_INTERVAL }).await;
    }
}

/// Answers what was asked, then writes everything down. All cores meet in between: none is asked any more.
async fn end<E: NetEnv>(core: &Rc<Core<E>>, step: &shared::Steps<E>) -> Result<(), Stopped> {
    core.connections.stop();
    let deadline = core.env.now().after(DRAIN);
    while (core.connections.count() > 0 || core.moves.running() || core.transfers.running())
        && core.env.now() < deadline
    {
        core.env.sleep(Duration::from_millis(10)).await;
    }
    step.meet().await;
    for shard in core.directories.shards().filter(|shard| shard.failure().is_none()) {
        if let Err(error) = shard.close().await {
            tracing::error!(core = core.id.0, %error, "a shard could not be closed in order; the next start recovers it");
        }
    }
    step.meet().await;
    Ok(())
}
