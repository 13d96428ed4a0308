//! The core that gives a partition away.

use std::{
    collections::{BTreeSet, VecDeque},
    future::Future,
    rc::Rc,
};

use corelog_storage::{
    env::Lane,
    ids::LogId,
    shard::{LogManifest, Rest, Shard},
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
    limits::TRANSFER_LOOKS_UP,
    metadata::call::{MetadataAnswer, MetadataCall},
    partition::{
        Partition,
        hold::{Settled, Waiting},
    },
    router::{self, metadata::CONTROLLER, produce::Produced},
    slot,
};

/// A partition of this core is to be that core's: it goes there in its turn, unless it is there.
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

/// As [`ask`], of many; those that cannot go stay.
pub(super) fn ask_all<E: NetEnv>(core: &Rc<Core<E>>, wanted: &[(LogId, CoreId)]) {
    for &(id, to) in wanted {
        if let Err(why) = ask(core, id, to) {
            tracing::debug!(partition = %id, to = to.0, %why, "a partition does not go to another core");
        }
    }
}

fn run<E: NetEnv>(core: &Rc<Core<E>>) {
    if core.transfers.running.replace(true) {
        return;
    }
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        while !core.connections.stopping() {
            let Some((ids, to)) = core.transfers.next() else { break };
            Giving::begin(&core, ids, to).await.hand_over().await;
        }
        core.transfers.running.set(false);
    });
}

/// Partitions that go to one core together.
struct Giving<'a, E: NetEnv> {
    core: &'a Rc<Core<E>>,
    to: CoreId,
    going: Vec<Going<E>>,
}

/// One of them.
#[derive(Clone)]
struct Going<E: NetEnv> {
    id: LogId,
    partition: Rc<Partition<E>>,
    shard: Rc<Shard<E>>,
}

impl<'a, E: NetEnv> Giving<'a, E> {
    /// Those of them that this core can give; logs of which much is not in segments yet are written out now, so that little
    /// is left for when they are held.
    async fn begin(core: &'a Rc<Core<E>>, ids: BTreeSet<LogId>, to: CoreId) -> Self {
        // One that has not yet come wholly does so first: until then the core of before has a claim to it.
        while ids.iter().any(|id| core.transfers.has(*id)) {
            core.env.sleep(TRANSFER_LOOKS_UP).await;
        }
        let mut giving = Self { core, to, going: Vec::new() };
        for id in ids {
            match Going::find(core, id) {
                Ok(going) => giving.going.push(going),
                Err(why) => giving.stays(id, &why),
            }
        }
        let written = giving.each(|one| async move { one.shard.write_out(one.id, Rest::Carried).await }).await;
        for (one, written) in giving.all().zip(written) {
            let checked = match written {
                Ok(()) => Going::find(core, one.id).map(|_| ()),
                Err(error) => Err(error.into()),
            };
            match checked {
                Ok(()) => giving.going.push(one),
                Err(why) => giving.stays(one.id, &why),
            }
        }
        giving
    }

    async fn hand_over(mut self) {
        let ids: Vec<LogId> = self.going.iter().map(|one| one.id).collect();
        self.core.transfers.under_way.borrow_mut().extend(&ids);
        if !mutant::active(Mutant::HoldNothing) {
            self.going.iter().for_each(|one| one.partition.hold());
        }
        let manifests = self.hold().await;
        self.adopt(manifests).await;
        self.decide().await;
        self.leave().await;
        self.core.transfers.under_way.borrow_mut().retain(|id| !ids.contains(id));
        for id in ids {
            self.core.partitions.settle(self.core, id);
        }
    }

    /// Does the same for each, at the same time.
    async fn each<T: 'static, F: Future<Output = T> + 'static>(&self, task: impl Fn(Going<E>) -> F) -> Vec<T> {
        slot::together(&self.core.env, self.going.iter().cloned().map(task)).await
    }

    /// Takes all of them out, to be put back.
    fn all(&mut self) -> impl Iterator<Item = Going<E>> + use<E> {
        std::mem::take(&mut self.going).into_iter()
    }

    /// Reads go on, nothing else does: what the logs' segments do not have goes with their manifests.
    async fn hold(&mut self) -> Vec<LogManifest> {
        let held = self.each(|one| async move { one.shard.hold(one.id, Rest::Carried).await }).await;
        let mut manifests = Vec::new();
        for (one, held) in self.all().zip(held) {
            match held {
                Ok(manifest) => {
                    manifests.push(manifest);
                    self.going.push(one);
                }
                Err(error) => self.stay(&one, &error.into()),
            }
        }
        manifests
    }

    async fn adopt(&mut self, manifests: Vec<LogManifest>) {
        if self.going.is_empty() {
            return;
        }
        let node = self.core.node;
        let adopt = |(one, manifest): (&Going<E>, LogManifest)| Adopt {
            directory: one.partition.directory_on(node).unwrap_or_default(),
            manifest,
        };
        let adopted = self.ask_taker(Letter::Adopt(self.going.iter().zip(manifests).map(adopt).collect())).await;
        for (one, adopted) in self.all().zip(adopted) {
            match adopted {
                Adopted::Done => self.going.push(one),
                Adopted::Refused(why) => self.stay(&one, &why),
                Adopted::Unknown(why) => self.give_up(&one, &why),
            }
        }
    }

