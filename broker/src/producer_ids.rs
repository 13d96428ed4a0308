//! Ids for idempotent producers, given out from blocks that the controller sets aside for this core.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use corelog_storage::ids::ProducerId;

use crate::{
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    metadata::call::{MetadataAnswer, MetadataCall},
    router::metadata,
};

/// What is left of this core's blocks.
#[derive(Default)]
pub struct ProducerIds {
    blocks: RefCell<Vec<(i64, i64)>>,
    given: Cell<u64>,
}

impl ProducerIds {
    /// The next id; asks the controller for a block when there is none left.
    pub async fn next<E: NetEnv>(&self, core: &Rc<Core<E>>) -> Result<ProducerId, Fault> {
        loop {
            if let Some(id) = self.take() {
                return Ok(id);
            }
            match metadata::call(core, MetadataCall::AllocateProducerIds).await? {
                MetadataAnswer::ProducerIds(block) => {
                    let end = block.first.0 + i64::from(block.count);
                    self.blocks.borrow_mut().push((block.first.0, end));
                }
                _ => return Err(Fault::ControllerUnavailable),
            }
        }
    }

    fn take(&self) -> Option<ProducerId> {
        let mut blocks = self.blocks.borrow_mut();
        let (next, end) = blocks.first_mut()?;
        let id = ProducerId(*next);
        *next += 1;
        if next == end {
            blocks.remove(0);
        }
        self.given.set(self.given.get() + 1);
        Some(id)
    }
}
