//! Shards at a start: in every data directory, every one that is found is opened by some core, and logs move to the shard
//! of the core that the metadata names, by steps that a crash may interrupt anywhere: a log is released, then adopted, then
//! forgotten, and where a crash leaves two claims the greater one counts. Logs do not leave their directory at a start; of
//! one that was on its way to another while the node ran, the copy that the metadata does not name is dropped.
//!
//! A directory in which any of that fails is given up by all cores, but for the metadata's: without that nothing starts.

use std::{cell::RefCell, path::Path, rc::Rc};

use corelog_storage::{
    buffer::BufferPool,
    error::StorageError,
    ids::LogId,
    journal::JournalOptions,
    shard::{Shard, ShardId, ShardOptions},
};

use crate::{
    config::BrokerConfig,
    core::env::{CoreId, NetEnv},
    directories::{
        Directories, Directory,
        mutant::{self, Mutant},
    },
    limits,
    metadata::{
        ids::{DirectoryId, METADATA_LOG},
        image::ClusterImage,
    },
    router::metadata::CONTROLLER,
    serve::shared::{DirNumber, Shared, Steps, Stopped},
};

/// Memory of a core that is touched before it is needed.
const TOUCH_AHEAD: usize = 4 << 20;

/// The shards that one core opened in one data directory.
pub(super) struct Opened<E: NetEnv> {
    number: DirNumber,
    /// The core's own.
    pub(super) own: Rc<Shard<E>>,
    /// Its share of those of cores that are no more.
    rest: Vec<(ShardId, Rc<Shard<E>>)>,
    /// Logs on their way to other shards.
    leaving: RefCell<Vec<(Rc<Shard<E>>, LogId)>>,
}

impl<E: NetEnv> Opened<E> {
    fn all(&self, me: CoreId) -> impl Iterator<Item = (ShardId, &Rc<Shard<E>>)> {
        let rest = self.rest.iter().map(|(id, shard)| (*id, shard));
        std::iter::once((ShardId(me.0), &self.own)).chain(rest)
    }

    fn stop_serving(&self, me: CoreId, shared: &Shared) {
        if let Some(why) = shared.given_up(self.number) {
            self.all(me).for_each(|(_, shard)| shard.stop_serving(why.clone()));
        }
    }
}

/// What the shards of one core share.
pub(super) fn options(config: &BrokerConfig) -> ShardOptions {
    let memory = config.memory_per_core() as usize;
    let directories = config.data_dirs.len();
    ShardOptions {
        pool: BufferPool::new(memory / 8 * 5, TOUCH_AHEAD),
        cache_bytes: memory / 2 / directories,
        cache_begins: limits::CACHE_BEGINS / directories,
        read_bytes: memory / 8 / directories,
        journal: JournalOptions::of_size(config.journal_bytes),
    }
}

/// Opens this core's shard in a directory, and its share of those that no core has.
pub(super) async fn open<E: NetEnv>(
    env: &E,
    config: &BrokerConfig,
    shared: &Shared,
    number: DirNumber,
    options: &ShardOptions,
) -> Result<Opened<E>, String> {
    let (me, dir) = (env.core().0, &config.data_dirs[number.0]);
    let found = Shard::list(env, dir).await.map_err(|error| error.to_string())?;
    let surplus = found.into_iter().filter(|shard| shard.0 >= config.cores && shard.0 % config.cores == me);
    let mut shards = Vec::new();
    for id in std::iter::once(ShardId(me)).chain(surplus) {
        match open_one(env, dir, id, options, shared, number).await {
            Ok(shard) => shards.push((id, shard)),
            Err(error) => {
                let why = StorageError::DirectoryOffline(error.clone().into());
                shards.iter().for_each(|(_, shard): &(_, Rc<Shard<E>>)| shard.stop_serving(why.clone()));
                return Err(error);
            }
        }
    }
    let own = shards.remove(0).1;
    Ok(Opened { number, own, rest: shards, leaving: RefCell::default() })
}

async fn open_one<E: NetEnv>(
    env: &E,
    dir: &Path,
    id: ShardId,
    options: &ShardOptions,
    shared: &Shared,
    number: DirNumber,
) -> Result<Rc<Shard<E>>, String> {
    let opened = Shard::open_among(env.clone(), dir, id, options.clone()).await;
    let (shard, report) = opened.map_err(|error| format!("shard {}: {error}", id.0))?;
    if report.suspect {
        tracing::error!(shard = id.0, "acknowledged records may be missing: something durable could not be read");
    }
    tracing::debug!(shard = id.0, dir = %dir.display(), ?report, "shard recovered");
    for log in &report.mended {
        tracing::info!(log = %log, "a partition that was offline is served again: what was damaged is whole");
    }
    for (log, error) in shard.offline() {
        if log == METADATA_LOG {
            return Err(format!("the cluster's metadata cannot be read: {error}"));
        }
        tracing::error!(log = %log, %error, "a partition is offline until its file is restored and the broker restarted, or its topic deleted");
    }
    shared.claim(number, id, shard.claims());
    shared.note_offline(number, id, shard.offline());
    Ok(shard)
}

