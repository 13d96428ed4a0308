//! Generated from `schemas/kafka/leave_group.kafka` (FNV-1a 2310b1666fc8112c); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupRequest {
    pub group_id: String,
    /// Versions 0 to 2.
    pub member_id: String,
    /// Since version 3.
    pub members: Vec<MemberIdentity>,
}

impl Fields for LeaveGroupRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        if v <= 2 {
            self.member_id = d.string("member_id")?;
        }
        if v >= 3 {
            self.members = d.array(v, "members")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        if v <= 2 {
            e.string(&self.member_id, "member_id");
        } else if !self.member_id.is_empty() {
            e.cannot_carry("member_id", v);
        }
        if v >= 3 {
            e.array(&self.members, v, "members");
        } else if !self.members.is_empty() {
            e.cannot_carry("members", v);
        }
        e.no_tags();
    }
}

/// Part of [`LeaveGroupRequest`] in versions 3 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberIdentity {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    /// Version 5 only.
    pub reason: Option<String>,
}

impl Fields for MemberIdentity {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        if v >= 5 {
            self.reason = d.nullable_string(true, "reason")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.member_id, "member_id");
        e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        if v >= 5 {
            e.nullable_string(true, self.reason.as_deref(), "reason");
        }
        e.no_tags();
    }
}

impl Message for LeaveGroupRequest {
    const NAME: &'static str = "LeaveGroupRequest";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 4;
}

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupResponse {
    /// Since version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Since version 3.
    pub members: Vec<MemberResponse>,
}

impl Fields for LeaveGroupResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.error_code = d.i16("error_code")?;
        if v >= 3 {
            self.members = d.array(v, "members")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        if v >= 3 {
            e.array(&self.members, v, "members");
        } else if !self.members.is_empty() {
            e.cannot_carry("members", v);
        }
        e.no_tags();
    }
}

/// Part of [`LeaveGroupResponse`] in versions 3 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberResponse {
    pub member_id: String,
    pub group_instance_id: Option<String>,
    pub error_code: i16,
}

impl Fields for MemberResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.member_id, "member_id");
        e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        e.i16(self.error_code);
        e.no_tags();
    }
}

impl Message for LeaveGroupResponse {
    const NAME: &'static str = "LeaveGroupResponse";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Request for LeaveGroupRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::LeaveGroup;
    type Response = LeaveGroupResponse;
}
