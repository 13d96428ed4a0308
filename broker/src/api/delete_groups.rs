//! DeleteGroups, versions 0 to 3: deletes empty groups with their offsets; version 3 says in words what was wrong.

use std::rc::Rc;

use corelog_wire::messages::{DeleteGroupsRequest, DeleteGroupsResponse, delete_groups::DeletableGroupResult};

use crate::group::desk::{Asker, Desk, code, mismatch};
use crate::group::{
    call::{Answer, Call},
    error::GroupError,
};
use crate::metadata::call::Refusal;
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers when the deletions are committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DeleteGroupsRequest,
) -> DeleteGroupsResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, _: &Asker, request: DeleteGroupsRequest) -> DeleteGroupsResponse {
    let mut results = Vec::with_capacity(request.groups_names.len());
    for group_id in request.groups_names {
        let outcome = match desk.call(Call::Delete(group_id.as_str().into())).await {
            Answer::Delete(outcome) => outcome,
            other => Err(mismatch(&other)),
        };
        let (error_code, error_message) = match outcome {
            Ok(()) => (0, None),
            Err(error) => (code(error), Refusal::new(error.code(), message(error, &group_id)).message),
        };
        results.push(DeletableGroupResult { group_id, error_code, error_message });
    }
    DeleteGroupsResponse { results, ..DeleteGroupsResponse::default() }
}

fn message(error: GroupError, group: &str) -> String {
    match error {
        GroupError::GroupIdNotFound => format!("Group {group} not found."),
        GroupError::NonEmptyGroup => "The group is not empty.".to_owned(),
        other => other.to_string(),
    }
}
