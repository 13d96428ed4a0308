//! Produce, versions 3 to 13: appends batches to partitions. Topics by id from version 13 (KIP-516); leader hints from
//! version 10 (KIP-951); error messages and the records at fault from version 8 (KIP-467).
//!
//! Begun in the order read; the response is written when every batch is acknowledged as `acks` asks: 1 durable on the
//! leader, -1 committed, 0 no response at all, and the connection is closed on an error. A request counts for its client's
//! quota as it begins: what is pipelined behind the one that exceeds it is not begun.

use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use corelog_storage::{
    error::BatchError,
    ids::{PartitionIndex, TopicId},
};
use corelog_wire::{
    api::ApiKey,
    messages::produce::NodeEndpoint,
    produce::{PartitionOutcome, ProduceResponseWriter, ProduceView},
};

use crate::{
    api::{Begun, Close, RequestContext, Response},
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    limits,
    metadata::image::{ClusterImage, TopicImage},
    net::complaints::Complaint,
    partition::append::{Acks, Records},
    quota::core_quotas,
    router::{
        self, LeaderHint,
        produce::{Begun as Batches, Produced, Routed},
    },
};

/// First version whose batches may be compressed with zstd.
const ZSTD_VERSION: i16 = 7;

/// Appends, or forwards, every batch; what is returned resolves to the response.
pub(super) async fn begin<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: RequestContext,
    frame: &Bytes,
    position: usize,
) -> Result<Begun, Close> {
    let request = ProduceView::decode(frame, position, context.api_version)?;
    let throttle = core_quotas::produced(core, &context, frame.len());
    let (begun, time) = core_quotas::timed(core, begin_batches(core, &context, &request)).await;
    let core = core.clone();
    Ok(Box::pin(async move {
        let (outcomes, more) = core_quotas::timed(&core, begun.finish(&core)).await;
        complain(&core, &context, &outcomes);
        if Acks::from_wire(request.acks) == Some(Acks::None) {
            return unanswered(outcomes);
        }
        let throttle = throttle.max(core_quotas::took(&core, &context, time + more));
        respond(&core, &context, &request, &outcomes, throttle)
    }))
}

async fn begin_batches<E: NetEnv>(core: &Rc<Core<E>>, context: &RequestContext, request: &ProduceView) -> Batches<E> {
    let image = core.image();
    let acks = Acks::from_wire(request.acks);
    let refusal = match acks {
        None => Some(Fault::InvalidAcks),
        Some(_) if request.transactional_id().is_some() => Some(Fault::TransactionsAbsent),
        Some(_) => None,
    };
    let timeout = Duration::from_millis(u64::try_from(request.timeout_ms).unwrap_or(0)).max(limits::PRODUCE_WAIT_MIN);
    let mut batches = Vec::with_capacity(request.topics().len());
    for topic in request.topics() {
        let found = router::find_topic(&image, context.api_version, topic.name, TopicId(topic.topic_id.0));
        for partition in topic.partitions {
            batches.push(match (&refusal, acks, &found) {
                (Some(fault), ..) => Err(fault.clone()),
                (None, Some(acks), Ok(found)) => {
                    route(core, context, found, partition.index, partition.records, acks, timeout)
                }
                (None, _, Err(fault)) => Err(fault.clone()),
                (None, None, _) => Err(Fault::InvalidAcks),
            });
        }
    }
    context.traffic.asked(batches.iter().flatten().map(|(owner, _)| *owner));
    router::produce::begin(core, batches, timeout).await
}

fn route<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    topic: &TopicImage,
    index: i32,
    records: Option<Bytes>,
    acks: Acks,
    timeout: Duration,
) -> Result<(CoreId, Routed), Fault> {
    let (owner, log) = router::locate(core, context.listener, topic, PartitionIndex(index))?;
    let bytes = records.unwrap_or_default();
    let records = Records { bytes, acks, zstd: context.api_version >= ZSTD_VERSION };
    Ok((owner, Routed { log, records, timeout }))
}

