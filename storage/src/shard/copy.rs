//! Copying a log to a shard of another data directory, while it is served; and handing it over.
//!
//! 1. [`Shard::begin_copy`], on the receiving shard: the copy has a directory of its own, which says, until it is gone,
//!    that the log is to come here; what is in it never counts.
//! 2. [`Copy::step`], again and again: bytes that were flushed never change, so they are taken as they are.
//! 3. [`Shard::hold`], on the giving shard: the log is read, and changed no more; all of it is in its segments.
//! 4. [`Copy::finish`]: the rest. All of it is durable then.
//! 5. [`Shard::adopt_copy`]: the receiving shard has the log as the giver had it, producers and epochs included. There are
//!    two now: which of them counts is for the caller to say, durably, once for all.
//! 6. [`Shard::delete_log`] for the other one; the giver's goes on by [`Shard::take_back`].
//!
//! A crash leaves the directory of a copy ([`Shard::copies`]) or two logs. What does not count is dropped by who opens the
//! shards.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{Context, LogManifest, Shard, files::FileKind, manifest::Contents};
use crate::{
    env::{Env, File, OpenFile},
    error::StorageError,
    ids::{LogId, Offset, PartitionIndex, TopicId},
    limits::COPY_PIECE,
    log::{
        Log,
        copy::{Check, Extents},
        segment::{index_name, log_dir, logs_dir, segment_name},
    },
    mutant::{Mutant, active},
};

/// Why a log could not be copied, by the directory at fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CopyError {
    /// It could not be read.
    Source(StorageError),
    /// The copy could not be written.
    Target(StorageError),
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => write!(f, "it cannot be read: {error}"),
            Self::Target(error) => write!(f, "its copy cannot be written: {error}"),
        }
    }
}

impl std::error::Error for CopyError {}

/// What a step of a copy did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It took so many bytes.
    Copied(usize),
    /// There was nothing to take: all that the log has in its files is in the copy's, durably.
    Level,
}

/// A copy of a log that is being made.
pub struct Copy<E: Env> {
    context: Rc<Context<E>>,
    id: LogId,
    dir: PathBuf,
    segments: BTreeMap<Offset, Copied>,
    /// Files that were written to since they were last made durable.
    unsynced: BTreeSet<(Offset, FileKind)>,
}

/// How much of a segment is copied.
struct Copied {
    data: u32,
    index: u32,
    check: Check,
}

/// What is to be copied next.
#[derive(Clone, Copy)]
struct Piece {
    base: Offset,
    kind: FileKind,
    from: u32,
    length: usize,
    /// Bytes of it that mean something.
    checked: usize,
}

impl<E: Env> Shard<E> {
    /// Begins a copy of a log of another shard; what there is of an earlier one goes. Durable on return.
    pub async fn begin_copy(&self, id: LogId) -> Result<Copy<E>, StorageError> {
        self.usable()?;
        if self.has(id) || self.deleting.borrow().contains(&id) {
            return Err(StorageError::Exists(id));
        }
        self.drop_copy(id).await?;
        self.announce_copy(id).await?;
        let (context, dir) = (self.context.clone(), copy_dir(&self.context.data_dir, id));
        Ok(Copy { context, id, dir, segments: BTreeMap::new(), unsynced: BTreeSet::new() })
    }

    /// Has the directory say that a log is to come here. Durable on return.
    pub async fn announce_copy(&self, id: LogId) -> Result<(), StorageError> {
        self.usable()?;
        let (env, data_dir) = (&self.context.env, &self.context.data_dir);
        let dir = copy_dir(data_dir, id);
        env.create_dir(&dir).await.map_err(|error| StorageError::io("create", &dir, &error))?;
        for parent in [&copies_dir(data_dir), data_dir] {
            sync_dir(env, parent).await?;
        }
        Ok(())
    }

