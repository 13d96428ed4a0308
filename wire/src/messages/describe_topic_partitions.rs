//! Generated from `schemas/kafka/describe_topic_partitions.kafka` (FNV-1a b5f3c49e1a77cc45); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsRequest {
    pub topics: Vec<TopicRequest>,
    pub response_partition_limit: i32,
    pub cursor: Option<RequestCursor>,
}

impl Default for DescribeTopicPartitionsRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            response_partition_limit: 2000,
            cursor: Default::default(),
        }
    }
}

impl Fields for DescribeTopicPartitionsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.array(v, "topics")?;
        self.response_partition_limit = d.i32("response_partition_limit")?;
        self.cursor = d.nullable_structure(true, v, "cursor")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topics, v, "topics");
        e.i32(self.response_partition_limit);
        e.nullable_structure(true, &self.cursor, v, "cursor");
        e.no_tags();
    }
}

/// Part of [`DescribeTopicPartitionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicRequest {
    pub name: String,
}

impl Fields for TopicRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.no_tags();
    }
}

/// Part of [`DescribeTopicPartitionsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestCursor {
    pub topic_name: String,
    pub partition_index: i32,
}

impl Fields for RequestCursor {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.topic_name = d.string("topic_name")?;
        self.partition_index = d.i32("partition_index")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.topic_name, "topic_name");
        e.i32(self.partition_index);
        e.no_tags();
    }
}

impl Message for DescribeTopicPartitionsRequest {
    const NAME: &'static str = "DescribeTopicPartitionsRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTopicPartitionsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<DescribeTopicPartitionsResponseTopic>,
    pub next_cursor: Option<ResponseCursor>,
}

impl Fields for DescribeTopicPartitionsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.topics = d.array(v, "topics")?;
        self.next_cursor = d.nullable_structure(true, v, "next_cursor")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.topics, v, "topics");
        e.nullable_structure(true, &self.next_cursor, v, "next_cursor");
        e.no_tags();
    }
}

/// Part of [`DescribeTopicPartitionsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponseTopic {
    pub error_code: i16,
    pub name: Option<String>,
    pub topic_id: Uuid,
    pub is_internal: bool,
    pub partitions: Vec<DescribeTopicPartitionsResponsePartition>,
    pub topic_authorized_operations: i32,
}

impl Default for DescribeTopicPartitionsResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Default::default(),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl Fields for DescribeTopicPartitionsResponseTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.name = d.nullable_string(true, "name")?;
        self.topic_id = d.uuid("topic_id")?;
        self.is_internal = d.bool("is_internal")?;
        self.partitions = d.array(v, "partitions")?;
        self.topic_authorized_operations = d.i32("topic_authorized_operations")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.name.as_deref(), "name");
        e.uuid(self.topic_id);
        e.bool(self.is_internal);
        e.array(&self.partitions, v, "partitions");
        e.i32(self.topic_authorized_operations);
        e.no_tags();
    }
}

/// Part of [`DescribeTopicPartitionsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeTopicPartitionsResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    pub eligible_leader_replicas: Option<Vec<i32>>,
    pub last_known_elr: Option<Vec<i32>>,
    pub offline_replicas: Vec<i32>,
}

impl Default for DescribeTopicPartitionsResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            eligible_leader_replicas: Default::default(),
            last_known_elr: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl Fields for DescribeTopicPartitionsResponsePartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.partition_index = d.i32("partition_index")?;
        self.leader_id = d.i32("leader_id")?;
        self.leader_epoch = d.i32("leader_epoch")?;
        self.replica_nodes = d.array(v, "replica_nodes")?;
        self.isr_nodes = d.array(v, "isr_nodes")?;
        self.eligible_leader_replicas = d.nullable_array(true, v, "eligible_leader_replicas")?;
        self.last_known_elr = d.nullable_array(true, v, "last_known_elr")?;
        self.offline_replicas = d.array(v, "offline_replicas")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.array(&self.replica_nodes, v, "replica_nodes");
        e.array(&self.isr_nodes, v, "isr_nodes");
        e.nullable_array(true, &self.eligible_leader_replicas, v, "eligible_leader_replicas");
        e.nullable_array(true, &self.last_known_elr, v, "last_known_elr");
        e.array(&self.offline_replicas, v, "offline_replicas");
        e.no_tags();
    }
}

/// Part of [`DescribeTopicPartitionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseCursor {
    pub topic_name: String,
    pub partition_index: i32,
}

impl Fields for ResponseCursor {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.topic_name = d.string("topic_name")?;
        self.partition_index = d.i32("partition_index")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.topic_name, "topic_name");
        e.i32(self.partition_index);
        e.no_tags();
    }
}

impl Message for DescribeTopicPartitionsResponse {
    const NAME: &'static str = "DescribeTopicPartitionsResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for DescribeTopicPartitionsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeTopicPartitions;
    type Response = DescribeTopicPartitionsResponse;
}
