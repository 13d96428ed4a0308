//! Generated from `schemas/kafka/consumer_protocol.kafka` (FNV-1a 169db5331ef7f6a9); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use bytes::Bytes;

/// Versions 0 to 3.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerProtocolSubscription {
    pub topics: Vec<String>,
    pub user_data: Option<Bytes>,
    /// Since version 1.
    pub owned_partitions: Vec<ConsumerProtocolSubscriptionTopicPartition>,
    /// Since version 2.
    pub generation_id: i32,
    /// Version 3 only.
    pub rack_id: Option<String>,
}

impl Default for ConsumerProtocolSubscription {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            user_data: Default::default(),
            owned_partitions: Default::default(),
            generation_id: -1,
            rack_id: Default::default(),
        }
    }
}

impl Fields for ConsumerProtocolSubscription {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.array(v, "topics")?;
        self.user_data = d.nullable_bytes(true, "user_data")?;
        if v >= 1 {
            self.owned_partitions = d.array(v, "owned_partitions")?;
        }
        if v >= 2 {
            self.generation_id = d.i32("generation_id")?;
        }
        if v >= 3 {
            self.rack_id = d.nullable_string(true, "rack_id")?;
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topics, v, "topics");
        e.nullable_bytes(true, self.user_data.as_deref(), "user_data");
        if v >= 1 {
            e.array(&self.owned_partitions, v, "owned_partitions");
        }
        if v >= 2 {
            e.i32(self.generation_id);
        }
        if v >= 3 {
            e.nullable_string(true, self.rack_id.as_deref(), "rack_id");
        }
    }
}

/// Part of [`ConsumerProtocolSubscription`] in versions 1 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerProtocolSubscriptionTopicPartition {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl Fields for ConsumerProtocolSubscriptionTopicPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partitions = d.array(v, "partitions")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partitions, v, "partitions");
    }
}

impl Message for ConsumerProtocolSubscription {
    const NAME: &'static str = "ConsumerProtocolSubscription";
    const VERSIONS: (i16, i16) = (0, 3);
    const FLEXIBLE: i16 = i16::MAX;
}

/// Versions 0 to 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerProtocolAssignment {
    pub assigned_partitions: Vec<ConsumerProtocolAssignmentTopicPartition>,
    pub user_data: Option<Bytes>,
}

impl Fields for ConsumerProtocolAssignment {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.assigned_partitions = d.array(v, "assigned_partitions")?;
        self.user_data = d.nullable_bytes(true, "user_data")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.assigned_partitions, v, "assigned_partitions");
        e.nullable_bytes(true, self.user_data.as_deref(), "user_data");
    }
}

/// Part of [`ConsumerProtocolAssignment`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerProtocolAssignmentTopicPartition {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl Fields for ConsumerProtocolAssignmentTopicPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partitions = d.array(v, "partitions")?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partitions, v, "partitions");
    }
}

impl Message for ConsumerProtocolAssignment {
    const NAME: &'static str = "ConsumerProtocolAssignment";
    const VERSIONS: (i16, i16) = (0, 3);
    const FLEXIBLE: i16 = i16::MAX;
}
