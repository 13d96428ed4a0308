//! Fetch over the cores: each owner watches its share of the partitions, the connection's core decides when there is
//! enough.
//!
//! A fetch, or a session of them, has one share with every owner, which is told what changed since the last fetch and says
//! how many bytes it has of what stirred ([`Watch`]). It parks, and sends one note when what it has grew by its part of
//! what is missing (if the sum reaches the minimum, some owner's part of the rest has come, so none can hold the answer
//! back). On enough bytes, on anything urgent, or when the time is over, the connection's core deals out the bytes in
//! turn, and every owner reads what it was given. Of partitions to which nothing happened nobody speaks.

mod owner;
mod signal;
pub mod slab;

use std::{cell::Cell, collections::BTreeMap, rc::Rc, time::Duration};

use corelog_storage::ids::LogId;

pub(super) use self::{
    owner::{Kept, begin as begin_share, collect as collect_share, wait as wait_share},
    signal::Notes,
};
use self::{signal::Signal, slab::Slab};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    partition::{
        mutant::{self, Mutant},
        read::{FetchPart, Fetched},
        watch::{Change, Watch},
        watchers::Key,
    },
    router::{CoreMessage, CoreReply, Pending},
};

/// Names a watch among those that its core asked others for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct WatchId(u64);

/// Names a partition among those of one fetch or session. Places are used again: they are dense.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place(pub u32);

/// How long a fetch waits, and how much it returns.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long to wait for `min_bytes`.
    pub max_wait: Duration,
    /// Enough to answer at once.
    pub min_bytes: u64,
    /// The most to return, but for one batch.
    pub max_bytes: usize,
}

/// One fetch begins at an owner.
#[derive(Debug)]
pub struct Begin {
    /// Of which watch; its first fetch makes it.
    pub watch: WatchId,
    /// The fetch's number in it.
    pub round: u32,
    /// Other fetches will follow.
    pub lasting: bool,
    /// What changed since the last.
    pub changes: Vec<Change>,
    /// Bytes worth telling of.
    pub enough: u64,
    /// This share is the whole fetch, which returns so many bytes at most: answer, or later tell, with records.
    pub alone: Option<usize>,
}

/// The owners' shares of one fetch, or of a session of them, seen from the connection's core.
pub struct Shares<E: NetEnv> {
    core: Rc<Core<E>>,
    lasting: bool,
    bell: Rc<Signal>,
    shares: Vec<Share<E>>,
    /// By place.
    seats: Vec<Option<Seat>>,
    /// What nobody can be asked for.
    refused: BTreeMap<Place, Fault>,
}

/// Where a partition is asked for.
#[derive(Clone, Copy)]
struct Seat {
    share: usize,
    key: Key,
    log: LogId,
    turn: u64,
}

struct Share<E: NetEnv> {
    owner: CoreId,
    /// By key.
    places: Slab<Place>,
    /// What another core said there is, by partition that stirred.
    stirred: Vec<(Key, u64)>,
    at: At<E>,
}

enum At<E: NetEnv> {
    /// On this core.
    Here(Watch<E>),
    /// On another.
    There(Remote<E>),
    /// On a core that gave no answer.
    Lost,
}

/// A watch that another core keeps until its last fetch is read, or this is dropped.
struct Remote<E: NetEnv> {
    core: Rc<Core<E>>,
    owner: CoreId,
    id: WatchId,
    notes: Rc<Notes>,
    /// Not yet told.
    changes: Vec<Change>,
    /// The owner will tell once it has so much.
    armed: Option<u64>,
    /// The owner may keep it.
    kept: Cell<bool>,
}

impl<E: NetEnv> Shares<E> {
    /// Of nothing. `lasting`, if more than one fetch is to come.
    pub fn new(core: &Rc<Core<E>>, lasting: bool) -> Self {
        Self {
            core: core.clone(),
            lasting,
            bell: Rc::default(),
            shares: Vec::new(),
            seats: Vec::new(),
            refused: BTreeMap::new(),
        }
    }

