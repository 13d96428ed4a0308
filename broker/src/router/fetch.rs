//! Fetch over the cores: each owner looks after its share, the connection's core decides when there is enough.
//!
//! The connection's core begins one share with every owner. An owner says how many bytes it has and parks the share; it
//! sends one note when what it has grew by its part of what is missing (if the sum reaches the minimum, some owner's
//! part of the rest has come, so none can hold the answer back). On enough bytes, on anything urgent, or when the time
//! is over, the connection's core deals out the bytes in the request's order, and every owner reads what it was given.

use std::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use corelog_storage::env::Lane;

use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    partition::read::{FetchPart, Fetched, SubFetch},
    router::{Caller, CoreMessage, CoreReply},
};

/// Names a fetch among those of its core.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FetchId(u64);

/// A fetch, its partitions resolved.
pub struct FetchPlan {
    /// In the request's order.
    pub parts: Vec<Result<(CoreId, FetchPart), Fault>>,
    /// How long to wait for `min_bytes`.
    pub max_wait: Duration,
    /// Enough to answer at once.
    pub min_bytes: u64,
    /// The most to return, but for one batch.
    pub max_bytes: usize,
}

/// What wakes a waiting fetch: notes of owners arrive here.
#[derive(Default)]
pub struct Signal {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
    available: RefCell<Option<Vec<u64>>>,
    done: RefCell<Option<Vec<Fetched>>>,
}

/// A share of another core's fetch, kept here until it is read.
pub struct KeptShare<E: NetEnv> {
    fetch: SubFetch<E>,
    /// It is the whole fetch, which returns so many bytes at most: told of with its records.
    alone: Option<usize>,
}

/// One owner's share of a fetch, seen from the connection's core.
struct Share<E: NetEnv> {
    owner: CoreId,
    /// Places of its partitions in the request.
    places: Vec<usize>,
    available: Vec<u64>,
    at: Place<E>,
}

enum Place<E: NetEnv> {
    /// On this core.
    Here(SubFetch<E>),
    /// On another; its notes arrive at the signal.
    There(Remote<E>),
    /// On a core that gave no answer.
    Lost,
}

/// A share that another core keeps until it is collected, or this is dropped.
struct Remote<E: NetEnv> {
    core: Rc<Core<E>>,
    owner: CoreId,
    id: FetchId,
    notes: Rc<Signal>,
    collected: Cell<bool>,
}

impl<E: NetEnv> Drop for Remote<E> {
    fn drop(&mut self) {
        self.core.router.joins.borrow_mut().remove(&self.id);
        if !self.collected.get() {
            self.core.router.mailbox.note(self.owner, CoreMessage::FetchCancel(self.id));
        }
    }
}

impl Signal {
    fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    async fn rung(&self) {
        poll_fn(|context| self.poll_rung(context)).await;
    }

    /// `None` if it did not ring in time.
    async fn rung_within<E: NetEnv>(&self, core: &Core<E>, time: Duration) -> Option<()> {
        let mut timer = pin!(core.env.sleep(time));
        poll_fn(|context| {
            if self.poll_rung(context).is_ready() {
                return Poll::Ready(Some(()));
            }
            timer.as_mut().poll(context).map(|()| None)
        })
        .await
    }

