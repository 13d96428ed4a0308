//! Which files hold which part of the journal, and which comes next.
//!
//! Files in use cover one stretch of LSNs without a gap, oldest first; frames never straddle two. A file is *free* once
//! all of it lies before what recovery needs, and is then overwritten from its beginning, under new LSNs.

use std::collections::VecDeque;

use super::Lsn;

/// A file in use: it holds the LSNs from `base`, `capacity` bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileSpan {
    pub(super) index: u32,
    pub(super) base: Lsn,
    pub(super) capacity: u64,
}

impl FileSpan {
    pub(super) fn end(&self) -> Lsn {
        self.base.after(self.capacity)
    }
}

/// The journal's files.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    used: VecDeque<FileSpan>,
    free: VecDeque<(u32, u64)>,
    /// How many files there may be.
    most: u32,
}

impl Space {
    /// `used` is oldest first; `free` lists numbers and capacities.
    pub(super) fn new(used: VecDeque<FileSpan>, free: VecDeque<(u32, u64)>, most: u32) -> Self {
        Self { used, free, most }
    }

    /// The newest file in use.
    pub(super) fn current(&self) -> Option<&FileSpan> {
        self.used.back()
    }

    /// The LSN up to which space is in use from.
    pub(super) fn oldest(&self) -> Option<Lsn> {
        self.used.front().map(|file| file.base)
    }

    /// Takes a free file of at least `need` bytes into use, beginning at `base`.
    pub(super) fn advance(&mut self, base: Lsn, need: u64) -> Option<FileSpan> {
        let at = self.free.iter().position(|(_, capacity)| *capacity >= need)?;
        let (index, capacity) = self.free.remove(at)?;
        let span = FileSpan { index, base, capacity };
        self.used.push_back(span);
        Some(span)
    }

    /// A file was made.
    pub(super) fn add(&mut self, index: u32, capacity: u64) {
        self.free.push_back((index, capacity));
    }

    /// Frees every file that ends at or before `lsn`. True if there was one.
    pub(super) fn free_before(&mut self, lsn: Lsn) -> bool {
        let before = self.free.len();
        while let Some(oldest) = self.used.front().copied().filter(|oldest| oldest.end() <= lsn) {
            self.used.pop_front();
            self.free.push_back((oldest.index, oldest.capacity));
        }
        self.free.len() > before
    }

    /// The number of the next file to make, if none is free, there may be more, and the newest is half full at `head`.
    pub(super) fn wanted(&self, head: Lsn) -> Option<u32> {
        let count = (self.used.len() + self.free.len()) as u32;
        (self.lasts_to(head, 2) && count < self.most).then(|| self.next_index())
    }

    /// Whether no file is free, and of the newest at most one part of `parts` is left at `head`.
    pub(super) fn lasts_to(&self, head: Lsn, parts: u64) -> bool {
        let left = |file: &FileSpan| file.end().0.saturating_sub(head.0);
        self.free.is_empty() && self.current().is_none_or(|file| left(file) <= file.capacity / parts)
    }

    fn next_index(&self) -> u32 {
        let used = self.used.iter().map(|file| file.index);
        let free = self.free.iter().map(|(index, _)| *index);
        used.chain(free).max().map_or(0, |index| index + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_made_when_needed_and_reused_when_freed() {
        let mut space = Space::new(VecDeque::new(), VecDeque::new(), 2);
        assert_eq!(space.wanted(Lsn(0)), Some(0));
        space.add(0, 100);
        assert_eq!(space.wanted(Lsn(0)), None, "one is free");
        assert_eq!(space.advance(Lsn(0), 200), None, "too small for the need");
        let first = space.advance(Lsn(0), 100).unwrap();
        assert_eq!(space.wanted(Lsn(49)), None, "not half full");
        assert_eq!(space.wanted(Lsn(50)), Some(1));
        assert!(!space.lasts_to(Lsn(74), 4) && space.lasts_to(Lsn(75), 4), "a quarter is left");
        space.add(1, 100);
        assert!(!space.lasts_to(Lsn(99), 4), "one is free");
        let second = space.advance(first.end(), 10).unwrap();
        assert_eq!((second.index, second.base), (1, Lsn(100)));
        assert_eq!(space.wanted(Lsn(199)), None, "no more than two");
        assert!(!space.free_before(Lsn(99)));
        assert!(space.free_before(Lsn(100)));
        assert_eq!(space.advance(second.end(), 10).unwrap().index, 0, "the freed file is reused");
        assert_eq!(space.oldest(), Some(Lsn(100)));
    }
}
