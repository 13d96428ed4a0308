//! Generated from `schemas/kafka/list_groups.kafka` (FNV-1a 3ca61829b7a2d93a); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsRequest {
    /// Since version 4.
    pub states_filter: Vec<String>,
    /// Version 5 only.
    pub types_filter: Vec<String>,
}

impl Fields for ListGroupsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 4 {
            self.states_filter = d.array(v, "states_filter")?;
        }
        if v >= 5 {
            self.types_filter = d.array(v, "types_filter")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 4 {
            e.array(&self.states_filter, v, "states_filter");
        } else if !self.states_filter.is_empty() {
            e.cannot_carry("states_filter", v);
        }
        if v >= 5 {
            e.array(&self.types_filter, v, "types_filter");
        } else if !self.types_filter.is_empty() {
            e.cannot_carry("types_filter", v);
        }
        e.no_tags();
    }
}

impl Message for ListGroupsRequest {
    const NAME: &'static str = "ListGroupsRequest";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsResponse {
    /// Since version 1.
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub groups: Vec<ListedGroup>,
}

impl Fields for ListGroupsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.error_code = d.i16("error_code")?;
        self.groups = d.array(v, "groups")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        e.i16(self.error_code);
        e.array(&self.groups, v, "groups");
        e.no_tags();
    }
}

/// Part of [`ListGroupsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedGroup {
    pub group_id: String,
    pub protocol_type: String,
    /// Since version 4.
    pub group_state: String,
    /// Version 5 only.
    pub group_type: String,
}

impl Fields for ListedGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.protocol_type = d.string("protocol_type")?;
        if v >= 4 {
            self.group_state = d.string("group_state")?;
        }
        if v >= 5 {
            self.group_type = d.string("group_type")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.protocol_type, "protocol_type");
        if v >= 4 {
            e.string(&self.group_state, "group_state");
        }
        if v >= 5 {
            e.string(&self.group_type, "group_type");
        }
        e.no_tags();
    }
}

impl Message for ListGroupsResponse {
    const NAME: &'static str = "ListGroupsResponse";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for ListGroupsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ListGroups;
    type Response = ListGroupsResponse;
}
