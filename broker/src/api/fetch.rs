//! Fetch, versions 4 to 18: reads partitions, waiting for data if there is little. Topics by id from version 13
//! (KIP-516); truncation detection from version 12 (KIP-595); leader hints from version 12, their endpoints from 16
//! (KIP-951).
//!
//! Within a session (KIP-227, [`fetch_session`]) a request names what changed, and so does the answer.
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
    api::{
        Close, RequestContext, Response,
        fetch_session::{self, Asked, FetchSession, Held},
    },
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

/// Reads what is asked, and writes the response as a chain of buffers.
pub(super) async fn answer<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: RequestContext,
    frame: Bytes,
    position: usize,
) -> Response {
    let request = FetchView::decode(&frame, position, context.api_version)?;
    let held = match context.session.enter(core, &request) {
        Ok(held) => held,
        Err(fault) => {
            return empty(&context, FetchResponseHead { error_code: fault.code().code(), ..head(&context, 0, 0) });
        }
    };
    let session = held.as_ref().map(Held::session);
    let asked = session.map_or_else(|| fetch_session::asked_by(&request), FetchSession::asked);
    let (fetched, time) = core_quotas::timed(core, read(core, &context, &request, &asked)).await;
    let by_time = core_quotas::took(core, &context, time);
    // Names and numbers of partitions are as long in the response as they are in the request, more or less.
    let bytes: usize = fetched.iter().map(Fetched::bytes).sum();
    let (by_bytes, given) =
        if by_time > 0 { (0, false) } else { core_quotas::fetched(core, &context, frame.len() + bytes) };
    let throttle_time_ms = by_time.max(by_bytes);
    if !given {
        // A session that nothing was told of yet is not begun.
        let id = held.filter(|held| !held.session().is_fresh()).map_or(0, |held| context.session.put_back(held, &[]));
        return empty(&context, head(&context, throttle_time_ms, id));
    }
    count(core, &context, &fetched, bytes);
    let news = session.map(|session| session.news(&fetched)).unwrap_or_default();
    let mut told: Vec<(Asked<'_>, Fetched)> = asked.into_iter().zip(fetched).collect();
    if session.is_some() {
        let mut news = news.iter();
        told.retain(|_| news.next().is_some_and(|news| news.told));
    }
    let response = respond(core, &context, head(&context, throttle_time_ms, session.map_or(0, FetchSession::id)), told);
    if let Some(held) = held {
        context.session.put_back(held, &news);
    }
    response
}

async fn read<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: &FetchView,
    asked: &[Asked<'_>],
) -> Vec<Fetched> {
    let most = limits::FETCH_MAX_BYTES.min(core.config.net.fetch_max_bytes as usize);
    let most = most.min(core_quotas::most_to_fetch(core, context));
    let plan = FetchPlan {
        parts: locate_all(core, context, asked),
        max_wait: Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0)),
        min_bytes: u64::try_from(request.min_bytes).unwrap_or(0).min(most as u64),
        max_bytes: usize::try_from(request.max_bytes).unwrap_or(0).min(most),
    };
    context.traffic.asked(plan.parts.iter().flatten().map(|(owner, _)| *owner));
    router::fetch::fetch(core, plan).await
}

/// Counts what is returned and what is refused. The client is told a code only; what is damaged, and what to do, goes to
/// the log.
fn count<E: NetEnv>(core: &Core<E>, context: &RequestContext, fetched: &[Fetched], bytes: usize) {
    for fault in fetched.iter().filter_map(|got| got.fault.as_ref()) {
        core.metrics.refused(ApiKey::Fetch, fault.code());
        if fault.code() == ErrorCode::KafkaStorageError {
            core.complain(Complaint::UnreadableRecords, context.peer, fault);
        }
    }
    core.metrics.count(|counts| counts.fetched_bytes += bytes as u64);
}

/// Who owns what is asked, and what its owner is asked.
fn locate_all<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    asked: &[Asked<'_>],
) -> Vec<Result<(CoreId, FetchPart), Fault>> {
    let image = core.image();
    let mut parts = Vec::with_capacity(asked.len());
    for topic in asked.chunk_by(same_topic) {
        let found = router::find_topic(&image, context.api_version, topic[0].name, TopicId(topic[0].topic_id.0));
        parts.extend(topic.iter().map(|asked| match &found {
            Ok(found) => locate(core, context, found, &asked.partition),
            Err(fault) => Err(fault.clone()),
        }));
    }
    parts
}

fn same_topic(a: &Asked<'_>, b: &Asked<'_>) -> bool {
    (a.topic_id, a.name) == (b.topic_id, b.name)
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

fn head(context: &RequestContext, throttle_time_ms: i32, session_id: i32) -> FetchResponseHead {
    FetchResponseHead { correlation_id: context.correlation_id, throttle_time_ms, error_code: 0, session_id }
}

/// A response without a topic.
fn empty(context: &RequestContext, head: FetchResponseHead) -> Response {
    finish(FetchResponseWriter::new(context.api_version, head, 0), &[])
}

fn respond<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    head: FetchResponseHead,
    told: Vec<(Asked<'_>, Fetched)>,
) -> Response {
    let image = core.image();
    let same = |a: &(Asked<'_>, Fetched), b: &(Asked<'_>, Fetched)| same_topic(&a.0, &b.0);
    let topics: Vec<usize> = told.chunk_by(same).map(<[_]>::len).collect();
    let mut writer = FetchResponseWriter::new(context.api_version, head, topics.len());
    let mut endpoints: Vec<NodeEndpoint> = Vec::new();
    let mut told = told.into_iter();
    for partitions in topics {
        let mut found = None;
        for (place, (asked, got)) in told.by_ref().take(partitions).enumerate() {
            if place == 0 {
                writer.topic(asked.name, asked.topic_id, partitions);
                found = router::find_topic(&image, context.api_version, asked.name, TopicId(asked.topic_id.0)).ok();
            }
            let index = asked.partition.partition;
            let hint = got.fault.as_ref().zip(found).and_then(|(fault, topic)| {
                router::leader_hint(core, &image, context.listener, topic.log(PartitionIndex(index)), fault)
            });
            let answer = PartitionAnswer {
                high_watermark: got.high_watermark.0,
                last_stable_offset: got.last_stable_offset.0,
                log_start_offset: got.log_start.0,
                diverging_epoch: got.diverging.map(|(epoch, end)| (epoch.0, end.0)),
                current_leader: hint.as_ref().map(|hint| (hint.broker_id, hint.epoch.0)),
                aborted_transactions: unknown(got.fault.as_ref()).then_some(&[]),
                ..PartitionAnswer::error(index, got.fault.as_ref().map_or(0, |fault| fault.code().code()))
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
