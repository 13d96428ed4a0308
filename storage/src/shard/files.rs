//! A bounded number of open segment and index files.

use std::{cell::RefCell, collections::BTreeMap, io, path::Path};

use crate::{
    env::{Env, File, OpenFile},
    error::StorageError,
    ids::Offset,
    limits::{OPEN_FILES, REMOVE_PIECE, REMOVE_REST},
    log::state::LogNumber,
};

/// Which file of a segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum FileKind {
    Data,
    Index,
}

pub(crate) type Key = (LogNumber, Offset, FileKind);

/// Open files, and a clock of their uses.
type Table<F> = (BTreeMap<Key, Open<F>>, u64);

struct Open<F> {
    file: F,
    used: u64,
}

/// Open files, the least recently used of which is closed for a new one.
pub(crate) struct Files<E: Env> {
    env: E,
    open: RefCell<Table<E::File>>,
}

impl<E: Env> Files<E> {
    pub(crate) fn new(env: E) -> Self {
        Self { env, open: RefCell::default() }
    }

    /// The file, if it is open.
    pub(crate) fn get(&self, key: Key) -> Option<E::File> {
        let (open, clock) = &mut *self.open.borrow_mut();
        *clock += 1;
        let entry = open.get_mut(&key)?;
        entry.used = *clock;
        Some(entry.file.clone())
    }

    /// Opens the file at `path`, creating it if `create`.
    pub(crate) async fn open(&self, key: Key, path: &Path, create: bool) -> Result<E::File, StorageError> {
        let how = OpenFile { create, durable_writes: false };
        let file = self.env.open(path, how).await.map_err(|error| StorageError::io("open", path, &error))?;
        let (open, clock) = &mut *self.open.borrow_mut();
        *clock += 1;
        open.insert(key, Open { file: file.clone(), used: *clock });
        if open.len() > OPEN_FILES
            && let Some(oldest) = open.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key)
        {
            open.remove(&oldest);
        }
        Ok(file)
    }

    /// Forgets one file.
    pub(crate) fn close_one(&self, key: Key) {
        self.open.borrow_mut().0.remove(&key);
    }

    /// Forgets the files of segments of `log` below `before`.
    pub(crate) fn close(&self, log: LogNumber, before: Offset) {
        self.open.borrow_mut().0.retain(|(number, base, _), _| *number != log || *base >= before);
    }
}

/// Removes a file, a long one from its end on. It need not be there.
pub(crate) async fn remove<E: Env>(env: &E, path: &Path) -> io::Result<()> {
    if let Err(error) = shorten(env, path).await {
        tracing::debug!(path = %path.display(), %error, "a file is removed as it is");
    }
    match env.remove(path).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn shorten<E: Env>(env: &E, path: &Path) -> io::Result<()> {
    let file = env.open(path, OpenFile { create: false, durable_writes: false }).await?;
    let mut length = file.len().await?;
    while length > REMOVE_PIECE {
        length -= REMOVE_PIECE;
        file.set_len(length).await?;
        env.sleep(REMOVE_REST).await;
    }
    Ok(())
}
