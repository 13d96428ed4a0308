//! Generated from `schemas/kafka/streams_group_heartbeat.kafka` (FNV-1a 6aea4418e2bb16e6); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatRequest {
    pub group_id: String,
    pub member_id: String,
    pub member_epoch: i32,
    pub endpoint_information_epoch: i32,
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub rebalance_timeout_ms: i32,
    pub topology: Option<Topology>,
    pub active_tasks: Option<Vec<RequestTaskIds>>,
    pub standby_tasks: Option<Vec<RequestTaskIds>>,
    pub warmup_tasks: Option<Vec<RequestTaskIds>>,
    pub process_id: Option<String>,
    pub user_endpoint: Option<RequestEndpoint>,
    pub client_tags: Option<Vec<KeyValue>>,
    pub task_offsets: Option<Vec<TaskOffset>>,
    pub task_end_offsets: Option<Vec<TaskOffset>>,
    pub shutdown_application: bool,
}

impl Default for StreamsGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            endpoint_information_epoch: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            rebalance_timeout_ms: -1,
            topology: Default::default(),
            active_tasks: Default::default(),
            standby_tasks: Default::default(),
            warmup_tasks: Default::default(),
            process_id: Default::default(),
            user_endpoint: Default::default(),
            client_tags: Default::default(),
            task_offsets: Default::default(),
            task_end_offsets: Default::default(),
            shutdown_application: Default::default(),
        }
    }
}

impl Fields for StreamsGroupHeartbeatRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.endpoint_information_epoch = d.i32("endpoint_information_epoch")?;
        self.instance_id = d.nullable_string(true, "instance_id")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.rebalance_timeout_ms = d.i32("rebalance_timeout_ms")?;
        self.topology = d.nullable_structure(true, v, "topology")?;
        self.active_tasks = d.nullable_array(true, v, "active_tasks")?;
        self.standby_tasks = d.nullable_array(true, v, "standby_tasks")?;
        self.warmup_tasks = d.nullable_array(true, v, "warmup_tasks")?;
        self.process_id = d.nullable_string(true, "process_id")?;
        self.user_endpoint = d.nullable_structure(true, v, "user_endpoint")?;
        self.client_tags = d.nullable_array(true, v, "client_tags")?;
        self.task_offsets = d.nullable_array(true, v, "task_offsets")?;
        self.task_end_offsets = d.nullable_array(true, v, "task_end_offsets")?;
        self.shutdown_application = d.bool("shutdown_application")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
        e.i32(self.member_epoch);
        e.i32(self.endpoint_information_epoch);
        e.nullable_string(true, self.instance_id.as_deref(), "instance_id");
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.i32(self.rebalance_timeout_ms);
        e.nullable_structure(true, &self.topology, v, "topology");
        e.nullable_array(true, &self.active_tasks, v, "active_tasks");
        e.nullable_array(true, &self.standby_tasks, v, "standby_tasks");
        e.nullable_array(true, &self.warmup_tasks, v, "warmup_tasks");
        e.nullable_string(true, self.process_id.as_deref(), "process_id");
        e.nullable_structure(true, &self.user_endpoint, v, "user_endpoint");
        e.nullable_array(true, &self.client_tags, v, "client_tags");
        e.nullable_array(true, &self.task_offsets, v, "task_offsets");
        e.nullable_array(true, &self.task_end_offsets, v, "task_end_offsets");
        e.bool(self.shutdown_application);
        e.no_tags();
    }
}

/// Part of [`StreamsGroupHeartbeatRequest`].
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

/// Part of [`StreamsGroupHeartbeatRequest`].
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

/// Part of [`StreamsGroupHeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestEndpoint {
    pub host: String,
    pub port: u16,
}

impl Fields for RequestEndpoint {
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

/// Part of [`StreamsGroupHeartbeatRequest`].
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

/// Part of [`StreamsGroupHeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestTaskIds {
    pub subtopology_id: String,
    pub partitions: Vec<i32>,
}

impl Fields for RequestTaskIds {
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

/// Part of [`StreamsGroupHeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topology {
    pub epoch: i32,
    pub subtopologies: Vec<Subtopology>,
}

