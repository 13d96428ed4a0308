//! The moment in which a partition goes from one data directory to another: what comes in waits, in the order in which it
//! came, and goes to the log that the partition has then.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{Future, poll_fn},
    rc::Rc,
    task::{Poll, Waker},
};

use corelog_storage::log::Appended;

use crate::{
    core::env::NetEnv,
    directories::mutant::{self, Mutant},
    error::Fault,
    partition::{Partition, append::Records},
    slot::{self, Filled, Slot},
};

/// Who waits; nobody may while it is not held.
#[derive(Default)]
pub(super) struct Hold(RefCell<Option<Held>>);

#[derive(Default)]
struct Held {
    batches: VecDeque<(Records, Slot<Result<Appended, Fault>>)>,
    others: Vec<Waker>,
}

/// What became of a batch that was given to a partition.
pub(crate) enum Given {
    /// It is appended, or refused.
    At(Result<Appended, Fault>),
    /// It has its place, and is appended when the partition is not held any more.
    Waits(Filled<Result<Appended, Fault>>),
}

impl<E: NetEnv> Partition<E> {
    /// Nothing is appended from now on.
    pub(crate) fn hold(&self) {
        self.hold.0.borrow_mut().get_or_insert_default();
    }

    /// Whether nothing is appended now.
    pub(crate) fn is_held(&self) -> bool {
        self.hold.0.borrow().is_some()
    }

    /// What waits is appended, in its order, and what comes is again.
    pub(crate) fn let_go_on(&self, env: &E) {
        let Some(held) = self.hold.0.take() else { return };
        for (records, slot) in held.batches {
            slot.fill(self.append_from_client(env, records));
        }
        held.others.into_iter().for_each(Waker::wake);
    }

    /// Appends a client's batch, or has it wait.
    pub(crate) fn give(&self, env: &E, records: Records) -> Given {
        match &mut *self.hold.0.borrow_mut() {
            Some(held) if !mutant::active(Mutant::HoldNothing) => {
                let (slot, filled) = slot::pair();
                held.batches.push_back((records, slot));
                return Given::Waits(filled);
            }
            _ => {}
        }
        Given::At(self.append_from_client(env, records))
    }

    /// Resolves when it is not held.
    pub(crate) fn when_let_go(self: Rc<Self>) -> impl Future<Output = ()> + 'static {
        poll_fn(move |context| match &mut *self.hold.0.borrow_mut() {
            None => Poll::Ready(()),
            Some(held) => {
                held.others.push(context.waker().clone());
                Poll::Pending
            }
        })
    }
}
