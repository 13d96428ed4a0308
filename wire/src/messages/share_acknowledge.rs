//! Generated from `schemas/kafka/share_acknowledge.kafka` (FNV-1a fa9e50cd288cacfa); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareAcknowledgeRequest {
    pub group_id: Option<String>,
    pub member_id: Option<String>,
    pub share_session_epoch: i32,
    /// Version 2 only.
    pub is_renew_ack: bool,
    pub topics: Vec<AcknowledgeTopic>,
}

impl Fields for ShareAcknowledgeRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.nullable_string(true, "group_id")?;
        self.member_id = d.nullable_string(true, "member_id")?;
        self.share_session_epoch = d.i32("share_session_epoch")?;
        if v >= 2 {
            self.is_renew_ack = d.bool("is_renew_ack")?;
        }
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.group_id.as_deref(), "group_id");
        e.nullable_string(true, self.member_id.as_deref(), "member_id");
        e.i32(self.share_session_epoch);
        if v >= 2 {
            e.bool(self.is_renew_ack);
        } else if self.is_renew_ack {
            e.cannot_carry("is_renew_ack", v);
        }
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgeTopic {
    pub topic_id: Uuid,
    pub partitions: Vec<AcknowledgePartition>,
}

impl Fields for AcknowledgeTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgePartition {
    pub partition_index: i32,
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
}

impl Fields for AcknowledgePartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.acknowledgement_batches = d.array(v, "acknowledgement_batches")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.array(&self.acknowledgement_batches, v, "acknowledgement_batches");
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcknowledgementBatch {
    pub first_offset: i64,
    pub last_offset: i64,
    pub acknowledge_types: Vec<i8>,
}

impl Fields for AcknowledgementBatch {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.first_offset = d.i64("first_offset")?;
        self.last_offset = d.i64("last_offset")?;
        self.acknowledge_types = d.array(v, "acknowledge_types")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.array(&self.acknowledge_types, v, "acknowledge_types");
        e.no_tags();
    }
}

impl Message for ShareAcknowledgeRequest {
    const NAME: &'static str = "ShareAcknowledgeRequest";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 0;
}

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareAcknowledgeResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// Version 2 only.
    pub acquisition_lock_timeout_ms: i32,
    pub responses: Vec<ShareAcknowledgeTopicResponse>,
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Fields for ShareAcknowledgeResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        if v >= 2 {
            self.acquisition_lock_timeout_ms = d.i32("acquisition_lock_timeout_ms")?;
        }
        self.responses = d.array(v, "responses")?;
        self.node_endpoints = d.array(v, "node_endpoints")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        if v >= 2 {
            e.i32(self.acquisition_lock_timeout_ms);
        }
        e.array(&self.responses, v, "responses");
        e.array(&self.node_endpoints, v, "node_endpoints");
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareAcknowledgeTopicResponse {
    pub topic_id: Uuid,
    pub partitions: Vec<PartitionData>,
}

impl Fields for ShareAcknowledgeTopicResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub current_leader: LeaderIdAndEpoch,
}

impl Fields for PartitionData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.current_leader.read(d, v)?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        self.current_leader.write(e, v);
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Fields for LeaderIdAndEpoch {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.leader_id = d.i32("leader_id")?;
        self.leader_epoch = d.i32("leader_epoch")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.no_tags();
    }
}

/// Part of [`ShareAcknowledgeResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
}

impl Fields for NodeEndpoint {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.node_id = d.i32("node_id")?;
        self.host = d.string("host")?;
        self.port = d.i32("port")?;
        self.rack = d.nullable_string(true, "rack")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.node_id);
        e.string(&self.host, "host");
        e.i32(self.port);
        e.nullable_string(true, self.rack.as_deref(), "rack");
        e.no_tags();
    }
}

impl Message for ShareAcknowledgeResponse {
    const NAME: &'static str = "ShareAcknowledgeResponse";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ShareAcknowledgeRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ShareAcknowledge;
    type Response = ShareAcknowledgeResponse;
}
