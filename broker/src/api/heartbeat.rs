//! Heartbeat, versions 0 to 4: a member lives; it learns whether it must rejoin.

use std::rc::Rc;

use corelog_wire::messages::{HeartbeatRequest, HeartbeatResponse};

use crate::group::desk::{Asker, Desk, code_of, instance, mismatch};
use crate::group::{
    call::{Answer, Call, Heartbeat},
    names::Generation,
};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers at once, but for a write of the group that is not yet committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: HeartbeatRequest,
) -> HeartbeatResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, _: &Asker, request: HeartbeatRequest) -> HeartbeatResponse {
    let heartbeat = Heartbeat {
        group: request.group_id.into(),
        member: request.member_id.into(),
        instance: instance(request.group_instance_id),
        generation: Generation(request.generation_id),
    };
    let outcome = match desk.call(Call::Heartbeat(heartbeat)).await {
        Answer::Heartbeat(outcome) => outcome,
        other => Err(mismatch(&other)),
    };
    HeartbeatResponse { error_code: code_of(outcome), ..HeartbeatResponse::default() }
}
