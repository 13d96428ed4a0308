//! Generated from `schemas/kafka/describe_quorum.kafka` (FNV-1a 1fb52b69d461ef7b); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeQuorumRequest {
    pub topics: Vec<RequestTopicData>,
}

impl Fields for DescribeQuorumRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestTopicData {
    pub topic_name: String,
    pub partitions: Vec<RequestPartitionData>,
}

impl Fields for RequestTopicData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_name = d.string("topic_name")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic_name, "topic_name");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestPartitionData {
    pub partition_index: i32,
}

impl Fields for RequestPartitionData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.no_tags();
    }
}

impl Message for DescribeQuorumRequest {
    const NAME: &'static str = "DescribeQuorumRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeQuorumResponse {
    pub error_code: i16,
    /// Version 2 only.
    pub error_message: Option<String>,
    pub topics: Vec<ResponseTopicData>,
    /// Version 2 only.
    pub nodes: Vec<Node>,
}

impl Fields for DescribeQuorumResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        if v >= 2 {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        self.topics = d.array(v, "topics")?;
        if v >= 2 {
            self.nodes = d.array(v, "nodes")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        if v >= 2 {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        }
        e.array(&self.topics, v, "topics");
        if v >= 2 {
            e.array(&self.nodes, v, "nodes");
        } else if !self.nodes.is_empty() {
            e.cannot_carry("nodes", v);
        }
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    pub replica_id: i32,
    /// Version 2 only.
    pub replica_directory_id: Uuid,
    pub log_end_offset: i64,
    /// Since version 1.
    pub last_fetch_timestamp: i64,
    /// Since version 1.
    pub last_caught_up_timestamp: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: Default::default(),
            replica_directory_id: Default::default(),
            log_end_offset: Default::default(),
            last_fetch_timestamp: -1,
            last_caught_up_timestamp: -1,
        }
    }
}

impl Fields for ReplicaState {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.replica_id = d.i32("replica_id")?;
        if v >= 2 {
            self.replica_directory_id = d.uuid("replica_directory_id")?;
        }
        self.log_end_offset = d.i64("log_end_offset")?;
        if v >= 1 {
            self.last_fetch_timestamp = d.i64("last_fetch_timestamp")?;
        }
        if v >= 1 {
            self.last_caught_up_timestamp = d.i64("last_caught_up_timestamp")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.replica_id);
        if v >= 2 {
            e.uuid(self.replica_directory_id);
        } else if self.replica_directory_id != Uuid::ZERO {
            e.cannot_carry("replica_directory_id", v);
        }
        e.i64(self.log_end_offset);
        if v >= 1 {
            e.i64(self.last_fetch_timestamp);
        }
        if v >= 1 {
            e.i64(self.last_caught_up_timestamp);
        }
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseTopicData {
    pub topic_name: String,
    pub partitions: Vec<ResponsePartitionData>,
}

impl Fields for ResponseTopicData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_name = d.string("topic_name")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic_name, "topic_name");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponsePartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    /// Version 2 only.
    pub error_message: Option<String>,
    pub leader_id: i32,
    pub leader_epoch: i32,
    pub high_watermark: i64,
    pub current_voters: Vec<ReplicaState>,
    pub observers: Vec<ReplicaState>,
}

impl Fields for ResponsePartitionData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        if v >= 2 {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        self.leader_id = d.i32("leader_id")?;
        self.leader_epoch = d.i32("leader_epoch")?;
        self.high_watermark = d.i64("high_watermark")?;
        self.current_voters = d.array(v, "current_voters")?;
        self.observers = d.array(v, "observers")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        if v >= 2 {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        }
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.i64(self.high_watermark);
        e.array(&self.current_voters, v, "current_voters");
        e.array(&self.observers, v, "observers");
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumResponse`] in versions 2 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    pub node_id: i32,
    pub listeners: Vec<Listener>,
}

impl Fields for Node {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.node_id = d.i32("node_id")?;
        self.listeners = d.array(v, "listeners")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.node_id);
        e.array(&self.listeners, v, "listeners");
        e.no_tags();
    }
}

/// Part of [`DescribeQuorumResponse`] in versions 2 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    pub name: String,
    pub host: String,
    pub port: u16,
}

impl Fields for Listener {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.host = d.string("host")?;
        self.port = d.u16("port")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.string(&self.host, "host");
        e.u16(self.port);
        e.no_tags();
    }
}

impl Message for DescribeQuorumResponse {
    const NAME: &'static str = "DescribeQuorumResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for DescribeQuorumRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeQuorum;
    type Response = DescribeQuorumResponse;
}