/// Opens the shards in the other directories, those that are there; all cores meet at the end.
pub(super) async fn open_others<E: NetEnv>(
    step: &Steps<E>,
    config: &BrokerConfig,
    metadata: Opened<E>,
    options: &ShardOptions,
) -> Result<Vec<Opened<E>>, Stopped> {
    let (me, shared) = (step.env.core(), &step.shared);
    let mut all = vec![metadata];
    let mut outcome = Ok(());
    for number in (0..config.data_dirs.len()).map(DirNumber) {
        if number == all[0].number || shared.given_up(number).is_some() {
            continue;
        }
        match open(&step.env, config, shared, number, options).await {
            Ok(opened) => all.push(opened),
            Err(error) if mutant::active(Mutant::FailTogether) => outcome = Err(error),
            Err(error) => shared.give_up(number, error),
        }
    }
    step.take(outcome).await?;
    all.iter().for_each(|opened| opened.stop_serving(me, shared));
    Ok(all)
}

/// The directories as the core has them from here on.
pub(super) fn directories<E: NetEnv>(env: &E, shared: &Shared, opened: Vec<Opened<E>>) -> Directories<E> {
    opened.iter().for_each(|opened| opened.stop_serving(env.core(), shared));
    let metadata = shared.metadata_dir();
    let of = |number: DirNumber| opened.iter().find(|opened| opened.number == number).map(|opened| opened.own.clone());
    let all = shared.directories().into_iter().enumerate().map(|(number, state)| {
        let number = DirNumber(number);
        let shard = match state.failure {
            Some(why) => Err(why),
            None => Ok(of(number).expect("every core opens its shard in a directory that is not given up")),
        };
        Directory { id: state.id, path: state.path, holds_metadata: number == metadata, shard }
    });
    Directories::new(all.collect())
}

/// Where a log belongs: `None` if its topic is gone.
fn home(
    step: &Steps<impl NetEnv>,
    image: &ClusterImage,
    config: &BrokerConfig,
    log: LogId,
) -> Option<(DirectoryId, CoreId)> {
    if log == METADATA_LOG {
        return Some((step.shared.directories()[step.shared.metadata_dir().0].id, CONTROLLER));
    }
    let state = image.partition(log)?;
    let mut directory = state.directory_on(config.node)?;
    if mutant::active(Mutant::LaterCopyCounts) {
        let all = step.shared.directories();
        let mut others = all.iter().enumerate().filter(|(_, other)| other.id != directory);
        let later = others.find(|(number, _)| step.shared.is_later(DirNumber(*number), directory, log));
        directory = later.map_or(directory, |(_, later)| later.id);
    }
    Some((directory, state.core_on(config.node)?))
}

/// Brings every log to its core, deletes those of deleted topics, and gives up shards that no core has.
pub(super) async fn settle<E: NetEnv>(
    step: &Steps<E>,
    config: &BrokerConfig,
    all: &mut [Opened<E>],
) -> Result<(), Stopped> {
    phase(step, all, async |opened| let_go(step, config, opened).await).await?;
    phase(step, all, async |opened| adopt(step, opened).await).await?;
    phase(step, all, async |opened| forget(opened).await).await?;
    phase(step, all, async |opened| remove(step, config, opened).await).await
}

/// Takes a step in every directory that is not given up; all cores meet at the end.
async fn phase<E: NetEnv>(
    step: &Steps<E>,
    all: &mut [Opened<E>],
    mut act: impl AsyncFnMut(&mut Opened<E>) -> Result<(), String>,
) -> Result<(), Stopped> {
    let mut outcome = Ok(());
    for opened in all.iter_mut() {
        let number = opened.number;
        if step.shared.given_up(number).is_some() {
            continue;
        }
        match act(opened).await {
            Ok(()) => {}
            Err(error) if number == step.shared.metadata_dir() => outcome = Err(error),
            Err(error) => step.shared.give_up(number, error),
        }
    }
    step.take(outcome).await
}

