//! Fetch (key 1) on the hot path: a request that borrows from its frame, a response of slices.
//!
//! Topics and partitions are walked where they lie. A response's frame is a chain of buffers: everything but records
//! in one buffer, cut where records go, and the records as they came from the log, uncopied. The generated
//! [`crate::messages::FetchRequest`] serves clients, followers and tests.

use crate::api::ApiKey;
use crate::codec::{DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Fields, Message};
use crate::frame;
use crate::header::ResponseHeader;
use crate::messages::{self, fetch::NodeEndpoint};
use crate::uuid::Uuid;
use crate::view::{Item, List, Place};
use bytes::Bytes;

/// First version that names topics by id.
pub const TOPIC_ID_VERSION: i16 = 13;
/// First version with sessions.
pub const SESSION_VERSION: i16 = 7;
/// First version whose response can name the leader of a partition.
pub const LEADER_HINT_VERSION: i16 = 12;
/// First version whose response can name the leaders' endpoints.
pub const ENDPOINT_VERSION: i16 = 16;

const FIRST: i16 = messages::FetchRequest::VERSIONS.0;
const LAST: i16 = messages::FetchRequest::VERSIONS.1;
const FLEXIBLE: i16 = messages::FetchRequest::FLEXIBLE;

/// A request. All of it was checked when it was decoded, so that walking it cannot fail.
#[derive(Clone, Debug)]
pub struct FetchView {
    frame: Bytes,
    version: i16,
    /// The cluster the client believes to talk to, from version 12.
    pub cluster_id: Option<String>,
    /// The follower's id; -1 for a consumer.
    pub replica_id: i32,
    /// The follower's epoch, from version 15; -1 for a consumer.
    pub replica_epoch: i64,
    /// How long to wait for `min_bytes`.
    pub max_wait_ms: i32,
    /// Enough to answer at once.
    pub min_bytes: i32,
    /// The most that the response may hold, but for one batch.
    pub max_bytes: i32,
    /// 0: read uncommitted; 1: read committed.
    pub isolation_level: i8,
    /// The session's id; 0 for none.
    pub session_id: i32,
    /// The session's epoch; -1 ends it, 0 begins one.
    pub session_epoch: i32,
    /// Where the client is, from version 11.
    pub rack_id: String,
    topics: Place,
    forgotten: Option<Place>,
}

/// One topic of a request.
#[derive(Clone)]
pub struct FetchTopic<'a> {
    /// Its name, up to version 12.
    pub name: &'a str,
    /// Its id, from version 13.
    pub topic_id: Uuid,
    /// What is asked of its partitions.
    pub partitions: List<'a, FetchPartition>,
}

/// What is asked of one partition: the generated structure, which owns nothing.
pub type FetchPartition = messages::fetch::FetchPartition;

/// Partitions that leave the session.
#[derive(Clone)]
pub struct ForgottenTopic<'a> {
    /// Its name, up to version 12.
    pub name: &'a str,
    /// Its id, from version 13.
    pub topic_id: Uuid,
    /// The partitions' indexes.
    pub partitions: List<'a, i32>,
}

impl FetchView {
    /// Reads the request from `frame`, beginning at `position`, where the header ended.
    pub fn decode(frame: &Bytes, position: usize, version: i16) -> Result<Self, DecodeError> {
        let mut from = Decoder::at(frame, position, version >= FLEXIBLE);
        if !(FIRST..=LAST).contains(&version) {
            return Err(from.error("FetchRequest", DecodeReason::UnsupportedVersion(version)));
        }
        let replica_id = if version <= 14 { from.i32("replica_id")? } else { -1 };
        let mut request = Self {
            frame: frame.clone(),
            version,
            cluster_id: None,
            replica_id,
            replica_epoch: -1,
            max_wait_ms: from.i32("max_wait_ms")?,
            min_bytes: from.i32("min_bytes")?,
            max_bytes: from.i32("max_bytes")?,
            isolation_level: from.i8("isolation_level")?,
            session_id: if version >= SESSION_VERSION { from.i32("session_id")? } else { 0 },
            session_epoch: if version >= SESSION_VERSION { from.i32("session_epoch")? } else { -1 },
            rack_id: String::new(),
            topics: List::<FetchTopic<'_>>::read(&mut from, version, "topics")?.place(),
            forgotten: None,
        };
        if version >= SESSION_VERSION {
            let forgotten = List::<ForgottenTopic<'_>>::read(&mut from, version, "forgotten_topics_data")?;
            request.forgotten = Some(forgotten.place());
        }
        if version >= 11 {
            request.rack_id = from.string("rack_id")?;
        }
        request.read_tags(&mut from)?;
        Ok(request)
    }

