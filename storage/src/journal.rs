//! A shard's journal: what makes appends durable, one write for all that arrived meanwhile.
//!
//! A run of files holds one endless sequence of *frames*, a frame holds *records*, and what a record means is the log's
//! to say. A frame is a header of 32 bytes, the records and padding to whole blocks, written with O_DSYNC; it counts if
//! its checksum holds and its first record follows the last one before. A file that is no longer needed is removed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    fmt,
    future::poll_fn,
    path::{Path, PathBuf},
    rc::Rc,
    task::{Poll, Waker},
};

use bytes::{Buf, Bytes};

use crate::{
    buffer::AlignedBuf,
    env::{BLOCK, Env, File, Lane, OpenFile},
    error::StorageError,
};

const MAGIC: &[u8; 6] = b"CLJRNL";
const VERSION: u16 = 1;
const FRAME_HEADER: usize = 32;
/// Kind and length of a record.
const RECORD_HEADER: usize = 5;
/// Records go to the next frame past this.
const FRAME_LIMIT: usize = 1 << 20;
/// The longest payload.
pub const MAX_PAYLOAD: usize = 512 << 10;

/// A record's number in its journal, from 1, one more for each append; 0 stands before the first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The sequence after this one.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Where a replay starts. Checkpoints hold it as bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalPosition {
    sequence: Sequence,
}

impl JournalPosition {
    /// The beginning of a journal that was never checkpointed.
    pub const START: Self = Self { sequence: Sequence(1) };
    /// The size of [`JournalPosition::to_bytes`].
    pub const SIZE: usize = 8;

    /// As checkpoints hold it.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        self.sequence.0.to_le_bytes()
    }

    /// Reads what [`JournalPosition::to_bytes`] wrote; `None` if it cannot be one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let sequence = Sequence(u64::from_le_bytes(bytes.try_into().ok()?));
        (sequence.0 > 0).then_some(Self { sequence })
    }
}

/// A record as replay gives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// What the appender said it is.
    pub kind: u8,
    /// Its bytes: a view of the frame it was read with.
    pub payload: Bytes,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of kind {}, {} bytes", self.sequence.0, self.kind, self.payload.len())
    }
}

/// A journal's measures.
#[derive(Clone, Copy, Debug)]
pub struct JournalOptions {
    /// Bytes of all files together, past half of which space should be freed.
    pub size: u64,
    /// Bytes of one file: the unit in which space is freed.
    pub file_size: u64,
}

impl JournalOptions {
    /// The usual files, `size` bytes in all.
    pub fn of_size(size: u64) -> Self {
        Self { size, file_size: (size / 16).max(1 << 20) }
    }
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self::of_size(256 << 20)
    }
}

/// How a recovered journal ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecoveryVerdict {
    /// Nothing follows the last whole frame.
    Clean,
    /// What follows is part of a frame that was being written. It was not acknowledged, and is forgotten.
    TornTail,
}

/// How full a journal is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// In files that are still needed.
    pub used: u64,
    /// What all files together should hold.
    pub size: u64,
    /// Appended and not yet given to the disk.
    pub backlog: u64,
}

/// What is called after each commit, and once when the journal fails.
pub type Listener = Rc<dyn Fn(Result<Sequence, StorageError>)>;

/// Reads a journal's records in order.
pub struct Replay<E: Env> {
    env: E,
    dir: PathBuf,
    options: JournalOptions,
    /// Files that are still to be read, by their first record.
    files: VecDeque<u64>,
    /// All files, with their sizes.
    known: BTreeMap<u64, u64>,
    open: Option<(E::File, PathBuf, u64, u64)>,
    records: VecDeque<Record>,
    next: Sequence,
    torn: bool,
}

