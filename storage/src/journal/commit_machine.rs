//! Which frame is written when and where, and what is durable by that. No I/O, no clock, no waiting.
//!
//! **Inputs**: [`append`](CommitMachine::append) and [`append_lent`](CommitMachine::append_lent) (a record),
//! [`written`](CommitMachine::written) (a frame's durable write ended well), [`fail`](CommitMachine::fail) (one did not), [`file_made`](CommitMachine::file_made),
//! [`free_before`](CommitMachine::free_before) (a durable checkpoint allows it), [`claim`](CommitMachine::claim) (idle
//! or closing: write a closing frame).
//!
//! **Effects**: [`start`](CommitMachine::start) says what to write next, if anything; the answer of `written` is what
//! has become durable.
//!
//! **Invariants**
//! - Records become durable in the order appended: a frame counts when it and all before it are written.
//! - At most [`limits::JOURNAL_IN_FLIGHT`] frames are in flight, each to its own blocks; what arrives meanwhile waits
//!   for the next, unless it is much.
//! - No block is given to a new frame before what it held is neither needed by recovery nor still being written.
//! - After a failure nothing starts, and nothing becomes durable.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{
    JournalPosition, Lsn, Sequence, Usage,
    frame::{self, Context, FILLER, FrameBuilder, HEADER, RECORD_HEADER},
    space::{FileSpan, Space},
};
use crate::{
    buffer::{AlignedBuf, BufferPool},
    env::BLOCK,
    error::StorageError,
    limits,
    mutant::{Mutant, active},
};

/// Where a journal goes on after recovery.
#[derive(Debug)]
pub(super) struct Resume {
    pub(super) journal: u64,
    pub(super) incarnation: u64,
    /// The end of what was recovered; all of it is durable.
    pub(super) head: Lsn,
    pub(super) chain: u32,
    pub(super) next: Sequence,
    /// Whether the last frame claims all before it.
    pub(super) claimed: bool,
    pub(super) space: Space,
    /// Positions where a replay may start, oldest first; at least one.
    pub(super) index: VecDeque<JournalPosition>,
    /// All files together, in bytes of frames.
    pub(super) size: u64,
    /// The longest frame.
    pub(super) frame: usize,
}

/// A frame to be written, durably.
#[derive(Debug)]
pub(super) struct FrameWrite {
    /// For [`CommitMachine::written`].
    pub(super) lsn: Lsn,
    /// Which file, and where in it.
    pub(super) file: u32,
    pub(super) position: u64,
    /// Whole blocks, one after the other.
    pub(super) data: Vec<Bytes>,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Start {
    /// Write this frame, then tell [`CommitMachine::written`].
    Write(FrameWrite),
    /// Nothing to write, or not yet.
    Wait,
    /// There is something to write, and no file for it.
    NoSpace,
}

struct Flight {
    lsn: Lsn,
    end: Lsn,
    next: Sequence,
    written: bool,
    closing: bool,
}

/// See the module's documentation.
pub(super) struct CommitMachine {
    journal: u64,
    incarnation: u64,
    pool: BufferPool,
    frame: usize,
    size: u64,
    space: Space,
    /// Frames that are full, then the one being filled.
    full: VecDeque<FrameBuilder>,
    open: Option<FrameBuilder>,
    backlog: u64,
    next: Sequence,
    /// Where the next frame goes, what it chains to, and its first record.
    head: Lsn,
    chain: u32,
    composed: Sequence,
    in_flight: VecDeque<Flight>,
    durable_lsn: Lsn,
    durable: Sequence,
    /// Whether the newest frame is a closing one; whether one is wanted.
    claimed: bool,
    claim_wanted: bool,
    freeable: Lsn,
    index: VecDeque<JournalPosition>,
    failure: Option<StorageError>,
}

impl CommitMachine {
    /// A machine that goes on where `resume` says; frames are built in memory of `pool`.
    pub(super) fn new(resume: Resume, pool: BufferPool) -> Self {
        Self {
            journal: resume.journal,
            incarnation: resume.incarnation,
            pool,
            frame: resume.frame,
            size: resume.size,
            space: resume.space,
            full: VecDeque::new(),
            open: None,
            backlog: 0,
            next: resume.next,
            head: resume.head,
            chain: resume.chain,
            composed: resume.next,
            in_flight: VecDeque::new(),
            durable_lsn: resume.head,
            durable: Sequence(resume.next.0 - 1),
            claimed: resume.claimed,
            claim_wanted: false,
            freeable: Lsn(0),
            index: resume.index,
            failure: None,
        }
    }

