//! Generated from `schemas/kafka/produce.kafka` (FNV-1a 6bfd91cd0a7ec970); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Versions 3 to 13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceRequest {
    pub transactional_id: Option<String>,
    pub acks: i16,
    pub timeout_ms: i32,
    pub topic_data: Vec<TopicProduceData>,
}

impl Fields for ProduceRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.nullable_string(true, "transactional_id")?;
        self.acks = d.i16("acks")?;
        self.timeout_ms = d.i32("timeout_ms")?;
        self.topic_data = d.array(v, "topic_data")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.transactional_id.as_deref(), "transactional_id");
        e.i16(self.acks);
        e.i32(self.timeout_ms);
        e.array(&self.topic_data, v, "topic_data");
        e.no_tags();
    }
}

/// Part of [`ProduceRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceData {
    /// Versions 3 to 12.
    pub name: String,
    /// Version 13 only.
    pub topic_id: Uuid,
    pub partition_data: Vec<PartitionProduceData>,
}

impl Fields for TopicProduceData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 12 {
            self.name = d.string("name")?;
        }
        if v >= 13 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partition_data = d.array(v, "partition_data")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 12 {
            e.string(&self.name, "name");
        }
        if v >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partition_data, v, "partition_data");
        e.no_tags();
    }
}

/// Part of [`ProduceRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionProduceData {
    pub index: i32,
    pub records: Option<Bytes>,
}

impl Fields for PartitionProduceData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.index = d.i32("index")?;
        self.records = d.nullable_bytes(true, "records")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.index);
        e.nullable_bytes(true, self.records.as_deref(), "records");
        e.no_tags();
    }
}

impl Message for ProduceRequest {
    const NAME: &'static str = "ProduceRequest";
    const VERSIONS: (i16, i16) = (3, 13);
    const FLEXIBLE: i16 = 9;
}

/// Versions 3 to 13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProduceResponse {
    pub responses: Vec<TopicProduceResponse>,
    pub throttle_time_ms: i32,
    /// Since version 10; tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Fields for ProduceResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.responses = d.array(v, "responses")?;
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 10 => { self.node_endpoints = d.array(v, "node_endpoints")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.responses, v, "responses");
        e.i32(self.throttle_time_ms);
        let tags = e.tags();
        if v >= 10 && !self.node_endpoints.is_empty() {
            let tag = e.begin_tag(tags, 0);
            e.array(&self.node_endpoints, v, "node_endpoints");
            e.end_tag(tag);
        } else if !self.node_endpoints.is_empty() {
            e.cannot_carry("node_endpoints", v);
        }
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicProduceResponse {
    /// Versions 3 to 12.
    pub name: String,
    /// Version 13 only.
    pub topic_id: Uuid,
    pub partition_responses: Vec<PartitionProduceResponse>,
}

impl Fields for TopicProduceResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 12 {
            self.name = d.string("name")?;
        }
        if v >= 13 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partition_responses = d.array(v, "partition_responses")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 12 {
            e.string(&self.name, "name");
        }
        if v >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partition_responses, v, "partition_responses");
        e.no_tags();
    }
}

/// Part of [`ProduceResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionProduceResponse {
    pub index: i32,
    pub error_code: i16,
    pub base_offset: i64,
    pub log_append_time_ms: i64,
    /// Since version 5.
    pub log_start_offset: i64,
    /// Since version 8.
    pub record_errors: Vec<BatchIndexAndErrorMessage>,
    /// Since version 8.
    pub error_message: Option<String>,
    /// Since version 10; tag 0.
    pub current_leader: LeaderIdAndEpoch,
}

impl Default for PartitionProduceResponse {
    fn default() -> Self {
        Self {
            index: Default::default(),
            error_code: Default::default(),
            base_offset: Default::default(),
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: Default::default(),
            error_message: Default::default(),
            current_leader: Default::default(),
        }
    }
}

impl Fields for PartitionProduceResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.index = d.i32("index")?;
        self.error_code = d.i16("error_code")?;
        self.base_offset = d.i64("base_offset")?;
        self.log_append_time_ms = d.i64("log_append_time_ms")?;
        if v >= 5 {
            self.log_start_offset = d.i64("log_start_offset")?;
        }
        if v >= 8 {
            self.record_errors = d.array(v, "record_errors")?;
        }
        if v >= 8 {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 10 => { self.current_leader.read(d, v)?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.index);
        e.i16(self.error_code);
        e.i64(self.base_offset);
        e.i64(self.log_append_time_ms);
        if v >= 5 {
            e.i64(self.log_start_offset);
        }
        if v >= 8 {
            e.array(&self.record_errors, v, "record_errors");
        }
        if v >= 8 {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        }
        let tags = e.tags();
        if v >= 10 && self.current_leader != LeaderIdAndEpoch::default() {
            let tag = e.begin_tag(tags, 0);
            self.current_leader.write(e, v);
            e.end_tag(tag);
        } else if self.current_leader != LeaderIdAndEpoch::default() {
            e.cannot_carry("current_leader", v);
        }
    }
}

/// Part of [`ProduceResponse`] in versions 8 to 13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BatchIndexAndErrorMessage {
    pub batch_index: i32,
    pub batch_index_error_message: Option<String>,
}

impl Fields for BatchIndexAndErrorMessage {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.batch_index = d.i32("batch_index")?;
        self.batch_index_error_message = d.nullable_string(true, "batch_index_error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.batch_index);
        e.nullable_string(true, self.batch_index_error_message.as_deref(), "batch_index_error_message");
        e.no_tags();
    }
}

/// Part of [`ProduceResponse`] in versions 10 to 13.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
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

/// Part of [`ProduceResponse`] in versions 10 to 13.
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

impl Message for ProduceResponse {
    const NAME: &'static str = "ProduceResponse";
    const VERSIONS: (i16, i16) = (3, 13);
    const FLEXIBLE: i16 = 9;
}

impl crate::codec::Request for ProduceRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::Produce;
    type Response = ProduceResponse;
}
