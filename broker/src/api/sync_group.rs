//! SyncGroup, versions 0 to 5: the leader gives the assignment, every member receives its part.
//!
//! From version 5 on a member says which protocol it believes in, and is refused if it is another, or if it says none (KIP-559).

use std::rc::Rc;

use corelog_wire::messages::{SyncGroupRequest, SyncGroupResponse};

use crate::group::desk::{Asker, Desk, code, instance, mismatch, owned};
use crate::group::{
    call::{Answer, Call, Sync},
    error::GroupError,
    names::Generation,
};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers when the assignment is there.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: SyncGroupRequest,
) -> SyncGroupResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: SyncGroupRequest) -> SyncGroupResponse {
    if asker.version >= 5 && (request.protocol_type.is_none() || request.protocol_name.is_none()) {
        return refusal(GroupError::InconsistentGroupProtocol);
    }
    let assignments = request.assignments.into_iter().map(|given| (given.member_id.into(), owned(&given.assignment)));
    let sync = Sync {
        group: request.group_id.into(),
        member: request.member_id.into(),
        instance: instance(request.group_instance_id),
        generation: Generation(request.generation_id),
        protocol_type: request.protocol_type,
        protocol: request.protocol_name.map(Into::into),
        assignments: assignments.collect(),
    };
    match desk.call(Call::Sync(sync)).await {
        Answer::Sync(Ok(synced)) => SyncGroupResponse {
            protocol_type: synced.protocol_type,
            protocol_name: synced.protocol.map(|name| name.to_string()),
            assignment: synced.assignment,
            ..SyncGroupResponse::default()
        },
        Answer::Sync(Err(error)) => refusal(error),
        other => refusal(mismatch(&other)),
    }
}

fn refusal(error: GroupError) -> SyncGroupResponse {
    SyncGroupResponse { error_code: code(error), ..SyncGroupResponse::default() }
}
