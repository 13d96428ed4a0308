//! What code under test sees of a simulated world.

use std::{future::Future, io, path::Path, rc::Rc, time::Duration};

use bytes::Bytes;

use super::{
    Faults, Place, World,
    disk::{Disk, SharedInode},
};
use crate::{
    buffer::AlignedBuf,
    env::{BLOCK, Env, File, Instant, Lane, OpenFile},
};

/// The wall clock at the world's beginning: 2026-01-01 UTC in ms.
const BEGINNING_MS: i64 = 1_767_225_600_000;

/// One core's world, simulated; as of one process: after its host's end it can do nothing any more.
#[derive(Clone)]
pub struct SimEnv {
    world: World,
    place: Place,
    incarnation: u64,
}

/// A file of a simulated disk.
#[derive(Clone)]
pub struct SimFile {
    env: SimEnv,
    /// Where it was opened.
    path: Rc<Path>,
    inode: SharedInode,
    durable_writes: bool,
}

impl SimEnv {
    pub(super) fn new(world: World, place: Place, incarnation: u64) -> Self {
        Self { world, place, incarnation }
    }

    /// The world this is part of.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// Where in the world.
    pub fn place(&self) -> Place {
        self.place
    }

    /// Whether the process this belongs to still runs.
    pub fn is_alive(&self) -> bool {
        self.world.host(self.place.host).incarnation.get() == self.incarnation
    }

    /// Those of the disk that `path` lies on.
    fn faults(&self, path: &Path) -> Faults {
        let host = self.world.host(self.place.host);
        let disks = host.disk_faults.borrow();
        path.ancestors().find_map(|dir| disks.get(dir).copied()).unwrap_or_else(|| host.faults.get())
    }

    /// Lets an operation on `path` take its time; never returns to a dead process.
    async fn disk_time(&self, kind: u64, path: &Path) -> io::Result<()> {
        let faults = self.faults(path);
        let rng = self.world.rng();
        let (low, high) = faults.disk_latency;
        let mut nanos = rng.between(low.as_nanos() as u64, high.as_nanos() as u64);
        if rng.chance(faults.stalls) {
            self.world.count("stall");
            nanos += rng.between(1, faults.stall.as_nanos() as u64);
        }
        self.world.trace(kind ^ nanos.rotate_left(8));
        self.sleep(Duration::from_nanos(nanos)).await;
        self.while_alive().await;
        match self.faults(path).gone {
            true => Err(input_output_error("the disk is gone")),
            false => Ok(()),
        }
    }

    /// Never returns to a dead process.
    async fn while_alive(&self) {
        if !self.is_alive() {
            std::future::pending::<()>().await;
        }
    }

    fn strikes(&self, per_million: u32, kind: &'static str) -> bool {
        let strikes = self.world.rng().chance(per_million);
        if strikes {
            self.world.count(kind);
        }
        strikes
    }

    fn with_disk<T>(&self, act: impl FnOnce(&mut Disk) -> T) -> T {
        act(&mut self.world.host(self.place.host).disk.borrow_mut())
    }
}

fn input_output_error(what: &str) -> io::Error {
    io::Error::other(format!("simulated input/output error: {what}"))
}

fn no_space() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "simulated: no space left on device")
}

impl Env for SimEnv {
    type File = SimFile;

    fn now(&self) -> Instant {
        self.world.now()
    }

    fn wall_clock_ms(&self) -> i64 {
        let host = self.world.host(self.place.host);
        if self.strikes(host.faults.get().clock_jumps, "clock jump") {
            let day = 24 * 3600 * 1000;
            let jump = self.world.rng().below(2 * day) as i64 - day as i64;
            host.wall_offset_ms.set(jump);
        }
        BEGINNING_MS + (self.now().0 / 1_000_000) as i64 + host.wall_offset_ms.get()
    }

    fn random(&self) -> u64 {
        self.world.rng().next()
    }

    fn sleep_between(&self, earliest: Instant, latest: Instant) -> impl Future<Output = ()> + 'static {
        let loose = latest > earliest;
        let end = if loose { self.world.rng().between(earliest.0, latest.0) } else { earliest.0 };
        self.world.sleep_until(Instant(end))
    }

    fn spawn(&self, _lane: Lane, task: impl Future<Output = ()> + 'static) {
        if self.is_alive() {
            self.world.spawn(self.place, task);
        }
    }

    async fn open(&self, path: &Path, how: OpenFile) -> io::Result<SimFile> {
        self.disk_time(1, path).await?;
        if self.strikes(self.faults(path).read_error, "open error") {
            return Err(input_output_error("open"));
        }
        let inode = self.with_disk(|disk| disk.open(path, how.create))?;
        Ok(SimFile { env: self.clone(), path: path.into(), inode, durable_writes: how.durable_writes })
    }

    async fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk_time(2, path).await?;
        self.with_disk(|disk| disk.create_dir(path))
    }

    async fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk_time(3, dir).await?;
        self.with_disk(|disk| disk.list(dir))
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk_time(4, from).await?;
        self.with_disk(|disk| disk.rename(from, to))
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk_time(5, path).await?;
        self.with_disk(|disk| disk.remove(path))
    }

    async fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk_time(6, dir).await?;
        if self.strikes(self.faults(dir).sync_error, "directory sync error") {
            return Err(input_output_error("sync of a directory"));
        }
        self.with_disk(|disk| disk.sync_dir(dir))
    }
}

