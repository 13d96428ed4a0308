//! A small blocking Kafka client: one connection, one request at a time. It runs outside the broker's cores.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of its own process, not the broker's"
)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use bytes::Bytes;
use corelog_wire::{
    Decoder, Message, Request,
    error_code::ErrorCode,
    frame,
    header::ResponseHeader,
    messages::{
        FetchRequest, ListOffsetsRequest, MetadataRequest, MetadataResponse, ProduceRequest,
        fetch::{FetchPartition, FetchTopic, PartitionData},
        list_offsets::{ListOffsetsPartition, ListOffsetsTopic},
        metadata::MetadataRequestTopic,
        produce::{PartitionProduceData, TopicProduceData},
    },
};

/// Longer than any wait the broker is asked for.
const PATIENCE: Duration = Duration::from_secs(40);
/// The longest answer taken.
const LONGEST: usize = 256 << 20;
/// What one fetch asks for at most.
const FETCH_BYTES: i32 = 8 << 20;
/// How long a fetch may wait for records.
const FETCH_WAIT_MS: i32 = 500;

/// A connection to a broker.
pub(super) struct Client {
    stream: TcpStream,
    correlation: i32,
}

impl Client {
    pub(super) fn connect(broker: &str) -> Result<Self, String> {
        let failed =
            |error| format!("no broker at {broker} ({error}): start one with `corelog serve`, or name it by --broker");
        let stream = TcpStream::connect(broker).map_err(failed)?;
        stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE))).map_err(failed)?;
        Ok(Self { stream, correlation: 0 })
    }

    /// Sends a request and waits for its response.
    pub(super) fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, String> {
        self.correlation += 1;
        let bytes = frame::request(version, self.correlation, Some("corelog"), request).map_err(|e| e.to_string())?;
        self.stream.write_all(&bytes).map_err(|error| format!("the broker hung up: {error}"))?;
        let answer = self.receive().map_err(|error| format!("no answer to {}: {error}", R::KEY))?;
        let mut decoder = Decoder::new(&answer);
        let unreadable = |error| format!("unreadable answer to {}: {error}", R::KEY);
        let header = ResponseHeader::decode(R::KEY, version, &mut decoder).map_err(unreadable)?;
        if header.correlation_id != self.correlation {
            return Err(format!("answer {} to request {}", header.correlation_id, self.correlation));
        }
        R::Response::decode(&mut decoder, version).map_err(unreadable)
    }

    fn receive(&mut self) -> Result<Bytes, String> {
        let mut prefix = [0; 4];
        self.stream.read_exact(&mut prefix).map_err(|error| error.to_string())?;
        let length = frame::length(prefix, LONGEST).map_err(|error| error.to_string())?;
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content).map_err(|error| error.to_string())?;
        Ok(content.into())
    }

    /// What the broker says of a topic, or of all.
    pub(super) fn metadata(&mut self, topic: Option<&str>, create: bool) -> Result<MetadataResponse, String> {
        let named =
            |name: &str| MetadataRequestTopic { name: Some(name.to_owned()), ..MetadataRequestTopic::default() };
        let topics = topic.map(|name| vec![named(name)]);
        self.call(12, &MetadataRequest { topics, allow_auto_topic_creation: create, ..MetadataRequest::default() })
    }

    /// Appends a batch; returns its first offset.
    pub(super) fn produce(&mut self, topic: &str, partition: i32, batch: Bytes) -> Result<i64, String> {
        let partition_data = vec![PartitionProduceData { index: partition, records: Some(batch) }];
        let topic_data =
            vec![TopicProduceData { name: topic.to_owned(), partition_data, ..TopicProduceData::default() }];
        let request = ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data, ..ProduceRequest::default() };
        let response = self.call(9, &request)?;
        let told = response.responses.into_iter().flat_map(|topic| topic.partition_responses).next();
        let told = told.ok_or("an answer without the partition")?;
        check(told.error_code, told.error_message.as_deref())?;
        Ok(told.base_offset)
    }

    /// The first (`-2`) or next (`-1`) offset of a partition.
    pub(super) fn offset(&mut self, topic: &str, partition: i32, timestamp: i64) -> Result<i64, String> {
        let asked = ListOffsetsPartition { partition_index: partition, timestamp, ..ListOffsetsPartition::default() };
        let topics = vec![ListOffsetsTopic { name: topic.to_owned(), partitions: vec![asked] }];
        let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
        let told = self.call(7, &request)?.topics.into_iter().flat_map(|topic| topic.partitions).next();
        let told = told.ok_or("an answer without the partition")?;
        check(told.error_code, None)?;
        Ok(told.offset)
    }

    /// What lies at an offset, waiting a little if there is nothing.
    pub(super) fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> Result<PartitionData, String> {
        let asked = FetchPartition {
            partition,
            current_leader_epoch: -1,
            fetch_offset: offset,
            partition_max_bytes: FETCH_BYTES,
            ..FetchPartition::default()
        };
        let topics = vec![FetchTopic { topic: topic.to_owned(), partitions: vec![asked], ..FetchTopic::default() }];
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: FETCH_WAIT_MS,
            min_bytes: 1,
            max_bytes: FETCH_BYTES,
            session_epoch: -1,
            topics,
            ..FetchRequest::default()
        };
        let told = self.call(12, &request)?.responses.into_iter().flat_map(|topic| topic.partitions).next();
        let told = told.ok_or("an answer without the partition")?;
        check(told.error_code, None)?;
        Ok(told)
    }
}

/// An error of the broker as text.
pub(super) fn check(code: i16, message: Option<&str>) -> Result<(), String> {
    match ErrorCode::from_i16(code) {
        Some(ErrorCode::None) => Ok(()),
        Some(error) => Err(message.filter(|text| !text.is_empty()).unwrap_or(error.name()).to_owned()),
        None => Err(format!("error {code}")),
    }
}
