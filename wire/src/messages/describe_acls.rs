//! Generated from `schemas/kafka/describe_acls.kafka` (FNV-1a a5064582738e2c6f); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 1 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeAclsRequest {
    pub resource_type_filter: i8,
    pub resource_name_filter: Option<String>,
    pub pattern_type_filter: i8,
    pub principal_filter: Option<String>,
    pub host_filter: Option<String>,
    pub operation: i8,
    pub permission_type: i8,
}

impl Default for DescribeAclsRequest {
    fn default() -> Self {
        Self {
            resource_type_filter: Default::default(),
            resource_name_filter: Default::default(),
            pattern_type_filter: 3,
            principal_filter: Default::default(),
            host_filter: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl Fields for DescribeAclsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.resource_type_filter = d.i8("resource_type_filter")?;
        self.resource_name_filter = d.nullable_string(true, "resource_name_filter")?;
        self.pattern_type_filter = d.i8("pattern_type_filter")?;
        self.principal_filter = d.nullable_string(true, "principal_filter")?;
        self.host_filter = d.nullable_string(true, "host_filter")?;
        self.operation = d.i8("operation")?;
        self.permission_type = d.i8("permission_type")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i8(self.resource_type_filter);
        e.nullable_string(true, self.resource_name_filter.as_deref(), "resource_name_filter");
        e.i8(self.pattern_type_filter);
        e.nullable_string(true, self.principal_filter.as_deref(), "principal_filter");
        e.nullable_string(true, self.host_filter.as_deref(), "host_filter");
        e.i8(self.operation);
        e.i8(self.permission_type);
        e.no_tags();
    }
}

impl Message for DescribeAclsRequest {
    const NAME: &'static str = "DescribeAclsRequest";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeAclsResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub resources: Vec<DescribeAclsResource>,
}

impl Fields for DescribeAclsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.resources = d.array(v, "resources")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.array(&self.resources, v, "resources");
        e.no_tags();
    }
}

/// Part of [`DescribeAclsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeAclsResource {
    pub resource_type: i8,
    pub resource_name: String,
    pub pattern_type: i8,
    pub acls: Vec<AclDescription>,
}

impl Default for DescribeAclsResource {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            pattern_type: 3,
            acls: Default::default(),
        }
    }
}

impl Fields for DescribeAclsResource {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.resource_type = d.i8("resource_type")?;
        self.resource_name = d.string("resource_name")?;
        self.pattern_type = d.i8("pattern_type")?;
        self.acls = d.array(v, "acls")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i8(self.resource_type);
        e.string(&self.resource_name, "resource_name");
        e.i8(self.pattern_type);
        e.array(&self.acls, v, "acls");
        e.no_tags();
    }
}

/// Part of [`DescribeAclsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AclDescription {
    pub principal: String,
    pub host: String,
    pub operation: i8,
    pub permission_type: i8,
}

impl Fields for AclDescription {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.principal = d.string("principal")?;
        self.host = d.string("host")?;
        self.operation = d.i8("operation")?;
        self.permission_type = d.i8("permission_type")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.principal, "principal");
        e.string(&self.host, "host");
        e.i8(self.operation);
        e.i8(self.permission_type);
        e.no_tags();
    }
}

impl Message for DescribeAclsResponse {
    const NAME: &'static str = "DescribeAclsResponse";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for DescribeAclsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeAcls;
    type Response = DescribeAclsResponse;
}
