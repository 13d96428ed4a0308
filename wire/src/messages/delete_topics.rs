//! Generated from `schemas/kafka/delete_topics.kafka` (FNV-1a a3d054c1e5468a79); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 1 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsRequest {
    /// Version 6 only.
    pub topics: Vec<DeleteTopicState>,
    /// Versions 1 to 5.
    pub topic_names: Vec<String>,
    pub timeout_ms: i32,
}

impl Fields for DeleteTopicsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 6 {
            self.topics = d.array(v, "topics")?;
        }
        if v <= 5 {
            self.topic_names = d.array(v, "topic_names")?;
        }
        self.timeout_ms = d.i32("timeout_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 6 {
            e.array(&self.topics, v, "topics");
        } else if !self.topics.is_empty() {
            e.cannot_carry("topics", v);
        }
        if v <= 5 {
            e.array(&self.topic_names, v, "topic_names");
        }
        e.i32(self.timeout_ms);
        e.no_tags();
    }
}

/// Part of [`DeleteTopicsRequest`] in versions 6 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicState {
    pub name: Option<String>,
    pub topic_id: Uuid,
}

impl Fields for DeleteTopicState {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.nullable_string(true, "name")?;
        self.topic_id = d.uuid("topic_id")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.nullable_string(true, self.name.as_deref(), "name");
        e.uuid(self.topic_id);
        e.no_tags();
    }
}

impl Message for DeleteTopicsRequest {
    const NAME: &'static str = "DeleteTopicsRequest";
    const VERSIONS: (i16, i16) = (1, 6);
    const FLEXIBLE: i16 = 4;
}

/// Versions 1 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<DeletableTopicResult>,
}

impl Fields for DeleteTopicsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.responses = d.array(v, "responses")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.responses, v, "responses");
        e.no_tags();
    }
}

/// Part of [`DeleteTopicsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletableTopicResult {
    /// May be null since version 6.
    pub name: Option<String>,
    /// Version 6 only.
    pub topic_id: Uuid,
    pub error_code: i16,
    /// Since version 5.
    pub error_message: Option<String>,
}

impl Fields for DeletableTopicResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.nullable_string(v >= 6, "name")?;
        if v >= 6 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.error_code = d.i16("error_code")?;
        if v >= 5 {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(v >= 6, self.name.as_deref(), "name");
        if v >= 6 {
            e.uuid(self.topic_id);
        }
        e.i16(self.error_code);
        if v >= 5 {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        }
        e.no_tags();
    }
}

impl Message for DeleteTopicsResponse {
    const NAME: &'static str = "DeleteTopicsResponse";
    const VERSIONS: (i16, i16) = (1, 6);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Request for DeleteTopicsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DeleteTopics;
    type Response = DeleteTopicsResponse;
}
