//! Generated from `schemas/kafka/transaction_coordinator.kafka` (FNV-1a fdc47827788d2749); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionLogKey {
    pub transactional_id: String,
}

impl Fields for TransactionLogKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.transactional_id, "transactional_id");
    }
}

impl Message for TransactionLogKey {
    const NAME: &'static str = "TransactionLogKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for TransactionLogKey {
    const TYPE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionLogValue {
    pub producer_id: i64,
    /// Version 1 only; tag 0.
    pub previous_producer_id: i64,
    /// Version 1 only; tag 1.
    pub next_producer_id: i64,
    pub producer_epoch: i16,
    /// Version 1 only; tag 3.
    pub next_producer_epoch: i16,
    pub transaction_timeout_ms: i32,
    pub transaction_status: i8,
    pub transaction_partitions: Option<Vec<PartitionsSchema>>,
    pub transaction_last_update_timestamp_ms: i64,
    pub transaction_start_timestamp_ms: i64,
    /// Version 1 only; tag 2.
    pub client_transaction_version: i16,
}

impl Default for TransactionLogValue {
    fn default() -> Self {
        Self {
            producer_id: Default::default(),
            previous_producer_id: -1,
            next_producer_id: -1,
            producer_epoch: Default::default(),
            next_producer_epoch: -1,
            transaction_timeout_ms: Default::default(),
            transaction_status: Default::default(),
            transaction_partitions: Default::default(),
            transaction_last_update_timestamp_ms: Default::default(),
            transaction_start_timestamp_ms: Default::default(),
            client_transaction_version: Default::default(),
        }
    }
}

impl Fields for TransactionLogValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        self.transaction_timeout_ms = d.i32("transaction_timeout_ms")?;
        self.transaction_status = d.i8("transaction_status")?;
        self.transaction_partitions = d.nullable_array(true, v, "transaction_partitions")?;
        self.transaction_last_update_timestamp_ms = d.i64("transaction_last_update_timestamp_ms")?;
        self.transaction_start_timestamp_ms = d.i64("transaction_start_timestamp_ms")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 1 => { self.previous_producer_id = d.i64("previous_producer_id")?; }
                1 if v >= 1 => { self.next_producer_id = d.i64("next_producer_id")?; }
                3 if v >= 1 => { self.next_producer_epoch = d.i16("next_producer_epoch")?; }
                2 if v >= 1 => { self.client_transaction_version = d.i16("client_transaction_version")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.i32(self.transaction_timeout_ms);
        e.i8(self.transaction_status);
        e.nullable_array(true, &self.transaction_partitions, v, "transaction_partitions");
        e.i64(self.transaction_last_update_timestamp_ms);
        e.i64(self.transaction_start_timestamp_ms);
        let tags = e.tags();
        if v >= 1 && self.previous_producer_id != -1 {
            let tag = e.begin_tag(tags, 0);
            e.i64(self.previous_producer_id);
            e.end_tag(tag);
        } else if self.previous_producer_id != -1 {
            e.cannot_carry("previous_producer_id", v);
        }
        if v >= 1 && self.next_producer_id != -1 {
            let tag = e.begin_tag(tags, 1);
            e.i64(self.next_producer_id);
            e.end_tag(tag);
        } else if self.next_producer_id != -1 {
            e.cannot_carry("next_producer_id", v);
        }
        if v >= 1 && self.client_transaction_version != 0 {
            let tag = e.begin_tag(tags, 2);
            e.i16(self.client_transaction_version);
            e.end_tag(tag);
        } else if self.client_transaction_version != 0 {
            e.cannot_carry("client_transaction_version", v);
        }
        if v >= 1 && self.next_producer_epoch != -1 {
            let tag = e.begin_tag(tags, 3);
            e.i16(self.next_producer_epoch);
            e.end_tag(tag);
        } else if self.next_producer_epoch != -1 {
            e.cannot_carry("next_producer_epoch", v);
        }
    }
}

/// Part of [`TransactionLogValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionsSchema {
    pub topic: String,
    pub partition_ids: Vec<i32>,
}

impl Fields for PartitionsSchema {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partition_ids = d.array(v, "partition_ids")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partition_ids, v, "partition_ids");
        e.no_tags();
    }
}

impl Message for TransactionLogValue {
    const NAME: &'static str = "TransactionLogValue";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 1;
}

impl crate::codec::Record for TransactionLogValue {
    const TYPE: i16 = 0;
}
