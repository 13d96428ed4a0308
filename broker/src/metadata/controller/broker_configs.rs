//! What may be changed of a broker's configuration while it runs, for one broker or for all (KIP-226), in Kafka's order
//! and words.

use corelog_wire::error_code::ErrorCode;

use super::{
    config_edit::{Keys, records},
    machine::ControllerMachine,
};
use crate::{
    config::{
        across, broker_keys,
        definition::{Definition, Update},
        threads,
    },
    metadata::{
        call::{ConfigEdit, Refusal},
        record::{ConfigOverrides, ConfigResource, MetadataRecord},
    },
};

/// Any other key is kept as it is, for whoever reads it.
const BROKER: Keys = Keys {
    find: broker_keys::find_for_listener,
    unknown: None,
    bad_value: ErrorCode::InvalidRequest,
    no_list: |operation, key| match broker_keys::find_for_listener(key) {
        Some(_) => format!("Config value {} is not allowed for config key: {key}", operation.to_lowercase()),
        None => format!("Unknown config name: {key}"),
    },
};

/// What the key of a listener's own certificates begins with, or is.
const CERTIFICATES: [&str; 3] = ["ssl.keystore.", "ssl.truststore.", "ssl.key.password"];

impl ControllerMachine {
    pub(super) fn alter_broker(
        &self,
        resource: &ConfigResource,
        edit: &ConfigEdit,
    ) -> Result<Vec<MetadataRecord>, Refusal> {
        let (all, own) = (self.image.all_nodes_config(), self.image.node_config(self.config.node));
        let for_all = *resource == ConfigResource::AllNodes;
        let present = if for_all { &all } else { &own };
        let wanted = BROKER.edited(present, edit)?;
        check_keys(&wanted, "Cannot update these configs dynamically", |key| {
            broker_keys::find(key).is_some_and(|key| key.update == Update::ReadOnly)
        })?;
        let what = "These security configs can be dynamically updated only per-listener using the listener prefix";
        check_keys(&wanted, what, |key| CERTIFICATES.iter().any(|start| key.starts_with(start)))?;
        let wanted = BROKER.normalized(present, wanted)?;
        if for_all {
            let what = "Cannot update these configs at default cluster level, broker id must be specified";
            check_keys(&wanted, what, is_for_one_broker)?;
        }
        let changed = std::sync::Arc::new(wanted.clone());
        let settings = match for_all {
            true => self.config.settings.with_dynamic(changed, own.clone()),
            false => self.config.settings.with_dynamic(all.clone(), changed),
        };
        let refuse = |what: String| Refusal::new(ErrorCode::InvalidRequest, what);
        across::check(&settings).map_err(|error| refuse(error.0))?;
        threads::check(&self.settings(), &settings).map_err(|error| refuse(in_kafkas_wrapping(&error.0)))?;
        let mut changes = records(resource, present, &wanted);
        changes.extend(self.all_min_isr_records(&settings));
        Ok(changes)
    }
}

/// What Kafka makes of an error that is found last.
fn in_kafkas_wrapping(what: &str) -> String {
    format!(
        "Invalid value org.apache.kafka.common.config.ConfigException: {what} for configuration Invalid dynamic \
         configuration"
    )
}

fn is_for_one_broker(key: &str) -> bool {
    let update = |key: &Definition| key.update == Update::PerBroker;
    let prefixed =
        broker_keys::without_listener(key).is_some_and(|key| !broker_keys::CLUSTER_WIDE_BY_LISTENER.contains(&key));
    prefixed || broker_keys::find(key).is_some_and(update)
}

/// Refuses the keys of `wanted` that are `bad`.
fn check_keys(wanted: &ConfigOverrides, what: &str, bad: impl Fn(&str) -> bool) -> Result<(), Refusal> {
    let keys: Vec<&str> = wanted.keys().map(String::as_str).filter(|key| bad(key)).collect();
    match keys.is_empty() {
        true => Ok(()),
        false => Err(Refusal::new(ErrorCode::InvalidRequest, format!("{what}: [{}]", keys.join(", ")))),
    }
}
