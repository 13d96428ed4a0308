//! Generated from `schemas/kafka/describe_delegation_token.kafka` (FNV-1a dd4abd25fbea26ba); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeDelegationTokenRequest {
    pub owners: Option<Vec<DescribeDelegationTokenOwner>>,
}

impl Fields for DescribeDelegationTokenRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.owners = d.nullable_array(true, v, "owners")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_array(true, &self.owners, v, "owners");
        e.no_tags();
    }
}

/// Part of [`DescribeDelegationTokenRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeDelegationTokenOwner {
    pub principal_type: String,
    pub principal_name: String,
}

impl Fields for DescribeDelegationTokenOwner {
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

impl Message for DescribeDelegationTokenRequest {
    const NAME: &'static str = "DescribeDelegationTokenRequest";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeDelegationTokenResponse {
    pub error_code: i16,
    pub tokens: Vec<DescribedDelegationToken>,
    pub throttle_time_ms: i32,
}

impl Fields for DescribeDelegationTokenResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.tokens = d.array(v, "tokens")?;
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.array(&self.tokens, v, "tokens");
        e.i32(self.throttle_time_ms);
        e.no_tags();
    }
}

/// Part of [`DescribeDelegationTokenResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationToken {
    pub principal_type: String,
    pub principal_name: String,
    /// Version 3 only.
    pub token_requester_principal_type: String,
    /// Version 3 only.
    pub token_requester_principal_name: String,
    pub issue_timestamp: i64,
    pub expiry_timestamp: i64,
    pub max_timestamp: i64,
    pub token_id: String,
    pub hmac: Bytes,
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
}

impl Fields for DescribedDelegationToken {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.principal_type = d.string("principal_type")?;
        self.principal_name = d.string("principal_name")?;
        if v >= 3 {
            self.token_requester_principal_type = d.string("token_requester_principal_type")?;
        }
        if v >= 3 {
            self.token_requester_principal_name = d.string("token_requester_principal_name")?;
        }
        self.issue_timestamp = d.i64("issue_timestamp")?;
        self.expiry_timestamp = d.i64("expiry_timestamp")?;
        self.max_timestamp = d.i64("max_timestamp")?;
        self.token_id = d.string("token_id")?;
        self.hmac = d.bytes("hmac")?;
        self.renewers = d.array(v, "renewers")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
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
        e.i64(self.issue_timestamp);
        e.i64(self.expiry_timestamp);
        e.i64(self.max_timestamp);
        e.string(&self.token_id, "token_id");
        e.bytes(&self.hmac, "hmac");
        e.array(&self.renewers, v, "renewers");
        e.no_tags();
    }
}

/// Part of [`DescribeDelegationTokenResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationTokenRenewer {
    pub principal_type: String,
    pub principal_name: String,
}

impl Fields for DescribedDelegationTokenRenewer {
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

impl Message for DescribeDelegationTokenResponse {
    const NAME: &'static str = "DescribeDelegationTokenResponse";
    const VERSIONS: (i16, i16) = (1, 3);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for DescribeDelegationTokenRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeDelegationToken;
    type Response = DescribeDelegationTokenResponse;
}
