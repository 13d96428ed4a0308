//! What a stopped journal's files hold, frame by frame, whatever recovery would make of it. Only reads.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::{
    Record,
    file_header::FileHeader,
    files,
    frame::{FrameHeader, Records},
};
use crate::{
    env::{BLOCK, Env, File, OpenFile},
    error::StorageError,
    limits,
};

/// A whole frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DumpedFrame {
    /// The name of its file.
    pub file: String,
    /// Where it begins there, in bytes.
    pub position: u64,
    /// Where it begins in the journal, in bytes since the journal's birth.
    pub lsn: u64,
    /// All before this was durable when it was composed.
    pub known_durable: u64,
    /// The start of the process that wrote it.
    pub incarnation: u64,
    /// Sequence of its first record.
    pub first: u64,
    /// Its length in bytes, header included.
    pub bytes: u32,
    /// It goes on where the frame before it in this dump ended. What does not is of an earlier round, or something is
    /// missing before it.
    pub follows: bool,
    /// Its records; none in a closing frame.
    pub records: Vec<DumpedRecord>,
}

/// A record of a frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DumpedRecord {
    /// Its number.
    pub sequence: u64,
    /// What it is; see `crate::shard::dump::describe`.
    pub kind: u8,
    /// Its fields.
    pub payload: Bytes,
}

struct Opened<F> {
    path: PathBuf,
    file: F,
    len: u64,
    /// LSN of the frame it begins with, if it begins with one.
    first: Option<u64>,
}

/// Gives every whole frame in `dir` to `keep`, file by file in the order of their first frames; ends early when `keep`
/// says `false`.
pub async fn frames<E: Env>(
    env: &E,
    dir: &Path,
    mut keep: impl FnMut(DumpedFrame) -> bool,
) -> Result<(), StorageError> {
    let mut files = open_all(env, dir).await?;
    files.sort_by_key(|file| file.first);
    let mut last: Option<FrameHeader> = None;
    for file in files.iter().filter(|file| file.first.is_some()) {
        let mut at = BLOCK as u64;
        let (mut window, mut window_at) = (Bytes::new(), 0);
        while at < file.len {
            let inside = (at - window_at) as usize;
            // A whole frame fits what is left of the window, or the window begins with it.
            if inside + limits::JOURNAL_READ / 2 > window.len() && window_at + (window.len() as u64) < file.len {
                (window, window_at) = (files::read(env, &file.file, at, limits::JOURNAL_READ).await, at);
            }
            let bytes = window.slice((at - window_at) as usize..);
            let Some(header) = FrameHeader::parse_whole(&bytes) else {
                at += BLOCK as u64;
                continue;
            };
            let frame = dumped(file, at, &header, &bytes, last.as_ref());
            at += header.span();
            last = Some(header);
            if !keep(frame) {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn open_all<E: Env>(env: &E, dir: &Path) -> Result<Vec<Opened<E::File>>, StorageError> {
    let names = env.list(dir).await.map_err(|error| StorageError::io("list", dir, &error))?;
    let mut opened = Vec::new();
    for name in names.iter().filter(|name| files::is_one(name)) {
        let path = dir.join(name);
        let how = OpenFile { create: false, durable_writes: false };
        let failed = |error: std::io::Error| StorageError::io("open", &path, &error);
        let file = env.open(&path, how).await.map_err(failed)?;
        let len = file.len().await.map_err(failed)?;
        let block = files::read(env, &file, 0, BLOCK).await;
        FileHeader::parse(&block, &path)?;
        let block = files::read(env, &file, BLOCK as u64, BLOCK).await;
        let first = FrameHeader::parse(&block).map(|header| header.lsn.0);
        opened.push(Opened { path, file, len, first });
    }
    Ok(opened)
}

fn dumped<F>(
    file: &Opened<F>,
    position: u64,
    header: &FrameHeader,
    bytes: &Bytes,
    last: Option<&FrameHeader>,
) -> DumpedFrame {
    let record =
        |record: Record| DumpedRecord { sequence: record.sequence.0, kind: record.kind, payload: record.payload };
    DumpedFrame {
        file: file.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        position,
        lsn: header.lsn.0,
        known_durable: header.known_durable.0,
        incarnation: header.incarnation,
        first: header.first.0,
        bytes: header.len,
        follows: last.is_none_or(|last| {
            header.journal == last.journal && header.lsn.0 == last.lsn.0 + last.span() && header.chain == last.crc
        }),
        records: Records::new(header, bytes).filter_map(Result::ok).map(record).collect(),
    }
}

impl super::JournalPosition {
    /// The number of its file, and its LSN.
    pub(crate) fn file_and_lsn(&self) -> (u32, u64) {
        (self.file, self.lsn.0)
    }
}
