//! ListGroups, versions 0 to 5: the groups of this broker, or of this core on a core listener.
//!
//! Version 4 filters by state (KIP-518), 5 by type (KIP-848), both whatever the case. All groups are classic ones.

use std::rc::Rc;

use corelog_wire::messages::{ListGroupsRequest, ListGroupsResponse, list_groups::ListedGroup};

use crate::group::desk::{Asker, Desk, code};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

const TYPE: &str = "classic";

/// Answers from what is committed.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: ListGroupsRequest,
) -> ListGroupsResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, _: &Asker, request: ListGroupsRequest) -> ListGroupsResponse {
    let listed = match desk.list().await {
        Ok(listed) => listed,
        Err(error) => return ListGroupsResponse { error_code: code(error), ..ListGroupsResponse::default() },
    };
    let wanted = |filter: &[String], value: &str| {
        filter.is_empty() || filter.iter().any(|wanted| wanted.trim().eq_ignore_ascii_case(value))
    };
    let groups = listed
        .into_iter()
        .filter(|group| wanted(&request.states_filter, group.state.name()) && wanted(&request.types_filter, TYPE))
        .map(|group| ListedGroup {
            group_id: group.group.to_string(),
            protocol_type: group.protocol_type,
            group_state: group.state.name().to_owned(),
            group_type: TYPE.to_owned(),
        });
    ListGroupsResponse { groups: groups.collect(), ..ListGroupsResponse::default() }
}
