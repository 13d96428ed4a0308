//! What a stopped shard's checkpoint says, what its journal's records mean, and the batches of one of its logs. Only
//! reads: nothing is recovered, and nothing repaired.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    ShardId,
    record::{Entry, decode},
    shards_dir,
};
use crate::{
    batch::Header,
    checkpoint,
    env::Env,
    error::StorageError,
    ids::{LogId, Offset},
    journal::dump::frames,
    log::{
        dump::batches,
        segment::{log_dir, segment_name},
        state::{LogImage, LogNumber},
    },
};

/// What a checkpoint says beside its logs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DumpedHead {
    /// The journal's file from which a start replays, and the position in the journal.
    pub journal_file: u32,
    /// See above.
    pub journal_lsn: u64,
    /// The first record that is replayed.
    pub journal_sequence: u64,
    /// Deleted logs whose files may still be there.
    pub deleted: Vec<LogId>,
}

/// A log as a checkpoint has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DumpedLog {
    /// Which log.
    pub id: LogId,
    /// Its number in the shard's journal.
    pub number: u32,
    /// How often it moved between shards.
    pub generation: u32,
    /// The first offset there is.
    pub start: i64,
    /// One past the last record.
    pub end: i64,
    /// One past the last record that is in the segments; the journal has the rest.
    pub flushed_end: i64,
    /// Its segments: base offset, end offset, bytes.
    pub segments: Vec<(i64, i64, u32)>,
    /// Its leader epochs and where they begin.
    pub epochs: Vec<(i32, i64)>,
    /// How many producers it remembers.
    pub producers: usize,
}

/// The directory of a shard, where its journal and its checkpoint lie.
pub fn shard_dir(data_dir: &Path, id: ShardId) -> PathBuf {
    shards_dir(data_dir).join(id.0.to_string())
}

/// Gives the logs of a shard's checkpoint to `keep`. `None`: there is no checkpoint.
pub async fn checkpoint<E: Env>(
    env: &E,
    data_dir: &Path,
    id: ShardId,
    mut keep: impl FnMut(DumpedLog),
) -> Result<Option<DumpedHead>, StorageError> {
    let head = checkpoint::read(env, &shard_dir(data_dir, id), |image| keep(dumped(&image))).await?;
    Ok(head.map(|head| {
        let (journal_file, journal_lsn) = head.journal.file_and_lsn();
        DumpedHead { journal_file, journal_lsn, journal_sequence: head.journal.sequence.0, deleted: head.deleted }
    }))
}

fn dumped(image: &LogImage) -> DumpedLog {
    DumpedLog {
        id: image.id,
        number: image.number.0,
        generation: image.generation.0,
        start: image.start.0,
        end: image.end.0,
        flushed_end: image.flushed_end.0,
        segments: image.segments.iter().map(|s| (s.base.0, s.end.0, s.position)).collect(),
        epochs: image.epochs.iter().map(|(epoch, start)| (epoch.0, start.0)).collect(),
        producers: image.producers.len(),
    }
}

/// What a journal's record says, in a line.
pub fn describe(kind: u8, payload: &Bytes) -> String {
    let batch = |bytes: &[u8]| match Header::parse(bytes) {
        Ok(header) => format!("offsets {} to {}, {} bytes", header.base_offset.0, header.last_offset().0, header.size),
        Err(error) => error.to_string(),
    };
    match decode(kind, payload) {
        Err(error) => error.to_string(),
        Ok(Entry::Append { place, batch: bytes }) => format!("append to log {}: {}", place.number.0, batch(&bytes)),
        Ok(Entry::Bypass { place, header, .. }) => {
            let (number, segment, at) = (place.number.0, place.segment.0, place.position);
            format!("append to log {number} in segment {segment} at {at}: {}", batch(&header))
        }
        Ok(Entry::Create { number, id, .. }) => format!("create log {}: {id}", number.0),
        Ok(Entry::Delete { number }) => format!("delete log {}", number.0),
        Ok(Entry::Config { number, .. }) => format!("configure log {}", number.0),
        Ok(Entry::Start { number, offset }) => format!("log {} starts at {}", number.0, offset.0),
        Ok(Entry::Epoch { number, epoch, offset }) => {
            format!("epoch {} of log {} from {}", epoch.0, number.0, offset.0)
        }
        Ok(Entry::Truncate { number, offset }) => format!("cut log {} at {}", number.0, offset.0),
        Ok(Entry::Adopt { number, generation, first, last, .. }) => {
            let part = match (first, last) {
                (true, true) => "all",
                (false, true) => "the last part",
                _ => "a part",
            };
            format!("adopt log {}, generation {}: {part} of its state", number.0, generation.0)
        }
        Ok(Entry::Forget { number }) => format!("forget log {}", number.0),
    }
}

/// The batches of a log that a stopped shard has, in segments and journal, by offset. For small logs: all is in memory.
pub async fn log<E: Env>(env: &E, data_dir: &Path, shard: ShardId, id: LogId) -> Result<Vec<Bytes>, StorageError> {
    let (mut number, mut segments, mut start) = (None, Vec::new(), i64::MIN);
    let head = checkpoint(env, data_dir, shard, |log| {
        if log.id == id {
            (number, segments, start) = (Some(LogNumber(log.number)), log.segments, log.start);
        }
    })
    .await?;
    let mut found: BTreeMap<Offset, Bytes> = BTreeMap::new();
    for (base, end, _) in &segments {
        let path = log_dir(data_dir, id).join(segment_name(Offset(*base)));
        batches(env, &path, |batch| {
            let inside = batch.header.base_offset.0 < *end;
            if inside && batch.intact {
                found.insert(batch.header.base_offset, batch.bytes);
            }
            inside
        })
        .await?;
    }
    let from = head.map_or(0, |head| head.journal_sequence);
    let mut bypassed = Vec::new();
    frames(env, &shard_dir(data_dir, shard), |frame| {
        for record in frame.records.iter().filter(|record| record.sequence >= from) {
            match decode(record.kind, &record.payload) {
                Ok(Entry::Create { number: created, id: named, .. }) if named == id => number = Some(created),
                Ok(Entry::Append { place, batch }) if Some(place.number) == number => {
                    if let Ok(header) = Header::parse(&batch) {
                        found.insert(header.base_offset, batch);
                    }
                }
                Ok(Entry::Bypass { place, .. }) if Some(place.number) == number => bypassed.push(place.segment),
                _ => {}
            }
        }
        true
    })
    .await?;
    bypassed.sort();
    bypassed.dedup();
    for segment in bypassed {
        let path = log_dir(data_dir, id).join(segment_name(segment));
        batches(env, &path, |batch| {
            if batch.intact {
                found.entry(batch.header.base_offset).or_insert(batch.bytes);
            }
            true
        })
        .await?;
    }
    Ok(found.into_iter().filter(|(base, _)| base.0 >= start).map(|(_, bytes)| bytes).collect())
}
