//! How batches enter a log: from clients, and from the journal after a crash.

use std::rc::Rc;

use bytes::Bytes;

use super::{
    Appended, Log, Ticket,
    producers::{Producers, Verdict},
    segment::{PAD, SEGMENT_HEADER, Segment, encode_header},
    state::{Bypass, State},
    tail::Placed,
};
use crate::{
    batch::{HEADER_LEN, Header, ValidBatch, stamped_header},
    env::{BLOCK, Env},
    error::{AppendError, StorageError},
    ids::{LeaderEpoch, Offset, Timestamp},
    journal::Sequence,
    limits::{BYPASS_BATCH, BYPASS_BEHIND, JOURNAL_LENDS, LAZY_WRITE, MAX_CHUNK},
    log::Extent,
    shard::record::{Place, kind},
};

/// Where the bytes of a replayed batch are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// In the journal.
    Journal,
    /// In the file of its segment alone: it was bypassed.
    Segment,
}

impl<E: Env> Log<E> {
    /// Appends one batch at the log's end: readable at once, durable when [`Log::wait_durable`] says so. Assigns the
    /// offsets and checks the producer's sequence. Never waits.
    pub fn append(self: &Rc<Self>, batch: &ValidBatch, epoch: LeaderEpoch) -> Result<Appended, AppendError> {
        self.context.admit_to_disk()?;
        self.context.admit()?;
        self.append_admitted(batch, epoch, false)
    }

    /// Whether an append would be refused as too much now: memory or the journal is full, which passes.
    pub fn is_overloaded(&self) -> bool {
        matches!(self.context.admit(), Err(AppendError::Overloaded))
    }

    /// As [`Log::append`], but on a full disk too, as long as the journal has room, and whatever else waits in memory: for
    /// the few records without which nothing can be deleted. A start on a full disk holds more than memory's bound.
    pub fn append_on_full_disk(
        self: &Rc<Self>,
        batch: &ValidBatch,
        epoch: LeaderEpoch,
    ) -> Result<Appended, AppendError> {
        self.context.check()?;
        self.append_admitted(batch, epoch, true)
    }

    fn append_admitted(
        self: &Rc<Self>,
        batch: &ValidBatch,
        epoch: LeaderEpoch,
        beyond_bound: bool,
    ) -> Result<Appended, AppendError> {
        self.context.make_room(batch.bytes().len() + MAX_CHUNK);
        let mut state = self.state.borrow_mut();
        state.usable()?;
        if state.epochs.latest().is_some_and(|latest| latest > epoch) {
            return Err(AppendError::StaleLeaderEpoch);
        }
        if let Verdict::Duplicate(written) = state.producers.judge(batch.header())? {
            return Ok(Appended {
                base_offset: written.base_offset,
                last_offset: written.last_offset,
                log_append_time: written.log_append_time,
                duplicate: true,
                ticket: Ticket(Offset(written.last_offset.0 + 1)),
            });
        }
        let now = self.context.env.wall_clock_ms();
        let log_append_time = state.config.log_append_time.then_some(Timestamp(now));
        let base = state.end;
        let stamp = stamped_header(batch, base, epoch, log_append_time);
        let header = Header::parse(&stamp).expect("a valid batch's header");
        let pressing = self.take_in(&mut state, &header, [&stamp, &batch.bytes()[HEADER_LEN..]], now, beyond_bound)?;
        drop(state);
        if let Some(extent) = pressing {
            self.kick(extent);
        }
        Ok(Appended {
            base_offset: base,
            last_offset: header.last_offset(),
            log_append_time,
            duplicate: false,
            ticket: Ticket(header.end_offset()),
        })
    }

