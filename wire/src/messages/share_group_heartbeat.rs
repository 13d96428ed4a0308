//! Generated from `schemas/kafka/share_group_heartbeat.kafka` (FNV-1a 72ca53271089dae9); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupHeartbeatRequest {
    pub group_id: String,
    pub member_id: String,
    pub member_epoch: i32,
    pub rack_id: Option<String>,
    pub subscribed_topic_names: Option<Vec<String>>,
}

impl Fields for ShareGroupHeartbeatRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        self.member_epoch = d.i32("member_epoch")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.subscribed_topic_names = d.nullable_array(true, v, "subscribed_topic_names")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
        e.i32(self.member_epoch);
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.nullable_array(true, &self.subscribed_topic_names, v, "subscribed_topic_names");
        e.no_tags();
    }
}

impl Message for ShareGroupHeartbeatRequest {
    const NAME: &'static str = "ShareGroupHeartbeatRequest";
    const VERSIONS: (i16, i16) = (1, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 1 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupHeartbeatResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub member_id: Option<String>,
    pub member_epoch: i32,
    pub heartbeat_interval_ms: i32,
    pub assignment: Option<Assignment>,
}

impl Fields for ShareGroupHeartbeatResponse {
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

/// Part of [`ShareGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartitions {
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

/// Part of [`ShareGroupHeartbeatResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    pub topic_partitions: Vec<TopicPartitions>,
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

impl Message for ShareGroupHeartbeatResponse {
    const NAME: &'static str = "ShareGroupHeartbeatResponse";
    const VERSIONS: (i16, i16) = (1, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ShareGroupHeartbeatRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ShareGroupHeartbeat;
    type Response = ShareGroupHeartbeatResponse;
}
