//! Reads a journal back after a start: its records one by one, then the verdict, then the journal itself.
//!
//! Memory is bounded by one read ([`limits::JOURNAL_READ`]) and the records its caller holds on to.

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    Journal, JournalOptions, JournalPosition, Record, RecoveryVerdict,
    commit_machine::Resume,
    file_header::FileHeader,
    files::{self, JournalFile, MakeError},
    frame::{FrameHeader, Records},
    recovery_machine::{LONGEST_FRAME, RecoveryMachine, WINDOW},
    space::{FileSpan, Space},
};
use crate::{
    env::{BLOCK, Env, File},
    error::StorageError,
    limits,
    mutant::{Mutant, active},
};

const _: () = assert!(LONGEST_FRAME <= limits::JOURNAL_READ, "one read holds a whole frame");

/// A journal being read.
pub struct Replay<E: Env> {
    env: E,
    dir: PathBuf,
    options: JournalOptions,
    journal: u64,
    files: BTreeMap<u32, JournalFile<E::File>>,
    /// The header of the first frame of each file, whatever the rest of that frame is.
    firsts: BTreeMap<u32, FrameHeader>,
    machine: RecoveryMachine,
    records: Records,
    window: Window,
    ended: bool,
}

/// What was last read: frames of one file from `at` on.
#[derive(Default)]
struct Window {
    file: u32,
    at: u64,
    bytes: Bytes,
}

impl<E: Env> Replay<E> {
    pub(super) async fn open(
        env: E,
        dir: &Path,
        options: JournalOptions,
        start: JournalPosition,
    ) -> Result<Self, StorageError> {
        let files = files::open_all(&env, dir).await?;
        let journal = files.values().next().map_or(0, |file| file.header.journal);
        if let Some((index, _)) = files.iter().find(|(_, file)| file.header.journal != journal) {
            return Err(StorageError::corrupt(&dir.join(files::name(*index)), 16, "a file of another journal"));
        }
        if start.journal != 0 && start.journal != journal {
            return Err(StorageError::corrupt(dir, 0, "the journal that the checkpoint continues is missing"));
        }
        let file = files.get(&start.file).map(|file| FileSpan {
            index: start.file,
            base: start.base,
            capacity: file.header.capacity(),
        });
        let file = file.filter(|file| start.lsn < file.end());
        let mut firsts = BTreeMap::new();
        for (index, file) in &files {
            let block = files::read(&env, &file.file, BLOCK as u64, BLOCK).await;
            firsts.extend(FrameHeader::parse(&block).map(|header| (*index, header)));
        }
        Ok(Self {
            env,
            dir: dir.to_path_buf(),
            options,
            journal,
            files,
            firsts,
            machine: RecoveryMachine::new(journal, start, file),
            records: Records::default(),
            window: Window::default(),
            ended: false,
        })
    }

    /// The next record, or `None` after the last one.
    pub async fn next(&mut self) -> Result<Option<Record>, StorageError> {
        loop {
            if let Some(record) = self.records.next() {
                return record.map(Some).map_err(|why| self.corrupt(why));
            }
            if self.ended || !self.next_frame().await {
                self.ended = true;
                return Ok(None);
            }
        }
    }

    async fn next_frame(&mut self) -> bool {
        if let Some((file, at)) = self.machine.place()
            && let Some((header, bytes)) = self.whole_frame(file.index, at).await
            && self.machine.offer(&header)
        {
            self.records = Records::new(&header, &bytes);
            return true;
        }
        let base = self.machine.next_base();
        let candidates: Vec<u32> =
            self.firsts.iter().filter(|(_, first)| first.lsn == base).map(|(index, _)| *index).collect();
        for index in candidates {
            let capacity = self.files[&index].header.capacity();
            if let Some((header, bytes)) = self.whole_frame(index, 0).await
                && self.machine.enter(index, capacity, &header)
                && self.machine.offer(&header)
            {
                self.records = Records::new(&header, &bytes);
                return true;
            }
        }
        false
    }

    /// The frame at `at` of a file's frames, if there is a whole one.
    async fn whole_frame(&mut self, index: u32, at: u64) -> Option<(FrameHeader, Bytes)> {
        if let Some(found) = self.window.frame(index, at) {
            return Some(found);
        }
        let file = self.files.get(&index)?;
        let bytes = files::read(&self.env, &file.file, BLOCK as u64 + at, limits::JOURNAL_READ).await;
        self.window = Window { file: index, at, bytes };
        self.window.frame(index, at)
    }

    /// The verdict on how the journal ended, and the journal, ready to go on. Records not asked for are skipped.
    pub async fn finish(mut self) -> Result<(Journal<E>, RecoveryVerdict), StorageError> {
        while self.next().await?.is_some() {}
        let verdict = self.judge().await?;
        // What was read may have been written by a process that was killed: only now is it known to be durable.
        for file in self.files.values() {
            let synced = file.file.sync().await;
            synced.map_err(|error| StorageError::io("sync", &self.dir.join(files::name(file.header.index)), &error))?;
        }
        // So are the files themselves: one may have been renamed and not yet synced.
        if !active(Mutant::JournalTrustsRecoveredNames) {
            let synced = self.env.sync_dir(&self.dir).await;
            synced.map_err(|error| StorageError::io("sync", &self.dir, &error))?;
        }
        if self.files.is_empty() {
            self.make_first().await?;
        }
        Ok((self.resume(), verdict))
    }

