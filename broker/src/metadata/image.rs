//! The state of the cluster after some prefix of the metadata log: immutable, shared by all cores.
//!
//! A new image is made from an old one by [`ClusterImage::apply`]; topics that did not change are shared between both
//! (`Arc::ptr_eq` tells), so that a core finds what changed without comparing contents.

use std::{collections::BTreeMap, fmt, sync::Arc};

use corelog_storage::ids::{LogId, PartitionIndex, ProducerId, TopicId};

use crate::{
    core::env::CoreId,
    metadata::{
        ids::{DirectoryId, NodeId, Uuid, topic_uuid},
        quota::{QuotaEntity, QuotaKey, QuotaValue, Quotas},
        record::{ConfigOverrides, ConfigResource, MetadataRecord, NodeRegistration, PartitionState},
    },
};

/// How many records of the metadata log an image holds; a higher version is newer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct ImageVersion(pub u64);

/// Everything the cluster knows at one version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ClusterImage {
    version: ImageVersion,
    cluster: Option<Uuid>,
    nodes: BTreeMap<NodeId, Arc<NodeRegistration>>,
    by_name: BTreeMap<Arc<str>, Arc<TopicImage>>,
    by_id: BTreeMap<TopicId, Arc<TopicImage>>,
    node_configs: BTreeMap<NodeId, Arc<ConfigOverrides>>,
    all_nodes_config: Arc<ConfigOverrides>,
    group_configs: BTreeMap<String, Arc<ConfigOverrides>>,
    client_metrics: BTreeMap<String, Arc<ConfigOverrides>>,
    next_producer_id: i64,
    quotas: Arc<Quotas>,
}

/// A topic at one version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicImage {
    /// Its id.
    pub id: TopicId,
    /// Its name.
    pub name: Arc<str>,
    /// Its partitions; the index is the position.
    pub partitions: Vec<PartitionState>,
    /// Its own configuration values.
    pub configs: ConfigOverrides,
}

/// A record that contradicts the image it is applied to. The controller never proposes one: it means a damaged log, or
/// a defect of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApplyError(pub String);

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metadata record does not fit: {}", self.0)
    }
}

impl std::error::Error for ApplyError {}

impl ClusterImage {
    /// How new it is.
    pub fn version(&self) -> ImageVersion {
        self.version
    }

    /// The cluster's id; `None` only before the first start has formatted the directory.
    pub fn cluster_id(&self) -> Option<Uuid> {
        self.cluster
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Arc<TopicImage>> {
        self.by_name.get(name)
    }

    /// The topic of this id.
    pub fn topic_by_id(&self, id: TopicId) -> Option<&Arc<TopicImage>> {
        self.by_id.get(&id)
    }

    /// All topics, by name.
    pub fn topics(&self) -> impl Iterator<Item = &Arc<TopicImage>> {
        self.by_name.values()
    }

    /// The topics whose names sort at or after `name`, by name.
    pub fn topics_from(&self, name: &str) -> impl Iterator<Item = &Arc<TopicImage>> {
        use std::ops::Bound::{Included, Unbounded};
        self.by_name.range::<str, _>((Included(name), Unbounded)).map(|(_, topic)| topic)
    }

    /// How many topics there are.
    pub fn topic_count(&self) -> usize {
        self.by_name.len()
    }

    /// The partition that a log holds.
    pub fn partition(&self, log: LogId) -> Option<&PartitionState> {
        self.by_id.get(&log.topic)?.partition(log.partition)
    }

    /// The nodes registered, by id.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<NodeRegistration>> {
        self.nodes.values()
    }

    /// A node's registration.
    pub fn node(&self, id: NodeId) -> Option<&Arc<NodeRegistration>> {
        self.nodes.get(&id)
    }

    /// A node's own configuration values.
    pub fn node_config(&self, id: NodeId) -> Arc<ConfigOverrides> {
        self.node_configs.get(&id).cloned().unwrap_or_default()
    }

    /// The configuration values set for all nodes.
    pub fn all_nodes_config(&self) -> Arc<ConfigOverrides> {
        self.all_nodes_config.clone()
    }

    /// A group's configuration values.
    pub fn group_config(&self, group: &str) -> Arc<ConfigOverrides> {
        self.group_configs.get(group).cloned().unwrap_or_default()
    }

    /// The groups that have configuration values.
    pub fn configured_groups(&self) -> impl Iterator<Item = &str> {
        self.group_configs.keys().map(String::as_str)
    }

    /// The values of a subscription to clients' metrics.
    pub fn client_metrics_config(&self, subscription: &str) -> Arc<ConfigOverrides> {
        self.client_metrics.get(subscription).cloned().unwrap_or_default()
    }

