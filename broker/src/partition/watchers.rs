//! Who watches a partition: is told what happens to it, and wakes when there is enough.
//!
//! A fetch, or a session of them, watches its partitions of one core with one [`Tally`]. What happens to a partition
//! touches its own watchers only: it *stirs* in the tally of each, to be looked at by the next fetch, and the bytes that a
//! commit brought are added up; whoever waits for no more than that is woken. Nothing is read or searched again. A
//! watcher that left leaves its entry behind; half of a partition's entries being such, they are swept.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use corelog_storage::ids::Offset;

use crate::partition::mutant::{self, Mutant};

/// Names a partition within one watch. Keys are used again: they are dense.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key(pub u32);

impl Key {
    /// As a place in a list.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What happened to the partitions of one watch.
pub struct Tally {
    seats: RefCell<Vec<Seat>>,
    /// In the order in which they stirred.
    stirred: RefCell<Vec<Key>>,
    /// Bytes there are in all.
    total: Cell<u64>,
    /// It is woken once there are so many in all.
    enough: Cell<u64>,
    /// Something must be answered at once: an error, or that a partition is no longer what it was.
    urgent: Cell<bool>,
    next_stamp: Cell<u64>,
    wake: Box<dyn Fn(&Tally)>,
}

/// One partition of a tally.
#[derive(Clone, Copy, Default)]
struct Seat {
    /// Of its entry among the partition's watchers; 0 if it has none.
    stamp: u64,
    /// The offset that is read from: only what is committed past it counts.
    from: Offset,
    /// Bytes there are. None, of a partition that did not stir.
    available: u64,
    stirred: bool,
}

/// What a look at a partition found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Look {
    /// Bytes there are.
    pub available: u64,
    /// It must be answered at once.
    pub urgent: bool,
}

/// Nobody waits.
const NEVER: u64 = u64::MAX;

impl Tally {
    /// Of no partition. `wake` is called at most once per [`Tally::wait_for`], from within a commit: it must be quick,
    /// and must not watch anything.
    pub fn new(wake: impl Fn(&Tally) + 'static) -> Rc<Self> {
        Rc::new(Self {
            seats: RefCell::default(),
            stirred: RefCell::default(),
            total: Cell::new(0),
            enough: Cell::new(NEVER),
            urgent: Cell::new(false),
            next_stamp: Cell::new(1),
            wake: Box::new(wake),
        })
    }

    /// Of the partition `key` is asked from `from` on: it stirs.
    pub fn ask(&self, key: Key, from: Offset) {
        let mut seats = self.seats.borrow_mut();
        if seats.len() <= key.index() {
            seats.resize(key.index() + 1, Seat::default());
        }
        let seat = &mut seats[key.index()];
        seat.from = from;
        self.stir(seat, key);
    }

    /// The partition `key` is watched no longer.
    pub fn leave(&self, key: Key) {
        let seat = &mut self.seats.borrow_mut()[key.index()];
        seat.stamp = 0;
        self.total.set(self.total.get() - std::mem::take(&mut seat.available));
    }

    /// None of it is.
    pub fn end(&self) {
        self.enough.set(NEVER);
        *self.seats.borrow_mut() = Vec::new();
        *self.stirred.borrow_mut() = Vec::new();
    }

    /// Looks at all that stirred, which `look` knows unless it has left: now bytes and urgency are as they are.
    pub fn refresh(&self, mut look: impl FnMut(Key) -> Option<Look>) {
        self.rest();
        let mut urgent = false;
        let mut stirred = self.stirred.take();
        stirred.retain(|key| {
            let found = look(*key);
            let seat = &mut self.seats.borrow_mut()[key.index()];
            let now = found.map_or(0, |found| found.available);
            let before = std::mem::replace(&mut seat.available, now);
            self.total.set((self.total.get() - before).saturating_add(now));
            urgent |= found.is_some_and(|found| found.urgent);
            seat.stirred = found.is_some();
            seat.stirred
        });
        self.stirred.replace(stirred);
        self.urgent.set(urgent);
    }

    /// Whether it must be answered at once, however little there is.
    pub fn urgent(&self) -> bool {
        self.urgent.get()
    }

    /// The partitions that stirred, and the bytes there are of each.
    pub fn stirred(&self) -> Vec<(Key, u64)> {
        let seats = self.seats.borrow();
        self.stirred.borrow().iter().map(|key| (*key, seats[key.index()].available)).collect()
    }

