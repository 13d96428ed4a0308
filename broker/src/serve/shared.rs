//! What the cores tell each other while they start, when there are no mailboxes yet.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use corelog_storage::{
    error::StorageError,
    ids::LogId,
    shard::{Generation, LogManifest, ShardId},
};

use crate::{
    config::{
        BrokerConfig,
        definition::Effect,
        listener::{Advertises, Endpoint},
    },
    core::{
        env::{CoreId, NetEnv},
        stop::{Rendezvous, Stop},
    },
    loggers::Loggers,
    metadata::{ids::DirectoryId, image::ClusterImage},
    metrics::board::{Board, Life},
    net::{admission::Admission, listener::Endpoints},
    partition::offline::OfflineLogs,
};

/// Shared by the cores of a node.
#[derive(Default)]
pub struct Shared {
    state: Mutex<State>,
    board: Board,
    /// The node's count of connections.
    pub(super) admission: Admission,
    /// Paths of `log.dirs` that could not be taken for this process, and why.
    unusable: BTreeMap<PathBuf, String>,
    /// What the node's log tells.
    pub loggers: Arc<Loggers>,
    /// Told when the node begins to serve, and when it is to end.
    watcher: OnceLock<fn(Life)>,
}

#[derive(Default)]
struct State {
    failure: Option<String>,
    /// The bound port, by listener and core.
    ports: BTreeMap<(usize, CoreId), u16>,
    image: Arc<ClusterImage>,
    /// The directory with the metadata.
    metadata: DirNumber,
    /// In the order of `log.dirs`.
    directories: Vec<DirState>,
    claims: BTreeMap<(DirNumber, LogId), Vec<(Generation, ShardId)>>,
    offline: BTreeMap<(DirNumber, ShardId, LogId), StorageError>,
    manifests: BTreeMap<(DirNumber, CoreId), Vec<LogManifest>>,
}

/// Which entry of `log.dirs`, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct DirNumber(pub(super) usize);

/// A data directory while the node starts.
#[derive(Clone, Debug)]
pub(super) struct DirState {
    pub(super) id: DirectoryId,
    pub(super) path: PathBuf,
    /// Why it is offline.
    pub(super) failure: Option<StorageError>,
}

/// The start ends here: some core failed, or the node is told to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped;

impl Shared {
    /// For cores that log by `loggers`, and have to do without these data directories.
    pub fn new(loggers: Arc<Loggers>, unusable: BTreeMap<PathBuf, String>) -> Self {
        Self { loggers, unusable, ..Self::default() }
    }

    /// Why a data directory cannot be used by this process.
    pub(super) fn unusable(&self, path: &Path) -> Option<String> {
        self.unusable.get(path).cloned()
    }

    /// Where the cores post their figures.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Has `watcher` told when the node begins to serve, and when it is to end.
    pub fn watch_life(&self, watcher: fn(Life)) {
        assert!(self.watcher.set(watcher).is_ok(), "one watcher");
    }

    /// The node is so far now.
    pub(super) fn set_life(&self, life: Life) {
        self.board.set_life(life);
        if let Some(watcher) = self.watcher.get() {
            watcher(life);
        }
    }

    /// Why the node could not start, if it could not.
    pub fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    pub(super) fn image(&self) -> Arc<ClusterImage> {
        self.lock().image.clone()
    }

    pub(super) fn set_image(&self, image: Arc<ClusterImage>) {
        self.lock().image = image;
    }

    pub(super) fn set_port(&self, listener: usize, core: CoreId, port: u16) {
        self.lock().ports.insert((listener, core), port);
    }

    /// What clients are told, with the ports that the system chose where it did.
    pub fn endpoints(&self, config: &BrokerConfig) -> Endpoints {
        let state = self.lock();
        let bound = |listener, core| state.ports.get(&(listener, core)).copied().unwrap_or_default();
        let listeners = config.listeners.iter().enumerate().map(|(number, listener)| {
            let told = &listener.advertised;
            let cores = if listener.advertises == Advertises::Cores { config.cores } else { 1 };
            let endpoint = |core: u16| Endpoint {
                host: told.host.clone(),
                port: if told.port == 0 { bound(number, CoreId(core)) } else { told.port + core },
            };
            (0..cores).map(endpoint).collect()
        });
        Endpoints { listeners: listeners.collect() }
    }

    /// Says that the broker serves, and where it is to be found.
    pub(super) fn announce(&self, config: &BrokerConfig) {
        self.set_life(Life::Serving);
        let endpoints = self.endpoints(config);
        for (listener, told) in config.listeners.iter().zip(&endpoints.listeners) {
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            tracing::info!(listener = %listener.name, address = %told.join(","), "listening");
        }
        for key in config.settings.in_file().filter(|key| key.effect != Effect::Obeyed) {
            tracing::warn!(key = key.name, purpose = key.purpose, "a key of the configuration changes nothing here");
        }
        tracing::info!(
            node = config.node.0,
            cores = config.cores,
            memory_mib = config.memory >> 20,
            data = %config.data_dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(","),
            "ready"
        );
    }

