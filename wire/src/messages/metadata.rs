//! Generated from `schemas/kafka/metadata.kafka` (FNV-1a e35ab8a7423b46ce); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;

/// Versions 0 to 13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// May be null since version 1.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// Since version 4.
    pub allow_auto_topic_creation: bool,
    /// Versions 8 to 10.
    pub include_cluster_authorized_operations: bool,
    /// Since version 8.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Default::default(),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: Default::default(),
            include_topic_authorized_operations: Default::default(),
        }
    }
}

impl Fields for MetadataRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.nullable_array(v >= 1, v, "topics")?;
        if v >= 4 {
            self.allow_auto_topic_creation = d.bool("allow_auto_topic_creation")?;
        }
        if (8..=10).contains(&v) {
            self.include_cluster_authorized_operations = d.bool("include_cluster_authorized_operations")?;
        }
        if v >= 8 {
            self.include_topic_authorized_operations = d.bool("include_topic_authorized_operations")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_array(v >= 1, &self.topics, v, "topics");
        if v >= 4 {
            e.bool(self.allow_auto_topic_creation);
        } else if !self.allow_auto_topic_creation {
            e.cannot_carry("allow_auto_topic_creation", v);
        }
        if (8..=10).contains(&v) {
            e.bool(self.include_cluster_authorized_operations);
        } else if self.include_cluster_authorized_operations {
            e.cannot_carry("include_cluster_authorized_operations", v);
        }
        if v >= 8 {
            e.bool(self.include_topic_authorized_operations);
        } else if self.include_topic_authorized_operations {
            e.cannot_carry("include_topic_authorized_operations", v);
        }
        e.no_tags();
    }
}

/// Part of [`MetadataRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataRequestTopic {
    /// Since version 10.
    pub topic_id: Uuid,
    /// May be null since version 10.
    pub name: Option<String>,
}

impl Fields for MetadataRequestTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 10 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.name = d.nullable_string(v >= 10, "name")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 10 {
            e.uuid(self.topic_id);
        }
        e.nullable_string(v >= 10, self.name.as_deref(), "name");
        e.no_tags();
    }
}

impl Message for MetadataRequest {
    const NAME: &'static str = "MetadataRequest";
    const VERSIONS: (i16, i16) = (0, 13);
    const FLEXIBLE: i16 = 9;
}

/// Versions 0 to 13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// Since version 3.
    pub throttle_time_ms: i32,
    pub brokers: Vec<MetadataResponseBroker>,
    /// Since version 2.
    pub cluster_id: Option<String>,
    /// Since version 1.
    pub controller_id: i32,
    pub topics: Vec<MetadataResponseTopic>,
    /// Versions 8 to 10.
    pub cluster_authorized_operations: i32,
    /// Version 13 only.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            brokers: Default::default(),
            cluster_id: Default::default(),
            controller_id: -1,
            topics: Default::default(),
            cluster_authorized_operations: -2147483648,
            error_code: Default::default(),
        }
    }
}

impl Fields for MetadataResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v >= 3 {
            self.throttle_time_ms = d.i32("throttle_time_ms")?;
        }
        self.brokers = d.array(v, "brokers")?;
        if v >= 2 {
            self.cluster_id = d.nullable_string(true, "cluster_id")?;
        }
        if v >= 1 {
            self.controller_id = d.i32("controller_id")?;
        }
        self.topics = d.array(v, "topics")?;
        if (8..=10).contains(&v) {
            self.cluster_authorized_operations = d.i32("cluster_authorized_operations")?;
        }
        if v >= 13 {
            self.error_code = d.i16("error_code")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v >= 3 {
            e.i32(self.throttle_time_ms);
        }
        e.array(&self.brokers, v, "brokers");
        if v >= 2 {
            e.nullable_string(true, self.cluster_id.as_deref(), "cluster_id");
        }
        if v >= 1 {
            e.i32(self.controller_id);
        }
        e.array(&self.topics, v, "topics");
        if (8..=10).contains(&v) {
            e.i32(self.cluster_authorized_operations);
        } else if self.cluster_authorized_operations != -2147483648 {
            e.cannot_carry("cluster_authorized_operations", v);
        }
        if v >= 13 {
            e.i16(self.error_code);
        }
        e.no_tags();
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataResponseBroker {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    /// Since version 1.
    pub rack: Option<String>,
}

impl Fields for MetadataResponseBroker {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.node_id = d.i32("node_id")?;
        self.host = d.string("host")?;
        self.port = d.i32("port")?;
        if v >= 1 {
            self.rack = d.nullable_string(true, "rack")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.node_id);
        e.string(&self.host, "host");
        e.i32(self.port);
        if v >= 1 {
            e.nullable_string(true, self.rack.as_deref(), "rack");
        }
        e.no_tags();
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    pub error_code: i16,
    /// May be null since version 12.
    pub name: Option<String>,
    /// Since version 10.
    pub topic_id: Uuid,
    /// Since version 1.
    pub is_internal: bool,
    pub partitions: Vec<MetadataResponsePartition>,
    /// Since version 8.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Default::default(),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl Fields for MetadataResponseTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.name = d.nullable_string(v >= 12, "name")?;
        if v >= 10 {
            self.topic_id = d.uuid("topic_id")?;
        }
        if v >= 1 {
            self.is_internal = d.bool("is_internal")?;
        }
        self.partitions = d.array(v, "partitions")?;
        if v >= 8 {
            self.topic_authorized_operations = d.i32("topic_authorized_operations")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.nullable_string(v >= 12, self.name.as_deref(), "name");
        if v >= 10 {
            e.uuid(self.topic_id);
        }
        if v >= 1 {
            e.bool(self.is_internal);
        }
        e.array(&self.partitions, v, "partitions");
        if v >= 8 {
            e.i32(self.topic_authorized_operations);
        } else if self.topic_authorized_operations != -2147483648 {
            e.cannot_carry("topic_authorized_operations", v);
        }
        e.no_tags();
    }
}

/// Part of [`MetadataResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    pub error_code: i16,
    pub partition_index: i32,
    pub leader_id: i32,
    /// Since version 7.
    pub leader_epoch: i32,
    pub replica_nodes: Vec<i32>,
    pub isr_nodes: Vec<i32>,
    /// Since version 5.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl Fields for MetadataResponsePartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.partition_index = d.i32("partition_index")?;
        self.leader_id = d.i32("leader_id")?;
        if v >= 7 {
            self.leader_epoch = d.i32("leader_epoch")?;
        }
        self.replica_nodes = d.array(v, "replica_nodes")?;
        self.isr_nodes = d.array(v, "isr_nodes")?;
        if v >= 5 {
            self.offline_replicas = d.array(v, "offline_replicas")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        if v >= 7 {
            e.i32(self.leader_epoch);
        }
        e.array(&self.replica_nodes, v, "replica_nodes");
        e.array(&self.isr_nodes, v, "isr_nodes");
        if v >= 5 {
            e.array(&self.offline_replicas, v, "offline_replicas");
        }
        e.no_tags();
    }
}

impl Message for MetadataResponse {
    const NAME: &'static str = "MetadataResponse";
    const VERSIONS: (i16, i16) = (0, 13);
    const FLEXIBLE: i16 = 9;
}

impl crate::codec::Request for MetadataRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::Metadata;
    type Response = MetadataResponse;
}
