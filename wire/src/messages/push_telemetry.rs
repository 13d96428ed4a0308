//! Generated from `schemas/kafka/push_telemetry.kafka` (FNV-1a 6925f37025dc02ea); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushTelemetryRequest {
    pub client_instance_id: Uuid,
    pub subscription_id: i32,
    pub terminating: bool,
    pub compression_type: i8,
    pub metrics: Bytes,
}

impl Fields for PushTelemetryRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.client_instance_id = d.uuid("client_instance_id")?;
        self.subscription_id = d.i32("subscription_id")?;
        self.terminating = d.bool("terminating")?;
        self.compression_type = d.i8("compression_type")?;
        self.metrics = d.bytes("metrics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.uuid(self.client_instance_id);
        e.i32(self.subscription_id);
        e.bool(self.terminating);
        e.i8(self.compression_type);
        e.bytes(&self.metrics, "metrics");
        e.no_tags();
    }
}

impl Message for PushTelemetryRequest {
    const NAME: &'static str = "PushTelemetryRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushTelemetryResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl Fields for PushTelemetryResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.no_tags();
    }
}

impl Message for PushTelemetryResponse {
    const NAME: &'static str = "PushTelemetryResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for PushTelemetryRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::PushTelemetry;
    type Response = PushTelemetryResponse;
}
