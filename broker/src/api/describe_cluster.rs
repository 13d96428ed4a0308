//! DescribeCluster, versions 0 to 2: the brokers as the listener that was asked shows them (KIP-700, KIP-919).
//! Core 0 runs the controller, so its broker is named the controller.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{DescribeClusterRequest, DescribeClusterResponse, describe_cluster::DescribeClusterBroker},
};

use crate::{
    api::{CLUSTER_OPERATIONS, RequestContext},
    core::env::{CoreId, NetEnv},
    core_state::Core,
    net::listener::ListenerKind,
    router::metadata::CONTROLLER,
};

/// Clients ask brokers or, at a controller's own address only, controllers.
const BROKERS: i8 = 1;
const CONTROLLERS: i8 = 2;

/// Answers from this core's image.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeClusterRequest,
) -> DescribeClusterResponse {
    if request.endpoint_type != BROKERS {
        let (code, endpoint_type, message) = match request.endpoint_type {
            CONTROLLERS => {
                let message = format!("The broker does not serve endpoint type {CONTROLLERS}.");
                (ErrorCode::MismatchedEndpointType, CONTROLLERS, message)
            }
            other => (ErrorCode::UnsupportedEndpointType, BROKERS, format!("Unsupported endpoint type {other}")),
        };
        return DescribeClusterResponse {
            error_code: code.code(),
            error_message: Some(message),
            endpoint_type,
            ..DescribeClusterResponse::default()
        };
    }
    let shown = match context.listener.kind {
        ListenerKind::Node => 1,
        ListenerKind::Core(_) => core.cores(),
    };
    let brokers = (0..shown).filter_map(|number| broker(core, context, CoreId(number))).collect();
    DescribeClusterResponse {
        cluster_id: core.image().cluster_id().map(|id| id.to_string()).unwrap_or_default(),
        controller_id: context.listener.broker_id(core.node, CONTROLLER),
        brokers,
        cluster_authorized_operations: match request.include_cluster_authorized_operations {
            true => CLUSTER_OPERATIONS,
            false => i32::MIN,
        },
        ..DescribeClusterResponse::default()
    }
}

fn broker<E: NetEnv>(core: &Core<E>, context: &RequestContext, which: CoreId) -> Option<DescribeClusterBroker> {
    let (broker_id, endpoint) = core.endpoint(context.listener, which)?;
    Some(DescribeClusterBroker {
        broker_id,
        host: endpoint.host.clone(),
        port: i32::from(endpoint.port),
        ..DescribeClusterBroker::default()
    })
}