    /// From here on the partition at `place` is this one, and this is asked of it; or nobody can be asked.
    pub fn ask(&mut self, place: Place, found: Result<(CoreId, FetchPart), Fault>) {
        let index = place.0 as usize;
        if self.seats.len() <= index {
            self.seats.resize(index + 1, None);
        }
        let known = found
            .as_ref()
            .ok()
            .and_then(|(owner, _)| self.seats[index].filter(|seat| self.shares[seat.share].owner == *owner));
        if known.is_none() {
            self.forget(place);
        }
        match found {
            Ok((owner, part)) => {
                let (share, key) = match known {
                    Some(seat) => (seat.share, seat.key),
                    None => {
                        let share = self.share_of(owner);
                        (share, Key(self.shares[share].places.insert(place)))
                    }
                };
                self.shares[share].change((key, Some(part)));
                self.seats[index] = Some(Seat { share, key, log: part.log, turn: part.turn });
            }
            Err(fault) => drop(self.refused.insert(place, fault)),
        }
    }

    /// Nothing more is asked of the partition at `place`.
    pub fn forget(&mut self, place: Place) {
        self.refused.remove(&place);
        if let Some(Seat { share, key, .. }) = self.seats.get_mut(place.0 as usize).and_then(Option::take) {
            self.shares[share].places.remove(key.0);
            self.shares[share].change((key, None));
        }
    }

    /// Whether the partition at `place` is asked for there, whatever is asked of it.
    pub fn asks(&self, place: Place, owner: CoreId, log: LogId) -> bool {
        let seat = self.seats.get(place.0 as usize).copied().flatten();
        seat.is_some_and(|seat| {
            self.shares[seat.share].owner == owner && (seat.log == log || mutant::active(Mutant::SameNameSamePartition))
        })
    }

    /// The cores that are asked for something.
    pub fn owners(&self) -> impl Iterator<Item = CoreId> {
        self.shares.iter().filter(|share| !share.places.is_empty()).map(|share| share.owner)
    }

    /// Fetches: waits until there is enough, then reads. What comes of the partitions that stirred, in no order.
    pub async fn fetch(&mut self, terms: Terms) -> Vec<(Place, Fetched)> {
        let mut fetched = match self.alone() {
            Some(share) => self.fetch_alone(share, terms).await,
            None => {
                let enough = if terms.max_wait.is_zero() { 0 } else { terms.min_bytes };
                let urgent = self.begin(enough).await;
                if !urgent && self.active().next().is_some() && !terms.max_wait.is_zero() {
                    self.wait_for_enough(terms).await;
                }
                self.collect(terms.max_bytes).await
            }
        };
        fetched.extend(self.refused.iter().map(|(place, fault)| (*place, Fetched::failed(fault.clone()))));
        fetched
    }

    fn share_of(&mut self, owner: CoreId) -> usize {
        if let Some(share) = self.shares.iter().position(|share| share.owner == owner) {
            return share;
        }
        let at = if owner == self.core.id {
            let bell = self.bell.clone();
            At::Here(Watch::new(move |_| bell.ring()))
        } else {
            At::There(Remote::new(&self.core, owner, self.bell.clone()))
        };
        self.shares.push(Share { owner, places: Slab::default(), stirred: Vec::new(), at });
        self.shares.len() - 1
    }

    /// Those that this fetch is about, or that must be told something.
    fn active(&self) -> impl Iterator<Item = usize> {
        (0..self.shares.len()).filter(|share| self.shares[*share].is_active())
    }

    /// The one other core that all is asked of, if it is so.
    fn alone(&self) -> Option<usize> {
        let mut active = self.active();
        let share = active.next().filter(|_| active.next().is_none() && self.refused.is_empty())?;
        matches!(self.shares[share].at, At::There(_)).then_some(share)
    }

