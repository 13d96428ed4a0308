//! IncrementalAlterConfigs, versions 0 and 1: changes of topics' configurations (KIP-339). The controller checks and
//! commits them; the response comes when every core acts by them. Brokers take no dynamic values yet.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse,
        incremental_alter_configs::{AlterConfigsResource, AlterConfigsResourceResponse},
    },
};

use super::describe_configs::{BROKER, TOPIC};
use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::call::{ConfigChange, ConfigOperation, ConfigStep, MetadataAnswer, MetadataCall, Refusal},
    router::metadata,
};

/// Changes each resource, or says why not; the answers are in the request's order.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    _context: &RequestContext,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let named: Vec<_> =
        request.resources.iter().map(|resource| (resource.resource_type, resource.resource_name.clone())).collect();
    let mut outcomes: Vec<Result<(), Refusal>> = Vec::with_capacity(named.len());
    let mut topics = Vec::new();
    for (place, resource) in request.resources.into_iter().enumerate() {
        let twice = named.iter().enumerate().any(|(other, name)| other != place && *name == named[place]);
        outcomes.push(refused(&resource, twice).map_or(Ok(()), Err));
        if outcomes[place].is_ok() && resource.resource_type == TOPIC {
            topics.push((place, change(resource)));
        }
    }
    let (places, topics): (Vec<usize>, Vec<ConfigChange>) = topics.into_iter().unzip();
    if !topics.is_empty() {
        let call = MetadataCall::AlterTopicConfigs { topics, validate_only: request.validate_only };
        let answers = match metadata::call(core, call).await {
            Ok(MetadataAnswer::ConfigsAltered(answers)) => answers,
            Ok(MetadataAnswer::Unavailable(refusal)) => vec![Err(refusal); places.len()],
            Ok(_) => vec![Err(Refusal::bare(ErrorCode::UnknownServerError)); places.len()],
            Err(fault) => vec![Err(Refusal::new(fault.code(), fault.to_string())); places.len()],
        };
        places.into_iter().zip(answers).for_each(|(place, answer)| outcomes[place] = answer);
    }
    let responses = named
        .into_iter()
        .zip(outcomes)
        .map(|((resource_type, resource_name), outcome)| {
            let refusal = outcome.err().unwrap_or_else(|| Refusal::bare(ErrorCode::None));
            AlterConfigsResourceResponse {
                error_code: refusal.code.code(),
                error_message: refusal.message,
                resource_type,
                resource_name,
            }
        })
        .collect();
    IncrementalAlterConfigsResponse { responses, ..IncrementalAlterConfigsResponse::default() }
}

fn refused(resource: &AlterConfigsResource, twice: bool) -> Option<Refusal> {
    if twice {
        return Some(Refusal::new(ErrorCode::InvalidRequest, "Each resource must appear at most once."));
    }
    match resource.resource_type {
        TOPIC => None,
        _ if resource.configs.is_empty() => None,
        BROKER => {
            let keys: Vec<&str> = resource.configs.iter().map(|config| config.name.as_str()).collect();
            let message = format!("Cannot update these configs dynamically: [{}]", keys.join(", "));
            Some(Refusal::new(ErrorCode::InvalidRequest, message))
        }
        other => Some(Refusal::new(ErrorCode::InvalidRequest, format!("Unknown resource type {other}"))),
    }
}

fn change(resource: AlterConfigsResource) -> ConfigChange {
    let steps = resource
        .configs
        .into_iter()
        .map(|config| ConfigStep {
            key: config.name,
            operation: ConfigOperation::from_wire(config.config_operation),
            value: config.value,
        })
        .collect();
    ConfigChange { name: resource.resource_name, steps }
}
