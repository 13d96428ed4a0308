//! Produce (key 0) on the hot path: a request that borrows from its frame, a response written as it is known.
//!
//! Topics and partitions are walked where they lie, records are slices of the frame; nothing is allocated per topic,
//! partition or record. The generated [`crate::messages::ProduceRequest`] serves clients and tests.

use crate::api::ApiKey;
use crate::codec::{DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Message};
use crate::frame;
use crate::header::ResponseHeader;
use crate::messages::{self, produce::NodeEndpoint};
use crate::uuid::Uuid;
use crate::view::{Item, List, Place};
use bytes::Bytes;

/// First version that names topics by id.
pub const TOPIC_ID_VERSION: i16 = 13;
/// First version whose response can name leaders and their endpoints.
pub const LEADER_HINT_VERSION: i16 = 10;

const FIRST: i16 = messages::ProduceRequest::VERSIONS.0;
const LAST: i16 = messages::ProduceRequest::VERSIONS.1;
const FLEXIBLE: i16 = messages::ProduceRequest::FLEXIBLE;

/// A request. All of it was checked when it was decoded, so that walking it cannot fail.
#[derive(Clone, Debug)]
pub struct ProduceView {
    frame: Bytes,
    version: i16,
    transactional_id: Option<(usize, usize)>,
    /// 0: send no response; 1: the leader has it; -1: all in-sync replicas have it. Others are the client's error.
    pub acks: i16,
    /// How long to wait for replicas.
    pub timeout_ms: i32,
    topics: Place,
}

/// One topic of a request.
#[derive(Clone)]
pub struct ProduceTopic<'a> {
    /// Its name, up to version 12.
    pub name: &'a str,
    /// Its id, from version 13.
    pub topic_id: Uuid,
    /// What goes into its partitions.
    pub partitions: List<'a, ProducePartition>,
}

/// What goes into one partition.
#[derive(Clone, Debug)]
pub struct ProducePartition {
    /// Its index.
    pub index: i32,
    /// Record batches, a slice of the frame.
    pub records: Option<Bytes>,
}

impl ProduceView {
    /// Reads the request from `frame`, beginning at `position`, where the header ended.
    pub fn decode(frame: &Bytes, position: usize, version: i16) -> Result<Self, DecodeError> {
        let mut from = Decoder::at(frame, position, version >= FLEXIBLE);
        if !(FIRST..=LAST).contains(&version) {
            return Err(from.error("ProduceRequest", DecodeReason::UnsupportedVersion(version)));
        }
        let transactional_id = from.str_slice("transactional_id")?.map(|id| (from.position() - id.len(), id.len()));
        let acks = from.i16("acks")?;
        let timeout_ms = from.i32("timeout_ms")?;
        let topics = List::<ProduceTopic<'_>>::read(&mut from, version, "topic_data")?.place();
        from.skip_tags()?;
        Ok(Self { frame: frame.clone(), version, transactional_id, acks, timeout_ms, topics })
    }

    /// The request's version.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// The transaction's id, if the producer has one.
    pub fn transactional_id(&self) -> Option<&str> {
        let (start, length) = self.transactional_id?;
        std::str::from_utf8(&self.frame[start..start + length]).ok()
    }

    /// The topics, in the request's order.
    pub fn topics(&self) -> List<'_, ProduceTopic<'_>> {
        List::at(&self.frame, self.topics, self.version, self.version >= FLEXIBLE)
    }
}

impl<'a> Item<'a> for ProduceTopic<'a> {
    fn read(from: &mut Decoder<'a>, version: i16) -> Result<Self, DecodeError> {
        let (mut name, mut topic_id) = ("", Uuid::ZERO);
        if version >= TOPIC_ID_VERSION {
            topic_id = from.uuid("topic_id")?;
        } else {
            name = from.str_slice("name")?.ok_or_else(|| from.error("name", DecodeReason::Null))?;
        }
        let partitions = List::read(from, version, "partition_data")?;
        from.skip_tags()?;
        Ok(Self { name, topic_id, partitions })
    }
}

impl<'a> Item<'a> for ProducePartition {
    fn read(from: &mut Decoder<'a>, _: i16) -> Result<Self, DecodeError> {
        let index = from.i32("index")?;
        let records = from.nullable_bytes(true, "records")?;
        from.skip_tags()?;
        Ok(Self { index, records })
    }
}

