//! FindCoordinator, versions 0 to 6: which broker coordinates a group; from version 4 on, which for each of several.
//!
//! The first request for a group creates `__consumer_offsets`. There are no transactions and no share groups yet: a
//! transactional id gets an error that ends the producer with a clear message instead of a wait without end.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{FindCoordinatorRequest, FindCoordinatorResponse, find_coordinator::Coordinator},
};

use crate::group::desk::{Asker, Desk};
use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, group::core_desk::CoreDesk};

const GROUP: i8 = 0;
const TRANSACTION: i8 = 1;

/// Answers with addresses on the listener that was asked.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: FindCoordinatorRequest,
) -> FindCoordinatorResponse {
    answer(&CoreDesk::new(core, context), &CoreDesk::<E>::asker(context), request).await
}

/// The same before any desk.
pub async fn answer(desk: &impl Desk, asker: &Asker, request: FindCoordinatorRequest) -> FindCoordinatorResponse {
    if asker.version >= 4 {
        let mut coordinators = Vec::with_capacity(request.coordinator_keys.len());
        for key in request.coordinator_keys {
            coordinators.push(find(desk, request.key_type, key).await);
        }
        return FindCoordinatorResponse { coordinators, ..FindCoordinatorResponse::default() };
    }
    let found = find(desk, request.key_type, request.key).await;
    let named = if found.error_code == 0 { Some("NONE".to_owned()) } else { found.error_message };
    FindCoordinatorResponse {
        error_code: found.error_code,
        error_message: if asker.version >= 1 { named } else { Some(String::new()) },
        node_id: found.node_id,
        host: found.host,
        port: found.port,
        ..FindCoordinatorResponse::default()
    }
}

async fn find(desk: &impl Desk, key_type: i8, key: String) -> Coordinator {
    let (error, message) = match key_type {
        GROUP => match desk.coordinator(&key.as_str().into()).await {
            Ok(endpoint) => {
                return Coordinator {
                    key,
                    node_id: endpoint.broker_id,
                    host: endpoint.host,
                    port: i32::from(endpoint.port),
                    error_code: 0,
                    error_message: Some(String::new()),
                };
            }
            Err(error) => (error.code(), error.to_string()),
        },
        TRANSACTION => (ErrorCode::UnsupportedVersion, "this broker does not support transactions yet".to_owned()),
        _ => (ErrorCode::InvalidRequest, "this broker coordinates groups only".to_owned()),
    };
    Coordinator {
        key,
        node_id: -1,
        host: String::new(),
        port: -1,
        error_code: error.code(),
        error_message: Some(message),
    }
}
