//! Generated from `schemas/kafka/describe_configs.kafka` (FNV-1a 4391a5636ebb25fc); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 1 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsRequest {
    pub resources: Vec<DescribeConfigsResource>,
    pub include_synonyms: bool,
    /// Since version 3.
    pub include_documentation: bool,
}

impl Fields for DescribeConfigsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.resources = d.array(v, "resources")?;
        self.include_synonyms = d.bool("include_synonyms")?;
        if v >= 3 {
            self.include_documentation = d.bool("include_documentation")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.resources, v, "resources");
        e.bool(self.include_synonyms);
        if v >= 3 {
            e.bool(self.include_documentation);
        } else if self.include_documentation {
            e.cannot_carry("include_documentation", v);
        }
        e.no_tags();
    }
}

/// Part of [`DescribeConfigsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResource {
    pub resource_type: i8,
    pub resource_name: String,
    pub configuration_keys: Option<Vec<String>>,
}

impl Fields for DescribeConfigsResource {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.resource_type = d.i8("resource_type")?;
        self.resource_name = d.string("resource_name")?;
        self.configuration_keys = d.nullable_array(true, v, "configuration_keys")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i8(self.resource_type);
        e.string(&self.resource_name, "resource_name");
        e.nullable_array(true, &self.configuration_keys, v, "configuration_keys");
        e.no_tags();
    }
}

impl Message for DescribeConfigsRequest {
    const NAME: &'static str = "DescribeConfigsRequest";
    const VERSIONS: (i16, i16) = (1, 4);
    const FLEXIBLE: i16 = 4;
}

/// Versions 1 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<DescribeConfigsResult>,
}

impl Fields for DescribeConfigsResponse {
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

/// Part of [`DescribeConfigsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResult {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resource_type: i8,
    pub resource_name: String,
    pub configs: Vec<DescribeConfigsResourceResult>,
}

impl Fields for DescribeConfigsResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.resource_type = d.i8("resource_type")?;
        self.resource_name = d.string("resource_name")?;
        self.configs = d.array(v, "configs")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.i8(self.resource_type);
        e.string(&self.resource_name, "resource_name");
        e.array(&self.configs, v, "configs");
        e.no_tags();
    }
}

/// Part of [`DescribeConfigsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResourceResult {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// Since version 3.
    pub config_type: i8,
    /// Since version 3.
    pub documentation: Option<String>,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Default::default(),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
            synonyms: Default::default(),
            config_type: Default::default(),
            documentation: Default::default(),
        }
    }
}

impl Fields for DescribeConfigsResourceResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.value = d.nullable_string(true, "value")?;
        self.read_only = d.bool("read_only")?;
        self.config_source = d.i8("config_source")?;
        self.is_sensitive = d.bool("is_sensitive")?;
        self.synonyms = d.array(v, "synonyms")?;
        if v >= 3 {
            self.config_type = d.i8("config_type")?;
        }
        if v >= 3 {
            self.documentation = d.nullable_string(true, "documentation")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.nullable_string(true, self.value.as_deref(), "value");
        e.bool(self.read_only);
        e.i8(self.config_source);
        e.bool(self.is_sensitive);
        e.array(&self.synonyms, v, "synonyms");
        if v >= 3 {
            e.i8(self.config_type);
        }
        if v >= 3 {
            e.nullable_string(true, self.documentation.as_deref(), "documentation");
        }
        e.no_tags();
    }
}

/// Part of [`DescribeConfigsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsSynonym {
    pub name: String,
    pub value: Option<String>,
    pub source: i8,
}

impl Fields for DescribeConfigsSynonym {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.value = d.nullable_string(true, "value")?;
        self.source = d.i8("source")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.nullable_string(true, self.value.as_deref(), "value");
        e.i8(self.source);
        e.no_tags();
    }
}

impl Message for DescribeConfigsResponse {
    const NAME: &'static str = "DescribeConfigsResponse";
    const VERSIONS: (i16, i16) = (1, 4);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Request for DescribeConfigsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeConfigs;
    type Response = DescribeConfigsResponse;
}
