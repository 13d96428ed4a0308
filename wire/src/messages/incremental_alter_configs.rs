//! Generated from `schemas/kafka/incremental_alter_configs.kafka` (FNV-1a febf65178716c057); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrementalAlterConfigsRequest {
    pub resources: Vec<AlterConfigsResource>,
    pub validate_only: bool,
}

impl Fields for IncrementalAlterConfigsRequest {
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

/// Part of [`IncrementalAlterConfigsRequest`].
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

/// Part of [`IncrementalAlterConfigsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterableConfig {
    pub name: String,
    pub config_operation: i8,
    pub value: Option<String>,
}

impl Fields for AlterableConfig {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.config_operation = d.i8("config_operation")?;
        self.value = d.nullable_string(true, "value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.i8(self.config_operation);
        e.nullable_string(true, self.value.as_deref(), "value");
        e.no_tags();
    }
}

impl Message for IncrementalAlterConfigsRequest {
    const NAME: &'static str = "IncrementalAlterConfigsRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrementalAlterConfigsResponse {
    pub throttle_time_ms: i32,
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Fields for IncrementalAlterConfigsResponse {
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

/// Part of [`IncrementalAlterConfigsResponse`].
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

impl Message for IncrementalAlterConfigsResponse {
    const NAME: &'static str = "IncrementalAlterConfigsResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

impl crate::codec::Request for IncrementalAlterConfigsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::IncrementalAlterConfigs;
    type Response = IncrementalAlterConfigsResponse;
}