    async fn make_first(&mut self) -> Result<(), StorageError> {
        self.journal = self.env.random() | 1;
        let header = FileHeader { journal: self.journal, index: 0, len: self.options.file_size };
        let made = files::make(&self.env, &self.dir, header, || true).await;
        let file = made.map_err(|error| match error {
            MakeError::Later(error) | MakeError::Final(error) => error,
        })?;
        self.files.insert(0, JournalFile { file, header });
        Ok(())
    }

    /// Looks behind the break for a frame that knew more to be durable.
    async fn judge(&mut self) -> Result<RecoveryVerdict, StorageError> {
        let mut verdict = RecoveryVerdict::Clean;
        let mut left = WINDOW;
        if let Some((file, at)) = self.machine.place() {
            let len = left.min(file.capacity - at);
            let bytes = self.scan(file.index, at, len).await?;
            let torn = FrameHeader::parse(&bytes)
                .is_some_and(|header| header.journal == self.journal && header.lsn >= self.machine.lsn());
            verdict = if torn { RecoveryVerdict::TornTail } else { verdict };
            left -= len;
        }
        let others: Vec<u32> = self.files.keys().copied().collect();
        for index in others {
            let first = self.firsts.get(&index);
            let claims = first.is_some_and(|first| self.machine.proves_rot(first));
            // A first frame that is damaged may lie where the break is, whatever it says.
            let near = match first {
                Some(first) if first.lsn < self.machine.lsn() => !self.begins_whole(index, first).await,
                _ => true,
            };
            if claims || (near && left > 0) {
                let len = left.max(LONGEST_FRAME as u64).min(self.files[&index].header.capacity());
                self.scan(index, 0, len).await?;
            }
        }
        Ok(verdict)
    }

    /// Whether a file's first frame, whose header is `first`, is whole.
    async fn begins_whole(&self, index: u32, first: &FrameHeader) -> bool {
        let JournalFile { file, header } = &self.files[&index];
        let len = first.span().min(LONGEST_FRAME as u64).min(header.capacity());
        let bytes = files::read(&self.env, file, BLOCK as u64, len as usize).await;
        FrameHeader::parse_whole(&bytes).is_some()
    }

    /// Reads `len` bytes of a file's frames from `at`; an error if a frame there proves that the break is rot.
    async fn scan(&self, index: u32, at: u64, len: u64) -> Result<Bytes, StorageError> {
        let file = &self.files[&index].file;
        let bytes = files::read(&self.env, file, BLOCK as u64 + at, len as usize).await;
        for block in (0..bytes.len()).step_by(BLOCK) {
            let candidate = FrameHeader::parse(&bytes[block..]).is_some_and(|header| self.machine.proves_rot(&header));
            if candidate && FrameHeader::parse_whole(&bytes[block..]).is_some() {
                return Err(self.corrupt("a journal frame that was durable is damaged, and later ones are there"));
            }
        }
        Ok(bytes)
    }

    fn corrupt(&self, why: &'static str) -> StorageError {
        let (index, at) = self.machine.place().map_or((u32::MAX, 0), |(file, at)| (file.index, at));
        let path = if index == u32::MAX { self.dir.clone() } else { self.dir.join(files::name(index)) };
        StorageError::corrupt(&path, BLOCK as u64 + at, why)
    }

    fn resume(self) -> Journal<E> {
        let (head, next, chain) = (self.machine.lsn(), self.machine.sequence(), self.machine.chain());
        let claimed = self.machine.is_claimed();
        let (mut used, mut index) = self.machine.into_files();
        for position in &mut index {
            position.journal = self.journal;
        }
        if used.is_empty() && head == JournalPosition::START.lsn && self.files.len() == 1 {
            index = [JournalPosition { journal: self.journal, ..JournalPosition::START }].into();
        }
        while used.front().is_some_and(|file| file.end() <= index[0].lsn) {
            used.pop_front();
        }
        let is_used = |index: u32| used.iter().any(|file| file.index == index);
        let free: VecDeque<(u32, u64)> = self
            .files
            .iter()
            .filter(|(index, _)| !is_used(**index))
            .map(|(index, file)| (*index, file.header.capacity()))
            .collect();
        let most = (self.options.size / self.options.file_size).max(2).max(self.files.len() as u64) as u32;
        let smallest = self.files.values().map(|file| file.header.capacity()).min().unwrap_or(u64::MAX);
        let size = self.files.values().map(|file| file.header.capacity()).sum::<u64>()
            + (u64::from(most) - self.files.len() as u64) * (self.options.file_size - BLOCK as u64);
        let resume = Resume {
            journal: self.journal,
            incarnation: self.env.random(),
            head,
            chain,
            next,
            claimed,
            space: Space::new(used, free, most),
            index,
            size,
            frame: limits::JOURNAL_FRAME.min(smallest as usize),
        };
        let files = self.files.into_iter().map(|(index, file)| (index, file.file)).collect();
        Journal::start(self.env, self.dir, self.options.file_size, resume, files)
    }
}

impl Window {
    fn frame(&self, file: u32, at: u64) -> Option<(FrameHeader, Bytes)> {
        let inside = self.file == file && at >= self.at && at < self.at + self.bytes.len() as u64;
        let bytes = inside.then(|| self.bytes.slice((at - self.at) as usize..))?;
        FrameHeader::parse_whole(&bytes).map(|header| (header, bytes))
    }
}
