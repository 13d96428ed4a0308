//! Generated from `schemas/kafka/sasl_handshake.kafka` (FNV-1a 11a9cc7f4f9be6da); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslHandshakeRequest {
    pub mechanism: String,
}

impl Fields for SaslHandshakeRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.mechanism = d.string("mechanism")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.mechanism, "mechanism");
    }
}

impl Message for SaslHandshakeRequest {
    const NAME: &'static str = "SaslHandshakeRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = i16::MAX;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaslHandshakeResponse {
    pub error_code: i16,
    pub mechanisms: Vec<String>,
}

impl Fields for SaslHandshakeResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.mechanisms = d.array(v, "mechanisms")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.array(&self.mechanisms, v, "mechanisms");
    }
}

impl Message for SaslHandshakeResponse {
    const NAME: &'static str = "SaslHandshakeResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Request for SaslHandshakeRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::SaslHandshake;
    type Response = SaslHandshakeResponse;
}
