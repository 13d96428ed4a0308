//! A connection that asks one thing at a time, and the requests that every run needs.

use crate::error::{Error, Result, accept};
use bytes::Bytes;
use corelog_wire::error_code::ErrorCode;
use corelog_wire::header::ResponseHeader;
use corelog_wire::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest, DescribeGroupsRequest, FetchRequest,
    FetchResponse, FindCoordinatorRequest, ListOffsetsRequest, MetadataRequest, ProduceRequest, ProduceResponse,
    create_partitions, create_topics, fetch, list_offsets, metadata, produce,
};
use corelog_wire::{Decoder, Message, Request, frame};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The versions we speak: the newest that name topics by name, so that they fit every broker of the last years.
pub(crate) const PRODUCE: i16 = 9;
pub(crate) const FETCH: i16 = 12;
const METADATA: i16 = 9;
const LIST_OFFSETS: i16 = 5;
const CREATE_TOPICS: i16 = 5;
const DELETE_TOPICS: i16 = 5;
const CREATE_PARTITIONS: i16 = 2;
/// What ListOffsets takes for the first offset that is there.
const EARLIEST: i64 = -2;
/// Kafka makes fewer than 10,000 records of metadata of one request: a topic gets more partitions in steps.
const PARTITIONS_AT_ONCE: i32 = 5000;
const FIND_COORDINATOR: i16 = 3;
const DESCRIBE_GROUPS: i16 = 5;
const CLIENT_ID: &str = "corelog-bench";
/// The longest answer we take.
pub(crate) const LONGEST_ANSWER: usize = 256 << 20;
const PATIENCE: Duration = Duration::from_secs(30);

/// A blocking connection.
pub(crate) struct Connection {
    stream: TcpStream,
    correlation_id: i32,
}

