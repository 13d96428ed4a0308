//! What is set aside of a log that cannot be served: its journal records since the checkpoint, in a file of its directory.
//!
//! So the shard goes on without the log, and reuses its journal. The file counts once a checkpoint says so, with the log's
//! image as it was before those records: at a start they are replayed from here, as if they were still in the journal.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};

use bytes::{Buf, Bytes};

use super::{
    manifest::{Adoptions, Contents},
    record::{Entry, decode, kind},
};
use crate::{
    checkpoint,
    env::{Env, File, OpenFile},
    error::StorageError,
    framed::Format,
    ids::LogId,
    journal::{Journal, JournalOptions, JournalPosition, Record, Sequence},
    limits::CHECKPOINT_CHUNK,
    log::{
        segment::{log_dir, logs_dir},
        state::{LogImage, LogNumber, State},
    },
};

const FORMAT: Format = Format { magic: b"CLASIDE\0", version: 1 };
const NAME: &str = "set-aside";
const RECORDS: u16 = 1;
const END: u16 = 2;
/// Before each record: its sequence, its kind, its length.
const PREFIX: usize = 8 + 1 + 4;

/// The file of a log.
pub(super) fn path(data_dir: &Path, id: LogId) -> PathBuf {
    log_dir(data_dir, id).join(NAME)
}

/// Sets aside what the journal from `start` on, and the checkpoint, have of the logs of these numbers. On return it is
/// durable. Gives each log's image as it was before its records.
pub(super) async fn set_aside<E: Env>(
    env: &E,
    (data_dir, dir): (&Path, &Path),
    (options, start): (JournalOptions, JournalPosition),
    logs: &BTreeMap<LogNumber, LogId>,
) -> Result<BTreeMap<LogNumber, LogImage>, StorageError> {
    let mut images = BTreeMap::new();
    checkpoint::read(env, dir, |image| {
        if logs.contains_key(&image.number) {
            images.insert(image.number, image);
        }
    })
    .await?;
    let mut writers = BTreeMap::new();
    for (number, id) in logs {
        writers.insert(*number, Writer::begin(env, data_dir, *id).await?);
    }
    let mut adoptions = Adoptions::default();
    let mut replay = Journal::recover(env.clone(), dir, options, start).await?;
    while let Some(record) = replay.next().await? {
        match decode(record.kind, &record.payload)? {
            Entry::Create { number, id, config } if logs.contains_key(&number) => {
                images.entry(number).or_insert_with(|| State::new(config, Default::default()).image(number, id));
            }
            Entry::Adopt { number, generation, first, last, part } => {
                let Some(writer) = writers.get_mut(&number) else { continue };
                let whole = adoptions.push(record.sequence, number, (first, last), &part)?;
                let Some((sequence, Contents { image, rest })) = whole else { continue };
                images.entry(number).or_insert(LogImage { generation, ..image });
                for (place, batch) in rest {
                    let payload = [&place.encode()[..], &batch].concat().into();
                    writer.push(&Record { sequence, kind: kind::APPEND, payload }).await?;
                }
            }
            entry => {
                if let Some(writer) = writers.get_mut(&entry.number()) {
                    writer.push(&record).await?;
                }
            }
        }
    }
    for (_, writer) in writers {
        writer.finish(data_dir).await?;
    }
    images.values_mut().for_each(|image| image.set_aside = true);
    Ok(images)
}

/// Removes a log's file.
pub(super) async fn remove<E: Env>(env: &E, data_dir: &Path, id: LogId) -> Result<(), StorageError> {
    let (dir, path) = (log_dir(data_dir, id), path(data_dir, id));
    match env.remove(&path).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(StorageError::io("remove", &path, &error)),
        _ => env.sync_dir(&dir).await.map_err(|error| StorageError::io("sync", &dir, &error)),
    }
}

