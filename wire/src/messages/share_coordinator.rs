//! Generated from `schemas/kafka/share_coordinator.kafka` (FNV-1a 1fb7d4d999b16cee); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareSnapshotKey {
    pub group_id: String,
    pub topic_id: Uuid,
    pub partition: i32,
}

impl Fields for ShareSnapshotKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.topic_id = d.uuid("topic_id")?;
        self.partition = d.i32("partition")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.uuid(self.topic_id);
        e.i32(self.partition);
    }
}

impl Message for ShareSnapshotKey {
    const NAME: &'static str = "ShareSnapshotKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareSnapshotKey {
    const TYPE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareSnapshotValue {
    pub snapshot_epoch: i32,
    pub state_epoch: i32,
    pub leader_epoch: i32,
    pub start_offset: i64,
    /// Tag 0.
    pub delivery_complete_count: i32,
    pub create_timestamp: i64,
    pub write_timestamp: i64,
    pub state_batches: Vec<ShareSnapshotStateBatch>,
}

impl Default for ShareSnapshotValue {
    fn default() -> Self {
        Self {
            snapshot_epoch: Default::default(),
            state_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
            create_timestamp: Default::default(),
            write_timestamp: Default::default(),
            state_batches: Default::default(),
        }
    }
}

impl Fields for ShareSnapshotValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.snapshot_epoch = d.i32("snapshot_epoch")?;
        self.state_epoch = d.i32("state_epoch")?;
        self.leader_epoch = d.i32("leader_epoch")?;
        self.start_offset = d.i64("start_offset")?;
        self.create_timestamp = d.i64("create_timestamp")?;
        self.write_timestamp = d.i64("write_timestamp")?;
        self.state_batches = d.array(v, "state_batches")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.delivery_complete_count = d.i32("delivery_complete_count")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.snapshot_epoch);
        e.i32(self.state_epoch);
        e.i32(self.leader_epoch);
        e.i64(self.start_offset);
        e.i64(self.create_timestamp);
        e.i64(self.write_timestamp);
        e.array(&self.state_batches, v, "state_batches");
        let tags = e.tags();
        if self.delivery_complete_count != -1 {
            let tag = e.begin_tag(tags, 0);
            e.i32(self.delivery_complete_count);
            e.end_tag(tag);
        }
    }
}

/// Part of [`ShareSnapshotValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareSnapshotStateBatch {
    pub first_offset: i64,
    pub last_offset: i64,
    pub delivery_state: i8,
    pub delivery_count: i16,
}

impl Fields for ShareSnapshotStateBatch {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.first_offset = d.i64("first_offset")?;
        self.last_offset = d.i64("last_offset")?;
        self.delivery_state = d.i8("delivery_state")?;
        self.delivery_count = d.i16("delivery_count")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.i8(self.delivery_state);
        e.i16(self.delivery_count);
        e.no_tags();
    }
}

impl Message for ShareSnapshotValue {
    const NAME: &'static str = "ShareSnapshotValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareSnapshotValue {
    const TYPE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareUpdateKey {
    pub group_id: String,
    pub topic_id: Uuid,
    pub partition: i32,
}

impl Fields for ShareUpdateKey {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.group_id = d.string("group_id")?;
        self.topic_id = d.uuid("topic_id")?;
        self.partition = d.i32("partition")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.group_id, "group_id");
        e.uuid(self.topic_id);
        e.i32(self.partition);
    }
}

impl Message for ShareUpdateKey {
    const NAME: &'static str = "ShareUpdateKey";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

impl crate::codec::Record for ShareUpdateKey {
    const TYPE: i16 = 1;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, PartialEq)]
pub struct ShareUpdateValue {
    pub snapshot_epoch: i32,
    pub leader_epoch: i32,
    pub start_offset: i64,
    /// Tag 0.
    pub delivery_complete_count: i32,
    pub state_batches: Vec<ShareUpdateStateBatch>,
}

impl Default for ShareUpdateValue {
    fn default() -> Self {
        Self {
            snapshot_epoch: Default::default(),
            leader_epoch: Default::default(),
            start_offset: Default::default(),
            delivery_complete_count: -1,
            state_batches: Default::default(),
        }
    }
}

impl Fields for ShareUpdateValue {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.snapshot_epoch = d.i32("snapshot_epoch")?;
        self.leader_epoch = d.i32("leader_epoch")?;
        self.start_offset = d.i64("start_offset")?;
        self.state_batches = d.array(v, "state_batches")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 => { self.delivery_complete_count = d.i32("delivery_complete_count")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.snapshot_epoch);
        e.i32(self.leader_epoch);
        e.i64(self.start_offset);
        e.array(&self.state_batches, v, "state_batches");
        let tags = e.tags();
        if self.delivery_complete_count != -1 {
            let tag = e.begin_tag(tags, 0);
            e.i32(self.delivery_complete_count);
            e.end_tag(tag);
        }
    }
}

/// Part of [`ShareUpdateValue`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareUpdateStateBatch {
    pub first_offset: i64,
    pub last_offset: i64,
    pub delivery_state: i8,
    pub delivery_count: i16,
}

impl Fields for ShareUpdateStateBatch {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.first_offset = d.i64("first_offset")?;
        self.last_offset = d.i64("last_offset")?;
        self.delivery_state = d.i8("delivery_state")?;
        self.delivery_count = d.i16("delivery_count")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.i8(self.delivery_state);
        e.i16(self.delivery_count);
        e.no_tags();
    }
}

impl Message for ShareUpdateValue {
    const NAME: &'static str = "ShareUpdateValue";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = 0;
}

impl crate::codec::Record for ShareUpdateValue {
    const TYPE: i16 = 1;
}