    fn read_tags(&mut self, from: &mut Decoder<'_>) -> Result<(), DecodeError> {
        let mut tags = from.tags()?;
        while let Some(tag) = from.next_tag(&mut tags)? {
            match tag {
                0 => self.cluster_id = from.nullable_string(true, "cluster_id")?,
                1 if self.version >= 15 => {
                    let mut replica = messages::fetch::ReplicaState::default();
                    replica.read(from, self.version)?;
                    (self.replica_id, self.replica_epoch) = (replica.replica_id, replica.replica_epoch);
                }
                _ => from.skip_tag(&tags),
            }
        }
        Ok(())
    }

    /// The request's version.
    pub fn version(&self) -> i16 {
        self.version
    }

    /// The topics, in the request's order.
    pub fn topics(&self) -> List<'_, FetchTopic<'_>> {
        List::at(&self.frame, self.topics, self.version, self.version >= FLEXIBLE)
    }

    /// The partitions that leave the session.
    pub fn forgotten(&self) -> impl Iterator<Item = ForgottenTopic<'_>> {
        let list = |place| List::at(&self.frame, place, self.version, self.version >= FLEXIBLE);
        self.forgotten.map(list).into_iter().flatten()
    }
}

fn read_topic<'a>(from: &mut Decoder<'a>, version: i16) -> Result<(&'a str, Uuid), DecodeError> {
    if version >= TOPIC_ID_VERSION {
        Ok(("", from.uuid("topic_id")?))
    } else {
        let name = from.str_slice("topic")?.ok_or_else(|| from.error("topic", DecodeReason::Null))?;
        Ok((name, Uuid::ZERO))
    }
}

impl<'a> Item<'a> for FetchTopic<'a> {
    fn read(from: &mut Decoder<'a>, version: i16) -> Result<Self, DecodeError> {
        let (name, topic_id) = read_topic(from, version)?;
        let partitions = List::read(from, version, "partitions")?;
        from.skip_tags()?;
        Ok(Self { name, topic_id, partitions })
    }
}

impl<'a> Item<'a> for ForgottenTopic<'a> {
    fn read(from: &mut Decoder<'a>, version: i16) -> Result<Self, DecodeError> {
        let (name, topic_id) = read_topic(from, version)?;
        let partitions = List::read(from, version, "partitions")?;
        from.skip_tags()?;
        Ok(Self { name, topic_id, partitions })
    }
}

impl<'a> Item<'a> for FetchPartition {
    fn read(from: &mut Decoder<'a>, version: i16) -> Result<Self, DecodeError> {
        let mut partition = FetchPartition::default();
        Fields::read(&mut partition, from, version)?;
        Ok(partition)
    }
}

/// What one partition answers, its records apart.
#[derive(Clone, Copy, Debug)]
pub struct PartitionAnswer<'a> {
    /// The partition.
    pub index: i32,
    /// Kafka's error code; 0 for none.
    pub error_code: i16,
    /// The high watermark; -1 on an error.
    pub high_watermark: i64,
    /// The last stable offset; -1 if unknown.
    pub last_stable_offset: i64,
    /// Where the log begins; -1 if unknown.
    pub log_start_offset: i64,
    /// Where the reader's log and this one part: epoch and end offset.
    pub diverging_epoch: Option<(i32, i64)>,
    /// The leader's id and epoch, where the client asked the wrong broker.
    pub current_leader: Option<(i32, i32)>,
    /// Transactions that were aborted within the records: producer id and first offset. None for who reads
    /// uncommitted records.
    pub aborted_transactions: Option<&'a [(i64, i64)]>,
    /// A better replica to read from; -1 for none.
    pub preferred_read_replica: i32,
}

impl PartitionAnswer<'_> {
    /// A refusal.
    pub fn error(index: i32, error_code: i16) -> Self {
        PartitionAnswer {
            index,
            error_code,
            high_watermark: -1,
            last_stable_offset: -1,
            log_start_offset: -1,
            diverging_epoch: None,
            current_leader: None,
            aborted_transactions: None,
            preferred_read_replica: -1,
        }
    }
}

/// What stands at the head of a response.
#[derive(Clone, Copy, Debug, Default)]
pub struct FetchResponseHead {
    /// The request's.
    pub correlation_id: i32,
    /// How long the client shall keep still.
    pub throttle_time_ms: i32,
    /// An error of the whole request, from version 7.
    pub error_code: i16,
    /// The session's id; 0 for none.
    pub session_id: i32,
}

/// Writes a response's frame: topics, their partitions, the end. The counts must be true, which is asserted: a
/// missing partition would make the client misread what follows.
pub struct FetchResponseWriter {
    to: Encoder,
    version: i16,
    topics: usize,
    partitions: usize,
    /// Records, each with its place in what the encoder holds.
    records: Vec<(usize, Bytes)>,
    records_length: usize,
}

