//! A small blocking Kafka client: one connection to one broker. It runs outside the broker's cores.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of its own process, not the broker's"
)]

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use bytes::Bytes;
use corelog_wire::{
    Decoder, Message, Request,
    api::ApiKey,
    frame,
    header::ResponseHeader,
    messages::{
        FetchRequest, FetchResponse, ListOffsetsRequest, ProduceRequest,
        fetch::{FetchPartition, FetchTopic, PartitionData},
        list_offsets::{ListOffsetsPartition, ListOffsetsTopic},
        produce::{PartitionProduceData, TopicProduceData},
    },
};

use super::{
    failure::{Failure, check},
    when::Start,
};

/// What the client calls itself.
const NAME: &str = "corelog";
/// Longer than any wait the broker is asked for, but for joining a group.
const PATIENCE: Duration = Duration::from_secs(40);
/// How often a wait looks whether it should go on.
const GLANCE: Duration = Duration::from_millis(100);
/// The longest answer taken.
const LONGEST: usize = 256 << 20;
/// What one fetch asks for at most, and of one partition.
const FETCH_BYTES: i32 = 8 << 20;
const FETCH_PARTITION_BYTES: i32 = 1 << 20;
/// The version of Fetch that is spoken: the last one that names topics.
const FETCH_VERSION: i16 = 12;

/// How long an answer is awaited.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    pub(super) longest: Duration,
    /// Asked now and then whether to give up.
    pub(super) give_up: fn() -> bool,
}

impl Default for Wait {
    fn default() -> Self {
        Self { longest: PATIENCE, give_up: || false }
    }
}

/// A connection to a broker.
pub(super) struct Client {
    stream: TcpStream,
    correlation: i32,
    /// An answer was lost: nothing that follows can be told apart.
    pub(super) broken: bool,
}

