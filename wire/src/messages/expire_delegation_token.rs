//! Generated from `schemas/kafka/expire_delegation_token.kafka` (FNV-1a a657ece49f3e7624); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpireDelegationTokenRequest {
    pub hmac: Bytes,
    pub expiry_time_period_ms: i64,
}

impl Fields for ExpireDelegationTokenRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.hmac = d.bytes("hmac")?;
        self.expiry_time_period_ms = d.i64("expiry_time_period_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.bytes(&self.hmac, "hmac");
        e.i64(self.expiry_time_period_ms);
        e.no_tags();
    }
}

impl Message for ExpireDelegationTokenRequest {
    const NAME: &'static str = "ExpireDelegationTokenRequest";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExpireDelegationTokenResponse {
    pub error_code: i16,
    pub expiry_timestamp_ms: i64,
    pub throttle_time_ms: i32,
}

impl Fields for ExpireDelegationTokenResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.expiry_timestamp_ms = d.i64("expiry_timestamp_ms")?;
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i16(self.error_code);
        e.i64(self.expiry_timestamp_ms);
        e.i32(self.throttle_time_ms);
        e.no_tags();
    }
}

impl Message for ExpireDelegationTokenResponse {
    const NAME: &'static str = "ExpireDelegationTokenResponse";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for ExpireDelegationTokenRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ExpireDelegationToken;
    type Response = ExpireDelegationTokenResponse;
}
