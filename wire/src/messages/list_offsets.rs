//! Generated from `schemas/kafka/list_offsets.kafka` (FNV-1a 4a3bda665be59b64); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 1 to 11.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsRequest {
    pub replica_id: i32,
    /// Since version 2.
    pub isolation_level: i8,
    pub topics: Vec<ListOffsetsTopic>,
    /// Since version 10.
    pub timeout_ms: i32,
}

impl Fields for ListOffsetsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.replica_id = d.i32("replica_id")?;
        if v >= 2 {
            self.isolation_level = d.i8("isolation_level")?;
        }
        self.topics = d.array(v, "topics")?;
        if v >= 10 {
            self.timeout_ms = d.i32("timeout_ms")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.replica_id);
        if v >= 2 {
            e.i8(self.isolation_level);
        } else if self.isolation_level != 0 {
            e.cannot_carry("isolation_level", v);
        }
        e.array(&self.topics, v, "topics");
        if v >= 10 {
            e.i32(self.timeout_ms);
        }
        e.no_tags();
    }
}

/// Part of [`ListOffsetsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopic {
    pub name: String,
    pub partitions: Vec<ListOffsetsPartition>,
}

impl Fields for ListOffsetsTopic {
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

/// Part of [`ListOffsetsRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartition {
    pub partition_index: i32,
    /// Since version 4.
    pub current_leader_epoch: i32,
    pub timestamp: i64,
}

impl Default for ListOffsetsPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            current_leader_epoch: -1,
            timestamp: Default::default(),
        }
    }
}

impl Fields for ListOffsetsPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        if v >= 4 {
            self.current_leader_epoch = d.i32("current_leader_epoch")?;
        }
        self.timestamp = d.i64("timestamp")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        if v >= 4 {
            e.i32(self.current_leader_epoch);
        }
        e.i64(self.timestamp);
        e.no_tags();
    }
}

impl Message for ListOffsetsRequest {
    const NAME: &'static str = "ListOffsetsRequest";
    const VERSIONS: (i16, i16) = (1, 11);
    const FLEXIBLE: i16 = 6;
}

/// Versions 1 to 11.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsResponse {
    /// Since version 2.
    pub throttle_time_ms: i32,
    pub topics: Vec<ListOffsetsTopicResponse>,
}

impl Fields for ListOffsetsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 2 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 2 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`ListOffsetsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListOffsetsTopicResponse {
    pub name: String,
    pub partitions: Vec<ListOffsetsPartitionResponse>,
}

impl Fields for ListOffsetsTopicResponse {
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

/// Part of [`ListOffsetsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct ListOffsetsPartitionResponse {
    pub partition_index: i32,
    pub error_code: i16,
    pub timestamp: i64,
    pub offset: i64,
    /// Since version 4.
    pub leader_epoch: i32,
}

impl Default for ListOffsetsPartitionResponse {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            timestamp: -1,
            offset: -1,
            leader_epoch: -1,
        }
    }
}

impl Fields for ListOffsetsPartitionResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        self.timestamp = d.i64("timestamp")?;
        self.offset = d.i64("offset")?;
        if v >= 4 {
            self.leader_epoch = d.i32("leader_epoch")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.i64(self.timestamp);
        e.i64(self.offset);
        if v >= 4 {
            e.i32(self.leader_epoch);
        } else if self.leader_epoch != -1 {
            e.cannot_carry("leader_epoch", v);
        }
        e.no_tags();
    }
}

impl Message for ListOffsetsResponse {
    const NAME: &'static str = "ListOffsetsResponse";
    const VERSIONS: (i16, i16) = (1, 11);
    const FLEXIBLE: i16 = 6;
}

impl crate::codec::Request for ListOffsetsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::ListOffsets;
    type Response = ListOffsetsResponse;
}
