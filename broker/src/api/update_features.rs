//! UpdateFeatures, versions 0 to 2: raises or lowers what the cluster's nodes agree on (KIP-584). No feature has levels
//! here yet: each update is refused, and with it the request as a whole, as Kafka does.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{UpdateFeaturesRequest, UpdateFeaturesResponse},
};

use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, metadata::call::Refusal};

/// Upgrade, safe downgrade, unsafe downgrade.
const UPGRADE_TYPES: std::ops::RangeInclusive<i8> = 1..=3;

/// Refuses what it is asked.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    request: UpdateFeaturesRequest,
) -> UpdateFeaturesResponse {
    let none = UpdateFeaturesResponse { error_message: None, ..UpdateFeaturesResponse::default() };
    let Some(first) = request.feature_updates.first() else { return none };
    // Of two updates of one feature the last counts.
    let of_same = request.feature_updates.iter().rfind(|update| update.feature == first.feature);
    let update = of_same.unwrap_or(first);
    let (feature, level) = (&update.feature, update.max_version_level);
    let why = match level {
        _ if !UPGRADE_TYPES.contains(&update.upgrade_type) => {
            "The controller does not support the given upgrade type.".to_owned()
        }
        ..0 => "A feature version cannot be less than 0.".to_owned(),
        0 => format!("Feature {feature} not found."),
        _ => format!("Local controller {} does not support this feature.", context.listener.own_broker_id(core.node)),
    };
    let message = format!(
        "The update failed for all features since the following feature had an error: Invalid update version {level} for \
         feature {feature}. {why}"
    );
    let refusal = Refusal::new(ErrorCode::InvalidUpdateVersion, message);
    UpdateFeaturesResponse { error_code: refusal.code.code(), error_message: refusal.message, ..none }
}
