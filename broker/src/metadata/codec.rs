//! Metadata records as bytes: the FlatBuffers of `schemas/metadata.fbs`, one per record of the log.

use std::fmt;

use corelog_storage::ids::{LeaderEpoch, PartitionIndex, ProducerId, TopicId};
use flatbuffers::{FlatBufferBuilder, InvalidFlatbuffer, UnionWIPOffset, Vector, WIPOffset};

use crate::{
    core::env::CoreId,
    metadata::{
        generated as fbs,
        ids::{BrokerEpoch, DirectoryId, NodeId, PartitionEpoch, Uuid},
        image::ImageVersion,
        quota::{QuotaEntity, QuotaEntityKind, QuotaKey, QuotaName, QuotaValue},
        record::{ConfigResource, MetadataRecord, NodeRegistration, PartitionState, Replica},
    },
};

/// What one record of the log holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A fact.
    Record(MetadataRecord),
    /// A whole image follows, the one of this version.
    SnapshotBegin(ImageVersion),
    /// That image is complete, with so many records.
    SnapshotEnd(u64),
}

/// Bytes that are no metadata record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CodecError {
    /// Not a FlatBuffer of this schema.
    Invalid(String),
    /// A field that every record of its kind has is not there.
    Missing(&'static str),
    /// A kind of record that a newer version of this program wrote.
    Newer(u8),
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => write!(f, "not a metadata record: {why}"),
            Self::Missing(what) => write!(f, "a metadata record without {what}"),
            Self::Newer(kind) => write!(f, "a metadata record of kind {kind}, newer than this program knows"),
        }
    }
}

impl std::error::Error for CodecError {}

impl From<InvalidFlatbuffer> for CodecError {
    fn from(error: InvalidFlatbuffer) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// The bytes of one entry.
pub fn encode(entry: &Entry) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let (fact_type, fact) = match entry {
        Entry::Record(record) => encode_record(&mut builder, record),
        Entry::SnapshotBegin(version) => {
            let args = fbs::SnapshotBeginArgs { version: version.0 as i64 };
            (fbs::Fact::SnapshotBegin, fbs::SnapshotBegin::create(&mut builder, &args).as_union_value())
        }
        Entry::SnapshotEnd(records) => {
            let args = fbs::SnapshotEndArgs { records: *records as i64 };
            (fbs::Fact::SnapshotEnd, fbs::SnapshotEnd::create(&mut builder, &args).as_union_value())
        }
    };
    let record = fbs::Record::create(&mut builder, &fbs::RecordArgs { fact_type, fact: Some(fact) });
    builder.finish(record, None);
    builder.finished_data().to_vec()
}

type Fact = (fbs::Fact, WIPOffset<UnionWIPOffset>);

fn encode_record(builder: &mut FlatBufferBuilder<'_>, record: &MetadataRecord) -> Fact {
    match record {
        MetadataRecord::Cluster { id } => {
            let args = fbs::ClusterArgs { id: Some(&fbs::Id::new(&id.0)) };
            (fbs::Fact::Cluster, fbs::Cluster::create(builder, &args).as_union_value())
        }
        MetadataRecord::Node(node) => encode_node(builder, node),
        MetadataRecord::Topic { id, name } => {
            let name = builder.create_string(name);
            let args = fbs::TopicArgs { id: Some(&fbs::Id::new(&id.0)), name: Some(name) };
            (fbs::Fact::Topic, fbs::Topic::create(builder, &args).as_union_value())
        }
        MetadataRecord::RemoveTopic { id } => {
            let args = fbs::RemoveTopicArgs { id: Some(&fbs::Id::new(&id.0)) };
            (fbs::Fact::RemoveTopic, fbs::RemoveTopic::create(builder, &args).as_union_value())
        }
        MetadataRecord::Partition { topic, state } => encode_partition(builder, *topic, state),
        MetadataRecord::Config { resource, key, value } => encode_config(builder, resource, key, value.as_deref()),
        MetadataRecord::ProducerIds { next } => {
            let args = fbs::ProducerIdsArgs { next: next.0 };
            (fbs::Fact::ProducerIds, fbs::ProducerIds::create(builder, &args).as_union_value())
        }
        MetadataRecord::Quota { entity, key, value } => encode_quota(builder, entity, *key, *value),
    }
}