/// Releases what belongs to other cores.
async fn let_go<E: NetEnv>(step: &Steps<E>, config: &BrokerConfig, opened: &mut Opened<E>) -> Result<(), String> {
    let (image, number) = (step.shared.image(), opened.number);
    let here = step.shared.directories()[number.0].id;
    let stays = mutant::active(Mutant::MoveInOneDirectory) && number != step.shared.metadata_dir();
    for (id, shard) in opened.all(step.env.core()) {
        shard.remove_deleted(|log| step.shared.owner_of(number, log).is_some()).await;
        for (log, _) in shard.claims() {
            let fail = |error| format!("log {log} of shard {}: {error}", id.0);
            // A log made since, the metadata's at a first start, has no claim noted and is nobody else's.
            if step.shared.owner_of(number, log).is_some_and(|owner| owner != id) {
                // What a crash left behind: another shard's claim counts.
                shard.forget(log).await.map_err(fail)?;
                continue;
            }
            match home(step, &image, config, log) {
                Some((directory, core)) if core.0 == id.0 && directory == here || stays => {}
                // It stays where its records are set aside.
                Some(_) if step.shared.is_offline(number, id, log) => {}
                Some((directory, _)) if directory != here && step.shared.is_whole(directory, log) => {
                    drop_other(step, opened, (id, shard), directory, log).await.map_err(fail)?;
                }
                Some((directory, _)) if directory != here => {
                    tracing::warn!(log = %log, %directory, "a partition's log is kept, though it belongs to another data directory");
                }
                Some((_, core)) => {
                    step.shared.hand_over(number, core, shard.release(log).await.map_err(fail)?);
                    opened.leaving.borrow_mut().push((shard.clone(), log));
                }
                None => match shard.delete_log(log).await {
                    Err(error) if shard.failure().is_some() => return Err(fail(error)),
                    // It is deleted all the same; some file of it will not go.
                    Err(error) => tracing::warn!(log = %log, %error, "a deleted log's files could not be removed"),
                    Ok(()) => {}
                },
            }
        }
    }
    Ok(())
}

/// Drops a copy that does not count, beside the one in `home`: of a move that is behind it, or of one that was not decided,
/// which begins again.
async fn drop_other<E: NetEnv>(
    step: &Steps<E>,
    opened: &Opened<E>,
    (id, shard): (ShardId, &Rc<Shard<E>>),
    home: DirectoryId,
    log: LogId,
) -> Result<(), StorageError> {
    if step.shared.is_later(opened.number, home, log) {
        opened.own.announce_copy(log).await?;
    }
    step.shared.forget_offline(opened.number, id, log);
    match shard.delete_log(log).await {
        Err(error) if shard.failure().is_some() => return Err(error),
        Err(error) => tracing::warn!(log = %log, %error, "files of a log that is elsewhere now could not be removed"),
        Ok(()) => {
            tracing::info!(log = %log, directory = %home, "a log is dropped that is in another data directory now")
        }
    }
    Ok(())
}

async fn adopt<E: NetEnv>(step: &Steps<E>, opened: &Opened<E>) -> Result<(), String> {
    for manifest in step.shared.handed_to(opened.number, step.env.core()) {
        let log = manifest.id;
        opened.own.adopt(manifest).await.map_err(|error| format!("log {log} could not be adopted: {error}"))?;
    }
    Ok(())
}

async fn forget<E: NetEnv>(opened: &Opened<E>) -> Result<(), String> {
    for (shard, log) in opened.leaving.take() {
        shard.forget(log).await.map_err(|error| format!("log {log}: {error}"))?;
    }
    Ok(())
}

/// Closes drained shards of cores that are no more, and removes their files.
async fn remove<E: NetEnv>(step: &Steps<E>, config: &BrokerConfig, opened: &mut Opened<E>) -> Result<(), String> {
    for (id, shard) in std::mem::take(&mut opened.rest) {
        // Logs out of service, and those that belong elsewhere.
        let kept = shard.claims().len();
        shard.close().await.map_err(|error| format!("shard {}: {error}", id.0))?;
        drop(shard);
        if kept > 0 {
            tracing::warn!(shard = id.0, kept, "a shard without a core is kept for its partitions that are offline");
            continue;
        }
        let dir = config.data_dirs[opened.number.0].join("shards").join(id.0.to_string());
        remove_tree(&step.env, &dir).await.map_err(|error| format!("{}: {error}", dir.display()))?;
        tracing::info!(shard = id.0, "a shard without a core was drained and removed");
    }
    Ok(())
}

/// Out of the way by one durable step first: a crash in between leaves a directory that is no shard's.
async fn remove_tree<E: NetEnv>(env: &E, dir: &Path) -> std::io::Result<()> {
    let parent = dir.parent().expect("a shard's directory lies in another");
    let gone = parent.join(format!("removed-{}", dir.file_name().unwrap_or_default().display()));
    // Of an earlier shard of that number, where a crash came in between.
    if env.list(parent).await?.iter().any(|name| gone.ends_with(name)) {
        remove_files(env, &gone).await?;
    }
    env.rename(dir, &gone).await?;
    env.sync_dir(parent).await?;
    remove_files(env, &gone).await
}

async fn remove_files<E: NetEnv>(env: &E, dir: &Path) -> std::io::Result<()> {
    for name in env.list(dir).await? {
        env.remove(&dir.join(name)).await?;
    }
    env.remove(dir).await
}