    /// The subscriptions to clients' metrics.
    pub fn client_metrics_subscriptions(&self) -> impl Iterator<Item = &str> {
        self.client_metrics.keys().map(String::as_str)
    }

    /// The first producer id that nobody was given.
    pub fn next_producer_id(&self) -> ProducerId {
        ProducerId(self.next_producer_id)
    }

    /// The quotas of clients; the same allocation as long as none changes.
    pub fn quotas(&self) -> &Arc<Quotas> {
        &self.quotas
    }

    /// Applies one record. On an error the image is unusable: apply to a clone.
    pub fn apply(&mut self, record: &MetadataRecord) -> Result<(), ApplyError> {
        match record {
            MetadataRecord::Cluster { id } => self.cluster = Some(*id),
            MetadataRecord::Node(node) => {
                self.nodes.insert(node.id, Arc::new(node.clone()));
            }
            MetadataRecord::Topic { id, name } => self.apply_topic(*id, name)?,
            MetadataRecord::RemoveTopic { id } => {
                let topic = self.by_id.remove(id).ok_or_else(|| unknown_topic(*id))?;
                self.by_name.remove(&topic.name);
            }
            MetadataRecord::Partition { topic, state } => self.apply_partition(*topic, state)?,
            MetadataRecord::Config { resource, key, value } => self.apply_config(resource, key, value.as_deref())?,
            MetadataRecord::ProducerIds { next } => {
                if next.0 < self.next_producer_id {
                    return Err(ApplyError(format!("producer ids fall from {} to {}", self.next_producer_id, next.0)));
                }
                self.next_producer_id = next.0;
            }
            MetadataRecord::Quota { entity, key, value } => self.apply_quota(entity, *key, *value),
        }
        self.version.0 += 1;
        Ok(())
    }

    /// This image after `records`, as a new one; all of them or, on an error, none.
    pub fn after(&self, records: &[MetadataRecord]) -> Result<Self, ApplyError> {
        let mut next = self.clone();
        for record in records {
            next.apply(record)?;
        }
        Ok(next)
    }

    /// The image that a snapshot holds.
    pub fn from_snapshot(version: ImageVersion, records: &[MetadataRecord]) -> Result<Self, ApplyError> {
        let mut image = Self::default().after(records)?;
        image.version = version;
        Ok(image)
    }

    /// Records that make this image out of an empty one.
    pub fn to_records(&self) -> Vec<MetadataRecord> {
        let mut records: Vec<MetadataRecord> =
            self.cluster.map(|id| MetadataRecord::Cluster { id }).into_iter().collect();
        records.extend(self.nodes.values().map(|node| MetadataRecord::Node((**node).clone())));
        records.extend(config_records(&ConfigResource::AllNodes, &self.all_nodes_config));
        for (node, configs) in &self.node_configs {
            records.extend(config_records(&ConfigResource::Node(*node), configs));
        }
        for (group, configs) in &self.group_configs {
            records.extend(config_records(&ConfigResource::Group(group.clone()), configs));
        }
        for (subscription, configs) in &self.client_metrics {
            records.extend(config_records(&ConfigResource::ClientMetrics(subscription.clone()), configs));
        }
        for topic in self.topics() {
            let (id, name) = (topic.id, topic.name.to_string());
            records.push(MetadataRecord::Topic { id, name });
            records.extend(config_records(&ConfigResource::Topic(id), &topic.configs));
            let partition = |state: &PartitionState| MetadataRecord::Partition { topic: id, state: state.clone() };
            records.extend(topic.partitions.iter().map(partition));
        }
        if self.next_producer_id > 0 {
            records.push(MetadataRecord::ProducerIds { next: self.next_producer_id() });
        }
        for (entity, values) in &*self.quotas {
            records.extend(values.iter().map(|(&key, &value)| MetadataRecord::Quota {
                entity: entity.clone(),
                key,
                value: Some(value),
            }));
        }
        records
    }

    fn apply_topic(&mut self, id: TopicId, name: &str) -> Result<(), ApplyError> {
        if self.by_id.contains_key(&id) || self.by_name.contains_key(name) {
            return Err(ApplyError(format!("topic {name} ({}) exists already", topic_uuid(id))));
        }
        let name: Arc<str> = name.into();
        let topic =
            Arc::new(TopicImage { id, name: name.clone(), partitions: Vec::new(), configs: ConfigOverrides::new() });
        self.by_id.insert(id, topic.clone());
        self.by_name.insert(name, topic);
        Ok(())
    }