    /// Puts a batch, with its final header, in the journal and the tail. Says what must be written to segments now.
    fn take_in(
        self: &Rc<Self>,
        state: &mut State,
        header: &Header,
        parts: [&[u8]; 2],
        now: i64,
        beyond_bound: bool,
    ) -> Result<Option<Extent>, AppendError> {
        let fresh = Self::must_roll(state, header, now);
        let (segment, position) = match state.segments.back() {
            Some(last) if !fresh => (last.base, last.position),
            _ => (header.base_offset, SEGMENT_HEADER as u32),
        };
        let lead = if fresh { SEGMENT_HEADER } else { 0 };
        let me = Rc::downgrade(self);
        let anyway = |len| beyond_bound.then(|| self.context.take_anyway(len, &me));
        let take = |len| self.context.take(len, &me).or_else(|| anyway(len));
        let room_left = state.config.segment_limit().saturating_sub(position) as usize;
        let reserved = state.tail.reserve(self.context.taken(), segment, lead + header.size as usize, room_left, take);
        reserved.ok_or(AppendError::Overloaded)?;
        // Nothing fails from here on.
        let place = Place { number: self.number, segment, position }.encode();
        let least = if self.context.journal().is_behind() { BYPASS_BEHIND } else { BYPASS_BATCH };
        let bypass = header.size as usize >= least;
        let (sequence, end_position) = (self.context.journal().next(), position + header.size);
        if fresh {
            self.begin_segment(state, segment, sequence);
        }
        if bypass {
            state.bypasses.push_back(Bypass { base: header.base_offset, segment, end_position });
        }
        self.settle_in(state, header, parts, sequence, now);
        let written = if bypass {
            // What the journal does not have shares no block with what comes next: recovery finds its blocks as they are.
            self.pad(state, segment);
            let safe = state.segments.back().map_or(0, |last| last.flushed);
            self.context.write(kind::BYPASS, &[&place, &safe.to_le_bytes(), parts[0]])
        } else if header.size as usize >= JOURNAL_LENDS {
            self.context.write_lent(kind::APPEND, &place, &state.tail.newest(segment, position, end_position))
        } else {
            self.context.write(kind::APPEND, &[&place, parts[0], parts[1]])
        };
        assert_eq!(written, sequence, "nothing else is written meanwhile");
        self.remember(state, header, now);
        self.context.expect_durable(sequence, me, header.end_offset());
        let unflushed = state.segments.back().map_or(0, |last| last.position - last.flushed);
        Ok(if bypass {
            Some(Extent::All)
        } else {
            // At least so many whole blocks, whatever the last one holds.
            (unflushed >= LAZY_WRITE + BLOCK as u32 || fresh && state.segments.len() > 1).then_some(Extent::Large)
        })
    }

    /// Whether `header`'s batch must begin a new segment.
    fn must_roll(state: &State, header: &Header, now: i64) -> bool {
        let Some(last) = state.segments.back() else { return true };
        if last.is_empty() {
            return false;
        }
        let full = u64::from(last.position) + u64::from(header.size) > u64::from(state.config.segment_limit());
        let far = header.last_offset().0 - last.base.0 > i64::from(i32::MAX);
        let newest = header.newest_timestamp().0;
        let age = if newest >= 0 && last.first_timestamp.0 >= 0 {
            newest - last.first_timestamp.0
        } else {
            now - last.appended_ms
        };
        full || far || age > state.config.segment_ms || last.closed
    }

    fn begin_segment(&self, state: &mut State, base: Offset, sequence: Sequence) {
        state.tail.append_gap(base, 0, &encode_header(self.id, base), base, sequence);
        state.segments.push_back(Segment::new(base));
        self.context.unflushed.set(self.context.unflushed.get() + SEGMENT_HEADER as u64);
    }

