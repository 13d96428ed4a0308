//! Generated from `schemas/kafka/create_acls.kafka` (FNV-1a 645f6f2d20c590d4); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateAclsRequest {
    pub creations: Vec<AclCreation>,
}

impl Fields for CreateAclsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.creations = d.array(v, "creations")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.creations, v, "creations");
        e.no_tags();
    }
}

/// Part of [`CreateAclsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct AclCreation {
    pub resource_type: i8,
    pub resource_name: String,
    pub resource_pattern_type: i8,
    pub principal: String,
    pub host: String,
    pub operation: i8,
    pub permission_type: i8,
}

impl Default for AclCreation {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            resource_pattern_type: 3,
            principal: Default::default(),
            host: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl Fields for AclCreation {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.resource_type = d.i8("resource_type")?;
        self.resource_name = d.string("resource_name")?;
        self.resource_pattern_type = d.i8("resource_pattern_type")?;
        self.principal = d.string("principal")?;
        self.host = d.string("host")?;
        self.operation = d.i8("operation")?;
        self.permission_type = d.i8("permission_type")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i8(self.resource_type);
        e.string(&self.resource_name, "resource_name");
        e.i8(self.resource_pattern_type);
        e.string(&self.principal, "principal");
        e.string(&self.host, "host");
        e.i8(self.operation);
        e.i8(self.permission_type);
        e.no_tags();
    }
}

impl Message for CreateAclsRequest {
    const NAME: &'static str = "CreateAclsRequest";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateAclsResponse {
    pub throttle_time_ms: i32,
    pub results: Vec<AclCreationResult>,
}

impl Fields for CreateAclsResponse {
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

/// Part of [`CreateAclsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AclCreationResult {
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for AclCreationResult {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for CreateAclsResponse {
    const NAME: &'static str = "CreateAclsResponse";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for CreateAclsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::CreateAcls;
    type Response = CreateAclsResponse;
}
