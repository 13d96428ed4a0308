//! Fetch, versions 4 to 18: reads partitions, waiting for data if there is little. Topics by id from version 13
//! (KIP-516); truncation detection from version 12 (KIP-595); leader hints from version 12, their endpoints from 16
//! (KIP-951).
//!
//! Sessions (KIP-227) are not kept: a request for a new one is answered in full with session id 0, which tells the
//! client that there is none; a request within a session gets FETCH_SESSION_ID_NOT_FOUND, and the client starts over.
//!
//! Who has exceeded a quota gets an empty response, which counts for nothing, and asks again later (KIP-219).

use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use corelog_storage::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use corelog_wire::{
    api::ApiKey,
    error_code::ErrorCode,
    fetch::{FetchPartition, FetchResponseHead, FetchResponseWriter, FetchView, PartitionAnswer},
    messages::fetch::NodeEndpoint,
};

use crate::{
    api::{Close, RequestContext, Response},
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    limits,
    metadata::image::TopicImage,
    net::complaints::Complaint,
    partition::read::{FetchPart, Fetched},
    quota::core_quotas,
    router::{self, fetch::FetchPlan},
};

/// Session epoch of a request that ends its session, or wants none.
const FINAL_EPOCH: i32 = -1;
/// Session epoch of a request for a new session.
const INITIAL_EPOCH: i32 = 0;

/// Reads what is asked, and writes the response as a chain of buffers.
pub(super) async fn answer<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: RequestContext,
    frame: Bytes,
    position: usize,
) -> Response {
    let request = FetchView::decode(&frame, position, context.api_version)?;
    if let Some(fault) = session_fault(&request) {
        return empty(&context, FetchResponseHead { error_code: fault.code().code(), ..head(&context, 0) });
    }
    let (fetched, time) = core_quotas::timed(core, read(core, &context, &request)).await;
    let by_time = core_quotas::took(core, &context, time);
    // Names and numbers of partitions are as long in the response as they are in the request, more or less.
    let size = frame.len() + fetched.iter().flat_map(|got| &got.records).map(Bytes::len).sum::<usize>();
    let (by_bytes, given) = if by_time > 0 { (0, false) } else { core_quotas::fetched(core, &context, size) };
    let throttle_time_ms = by_time.max(by_bytes);
    if !given {
        return empty(&context, head(&context, throttle_time_ms));
    }
    count(core, &context, &fetched);
    respond(core, &context, &request, fetched, throttle_time_ms)
}

async fn read<E: NetEnv>(core: &Rc<Core<E>>, context: &RequestContext, request: &FetchView) -> Vec<Fetched> {
    let image = core.image();
    let mut parts = Vec::new();
    for topic in request.topics() {
        let found = router::find_topic(&image, topic.name, TopicId(topic.topic_id.0));
        for partition in topic.partitions {
            parts.push(match &found {
                Ok(found) => locate(core, context, found, &partition),
                Err(fault) => Err(fault.clone()),
            });
        }
    }
    context.traffic.asked(parts.iter().flatten().map(|(owner, _)| *owner));
    let most = limits::FETCH_MAX_BYTES.min(core.config.net.fetch_max_bytes as usize);
    let most = most.min(core_quotas::most_to_fetch(core, context));
    let plan = FetchPlan {
        parts,
        max_wait: Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
        min_bytes: u64::try_from(request.min_bytes).unwrap_or(0).min(most as u64),
        max_bytes: usize::try_from(request.max_bytes).unwrap_or(0).min(most),
    };
    router::fetch::fetch(core, plan).await
}

/// Counts what is returned and what is refused. The client is told a code only; what is damaged, and what to do, goes to
/// the log.
fn count<E: NetEnv>(core: &Core<E>, context: &RequestContext, fetched: &[Fetched]) {
    for fault in fetched.iter().filter_map(|got| got.fault.as_ref()) {
        core.metrics.refused(ApiKey::Fetch, fault.code());
        if fault.code() == ErrorCode::KafkaStorageError {
            core.complain(Complaint::UnreadableRecords, context.peer, fault);
        }
    }
    let bytes: usize = fetched.iter().flat_map(|got| &got.records).map(Bytes::len).sum();
    core.metrics.count(|counts| counts.fetched_bytes += bytes as u64);
}

