//! The executor, the clock and the power switch of a simulated world.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::{Counters, Faults, Rng, SimEnv, disk::Disk};
use crate::env::Instant;

/// A machine: its cores share one disk, and one power supply.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct HostId(pub u32);

/// Where a task runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct Place {
    /// The machine.
    pub host: HostId,
    /// The core of that machine.
    pub core: u16,
}

impl Place {
    /// Core 0 of host 0, for worlds with one.
    pub const FIRST: Place = Place { host: HostId(0), core: 0 };
}

/// A simulated world. Clones share it.
#[derive(Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    rng: Rng,
    now: Cell<Instant>,
    trace: Cell<u64>,
    steps: Cell<u64>,
    next_id: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    ready: Arc<Mutex<Vec<u64>>>,
    timers: RefCell<BTreeMap<(Instant, u64), Waker>>,
    hosts: RefCell<BTreeMap<HostId, Rc<Host>>>,
    counters: RefCell<Counters>,
}

pub(super) struct Host {
    pub(super) disk: RefCell<Disk>,
    pub(super) faults: Cell<Faults>,
    /// Of directories that are disks of their own.
    pub(super) disk_faults: RefCell<BTreeMap<PathBuf, Faults>>,
    pub(super) wall_offset_ms: Cell<i64>,
    /// Rises at each end of the host's processes, so that what is left of an earlier one can do nothing.
    pub(super) incarnation: Cell<u64>,
}

struct Task {
    host: HostId,
    /// Absent while it is being polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Arc<TaskWaker>,
}

/// `Arc`, atomics and a mutex because that is what a `Waker` is made of; only one thread is ever here.
struct TaskWaker {
    task: u64,
    queued: AtomicBool,
    ready: Arc<Mutex<Vec<u64>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            lock(&self.ready).push(self.task);
        }
    }
}

