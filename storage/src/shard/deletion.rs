//! Deleting logs: first the record that says so, then, once that is durable, their files.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use super::{Offline, Shard, files, record::kind};
use crate::{
    env::{Env, Lane},
    error::StorageError,
    ids::{LogId, Offset},
    journal::Sequence,
    log::{
        Log,
        segment::{log_dir, logs_dir},
        state::Life,
    },
};

/// A log that is served no more, and the record that says so.
struct Deletion<E: Env> {
    id: LogId,
    log: Option<Rc<Log<E>>>,
    record: Sequence,
}

/// Deletions that nobody waits for. Their files go one log after the other.
pub(super) struct Removals<E: Env> {
    waiting: RefCell<VecDeque<Deletion<E>>>,
    running: Cell<bool>,
}

impl<E: Env> Default for Removals<E> {
    fn default() -> Self {
        Self { waiting: RefCell::default(), running: Cell::default() }
    }
}

impl<E: Env> Shard<E> {
    /// Deletes a log and its files, be it offline. Its deletion is durable on return, and its files are gone, or go at the
    /// next start.
    pub async fn delete_log(&self, id: LogId) -> Result<(), StorageError> {
        let deletion = self.begin_deletion(id)?;
        self.finish_deletion(deletion).await
    }

    /// The same, but waits for nothing: until the deletion is durable a crash brings the log back.
    pub fn drop_log(self: &Rc<Self>, id: LogId) -> Result<(), StorageError> {
        let deletion = self.begin_deletion(id)?;
        self.removals.waiting.borrow_mut().push_back(deletion);
        if !self.removals.running.replace(true) {
            let shard = self.clone();
            self.context.env.clone().spawn(Lane::Background, async move { shard.finish_deletions().await });
        }
        Ok(())
    }

    async fn finish_deletions(&self) {
        while let Some(deletion) = self.next_deletion() {
            let id = deletion.id;
            if let Err(error) = self.finish_deletion(deletion).await {
                tracing::error!(%id, %error, "a deleted log's files could not be removed: the next start does");
            }
        }
        self.removals.running.set(false);
    }

    /// A shard that serves no more, or is closed, leaves the rest to the next start.
    fn next_deletion(&self) -> Option<Deletion<E>> {
        let mut waiting = self.removals.waiting.borrow_mut();
        if self.usable().is_err() {
            waiting.clear();
        }
        waiting.pop_front()
    }

    fn begin_deletion(&self, id: LogId) -> Result<Deletion<E>, StorageError> {
        self.usable()?;
        let offline = self.offline.borrow_mut().remove(&id);
        let (number, log) = match offline {
            Some(Offline { image, .. }) => (image.number, None),
            None => {
                let log = self.logs.borrow_mut().remove(&id).ok_or(StorageError::Unknown(id))?;
                self.by_number.borrow_mut().remove(&log.number());
                log.retire(Life::Deleted);
                (log.number(), Some(log))
            }
        };
        self.deleting.borrow_mut().insert(id);
        let record = self.context.write(kind::DELETE, &[&number.0.to_le_bytes()]);
        Ok(Deletion { id, log, record })
    }

    async fn finish_deletion(&self, Deletion { id, log, record }: Deletion<E>) -> Result<(), StorageError> {
        self.context.journal().wait_durable(record).await?;
        if let Some(log) = log {
            self.not_written_any_more(&log).await;
        }
        self.remove_files(id).await
    }

    /// Nobody writes to the files of a log that is not served any more, or has them open.
    pub(super) async fn not_written_any_more(&self, log: &Log<E>) {
        log.not_writing_below(Offset(i64::MAX)).await;
        self.context.files.close(log.number(), Offset(i64::MAX));
    }

    /// Removes what is left of a deleted log.
    async fn remove_files(&self, id: LogId) -> Result<(), StorageError> {
        let (env, dir) = (&self.context.env, log_dir(&self.context.data_dir, id));
        let missing = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        match env.list(&dir).await {
            Err(error) if missing(&error) => {}
            Err(error) => return Err(StorageError::io("list", &dir, &error)),
            Ok(names) => {
                let mut outcome = Ok(());
                for path in names.iter().map(|name| dir.join(name)).chain([dir.clone()]) {
                    let removed = files::remove(env, &path).await;
                    outcome = outcome.and(removed.map_err(|error| StorageError::io("remove", &path, &error)));
                }
                outcome?;
                let parent = logs_dir(&self.context.data_dir);
                let synced = env.sync_dir(&parent).await;
                synced.map_err(|error| StorageError::io("sync", &parent, &error))?;
            }
        }
        self.deleting.borrow_mut().remove(&id);
        self.context.set_full(false);
        Ok(())
    }

    /// Removes the files of logs whose deletion a crash interrupted, but for those that came back, to another shard.
    pub async fn remove_deleted(&self, came_back: impl Fn(LogId) -> bool) {
        let left: Vec<LogId> = self.deleting.borrow().iter().copied().collect();
        for id in left {
            if came_back(id) {
                self.deleting.borrow_mut().remove(&id);
            } else if let Err(error) = self.remove_files(id).await {
                tracing::warn!(%id, %error, "a deleted log's files could not be removed");
            }
        }
    }
}
