//! `corelog group delete`.

use corelog_wire::{error_code::ErrorCode, messages::DeleteGroupsRequest};
use serde_json::json;

use super::offsets;
use crate::cli::{
    cluster::Cluster,
    failure::{Failure, check},
    output::Output,
};

/// Deletes every group that can be deleted; the first that cannot is told.
pub(super) fn run(cluster: &mut Cluster, names: &[String], output: Output) -> Result<(), Failure> {
    let mut outcome = Ok(());
    for name in names {
        match delete(cluster, name) {
            Ok(()) => output.done(&format!("deleted group {name}"), json!({ "group": name, "deleted": true })),
            Err(failure) => outcome = outcome.and(Err(failure.about(format!("group {name}")))),
        }
    }
    outcome
}

fn delete(cluster: &mut Cluster, name: &str) -> Result<(), Failure> {
    let (_, address) = offsets::coordinator(cluster, name)?;
    let request = DeleteGroupsRequest { groups_names: vec![name.to_owned()] };
    let told = cluster.at(&address)?.call(2, &request)?.results.pop().ok_or("an answer without the group")?;
    let outcome = check(told.error_code, told.error_message.as_deref());
    outcome.map_err(|failure| {
        let failure = failure.cure(ErrorCode::NonEmptyGroup, "stop its members first");
        failure.cure(ErrorCode::GroupIdNotFound, "`corelog group list` shows those there are")
    })
}
