//! UpdateFeatures, versions 0 to 2: raises or lowers what the cluster's nodes agree on (KIP-584). No feature has levels
//! here yet: each update is refused, and with it the request as a whole, as Kafka does.

use std::rc::Rc;

use corelog_wire::{
    error_code::ErrorCode,
    messages::{UpdateFeaturesRequest, UpdateFeaturesResponse},
};

use crate::{api::RequestContext, core::env::NetEnv, core_state::Core};

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
    let level = of_same.unwrap_or(first).max_version_level;
    let message = format!(
        "The update failed for all features since the following feature had an error: Invalid update version {level} for \
         feature {}. Local controller {} does not support this feature.",
        first.feature,
        context.listener.own_broker_id(core.node),
    );
    UpdateFeaturesResponse { error_code: ErrorCode::InvalidUpdateVersion.code(), error_message: Some(message), ..none }
}