    /// A fetch of one other core's partitions: waits there, and comes back with records.
    async fn fetch_alone(&mut self, share: usize, terms: Terms) -> Vec<(Place, Fetched)> {
        let (lasting, bell, share) = (self.lasting, self.bell.clone(), &mut self.shares[share]);
        let At::There(remote) = &mut share.at else { unreachable!("it is another core's") };
        let enough = if terms.max_wait.is_zero() { 0 } else { terms.min_bytes };
        bell.reset();
        let begun = match remote.begin(lasting, enough, Some(terms.max_bytes)).await {
            Some(pending) => pending.await.ok(),
            None => None,
        };
        let read = match begun {
            Some(CoreReply::Fetched(read)) => Some(read),
            Some(_) => {
                if bell.rung_within(&self.core, terms.max_wait).await.is_none() {
                    remote.tell_at(0);
                    bell.rung().await;
                }
                remote.notes.done.take()
            }
            None => None,
        };
        remote.kept.set(lasting);
        match read {
            Some(read) => share.placed(read).collect(),
            None => share.lost(),
        }
    }

    /// Begins the fetch with every owner; says whether any must be answered at once.
    async fn begin(&mut self, min_bytes: u64) -> bool {
        self.bell.reset();
        let active: Vec<usize> = self.active().collect();
        let enough = min_bytes.div_ceil(active.len().max(1) as u64);
        let mut urgent = !self.refused.is_empty();
        let mut sent: Vec<(usize, Pending)> = Vec::new();
        for &index in &active {
            let share = &mut self.shares[index];
            if let At::There(remote) = &mut share.at {
                match remote.begin(self.lasting, enough, None).await {
                    Some(pending) => sent.push((index, pending)),
                    None => share.at = At::Lost,
                }
            }
        }
        for (index, pending) in sent {
            let share = &mut self.shares[index];
            match pending.await {
                Ok(CoreReply::FetchBegun { stirred, urgent: now }) => {
                    urgent |= now;
                    share.stirred = stirred;
                }
                _ => share.at = At::Lost,
            }
        }
        for index in active {
            let share = &mut self.shares[index];
            match &share.at {
                At::Here(watch) => {
                    watch.begin(&self.core);
                    urgent |= watch.tally().urgent();
                }
                At::There(_) => {}
                At::Lost => urgent = true,
            }
        }
        urgent
    }

    /// Waits until the shares together have `min_bytes`, or something urgent, or `max_wait` is over.
    async fn wait_for_enough(&mut self, terms: Terms) {
        let mut timer = None;
        // A note of a core that has nothing new means that something else changed there: answer.
        let mut armed_at = None;
        let active: Vec<usize> = self.active().collect();
        loop {
            active.iter().for_each(|share| self.shares[*share].refresh());
            let total: u64 = active.iter().map(|share| self.shares[*share].total()).sum();
            if total >= terms.min_bytes || armed_at == Some(total) {
                return;
            }
            armed_at = Some(total);
            let part = (terms.min_bytes - total).div_ceil(active.len() as u64);
            self.bell.reset();
            active.iter().for_each(|share| self.shares[*share].arm(part));
            let timer = timer.get_or_insert_with(|| Box::pin(signal::patience(&self.core, terms.max_wait)));
            if self.bell.rung_before(timer.as_mut()).await.is_none() {
                active.iter().for_each(|share| self.shares[*share].refresh());
                return;
            }
        }
    }