    fn apply_partition(&mut self, id: TopicId, state: &PartitionState) -> Result<(), ApplyError> {
        self.change_topic(id, |topic| {
            let index = usize::try_from(state.index.0).unwrap_or(usize::MAX);
            let Some(present) = topic.partitions.get_mut(index) else {
                if index != topic.partitions.len() {
                    return Err(ApplyError(format!("{}-{} leaves a gap", topic.name, state.index.0)));
                }
                topic.partitions.push(state.clone());
                return Ok(());
            };
            if state.partition_epoch <= present.partition_epoch || state.leader_epoch < present.leader_epoch {
                return Err(ApplyError(format!("{}-{} with an epoch that falls", topic.name, state.index.0)));
            }
            *present = state.clone();
            Ok(())
        })
    }

    fn apply_config(&mut self, resource: &ConfigResource, key: &str, value: Option<&str>) -> Result<(), ApplyError> {
        match resource {
            ConfigResource::Topic(id) => self.change_topic(*id, |topic| {
                set(&mut topic.configs, key, value);
                Ok(())
            })?,
            ConfigResource::Node(id) => set_in(&mut self.node_configs, id, key, value),
            ConfigResource::AllNodes => set(Arc::make_mut(&mut self.all_nodes_config), key, value),
            ConfigResource::Group(group) => set_in(&mut self.group_configs, group, key, value),
            ConfigResource::ClientMetrics(name) => set_in(&mut self.client_metrics, name, key, value),
        }
        Ok(())
    }

    /// Who has no quota any more is forgotten.
    fn apply_quota(&mut self, entity: &QuotaEntity, key: QuotaKey, value: Option<QuotaValue>) {
        let quotas = Arc::make_mut(&mut self.quotas);
        match value {
            Some(value) => drop(quotas.entry(entity.clone()).or_default().insert(key, value)),
            None => {
                if let Some(values) = quotas.get_mut(entity) {
                    values.remove(&key);
                    if values.is_empty() {
                        quotas.remove(entity);
                    }
                }
            }
        }
    }

    /// Changes a topic in both maps; copies it only while an older image shares it.
    fn change_topic(
        &mut self,
        id: TopicId,
        change: impl FnOnce(&mut TopicImage) -> Result<(), ApplyError>,
    ) -> Result<(), ApplyError> {
        let mut topic = self.by_id.remove(&id).ok_or_else(|| unknown_topic(id))?;
        self.by_name.remove(&topic.name);
        let outcome = change(Arc::make_mut(&mut topic));
        self.by_name.insert(topic.name.clone(), topic.clone());
        self.by_id.insert(id, topic);
        outcome
    }
}

impl TopicImage {
    /// One of its partitions.
    pub fn partition(&self, index: PartitionIndex) -> Option<&PartitionState> {
        self.partitions.get(usize::try_from(index.0).ok()?)
    }

    /// The log of one of its partitions, whether or not that exists.
    pub fn log(&self, index: PartitionIndex) -> LogId {
        LogId { topic: self.id, partition: index }
    }

    /// Whether it is one of the cluster's own topics, which clients do not write to.
    pub fn is_internal(&self) -> bool {
        is_internal(&self.name)
    }
}

/// Whether a topic of this name is one of the cluster's own.
pub fn is_internal(name: &str) -> bool {
    matches!(name, "__consumer_offsets" | "__transaction_state" | "__share_group_state")
}

impl PartitionState {
    /// The core of `node` that owns its copy.
    pub fn core_on(&self, node: NodeId) -> Option<CoreId> {
        self.replicas.iter().find(|replica| replica.node == node).map(|replica| replica.core)
    }

    /// The data directory of `node` that its copy is in.
    pub fn directory_on(&self, node: NodeId) -> Option<DirectoryId> {
        self.replicas.iter().find(|replica| replica.node == node).map(|replica| replica.directory)
    }

    /// The leader and its owning core.
    pub fn leader_core(&self) -> Option<(NodeId, CoreId)> {
        let leader = self.leader?;
        Some((leader, self.core_on(leader)?))
    }
}

fn set(configs: &mut ConfigOverrides, key: &str, value: Option<&str>) {
    match value {
        Some(value) => drop(configs.insert(key.to_owned(), value.to_owned())),
        None => drop(configs.remove(key)),
    }
}

/// As [`set`]; who has no value any more is forgotten.
fn set_in<K: Ord + Clone>(all: &mut BTreeMap<K, Arc<ConfigOverrides>>, whose: &K, key: &str, value: Option<&str>) {
    let configs = Arc::make_mut(all.entry(whose.clone()).or_default());
    set(configs, key, value);
    if configs.is_empty() {
        all.remove(whose);
    }
}

fn config_records(resource: &ConfigResource, configs: &ConfigOverrides) -> impl Iterator<Item = MetadataRecord> {
    configs.iter().map(|(key, value)| MetadataRecord::Config {
        resource: resource.clone(),
        key: key.clone(),
        value: Some(value.clone()),
    })
}

fn unknown_topic(id: TopicId) -> ApplyError {
    ApplyError(format!("topic {} does not exist", topic_uuid(id)))
}