impl Connection {
    pub(crate) fn open(broker: &str) -> Result<Self> {
        let stream = TcpStream::connect(broker)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, correlation_id: 0 })
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Sends a request and waits for its response.
    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        self.correlation_id += 1;
        self.stream.write_all(&encode(version, self.correlation_id, request)?)?;
        let answer = read_frame(&mut self.stream)?;
        let (correlation_id, response) = decode::<R>(version, &answer)?;
        if correlation_id == self.correlation_id {
            Ok(response)
        } else {
            Err(Error::Broken(format!("response {correlation_id} to request {}", self.correlation_id)))
        }
    }

    /// Makes a topic and waits until each of its partitions answers. It may be there already.
    pub(crate) fn create_topic(&mut self, name: &str, partitions: i32) -> Result<()> {
        self.create_configured(name, partitions, &[]).map(drop)
    }

    /// The same, with configurations of its own; where to connect for it.
    pub(crate) fn create_configured(
        &mut self,
        name: &str,
        partitions: i32,
        configs: &[(String, String)],
    ) -> Result<String> {
        let config = |(name, value): &(String, String)| create_topics::CreatableTopicConfig {
            name: name.clone(),
            value: Some(value.clone()),
        };
        let topic = create_topics::CreatableTopic {
            name: name.into(),
            num_partitions: partitions.min(PARTITIONS_AT_ONCE),
            replication_factor: 1,
            configs: configs.iter().map(config).collect(),
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
        let response = self.call(CREATE_TOPICS, &request)?;
        for topic in response.topics.iter().filter(|t| t.error_code != ErrorCode::TopicAlreadyExists.code()) {
            accept("CreateTopics", topic.error_code)?;
        }
        let mut count = PARTITIONS_AT_ONCE;
        while count < partitions {
            count = (count + PARTITIONS_AT_ONCE).min(partitions);
            self.grow_topic(name, count)?;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(leader) = self.leader(name, partitions)?
                && Self::open(&leader)?.answers(name, partitions)?
            {
                return Ok(leader);
            }
            if Instant::now() > deadline {
                return Err(Error::Broken(format!("topic {name} does not answer after {PATIENCE:?}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Gives a topic that many partitions, unless it has them.
    fn grow_topic(&mut self, name: &str, count: i32) -> Result<()> {
        let topic = create_partitions::CreatePartitionsTopic { name: name.into(), count, ..Default::default() };
        let request = CreatePartitionsRequest { topics: vec![topic], timeout_ms: 30_000, ..Default::default() };
        let response = self.call(CREATE_PARTITIONS, &request)?;
        let has_them = ErrorCode::InvalidPartitions.code();
        let mut codes = response.results.iter().map(|topic| topic.error_code).filter(|code| *code != has_them);
        codes.try_for_each(|code| accept("CreatePartitions", code))
    }

    /// The first offset that is still there.
    pub(crate) fn earliest(&mut self, topic: &str, partition: i32) -> Result<i64> {
        let partition = list_offsets::ListOffsetsPartition {
            partition_index: partition,
            timestamp: EARLIEST,
            ..Default::default()
        };
        let topic = list_offsets::ListOffsetsTopic { name: topic.into(), partitions: vec![partition] };
        let request = ListOffsetsRequest { replica_id: -1, topics: vec![topic], ..Default::default() };
        let response = self.call(LIST_OFFSETS, &request)?;
        let told = response.topics.iter().flat_map(|topic| &topic.partitions).next();
        let told = told.ok_or_else(|| Error::Broken("an answer to nothing".into()))?;
        accept("ListOffsets", told.error_code)?;
        Ok(told.offset)
    }

    pub(crate) fn delete_topic(&mut self, name: &str) -> Result<()> {
        let request = DeleteTopicsRequest { topic_names: vec![name.into()], timeout_ms: 30_000, ..Default::default() };
        let response = self.call(DELETE_TOPICS, &request)?;
        response.responses.iter().try_for_each(|topic| accept("DeleteTopics", topic.error_code))
    }

    /// Waits until the coordinator of `group` serves it.
    pub(crate) fn await_coordinator(&mut self, group: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let find = FindCoordinatorRequest { key: group.into(), ..Default::default() };
        let describe = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
        loop {
            let found = self.call(FIND_COORDINATOR, &find)?.error_code == 0;
            // A group that nobody knows is described as dead: by a coordinator that has loaded.
            if found && self.call(DESCRIBE_GROUPS, &describe)?.groups.iter().all(|group| group.error_code == 0) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(Error::Broken(format!("group {group} has no coordinator after {PATIENCE:?}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Whether each partition can be read: a leader may be known before it knows of it.
    pub(crate) fn answers(&mut self, name: &str, partitions: i32) -> Result<bool> {
        let from: Vec<(i32, i64)> = (0..partitions).map(|partition| (partition, 0)).collect();
        let response = self.call(FETCH, &fetch_request(name, &from, 0, 1 << 10))?;
        Ok(fetched(&response).filter(|p| p.error_code == 0).count() == from.len())
    }

    /// Where to connect for a topic, once each of its partitions has a leader: a broker alone is asked where it was found, of
    /// several the one that leads all of them. More than one we cannot load.
    fn leader(&mut self, name: &str, partitions: i32) -> Result<Option<String>> {
        let topic = metadata::MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
        let response = self.call(METADATA, &request)?;
        let all = response.topics.iter().filter(|t| t.error_code == 0).flat_map(|t| &t.partitions);
        let led: Vec<i32> = all.filter(|p| p.error_code == 0 && p.leader_id >= 0).map(|p| p.leader_id).collect();
        if led.len() < partitions as usize {
            return Ok(None);
        }
        if response.brokers.len() == 1 {
            return Ok(Some(self.stream.peer_addr()?.to_string()));
        }
        if led.iter().any(|leader| *leader != led[0]) {
            return Err(Error::Cannot(format!("topic {name} has several leaders; ask a listener of the whole node")));
        }
        let leader = response.brokers.iter().find(|broker| broker.node_id == led[0]);
        let leader = leader.ok_or_else(|| Error::Broken(format!("topic {name} is led by a broker nobody knows")))?;
        Ok(Some(match leader.host.contains(':') {
            true => format!("[{}]:{}", leader.host, leader.port),
            false => format!("{}:{}", leader.host, leader.port),
        }))
    }
}

/// A request's whole frame.
pub(crate) fn encode<R: Request>(version: i16, correlation_id: i32, request: &R) -> Result<Bytes> {
    Ok(frame::request(version, correlation_id, Some(CLIENT_ID), request)?)
}

/// The response in a frame's content.
pub(crate) fn decode<R: Request>(version: i16, answer: &Bytes) -> Result<(i32, R::Response)> {
    let mut from = Decoder::new(answer);
    let header = ResponseHeader::decode(R::KEY, version, &mut from)?;
    let response = R::Response::decode(&mut from, version)?;
    from.finish()?;
    Ok((header.correlation_id, response))
}

/// The content of the next frame.
pub(crate) fn read_frame(stream: &mut TcpStream) -> Result<Bytes> {
    let mut prefix = [0; frame::PREFIX];
    stream.read_exact(&mut prefix)?;
    let length = frame::length(prefix, LONGEST_ANSWER).map_err(|e| Error::Broken(e.to_string()))?;
    let mut content = vec![0; length];
    stream.read_exact(&mut content)?;
    Ok(content.into())
}

/// A Produce request for one partition, acks all.
pub(crate) fn produce_request(topic: &str, partition: i32, batch: Bytes) -> ProduceRequest {
    produce_many(topic, vec![(partition, batch)])
}

/// A Produce request for some partitions of a topic, acks all.
pub(crate) fn produce_many(topic: &str, batches: Vec<(i32, Bytes)>) -> ProduceRequest {
    let data = |(index, batch)| produce::PartitionProduceData { index, records: Some(batch) };
    let partition_data = batches.into_iter().map(data).collect();
    let topic = produce::TopicProduceData { name: topic.into(), partition_data, ..Default::default() };
    ProduceRequest { acks: -1, timeout_ms: 30_000, topic_data: vec![topic], ..Default::default() }
}

/// Each partition of a Produce response.
pub(crate) fn produced(response: &ProduceResponse) -> impl Iterator<Item = &produce::PartitionProduceResponse> {
    response.responses.iter().flat_map(|topic| &topic.partition_responses)
}

/// A Fetch request: partitions of a topic, each from an offset.
pub(crate) fn fetch_request(topic: &str, from: &[(i32, i64)], max_wait_ms: i32, max_bytes: i32) -> FetchRequest {
    let ask = |&(partition, fetch_offset)| fetch::FetchPartition {
        partition,
        fetch_offset,
        partition_max_bytes: max_bytes,
        ..Default::default()
    };
    let partitions = from.iter().map(ask).collect();
    let topic = fetch::FetchTopic { topic: topic.into(), partitions, ..Default::default() };
    FetchRequest { max_wait_ms, min_bytes: 1, max_bytes, topics: vec![topic], ..Default::default() }
}

/// Each partition of a Fetch response.
pub(crate) fn fetched(response: &FetchResponse) -> impl Iterator<Item = &fetch::PartitionData> {
    response.responses.iter().flat_map(|topic| &topic.partitions)
}

/// A topic's name that no other run has.
pub(crate) fn topic_name(kind: &str) -> String {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("bench-{kind}-{}-{}", since.as_millis(), std::process::id())
}
