//! From the tail to segments: lazily, in large pieces, straight from the memory that appends filled.
//!
//! One task per log at a time, started when there is a reason. What was written and synced is never written again.

use std::{future::poll_fn, path::PathBuf, rc::Rc, task::Poll, time::Duration};

use bytes::Bytes;

use super::{
    Log,
    segment::{index_name, log_dir, logs_dir, segment_name},
    state::State,
};
use crate::{
    buffer::AlignedBuf,
    env::{BLOCK, Env, File, Lane},
    error::StorageError,
    ids::Offset,
    journal::Sequence,
    limits::{LAZY_WRITE, RESERVE_AHEAD, RESERVE_FOR},
    mutant::{Mutant, active},
    shard::files::FileKind,
};

/// How long a full disk is left alone.
const RETRY_FULL: Duration = Duration::from_millis(500);

/// How much of a log is to be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Extent {
    /// Whole blocks, as long as there are [`LAZY_WRITE`] bytes of them: what came during the last write can wait.
    Large,
    /// Whole blocks; what fills a block only in part can wait.
    Blocks,
    /// Everything, the last block padded.
    All,
}

/// One write to one segment.
struct Job {
    segment: Offset,
    from: u32,
    to: u32,
    blocks: Vec<(u32, Bytes)>,
}

/// Where what `file` holds begins to differ from what is to be written. A bypassed batch that recovery found is nowhere
/// else, and may have been acknowledged: a write over it that the power cut tears would lose it.
async fn already_there<E: Env>(file: &E::File, job: &Job) -> u32 {
    let mut there = job.from;
    for (position, bytes) in &job.blocks {
        let found = file.read_at(u64::from(*position), AlignedBuf::zeroed(bytes.len())).await;
        let Ok((found, count)) = found else { break };
        let pairs = bytes.chunks(BLOCK).zip(found[..count].chunks(BLOCK));
        let same = pairs.take_while(|(wanted, found)| wanted == found).count();
        there += (same * BLOCK) as u32;
        if same * BLOCK < bytes.len() {
            break;
        }
    }
    there
}

impl<E: Env> Log<E> {
    /// Sees to it that `extent` is written soon.
    pub(crate) fn kick(self: &Rc<Self>, extent: Extent) {
        self.wanted.set(self.wanted.get().max(Some(extent)));
        if self.flushing.replace(true) {
            return;
        }
        let me = self.clone();
        let lane = if extent == Extent::All { Lane::Latency } else { Lane::Background };
        self.context.env.clone().spawn(lane, async move { me.flush_wanted().await });
    }

