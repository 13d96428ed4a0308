//! How much of the cache is used: as much as readers are found to need, and at least what it begins with.
//!
//! A reader that stays about as far behind as it is needs the cache to reach so far. One that catches up passes each
//! place once, and needs nothing: what it takes from the disk counts as far as its log grew meanwhile. Memory that is
//! not needed is given up, for memory that was used just now costs less than any other.
//!
//! Input: memory taken for tails, reads from it, reads from the disk. Output: the reach, in bytes. Invariant: it lies
//! within its bounds, and grows by no more than was appended.

/// The reach of one shard's cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReachMachine {
    least: usize,
    most: usize,
    reach: usize,
    /// How far the furthest read from memory went, of those since the last look.
    needed: usize,
    /// Whether it grew since then.
    grew: bool,
    /// How much memory will have been taken by the next look.
    look_at: u64,
}

impl ReachMachine {
    /// A cache of at least `least` bytes, and at most `most`.
    pub(super) fn new(least: usize, most: usize) -> Self {
        let least = least.min(most);
        Self { least, most, reach: least, needed: 0, grew: false, look_at: least as u64 }
    }

    /// Bytes of the cache to use.
    pub(super) fn reach(&self) -> usize {
        self.reach
    }

    /// `taken` bytes of memory were taken in all. Each time that all of the cache was replaced, it is seen whether so much
    /// of it was needed: a quarter more than was is kept.
    pub(super) fn took(&mut self, taken: u64) {
        if taken < self.look_at {
            return;
        }
        if !self.grew {
            self.reach = self.reach.min(self.needed + self.needed / 4).max(self.least);
        }
        (self.needed, self.grew) = (0, false);
        self.look_at = taken + self.reach as u64;
    }

    /// A read found in memory what `age` bytes were taken after.
    pub(super) fn hit(&mut self, age: u64) {
        self.needed = self.needed.max(usize::try_from(age).unwrap_or(usize::MAX).min(self.most));
    }

    /// A reader took `bytes` from the disk, `behind` the end of its log, to which `appended` came since it was last read
    /// from the disk. If the cache could hold so much, it will.
    pub(super) fn missed(&mut self, behind: u64, bytes: usize, appended: u64) {
        let growth = bytes.min(usize::try_from(appended).unwrap_or(usize::MAX));
        if behind <= self.most as u64 && growth > 0 {
            self.reach = (self.reach + growth).min(self.most);
            self.grew = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: usize = 1_000;
    const MOST: usize = 10_000;

    /// Takes `bytes` in pieces of 100, with `each` after each piece; returns the reach.
    fn take(machine: &mut ReachMachine, taken: &mut u64, bytes: u64, each: impl Fn(&mut ReachMachine)) -> usize {
        for _ in 0..bytes / 100 {
            *taken += 100;
            machine.took(*taken);
            each(machine);
        }
        machine.reach()
    }

    #[test]
    fn it_grows_until_a_reader_that_keeps_its_distance_is_served_and_comes_back_when_it_goes() {
        let (mut machine, mut taken) = (ReachMachine::new(LEAST, MOST), 0);
        let follow = |machine: &mut ReachMachine| {
            if machine.reach() < 4_000 { machine.missed(4_000, 100, 100) } else { machine.hit(4_000) }
        };
        assert_eq!(take(&mut machine, &mut taken, 3_000, follow), 4_000);
        assert_eq!(take(&mut machine, &mut taken, 50_000, follow), 4_000, "it needs no more, and no less");
        assert_eq!(take(&mut machine, &mut taken, 10_000, |machine| machine.hit(2_000)), 2_500);
        assert_eq!(take(&mut machine, &mut taken, 10_000, |_| {}), LEAST, "nobody is behind");
    }

    #[test]
    fn readers_that_catch_up_or_are_out_of_reach_make_it_no_larger() {
        let (mut machine, mut taken) = (ReachMachine::new(LEAST, MOST), 0);
        for behind in (0..9_000).rev().step_by(100) {
            machine.missed(behind, 100, 0);
        }
        assert_eq!(machine.reach(), LEAST, "its log did not grow");
        machine.missed(MOST as u64 + 1, 100, 100);
        assert_eq!(machine.reach(), LEAST, "the cache could not hold it");
        assert_eq!(take(&mut machine, &mut taken, 100_000, |machine| machine.missed(9_000, 100, 100)), MOST);
    }
}
