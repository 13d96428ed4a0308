//! A shard's checkpoint: one file with the state of all its logs, and where the journal's replay starts.
//!
//! The file is a run of frames (`framed.rs`), each with a FlatBuffers table (`schemas/checkpoint.fbs`). The first holds
//! the journal's position, the last says that there are no more, those between hold logs: written and read one at a time,
//! so that neither needs much memory. A new checkpoint is written beside the old one and renamed over it. Its blocks are
//! reserved when the old one is made: a full disk gets space again by what a checkpoint lets go.

use std::path::Path;

use flatbuffers::{FlatBufferBuilder, WIPOffset};

use crate::{
    env::{BLOCK, Env, File, OpenFile},
    error::StorageError,
    framed::{Format, Frame},
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, ProducerEpoch, ProducerId, Timestamp, TopicId},
    journal::{JournalPosition, Sequence},
    limits::{CHECKPOINT_CHUNK, CHECKPOINT_RESERVE},
    log::{
        cuts::Cuts,
        index::{Entry, Index},
        producers::{Producer, WrittenBatch},
        segment::Segment,
        state::{LogImage, LogNumber},
    },
    shard::{
        Generation, checkpoint_generated as table,
        record::{decode_config, encode_config},
    },
};

const FORMAT: Format = Format { magic: b"CLCHKPNT", version: 2 };
const NAME: &str = "checkpoint";
const NEW_NAME: &str = "checkpoint.new";
/// Producers in one table; a log with more is spread over several.
const PRODUCERS_AT_ONCE: usize = 1_000;
const HEAD: u16 = 1;
const LOGS: u16 = 2;
const END: u16 = 3;

/// What a checkpoint says beside its logs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    /// Where replay starts.
    pub(crate) journal: JournalPosition,
    /// The first log number that was not used.
    pub(crate) next_number: u32,
    /// Deleted logs whose files may still be there.
    pub(crate) deleted: Vec<LogId>,
}

/// Writes one checkpoint.
pub(crate) struct Writer<'a, E: Env> {
    env: &'a E,
    dir: &'a Path,
    file: E::File,
    position: u64,
    frames: u32,
    builder: FlatBufferBuilder<'static>,
    logs: Vec<WIPOffset<table::LogState<'static>>>,
}

impl<'a, E: Env> Writer<'a, E> {
    pub(crate) async fn begin(env: &'a E, dir: &'a Path, head: &Head) -> Result<Self, StorageError> {
        let path = dir.join(NEW_NAME);
        let how = OpenFile { create: true, durable_writes: false };
        let failed = |error: std::io::Error| StorageError::io("write", &path, &error);
        let file = env.open(&path, how).await.map_err(failed)?;
        let mut writer =
            Self { env, dir, file, position: 0, frames: 0, builder: FlatBufferBuilder::new(), logs: Vec::new() };
        let builder = &mut writer.builder;
        let deleted: Vec<_> = head.deleted.iter().map(|id| deleted_log(builder, *id)).collect();
        let deleted = Some(builder.create_vector(&deleted));
        let journal = Some(builder.create_vector(&head.journal.to_bytes()));
        let chunk = table::ChunkArgs { journal, next_number: head.next_number, deleted, logs: None };
        let chunk = table::Chunk::create(builder, &chunk);
        builder.finish(chunk, None);
        writer.write_frame(HEAD).await?;
        Ok(writer)
    }

    /// Adds a log.
    pub(crate) async fn push(&mut self, image: &LogImage) -> Result<(), StorageError> {
        for part in 0..image.producers.len().div_ceil(PRODUCERS_AT_ONCE).max(1) {
            let log = encode_log(&mut self.builder, image, part);
            self.logs.push(log);
            if self.builder.unfinished_data().len() >= CHECKPOINT_CHUNK {
                self.write_logs().await?;
            }
        }
        Ok(())
    }

    async fn write_logs(&mut self) -> Result<(), StorageError> {
        finish_logs(&mut self.builder, &std::mem::take(&mut self.logs));
        self.write_frame(LOGS).await
    }

