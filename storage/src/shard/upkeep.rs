//! What keeps the journal from filling up: flushes of what it is kept for, and checkpoints.

use std::{future::poll_fn, rc::Rc, task::Poll};

use super::Shard;
use crate::{
    checkpoint::{Head, Writer},
    env::{Env, Lane},
    error::StorageError,
    journal::Sequence,
    limits::FLUSHES_AT_ONCE,
    log::{Extent, Log, state::LogImage},
    mutant::{Mutant, active},
};

impl<E: Env> Shard<E> {
    /// Starts relieving the journal whenever it is asked for.
    pub(super) fn start_upkeep(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        *self.context.relief.borrow_mut() = Some(Rc::new(move || {
            let Some(shard) = weak.upgrade() else { return };
            if shard.closed.get() || shard.relieving.replace(true) {
                return;
            }
            let env = shard.context.env.clone();
            env.spawn(Lane::Background, async move {
                if let Err(error) = shard.relieve().await {
                    tracing::warn!(%error, "the journal could not be relieved");
                    // A full disk is tried again with the next commit, not at once.
                    shard.context.env.sleep(std::time::Duration::from_millis(500)).await;
                }
                shard.relieving.set(false);
            });
        }));
    }

    /// Flushes the logs that need the older half of what the journal is kept for, then makes a checkpoint.
    async fn relieve(self: &Rc<Self>) -> Result<(), StorageError> {
        let flushed = self.flush_older_half().await;
        // On a full disk above all: files go only once a checkpoint covers them.
        self.checkpoint().await?;
        self.remove_left_over().await?;
        flushed
    }

    async fn flush_older_half(&self) -> Result<(), StorageError> {
        let oldest = self.context.dirty.borrow().first().map(|(sequence, _)| sequence.0);
        let Some(oldest) = oldest.filter(|_| self.context.is_pressed()) else { return Ok(()) };
        let newest = self.context.last_sequence.get().0;
        self.flush_older_than(Sequence(oldest + (newest - oldest) / 2 + 1)).await
    }

    /// Flushes every log that needs a journal record below `limit`, some at a time.
    async fn flush_older_than(&self, limit: Sequence) -> Result<(), StorageError> {
        loop {
            let due: Vec<Rc<Log<E>>> = {
                let dirty = self.context.dirty.borrow();
                let numbers = self.by_number.borrow();
                let old = dirty.iter().take_while(|(sequence, _)| *sequence < limit);
                old.filter_map(|(_, number)| numbers.get(number).cloned()).take(FLUSHES_AT_ONCE).collect()
            };
            if due.is_empty() {
                return Ok(());
            }
            for log in &due {
                log.kick(Extent::All);
            }
            for log in due {
                match log.flush_all().await {
                    Ok(()) | Err(StorageError::Deleted) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Makes a checkpoint, which lets the journal reuse what lies before it.
    pub async fn checkpoint(&self) -> Result<(), StorageError> {
        poll_fn(|context| {
            if !self.checkpointing.get() {
                self.checkpointing.set(true);
                return Poll::Ready(());
            }
            self.checkpoint_waiters.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
        let outcome = self.write_checkpoint().await;
        self.checkpointing.set(false);
        for waker in std::mem::take(&mut *self.checkpoint_waiters.borrow_mut()) {
            waker.wake();
        }
        if let Err(error @ StorageError::ShardFailed(_)) = &outcome {
            self.context.fail(error.clone());
        }
        outcome
    }

    async fn write_checkpoint(&self) -> Result<(), StorageError> {
        self.context.check()?;
        // Replay must give all that some log's segments lack, and all that happens while this is written.
        let newest = self.context.last_sequence.get();
        let needed = self.context.dirty.borrow().first().map_or(newest.next(), |(sequence, _)| *sequence);
        let needed = if active(Mutant::LogCheckpointTooEarly) { newest.next() } else { needed };
        let journal = self.context.journal().position_of(needed);
        let deleted = self.deleting.borrow().iter().copied().collect();
        let head = Head { journal, next_number: self.next_number.get(), deleted };
        let mut writer = Writer::begin(&self.context.env, &self.dir, &head).await?;
        // The numbers, since logs come and go meanwhile: what came is in the journal, what went is not needed.
        let numbers: Vec<_> = self.by_number.borrow().keys().copied().collect();
        let (mut bypassing, mut known) = (Vec::new(), Vec::new());
        for number in numbers {
            let Some(log) = self.by_number.borrow().get(&number).cloned() else { continue };
            log.state().borrow_mut().cuts.forget_before(journal.sequence);
            let mut image = log.state().borrow().image(number, log.id());
            if active(Mutant::LogCheckpointSkipsProducers) {
                image.producers.clear();
            }
            known.push((log.clone(), image.flushed_end));
            writer.push(&image).await?;
            if log.is_bypassing() {
                bypassing.push(log);
            }
        }
        let offline: Vec<LogImage> = self.offline.borrow().values().map(|offline| offline.image.clone()).collect();
        for image in offline {
            let set_aside = !active(Mutant::LogForgetsSetAside);
            writer.push(&LogImage { set_aside, ..image }).await?;
        }
        // What the images know must be durable before they are: all journal records, all bypassed batches.
        self.context.journal().wait_durable(self.context.last_sequence.get()).await?;
        for log in bypassing {
            match log.flush_all().await {
                Ok(()) | Err(StorageError::Deleted) => {}
                Err(error) => return Err(error),
            }
        }
        self.context.written.set(0);
        writer.finish().await?.publish().await?;
        for (log, end) in known {
            log.checkpointed(end);
        }
        self.context.journal().free_before(journal);
        Ok(())
    }

    /// Writes everything to segments, makes a checkpoint, closes the journal. Nothing may be appended any more.
    pub async fn close(&self) -> Result<(), StorageError> {
        self.usable()?;
        self.closed.set(true);
        let flushed = self.flush_older_than(Sequence(u64::MAX)).await;
        let checkpointed = match flushed {
            Ok(()) => self.checkpoint().await,
            Err(error) => Err(error),
        };
        // On a full disk the journal keeps what could not be flushed.
        self.context.journal().close().await?;
        self.context.fail(StorageError::Closed);
        checkpointed
    }
}
