//! Generated from `schemas/kafka/unregister_broker.kafka` (FNV-1a fc5636ddb9faebe7); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnregisterBrokerRequest {
    pub broker_id: i32,
}

impl Fields for UnregisterBrokerRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.broker_id = d.i32("broker_id")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.broker_id);
        e.no_tags();
    }
}

impl Message for UnregisterBrokerRequest {
    const NAME: &'static str = "UnregisterBrokerRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnregisterBrokerResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for UnregisterBrokerResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for UnregisterBrokerResponse {
    const NAME: &'static str = "UnregisterBrokerResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for UnregisterBrokerRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::UnregisterBroker;
    type Response = UnregisterBrokerResponse;
}
