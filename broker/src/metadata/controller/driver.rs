//! Runs the controller on core 0: decides calls in order, commits what they lead to, publishes images, and answers when
//! every core acts by them, so that who created a topic can use it on any core at once.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
};

use corelog_storage::env::{Env, Lane};
use corelog_wire::error_code::ErrorCode;

use super::machine::ControllerMachine;
use crate::{
    config::BrokerConfig,
    core::env::CoreId,
    metadata::{
        call::{MetadataAnswer, MetadataCall, Refusal},
        controller::start::{Found, WrongNode},
        image::{ClusterImage, ImageVersion},
        log::{MetadataError, MetadataLog},
    },
    placement::Move,
};

/// Gives a new image to every core of the node.
pub type Publish = Box<dyn Fn(Arc<ClusterImage>)>;

/// The controller of a node, on core 0.
pub struct Controller<E: Env, L: MetadataLog> {
    env: E,
    log: L,
    machine: RefCell<ControllerMachine>,
    applied: RefCell<Applied>,
}

/// Which image each core acts by.
struct Applied {
    cores: BTreeMap<CoreId, ImageVersion>,
    waiting: Vec<Waker>,
}

/// Why a controller could not start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StartError {
    /// The directory is another node's.
    WrongNode(WrongNode),
    /// The log of metadata fails.
    Log(MetadataError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongNode(wrong) => wrong.fmt(f),
            Self::Log(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl<E: Env, L: MetadataLog> Controller<E, L> {
    /// Registers the node and places its partitions on its cores; committed on return. The moves are for the caller to
    /// carry out before anything is served.
    pub async fn start(
        env: E,
        log: L,
        config: Arc<BrokerConfig>,
        found: Found,
    ) -> Result<(Rc<Self>, Vec<Move>), StartError> {
        let cores = (0..config.cores).map(|core| (CoreId(core), ImageVersion(0))).collect();
        let mut machine = ControllerMachine::new(config, (*log.image()).clone());
        let start = machine.start(found, &mut || env.random()).map_err(StartError::WrongNode)?;
        log.propose(start.records).await.map_err(StartError::Log)?;
        let applied = Applied { cores, waiting: Vec::new() };
        let machine = RefCell::new(machine);
        Ok((Rc::new(Self { env, log, machine, applied: RefCell::new(applied) }), start.moves))
    }

    /// The newest committed image.
    pub fn image(&self) -> Arc<ClusterImage> {
        self.log.image()
    }

    /// Publishes every image committed from now on, the present one first.
    pub fn publish_to(self: &Rc<Self>, publish: Publish) {
        let controller = self.clone();
        self.env.clone().spawn(Lane::Latency, async move {
            let mut image = controller.log.image();
            loop {
                publish(image.clone());
                image = match controller.log.next(image.version()).await {
                    // What was committed meanwhile goes out at once, as one image.
                    Ok(_) => controller.log.image(),
                    Err(_) => return,
                };
            }
        });
    }

    /// Decides one call; calls are decided in the order in which this is first polled.
    pub async fn call(&self, call: MetadataCall) -> MetadataAnswer {
        let decision = self.machine.borrow_mut().decide(call, self.env.now(), &mut || self.env.random());
        if decision.records.is_empty() {
            return decision.answer;
        }
        match self.log.propose(decision.records).await {
            Ok(version) => {
                self.wait_applied(version).await;
                decision.answer
            }
            Err(error) => {
                tracing::error!(%error, "the cluster's metadata cannot be changed any more");
                MetadataAnswer::Unavailable(Refusal::new(ErrorCode::KafkaStorageError, error.to_string()))
            }
        }
    }

    /// A core acts by the image of `version` from now on.
    pub fn applied(&self, core: CoreId, version: ImageVersion) {
        let mut applied = self.applied.borrow_mut();
        if let Some(present) = applied.cores.get_mut(&core) {
            *present = version.max(*present);
        }
        let waiting = std::mem::take(&mut applied.waiting);
        drop(applied);
        waiting.into_iter().for_each(Waker::wake);
    }

    /// Resolves when every core acts by `version` or a newer one.
    pub async fn wait_applied(&self, version: ImageVersion) {
        poll_fn(|context| {
            let mut applied = self.applied.borrow_mut();
            if applied.cores.values().all(|core| *core >= version) {
                return Poll::Ready(());
            }
            if !applied.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                applied.waiting.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }
}
