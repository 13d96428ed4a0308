//! ListConfigResources, versions 0 and 1: what there is that has, or could have, a configuration. Version 0 lists
//! subscriptions to clients' metrics alone (KIP-714), version 1 the types asked for, or all (KIP-1142).

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{ListConfigResourcesRequest, ListConfigResourcesResponse, list_config_resources::ConfigResource},
};

use crate::{
    api::{
        RequestContext,
        config_resources::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC},
    },
    core::env::NetEnv,
    core_state::Core,
};

const ALL: [i8; 5] = [TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP];

/// Answers from this core's image.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: ListConfigResourcesRequest,
) -> ListConfigResourcesResponse {
    let types = match request.resource_types.is_empty() {
        true if context.api_version == 0 => vec![CLIENT_METRICS],
        true => ALL.to_vec(),
        false => request.resource_types,
    };
    if !types.iter().all(|asked| ALL.contains(asked)) {
        return ListConfigResourcesResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            ..ListConfigResourcesResponse::default()
        };
    }
    let image = core.image();
    let mut config_resources = Vec::new();
    for resource_type in ALL.into_iter().filter(|known| types.contains(known)) {
        let names: Vec<String> = match resource_type {
            TOPIC => image.topics().map(|topic| topic.name.to_string()).collect(),
            GROUP => image.configured_groups().map(str::to_owned).collect(),
            CLIENT_METRICS => image.client_metrics_subscriptions().map(str::to_owned).collect(),
            _ => brokers(core, context),
        };
        let row = |resource_name| ConfigResource { resource_name, resource_type };
        config_resources.extend(names.into_iter().map(row));
    }
    ListConfigResourcesResponse { config_resources, ..ListConfigResourcesResponse::default() }
}

/// The brokers that clients of the listener see.
fn brokers<E: NetEnv>(core: &Core<E>, context: &RequestContext) -> Vec<String> {
    context.listener.broker_ids(core.node, core.cores()).iter().map(ToString::to_string).collect()
}