    /// Writes everything to segments; returns when all that was appended before the call is durable there.
    pub(crate) async fn flush_all(self: &Rc<Self>) -> Result<(), StorageError> {
        if self.state.borrow().tail.needs().is_none() {
            return Ok(());
        }
        let end = self.state.borrow().end;
        self.kick(Extent::All);
        let mut tried = false;
        poll_fn(|context| {
            if self.flushed_end() >= end {
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = self.context.check() {
                return Poll::Ready(Err(error));
            }
            if self.state.borrow().life == super::state::Life::Deleted {
                return Poll::Ready(Err(StorageError::Deleted));
            }
            if std::mem::replace(&mut tried, true) && self.context.is_full() {
                return Poll::Ready(Err(StorageError::DiskFull));
            }
            self.flush_waiters.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Resolves when nothing is being written to segments below `before`.
    pub(crate) async fn not_writing_below(&self, before: Offset) {
        poll_fn(|context| {
            if self.writing.get().is_none_or(|segment| segment >= before) {
                return Poll::Ready(());
            }
            self.flush_waiters.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// One past the last record that is whole in the segments.
    fn flushed_end(&self) -> Offset {
        let state = self.state.borrow();
        let open = state.segments.iter().rev().take_while(|segment| segment.flushed < segment.position).last();
        open.map_or(state.end, |segment| {
            let unflushed = state.tail.first_unflushed(segment.base, segment.flushed);
            unflushed.map_or(segment.base, |(offset, _)| offset)
        })
    }

    async fn flush_wanted(self: Rc<Self>) {
        while let Some(extent) = self.wanted.take() {
            match self.flush(extent).await {
                Ok(()) => self.recovering.set(self.recovering.get() && self.is_bypassing()),
                Err(StorageError::DiskFull) => {
                    self.context.set_full(true);
                    self.wanted.set(self.wanted.get().max(Some(extent)));
                    self.wake_all();
                    self.context.env.sleep(RETRY_FULL).await;
                }
                // Its files are going, or gone: what became of them matters to nobody any more.
                Err(_) if self.state.borrow().life == super::state::Life::Deleted => break,
                Err(error) => {
                    self.context.fail(error);
                    break;
                }
            }
            if self.context.check().is_err() {
                break;
            }
        }
        self.flushing.set(false);
        self.wake_all();
    }

    pub(super) async fn flush(self: &Rc<Self>, extent: Extent) -> Result<(), StorageError> {
        // What comes meanwhile is for those who ask then: a busy log would be written in ever smaller pieces.
        let end = self.state.borrow().segments.back().map(|last| (last.base, last.position));
        while let Some(job) = end.and_then(|end| self.next_job(extent, end)) {
            let base = job.segment;
            self.writing_to(base, self.write_job(job)).await?;
        }
        match self.left_over() {
            Some(base) => self.writing_to(base, self.complete(base)).await,
            None => Ok(()),
        }
    }

    /// Lets who wants to remove files of `segment` wait until `work` is done with them.
    async fn writing_to(
        &self,
        segment: Offset,
        work: impl Future<Output = Result<(), StorageError>>,
    ) -> Result<(), StorageError> {
        self.writing.set(Some(segment));
        let outcome = work.await;
        self.writing.set(None);
        self.wake_flush_waiters();
        outcome
    }

    async fn write_job(self: &Rc<Self>, job: Job) -> Result<(), StorageError> {
        self.write_segment(&job).await?;
        self.context.set_full(false);
        self.wrote(&job);
        self.wake_flush_waiters();
        self.complete(job.segment).await
    }

    /// What follows the data of a segment.
    async fn complete(&self, base: Offset) -> Result<(), StorageError> {
        self.write_index(base).await?;
        self.trim(base).await
    }

    /// A segment that was flushed whole before its successor began: the rest of its index can go to its file, and blocks
    /// that were reserved can be given back.
    fn left_over(&self) -> Option<Offset> {
        let state = self.state.borrow();
        if state.life == super::state::Life::Deleted {
            return None;
        }
        let before = state.segments.iter().rev().nth(1)?;
        let left = !before.index.recent().is_empty() || before.reserved > before.flushed;
        (before.flushed >= before.position && left).then_some(before.base)
    }

    /// The oldest segment that is not written as far as `extent` wants, and what to write to it; nothing from `end` on.
    fn next_job(&self, extent: Extent, end: (Offset, u32)) -> Option<Job> {
        let mut state = self.state.borrow_mut();
        if state.life == super::state::Life::Deleted {
            return None;
        }
        let behind = state.segments.iter().rev().take_while(|segment| segment.flushed < segment.position).count();
        let first = state.segments.len() - behind;
        let segment = state.segments.get(first)?;
        let (base, from) = (segment.base, segment.flushed);
        if (base, from) >= end {
            return None;
        }
        let is_last = first + 1 == state.segments.len();
        let blocks = segment.position / BLOCK as u32 * BLOCK as u32;
        let to = match extent {
            Extent::Large if is_last && blocks.saturating_sub(from) < LAZY_WRITE => from,
            Extent::Large | Extent::Blocks if is_last => blocks,
            _ => self.pad(&mut state, base),
        };
        (to > from).then(|| Job { segment: base, from, to, blocks: state.tail.blocks(base, from, to) })
    }

    async fn write_segment(&self, job: &Job) -> Result<(), StorageError> {
        let covered: usize = job.blocks.iter().map(|(_, bytes)| bytes.len()).sum();
        assert_eq!(covered, (job.to - job.from) as usize, "what is not flushed is in the tail");
        let path = self.dir().join(segment_name(job.segment));
        let file = self.segment_file(job.segment, FileKind::Data, &path, job.from == 0).await?;
        self.reserve_ahead(&file, job).await;
        let compares = self.recovering.get() && !active(Mutant::LogRewritesFound);
        let there = if compares { already_there::<E>(&file, job).await } else { job.from };
        for (position, bytes) in &job.blocks {
            let skipped = (there.saturating_sub(*position) as usize).min(bytes.len());
            if skipped == bytes.len() {
                continue;
            }
            let written = file.write_at(u64::from(*position) + skipped as u64, bytes.slice(skipped..)).await;
            written.map_err(|error| StorageError::io("write to", &path, &error))?;
        }
        let failed =
            |error: std::io::Error| StorageError::ShardFailed(format!("sync {}: {error}", path.display()).into());
        if !active(Mutant::LogSkipsSegmentSync) {
            file.sync().await.map_err(failed)?;
        }
        if job.from == 0 {
            self.sync_entry().await?;
        }
        Ok(())
    }

    /// A segment that takes large writes gets its blocks ahead, twice what it has: a write that makes a file longer
    /// takes the file's lock and a kernel worker, each time. What it does not use is given back when it is complete.
    async fn reserve_ahead(&self, file: &E::File, job: &Job) {
        let ahead = {
            let mut state = self.state.borrow_mut();
            let limit = state.config.segment_limit().next_multiple_of(BLOCK as u32);
            let is_last = state.segments.back().is_some_and(|last| last.base == job.segment);
            let Some(segment) = state.segment_mut(job.segment) else { return };
            let wanted = job.to.saturating_add(job.to.min(RESERVE_AHEAD)).next_multiple_of(BLOCK as u32).min(limit);
            if !is_last || job.to - job.from < RESERVE_FOR || job.to <= segment.reserved || wanted <= job.to {
                return;
            }
            segment.reserved = wanted;
            wanted
        };
        // Without room for that there may still be room for what is to be written.
        if let Err(error) = file.allocate(u64::from(ahead)).await {
            tracing::debug!(%error, "no blocks were reserved ahead");
        }
    }

    /// Gives back what a complete segment's file has too much.
    async fn trim(&self, base: Offset) -> Result<(), StorageError> {
        let length = {
            let mut state = self.state.borrow_mut();
            let is_last = state.segments.back().is_some_and(|last| last.base == base);
            let Some(segment) = state.segment_mut(base) else { return Ok(()) };
            if is_last || segment.flushed < segment.position || segment.reserved <= segment.flushed {
                return Ok(());
            }
            segment.reserved = 0;
            u64::from(segment.flushed)
        };
        let path = self.dir().join(segment_name(base));
        let file = self.segment_file(base, FileKind::Data, &path, false).await?;
        file.set_len(length).await.map_err(|error| StorageError::io("cut", &path, &error))
    }

    /// Pages of the index that the flushed data allows to write.
    async fn write_index(&self, base: Offset) -> Result<(), StorageError> {
        let due = {
            let mut state = self.state.borrow_mut();
            let is_last = state.segments.back().is_some_and(|last| last.base == base && !last.closed);
            let Some(segment) = state.segment_mut(base) else { return Ok(()) };
            let complete = !is_last && segment.flushed >= segment.position;
            segment.index.pages_due(segment.flushed, complete)
        };
        let Some((position, pages, count)) = due else { return Ok(()) };
        let path = self.dir().join(index_name(base));
        let file = self.segment_file(base, FileKind::Index, &path, position == 0).await?;
        file.write_at(position, pages).await.map_err(|error| StorageError::io("write to", &path, &error))?;
        let failed =
            |error: std::io::Error| StorageError::ShardFailed(format!("sync {}: {error}", path.display()).into());
        file.sync().await.map_err(failed)?;
        if position == 0 {
            self.sync_entry().await?;
        }
        if let Some(segment) = self.state.borrow_mut().segment_mut(base) {
            segment.index.written(count);
        }
        Ok(())
    }

    /// Makes the entry of a new file durable, and that of the log's directory if this is its first.
    async fn sync_entry(&self) -> Result<(), StorageError> {
        let env = &self.context.env;
        let failed = |dir: &PathBuf, error: std::io::Error| {
            StorageError::ShardFailed(format!("sync {}: {error}", dir.display()).into())
        };
        let dir = self.dir();
        env.sync_dir(&dir).await.map_err(|error| failed(&dir, error))?;
        if !self.dir_durable.replace(true) {
            let parent = logs_dir(&self.context.data_dir);
            env.sync_dir(&parent).await.map_err(|error| failed(&parent, error))?;
        }
        Ok(())
    }

    /// A file of one of its segments.
    pub(crate) async fn segment_file(
        &self,
        base: Offset,
        kind: FileKind,
        path: &std::path::Path,
        create: bool,
    ) -> Result<E::File, StorageError> {
        let key = (self.number, base, kind);
        if let Some(file) = self.context.files.get(key) {
            return Ok(file);
        }
        if create && !self.dir_durable.get() {
            let dir = self.dir();
            self.context.env.create_dir(&dir).await.map_err(|error| StorageError::io("create", &dir, &error))?;
        }
        self.context.files.open(key, path, create).await
    }

    pub(super) fn dir(&self) -> PathBuf {
        log_dir(&self.context.data_dir, self.id)
    }

    fn wrote(self: &Rc<Self>, job: &Job) {
        {
            let state = &mut *self.state.borrow_mut();
            let Some(segment) = state.segment_mut(job.segment) else { return };
            segment.flushed = job.to;
            state.tail.flushed(job.segment, job.to);
            self.context.flushed(u64::from(job.to - job.from));
            let done = |segment: Offset, end| segment < job.segment || segment == job.segment && end <= job.to;
            while state.bypasses.front().is_some_and(|bypass| done(bypass.segment, bypass.end_position)) {
                state.bypasses.pop_front();
            }
            self.refresh_dirty(state);
        }
        self.settle();
    }

    /// Tells the shard which journal record this log needs.
    pub(super) fn refresh_dirty(&self, state: &mut State) {
        let needs: Option<Sequence> = state.tail.needs();
        if needs == state.dirty_at {
            return;
        }
        let mut dirty = self.context.dirty.borrow_mut();
        if let Some(before) = state.dirty_at.take() {
            dirty.remove(&(before, self.number));
        }
        if let Some(now) = needs {
            dirty.insert((now, self.number));
        }
        state.dirty_at = needs;
    }

    pub(super) fn wake_flush_waiters(&self) {
        for waker in std::mem::take(&mut *self.flush_waiters.borrow_mut()) {
            waker.wake();
        }
    }
}
