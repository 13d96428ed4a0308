//! Generated from `schemas/kafka/fetch.kafka` (FNV-1a 947c195fa9632dfe); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};
use crate::uuid::Uuid;
use bytes::Bytes;

/// Versions 4 to 18.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchRequest {
    /// Since version 12; tag 0.
    pub cluster_id: Option<String>,
    /// Versions 4 to 14.
    pub replica_id: i32,
    /// Since version 15; tag 1.
    pub replica_state: ReplicaState,
    pub max_wait_ms: i32,
    pub min_bytes: i32,
    pub max_bytes: i32,
    pub isolation_level: i8,
    /// Since version 7.
    pub session_id: i32,
    /// Since version 7.
    pub session_epoch: i32,
    pub topics: Vec<FetchTopic>,
    /// Since version 7.
    pub forgotten_topics_data: Vec<ForgottenTopic>,
    /// Since version 11.
    pub rack_id: String,
}

impl Default for FetchRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            replica_id: -1,
            replica_state: Default::default(),
            max_wait_ms: Default::default(),
            min_bytes: Default::default(),
            max_bytes: 2147483647,
            isolation_level: Default::default(),
            session_id: Default::default(),
            session_epoch: -1,
            topics: Default::default(),
            forgotten_topics_data: Default::default(),
            rack_id: Default::default(),
        }
    }
}

impl Fields for FetchRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 14 {
            self.replica_id = d.i32("replica_id")?;
        }
        self.max_wait_ms = d.i32("max_wait_ms")?;
        self.min_bytes = d.i32("min_bytes")?;
        self.max_bytes = d.i32("max_bytes")?;
        self.isolation_level = d.i8("isolation_level")?;
        if v >= 7 {
            self.session_id = d.i32("session_id")?;
        }
        if v >= 7 {
            self.session_epoch = d.i32("session_epoch")?;
        }
        self.topics = d.array(v, "topics")?;
        if v >= 7 {
            self.forgotten_topics_data = d.array(v, "forgotten_topics_data")?;
        }
        if v >= 11 {
            self.rack_id = d.string("rack_id")?;
        }
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 12 => { self.cluster_id = d.nullable_string(true, "cluster_id")?; }
                1 if v >= 15 => { self.replica_state.read(d, v)?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 14 {
            e.i32(self.replica_id);
        } else if self.replica_id != -1 {
            e.cannot_carry("replica_id", v);
        }
        e.i32(self.max_wait_ms);
        e.i32(self.min_bytes);
        e.i32(self.max_bytes);
        e.i8(self.isolation_level);
        if v >= 7 {
            e.i32(self.session_id);
        }
        if v >= 7 {
            e.i32(self.session_epoch);
        }
        e.array(&self.topics, v, "topics");
        if v >= 7 {
            e.array(&self.forgotten_topics_data, v, "forgotten_topics_data");
        } else if !self.forgotten_topics_data.is_empty() {
            e.cannot_carry("forgotten_topics_data", v);
        }
        if v >= 11 {
            e.string(&self.rack_id, "rack_id");
        }
        let tags = e.tags();
        if v >= 12 && self.cluster_id.is_some() {
            let tag = e.begin_tag(tags, 0);
            e.nullable_string(true, self.cluster_id.as_deref(), "cluster_id");
            e.end_tag(tag);
        }
        if v >= 15 && self.replica_state != ReplicaState::default() {
            let tag = e.begin_tag(tags, 1);
            self.replica_state.write(e, v);
            e.end_tag(tag);
        } else if self.replica_state != ReplicaState::default() {
            e.cannot_carry("replica_state", v);
        }
    }
}

/// Part of [`FetchRequest`] in versions 15 to 18.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaState {
    pub replica_id: i32,
    pub replica_epoch: i64,
}

impl Default for ReplicaState {
    fn default() -> Self {
        Self {
            replica_id: -1,
            replica_epoch: -1,
        }
    }
}

