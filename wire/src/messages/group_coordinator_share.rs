//! Generated from `schemas/kafka/group_coordinator_share.kafka` (FNV-1a c170b9d750ccb042); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupCurrentMemberAssignmentKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for ShareGroupCurrentMemberAssignmentKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
    }
}

impl Message for ShareGroupCurrentMemberAssignmentKey {
    const NAME: &'static str = "ShareGroupCurrentMemberAssignmentKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareGroupCurrentMemberAssignmentKey {
    const TYPE: i16 = 14;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupCurrentMemberAssignmentValue {
    pub member_epoch: i32,
    pub previous_member_epoch: i32,
    pub state: i8,
    pub assigned_partitions: Vec<TopicPartitions>,
}

impl Fields for ShareGroupCurrentMemberAssignmentValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_epoch = d.i32("member_epoch")?;
        self.previous_member_epoch = d.i32("previous_member_epoch")?;
        self.state = d.i8("state")?;
        self.assigned_partitions = d.array(v, "assigned_partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.member_epoch);
        e.i32(self.previous_member_epoch);
        e.i8(self.state);
        e.array(&self.assigned_partitions, v, "assigned_partitions");
        e.no_tags();
    }
}

/// Part of [`ShareGroupCurrentMemberAssignmentValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartitions {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

impl Message for ShareGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "ShareGroupCurrentMemberAssignmentValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareGroupCurrentMemberAssignmentValue {
    const TYPE: i16 = 14;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupMemberMetadataKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for ShareGroupMemberMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
    }
}

impl Message for ShareGroupMemberMetadataKey {
    const NAME: &'static str = "ShareGroupMemberMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareGroupMemberMetadataKey {
    const TYPE: i16 = 10;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupMemberMetadataValue {
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
}

impl Fields for ShareGroupMemberMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        self.subscribed_topic_names = d.array(v, "subscribed_topic_names")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        e.array(&self.subscribed_topic_names, v, "subscribed_topic_names");
        e.no_tags();
    }
}

impl Message for ShareGroupMemberMetadataValue {
    const NAME: &'static str = "ShareGroupMemberMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareGroupMemberMetadataValue {
    const TYPE: i16 = 10;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupMetadataKey {
    pub group_id: String,
}

impl Fields for ShareGroupMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for ShareGroupMetadataKey {
    const NAME: &'static str = "ShareGroupMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareGroupMetadataKey {
    const TYPE: i16 = 11;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupMetadataValue {
    pub epoch: i32,
    pub metadata_hash: i64,
}

impl Fields for ShareGroupMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.epoch = d.i32("epoch")?;
        self.metadata_hash = d.i64("metadata_hash")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.epoch);
        e.i64(self.metadata_hash);
        e.no_tags();
    }
}

impl Message for ShareGroupMetadataValue {
    const NAME: &'static str = "ShareGroupMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareGroupMetadataValue {
    const TYPE: i16 = 11;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupStatePartitionMetadataKey {
    pub group_id: String,
}

impl Fields for ShareGroupStatePartitionMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for ShareGroupStatePartitionMetadataKey {
    const NAME: &'static str = "ShareGroupStatePartitionMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareGroupStatePartitionMetadataKey {
    const TYPE: i16 = 15;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupStatePartitionMetadataValue {
    pub initializing_topics: Vec<TopicPartitionsInfo>,
    pub initialized_topics: Vec<TopicPartitionsInfo>,
    pub deleting_topics: Vec<TopicInfo>,
}

impl Fields for ShareGroupStatePartitionMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.initializing_topics = d.array(v, "initializing_topics")?;
        self.initialized_topics = d.array(v, "initialized_topics")?;
        self.deleting_topics = d.array(v, "deleting_topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.initializing_topics, v, "initializing_topics");
        e.array(&self.initialized_topics, v, "initialized_topics");
        e.array(&self.deleting_topics, v, "deleting_topics");
        e.no_tags();
    }
}

/// Part of [`ShareGroupStatePartitionMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitionsInfo {
    pub topic_id: Uuid,
    pub topic_name: String,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartitionsInfo {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.topic_name = d.string("topic_name")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, "topic_name");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`ShareGroupStatePartitionMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicInfo {
    pub topic_id: Uuid,
    pub topic_name: String,
}

impl Fields for TopicInfo {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.topic_name = d.string("topic_name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, "topic_name");
        e.no_tags();
    }
}

impl Message for ShareGroupStatePartitionMetadataValue {
    const NAME: &'static str = "ShareGroupStatePartitionMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareGroupStatePartitionMetadataValue {
    const TYPE: i16 = 15;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMemberKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for ShareGroupTargetAssignmentMemberKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.member_id = d.string("member_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.member_id, "member_id");
    }
}

impl Message for ShareGroupTargetAssignmentMemberKey {
    const NAME: &'static str = "ShareGroupTargetAssignmentMemberKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareGroupTargetAssignmentMemberKey {
    const TYPE: i16 = 13;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMemberValue {
    pub topic_partitions: Vec<TopicPartition>,
}

impl Fields for ShareGroupTargetAssignmentMemberValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_partitions = d.array(v, "topic_partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topic_partitions, v, "topic_partitions");
        e.no_tags();
    }
}

/// Part of [`ShareGroupTargetAssignmentMemberValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartition {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for TopicPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

impl Message for ShareGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "ShareGroupTargetAssignmentMemberValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareGroupTargetAssignmentMemberValue {
    const TYPE: i16 = 13;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMetadataKey {
    pub group_id: String,
}

impl Fields for ShareGroupTargetAssignmentMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for ShareGroupTargetAssignmentMetadataKey {
    const NAME: &'static str = "ShareGroupTargetAssignmentMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareGroupTargetAssignmentMetadataKey {
    const TYPE: i16 = 12;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupTargetAssignmentMetadataValue {
    pub assignment_epoch: i32,
    /// Tag 0.
    pub assignment_timestamp: i64,
}

impl Fields for ShareGroupTargetAssignmentMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.assignment_epoch = d.i32("assignment_epoch")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.assignment_timestamp = d.i64("assignment_timestamp")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.assignment_epoch);
        let tags = e.tags();
        if self.assignment_timestamp != 0 {
            let tag = e.begin_tag(tags, 0);
            e.i64(self.assignment_timestamp);
            e.end_tag(tag);
        }
    }
}

impl Message for ShareGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "ShareGroupTargetAssignmentMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareGroupTargetAssignmentMetadataValue {
    const TYPE: i16 = 12;
}
