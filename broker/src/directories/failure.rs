//! A data directory that fails while the broker runs: a write or a sync did, on some core. It goes offline on all of them,
//! so that all say the same of it, and nothing is placed in it any more; the other directories do not notice.

use std::rc::Rc;

use corelog_storage::{env::Lane, error::StorageError};

use super::mutant::{self, Mutant};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    metadata::{call::MetadataCall, ids::DirectoryId},
    router::{self, CoreMessage},
};

/// Has failures of the core's shards noticed from now on, and what failed already.
pub(crate) fn watch<E: NetEnv>(core: &Rc<Core<E>>) {
    for directory in core.directories.iter() {
        let Ok(shard) = &directory.shard else { continue };
        let (weak, id) = (Rc::downgrade(core), directory.id);
        let notice = move |error: StorageError| {
            let Some(core) = weak.upgrade() else { return };
            core.env.clone().spawn(Lane::Latency, async move { noticed(&core, id, error).await });
        };
        match shard.failure() {
            Some(error) => notice(error),
            None => shard.observe_failure(Rc::new(notice)),
        }
    }
}

/// A shard of this core failed.
async fn noticed<E: NetEnv>(core: &Rc<Core<E>>, id: DirectoryId, error: StorageError) {
    let lost = core.partitions.count();
    if !take_offline(core, id, &error) {
        return;
    }
    let lost = lost - core.partitions.count();
    let Some(directory) = core.directories.get(id) else { return };
    let (path, core_number) = (directory.path.display(), core.id.0);
    tracing::error!(directory = %path, core = core_number, partitions = lost, %error, "a data directory failed: it is offline until the broker is started again; others are served");
    if directory.holds_metadata {
        tracing::error!(directory = %path, "it holds the cluster's metadata: topics and configurations cannot be changed until then");
    }
    if !mutant::active(Mutant::KeepFailureToItself) {
        for peer in (0..core.cores()).map(CoreId).filter(|peer| *peer != core.id) {
            core.router.mailbox().note(peer, CoreMessage::DirectoryFailed(id, error.clone()));
        }
    }
    if !mutant::active(Mutant::PlaceInFailed) {
        let told = router::metadata::call(core, MetadataCall::DirectoryFailed { node: core.node, directory: id }).await;
        if let Err(fault) = told {
            tracing::warn!(directory = %path, %fault, "new partitions may still be placed in it");
        }
    }
}

/// Serves nothing from the directory any more; false if that was so already.
pub(crate) fn take_offline<E: NetEnv>(core: &Rc<Core<E>>, id: DirectoryId, error: &StorageError) -> bool {
    if !core.partitions.offline().fail(id, error.clone()) {
        return false;
    }
    if let Some(shard) = core.directories.shard(id) {
        shard.stop_serving(error.clone());
    }
    core.partitions.resign_from(core.node, id);
    let image = core.image();
    core.groups.follow(core, &image, &image);
    true
}
