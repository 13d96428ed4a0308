//! Shards at a start: every one that is found is opened by some core, and logs move to the shard of the core that the
//! metadata names, by steps that a crash may interrupt anywhere: a log is released, then adopted, then forgotten, and
//! where a crash leaves two claims the greater one counts.

use std::{path::Path, rc::Rc};

use corelog_storage::{
    buffer::BufferPool,
    ids::LogId,
    journal::JournalOptions,
    shard::{Shard, ShardId, ShardOptions},
};

use crate::{
    config::BrokerConfig,
    core::env::{CoreId, NetEnv},
    metadata::{ids::METADATA_LOG, image::ClusterImage},
    router::metadata::CONTROLLER,
    serve::shared::{Shared, Steps, Stopped},
};

/// Memory of a core that is touched before it is needed.
const TOUCH_AHEAD: usize = 4 << 20;

/// The shards that one core opened.
pub(super) struct Opened<E: NetEnv> {
    shards: Vec<(ShardId, Rc<Shard<E>>)>,
}

impl<E: NetEnv> Opened<E> {
    /// The core's own, and those of cores that are no more.
    pub(super) fn split(self, core: CoreId) -> (Rc<Shard<E>>, Vec<(ShardId, Rc<Shard<E>>)>) {
        let (own, rest): (Vec<_>, Vec<_>) = self.shards.into_iter().partition(|(id, _)| id.0 == core.0);
        let own = own.into_iter().next().expect("every core opens its own shard").1;
        (own, rest)
    }
}

/// Opens this core's shard, and its share of those that no core has.
pub(super) async fn open<E: NetEnv>(env: &E, config: &BrokerConfig, shared: &Shared) -> Result<Opened<E>, String> {
    let me = env.core().0;
    let found = Shard::list(env, &config.data_dir).await.map_err(|error| error.to_string())?;
    let surplus = found.into_iter().filter(|shard| shard.0 >= config.cores && shard.0 % config.cores == me);
    let mut shards = Vec::new();
    let options = options(config);
    for id in std::iter::once(ShardId(me)).chain(surplus) {
        let opened = Shard::open(env.clone(), &config.data_dir, id, options.clone()).await;
        let (shard, report) = opened.map_err(|error| format!("shard {}: {error}", id.0))?;
        if report.suspect {
            tracing::error!(shard = id.0, "acknowledged records may be missing: something durable could not be read");
        }
        tracing::debug!(shard = id.0, ?report, "shard recovered");
        for log in &report.mended {
            tracing::info!(log = %log, "a partition that was offline is served again: what was damaged is whole");
        }
        for (log, error) in shard.offline() {
            if log == METADATA_LOG {
                return Err(format!("the cluster's metadata cannot be read: {error}"));
            }
            tracing::error!(log = %log, %error, "a partition is offline until its file is restored and the broker restarted, or its topic deleted");
        }
        shared.claim(id, shard.claims());
        shared.note_offline(id, shard.offline());
        shards.push((id, shard));
    }
    Ok(Opened { shards })
}

fn options(config: &BrokerConfig) -> ShardOptions {
    let memory = config.memory_per_core() as usize;
    ShardOptions {
        pool: BufferPool::new(memory / 8 * 5, TOUCH_AHEAD),
        cache_bytes: memory / 2,
        read_bytes: memory / 8,
        journal: JournalOptions::of_size(config.journal_bytes),
    }
}

/// Where a log belongs: `None` if its topic is gone.
fn home(image: &ClusterImage, config: &BrokerConfig, log: LogId) -> Option<CoreId> {
    if log == METADATA_LOG {
        return Some(CONTROLLER);
    }
    image.partition(log)?.core_on(config.node)
}

