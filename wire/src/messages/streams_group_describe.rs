//! Generated from `schemas/kafka/streams_group_describe.kafka` (FNV-1a 9cab97d0fdbf12aa); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupDescribeRequest {
    pub group_ids: Vec<String>,
    pub include_authorized_operations: bool,
    /// Version 1 only.
    pub include_topology_description: bool,
}

impl Fields for StreamsGroupDescribeRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_ids = d.array(v, "group_ids")?;
        self.include_authorized_operations = d.bool("include_authorized_operations")?;
        if v >= 1 {
            self.include_topology_description = d.bool("include_topology_description")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.group_ids, v, "group_ids");
        e.bool(self.include_authorized_operations);
        if v >= 1 {
            e.bool(self.include_topology_description);
        } else if self.include_topology_description {
            e.cannot_carry("include_topology_description", v);
        }
        e.no_tags();
    }
}

impl Message for StreamsGroupDescribeRequest {
    const NAME: &'static str = "StreamsGroupDescribeRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamsGroupDescribeResponse {
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Fields for StreamsGroupDescribeResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.groups = d.array(v, "groups")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.groups, v, "groups");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`].
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

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskOffset {
    pub subtopology_id: String,
    pub partition: i32,
    pub offset: i64,
}

impl Fields for TaskOffset {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.partition = d.i32("partition")?;
        self.offset = d.i64("offset")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.i32(self.partition);
        e.i64(self.offset);
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    pub active_tasks: Vec<TaskIds>,
    pub standby_tasks: Vec<TaskIds>,
    pub warmup_tasks: Vec<TaskIds>,
}

impl Fields for Assignment {
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

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskIds {
    pub subtopology_id: String,
    pub partitions: Vec<i32>,
}

impl Fields for TaskIds {
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

/// Part of [`StreamsGroupDescribeResponse`].
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

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    pub name: String,
    pub partitions: i32,
    pub replication_factor: i16,
    pub topic_configs: Vec<KeyValue>,
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

/// Part of [`StreamsGroupDescribeResponse`] in versions 1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescription {
    pub subtopologies: Vec<TopologyDescriptionSubtopology>,
    pub global_stores: Vec<TopologyDescriptionGlobalStore>,
}

impl Fields for TopologyDescription {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopologies = d.array(v, "subtopologies")?;
        self.global_stores = d.array(v, "global_stores")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.subtopologies, v, "subtopologies");
        e.array(&self.global_stores, v, "global_stores");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`] in versions 1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescriptionSubtopology {
    pub subtopology_id: String,
    pub nodes: Vec<TopologyDescriptionNode>,
}

impl Fields for TopologyDescriptionSubtopology {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.nodes = d.array(v, "nodes")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.array(&self.nodes, v, "nodes");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`] in versions 1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescriptionNode {
    pub name: String,
    pub node_type: i8,
    pub source_topics: Vec<String>,
    pub sink_topic: Option<String>,
    pub stores: Vec<String>,
    pub successors: Vec<String>,
}

impl Fields for TopologyDescriptionNode {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.node_type = d.i8("node_type")?;
        self.source_topics = d.array(v, "source_topics")?;
        self.sink_topic = d.nullable_string(true, "sink_topic")?;
        self.stores = d.array(v, "stores")?;
        self.successors = d.array(v, "successors")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.i8(self.node_type);
        e.array(&self.source_topics, v, "source_topics");
        e.nullable_string(true, self.sink_topic.as_deref(), "sink_topic");
        e.array(&self.stores, v, "stores");
        e.array(&self.successors, v, "successors");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`] in versions 1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopologyDescriptionGlobalStore {
    pub source: TopologyDescriptionNode,
    pub processor: TopologyDescriptionNode,
}

impl Fields for TopologyDescriptionGlobalStore {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.source.read(d, v)?;
        self.processor.read(d, v)?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        self.source.write(e, v);
        self.processor.write(e, v);
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub group_epoch: i32,
    pub assignment_epoch: i32,
    pub topology: Option<Topology>,
    pub members: Vec<Member>,
    pub authorized_operations: i32,
    /// Version 1 only.
    pub topology_description: Option<TopologyDescription>,
    /// Version 1 only.
    pub topology_description_status: i8,
    /// Version 1 only.
    pub assignor_name: Option<String>,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            group_epoch: Default::default(),
            assignment_epoch: Default::default(),
            topology: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
            topology_description: Default::default(),
            topology_description_status: Default::default(),
            assignor_name: Default::default(),
        }
    }
}

