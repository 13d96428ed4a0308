//! Generated from `schemas/kafka/write_txn_markers.kafka` (FNV-1a cd2c98d40aca4218); change that, not this.

use crate::codec::{DecodeError, Decoder, Encoder, Fields, Message};

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteTxnMarkersRequest {
    pub markers: Vec<WritableTxnMarker>,
}

impl Fields for WriteTxnMarkersRequest {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.markers = d.array(v, "markers")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.markers, v, "markers");
        e.no_tags();
    }
}

/// Part of [`WriteTxnMarkersRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarker {
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub transaction_result: bool,
    pub topics: Vec<WritableTxnMarkerTopic>,
    pub coordinator_epoch: i32,
    /// Version 2 only.
    pub transaction_version: i8,
}

impl Fields for WritableTxnMarker {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.producer_id = d.i64("producer_id")?;
        self.producer_epoch = d.i16("producer_epoch")?;
        self.transaction_result = d.bool("transaction_result")?;
        self.topics = d.array(v, "topics")?;
        self.coordinator_epoch = d.i32("coordinator_epoch")?;
        if v >= 2 {
            self.transaction_version = d.i8("transaction_version")?;
        }
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.bool(self.transaction_result);
        e.array(&self.topics, v, "topics");
        e.i32(self.coordinator_epoch);
        if v >= 2 {
            e.i8(self.transaction_version);
        }
        e.no_tags();
    }
}

/// Part of [`WriteTxnMarkersRequest`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerTopic {
    pub name: String,
    pub partition_indexes: Vec<i32>,
}

impl Fields for WritableTxnMarkerTopic {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.name = d.string("name")?;
        self.partition_indexes = d.array(v, "partition_indexes")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.string(&self.name, "name");
        e.array(&self.partition_indexes, v, "partition_indexes");
        e.no_tags();
    }
}

impl Message for WriteTxnMarkersRequest {
    const NAME: &'static str = "WriteTxnMarkersRequest";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 1;
}

/// Versions 1 to 2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteTxnMarkersResponse {
    pub markers: Vec<WritableTxnMarkerResult>,
}

impl Fields for WriteTxnMarkersResponse {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.markers = d.array(v, "markers")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.array(&self.markers, v, "markers");
        e.no_tags();
    }
}

/// Part of [`WriteTxnMarkersResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerResult {
    pub producer_id: i64,
    pub topics: Vec<WritableTxnMarkerTopicResult>,
}

impl Fields for WritableTxnMarkerResult {
    fn read(&mut self, d: &mut Decoder<'_>, v: i16) -> Result<(), DecodeError> {
        self.producer_id = d.i64("producer_id")?;
        self.topics = d.array(v, "topics")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, v: i16) {
        e.i64(self.producer_id);
        e.array(&self.topics, v, "topics");
        e.no_tags();
    }
}

/// Part of [`WriteTxnMarkersResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerTopicResult {
    pub name: String,
    pub partitions: Vec<WritableTxnMarkerPartitionResult>,
}

impl Fields for WritableTxnMarkerTopicResult {
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

/// Part of [`WriteTxnMarkersResponse`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerPartitionResult {
    pub partition_index: i32,
    pub error_code: i16,
}

impl Fields for WritableTxnMarkerPartitionResult {
    fn read(&mut self, d: &mut Decoder<'_>, _: i16) -> Result<(), DecodeError> {
        self.partition_index = d.i32("partition_index")?;
        self.error_code = d.i16("error_code")?;
        d.skip_tags()?;
        Ok(())
    }

    fn write(&self, e: &mut Encoder, _: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.no_tags();
    }
}

impl Message for WriteTxnMarkersResponse {
    const NAME: &'static str = "WriteTxnMarkersResponse";
    const VERSIONS: (i16, i16) = (1, 2);
    const FLEXIBLE: i16 = 1;
}

impl crate::codec::Request for WriteTxnMarkersRequest {
    const KEY: crate::api::ApiKey = crate::api::ApiKey::WriteTxnMarkers;
    type Response = WriteTxnMarkersResponse;
}
