//! Which frames count after a crash, and what it means where they end. No I/O, no clock.
//!
//! **Inputs**: whole frames (magic and CRC hold) found where the journal may go on, by
//! [`offer`](RecoveryMachine::offer); the file where it goes on, by [`enter`](RecoveryMachine::enter); and, once nothing
//! more is accepted, what else lies behind the break, by [`proves_rot`](RecoveryMachine::proves_rot).
//!
//! **Effects**: whether a frame is accepted; where to look next ([`RecoveryMachine::place`]).
//!
//! **Invariants**: accepted frames are those of one journal, without a gap in LSN and sequence, each chained to the one
//! before. Nothing is accepted after a break.
//!
//! **The verdict.** A frame is written only while at most [`limits::JOURNAL_IN_FLIGHT`] are; so the frames at least
//! [`WINDOW`] behind a break were composed when the frame at the break was durable, and say so. If one of them, or any
//! nearer, claims durability past the break, then what is missing there was durable once: it rotted. If none does, it
//! was never acknowledged, or it is among the newest few frames, for which the two cannot be told apart.

use std::collections::VecDeque;

use super::{
    JournalPosition, Lsn, Sequence,
    frame::{self, FrameHeader, HEADER, RECORD_HEADER},
    space::FileSpan,
};
use crate::{
    limits,
    mutant::{Mutant, active},
};

/// The longest frame on disk.
pub(super) const LONGEST_FRAME: usize = frame::span(limits::JOURNAL_PAYLOAD + RECORD_HEADER + HEADER);

/// How far behind a break a claim about it must be found, if it was durable.
pub(super) const WINDOW: u64 = (limits::JOURNAL_IN_FLIGHT as u64 + 2) * LONGEST_FRAME as u64;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct RecoveryMachine {
    journal: u64,
    lsn: Lsn,
    sequence: Sequence,
    chain: u32,
    claimed: bool,
    files: VecDeque<FileSpan>,
    index: VecDeque<JournalPosition>,
}

impl RecoveryMachine {
    /// Recovery of `journal` from `start`, which lies in `file`; `None` if that file has no room left after it, so that
    /// the journal goes on in another.
    pub(super) fn new(journal: u64, start: JournalPosition, file: Option<FileSpan>) -> Self {
        Self {
            journal,
            lsn: start.lsn,
            sequence: start.sequence,
            chain: start.chain,
            claimed: true,
            files: file.into_iter().collect(),
            index: [JournalPosition { journal, ..start }].into(),
        }
    }

    /// Where the next frame should lie: the file, and the position within its frames. `None`: at a file's beginning.
    pub(super) fn place(&self) -> Option<(FileSpan, u64)> {
        let file = self.files.back()?;
        (self.lsn < file.end()).then(|| (*file, self.lsn.0 - file.base.0))
    }

    /// The LSN with which the next file would begin.
    pub(super) fn next_base(&self) -> Lsn {
        self.files.back().map_or(self.lsn, FileSpan::end)
    }

    /// Whether `frame`, found at `at`, may be the next one.
    fn follows(&self, frame: &FrameHeader, at: Lsn) -> bool {
        frame.journal == self.journal
            && frame.lsn == at
            && frame.first == self.sequence
            && (frame.chain == self.chain || active(Mutant::JournalSkipsChain))
    }

    /// Accepts a whole frame found at [`RecoveryMachine::place`], or says that it is not the next one.
    pub(super) fn offer(&mut self, frame: &FrameHeader) -> bool {
        let fits = self.files.back().is_some_and(|file| self.lsn.after(frame.span()) <= file.end());
        if !fits || !self.follows(frame, self.lsn) {
            return false;
        }
        self.index_here();
        self.lsn = self.lsn.after(frame.span());
        self.sequence = frame.next_sequence();
        self.chain = frame.crc;
        self.claimed = frame.records == 0;
        true
    }

    /// Whether a whole frame at a file's beginning continues the journal there; then the file is entered.
    pub(super) fn enter(&mut self, index: u32, capacity: u64, first: &FrameHeader) -> bool {
        let base = self.next_base();
        if !self.follows(first, base) || first.span() > capacity {
            return false;
        }
        self.files.push_back(FileSpan { index, base, capacity });
        self.lsn = base;
        true
    }

