//! What code under test sees of a simulated world.

use std::{future::Future, io, path::Path, time::Duration};

use bytes::Bytes;

use super::{
    Place, World,
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

    /// Lets a disk operation take its time; never returns to a dead process.
    async fn disk_time(&self, kind: u64) {
        let faults = self.world.faults(self.place.host);
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

    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + 'static {
        self.world.sleep_until(deadline)
    }

    fn spawn(&self, _lane: Lane, task: impl Future<Output = ()> + 'static) {
        if self.is_alive() {
            self.world.spawn(self.place, task);
        }
    }

    async fn open(&self, path: &Path, how: OpenFile) -> io::Result<SimFile> {
        self.disk_time(1).await;
        if self.strikes(self.world.faults(self.place.host).read_error, "open error") {
            return Err(input_output_error("open"));
        }
        let inode = self.with_disk(|disk| disk.open(path, how.create))?;
        Ok(SimFile { env: self.clone(), inode, durable_writes: how.durable_writes })
    }

    async fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.disk_time(2).await;
        self.with_disk(|disk| disk.create_dir(path))
    }

    async fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk_time(3).await;
        self.with_disk(|disk| disk.list(dir))
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk_time(4).await;
        self.with_disk(|disk| disk.rename(from, to))
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk_time(5).await;
        self.with_disk(|disk| disk.remove(path))
    }

    async fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk_time(6).await;
        if self.strikes(self.world.faults(self.place.host).sync_error, "directory sync error") {
            return Err(input_output_error("sync of a directory"));
        }
        self.with_disk(|disk| disk.sync_dir(dir))
    }
}

impl SimFile {
    fn check_alignment(position: u64, address: *const u8, len: usize) {
        let aligned = |value: u64| value.is_multiple_of(BLOCK as u64);
        assert!(aligned(position), "direct I/O at position {position}");
        assert!(aligned(len as u64), "direct I/O of {len} bytes");
        assert!(aligned(address as u64), "direct I/O with memory at {address:?}");
    }

    /// Takes `data` in, lets time pass, and says what became of it.
    async fn write(&self, position: u64, data: Bytes, durable: bool) -> io::Result<()> {
        Self::check_alignment(position, data.as_ptr(), data.len());
        if data.is_empty() {
            return Ok(());
        }
        let (env, len) = (&self.env, data.len() as u64);
        env.while_alive().await;
        let faults = env.world.faults(env.place.host);
        let growth = self.inode.borrow().missing_blocks(position, len);
        if !env.with_disk(|disk| disk.has_room(growth)) || (growth > 0 && env.strikes(faults.no_space, "no space")) {
            env.disk_time(7).await;
            return Err(no_space());
        }
        env.world.trace(u64::from(crc32fast::hash(&data)) ^ position.rotate_left(16));
        let copy = Bytes::copy_from_slice(&data);
        let write = self.inode.borrow_mut().begin_write(position, &copy);
        let in_flight = InFlight { file: self, write, position, len };
        env.disk_time(8).await;
        assert!(copy == data, "a buffer changed while the disk was reading it");
        drop(in_flight);
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
        self.env.disk_time(9).await;
        if self.env.strikes(self.env.world.faults(self.env.place.host).read_error, "read error") {
            return Err(input_output_error("read"));
        }
        let count = self.inode.borrow().read(position, &mut buffer);
        match count {
            Some(count) => Ok((buffer, count)),
            None => Err(input_output_error("unreadable block")),
        }
    }

    async fn write_at(&self, position: u64, data: Bytes) -> io::Result<()> {
        self.write(position, data, false).await
    }

    async fn write_durable(&self, position: u64, data: Bytes) -> io::Result<()> {
        assert!(self.durable_writes, "a durable write to a file opened without durable writes");
        self.write(position, data, true).await
    }

    async fn sync(&self) -> io::Result<()> {
        let point = self.inode.borrow().begin_sync();
        self.env.disk_time(10).await;
        if self.env.strikes(self.env.world.faults(self.env.place.host).sync_error, "sync error") {
            self.inode.borrow_mut().fail_sync(point);
            return Err(input_output_error("sync"));
        }
        self.inode.borrow_mut().complete_sync(point);
        Ok(())
    }

    async fn len(&self) -> io::Result<u64> {
        self.env.disk_time(11).await;
        Ok(self.inode.borrow().len)
    }

    async fn allocate(&self, length: u64) -> io::Result<()> {
        self.env.disk_time(12).await;
        let growth = self.inode.borrow().missing_blocks(0, length);
        let faults = self.env.world.faults(self.env.place.host);
        let full = !self.env.with_disk(|disk| disk.has_room(growth));
        if full || (growth > 0 && self.env.strikes(faults.no_space, "no space")) {
            return Err(no_space());
        }
        self.inode.borrow_mut().allocate(length);
        Ok(())
    }

    async fn set_len(&self, length: u64) -> io::Result<()> {
        self.env.disk_time(13).await;
        self.inode.borrow_mut().set_len(length);
        Ok(())
    }
}
