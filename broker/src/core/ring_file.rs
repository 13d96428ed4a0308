//! Files and directories of the real environment: direct I/O through the core's ring.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{FromRawFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
    rc::Rc,
};

use bytes::Bytes;
use corelog_storage::{
    buffer::AlignedBuf,
    env::{BLOCK, File, OpenFile},
};
use io_uring::{opcode, types};

use crate::core::{
    env::DiskSpace,
    ring::Abandoned,
    ring_env::{Core, RingEnv},
};

const DIRECTORY_MODE: libc::mode_t = 0o750;
const FILE_MODE: libc::mode_t = 0o640;

/// An open file of one core.
#[derive(Clone)]
pub struct RingFile {
    open: Rc<Open>,
}

struct Open {
    core: Rc<Core>,
    descriptor: RawFd,
    durable_writes: bool,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.core.ring.close(self.descriptor);
    }
}

impl RingFile {
    pub(super) async fn open(env: &RingEnv, path: &Path, how: OpenFile) -> io::Result<Self> {
        let mut flags = libc::O_RDWR | libc::O_DIRECT | libc::O_CLOEXEC;
        if how.create {
            flags |= libc::O_CREAT;
        }
        if how.durable_writes && !loses_durability() {
            flags |= libc::O_DSYNC;
        }
        let descriptor = open(env, path, flags).await.map_err(|error| name_missing_direct_io(error, path))?;
        let open = Open { core: env.core.clone(), descriptor, durable_writes: how.durable_writes };
        if is_memory_file_system(descriptor)? {
            return Err(no_direct_io(path));
        }
        Ok(Self { open: Rc::new(open) })
    }

    /// The descriptor's number, to look it up in /proc.
    pub fn descriptor(&self) -> RawFd {
        self.open.descriptor
    }

    fn fd(&self) -> types::Fd {
        types::Fd(self.open.descriptor)
    }

    async fn write_all(&self, position: u64, mut data: Bytes) -> io::Result<()> {
        let mut position = position;
        while !data.is_empty() {
            let entry = opcode::Write::new(self.fd(), data.as_ptr(), data.len() as u32).offset(position).build();
            // SAFETY: the bytes are shared memory on the heap, and the operation holds a share.
            let (written, back) = unsafe { self.open.core.operate(entry, data, Abandoned::FINISHES) }.await;
            let written = written? as usize;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            position += written as u64;
            data = back.slice(written..);
        }
        Ok(())
    }

    async fn write_pieces(&self, mut position: u64, mut data: Vec<Bytes>) -> io::Result<()> {
        while data.len() > 1 {
            let slice =
                |piece: &Bytes| libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
            let slices: Vec<libc::iovec> = data.iter().map(slice).collect();
            let entry = opcode::Writev::new(self.fd(), slices.as_ptr(), slices.len() as u32).offset(position).build();
            // SAFETY: the bytes are shared memory on the heap, and the operation holds a share; of the slices, too.
            let (written, (back, _)) =
                unsafe { self.open.core.operate(entry, (data, slices), Abandoned::FINISHES) }.await;
            let written = written? as usize;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            position += written as u64;
            data = rest(back, written);
        }
        match data.pop() {
            Some(last) => self.write_all(position, last).await,
            None => Ok(()),
        }
    }
}

/// What is left of `pieces` behind their first `count` bytes.
fn rest(pieces: Vec<Bytes>, mut count: usize) -> Vec<Bytes> {
    let mut rest = Vec::new();
    for piece in pieces {
        let taken = count.min(piece.len());
        count -= taken;
        if taken < piece.len() {
            rest.push(piece.slice(taken..));
        }
    }
    rest
}

impl File for RingFile {
    async fn read_at(&self, position: u64, mut buffer: AlignedBuf) -> io::Result<(AlignedBuf, usize)> {
        let mut filled = 0;
        while filled < buffer.len() {
            let rest = &mut buffer[filled..];
            let at = position + filled as u64;
            let entry = opcode::Read::new(self.fd(), rest.as_mut_ptr(), rest.len() as u32).offset(at).build();
            // SAFETY: the buffer is memory on the heap, owned by the operation.
            let (read, back) = unsafe { self.open.core.operate(entry, buffer, Abandoned::FINISHES) }.await;
            buffer = back;
            let read = read? as usize;
            filled += read;
            if read == 0 || !filled.is_multiple_of(BLOCK) {
                break; // the file's end
            }
        }
        Ok((buffer, filled))
    }