    /// The logs that are to come here, as the directory says.
    pub async fn copies(&self) -> Result<Vec<LogId>, StorageError> {
        let dir = copies_dir(&self.context.data_dir);
        match self.context.env.list(&dir).await {
            Ok(names) => Ok(names.iter().filter_map(|name| parse_id(name)).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(StorageError::io("list", &dir, &error)),
        }
    }

    /// Removes what there is of a copy: the log is not to come here. Durable on return.
    pub async fn drop_copy(&self, id: LogId) -> Result<(), StorageError> {
        self.usable()?;
        let (env, dir) = (&self.context.env, copy_dir(&self.context.data_dir, id));
        let missing = |error: &std::io::Error| error.kind() == std::io::ErrorKind::NotFound;
        let names = match env.list(&dir).await {
            Ok(names) => names,
            Err(error) if missing(&error) => return Ok(()),
            Err(error) => return Err(StorageError::io("list", &dir, &error)),
        };
        for path in names.iter().map(|name| dir.join(name)).chain([dir.clone()]) {
            match env.remove(&path).await {
                Err(error) if !missing(&error) => return Err(StorageError::io("remove", &path, &error)),
                _ => {}
            }
        }
        sync_dir(env, &copies_dir(&self.context.data_dir)).await
    }

    /// Serves a log of which a copy was finished: as its manifest says, durably so on return. The log that was copied has
    /// its claim as before.
    pub async fn adopt_copy(&self, copy: Copy<E>, manifest: LogManifest) -> Result<Rc<Log<E>>, StorageError> {
        let id = manifest.id;
        let log = self.adopt(manifest).await?;
        let (env, data_dir) = (&self.context.env, &self.context.data_dir);
        let to = log_dir(data_dir, id);
        env.rename(&copy.dir, &to).await.map_err(|error| StorageError::io("rename", &copy.dir, &error))?;
        for parent in [logs_dir(data_dir), copies_dir(data_dir)] {
            sync_dir(env, &parent).await?;
        }
        Ok(log)
    }
}

impl<E: Env> Copy<E> {
    /// One past the last record that it holds whole.
    pub fn end(&self) -> Option<Offset> {
        self.segments.values().next_back().map(|copied| copied.check.end())
    }

    /// Its bytes.
    pub fn bytes(&self) -> u64 {
        self.segments.values().map(|copied| u64::from(copied.data)).sum()
    }

    /// Takes the next bytes of `log` that are in its files, if there are any.
    pub async fn step(&mut self, log: &Rc<Log<E>>) -> Result<Step, CopyError> {
        let extents = log.extents();
        self.forget_others(&extents).await.map_err(CopyError::Target)?;
        match self.next(&extents) {
            Some(piece) => self.take(log, piece).await,
            None => {
                self.sync().await.map_err(CopyError::Target)?;
                Ok(Step::Level)
            }
        }
    }

    /// Takes the rest of a log that is held, so that the copy is what `manifest` says. Durable on return.
    pub async fn finish(&mut self, log: &Rc<Log<E>>, manifest: &LogManifest) -> Result<(), CopyError> {
        let image = Contents::read(manifest.bytes(), log.number()).map_err(CopyError::Source)?.image;
        let extents: Vec<Extents> = image.segments.iter().map(Extents::of).collect();
        self.forget_others(&extents).await.map_err(CopyError::Target)?;
        while let Some(piece) = self.next(&extents) {
            if active(Mutant::CopyMissesTheRest) {
                break;
            }
            self.take(log, piece).await?;
        }
        let end = self.end().filter(|_| !active(Mutant::CopyMissesTheRest));
        if end.is_some_and(|end| end != image.end) {
            let place = format!("log {}", self.id).into();
            return Err(CopyError::Source(StorageError::Corrupt { place, why: "its last batches are missing" }));
        }
        self.sync().await.map_err(CopyError::Target)
    }

    fn next(&mut self, extents: &[Extents]) -> Option<Piece> {
        extents.iter().find_map(|extents| {
            let fresh = || Copied { data: 0, index: 0, check: Check::new(extents.base) };
            let copied = self.segments.entry(extents.base).or_insert_with(fresh);
            let (kind, from, to) = match (copied.data < extents.data, copied.index < extents.index) {
                (true, _) => (FileKind::Data, copied.data, extents.data),
                (false, true) => (FileKind::Index, copied.index, extents.index),
                (false, false) => return None,
            };
            let length = (to - from).min(COPY_PIECE);
            let checked = if kind == FileKind::Data { extents.position.saturating_sub(from).min(length) } else { 0 };
            let (length, checked) = (length as usize, checked as usize);
            Some(Piece { base: extents.base, kind, from, length, checked })
        })
    }