impl FetchResponseWriter {
    /// Begins the frame of a response with so many topics.
    pub fn new(version: i16, head: FetchResponseHead, topics: usize) -> Self {
        let mut to = frame::begin(64 + 96 * topics);
        ResponseHeader { correlation_id: head.correlation_id }.encode(ApiKey::Fetch, version, &mut to);
        to.set_flexible(version >= FLEXIBLE);
        to.i32(head.throttle_time_ms);
        if version >= SESSION_VERSION {
            to.i16(head.error_code);
            to.i32(head.session_id);
        }
        to.count(topics, "responses");
        Self { to, version, topics, partitions: 0, records: Vec::new(), records_length: 0 }
    }

    /// Begins a topic, by the name or the id that the request gave, with so many partitions.
    pub fn topic(&mut self, name: &str, topic_id: Uuid, partitions: usize) {
        assert!(self.partitions == 0 && self.topics > 0, "the response has another topic's partitions to come");
        self.topics -= 1;
        self.partitions = partitions;
        if self.version >= TOPIC_ID_VERSION {
            self.to.uuid(topic_id);
        } else {
            self.to.string(name, "topic");
        }
        self.to.count(partitions, "partitions");
        self.end_topic();
    }

    /// Adds a partition to the topic, with its records in as many pieces as they come.
    pub fn partition(&mut self, answer: &PartitionAnswer<'_>, records: impl IntoIterator<Item = Bytes>) {
        assert!(self.partitions > 0, "the topic has no such partition");
        self.partitions -= 1;
        let to = &mut self.to;
        to.i32(answer.index);
        to.i16(answer.error_code);
        to.i64(answer.high_watermark);
        to.i64(answer.last_stable_offset);
        if self.version >= 5 {
            to.i64(answer.log_start_offset);
        }
        match answer.aborted_transactions {
            None => to.bytes_length(None, "aborted_transactions"),
            Some(aborted) => {
                to.count(aborted.len(), "aborted_transactions");
                for (producer_id, first_offset) in aborted {
                    to.i64(*producer_id);
                    to.i64(*first_offset);
                    to.no_tags();
                }
            }
        }
        if self.version >= 11 {
            to.i32(answer.preferred_read_replica);
        }
        self.records(records);
        self.partition_tags(answer);
        self.end_topic();
    }

    fn records(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        let first = self.records.len();
        self.records.extend(pieces.into_iter().filter(|piece| !piece.is_empty()).map(|piece| (0, piece)));
        let length = self.records[first..].iter().map(|(_, piece)| piece.len()).sum();
        self.to.bytes_length(Some(length), "records");
        self.records_length += length;
        for (place, _) in &mut self.records[first..] {
            *place = self.to.len();
        }
    }

    fn partition_tags(&mut self, answer: &PartitionAnswer<'_>) {
        let to = &mut self.to;
        let tags = to.tags();
        if self.version < LEADER_HINT_VERSION {
            return;
        }
        if let Some((epoch, end_offset)) = answer.diverging_epoch {
            let tag = to.begin_tag(tags, 0);
            to.i32(epoch);
            to.i64(end_offset);
            to.no_tags();
            to.end_tag(tag);
        }
        if let Some((leader_id, leader_epoch)) = answer.current_leader {
            let tag = to.begin_tag(tags, 1);
            to.i32(leader_id);
            to.i32(leader_epoch);
            to.no_tags();
            to.end_tag(tag);
        }
    }

    fn end_topic(&mut self) {
        if self.partitions == 0 {
            self.to.no_tags();
        }
    }

    /// Ends the response; `endpoints` are those of the leaders it named. The frame is the chain's buffers, in order.
    pub fn finish(mut self, endpoints: &[NodeEndpoint]) -> Result<Vec<Bytes>, EncodeError> {
        assert!(self.partitions == 0 && self.topics == 0, "the response lacks topics or partitions");
        let tags = self.to.tags();
        if !endpoints.is_empty() && self.version >= ENDPOINT_VERSION {
            let tag = self.to.begin_tag(tags, 0);
            self.to.array(endpoints, self.version, "node_endpoints");
            self.to.end_tag(tag);
        }
        let between = Bytes::from(frame::end(self.to, self.records_length)?);
        let mut chain = Vec::with_capacity(2 * self.records.len() + 1);
        let mut done = 0;
        for (place, records) in self.records {
            if place > done {
                chain.push(between.slice(done..place));
                done = place;
            }
            chain.push(records);
        }
        if done < between.len() {
            chain.push(between.slice(done..));
        }
        Ok(chain)
    }
}