    async fn write_frame(&mut self, kind: u16) -> Result<(), StorageError> {
        let payload = if kind == END { &[] } else { self.builder.finished_data() };
        let (path, frame) = (self.dir.join(NEW_NAME), (kind, self.frames));
        self.position += FORMAT.write::<E>(&self.file, &path, self.position, frame, payload).await?;
        self.frames += 1;
        self.builder.reset();
        Ok(())
    }

    /// Writes what is left; it is on disk, but not yet the shard's checkpoint.
    pub(crate) async fn finish(mut self) -> Result<Finished<'a, E>, StorageError> {
        if !self.logs.is_empty() {
            self.write_logs().await?;
        }
        self.write_frame(END).await?;
        let path = self.dir.join(NEW_NAME);
        let cut = self.file.set_len(self.position).await;
        cut.map_err(|error| StorageError::io("cut", &path, &error))?;
        self.file.sync().await.map_err(|error| sync_failed(&path, &error))?;
        Ok(Finished { env: self.env, dir: self.dir, len: self.position })
    }
}

/// Sets aside the blocks of the next checkpoint, if there are any to set aside.
pub(crate) async fn reserve<E: Env>(env: &E, dir: &Path, len: u64) {
    let path = dir.join(NEW_NAME);
    let reserved = async {
        let file = env.open(&path, OpenFile { create: true, durable_writes: false }).await?;
        file.allocate(len.next_multiple_of(BLOCK as u64)).await
    };
    if let Err(error) = reserved.await {
        tracing::debug!(dir = %dir.display(), %error, "no blocks are set aside for the next checkpoint");
    }
}

/// A complete checkpoint that waits to replace the one before.
pub(crate) struct Finished<'a, E: Env> {
    env: &'a E,
    dir: &'a Path,
    len: u64,
}

impl<E: Env> Finished<'_, E> {
    pub(crate) async fn publish(self) -> Result<(), StorageError> {
        let (from, to) = (self.dir.join(NEW_NAME), self.dir.join(NAME));
        self.env.rename(&from, &to).await.map_err(|error| StorageError::io("rename", &from, &error))?;
        self.env.sync_dir(self.dir).await.map_err(|error| sync_failed(self.dir, &error))?;
        reserve(self.env, self.dir, CHECKPOINT_RESERVE.max(2 * self.len)).await;
        Ok(())
    }
}

fn sync_failed(path: &Path, error: &std::io::Error) -> StorageError {
    StorageError::ShardFailed(format!("sync {}: {error}", path.display()).into())
}

/// Reads the checkpoint in `dir`, giving each log's image to `keep`; parts of one log are joined. `None` if there is
/// none: a new shard.
pub(crate) async fn read<E: Env>(
    env: &E,
    dir: &Path,
    mut keep: impl FnMut(LogImage),
) -> Result<Option<Head>, StorageError> {
    let path = dir.join(NAME);
    let how = OpenFile { create: false, durable_writes: false };
    let file = match env.open(&path, how).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| StorageError::io("open", &path, &error))?,
    };
    let (mut head, mut position, mut frames) = (None, 0, 0);
    let mut open: Option<LogImage> = None;
    loop {
        let Frame { kind, payload, len } = FORMAT.read::<E>(&file, &path, position, frames).await?;
        let corrupt = |why| StorageError::corrupt(&path, position, why);
        match kind {
            HEAD if frames == 0 => head = Some(decode_head(&payload).ok_or_else(|| corrupt("not a head"))?),
            LOGS if frames > 0 => {
                for image in decode_logs(&payload).ok_or_else(|| corrupt("not a table of logs"))? {
                    match &mut open {
                        Some(log) if log.number == image.number => log.producers.extend(image.producers),
                        _ => open.replace(image).into_iter().for_each(&mut keep),
                    }
                }
            }
            END if frames > 0 => {
                open.into_iter().for_each(keep);
                return Ok(head);
            }
            _ => return Err(corrupt("an unknown kind of frame")),
        }
        position += len;
        frames += 1;
    }
}

/// One log's image as bytes, for its manifest.
pub(crate) fn encode_image(image: &LogImage) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let parts = image.producers.len().div_ceil(PRODUCERS_AT_ONCE).max(1);
    let logs: Vec<_> = (0..parts).map(|part| encode_log(&mut builder, image, part)).collect();
    finish_logs(&mut builder, &logs);
    builder.finished_data().to_vec()
}