    /// From here on the metadata says that they are the taker's. If it cannot be changed they stay; should it say so all the
    /// same, the next start brings them there.
    async fn decide(&mut self) {
        if self.going.is_empty() {
            return;
        }
        let logs = self.going.iter().map(|one| one.id).collect();
        let call = MetadataCall::MoveToCore { node: self.core.node, logs, from: self.core.id, to: self.to };
        let (moved, why) = match self.ask_controller(call).await {
            Ok(MetadataAnswer::ReplicasMoved(moved)) => (moved, Fault::NotLeader),
            other => (vec![false; self.going.len()], other.err().unwrap_or(Fault::ControllerUnavailable)),
        };
        let mut undone = Vec::new();
        for (one, moved) in self.all().zip(moved) {
            if moved { self.going.push(one) } else { undone.push(one) }
        }
        if undone.is_empty() {
            return;
        }
        let adopted = self.ask_taker(Letter::Unadopt(undone.iter().map(|one| one.id).collect())).await;
        for (one, adopted) in undone.iter().zip(adopted) {
            match adopted {
                Adopted::Done => self.stay(one, &why),
                Adopted::Refused(why) | Adopted::Unknown(why) => self.give_up(one, &why),
            }
        }
    }

    /// Gives up the claims, and sends what waited.
    async fn leave(&mut self) {
        if self.going.is_empty() {
            return;
        }
        self.last_requests().await;
        let waited: Vec<_> = self.going.iter().map(|one| one.leave(self.core)).collect();
        let forgotten = self.each(|one| async move { one.shard.forget(one.id).await }).await;
        let mut all = Vec::new();
        for ((one, waited), forgotten) in self.going.iter().zip(waited).zip(forgotten) {
            if let Err(error) = &forgotten {
                tracing::error!(partition = %one.id, %error, "a partition's log could not be given up: it is not served until the broker is started again");
            }
            all.push(self.last_word(one.id, waited, forgotten.is_ok()));
        }
        let (from, to, count) = (self.core.id.0, self.to.0, all.len());
        tracing::debug!(from, to, count, "partitions went to another core");
        self.core.transfers.given.set(self.core.transfers.given.get() + count as u64);
        self.core.transfers.left.set(Some(self.core.env.now()));
        tell(self.core, self.to, Letter::Go(all));
    }

    /// Every core acts by an image in which the partitions are the taker's. What they sent before comes before their marks.
    async fn last_requests(&self) {
        let others = (0..self.core.cores()).map(CoreId).filter(|other| *other != self.core.id);
        self.core.transfers.marks.set(self.core.cores() - 1);
        let (slot, filled) = slot::pair();
        *self.core.transfers.answer.borrow_mut() = Some(slot);
        others.for_each(|other| tell(self.core, other, Letter::Mark));
        filled.await;
    }

    fn last_word(&self, log: LogId, waited: VecDeque<Waiting>, alone: bool) -> Go {
        let (transfers, now) = (&self.core.transfers, self.core.env.now());
        let parcel = Parcel(transfers.next_parcel.get());
        transfers.next_parcel.set(parcel.0 + 1);
        let (waited, places): (Vec<_>, Vec<Place>) =
            waited.into_iter().map(|one| ((one.records, one.until.since(now)), one.slot)).unzip();
        if !places.is_empty() {
            transfers.sent.borrow_mut().insert(parcel, places);
        }
        Go { log, parcel, waited, alone }
    }

    async fn ask_taker(&self, letter: Letter) -> Vec<Adopted> {
        match self.answer_to(self.to, letter).await {
            Some(Letter::Adopted(adopted)) => adopted,
            // Its core has stopped: so does the broker.
            _ => Vec::new(),
        }
    }

    async fn ask_controller(&self, call: MetadataCall) -> Result<MetadataAnswer, Fault> {
        if self.core.id == CONTROLLER {
            return router::metadata::call(self.core, call).await;
        }
        match self.answer_to(CONTROLLER, Letter::Decide(call)).await {
            Some(Letter::Decided(answer)) => answer,
            _ => Err(Fault::CoreGone),
        }
    }

    async fn answer_to(&self, to: CoreId, letter: Letter) -> Option<Letter> {
        let (slot, filled) = slot::pair();
        *self.core.transfers.answer.borrow_mut() = Some(slot);
        tell(self.core, to, letter);
        filled.await
    }

    /// The partition stays where it is, and goes on.
    fn stay(&self, one: &Going<E>, why: &Fault) {
        // Unless it was deleted.
        let _ = one.shard.take_back(one.id);
        one.partition.let_go_on(&self.core.env);
        self.stays(one.id, why);
    }

    fn stays(&self, id: LogId, why: &Fault) {
        let (from, to) = (self.core.id.0, self.to.0);
        tracing::info!(partition = %id, from, to, %why, "a partition does not go to another core");
    }

    /// Whose it is, is unknown.
    fn give_up(&self, one: &Going<E>, why: &Fault) {
        tracing::error!(partition = %one.id, %why, "it is unknown which core has a partition: it is not served until the broker is started again");
        // Dropped, those who wait hear that it is not led here.
        drop(one.leave(self.core));
    }
}

impl<E: NetEnv> Going<E> {
    /// A partition that this core can give away now.
    fn find(core: &Core<E>, id: LogId) -> Result<Self, Fault> {
        let partition = core.led(id)?;
        // One that is on its way to another data directory stays until it is there.
        if core.moves.has(id) {
            return Err(Fault::ReassignmentInProgress);
        }
        let directory = partition.directory_on(core.node);
        let shard = directory.and_then(|directory| core.directories.shard(directory)).ok_or(Fault::NotLeader)?;
        Ok(Self { id, partition, shard: shard.clone() })
    }

    fn leave(&self, core: &Core<E>) -> VecDeque<Waiting> {
        core.partitions.let_go_of(&self.partition);
        self.partition.depart()
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
