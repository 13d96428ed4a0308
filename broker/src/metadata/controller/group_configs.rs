//! What the configuration of a group may be (KIP-1008), and that of a subscription to clients' metrics (KIP-714).

use std::sync::Arc;

use corelog_wire::error_code::ErrorCode;

use super::{
    config_edit::{Keys, no_list, records},
    machine::ControllerMachine,
};
use crate::{
    config::{
        Settings, client_metrics_keys,
        definition::{Definition, split_list},
        group_keys::{self, ABOVE},
    },
    metadata::{
        call::{ConfigEdit, Refusal},
        record::{ConfigOverrides, ConfigResource, MetadataRecord},
    },
};

const GROUP: Keys =
    Keys { find: find_group, unknown: Some(unknown_group), bad_value: ErrorCode::InvalidConfig, no_list };
const CLIENT_METRICS: Keys = Keys {
    find: client_metrics_keys::find,
    unknown: Some(unknown_client_metrics),
    bad_value: ErrorCode::InvalidConfig,
    no_list,
};

fn find_group(key: &str) -> Option<&'static Definition> {
    group_keys::find(key).map(|key| &key.definition)
}

fn unknown_group(key: &str) -> Refusal {
    invalid(format!("Unknown group config name: {key}"))
}

fn unknown_client_metrics(key: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, format!("Unknown client metrics configuration: {key}"))
}

fn invalid(what: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidConfig, what)
}

impl ControllerMachine {
    pub(super) fn alter_group(&self, group: &str, edit: &ConfigEdit) -> Result<Vec<MetadataRecord>, Refusal> {
        if group.is_empty() {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Default group resources are not allowed."));
        }
        let present = self.image.group_config(group);
        let wanted = GROUP.normalized(&present, GROUP.edited(&present, edit)?)?;
        check_bounds(&self.settings(), &wanted)?;
        Ok(records(&ConfigResource::Group(group.to_owned()), &present, &wanted))
    }

    pub(super) fn alter_client_metrics(&self, name: &str, edit: &ConfigEdit) -> Result<Vec<MetadataRecord>, Refusal> {
        if name.is_empty() {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Subscription name can't be empty"));
        }
        let present: Arc<ConfigOverrides> = self.image.client_metrics_config(name);
        let wanted = CLIENT_METRICS.normalized(&present, CLIENT_METRICS.edited(&present, edit)?)?;
        check_client_metrics(&wanted)?;
        Ok(records(&ConfigResource::ClientMetrics(name.to_owned()), &present, &wanted))
    }
}

/// A group's values lie within the broker's bounds, and a session lasts longer than the time between two heartbeats.
fn check_bounds(settings: &Settings, wanted: &ConfigOverrides) -> Result<(), Refusal> {
    let number = |key: &str| {
        let key = group_keys::find(key).expect("a group key");
        settings.effective_group(key, wanted).value.and_then(|value| value.parse::<i64>().ok()).unwrap_or_default()
    };
    for key in wanted.keys() {
        let Some(found) = group_keys::find(key) else { continue };
        if let Some(least) = found.least.filter(|least| number(key) < settings.number(least)) {
            return Err(invalid(format!("{key} must be greater than or equal to {least}")));
        }
        if let Some(most) = found.most.filter(|most| number(key) > settings.number(most)) {
            return Err(invalid(format!("{key} must be less than or equal to {most}")));
        }
    }
    match ABOVE.iter().find(|(above, below)| number(above) <= number(below)) {
        Some((above, below)) => Err(invalid(format!("{above} must be greater than {below}"))),
        None => Ok(()),
    }
}

fn check_client_metrics(wanted: &ConfigOverrides) -> Result<(), Refusal> {
    let interval = wanted.get("interval.ms").and_then(|value| value.parse::<i64>().ok());
    if let Some(interval) = interval.filter(|interval| !client_metrics_keys::INTERVAL_MS.contains(interval)) {
        let what =
            format!("Invalid value {interval} for interval.ms, interval must be between 100 and 3600000 (1 hour)");
        return Err(Refusal::new(ErrorCode::InvalidRequest, what));
    }
    let patterns = wanted.get("match").map(|value| split_list(value)).unwrap_or_default();
    match patterns.iter().find(|pattern| !client_metrics_keys::is_match(pattern)) {
        Some(pattern) => Err(invalid(format!("Illegal client matching pattern: {pattern}"))),
        None => Ok(()),
    }
}
