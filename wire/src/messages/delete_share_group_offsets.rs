//! Generated from `schemas/kafka/delete_share_group_offsets.kafka` (FNV-1a c7b7381eeb6fe347); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteShareGroupOffsetsRequest {
    pub group_id: String,
    pub topics: Vec<DeleteShareGroupOffsetsRequestTopic>,
}

impl Fields for DeleteShareGroupOffsetsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`DeleteShareGroupOffsetsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteShareGroupOffsetsRequestTopic {
    pub topic_name: String,
}

impl Fields for DeleteShareGroupOffsetsRequestTopic {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.topic_name = d.string("topic_name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.topic_name, "topic_name");
        e.no_tags();
    }
}

impl Message for DeleteShareGroupOffsetsRequest {
    const NAME: &'static str = "DeleteShareGroupOffsetsRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteShareGroupOffsetsResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub responses: Vec<DeleteShareGroupOffsetsResponseTopic>,
}

impl Fields for DeleteShareGroupOffsetsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.responses = d.array(v, "responses")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.array(&self.responses, v, "responses");
        e.no_tags();
    }
}

/// Part of [`DeleteShareGroupOffsetsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteShareGroupOffsetsResponseTopic {
    pub topic_name: String,
    pub topic_id: Uuid,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for DeleteShareGroupOffsetsResponseTopic {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.topic_name = d.string("topic_name")?;
        self.topic_id = d.uuid("topic_id")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.topic_name, "topic_name");
        e.uuid(self.topic_id);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for DeleteShareGroupOffsetsResponse {
    const NAME: &'static str = "DeleteShareGroupOffsetsResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for DeleteShareGroupOffsetsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DeleteShareGroupOffsets;
    type Response = DeleteShareGroupOffsetsResponse;
}
