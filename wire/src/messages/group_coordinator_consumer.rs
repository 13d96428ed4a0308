//! Generated from `schemas/kafka/group_coordinator_consumer.kafka` (FNV-1a 0d54f344ba860400); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupCurrentMemberAssignmentKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for ConsumerGroupCurrentMemberAssignmentKey {
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

impl Message for ConsumerGroupCurrentMemberAssignmentKey {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupCurrentMemberAssignmentKey {
    const TYPE: i16 = 8;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupCurrentMemberAssignmentValue {
    pub member_epoch: i32,
    pub previous_member_epoch: i32,
    pub state: i8,
    pub assigned_partitions: Vec<TopicPartitions>,
    pub partitions_pending_revocation: Vec<TopicPartitions>,
}

impl Fields for ConsumerGroupCurrentMemberAssignmentValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_epoch = d.i32("member_epoch")?;
        self.previous_member_epoch = d.i32("previous_member_epoch")?;
        self.state = d.i8("state")?;
        self.assigned_partitions = d.array(v, "assigned_partitions")?;
        self.partitions_pending_revocation = d.array(v, "partitions_pending_revocation")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.member_epoch);
        e.i32(self.previous_member_epoch);
        e.i8(self.state);
        e.array(&self.assigned_partitions, v, "assigned_partitions");
        e.array(&self.partitions_pending_revocation, v, "partitions_pending_revocation");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupCurrentMemberAssignmentValue`].
#[derive(Clone, Debug, PartialEq)]
pub struct TopicPartitions {
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
    /// Tag 0.
    pub assignment_epochs: Option<Vec<i32>>,
}

impl Default for TopicPartitions {
    fn default() -> Self {
        Self {
            topic_id: Default::default(),
            partitions: Default::default(),
            assignment_epochs: Some(Default::default()),
        }
    }
}

impl Fields for TopicPartitions {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.partitions = d.array(v, "partitions")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.assignment_epochs = d.nullable_array(true, v, "assignment_epochs")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.array(&self.partitions, v, "partitions");
        let tags = e.tags();
        if self.assignment_epochs.as_ref().is_none_or(|x| !x.is_empty()) {
            let tag = e.begin_tag(tags, 0);
            e.nullable_array(true, &self.assignment_epochs, v, "assignment_epochs");
            e.end_tag(tag);
        }
    }
}

impl Message for ConsumerGroupCurrentMemberAssignmentValue {
    const NAME: &'static str = "ConsumerGroupCurrentMemberAssignmentValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupCurrentMemberAssignmentValue {
    const TYPE: i16 = 8;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupMemberMetadataKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for ConsumerGroupMemberMetadataKey {
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

impl Message for ConsumerGroupMemberMetadataKey {
    const NAME: &'static str = "ConsumerGroupMemberMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupMemberMetadataKey {
    const TYPE: i16 = 5;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupMemberMetadataValue {
    pub instance_id: Option<String>,
    pub rack_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    pub subscribed_topic_names: Vec<String>,
    pub subscribed_topic_regex: Option<String>,
    pub rebalance_timeout_ms: i32,
    pub server_assignor: Option<String>,
    /// Tag 0.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Default::default(),
            rack_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            rebalance_timeout_ms: -1,
            server_assignor: Default::default(),
            classic_member_metadata: Some(Default::default()),
        }
    }
}

impl Fields for ConsumerGroupMemberMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.instance_id = d.nullable_string(true, "instance_id")?;
        self.rack_id = d.nullable_string(true, "rack_id")?;
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        self.subscribed_topic_names = d.array(v, "subscribed_topic_names")?;
        self.subscribed_topic_regex = d.nullable_string(true, "subscribed_topic_regex")?;
        self.rebalance_timeout_ms = d.i32("rebalance_timeout_ms")?;
        self.server_assignor = d.nullable_string(true, "server_assignor")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.classic_member_metadata = d.nullable_structure(true, v, "classic_member_metadata")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_string(true, self.instance_id.as_deref(), "instance_id");
        e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        e.array(&self.subscribed_topic_names, v, "subscribed_topic_names");
        e.nullable_string(true, self.subscribed_topic_regex.as_deref(), "subscribed_topic_regex");
        e.i32(self.rebalance_timeout_ms);
        e.nullable_string(true, self.server_assignor.as_deref(), "server_assignor");
        let tags = e.tags();
        if self.classic_member_metadata != Some(Default::default()) {
            let tag = e.begin_tag(tags, 0);
            e.nullable_structure(true, &self.classic_member_metadata, v, "classic_member_metadata");
            e.end_tag(tag);
        }
    }
}

/// Part of [`ConsumerGroupMemberMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicMemberMetadata {
    pub session_timeout_ms: i32,
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl Fields for ClassicMemberMetadata {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.session_timeout_ms = d.i32("session_timeout_ms")?;
        self.supported_protocols = d.array(v, "supported_protocols")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.session_timeout_ms);
        e.array(&self.supported_protocols, v, "supported_protocols");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupMemberMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicProtocol {
    pub name: String,
    pub metadata: Bytes,
}

impl Fields for ClassicProtocol {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.metadata = d.bytes("metadata")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.bytes(&self.metadata, "metadata");
        e.no_tags();
    }
}

impl Message for ConsumerGroupMemberMetadataValue {
    const NAME: &'static str = "ConsumerGroupMemberMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupMemberMetadataValue {
    const TYPE: i16 = 5;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupMetadataKey {
    pub group_id: String,
}

impl Fields for ConsumerGroupMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for ConsumerGroupMetadataKey {
    const NAME: &'static str = "ConsumerGroupMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupMetadataKey {
    const TYPE: i16 = 3;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupMetadataValue {
    pub epoch: i32,
    /// Tag 0.
    pub metadata_hash: i64,
}

impl Fields for ConsumerGroupMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.epoch = d.i32("epoch")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.metadata_hash = d.i64("metadata_hash")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.epoch);
        let tags = e.tags();
        if self.metadata_hash != 0 {
            let tag = e.begin_tag(tags, 0);
            e.i64(self.metadata_hash);
            e.end_tag(tag);
        }
    }
}