/// Reads what [`encode_image`] wrote.
pub(crate) fn decode_image(bytes: &[u8]) -> Option<LogImage> {
    let mut parts = decode_logs(bytes)?.into_iter();
    let mut image = parts.next()?;
    image.producers.extend(parts.flat_map(|part| part.producers));
    Some(image)
}

fn finish_logs<'b>(builder: &mut FlatBufferBuilder<'b>, logs: &[WIPOffset<table::LogState<'b>>]) {
    let logs = Some(builder.create_vector(logs));
    let chunk = table::Chunk::create(builder, &table::ChunkArgs { logs, ..Default::default() });
    builder.finish(chunk, None);
}

fn deleted_log<'b>(builder: &mut FlatBufferBuilder<'b>, id: LogId) -> WIPOffset<table::DeletedLog<'b>> {
    let topic = Some(builder.create_vector(&id.topic.0));
    table::DeletedLog::create(builder, &table::DeletedLogArgs { topic, partition: id.partition.0 })
}

/// The `part`th table of a log: the first has everything but the later producers.
fn encode_log<'b>(
    builder: &mut FlatBufferBuilder<'b>,
    image: &LogImage,
    part: usize,
) -> WIPOffset<table::LogState<'b>> {
    let first = part == 0;
    let segments: Vec<_> =
        image.segments.iter().filter(|_| first).map(|segment| encode_segment(builder, segment)).collect();
    let epochs: Vec<_> =
        image.epochs.iter().filter(|_| first).map(|(epoch, start)| table::EpochStart::new(start.0, epoch.0)).collect();
    let producers = image.producers.iter().skip(part * PRODUCERS_AT_ONCE).take(PRODUCERS_AT_ONCE);
    let producers: Vec<_> = producers.map(|(id, producer)| encode_producer(builder, *id, producer)).collect();
    let cuts: Vec<_> = image
        .cuts
        .entries()
        .iter()
        .filter(|_| first)
        .map(|(sequence, offset)| table::Cut::new(sequence.0, offset.0))
        .collect();
    let args = table::LogStateArgs {
        number: image.number.0,
        topic: Some(builder.create_vector(&image.id.topic.0)),
        partition: image.id.partition.0,
        generation: image.generation.0,
        start: image.start.0,
        flushed_end: image.flushed_end.0,
        end: image.end.0,
        config: Some(builder.create_vector(&encode_config(&image.config))),
        segments: Some(builder.create_vector(&segments)),
        epochs: Some(builder.create_vector(&epochs)),
        producers: Some(builder.create_vector(&producers)),
        cuts: Some(builder.create_vector(&cuts)),
        set_aside: image.set_aside,
    };
    table::LogState::create(builder, &args)
}

fn encode_segment<'b>(builder: &mut FlatBufferBuilder<'b>, segment: &Segment) -> WIPOffset<table::SegmentState<'b>> {
    let entry = |entry: &Entry| table::IndexEntry::new(entry.max_before.0, entry.offset_delta, entry.position);
    let index: Vec<_> = segment.index.recent().iter().map(entry).collect();
    let args = table::SegmentStateArgs {
        base: segment.base.0,
        end: segment.end.0,
        position: segment.position,
        flushed: segment.flushed,
        max_timestamp: segment.max_timestamp.0,
        max_timestamp_batch: segment.max_timestamp_batch.0,
        first_timestamp: segment.first_timestamp.0,
        appended_ms: segment.appended_ms,
        closed: segment.closed,
        index_on_file: segment.index.on_file(),
        index_filed: segment.index.filed_position().map_or(-1, i64::from),
        index: Some(builder.create_vector(&index)),
    };
    table::SegmentState::create(builder, &args)
}

fn encode_producer<'b>(
    builder: &mut FlatBufferBuilder<'b>,
    id: ProducerId,
    producer: &Producer,
) -> WIPOffset<table::ProducerState<'b>> {
    let batch = |batch: &WrittenBatch| {
        let time = batch.log_append_time.map_or(-1, |at| at.0);
        let (base, last) = (batch.base_offset.0, batch.last_offset.0);
        table::ProducerBatch::new(base, last, time, batch.first_sequence, batch.last_sequence)
    };
    let batches: Vec<_> = producer.batches.iter().map(batch).collect();
    let args = table::ProducerStateArgs {
        id: id.0,
        epoch: producer.epoch.0,
        last_seen_ms: producer.last_seen_ms,
        batches: Some(builder.create_vector(&batches)),
    };
    table::ProducerState::create(builder, &args)
}

