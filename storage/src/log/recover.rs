//! What recovery and moves do to a log, beside replaying batches.

use std::rc::Rc;

use bytes::Bytes;

use super::{
    Extent, Log,
    epochs::Epochs,
    producers::Producers,
    state::{Life, LogImage},
};
use crate::{
    batch::Header,
    env::Env,
    error::StorageError,
    ids::{LeaderEpoch, Offset},
    journal::Sequence,
    mutant::{Mutant, active},
    shard::record::Place,
};

impl<E: Env> Log<E> {
    /// Whether a batch that the journal names is still to be replayed.
    pub(crate) fn lacks(&self, place: &Place, header: &Header) -> bool {
        let state = self.state.borrow();
        let deleted = state.segments.front().is_some_and(|first| place.segment < first.base);
        header.end_offset() > state.end && !deleted
    }

    /// The log's start was moved. Its last segment stays even so, until all is replayed: the journal may have more of it,
    /// which was appended while this was on its way, or lies below a later start that the checkpoint knows.
    pub(crate) fn replay_start(&self, offset: Offset) {
        let complete = {
            let mut state = self.state.borrow_mut();
            state.start = state.start.max(offset);
            state.segments.back().map_or(Offset(0), |last| last.base)
        };
        let keep = if active(Mutant::LogReplayDropsLast) { self.start() } else { self.start().min(complete) };
        self.drop_below(keep);
    }

    /// All that the journal has of it was replayed. Bypassed batches that were found become durable, if they are not: by
    /// now they count, and only the file has them.
    pub(crate) async fn replayed(self: &Rc<Self>) -> Result<(), StorageError> {
        self.drop_below(self.start());
        if self.is_bypassing() {
            self.flush(Extent::All).await?;
        }
        self.recovering.set(false);
        Ok(())
    }

    /// An epoch was entered before anything was appended in it.
    pub(crate) fn replay_epoch(&self, epoch: LeaderEpoch, offset: Offset) {
        self.state.borrow_mut().epochs.enter(epoch, offset);
    }

    /// The log was found to end at `offset`, where it ends by now, as journal record `sequence` says; what comes goes to
    /// a new segment, since the file of the last may hold anything behind.
    pub(crate) fn replay_cut(&self, sequence: Sequence, offset: Offset) -> Result<(), StorageError> {
        let state = &mut *self.state.borrow_mut();
        state.cuts.enter(sequence, offset);
        while state.segments.back().is_some_and(|last| last.base >= offset) {
            let Some(last) = state.segments.pop_back() else { break };
            self.context.released(state.tail.drop_from(last.base, 0));
            state.end = last.base;
        }
        if state.end > offset {
            return Err(StorageError::Corrupt {
                place: format!("log {}", self.id).into(),
                why: "a cut that does not lie between segments",
            });
        }
        state.bypasses.retain(|bypass| bypass.base < offset);
        if let Some(last) = state.segments.back_mut() {
            last.closed = true;
        }
        if offset <= state.start {
            // What is missing before it was deleted.
            state.end = offset;
        }
        state.journaled = state.end;
        state.durable = state.end;
        let end = state.end;
        self.change_producers(state, |producers| producers.truncate_back(end));
        state.epochs.truncate_back(state.end);
        self.refresh_dirty(state);
        Ok(())
    }

    /// Less was found than the checkpoint knew: forgets what it knew of the rest.
    pub(crate) fn cut_memory_to_end(&self) {
        let state = &mut *self.state.borrow_mut();
        let end = state.end;
        self.change_producers(state, |producers| producers.truncate_back(end));
        let kept: Vec<_> = state.epochs.entries().iter().filter(|(_, start)| *start <= state.end).copied().collect();
        state.epochs = Epochs::from_entries(kept);
    }

    /// Ends the log's service in this shard.
    pub(crate) fn retire(self: &Rc<Self>, life: Life) {
        self.state.borrow_mut().life = life;
        if life == Life::Deleted {
            self.let_go();
        }
        self.wake_all();
    }

    /// Serves it again, if nothing but `life` keeps it from that.
    pub(crate) fn serve_again(&self, life: Life) {
        let mut state = self.state.borrow_mut();
        if state.life == life {
            state.life = Life::Open;
        }
    }

    /// What a checkpoint, or another shard, is told of it.
    pub(crate) fn image(&self) -> LogImage {
        self.state.borrow().image(self.number, self.id)
    }

    /// Bytes that are not in its segments, in whole blocks.
    pub(crate) fn unflushed(&self) -> u64 {
        self.state.borrow().unflushed()
    }

    /// Its batches from `offset` on, where one begins, with their places, as far as its tail has them.
    pub(crate) fn batches_from(&self, mut offset: Offset) -> Vec<(Place, Vec<Bytes>)> {
        let state = self.state.borrow();
        let mut batches = Vec::new();
        while let Some(batch) = state.tail.batch(offset) {
            offset = batch.end;
            let place = Place { number: self.number, segment: batch.segment, position: batch.position };
            batches.push((place, batch.bytes));
        }
        batches
    }

    /// Writes what was replayed to its segments. Blocks only: padding would put the batches that follow elsewhere than
    /// the journal says.
    pub(crate) async fn flush_blocks(self: &Rc<Self>) -> Result<(), StorageError> {
        self.flush(Extent::Blocks).await
    }

    /// Gives up all memory and every claim on the journal.
    pub(crate) fn let_go(&self) {
        let state = &mut *self.state.borrow_mut();
        let unflushed = state.unflushed();
        self.context.unflushed.set(self.context.unflushed.get().saturating_sub(unflushed));
        state.segments.clear();
        state.bypasses.clear();
        self.change_producers(state, |producers| *producers = Producers::default());
        let (_, bytes) = state.tail.memory();
        state.tail = super::tail::Tail::default();
        self.context.released(bytes);
        self.refresh_dirty(state);
        self.context.files.close(self.number, Offset(i64::MAX));
    }

    /// Whether a batch waits for its segment to be durable.
    pub(crate) fn is_bypassing(&self) -> bool {
        !self.state.borrow().bypasses.is_empty()
    }
}
