//! Generated from `schemas/kafka/group_coordinator_streams.kafka` (FNV-1a bade978a0cbbdbfa); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupCurrentMemberAssignmentKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for StreamsGroupCurrentMemberAssignmentKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
    }
}

impl Message for StreamsGroupCurrentMemberAssignmentKey {
    const NAME: &'static str = "StreamsGroupCurrentMemberAssignmentKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for StreamsGroupCurrentMemberAssignmentKey {
    const TYPE: i16 = 22;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupCurrentMemberAssignmentValue {
    pub member_epoch: i32,
    pub previous_member_epoch: i32,
    pub state: i8,
    pub active_tasks: Vec<StreamsGroupCurrentMemberAssignmentTaskIds>,
    pub standby_tasks: Vec<StreamsGroupCurrentMemberAssignmentTaskIds>,
    pub warmup_tasks: Vec<StreamsGroupCurrentMemberAssignmentTaskIds>,
    pub active_tasks_pending_revocation: Vec<StreamsGroupCurrentMemberAssignmentTaskIds>,
    pub standby_tasks_pending_revocation: Vec<StreamsGroupCurrentMemberAssignmentTaskIds>,
    pub warmup_tasks_pending_revocation: Vec<StreamsGroupCurrentMemberAssignmentTaskIds>,
}

impl Fields for StreamsGroupCurrentMemberAssignmentValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_epoch = d.i32("member_epoch")?;
        self.previous_member_epoch = d.i32("previous_member_epoch")?;
        self.state = d.i8("state")?;
        self.active_tasks = d.array(v, "active_tasks")?;
        self.standby_tasks = d.array(v, "standby_tasks")?;
        self.warmup_tasks = d.array(v, "warmup_tasks")?;
        self.active_tasks_pending_revocation = d.array(v, "active_tasks_pending_revocation")?;
        self.standby_tasks_pending_revocation = d.array(v, "standby_tasks_pending_revocation")?;
        self.warmup_tasks_pending_revocation = d.array(v, "warmup_tasks_pending_revocation")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.member_epoch);
        e.i32(self.previous_member_epoch);
        e.i8(self.state);
        e.array(&self.active_tasks, v, "active_tasks");
        e.array(&self.standby_tasks, v, "standby_tasks");
        e.array(&self.warmup_tasks, v, "warmup_tasks");
        e.array(&self.active_tasks_pending_revocation, v, "active_tasks_pending_revocation");
        e.array(&self.standby_tasks_pending_revocation, v, "standby_tasks_pending_revocation");
        e.array(&self.warmup_tasks_pending_revocation, v, "warmup_tasks_pending_revocation");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupCurrentMemberAssignmentValue`].
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupCurrentMemberAssignmentTaskIds {
    pub subtopology_id: String,
    pub partitions: Vec<i32>,
    /// Tag 0.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for StreamsGroupCurrentMemberAssignmentTaskIds {
    fn default() -> Self {
        Self {
            subtopology_id: Default::default(),
            partitions: Default::default(),
            assignment_epochs: Some(Default::default()),
        }
    }
}

impl Fields for StreamsGroupCurrentMemberAssignmentTaskIds {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.partitions = d.array(v, "partitions")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.assignment_epochs = d.nullable_array(true, v, "assignment_epochs")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.array(&self.partitions, v, "partitions");
        let tags = e.tags();
        if self.assignment_epochs.as_ref().is_none_or(|x| !x.is_empty()) {
            let tag = e.begin_tag(tags, 0);
            e.nullable_array(true, &self.assignment_epochs, v, "assignment_epochs");
            e.end_tag(tag);
        }
    }
}

impl Message for StreamsGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "StreamsGroupCurrentMemberAssignmentValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for StreamsGroupCurrentMemberAssignmentValue {
    const TYPE: i16 = 22;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupMemberMetadataKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for StreamsGroupMemberMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
    }
}

impl Message for StreamsGroupMemberMetadataKey {
    const NAME: &'static str = "StreamsGroupMemberMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for StreamsGroupMemberMetadataKey {
    const TYPE: i16 = 19;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMemberMetadataValue {
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub rebalance_timeout_ms: i32,
    pub topology_epoch: i32,
    pub process_id: String,
    pub user_endpoint: Option<Endpoint>,
    pub client_tags: Vec<KeyValue>,
}

impl Default for StreamsGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Default::default(),
            rack_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout_ms: -1,
            topology_epoch: Default::default(),
            process_id: Default::default(),
            user_endpoint: Default::default(),
            client_tags: Default::default(),
        }
    }
}

impl Fields for StreamsGroupMemberMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.instance_id = d.nullable_string(true, "instance_id")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        self.rebalance_timeout_ms = d.i32("rebalance_timeout_ms")?;
        self.topology_epoch = d.i32("topology_epoch")?;
        self.process_id = d.string("process_id")?;
        self.user_endpoint = d.nullable_structure(true, v, "user_endpoint")?;
        self.client_tags = d.array(v, "client_tags")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.instance_id.as_deref(), "instance_id");
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        e.i32(self.rebalance_timeout_ms);
        e.i32(self.topology_epoch);
        e.string(&self.process_id, "process_id");
        e.nullable_structure(true, &self.user_endpoint, v, "user_endpoint");
        e.array(&self.client_tags, v, "client_tags");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupMemberMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

impl Fields for Endpoint {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.host = d.string("host")?;
        self.port = d.u16("port")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.host, "host");
        e.u16(self.port);
        e.no_tags();
    }
}

/// Part of [`StreamsGroupMemberMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    pub key: String,
    pub value: String,
}