impl<E: Env> Replay<E> {
    /// The next record, or `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Record>, StorageError> {
        loop {
            if let Some(record) = self.records.pop_front() {
                return Ok(Some(record));
            }
            if !self.read_frame().await? {
                return Ok(None);
            }
        }
    }

    /// Reads the next frame; `false` behind the last.
    async fn read_frame(&mut self) -> Result<bool, StorageError> {
        let Some((file, path, position, length)) = self.open.clone() else { return self.open_next().await };
        let failed = |error: std::io::Error| StorageError::io("read", &path, &error);
        if position >= length {
            return self.open_next().await;
        }
        let Some(block) = read_block::<E>(&file, position).await else { return self.broken().await };
        if position == 0 && &block[0..6] == MAGIC && block[6..8] != VERSION.to_le_bytes() {
            let version = u16::from_le_bytes([block[6], block[7]]);
            return Err(StorageError::Newer { path: path.display().to_string().into(), version });
        }
        let Some((size, first)) = frame_size(&block) else { return self.broken().await };
        let whole = (FRAME_HEADER + size).next_multiple_of(BLOCK);
        if size > FRAME_LIMIT + MAX_PAYLOAD + RECORD_HEADER || position + whole as u64 > length {
            return self.broken().await;
        }
        let (frame, _) = file.read_at(position, AlignedBuf::zeroed(whole)).await.map_err(failed)?;
        if frame_crc(&frame[..FRAME_HEADER + size]).to_le_bytes() != frame[28..32] {
            return self.broken().await;
        }
        let mut bytes = frame.freeze().slice(FRAME_HEADER..FRAME_HEADER + size);
        let mut sequence = first;
        while bytes.len() >= RECORD_HEADER {
            let (kind, length) = (bytes.get_u8(), bytes.get_u32_le() as usize);
            let payload = bytes.split_to(length.min(bytes.len()));
            if sequence >= self.next {
                if sequence > self.next {
                    return Err(StorageError::corrupt(&path, position, "journal records are missing"));
                }
                self.records.push_back(Record { sequence, kind, payload });
                self.next = sequence.next();
            }
            sequence = sequence.next();
        }
        self.open = Some((file, path, position + whole as u64, length));
        Ok(true)
    }

    /// A frame is not whole: it was being written when all ended, and nothing follows it but what was written after
    /// a restart, which goes to a new file.
    async fn broken(&mut self) -> Result<bool, StorageError> {
        self.torn = true;
        self.open_next().await
    }

    async fn open_next(&mut self) -> Result<bool, StorageError> {
        let Some(first) = self.files.pop_front() else {
            self.open = None;
            return Ok(false);
        };
        let path = self.dir.join(file_name(first));
        if first > self.next.0 {
            return Err(StorageError::corrupt(&path, 0, "journal records before this file are missing"));
        }
        let failed = |error: std::io::Error| StorageError::io("open", &path, &error);
        let file = self.env.open(&path, OpenFile { create: false, durable_writes: false }).await.map_err(failed)?;
        let length = file.len().await.map_err(failed)?;
        self.known.insert(first, length);
        self.open = Some((file, path, 0, length));
        Ok(true)
    }

    /// Ends the replay: what is appended now goes to a new file.
    pub async fn finish(self) -> Result<(Journal<E>, RecoveryVerdict), StorageError> {
        let state = State {
            next: self.next,
            durable: Sequence(self.next.0 - 1),
            files: self.known,
            options: self.options,
            ..State::default()
        };
        let verdict = if self.torn { RecoveryVerdict::TornTail } else { RecoveryVerdict::Clean };
        Ok((Journal(Rc::new(Inner { env: self.env, dir: self.dir, state: RefCell::new(state) })), verdict))
    }
}

#[derive(Default)]
struct State {
    /// The next record's number.
    next: Sequence,
    /// Records for the next frames, and the first one's number.
    queue: VecDeque<(Sequence, Vec<u8>)>,
    queued: u64,
    durable: Sequence,
    /// Files by their first record, with their sizes.
    files: BTreeMap<u64, u64>,
    options: JournalOptions,
    writing: bool,
    failed: Option<StorageError>,
    listener: Option<Listener>,
    waiters: Vec<(Sequence, Waker)>,
}

struct Inner<E: Env> {
    env: E,
    dir: PathBuf,
    state: RefCell<State>,
}

/// A shard's journal. Clones share it.
pub struct Journal<E: Env>(Rc<Inner<E>>);

impl<E: Env> Clone for Journal<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E: Env> Journal<E> {
    /// Starts reading the journal in `dir` at `start`.
    pub async fn recover(
        env: E,
        dir: &Path,
        options: JournalOptions,
        start: JournalPosition,
    ) -> Result<Replay<E>, StorageError> {
        let names = env.list(dir).await.map_err(|error| StorageError::io("list", dir, &error))?;
        let number = |name: &String| name.strip_prefix("journal-")?.parse::<u64>().ok();
        let mut files: Vec<u64> = names.iter().filter_map(number).collect();
        files.sort_unstable();
        // The last file that begins at or before the start, and all behind it.
        let first = files.partition_point(|first| *first <= start.sequence.0).max(1) - 1;
        let needed = files.get(first..).unwrap_or_default();
        Ok(Replay {
            env,
            dir: dir.to_path_buf(),
            options,
            files: needed.iter().copied().collect(),
            known: files.iter().map(|first| (*first, 0)).collect(),
            open: None,
            records: VecDeque::new(),
            next: start.sequence,
            torn: false,
        })
    }

