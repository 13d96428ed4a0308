//! Generated from `schemas/kafka/list_transactions.kafka` (FNV-1a 1038716e573ef8c1); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct ListTransactionsRequest {
    pub state_filters: Vec<String>,
    pub producer_id_filters: Vec<i64>,
    /// Since version 1.
    pub duration_filter: i64,
    /// Version 2 only.
    pub transactional_id_pattern: Option<String>,
}

impl Default for ListTransactionsRequest {
    fn default() -> Self {
        Self {
            state_filters: Default::default(),
            producer_id_filters: Default::default(),
            duration_filter: -1,
            transactional_id_pattern: Default::default(),
        }
    }
}

impl Fields for ListTransactionsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.state_filters = d.array(v, "state_filters")?;
        self.producer_id_filters = d.array(v, "producer_id_filters")?;
        if v >= 1 {
            self.duration_filter = d.i64("duration_filter")?;
        }
        if v >= 2 {
            self.transactional_id_pattern = d.nullable_string(true, "transactional_id_pattern")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.state_filters, v, "state_filters");
        e.array(&self.producer_id_filters, v, "producer_id_filters");
        if v >= 1 {
            e.i64(self.duration_filter);
        } else if self.duration_filter != -1 {
            e.cannot_carry("duration_filter", v);
        }
        if v >= 2 {
            e.nullable_string(true, self.transactional_id_pattern.as_deref(), "transactional_id_pattern");
        } else if self.transactional_id_pattern.is_some() {
            e.cannot_carry("transactional_id_pattern", v);
        }
        e.no_tags();
    }
}

impl Message for ListTransactionsRequest {
    const NAME: &'static str = "ListTransactionsRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListTransactionsResponse {
    pub throttle_time_ms: i32,
    pub error_code: i16,
    pub unknown_state_filters: Vec<String>,
    pub transaction_states: Vec<TransactionState>,
}

impl Fields for ListTransactionsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.error_code = d.i16("error_code")?;
        self.unknown_state_filters = d.array(v, "unknown_state_filters")?;
        self.transaction_states = d.array(v, "transaction_states")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.array(&self.unknown_state_filters, v, "unknown_state_filters");
        e.array(&self.transaction_states, v, "transaction_states");
        e.no_tags();
    }
}

/// Part of [`ListTransactionsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    pub transactional_id: String,
    pub producer_id: i64,
    pub transaction_state: String,
}

impl Fields for TransactionState {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        self.producer_id = d.i64("producer_id")?;
        self.transaction_state = d.string("transaction_state")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.transactional_id, "transactional_id");
        e.i64(self.producer_id);
        e.string(&self.transaction_state, "transaction_state");
        e.no_tags();
    }
}

impl Message for ListTransactionsResponse {
    const NAME: &'static str = "ListTransactionsResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for ListTransactionsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ListTransactions;
    type Response = ListTransactionsResponse;
}
