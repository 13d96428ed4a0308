//! Changes of the cluster's metadata: to the controller on core 0, from whichever core they are asked on.

use std::{future::Future, pin::Pin, rc::Rc};

use corelog_storage::env::Lane;

use crate::{
    api::RequestContext,
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    metadata::{
        call::{MetadataAnswer, MetadataCall, Payer},
        image::ImageVersion,
    },
    quota::core_quotas,
    router::{Caller, CoreMessage, CoreReply},
};

/// The core that runs the controller.
pub const CONTROLLER: CoreId = CoreId(0);

/// The controller, as its core sees it.
pub trait Controller {
    /// Makes a change; resolves when all cores act by it, or it was refused.
    fn call(&self, call: MetadataCall) -> Pin<Box<dyn Future<Output = MetadataAnswer>>>;
    /// A core acts by the image of this version from now on.
    fn applied(&self, core: CoreId, version: ImageVersion);
}

/// Asks the controller.
pub async fn call<E: NetEnv>(core: &Rc<Core<E>>, call: MetadataCall) -> Result<MetadataAnswer, Fault> {
    if core.id == CONTROLLER {
        let controller = core.controller.get().cloned().ok_or(Fault::ControllerUnavailable)?;
        return Ok(controller.call(call).await);
    }
    match core.router.mailbox.call(CONTROLLER, CoreMessage::Metadata(call)).await? {
        CoreReply::Metadata(answer) => Ok(answer),
        _ => Err(Fault::ControllerUnavailable),
    }
}

/// Asks the controller for a change of topics that is charged to the client's quota of partitions. From version
/// `strict_since` of its API on, what is beyond it is refused.
pub async fn paid<E: NetEnv>(
    core: &Rc<Core<E>>,
    context: &RequestContext,
    strict_since: i16,
    change: MetadataCall,
) -> Result<MetadataAnswer, Fault> {
    let payer = Payer {
        user: context.user().into(),
        client_id: context.client_id.clone().unwrap_or_default(),
        strict: context.api_version >= strict_since,
    };
    match call(core, MetadataCall::Paid { payer, call: Box::new(change) }).await? {
        MetadataAnswer::Paid { until, answer } => {
            if let Some(until) = until {
                core_quotas::owes(core, context, until);
            }
            Ok(*answer)
        }
        answer => Ok(answer),
    }
}

/// Another core asks the controller, which runs here.
pub(super) fn serve<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, call: MetadataCall) {
    // A dropped caller answers by itself that nobody is there.
    if let Some(controller) = core.controller.get().cloned() {
        core.env.spawn(Lane::Latency, async move {
            caller.reply(CoreReply::Metadata(controller.call(call).await));
        });
    }
}
