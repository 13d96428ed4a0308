//! Where recoveries cut a log back: what the journal holds from before a cut, for offsets behind it, is void.
//!
//! The journal may outlive the checkpoint that has the log as it went on after a cut. A replay then meets the records of
//! the abandoned end, and the record of the cut itself, on a log that already holds others at those offsets.

use crate::{ids::Offset, journal::Sequence};

/// The cuts of one log, by the journal records that tell of them; sequences and offsets rise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    cuts: Vec<(Sequence, Offset)>,
}

impl Cuts {
    /// The cuts as a checkpoint had them.
    pub(crate) fn from_entries(entries: impl IntoIterator<Item = (Sequence, Offset)>) -> Self {
        let mut cuts = Self::default();
        for (sequence, offset) in entries {
            cuts.enter(sequence, offset);
        }
        cuts
    }

    /// All entries, oldest first.
    pub(crate) fn entries(&self) -> &[(Sequence, Offset)] {
        &self.cuts
    }

    /// The log was cut at `offset`, as record `sequence` says. An earlier cut further back says nothing more.
    pub(crate) fn enter(&mut self, sequence: Sequence, offset: Offset) {
        while self.cuts.last().is_some_and(|(_, before)| *before >= offset) {
            self.cuts.pop();
        }
        self.cuts.push((sequence, offset));
    }

    /// Whether the cut of record `sequence` is among those the log has behind it.
    pub(crate) fn know(&self, sequence: Sequence) -> bool {
        self.cuts.last().is_some_and(|(newest, _)| *newest >= sequence)
    }

    /// Whether a later cut took away what record `sequence` put at `offset`.
    pub(crate) fn void(&self, sequence: Sequence, offset: Offset) -> bool {
        self.cuts.iter().any(|(cut, from)| *cut > sequence && offset >= *from)
    }

    /// No record before `sequence` will be replayed any more.
    pub(crate) fn forget_before(&mut self, sequence: Sequence) {
        self.cuts.retain(|(cut, _)| *cut >= sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_void_if_a_later_cut_lies_at_or_before_it() {
        let cuts = Cuts::from_entries([(Sequence(10), Offset(50)), (Sequence(20), Offset(70))]);
        assert!(cuts.void(Sequence(9), Offset(50)) && cuts.void(Sequence(15), Offset(70)));
        assert!(!cuts.void(Sequence(9), Offset(49)), "before the cut");
        assert!(!cuts.void(Sequence(11), Offset(50)), "appended after it");
        assert!(cuts.know(Sequence(20)) && !cuts.know(Sequence(21)));
    }

    #[test]
    fn a_cut_further_back_takes_the_place_of_earlier_ones() {
        let mut cuts = Cuts::from_entries([(Sequence(10), Offset(50)), (Sequence(20), Offset(40))]);
        assert_eq!(cuts.entries(), [(Sequence(20), Offset(40))]);
        assert!(cuts.void(Sequence(9), Offset(50)) && cuts.know(Sequence(10)));
        cuts.forget_before(Sequence(21));
        assert!(!cuts.void(Sequence(9), Offset(50)), "no such record comes any more");
    }
}
