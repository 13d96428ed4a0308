//! Generated from `schemas/kafka/alter_client_quotas.kafka` (FNV-1a acea272edddfe298); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterClientQuotasRequest {
    pub entries: Vec<RequestEntryData>,
    pub validate_only: bool,
}

impl Fields for AlterClientQuotasRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.entries = d.array(v, "entries")?;
        self.validate_only = d.bool("validate_only")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.entries, v, "entries");
        e.bool(self.validate_only);
        e.no_tags();
    }
}

/// Part of [`AlterClientQuotasRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestEntryData {
    pub entity: Vec<RequestEntityData>,
    pub ops: Vec<OpData>,
}

impl Fields for RequestEntryData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.entity = d.array(v, "entity")?;
        self.ops = d.array(v, "ops")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.entity, v, "entity");
        e.array(&self.ops, v, "ops");
        e.no_tags();
    }
}

/// Part of [`AlterClientQuotasRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestEntityData {
    pub entity_type: String,
    pub entity_name: Option<String>,
}

impl Fields for RequestEntityData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.entity_type = d.string("entity_type")?;
        self.entity_name = d.nullable_string(true, "entity_name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.entity_type, "entity_type");
        e.nullable_string(true, self.entity_name.as_deref(), "entity_name");
        e.no_tags();
    }
}

/// Part of [`AlterClientQuotasRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpData {
    pub key: String,
    pub value: f64,
    pub remove: bool,
}

impl Fields for OpData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.key = d.string("key")?;
        self.value = d.f64("value")?;
        self.remove = d.bool("remove")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.key, "key");
        e.f64(self.value);
        e.bool(self.remove);
        e.no_tags();
    }
}

impl Message for AlterClientQuotasRequest {
    const NAME: &'static str = "AlterClientQuotasRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterClientQuotasResponse {
    pub throttle_time_ms: i32,
    pub entries: Vec<ResponseEntryData>,
}

impl Fields for AlterClientQuotasResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.entries = d.array(v, "entries")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.entries, v, "entries");
        e.no_tags();
    }
}

/// Part of [`AlterClientQuotasResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseEntryData {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub entity: Vec<ResponseEntityData>,
}

impl Fields for ResponseEntryData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.entity = d.array(v, "entity")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.array(&self.entity, v, "entity");
        e.no_tags();
    }
}

/// Part of [`AlterClientQuotasResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResponseEntityData {
    pub entity_type: String,
    pub entity_name: Option<String>,
}

impl Fields for ResponseEntityData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.entity_type = d.string("entity_type")?;
        self.entity_name = d.nullable_string(true, "entity_name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.entity_type, "entity_type");
        e.nullable_string(true, self.entity_name.as_deref(), "entity_name");
        e.no_tags();
    }
}

impl Message for AlterClientQuotasResponse {
    const NAME: &'static str = "AlterClientQuotasResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

impl crate::codec::Request for AlterClientQuotasRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AlterClientQuotas;
    type Response = AlterClientQuotasResponse;
}