impl SimFile {
    fn faults(&self) -> Faults {
        self.env.faults(&self.path)
    }

    fn check_alignment(position: u64, address: *const u8, len: usize) {
        let aligned = |value: u64| value.is_multiple_of(BLOCK as u64);
        assert!(aligned(position), "direct I/O at position {position}");
        assert!(aligned(len as u64), "direct I/O of {len} bytes");
        assert!(aligned(address as u64), "direct I/O with memory at {address:?}");
    }

    /// Takes `data` in, lets time pass, and says what became of it.
    async fn write(&self, position: u64, data: Vec<Bytes>, durable: bool) -> io::Result<()> {
        data.iter().for_each(|piece| Self::check_alignment(position, piece.as_ptr(), piece.len()));
        let copy = Bytes::from(data.concat());
        if copy.is_empty() {
            return Ok(());
        }
        let (env, len) = (&self.env, copy.len() as u64);
        env.while_alive().await;
        let faults = self.faults();
        let growth = self.inode.borrow().missing_blocks(position, len);
        if !env.with_disk(|disk| disk.has_room(growth)) || (growth > 0 && env.strikes(faults.no_space, "no space")) {
            env.disk_time(7, &self.path).await?;
            return Err(no_space());
        }
        env.world.trace(u64::from(crc32fast::hash(&copy)) ^ position.rotate_left(16));
        let write = self.inode.borrow_mut().begin_write(position, &copy);
        let in_flight = InFlight { file: self, write, position, len };
        let done = env.disk_time(8, &self.path).await;
        assert!(copy == data.concat(), "a buffer changed while the disk was reading it");
        drop(in_flight);
        done?;
        if env.strikes(faults.write_error, "write error") {
            return Err(input_output_error("write"));
        }
        if durable {
            self.inode.borrow_mut().complete_durable_write(write, position, len);
        }
        Ok(())
    }
}

/// A write whose future is dropped goes on; its outcome is just not heard of. Unless its process ended: then it is still
/// in flight when the power goes.
struct InFlight<'a> {
    file: &'a SimFile,
    write: u64,
    position: u64,
    len: u64,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if self.file.env.is_alive() {
            self.file.inode.borrow_mut().complete_write(self.write, self.position, self.len);
        }
    }
}

impl File for SimFile {
    async fn read_at(&self, position: u64, mut buffer: AlignedBuf) -> io::Result<(AlignedBuf, usize)> {
        Self::check_alignment(position, buffer.as_ptr(), buffer.len());
        self.env.disk_time(9, &self.path).await?;
        if self.env.strikes(self.faults().read_error, "read error") {
            return Err(input_output_error("read"));
        }
        let count = self.inode.borrow().read(position, &mut buffer);
        match count {
            Some(count) => Ok((buffer, count)),
            None => Err(input_output_error("unreadable block")),
        }
    }

    async fn write_at(&self, position: u64, data: Bytes) -> io::Result<()> {
        self.write(position, vec![data], false).await
    }

    async fn write_durable(&self, position: u64, data: Bytes) -> io::Result<()> {
        assert!(self.durable_writes, "a durable write to a file opened without durable writes");
        self.write(position, vec![data], true).await
    }

    async fn write_durable_pieces(&self, position: u64, data: Vec<Bytes>) -> io::Result<()> {
        assert!(self.durable_writes, "a durable write to a file opened without durable writes");
        self.write(position, data, true).await
    }

    async fn sync(&self) -> io::Result<()> {
        let point = self.inode.borrow().begin_sync();
        let done = self.env.disk_time(10, &self.path).await;
        if done.is_err() || self.env.strikes(self.faults().sync_error, "sync error") {
            self.inode.borrow_mut().fail_sync(point);
            return Err(input_output_error("sync"));
        }
        self.inode.borrow_mut().complete_sync(point);
        Ok(())
    }

    async fn len(&self) -> io::Result<u64> {
        self.env.disk_time(11, &self.path).await?;
        Ok(self.inode.borrow().len)
    }

    async fn allocate(&self, length: u64) -> io::Result<()> {
        self.env.disk_time(12, &self.path).await?;
        let growth = self.inode.borrow().missing_blocks(0, length);
        let faults = self.faults();
        let full = !self.env.with_disk(|disk| disk.has_room(growth));
        if full || (growth > 0 && self.env.strikes(faults.no_space, "no space")) {
            return Err(no_space());
        }
        self.inode.borrow_mut().allocate(length);
        Ok(())
    }

    async fn set_len(&self, length: u64) -> io::Result<()> {
        self.env.disk_time(13, &self.path).await?;
        self.inode.borrow_mut().set_len(length);
        Ok(())
    }
}