impl Fields for DescribedGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.group_id = d.string("group_id")?;
        self.group_state = d.string("group_state")?;
        self.group_epoch = d.i32("group_epoch")?;
        self.assignment_epoch = d.i32("assignment_epoch")?;
        self.topology = d.nullable_structure(true, v, "topology")?;
        self.members = d.array(v, "members")?;
        self.authorized_operations = d.i32("authorized_operations")?;
        if v >= 1 {
            self.topology_description = d.nullable_structure(true, v, "topology_description")?;
        }
        if v >= 1 {
            self.topology_description_status = d.i8("topology_description_status")?;
        }
        if v >= 1 {
            self.assignor_name = d.nullable_string(true, "assignor_name")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.string(&self.group_id, "group_id");
        e.string(&self.group_state, "group_state");
        e.i32(self.group_epoch);
        e.i32(self.assignment_epoch);
        e.nullable_structure(true, &self.topology, v, "topology");
        e.array(&self.members, v, "members");
        e.i32(self.authorized_operations);
        if v >= 1 {
            e.nullable_structure(true, &self.topology_description, v, "topology_description");
        } else if self.topology_description.is_some() {
            e.cannot_carry("topology_description", v);
        }
        if v >= 1 {
            e.i8(self.topology_description_status);
        } else if self.topology_description_status != 0 {
            e.cannot_carry("topology_description_status", v);
        }
        if v >= 1 {
            e.nullable_string(true, self.assignor_name.as_deref(), "assignor_name");
        }
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    pub epoch: i32,
    pub subtopologies: Option<Vec<Subtopology>>,
}

impl Fields for Topology {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.epoch = d.i32("epoch")?;
        self.subtopologies = d.nullable_array(true, v, "subtopologies")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.epoch);
        e.nullable_array(true, &self.subtopologies, v, "subtopologies");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subtopology {
    pub subtopology_id: String,
    pub source_topics: Vec<String>,
    pub repartition_sink_topics: Vec<String>,
    pub state_changelog_topics: Vec<TopicInfo>,
    pub repartition_source_topics: Vec<TopicInfo>,
}

impl Fields for Subtopology {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.subtopology_id = d.string("subtopology_id")?;
        self.source_topics = d.array(v, "source_topics")?;
        self.repartition_sink_topics = d.array(v, "repartition_sink_topics")?;
        self.state_changelog_topics = d.array(v, "state_changelog_topics")?;
        self.repartition_source_topics = d.array(v, "repartition_source_topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.subtopology_id, "subtopology_id");
        e.array(&self.source_topics, v, "source_topics");
        e.array(&self.repartition_sink_topics, v, "repartition_sink_topics");
        e.array(&self.state_changelog_topics, v, "state_changelog_topics");
        e.array(&self.repartition_source_topics, v, "repartition_source_topics");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupDescribeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    pub member_id: String,
    pub member_epoch: i32,
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub topology_epoch: i32,
    pub process_id: String,
    pub user_endpoint: Option<Endpoint>,
    pub client_tags: Vec<KeyValue>,
    pub task_offsets: Vec<TaskOffset>,
    pub task_end_offsets: Vec<TaskOffset>,
    pub assignment: Assignment,
    pub target_assignment: Assignment,
    pub is_classic: bool,
}

impl Fields for Member {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.instance_id = d.nullable_string(true, "instance_id")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        self.topology_epoch = d.i32("topology_epoch")?;
        self.process_id = d.string("process_id")?;
        self.user_endpoint = d.nullable_structure(true, v, "user_endpoint")?;
        self.client_tags = d.array(v, "client_tags")?;
        self.task_offsets = d.array(v, "task_offsets")?;
        self.task_end_offsets = d.array(v, "task_end_offsets")?;
        self.assignment.read(d, v)?;
        self.target_assignment.read(d, v)?;
        self.is_classic = d.bool("is_classic")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.member_id, "member_id");
        e.i32(self.member_epoch);
        e.nullable_string(true, self.instance_id.as_deref(), "instance_id");
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        e.i32(self.topology_epoch);
        e.string(&self.process_id, "process_id");
        e.nullable_structure(true, &self.user_endpoint, v, "user_endpoint");
        e.array(&self.client_tags, v, "client_tags");
        e.array(&self.task_offsets, v, "task_offsets");
        e.array(&self.task_end_offsets, v, "task_end_offsets");
        self.assignment.write(e, v);
        self.target_assignment.write(e, v);
        e.bool(self.is_classic);
        e.no_tags();
    }
}

impl Message for StreamsGroupDescribeResponse {
    const NAME: &'static str = "StreamsGroupDescribeResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for StreamsGroupDescribeRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::StreamsGroupDescribe;
    type Response = StreamsGroupDescribeResponse;
}