    fn poll_rung(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.rung.get() {
            return Poll::Ready(());
        }
        *self.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Fetches: waits until there is enough, then reads. The outcomes are in the request's order.
pub async fn fetch<E: NetEnv>(core: &Rc<Core<E>>, plan: FetchPlan) -> Vec<Fetched> {
    let FetchPlan { parts, max_wait, min_bytes, max_bytes } = plan;
    let mut outcomes: Vec<Fetched> = Vec::with_capacity(parts.len());
    let mut split: Vec<(CoreId, Vec<usize>, Vec<FetchPart>)> = Vec::new();
    let mut urgent = false;
    for (place, part) in parts.into_iter().enumerate() {
        match part {
            Err(fault) => {
                urgent = true;
                outcomes.push(Fetched::failed(fault));
            }
            Ok((owner, part)) => {
                outcomes.push(Fetched::failed(Fault::CoreGone));
                match split.iter_mut().find(|(to, ..)| *to == owner) {
                    Some((_, places, share)) => {
                        places.push(place);
                        share.push(part);
                    }
                    None => split.push((owner, vec![place], vec![part])),
                }
            }
        }
    }
    if split.len() == 1
        && split[0].0 != core.id
        && !urgent
        && let Some((owner, places, parts)) = split.pop()
    {
        let read = fetch_alone(core, owner, parts, min_bytes, max_bytes, max_wait).await;
        places.into_iter().zip(read).for_each(|(place, fetched)| outcomes[place] = fetched);
        return outcomes;
    }
    let bell = Rc::new(Signal::default());
    let (mut shares, share_urgent) = begin(core, split, min_bytes, &bell).await;
    if !(urgent || share_urgent || shares.is_empty()) {
        wait_for_enough(core, &mut shares, &bell, min_bytes, max_wait).await;
    }
    collect(core, shares, &mut outcomes, max_bytes).await;
    outcomes
}

/// A fetch of one other core's partitions: waits there, and comes back with records. Nothing if that core is gone.
async fn fetch_alone<E: NetEnv>(
    core: &Rc<Core<E>>,
    owner: CoreId,
    parts: Vec<FetchPart>,
    min_bytes: u64,
    max_bytes: usize,
    max_wait: Duration,
) -> Vec<Fetched> {
    let bell = Rc::new(Signal::default());
    let enough = if max_wait.is_zero() { 0 } else { min_bytes };
    let begun = begin_remote(core, owner, parts, enough, Some(max_bytes), &bell).await;
    let Some((remote, pending)) = begun else { return Vec::new() };
    match pending.await {
        Ok(CoreReply::Fetched(read)) => {
            remote.collected.set(true);
            return read;
        }
        Ok(_) => {}
        Err(_) => return Vec::new(),
    }
    if bell.rung_within(core, max_wait).await.is_none() {
        core.router.mailbox.note(owner, CoreMessage::FetchWait { id: remote.id, enough: 0 });
        bell.rung().await;
    }
    remote.collected.set(true);
    remote.notes.done.take().unwrap_or_default()
}

/// Begins a share with every owner; says whether any must be answered at once.
async fn begin<E: NetEnv>(
    core: &Rc<Core<E>>,
    split: Vec<(CoreId, Vec<usize>, Vec<FetchPart>)>,
    min_bytes: u64,
    bell: &Rc<Signal>,
) -> (Vec<Share<E>>, bool) {
    let enough = min_bytes.div_ceil(split.len().max(1) as u64);
    let mut urgent = false;
    let mut shares = Vec::with_capacity(split.len());
    let mut sent = Vec::new();
    for (owner, places, parts) in split {
        let count = parts.len();
        let at = if owner == core.id {
            let bell = bell.clone();
            Place::Here(SubFetch::begin(core, parts, move || bell.ring()))
        } else {
            match begin_remote(core, owner, parts, enough, None, bell).await {
                Some((remote, pending)) => {
                    sent.push((shares.len(), pending));
                    Place::There(remote)
                }
                None => Place::Lost,
            }
        };
        shares.push(Share { owner, places, available: vec![0; count], at });
    }
    for (place, pending) in sent {
        let share: &mut Share<E> = &mut shares[place];
        match pending.await {
            Ok(CoreReply::FetchBegun { available, urgent: now }) => {
                urgent |= now;
                share.available = available;
            }
            _ => share.at = Place::Lost,
        }
    }
    for share in &mut shares {
        match &share.at {
            Place::Here(fetch) => {
                urgent |= fetch.urgent();
                share.available = fetch.available();
            }
            Place::There(_) => {}
            Place::Lost => urgent = true,
        }
    }
    (shares, urgent)
}

async fn begin_remote<E: NetEnv>(
    core: &Rc<Core<E>>,
    owner: CoreId,
    parts: Vec<FetchPart>,
    enough: u64,
    alone: Option<usize>,
    bell: &Rc<Signal>,
) -> Option<(Remote<E>, crate::router::Pending)> {
    let router = &core.router;
    let id = FetchId(router.next_fetch.get());
    router.next_fetch.set(id.0 + 1);
    // Notes come to a signal of the share's own, which rings the fetch's bell: see `share_ready`.
    let notes = Rc::new(Signal::default());
    router.joins.borrow_mut().insert(id, (notes.clone(), bell.clone()));
    let remote = Remote { core: core.clone(), owner, id, notes, collected: Cell::new(false) };
    let pending = router.mailbox.submit(owner, CoreMessage::FetchBegin { id, parts, enough, alone }).await.ok()?;
    Some((remote, pending))
}

/// Waits until the shares together have `min_bytes`, or something urgent, or `max_wait` is over.
async fn wait_for_enough<E: NetEnv>(
    core: &Rc<Core<E>>,
    shares: &mut [Share<E>],
    bell: &Signal,
    min_bytes: u64,
    max_wait: Duration,
) {
    let mut timer = None;
    // A note of a core that has nothing new means that something else changed there: answer.
    let mut armed_at = None;
    loop {
        for share in shares.iter_mut() {
            share.refresh();
        }
        let total: u64 = shares.iter().map(Share::total).sum();
        if total >= min_bytes || armed_at == Some(total) {
            return;
        }
        if max_wait.is_zero() {
            return;
        }
        armed_at = Some(total);
        let part = (min_bytes - total).div_ceil(shares.len() as u64);
        bell.rung.set(false);
        for share in shares.iter_mut() {
            share.arm(core, part);
        }
        let timer = timer.get_or_insert_with(|| Box::pin(core.env.sleep(max_wait)));
        let mut timer = pin!(timer);
        let over = poll_fn(|context| {
            if bell.rung.get() {
                return Poll::Ready(false);
            }
            *bell.waker.borrow_mut() = Some(context.waker().clone());
            timer.as_mut().as_mut().poll(context).map(|()| true)
        })
        .await;
        if over {
            shares.iter_mut().for_each(Share::refresh);
            return;
        }
    }
}

impl<E: NetEnv> Share<E> {
    fn total(&self) -> u64 {
        self.available.iter().sum()
    }

    /// Takes over what is known of the bytes there are.
    fn refresh(&mut self) {
        match &self.at {
            Place::Here(fetch) => self.available = fetch.available(),
            Place::There(remote) => {
                if let Some(available) = remote.notes.available.take() {
                    self.available = available;
                }
            }
            Place::Lost => {}
        }
    }

    /// Asks to be told once there are `more` bytes than now.
    fn arm(&mut self, core: &Core<E>, more: u64) {
        let enough = self.total().saturating_add(more);
        match &mut self.at {
            Place::Here(fetch) => fetch.wait_for(enough),
            Place::There(remote) => {
                core.router.mailbox.note(self.owner, CoreMessage::FetchWait { id: remote.id, enough });
            }
            Place::Lost => {}
        }
    }
}

/// Deals out `max_bytes` in the request's order, and reads.
async fn collect<E: NetEnv>(core: &Rc<Core<E>>, shares: Vec<Share<E>>, outcomes: &mut [Fetched], max_bytes: usize) {
    let mut available = vec![0u64; outcomes.len()];
    for share in &shares {
        share.places.iter().zip(&share.available).for_each(|(&place, &bytes)| available[place] = bytes);
    }
    let first = available.iter().position(|&bytes| bytes > 0);
    let budgets = deal(core, &available, max_bytes);
    let mut sent = Vec::new();
    let mut local = Vec::new();
    for share in shares {
        let given = share.places.iter().map(|&place| budgets[place]).collect::<Vec<_>>();
        let whole = share.places.iter().position(|&place| Some(place) == first);
        match share.at {
            Place::Here(fetch) => local.push((share.places, fetch, given, whole)),
            Place::There(remote) => {
                let collect = CoreMessage::FetchCollect { id: remote.id, budgets: given, whole_batch: whole };
                if let Ok(pending) = core.router.mailbox.submit(share.owner, collect).await {
                    remote.collected.set(true);
                    sent.push((share.places, remote, pending));
                }
            }
            Place::Lost => {}
        }
    }
    for (places, fetch, given, whole) in local {
        let read = fetch.collect(core, &given, whole).await;
        places.into_iter().zip(read).for_each(|(place, fetched)| outcomes[place] = fetched);
    }
    for (places, _remote, pending) in sent {
        if let Ok(CoreReply::Fetched(read)) = pending.await {
            places.into_iter().zip(read).for_each(|(place, fetched)| outcomes[place] = fetched);
        }
    }
}

/// How much each partition may return of `available`, in order, under `max_bytes` and what memory this core has for it.
fn deal<E: NetEnv>(core: &Core<E>, available: &[u64], max_bytes: usize) -> Vec<usize> {
    let wanted: u64 = available.iter().sum();
    let mut left = core.budget.share(max_bytes.min(usize::try_from(wanted).unwrap_or(usize::MAX)));
    let part = |&bytes: &u64| {
        let given = left.min(usize::try_from(bytes).unwrap_or(usize::MAX));
        left -= given;
        given
    };
    available.iter().map(part).collect()
}

/// Another core begins a share here.
pub(super) fn begin_share<E: NetEnv>(
    core: &Rc<Core<E>>,
    caller: Caller,
    id: FetchId,
    parts: Vec<FetchPart>,
    enough: u64,
    alone: Option<usize>,
) {
    let (from, weak) = (caller.core(), Rc::downgrade(core));
    let mut fetch = SubFetch::begin(core, parts, move || {
        if let Some(core) = weak.upgrade() {
            match alone {
                Some(max_bytes) => spawn_read_alone(&core, from, id, max_bytes),
                None => tell(&core, from, id),
            }
        }
    });
    let urgent = fetch.urgent();
    let available = fetch.available();
    let waits = !urgent && available.iter().sum::<u64>() < enough;
    if let (false, Some(max_bytes)) = (waits, alone) {
        let core = core.clone();
        core.env.clone().spawn(Lane::Latency, async move {
            caller.reply(CoreReply::Fetched(read_alone(&core, &fetch, max_bytes).await));
        });
        return;
    }
    if waits {
        fetch.wait_for(enough);
    }
    core.router.shares.borrow_mut().insert((from, id), KeptShare { fetch, alone });
    caller.reply(CoreReply::FetchBegun { available, urgent });
}

/// What a fetch that is this core's alone returns.
async fn read_alone<E: NetEnv>(core: &Rc<Core<E>>, fetch: &SubFetch<E>, max_bytes: usize) -> Vec<Fetched> {
    let available = fetch.available();
    let first = available.iter().position(|&bytes| bytes > 0);
    fetch.collect(core, &deal(core, &available, max_bytes), first).await
}

/// Reads a share that is a whole fetch and sends it to the asking core, unless it was given up meanwhile.
fn spawn_read_alone<E: NetEnv>(core: &Rc<Core<E>>, to: CoreId, id: FetchId, max_bytes: usize) {
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        let share = core.router.shares.borrow_mut().remove(&(to, id));
        if let Some(share) = share {
            let fetched = read_alone(&core, &share.fetch, max_bytes).await;
            core.router.mailbox.note(to, CoreMessage::FetchDone { id, fetched });
        }
    });
}

