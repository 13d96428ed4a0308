//! Generated from `schemas/kafka/find_coordinator.kafka` (FNV-1a 4b2927933a3b65a9); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorRequest {
    /// Versions 0 to 3.
    pub key: String,
    /// Since version 1.
    pub key_type: i8,
    /// Since version 4.
    pub coordinator_keys: Vec<String>,
}

impl Fields for FindCoordinatorRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 3 {
            self.key = d.string("key")?;
        }
        if v >= 1 {
            self.key_type = d.i8("key_type")?;
        }
        if v >= 4 {
            self.coordinator_keys = d.array(v, "coordinator_keys")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 3 {
            e.string(&self.key, "key");
        } else if !self.key.is_empty() {
            e.cannot_carry("key", v);
        }
        if v >= 1 {
            e.i8(self.key_type);
        } else if self.key_type != 0 {
            e.cannot_carry("key_type", v);
        }
        if v >= 4 {
            e.array(&self.coordinator_keys, v, "coordinator_keys");
        } else if !self.coordinator_keys.is_empty() {
            e.cannot_carry("coordinator_keys", v);
        }
        e.no_tags();
    }
}

impl Message for FindCoordinatorRequest {
    const NAME: &'static str = "FindCoordinatorRequest";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorResponse {
    /// Since version 1.
    pub throttle_time_ms: i32,
    /// Versions 0 to 3.
    pub error_code: i16,
    /// Versions 1 to 3.
    pub error_message: Option<String>,
    /// Versions 0 to 3.
    pub node_id: i32,
    /// Versions 0 to 3.
    pub host: String,
    /// Versions 0 to 3.
    pub port: i32,
    /// Since version 4.
    pub coordinators: Vec<Coordinator>,
}

impl Fields for FindCoordinatorResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        if v <= 3 {
            self.error_code = d.i16("error_code")?;
        }
        if (1..=3).contains(&v) {
            self.error_message = d.nullable_string(true, "error_message")?;
        }
        if v <= 3 {
            self.node_id = d.i32("node_id")?;
        }
        if v <= 3 {
            self.host = d.string("host")?;
        }
        if v <= 3 {
            self.port = d.i32("port")?;
        }
        if v >= 4 {
            self.coordinators = d.array(v, "coordinators")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i32(self.throttle_time_ms);
        }
        if v <= 3 {
            e.i16(self.error_code);
        } else if self.error_code != 0 {
            e.cannot_carry("error_code", v);
        }
        if (1..=3).contains(&v) {
            e.nullable_string(true, self.error_message.as_deref(), "error_message");
        }
        if v <= 3 {
            e.i32(self.node_id);
        } else if self.node_id != 0 {
            e.cannot_carry("node_id", v);
        }
        if v <= 3 {
            e.string(&self.host, "host");
        } else if !self.host.is_empty() {
            e.cannot_carry("host", v);
        }
        if v <= 3 {
            e.i32(self.port);
        } else if self.port != 0 {
            e.cannot_carry("port", v);
        }
        if v >= 4 {
            e.array(&self.coordinators, v, "coordinators");
        } else if !self.coordinators.is_empty() {
            e.cannot_carry("coordinators", v);
        }
        e.no_tags();
    }
}

/// Part of [`FindCoordinatorResponse`] in versions 4 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinator {
    pub key: String,
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for Coordinator {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.key = d.string("key")?;
        self.node_id = d.i32("node_id")?;
        self.host = d.string("host")?;
        self.port = d.i32("port")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.key, "key");
        e.i32(self.node_id);
        e.string(&self.host, "host");
        e.i32(self.port);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for FindCoordinatorResponse {
    const NAME: &'static str = "FindCoordinatorResponse";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for FindCoordinatorRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::FindCoordinator;
    type Response = FindCoordinatorResponse;
}
