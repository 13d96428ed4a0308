//! Generated from `schemas/kafka/delete_groups.kafka` (FNV-1a 93f350d3edd9e23f); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteGroupsRequest {
    pub groups_names: Vec<String>,
}

impl Fields for DeleteGroupsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.groups_names = d.array(v, "groups_names")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.groups_names, v, "groups_names");
        e.no_tags();
    }
}

impl Message for DeleteGroupsRequest {
    const NAME: &'static str = "DeleteGroupsRequest";
    const VERSIONS: (i16, i16) = (0, 3);
    const FLEXIBLE: i16 = 2;
}

/// Versions 0 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteGroupsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DeletableGroupResult>,
}

impl Fields for DeleteGroupsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.results = d.array(v, "results")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.results, v, "results");
        e.no_tags();
    }
}

/// Part of [`DeleteGroupsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletableGroupResult {
    pub group_id: String,
    pub error_code: i16,
    /// Version 3 only.
    pub error_message: Option<String>,
}

impl Fields for DeletableGroupResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.error_code = d.i16("error_code")?;
        if v >= 3 {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.i16(self.error_code);
        if v >= 3 {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        }
        e.no_tags();
    }
}

impl Message for DeleteGroupsResponse {
    const NAME: &'static str = "DeleteGroupsResponse";
    const VERSIONS: (i16, i16) = (0, 3);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for DeleteGroupsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DeleteGroups;
    type Response = DeleteGroupsResponse;
}