    pub(super) fn metadata_dir(&self) -> DirNumber {
        self.lock().metadata
    }

    pub(super) fn set_metadata_dir(&self, number: DirNumber) {
        self.lock().metadata = number;
    }

    pub(super) fn directories(&self) -> Vec<DirState> {
        self.lock().directories.clone()
    }

    pub(super) fn set_directories(&self, directories: Vec<DirState>) {
        self.lock().directories = directories;
    }

    /// Goes on without a data directory; the first reason counts.
    pub(super) fn give_up(&self, number: DirNumber, why: String) {
        let failure = &mut self.lock().directories[number.0].failure;
        failure.get_or_insert(StorageError::DirectoryOffline(why.into()));
    }

    /// Why the node goes on without a data directory, if it does.
    pub(super) fn given_up(&self, number: DirNumber) -> Option<StorageError> {
        self.lock().directories[number.0].failure.clone()
    }

    pub(super) fn claim(&self, directory: DirNumber, shard: ShardId, claims: Vec<(LogId, Generation)>) {
        let mut state = self.lock();
        for (log, generation) in claims {
            state.claims.entry((directory, log)).or_default().push((generation, shard));
        }
    }

    /// The shard of a directory whose claim to a log counts: the greatest.
    pub(super) fn owner_of(&self, directory: DirNumber, log: LogId) -> Option<ShardId> {
        self.lock().claims.get(&(directory, log))?.iter().max().map(|(_, shard)| *shard)
    }

    /// Whether a directory has a log, and can serve it.
    pub(super) fn is_whole(&self, directory: DirectoryId, log: LogId) -> bool {
        let Some(number) = self.number_of(directory).filter(|number| self.given_up(*number).is_none()) else {
            return false;
        };
        self.owner_of(number, log).is_some_and(|shard| !self.is_offline(number, shard, log))
    }

    /// Whether a directory has a later copy of a log than `other` has: a move to it was not decided.
    pub(super) fn is_later(&self, directory: DirNumber, other: DirectoryId, log: LogId) -> bool {
        let other = self.number_of(other);
        let state = self.lock();
        let generation = |number: DirNumber| state.claims.get(&(number, log))?.iter().max().map(|claim| claim.0);
        generation(directory) >= other.and_then(generation)
    }

    fn number_of(&self, directory: DirectoryId) -> Option<DirNumber> {
        self.lock().directories.iter().position(|one| one.id == directory).map(DirNumber)
    }

    /// What a shard cannot serve is not wanted of it.
    pub(super) fn forget_offline(&self, directory: DirNumber, shard: ShardId, log: LogId) {
        self.lock().offline.remove(&(directory, shard, log));
    }

    /// Logs of a shard that it cannot serve.
    pub(super) fn note_offline(&self, directory: DirNumber, shard: ShardId, logs: Vec<(LogId, StorageError)>) {
        self.lock().offline.extend(logs.into_iter().map(|(log, error)| ((directory, shard, log), error)));
    }

    /// Whether the shard, whose claim counts, cannot serve its log.
    pub(super) fn is_offline(&self, directory: DirNumber, shard: ShardId, log: LogId) -> bool {
        self.lock().offline.contains_key(&(directory, shard, log))
    }

    /// Logs that no core of the node can serve.
    pub(super) fn offline(&self) -> Arc<OfflineLogs> {
        let offline = self.lock().offline.clone();
        let counts =
            offline.into_iter().filter(|((directory, shard, log), _)| self.owner_of(*directory, *log) == Some(*shard));
        Arc::new(counts.map(|((.., log), error)| (log, error)).collect())
    }

    pub(super) fn hand_over(&self, directory: DirNumber, to: CoreId, manifest: LogManifest) {
        self.lock().manifests.entry((directory, to)).or_default().push(manifest);
    }

    pub(super) fn handed_to(&self, directory: DirNumber, core: CoreId) -> Vec<LogManifest> {
        self.lock().manifests.remove(&(directory, core)).unwrap_or_default()
    }

    fn fail(&self, what: String) {
        self.lock().failure.get_or_insert(what);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A core's way through the steps.
pub(super) struct Steps<E> {
    pub(super) env: E,
    pub(super) shared: Arc<Shared>,
    pub(super) rendezvous: Rendezvous,
    pub(super) stop: Stop,
}

impl<E: NetEnv> Steps<E> {
    /// Ends a step: when every core has come this far, all go on, or none.
    pub(super) async fn take<T>(&self, outcome: Result<T, impl fmt::Display>) -> Result<T, Stopped> {
        let outcome = outcome.map_err(|error| self.shared.fail(error.to_string()));
        self.meet().await;
        let failed = self.shared.failure().is_some();
        match outcome {
            Ok(value) if !failed && !self.stop.is_requested() => Ok(value),
            _ => {
                // Everybody looks at the same state before anybody leaves.
                self.meet().await;
                Err(Stopped)
            }
        }
    }

    pub(super) async fn meet(&self) {
        self.rendezvous.meet(&self.env).await;
    }
}
