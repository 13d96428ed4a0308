//! Generated from `schemas/kafka/txn_offset_commit.kafka` (FNV-1a 63578d53f4acaaf6); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 6.
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequest {
    pub transactional_id: String,
    pub group_id: String,
    pub producer_id: i64,
    pub producer_epoch: i16,
    /// Since version 3.
    pub generation_id_or_member_epoch: i32,
    /// Since version 3.
    pub member_id: String,
    /// Since version 3.
    pub group_instance_id: Option<String>,
    pub topics: Vec<TxnOffsetCommitRequestTopic>,
}

impl Default for TxnOffsetCommitRequest {
    fn default() -> Self {
        Self {
            transactional_id: Default::default(),
            group_id: Default::default(),
            producer_id: Default::default(),
            producer_epoch: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            topics: Default::default(),
        }
    }
}

impl Fields for TxnOffsetCommitRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.transactional_id = d.string("transactional_id")?;
        self.group_id = d.string("group_id")?;
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        if v >= 3 {
            self.generation_id_or_member_epoch = d.i32("generation_id_or_member_epoch")?;
        }
        if v >= 3 {
            self.member_id = d.string("member_id")?;
        }
        if v >= 3 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.transactional_id, "transactional_id");
        e.string(&self.group_id, "group_id");
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        if v >= 3 {
            e.i32(self.generation_id_or_member_epoch);
        } else if self.generation_id_or_member_epoch != -1 {
            e.cannot_carry("generation_id_or_member_epoch", v);
        }
        if v >= 3 {
            e.string(&self.member_id, "member_id");
        } else if !self.member_id.is_empty() {
            e.cannot_carry("member_id", v);
        }
        if v >= 3 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        } else if self.group_instance_id.is_some() {
            e.cannot_carry("group_instance_id", v);
        }
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`TxnOffsetCommitRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitRequestTopic {
    /// Versions 0 to 5.
    pub name: String,
    /// Version 6 only.
    pub topic_id: Uuid,
    pub partitions: Vec<TxnOffsetCommitRequestPartition>,
}

impl Fields for TxnOffsetCommitRequestTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 5 {
            self.name = d.string("name")?;
        }
        if v >= 6 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 5 {
            e.string(&self.name, "name");
        }
        if v >= 6 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`TxnOffsetCommitRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct TxnOffsetCommitRequestPartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Since version 2.
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<String>,
}

impl Default for TxnOffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            committed_metadata: Default::default(),
        }
    }
}

impl Fields for TxnOffsetCommitRequestPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.committed_offset = d.i64("committed_offset")?;
        if v >= 2 {
            self.committed_leader_epoch = d.i32("committed_leader_epoch")?;
        }
        self.committed_metadata = d.nullable_string(true, "committed_metadata")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if v >= 2 {
            e.i32(self.committed_leader_epoch);
        }
        e.nullable_string(true, self.committed_metadata.as_deref(), "committed_metadata");
        e.no_tags();
    }
}

impl Message for TxnOffsetCommitRequest {
    const NAME: &'static str = "TxnOffsetCommitRequest";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 3;
}

/// Versions 0 to 6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<TxnOffsetCommitResponseTopic>,
}

impl Fields for TxnOffsetCommitResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`TxnOffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitResponseTopic {
    /// Versions 0 to 5.
    pub name: String,
    /// Version 6 only.
    pub topic_id: Uuid,
    pub partitions: Vec<TxnOffsetCommitResponsePartition>,
}

impl Fields for TxnOffsetCommitResponseTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 5 {
            self.name = d.string("name")?;
        }
        if v >= 6 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 5 {
            e.string(&self.name, "name");
        }
        if v >= 6 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`TxnOffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TxnOffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl Fields for TxnOffsetCommitResponsePartition {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.no_tags();
    }
}

impl Message for TxnOffsetCommitResponse {
    const NAME: &'static str = "TxnOffsetCommitResponse";
    const VERSIONS: (i16, i16) = (0, 6);
    const FLEXIBLE: i16 = 3;
}

impl crate::codec::Request for TxnOffsetCommitRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::TxnOffsetCommit;
    type Response = TxnOffsetCommitResponse;
}
