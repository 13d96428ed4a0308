//! Generated from `schemas/kafka/sasl_authenticate.kafka` (FNV-1a 236abc90fb25a237); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslAuthenticateRequest {
    pub auth_bytes: Bytes,
}

impl Fields for SaslAuthenticateRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.auth_bytes = d.bytes("auth_bytes")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.bytes(&self.auth_bytes, "auth_bytes");
        e.no_tags();
    }
}

impl Message for SaslAuthenticateRequest {
    const NAME: &'static str = "SaslAuthenticateRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 2;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslAuthenticateResponse {
    pub error_code: i16,
    pub error_message: Option<String>,
    pub auth_bytes: Bytes,
    /// Since version 1.
    pub session_lifetime_ms: i64,
}

impl Fields for SaslAuthenticateResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.auth_bytes = d.bytes("auth_bytes")?;
        if v >= 1 {
            self.session_lifetime_ms = d.i64("session_lifetime_ms")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.bytes(&self.auth_bytes, "auth_bytes");
        if v >= 1 {
            e.i64(self.session_lifetime_ms);
        }
        e.no_tags();
    }
}

impl Message for SaslAuthenticateResponse {
    const NAME: &'static str = "SaslAuthenticateResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for SaslAuthenticateRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::SaslAuthenticate;
    type Response = SaslAuthenticateResponse;
}
