//! Others that use the disk: threads that append to files of their own and sync, as databases and system logs do. A file that
//! grows has the file system's journal written, for which every other growing file on it waits too.

use crate::error::{Error, Result};
use std::fs::{File, OpenOptions};
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

const APPENDED: [u8; 4096] = [0x5a; 4096];
/// A file begins anew then.
const LONGEST: u64 = 64 << 20;

/// They run until this is dropped; their files go then.
pub(crate) struct Neighbours {
    over: Arc<AtomicBool>,
    synced: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Result<()>>>,
    files: Vec<PathBuf>,
}

impl Neighbours {
    /// So many, in `dir`.
    pub(crate) fn start(count: usize, dir: Option<&Path>) -> Result<Self> {
        let (over, synced) = (Arc::default(), Arc::default());
        let mut neighbours = Self { over, synced, threads: Vec::new(), files: Vec::new() };
        for number in 0..count {
            let dir = dir.ok_or_else(|| Error::Cannot("syncs_beside needs a folder on the disk: --sync-dir".into()))?;
            let path = dir.join(format!("corelog-bench-syncs-{}-{number}", std::process::id()));
            let cannot = |error| Error::Cannot(format!("{}: {error}", path.display()));
            let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(cannot)?;
            neighbours.files.push(path);
            let (over, synced) = (neighbours.over.clone(), neighbours.synced.clone());
            neighbours.threads.push(std::thread::spawn(move || sync_on(file, &over, &synced)));
        }
        Ok(neighbours)
    }

    /// Syncs so far.
    pub(crate) fn synced(&self) -> u64 {
        self.synced.load(Relaxed)
    }

    /// Ends them. An error is of a thread whose disk failed it: the load was another one than was asked for.
    pub(crate) fn end(mut self) -> Result<()> {
        self.over.store(true, Relaxed);
        let ended = self.threads.drain(..).map(JoinHandle::join).collect::<Vec<_>>();
        ended.into_iter().try_for_each(|thread| thread.unwrap_or_else(|_| Err(Error::Broken("a thread died".into()))))
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.over.store(true, Relaxed);
        for thread in self.threads.drain(..) {
            // Only after another failure, which is what is told.
            let _ = thread.join();
        }
        for file in &self.files {
            // What cannot be removed is left to whoever made the folder.
            let _ = std::fs::remove_file(file);
        }
    }
}

fn sync_on(mut file: File, over: &AtomicBool, synced: &AtomicU64) -> Result<()> {
    while !over.load(Relaxed) {
        if file.stream_position()? >= LONGEST {
            file.set_len(0)?;
            file.rewind()?;
        }
        file.write_all(&APPENDED)?;
        file.sync_all()?;
        synced.fetch_add(1, Relaxed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_sync_until_they_end_and_leave_nothing() {
        let dir = std::env::temp_dir().join(format!("corelog-bench-neighbours-{}", std::process::id()));
        std::fs::create_dir(&dir).expect("a folder");
        let neighbours = Neighbours::start(2, Some(&dir)).expect("they start");
        while neighbours.synced() < 4 {
            std::thread::yield_now();
        }
        neighbours.end().expect("they end");
        std::fs::remove_dir(&dir).expect("nothing is left in it");
        assert!(Neighbours::start(1, None).is_err(), "a folder must be named");
        assert!(Neighbours::start(0, None).is_ok());
    }
}