fn session_fault(request: &FetchView) -> Option<Fault> {
    match (request.session_id, request.session_epoch) {
        (_, FINAL_EPOCH) | (0, INITIAL_EPOCH) => None,
        _ => Some(Fault::FetchSessionUnknown),
    }
}

fn locate<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    topic: &TopicImage,
    partition: &FetchPartition,
) -> Result<(CoreId, FetchPart), Fault> {
    let (owner, log) = router::locate(core, context.listener, topic, PartitionIndex(partition.partition))?;
    let part = FetchPart {
        log,
        offset: Offset(partition.fetch_offset),
        leader_epoch: LeaderEpoch(partition.current_leader_epoch),
        last_fetched_epoch: LeaderEpoch(partition.last_fetched_epoch),
        max_bytes: usize::try_from(partition.partition_max_bytes).unwrap_or(0),
    };
    Ok((owner, part))
}

fn head(context: &RequestContext, throttle_time_ms: i32) -> FetchResponseHead {
    FetchResponseHead { correlation_id: context.correlation_id, throttle_time_ms, error_code: 0, session_id: 0 }
}

/// A response without a topic.
fn empty(context: &RequestContext, head: FetchResponseHead) -> Response {
    finish(FetchResponseWriter::new(context.api_version, head, 0), &[])
}

fn respond<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    request: &FetchView,
    fetched: Vec<Fetched>,
    throttle_time_ms: i32,
) -> Response {
    let image = core.image();
    let head = head(context, throttle_time_ms);
    let mut writer = FetchResponseWriter::new(context.api_version, head, request.topics().count());
    let mut endpoints: Vec<NodeEndpoint> = Vec::new();
    let mut fetched = fetched.into_iter();
    for topic in request.topics() {
        writer.topic(topic.name, topic.topic_id, topic.partitions.clone().count());
        let found = router::find_topic(&image, topic.name, TopicId(topic.topic_id.0)).ok();
        for partition in topic.partitions {
            let got = fetched.next().expect("one outcome per partition");
            let hint = got.fault.as_ref().zip(found).and_then(|(fault, topic)| {
                let log = topic.log(PartitionIndex(partition.partition));
                router::leader_hint(core, &image, context.listener, log, fault)
            });
            let answer = PartitionAnswer {
                high_watermark: got.high_watermark.0,
                last_stable_offset: got.last_stable_offset.0,
                log_start_offset: got.log_start.0,
                diverging_epoch: got.diverging.map(|(epoch, end)| (epoch.0, end.0)),
                current_leader: hint.as_ref().map(|hint| (hint.broker_id, hint.epoch.0)),
                aborted_transactions: unknown(got.fault.as_ref()).then_some(&[]),
                ..PartitionAnswer::error(partition.partition, got.fault.as_ref().map_or(0, |fault| fault.code().code()))
            };
            writer.partition(&answer, got.records);
            endpoints.extend(hint.map(|hint| NodeEndpoint {
                node_id: hint.broker_id,
                host: hint.endpoint.host,
                port: i32::from(hint.endpoint.port),
                ..NodeEndpoint::default()
            }));
        }
    }
    endpoints.sort_by_key(|endpoint| endpoint.node_id);
    endpoints.dedup_by_key(|endpoint| endpoint.node_id);
    finish(writer, &endpoints)
}

/// Where there is no such partition Kafka lists no aborted transactions, instead of having no list.
fn unknown(fault: Option<&Fault>) -> bool {
    matches!(fault, Some(Fault::UnknownTopicOrPartition | Fault::UnknownTopicId))
}

fn finish(writer: FetchResponseWriter, endpoints: &[NodeEndpoint]) -> Response {
    match writer.finish(endpoints) {
        Ok(chain) => Ok(Some(chain)),
        Err(error) => Err(Close::Unencodable(ApiKey::Fetch, error)),
    }
}