impl Fields for KeyValue {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.key = d.string("key")?;
        self.value = d.string("value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.key, "key");
        e.string(&self.value, "value");
        e.no_tags();
    }
}

impl Message for StreamsGroupMemberMetadataValue {
    const NAME: &'static str = "StreamsGroupMemberMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for StreamsGroupMemberMetadataValue {
    const TYPE: i16 = 19;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupMetadataKey {
    pub group_id: String,
}

impl Fields for StreamsGroupMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for StreamsGroupMetadataKey {
    const NAME: &'static str = "StreamsGroupMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for StreamsGroupMetadataKey {
    const TYPE: i16 = 17;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMetadataValue {
    pub epoch: i32,
    pub metadata_hash: i64,
    /// Tag 0.
    pub validated_topology_epoch: i32,
    /// Tag 1.
    pub last_assignment_configs: Option<Vec<LastAssignmentConfig>>,
    /// Tag 2.
    pub stored_description_topology_epoch: i32,
    /// Tag 3.
    pub failed_description_topology_epoch: i32,
}

impl Default for StreamsGroupMetadataValue {
    fn default() -> Self {
        Self {
            epoch: Default::default(),
            metadata_hash: Default::default(),
            validated_topology_epoch: -1,
            last_assignment_configs: Some(Default::default()),
            stored_description_topology_epoch: -1,
            failed_description_topology_epoch: -1,
        }
    }
}

impl Fields for StreamsGroupMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.epoch = d.i32("epoch")?;
        self.metadata_hash = d.i64("metadata_hash")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.validated_topology_epoch = d.i32("validated_topology_epoch")?; }
                1 => { self.last_assignment_configs = d.nullable_array(true, v, "last_assignment_configs")?; }
                2 => { self.stored_description_topology_epoch = d.i32("stored_description_topology_epoch")?; }
                3 => { self.failed_description_topology_epoch = d.i32("failed_description_topology_epoch")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.epoch);
        e.i64(self.metadata_hash);
        let tags = e.tags();
        if self.validated_topology_epoch != -1 {
            let tag = e.begin_tag(tags, 0);
            e.i32(self.validated_topology_epoch);
            e.end_tag(tag);
        }
        if self.last_assignment_configs.as_ref().is_none_or(|x| !x.is_empty()) {
            let tag = e.begin_tag(tags, 1);
            e.nullable_array(true, &self.last_assignment_configs, v, "last_assignment_configs");
            e.end_tag(tag);
        }
        if self.stored_description_topology_epoch != -1 {
            let tag = e.begin_tag(tags, 2);
            e.i32(self.stored_description_topology_epoch);
            e.end_tag(tag);
        }
        if self.failed_description_topology_epoch != -1 {
            let tag = e.begin_tag(tags, 3);
            e.i32(self.failed_description_topology_epoch);
            e.end_tag(tag);
        }
    }
}

/// Part of [`StreamsGroupMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastAssignmentConfig {
    pub key: String,
    pub value: String,
}

impl Fields for LastAssignmentConfig {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.key = d.string("key")?;
        self.value = d.string("value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.key, "key");
        e.string(&self.value, "value");
        e.no_tags();
    }
}

impl Message for StreamsGroupMetadataValue {
    const NAME: &'static str = "StreamsGroupMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for StreamsGroupMetadataValue {
    const TYPE: i16 = 17;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMemberKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for StreamsGroupTargetAssignmentMemberKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
    }
}

impl Message for StreamsGroupTargetAssignmentMemberKey {
    const NAME: &'static str = "StreamsGroupTargetAssignmentMemberKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for StreamsGroupTargetAssignmentMemberKey {
    const TYPE: i16 = 21;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMemberValue {
    pub active_tasks: Vec<StreamsGroupTargetAssignmentMemberTaskIds>,
    pub standby_tasks: Vec<StreamsGroupTargetAssignmentMemberTaskIds>,
    pub warmup_tasks: Vec<StreamsGroupTargetAssignmentMemberTaskIds>,
}

impl Fields for StreamsGroupTargetAssignmentMemberValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.active_tasks = d.array(v, "active_tasks")?;
        self.standby_tasks = d.array(v, "standby_tasks")?;
        self.warmup_tasks = d.array(v, "warmup_tasks")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.active_tasks, v, "active_tasks");
        e.array(&self.standby_tasks, v, "standby_tasks");
        e.array(&self.warmup_tasks, v, "warmup_tasks");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTargetAssignmentMemberValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMemberTaskIds {
    pub subtopology_id: String,
    pub partitions: Vec<i32>,
}