fn encode_node(builder: &mut FlatBufferBuilder<'_>, node: &NodeRegistration) -> Fact {
    let directories: Vec<fbs::Id> = node.directories.iter().map(|directory| fbs::Id::new(&directory.0.0)).collect();
    let directories = builder.create_vector(&directories);
    let rack = node.rack.as_deref().map(|rack| builder.create_string(rack));
    let args = fbs::NodeArgs {
        id: node.id.0,
        epoch: node.epoch.0,
        incarnation: Some(&fbs::Id::new(&node.incarnation.0)),
        cores: node.cores,
        directories: Some(directories),
        rack,
    };
    (fbs::Fact::Node, fbs::Node::create(builder, &args).as_union_value())
}

fn encode_partition(builder: &mut FlatBufferBuilder<'_>, topic: TopicId, state: &PartitionState) -> Fact {
    let replica =
        |replica: &Replica| fbs::Replica::new(replica.node.0, replica.core.0, &fbs::Id::new(&replica.directory.0.0));
    let replicas: Vec<fbs::Replica> = state.replicas.iter().map(replica).collect();
    let replicas = builder.create_vector(&replicas);
    let mut nodes = |nodes: &[NodeId]| {
        let ids: Vec<i32> = nodes.iter().map(|node| node.0).collect();
        (!ids.is_empty()).then(|| builder.create_vector(&ids))
    };
    let (adding, removing) = (nodes(&state.adding), nodes(&state.removing));
    let (isr, elr, last_known_elr) = (nodes(&state.isr), nodes(&state.elr), nodes(&state.last_known_elr));
    let args = fbs::PartitionArgs {
        topic: Some(&fbs::Id::new(&topic.0)),
        index: state.index.0,
        leader: state.leader.map_or(-1, |leader| leader.0),
        leader_epoch: state.leader_epoch.0,
        partition_epoch: state.partition_epoch.0,
        replicas: Some(replicas),
        adding,
        removing,
        isr,
        elr,
        last_known_elr,
        min_isr: state.min_isr,
    };
    (fbs::Fact::Partition, fbs::Partition::create(builder, &args).as_union_value())
}

fn encode_config(
    builder: &mut FlatBufferBuilder<'_>,
    resource: &ConfigResource,
    key: &str,
    value: Option<&str>,
) -> Fact {
    let key = builder.create_string(key);
    let value = value.map(|value| builder.create_string(value));
    let (scope, node, topic, name) = match resource {
        ConfigResource::AllNodes => (fbs::Scope::AllNodes, 0, None, None),
        ConfigResource::Node(node) => (fbs::Scope::Node, node.0, None, None),
        ConfigResource::Topic(topic) => (fbs::Scope::Topic, 0, Some(fbs::Id::new(&topic.0)), None),
        ConfigResource::Group(name) => (fbs::Scope::Group, 0, None, Some(name)),
        ConfigResource::ClientMetrics(name) => (fbs::Scope::ClientMetrics, 0, None, Some(name)),
    };
    let name = name.map(|name| builder.create_string(name));
    let args = fbs::ConfigArgs { scope, node, topic: topic.as_ref(), key: Some(key), value, name };
    (fbs::Fact::Config, fbs::Config::create(builder, &args).as_union_value())
}