impl Message for ConsumerGroupMetadataValue {
    const NAME: &'static str = "ConsumerGroupMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupMetadataValue {
    const TYPE: i16 = 3;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupPartitionMetadataKey {
    pub group_id: String,
}

impl Fields for ConsumerGroupPartitionMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for ConsumerGroupPartitionMetadataKey {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupPartitionMetadataKey {
    const TYPE: i16 = 4;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupPartitionMetadataValue {
    pub topics: Vec<TopicMetadata>,
}

impl Fields for ConsumerGroupPartitionMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupPartitionMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicMetadata {
    pub topic_id: Uuid,
    pub topic_name: String,
    pub num_partitions: i32,
    pub partition_metadata: Vec<PartitionMetadata>,
}

impl Fields for TopicMetadata {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic_id = d.uuid("topic_id")?;
        self.topic_name = d.string("topic_name")?;
        self.num_partitions = d.i32("num_partitions")?;
        self.partition_metadata = d.array(v, "partition_metadata")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, "topic_name");
        e.i32(self.num_partitions);
        e.array(&self.partition_metadata, v, "partition_metadata");
        e.no_tags();
    }
}

/// Part of [`ConsumerGroupPartitionMetadataValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionMetadata {
    pub partition: i32,
    pub racks: Vec<String>,
}

impl Fields for PartitionMetadata {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition = d.i32("partition")?;
        self.racks = d.array(v, "racks")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition);
        e.array(&self.racks, v, "racks");
        e.no_tags();
    }
}

impl Message for ConsumerGroupPartitionMetadataValue {
    const NAME: &'static str = "ConsumerGroupPartitionMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupPartitionMetadataValue {
    const TYPE: i16 = 4;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupRegularExpressionKey {
    pub group_id: String,
    pub regular_expression: String,
}

impl Fields for ConsumerGroupRegularExpressionKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.regular_expression = d.string("regular_expression")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.string(&self.regular_expression, "regular_expression");
    }
}

impl Message for ConsumerGroupRegularExpressionKey {
    const NAME: &'static str = "ConsumerGroupRegularExpressionKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupRegularExpressionKey {
    const TYPE: i16 = 16;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupRegularExpressionValue {
    pub topics: Vec<String>,
    pub version: i64,
    pub timestamp: i64,
}

impl Fields for ConsumerGroupRegularExpressionValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.array(v, "topics")?;
        self.version = d.i64("version")?;
        self.timestamp = d.i64("timestamp")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topics, v, "topics");
        e.i64(self.version);
        e.i64(self.timestamp);
        e.no_tags();
    }
}

impl Message for ConsumerGroupRegularExpressionValue {
    const NAME: &'static str = "ConsumerGroupRegularExpressionValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupRegularExpressionValue {
    const TYPE: i16 = 16;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupTargetAssignmentMemberKey {
    pub group_id: String,
    pub member_id: String,
}

impl Fields for ConsumerGroupTargetAssignmentMemberKey {
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

impl Message for ConsumerGroupTargetAssignmentMemberKey {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMemberKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupTargetAssignmentMemberKey {
    const TYPE: i16 = 7;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupTargetAssignmentMemberValue {
    pub topic_partitions: Vec<TopicPartition>,
}

impl Fields for ConsumerGroupTargetAssignmentMemberValue {
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

/// Part of [`ConsumerGroupTargetAssignmentMemberValue`].
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

impl Message for ConsumerGroupTargetAssignmentMemberValue {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMemberValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupTargetAssignmentMemberValue {
    const TYPE: i16 = 7;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupTargetAssignmentMetadataKey {
    pub group_id: String,
}

impl Fields for ConsumerGroupTargetAssignmentMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
    }
}

impl Message for ConsumerGroupTargetAssignmentMetadataKey {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ConsumerGroupTargetAssignmentMetadataKey {
    const TYPE: i16 = 6;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupTargetAssignmentMetadataValue {
    pub assignment_epoch: i32,
    /// Tag 0.
    pub assignment_timestamp: i64,
}

impl Fields for ConsumerGroupTargetAssignmentMetadataValue {
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

impl Message for ConsumerGroupTargetAssignmentMetadataValue {
    const NAME: &'static str = "ConsumerGroupTargetAssignmentMetadataValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ConsumerGroupTargetAssignmentMetadataValue {
    const TYPE: i16 = 6;
}