    /// The batch goes to the end of the last segment, which is the one it belongs to.
    fn settle_in(&self, state: &mut State, header: &Header, parts: [&[u8]; 2], sequence: Sequence, now: i64) {
        let last = state.segments.back_mut().expect("its segment was begun");
        let position = last.position;
        let delta = (header.base_offset.0 - last.base.0) as u32;
        last.index.note(delta, position, last.max_timestamp);
        let newest = header.newest_timestamp();
        if last.is_empty() {
            last.first_timestamp = newest;
        }
        if newest > last.max_timestamp {
            last.max_timestamp = newest;
            last.max_timestamp_batch = header.base_offset;
        }
        last.appended_ms = now;
        last.end = header.end_offset();
        last.position = position + header.size;
        let (segment, base, end) = (last.base, header.base_offset, header.end_offset());
        state.tail.append(Placed { segment, position, parts, base, end, sequence });
        state.end = end;
        state.appended += u64::from(header.size);
        self.context.unflushed.set(self.context.unflushed.get() + u64::from(header.size));
        if state.dirty_at.is_none() {
            self.refresh_dirty(state);
        }
    }

    fn remember(&self, state: &mut State, header: &Header, now: i64) {
        state.epochs.enter(header.leader_epoch, header.base_offset);
        let room = self.context.has_room_for_producer();
        self.change_producers(state, |producers| producers.record(header, now, room));
    }

    /// Changes what is remembered of producers.
    pub(super) fn change_producers(&self, state: &mut State, change: impl FnOnce(&mut Producers)) {
        let before = state.producers.len();
        change(&mut state.producers);
        self.context.remembers(before, state.producers.len());
    }

    /// A batch that the journal has, or names: it is taken in again unless its segment is known to have it. `captured` is
    /// the log's end in the checkpoint, whose producers and epochs know all below.
    pub(crate) fn replay(
        self: &Rc<Self>,
        sequence: Sequence,
        place: &Place,
        (batch, source): (&Bytes, Source),
        captured: Offset,
    ) -> Result<(), StorageError> {
        let broken = |why| StorageError::Corrupt { place: format!("journal record {}", sequence.0).into(), why };
        let header = Header::parse(batch).map_err(|_| broken("no batch header"))?;
        let mut state = self.state.borrow_mut();
        if header.end_offset() <= state.end || state.segments.front().is_some_and(|first| place.segment < first.base) {
            return Ok(());
        }
        if header.base_offset != state.end {
            return Err(broken("a batch that does not follow the one before"));
        }
        let me = Rc::downgrade(self);
        let memory = |len| Some(self.context.take_anyway(len, &me));
        let fresh = state.segments.back().is_none_or(|last| last.base != place.segment);
        let lead = if fresh { SEGMENT_HEADER } else { BLOCK };
        let taken = self.context.taken();
        state.tail.reserve(taken, place.segment, lead + batch.len(), 0, memory).ok_or(broken("no memory"))?;
        if fresh {
            self.begin_segment(&mut state, place.segment, sequence);
        }
        let last = state.segments.back_mut().expect("its segment was begun");
        if place.position < last.position || place.position > last.position.next_multiple_of(BLOCK as u32) {
            return Err(broken("a batch that does not lie where the one before ends"));
        }
        let (segment, from) = (last.base, std::mem::replace(&mut last.position, place.position));
        if from < place.position {
            state.tail.pad_to_block(segment, from);
        }
        if source == Source::Segment {
            let end_position = place.position + header.size;
            state.bypasses.push_back(Bypass { base: header.base_offset, segment, end_position });
        }
        let now = self.context.env.wall_clock_ms();
        self.settle_in(&mut state, &header, [batch, &[]], sequence, now);
        if header.base_offset >= captured {
            self.remember(&mut state, &header, now);
        }
        self.context.released(state.tail.drop_spare());
        state.journaled = state.end;
        state.durable = state.end;
        Ok(())
    }

    /// Ends the block that is being filled, so that it can be written.
    pub(super) fn pad(&self, state: &mut State, segment: Offset) -> u32 {
        const _: () = assert!(PAD & 0x80 != 0, "told from a batch by its first bit");
        let State { segments, tail, .. } = state;
        let Ok(at) = segments.binary_search_by_key(&segment, |segment| segment.base) else { return 0 };
        let segment = &mut segments[at];
        let padded = tail.pad_to_block(segment.base, segment.position);
        self.context.unflushed.set(self.context.unflushed.get() + u64::from(padded - segment.position));
        segment.position = padded;
        padded
    }
}
