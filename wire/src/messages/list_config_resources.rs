//! Generated from `schemas/kafka/list_config_resources.kafka` (FNV-1a d871b2947f25e460); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesRequest {
    /// Version 1 only.
    pub resource_types: Vec<i8>,
}

impl Fields for ListConfigResourcesRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.resource_types = d.array(v, "resource_types")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.array(&self.resource_types, v, "resource_types");
        } else if !self.resource_types.is_empty() {
            e.cannot_carry("resource_types", v);
        }
        e.no_tags();
    }
}

impl Message for ListConfigResourcesRequest {
    const NAME: &'static str = "ListConfigResourcesRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub config_resources: Vec<ConfigResource>,
}

impl Fields for ListConfigResourcesResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.config_resources = d.array(v, "config_resources")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.array(&self.config_resources, v, "config_resources");
        e.no_tags();
    }
}

/// Part of [`ListConfigResourcesResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigResource {
    pub resource_name: String,
    /// Version 1 only.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self {
            resource_name: Default::default(),
            resource_type: 16,
        }
    }
}

impl Fields for ConfigResource {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.resource_name = d.string("resource_name")?;
        if v >= 1 {
            self.resource_type = d.i8("resource_type")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.resource_name, "resource_name");
        if v >= 1 {
            e.i8(self.resource_type);
        }
        e.no_tags();
    }
}

impl Message for ListConfigResourcesResponse {
    const NAME: &'static str = "ListConfigResourcesResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ListConfigResourcesRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ListConfigResources;
    type Response = ListConfigResourcesResponse;
}
