//! Generated from `schemas/kafka/offset_commit.kafka` (FNV-1a b2710979f5d96767); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 2 to 10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequest {
    pub group_id: String,
    pub generation_id_or_member_epoch: i32,
    pub member_id: String,
    /// Since version 7.
    pub group_instance_id: Option<String>,
    /// Versions 2 to 4.
    pub retention_time_ms: i64,
    pub topics: Vec<OffsetCommitRequestTopic>,
}

impl Default for OffsetCommitRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            generation_id_or_member_epoch: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            retention_time_ms: -1,
            topics: Default::default(),
        }
    }
}

impl Fields for OffsetCommitRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.generation_id_or_member_epoch = d.i32("generation_id_or_member_epoch")?;
        self.member_id = d.string("member_id")?;
        if v >= 7 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        if v <= 4 {
            self.retention_time_ms = d.i64("retention_time_ms")?;
        }
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.i32(self.generation_id_or_member_epoch);
        e.string(&self.member_id, "member_id");
        if v >= 7 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        } else if self.group_instance_id.is_some() {
            e.cannot_carry("group_instance_id", v);
        }
        if v <= 4 {
            e.i64(self.retention_time_ms);
        }
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`OffsetCommitRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitRequestTopic {
    /// Versions 2 to 9.
    pub name: String,
    /// Version 10 only.
    pub topic_id: Uuid,
    pub partitions: Vec<OffsetCommitRequestPartition>,
}

impl Fields for OffsetCommitRequestTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 9 {
            self.name = d.string("name")?;
        }
        if v >= 10 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 9 {
            e.string(&self.name, "name");
        }
        if v >= 10 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`OffsetCommitRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitRequestPartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Since version 6.
    pub committed_leader_epoch: i32,
    pub committed_metadata: Option<String>,
}

impl Default for OffsetCommitRequestPartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            committed_metadata: Default::default(),
        }
    }
}

impl Fields for OffsetCommitRequestPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.committed_offset = d.i64("committed_offset")?;
        if v >= 6 {
            self.committed_leader_epoch = d.i32("committed_leader_epoch")?;
        }
        self.committed_metadata = d.nullable_string(true, "committed_metadata")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if v >= 6 {
            e.i32(self.committed_leader_epoch);
        }
        e.nullable_string(true, self.committed_metadata.as_deref(), "committed_metadata");
        e.no_tags();
    }
}

impl Message for OffsetCommitRequest {
    const NAME: &'static str = "OffsetCommitRequest";
    const VERSIONS: (i16, i16) = (2, 10);
    const FLEXIBLE: i16 = 8;
}

/// Versions 2 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponse {
    /// Since version 3.
    pub throttle_time_ms: i32,
    pub topics: Vec<OffsetCommitResponseTopic>,
}

impl Fields for OffsetCommitResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 3 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 3 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`OffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponseTopic {
    /// Versions 2 to 9.
    pub name: String,
    /// Version 10 only.
    pub topic_id: Uuid,
    pub partitions: Vec<OffsetCommitResponsePartition>,
}

impl Fields for OffsetCommitResponseTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 9 {
            self.name = d.string("name")?;
        }
        if v >= 10 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 9 {
            e.string(&self.name, "name");
        }
        if v >= 10 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`OffsetCommitResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitResponsePartition {
    pub partition_index: i32,
    pub error_code: i16,
}

impl Fields for OffsetCommitResponsePartition {
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

impl Message for OffsetCommitResponse {
    const NAME: &'static str = "OffsetCommitResponse";
    const VERSIONS: (i16, i16) = (2, 10);
    const FLEXIBLE: i16 = 8;
}

impl crate::codec::Request for OffsetCommitRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::OffsetCommit;
    type Response = OffsetCommitResponse;
}
