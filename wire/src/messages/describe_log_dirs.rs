//! Generated from `schemas/kafka/describe_log_dirs.kafka` (FNV-1a 07cb87787dc3552c); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 1 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsRequest {
    pub topics: Option<Vec<DescribableLogDirTopic>>,
}

impl Fields for DescribeLogDirsRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topics = d.nullable_array(true, v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.nullable_array(true, &self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`DescribeLogDirsRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribableLogDirTopic {
    pub topic: String,
    pub partitions: Vec<i32>,
}

impl Fields for DescribableLogDirTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.topic = d.string("topic")?;
        self.partitions = d.array(v, "partitions")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.topic, "topic");
        e.array(&self.partitions, v, "partitions");
        e.no_tags();
    }
}

impl Message for DescribeLogDirsRequest {
    const NAME: &'static str = "DescribeLogDirsRequest";
    const VERSIONS: (i16, i16) = (1, 5);
    const FLEXIBLE: i16 = 2;
}

/// Versions 1 to 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsResponse {
    pub throttle_time_ms: i32,
    /// Since version 3.
    pub error_code: i16,
    pub results: Vec<DescribeLogDirsResult>,
}

impl Fields for DescribeLogDirsResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.throttle_time_ms = d.i32("throttle_time_ms")?;
        if v >= 3 {
            self.error_code = d.i16("error_code")?;
        }
        self.results = d.array(v, "results")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i32(self.throttle_time_ms);
        if v >= 3 {
            e.i16(self.error_code);
        }
        e.array(&self.results, v, "results");
        e.no_tags();
    }
}

/// Part of [`DescribeLogDirsResponse`].
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeLogDirsResult {
    pub error_code: i16,
    pub log_dir: String,
    pub topics: Vec<DescribeLogDirsTopic>,
    /// Since version 4.
    pub total_bytes: i64,
    /// Since version 4.
    pub usable_bytes: i64,
    /// Version 5 only.
    pub is_cordoned: bool,
}

impl Default for DescribeLogDirsResult {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            log_dir: Default::default(),
            topics: Default::default(),
            total_bytes: -1,
            usable_bytes: -1,
            is_cordoned: Default::default(),
        }
    }
}

impl Fields for DescribeLogDirsResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.error_code = d.i16("error_code")?;
        self.log_dir = d.string("log_dir")?;
        self.topics = d.array(v, "topics")?;
        if v >= 4 {
            self.total_bytes = d.i64("total_bytes")?;
        }
        if v >= 4 {
            self.usable_bytes = d.i64("usable_bytes")?;
        }
        if v >= 5 {
            self.is_cordoned = d.bool("is_cordoned")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i16(self.error_code);
        e.string(&self.log_dir, "log_dir");
        e.array(&self.topics, v, "topics");
        if v >= 4 {
            e.i64(self.total_bytes);
        }
        if v >= 4 {
            e.i64(self.usable_bytes);
        }
        if v >= 5 {
            e.bool(self.is_cordoned);
        }
        e.no_tags();
    }
}

/// Part of [`DescribeLogDirsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsTopic {
    pub name: String,
    pub partitions: Vec<DescribeLogDirsPartition>,
}

impl Fields for DescribeLogDirsTopic {
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

/// Part of [`DescribeLogDirsResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeLogDirsPartition {
    pub partition_index: i32,
    pub partition_size: i64,
    pub offset_lag: i64,
    pub is_future_key: bool,
}

impl Fields for DescribeLogDirsPartition {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.partition_size = d.i64("partition_size")?;
        self.offset_lag = d.i64("offset_lag")?;
        self.is_future_key = d.bool("is_future_key")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.i64(self.partition_size);
        e.i64(self.offset_lag);
        e.bool(self.is_future_key);
        e.no_tags();
    }
}

impl Message for DescribeLogDirsResponse {
    const NAME: &'static str = "DescribeLogDirsResponse";
    const VERSIONS: (i16, i16) = (1, 5);
    const FLEXIBLE: i16 = 2;
}

impl crate::codec::Request for DescribeLogDirsRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::DescribeLogDirs;
    type Response = DescribeLogDirsResponse;
}