/// What became of one partition's batch.
#[derive(Clone, Copy, Debug)]
pub struct PartitionOutcome<'a> {
    /// The partition.
    pub index: i32,
    /// Kafka's error code; 0 for none.
    pub error_code: i16,
    /// The offset of the first record; -1 on an error.
    pub base_offset: i64,
    /// The broker's time, if the topic's timestamps are the broker's; otherwise -1.
    pub log_append_time_ms: i64,
    /// Where the partition's log begins; -1 if unknown.
    pub log_start_offset: i64,
    /// Records at fault and why, by their place in the batch.
    pub record_errors: &'a [(i32, Option<&'a str>)],
    /// Why the batch was refused.
    pub error_message: Option<&'a str>,
    /// The leader's id and epoch, where the client asked the wrong broker.
    pub current_leader: Option<(i32, i32)>,
}

impl PartitionOutcome<'_> {
    /// A refusal.
    pub fn error(index: i32, error_code: i16) -> Self {
        PartitionOutcome {
            index,
            error_code,
            base_offset: -1,
            log_append_time_ms: -1,
            log_start_offset: -1,
            record_errors: &[],
            error_message: None,
            current_leader: None,
        }
    }
}

/// Writes a response's frame: topics, their partitions, the end. The counts must be true: partitions that are
/// missing or too many would make the client misread what follows, so that is asserted.
pub struct ProduceResponseWriter {
    to: Encoder,
    version: i16,
    topics: usize,
    partitions: usize,
}

impl ProduceResponseWriter {
    /// Begins the frame of a response with so many topics.
    pub fn new(version: i16, correlation_id: i32, topics: usize) -> Self {
        let mut to = frame::begin(64 + 64 * topics);
        ResponseHeader { correlation_id }.encode(ApiKey::Produce, version, &mut to);
        to.set_flexible(version >= FLEXIBLE);
        to.count(topics, "responses");
        Self { to, version, topics, partitions: 0 }
    }

    /// Begins a topic, by the name or the id that the request gave, with so many partitions.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partitions: usize) {
        assert!(self.partitions == 0 && self.topics > 0, "the response has another topic's partitions to come");
        self.topics -= 1;
        self.partitions = partitions;
        if self.version >= TOPIC_ID_VERSION {
            self.to.uuid(topic_id);
        } else {
            self.to.string(name, "name");
        }
        self.to.count(partitions, "partition_responses");
        self.end_topic();
    }

    /// Adds a partition to the topic.
    pub fn partition(&mut self, outcome: &PartitionOutcome<'_>) {
        assert!(self.partitions > 0, "the topic has no such partition");
        self.partitions -= 1;
        let to = &mut self.to;
        to.i32(outcome.index);
        to.i16(outcome.error_code);
        to.i64(outcome.base_offset);
        to.i64(outcome.log_append_time_ms);
        if self.version >= 5 {
            to.i64(outcome.log_start_offset);
        }
        if self.version >= 8 {
            to.count(outcome.record_errors.len(), "record_errors");
            for (batch_index, message) in outcome.record_errors {
                to.i32(*batch_index);
                to.nullable_string(true, *message, "batch_index_error_message");
                to.no_tags();
            }
            to.nullable_string(true, outcome.error_message, "error_message");
        }
        let tags = to.tags();
        if let Some((leader_id, leader_epoch)) = outcome.current_leader
            && self.version >= LEADER_HINT_VERSION
        {
            let tag = to.begin_tag(tags, 0);
            to.i32(leader_id);
            to.i32(leader_epoch);
            to.no_tags();
            to.end_tag(tag);
        }
        self.end_topic();
    }

    fn end_topic(&mut self) {
        if self.partitions == 0 {
            self.to.no_tags();
        }
    }

    /// Ends the response; `endpoints` are those of the leaders it named.
    pub fn finish(mut self, throttle_time_ms: i32, endpoints: &[NodeEndpoint]) -> Result<Bytes, EncodeError> {
        assert!(self.partitions == 0 && self.topics == 0, "the response lacks topics or partitions");
        self.to.i32(throttle_time_ms);
        let tags = self.to.tags();
        if !endpoints.is_empty() && self.version >= LEADER_HINT_VERSION {
            let tag = self.to.begin_tag(tags, 0);
            self.to.array(endpoints, self.version, "node_endpoints");
            self.to.end_tag(tag);
        }
        frame::end(self.to, 0).map(Bytes::from)
    }
}
