//! Generated from `schemas/kafka/init_producer_id.kafka` (FNV-1a 2e566ebc1888dfb0); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 6.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdRequest {
    pub transactional_id: Option<String>,
    pub transaction_timeout_ms: i32,
    /// Since version 3.
    pub producer_id: i64,
    /// Since version 3.
    pub producer_epoch: i16,
    /// Version 6 only.
    pub enable_2pc: bool,
    /// Version 6 only.
    pub keep_prepared_txn: bool,
}

impl Default for InitProducerIdRequest {
    fn default() -> Self {
        Self {
            transactional_id: Default::default(),
            transaction_timeout_ms: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
            enable_2pc: Default::default(),
            keep_prepared_txn: Default::default(),
        }
    }
}

impl Fields for InitProducerIdRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.nullable_string(true, "transactional_id")?;
        self.transaction_timeout_ms = d.i32("transaction_timeout_ms")?;
        if v >= 3 {
            self.producer_id = d.i64("producer_id")?;
        }
        if v >= 3 {
            self.producer_epoch = d.i16("producer_epoch")?;
        }
        if v >= 6 {
            self.enable_2pc = d.bool("enable_2pc")?;
        }
        if v >= 6 {
            self.keep_prepared_txn = d.bool("keep_prepared_txn")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.transactional_id.as_deref(), "transactional_id");
        e.i32(self.transaction_timeout_ms);
        if v >= 3 {
            e.i64(self.producer_id);
        } else if self.producer_id != -1 {
            e.cannot_carry("producer_id", v);
        }
        if v >= 3 {
            e.i16(self.producer_epoch);
        } else if self.producer_epoch != -1 {
            e.cannot_carry("producer_epoch", v);
        }
        if v >= 6 {
            e.bool(self.enable_2pc);
        } else if self.enable_2pc {
            e.cannot_carry("enable_2pc", v);
        }
        if v >= 6 {
            e.bool(self.keep_prepared_txn);
        } else if self.keep_prepared_txn {
            e.cannot_carry("keep_prepared_txn", v);
        }
        e.no_tags();
    }
}

impl Message for InitProducerIdRequest {
    const NAME: &'static str = "InitProducerIdRequest";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 2;
}

/// Versions 0 to 6.
#[derive(Clone, Debug, PartialEq)]
pub struct InitProducerIdResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub producer_id: i64,
    pub producer_epoch: i16,
    /// Version 6 only.
    pub ongoing_txn_producer_id: i64,
    /// Version 6 only.
    pub ongoing_txn_producer_epoch: i16,
}

impl Default for InitProducerIdResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            producer_id: -1,
            producer_epoch: Default::default(),
            ongoing_txn_producer_id: -1,
            ongoing_txn_producer_epoch: -1,
        }
    }
}

impl Fields for InitProducerIdResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        if v >= 6 {
            self.ongoing_txn_producer_id = d.i64("ongoing_txn_producer_id")?;
        }
        if v >= 6 {
            self.ongoing_txn_producer_epoch = d.i16("ongoing_txn_producer_epoch")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        if v >= 6 {
            e.i64(self.ongoing_txn_producer_id);
        } else if self.ongoing_txn_producer_id != -1 {
            e.cannot_carry("ongoing_txn_producer_id", v);
        }
        if v >= 6 {
            e.i16(self.ongoing_txn_producer_epoch);
        } else if self.ongoing_txn_producer_epoch != -1 {
            e.cannot_carry("ongoing_txn_producer_epoch", v);
        }
        e.no_tags();
    }
}

impl Message for InitProducerIdResponse {
    const NAME: &'static str = "InitProducerIdResponse";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for InitProducerIdRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::InitProducerId;
    type Response = InitProducerIdResponse;
}
