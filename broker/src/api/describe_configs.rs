//! DescribeConfigs, versions 1 to 4: topics' configurations and this broker's, with where each value comes from
//! (KIP-226) and what it is for (KIP-569).
//!
//! A broker's values come from its file or are defaults; there are no dynamic ones, so all are read-only.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        DescribeConfigsRequest, DescribeConfigsResponse,
        describe_configs::{
            DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
        },
    },
};

use crate::{
    api::RequestContext,
    config::{
        broker_keys::BROKER_KEYS,
        definition::Definition,
        settings::{Effective, Source},
        topic_keys::TOPIC_KEYS,
    },
    core::env::NetEnv,
    core_state::Core,
    metadata::call::Refusal,
};

/// The number of a topic among resource types.
pub(super) const TOPIC: i8 = 2;
/// The number of a broker among resource types.
pub(super) const BROKER: i8 = 4;

/// Describes each resource asked for.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let (synonyms, documentation) = (request.include_synonyms, request.include_documentation);
    let results = request
        .resources
        .into_iter()
        .map(|resource| {
            let described = match resource.resource_type {
                TOPIC => topic(core, &resource),
                BROKER => broker(core, context, &resource),
                other => Err(Refusal::new(ErrorCode::InvalidRequest, format!("Unsupported resource type: {other}"))),
            };
            let (code, message, configs) = match described {
                Ok(rows) => (ErrorCode::None, Some(String::new()), rows),
                Err(refusal) => (refusal.code, refusal.message, Vec::new()),
            };
            let mut configs: Vec<_> = configs
                .into_iter()
                .filter(|(definition, ..)| is_wanted(&resource, definition.name))
                .map(|(definition, effective, read_only)| {
                    row(definition, effective, read_only, synonyms, documentation)
                })
                .collect();
            configs.sort_by(|one, other| one.name.cmp(&other.name));
            DescribeConfigsResult {
                error_code: code.code(),
                error_message: message,
                resource_type: resource.resource_type,
                resource_name: resource.resource_name,
                configs,
            }
        })
        .collect();
    DescribeConfigsResponse { results, ..DescribeConfigsResponse::default() }
}

type Rows = Vec<(&'static Definition, Effective, bool)>;

fn topic<E: NetEnv>(core: &Core<E>, resource: &DescribeConfigsResource) -> Result<Rows, Refusal> {
    let image = core.image();
    let topic =
        image.topic(&resource.resource_name).ok_or_else(|| Refusal::new(ErrorCode::UnknownTopicOrPartition, ""))?;
    Ok(TOPIC_KEYS
        .iter()
        .filter(|key| !key.hidden || topic.configs.contains_key(key.definition.name))
        .map(|key| (&key.definition, core.config.settings.effective_topic(key, &topic.configs), false))
        .collect())
}

fn broker<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    resource: &DescribeConfigsResource,
) -> Result<Rows, Refusal> {
    // The empty name means the values set for all brokers: there are none.
    if resource.resource_name.is_empty() {
        return Ok(Vec::new());
    }
    let own = context.listener.own_broker_id(core.node);
    let asked = &resource.resource_name;
    let refused = match asked.parse::<i32>() {
        Ok(id) if id == own => None,
        Ok(id) => Some(format!("Unexpected broker id, expected {own} or empty string, but received {id}")),
        Err(_) => Some(format!("Broker id must be an integer, but it is: {asked}")),
    };
    if let Some(message) = refused {
        return Err(Refusal::new(ErrorCode::InvalidRequest, message));
    }
    Ok(BROKER_KEYS.iter().map(|key| (key, core.config.settings.effective(key), true)).collect())
}

fn is_wanted(resource: &DescribeConfigsResource, name: &str) -> bool {
    match &resource.configuration_keys {
        Some(keys) if !keys.is_empty() => keys.iter().any(|key| key == name),
        _ => true,
    }
}

fn row(
    definition: &Definition,
    effective: Effective,
    read_only: bool,
    synonyms: bool,
    documentation: bool,
) -> DescribeConfigsResourceResult {
    let listed = if synonyms { effective.synonyms } else { Vec::new() };
    DescribeConfigsResourceResult {
        name: definition.name.to_owned(),
        value: effective.value,
        read_only,
        config_source: source(effective.source),
        synonyms: listed
            .into_iter()
            .map(|synonym| DescribeConfigsSynonym {
                name: synonym.name.to_owned(),
                value: synonym.value,
                source: source(synonym.source),
            })
            .collect(),
        config_type: definition.kind as i8,
        documentation: documentation.then(|| definition.purpose.to_owned()),
        ..DescribeConfigsResourceResult::default()
    }
}

fn source(source: Source) -> i8 {
    source as i8
}
