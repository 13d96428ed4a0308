//! Generated from `schemas/kafka/share_fetch.kafka` (FNV-1a 329e05e781e032a4); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Versions 1 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareFetchRequest {
    pub group_id: Option<String>,
    pub member_id: Option<String>,
    pub share_session_epoch: i32,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    pub max_records: i32,
    pub batch_size: i32,
    /// Version 2 only.
    pub share_acquire_mode: i8,
    /// Version 2 only.
    pub is_renew_ack: bool,
    pub topics: Vec<FetchTopic>,
    pub forgotten_topics_data: Vec<ForgottenTopic>,
}

impl Default for ShareFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            share_session_epoch: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: 2147483647,
            max_records: Default::default(),
            batch_size: Default::default(),
            share_acquire_mode: Default::default(),
            is_renew_ack: Default::default(),
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
        }
    }
}

impl Fields for ShareFetchRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.nullable_string(true, "group_id")?;
        self.member_id = d.nullable_string(true, "member_id")?;
        self.share_session_epoch = d.i32("share_session_epoch")?;
        self.max_wait_ms = d.i32("max_wait_ms")?;
        self.min_bytes = d.i32("min_bytes")?;
        self.max_bytes = d.i32("max_bytes")?;
        self.max_records = d.i32("max_records")?;
        self.batch_size = d.i32("batch_size")?;
        if v >= 2 {
            self.share_acquire_mode = d.i8("share_acquire_mode")?;
        }
        if v >= 2 {
            self.is_renew_ack = d.bool("is_renew_ack")?;
        }
        self.topics = d.array(v, "topics")?;
        self.forgotten_topics_data = d.array(v, "forgotten_topics_data")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.group_id.as_deref(), "group_id");
        e.nullable_string(true, self.member_id.as_deref(), "member_id");
        e.i32(self.share_session_epoch);
        e.i32(self.max_wait_ms);
        e.i32(self.min_bytes);
        e.i32(self.max_bytes);
        e.i32(self.max_records);
        e.i32(self.batch_size);
        if v >= 2 {
            e.i8(self.share_acquire_mode);
        }
        if v >= 2 {
            e.bool(self.is_renew_ack);
        } else if self.is_renew_ack {
            e.cannot_carry("is_renew_ack", v);
        }
        e.array(&self.topics, v, "topics");
        e.array(&self.forgotten_topics_data, v, "forgotten_topics_data");
        e.no_tags();
    }
}

/// Part of [`ShareFetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    pub topic_id: Uuid,
    pub partitions: Vec<FetchPartition>,
}

impl Fields for FetchTopic {
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

/// Part of [`ShareFetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchPartition {
    pub partition_index: i32,
    pub acknowledgement_batches: Vec<AcknowledgementBatch>,
}

impl Fields for FetchPartition {
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

/// Part of [`ShareFetchRequest`].
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

/// Part of [`ShareFetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for ForgottenTopic {
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

impl Message for ShareFetchRequest {
    const NAME: &'static str = "ShareFetchRequest";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 0;
}

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareFetchResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub acquisition_lock_timeout_ms: i32,
    pub responses: Vec<ShareFetchableTopicResponse>,
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Fields for ShareFetchResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.acquisition_lock_timeout_ms = d.i32("acquisition_lock_timeout_ms")?;
        self.responses = d.array(v, "responses")?;
        self.node_endpoints = d.array(v, "node_endpoints")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.i32(self.acquisition_lock_timeout_ms);
        e.array(&self.responses, v, "responses");
        e.array(&self.node_endpoints, v, "node_endpoints");
        e.no_tags();
    }
}

/// Part of [`ShareFetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareFetchableTopicResponse {
    pub topic_id: Uuid,
    pub partitions: Vec<PartitionData>,
}

impl Fields for ShareFetchableTopicResponse {
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

/// Part of [`ShareFetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub acknowledge_error_code: i16,
    pub acknowledge_error_message: Option<String>,
    pub current_leader: LeaderIdAndEpoch,
    pub records: Bytes,
    pub acquired_records: Vec<AcquiredRecords>,
}

impl Fields for PartitionData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.acknowledge_error_code = d.i16("acknowledge_error_code")?;
        self.acknowledge_error_message = d.nullable_string(true, "acknowledge_error_message")?;
        self.current_leader.read(d, v)?;
        self.records = d.bytes("records")?;
        self.acquired_records = d.array(v, "acquired_records")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.i16(self.acknowledge_error_code);
        e.nullable_string(true, self.acknowledge_error_message.as_deref(), "acknowledge_error_message");
        self.current_leader.write(e, v);
        e.bytes(&self.records, "records");
        e.array(&self.acquired_records, v, "acquired_records");
        e.no_tags();
    }
}

/// Part of [`ShareFetchResponse`].
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

/// Part of [`ShareFetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AcquiredRecords {
    pub first_offset: i64,
    pub last_offset: i64,
    pub delivery_count: i16,
}

impl Fields for AcquiredRecords {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.first_offset = d.i64("first_offset")?;
        self.last_offset = d.i64("last_offset")?;
        self.delivery_count = d.i16("delivery_count")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.i16(self.delivery_count);
        e.no_tags();
    }
}

/// Part of [`ShareFetchResponse`].
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

impl Message for ShareFetchResponse {
    const NAME: &'static str = "ShareFetchResponse";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ShareFetchRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ShareFetch;
    type Response = ShareFetchResponse;
}
