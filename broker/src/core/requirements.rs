//! What a broker needs of its machine, looked at before one runs. Blocks: for commands, not for cores.

use std::{
    ffi::CStr,
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::{
            ffi::OsStrExt,
            fs::{FileExt, OpenOptionsExt},
        },
    },
    path::Path,
    time::{Duration, Instant},
};

use corelog_storage::{buffer::AlignedBuf, env::BLOCK};

use crate::core::{kernel::Kernel, limits_of_process};

/// The kernel's release, such as `6.1.0-18-amd64`.
pub fn kernel_release() -> String {
    // SAFETY: a structure of plain bytes, filled in by the call; its texts end in zero.
    unsafe {
        let mut name: libc::utsname = std::mem::zeroed();
        libc::uname(&raw mut name);
        CStr::from_ptr(name.release.as_ptr()).to_string_lossy().into_owned()
    }
}

/// What of io_uring this kernel has; or why there is none, and what to do.
pub fn ring() -> Result<Kernel, String> {
    Kernel::probe().map_err(|error| limits_of_process::ring_cure(&error))
}

/// A limit of this process: the soft one and the hard one.
pub fn limit(resource: Limit) -> (u64, u64) {
    let resource = match resource {
        Limit::OpenFiles => libc::RLIMIT_NOFILE,
        Limit::LockedMemory => libc::RLIMIT_MEMLOCK,
    };
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: fills the structure it is given.
    unsafe { libc::getrlimit(resource, &raw mut limit) };
    (limit.rlim_cur, limit.rlim_max)
}

/// Which limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Descriptors.
    OpenFiles,
    /// Bytes that may not be swapped.
    LockedMemory,
}

/// A file system: its type, and the bytes that are free on it for this user.
pub fn file_system(dir: &Path) -> io::Result<(String, u64)> {
    let path = std::ffi::CString::new(dir.as_os_str().as_bytes())?;
    // SAFETY: a structure of integers, filled in by the call on a text that lives across it.
    let stat = unsafe {
        let mut stat: libc::statfs = std::mem::zeroed();
        if libc::statfs(path.as_ptr(), &raw mut stat) != 0 {
            return Err(io::Error::last_os_error());
        }
        stat
    };
    let name = match stat.f_type as u32 {
        0xEF53 => "ext4",
        0x5846_5342 => "xfs",
        0x9123_683E => "btrfs",
        0x0102_1994 => "tmpfs",
        0x794C_7630 => "overlayfs",
        0x6969 => "nfs",
        0x2FC1_2FC1 => "zfs",
        0x6573_5546 => "fuse",
        0xF2F5_2010 => "f2fs",
        other => return Ok((format!("{other:#x}"), stat.f_bavail * stat.f_bsize as u64)),
    };
    Ok((name.to_owned(), stat.f_bavail * stat.f_bsize as u64))
}

/// How long one durable write of a block takes, as the journal does them: the median of some, and the longest.
pub fn durable_write(dir: &Path) -> io::Result<(Duration, Duration)> {
    const WRITES: u64 = 64;
    let path = dir.join("corelog.probe");
    let outcome = (|| {
        let whole =
            OpenOptions::new().write(true).create(true).truncate(true).custom_flags(libc::O_DIRECT).open(&path)?;
        whole.write_all_at(&AlignedBuf::zeroed(BLOCK * WRITES as usize), 0)?;
        sync(&whole)?;
        let durable = OpenOptions::new().write(true).custom_flags(libc::O_DIRECT | libc::O_DSYNC).open(&path)?;
        let block = AlignedBuf::zeroed(BLOCK);
        let mut took = Vec::new();
        for place in 0..WRITES {
            let begun = Instant::now();
            durable.write_all_at(&block, place * BLOCK as u64)?;
            took.push(begun.elapsed());
        }
        took.sort();
        Ok((took[took.len() / 2], took[took.len() - 1]))
    })();
    let removed = fs::remove_file(&path);
    outcome.and_then(|took| removed.map(|()| took))
}

fn sync(file: &File) -> io::Result<()> {
    // SAFETY: a plain call on a descriptor that lives across it.
    if unsafe { libc::fdatasync(file.as_raw_fd()) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
