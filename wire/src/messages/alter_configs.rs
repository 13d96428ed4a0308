//! Generated from `schemas/kafka/alter_configs.kafka` (FNV-1a 69e9fc030b5e190a); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsRequest {
    pub resources: Vec<AlterConfigsResource>,
    pub validate_only: bool,
}

impl Fields for AlterConfigsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.resources = d.array(v, "resources")?;
        self.validate_only = d.bool("validate_only")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.resources, v, "resources");
        e.bool(self.validate_only);
        e.no_tags();
    }
}

/// Part of [`AlterConfigsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResource {
    pub resource_type: i8,
    pub resource_name: String,
    pub configs: Vec<AlterableConfig>,
}

impl Fields for AlterConfigsResource {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.resource_type = d.i8("resource_type")?;
        self.resource_name = d.string("resource_name")?;
        self.configs = d.array(v, "configs")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i8(self.resource_type);
        e.string(&self.resource_name, "resource_name");
        e.array(&self.configs, v, "configs");
        e.no_tags();
    }
}

/// Part of [`AlterConfigsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterableConfig {
    pub name: String,
    pub value: Option<String>,
}

impl Fields for AlterableConfig {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.value = d.nullable_string(true, "value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.nullable_string(true, self.value.as_deref(), "value");
        e.no_tags();
    }
}

impl Message for AlterConfigsRequest {
    const NAME: &'static str = "AlterConfigsRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 2;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Fields for AlterConfigsResponse {
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

/// Part of [`AlterConfigsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResourceResponse {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resource_type: i8,
    pub resource_name: String,
}

impl Fields for AlterConfigsResourceResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.resource_type = d.i8("resource_type")?;
        self.resource_name = d.string("resource_name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.i8(self.resource_type);
        e.string(&self.resource_name, "resource_name");
        e.no_tags();
    }
}

impl Message for AlterConfigsResponse {
    const NAME: &'static str = "AlterConfigsResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for AlterConfigsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AlterConfigs;
    type Response = AlterConfigsResponse;
}