fn lock(ready: &Mutex<Vec<u64>>) -> std::sync::MutexGuard<'_, Vec<u64>> {
    ready.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl World {
    /// A world with no host yet, whose whole history follows from `seed` and from what is run in it.
    pub fn new(seed: u64) -> Self {
        Self(Rc::new(Inner {
            rng: Rng::new(seed),
            now: Cell::new(Instant(0)),
            trace: Cell::new(seed),
            steps: Cell::new(0),
            next_id: Cell::new(0),
            tasks: RefCell::default(),
            ready: Arc::default(),
            timers: RefCell::default(),
            hosts: RefCell::default(),
            counters: RefCell::default(),
        }))
    }

    /// What a process started now at `place` sees of the world; the host is made on first mention.
    pub fn env(&self, place: Place) -> SimEnv {
        SimEnv::new(self.clone(), place, self.host(place.host).incarnation.get())
    }

    /// The world's source of chance.
    pub fn rng(&self) -> &Rng {
        &self.0.rng
    }

    /// The monotonic clock all hosts share.
    pub fn now(&self) -> Instant {
        self.0.now.get()
    }

    /// How many times a task was polled so far.
    pub fn steps(&self) -> u64 {
        self.0.steps.get()
    }

    /// A number no earlier call gave.
    pub fn fresh_id(&self) -> u64 {
        let id = self.0.next_id.get();
        self.0.next_id.set(id + 1);
        id
    }

    /// Mixes `bits` into the trace hash.
    pub fn trace(&self, bits: u64) {
        let mixed = (self.0.trace.get() ^ bits).wrapping_mul(0x9fb2_1c65_1e98_df25);
        self.0.trace.set(mixed ^ (mixed >> 29));
    }

    /// The hash of all that happened so far.
    pub fn trace_hash(&self) -> u64 {
        self.0.trace.get()
    }

    /// Counts an injected fault, or anything a run should report.
    pub fn count(&self, kind: &'static str) {
        self.0.counters.borrow_mut().count(kind);
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.0.counters.borrow().clone()
    }

    /// Sets how often faults strike `host` from now on.
    pub fn set_faults(&self, host: HostId, faults: Faults) {
        self.host(host).faults.set(faults);
    }

    /// Sets how often faults strike the disk that is mounted at `dir` of `host`, in place of the host's own; `None`: it
    /// has no faults of its own any more.
    pub fn set_disk_faults(&self, host: HostId, dir: &Path, faults: Option<Faults>) {
        let host = self.host(host);
        let mut disks = host.disk_faults.borrow_mut();
        match faults {
            Some(faults) => drop(disks.insert(dir.to_path_buf(), faults)),
            None => drop(disks.remove(dir)),
        }
    }

    /// Moves all that lies below `from` to below `to`, durably, as somebody does who mounts a disk elsewhere.
    pub fn mount_elsewhere(&self, host: HostId, from: &Path, to: &Path) {
        self.host(host).disk.borrow_mut().move_tree(from, to);
    }

    /// How often faults strike `host`.
    pub fn faults(&self, host: HostId) -> Faults {
        self.host(host).faults.get()
    }

    /// Sets the wall clock of `host` off by so much.
    pub fn set_wall_offset(&self, host: HostId, ms: i64) {
        self.count("clock set");
        self.trace(ms as u64);
        self.host(host).wall_offset_ms.set(ms);
    }

    /// Bounds the disk of `host` to `bytes` of file content; `None` lifts the bound.
    pub fn set_capacity(&self, host: HostId, bytes: Option<u64>) {
        self.host(host).disk.borrow_mut().set_capacity(bytes);
    }

    /// Bytes of file content on the disk of `host`.
    pub fn disk_usage(&self, host: HostId) -> u64 {
        self.host(host).disk.borrow().usage()
    }

    /// Every file on the disk of `host`, sorted.
    pub fn files(&self, host: HostId) -> Vec<PathBuf> {
        self.host(host).disk.borrow().files()
    }

    /// The content of a file as a read would find it, or `None` if there is no such file.
    pub fn content(&self, host: HostId, path: &Path) -> Option<Vec<u8>> {
        self.host(host).disk.borrow().content(path)
    }

    /// Replaces the content of a file, durably, as somebody with an editor would.
    pub fn put(&self, host: HostId, path: &Path, content: &[u8]) {
        self.host(host).disk.borrow_mut().put(path, content);
    }

    /// Flips one bit of a file on the disk. False if the file has no such byte.
    pub fn rot(&self, host: HostId, path: &Path, position: u64, bit: u8) -> bool {
        let rotted = self.host(host).disk.borrow_mut().rot(path, position, bit);
        if rotted {
            self.count("bit rot");
            self.trace(position ^ u64::from(bit));
        }
        rotted
    }

    /// Makes the block at `position` of a file unreadable until it is written again. False if there is no such block.
    pub fn make_unreadable(&self, host: HostId, path: &Path, position: u64) -> bool {
        let done = self.host(host).disk.borrow_mut().make_unreadable(path, position);
        if done {
            self.count("unreadable block");
        }
        done
    }

    /// Cuts the power of `host`: its tasks are gone, and its disk keeps what was durable and some of the rest.
    pub fn power_cut(&self, host: HostId) {
        self.count("power cut");
        self.end_processes(host);
        let machine = self.host(host);
        let mut counters = self.0.counters.borrow_mut();
        machine.disk.borrow_mut().power_cut(&self.0.rng, &mut counters);
    }

    /// Ends all tasks of `host` (kill -9): the operating system and the disk live on.
    pub fn kill(&self, host: HostId) {
        self.count("kill");
        self.end_processes(host);
        self.host(host).disk.borrow_mut().forget_in_flight();
    }

    fn end_processes(&self, host: HostId) {
        let machine = self.host(host);
        machine.incarnation.set(machine.incarnation.get() + 1);
        self.trace(machine.incarnation.get());
        let dead: Vec<Task> = {
            let mut tasks = self.0.tasks.borrow_mut();
            let ids: Vec<u64> = tasks.iter().filter(|(_, task)| task.host == host).map(|(id, _)| *id).collect();
            ids.into_iter().filter_map(|id| tasks.remove(&id)).collect()
        };
        drop(dead); // outside of the borrow: destructors may wake others
    }

    /// Runs `task` at `place` until it ends or its host does.
    pub fn spawn(&self, place: Place, task: impl Future<Output = ()> + 'static) {
        let id = self.fresh_id();
        let ready = self.0.ready.clone();
        let waker = Arc::new(TaskWaker { task: id, queued: AtomicBool::new(false), ready });
        waker.wake_by_ref();
        let task = Task { host: place.host, future: Some(Box::pin(task)), waker };
        self.0.tasks.borrow_mut().insert(id, task);
    }

    /// Runs the world until `future`, at `place`, is done. `None` if its host ended first, or if it waits for something
    /// that will never happen.
    pub fn block_on<T: 'static>(&self, place: Place, future: impl Future<Output = T> + 'static) -> Option<T> {
        let result = Rc::new(RefCell::new(None));
        let slot = result.clone();
        self.spawn(place, async move {
            let value = future.await;
            *slot.borrow_mut() = Some(value);
        });
        while result.borrow().is_none() && Rc::strong_count(&result) > 1 && self.step() {}
        result.borrow_mut().take()
    }

    /// Polls one task; lets time pass first if none is ready. False if nothing will ever happen again.
    pub fn step(&self) -> bool {
        loop {
            self.fire_timers();
            let Some(id) = self.pick() else {
                let Some((next, _)) = self.0.timers.borrow().first_key_value().map(|(key, _)| *key) else {
                    return false;
                };
                self.0.now.set(next.max(self.now()));
                continue;
            };
            if self.poll(id) {
                return true;
            }
        }
    }

    /// Runs `count` steps, or fewer if nothing will ever happen again.
    pub fn run_steps(&self, count: u64) {
        for _ in 0..count {
            if !self.step() {
                break;
            }
        }
    }

    /// Runs until `duration` has passed, whether or not there is something to do.
    pub fn run_for(&self, duration: Duration) {
        let until = self.now().after(duration);
        let alarm = self.fresh_id();
        self.0.timers.borrow_mut().insert((until, alarm), Waker::noop().clone());
        while self.now() < until && self.step_before(until) {}
        self.0.timers.borrow_mut().remove(&(until, alarm));
        self.0.now.set(self.now().max(until));
    }

    fn step_before(&self, until: Instant) -> bool {
        self.fire_timers();
        if lock(&self.0.ready).is_empty() {
            let next = self.0.timers.borrow().first_key_value().map(|(key, _)| key.0);
            if next.is_none_or(|next| next >= until) {
                return false;
            }
        }
        self.step()
    }

    fn pick(&self) -> Option<u64> {
        let mut ready = lock(&self.0.ready);
        let index = match ready.len() {
            0 => return None,
            count => self.0.rng.below(count as u64) as usize,
        };
        Some(ready.swap_remove(index))
    }

    /// False if the task is no more.
    fn poll(&self, id: u64) -> bool {
        let (mut future, waker) = {
            let mut tasks = self.0.tasks.borrow_mut();
            let Some(task) = tasks.get_mut(&id) else { return false };
            task.waker.queued.store(false, Ordering::Relaxed);
            let Some(future) = task.future.take() else { return false };
            (future, Waker::from(task.waker.clone()))
        };
        self.0.steps.set(self.steps() + 1);
        self.0.now.set(self.now().after(Duration::from_nanos(self.0.rng.between(50, 2_000))));
        self.trace(id ^ self.now().0.rotate_left(32));
        let ended = future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        let mut tasks = self.0.tasks.borrow_mut();
        if ended {
            tasks.remove(&id);
        } else if let Some(task) = tasks.get_mut(&id) {
            task.future = Some(future);
            return true;
        }
        drop(tasks);
        drop(future); // outside of the borrow: destructors may spawn or wake
        true
    }

    fn fire_timers(&self) {
        let now = self.now();
        let mut timers = self.0.timers.borrow_mut();
        while let Some(entry) = timers.first_entry().filter(|entry| entry.key().0 <= now) {
            entry.remove().wake();
        }
    }

    /// Resolves at or after `deadline`.
    pub fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> + 'static {
        Sleep { world: self.clone(), key: (deadline, self.fresh_id()) }
    }

    pub(super) fn host(&self, id: HostId) -> Rc<Host> {
        let mut hosts = self.0.hosts.borrow_mut();
        let host = hosts.entry(id).or_insert_with(|| {
            Rc::new(Host {
                disk: RefCell::new(Disk::new()),
                faults: Cell::new(Faults::default()),
                disk_faults: RefCell::default(),
                wall_offset_ms: Cell::new(0),
                incarnation: Cell::new(0),
            })
        });
        host.clone()
    }
}

struct Sleep {
    world: World,
    key: (Instant, u64),
}

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.now() >= self.key.0 {
            return Poll::Ready(());
        }
        self.world.0.timers.borrow_mut().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.world.0.timers.borrow_mut().remove(&self.key);
    }
}
