//! Makes, finds and reads a journal's files.

use std::{collections::BTreeMap, path::Path, time::Duration};

use bytes::Bytes;

use super::file_header::FileHeader;
use crate::{
    buffer::AlignedBuf,
    env::{BLOCK, Env, File, OpenFile},
    error::StorageError,
    limits,
    mutant::{Mutant, active},
};

/// What every journal file's name begins with.
const PREFIX: &str = "journal-";
/// What the name of one that is being made ends with.
const UNFINISHED: &str = ".new";
/// How much is written at a time when a file is made: a durable write may have to wait for so much.
const CHUNK: u64 = 512 << 10;

/// What files are filled with: a part of the program. As much fresh memory for each file kept a core from its work for
/// milliseconds.
#[repr(align(4096))]
struct Zeroes([u8; CHUNK as usize]);

const _: () = assert!(align_of::<Zeroes>().is_multiple_of(BLOCK));

static ZEROES: Zeroes = Zeroes([0; CHUNK as usize]);

/// An open journal file.
pub(super) struct JournalFile<F> {
    pub(super) file: F,
    pub(super) header: FileHeader,
}

/// Why a file could not be made.
pub(super) enum MakeError {
    /// It may work later: no space, say.
    Later(StorageError),
    /// What is durable in the directory can no longer be known.
    Final(StorageError),
}

/// A journal file's name.
pub(super) fn name(index: u32) -> String {
    format!("{PREFIX}{index:05}")
}

/// Whether a file of this name is a journal's, and whole.
pub(super) fn is_one(name: &str) -> bool {
    name.starts_with(PREFIX) && !name.ends_with(UNFINISHED)
}

/// Opens every journal file in `dir`, by number, and removes what was not finished.
pub(super) async fn open_all<E: Env>(env: &E, dir: &Path) -> Result<BTreeMap<u32, JournalFile<E::File>>, StorageError> {
    let names = env.list(dir).await.map_err(|error| StorageError::io("list", dir, &error))?;
    let mut files = BTreeMap::new();
    for name in names.iter().filter(|name| name.starts_with(PREFIX)) {
        let path = dir.join(name);
        if name.ends_with(UNFINISHED) {
            env.remove(&path).await.map_err(|error| StorageError::io("remove", &path, &error))?;
            continue;
        }
        let how = OpenFile { create: false, durable_writes: true };
        let file = env.open(&path, how).await.map_err(|error| StorageError::io("open", &path, &error))?;
        let block = read(env, &file, 0, BLOCK).await;
        let header = FileHeader::parse(&block, &path)?;
        if *name != self::name(header.index) {
            return Err(StorageError::corrupt(&path, 24, "a journal file under another's name"));
        }
        files.insert(header.index, JournalFile { file, header });
    }
    Ok(files)
}

/// Makes a file, written in full, so that no later write has to wait for the file system. Unless it is `urgent`, the disk
/// is left to others for as long as each piece took.
pub(super) async fn make<E: Env>(
    env: &E,
    dir: &Path,
    header: FileHeader,
    urgent: impl Fn() -> bool,
) -> Result<E::File, MakeError> {
    let path = dir.join(name(header.index));
    let unfinished = dir.join(name(header.index) + UNFINISHED);
    let made = write_whole(env, &unfinished, header, urgent).await;
    let file = match made {
        Ok(file) => file,
        Err(error) => {
            // Its space is given back; what is left of it otherwise goes at the next start.
            let _ = env.remove(&unfinished).await;
            return Err(MakeError::Later(error));
        }
    };
    if let Err(error) = env.rename(&unfinished, &path).await {
        return Err(MakeError::Later(StorageError::io("rename", &unfinished, &error)));
    }
    if !active(Mutant::JournalForgetsDirectorySync) {
        env.sync_dir(dir).await.map_err(|error| MakeError::Final(StorageError::io("sync", dir, &error)))?;
    }
    Ok(file)
}

async fn write_whole<E: Env>(
    env: &E,
    path: &Path,
    header: FileHeader,
    urgent: impl Fn() -> bool,
) -> Result<E::File, StorageError> {
    let failed = |what: &'static str| move |error: std::io::Error| StorageError::io(what, path, &error);
    let file = env.open(path, OpenFile { create: true, durable_writes: true }).await.map_err(failed("create"))?;
    file.allocate(header.len).await.map_err(failed("allocate"))?;
    let mut at = 0;
    while at < header.len {
        let part = Bytes::from_static(&ZEROES.0[..(header.len - at).min(CHUNK) as usize]);
        let (len, began) = (part.len() as u64, env.now());
        file.write_at(at, part).await.map_err(failed("write"))?;
        at += len;
        if at < header.len && !urgent() {
            env.sleep(env.now().since(began)).await;
        }
    }
    file.write_at(0, header.to_block().freeze()).await.map_err(failed("write"))?;
    file.sync().await.map_err(failed("sync"))?;
    Ok(file)
}

/// Reads `len` bytes at `position`, or what the file has of them. Blocks that cannot be read after a few tries are
/// zeroes: after a power cut that is what may be left of a block that was being written.
pub(super) async fn read<E: Env>(env: &E, file: &E::File, position: u64, len: usize) -> Bytes {
    if let Some(bytes) = try_read(env, file, position, len).await {
        return bytes;
    }
    let mut whole = AlignedBuf::zeroed(len);
    for at in (0..len).step_by(BLOCK) {
        if let Some(block) = try_read(env, file, position + at as u64, BLOCK).await {
            whole[at..at + block.len()].copy_from_slice(&block);
        }
    }
    whole.freeze()
}

async fn try_read<E: Env>(env: &E, file: &E::File, position: u64, len: usize) -> Option<Bytes> {
    for attempt in 1..=limits::JOURNAL_READ_TRIES {
        match file.read_at(position, AlignedBuf::zeroed(len)).await {
            Ok((buffer, count)) => return Some(buffer.freeze().slice(..count)),
            Err(error) => {
                tracing::warn!(position, attempt, %error, "cannot read the journal");
                env.sleep(Duration::from_millis(1)).await;
            }
        }
    }
    None
}
