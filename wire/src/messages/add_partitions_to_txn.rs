//! Generated from `schemas/kafka/add_partitions_to_txn.kafka` (FNV-1a c78e6413348f838e); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnRequest {
    /// Since version 4.
    pub transactions: Vec<AddPartitionsToTxnTransaction>,
    /// Versions 0 to 3.
    pub v3_and_below_transactional_id: String,
    /// Versions 0 to 3.
    pub v3_and_below_producer_id: i64,
    /// Versions 0 to 3.
    pub v3_and_below_producer_epoch: i16,
    /// Versions 0 to 3.
    pub v3_and_below_topics: Vec<AddPartitionsToTxnTopic>,
}

impl Fields for AddPartitionsToTxnRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 4 {
            self.transactions = d.array(v, "transactions")?;
        }
        if v <= 3 {
            self.v3_and_below_transactional_id = d.string("v3_and_below_transactional_id")?;
        }
        if v <= 3 {
            self.v3_and_below_producer_id = d.i64("v3_and_below_producer_id")?;
        }
        if v <= 3 {
            self.v3_and_below_producer_epoch = d.i16("v3_and_below_producer_epoch")?;
        }
        if v <= 3 {
            self.v3_and_below_topics = d.array(v, "v3_and_below_topics")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 4 {
            e.array(&self.transactions, v, "transactions");
        } else if !self.transactions.is_empty() {
            e.cannot_carry("transactions", v);
        }
        if v <= 3 {
            e.string(&self.v3_and_below_transactional_id, "v3_and_below_transactional_id");
        } else if !self.v3_and_below_transactional_id.is_empty() {
            e.cannot_carry("v3_and_below_transactional_id", v);
        }
        if v <= 3 {
            e.i64(self.v3_and_below_producer_id);
        } else if self.v3_and_below_producer_id != 0 {
            e.cannot_carry("v3_and_below_producer_id", v);
        }
        if v <= 3 {
            e.i16(self.v3_and_below_producer_epoch);
        } else if self.v3_and_below_producer_epoch != 0 {
            e.cannot_carry("v3_and_below_producer_epoch", v);
        }
        if v <= 3 {
            e.array(&self.v3_and_below_topics, v, "v3_and_below_topics");
        } else if !self.v3_and_below_topics.is_empty() {
            e.cannot_carry("v3_and_below_topics", v);
        }
        e.no_tags();
    }
}

/// Part of [`AddPartitionsToTxnRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopic {
    pub name: String,
    pub partitions: Vec<i32>,
}

impl Fields for AddPartitionsToTxnTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`AddPartitionsToTxnRequest`] in versions 4 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTransaction {
    pub transactional_id: String,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub verify_only: bool,
    pub topics: Vec<AddPartitionsToTxnTopic>,
}

impl Fields for AddPartitionsToTxnTransaction {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        self.verify_only = d.bool("verify_only")?;
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.transactional_id, "transactional_id");
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.bool(self.verify_only);
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

impl Message for AddPartitionsToTxnRequest {
    const NAME: &'static str = "AddPartitionsToTxnRequest";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResponse {
    pub throttle_time_ms: i32,
    /// Since version 4.
    pub error_code: i16,
    /// Since version 4.
    pub results_by_transaction: Vec<AddPartitionsToTxnResult>,
    /// Versions 0 to 3.
    pub results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>,
}

impl Fields for AddPartitionsToTxnResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        if v >= 4 {
            self.error_code = d.i16("error_code")?;
        }
        if v >= 4 {
            self.results_by_transaction = d.array(v, "results_by_transaction")?;
        }
        if v <= 3 {
            self.results_by_topic_v3_and_below = d.array(v, "results_by_topic_v3_and_below")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        if v >= 4 {
            e.i16(self.error_code);
        }
        if v >= 4 {
            e.array(&self.results_by_transaction, v, "results_by_transaction");
        } else if !self.results_by_transaction.is_empty() {
            e.cannot_carry("results_by_transaction", v);
        }
        if v <= 3 {
            e.array(&self.results_by_topic_v3_and_below, v, "results_by_topic_v3_and_below");
        } else if !self.results_by_topic_v3_and_below.is_empty() {
            e.cannot_carry("results_by_topic_v3_and_below", v);
        }
        e.no_tags();
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnTopicResult {
    pub name: String,
    pub results_by_partition: Vec<AddPartitionsToTxnPartitionResult>,
}

impl Fields for AddPartitionsToTxnTopicResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.results_by_partition = d.array(v, "results_by_partition")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.array(&self.results_by_partition, v, "results_by_partition");
        e.no_tags();
    }
}

/// Part of [`AddPartitionsToTxnResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnPartitionResult {
    pub partition_index: i32,
    pub partition_error_code: i16,
}

impl Fields for AddPartitionsToTxnPartitionResult {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.partition_error_code = d.i16("partition_error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.i16(self.partition_error_code);
        e.no_tags();
    }
}

/// Part of [`AddPartitionsToTxnResponse`] in versions 4 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddPartitionsToTxnResult {
    pub transactional_id: String,
    pub topic_results: Vec<AddPartitionsToTxnTopicResult>,
}

impl Fields for AddPartitionsToTxnResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        self.topic_results = d.array(v, "topic_results")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.transactional_id, "transactional_id");
        e.array(&self.topic_results, v, "topic_results");
        e.no_tags();
    }
}

impl Message for AddPartitionsToTxnResponse {
    const NAME: &'static str = "AddPartitionsToTxnResponse";
    const VERSIONS: (i16, i16) = (0, 5);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for AddPartitionsToTxnRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AddPartitionsToTxn;
    type Response = AddPartitionsToTxnResponse;
}