    /// Takes a record; its payload comes in parts.
    pub(super) fn append(&mut self, kind: u8, payload: &[&[u8]]) -> Sequence {
        let len: usize = payload.iter().map(|part| part.len()).sum();
        assert!(len <= limits::JOURNAL_PAYLOAD && kind != FILLER, "a journal record of kind {kind} and {len} bytes");
        let mut frame = self.frame_with(HEADER + RECORD_HEADER + len, |open| open.fits(len));
        let before = frame.len();
        frame.push(kind, payload);
        self.took(frame, before)
    }

    /// As [`CommitMachine::append`], but the end of the payload is written from where it lies, as far as it is whole
    /// blocks: pieces of memory that follow each other, as [`FrameBuilder::push_lent`] wants them.
    pub(super) fn append_lent(&mut self, kind: u8, head: &[u8], lent: &[Bytes]) -> Sequence {
        assert_ne!(kind, FILLER, "a record that none would read");
        let mut frame = self.frame_with(0, |open| open.fits_lent(head.len(), lent));
        if !frame.fits_lent(head.len(), lent) {
            self.open = Some(frame).filter(|frame| frame.len() > HEADER);
            let payload: Vec<&[u8]> = [head].into_iter().chain(lent.iter().map(|piece| &piece[..])).collect();
            return self.append(kind, &payload);
        }
        let before = frame.len();
        frame.push_lent(kind, head, lent);
        self.took(frame, before)
    }

    /// The open frame if `fits` says so, else a new one, of `least` bytes at least.
    fn frame_with(&mut self, least: usize, fits: impl Fn(&FrameBuilder) -> bool) -> FrameBuilder {
        if self.open.as_ref().is_some_and(|open| !fits(open)) {
            self.full.extend(self.open.take());
        }
        self.open.take().unwrap_or_else(|| {
            let size = self.frame.max(least);
            let buffer = self.pool.take(size).unwrap_or_else(|| AlignedBuf::zeroed(size));
            FrameBuilder::new(buffer, self.next)
        })
    }

    /// `frame` took one record more than it had with `before` bytes.
    fn took(&mut self, frame: FrameBuilder, before: usize) -> Sequence {
        self.backlog += (frame.len() - before) as u64;
        self.open = Some(frame);
        self.claim_wanted = false;
        let taken = self.next;
        self.next = taken.next();
        taken
    }

    /// The number that the next record gets.
    pub(super) fn next(&self) -> Sequence {
        self.next
    }

    /// What to write now. To be asked again after each input, until it says no.
    pub(super) fn start(&mut self) -> Start {
        if self.failure.is_some() || self.in_flight.len() >= limits::JOURNAL_IN_FLIGHT {
            return Start::Wait;
        }
        let waiting = self.full.front().or(self.open.as_ref()).map(FrameBuilder::len);
        match waiting {
            Some(len) if self.is_due() => {
                let Some(file) = self.file_for(frame::span(len) as u64) else { return Start::NoSpace };
                match self.full.pop_front().or_else(|| self.open.take()) {
                    Some(frame) => Start::Write(self.compose(frame, file)),
                    None => Start::Wait,
                }
            }
            None if self.claim_wanted && self.in_flight.is_empty() => self.start_claim(),
            _ => Start::Wait,
        }
    }

    /// Whether what waits should be written now rather than gather more.
    fn is_due(&self) -> bool {
        let busy = self.in_flight.iter().any(|flight| !flight.closing);
        !busy || !self.full.is_empty() || self.open.as_ref().is_some_and(|open| open.len() >= limits::JOURNAL_EAGER)
    }

