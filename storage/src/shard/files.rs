//! A bounded number of open segment and index files.

use std::{cell::RefCell, collections::BTreeMap, path::Path};

use crate::{
    env::{Env, OpenFile},
    error::StorageError,
    ids::Offset,
    limits::OPEN_FILES,
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
