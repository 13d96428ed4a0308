//! InitProducerId, versions 0 to 5: gives out ids for idempotent producers (KIP-98, KIP-360), from blocks that the
//! controller sets aside. There are no transactions yet: a transactional.id is refused.

use std::rc::Rc;

use corelog_storage::ids::ProducerId;
use corelog_wire::messages::{InitProducerIdRequest, InitProducerIdResponse};

use crate::{api::RequestContext, core::env::NetEnv, core_state::Core, error::Fault};

/// In place of a producer id, and of an epoch.
const NONE: i64 = -1;

/// Answers with a fresh id at epoch 0; an idempotent producer that resets itself gets a fresh one too.
pub async fn handle<E: NetEnv>(
    core: &Rc<Core<E>>,
    _context: &RequestContext,
    request: InitProducerIdRequest,
) -> InitProducerIdResponse {
    let outcome = match request.transactional_id.as_deref() {
        Some("") => Err(Fault::InvalidRequest("an empty transactional.id")),
        Some(_) => Err(Fault::TransactionsAbsent),
        None if (request.producer_id == NONE) != (i64::from(request.producer_epoch) == NONE) => {
            Err(Fault::InvalidRequest("a producer id without an epoch, or an epoch without an id"))
        }
        None => core.producer_ids.next(core).await,
    };
    match outcome {
        Ok(ProducerId(id)) => {
            InitProducerIdResponse { producer_id: id, producer_epoch: 0, ..InitProducerIdResponse::default() }
        }
        Err(fault) => InitProducerIdResponse {
            error_code: fault.code().code(),
            producer_id: -1,
            producer_epoch: -1,
            ..InitProducerIdResponse::default()
        },
    }
}