    fn start_claim(&mut self) -> Start {
        self.claim_wanted = false;
        if self.claimed {
            return Start::Wait;
        }
        // Without room the claim is not worth a file: it only sharpens a verdict.
        let Some(file) = self.file_for(BLOCK as u64) else {
            self.claimed = true;
            return Start::Wait;
        };
        let frame = FrameBuilder::new(AlignedBuf::zeroed(BLOCK), self.composed);
        Start::Write(self.compose(frame, file))
    }

    /// The file whose next blocks, `need` bytes, the next frame gets.
    fn file_for(&mut self, need: u64) -> Option<FileSpan> {
        match self.space.current() {
            Some(file) if self.head.after(need) <= file.end() => return Some(*file),
            Some(file) => {
                let base = file.end();
                self.head = self.space.advance(base, need)?.base;
            }
            None => drop(self.space.advance(self.head, need)?),
        }
        self.space.current().copied()
    }

    fn compose(&mut self, frame: FrameBuilder, file: FileSpan) -> FrameWrite {
        self.index_here(file);
        let (next, closing) = (frame.next_sequence(), frame.len() == HEADER);
        self.backlog = self.backlog.saturating_sub((frame.len() - HEADER) as u64);
        let (header, data) = frame.compose(Context {
            journal: self.journal,
            incarnation: self.incarnation,
            lsn: self.head,
            known_durable: self.durable_lsn,
            chain: self.chain,
        });
        let end = self.head.after(header.span());
        self.in_flight.push_back(Flight { lsn: self.head, end, next, written: false, closing });
        self.head = end;
        self.chain = header.crc;
        self.composed = next;
        self.claimed = closing;
        let position = BLOCK as u64 + (header.lsn.0 - file.base.0);
        FrameWrite { lsn: header.lsn, file: file.index, position, data }
    }

    fn index_here(&mut self, file: FileSpan) {
        let last = self.index.back().map_or(0, |last| last.lsn.0);
        if self.head == file.base || self.head.0 - last >= limits::JOURNAL_INDEX_INTERVAL {
            self.index.push_back(self.position_at_head(&file));
        }
    }

    fn position_at_head(&self, file: &FileSpan) -> JournalPosition {
        JournalPosition {
            lsn: self.head,
            sequence: self.composed,
            chain: self.chain,
            file: file.index,
            base: file.base,
            journal: self.journal,
        }
    }

    /// The frame at `lsn` is written. The newest durable record, if that made any durable.
    pub(super) fn written(&mut self, lsn: Lsn) -> Option<Sequence> {
        if self.failure.is_some() {
            return None;
        }
        if let Some(flight) = self.in_flight.iter_mut().find(|flight| flight.lsn == lsn) {
            flight.written = true;
        }
        let before = self.durable;
        while let Some(flight) = self.in_flight.front() {
            if !flight.written {
                break;
            }
            self.durable_lsn = flight.end;
            self.durable = Sequence(flight.next.0 - 1);
            self.in_flight.pop_front();
        }
        if active(Mutant::JournalAcksOutOfOrder) {
            self.durable = self.durable.max(Sequence(self.composed.0 - 1));
        }
        self.space.free_before(self.freeable.min(self.durable_lsn));
        (self.durable > before).then_some(self.durable)
    }

    /// A write failed: what is durable can no longer be known.
    pub(super) fn fail(&mut self, why: StorageError) {
        self.failure.get_or_insert(why);
    }

    /// A file was made.
    pub(super) fn file_made(&mut self, index: u32, capacity: u64) {
        self.space.add(index, capacity);
    }

    /// The number of the file that should be made now, if any.
    pub(super) fn wants_file(&self) -> Option<u32> {
        self.space.wanted(self.head).filter(|_| self.failure.is_none())
    }

    /// Whether the file that is being made will be needed soon.
    pub(super) fn needs_file_soon(&self) -> bool {
        self.space.lasts_to(self.head, 4)
    }

