//! LeaveGroup, versions 0 to 5: members go.
//!
//! Up to version 2 one member leaves and the response's error is that member's; from 3 on a batch, also of static
//! members by their names (KIP-345).

use std::rc::Rc;

use corelog_wire::messages::{LeaveGroupRequest, LeaveGroupResponse, leave_group::MemberResponse};

use crate::group::desk::{Asker, Desk, code, code_of, instance, mismatch};
use crate::group::{
    call::{Answer, Call, Leave, Left},
    error::GroupError,
};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers when the group's record of it, if there is one, is committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: LeaveGroupRequest,
) -> LeaveGroupResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: LeaveGroupRequest) -> LeaveGroupResponse {
    let members: Vec<_> = if asker.version <= 2 {
        vec![(request.member_id.into(), None)]
    } else {
        let members = request.members.into_iter();
        members.map(|member| (member.member_id.into(), instance(member.group_instance_id))).collect()
    };
    let call = Call::Leave(Leave { group: request.group_id.into(), members: members.clone() });
    match desk.call(call).await {
        Answer::Leave(left) => response(left, asker.version),
        // Of an unknown group nobody is a member.
        Answer::Refused(GroupError::UnknownMember) => {
            let unknown = Err(GroupError::UnknownMember);
            let left = members.into_iter().map(|(member, instance)| Left { member, instance, outcome: unknown });
            response(left.collect(), asker.version)
        }
        other => LeaveGroupResponse { error_code: code(mismatch(&other)), ..LeaveGroupResponse::default() },
    }
}

fn response(left: Vec<Left>, version: i16) -> LeaveGroupResponse {
    if version <= 2 {
        let error_code = left.first().map_or(0, |left| code_of(left.outcome));
        return LeaveGroupResponse { error_code, ..LeaveGroupResponse::default() };
    }
    let members = left.into_iter().map(|left| MemberResponse {
        member_id: left.member.to_string(),
        group_instance_id: left.instance.map(|instance| instance.to_string()),
        error_code: code_of(left.outcome),
    });
    LeaveGroupResponse { members: members.collect(), ..LeaveGroupResponse::default() }
}