struct Writer<'a, E: Env> {
    env: &'a E,
    path: PathBuf,
    file: E::File,
    position: u64,
    frames: u32,
    waiting: Vec<u8>,
}

impl<'a, E: Env> Writer<'a, E> {
    async fn begin(env: &'a E, data_dir: &Path, id: LogId) -> Result<Self, StorageError> {
        let (dir, path) = (log_dir(data_dir, id), path(data_dir, id));
        // It may be the directory that is missing.
        env.create_dir(&dir).await.map_err(|error| StorageError::io("create", &dir, &error))?;
        let opened = env.open(&path, OpenFile { create: true, durable_writes: false }).await;
        let file = opened.map_err(|error| StorageError::io("open", &path, &error))?;
        Ok(Self { env, path, file, position: 0, frames: 0, waiting: Vec::new() })
    }

    async fn push(&mut self, record: &Record) -> Result<(), StorageError> {
        self.waiting.extend_from_slice(&record.sequence.0.to_le_bytes());
        self.waiting.push(record.kind);
        self.waiting.extend_from_slice(&(record.payload.len() as u32).to_le_bytes());
        self.waiting.extend_from_slice(&record.payload);
        if self.waiting.len() >= CHECKPOINT_CHUNK { self.write(RECORDS).await } else { Ok(()) }
    }

    async fn write(&mut self, kind: u16) -> Result<(), StorageError> {
        let payload = std::mem::take(&mut self.waiting);
        let frame = (kind, self.frames);
        self.position += FORMAT.write::<E>(&self.file, &self.path, self.position, frame, &payload).await?;
        self.frames += 1;
        Ok(())
    }

    async fn finish(mut self, data_dir: &Path) -> Result<(), StorageError> {
        self.write(END).await?;
        let cut = self.file.set_len(self.position).await;
        cut.map_err(|error| StorageError::io("cut", &self.path, &error))?;
        self.file.sync().await.map_err(|error| StorageError::io("sync", &self.path, &error))?;
        for dir in [self.path.parent().unwrap_or(data_dir), &logs_dir(data_dir)] {
            self.env.sync_dir(dir).await.map_err(|error| StorageError::io("sync", dir, &error))?;
        }
        Ok(())
    }
}

/// Reads a log's file back.
pub(super) struct Reader<E: Env> {
    path: PathBuf,
    file: E::File,
    position: u64,
    frames: u32,
    records: VecDeque<Record>,
    ended: bool,
}

impl<E: Env> Reader<E> {
    pub(super) async fn open(env: &E, data_dir: &Path, id: LogId) -> Result<Self, StorageError> {
        let path = path(data_dir, id);
        let opened = env.open(&path, OpenFile { create: false, durable_writes: false }).await;
        let file = opened.map_err(|error| StorageError::io("open", &path, &error))?;
        Ok(Self { path, file, position: 0, frames: 0, records: VecDeque::new(), ended: false })
    }

    pub(super) async fn next(&mut self) -> Result<Option<Record>, StorageError> {
        while self.records.is_empty() && !self.ended {
            let frame = FORMAT.read::<E>(&self.file, &self.path, self.position, self.frames).await?;
            let corrupt = || StorageError::corrupt(&self.path, self.position, "not a run of journal records");
            self.records = split(frame.payload).ok_or_else(corrupt)?;
            self.ended = frame.kind == END;
            self.position += frame.len;
            self.frames += 1;
        }
        Ok(self.records.pop_front())
    }
}

fn split(mut payload: Bytes) -> Option<VecDeque<Record>> {
    let mut records = VecDeque::new();
    while payload.has_remaining() {
        if payload.remaining() < PREFIX {
            return None;
        }
        let (sequence, kind) = (Sequence(payload.get_u64_le()), payload.get_u8());
        let length = payload.get_u32_le() as usize;
        if length > payload.remaining() {
            return None;
        }
        records.push_back(Record { sequence, kind, payload: payload.split_to(length) });
    }
    Some(records)
}