fn decode_head(payload: &[u8]) -> Option<Head> {
    let chunk = flatbuffers::root::<table::Chunk<'_>>(payload).ok()?;
    let journal = JournalPosition::from_bytes(chunk.journal()?.bytes())?;
    let id = |log: table::DeletedLog<'_>| decode_id(log.topic()?.bytes(), log.partition());
    let deleted = chunk.deleted()?.iter().map(id).collect::<Option<_>>()?;
    Some(Head { journal, next_number: chunk.next_number(), deleted })
}

fn decode_logs(payload: &[u8]) -> Option<Vec<LogImage>> {
    // The usual bound on tables is for hostile input; ours carries a checksum and may hold many producers.
    let options = flatbuffers::VerifierOptions {
        max_tables: 10_000_000,
        max_apparent_size: 1 << 30,
        ..flatbuffers::VerifierOptions::default()
    };
    let chunk = flatbuffers::root_with_opts::<table::Chunk<'_>>(&options, payload).ok()?;
    chunk.logs()?.iter().map(decode_log).collect()
}

fn decode_id(topic: &[u8], partition: i32) -> Option<LogId> {
    Some(LogId { topic: TopicId(topic.try_into().ok()?), partition: PartitionIndex(partition) })
}

fn decode_log(log: table::LogState<'_>) -> Option<LogImage> {
    let epochs = log.epochs()?.iter().map(|entry| (LeaderEpoch(entry.epoch()), Offset(entry.start()))).collect();
    let cuts = log.cuts()?.iter().map(|cut| (Sequence(cut.sequence()), Offset(cut.offset())));
    Some(LogImage {
        number: LogNumber(log.number()),
        id: decode_id(log.topic()?.bytes(), log.partition())?,
        generation: Generation(log.generation()),
        config: decode_config(log.config()?.bytes())?,
        start: Offset(log.start()),
        end: Offset(log.end()),
        flushed_end: Offset(log.flushed_end()),
        segments: log.segments()?.iter().map(decode_segment).collect::<Option<_>>()?,
        epochs,
        producers: log.producers()?.iter().map(decode_producer).collect::<Option<_>>()?,
        cuts: Cuts::from_entries(cuts),
        set_aside: log.set_aside(),
    })
}

fn decode_segment(segment: table::SegmentState<'_>) -> Option<Segment> {
    let entry = |entry: &table::IndexEntry| Entry {
        offset_delta: entry.offset_delta(),
        position: entry.position(),
        max_before: Timestamp(entry.max_before()),
    };
    let recent = segment.index()?.iter().map(entry).collect();
    let filed = u32::try_from(segment.index_filed()).ok();
    Some(Segment {
        base: Offset(segment.base()),
        end: Offset(segment.end()),
        position: segment.position(),
        flushed: segment.flushed(),
        max_timestamp: Timestamp(segment.max_timestamp()),
        max_timestamp_batch: Offset(segment.max_timestamp_batch()),
        first_timestamp: Timestamp(segment.first_timestamp()),
        appended_ms: segment.appended_ms(),
        closed: segment.closed(),
        reserved: 0,
        index: Index::restore(segment.index_on_file(), recent, filed),
    })
}

fn decode_producer(producer: table::ProducerState<'_>) -> Option<(ProducerId, Producer)> {
    let batch = |batch: &table::ProducerBatch| WrittenBatch {
        first_sequence: batch.first_sequence(),
        last_sequence: batch.last_sequence(),
        base_offset: Offset(batch.base_offset()),
        last_offset: Offset(batch.last_offset()),
        log_append_time: Some(Timestamp(batch.log_append_time())).filter(|at| at.0 >= 0),
    };
    let batches = producer.batches()?.iter().map(batch).collect();
    let epoch = ProducerEpoch(producer.epoch());
    Some((ProducerId(producer.id()), Producer { epoch, last_seen_ms: producer.last_seen_ms(), batches }))
}
