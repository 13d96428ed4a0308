//! The data directories of a process: made if missing, fit for direct I/O, and locked against a second process.
//!
//! Runs before any core does, on the main thread: it may block.
//!
//! A killed process keeps its lock until the kernel, in the background, has taken its rings apart, and whoever supervises
//! it starts the next one at once: a lock that is held is waited for.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use corelog_storage::{buffer::AlignedBuf, env::BLOCK};

use crate::{
    core::ring_file::{is_memory_file_system, no_direct_io},
    limits::DATA_DIR_POLL,
};

const LOCK: &str = "corelog.lock";
const PROBE: &str = "corelog.probe";

/// Why a data directory cannot be used; the text says what to do.
#[derive(Debug)]
pub enum DataDirError {
    /// Another process has it.
    InUse {
        /// The directory.
        path: PathBuf,
        /// Who has it, as far as it said.
        process: String,
    },
    /// It cannot be made, read or written.
    Unusable {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Its file system cannot do direct I/O.
    NoDirectIo(String),
    /// It was named twice.
    Twice(PathBuf, PathBuf),
}

/// Directories that cannot be used, and why.
pub type Unusable = BTreeMap<PathBuf, String>;

impl fmt::Display for DataDirError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path, process } => {
                let path = path.display();
                write!(
                    f,
                    "the data directory {path} is in use by process {process}: stop it, or give --data-dir another"
                )
            }
            Self::Unusable { path, error } => {
                let path = path.display();
                let cure = match error.kind() {
                    io::ErrorKind::PermissionDenied => {
                        "let this user write there, or give --data-dir another directory"
                    }
                    io::ErrorKind::ReadOnlyFilesystem => "mount its file system writable, or give --data-dir another",
                    io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "a file is in its place",
                    io::ErrorKind::StorageFull => "its disk is full",
                    _ => "give --data-dir a directory on a local disk",
                };
                write!(f, "the data directory {path} cannot be used ({error}): {cure}")
            }
            Self::NoDirectIo(text) => f.write_str(text),
            Self::Twice(one, other) => {
                write!(f, "the data directories {} and {} are one: name it once", one.display(), other.display())
            }
        }
    }
}

impl std::error::Error for DataDirError {}

/// A data directory that is this process's until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the directory if there is none, and takes it for this process. Another's is waited for so long.
    pub fn take(path: &Path, patience: Duration) -> Result<Self, DataDirError> {
        let unusable = |error| DataDirError::Unusable { path: path.to_owned(), error };
        fs::create_dir_all(path).map_err(unusable)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(unusable)?;
        if !lock_within(&lock, path, patience).map_err(unusable)? {
            return Err(DataDirError::InUse { path: path.to_owned(), process: holder(&lock) });
        }
        check_direct_io(path)?;
        lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(unusable)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Takes several. One that another process has, or that is no place for records, is an error; one that cannot be read
    /// or written is given back with the reason, unless it is the only one: a broker may have to do without it.
    pub fn take_all(paths: &[PathBuf], patience: Duration) -> Result<(Vec<Self>, Unusable), DataDirError> {
        let (mut taken, mut unusable, mut seen) = (Vec::new(), Unusable::new(), BTreeMap::new());
        for path in paths {
            // The same by another name would be found in use, by this process.
            if let Ok(place) = fs::create_dir_all(path).and_then(|()| path.canonicalize())
                && let Some(other) = seen.insert(place, path)
            {
                return Err(DataDirError::Twice(other.clone(), path.clone()));
            }
            match Self::take(path, patience) {
                Ok(dir) => taken.push(dir),
                Err(error @ DataDirError::Unusable { .. }) if paths.len() > 1 => {
                    unusable.insert(path.clone(), error.to_string());
                }
                Err(error) => return Err(error),
            }
        }
        Ok((taken, unusable))
    }

    /// The process that has the directory, as far as it said; `None` if it is free. Touches nothing.
    pub fn holder_of(path: &Path) -> Option<String> {
        let lock = File::open(path.join(LOCK)).ok()?;
        // Taken for a moment, and given back with the descriptor.
        match try_lock(&lock) {
            Ok(false) => Some(holder(&lock)),
            _ => None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Locks the file, if it becomes free in time.
fn lock_within(lock: &File, path: &Path, patience: Duration) -> io::Result<bool> {
    let deadline = Instant::now() + patience;
    let mut told = false;
    loop {
        if try_lock(lock)? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        if !told {
            tracing::info!(path = %path.display(), process = holder(lock), "the data directory is in use; waiting");
            told = true;
        }
        thread::sleep(DATA_DIR_POLL);
    }
}

fn try_lock(lock: &File) -> io::Result<bool> {
    // SAFETY: a plain call on a descriptor that lives across it. The lock goes with the process, however it ends.
    if unsafe { libc::flock(lock.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } == 0 {
        return Ok(true);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        error => Err(error),
    }
}

/// Who has the lock, as far as it said: for the reader of a message only.
fn holder(lock: &File) -> String {
    let mut process = [0; 20];
    let length = lock.read_at(&mut process, 0).unwrap_or(0);
    String::from_utf8_lossy(&process[..length]).trim().to_owned()
}

/// Writes one block as the journal will, and takes it away again.
fn check_direct_io(path: &Path) -> Result<(), DataDirError> {
    let probe = path.join(PROBE);
    let outcome = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(libc::O_DIRECT | libc::O_DSYNC)
        .open(&probe)
        .and_then(|file| {
            file.write_all_at(&AlignedBuf::zeroed(BLOCK), 0)?;
            is_memory_file_system(file.as_raw_fd())
        });
    let _ = fs::remove_file(&probe); // empty, and overwritten by the next start
    match outcome {
        Ok(false) => Ok(()),
        Ok(true) => Err(DataDirError::NoDirectIo(no_direct_io(path).to_string())),
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
            Err(DataDirError::NoDirectIo(no_direct_io(path).to_string()))
        }
        // A full disk must still start: retention and deletion are what makes room again.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Ok(()),
        Err(error) => Err(DataDirError::Unusable { path: path.to_owned(), error }),
    }
}