    /// Deals out `max_bytes` in turn, and reads.
    async fn collect(&mut self, max_bytes: usize) -> Vec<(Place, Fetched)> {
        let (budgets, whole) = self.deal(max_bytes);
        let mut fetched = Vec::new();
        let mut sent: Vec<(usize, Pending)> = Vec::new();
        for (index, budgets) in budgets.iter().enumerate() {
            let share = &mut self.shares[index];
            let whole_batch = whole.filter(|(whole, _)| *whole == index).map(|(_, at)| at);
            match &share.at {
                At::There(remote) if !budgets.is_empty() => {
                    match remote.collect(self.lasting, budgets.clone(), whole_batch).await {
                        Some(pending) => sent.push((index, pending)),
                        None => fetched.extend(share.lost()),
                    }
                }
                At::Lost => fetched.extend(share.lost()),
                At::There(_) | At::Here(_) => {}
            }
        }
        for (index, budgets) in budgets.iter().enumerate() {
            let whole_batch = whole.filter(|(whole, _)| *whole == index).map(|(_, at)| at);
            if let At::Here(watch) = &self.shares[index].at {
                let read = watch.collect(&self.core, budgets, whole_batch).await;
                fetched.extend(self.shares[index].placed(read));
            }
        }
        for (index, pending) in sent {
            let share = &mut self.shares[index];
            match pending.await {
                Ok(CoreReply::Fetched(read)) => fetched.extend(share.placed(read)),
                _ => fetched.extend(share.lost()),
            }
        }
        fetched
    }

    /// How much each partition that stirred may return, by share; and which one gives one batch at least.
    fn deal(&mut self, max_bytes: usize) -> (Vec<Vec<usize>>, Option<(usize, usize)>) {
        let mut budgets: Vec<Vec<usize>> = Vec::with_capacity(self.shares.len());
        let mut order = Vec::new();
        for (index, share) in self.shares.iter_mut().enumerate() {
            let stirred = if share.places.is_empty() { Vec::new() } else { share.take_stirred() };
            budgets.push(vec![0; stirred.len()]);
            order.extend(stirred.into_iter().enumerate().map(|(at, (key, bytes))| {
                let place = share.places.get(key.0).expect("an owner speaks of what it was asked");
                let turn = self.seats[place.0 as usize].map_or(0, |seat| seat.turn);
                (turn, (index, at), bytes)
            }));
        }
        order.sort_unstable();
        let dealt = deal(&self.core, order.iter().map(|(.., bytes)| *bytes), max_bytes);
        for ((_, (share, at), _), budget) in order.iter().zip(dealt) {
            budgets[*share][*at] = budget;
        }
        (budgets, order.iter().find(|(.., bytes)| *bytes > 0).map(|(_, whole, _)| *whole))
    }
}

/// How much each partition may return of what is `available`, in order, under `max_bytes` and what memory this core has
/// for it.
fn deal<E: NetEnv>(core: &Core<E>, available: impl Iterator<Item = u64> + Clone, max_bytes: usize) -> Vec<usize> {
    let wanted = available.clone().fold(0, u64::saturating_add);
    let mut left = core.budget.share(max_bytes.min(usize::try_from(wanted).unwrap_or(usize::MAX)));
    let part = |bytes| {
        let given = left.min(usize::try_from(bytes).unwrap_or(usize::MAX));
        left -= given;
        given
    };
    available.map(part).collect()
}

impl<E: NetEnv> Share<E> {
    fn is_active(&self) -> bool {
        let untold = matches!(&self.at, At::There(remote) if !remote.changes.is_empty());
        untold || !self.places.is_empty()
    }

    fn change(&mut self, change: Change) {
        match &mut self.at {
            At::Here(watch) => watch.change(change),
            At::There(remote) => remote.changes.push(change),
            At::Lost => {}
        }
    }

    /// Bytes there are, as far as is known.
    fn total(&self) -> u64 {
        match &self.at {
            At::Here(watch) => watch.tally().total(),
            At::There(_) => self.stirred.iter().map(|(_, bytes)| bytes).sum(),
            At::Lost => 0,
        }
    }

    /// The partitions that stirred, as far as is known.
    fn take_stirred(&mut self) -> Vec<(Key, u64)> {
        match &self.at {
            At::Here(watch) => watch.tally().stirred(),
            At::There(_) => std::mem::take(&mut self.stirred),
            At::Lost => Vec::new(),
        }
    }

