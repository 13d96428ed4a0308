//! Generated from `schemas/kafka/consumer_group_heartbeat.kafka` (FNV-1a 1421959db71dd696); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupHeartbeatRequest {
    pub group_id: String,
    pub member_id: String,
    pub member_epoch: i32,
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub rebalance_timeout_ms: i32,
    pub subscribed_topic_names: Option<Vec<String>>,
    /// Version 1 only.
    pub subscribed_topic_regex: Option<String>,
    pub server_assignor: Option<String>,
    pub topic_partitions: Option<Vec<RequestTopicPartitions>>,
}

impl Default for ConsumerGroupHeartbeatRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            rebalance_timeout_ms: -1,
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            server_assignor: Default::default(),
            topic_partitions: Default::default(),
        }
    }
}

impl Fields for ConsumerGroupHeartbeatRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.instance_id = d.nullable_string(true, "instance_id")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.rebalance_timeout_ms = d.i32("rebalance_timeout_ms")?;
        self.subscribed_topic_names = d.nullable_array(true, v, "subscribed_topic_names")?;
        if v >= 1 {
            self.subscribed_topic_regex = d.nullable_string(true, "subscribed_topic_regex")?;
        }
        self.server_assignor = d.nullable_string(true, "server_assignor")?;
        self.topic_partitions = d.nullable_array(true, v, "topic_partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
        e.i32(self.member_epoch);
        e.nullable_string(true, self.instance_id.as_deref(), "instance_id");
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.i32(self.rebalance_timeout_ms);
        e.nullable_array(true, &self.subscribed_topic_names, v, "subscribed_topic_names");
        if v >= 1 {
            e.nullable_string(true, self.subscribed_topic_regex.as_deref(), "subscribed_topic_regex");
        } else if self.subscribed_topic_regex.is_some() {
            e.cannot_carry("subscribed_topic_regex", v);
        }
        e.nullable_string(true, self.server_assignor.as_deref(), "server_assignor");
        e.nullable_array(true, &self.topic_partitions, v, "topic_partitions");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupHeartbeatRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestTopicPartitions {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for RequestTopicPartitions {
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

impl Message for ConsumerGroupHeartbeatRequest {
    const NAME: &'static str = "ConsumerGroupHeartbeatRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupHeartbeatResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub member_id: Option<String>,
    pub member_epoch: i32,
    pub heartbeat_interval_ms: i32,
    pub assignment: Option<Assignment>,
}

impl Fields for ConsumerGroupHeartbeatResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.member_id = d.nullable_string(true, "member_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.heartbeat_interval_ms = d.i32("heartbeat_interval_ms")?;
        self.assignment = d.nullable_structure(true, v, "assignment")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.nullable_string(true, self.member_id.as_deref(), "member_id");
        e.i32(self.member_epoch);
        e.i32(self.heartbeat_interval_ms);
        e.nullable_structure(true, &self.assignment, v, "assignment");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseTopicPartitions {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for ResponseTopicPartitions {
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

/// Part of [`ConsumerGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    pub topic_partitions: Vec<ResponseTopicPartitions>,
}

impl Fields for Assignment {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_partitions = d.array(v, "topic_partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topic_partitions, v, "topic_partitions");
        e.no_tags();
    }
}

impl Message for ConsumerGroupHeartbeatResponse {
    const NAME: &'static str = "ConsumerGroupHeartbeatResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ConsumerGroupHeartbeatRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ConsumerGroupHeartbeat;
    type Response = ConsumerGroupHeartbeatResponse;
}
