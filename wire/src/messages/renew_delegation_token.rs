//! Generated from `schemas/kafka/renew_delegation_token.kafka` (FNV-1a bfbad58f66201910); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenewDelegationTokenRequest {
    pub hmac: Bytes,
    pub renew_period_ms: i64,
}

impl Fields for RenewDelegationTokenRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.hmac = d.bytes("hmac")?;
        self.renew_period_ms = d.i64("renew_period_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.bytes(&self.hmac, "hmac");
        e.i64(self.renew_period_ms);
        e.no_tags();
    }
}

impl Message for RenewDelegationTokenRequest {
    const NAME: &'static str = "RenewDelegationTokenRequest";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RenewDelegationTokenResponse {
    pub error_code: i16,
    pub expiry_timestamp_ms: i64,
    pub throttle_time_ms: i32,
}

impl Fields for RenewDelegationTokenResponse {
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

impl Message for RenewDelegationTokenResponse {
    const NAME: &'static str = "RenewDelegationTokenResponse";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for RenewDelegationTokenRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::RenewDelegationToken;
    type Response = RenewDelegationTokenResponse;
}