    /// Takes over what the owner told.
    fn refresh(&mut self) {
        if let At::There(remote) = &mut self.at
            && let Some(stirred) = remote.notes.stirred.take()
        {
            self.stirred = stirred;
            remote.armed = None;
        }
    }

    /// Asks to be told once there are `more` bytes than now.
    fn arm(&mut self, more: u64) {
        let enough = self.total().saturating_add(more);
        match &mut self.at {
            At::Here(watch) => watch.tally().wait_for(enough),
            At::There(remote) => remote.tell_at(enough),
            At::Lost => {}
        }
    }

    /// What was read, by place.
    fn placed(&self, read: Vec<(Key, Fetched)>) -> impl Iterator<Item = (Place, Fetched)> {
        read.into_iter().filter_map(|(key, fetched)| Some((*self.places.get(key.0)?, fetched)))
    }

    /// The owner is gone, with all its partitions.
    fn lost(&mut self) -> Vec<(Place, Fetched)> {
        self.at = At::Lost;
        self.places.iter().map(|(_, place)| (*place, Fetched::failed(Fault::CoreGone))).collect()
    }
}

impl<E: NetEnv> Remote<E> {
    fn new(core: &Rc<Core<E>>, owner: CoreId, bell: Rc<Signal>) -> Self {
        let router = &core.router;
        let id = WatchId(router.next_watch.get());
        router.next_watch.set(id.0 + 1);
        let notes = Rc::new(Notes::new(bell));
        router.notes.borrow_mut().insert(id, notes.clone());
        Self { core: core.clone(), owner, id, notes, changes: Vec::new(), armed: None, kept: Cell::new(false) }
    }

    /// `None` if that core is gone.
    async fn begin(&mut self, lasting: bool, enough: u64, alone: Option<usize>) -> Option<Pending> {
        let round = self.notes.next_round();
        let changes = std::mem::take(&mut self.changes);
        let begin = Begin { watch: self.id, round, lasting, changes, enough, alone };
        self.armed = Some(enough);
        self.kept.set(true);
        self.core.router.mailbox.submit(self.owner, CoreMessage::FetchBegin(begin)).await.ok()
    }

    fn tell_at(&mut self, enough: u64) {
        if self.armed != Some(enough) {
            self.armed = Some(enough);
            self.core.router.mailbox.note(self.owner, CoreMessage::FetchWait { watch: self.id, enough });
        }
    }

    async fn collect(&self, lasting: bool, budgets: Vec<usize>, whole_batch: Option<usize>) -> Option<Pending> {
        let collect = CoreMessage::FetchCollect { watch: self.id, budgets, whole_batch };
        let pending = self.core.router.mailbox.submit(self.owner, collect).await.ok()?;
        self.kept.set(lasting);
        Some(pending)
    }
}

impl<E: NetEnv> Drop for Remote<E> {
    fn drop(&mut self) {
        self.core.router.notes.borrow_mut().remove(&self.id);
        if self.kept.get() && !mutant::active(Mutant::NeverLeaves) {
            self.core.router.mailbox.note(self.owner, CoreMessage::FetchEnd(self.id));
        }
    }
}

/// A note of an owner arrives: so much is there now.
pub(super) fn share_ready<E: NetEnv>(core: &Core<E>, watch: WatchId, round: u32, stirred: Vec<(Key, u64)>) {
    if let Some(notes) = core.router.notes.borrow().get(&watch) {
        notes.ready(round, stirred);
    }
}

/// A note of an owner arrives: this was read.
pub(super) fn share_done<E: NetEnv>(core: &Core<E>, watch: WatchId, round: u32, fetched: Vec<(Key, Fetched)>) {
    if let Some(notes) = core.router.notes.borrow().get(&watch) {
        notes.done(round, fetched);
    }
}
