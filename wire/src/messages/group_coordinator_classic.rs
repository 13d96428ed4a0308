//! Generated from `schemas/kafka/group_coordinator_classic.kafka` (FNV-1a 822f992d7c6a2a36); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupMetadataKey {
    pub group: String,
}

impl Fields for GroupMetadataKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group = d.string("group")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group, "group");
    }
}

impl Message for GroupMetadataKey {
    const NAME: &'static str = "GroupMetadataKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for GroupMetadataKey {
    const TYPE: i16 = 2;
}

/// Versions 0 to 4.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMetadataValue {
    pub protocol_type: String,
    pub generation: i32,
    pub protocol: Option<String>,
    pub leader: Option<String>,
    /// Since version 2.
    pub current_state_timestamp: i64,
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: Default::default(),
            generation: Default::default(),
            protocol: Default::default(),
            leader: Default::default(),
            current_state_timestamp: -1,
            members: Default::default(),
        }
    }
}

impl Fields for GroupMetadataValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.protocol_type = d.string("protocol_type")?;
        self.generation = d.i32("generation")?;
        self.protocol = d.nullable_string(true, "protocol")?;
        self.leader = d.nullable_string(true, "leader")?;
        if v >= 2 {
            self.current_state_timestamp = d.i64("current_state_timestamp")?;
        }
        self.members = d.array(v, "members")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.protocol_type, "protocol_type");
        e.i32(self.generation);
        e.nullable_string(true, self.protocol.as_deref(), "protocol");
        e.nullable_string(true, self.leader.as_deref(), "leader");
        if v >= 2 {
            e.i64(self.current_state_timestamp);
        }
        e.array(&self.members, v, "members");
        e.no_tags();
    }
}

/// Part of [`GroupMetadataValue`].
#[derive(Clone, Debug, PartialEq)]
pub struct MemberMetadata {
    pub member_id: String,
    /// Since version 3.
    pub group_instance_id: Option<String>,
    pub client_id: String,
    pub client_host: String,
    /// Since version 1.
    pub rebalance_timeout: i32,
    pub session_timeout: i32,
    pub subscription: Bytes,
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout: -1,
            session_timeout: Default::default(),
            subscription: Default::default(),
            assignment: Default::default(),
        }
    }
}

impl Fields for MemberMetadata {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.member_id = d.string("member_id")?;
        if v >= 3 {
            self.group_instance_id = d.nullable_string(true, "group_instance_id")?;
        }
        self.client_id = d.string("client_id")?;
        self.client_host = d.string("client_host")?;
        if v >= 1 {
            self.rebalance_timeout = d.i32("rebalance_timeout")?;
        }
        self.session_timeout = d.i32("session_timeout")?;
        self.subscription = d.bytes("subscription")?;
        self.assignment = d.bytes("assignment")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.member_id, "member_id");
        if v >= 3 {
            e.nullable_string(true, self.group_instance_id.as_deref(), "group_instance_id");
        }
        e.string(&self.client_id, "client_id");
        e.string(&self.client_host, "client_host");
        if v >= 1 {
            e.i32(self.rebalance_timeout);
        }
        e.i32(self.session_timeout);
        e.bytes(&self.subscription, "subscription");
        e.bytes(&self.assignment, "assignment");
        e.no_tags();
    }
}

impl Message for GroupMetadataValue {
    const NAME: &'static str = "GroupMetadataValue";
    const VERSIONS: (i16, i16) = (0, 4);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Record for GroupMetadataValue {
    const TYPE: i16 = 2;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitKey {
    pub group: String,
    pub topic: String,
    pub partition: i32,
}

impl Fields for LegacyOffsetCommitKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group = d.string("group")?;
        self.topic = d.string("topic")?;
        self.partition = d.i32("partition")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group, "group");
        e.string(&self.topic, "topic");
        e.i32(self.partition);
    }
}

impl Message for LegacyOffsetCommitKey {
    const NAME: &'static str = "LegacyOffsetCommitKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for LegacyOffsetCommitKey {
    const TYPE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LegacyOffsetCommitValue {
    pub offset: i64,
    pub metadata: String,
    pub commit_timestamp: i64,
}

impl Fields for LegacyOffsetCommitValue {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.offset = d.i64("offset")?;
        self.metadata = d.string("metadata")?;
        self.commit_timestamp = d.i64("commit_timestamp")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.offset);
        e.string(&self.metadata, "metadata");
        e.i64(self.commit_timestamp);
    }
}

impl Message for LegacyOffsetCommitValue {
    const NAME: &'static str = "LegacyOffsetCommitValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for LegacyOffsetCommitValue {
    const TYPE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetCommitKey {
    pub group: String,
    pub topic: String,
    pub partition: i32,
}

impl Fields for OffsetCommitKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group = d.string("group")?;
        self.topic = d.string("topic")?;
        self.partition = d.i32("partition")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group, "group");
        e.string(&self.topic, "topic");
        e.i32(self.partition);
    }
}

impl Message for OffsetCommitKey {
    const NAME: &'static str = "OffsetCommitKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for OffsetCommitKey {
    const TYPE: i16 = 1;
}

/// Versions 0 to 4.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitValue {
    pub offset: i64,
    /// Since version 3.
    pub leader_epoch: i32,
    pub metadata: String,
    pub commit_timestamp: i64,
    /// Version 1 only.
    pub expire_timestamp: i64,
    /// Version 4 only; tag 0.
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: Default::default(),
            leader_epoch: -1,
            metadata: Default::default(),
            commit_timestamp: Default::default(),
            expire_timestamp: -1,
            topic_id: Default::default(),
        }
    }
}

impl Fields for OffsetCommitValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.offset = d.i64("offset")?;
        if v >= 3 {
            self.leader_epoch = d.i32("leader_epoch")?;
        }
        self.metadata = d.string("metadata")?;
        self.commit_timestamp = d.i64("commit_timestamp")?;
        if v == 1 {
            self.expire_timestamp = d.i64("expire_timestamp")?;
        }
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 4 => { self.topic_id = d.uuid("topic_id")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i64(self.offset);
        if v >= 3 {
            e.i32(self.leader_epoch);
        }
        e.string(&self.metadata, "metadata");
        e.i64(self.commit_timestamp);
        if v == 1 {
            e.i64(self.expire_timestamp);
        }
        let tags = e.tags();
        if v >= 4 && self.topic_id != Uuid::ZERO {
            let tag = e.begin_tag(tags, 0);
            e.uuid(self.topic_id);
            e.end_tag(tag);
        }
    }
}

impl Message for OffsetCommitValue {
    const NAME: &'static str = "OffsetCommitValue";
    const VERSIONS: (i16, i16) = (0, 4);
    const FLEXIBLE: i16 = 4;
}

impl crate::codec::Record for OffsetCommitValue {
    const TYPE: i16 = 1;
}
