//! Who waits for a partition's next records.
//!
//! A fetch without enough to return parks as one [`Parked`] that counts bytes over all its partitions of this core. A
//! commit touches the waiters of its own partition only, adds what it brought, and wakes who has enough; nothing is
//! read or searched again. A parked fetch that is over leaves its entries behind; they are swept when a partition's
//! list has doubled.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use corelog_storage::ids::Offset;

/// A fetch that waits on this core, for any number of partitions.
pub struct Parked {
    /// Bytes there are, by partition of the fetch, and in all.
    available: RefCell<Vec<u64>>,
    total: Cell<u64>,
    /// It is woken once there are so many in all.
    enough: Cell<u64>,
    over: Cell<bool>,
    wake: Box<dyn Fn()>,
}

impl Parked {
    /// A fetch for which `available` bytes are there by partition. `wake` is called at most once per
    /// [`Parked::wait_for`], from within a commit: it must be quick.
    pub fn new(available: Vec<u64>, wake: impl Fn() + 'static) -> Rc<Self> {
        Rc::new(Self {
            total: Cell::new(available.iter().fold(0, |total, bytes| total.saturating_add(*bytes))),
            available: RefCell::new(available),
            enough: Cell::new(u64::MAX),
            over: Cell::new(false),
            wake: Box::new(wake),
        })
    }

    /// Bytes there are, by partition.
    pub fn available(&self) -> Vec<u64> {
        self.available.borrow().clone()
    }

    /// Of its `part`-th partition, `bytes` are there.
    pub fn set(&self, part: usize, bytes: u64) {
        let before = std::mem::replace(&mut self.available.borrow_mut()[part], bytes);
        self.total.set(self.total.get().saturating_sub(before).saturating_add(bytes));
    }

    /// Bytes there are in all.
    pub fn total(&self) -> u64 {
        self.total.get()
    }

    /// Wakes once `enough` bytes are there: at once, if they are already.
    pub fn wait_for(&self, enough: u64) {
        self.enough.set(enough);
        self.wake_if_enough();
    }

    /// Nobody waits for it any more.
    pub fn finish(&self) {
        self.over.set(true);
    }

    fn grew(&self, part: usize, bytes: u64) {
        let before = self.available.borrow()[part];
        self.set(part, before.saturating_add(bytes));
        self.wake_if_enough();
    }

    fn wake_if_enough(&self) {
        if !self.over.get() && self.total() >= self.enough.get() {
            self.wake();
        }
    }

    fn wake(&self) {
        self.enough.set(u64::MAX);
        (self.wake)();
    }
}

/// The waiters of one partition.
#[derive(Default)]
pub struct Waiters {
    entries: RefCell<Vec<Entry>>,
    sweep_at: Cell<usize>,
}

struct Entry {
    parked: Rc<Parked>,
    /// Which of its partitions this is.
    part: usize,
    /// The offset it reads from: only what is committed past it counts.
    from: Offset,
}

/// A list shorter than this is not swept.
const SWEEP_MIN: usize = 8;

impl Waiters {
    /// Adds a fetch that reads from `from`; this partition is its `part`-th.
    pub fn add(&self, parked: Rc<Parked>, part: usize, from: Offset) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= self.sweep_at.get().max(SWEEP_MIN) {
            entries.retain(|entry| !entry.parked.over.get());
            self.sweep_at.set(entries.len() * 2);
        }
        entries.push(Entry { parked, part, from });
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// `bytes` more were committed, up to `end`.
    pub fn grew(&self, end: Offset, bytes: u64) {
        // Taken out meanwhile: a waker may add to the list.
        let entries = self.entries.take();
        let mut kept: Vec<Entry> = Vec::with_capacity(entries.len());
        for entry in entries {
            if entry.parked.over.get() {
                continue;
            }
            if end > entry.from {
                entry.parked.grew(entry.part, bytes);
            }
            kept.push(entry);
        }
        self.put_back(kept);
    }

    /// Something changed that each waiter must look at.
    pub fn wake_all(&self) {
        for entry in self.entries.take() {
            if !entry.parked.over.get() {
                entry.parked.wake();
            }
        }
    }

    fn put_back(&self, mut kept: Vec<Entry>) {
        let mut entries = self.entries.borrow_mut();
        kept.append(&mut entries);
        *entries = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(parts: usize) -> (Rc<Parked>, Rc<Cell<u32>>) {
        let woken = Rc::new(Cell::new(0));
        let count = woken.clone();
        (Parked::new(vec![0; parts], move || count.set(count.get() + 1)), woken)
    }

    #[test]
    fn a_fetch_wakes_once_when_its_partitions_together_have_enough() {
        let (first, second) = (Waiters::default(), Waiters::default());
        let (fetch, woken) = parked(2);
        first.add(fetch.clone(), 0, Offset(5));
        second.add(fetch.clone(), 1, Offset(0));
        fetch.wait_for(100);
        first.grew(Offset(6), 60);
        assert_eq!(woken.get(), 0);
        second.grew(Offset(1), 60);
        assert_eq!((woken.get(), fetch.available()), (1, vec![60, 60]));
        second.grew(Offset(2), 60);
        assert_eq!(woken.get(), 1, "once for each wait");
        fetch.wait_for(170);
        assert_eq!(woken.get(), 2, "enough was there already");
    }

    #[test]
    fn what_lies_before_the_fetch_offset_wakes_nobody() {
        let waiters = Waiters::default();
        let (fetch, woken) = parked(1);
        waiters.add(fetch.clone(), 0, Offset(10));
        fetch.wait_for(1);
        waiters.grew(Offset(10), 500);
        assert_eq!(woken.get(), 0);
        waiters.grew(Offset(11), 50);
        assert_eq!(woken.get(), 1);
    }

    #[test]
    fn finished_fetches_are_swept_and_not_woken() {
        let waiters = Waiters::default();
        for _ in 0..1000 {
            let (fetch, woken) = parked(1);
            waiters.add(fetch.clone(), 0, Offset(0));
            fetch.wait_for(1);
            fetch.finish();
            assert_eq!(woken.get(), 0);
        }
        assert!(waiters.entries.borrow().len() <= 2 * SWEEP_MIN);
        let (fetch, woken) = parked(1);
        waiters.add(fetch.clone(), 0, Offset(0));
        fetch.wait_for(1);
        waiters.wake_all();
        assert_eq!(woken.get(), 1);
        assert!(waiters.is_empty());
    }
}
