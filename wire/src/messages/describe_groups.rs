//! Generated from `schemas/kafka/describe_groups.kafka` (FNV-1a 68a54b43aaf9efe5); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsRequest {
    pub groups: Vec<String>,
    /// Since version 3.
    pub include_authorized_operations: bool,
}

impl Fields for DescribeGroupsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.groups = d.array(v, "groups")?;
        if v >= 3 {
            self.include_authorized_operations = d.bool("include_authorized_operations")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.groups, v, "groups");
        if v >= 3 {
            e.bool(self.include_authorized_operations);
        } else if self.include_authorized_operations {
            e.cannot_carry("include_authorized_operations", v);
        }
        e.no_tags();
    }
}

impl Message for DescribeGroupsRequest {
    const NAME: &'static str = "DescribeGroupsRequest";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 5;
}

/// Versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsResponse {
    /// Since version 1.
    pub throttle_time_ms: i32,
    pub groups: Vec<DescribedGroup>,
}

impl Fields for DescribeGroupsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.groups = d.array(v, "groups")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.groups, v, "groups");
        e.no_tags();
    }
}

/// Part of [`DescribeGroupsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    pub error_code: i16,
    /// Version 6 only.
    pub error_message: Option<String>,
    pub group_id: String,
    pub group_state: String,
    pub protocol_type: String,
    pub protocol_data: String,
    pub members: Vec<DescribedGroupMember>,
    /// Since version 3.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            protocol_type: Default::default(),
            protocol_data: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Fields for DescribedGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        if v >= 6 {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        self.group_id = d.string("group_id")?;
        self.group_state = d.string("group_state")?;
        self.protocol_type = d.string("protocol_type")?;
        self.protocol_data = d.string("protocol_data")?;
        self.members = d.array(v, "members")?;
        if v >= 3 {
            self.authorized_operations = d.i32("authorized_operations")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        if v >= 6 {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        } else if self.error_message.is_some() {
            e.cannot_carry("error_message", v);
        }
        e.string(&self.group_id, "group_id");
        e.string(&self.group_state, "group_state");
        e.string(&self.protocol_type, "protocol_type");
        e.string(&self.protocol_data, "protocol_data");
        e.array(&self.members, v, "members");
        if v >= 3 {
            e.i32(self.authorized_operations);
        } else if self.authorized_operations != -2147483648 {
            e.cannot_carry("authorized_operations", v);
        }
        e.no_tags();
    }
}

/// Part of [`DescribeGroupsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedGroupMember {
    pub member_id: String,
    /// Since version 4.
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub member_metadata: Bytes,
    pub member_assignment: Bytes,
}

impl Fields for DescribedGroupMember {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        if v >= 4 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        self.member_metadata = d.bytes("member_metadata")?;
        self.member_assignment = d.bytes("member_assignment")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.member_id, "member_id");
        if v >= 4 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        }
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        e.bytes(&self.member_metadata, "member_metadata");
        e.bytes(&self.member_assignment, "member_assignment");
        e.no_tags();
    }
}

impl Message for DescribeGroupsResponse {
    const NAME: &'static str = "DescribeGroupsResponse";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 5;
}

impl crate::codec::Request for DescribeGroupsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeGroups;
    type Response = DescribeGroupsResponse;
}