    /// Puts a record in the next frame. Never waits.
    pub fn append(&self, kind: u8, payload: &[&[u8]]) -> Sequence {
        let length: usize = payload.iter().map(|part| part.len()).sum();
        assert!(length <= MAX_PAYLOAD, "a record fits a frame");
        let state = &mut *self.0.state.borrow_mut();
        let sequence = state.next;
        state.next = sequence.next();
        if state.queue.back().is_none_or(|(_, frame)| frame.len() + length > FRAME_LIMIT) {
            let mut frame = Vec::with_capacity(BLOCK);
            frame.resize(FRAME_HEADER, 0);
            state.queue.push_back((sequence, frame));
        }
        let (_, frame) = state.queue.back_mut().expect("there is one now");
        frame.push(kind);
        frame.extend_from_slice(&(length as u32).to_le_bytes());
        payload.iter().for_each(|part| frame.extend_from_slice(part));
        state.queued += (length + RECORD_HEADER) as u64;
        if !state.writing && state.failed.is_none() {
            state.writing = true;
            let journal = self.clone();
            self.0.env.spawn(Lane::Latency, async move { journal.write_queue().await });
        }
        sequence
    }

    /// Writes frames until there are none.
    async fn write_queue(self) {
        let mut file: Option<(E::File, u64, u64)> = None;
        loop {
            // All that is runnable now has its turn to append before the frame is closed.
            self.0.env.sleep(std::time::Duration::ZERO).await;
            let Some((first, frame)) = self.next_frame() else { return };
            match self.write_frame(&mut file, first, frame).await {
                Ok(durable) => self.commit(durable),
                Err(error) => return self.fail(error),
            }
        }
    }

    fn next_frame(&self) -> Option<(Sequence, Vec<u8>)> {
        let mut state = self.0.state.borrow_mut();
        let frame = state.queue.pop_front();
        state.writing = frame.is_some();
        state.queued -= frame.as_ref().map_or(0, |(_, frame)| (frame.len() - FRAME_HEADER) as u64);
        frame
    }

    async fn write_frame(
        &self,
        file: &mut Option<(E::File, u64, u64)>,
        first: Sequence,
        frame: Vec<u8>,
    ) -> Result<Sequence, StorageError> {
        let last = {
            let state = self.0.state.borrow();
            state.queue.front().map_or(state.next.0 - 1, |(next, _)| next.0 - 1)
        };
        let mut memory = AlignedBuf::zeroed(frame.len());
        memory[..frame.len()].copy_from_slice(&frame);
        seal(&mut memory, frame.len(), first);
        let length = memory.len() as u64;
        let limit = self.0.state.borrow().options.file_size;
        if file.as_ref().is_none_or(|(_, _, position)| position + length > limit) {
            *file = Some((self.open_file(first).await?, first.0, 0));
        }
        let (open, name, position) = file.as_mut().expect("just opened");
        let path = self.0.dir.join(file_name(*name));
        let written = open.write_durable(*position, memory.freeze()).await;
        written.map_err(|error| StorageError::ShardFailed(format!("write {}: {error}", path.display()).into()))?;
        *position += length;
        self.0.state.borrow_mut().files.insert(*name, *position);
        Ok(Sequence(last))
    }

    async fn open_file(&self, first: Sequence) -> Result<E::File, StorageError> {
        let path = self.0.dir.join(file_name(first.0));
        let failed =
            |error: std::io::Error| StorageError::ShardFailed(format!("create {}: {error}", path.display()).into());
        let file = self.0.env.open(&path, OpenFile { create: true, durable_writes: true }).await.map_err(failed)?;
        // What an earlier life left here was torn: it must not be taken for what follows.
        file.set_len(0).await.map_err(failed)?;
        self.0.env.sync_dir(&self.0.dir).await.map_err(failed)?;
        Ok(file)
    }

