//! What comes in for a partition while nothing is appended to it waits, in the order in which it came: for the moment in
//! which it goes from one data directory or core to another, and while the journal or memory is full of what is not in
//! segments yet.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::{Future, poll_fn},
    rc::Rc,
    task::{Poll, Waker},
    time::Duration,
};

use corelog_storage::{
    env::{Instant, Lane},
    error::AppendError,
    log::Appended,
};

use crate::{
    core::env::NetEnv,
    directories::mutant::{self, Mutant},
    error::Fault,
    limits::{ROOM_LOOKS_UP, ROOM_WAITED_FOR},
    partition::{Partition, append::Records},
    router::produce::Accepted,
    slot::{self, Filled, Slot},
};

/// Who waits.
#[derive(Default)]
pub(super) struct Hold(RefCell<Held>);

#[derive(Default)]
struct Held {
    /// It goes to another data directory, or core.
    moves: bool,
    /// A task looks whether there is room.
    looks: bool,
    batches: VecDeque<Waiting>,
    /// They wait for the move alone.
    others: Vec<Waker>,
}

/// A batch with its place.
pub(crate) struct Waiting {
    /// What is to be appended.
    pub(crate) records: Records,
    /// Who waits for what becomes of it.
    pub(crate) slot: Slot<Result<Settled, Fault>>,
    /// How long it waits for room.
    pub(crate) until: Instant,
}

/// What became of a batch that was given to a partition.
pub(crate) enum Given {
    /// It is appended, or refused.
    At(Result<Appended, Fault>),
    /// It has its place, and is appended when the partition is not held any more.
    Waits(Filled<Result<Settled, Fault>>),
}

/// What became of a batch that waited.
pub(crate) enum Settled {
    /// It is appended here.
    Here(Appended),
    /// It was appended on the core that the partition went to, and is acknowledged as it asked.
    There(Accepted),
}

impl<E: NetEnv> Partition<E> {
    /// Nothing is appended from now on, until [`Partition::let_go_on`].
    pub(crate) fn hold(&self) {
        self.hold.0.borrow_mut().moves = true;
    }

    /// Whether it goes elsewhere now.
    pub(crate) fn is_held(&self) -> bool {
        self.hold.0.borrow().moves
    }

    /// What waits is appended, in its order, and what comes is again.
    pub(crate) fn let_go_on(self: &Rc<Self>, env: &E) {
        self.hold.0.borrow_mut().moves = false;
        if !self.append_waiting(env) {
            self.look_for_room(env);
        }
        let others = std::mem::take(&mut self.hold.0.borrow_mut().others);
        others.into_iter().for_each(Waker::wake);
    }

    /// Appends a client's batch, or has it wait: a client that hears that there is no room only sends all of it again.
    /// For room it waits no longer than `patience`: what the client has given up is not appended behind its back.
    pub(crate) fn give(self: &Rc<Self>, env: &E, records: Records, patience: Duration) -> Given {
        let waits = {
            let held = self.hold.0.borrow();
            held.moves && !mutant::active(Mutant::HoldNothing) || !held.batches.is_empty()
        };
        if !waits {
            match self.append_from_client(env, records.clone()) {
                Err(Fault::Append(AppendError::Overloaded)) => self.look_for_room(env),
                appended => return Given::At(appended),
            }
        }
        let (slot, filled) = slot::pair();
        let waiting = Waiting { records, slot, until: env.now().after(patience.min(ROOM_WAITED_FOR)) };
        self.hold.0.borrow_mut().batches.push_back(waiting);
        Given::Waits(filled)
    }

    /// It has gone to another core, and this one leads it no more: what waits, for the other to append.
    pub(crate) fn depart(&self) -> VecDeque<Waiting> {
        let (batches, others) = {
            let mut held = self.hold.0.borrow_mut();
            held.moves = false;
            (std::mem::take(&mut held.batches), std::mem::take(&mut held.others))
        };
        others.into_iter().for_each(Waker::wake);
        batches
    }

    /// These waited for it on the core that it came from: they are appended before what waits here.
    pub(crate) fn arrive(self: &Rc<Self>, env: &E, mut first: VecDeque<Waiting>) {
        let mut held = self.hold.0.borrow_mut();
        first.append(&mut held.batches);
        held.batches = first;
        drop(held);
        self.let_go_on(env);
    }

    /// Resolves when it does not go elsewhere.
    pub(crate) fn when_let_go(self: Rc<Self>) -> impl Future<Output = ()> + 'static {
        poll_fn(move |context| {
            let mut held = self.hold.0.borrow_mut();
            if !held.moves {
                return Poll::Ready(());
            }
            held.others.push(context.waker().clone());
            Poll::Pending
        })
    }

    /// Comes back to what waits until all of it is answered.
    fn look_for_room(self: &Rc<Self>, env: &E) {
        if std::mem::replace(&mut self.hold.0.borrow_mut().looks, true) {
            return;
        }
        let (partition, env) = (self.clone(), env.clone());
        env.clone().spawn(Lane::Latency, async move {
            loop {
                env.sleep(ROOM_LOOKS_UP).await;
                // Whoever moves it lets go of what waits.
                if partition.is_held() || partition.append_waiting(&env) {
                    break;
                }
            }
            partition.hold.0.borrow_mut().looks = false;
        });
    }

    /// Appends what waits, in its order; whether all of it is answered. What has waited for too long is refused: a disk may be
    /// slower than its clients are patient.
    fn append_waiting(&self, env: &E) -> bool {
        loop {
            let next = self.hold.0.borrow_mut().batches.pop_front();
            let Some(next) = next else { return true };
            let waits = env.now() < next.until;
            // Asked first: what is appended is checked before, each time.
            if waits && !self.has_resigned() && self.log().is_overloaded() {
                self.hold.0.borrow_mut().batches.push_front(next);
                return false;
            }
            match self.append_from_client(env, next.records.clone()) {
                Err(Fault::Append(AppendError::Overloaded)) if waits => {
                    self.hold.0.borrow_mut().batches.push_front(next);
                    return false;
                }
                appended => next.slot.fill(appended.map(Settled::Here)),
            }
        }
    }
}