    /// No replay will start before `position` any more. True if files became free.
    pub(super) fn free_before(&mut self, position: JournalPosition) -> bool {
        let limit = if active(Mutant::JournalFreesEarly) { self.durable_lsn } else { position.lsn };
        self.freeable = self.freeable.max(limit);
        while self.index.get(1).is_some_and(|second| second.lsn <= self.freeable) {
            self.index.pop_front();
        }
        // A block still being written must not be written again.
        self.space.free_before(self.freeable.min(self.durable_lsn))
    }

    /// Where a replay must start so that it gives `sequence` and what follows; it may give some before.
    pub(super) fn position_of(&self, sequence: Sequence) -> JournalPosition {
        if sequence >= self.composed {
            let none = FileSpan { index: u32::MAX, base: self.head, capacity: 0 };
            return self.position_at_head(self.space.current().unwrap_or(&none));
        }
        let after = self.index.partition_point(|position| position.sequence <= sequence);
        self.index[after.saturating_sub(1)]
    }

    /// Asks for a closing frame as soon as nothing waits; false if the newest frame is one already.
    pub(super) fn claim(&mut self) -> bool {
        self.claim_wanted = !self.claimed;
        self.claim_wanted
    }

    /// Whether many whole frames wait for their turn.
    pub(super) fn is_behind(&self) -> bool {
        self.full.len() >= limits::JOURNAL_BEHIND
    }

