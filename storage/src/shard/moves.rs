//! Handing a log from one shard to another, of the same data directory: its files stay where they are.
//!
//! The giver flushes all of it and stops serving, the receiver makes the log durably its own, then the giver gives up
//! its claim. A crash before the second step leaves it with the giver; a crash before the third leaves two claims, of
//! which the receiver's has the greater generation: whoever opens the shards lets the other be forgotten before it
//! serves either.

use std::rc::Rc;

use super::{Generation, LogManifest, Shard, record::kind};
use crate::{
    checkpoint::{decode_image, encode_image},
    env::Env,
    error::StorageError,
    ids::LogId,
    log::{
        Log,
        cuts::Cuts,
        state::{Life, LogImage, State},
    },
};

/// Bytes of a manifest in one journal record.
const PART: usize = 128 << 10;

impl<E: Env> Shard<E> {
    /// First step of a move: stops serving the log and writes all of it to its segments. The log stays this shard's,
    /// after a crash too, until [`Shard::forget`].
    pub async fn release(&self, id: LogId) -> Result<LogManifest, StorageError> {
        self.usable()?;
        let log = self.log(id).ok_or(StorageError::Unknown(id))?;
        log.retire(Life::Moved);
        // Only what the journal has for sure may be handed on.
        self.sync().await?;
        if let Err(error) = log.flush_all().await {
            log.state().borrow_mut().life = Life::Open;
            return Err(error);
        }
        let image = log.state().borrow().image(log.number(), id);
        let generation = Generation(image.generation.0 + 1);
        Ok(LogManifest { id, generation, state: encode_image(&image) })
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
        let image = Self::read_manifest(&manifest.state)?;
        if image.id != manifest.id {
            return Err(Self::bad_manifest());
        }
        if self.has(manifest.id) {
            return Err(StorageError::Exists(manifest.id));
        }
        let number = self.take_number();
        let parts = manifest.state.chunks(PART).count();
        let mut sequence = self.context.last_sequence.get();
        for (at, part) in manifest.state.chunks(PART).enumerate() {
            let (number, generation) = (number.0.to_le_bytes(), manifest.generation.0.to_le_bytes());
            let last = [u8::from(at + 1 == parts)];
            sequence = self.context.write(kind::ADOPT, &[&number, &generation, &last, part]);
        }
        let log =
            self.insert(manifest.id, number, State::restore(LogImage { generation: manifest.generation, ..image }));
        log.state().borrow_mut().life = Life::Moved;
        self.context.journal().wait_durable(sequence).await?;
        log.state().borrow_mut().life = Life::Open;
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

    pub(super) fn read_manifest(state: &[u8]) -> Result<LogImage, StorageError> {
        // The cuts are told by records of the giver's journal, which the receiver never replays.
        let image = decode_image(state).ok_or_else(Self::bad_manifest)?;
        Ok(LogImage { cuts: Cuts::default(), ..image })
    }

    fn bad_manifest() -> StorageError {
        StorageError::Corrupt { place: "a log's manifest".into(), why: "its fields do not fit" }
    }
}