    /// Bytes there are in all.
    pub fn total(&self) -> u64 {
        self.total.get()
    }

    /// Takes the first `count` of them, to be read: they have not stirred, until they do again.
    pub fn take_stirred(&self, count: usize) -> Vec<Key> {
        let mut stirred = self.stirred.borrow_mut();
        let mut seats = self.seats.borrow_mut();
        let count = count.min(stirred.len());
        let taken: Vec<Key> = stirred.drain(..count).collect();
        for key in &taken {
            let seat = &mut seats[key.index()];
            seat.stirred = false;
            self.total.set(self.total.get() - std::mem::take(&mut seat.available));
        }
        taken
    }

    /// The partition `key` is to be looked at again.
    pub fn again(&self, key: Key) {
        if let Some(seat) = self.seats.borrow_mut().get_mut(key.index()) {
            self.stir(seat, key);
        }
    }

    /// Wakes once `enough` bytes are there, or anything is urgent: at once, if it is so already.
    pub fn wait_for(&self, enough: u64) {
        self.enough.set(enough);
        self.wake_if_due();
    }

    /// Nobody waits.
    pub fn rest(&self) {
        self.enough.set(NEVER);
    }

    fn stir(&self, seat: &mut Seat, key: Key) {
        if !std::mem::replace(&mut seat.stirred, true) {
            self.stirred.borrow_mut().push(key);
        }
    }

    /// Something happened to the partition of an entry, which brought `bytes`.
    fn happened(&self, entry: &Entry, bytes: impl FnOnce(Offset) -> u64) {
        if mutant::active(Mutant::DeafBetweenFetches) && self.enough.get() == NEVER {
            return;
        }
        let mut seats = self.seats.borrow_mut();
        let Some(seat) = seats.get_mut(entry.key.index()).filter(|seat| seat.stamp == entry.stamp) else { return };
        self.stir(seat, entry.key);
        let more = bytes(seat.from);
        seat.available = seat.available.saturating_add(more);
        self.total.set(self.total.get().saturating_add(more));
        drop(seats);
        if !mutant::active(Mutant::ForgetsToWake) {
            self.wake_if_due();
        }
    }

    fn wake_if_due(&self) {
        let enough = self.enough.get();
        if enough != NEVER && (self.urgent.get() || self.total.get() >= enough) {
            self.enough.set(NEVER);
            (self.wake)(self);
        }
    }

    /// Gives the partition `key` an entry anew; the one it had is dead.
    fn stamp(&self, key: Key) -> u64 {
        let stamp = self.next_stamp.get();
        self.next_stamp.set(stamp + 1);
        self.seats.borrow_mut()[key.index()].stamp = stamp;
        stamp
    }

    fn has(&self, entry: &Entry) -> bool {
        self.seats.borrow().get(entry.key.index()).is_some_and(|seat| seat.stamp == entry.stamp)
    }
}

/// The watchers of one partition.
#[derive(Default)]
pub struct Watchers {
    entries: RefCell<Vec<Entry>>,
    /// How many of the entries are dead.
    dead: Cell<usize>,
}

struct Entry {
    tally: Rc<Tally>,
    key: Key,
    stamp: u64,
}

impl Watchers {
    /// The partition is the one that `tally` calls `key`.
    pub fn add(&self, tally: &Rc<Tally>, key: Key) {
        let entry = Entry { tally: tally.clone(), key, stamp: tally.stamp(key) };
        self.entries.borrow_mut().push(entry);
    }

