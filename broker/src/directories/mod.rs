//! The data directories of a node (`log.dirs`), one for each disk. A core has a shard, with its own journal, in every one
//! of them; a partition is in the directory that its record in the metadata names.
//!
//! - A directory is known by the id that it keeps itself, not by its path (`storage/src/directory.rs`): a disk that is
//!   mounted elsewhere is the same directory, another disk in its place is not. A broker with one directory keeps no such
//!   file: the metadata in it has its id.
//! - One directory holds the cluster's metadata: the first of the list when the broker was new. Without it nothing starts.
//! - Any other that is missing, unreadable, or taken out of the list is *offline*, and with it the partitions in it, and
//!   nothing else: they have no leader, and requests to them are answered with `KAFKA_STORAGE_ERROR`.
//! - A directory in which a write or a sync fails while the broker runs goes offline on all cores, until the next start
//!   ([`failure`]). If it holds the metadata, topics and configurations can no longer be changed.
//! - A directory that is new in the list gets new partitions at once, since it has the fewest (`placement.rs`).
//! - A partition moves to another directory when somebody asks for it ([`moves`]).
//!
//! At a start, [`survey_machine`] finds out which directory is which, and [`identify`] reads and writes what they say of
//! themselves.

pub mod failure;
pub(crate) mod identify;
pub mod moves;
pub mod mutant;
pub mod survey_machine;

use std::{path::PathBuf, rc::Rc};

use corelog_storage::{env::Env, error::StorageError, shard::Shard};

use crate::metadata::ids::DirectoryId;

/// A data directory as one core has it.
pub struct Directory<E: Env> {
    /// Which one.
    pub id: DirectoryId,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it holds the cluster's metadata.
    pub holds_metadata: bool,
    /// The core's shard in it, or why it is offline since the start.
    pub shard: Result<Rc<Shard<E>>, StorageError>,
}

/// The node's data directories as one core has them, in the order of `log.dirs`.
pub struct Directories<E: Env>(Vec<Directory<E>>);

impl<E: Env> Directories<E> {
    /// These.
    pub fn new(all: Vec<Directory<E>>) -> Self {
        Self(all)
    }

    /// One alone, which has no id of its own.
    pub fn one(path: PathBuf, shard: Rc<Shard<E>>) -> Self {
        Self(vec![Directory { id: DirectoryId::default(), path, holds_metadata: true, shard: Ok(shard) }])
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Directory<E>> {
        self.0.iter()
    }

    /// One of them.
    pub fn get(&self, id: DirectoryId) -> Option<&Directory<E>> {
        self.0.iter().find(|directory| directory.id == id)
    }

    /// The core's shards, those that have failed among them.
    pub fn shards(&self) -> impl Iterator<Item = &Rc<Shard<E>>> {
        self.0.iter().filter_map(|directory| directory.shard.as_ref().ok())
    }

    /// The core's shard in a directory.
    pub fn shard(&self, id: DirectoryId) -> Option<&Rc<Shard<E>>> {
        self.get(id)?.shard.as_ref().ok()
    }
}
