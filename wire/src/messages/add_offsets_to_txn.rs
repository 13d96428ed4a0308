//! Generated from `schemas/kafka/add_offsets_to_txn.kafka` (FNV-1a 75f6fb50fa0286ab); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddOffsetsToTxnRequest {
    pub transactional_id: String,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub group_id: String,
}

impl Fields for AddOffsetsToTxnRequest {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        self.group_id = d.string("group_id")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.transactional_id, "transactional_id");
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.string(&self.group_id, "group_id");
        e.no_tags();
    }
}

impl Message for AddOffsetsToTxnRequest {
    const NAME: &'static str = "AddOffsetsToTxnRequest";
    const VERSIONS: (i16, i16) = (0, 4);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddOffsetsToTxnResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
}

impl Fields for AddOffsetsToTxnResponse {
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

impl Message for AddOffsetsToTxnResponse {
    const NAME: &'static str = "AddOffsetsToTxnResponse";
    const VERSIONS: (i16, i16) = (0, 4);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for AddOffsetsToTxnRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AddOffsetsToTxn;
    type Response = AddOffsetsToTxnResponse;
}
