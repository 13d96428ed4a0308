//! Generated from `schemas/kafka/sync_group.kafka` (FNV-1a 1cbff45efe4703d4); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequest {
    pub group_id: String,
    pub generation_id: i32,
    pub member_id: String,
    /// Since version 3.
    pub group_instance_id: Option<String>,
    /// Version 5 only.
    pub protocol_type: Option<String>,
    /// Version 5 only.
    pub protocol_name: Option<String>,
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Fields for SyncGroupRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.generation_id = d.i32("generation_id")?;
        self.member_id = d.string("member_id")?;
        if v >= 3 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        if v >= 5 {
            self.protocol_type = d.nullable_string(true, "protocol_type")?;
        }
        if v >= 5 {
            self.protocol_name = d.nullable_string(true, "protocol_name")?;
        }
        self.assignments = d.array(v, "assignments")?;
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
        if v >= 5 {
            e.nullable_string(true, self.protocol_type.as_deref(), "protocol_type");
        }
        if v >= 5 {
            e.nullable_string(true, self.protocol_name.as_deref(), "protocol_name");
        }
        e.array(&self.assignments, v, "assignments");
        e.no_tags();
    }
}

/// Part of [`SyncGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequestAssignment {
    pub member_id: String,
    pub assignment: Bytes,
}

impl Fields for SyncGroupRequestAssignment {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        self.assignment = d.bytes("assignment")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.member_id, "member_id");
        e.bytes(&self.assignment, "assignment");
        e.no_tags();
    }
}

impl Message for SyncGroupRequest {
    const NAME: &'static str = "SyncGroupRequest";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 4;
}

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupResponse {
    /// Since version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Version 5 only.
    pub protocol_type: Option<String>,
    /// Version 5 only.
    pub protocol_name: Option<String>,
    pub assignment: Bytes,
}

impl Fields for SyncGroupResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.error_code = d.i16("error_code")?;
        if v >= 5 {
            self.protocol_type = d.nullable_string(true, "protocol_type")?;
        }
        if v >= 5 {
            self.protocol_name = d.nullable_string(true, "protocol_name")?;
        }
        self.assignment = d.bytes("assignment")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        if v >= 5 {
            e.nullable_string(true, self.protocol_type.as_deref(), "protocol_type");
        }
        if v >= 5 {
            e.nullable_string(true, self.protocol_name.as_deref(), "protocol_name");
        }
        e.bytes(&self.assignment, "assignment");
        e.no_tags();
    }
}

impl Message for SyncGroupResponse {
    const NAME: &'static str = "SyncGroupResponse";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Request for SyncGroupRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::SyncGroup;
    type Response = SyncGroupResponse;
}
