//! JoinGroup, versions 0 to 9: become a member of a group, or stay one through a rebalance.
//!
//! Version 0 has no rebalance time-out: the session's serves. From version 4 on a new dynamic member is given its id
//! first (KIP-394), from 5 on members may be static (KIP-345), from 9 on a leader may be told to skip the assignment
//! (KIP-814). Before version 7 the protocol's name is never null.

use std::rc::Rc;

use corelog_wire::messages::{JoinGroupRequest, JoinGroupResponse, join_group::JoinGroupResponseMember};

use crate::group::desk::{Asker, Desk, code, instance, mismatch, owned};
use crate::group::{
    call::{Answer, Call, Join, JoinRefused, Joined},
    names::MemberId,
};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// Answers when the join phase ends.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: JoinGroupRequest,
) -> JoinGroupResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: JoinGroupRequest) -> JoinGroupResponse {
    let version = asker.version;
    let member = MemberId::from(request.member_id.as_str());
    let rebalance_timeout_ms = if version == 0 { request.session_timeout_ms } else { request.rebalance_timeout_ms };
    let join = Join {
        group: request.group_id.into(),
        member: member.clone(),
        instance: instance(request.group_instance_id),
        client: asker.client.clone(),
        session_timeout_ms: request.session_timeout_ms,
        rebalance_timeout_ms,
        protocol_type: request.protocol_type,
        protocols: request.protocols.into_iter().map(|offer| (offer.name.into(), owned(&offer.metadata))).collect(),
        reason: request.reason,
        member_id_required: version >= 4,
        may_skip_assignment: version >= 9,
        entropy: desk.entropy(),
    };
    match desk.call(Call::Join(join)).await {
        Answer::Join(Ok(joined)) => accepted(joined, version),
        Answer::Join(Err(refused)) => refusal(refused, version),
        other => refusal(JoinRefused { error: mismatch(&other), member }, version),
    }
}

fn accepted(joined: Joined, version: i16) -> JoinGroupResponse {
    let members = joined.members.into_iter().map(|member| JoinGroupResponseMember {
        member_id: member.member.to_string(),
        group_instance_id: member.instance.map(|instance| instance.to_string()),
        metadata: member.metadata,
    });
    JoinGroupResponse {
        generation_id: joined.generation.0,
        protocol_type: joined.protocol_type,
        protocol_name: protocol_name(joined.protocol.map(|name| name.to_string()), version),
        leader: joined.leader.to_string(),
        skip_assignment: joined.skip_assignment,
        member_id: joined.member.to_string(),
        members: members.collect(),
        ..JoinGroupResponse::default()
    }
}

fn refusal(refused: JoinRefused, version: i16) -> JoinGroupResponse {
    JoinGroupResponse {
        error_code: code(refused.error),
        generation_id: -1,
        protocol_name: protocol_name(None, version),
        member_id: refused.member.to_string(),
        ..JoinGroupResponse::default()
    }
}

fn protocol_name(name: Option<String>, version: i16) -> Option<String> {
    if version < 7 { Some(name.unwrap_or_default()) } else { name }
}