    async fn write_at(&self, position: u64, data: Bytes) -> io::Result<()> {
        self.write_all(position, data).await
    }

    async fn write_durable(&self, position: u64, data: Bytes) -> io::Result<()> {
        assert!(self.open.durable_writes, "opened without durable_writes");
        self.write_all(position, data).await
    }

    async fn write_durable_pieces(&self, position: u64, data: Vec<Bytes>) -> io::Result<()> {
        assert!(self.open.durable_writes, "opened without durable_writes");
        self.write_pieces(position, data).await
    }

    async fn sync(&self) -> io::Result<()> {
        if loses_durability() {
            return Ok(());
        }
        let entry = opcode::Fsync::new(self.fd()).flags(types::FsyncFlags::DATASYNC).build();
        // SAFETY: refers to no memory.
        let (outcome, ()) = unsafe { self.open.core.operate(entry, (), Abandoned::FINISHES) }.await;
        outcome.map(drop)
    }

    async fn len(&self) -> io::Result<u64> {
        let empty = CString::default();
        // SAFETY: a struct of integers, of which zeroes are valid.
        let mut found: Box<libc::statx> = Box::new(unsafe { std::mem::zeroed() });
        let entry = opcode::Statx::new(self.fd(), empty.as_ptr(), (&raw mut *found).cast())
            .flags(libc::AT_EMPTY_PATH)
            .mask(libc::STATX_SIZE)
            .build();
        // SAFETY: path and result are on the heap and owned by the operation.
        let (outcome, (_, found)) = unsafe { self.open.core.operate(entry, (empty, found), Abandoned::FINISHES) }.await;
        outcome?;
        Ok(found.stx_size)
    }

    async fn allocate(&self, length: u64) -> io::Result<()> {
        let entry = opcode::Fallocate::new(self.fd(), length).build();
        // SAFETY: refers to no memory.
        let (outcome, ()) = unsafe { self.open.core.operate(entry, (), Abandoned::FINISHES) }.await;
        outcome.map(drop)
    }

    async fn set_len(&self, length: u64) -> io::Result<()> {
        let core = &self.open.core;
        if core.node.kernel.truncate {
            let entry = opcode::Ftruncate::new(self.fd(), length).build();
            // SAFETY: refers to no memory.
            let (outcome, ()) = unsafe { core.operate(entry, (), Abandoned::FINISHES) }.await;
            return outcome.map(drop);
        }
        let env = RingEnv { core: core.clone() };
        let descriptor = duplicate(self.open.descriptor)?;
        env.on_helper(move || std::fs::File::from(descriptor).set_len(length)).await
    }
}

/// A deliberate fault, in builds made to be caught by the power-cut test only: files are not opened with O_DSYNC.
fn loses_durability() -> bool {
    cfg!(feature = "mutants") && std::env::var("CORELOG_MUTANT").is_ok_and(|mutant| mutant == "no-dsync")
}

