//! Generated from `schemas/kafka/create_delegation_token.kafka` (FNV-1a ee425d4137c08c32); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateDelegationTokenRequest {
    /// Version 3 only.
    pub owner_principal_type: Option<String>,
    /// Version 3 only.
    pub owner_principal_name: Option<String>,
    pub renewers: Vec<CreatableRenewers>,
    pub max_lifetime_ms: i64,
}

impl Fields for CreateDelegationTokenRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 3 {
            self.owner_principal_type = d.nullable_string(true, "owner_principal_type")?;
        }
        if v >= 3 {
            self.owner_principal_name = d.nullable_string(true, "owner_principal_name")?;
        }
        self.renewers = d.array(v, "renewers")?;
        self.max_lifetime_ms = d.i64("max_lifetime_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 3 {
            e.nullable_string(true, self.owner_principal_type.as_deref(), "owner_principal_type");
        } else if self.owner_principal_type.is_some() {
            e.cannot_carry("owner_principal_type", v);
        }
        if v >= 3 {
            e.nullable_string(true, self.owner_principal_name.as_deref(), "owner_principal_name");
        } else if self.owner_principal_name.is_some() {
            e.cannot_carry("owner_principal_name", v);
        }
        e.array(&self.renewers, v, "renewers");
        e.i64(self.max_lifetime_ms);
        e.no_tags();
    }
}

/// Part of [`CreateDelegationTokenRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableRenewers {
    pub principal_type: String,
    pub principal_name: String,
}

impl Fields for CreatableRenewers {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.principal_type = d.string("principal_type")?;
        self.principal_name = d.string("principal_name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.principal_type, "principal_type");
        e.string(&self.principal_name, "principal_name");
        e.no_tags();
    }
}

impl Message for CreateDelegationTokenRequest {
    const NAME: &'static str = "CreateDelegationTokenRequest";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateDelegationTokenResponse {
    pub error_code: i16,
    pub principal_type: String,
    pub principal_name: String,
    /// Version 3 only.
    pub token_requester_principal_type: String,
    /// Version 3 only.
    pub token_requester_principal_name: String,
    pub issue_timestamp_ms: i64,
    pub expiry_timestamp_ms: i64,
    pub max_timestamp_ms: i64,
    pub token_id: String,
    pub hmac: Bytes,
    pub throttle_time_ms: i32,
}

impl Fields for CreateDelegationTokenResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.principal_type = d.string("principal_type")?;
        self.principal_name = d.string("principal_name")?;
        if v >= 3 {
            self.token_requester_principal_type = d.string("token_requester_principal_type")?;
        }
        if v >= 3 {
            self.token_requester_principal_name = d.string("token_requester_principal_name")?;
        }
        self.issue_timestamp_ms = d.i64("issue_timestamp_ms")?;
        self.expiry_timestamp_ms = d.i64("expiry_timestamp_ms")?;
        self.max_timestamp_ms = d.i64("max_timestamp_ms")?;
        self.token_id = d.string("token_id")?;
        self.hmac = d.bytes("hmac")?;
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.string(&self.principal_type, "principal_type");
        e.string(&self.principal_name, "principal_name");
        if v >= 3 {
            e.string(&self.token_requester_principal_type, "token_requester_principal_type");
        } else if !self.token_requester_principal_type.is_empty() {
            e.cannot_carry("token_requester_principal_type", v);
        }
        if v >= 3 {
            e.string(&self.token_requester_principal_name, "token_requester_principal_name");
        } else if !self.token_requester_principal_name.is_empty() {
            e.cannot_carry("token_requester_principal_name", v);
        }
        e.i64(self.issue_timestamp_ms);
        e.i64(self.expiry_timestamp_ms);
        e.i64(self.max_timestamp_ms);
        e.string(&self.token_id, "token_id");
        e.bytes(&self.hmac, "hmac");
        e.i32(self.throttle_time_ms);
        e.no_tags();
    }
}

impl Message for CreateDelegationTokenResponse {
    const NAME: &'static str = "CreateDelegationTokenResponse";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for CreateDelegationTokenRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::CreateDelegationToken;
    type Response = CreateDelegationTokenResponse;
}
