//! Generated from `schemas/kafka/alter_partition_reassignments.kafka` (FNV-1a 67cd71be41209163); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsRequest {
    pub timeout_ms: i32,
    /// Version 1 only.
    pub allow_replication_factor_change: bool,
    pub topics: Vec<ReassignableTopic>,
}

impl Default for AlterPartitionReassignmentsRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            allow_replication_factor_change: true,
            topics: Default::default(),
        }
    }
}

impl Fields for AlterPartitionReassignmentsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.timeout_ms = d.i32("timeout_ms")?;
        if v >= 1 {
            self.allow_replication_factor_change = d.bool("allow_replication_factor_change")?;
        }
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.timeout_ms);
        if v >= 1 {
            e.bool(self.allow_replication_factor_change);
        } else if !self.allow_replication_factor_change {
            e.cannot_carry("allow_replication_factor_change", v);
        }
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`AlterPartitionReassignmentsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignableTopic {
    pub name: String,
    pub partitions: Vec<ReassignablePartition>,
}

impl Fields for ReassignableTopic {
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

/// Part of [`AlterPartitionReassignmentsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignablePartition {
    pub partition_index: i32,
    pub replicas: Option<Vec<i32>>,
}

impl Fields for ReassignablePartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.replicas = d.nullable_array(true, v, "replicas")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.nullable_array(true, &self.replicas, v, "replicas");
        e.no_tags();
    }
}

impl Message for AlterPartitionReassignmentsRequest {
    const NAME: &'static str = "AlterPartitionReassignmentsRequest";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsResponse {
    pub throttle_time_ms: i32,
    /// Version 1 only.
    pub allow_replication_factor_change: bool,
    pub error_code: i16,
    pub error_message: Option<String>,
    pub responses: Vec<ReassignableTopicResponse>,
}

impl Default for AlterPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            allow_replication_factor_change: true,
            error_code: Default::default(),
            error_message: Default::default(),
            responses: Default::default(),
        }
    }
}

impl Fields for AlterPartitionReassignmentsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        if v >= 1 {
            self.allow_replication_factor_change = d.bool("allow_replication_factor_change")?;
        }
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        self.responses = d.array(v, "responses")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        if v >= 1 {
            e.bool(self.allow_replication_factor_change);
        }
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.array(&self.responses, v, "responses");
        e.no_tags();
    }
}

/// Part of [`AlterPartitionReassignmentsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignableTopicResponse {
    pub name: String,
    pub partitions: Vec<ReassignablePartitionResponse>,
}

impl Fields for ReassignableTopicResponse {
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

/// Part of [`AlterPartitionReassignmentsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignablePartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for ReassignablePartitionResponse {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for AlterPartitionReassignmentsResponse {
    const NAME: &'static str = "AlterPartitionReassignmentsResponse";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Request for AlterPartitionReassignmentsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::AlterPartitionReassignments;
    type Response = AlterPartitionReassignmentsResponse;
}
