//! Generated from `schemas/kafka/create_topics.kafka` (FNV-1a 56afc51eedd9304b); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 2 to 7.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTopicsRequest {
    pub topics: Vec<CreatableTopic>,
    pub timeout_ms: i32,
    pub validate_only: bool,
}

impl Default for CreateTopicsRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            timeout_ms: 60000,
            validate_only: Default::default(),
        }
    }
}

impl Fields for CreateTopicsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.array(v, "topics")?;
        self.timeout_ms = d.i32("timeout_ms")?;
        self.validate_only = d.bool("validate_only")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.topics, v, "topics");
        e.i32(self.timeout_ms);
        e.bool(self.validate_only);
        e.no_tags();
    }
}

/// Part of [`CreateTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableTopic {
    pub name: String,
    pub num_partitions: i32,
    pub replication_factor: i16,
    pub assignments: Vec<CreatableReplicaAssignment>,
    pub configs: Vec<CreatableTopicConfig>,
}

impl Fields for CreatableTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.num_partitions = d.i32("num_partitions")?;
        self.replication_factor = d.i16("replication_factor")?;
        self.assignments = d.array(v, "assignments")?;
        self.configs = d.array(v, "configs")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.i32(self.num_partitions);
        e.i16(self.replication_factor);
        e.array(&self.assignments, v, "assignments");
        e.array(&self.configs, v, "configs");
        e.no_tags();
    }
}

/// Part of [`CreateTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableReplicaAssignment {
    pub partition_index: i32,
    pub broker_ids: Vec<i32>,
}

impl Fields for CreatableReplicaAssignment {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.broker_ids = d.array(v, "broker_ids")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.array(&self.broker_ids, v, "broker_ids");
        e.no_tags();
    }
}

/// Part of [`CreateTopicsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableTopicConfig {
    pub name: String,
    pub value: Option<String>,
}

impl Fields for CreatableTopicConfig {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.value = d.nullable_string(true, "value")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.nullable_string(true, self.value.as_deref(), "value");
        e.no_tags();
    }
}

impl Message for CreateTopicsRequest {
    const NAME: &'static str = "CreateTopicsRequest";
    const VERSIONS: (i16, i16) = (2, 7);
    const FLEXIBLE: i16 = 5;
}

/// Versions 2 to 7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTopicsResponse {
    pub throttle_time_ms: i32,
    pub topics: Vec<CreatableTopicResult>,
}

impl Fields for CreateTopicsResponse {
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

/// Part of [`CreateTopicsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    pub name: String,
    /// Version 7 only.
    pub topic_id: Uuid,
    pub error_code: i16,
    pub error_message: Option<String>,
    /// Since version 5; tag 0.
    pub topic_config_error_code: i16,
    /// Since version 5.
    pub num_partitions: i32,
    /// Since version 5.
    pub replication_factor: i16,
    /// Since version 5.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            topic_config_error_code: Default::default(),
            num_partitions: -1,
            replication_factor: -1,
            configs: Default::default(),
        }
    }
}

impl Fields for CreatableTopicResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        if v >= 7 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.error_code = d.i16("error_code")?;
        self.error_message = d.nullable_string(true, "error_message")?;
        if v >= 5 {
            self.num_partitions = d.i32("num_partitions")?;
        }
        if v >= 5 {
            self.replication_factor = d.i16("replication_factor")?;
        }
        if v >= 5 {
            self.configs = d.nullable_array(true, v, "configs")?;
        }
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 5 => { self.topic_config_error_code = d.i16("topic_config_error_code")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        if v >= 7 {
            e.uuid(self.topic_id);
        }
        e.i16(self.error_code);
        e.nullable_string(true, self.error_message.as_deref(), "error_message");
        if v >= 5 {
            e.i32(self.num_partitions);
        }
        if v >= 5 {
            e.i16(self.replication_factor);
        }
        if v >= 5 {
            e.nullable_array(true, &self.configs, v, "configs");
        }
        let tags = e.tags();
        if v >= 5 && self.topic_config_error_code != 0 {
            let tag = e.begin_tag(tags, 0);
            e.i16(self.topic_config_error_code);
            e.end_tag(tag);
        }
    }
}

/// Part of [`CreateTopicsResponse`] in versions 5 to 7.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    pub name: String,
    pub value: Option<String>,
    pub read_only: bool,
    pub config_source: i8,
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Default::default(),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
        }
    }
}

impl Fields for CreatableTopicConfigs {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.value = d.nullable_string(true, "value")?;
        self.read_only = d.bool("read_only")?;
        self.config_source = d.i8("config_source")?;
        self.is_sensitive = d.bool("is_sensitive")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.string(&self.name, "name");
        e.nullable_string(true, self.value.as_deref(), "value");
        e.bool(self.read_only);
        e.i8(self.config_source);
        e.bool(self.is_sensitive);
        e.no_tags();
    }
}

impl Message for CreateTopicsResponse {
    const NAME: &'static str = "CreateTopicsResponse";
    const VERSIONS: (i16, i16) = (2, 7);
    const FLEXIBLE: i16 = 5;
}

impl crate::codec::Request for CreateTopicsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::CreateTopics;
    type Response = CreateTopicsResponse;
}