impl Fields for Topology {
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

/// Part of [`StreamsGroupHeartbeatRequest`].
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

/// Part of [`StreamsGroupHeartbeatRequest`].
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

impl Message for StreamsGroupHeartbeatRequest {
    const NAME: &'static str = "StreamsGroupHeartbeatRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupHeartbeatResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub member_id: String,
    pub member_epoch: i32,
    pub heartbeat_interval_ms: i32,
    /// Version 0 only.
    pub acceptable_recovery_lag_legacy: i32,
    pub task_offset_interval_ms: i32,
    /// Version 1 only.
    pub acceptable_recovery_lag: i64,
    pub status: Option<Vec<Status>>,
    pub active_tasks: Option<Vec<ResponseTaskIds>>,
    pub standby_tasks: Option<Vec<ResponseTaskIds>>,
    pub warmup_tasks: Option<Vec<ResponseTaskIds>>,
    /// Version 1 only.
    pub topology_description_required: bool,
    pub endpoint_information_epoch: i32,
    pub partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>>,
}

impl Default for StreamsGroupHeartbeatResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            heartbeat_interval_ms: Default::default(),
            acceptable_recovery_lag_legacy: Default::default(),
            task_offset_interval_ms: Default::default(),
            acceptable_recovery_lag: -1,
            status: Default::default(),
            active_tasks: Default::default(),
            standby_tasks: Default::default(),
            warmup_tasks: Default::default(),
            topology_description_required: Default::default(),
            endpoint_information_epoch: Default::default(),
            partitions_by_user_endpoint: Default::default(),
        }
    }
}

impl Fields for StreamsGroupHeartbeatResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.member_id = d.string("member_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.heartbeat_interval_ms = d.i32("heartbeat_interval_ms")?;
        if v <= 0 {
            self.acceptable_recovery_lag_legacy = d.i32("acceptable_recovery_lag_legacy")?;
        }
        self.task_offset_interval_ms = d.i32("task_offset_interval_ms")?;
        if v >= 1 {
            self.acceptable_recovery_lag = d.i64("acceptable_recovery_lag")?;
        }
        self.status = d.nullable_array(true, v, "status")?;
        self.active_tasks = d.nullable_array(true, v, "active_tasks")?;
        self.standby_tasks = d.nullable_array(true, v, "standby_tasks")?;
        self.warmup_tasks = d.nullable_array(true, v, "warmup_tasks")?;
        if v >= 1 {
            self.topology_description_required = d.bool("topology_description_required")?;
        }
        self.endpoint_information_epoch = d.i32("endpoint_information_epoch")?;
        self.partitions_by_user_endpoint = d.nullable_array(true, v, "partitions_by_user_endpoint")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.string(&self.member_id, "member_id");
        e.i32(self.member_epoch);
        e.i32(self.heartbeat_interval_ms);
        if v <= 0 {
            e.i32(self.acceptable_recovery_lag_legacy);
        } else if self.acceptable_recovery_lag_legacy != 0 {
            e.cannot_carry("acceptable_recovery_lag_legacy", v);
        }
        e.i32(self.task_offset_interval_ms);
        if v >= 1 {
            e.i64(self.acceptable_recovery_lag);
        }
        e.nullable_array(true, &self.status, v, "status");
        e.nullable_array(true, &self.active_tasks, v, "active_tasks");
        e.nullable_array(true, &self.standby_tasks, v, "standby_tasks");
        e.nullable_array(true, &self.warmup_tasks, v, "warmup_tasks");
        if v >= 1 {
            e.bool(self.topology_description_required);
        } else if self.topology_description_required {
            e.cannot_carry("topology_description_required", v);
        }
        e.i32(self.endpoint_information_epoch);
        e.nullable_array(true, &self.partitions_by_user_endpoint, v, "partitions_by_user_endpoint");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    pub status_code: i8,
    pub status_detail: String,
}

impl Fields for Status {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.status_code = d.i8("status_code")?;
        self.status_detail = d.string("status_detail")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i8(self.status_code);
        e.string(&self.status_detail, "status_detail");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`StreamsGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseTaskIds {
    pub subtopology_id: String,
    pub partitions: Vec<i32>,
}

impl Fields for ResponseTaskIds {
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

/// Part of [`StreamsGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseEndpoint {
    pub host: String,
    pub port: u16,
}

impl Fields for ResponseEndpoint {
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

/// Part of [`StreamsGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointToPartitions {
    pub user_endpoint: ResponseEndpoint,
    pub active_partitions: Vec<TopicPartition>,
    pub standby_partitions: Vec<TopicPartition>,
}

impl Fields for EndpointToPartitions {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.user_endpoint.read(d, v)?;
        self.active_partitions = d.array(v, "active_partitions")?;
        self.standby_partitions = d.array(v, "standby_partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        self.user_endpoint.write(e, v);
        e.array(&self.active_partitions, v, "active_partitions");
        e.array(&self.standby_partitions, v, "standby_partitions");
        e.no_tags();
    }
}

impl Message for StreamsGroupHeartbeatResponse {
    const NAME: &'static str = "StreamsGroupHeartbeatResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for StreamsGroupHeartbeatRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::StreamsGroupHeartbeat;
    type Response = StreamsGroupHeartbeatResponse;
}
