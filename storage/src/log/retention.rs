//! What a log gives up: old segments by time and size, records deleted on request, silent producers.
//!
//! The log's start moves first, durably; files go after. A crash between leaves files that the next start removes.

use std::rc::Rc;

use super::{
    Log,
    segment::{index_name, segment_name},
    state::State,
};
use crate::{
    env::Env,
    error::StorageError,
    ids::Offset,
    mutant::{Mutant, active},
    shard::{files::remove, record::kind},
};

impl<E: Env> Log<E> {
    /// Moves the log's start to `before` (at most its end) and deletes segments that lie below. Durable on return, with
    /// the start that holds then, be it that another call moved it.
    pub async fn delete_records(self: &Rc<Self>, before: Offset) -> Result<Offset, StorageError> {
        self.context.check()?;
        let before = {
            let state = self.state.borrow();
            state.usable()?;
            before.min(state.end)
        };
        if before > self.start() {
            self.move_start(before).await?;
        }
        let start = self.start();
        self.context.journal().wait_durable(self.start_record.get()).await?;
        Ok(start)
    }

    /// The time that retention goes by, in ms since 1970: the wall clock, but for steps forward that have not lasted yet.
    pub fn retention_clock_ms(&self) -> i64 {
        self.context.retention_clock_ms()
    }

    /// Deletes what the configuration no longer wants, closes a segment whose time is over, forgets silent producers.
    pub(crate) async fn run_retention(self: &Rc<Self>, producer_expiration_ms: i64) -> Result<(), StorageError> {
        let now = self.context.retention_clock_ms();
        let start = {
            let state = &mut *self.state.borrow_mut();
            if state.usable().is_err() {
                return Ok(());
            }
            self.change_producers(state, |producers| producers.expire(now, producer_expiration_ms));
            Self::wanted_start(state, now)
        };
        self.remove_left_over().await?;
        match start {
            Some(start) => self.move_start(start).await,
            None => Ok(()),
        }
    }

    /// Whether files wait for a checkpoint before they can be removed.
    pub(crate) fn has_left_over(&self) -> bool {
        !self.left_over.borrow().is_empty()
    }

    /// A checkpoint that has the log in segments up to `end` is durable.
    pub(crate) fn checkpointed(&self, end: Offset) {
        self.checkpointed.set(self.checkpointed.get().max(end));
    }

    /// Removes the files of given-up segments that a checkpoint covers. Until one does, a replay would miss the bypassed
    /// batches in them, and take the log to end there.
    pub(crate) async fn remove_left_over(&self) -> Result<(), StorageError> {
        let covered = self.checkpointed.get();
        let mut gone = Vec::new();
        self.left_over.borrow_mut().retain(|(base, end)| {
            let removable = *end <= covered;
            gone.extend(removable.then_some(*base));
            !removable
        });
        self.remove_segments(&gone).await
    }

    /// Where the log should start, if later than it does. May close the last segment, so that it can go.
    fn wanted_start(state: &mut State, now: i64) -> Option<Offset> {
        let config = state.config;
        if !config.delete {
            return None;
        }
        let mut start = state.start;
        if let Some(retention) = config.retention_ms {
            let expired = |newest: i64| now.saturating_sub(newest) > retention;
            let gone = state.segments.iter().take_while(|segment| expired(segment.newest_ms())).last();
            start = gone.map_or(start, |segment| start.max(segment.end));
        }
        if let Some(retention) = config.retention_bytes {
            let mut size: u64 = state.segments.iter().map(|segment| u64::from(segment.position)).sum();
            for segment in state.segments.iter().take(state.segments.len().saturating_sub(1)) {
                size -= u64::from(segment.position);
                if size < retention {
                    break;
                }
                start = start.max(segment.end);
            }
        }
        if active(Mutant::LogRetentionTakesOneMore) && start > state.start {
            start = state.segment_of(start).map_or(start, |segment| segment.end);
        }
        if let Some(last) = state.segments.back_mut()
            && !last.is_empty()
            && last.end <= start
        {
            last.closed = true;
        }
        (start > state.start).then_some(start)
    }

    async fn move_start(self: &Rc<Self>, start: Offset) -> Result<(), StorageError> {
        // Only what is durable is deleted, or a crash would leave a start behind the end.
        if self.durable_end() < start && !self.context.is_full() {
            self.wait_durable(super::Ticket(start)).await?;
        }
        let start = {
            let mut state = self.state.borrow_mut();
            // It may have gone to another directory meanwhile, with the start it had.
            state.usable()?;
            state.start = start.min(state.durable_end()).max(state.start);
            state.start
        };
        self.start_moved();
        self.context.check()?;
        let record = self.context.write(kind::START, &[&self.number.0.to_le_bytes(), &start.0.to_le_bytes()]);
        self.start_record.set(record);
        self.context.journal().wait_durable(record).await?;
        // Not below the start that holds by now: a later one may not be durable yet.
        self.drop_below(start);
        self.start_moved();
        self.remove_left_over().await?;
        if self.has_left_over() && self.context.wants_space() {
            self.context.ask_relief();
        }
        Ok(())
    }

    /// Forgets the segments that end at `start` or before; their files are left over.
    pub(crate) fn drop_below(&self, start: Offset) {
        let state = &mut *self.state.borrow_mut();
        let unflushed = state.unflushed();
        let mut gone = Vec::new();
        while state.segments.front().is_some_and(|first| first.end <= start) {
            gone.extend(state.segments.pop_front().map(|segment| (segment.base, segment.end)));
        }
        let keep = state.segments.front().map_or(state.end, |first| first.base);
        let freed = state.tail.drop_below(keep);
        state.bypasses.retain(|bypass| bypass.segment >= keep);
        state.epochs.truncate_front(start);
        self.context.released(freed);
        let less = unflushed - state.unflushed().min(unflushed);
        self.context.unflushed.set(self.context.unflushed.get().saturating_sub(less));
        self.refresh_dirty(state);
        self.context.files.close(self.number, keep);
        self.left_over.borrow_mut().extend(gone);
    }

    /// Removes the files of segments that were given up.
    pub(crate) async fn remove_segments(&self, bases: &[Offset]) -> Result<(), StorageError> {
        // A write that is under way may be about to create one of them.
        let Some(newest) = bases.last() else { return Ok(()) };
        self.not_writing_below(Offset(newest.0 + 1)).await;
        let dir = self.dir();
        for base in bases {
            for name in [segment_name(*base), index_name(*base)] {
                let path = dir.join(name);
                let removed = remove(&self.context.env, &path).await;
                removed.map_err(|error| StorageError::io("remove", &path, &error))?;
            }
        }
        self.context.set_full(false);
        Ok(())
    }
}
