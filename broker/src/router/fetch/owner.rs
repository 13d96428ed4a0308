//! The owner's side: watches that other cores asked for.

use std::{
    cell::Cell,
    rc::{Rc, Weak},
};

use corelog_storage::env::Lane;

use super::{Begin, WatchId, deal};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    partition::{
        read::Fetched,
        watch::Watch,
        watchers::{Key, Tally},
    },
    router::{Caller, CoreMessage, CoreReply},
};

/// A watch for another core, kept until that has read its last fetch or is done with it.
pub(in crate::router) struct Kept<E: NetEnv> {
    core: Weak<Core<E>>,
    from: CoreId,
    id: WatchId,
    lasting: bool,
    round: Cell<Round>,
    watch: Watch<E>,
}

/// The fetch that is under way.
#[derive(Clone, Copy)]
struct Round {
    number: u32,
    /// The whole fetch, which returns so many bytes at most: told of with its records, once.
    alone: Option<usize>,
    told: bool,
}

impl Round {
    fn of(begin: &Begin) -> Self {
        Self { number: begin.round, alone: begin.alone, told: false }
    }
}

impl<E: NetEnv> Kept<E> {
    fn new(core: &Rc<Core<E>>, from: CoreId, begin: &Begin) -> Rc<Self> {
        Rc::new_cyclic(|kept: &Weak<Self>| {
            let kept = kept.clone();
            let wake = move |tally: &Tally| {
                if let Some(kept) = kept.upgrade() {
                    kept.tell(tally);
                }
            };
            Self {
                core: Rc::downgrade(core),
                from,
                id: begin.watch,
                lasting: begin.lasting,
                round: Cell::new(Round::of(begin)),
                watch: Watch::new(wake),
            }
        })
    }

    /// There is enough, or something urgent.
    fn tell(self: &Rc<Self>, tally: &Tally) {
        let Some(core) = self.core.upgrade() else { return };
        let Round { number: round, alone, told } = self.round.get();
        let (kept, watch) = (self.clone(), self.id);
        let Some(max_bytes) = alone else {
            let ready = CoreMessage::FetchReady { watch, round, stirred: tally.stirred() };
            return core.router.mailbox.note(self.from, ready);
        };
        if told {
            return;
        }
        self.round.set(Round { told: true, ..self.round.get() });
        core.env.clone().spawn(Lane::Latency, async move {
            // Unless it was given up meanwhile.
            if core.router.kept.borrow().contains_key(&(kept.from, watch)) {
                let fetched = kept.read_alone(&core, max_bytes).await;
                core.router.mailbox.note(kept.from, CoreMessage::FetchDone { watch, round, fetched });
            }
        });
    }

    /// What a fetch that is this core's alone returns.
    async fn read_alone(&self, core: &Rc<Core<E>>, max_bytes: usize) -> Vec<(Key, Fetched)> {
        let stirred = self.watch.tally().stirred();
        let mut order: Vec<(u64, usize)> = (0..stirred.len()).map(|at| (self.watch.turn(stirred[at].0), at)).collect();
        order.sort_unstable();
        let mut budgets = vec![0; stirred.len()];
        let dealt = deal(core, order.iter().map(|(_, at)| stirred[*at].1), max_bytes);
        order.iter().zip(dealt).for_each(|((_, at), budget)| budgets[*at] = budget);
        let first = order.iter().map(|(_, at)| *at).find(|at| stirred[*at].1 > 0);
        self.read(core, &budgets, first).await
    }

    async fn read(&self, core: &Rc<Core<E>>, budgets: &[usize], whole_batch: Option<usize>) -> Vec<(Key, Fetched)> {
        if !self.lasting {
            core.router.kept.borrow_mut().remove(&(self.from, self.id));
        }
        self.watch.collect(core, budgets, whole_batch).await
    }
}

/// Another core begins a fetch here.
pub(in crate::router) fn begin<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, begin: Begin) {
    let id = (caller.core(), begin.watch);
    let known = core.router.kept.borrow().get(&id).cloned();
    let kept = known.unwrap_or_else(|| Kept::new(core, id.0, &begin));
    kept.round.set(Round::of(&begin));
    begin.changes.into_iter().for_each(|change| kept.watch.change(change));
    kept.watch.begin(core);
    let tally = kept.watch.tally();
    let waits = !tally.urgent() && tally.total() < begin.enough;
    if waits || begin.lasting || begin.alone.is_none() {
        core.router.kept.borrow_mut().insert(id, kept.clone());
    }
    if let (false, Some(max_bytes)) = (waits, begin.alone) {
        let core = core.clone();
        core.env.clone().spawn(Lane::Latency, async move {
            caller.reply(CoreReply::Fetched(kept.read_alone(&core, max_bytes).await));
        });
        return;
    }
    caller.reply(CoreReply::FetchBegun { stirred: tally.stirred(), urgent: tally.urgent() });
    if waits {
        tally.wait_for(begin.enough);
    }
}

/// The asking core still misses bytes: tell it once there is `enough`.
pub(in crate::router) fn wait<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, watch: WatchId, enough: u64) {
    let kept = core.router.kept.borrow().get(&(from, watch)).cloned();
    if let Some(kept) = kept {
        kept.watch.tally().wait_for(enough);
    }
}

/// The asking core wants its share read.
pub(in crate::router) fn collect<E: NetEnv>(
    core: &Rc<Core<E>>,
    caller: Caller,
    watch: WatchId,
    budgets: Vec<usize>,
    whole_batch: Option<usize>,
) {
    let Some(kept) = core.router.kept.borrow().get(&(caller.core(), watch)).cloned() else { return };
    let core = core.clone();
    core.env.clone().spawn(Lane::Latency, async move {
        caller.reply(CoreReply::Fetched(kept.read(&core, &budgets, whole_batch).await));
    });
}
