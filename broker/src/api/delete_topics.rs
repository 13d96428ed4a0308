//! DeleteTopics, versions 1 to 6: by name, and by topic id from 6 on (KIP-516). It answers when every core has let go of
//! the topic, so a name created again never meets old data.

use std::{collections::BTreeMap, rc::Rc};

use corelog_storage::ids::TopicId;
use corelog_wire::{
    Uuid,
    error_code::ErrorCode,
    messages::{DeleteTopicsRequest, DeleteTopicsResponse, delete_topics::DeletableTopicResult},
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        call::{DeletedTopic, MetadataAnswer, MetadataCall, Refusal, TopicSelector},
        ids::topic_uuid,
        image::ClusterImage,
    },
    router,
};

/// From this version on a client is refused what is beyond its quota of partitions (KIP-599).
const STRICT_SINCE: i16 = 5;

/// Answers per topic asked for, in the order asked.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let asked = asked(request);
    let mut times: BTreeMap<&TopicSelector, usize> = BTreeMap::new();
    for selector in asked.iter().flat_map(|one| &one.selector) {
        *times.entry(selector).or_default() += 1;
    }
    let (mut rows, mut calls) = (Vec::with_capacity(asked.len()), Vec::new());
    for Asked { selector, .. } in &asked {
        let refused = match selector {
            Err(refusal) => Some(refusal.clone()),
            Ok(selector @ TopicSelector::Name(_)) if times[selector] > 1 => {
                Some(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic name."))
            }
            Ok(selector) if times[selector] > 1 => Some(Refusal::new(ErrorCode::InvalidRequest, "Duplicate topic id.")),
            Ok(_) => None,
        };
        if let (None, Ok(selector)) = (&refused, selector) {
            calls.push(selector.clone());
        }
        rows.push(refused);
    }
    let image = core.image();
    let mut outcomes = delete(core, context, calls).await.into_iter();
    let responses = asked
        .into_iter()
        .zip(rows)
        .map(|(one, refused)| {
            let outcome = match refused {
                Some(refusal) => Err(refusal),
                None => outcomes.next().expect("one outcome per topic asked for"),
            };
            row(&image, one, outcome)
        })
        .collect();
    DeleteTopicsResponse { responses, ..DeleteTopicsResponse::default() }
}

/// One topic of a request, as it is named there.
struct Asked {
    name: Option<String>,
    id: Uuid,
    selector: Result<TopicSelector, Refusal>,
}

impl Asked {
    fn new(name: Option<String>, id: Uuid) -> Self {
        let invalid = |what: &str| Err(Refusal::new(ErrorCode::InvalidRequest, what));
        let selector = match &name {
            Some(_) if !id.is_zero() => invalid("You may not specify both topic name and topic id."),
            Some(name) => Ok(TopicSelector::Name(name.clone())),
            None if id.is_zero() => invalid("Neither topic name nor id were specified."),
            None => Ok(TopicSelector::Id(TopicId(id.0))),
        };
        Self { name, id, selector }
    }
}

fn asked(request: DeleteTopicsRequest) -> Vec<Asked> {
    let by_name = request.topic_names.into_iter().map(|name| Asked::new(Some(name), Uuid::ZERO));
    by_name.chain(request.topics.into_iter().map(|topic| Asked::new(topic.name, topic.topic_id))).collect()
}

async fn delete<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    topics: Vec<TopicSelector>,
) -> Vec<Result<DeletedTopic, Refusal>> {
    let count = topics.len();
    if count == 0 {
        return Vec::new();
    }
    match router::metadata::paid(core, context, STRICT_SINCE, MetadataCall::DeleteTopics { topics }).await {
        Ok(MetadataAnswer::TopicsDeleted(outcomes)) => outcomes,
        Ok(MetadataAnswer::Unavailable(refusal)) => vec![Err(refusal); count],
        Ok(_) => unreachable!("the answer to another call"),
        Err(fault) => vec![Err(Refusal::bare(fault.code())); count],
    }
}

fn row(image: &ClusterImage, asked: Asked, outcome: Result<DeletedTopic, Refusal>) -> DeletableTopicResult {
    match outcome {
        Ok(deleted) => DeletableTopicResult {
            name: Some(deleted.name),
            topic_id: topic_uuid(deleted.id),
            error_code: ErrorCode::None.code(),
            error_message: None,
        },
        // As Kafka: what could be deleted but for the client's quota is named in full.
        Err(refusal) if refusal.code == ErrorCode::ThrottlingQuotaExceeded => {
            let found = match &asked.selector {
                Ok(TopicSelector::Name(name)) => image.topic(name),
                Ok(TopicSelector::Id(id)) => image.topic_by_id(*id),
                Err(_) => None,
            };
            DeletableTopicResult {
                name: found.map(|topic| topic.name.to_string()).or(asked.name),
                topic_id: found.map_or(asked.id, |topic| topic_uuid(topic.id)),
                error_code: refusal.code.code(),
                error_message: refusal.message,
            }
        }
        Err(refusal) => DeletableTopicResult {
            name: asked.name,
            topic_id: asked.id,
            error_code: refusal.code.code(),
            error_message: refusal.message,
        },
    }
}
