//! What a topic's configuration may be, and IncrementalAlterConfigs for topics.

use std::collections::BTreeSet;

use corelog_storage::ids::TopicId;
use corelog_wire::error_code::ErrorCode;

use super::machine::{ControllerMachine, Decision};
use crate::{
    config::{
        Settings, TopicConfig,
        definition::{Definition, Kind, split_list},
        topic_keys,
    },
    metadata::{
        call::{ConfigChange, ConfigOperation, ConfigStep, MetadataAnswer, Refusal},
        ids::PartitionEpoch,
        image::TopicImage,
        record::{ConfigOverrides, ConfigResource, MetadataRecord, PartitionState},
        topic_name,
    },
};

/// Checks what a new topic is to have; the last of two values for a key counts. An unknown key is reported before a bad
/// value.
pub(super) fn check_configs(
    settings: &Settings,
    configs: &[(String, Option<String>)],
) -> Result<ConfigOverrides, Refusal> {
    let null = configs.iter().find(|(_, value)| value.is_none());
    if let Some((key, _)) = null {
        return Err(invalid(format!("Null value not supported for topic configs: {key}")));
    }
    for (key, _) in configs {
        known(key)?;
    }
    let mut overrides = ConfigOverrides::new();
    for (key, value) in configs {
        let value = known(key)?.normalize(value.as_deref().unwrap_or_default());
        overrides.insert(key.clone(), value.map_err(|bad| invalid(bad.to_string()))?);
    }
    check_across(settings, &overrides)?;
    Ok(overrides)
}

fn known(key: &str) -> Result<&'static Definition, Refusal> {
    match topic_keys::find(key) {
        Some(found) => Ok(&found.definition),
        None => Err(invalid(format!("Unknown topic config name: {key}"))),
    }
}

fn check_across(settings: &Settings, overrides: &ConfigOverrides) -> Result<(), Refusal> {
    let number = |key: &str| {
        let key = topic_keys::find(key).expect("a topic key");
        settings.topic_value(key, overrides).and_then(|value| value.parse::<i64>().ok()).unwrap_or_default()
    };
    let (least, most) = (number("min.compaction.lag.ms"), number("max.compaction.lag.ms"));
    if least > most {
        return Err(invalid(format!(
            "conflict topic config setting min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
        )));
    }
    if overrides.get("remote.storage.enable").is_some_and(|value| value == "true") {
        return Err(invalid(
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log \
             storage."
                .to_owned(),
        ));
    }
    Ok(())
}

fn invalid(what: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidConfig, what)
}

impl ControllerMachine {
    pub(super) fn alter_topic_configs(&mut self, topics: Vec<ConfigChange>, validate_only: bool) -> Decision {
        let mut records = Vec::new();
        let mut answer = Vec::with_capacity(topics.len());
        for change in &topics {
            let altered = self.alter_topic(change).map(|own| {
                if !validate_only {
                    self.advance(&own);
                    records.extend(own);
                }
            });
            answer.push(altered);
        }
        Decision { records, answer: MetadataAnswer::ConfigsAltered(answer) }
    }

    fn alter_topic(&self, change: &ConfigChange) -> Result<Vec<MetadataRecord>, Refusal> {
        if change.name.is_empty() {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Default topic resources are not allowed."));
        }
        topic_name::check(&change.name)?;
        let mut keys = BTreeSet::new();
        if !change.steps.iter().all(|step| keys.insert(&step.key)) {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Error due to duplicate config keys"));
        }
        let topic = self.image.topic(&change.name);
        let none = ConfigOverrides::new();
        let present = topic.map_or(&none, |topic| &topic.configs);
        let wanted = self.after_steps(present, &change.steps)?;
        let Some(topic) = topic else {
            let what = format!("The topic '{}' does not exist.", change.name);
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, what));
        };
        let mut records = config_records(topic.id, present, &wanted);
        records.extend(self.min_isr_records(topic, &wanted));
        Ok(records)
    }

    fn after_steps(&self, present: &ConfigOverrides, steps: &[ConfigStep]) -> Result<ConfigOverrides, Refusal> {
        let mut wanted = present.clone();
        for step in steps {
            match stepped(present, step)? {
                Some(value) => drop(wanted.insert(step.key.clone(), value)),
                None => drop(wanted.remove(&step.key)),
            }
        }
        check_across(&self.config.settings, &wanted)?;
        Ok(wanted)
    }

    /// A changed minimum of in-sync replicas is a change of each partition's record (rule 11 of the replication).
    fn min_isr_records(&self, topic: &TopicImage, wanted: &ConfigOverrides) -> Vec<MetadataRecord> {
        let min_isr = TopicConfig::resolve(&self.config.settings, wanted).min_insync_replicas;
        let changed = topic.partitions.iter().filter(|state| state.min_isr != min_isr);
        let record = |state: &PartitionState| {
            let partition_epoch = PartitionEpoch(state.partition_epoch.0 + 1);
            let state = PartitionState { partition_epoch, min_isr, ..state.clone() };
            MetadataRecord::Partition { topic: topic.id, state }
        };
        changed.map(record).collect()
    }
}

/// A key's value after one step; `None` removes it.
fn stepped(present: &ConfigOverrides, step: &ConfigStep) -> Result<Option<String>, Refusal> {
    let key = &step.key;
    match step.operation {
        ConfigOperation::Delete => return Ok(None),
        ConfigOperation::Unknown(number) => {
            return Err(Refusal::new(ErrorCode::UnknownServerError, format!("Unknown operation type {number}")));
        }
        _ => {}
    }
    let Some(value) = &step.value else {
        return Err(Refusal::new(ErrorCode::InvalidRequest, format!("Null value not supported for : {key}")));
    };
    let definition = known(key)?;
    let value = match step.operation {
        ConfigOperation::Append | ConfigOperation::Subtract => {
            let list = change_list(definition, present.get(key), step.operation, value)?;
            list.join(",")
        }
        _ => value.clone(),
    };
    definition.normalize(&value).map(Some).map_err(|bad| invalid(bad.to_string()))
}

fn change_list(
    definition: &Definition,
    present: Option<&String>,
    operation: ConfigOperation,
    value: &str,
) -> Result<Vec<String>, Refusal> {
    let word = if operation == ConfigOperation::Append { "APPEND" } else { "SUBTRACT" };
    if definition.kind != Kind::List {
        return Err(invalid(format!("Can't {word} to key {} because its type is not LIST.", definition.name)));
    }
    let mut list = split_list(present.map_or(definition.default.unwrap_or_default(), String::as_str));
    let entries = split_list(value);
    match operation {
        ConfigOperation::Append => list.extend(entries),
        _ => list.retain(|entry| !entries.contains(entry)),
    }
    Ok(list)
}

fn config_records(id: TopicId, present: &ConfigOverrides, wanted: &ConfigOverrides) -> Vec<MetadataRecord> {
    let keys: BTreeSet<&String> = present.keys().chain(wanted.keys()).collect();
    let changed = keys.into_iter().filter(|key| present.get(*key) != wanted.get(*key));
    let record = |key: &String| MetadataRecord::Config {
        resource: ConfigResource::Topic(id),
        key: key.clone(),
        value: wanted.get(key).cloned(),
    };
    changed.map(record).collect()
}