impl Fields for StreamsGroupTargetAssignmentMemberTaskIds {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

impl Message for StreamsGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "StreamsGroupTargetAssignmentMemberValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for StreamsGroupTargetAssignmentMemberValue {
    const TYPE: i16 = 21;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMetadataKey {
    pub group_id: String,
}

impl Fields for StreamsGroupTargetAssignmentMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for StreamsGroupTargetAssignmentMetadataKey {
    const NAME: &'static str = "StreamsGroupTargetAssignmentMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for StreamsGroupTargetAssignmentMetadataKey {
    const TYPE: i16 = 20;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTargetAssignmentMetadataValue {
    pub assignment_epoch: i32,
    /// Tag 0.
    pub assignment_timestamp: i64,
}

impl Fields for StreamsGroupTargetAssignmentMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.assignment_epoch = d.i32("assignment_epoch")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.assignment_timestamp = d.i64("assignment_timestamp")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.assignment_epoch);
        let tags = e.tags();
        if self.assignment_timestamp != 0 {
            let tag = e.begin_tag(tags, 0);
            e.i64(self.assignment_timestamp);
            e.end_tag(tag);
        }
    }
}

impl Message for StreamsGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "StreamsGroupTargetAssignmentMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for StreamsGroupTargetAssignmentMetadataValue {
    const TYPE: i16 = 20;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTopologyKey {
    pub group_id: String,
}

impl Fields for StreamsGroupTopologyKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for StreamsGroupTopologyKey {
    const NAME: &'static str = "StreamsGroupTopologyKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for StreamsGroupTopologyKey {
    const TYPE: i16 = 23;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupTopologyValue {
    pub epoch: i32,
    pub subtopologies: Vec<Subtopology>,
}

impl Fields for StreamsGroupTopologyValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.epoch = d.i32("epoch")?;
        self.subtopologies = d.array(v, "subtopologies")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.epoch);
        e.array(&self.subtopologies, v, "subtopologies");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicConfig {
    pub key: String,
    pub value: String,
}

impl Fields for TopicConfig {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.key = d.string("key")?;
        self.value = d.string("value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.key, "key");
        e.string(&self.value, "value");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    pub name: String,
    pub partitions: i32,
    pub replication_factor: i16,
    pub topic_configs: Vec<TopicConfig>,
}

impl Fields for TopicInfo {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.partitions = d.i32("partitions")?;
        self.replication_factor = d.i16("replication_factor")?;
        self.topic_configs = d.array(v, "topic_configs")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.i32(self.partitions);
        e.i16(self.replication_factor);
        e.array(&self.topic_configs, v, "topic_configs");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtopology {
    pub subtopology_id: String,
    pub source_topics: Vec<String>,
    pub source_topic_regex: Vec<String>,
    pub state_changelog_topics: Vec<TopicInfo>,
    pub repartition_sink_topics: Vec<String>,
    pub repartition_source_topics: Vec<TopicInfo>,
    pub copartition_groups: Vec<CopartitionGroup>,
}

impl Fields for Subtopology {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.source_topics = d.array(v, "source_topics")?;
        self.source_topic_regex = d.array(v, "source_topic_regex")?;
        self.state_changelog_topics = d.array(v, "state_changelog_topics")?;
        self.repartition_sink_topics = d.array(v, "repartition_sink_topics")?;
        self.repartition_source_topics = d.array(v, "repartition_source_topics")?;
        self.copartition_groups = d.array(v, "copartition_groups")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.array(&self.source_topics, v, "source_topics");
        e.array(&self.source_topic_regex, v, "source_topic_regex");
        e.array(&self.state_changelog_topics, v, "state_changelog_topics");
        e.array(&self.repartition_sink_topics, v, "repartition_sink_topics");
        e.array(&self.repartition_source_topics, v, "repartition_source_topics");
        e.array(&self.copartition_groups, v, "copartition_groups");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupTopologyValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CopartitionGroup {
    pub source_topics: Vec<i16>,
    pub source_topic_regex: Vec<i16>,
    pub repartition_source_topics: Vec<i16>,
}

impl Fields for CopartitionGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.source_topics = d.array(v, "source_topics")?;
        self.source_topic_regex = d.array(v, "source_topic_regex")?;
        self.repartition_source_topics = d.array(v, "repartition_source_topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.source_topics, v, "source_topics");
        e.array(&self.source_topic_regex, v, "source_topic_regex");
        e.array(&self.repartition_source_topics, v, "repartition_source_topics");
        e.no_tags();
    }
}

impl Message for StreamsGroupTopologyValue {
    const NAME: &'static str = "StreamsGroupTopologyValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for StreamsGroupTopologyValue {
    const TYPE: i16 = 23;
}