    fn commit(&self, durable: Sequence) {
        let (listener, due) = {
            let state = &mut *self.0.state.borrow_mut();
            state.durable = durable;
            let due: Vec<_> = state.waiters.extract_if(.., |(at, _)| *at <= durable).collect();
            (state.listener.clone(), due)
        };
        if let Some(listener) = listener {
            listener(Ok(durable));
        }
        due.into_iter().for_each(|(_, waker)| waker.wake());
    }

    fn fail(&self, error: StorageError) {
        let (listener, waiters) = {
            let state = &mut *self.0.state.borrow_mut();
            state.failed = Some(error.clone());
            (state.listener.clone(), std::mem::take(&mut state.waiters))
        };
        if let Some(listener) = listener {
            listener(Err(error));
        }
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// All up to it is durable.
    pub fn durable(&self) -> Sequence {
        self.0.state.borrow().durable
    }

    /// Resolves when `sequence` is durable, or never will be.
    pub async fn wait_durable(&self, sequence: Sequence) -> Result<(), StorageError> {
        poll_fn(|context| {
            let state = &mut *self.0.state.borrow_mut();
            if state.durable >= sequence {
                return Poll::Ready(Ok(()));
            }
            if let Some(error) = &state.failed {
                return Poll::Ready(Err(error.clone()));
            }
            state.waiters.push((sequence, context.waker().clone()));
            Poll::Pending
        })
        .await
    }

    /// `listener` is called after each commit, and once if the journal fails.
    pub fn set_listener(&self, listener: Listener) {
        self.0.state.borrow_mut().listener = Some(listener);
    }

    /// Where replay must start so that `sequence` is the first record it gives.
    pub fn position_of(&self, sequence: Sequence) -> JournalPosition {
        JournalPosition { sequence }
    }

    /// Nothing before `position` is needed any more.
    pub fn free_before(&self, position: JournalPosition) {
        let gone: Vec<u64> = {
            let state = &mut *self.0.state.borrow_mut();
            let keep = state.files.range(..=position.sequence.0).next_back().map_or(0, |(first, _)| *first);
            let kept = state.files.split_off(&keep);
            std::mem::replace(&mut state.files, kept).into_keys().collect()
        };
        let journal = self.clone();
        if gone.is_empty() {
            return;
        }
        self.0.env.spawn(Lane::Background, async move {
            for first in gone {
                let path = journal.0.dir.join(file_name(first));
                if let Err(error) = journal.0.env.remove(&path).await {
                    tracing::warn!(path = %path.display(), %error, "a journal file could not be removed");
                }
            }
        });
    }

    /// How full it is.
    pub fn usage(&self) -> Usage {
        let state = self.0.state.borrow();
        let used = state.files.values().sum();
        Usage { used, size: state.options.size, backlog: state.queued }
    }

    /// Waits until everything is durable.
    pub async fn close(&self) -> Result<(), StorageError> {
        let last = Sequence(self.0.state.borrow().next.0 - 1);
        self.wait_durable(last).await
    }
}

/// A block; `None` if it cannot be read, as may be if it was being written when the power went. One failure may pass.
async fn read_block<E: Env>(file: &E::File, position: u64) -> Option<AlignedBuf> {
    for _ in 0..4 {
        if let Ok((block, count)) = file.read_at(position, AlignedBuf::zeroed(BLOCK)).await {
            return (count == BLOCK).then_some(block);
        }
    }
    None
}

fn file_name(first: u64) -> String {
    format!("journal-{first:020}")
}

/// A frame's length behind its header and its first record, if it begins like one.
fn frame_size(block: &[u8]) -> Option<(usize, Sequence)> {
    let size = u32::from_le_bytes(block[8..12].try_into().ok()?) as usize;
    let first = u64::from_le_bytes(block[16..24].try_into().ok()?);
    (&block[0..6] == MAGIC && block[6..8] == VERSION.to_le_bytes()).then_some((size, Sequence(first)))
}

fn seal(frame: &mut [u8], length: usize, first: Sequence) {
    frame[0..6].copy_from_slice(MAGIC);
    frame[6..8].copy_from_slice(&VERSION.to_le_bytes());
    frame[8..12].copy_from_slice(&((length - FRAME_HEADER) as u32).to_le_bytes());
    frame[16..24].copy_from_slice(&first.0.to_le_bytes());
    let crc = frame_crc(&frame[..length]);
    frame[28..32].copy_from_slice(&crc.to_le_bytes());
}

fn frame_crc(frame: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame[..28]);
    crc.update(&frame[FRAME_HEADER..]);
    crc.finalize()
}
