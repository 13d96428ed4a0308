//! The core that gives a partition away.

use std::{collections::VecDeque, rc::Rc};

use corelog_storage::{
    env::Lane,
    ids::LogId,
    shard::{LogManifest, Shard},
};

use super::{
    Adopt, Adopted, Go, Letter, Parcel, Place,
    mutant::{self, Mutant},
    tell,
};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    metadata::call::{MetadataAnswer, MetadataCall},
    partition::{
        Partition,
        hold::{Settled, Waiting},
    },
    router::{self, metadata::CONTROLLER, produce::Produced},
    slot,
};

/// A partition of this core is to be that core's: it goes there in its turn, unless it is there or on its way.
pub(crate) fn ask<E: NetEnv>(core: &Rc<Core<E>>, id: LogId, to: CoreId) -> Result<(), Fault> {
    let partition = core.led(id)?;
    if partition.is_internal() {
        return Err(Fault::InternalTopic);
    }
    if core.moves.has(id) {
        return Err(Fault::ReassignmentInProgress);
    }
    if to.0 >= core.cores() {
        return Err(Fault::InvalidRequest("the node has no such core"));
    }
    if to != core.id {
        core.transfers.turns.borrow_mut().push_back((id, to));
        run(core);
    }
    Ok(())
}

fn run<E: NetEnv>(core: &Rc<Core<E>>) {
    if core.transfers.running.replace(true) {
        return;
    }
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        while !core.connections.stopping() {
            let Some((id, to)) = core.transfers.turns.borrow_mut().pop_front() else { break };
            match give(&core, id, to).await {
                Ok(()) => {
                    core.transfers.given.set(core.transfers.given.get() + 1);
                    tracing::debug!(partition = %id, from = core.id.0, to = to.0, "a partition went to another core");
                }
                Err(why) => {
                    tracing::info!(partition = %id, from = core.id.0, to = to.0, %why, "a partition did not go to another core");
                }
            }
        }
        core.transfers.running.set(false);
    });
}

async fn give<E: NetEnv>(core: &Rc<Core<E>>, id: LogId, to: CoreId) -> Result<(), Fault> {
    let partition = core.led(id)?;
    let shard = partition.directory_on(core.node).and_then(|directory| core.directories.shard(directory)).cloned();
    let shard = shard.ok_or(Fault::NotLeader)?;
    // So that little is left for when it is held.
    shard.write_out(id).await?;
    if partition.has_resigned() {
        return Err(Fault::NotLeader);
    }
    // One that is on its way to another data directory stays until it is there.
    if core.moves.has(id) {
        return Err(Fault::ReassignmentInProgress);
    }
    core.transfers.under_way.borrow_mut().insert(id);
    if !mutant::active(Mutant::HoldNothing) {
        partition.hold();
    }
    let giving = Giving { core, id, to, partition, shard };
    let outcome = giving.hand_over().await;
    core.transfers.under_way.borrow_mut().remove(&id);
    core.partitions.settle(core, id).await;
    outcome
}

/// One transfer at work.
struct Giving<'a, E: NetEnv> {
    core: &'a Rc<Core<E>>,
    id: LogId,
    to: CoreId,
    partition: Rc<Partition<E>>,
    shard: Rc<Shard<E>>,
}

