//! DescribeConfigs, versions 1 to 4: the configurations of topics, of this broker and of all, of its loggers, of groups, and of
//! subscriptions to clients' metrics, with where each value comes from (KIP-226) and what it is for (KIP-569).

use std::{borrow::Cow, rc::Rc};

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
    api::{
        RequestContext,
        config_resources::{BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP, TOPIC},
    },
    config::{
        broker_keys,
        client_metrics_keys::CLIENT_METRICS_KEYS,
        definition::{Definition, Update},
        group_keys::GROUP_KEYS,
        settings::{Effective, Settings, Source, Synonym},
        topic_keys::TOPIC_KEYS,
    },
    core::env::NetEnv,
    core_state::Core,
    metadata::{call::Refusal, record::ConfigOverrides, topic_name},
};

/// What Kafka says of a resource type that there is not.
const MALFORMED: &str = "This most likely occurs because of a request being malformed by the client library or the \
                         message was sent to an incompatible broker. See the broker logs for more details.";

/// Describes each resource asked for.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let (synonyms, documentation) = (request.include_synonyms, request.include_documentation);
    let results = request.resources.into_iter().map(|resource| {
        let (code, message, rows) = match rows(core, context, &resource) {
            Ok(rows) => (ErrorCode::None, Some(String::new()), rows),
            Err(refusal) => (refusal.code, refusal.message, Vec::new()),
        };
        let wanted = rows.into_iter().filter(|row| is_wanted(&resource, &row.name));
        let mut configs: Vec<_> = wanted.map(|row| row.encode(synonyms, documentation)).collect();
        configs.sort_by(|one, other| one.name.cmp(&other.name));
        DescribeConfigsResult {
            error_code: code.code(),
            error_message: message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            configs,
        }
    });
    DescribeConfigsResponse { results: results.collect(), ..DescribeConfigsResponse::default() }
}

/// One key of one resource.
pub(super) struct Row {
    name: Cow<'static, str>,
    /// `None` for a key that nobody knows, which then may be anything: its value is kept from clients.
    definition: Option<&'static Definition>,
    effective: Effective,
    read_only: bool,
}

fn rows<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    resource: &DescribeConfigsResource,
) -> Result<Vec<Row>, Refusal> {
    let name = &resource.resource_name;
    match resource.resource_type {
        TOPIC => {
            topic_name::check(name)?;
            let image = core.image();
            let topic =
                image.topic(name).ok_or_else(|| Refusal::new(ErrorCode::UnknownTopicOrPartition, String::new()))?;
            Ok(topic_rows(&core.settings(), &topic.configs))
        }
        BROKER if name.is_empty() => Ok(all_brokers_rows(&core.settings(), &core.image().all_nodes_config())),
        BROKER => {
            check_own(core, context, name, "Broker", " or empty string,")?;
            let image = core.image();
            Ok(broker_rows(&core.settings(), &[&image.all_nodes_config(), &image.node_config(core.node)]))
        }
        BROKER_LOGGER if name.is_empty() => Err(invalid("Broker id must not be empty")),
        BROKER_LOGGER => {
            check_own(core, context, name, "Broker", "")?;
            Ok(core.loggers.described().into_iter().map(|(name, level)| logger_row(name, level)).collect())
        }
        GROUP if name.is_empty() => Err(invalid("Group name must not be empty")),
        GROUP => Ok(group_rows(&core.settings(), &core.image().group_config(name))),
        CLIENT_METRICS if name.is_empty() => Err(invalid("Client metrics subscription name must not be empty")),
        CLIENT_METRICS => Ok(client_metrics_rows(&core.image().client_metrics_config(name))),
        _ => Err(invalid(MALFORMED)),
    }
}

fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}

/// Each broker answers for itself alone.
fn check_own<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    name: &str,
    what: &str,
    or: &str,
) -> Result<(), Refusal> {
    let own = context.listener.own_broker_id(core.node);
    match name.parse::<i32>() {
        Ok(id) if id == own => Ok(()),
        Ok(id) => Err(invalid(format!("Unexpected broker id, expected {own}{or} but received {id}"))),
        Err(_) => Err(invalid(format!("{what} id must be an integer, but it is: {name}"))),
    }
}

/// Every key of a topic with these values of its own.
pub(super) fn topic_rows(settings: &Settings, own: &ConfigOverrides) -> Vec<Row> {
    let keys = TOPIC_KEYS.iter().filter(|key| !key.hidden || own.contains_key(key.definition.name));
    keys.map(|key| Row::of(&key.definition, settings.effective_topic(key, own), false)).collect()
}

