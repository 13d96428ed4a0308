//! Generated from `schemas/kafka/heartbeat.kafka` (FNV-1a b1a5a6ab014e45cc); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatRequest {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    /// Since version 3.
    pub group_instance_id: Option<String>,
}

impl Fields for HeartbeatRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.generation_id = d.i32("generation_id")?;
        self.member_id = d.string("member_id")?;
        if v >= 3 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.i32(self.generation_id);
        e.string(&self.member_id, "member_id");
        if v >= 3 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        } else if self.group_instance_id.is_some() {
            e.cannot_carry("group_instance_id", v);
        }
        e.no_tags();
    }
}

impl Message for HeartbeatRequest {
    const NAME: &'static str = "HeartbeatRequest";
    const VERSIONS: (i16, i16) = (0, 4);
    const FLEXIBLE: i16 = 4;
}

/// Versions 0 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatResponse {
    /// Since version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl Fields for HeartbeatResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        e.no_tags();
    }
}

impl Message for HeartbeatResponse {
    const NAME: &'static str = "HeartbeatResponse";
    const VERSIONS: (i16, i16) = (0, 4);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Request for HeartbeatRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::Heartbeat;
    type Response = HeartbeatResponse;
}
