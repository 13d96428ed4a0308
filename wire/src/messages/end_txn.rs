//! Generated from `schemas/kafka/end_txn.kafka` (FNV-1a 020e7fa9004d811b); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndTxnRequest {
    pub transactional_id: String,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub committed: bool,
}

impl Fields for EndTxnRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        self.committed = d.bool("committed")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.transactional_id, "transactional_id");
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.bool(self.committed);
        e.no_tags();
    }
}

impl Message for EndTxnRequest {
    const NAME: &'static str = "EndTxnRequest";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 5.
#[derive(Clone, Debug, PartialEq)]
pub struct EndTxnResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    /// Version 5 only.
    pub producer_id: i64,
    /// Version 5 only.
    pub producer_epoch: i16,
}

impl Default for EndTxnResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            producer_id: -1,
            producer_epoch: -1,
        }
    }
}

impl Fields for EndTxnResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        if v >= 5 {
            self.producer_id = d.i64("producer_id")?;
        }
        if v >= 5 {
            self.producer_epoch = d.i16("producer_epoch")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        if v >= 5 {
            e.i64(self.producer_id);
        }
        if v >= 5 {
            e.i16(self.producer_epoch);
        }
        e.no_tags();
    }
}

impl Message for EndTxnResponse {
    const NAME: &'static str = "EndTxnResponse";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for EndTxnRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::EndTxn;
    type Response = EndTxnResponse;
}
