//! Generated from `schemas/kafka/describe_client_quotas.kafka` (FNV-1a ae4acc69514828cf); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClientQuotasRequest {
    pub components: Vec<ComponentData>,
    pub strict: bool,
}

impl Fields for DescribeClientQuotasRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.components = d.array(v, "components")?;
        self.strict = d.bool("strict")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.components, v, "components");
        e.bool(self.strict);
        e.no_tags();
    }
}

/// Part of [`DescribeClientQuotasRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComponentData {
    pub entity_type: String,
    pub match_type: i8,
    pub match_text: Option<String>,
}

impl Fields for ComponentData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.entity_type = d.string("entity_type")?;
        self.match_type = d.i8("match_type")?;
        self.match_text = d.nullable_string(true, "match_text")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.entity_type, "entity_type");
        e.i8(self.match_type);
        e.nullable_string(true, self.match_text.as_deref(), "match_text");
        e.no_tags();
    }
}

impl Message for DescribeClientQuotasRequest {
    const NAME: &'static str = "DescribeClientQuotasRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClientQuotasResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub entries: Option<Vec<EntryData>>,
}

impl Fields for DescribeClientQuotasResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.entries = d.nullable_array(true, v, "entries")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.nullable_array(true, &self.entries, v, "entries");
        e.no_tags();
    }
}

/// Part of [`DescribeClientQuotasResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntryData {
    pub entity: Vec<EntityData>,
    pub values: Vec<ValueData>,
}

impl Fields for EntryData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.entity = d.array(v, "entity")?;
        self.values = d.array(v, "values")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.entity, v, "entity");
        e.array(&self.values, v, "values");
        e.no_tags();
    }
}

/// Part of [`DescribeClientQuotasResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityData {
    pub entity_type: String,
    pub entity_name: Option<String>,
}

impl Fields for EntityData {
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

/// Part of [`DescribeClientQuotasResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueData {
    pub key: String,
    pub value: f64,
}

impl Fields for ValueData {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.key = d.string("key")?;
        self.value = d.f64("value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.key, "key");
        e.f64(self.value);
        e.no_tags();
    }
}

impl Message for DescribeClientQuotasResponse {
    const NAME: &'static str = "DescribeClientQuotasResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

impl crate::codec::Request for DescribeClientQuotasRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeClientQuotas;
    type Response = DescribeClientQuotasResponse;
}