    async fn take(&mut self, log: &Rc<Log<E>>, piece: Piece) -> Result<Step, CopyError> {
        let Piece { base, kind, from, length, checked } = piece;
        let bytes = match log.file_blocks((base, kind), from, length).await {
            Ok(bytes) => bytes,
            // Retention was faster.
            Err(_) if !log.has_segment(base) => return Ok(Step::Copied(0)),
            Err(error) => return Err(CopyError::Source(error)),
        };
        let Some(copied) = self.segments.get_mut(&base) else { return Ok(Step::Copied(0)) };
        copied.check.take(&bytes[..checked]).map_err(|why| {
            let place = format!("{} of log {}, within {length} bytes from {from}", segment_name(base), self.id).into();
            CopyError::Source(StorageError::Corrupt { place, why })
        })?;
        match kind {
            FileKind::Data => copied.data += length as u32,
            FileKind::Index => copied.index += length as u32,
        }
        self.unsynced.insert((base, kind));
        let write = async {
            let (path, file) = self.file(base, kind).await?;
            let written = file.write_at(u64::from(from), bytes).await;
            written.map_err(|error| StorageError::io("write to", &path, &error))
        };
        write.await.map_err(CopyError::Target)?;
        Ok(Step::Copied(length))
    }

    async fn file(&self, base: Offset, kind: FileKind) -> Result<(PathBuf, E::File), StorageError> {
        let path = self.path(base, kind);
        let opened = self.context.env.open(&path, OpenFile { create: true, durable_writes: false }).await;
        let file = opened.map_err(|error| StorageError::io("open", &path, &error))?;
        Ok((path, file))
    }

    fn path(&self, base: Offset, kind: FileKind) -> PathBuf {
        self.dir.join(match kind {
            FileKind::Data => segment_name(base),
            FileKind::Index => index_name(base),
        })
    }

    /// Drops what was copied of segments that the log gave up.
    async fn forget_others(&mut self, extents: &[Extents]) -> Result<(), StorageError> {
        let kept: BTreeSet<Offset> = extents.iter().map(|extents| extents.base).collect();
        let gone: Vec<Offset> = self.segments.keys().filter(|base| !kept.contains(base)).copied().collect();
        for base in gone {
            self.segments.remove(&base);
            for kind in [FileKind::Data, FileKind::Index] {
                self.unsynced.remove(&(base, kind));
                let path = self.path(base, kind);
                match self.context.env.remove(&path).await {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(StorageError::io("remove", &path, &error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), StorageError> {
        if self.unsynced.is_empty() || active(Mutant::CopySkipsSync) {
            return Ok(());
        }
        for (base, kind) in &self.unsynced {
            let (path, file) = self.file(*base, *kind).await?;
            file.sync().await.map_err(|error| StorageError::io("sync", &path, &error))?;
        }
        self.unsynced.clear();
        sync_dir(&self.context.env, &self.dir).await
    }
}

async fn sync_dir<E: Env>(env: &E, dir: &Path) -> Result<(), StorageError> {
    env.sync_dir(dir).await.map_err(|error| StorageError::io("sync", dir, &error))
}

/// The directory of all copies that are being made in a data directory.
fn copies_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("copies")
}

fn copy_dir(data_dir: &Path, id: LogId) -> PathBuf {
    copies_dir(data_dir).join(id.to_string())
}

/// Reads a log's name back.
fn parse_id(name: &str) -> Option<LogId> {
    let (topic, partition) = name.split_once('-')?;
    let topic = u128::from_str_radix(topic, 16).ok().filter(|_| topic.len() == 32)?;
    Some(LogId { topic: TopicId(topic.to_be_bytes()), partition: PartitionIndex(partition.parse().ok()?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logs_name_is_read_back_and_nothing_else_is() {
        let id = LogId {
            topic: TopicId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250, 251, 252, 253, 254, 255]),
            partition: PartitionIndex(12),
        };
        assert_eq!(parse_id(&id.to_string()), Some(id));
        for other in ["", "-1", "00ff-1", "lost+found", "zz010203040506070809fafbfcfdfeff-1"] {
            assert_eq!(parse_id(other), None, "{other}");
        }
    }
}
