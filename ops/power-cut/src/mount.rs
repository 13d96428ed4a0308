//! The disk as a FUSE file, and a loop device with ext4 on it. Needs root, FUSE and a free loop device.
#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "a test driver outside the environment seam")]

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant, UNIX_EPOCH},
};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo,
    LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyWrite, Request,
    WriteFlags,
};

use crate::disk::Disk;

/// The disk, shared between the FUSE thread and the driver.
pub(crate) type SharedDisk = Arc<Mutex<Disk>>;

const ROOT: INodeNo = INodeNo(1);
const FILE: INodeNo = INodeNo(2);
const FILE_NAME: &str = "disk";
/// The disk's size never changes while it is mounted.
const ATTRIBUTES_HOLD: Duration = Duration::from_secs(60);

/// The kernel takes a killed process's io_uring apart in the background, and its files stay open until then.
const RINGS_END_WITHIN: Duration = Duration::from_secs(20);

/// Locks the disk; a panic in the FUSE thread must not hide behind a poisoned lock.
pub(crate) fn lock(disk: &SharedDisk) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The file system with one file in it.
struct OneFile(SharedDisk);

impl OneFile {
    fn attributes(&self, inode: INodeNo) -> Option<FileAttr> {
        let (kind, perm, size) = match inode {
            ROOT => (FileType::Directory, 0o755, 0),
            FILE => (FileType::RegularFile, 0o600, lock(&self.0).len() as u64),
            _ => return None,
        };
        let (atime, mtime, ctime, crtime) = (UNIX_EPOCH, UNIX_EPOCH, UNIX_EPOCH, UNIX_EPOCH);
        let (nlink, uid, gid, rdev, blksize, flags) = (1, 0, 0, 0, 4096, 0);
        let (ino, blocks) = (inode, size / 512);
        let attributes = FileAttr {
            ino,
            size,
            blocks,
            atime,
            mtime,
            ctime,
            crtime,
            kind,
            perm,
            nlink,
            uid,
            gid,
            rdev,
            blksize,
            flags,
        };
        Some(attributes)
    }
}

impl Filesystem for OneFile {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.attributes(FILE) {
            Some(attributes) if parent == ROOT && name == FILE_NAME => {
                reply.entry(&ATTRIBUTES_HOLD, &attributes, Generation(0));
            }
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(inode) {
            Some(attributes) => reply.attr(&ATTRIBUTES_HOLD, &attributes),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        // Without this the kernel's page cache would stand between the loop device and the disk.
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        reply.data(lock(&self.0).read(offset as usize, size as usize));
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match lock(&self.0).write(offset as usize, data) {
            true => reply.written(data.len() as u32),
            false => reply.error(Errno::ENOSPC),
        }
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        lock(&self.0).flush();
        reply.ok();
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    /// The loop device's discards and zeroings arrive as hole punching: zeroes that are cached like any write.
    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let mut disk = lock(&self.0);
        let length = (length as usize).min(disk.len().saturating_sub(offset as usize));
        if mode != 0 && !disk.write(offset as usize, &vec![0; length]) {
            return reply.error(Errno::ENOSPC);
        }
        reply.ok();
    }
}

/// Runs a system tool; its standard output, or an error that holds its standard error.
pub(crate) fn tool(program: &str, arguments: &[&OsStr]) -> io::Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program} {arguments:?}: {}: {}", output.status, said.trim())))
}

/// A machine's disk, plugged in: FUSE file, then a loop device with ext4 while it is mounted.
pub(crate) struct Machine {
    session: Option<BackgroundSession>,
    disk: SharedDisk,
    file: PathBuf,
    mount_point: PathBuf,
    loop_device: Option<String>,
}

impl Machine {
    /// Makes an empty, formatted disk of `bytes` under `work`, mounted at [`Machine::path`].
    pub(crate) fn new(work: &Path, bytes: usize) -> io::Result<Self> {
        let (fuse, mount_point) = (work.join("fuse"), work.join("mnt"));
        std::fs::create_dir_all(&fuse)?;
        std::fs::create_dir_all(&mount_point)?;
        let disk = Arc::new(Mutex::new(Disk::new(bytes)));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("power-cut".into()), MountOption::DefaultPermissions];
        let session = fuser::spawn_mount(OneFile(Arc::clone(&disk)), &fuse, &config)?;
        let mut machine =
            Self { session: Some(session), disk, file: fuse.join(FILE_NAME), mount_point, loop_device: None };
        machine.attach()?;
        let device = machine.loop_device.clone().unwrap_or_default();
        let no_lazy_work = OsStr::new("lazy_itable_init=0,lazy_journal_init=0,nodiscard");
        tool("mkfs.ext4", &["-q".as_ref(), "-E".as_ref(), no_lazy_work, device.as_ref()])?;
        machine.mount()?;
        Ok(machine)
    }

    /// Where the file system is mounted.
    pub(crate) fn path(&self) -> &Path {
        &self.mount_point
    }

    /// The disk itself.
    pub(crate) fn disk(&self) -> &SharedDisk {
        &self.disk
    }

    /// Comes up again after a power cut with what it left: ext4 replays its own journal while mounting.
    pub(crate) fn power_up_with(&mut self, image: Vec<u8>) -> io::Result<()> {
        self.detach()?;
        lock(&self.disk).replace(image);
        self.attach()?;
        self.mount()
    }

    fn attach(&mut self) -> io::Result<()> {
        let arguments = ["-f", "--show", "--direct-io=on"].map(OsStr::new);
        self.loop_device = Some(tool("losetup", &[&arguments[..], &[self.file.as_os_str()]].concat())?);
        Ok(())
    }

    fn mount(&self) -> io::Result<()> {
        let device = self.loop_device.as_deref().unwrap_or_default();
        tool("mount", &["-t".as_ref(), "ext4".as_ref(), device.as_ref(), self.mount_point.as_os_str()])?;
        Ok(())
    }

    fn detach(&mut self) -> io::Result<()> {
        let Some(device) = self.loop_device.take() else { return Ok(()) };
        let deadline = Instant::now() + RINGS_END_WITHIN;
        let unmounted = loop {
            match tool("umount", &[self.mount_point.as_os_str()]) {
                Err(_) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
                outcome => break outcome,
            }
        };
        tool("losetup", &["-d".as_ref(), device.as_ref()])?;
        unmounted.map(drop)
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if let Err(error) = self.detach() {
            eprintln!("power-cut: leaving a mount behind: {error}");
        }
        if let Some(session) = self.session.take()
            && let Err(error) = session.umount_and_join()
        {
            eprintln!("power-cut: leaving the FUSE mount behind: {error}");
        }
    }
}
