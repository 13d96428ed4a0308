//! AlterClientQuotas, versions 0 and 1: quotas of users, client ids and addresses, set and removed (KIP-546). The controller
//! checks and commits them; the response comes when every core acts by them.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        AlterClientQuotasRequest, AlterClientQuotasResponse,
        alter_client_quotas::{RequestEntryData, ResponseEntityData, ResponseEntryData},
    },
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        call::{MetadataAnswer, MetadataCall, QuotaChange, Refusal},
        quota::QuotaValue,
    },
    router,
};

/// Changes each entity's quotas, or says why not. An entity that is named twice is answered once, as Kafka does: with what
/// became of its last change.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    _: &RequestContext,
    request: AlterClientQuotasRequest,
) -> AlterClientQuotasResponse {
    let changes: Vec<QuotaChange> = request.entries.into_iter().map(change).collect();
    let entities: Vec<_> = changes.iter().map(|change| change.entity.clone()).collect();
    let count = changes.len();
    let answers = match changes.is_empty() {
        true => Vec::new(),
        false => match router::metadata::call(
            core,
            MetadataCall::AlterQuotas { changes, validate_only: request.validate_only },
        )
        .await
        {
            Ok(MetadataAnswer::QuotasAltered(answers)) => answers,
            Ok(MetadataAnswer::Unavailable(refusal)) => vec![Err(refusal); count],
            Ok(_) => vec![Err(Refusal::bare(ErrorCode::UnknownServerError)); count],
            Err(fault) => vec![Err(Refusal::new(fault.code(), fault.to_string())); count],
        },
    };
    let mut entries: Vec<(_, Result<(), Refusal>)> = Vec::with_capacity(count);
    let mut places = std::collections::BTreeMap::new();
    for (entity, answer) in entities.iter().zip(answers) {
        match places.get(&entity) {
            Some(&place) => {
                let (_, first): &mut (_, Result<(), Refusal>) = &mut entries[place];
                *first = answer;
            }
            None => {
                places.insert(entity, entries.len());
                entries.push((entity, answer));
            }
        }
    }
    let entries = entries.into_iter().map(|(entity, answer)| {
        let refusal = answer.err().unwrap_or_else(|| Refusal::bare(ErrorCode::None));
        let part = |(kind, name): (&String, &Option<String>)| ResponseEntityData {
            entity_type: kind.clone(),
            entity_name: name.clone(),
        };
        ResponseEntryData {
            error_code: refusal.code.code(),
            error_message: refusal.message,
            entity: entity.iter().map(part).collect(),
        }
    });
    AlterClientQuotasResponse { entries: entries.collect(), ..AlterClientQuotasResponse::default() }
}

/// Of a type that is named twice the last counts.
fn change(entry: RequestEntryData) -> QuotaChange {
    let entity = entry.entity.into_iter().map(|part| (part.entity_type, part.entity_name));
    let step = |op: corelog_wire::messages::alter_client_quotas::OpData| {
        (op.key, (!op.remove).then(|| QuotaValue::new(op.value)))
    };
    QuotaChange { entity: entity.collect(), steps: entry.ops.into_iter().map(step).collect() }
}
