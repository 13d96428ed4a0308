//! Fetch, versions 4 to 18: reads partitions, waiting for data if there is little. Topics by id from version 13
//! (KIP-516); truncation detection from version 12 (KIP-595); leader hints from version 12, their endpoints from 16
//! (KIP-951).
//!
//! Within a session (KIP-227, [`fetch_session`]) a request names what changed, and so does the answer.
//!
//! Who has exceeded a quota gets an empty response, which counts for nothing, and asks again later (KIP-219).

use std::{rc::Rc, sync::Arc, time::Duration};

use bytes::Bytes;
use corelog_storage::ids::{LeaderEpoch, Offset, PartitionIndex, TopicId};
use corelog_wire::{
    api::ApiKey,
    error_code::ErrorCode,
    fetch::{FetchResponseHead, FetchResponseWriter, FetchView, PartitionAnswer},
    messages::fetch::NodeEndpoint,
    uuid::Uuid,
};

use crate::{
    api::{
        Close, RequestContext, Response,
        fetch_session::{self, Asked},
        session_slot::{Held, SessionSlot},
    },
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    limits,
    metadata::image::{ClusterImage, TopicImage},
    net::complaints::Complaint,
    partition::read::{FetchPart, Fetched},
    quota::core_quotas,
    router::{
        self,
        fetch::{Place, Shares, Terms},
    },
};

/// Reads what is asked, and writes the response as a chain of buffers.
pub(super) async fn answer<E: NetEnv>(
    core: &Rc<Core<E>>,
    slot: &SessionSlot<E>,
    context: RequestContext,
    frame: Bytes,
    position: usize,
) -> Response {
    let request = FetchView::decode(&frame, position, context.api_version)?;
    let mut held = match slot.enter(core, &request) {
        Ok(held) => held,
        Err(fault) => {
            return empty(&context, FetchResponseHead { error_code: fault.code().code(), ..head(&context, 0, 0) });
        }
    };
    let asked = if held.is_none() { fetch_session::asked_by(&request) } else { Vec::new() };
    let (mut fetched, time) = core_quotas::timed(core, read(core, &context, &request, held.as_mut(), &asked)).await;
    let by_time = core_quotas::took(core, &context, time);
    // Names and numbers of partitions are as long in the response as they are in the request, more or less.
    let bytes: usize = fetched.iter().map(|(_, got)| got.bytes()).sum();
    let (by_bytes, given) =
        if by_time > 0 { (0, false) } else { core_quotas::fetched(core, &context, frame.len() + bytes) };
    let throttle_time_ms = by_time.max(by_bytes);
    if !given {
        let id = held.map_or(0, |held| slot.put_back_untold(held, &fetched));
        return empty(&context, head(&context, throttle_time_ms, id));
    }
    count(core, &context, &fetched, bytes);
    let Some(held) = held else {
        fetched.sort_unstable_by_key(|(place, _)| *place);
        let told = asked.into_iter().zip(fetched.into_iter().map(|(_, got)| got));
        return respond(core, &context, head(&context, throttle_time_ms, 0), told.collect());
    };
    let news = held.session.news(&mut fetched);
    let told = fetched.into_iter().zip(&news).filter(|(_, news)| news.told);
    let told = told.filter_map(|((place, got), _)| Some((held.session.asked(place)?, got))).collect();
    let response = respond(core, &context, head(&context, throttle_time_ms, held.session.id()), told);
    slot.put_back(held, &news);
    response
}

/// Waits and reads: of a session what has news, else all that is asked. What went to another core meanwhile is asked for
/// again, there.
async fn read<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: &FetchView,
    mut held: Option<&mut Held<E>>,
    asked: &[Asked<'_>],
) -> Vec<(Place, Fetched)> {
    let most = limits::FETCH_MAX_BYTES.min(core.config.net.fetch_max_bytes as usize);
    let most = most.min(core_quotas::most_to_fetch(core, context));
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let until = core.env.now().after(max_wait);
    let mut terms = Terms {
        max_wait,
        min_bytes: u64::try_from(request.min_bytes).unwrap_or(0).min(most as u64),
        max_bytes: usize::try_from(request.max_bytes).unwrap_or(0).min(most),
    };
    loop {
        let mut once = None;
        let shares = match &mut held {
            Some(held) => {
                ask_changes(core, context, held);
                &mut held.shares
            }
            None => {
                let once = once.insert(Shares::new(core, false));
                ask_all(core, context, asked, once);
                once
            }
        };
        context.traffic.asked(shares.owners());
        let fetched = shares.fetch(terms).await;
        let refused = fetched.iter().filter(|(_, got)| got.is_refused()).map(|(place, _)| *place);
        let went = match (&mut held, &once) {
            (Some(Held { session, shares, .. }), _) => {
                went_elsewhere(core, context, shares, refused.filter_map(|place| Some((place, session.asked(place)?))))
            }
            (None, Some(once)) => {
                let asked = |place: Place| Some((place, asked.get(place.0 as usize)?.clone()));
                went_elsewhere(core, context, once, refused.filter_map(asked))
            }
            (None, None) => false,
        };
        if !went {
            return fetched;
        }
        if let Some(held) = &mut held {
            held.session.untold(&fetched);
        }
        terms.max_wait = until.since(core.env.now());
    }
}

