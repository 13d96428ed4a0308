//! The resources that have configurations, as requests name them, and the way of their changes to the controller.

use std::{collections::BTreeSet, rc::Rc};

use corelog_wire::error_code::ErrorCode;

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::call::{ConfigChange, ConfigEdit, ConfigTarget, DUPLICATE_KEYS, MetadataAnswer, MetadataCall, Refusal},
    router,
};

/// The number of a topic among resource types.
pub(super) const TOPIC: i8 = 2;
/// The number of a broker.
pub(super) const BROKER: i8 = 4;
/// The number of a broker's loggers.
pub(super) const BROKER_LOGGER: i8 = 8;
/// The number of a subscription to clients' metrics.
pub(super) const CLIENT_METRICS: i8 = 16;
/// The number of a group.
pub(super) const GROUP: i8 = 32;

/// A change of one resource, as a request states it.
pub(super) struct Asked {
    /// Its type's number.
    pub(super) resource_type: i8,
    /// Its name.
    pub(super) name: String,
    /// The change.
    pub(super) edit: ConfigEdit,
}

/// Makes the changes, or says why not; the answers are in the request's order, and come when every core acts by them.
pub(super) async fn alter<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    asked: Vec<Asked>,
    validate_only: bool,
) -> Vec<(i8, String, Result<(), Refusal>)> {
    let names: Vec<_> = asked.iter().map(|one| (one.resource_type, one.name.clone())).collect();
    let mut outcomes: Vec<Result<(), Refusal>> = Vec::with_capacity(names.len());
    let (mut places, mut changes) = (Vec::new(), Vec::new());
    for (place, one) in asked.into_iter().enumerate() {
        let twice = names.iter().enumerate().any(|(other, name)| other != place && *name == names[place]);
        let target = match twice {
            true => Err(invalid("Each resource must appear at most once.")),
            false if one.resource_type == BROKER_LOGGER => {
                outcomes.push(alter_loggers(core, context, &one, validate_only));
                continue;
            }
            false if replaces_twice(&one.edit) => Err(invalid(DUPLICATE_KEYS)),
            false => target(core, context, one.resource_type, &one.name),
        };
        outcomes.push(target.map(|target| {
            places.push(place);
            changes.push(ConfigChange { target, edit: one.edit });
        }));
    }
    if !changes.is_empty() {
        let call = MetadataCall::AlterConfigs { changes, validate_only };
        let answers = match router::metadata::call(core, call).await {
            Ok(MetadataAnswer::ConfigsAltered(answers)) => answers,
            Ok(MetadataAnswer::Unavailable(refusal)) => vec![Err(refusal); places.len()],
            Ok(_) => vec![Err(Refusal::bare(ErrorCode::UnknownServerError)); places.len()],
            Err(fault) => vec![Err(Refusal::new(fault.code(), fault.to_string())); places.len()],
        };
        places.into_iter().zip(answers).for_each(|(place, answer)| outcomes[place] = answer);
    }
    names.into_iter().zip(outcomes).map(|((kind, name), outcome)| (kind, name, outcome)).collect()
}

/// Whether all values are given at once, and two for one key.
fn replaces_twice(edit: &ConfigEdit) -> bool {
    let ConfigEdit::Replace(values) = edit else { return false };
    let mut keys = BTreeSet::new();
    !values.iter().all(|(key, _)| keys.insert(key))
}

/// Whose configuration a request means to change. A broker changes its own and that of all; on a core listener every
/// core is a broker, and all of them have their node's.
fn target<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    resource_type: i8,
    name: &str,
) -> Result<ConfigTarget, Refusal> {
    match resource_type {
        TOPIC => Ok(ConfigTarget::Topic(name.to_owned())),
        BROKER if name.is_empty() => Ok(ConfigTarget::AllNodes),
        BROKER => {
            let own = context.listener.own_broker_id(core.node);
            match name.parse::<i32>() {
                Ok(id) if id == own => Ok(ConfigTarget::Node(core.node)),
                Ok(id) => Err(invalid(format!("Unexpected broker id, expected {own}, but received {id}"))),
                Err(_) => Err(invalid(format!("Node id must be an integer, but it is: {name}"))),
            }
        }
        GROUP => Ok(ConfigTarget::Group(name.to_owned())),
        CLIENT_METRICS => Ok(ConfigTarget::ClientMetrics(name.to_owned())),
        other => Err(invalid(format!("Unknown resource type {other}"))),
    }
}

/// Each broker changes its own loggers, key by key, and at once: they are no part of the cluster's metadata.
fn alter_loggers<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    asked: &Asked,
    validate_only: bool,
) -> Result<(), Refusal> {
    let ConfigEdit::Steps(steps) = &asked.edit else {
        return Err(invalid(format!("Unknown resource type {BROKER_LOGGER}")));
    };
    let (own, name) = (context.listener.own_broker_id(core.node), &asked.name);
    match name.parse::<i32>() {
        Ok(id) if id == own => core.loggers.alter(steps, validate_only),
        Ok(id) => Err(invalid(format!("Unexpected node id. Expected {own}, but received {id}"))),
        Err(_) => Err(invalid(format!("Node id must be an integer, but it is: {name}"))),
    }
}

fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}