    /// One that was added has left.
    pub fn left(&self) {
        let mut entries = self.entries.borrow_mut();
        self.dead.set(self.dead.get() + 1);
        if self.dead.get() * 2 > entries.len() {
            entries.retain(|entry| entry.tally.has(entry));
            let room = entries.len() * 4;
            entries.shrink_to(room);
            self.dead.set(0);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.entries.borrow().iter().filter(|entry| entry.tally.has(entry)).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().is_empty()
    }

    /// `bytes` more were committed, up to `end`.
    pub fn grew(&self, end: Offset, bytes: u64) {
        for entry in self.entries.borrow().iter() {
            entry.tally.happened(entry, |from| if end > from { bytes } else { 0 });
        }
    }

    /// Something moved that each watcher looks at by the next fetch: nobody is woken for it.
    pub fn moved(&self) {
        for entry in self.entries.borrow().iter() {
            entry.tally.happened(entry, |_| 0);
        }
    }

    /// The partition is not what it was: everybody looks at it at once.
    pub fn changed(&self) {
        for entry in self.entries.borrow().iter().filter(|entry| entry.tally.has(entry)) {
            entry.tally.urgent.set(true);
            entry.tally.happened(entry, |_| 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(partitions: &[(&Watchers, i64)]) -> (Rc<Tally>, Rc<Cell<u32>>) {
        let woken = Rc::new(Cell::new(0));
        let count = woken.clone();
        let tally = Tally::new(move |_| count.set(count.get() + 1));
        for (index, (watchers, from)) in partitions.iter().enumerate() {
            let key = Key(index as u32);
            tally.ask(key, Offset(*from));
            watchers.add(&tally, key);
        }
        tally.take_stirred(partitions.len());
        (tally, woken)
    }

    #[test]
    fn a_watch_wakes_once_when_its_partitions_together_have_enough() {
        let (first, second) = (Watchers::default(), Watchers::default());
        let (tally, woken) = tally(&[(&first, 5), (&second, 0)]);
        tally.wait_for(100);
        first.grew(Offset(6), 60);
        assert_eq!(woken.get(), 0);
        second.grew(Offset(1), 60);
        assert_eq!((woken.get(), tally.stirred()), (1, vec![(Key(0), 60), (Key(1), 60)]));
        second.grew(Offset(2), 60);
        assert_eq!(woken.get(), 1, "once for each wait");
        tally.wait_for(170);
        assert_eq!(woken.get(), 2, "enough was there already");
    }

    #[test]
    fn what_happens_while_nobody_waits_is_looked_at_by_the_next_fetch() {
        let (first, second) = (Watchers::default(), Watchers::default());
        let (tally, woken) = tally(&[(&first, 0), (&second, 0)]);
        second.grew(Offset(1), 60);
        second.moved();
        let mut looked = Vec::new();
        tally.refresh(|key| {
            looked.push(key);
            Some(Look { available: 50, urgent: false })
        });
        assert_eq!((looked, tally.stirred()), (vec![Key(1)], vec![(Key(1), 50)]));
        tally.wait_for(50);
        assert_eq!(woken.get(), 1);
        assert_eq!(tally.take_stirred(9), [Key(1)]);
        assert_eq!(tally.stirred(), [], "read, it is quiet");
        tally.again(Key(1));
        assert_eq!(tally.stirred(), [(Key(1), 0)], "unless it was not read to its end");
    }

    #[test]
    fn what_lies_before_the_fetch_offset_wakes_nobody() {
        let watchers = Watchers::default();
        let (tally, woken) = tally(&[(&watchers, 10)]);
        tally.wait_for(1);
        watchers.grew(Offset(10), 500);
        watchers.moved();
        assert_eq!((woken.get(), tally.stirred().len()), (0, 1));
        watchers.grew(Offset(11), 50);
        assert_eq!(woken.get(), 1);
    }

    #[test]
    fn a_change_wakes_who_waits_and_whoever_waits_next() {
        let watchers = Watchers::default();
        let ((waits, woken), (rests, woken_later)) = (tally(&[(&watchers, 0)]), tally(&[(&watchers, 0)]));
        waits.wait_for(1);
        watchers.changed();
        assert_eq!((woken.get(), woken_later.get()), (1, 0));
        rests.wait_for(1);
        assert_eq!((waits.urgent(), woken_later.get()), (true, 1));
    }

    #[test]
    fn who_left_is_swept_and_not_woken() {
        let watchers = Watchers::default();
        let (stays, woken) = tally(&[(&watchers, 0)]);
        for round in 0..1000 {
            let (tally, woken) = tally(&[(&watchers, 0)]);
            tally.wait_for(1);
            if round % 2 == 0 {
                tally.end()
            } else {
                tally.leave(Key(0))
            }
            watchers.left();
            watchers.moved();
            assert_eq!((woken.get(), tally.stirred().len()), (0, 0));
        }
        assert!(watchers.entries.borrow().len() <= 4);
        assert_eq!(watchers.count(), 1);
        stays.wait_for(1);
        watchers.grew(Offset(1), 1);
        assert_eq!(woken.get(), 1);
    }
}
