//! Generated from `schemas/kafka/elect_leaders.kafka` (FNV-1a 159f026a8a569917); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 0 to 2.
#[derive(Clone, Debug, PartialEq)]
pub struct ElectLeadersRequest {
    /// Since version 1.
    pub election_type: i8,
    pub topic_partitions: Option<Vec<TopicPartitions>>,
    pub timeout_ms: i32,
}

impl Default for ElectLeadersRequest {
    fn default() -> Self {
        Self {
            election_type: Default::default(),
            topic_partitions: Default::default(),
            timeout_ms: 60000,
        }
    }
}

impl Fields for ElectLeadersRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 1 {
            self.election_type = d.i8("election_type")?;
        }
        self.topic_partitions = d.nullable_array(true, v, "topic_partitions")?;
        self.timeout_ms = d.i32("timeout_ms")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 1 {
            e.i8(self.election_type);
        } else if self.election_type != 0 {
            e.cannot_carry("election_type", v);
        }
        e.nullable_array(true, &self.topic_partitions, v, "topic_partitions");
        e.i32(self.timeout_ms);
        e.no_tags();
    }
}

/// Part of [`ElectLeadersRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartitions {
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

impl Message for ElectLeadersRequest {
    const NAME: &'static str = "ElectLeadersRequest";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 2;
}

/// Versions 0 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElectLeadersResponse {
    pub throttle_time_ms: i32,
    /// Since version 1.
    pub error_code: i16,
    pub replica_election_results: Vec<ReplicaElectionResult>,
}

impl Fields for ElectLeadersResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        if v >= 1 {
            self.error_code = d.i16("error_code")?;
        }
        self.replica_election_results = d.array(v, "replica_election_results")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        if v >= 1 {
            e.i16(self.error_code);
        } else if self.error_code != 0 {
            e.cannot_carry("error_code", v);
        }
        e.array(&self.replica_election_results, v, "replica_election_results");
        e.no_tags();
    }
}

/// Part of [`ElectLeadersResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaElectionResult {
    pub topic: String,
    pub partition_result: Vec<PartitionResult>,
}

impl Fields for ReplicaElectionResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partition_result = d.array(v, "partition_result")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partition_result, v, "partition_result");
        e.no_tags();
    }
}

/// Part of [`ElectLeadersResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionResult {
    pub partition_id: i32,
    pub error_code: i16,
    pub error_message: Option<String>,
}

impl Fields for PartitionResult {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_id = d.i32("partition_id")?;
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_id);
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        e.no_tags();
    }
}

impl Message for ElectLeadersResponse {
    const NAME: &'static str = "ElectLeadersResponse";
    const VERSIONS: (i16, i16) = (0, 2);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for ElectLeadersRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ElectLeaders;
    type Response = ElectLeadersResponse;
}