/// What is refused is counted; of damaged batches the log tells: somebody's client or network is broken.
fn complain<E: NetEnv>(core: &Core<E>, context: &RequestContext, outcomes: &[Produced]) {
    for fault in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        core.metrics.refused(ApiKey::Produce, fault.code());
        if matches!(fault, Fault::Batch(_)) {
            core.complain(Complaint::BadBatch, context.peer, fault);
        }
    }
}

fn unanswered(outcomes: Vec<Produced>) -> Response {
    match outcomes.into_iter().find_map(Result::err) {
        Some(fault) => Err(Close::UnansweredProduce(fault)),
        None => Ok(None),
    }
}

fn respond<E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    request: &ProduceView,
    outcomes: &[Produced],
    throttle_time_ms: i32,
) -> Response {
    let image = core.image();
    let mut writer = ProduceResponseWriter::new(context.api_version, context.correlation_id, request.topics().len());
    let mut endpoints: Vec<NodeEndpoint> = Vec::new();
    let mut nameable = limits::REFUSED_RECORDS_PER_RESPONSE;
    let mut outcomes = outcomes.iter();
    for topic in request.topics() {
        writer.topic(topic.name, topic.topic_id, topic.partitions.len());
        let found = || router::find_topic(&image, context.api_version, topic.name, TopicId(topic.topic_id.0)).ok();
        for partition in topic.partitions {
            let outcome = outcomes.next().expect("one outcome per batch");
            match outcome {
                Ok(accepted) => writer.partition(&PartitionOutcome {
                    base_offset: accepted.base_offset.0,
                    log_append_time_ms: accepted.log_append_time.map_or(-1, |time| time.0),
                    log_start_offset: accepted.log_start.0,
                    ..PartitionOutcome::error(partition.index, 0)
                }),
                Err(fault) => {
                    let hint = found().and_then(|topic| hint(core, &image, context, topic, partition.index, fault));
                    let message = fault.to_string();
                    let refused = refused_records(fault, &mut nameable);
                    let refused: Vec<_> = refused.iter().map(|(index, why)| (*index, Some(why.as_str()))).collect();
                    writer.partition(&PartitionOutcome {
                        record_errors: &refused,
                        error_message: Some(&message),
                        current_leader: hint.as_ref().map(|hint| (hint.broker_id, hint.epoch.0)),
                        ..PartitionOutcome::error(partition.index, fault.code().code())
                    });
                    endpoints.extend(hint.map(endpoint));
                }
            }
        }
    }
    endpoints.sort_by_key(|endpoint| endpoint.node_id);
    endpoints.dedup_by_key(|endpoint| endpoint.node_id);
    match writer.finish(throttle_time_ms, &endpoints) {
        Ok(frame) => Ok(Some(vec![frame])),
        Err(error) => Err(Close::Unencodable(ApiKey::Produce, error)),
    }
}

/// The records at fault and why, at most `nameable` of them: so many less may be named of the next batch.
fn refused_records(fault: &Fault, nameable: &mut usize) -> Vec<(i32, String)> {
    let Fault::Batch(BatchError::Refused(records)) = fault else { return Vec::new() };
    let named = &records.first[..records.first.len().min(*nameable)];
    *nameable -= named.len();
    named.iter().map(|record| (record.index, record.why.to_string())).collect()
}

fn hint<E: NetEnv>(
    core: &Core<E>,
    image: &ClusterImage,
    context: &RequestContext,
    topic: &TopicImage,
    index: i32,
    fault: &Fault,
) -> Option<LeaderHint> {
    router::leader_hint(core, image, context.listener, topic.log(PartitionIndex(index)), fault)
}

fn endpoint(hint: LeaderHint) -> NodeEndpoint {
    NodeEndpoint {
        node_id: hint.broker_id,
        host: hint.endpoint.host,
        port: i32::from(hint.endpoint.port),
        ..NodeEndpoint::default()
    }
}