impl Fields for ReplicaState {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.replica_id = d.i32("replica_id")?;
        self.replica_epoch = d.i64("replica_epoch")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.replica_id);
        e.i64(self.replica_epoch);
        e.no_tags();
    }
}

/// Part of [`FetchRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchTopic {
    /// Versions 4 to 12.
    pub topic: String,
    /// Since version 13.
    pub topic_id: Uuid,
    pub partitions: Vec<FetchPartition>,
}

impl Fields for FetchTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 12 {
            self.topic = d.string("topic")?;
        }
        if v >= 13 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 12 {
            e.string(&self.topic, "topic");
        }
        if v >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`FetchRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct FetchPartition {
    pub partition: i32,
    /// Since version 9.
    pub current_leader_epoch: i32,
    pub fetch_offset: i64,
    /// Since version 12.
    pub last_fetched_epoch: i32,
    /// Since version 5.
    pub log_start_offset: i64,
    pub partition_max_bytes: i32,
    /// Since version 17; tag 0.
    pub replica_directory_id: Uuid,
    /// Version 18 only; tag 1.
    pub high_watermark: i64,
}

impl Default for FetchPartition {
    fn default() -> Self {
        Self {
            partition: Default::default(),
            current_leader_epoch: -1,
            fetch_offset: Default::default(),
            last_fetched_epoch: -1,
            log_start_offset: -1,
            partition_max_bytes: Default::default(),
            replica_directory_id: Default::default(),
            high_watermark: 9223372036854775807,
        }
    }
}

impl Fields for FetchPartition {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition = d.i32("partition")?;
        if v >= 9 {
            self.current_leader_epoch = d.i32("current_leader_epoch")?;
        }
        self.fetch_offset = d.i64("fetch_offset")?;
        if v >= 12 {
            self.last_fetched_epoch = d.i32("last_fetched_epoch")?;
        }
        if v >= 5 {
            self.log_start_offset = d.i64("log_start_offset")?;
        }
        self.partition_max_bytes = d.i32("partition_max_bytes")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 17 => { self.replica_directory_id = d.uuid("replica_directory_id")?; }
                1 if v >= 18 => { self.high_watermark = d.i64("high_watermark")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition);
        if v >= 9 {
            e.i32(self.current_leader_epoch);
        }
        e.i64(self.fetch_offset);
        if v >= 12 {
            e.i32(self.last_fetched_epoch);
        } else if self.last_fetched_epoch != -1 {
            e.cannot_carry("last_fetched_epoch", v);
        }
        if v >= 5 {
            e.i64(self.log_start_offset);
        }
        e.i32(self.partition_max_bytes);
        let tags = e.tags();
        if v >= 17 && self.replica_directory_id != Uuid::ZERO {
            let tag = e.begin_tag(tags, 0);
            e.uuid(self.replica_directory_id);
            e.end_tag(tag);
        }
        if v >= 18 && self.high_watermark != 9223372036854775807 {
            let tag = e.begin_tag(tags, 1);
            e.i64(self.high_watermark);
            e.end_tag(tag);
        }
    }
}

/// Part of [`FetchRequest`] in versions 7 to 18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ForgottenTopic {
    /// Versions 7 to 12.
    pub topic: String,
    /// Since version 13.
    pub topic_id: Uuid,
    pub partitions: Vec<i32>,
}

impl Fields for ForgottenTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 12 {
            self.topic = d.string("topic")?;
        }
        if v >= 13 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 12 {
            e.string(&self.topic, "topic");
        }
        if v >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

impl Message for FetchRequest {
    const NAME: &'static str = "FetchRequest";
    const VERSIONS: (i16, i16) = (4, 18);
    const FLEXIBLE: i16 = 12;
}

/// Versions 4 to 18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchResponse {
    pub throttle_time_ms: i32,
    /// Since version 7.
    pub error_code: i16,
    /// Since version 7.
    pub session_id: i32,
    pub responses: Vec<FetchableTopicResponse>,
    /// Since version 16; tag 0.
    pub node_endpoints: Vec<NodeEndpoint>,
}

impl Fields for FetchResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        if v >= 7 {
            self.error_code = d.i16("error_code")?;
        }
        if v >= 7 {
            self.session_id = d.i32("session_id")?;
        }
        self.responses = d.array(v, "responses")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 16 => { self.node_endpoints = d.array(v, "node_endpoints")?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        if v >= 7 {
            e.i16(self.error_code);
        }
        if v >= 7 {
            e.i32(self.session_id);
        } else if self.session_id != 0 {
            e.cannot_carry("session_id", v);
        }
        e.array(&self.responses, v, "responses");
        let tags = e.tags();
        if v >= 16 && !self.node_endpoints.is_empty() {
            let tag = e.begin_tag(tags, 0);
            e.array(&self.node_endpoints, v, "node_endpoints");
            e.end_tag(tag);
        } else if !self.node_endpoints.is_empty() {
            e.cannot_carry("node_endpoints", v);
        }
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FetchableTopicResponse {
    /// Versions 4 to 12.
    pub topic: String,
    /// Since version 13.
    pub topic_id: Uuid,
    pub partitions: Vec<PartitionData>,
}

impl Fields for FetchableTopicResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        if v <= 12 {
            self.topic = d.string("topic")?;
        }
        if v >= 13 {
            self.topic_id = d.uuid("topic_id")?;
        }
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        if v <= 12 {
            e.string(&self.topic, "topic");
        }
        if v >= 13 {
            e.uuid(self.topic_id);
        }
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct PartitionData {
    pub partition_index: i32,
    pub error_code: i16,
    pub high_watermark: i64,
    pub last_stable_offset: i64,
    /// Since version 5.
    pub log_start_offset: i64,
    /// Since version 12; tag 0.
    pub diverging_epoch: EpochEndOffset,
    /// Since version 12; tag 1.
    pub current_leader: LeaderIdAndEpoch,
    /// Since version 12; tag 2.
    pub snapshot_id: SnapshotId,
    pub aborted_transactions: Option<Vec<AbortedTransaction>>,
    /// Since version 11.
    pub preferred_read_replica: i32,
    pub records: Option<Bytes>,
}

impl Default for PartitionData {
    fn default() -> Self {
        Self {
            partition_index: Default::default(),
            error_code: Default::default(),
            high_watermark: Default::default(),
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: Default::default(),
            current_leader: Default::default(),
            snapshot_id: Default::default(),
            aborted_transactions: Default::default(),
            preferred_read_replica: -1,
            records: Default::default(),
        }
    }
}

impl Fields for PartitionData {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        self.high_watermark = d.i64("high_watermark")?;
        self.last_stable_offset = d.i64("last_stable_offset")?;
        if v >= 5 {
            self.log_start_offset = d.i64("log_start_offset")?;
        }
        self.aborted_transactions = d.nullable_array(true, v, "aborted_transactions")?;
        if v >= 11 {
            self.preferred_read_replica = d.i32("preferred_read_replica")?;
        }
        self.records = d.nullable_bytes(true, "records")?;
        let mut tags = d.tags()?;
        while let Some(tag) = d.next_tag(&mut tags)? {
            match tag {
                0 if v >= 12 => { self.diverging_epoch.read(d, v)?; }
                1 if v >= 12 => { self.current_leader.read(d, v)?; }
                2 if v >= 12 => { self.snapshot_id.read(d, v)?; }
                _ => d.skip_tag(&tags),
            }
        }
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.i64(self.high_watermark);
        e.i64(self.last_stable_offset);
        if v >= 5 {
            e.i64(self.log_start_offset);
        }
        e.nullable_array(true, &self.aborted_transactions, v, "aborted_transactions");
        if v >= 11 {
            e.i32(self.preferred_read_replica);
        } else if self.preferred_read_replica != -1 {
            e.cannot_carry("preferred_read_replica", v);
        }
        e.nullable_bytes(true, self.records.as_deref(), "records");
        let tags = e.tags();
        if v >= 12 && self.diverging_epoch != EpochEndOffset::default() {
            let tag = e.begin_tag(tags, 0);
            self.diverging_epoch.write(e, v);
            e.end_tag(tag);
        } else if self.diverging_epoch != EpochEndOffset::default() {
            e.cannot_carry("diverging_epoch", v);
        }
        if v >= 12 && self.current_leader != LeaderIdAndEpoch::default() {
            let tag = e.begin_tag(tags, 1);
            self.current_leader.write(e, v);
            e.end_tag(tag);
        } else if self.current_leader != LeaderIdAndEpoch::default() {
            e.cannot_carry("current_leader", v);
        }
        if v >= 12 && self.snapshot_id != SnapshotId::default() {
            let tag = e.begin_tag(tags, 2);
            self.snapshot_id.write(e, v);
            e.end_tag(tag);
        } else if self.snapshot_id != SnapshotId::default() {
            e.cannot_carry("snapshot_id", v);
        }
    }
}

/// Part of [`FetchResponse`] in versions 12 to 18.
#[derive(Clone, Debug, PartialEq)]
pub struct EpochEndOffset {
    pub epoch: i32,
    pub end_offset: i64,
}

impl Default for EpochEndOffset {
    fn default() -> Self {
        Self {
            epoch: -1,
            end_offset: -1,
        }
    }
}

impl Fields for EpochEndOffset {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.epoch = d.i32("epoch")?;
        self.end_offset = d.i64("end_offset")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.epoch);
        e.i64(self.end_offset);
        e.no_tags();
    }
}

/// Part of [`FetchResponse`] in versions 12 to 18.
#[derive(Clone, Debug, PartialEq)]
pub struct LeaderIdAndEpoch {
    pub leader_id: i32,
    pub leader_epoch: i32,
}

impl Default for LeaderIdAndEpoch {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
        }
    }
}

impl Fields for LeaderIdAndEpoch {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.leader_id = d.i32("leader_id")?;
        self.leader_epoch = d.i32("leader_epoch")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.no_tags();
    }
}

/// Part of [`FetchResponse`] in versions 12 to 18.
#[derive(Clone, Debug, PartialEq)]
pub struct SnapshotId {
    pub end_offset: i64,
    pub epoch: i32,
}

impl Default for SnapshotId {
    fn default() -> Self {
        Self {
            end_offset: -1,
            epoch: -1,
        }
    }
}

impl Fields for SnapshotId {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.end_offset = d.i64("end_offset")?;
        self.epoch = d.i32("epoch")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.end_offset);
        e.i32(self.epoch);
        e.no_tags();
    }
}

/// Part of [`FetchResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AbortedTransaction {
    pub producer_id: i64,
    pub first_offset: i64,
}

impl Fields for AbortedTransaction {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.producer_id = d.i64("producer_id")?;
        self.first_offset = d.i64("first_offset")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i64(self.producer_id);
        e.i64(self.first_offset);
        e.no_tags();
    }
}

/// Part of [`FetchResponse`] in versions 16 to 18.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeEndpoint {
    pub node_id: i32,
    pub host: String,
    pub port: i32,
    pub rack: Option<String>,
}

impl Fields for NodeEndpoint {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.node_id = d.i32("node_id")?;
        self.host = d.string("host")?;
        self.port = d.i32("port")?;
        self.rack = d.nullable_string(true, "rack")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.node_id);
        e.string(&self.host, "host");
        e.i32(self.port);
        e.nullable_string(true, self.rack.as_deref(), "rack");
        e.no_tags();
    }
}

impl Message for FetchResponse {
    const NAME: &'static str = "FetchResponse";
    const VERSIONS: (i16, i16) = (4, 18);
    const FLEXIBLE: i16 = 12;
}

impl crate::codec::Request for FetchRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::Fetch;
    type Response = FetchResponse;
}
