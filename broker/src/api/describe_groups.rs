//! DescribeGroups, versions 0 to 6: states and members of groups.
//!
//! Version 3 adds the operations the client may do, all of them as long as there is no authorizer. Version 6 answers
//! GROUP_ID_NOT_FOUND for what is not there, the versions before a group in state Dead (KIP-1043).

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        DescribeGroupsRequest, DescribeGroupsResponse,
        describe_groups::{DescribedGroup, DescribedGroupMember},
    },
};

use crate::group::call::{Answer, Call, Described, DescribedMember};
use crate::group::desk::{Asker, Desk, code, mismatch};
use crate::metadata::call::Refusal;
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

/// The operations on groups, as bits by their number: READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS.
const ALL_OPERATIONS: i32 = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11;

/// Answers from what is committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeGroupsRequest,
) -> DescribeGroupsResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: DescribeGroupsRequest) -> DescribeGroupsResponse {
    let mut groups = Vec::with_capacity(request.groups.len());
    for group in request.groups {
        let answer = desk.call(Call::Describe(group.as_str().into())).await;
        let mut described = match answer {
            Answer::Describe(described) if described.found => show(group, described),
            Answer::Describe(_) => missing(group, asker.version),
            other => {
                DescribedGroup { group_id: group, error_code: code(mismatch(&other)), ..DescribedGroup::default() }
            }
        };
        if request.include_authorized_operations && described.error_code == 0 {
            described.authorized_operations = ALL_OPERATIONS;
        }
        groups.push(described);
    }
    DescribeGroupsResponse { groups, ..DescribeGroupsResponse::default() }
}

fn show(group_id: String, described: Described) -> DescribedGroup {
    DescribedGroup {
        group_id,
        group_state: described.state.name().to_owned(),
        protocol_type: described.protocol_type,
        protocol_data: described.protocol,
        members: described.members.into_iter().map(show_member).collect(),
        ..DescribedGroup::default()
    }
}

fn show_member(member: DescribedMember) -> DescribedGroupMember {
    DescribedGroupMember {
        member_id: member.member.to_string(),
        group_instance_id: member.instance.map(|instance| instance.to_string()),
        client_id: member.client.id,
        client_host: member.client.host,
        member_metadata: member.metadata,
        member_assignment: member.assignment,
    }
}

fn missing(group_id: String, version: i16) -> DescribedGroup {
    let mut group = DescribedGroup { group_state: "Dead".to_owned(), ..DescribedGroup::default() };
    if version >= 6 {
        let refusal = Refusal::new(ErrorCode::GroupIdNotFound, format!("Group {group_id} not found."));
        (group.error_code, group.error_message) = (refusal.code.code(), refusal.message);
    }
    group.group_id = group_id;
    group
}