/// The kinds and keys as they are written, in the order of ours.
const QUOTA_KINDS: [(QuotaEntityKind, fbs::QuotaEntityKind); 3] = [
    (QuotaEntityKind::User, fbs::QuotaEntityKind::User),
    (QuotaEntityKind::ClientId, fbs::QuotaEntityKind::ClientId),
    (QuotaEntityKind::Ip, fbs::QuotaEntityKind::Ip),
];
const QUOTA_KEYS: [(QuotaKey, fbs::QuotaKey); 5] = [
    (QuotaKey::ProducerByteRate, fbs::QuotaKey::ProducerByteRate),
    (QuotaKey::ConsumerByteRate, fbs::QuotaKey::ConsumerByteRate),
    (QuotaKey::RequestPercentage, fbs::QuotaKey::RequestPercentage),
    (QuotaKey::ControllerMutationRate, fbs::QuotaKey::ControllerMutationRate),
    (QuotaKey::ConnectionCreationRate, fbs::QuotaKey::ConnectionCreationRate),
];

fn encode_quota(
    builder: &mut FlatBufferBuilder<'_>,
    entity: &QuotaEntity,
    key: QuotaKey,
    value: Option<QuotaValue>,
) -> Fact {
    let mut parts = Vec::new();
    for (kind, written) in QUOTA_KINDS {
        let Some(name) = entity.part(kind) else { continue };
        let name = match name {
            QuotaName::Default => None,
            QuotaName::Named(name) => Some(builder.create_string(name)),
        };
        parts.push(fbs::QuotaEntity::create(builder, &fbs::QuotaEntityArgs { kind: written, name }));
    }
    let entity = Some(builder.create_vector(&parts));
    let (_, key) = QUOTA_KEYS[key as usize];
    let args = fbs::QuotaArgs { entity, key, value: value.map_or(0.0, QuotaValue::get), removed: value.is_none() };
    (fbs::Fact::Quota, fbs::Quota::create(builder, &args).as_union_value())
}

/// Reads one entry.
pub fn decode(bytes: &[u8]) -> Result<Entry, CodecError> {
    let record = flatbuffers::root::<fbs::Record<'_>>(bytes)?;
    if let Some(begin) = record.fact_as_snapshot_begin() {
        return Ok(Entry::SnapshotBegin(ImageVersion(begin.version() as u64)));
    }
    if let Some(end) = record.fact_as_snapshot_end() {
        return Ok(Entry::SnapshotEnd(end.records() as u64));
    }
    decode_record(&record).map(Entry::Record)
}

fn decode_record(record: &fbs::Record<'_>) -> Result<MetadataRecord, CodecError> {
    if let Some(cluster) = record.fact_as_cluster() {
        return Ok(MetadataRecord::Cluster { id: uuid(cluster.id())? });
    }
    if let Some(node) = record.fact_as_node() {
        return decode_node(&node).map(MetadataRecord::Node);
    }
    if let Some(topic) = record.fact_as_topic() {
        return Ok(MetadataRecord::Topic { id: topic_id(topic.id())?, name: text(topic.name(), "a name")? });
    }
    if let Some(removed) = record.fact_as_remove_topic() {
        return Ok(MetadataRecord::RemoveTopic { id: topic_id(removed.id())? });
    }
    if let Some(partition) = record.fact_as_partition() {
        return decode_partition(&partition);
    }
    if let Some(config) = record.fact_as_config() {
        return decode_config(&config);
    }
    if let Some(ids) = record.fact_as_producer_ids() {
        return Ok(MetadataRecord::ProducerIds { next: ProducerId(ids.next()) });
    }
    if let Some(quota) = record.fact_as_quota() {
        return decode_quota(&quota);
    }
    Err(CodecError::Newer(record.fact_type().0))
}

fn decode_node(node: &fbs::Node<'_>) -> Result<NodeRegistration, CodecError> {
    let directories = node.directories().ok_or(CodecError::Missing("directories"))?;
    Ok(NodeRegistration {
        id: NodeId(node.id()),
        epoch: BrokerEpoch(node.epoch()),
        incarnation: uuid(node.incarnation())?,
        cores: node.cores(),
        directories: directories.iter().map(|id| DirectoryId(Uuid(id.bytes().into()))).collect(),
        rack: node.rack().map(str::to_owned),
    })
}