impl<E: NetEnv> Giving<'_, E> {
    async fn hand_over(&self) -> Result<(), Fault> {
        let manifest = match self.shard.hold(self.id).await {
            Ok(manifest) => manifest,
            Err(error) => return Err(self.stay(error.into())),
        };
        match self.ask_taker(Letter::Adopt(Box::new(self.adopt(manifest)))).await {
            Adopted::Done => {}
            Adopted::Refused(why) => return Err(self.stay(why)),
            Adopted::Unknown(why) => return Err(self.give_up(why)),
        }
        match self.decide().await {
            Ok(MetadataAnswer::ReplicaMoved(true)) => {}
            Ok(MetadataAnswer::ReplicaMoved(false)) => {
                return Err(match self.ask_taker(Letter::Unadopt(self.id)).await {
                    Adopted::Done => self.stay(Fault::NotLeader),
                    Adopted::Refused(why) | Adopted::Unknown(why) => self.give_up(why),
                });
            }
            // The next start knows.
            Ok(_) => return Err(self.give_up(Fault::ControllerUnavailable)),
            Err(why) => return Err(self.give_up(why)),
        }
        self.last_requests().await;
        let waited = self.leave();
        let alone = match self.shard.forget(self.id).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(partition = %self.id, %error, "a partition's log could not be given up: it is not served until the broker is started again");
                false
            }
        };
        self.send(waited, alone);
        Ok(())
    }

    fn adopt(&self, manifest: LogManifest) -> Adopt {
        let directory = self.partition.directory_on(self.core.node).unwrap_or_default();
        Adopt { directory, manifest, led_since: self.partition.led_since() }
    }

    async fn ask_taker(&self, letter: Letter) -> Adopted {
        match self.answer_to(self.to, letter).await {
            Some(Letter::Adopted(adopted)) => adopted,
            _ => Adopted::Unknown(Fault::CoreGone),
        }
    }

    async fn answer_to(&self, to: CoreId, letter: Letter) -> Option<Letter> {
        let (slot, filled) = slot::pair();
        *self.core.transfers.answer.borrow_mut() = Some(slot);
        tell(self.core, to, letter);
        filled.await
    }

    async fn decide(&self) -> Result<MetadataAnswer, Fault> {
        let (core, from, to) = (self.core, self.core.id, self.to);
        let call = MetadataCall::MoveToCore { node: core.node, log: self.id, from, to };
        if core.id == CONTROLLER {
            return router::metadata::call(core, call).await;
        }
        match self.answer_to(CONTROLLER, Letter::Decide(call)).await {
            Some(Letter::Decided(answer)) => answer,
            _ => Err(Fault::CoreGone),
        }
    }

    /// Every core acts by an image in which the partition is the taker's. What they sent before comes before their marks.
    async fn last_requests(&self) {
        let others = (0..self.core.cores()).map(CoreId).filter(|other| *other != self.core.id);
        self.core.transfers.marks.set(self.core.cores() - 1);
        let (slot, filled) = slot::pair();
        *self.core.transfers.answer.borrow_mut() = Some(slot);
        others.for_each(|other| tell(self.core, other, Letter::Mark));
        filled.await;
    }

    /// The partition stays where it is, and goes on.
    fn stay(&self, why: Fault) -> Fault {
        // Unless it was deleted.
        let _ = self.shard.take_back(self.id);
        self.partition.let_go_on(&self.core.env);
        why
    }

    /// Whose it is, is unknown.
    fn give_up(&self, why: Fault) -> Fault {
        tracing::error!(partition = %self.id, %why, "it is unknown which core has a partition: it is not served until the broker is started again");
        // Dropped, those who wait hear that it is not led here.
        drop(self.leave());
        why
    }

    fn leave(&self) -> VecDeque<Waiting> {
        self.core.partitions.let_go_of(&self.partition);
        self.partition.depart()
    }

    fn send(&self, waited: VecDeque<Waiting>, alone: bool) {
        let (transfers, now) = (&self.core.transfers, self.core.env.now());
        let parcel = Parcel(transfers.next_parcel.get());
        transfers.next_parcel.set(parcel.0 + 1);
        let (waited, places): (Vec<_>, Vec<Place>) =
            waited.into_iter().map(|one| ((one.records, one.until.since(now)), one.slot)).unzip();
        if !places.is_empty() {
            transfers.sent.borrow_mut().insert(parcel, places);
        }
        tell(self.core, self.to, Letter::Go(Go { log: self.id, parcel, waited, alone }));
    }
}

/// Another core asks the controller, which runs here.
pub(super) fn decide_for<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, call: MetadataCall) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        let answer = router::metadata::call(&core, call).await;
        tell(&core, from, Letter::Decided(answer));
    });
}

/// One core more sends nothing any more by the image of before.
pub(super) fn marked<E: NetEnv>(core: &Core<E>) {
    let left = core.transfers.marks.get().saturating_sub(1);
    core.transfers.marks.set(left);
    if left == 0 {
        core.transfers.answered(Letter::Marked);
    }
}

/// What waited here was appended there.
pub(super) fn gone<E: NetEnv>(core: &Core<E>, parcel: Parcel, outcomes: Vec<Produced>) {
    let places = core.transfers.sent.borrow_mut().remove(&parcel).unwrap_or_default();
    for (place, outcome) in places.into_iter().zip(outcomes) {
        place.fill(outcome.map(Settled::There));
    }
}