impl Client {
    pub(super) fn connect(broker: &str) -> Result<Self, Failure> {
        let failed = |error| {
            let cure = "start one with `corelog serve`, or name it by --broker";
            Failure::Link(format!("no broker at {broker} ({error}): {cure}"))
        };
        let stream = TcpStream::connect(broker).map_err(failed)?;
        stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(GLANCE))).map_err(failed)?;
        Ok(Self { stream, correlation: 0, broken: false })
    }

    /// Sends a request and waits for its response.
    pub(super) fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response, Failure> {
        self.call_waiting(version, request, Wait::default())
    }

    /// The same with a wait of its own.
    pub(super) fn call_waiting<R: Request>(
        &mut self,
        version: i16,
        request: &R,
        wait: Wait,
    ) -> Result<R::Response, Failure> {
        self.send(version, request)?;
        self.receive(R::KEY, version, wait)
    }

    fn send<R: Request>(&mut self, version: i16, request: &R) -> Result<(), Failure> {
        self.correlation += 1;
        let bytes = frame::request(version, self.correlation, Some(NAME), request).map_err(|e| e.to_string())?;
        self.stream.write_all(&bytes).map_err(|error| {
            self.broken = true;
            Failure::Link(format!("the broker hung up: {error}"))
        })
    }

    fn receive<M: Message>(&mut self, key: ApiKey, version: i16, wait: Wait) -> Result<M, Failure> {
        self.broken = true; // until the answer is there
        let answer = self.receive_frame(wait).map_err(|failure| failure.about(format!("no answer to {key}")))?;
        let mut decoder = Decoder::new(&answer);
        let unreadable = |error| Failure::Told(format!("unreadable answer to {key}: {error}"));
        let header = ResponseHeader::decode(key, version, &mut decoder).map_err(unreadable)?;
        if header.correlation_id != self.correlation {
            return Err(format!("answer {} to request {}", header.correlation_id, self.correlation).into());
        }
        let message = M::decode(&mut decoder, version).map_err(unreadable)?;
        self.broken = false;
        Ok(message)
    }

    fn receive_frame(&mut self, wait: Wait) -> Result<Bytes, Failure> {
        let deadline = Instant::now() + wait.longest;
        let mut prefix = [0; frame::PREFIX];
        self.fill(&mut prefix, deadline, wait.give_up)?;
        let length = frame::length(prefix, LONGEST).map_err(|error| error.to_string())?;
        let mut content = vec![0; length];
        self.fill(&mut content, deadline, wait.give_up)?;
        Ok(content.into())
    }

    fn fill(&mut self, mut rest: &mut [u8], deadline: Instant, give_up: fn() -> bool) -> Result<(), Failure> {
        while !rest.is_empty() {
            match self.stream.read(rest) {
                Ok(0) => return Err(Failure::Link("the broker hung up".into())),
                Ok(read) => rest = &mut rest[read..],
                Err(error) if is_a_pause(error.kind()) => {
                    if give_up() {
                        return Err(Failure::Interrupted);
                    }
                    if Instant::now() > deadline {
                        return Err(Failure::Link("the broker took too long".into()));
                    }
                }
                Err(error) => return Err(Failure::Link(error.to_string())),
            }
        }
        Ok(())
    }

    /// Appends a batch; returns its first offset.
    pub(super) fn produce(&mut self, topic: &str, partition: i32, batch: Bytes) -> Result<i64, Failure> {
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

    /// The first (`-2`) or next (`-1`) offset of a partition, or the first at or after a time; -1 if there is none.
    pub(super) fn offset(&mut self, topic: &str, partition: i32, timestamp: i64) -> Result<i64, Failure> {
        let asked = ListOffsetsPartition { partition_index: partition, timestamp, ..ListOffsetsPartition::default() };
        let topics = vec![ListOffsetsTopic { name: topic.to_owned(), partitions: vec![asked] }];
        let request = ListOffsetsRequest { replica_id: -1, topics, ..ListOffsetsRequest::default() };
        let told = self.call(7, &request)?.topics.into_iter().flat_map(|topic| topic.partitions).next();
        let told = told.ok_or("an answer without the partition")?;
        check(told.error_code, None).map_err(|failure| failure.about(format!("{topic}-{partition}")))?;
        Ok(told.offset)
    }

    /// Where reading from `start` begins: with the next record to come if none is so new.
    pub(super) fn offset_from(&mut self, topic: &str, partition: i32, start: Start) -> Result<i64, Failure> {
        match self.offset(topic, partition, start.timestamp())? {
            -1 => self.offset(topic, partition, Start::Latest.timestamp()),
            offset => Ok(offset),
        }
    }

    /// Asks for what lies at these offsets of partitions, waiting `max_wait` if there is nothing.
    pub(super) fn begin_fetch(&mut self, from: &[((&str, i32), i64)], max_wait: Duration) -> Result<(), Failure> {
        let mut topics: Vec<FetchTopic> = Vec::new();
        for &((topic, partition), fetch_offset) in from {
            if topics.last().is_none_or(|last| last.topic != topic) {
                topics.push(FetchTopic { topic: topic.to_owned(), ..FetchTopic::default() });
            }
            let asked = FetchPartition {
                partition,
                current_leader_epoch: -1,
                fetch_offset,
                partition_max_bytes: FETCH_PARTITION_BYTES,
                ..FetchPartition::default()
            };
            topics.last_mut().expect("just pushed").partitions.push(asked);
        }
        let request = FetchRequest {
            replica_id: -1,
            max_wait_ms: max_wait.as_millis() as i32,
            min_bytes: 1,
            max_bytes: FETCH_BYTES,
            session_epoch: -1,
            topics,
            ..FetchRequest::default()
        };
        self.send(FETCH_VERSION, &request)
    }

    /// The answer to [`Client::begin_fetch`]; each partition with its topic.
    pub(super) fn end_fetch(&mut self) -> Result<Vec<(String, PartitionData)>, Failure> {
        let response: FetchResponse = self.receive(ApiKey::Fetch, FETCH_VERSION, Wait::default())?;
        check(response.error_code, None)?;
        let named = response.responses.into_iter().flat_map(|topic| {
            let name = topic.topic;
            topic.partitions.into_iter().map(move |partition| (name.clone(), partition))
        });
        Ok(named.collect())
    }
}

fn is_a_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
