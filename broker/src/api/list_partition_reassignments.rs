//! ListPartitionReassignments, version 0: the replicas that are moving (KIP-455). With one node none ever is: what moves from
//! core to core does so while AlterPartitionReassignments is answered.

use std::rc::Rc;

use corelog_wire::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

use crate::{api::RequestContext, core::env::NetEnv, core_state::Core};

/// Answers that nothing moves.
pub async fn handle<E: NetEnv>(
    _core: &Rc<Core<E>>,
    _context: &RequestContext,
    _request: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse { error_message: None, ..ListPartitionReassignmentsResponse::default() }
}