/// Tells the asking core how much of its share there is.
fn tell<E: NetEnv>(core: &Core<E>, to: CoreId, id: FetchId) {
    // Also called from within the share's own `wait_for`, which holds the map: then it is told from there.
    let Ok(shares) = core.router.shares.try_borrow() else { return };
    if let Some(share) = shares.get(&(to, id)) {
        core.router.mailbox.note(to, CoreMessage::FetchReady { id, available: share.fetch.available() });
    }
}

/// The asking core still misses bytes: tell it once there is `enough`.
pub(super) fn wait_share<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, id: FetchId, enough: u64) {
    let mut shares = core.router.shares.borrow_mut();
    let Some(share) = shares.get_mut(&(from, id)) else { return };
    share.fetch.wait_for(enough);
    let available = share.fetch.available();
    if share.alone.is_none() && available.iter().sum::<u64>() >= enough {
        core.router.mailbox.note(from, CoreMessage::FetchReady { id, available });
    }
}

/// A note of [`tell`] arrives.
pub(super) fn share_ready<E: NetEnv>(core: &Rc<Core<E>>, _from: CoreId, id: FetchId, available: Vec<u64>) {
    let join = core.router.joins.borrow().get(&id).cloned();
    if let Some((notes, bell)) = join {
        *notes.available.borrow_mut() = Some(available);
        bell.ring();
    }
}

/// A note of [`spawn_read_alone`] arrives.
pub(super) fn share_done<E: NetEnv>(core: &Rc<Core<E>>, id: FetchId, fetched: Vec<Fetched>) {
    let join = core.router.joins.borrow().get(&id).cloned();
    if let Some((notes, bell)) = join {
        *notes.done.borrow_mut() = Some(fetched);
        bell.ring();
    }
}

/// The asking core wants the share read.
pub(super) fn collect_share<E: NetEnv>(
    core: &Rc<Core<E>>,
    caller: Caller,
    id: FetchId,
    budgets: Vec<usize>,
    whole_batch: Option<usize>,
) {
    let Some(share) = core.router.shares.borrow_mut().remove(&(caller.core(), id)) else {
        return caller.reply(CoreReply::Fetched(Vec::new()));
    };
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        caller.reply(CoreReply::Fetched(share.fetch.collect(&core, &budgets, whole_batch).await));
    });
}
