//! AlterConfigs and IncrementalAlterConfigs, and what a new topic's configuration may be.

use corelog_wire::error_code::ErrorCode;

use super::{
    config_edit::{Keys, no_list, records},
    machine::{ControllerMachine, Decision},
};
use crate::{
    config::{Settings, TopicConfig, definition::Definition, topic_keys},
    metadata::{
        call::{ConfigChange, ConfigEdit, ConfigTarget, MetadataAnswer, Refusal},
        ids::PartitionEpoch,
        image::TopicImage,
        record::{ConfigOverrides, ConfigResource, MetadataRecord, PartitionState},
        topic_name,
    },
};

const TOPIC: Keys = Keys { find, unknown: Some(unknown), bad_value: ErrorCode::InvalidConfig, no_list };

fn find(key: &str) -> Option<&'static Definition> {
    topic_keys::find(key).map(|key| &key.definition)
}

fn unknown(key: &str) -> Refusal {
    invalid(format!("Unknown topic config name: {key}"))
}

fn invalid(what: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidConfig, what)
}

/// Checks what a new topic is to have; the last of two values for a key counts.
pub(super) fn check_configs(
    settings: &Settings,
    configs: &[(String, Option<String>)],
) -> Result<ConfigOverrides, Refusal> {
    if let Some((key, _)) = configs.iter().find(|(_, value)| value.is_none()) {
        return Err(invalid(format!("Null value not supported for topic configs: {key}")));
    }
    let none = ConfigOverrides::new();
    let overrides = TOPIC.normalized(&none, TOPIC.edited(&none, &ConfigEdit::Replace(configs.to_vec()))?)?;
    check_across(settings, &overrides)?;
    Ok(overrides)
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

impl ControllerMachine {
    /// The values of this node's keys, with what was set at run time.
    pub(super) fn settings(&self) -> Settings {
        self.config.settings.with_dynamic(self.image.all_nodes_config(), self.image.node_config(self.config.node))
    }

    pub(super) fn alter_configs(&mut self, changes: Vec<ConfigChange>, validate_only: bool) -> Decision {
        let mut records = Vec::new();
        let mut answer = Vec::with_capacity(changes.len());
        for change in &changes {
            let altered = self.alter(change).map(|own| {
                if !validate_only {
                    self.advance(&own);
                    records.extend(own);
                }
            });
            answer.push(altered);
        }
        Decision { records, answer: MetadataAnswer::ConfigsAltered(answer) }
    }

    fn alter(&self, change: &ConfigChange) -> Result<Vec<MetadataRecord>, Refusal> {
        let edit = &change.edit;
        match &change.target {
            ConfigTarget::Topic(name) => self.alter_topic(name, edit),
            ConfigTarget::Node(node) => self.alter_broker(&ConfigResource::Node(*node), edit),
            ConfigTarget::AllNodes => self.alter_broker(&ConfigResource::AllNodes, edit),
            ConfigTarget::Group(name) => self.alter_group(name, edit),
            ConfigTarget::ClientMetrics(name) => self.alter_client_metrics(name, edit),
        }
    }

    fn alter_topic(&self, name: &str, edit: &ConfigEdit) -> Result<Vec<MetadataRecord>, Refusal> {
        if name.is_empty() {
            return Err(Refusal::new(ErrorCode::InvalidRequest, "Default topic resources are not allowed."));
        }
        topic_name::check(name)?;
        let topic = self.image.topic(name);
        let none = ConfigOverrides::new();
        let present = topic.map_or(&none, |topic| &topic.configs);
        let wanted = TOPIC.normalized(present, TOPIC.edited(present, edit)?)?;
        let settings = self.settings();
        check_across(&settings, &wanted)?;
        let Some(topic) = topic else {
            let what = format!("The topic '{name}' does not exist.");
            return Err(Refusal::new(ErrorCode::UnknownTopicOrPartition, what));
        };
        let mut changes = records(&ConfigResource::Topic(topic.id), present, &wanted);
        changes.extend(min_isr_records(&settings, topic, &wanted));
        Ok(changes)
    }

    /// What a change of the broker's keys means for the partitions' records.
    pub(super) fn all_min_isr_records(&self, settings: &Settings) -> Vec<MetadataRecord> {
        self.image.topics().flat_map(|topic| min_isr_records(settings, topic, &topic.configs)).collect()
    }
}

/// A changed minimum of in-sync replicas is a change of each partition's record (rule 11 of the replication).
fn min_isr_records(settings: &Settings, topic: &TopicImage, wanted: &ConfigOverrides) -> Vec<MetadataRecord> {
    let min_isr = TopicConfig::resolve(settings, wanted).min_insync_replicas;
    let changed = topic.partitions.iter().filter(|state| state.min_isr != min_isr);
    let record = |state: &PartitionState| {
        let partition_epoch = PartitionEpoch(state.partition_epoch.0 + 1);
        let state = PartitionState { partition_epoch, min_isr, ..state.clone() };
        MetadataRecord::Partition { topic: topic.id, state }
    };
    changed.map(record).collect()
}
