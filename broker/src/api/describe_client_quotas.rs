//! DescribeClientQuotas, versions 0 and 1: the quotas that a filter matches, and with `strict` only those of entities that
//! consist of nothing but what the filter names (KIP-546).

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{
        DescribeClientQuotasRequest, DescribeClientQuotasResponse,
        describe_client_quotas::{ComponentData, EntityData, EntryData, ValueData},
    },
};

use crate::{
    api::RequestContext,
    core::env::NetEnv,
    core_state::Core,
    metadata::{
        call::Refusal,
        quota::{QuotaEntity, QuotaEntityKind, QuotaName},
    },
};

const EXACT: i8 = 0;
const DEFAULT: i8 = 1;
const ANY: i8 = 2;

/// What a component of the filter asks of an entity.
struct Component {
    kind: QuotaEntityKind,
    /// `None`: any name.
    name: Option<QuotaName>,
}

/// Answers from this core's image.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    _: &RequestContext,
    request: DescribeClientQuotasRequest,
) -> DescribeClientQuotasResponse {
    let components = match components(request.components) {
        Ok(components) => components,
        Err(refusal) => {
            return DescribeClientQuotasResponse {
                error_code: refusal.code.code(),
                error_message: refusal.message,
                entries: None,
                ..DescribeClientQuotasResponse::default()
            };
        }
    };
    let image = core.image();
    let found = image.quotas().iter().filter(|(entity, _)| matches(&components, request.strict, entity));
    let entries = found.map(|(entity, values)| EntryData {
        entity: entity
            .parts()
            .map(|(kind, name)| EntityData { entity_type: kind.name().to_owned(), entity_name: name.to_wire() })
            .collect(),
        values: values
            .iter()
            .map(|(key, value)| ValueData { key: key.name().to_owned(), value: value.get() })
            .collect(),
    });
    DescribeClientQuotasResponse {
        error_message: Some(String::new()),
        entries: Some(entries.collect()),
        ..DescribeClientQuotasResponse::default()
    }
}

fn matches(components: &[Component], strict: bool, entity: &QuotaEntity) -> bool {
    let one = |component: &Component| {
        let part = entity.part(component.kind);
        part.is_some_and(|part| component.name.as_ref().is_none_or(|name| name == part))
    };
    components.iter().all(one) && (!strict || entity.parts().count() == components.len())
}

fn components(asked: Vec<ComponentData>) -> Result<Vec<Component>, Refusal> {
    let mut components: Vec<Component> = Vec::new();
    for ComponentData { entity_type, match_type, match_text } in asked {
        let kind = QuotaEntityKind::of(&entity_type);
        if entity_type.is_empty() {
            return Err(invalid("Invalid empty entity type."));
        }
        if components.iter().any(|other| Some(other.kind) == kind) {
            return Err(invalid(format!("Entity type {entity_type} cannot appear more than once in the filter.")));
        }
        let unsupported =
            || Refusal::new(ErrorCode::UnsupportedVersion, format!("Unsupported entity type {entity_type}"));
        let name = match (match_type, match_text) {
            _ if kind.is_none() => return Err(unsupported()),
            (EXACT, Some(name)) => Some(QuotaName::Named(name)),
            (EXACT, None) => {
                return Err(invalid("Request specified MATCH_TYPE_EXACT, but set match string to null."));
            }
            (DEFAULT, None) => Some(QuotaName::Default),
            (ANY, None) => None,
            (DEFAULT, Some(_)) => {
                return Err(invalid("Request specified MATCH_TYPE_DEFAULT, but also specified a match string."));
            }
            (ANY, Some(_)) => {
                return Err(invalid("Request specified MATCH_TYPE_SPECIFIED, but also specified a match string."));
            }
            (other, _) => return Err(invalid(format!("Unknown match type {other}"))),
        };
        components.push(Component { kind: kind.ok_or_else(unsupported)?, name });
    }
    let has = |kind| components.iter().any(|component| component.kind == kind);
    if has(QuotaEntityKind::Ip) && (has(QuotaEntityKind::User) || has(QuotaEntityKind::ClientId)) {
        return Err(invalid(
            "Invalid entity filter component combination. IP filter component should not be used with user or clientId \
             filter component.",
        ));
    }
    Ok(components)
}

fn invalid(what: impl Into<String>) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}
