//! AlterConfigs, versions 0 to 2: all values of a resource at once (KIP-133). What is not among them falls back to what it
//! inherits, so that two administrators undo each other's changes: IncrementalAlterConfigs has replaced it.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        AlterConfigsRequest, AlterConfigsResponse,
        alter_configs::{AlterConfigsResource, AlterConfigsResourceResponse},
    },
};

use crate::{
    api::{
        RequestContext,
        config_resources::{self, Asked},
    },
    core::env::NetEnv,
    core_state::Core,
    metadata::call::{ConfigEdit, Refusal},
};

/// Changes each resource, or says why not; the answers are in the request's order.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let asked = request.resources.into_iter().map(asked).collect();
    let altered = config_resources::alter(core, context, asked, request.validate_only).await;
    let responses = altered.into_iter().map(|(resource_type, resource_name, outcome)| {
        let refusal = outcome.err().unwrap_or_else(|| Refusal::bare(ErrorCode::None));
        AlterConfigsResourceResponse {
            error_code: refusal.code.code(),
            error_message: refusal.message,
            resource_type,
            resource_name,
        }
    });
    AlterConfigsResponse { responses: responses.collect(), ..AlterConfigsResponse::default() }
}

fn asked(resource: AlterConfigsResource) -> Asked {
    let values = resource.configs.into_iter().map(|config| (config.name, config.value)).collect();
    Asked { resource_type: resource.resource_type, name: resource.resource_name, edit: ConfigEdit::Replace(values) }
}