    /// Whether a frame is being written.
    pub(super) fn is_writing(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Whether records wait, and so few that their frame may wait for more.
    pub(super) fn may_wait(&self) -> bool {
        self.full.is_empty() && self.open.as_ref().is_some_and(|open| open.len() < limits::JOURNAL_EAGER)
    }

    /// Whether all that was appended is durable.
    pub(super) fn is_quiet(&self) -> bool {
        self.in_flight.is_empty() && self.full.is_empty() && self.open.is_none()
    }

    /// Whether the newest frame claims all before it.
    pub(super) fn is_claimed(&self) -> bool {
        self.claimed && self.is_quiet()
    }

    /// Where the next frame goes.
    pub(super) fn head(&self) -> Lsn {
        self.head
    }

    /// The newest durable record.
    pub(super) fn durable(&self) -> Sequence {
        self.durable
    }

    /// Why nothing becomes durable any more.
    pub(super) fn failure(&self) -> Option<&StorageError> {
        self.failure.as_ref()
    }

    /// How full it is.
    pub(super) fn usage(&self) -> Usage {
        let used = self.space.oldest().map_or(0, |oldest| self.head.0 - oldest.0);
        Usage { used, size: self.size, backlog: self.backlog }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: u32, blocks: u64) -> CommitMachine {
        let free: VecDeque<_> = (0..files).map(|index| (index, blocks * BLOCK as u64)).collect();
        let resume = Resume {
            journal: 1,
            incarnation: 2,
            head: Lsn(0),
            chain: 0,
            next: Sequence(1),
            claimed: true,
            space: Space::new(VecDeque::new(), free, files),
            index: [JournalPosition::START].into(),
            size: u64::from(files) * blocks * BLOCK as u64,
            frame: 16 * BLOCK,
        };
        CommitMachine::new(resume, BufferPool::new(1 << 20, 0))
    }

    #[track_caller]
    fn write(machine: &mut CommitMachine) -> FrameWrite {
        match machine.start() {
            Start::Write(write) => write,
            other => panic!("expected a write, not {other:?}"),
        }
    }

    #[track_caller]
    fn waits(machine: &mut CommitMachine) {
        assert!(matches!(machine.start(), Start::Wait));
    }

    #[test]
    fn what_arrives_during_a_write_joins_the_next() {
        let mut machine = machine(1, 64);
        waits(&mut machine);
        assert_eq!(machine.append(0, &[b"a"]), Sequence(1));
        let first = write(&mut machine);
        machine.append(0, &[b"b"]);
        machine.append(0, &[b"c"]);
        waits(&mut machine);
        assert_eq!(machine.written(first.lsn), Some(Sequence(1)));
        let second = write(&mut machine);
        assert_eq!(machine.written(second.lsn), Some(Sequence(3)));
        assert!(machine.is_quiet());
    }

    #[test]
    fn much_does_not_wait_and_counts_in_order() {
        let mut machine = machine(1, 64);
        let large = [0; limits::JOURNAL_EAGER];
        machine.append(0, &[&large]);
        let first = write(&mut machine);
        machine.append(0, &[&large]);
        let second = write(&mut machine);
        assert_eq!(machine.written(second.lsn), None, "the one before is not written");
        assert_eq!(machine.written(first.lsn), Some(Sequence(2)));
    }

    #[test]
    fn no_more_in_flight_than_the_limit() {
        let mut machine = machine(1, 1024);
        for _ in 0..=limits::JOURNAL_IN_FLIGHT {
            machine.append(0, &[&[0; limits::JOURNAL_EAGER]]);
            machine.append(0, &[&[0; limits::JOURNAL_EAGER]]);
        }
        let writes: Vec<_> = (0..limits::JOURNAL_IN_FLIGHT).map(|_| write(&mut machine)).collect();
        waits(&mut machine);
        machine.written(writes[0].lsn);
        write(&mut machine);
    }

    #[test]
    fn space_is_reused_only_after_it_was_freed() {
        let mut machine = machine(2, 1);
        for round in 0..4 {
            let sequence = machine.append(0, &[b"fills a file"]);
            if round >= 2 {
                assert!(matches!(machine.start(), Start::NoSpace));
                assert!(machine.free_before(machine.position_of(Sequence(sequence.0 - 1))));
            }
            let frame = write(&mut machine);
            assert_eq!((frame.file, frame.position), (round % 2, BLOCK as u64));
            machine.written(frame.lsn);
        }
    }

    #[test]
    fn a_file_being_written_is_not_freed() {
        let mut machine = machine(1, 1);
        machine.append(0, &[b"x"]);
        let frame = write(&mut machine);
        let end = machine.position_of(Sequence(2));
        assert!(!machine.free_before(end));
        machine.append(0, &[b"y"]);
        machine.written(frame.lsn);
        assert_eq!(write(&mut machine).lsn, Lsn(BLOCK as u64), "freed by the write's end");
    }

    #[test]
    fn a_claim_is_written_when_quiet_and_once() {
        let mut machine = machine(1, 64);
        assert!(!machine.claim(), "nothing to claim");
        machine.append(0, &[b"a"]);
        let first = write(&mut machine);
        machine.written(first.lsn);
        assert!(machine.claim());
        let claim = write(&mut machine);
        assert_eq!(machine.written(claim.lsn), None);
        assert!(machine.is_claimed() && !machine.claim());
        machine.append(0, &[b"b"]);
        assert!(!machine.is_claimed());
        write(&mut machine);
        assert!(machine.claim());
    }

    #[test]
    fn after_a_failure_nothing_becomes_durable() {
        let mut machine = machine(1, 64);
        machine.append(0, &[b"a"]);
        let first = write(&mut machine);
        machine.fail(StorageError::Closed);
        assert_eq!(machine.written(first.lsn), None);
        machine.append(0, &[b"b"]);
        waits(&mut machine);
        assert_eq!(machine.durable(), Sequence(0));
    }

    #[test]
    fn positions_are_at_or_before_their_record() {
        let mut machine = machine(8, 100);
        let mut starts = Vec::new();
        for _ in 0..40 {
            machine.append(0, &[&[0; 50_000]]);
            let frame = write(&mut machine);
            starts.push(frame.lsn);
            machine.written(frame.lsn);
        }
        for (at, lsn) in starts.iter().enumerate() {
            let position = machine.position_of(Sequence(at as u64 + 1));
            assert!(position.lsn <= *lsn && lsn.0 - position.lsn.0 <= 2 * limits::JOURNAL_INDEX_INTERVAL);
            assert!(position.sequence.0 <= at as u64 + 1);
            assert_eq!(JournalPosition::from_bytes(&position.to_bytes()), Some(position));
        }
        assert_eq!(machine.position_of(Sequence(41)).lsn, machine.head());
    }
}