/// Every key of this broker, and what was set beside them at run time.
fn broker_rows(settings: &Settings, dynamic: &[&ConfigOverrides]) -> Vec<Row> {
    let known = broker_keys::all().map(|key| Row::of(key, settings.effective(key), key.update == Update::ReadOnly));
    let set = dynamic.iter().flat_map(|values| values.keys()).chain(settings.in_file_for_listeners());
    let mut others: Vec<&String> = set.filter(|key| broker_keys::find(key).is_none()).collect();
    others.sort();
    others.dedup();
    known.chain(others.into_iter().map(|key| other_row(settings, key))).collect()
}

/// What is set for all brokers, and nothing else.
fn all_brokers_rows(settings: &Settings, set: &ConfigOverrides) -> Vec<Row> {
    let row = |key: &String| {
        let mut row = match broker_keys::find(key) {
            Some(known) => Row::of(known, settings.effective(known), known.update == Update::ReadOnly),
            None => other_row(settings, key),
        };
        row.effective.synonyms.retain(|synonym| synonym.source == Source::DynamicDefault);
        row.effective.source = Source::DynamicDefault;
        row.effective.value = set.get(key).cloned();
        row
    };
    set.keys().map(row).collect()
}

fn other_row(settings: &Settings, key: &str) -> Row {
    let definition = broker_keys::find_for_listener(key);
    // As Kafka says of every key that is not in its list, even where it takes changes of it.
    Row { name: Cow::Owned(key.to_owned()), definition, effective: settings.effective_unknown(key), read_only: true }
}

fn group_rows(settings: &Settings, own: &ConfigOverrides) -> Vec<Row> {
    GROUP_KEYS.iter().map(|key| Row::of(&key.definition, settings.effective_group(key, own), false)).collect()
}

fn logger_row(name: &'static str, level: &str) -> Row {
    let effective = Effective { value: Some(level.to_owned()), source: Source::Logger, synonyms: Vec::new() };
    Row { name: Cow::Borrowed(name), definition: None, effective, read_only: false }
}

fn client_metrics_rows(own: &ConfigOverrides) -> Vec<Row> {
    let row = |key: &'static Definition| {
        let set = own.get(key.name).map(|value| Synonym {
            name: key.name.to_owned(),
            value: Some(value.clone()),
            source: Source::ClientMetrics,
        });
        let effective = match set {
            Some(set) => Effective { value: set.value.clone(), source: set.source, synonyms: vec![set] },
            None => Effective { value: key.default.map(str::to_owned), source: Source::Default, synonyms: Vec::new() },
        };
        Row::of(key, effective, false)
    };
    CLIENT_METRICS_KEYS.iter().map(row).collect()
}

fn is_wanted(resource: &DescribeConfigsResource, name: &str) -> bool {
    match &resource.configuration_keys {
        Some(keys) if !keys.is_empty() => keys.iter().any(|key| key == name),
        _ => true,
    }
}

impl Row {
    fn of(definition: &'static Definition, effective: Effective, read_only: bool) -> Self {
        Self { name: Cow::Borrowed(definition.name), definition: Some(definition), effective, read_only }
    }

    /// As the response has it. What is kept from clients has no value, nowhere.
    pub(super) fn encode(self, synonyms: bool, documentation: bool) -> DescribeConfigsResourceResult {
        let is_logger = self.effective.source == Source::Logger;
        let is_sensitive = !is_logger && self.definition.is_none_or(Definition::is_sensitive);
        let shown = |value: Option<String>| if is_sensitive { None } else { value };
        let listed = if synonyms { self.effective.synonyms } else { Vec::new() };
        let synonym = |synonym: Synonym| DescribeConfigsSynonym {
            name: synonym.name,
            value: shown(synonym.value),
            source: synonym.source as i8,
        };
        DescribeConfigsResourceResult {
            name: self.name.into_owned(),
            value: shown(self.effective.value),
            read_only: self.read_only,
            config_source: self.effective.source as i8,
            is_sensitive,
            synonyms: listed.into_iter().map(synonym).collect(),
            config_type: self.definition.map_or(0, |definition| definition.kind as i8),
            documentation: self.definition.filter(|_| documentation).map(|definition| definition.purpose.to_owned()),
        }
    }
}
