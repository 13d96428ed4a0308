//! What one core contributes to a fetch, or to a session of them: it watches its share of the partitions.
//!
//! Partitions are added once and stay until they are forgotten. Each fetch tells what changed and is told what there is of
//! the partitions that stirred: those asked anew, those to which something happened, and those that were not read to
//! their end or have something wrong with them. These alone are looked at and read; a fetch that asks once is a session of one.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
};

use crate::{
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    partition::{
        Partition,
        mutant::{self, Mutant},
        read::{FetchPart, Fetched},
        watchers::{Key, Look, Tally},
    },
    transfer::balance,
};

/// A change to a watch: what is asked of a partition from here on, or nothing more.
pub type Change = (Key, Option<FetchPart>);

/// Partitions of one core that are watched together. Dropped, they are left.
pub struct Watch<E: NetEnv> {
    /// By key.
    parts: RefCell<Vec<Option<Watched<E>>>>,
    tally: Rc<Tally>,
}

struct Watched<E: NetEnv> {
    part: FetchPart,
    /// That is watched for it; who watches a partition does not keep it alive.
    partition: Weak<Partition<E>>,
}

impl<E: NetEnv> Watch<E> {
    /// Of nothing. `wake` is called as [`Tally::new`] says.
    pub fn new(wake: impl Fn(&Tally) + 'static) -> Self {
        Self { parts: RefCell::default(), tally: Tally::new(wake) }
    }

    /// Takes a change.
    pub fn change(&self, (key, change): Change) {
        let mut parts = self.parts.borrow_mut();
        if parts.len() <= key.index() {
            parts.resize_with(key.index() + 1, || None);
        }
        let place = &mut parts[key.index()];
        if place.as_ref().is_some_and(|old| change.is_none_or(|new| new.log != old.part.log))
            && let Some(old) = place.take()
        {
            self.tally.leave(key);
            old.leave();
        }
        let Some(part) = change else { return };
        self.tally.ask(key, part.offset);
        match place {
            Some(watched) => watched.part = part,
            None => *place = Some(Watched { part, partition: Weak::new() }),
        }
    }

    /// Looks at what stirred, reads nothing: a fetch begins.
    pub fn begin(&self, core: &Core<E>) {
        let mut looks = 0;
        self.tally.refresh(|key| {
            let (part, found) = self.find(core, key)?;
            looks += 1;
            let look = found.and_then(|partition| part.look(&partition));
            Some(look.unwrap_or(Look { available: 0, urgent: true }))
        });
        core.metrics.count(|counts| counts.fetch_looks += looks);
    }

    /// What stirred, and what there is of it.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The turn of a partition that is watched.
    pub fn turn(&self, key: Key) -> u64 {
        self.parts.borrow().get(key.index()).and_then(Option::as_ref).map_or(0, |watched| watched.part.turn)
    }

    /// Reads of the partitions that stirred, in their order, as many as there are budgets, and at most so many bytes of
    /// each; of the one at `whole_batch` at least one batch, however large. Ends the fetch.
    pub async fn collect(&self, core: &Core<E>, budgets: &[usize], whole_batch: Option<usize>) -> Vec<(Key, Fetched)> {
        self.tally.rest();
        let keys = self.tally.take_stirred(budgets.len());
        let mut fetched = Vec::with_capacity(keys.len());
        for (place, (key, budget)) in keys.into_iter().zip(budgets).enumerate() {
            let Some((part, found)) = self.find(core, key) else { continue };
            let read = match found {
                Ok(partition) => {
                    let read = part.read(&partition, *budget, whole_batch == Some(place)).await;
                    // Who asks in vain is no reason to have it elsewhere.
                    let bytes = read.as_ref().map_or(0, Fetched::bytes);
                    if bytes > 0 {
                        balance::worked(core, &partition, bytes);
                    }
                    read
                }
                Err(fault) => Err(fault),
            };
            let got = read.unwrap_or_else(Fetched::failed);
            if is_unfinished(&part, &got) {
                self.tally.again(key);
            }
            fetched.push((key, got));
        }
        fetched
    }

    /// What is asked of a partition, and the partition, if it is led here; `None` if it is watched no longer.
    fn find(&self, core: &Core<E>, key: Key) -> Option<(FetchPart, Result<Rc<Partition<E>>, Fault>)> {
        let mut parts = self.parts.borrow_mut();
        let watched = parts.get_mut(key.index())?.as_mut()?;
        let known = watched.partition.upgrade().filter(|partition| !partition.has_resigned());
        let found = match known {
            Some(partition) => Ok(partition),
            None => core.led(watched.part.log).inspect(|partition| {
                partition.watchers.add(&self.tally, key);
                watched.partition = Rc::downgrade(partition);
            }),
        };
        Some((watched.part, found))
    }
}

/// Whether there is more to tell of a partition than was read.
fn is_unfinished(part: &FetchPart, got: &Fetched) -> bool {
    let left = part.offset < got.high_watermark && !mutant::active(Mutant::DrainedAfterOneRead);
    got.fault.is_some() || got.diverging.is_some() || left
}

impl<E: NetEnv> Watched<E> {
    fn leave(self) {
        if let Some(partition) = self.partition.upgrade() {
            partition.watchers.left();
        }
    }
}

impl<E: NetEnv> Drop for Watch<E> {
    fn drop(&mut self) {
        self.tally.end();
        self.parts.take().into_iter().flatten().for_each(Watched::leave);
    }
}
