//! IncrementalAlterConfigs, versions 0 and 1: changes of the configurations of topics, brokers, groups and subscriptions to
//! clients' metrics, key by key (KIP-339). The controller checks and commits them; the response comes when every core acts
//! by them.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
        incremental_alter_configs::{AlterConfigsResource, AlterConfigsResourceResponse},
    },
};

use crate::{
    api::{
        RequestContext,
        config_resources::{self, Asked},
    },
    core::env::NetEnv,
    core_state::Core,
    metadata::call::{ConfigEdit, ConfigOperation, ConfigStep, Refusal},
};

/// Changes each resource, or says why not; the answers are in the request's order.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
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
    IncrementalAlterConfigsResponse { responses: responses.collect(), ..IncrementalAlterConfigsResponse::default() }
}

fn asked(resource: AlterConfigsResource) -> Asked {
    let step = |config: corelog_wire::messages::incremental_alter_configs::AlterableConfig| ConfigStep {
        key: config.name,
        operation: ConfigOperation::from_wire(config.config_operation),
        value: config.value,
    };
    Asked {
        resource_type: resource.resource_type,
        name: resource.resource_name,
        edit: ConfigEdit::Steps(resource.configs.into_iter().map(step).collect()),
    }
}