/// Whether some of these, which were refused, are not where they were asked for any more.
fn went_elsewhere<'a, E: NetEnv>(
    core: &Core<E>,
    context: &RequestContext,
    shares: &Shares<E>,
    mut refused: impl Iterator<Item = (Place, Asked<'a>)>,
) -> bool {
    let image = core.image();
    refused.any(|(place, asked)| {
        let found = Finder { core, context, image: &image, last: None }.find(&asked);
        found.is_ok_and(|(owner, part)| !shares.asks(place, owner, part.log))
    })
}

fn ask_all<E: NetEnv>(core: &Core<E>, context: &RequestContext, asked: &[Asked<'_>], shares: &mut Shares<E>) {
    let image = core.image();
    let mut finder = Finder { core, context, image: &image, last: None };
    for (place, asked) in (0..).map(Place).zip(asked) {
        shares.ask(place, finder.find(asked));
    }
}

/// Asks for what a session's request changed, and where the cluster changed.
fn ask_changes<E: NetEnv>(core: &Core<E>, context: &RequestContext, held: &mut Held<E>) {
    let changes = held.session.take_changes();
    let (session, shares) = (&held.session, &mut held.shares);
    changes.forgotten.into_iter().for_each(|place| shares.forget(place));
    let image = core.image();
    let mut finder = Finder { core, context, image: &image, last: None };
    for place in changes.changed {
        if let Some(asked) = session.asked(place) {
            shares.ask(place, finder.find(&asked));
        }
    }
    let known = held.image.replace(image.version());
    if known.is_some_and(|known| known != image.version()) {
        for (place, asked) in session.all() {
            match finder.find(&asked) {
                Ok((owner, part)) if shares.asks(place, owner, part.log) => {}
                found => shares.ask(place, found),
            }
        }
    }
}

/// Counts what is returned and what is refused. The client is told a code only; what is damaged, and what to do, goes to
/// the log.
fn count<E: NetEnv>(core: &Core<E>, context: &RequestContext, fetched: &[(Place, Fetched)], bytes: usize) {
    for fault in fetched.iter().filter_map(|(_, got)| got.fault.as_ref()) {
        core.metrics.refused(ApiKey::Fetch, fault.code());
        if fault.code() == ErrorCode::KafkaStorageError {
            core.complain(Complaint::UnreadableRecords, context.peer, fault);
        }
    }
    core.metrics.count(|counts| counts.fetched_bytes += bytes as u64);
}

/// Finds out who owns what is asked. Remembers the topic: partitions mostly come topic by topic.
struct Finder<'a, E: NetEnv> {
    core: &'a Core<E>,
    context: &'a RequestContext,
    image: &'a ClusterImage,
    last: Option<(&'a str, Uuid, Result<&'a TopicImage, Fault>)>,
}

impl<'a, E: NetEnv> Finder<'a, E> {
    fn find(&mut self, asked: &Asked<'a>) -> Result<(CoreId, FetchPart), Fault> {
        let found = match &self.last {
            Some((name, id, found)) if (*name, *id) == (asked.name, asked.topic_id) => found,
            _ => {
                let found = self.topic(asked);
                &self.last.insert((asked.name, asked.topic_id, found)).2
            }
        };
        let (topic, partition) = (found.clone()?, &asked.partition);
        let index = PartitionIndex(partition.partition);
        let (owner, log) = router::locate(self.core, self.context.listener, topic, index)?;
        let part = FetchPart {
            log,
            offset: Offset(partition.fetch_offset),
            leader_epoch: LeaderEpoch(partition.current_leader_epoch),
            last_fetched_epoch: LeaderEpoch(partition.last_fetched_epoch),
            max_bytes: usize::try_from(partition.partition_max_bytes).unwrap_or(0),
            turn: asked.turn,
        };
        Ok((owner, part))
    }

    fn topic(&self, asked: &Asked<'_>) -> Result<&'a TopicImage, Fault> {
        let id = TopicId(asked.topic_id.0);
        router::find_topic(self.image, self.context.api_version, asked.name, id).map(Arc::as_ref)
    }
}

fn same_topic(a: &Asked<'_>, b: &Asked<'_>) -> bool {
    (a.topic_id, a.name) == (b.topic_id, b.name)
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
        for (place, (asked, got)) in told.by_ref().take(partitions).enumerate() {
            if place == 0 {
                writer.topic(asked.name, asked.topic_id, partitions);
            }
            let index = asked.partition.partition;
            let hint = got.fault.as_ref().and_then(|fault| {
                let id = TopicId(asked.topic_id.0);
                let topic = router::find_topic(&image, context.api_version, asked.name, id).ok()?;
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