fn decode_partition(partition: &fbs::Partition<'_>) -> Result<MetadataRecord, CodecError> {
    let replicas = partition.replicas().ok_or(CodecError::Missing("replicas"))?;
    let replica = |replica: &fbs::Replica| Replica {
        node: NodeId(replica.node()),
        core: CoreId(replica.core()),
        directory: DirectoryId(Uuid(replica.directory().bytes().into())),
    };
    let state = PartitionState {
        index: PartitionIndex(partition.index()),
        leader: (partition.leader() >= 0).then(|| NodeId(partition.leader())),
        leader_epoch: LeaderEpoch(partition.leader_epoch()),
        partition_epoch: PartitionEpoch(partition.partition_epoch()),
        replicas: replicas.iter().map(replica).collect(),
        adding: nodes(partition.adding()),
        removing: nodes(partition.removing()),
        isr: nodes(partition.isr()),
        elr: nodes(partition.elr()),
        last_known_elr: nodes(partition.last_known_elr()),
        min_isr: partition.min_isr(),
    };
    Ok(MetadataRecord::Partition { topic: topic_id(partition.topic())?, state })
}

fn decode_config(config: &fbs::Config<'_>) -> Result<MetadataRecord, CodecError> {
    let resource = match config.scope() {
        fbs::Scope::AllNodes => ConfigResource::AllNodes,
        fbs::Scope::Node => ConfigResource::Node(NodeId(config.node())),
        fbs::Scope::Topic => ConfigResource::Topic(topic_id(config.topic())?),
        fbs::Scope::Group => ConfigResource::Group(text(config.name(), "a group")?),
        fbs::Scope::ClientMetrics => ConfigResource::ClientMetrics(text(config.name(), "a subscription")?),
        other => return Err(CodecError::Newer(other.0)),
    };
    let value = config.value().map(str::to_owned);
    Ok(MetadataRecord::Config { resource, key: text(config.key(), "a key")?, value })
}

fn decode_quota(quota: &fbs::Quota<'_>) -> Result<MetadataRecord, CodecError> {
    let mut entity = QuotaEntity::default();
    for part in quota.entity().ok_or(CodecError::Missing("an entity"))? {
        let found = QUOTA_KINDS.iter().find(|(_, written)| *written == part.kind());
        let (kind, _) = found.ok_or(CodecError::Newer(part.kind().0))?;
        entity.set(*kind, QuotaName::from_wire(part.name().map(str::to_owned)));
    }
    let found = QUOTA_KEYS.iter().find(|(_, written)| *written == quota.key());
    let (key, _) = found.ok_or(CodecError::Newer(quota.key().0))?;
    let value = (!quota.removed()).then(|| QuotaValue::new(quota.value()));
    Ok(MetadataRecord::Quota { entity, key: *key, value })
}

fn nodes(ids: Option<Vector<'_, i32>>) -> Vec<NodeId> {
    ids.map(|ids| ids.iter().map(NodeId).collect()).unwrap_or_default()
}

fn uuid(id: Option<&fbs::Id>) -> Result<Uuid, CodecError> {
    id.map(|id| Uuid(id.bytes().into())).ok_or(CodecError::Missing("an id"))
}

fn topic_id(id: Option<&fbs::Id>) -> Result<TopicId, CodecError> {
    uuid(id).map(|id| TopicId(id.0))
}