    fn index_here(&mut self) {
        let last = self.index.back().map_or(0, |last| last.lsn.0);
        let Some(file) = self.files.back() else { return };
        if self.lsn == file.base || self.lsn.0 - last >= limits::JOURNAL_INDEX_INTERVAL {
            self.index.push_back(JournalPosition {
                lsn: self.lsn,
                sequence: self.sequence,
                chain: self.chain,
                file: file.index,
                base: file.base,
                journal: self.journal,
            });
        }
    }

    /// Whether a whole frame found behind the break proves that what should be at the break was durable.
    pub(super) fn proves_rot(&self, frame: &FrameHeader) -> bool {
        frame.journal == self.journal
            && frame.lsn > self.lsn
            && frame.known_durable > self.lsn
            && !active(Mutant::JournalTakesRotForTornTail)
    }

    /// The end of what was accepted.
    pub(super) fn lsn(&self) -> Lsn {
        self.lsn
    }

    /// The record after the last.
    pub(super) fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// What the next frame will be chained to.
    pub(super) fn chain(&self) -> u32 {
        self.chain
    }

    /// Whether the last frame accepted is a closing one.
    pub(super) fn is_claimed(&self) -> bool {
        self.claimed
    }

    /// The files that hold what was accepted, oldest first, and where replays may start.
    pub(super) fn into_files(self) -> (VecDeque<FileSpan>, VecDeque<JournalPosition>) {
        (self.files, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::BLOCK;

    const FILE: FileSpan = FileSpan { index: 0, base: Lsn(0), capacity: 4 * BLOCK as u64 };

    fn header(block: u64, first: u64, chain: u32, crc: u32) -> FrameHeader {
        FrameHeader {
            crc,
            journal: 9,
            lsn: Lsn(block * BLOCK as u64),
            known_durable: Lsn(0),
            incarnation: 1,
            first: Sequence(first),
            records: 2,
            len: 100,
            chain,
        }
    }

    fn machine() -> RecoveryMachine {
        let mut machine = RecoveryMachine::new(9, JournalPosition::START, Some(FILE));
        assert!(machine.offer(&header(0, 1, 0, 77)));
        machine
    }

    #[test]
    fn only_the_next_frame_of_the_chain_is_accepted() {
        let next = header(1, 3, 77, 78);
        for wrong in [
            FrameHeader { journal: 8, ..next },
            FrameHeader { lsn: Lsn(0), ..next },
            FrameHeader { first: Sequence(4), ..next },
            FrameHeader { chain: 76, ..next },
            FrameHeader { len: 5 * BLOCK as u32, ..next },
        ] {
            assert!(!machine().offer(&wrong), "{wrong:?}");
        }
        let mut machine = machine();
        assert!(machine.offer(&next));
        assert_eq!((machine.sequence(), machine.chain(), machine.lsn()), (Sequence(5), 78, Lsn(2 * BLOCK as u64)));
    }

    #[test]
    fn the_journal_goes_on_in_the_file_that_chains() {
        let mut machine = machine();
        let first = header(4, 3, 77, 78);
        assert!(!machine.enter(3, 4 * BLOCK as u64, &FrameHeader { chain: 1, ..first }));
        assert!(!machine.enter(3, 4 * BLOCK as u64, &header(3, 3, 77, 78)));
        assert!(machine.enter(3, 4 * BLOCK as u64, &first));
        assert_eq!(machine.place().map(|(file, at)| (file.index, at)), Some((3, 0)));
        assert!(machine.offer(&first));
    }

    #[test]
    fn a_later_claim_past_the_break_is_rot_and_nothing_else_is() {
        let machine = machine();
        let claim =
            |lsn: u64, known: u64| FrameHeader { known_durable: Lsn(known * BLOCK as u64), ..header(lsn, 9, 5, 6) };
        assert!(machine.proves_rot(&claim(2, 2)));
        assert!(!machine.proves_rot(&claim(2, 1)), "what was in flight together");
        assert!(!machine.proves_rot(&claim(0, 5)), "an older frame");
        assert!(!machine.proves_rot(&FrameHeader { journal: 1, ..claim(2, 2) }));
    }
}
