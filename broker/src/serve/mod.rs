//! A broker from its start to its end: shards, metadata, placement, listeners; then the same backwards.
//!
//! All cores go through the same steps and meet between them (`Shared::step`), so that what one learns the others know
//! in the next: 1. bind; 2. open shards; 3. core 0 reads the metadata and registers the node; 4. logs move to the cores
//! that own them; 5. every core leads its partitions; 6. accept. A step that fails on one core ends all of them.

pub mod listen;
pub mod shards;
pub mod shared;

use std::{rc::Rc, sync::Arc, time::Duration};

use corelog_storage::{env::Lane, shard::Shard};

use crate::{
    config::BrokerConfig,
    core::{
        env::{CoreId, NetEnv},
        stop::{Rendezvous, Stop},
    },
    core_state::{Core, CoreParts},
    limits::{CONNECTIONS_SHARE, METRICS_INTERVAL, METRICS_INTERVAL_LOADING},
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        controller::driver::Controller,
        image::{ClusterImage, ImageVersion},
        local_log::LocalLog,
    },
    metrics::{board::Life, snapshot::CoreSnapshot},
    net::listener::accept_loop,
    router::{self, CoreMessage, Seat, metadata::CONTROLLER},
    serve::shared::{Shared, Stopped},
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
    let opened = step.take(shards::open(&env, &config, &shared).await).await?;
    let (own, rest) = opened.split(env.core());
    let controller = step.take(start_controller(&env, &config, &own, &shared).await).await?;
    shards::settle(&step, &config, &own, rest).await?;

    let endpoints = shared.endpoints(&config);
    let connection_memory = config.memory_per_core() as usize / CONNECTIONS_SHARE;
    let parts = CoreParts {
        env: env.clone(),
        config: config.clone(),
        endpoints,
        shard: own,
        offline: shared.offline(),
        seat,
        admission: shared.admission.clone(),
        loggers: shared.loggers.clone(),
        connection_memory,
    };
    let core = Core::start(parts);
    core.publish(shared.image()).await;
    step.take(Ok::<_, String>(())).await?;
    if let Some(controller) = controller {
        publish(&core, controller);
    }
    env.spawn(Lane::Background, keep_up(core.clone()));
    if config.metrics.is_some() {
        env.spawn(Lane::Background, report(core.clone(), shared.clone()));
    }
    for (listener, from) in listeners {
        env.spawn(Lane::Latency, accept_loop(core.clone(), listener, from));
    }
    if env.core() == CONTROLLER {
        shared.announce(&config);
    }
    stop.requested(&env).await;
    if env.core() == CONTROLLER {
        shared.set_life(Life::Stopping);
    }
    end(&core, &step).await
}

/// Core 0 opens the metadata, registers the node, and tells the others.
async fn start_controller<E: NetEnv>(
    env: &E,
    config: &Arc<BrokerConfig>,
    shard: &Shard<E>,
    shared: &Shared,
) -> Result<Option<Rc<NodeController<E>>>, String> {
    if env.core() != CONTROLLER {
        return Ok(None);
    }
    let log = LocalLog::open(env.clone(), shard).await.map_err(|error| error.to_string())?;
    let started = Controller::start(env.clone(), log, config.clone()).await;
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
            core.publish(image).await;
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
        if let Err(error) = core.shard.run_retention(core.settings().number("producer.id.expiration.ms")).await {
            tracing::warn!(core = core.id.0, %error, "retention failed");
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
    while core.connections.count() > 0 && core.env.now() < deadline {
        core.env.sleep(Duration::from_millis(10)).await;
    }
    step.meet().await;
    let closed = core.shard.close().await;
    if let Err(error) = &closed {
        tracing::error!(core = core.id.0, %error, "the shard could not be closed in order; the next start recovers it");
    }
    step.meet().await;
    Ok(())
}