/// Brings every log to its core, deletes those of deleted topics, and gives up shards that no core has.
pub(super) async fn settle<E: NetEnv>(
    step: &Steps<E>,
    config: &BrokerConfig,
    own: &Rc<Shard<E>>,
    rest: Vec<(ShardId, Rc<Shard<E>>)>,
) -> Result<(), Stopped> {
    let me = step.env.core();
    let mut shards = vec![(ShardId(me.0), own.clone())];
    shards.extend(rest.iter().cloned());
    let mut leaving = Vec::new();
    let mut outcome = Ok(());
    for (id, shard) in &shards {
        match let_go(step, config, *id, shard).await {
            Ok(logs) => leaving.extend(logs.into_iter().map(|log| (shard.clone(), log))),
            Err(error) => outcome = Err(error),
        }
    }
    step.take(outcome).await?;
    step.take(adopt(step, own).await).await?;
    step.take(forget(&leaving).await).await?;
    step.take(remove(step, config, rest).await).await
}

/// Releases what belongs elsewhere; returns it.
async fn let_go<E: NetEnv>(
    step: &Steps<E>,
    config: &BrokerConfig,
    id: ShardId,
    shard: &Shard<E>,
) -> Result<Vec<LogId>, String> {
    let image = step.shared.image();
    let mut leaving = Vec::new();
    for (log, _) in shard.claims() {
        let fail = |error| format!("log {log} of shard {}: {error}", id.0);
        // A log made since, the metadata's at a first start, has no claim noted and is nobody else's.
        if step.shared.owner_of(log).is_some_and(|owner| owner != id) {
            // What a crash left behind: another shard's claim counts.
            shard.forget(log).await.map_err(fail)?;
            continue;
        }
        match home(&image, config, log) {
            Some(core) if core.0 == id.0 => {}
            // It stays where its records are set aside.
            Some(_) if step.shared.is_offline(id, log) => {}
            Some(core) => {
                step.shared.hand_over(core, shard.release(log).await.map_err(fail)?);
                leaving.push(log);
            }
            None => match shard.delete_log(log).await {
                Err(error) if shard.failure().is_some() => return Err(fail(error)),
                // It is deleted all the same; some file of it will not go.
                Err(error) => tracing::warn!(log = %log, %error, "a deleted log's files could not be removed"),
                Ok(()) => {}
            },
        }
    }
    Ok(leaving)
}

async fn adopt<E: NetEnv>(step: &Steps<E>, own: &Shard<E>) -> Result<(), String> {
    for manifest in step.shared.handed_to(step.env.core()) {
        let log = manifest.id;
        own.adopt(manifest).await.map_err(|error| format!("log {log} could not be adopted: {error}"))?;
    }
    Ok(())
}

async fn forget<E: NetEnv>(leaving: &[(Rc<Shard<E>>, LogId)]) -> Result<(), String> {
    for (shard, log) in leaving {
        shard.forget(*log).await.map_err(|error| format!("log {log}: {error}"))?;
    }
    Ok(())
}

/// Closes drained shards of cores that are no more, and removes their files.
async fn remove<E: NetEnv>(
    step: &Steps<E>,
    config: &BrokerConfig,
    rest: Vec<(ShardId, Rc<Shard<E>>)>,
) -> Result<(), String> {
    for (id, shard) in rest {
        let left = shard.claims();
        let offline = left.iter().filter(|(log, _)| step.shared.is_offline(id, *log)).count();
        assert!(left.len() == offline, "a shard is removed once it is drained: {left:?}");
        shard.close().await.map_err(|error| format!("shard {}: {error}", id.0))?;
        drop(shard);
        if offline > 0 {
            tracing::warn!(shard = id.0, offline, "a shard without a core is kept for its partitions that are offline");
            continue;
        }
        let dir = config.data_dir.join("shards").join(id.0.to_string());
        remove_tree(&step.env, &dir).await.map_err(|error| format!("{}: {error}", dir.display()))?;
        tracing::info!(shard = id.0, "a shard without a core was drained and removed");
    }
    Ok(())
}

/// Out of the way by one durable step first: a crash in between leaves a directory that is no shard's.
async fn remove_tree<E: NetEnv>(env: &E, dir: &Path) -> std::io::Result<()> {
    let parent = dir.parent().expect("a shard's directory lies in another");
    let gone = parent.join(format!("removed-{}", dir.file_name().unwrap_or_default().display()));
    env.rename(dir, &gone).await?;
    env.sync_dir(parent).await?;
    for name in env.list(&gone).await? {
        env.remove(&gone.join(name)).await?;
    }
    env.remove(&gone).await
}
