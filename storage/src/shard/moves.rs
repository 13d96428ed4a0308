//! Handing a log from one shard to another, of the same data directory: its files stay where they are.
//!
//! The giver changes the log no more, the receiver makes it durably its own, then the giver gives up its claim. A crash
//! before the second step leaves it with the giver; a crash before the third leaves two claims, of which the receiver's
//! has the greater generation: whoever opens the shards lets the other be forgotten before it serves either.
//!
//! Either may write its segments meanwhile: until the giver has given up its claim, both would write the same there.

use std::rc::Rc;

use super::{
    Shard,
    manifest::{Contents, LogManifest, Part},
    record::kind,
};
use crate::{
    env::Env,
    error::StorageError,
    ids::LogId,
    limits::CARRIED,
    log::{
        Log, Source,
        state::{Life, LogImage, State},
    },
};

/// Where the newest batches of a held log are, those that its segments did not have yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// In its segments by now.
    Written,
    /// In the manifest, if they are few.
    Carried,
}

impl<E: Env> Shard<E> {
    /// First step of a move: stops serving the log and writes all of it to its segments. The log stays this shard's,
    /// after a crash too, until [`Shard::forget`].
    pub async fn release(&self, id: LogId) -> Result<LogManifest, StorageError> {
        let log = self.stop(id, Life::Moved, Rest::Written).await?;
        Ok(LogManifest::new(log.image(), &log))
    }

    /// The same, but reads go on, until [`Shard::take_back`].
    pub async fn hold(&self, id: LogId, rest: Rest) -> Result<LogManifest, StorageError> {
        let log = self.stop(id, Life::Held, rest).await?;
        let mut image = log.image();
        if rest == Rest::Written {
            // Their files may go at any time.
            image.segments.retain(|segment| segment.end > image.start);
        }
        Ok(LogManifest::new(image, &log))
    }

    async fn stop(&self, id: LogId, life: Life, rest: Rest) -> Result<Rc<Log<E>>, StorageError> {
        self.usable()?;
        let log = self.log(id).ok_or(StorageError::Unknown(id))?;
        log.retire(life);
        let written = async {
            // Only what the journal has for sure may be handed on.
            self.sync().await?;
            if is_to_be_written(&log, rest) { log.flush_all().await } else { Ok(()) }
        };
        if let Err(error) = written.await {
            log.serve_again(life);
            return Err(error);
        }
        Ok(log)
    }

    /// Writes what was appended to a log so far to its segments, unless [`Shard::hold`] would not: less is left for when it
    /// is held.
    pub async fn write_out(&self, id: LogId, rest: Rest) -> Result<(), StorageError> {
        self.usable()?;
        let log = self.log(id).ok_or(StorageError::Unknown(id))?;
        if is_to_be_written(&log, rest) { log.flush_all().await } else { Ok(()) }
    }

    /// Serves a released log again: the other shard did not take it.
    pub fn take_back(&self, id: LogId) -> Result<Rc<Log<E>>, StorageError> {
        let log = self.logs.borrow().get(&id).cloned().ok_or(StorageError::Unknown(id))?;
        log.state().borrow_mut().life = Life::Open;
        Ok(log)
    }

    /// Second step, on the receiving shard: the log is durably its own on return.
    pub async fn adopt(&self, manifest: LogManifest) -> Result<Rc<Log<E>>, StorageError> {
        self.usable()?;
        let number = self.take_number();
        let Contents { image, rest } = Contents::read(manifest.bytes(), number)?;
        if image.id != manifest.id {
            return Err(Contents::do_not_fit());
        }
        if self.has(manifest.id) {
            return Err(StorageError::Exists(manifest.id));
        }
        let write = |part: Part<'_>| self.context.write(kind::ADOPT, &[&part.head(number), part.bytes]);
        let records: Vec<_> = manifest.parts().map(write).collect();
        let known = image.end;
        let log =
            self.insert(manifest.id, number, State::restore(LogImage { generation: manifest.generation, ..image }));
        log.retire(Life::Moved);
        for (place, batch) in &rest {
            // The first of the records, so that the journal keeps all of them.
            log.replay(records[0], place, (batch, Source::Journal), known)?;
        }
        self.context.journal().wait_durable(records[records.len() - 1]).await?;
        log.serve_again(Life::Moved);
        Ok(log)
    }

    /// Last step, on the giving shard: gives up its claim for good, and leaves the files alone. Also for a claim that
    /// a crash left behind and that another shard's is greater than.
    pub async fn forget(&self, id: LogId) -> Result<(), StorageError> {
        self.usable()?;
        let offline = self.offline.borrow_mut().remove(&id);
        if let Some(offline) = offline {
            self.context.write_durable(kind::FORGET, &[&offline.image.number.0.to_le_bytes()]).await?;
            return Ok(());
        }
        let log = self.logs.borrow_mut().remove(&id).ok_or(StorageError::Unknown(id))?;
        self.by_number.borrow_mut().remove(&log.number());
        log.retire(Life::Moved);
        // What follows the data of a segment may still be on its way to the files.
        self.not_written_any_more(&log).await;
        log.let_go();
        self.context.write_durable(kind::FORGET, &[&log.number().0.to_le_bytes()]).await?;
        Ok(())
    }
}

fn is_to_be_written<E: Env>(log: &Log<E>, rest: Rest) -> bool {
    rest == Rest::Written || log.is_bypassing() || log.unflushed() > CARRIED
}
