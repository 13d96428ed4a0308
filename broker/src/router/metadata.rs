//! Changes of the cluster's metadata: to the controller on core 0, from whichever core they are asked on.

use std::{future::Future, pin::Pin, rc::Rc};

use corelog_storage::env::Lane;

use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        image::ImageVersion,
    },
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

/// Another core asks the controller, which runs here.
pub(super) fn serve<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, call: MetadataCall) {
    // A dropped caller answers by itself that nobody is there.
    if let Some(controller) = core.controller.get().cloned() {
        core.env.spawn(Lane::Latency, async move {
            caller.reply(CoreReply::Metadata(controller.call(call).await));
        });
    }
}
