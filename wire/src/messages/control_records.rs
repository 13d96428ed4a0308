//! Generated from `schemas/kafka/control_records.kafka` (FNV-1a 2ac4285a627670ab); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControlRecordTypeSchema {
    pub type_id: i16,
}

impl Fields for ControlRecordTypeSchema {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.type_id = d.i16("type_id")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i16(self.type_id);
    }
}

impl Message for ControlRecordTypeSchema {
    const NAME: &'static str = "ControlRecordTypeSchema";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndTxnMarker {
    pub coordinator_epoch: i32,
}

impl Fields for EndTxnMarker {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.coordinator_epoch = d.i32("coordinator_epoch")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.coordinator_epoch);
    }
}

impl Message for EndTxnMarker {
    const NAME: &'static str = "EndTxnMarker";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}

/// Versions 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderChangeMessage {
    pub version: i16,
    pub leader_id: i32,
    pub voters: Vec<Voter>,
    pub granting_voters: Vec<Voter>,
}

impl Fields for LeaderChangeMessage {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.version = d.i16("version")?;
        self.leader_id = d.i32("leader_id")?;
        self.voters = d.array(v, "voters")?;
        self.granting_voters = d.array(v, "granting_voters")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.version);
        e.i32(self.leader_id);
        e.array(&self.voters, v, "voters");
        e.array(&self.granting_voters, v, "granting_voters");
        e.no_tags();
    }
}

/// Part of [`LeaderChangeMessage`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voter {
    pub voter_id: i32,
    /// Version 1 only.
    pub voter_directory_id: Uuid,
}

impl Fields for Voter {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.voter_id = d.i32("voter_id")?;
        if v >= 1 {
            self.voter_directory_id = d.uuid("voter_directory_id")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.voter_id);
        if v >= 1 {
            e.uuid(self.voter_directory_id);
        } else if self.voter_directory_id != Uuid::ZERO {
            e.cannot_carry("voter_directory_id", v);
        }
        e.no_tags();
    }
}

impl Message for LeaderChangeMessage {
    const NAME: &'static str = "LeaderChangeMessage";
    const VERSIONS: (i16, i16) = (0, 1);
    const FLEXIBLE: i16 = 0;
}

/// Versions 0 to 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortedTxn {
    pub producer_id: i64,
    pub first_offset: i64,
    pub last_offset: i64,
    pub last_stable_offset: i64,
}

impl Fields for AbortedTxn {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.producer_id = d.i64("producer_id")?;
        self.first_offset = d.i64("first_offset")?;
        self.last_offset = d.i64("last_offset")?;
        self.last_stable_offset = d.i64("last_stable_offset")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.producer_id);
        e.i64(self.first_offset);
        e.i64(self.last_offset);
        e.i64(self.last_stable_offset);
    }
}

impl Message for AbortedTxn {
    const NAME: &'static str = "AbortedTxn";
    const VERSIONS: (i16, i16) = (0, 0);
    const FLEXIBLE: i16 = i16::MAX;
}