fn text(text: Option<&str>, what: &'static str) -> Result<String, CodecError> {
    text.map(str::to_owned).ok_or(CodecError::Missing(what))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One record of each kind, with every field set.
    pub(in crate::metadata) fn samples() -> Vec<MetadataRecord> {
        let topic = TopicId([7; 16]);
        let replica =
            |node, core| Replica { node: NodeId(node), core: CoreId(core), directory: DirectoryId(Uuid([9; 16])) };
        let state = PartitionState {
            index: PartitionIndex(0),
            leader: Some(NodeId(1)),
            leader_epoch: LeaderEpoch(3),
            partition_epoch: PartitionEpoch(4),
            replicas: vec![replica(1, 2), replica(2, 0)],
            adding: vec![NodeId(2)],
            removing: vec![NodeId(1)],
            isr: vec![NodeId(1)],
            elr: vec![NodeId(2)],
            last_known_elr: vec![NodeId(2)],
            min_isr: 2,
        };
        let quota = |user: Option<QuotaName>, client_id: Option<&str>, value: Option<f64>| MetadataRecord::Quota {
            entity: QuotaEntity { user, client_id: client_id.map(|id| QuotaName::Named(id.into())), ip: None },
            key: QuotaKey::RequestPercentage,
            value: value.map(QuotaValue::new),
        };
        let of_ip = QuotaEntity { ip: Some(QuotaName::Default), ..QuotaEntity::default() };
        let set = |resource, value: Option<&str>| MetadataRecord::Config {
            resource,
            key: "retention.ms".into(),
            value: value.map(str::to_owned),
        };
        vec![
            MetadataRecord::Cluster { id: Uuid([1; 16]) },
            MetadataRecord::Node(NodeRegistration {
                id: NodeId(1),
                epoch: BrokerEpoch(5),
                incarnation: Uuid([2; 16]),
                cores: 4,
                directories: vec![DirectoryId(Uuid([3; 16]))],
                rack: Some("r".into()),
            }),
            MetadataRecord::Topic { id: topic, name: "t".into() },
            MetadataRecord::Partition { topic, state: state.clone() },
            MetadataRecord::Partition {
                topic,
                state: PartitionState { index: PartitionIndex(1), leader: None, isr: vec![], ..state },
            },
            set(ConfigResource::Topic(topic), Some("5")),
            set(ConfigResource::Node(NodeId(1)), Some("")),
            set(ConfigResource::AllNodes, Some("7")),
            set(ConfigResource::AllNodes, None),
            set(ConfigResource::Group("g".into()), Some("9")),
            set(ConfigResource::ClientMetrics("m".into()), Some("9")),
            set(ConfigResource::ClientMetrics("m".into()), None),
            MetadataRecord::ProducerIds { next: ProducerId(1000) },
            quota(Some(QuotaName::Default), Some("c"), Some(12.5)),
            quota(Some(QuotaName::Named("u".into())), None, Some(0.0)),
            quota(None, Some("c"), Some(1e18)),
            MetadataRecord::Quota {
                entity: of_ip,
                key: QuotaKey::ConnectionCreationRate,
                value: Some(QuotaValue::new(3.0)),
            },
            quota(None, Some("c"), None),
            MetadataRecord::RemoveTopic { id: topic },
        ]
    }

    #[test]
    fn every_record_reads_back_as_it_was_written() {
        let (entity, value) = (QuotaEntity::default(), Some(QuotaValue::new(0.5)));
        let quotas = QuotaKey::ALL.map(|key| MetadataRecord::Quota { entity: entity.clone(), key, value });
        let entries = samples().into_iter().chain(quotas).map(Entry::Record);
        for entry in entries.chain([Entry::SnapshotBegin(ImageVersion(9)), Entry::SnapshotEnd(3)]) {
            assert_eq!(decode(&encode(&entry)), Ok(entry));
        }
    }

    #[test]
    fn damaged_bytes_are_an_error_and_never_more() {
        for entry in samples().into_iter().map(Entry::Record) {
            let bytes = encode(&entry);
            for cut in 0..bytes.len() {
                let _ = decode(&bytes[..cut]);
            }
            for (place, flip) in (0..bytes.len()).flat_map(|place| [1_u8, 0x80, 0xff].map(|flip| (place, flip))) {
                let mut damaged = bytes.clone();
                damaged[place] ^= flip;
                let _ = decode(&damaged);
            }
        }
        assert!(decode(&[]).is_err());
    }
}
