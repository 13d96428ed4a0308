//! Generated from `schemas/kafka/describe_transactions.kafka` (FNV-1a a9be0d156695e333); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsRequest {
    pub transactional_ids: Vec<String>,
}

impl Fields for DescribeTransactionsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.transactional_ids = d.array(v, "transactional_ids")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.transactional_ids, v, "transactional_ids");
        e.no_tags();
    }
}

impl Message for DescribeTransactionsRequest {
    const NAME: &'static str = "DescribeTransactionsRequest";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeTransactionsResponse {
    pub throttle_time_ms: i32,
    pub transaction_states: Vec<TransactionState>,
}

impl Fields for DescribeTransactionsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.transaction_states = d.array(v, "transaction_states")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.transaction_states, v, "transaction_states");
        e.no_tags();
    }
}

/// Part of [`DescribeTransactionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    pub error_code: i16,
    pub transactional_id: String,
    pub transaction_state: String,
    pub transaction_timeout_ms: i32,
    pub transaction_start_time_ms: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub topics: Vec<TopicData>,
}

impl Fields for TransactionState {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.transactional_id = d.string("transactional_id")?;
        self.transaction_state = d.string("transaction_state")?;
        self.transaction_timeout_ms = d.i32("transaction_timeout_ms")?;
        self.transaction_start_time_ms = d.i64("transaction_start_time_ms")?;
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.string(&self.transactional_id, "transactional_id");
        e.string(&self.transaction_state, "transaction_state");
        e.i32(self.transaction_timeout_ms);
        e.i64(self.transaction_start_time_ms);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`DescribeTransactionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicData {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl Fields for TopicData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

impl Message for DescribeTransactionsResponse {
    const NAME: &'static str = "DescribeTransactionsResponse";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for DescribeTransactionsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeTransactions;
    type Response = DescribeTransactionsResponse;
}
