//! Generated from `schemas/kafka/offset_fetch.kafka` (FNV-1a de453fe9fcd282b1); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 1 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequest {
    /// Versions 1 to 7.
    pub group_id: String,
    /// Versions 1 to 7; may be null since version 2.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// Since version 8.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// Since version 7.
    pub require_stable: bool,
}

impl Fields for OffsetFetchRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 7 {
            self.group_id = d.string("group_id")?;
        }
        if v <= 7 {
            self.topics = d.nullable_array(v >= 2, v, "topics")?;
        }
        if v >= 8 {
            self.groups = d.array(v, "groups")?;
        }
        if v >= 7 {
            self.require_stable = d.bool("require_stable")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 7 {
            e.string(&self.group_id, "group_id");
        } else if !self.group_id.is_empty() {
            e.cannot_carry("group_id", v);
        }
        if v <= 7 {
            e.nullable_array(v >= 2, &self.topics, v, "topics");
        } else if self.topics.is_some() {
            e.cannot_carry("topics", v);
        }
        if v >= 8 {
            e.array(&self.groups, v, "groups");
        } else if !self.groups.is_empty() {
            e.cannot_carry("groups", v);
        }
        if v >= 7 {
            e.bool(self.require_stable);
        } else if self.require_stable {
            e.cannot_carry("require_stable", v);
        }
        e.no_tags();
    }
}

/// Part of [`OffsetFetchRequest`] in versions 1 to 7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopic {
    pub name: String,
    pub partition_indexes: Vec<i32>,
}

impl Fields for OffsetFetchRequestTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.partition_indexes = d.array(v, "partition_indexes")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.array(&self.partition_indexes, v, "partition_indexes");
        e.no_tags();
    }
}

/// Part of [`OffsetFetchRequest`] in versions 8 to 10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    pub group_id: String,
    /// Since version 9.
    pub member_id: Option<String>,
    /// Since version 9.
    pub member_epoch: i32,
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: -1,
            topics: Default::default(),
        }
    }
}

impl Fields for OffsetFetchRequestGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        if v >= 9 {
            self.member_id = d.nullable_string(true, "member_id")?;
        }
        if v >= 9 {
            self.member_epoch = d.i32("member_epoch")?;
        }
        self.topics = d.nullable_array(true, v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        if v >= 9 {
            e.nullable_string(true, self.member_id.as_deref(), "member_id");
        }
        if v >= 9 {
            e.i32(self.member_epoch);
        }
        e.nullable_array(true, &self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`OffsetFetchRequest`] in versions 8 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopics {
    /// Versions 8 to 9.
    pub name: String,
    /// Version 10 only.
    pub topic_id: Uuid,
    pub partition_indexes: Vec<i32>,
}

impl Fields for OffsetFetchRequestTopics {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 9 {
            self.name = d.string("name")?;
        }
        if v >= 10 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partition_indexes = d.array(v, "partition_indexes")?;
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
        e.array(&self.partition_indexes, v, "partition_indexes");
        e.no_tags();
    }
}

impl Message for OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetchRequest";
    const VERSIONS: (i16, i16) = (1, 10);
    const FLEXIBLE: i16 = 6;
}

/// Versions 1 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponse {
    /// Since version 3.
    pub throttle_time_ms: i32,
    /// Versions 1 to 7.
    pub topics: Vec<OffsetFetchResponseTopic>,
    /// Versions 2 to 7.
    pub error_code: i16,
    /// Since version 8.
    pub groups: Vec<OffsetFetchResponseGroup>,
}

impl Fields for OffsetFetchResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 3 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        if v <= 7 {
            self.topics = d.array(v, "topics")?;
        }
        if (2..=7).contains(&v) {
            self.error_code = d.i16("error_code")?;
        }
        if v >= 8 {
            self.groups = d.array(v, "groups")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 3 {
            e.i32(self.throttle_time_ms);
        }
        if v <= 7 {
            e.array(&self.topics, v, "topics");
        } else if !self.topics.is_empty() {
            e.cannot_carry("topics", v);
        }
        if (2..=7).contains(&v) {
            e.i16(self.error_code);
        }
        if v >= 8 {
            e.array(&self.groups, v, "groups");
        } else if !self.groups.is_empty() {
            e.cannot_carry("groups", v);
        }
        e.no_tags();
    }
}

/// Part of [`OffsetFetchResponse`] in versions 1 to 7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopic {
    pub name: String,
    pub partitions: Vec<OffsetFetchResponsePartition>,
}

impl Fields for OffsetFetchResponseTopic {
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

/// Part of [`OffsetFetchResponse`] in versions 1 to 7.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartition {
    pub partition_index: i32,
    pub committed_offset: i64,
    /// Since version 5.
    pub committed_leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartition {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl Fields for OffsetFetchResponsePartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.committed_offset = d.i64("committed_offset")?;
        if v >= 5 {
            self.committed_leader_epoch = d.i32("committed_leader_epoch")?;
        }
        self.metadata = d.nullable_string(true, "metadata")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        if v >= 5 {
            e.i32(self.committed_leader_epoch);
        }
        e.nullable_string(true, self.metadata.as_deref(), "metadata");
        e.i16(self.error_code);
        e.no_tags();
    }
}

/// Part of [`OffsetFetchResponse`] in versions 8 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseGroup {
    pub group_id: String,
    pub topics: Vec<OffsetFetchResponseTopics>,
    pub error_code: i16,
}

impl Fields for OffsetFetchResponseGroup {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.topics = d.array(v, "topics")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.group_id, "group_id");
        e.array(&self.topics, v, "topics");
        e.i16(self.error_code);
        e.no_tags();
    }
}

/// Part of [`OffsetFetchResponse`] in versions 8 to 10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchResponseTopics {
    /// Versions 8 to 9.
    pub name: String,
    /// Version 10 only.
    pub topic_id: Uuid,
    pub partitions: Vec<OffsetFetchResponsePartitions>,
}

impl Fields for OffsetFetchResponseTopics {
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

/// Part of [`OffsetFetchResponse`] in versions 8 to 10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchResponsePartitions {
    pub partition_index: i32,
    pub committed_offset: i64,
    pub committed_leader_epoch: i32,
    pub metadata: Option<String>,
    pub error_code: i16,
}

impl Default for OffsetFetchResponsePartitions {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            committed_offset: Default::default(),
            committed_leader_epoch: -1,
            metadata: Default::default(),
            error_code: Default::default(),
        }
    }
}

impl Fields for OffsetFetchResponsePartitions {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.committed_offset = d.i64("committed_offset")?;
        self.committed_leader_epoch = d.i32("committed_leader_epoch")?;
        self.metadata = d.nullable_string(true, "metadata")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.i64(self.committed_offset);
        e.i32(self.committed_leader_epoch);
        e.nullable_string(true, self.metadata.as_deref(), "metadata");
        e.i16(self.error_code);
        e.no_tags();
    }
}

impl Message for OffsetFetchResponse {
    const NAME: &'static str = "OffsetFetchResponse";
    const VERSIONS: (i16, i16) = (1, 10);
    const FLEXIBLE: i16 = 6;
}

impl crate::codec::Request for OffsetFetchRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::OffsetFetch;
    type Response = OffsetFetchResponse;
}