/// Creates a directory and those above it.
pub(super) async fn create_dir(env: &RingEnv, path: &Path) -> io::Result<()> {
    let mut missing = vec![path];
    while let Some(next) = missing.last() {
        match make_dir(env, next).await {
            Ok(()) => {
                missing.pop();
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                // Something is there; opening it as a directory says whether it is one.
                env.core.ring.close(open(env, next, libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC).await?);
                missing.pop();
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match next.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => missing.push(parent),
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn make_dir(env: &RingEnv, path: &Path) -> io::Result<()> {
    let path = c_path(path)?;
    let entry = opcode::MkDirAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr()).mode(DIRECTORY_MODE).build();
    // SAFETY: the path is on the heap and owned by the operation.
    let (outcome, _) = unsafe { env.core.operate(entry, path, Abandoned::FINISHES) }.await;
    outcome.map(drop)
}

/// Names in `dir`, sorted.
pub(super) async fn list(env: &RingEnv, dir: &Path) -> io::Result<Vec<String>> {
    let dir = dir.to_owned();
    env.on_helper(move || {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir)? {
            // A name that is not Unicode is none of ours; it stays visible as something foreign.
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    })
    .await
}

/// How much the file system holds. On the helper thread: a network's file system may take its time.
pub(super) async fn disk_space(env: &RingEnv, dir: &Path) -> io::Result<DiskSpace> {
    let dir = c_path(dir)?;
    env.on_helper(move || {
        // SAFETY: a structure of numbers, for which zero is a value.
        let mut said: libc::statvfs = unsafe { std::mem::zeroed() };
        // SAFETY: the path ends with a zero, and the structure is ours.
        if unsafe { libc::statvfs(dir.as_ptr(), &raw mut said) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(DiskSpace { total: said.f_blocks * said.f_frsize, usable: said.f_bavail * said.f_frsize })
    })
    .await
}

/// Renames, replacing `to`.
pub(super) async fn rename(env: &RingEnv, from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (c_path(from)?, c_path(to)?);
    let here = types::Fd(libc::AT_FDCWD);
    let entry = opcode::RenameAt::new(here, from.as_ptr(), here, to.as_ptr()).build();
    // SAFETY: the paths are on the heap and owned by the operation.
    let (outcome, _) = unsafe { env.core.operate(entry, (from, to), Abandoned::FINISHES) }.await;
    outcome.map(drop)
}

/// Removes a file or an empty directory.
pub(super) async fn remove(env: &RingEnv, path: &Path) -> io::Result<()> {
    match unlink(env, path, 0).await {
        Err(error) if error.raw_os_error() == Some(libc::EISDIR) => unlink(env, path, libc::AT_REMOVEDIR).await,
        outcome => outcome,
    }
}

async fn unlink(env: &RingEnv, path: &Path, flags: i32) -> io::Result<()> {
    let path = c_path(path)?;
    let entry = opcode::UnlinkAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr()).flags(flags).build();
    // SAFETY: the path is on the heap and owned by the operation.
    let (outcome, _) = unsafe { env.core.operate(entry, path, Abandoned::FINISHES) }.await;
    outcome.map(drop)
}

/// Makes the entries of `dir` durable.
pub(super) async fn sync_dir(env: &RingEnv, dir: &Path) -> io::Result<()> {
    let descriptor = open(env, dir, libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC).await?;
    let open = Open { core: env.core.clone(), descriptor, durable_writes: false };
    let entry = opcode::Fsync::new(types::Fd(open.descriptor)).build();
    // SAFETY: refers to no memory.
    let (outcome, ()) = unsafe { env.core.operate(entry, (), Abandoned::FINISHES) }.await;
    outcome.map(drop)
}

async fn open(env: &RingEnv, path: &Path, flags: i32) -> io::Result<RawFd> {
    let path = c_path(path)?;
    let entry = opcode::OpenAt::new(types::Fd(libc::AT_FDCWD), path.as_ptr()).flags(flags).mode(FILE_MODE).build();
    // SAFETY: the path is on the heap and owned by the operation.
    let (outcome, _) = unsafe { env.core.operate(entry, path, Abandoned::CLOSES) }.await;
    outcome.map(|descriptor| descriptor as RawFd)
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

fn duplicate(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: duplicates a descriptor; the new one is owned from here on.
    match unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, 0) } {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: as above.
        duplicate => Ok(unsafe { OwnedFd::from_raw_fd(duplicate) }),
    }
}

/// Memory file systems accept O_DIRECT on newer kernels, and keep nothing all the same.
pub(super) fn is_memory_file_system(descriptor: RawFd) -> io::Result<bool> {
    // SAFETY: a struct of integers, of which zeroes are valid; the call fills it in.
    let kind = unsafe {
        let mut found: libc::statfs = std::mem::zeroed();
        if libc::fstatfs(descriptor, &raw mut found) != 0 {
            return Err(io::Error::last_os_error());
        }
        found.f_type
    };
    const RAMFS_MAGIC: i64 = 0x8584_58f6;
    Ok(kind == libc::TMPFS_MAGIC || kind == RAMFS_MAGIC)
}

fn name_missing_direct_io(error: io::Error, path: &Path) -> io::Error {
    if error.raw_os_error() == Some(libc::EINVAL) { no_direct_io(path) } else { error }
}

pub(super) fn no_direct_io(path: &Path) -> io::Error {
    let message = format!(
        "the file system of {} has no direct I/O (tmpfs, ramfs and some network file systems have none); \
         put the data directory on a disk, formatted as ext4 or xfs",
        path.display()
    );
    io::Error::new(io::ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_pieces_begins_where_a_write_ended() {
        let pieces = || vec![Bytes::from_static(b"abc"), Bytes::from_static(b"de"), Bytes::from_static(b"f")];
        for count in 0..=6 {
            assert_eq!(rest(pieces(), count).concat(), &b"abcdef"[count..]);
            assert!(rest(pieces(), count).iter().all(|piece| !piece.is_empty()));
        }
    }
}
