//! What data directories say of themselves, read and written at a start, on core 0.

use std::path::{Path, PathBuf};

use corelog_storage::{
    directory::{self, Identity, Remembered},
    env::Env,
};

use super::survey_machine::{Place, Plan, State};
use crate::metadata::ids::NodeId;

/// Looks at each path; `unusable` are those that could not be taken for this process.
pub(crate) async fn look<E: Env>(env: &E, paths: &[PathBuf], unusable: impl Fn(&Path) -> Option<String>) -> Vec<Place> {
    let mut places = Vec::with_capacity(paths.len());
    for path in paths {
        let found = match unusable(path) {
            Some(why) => Err(why),
            None => directory::look(env, path).await.map_err(|error| error.to_string()),
        };
        places.push(Place { path: path.clone(), found });
    }
    places
}

/// Has every directory say who it is; durable on return. One alone need not, unless it once had others.
pub(crate) async fn write<E: Env>(env: &E, places: &[Place], plan: &Plan, node: NodeId) -> Result<(), String> {
    let identity = |id: [u8; 16], others| Identity { id, cluster: plan.cluster.0, node: node.0, others };
    for one in plan.directories.iter().filter(|one| one.state == State::New) {
        let written = directory::write(env, &one.path, &identity(one.id.0.0, None)).await;
        written.map_err(|error| format!("the data directory {} cannot be used: {error}", one.path.display()))?;
    }
    let own = &plan.directories[plan.metadata];
    let others = plan.directories.iter().filter(|one| one.id != own.id);
    let others: Vec<_> = others.map(|one| Remembered { id: one.id.0.0, path: one.path.clone() }).collect();
    let before = places[plan.metadata].found.as_ref().ok().and_then(|found| found.identity.as_ref());
    let told = identity(own.id.0.0, Some(others));
    if before.is_none() && plan.directories.len() == 1 || before == Some(&told) {
        return Ok(());
    }
    // Where they were is a help only: what is where is decided by their ids.
    if let Err(error) = directory::write(env, &own.path, &told).await {
        tracing::warn!(%error, "where the data directories are could not be written down");
    }
    Ok(())
}
