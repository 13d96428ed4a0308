//! Generated from `schemas/kafka/join_group.kafka` (FNV-1a 8ec3cc1148e6cb6f); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 0 to 9.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupRequest {
    pub group_id: String,
    pub session_timeout_ms: i32,
    /// Since version 1.
    pub rebalance_timeout_ms: i32,
    pub member_id: String,
    /// Since version 5.
    pub group_instance_id: Option<String>,
    pub protocol_type: String,
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// Since version 8.
    pub reason: Option<String>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            session_timeout_ms: Default::default(),
            rebalance_timeout_ms: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            protocol_type: Default::default(),
            protocols: Default::default(),
            reason: Default::default(),
        }
    }
}

impl Fields for JoinGroupRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.session_timeout_ms = d.i32("session_timeout_ms")?;
        if v >= 1 {
            self.rebalance_timeout_ms = d.i32("rebalance_timeout_ms")?;
        }
        self.member_id = d.string("member_id")?;
        if v >= 5 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        self.protocol_type = d.string("protocol_type")?;
        self.protocols = d.array(v, "protocols")?;
        if v >= 8 {
            self.reason = d.nullable_string(true, "reason")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.i32(self.session_timeout_ms);
        if v >= 1 {
            e.i32(self.rebalance_timeout_ms);
        }
        e.string(&self.member_id, "member_id");
        if v >= 5 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        } else if self.group_instance_id.is_some() {
            e.cannot_carry("group_instance_id", v);
        }
        e.string(&self.protocol_type, "protocol_type");
        e.array(&self.protocols, v, "protocols");
        if v >= 8 {
            e.nullable_string(true, self.reason.as_deref(), "reason");
        }
        e.no_tags();
    }
}

/// Part of [`JoinGroupRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupRequestProtocol {
    pub name: String,
    pub metadata: Bytes,
}

impl Fields for JoinGroupRequestProtocol {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.metadata = d.bytes("metadata")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.bytes(&self.metadata, "metadata");
        e.no_tags();
    }
}

impl Message for JoinGroupRequest {
    const NAME: &'static str = "JoinGroupRequest";
    const VERSIONS: (i16, i16) = (0, 9);
    const FLEXIBLE: i16 = 6;
}

/// Versions 0 to 9.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// Since version 2.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub generation_id: i32,
    /// Since version 7.
    pub protocol_type: Option<String>,
    /// May be null since version 7.
    pub protocol_name: Option<String>,
    pub leader: String,
    /// Version 9 only.
    pub skip_assignment: bool,
    pub member_id: String,
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            generation_id: -1,
            protocol_type: Default::default(),
            protocol_name: Default::default(),
            leader: Default::default(),
            skip_assignment: Default::default(),
            member_id: Default::default(),
            members: Default::default(),
        }
    }
}

impl Fields for JoinGroupResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 2 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.error_code = d.i16("error_code")?;
        self.generation_id = d.i32("generation_id")?;
        if v >= 7 {
            self.protocol_type = d.nullable_string(true, "protocol_type")?;
        }
        self.protocol_name = d.nullable_string(v >= 7, "protocol_name")?;
        self.leader = d.string("leader")?;
        if v >= 9 {
            self.skip_assignment = d.bool("skip_assignment")?;
        }
        self.member_id = d.string("member_id")?;
        self.members = d.array(v, "members")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 2 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        e.i32(self.generation_id);
        if v >= 7 {
            e.nullable_string(true, self.protocol_type.as_deref(), "protocol_type");
        }
        e.nullable_string(v >= 7, self.protocol_name.as_deref(), "protocol_name");
        e.string(&self.leader, "leader");
        if v >= 9 {
            e.bool(self.skip_assignment);
        } else if self.skip_assignment {
            e.cannot_carry("skip_assignment", v);
        }
        e.string(&self.member_id, "member_id");
        e.array(&self.members, v, "members");
        e.no_tags();
    }
}

/// Part of [`JoinGroupResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupResponseMember {
    pub member_id: String,
    /// Since version 5.
    pub group_instance_id: Option<String>,
    pub metadata: Bytes,
}

impl Fields for JoinGroupResponseMember {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        if v >= 5 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        self.metadata = d.bytes("metadata")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.member_id, "member_id");
        if v >= 5 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        }
        e.bytes(&self.metadata, "metadata");
        e.no_tags();
    }
}

impl Message for JoinGroupResponse {
    const NAME: &'static str = "JoinGroupResponse";
    const VERSIONS: (i16, i16) = (0, 9);
    const FLEXIBLE: i16 = 6;
}

impl crate::codec::Request for JoinGroupRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::JoinGroup;
    type Response = JoinGroupResponse;
}
