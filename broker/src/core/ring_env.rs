//! The real environment of one core: glommio's executor, our ring, Linux's clocks.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::Future,
    io,
    path::Path,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use corelog_storage::env::{Env, Instant, Lane, OpenFile};
use io_uring::{opcode, squeue, types};

use crate::core::{
    bell, clock,
    env::CoreId,
    node::Node,
    ring::{Abandoned, Ring, RingCounts},
    ring_file::{self, RingFile},
    tasks::Tasks,
    timers::Timers,
};

/// One core's real environment. Clones are the same core's; none ever leaves its thread.
#[derive(Clone)]
pub struct RingEnv {
    pub(super) core: Rc<Core>,
}

/// What the clones share.
pub(super) struct Core {
    pub(super) id: CoreId,
    pub(super) node: Arc<Node>,
    pub(super) ring: Rc<Ring>,
    pub(super) tasks: Rc<Tasks>,
    pub(super) timers: Rc<Timers>,
    /// When the present turn of the pump began.
    pub(super) turn: Cell<Instant>,
    /// How often this core's bell has rung, and who waits for the next time.
    rung: Cell<u64>,
    listening: RefCell<Vec<Waker>>,
    random: RefCell<VecDeque<u64>>,
}

impl RingEnv {
    /// The environment of core `id`, on the thread that will run it.
    pub(super) fn new(id: CoreId, node: Arc<Node>) -> io::Result<Self> {
        let ring = Ring::new(node.kernel.min_wait)?;
        node.bell(id).set_ring(ring.fd())?;
        let core = Rc::new(Core {
            id,
            node,
            ring,
            tasks: Tasks::new(),
            timers: Rc::default(),
            turn: Cell::new(clock::now()),
            rung: Cell::new(0),
            listening: RefCell::default(),
            random: RefCell::default(),
        });
        Ok(Self { core })
    }

    /// Figures about this core's ring.
    pub fn ring_counts(&self) -> RingCounts {
        self.core.ring.counts()
    }

    pub(super) fn notify_core(&self, core: CoreId) {
        let node = &self.core.node;
        let bell = node.bell(core);
        if bell.ring() == bell::Ring::Heard {
            return;
        }
        match bell.ring_fd() {
            Some(fd) if node.kernel.message_to_ring => self.core.ring.wake_other(core, fd),
            _ => bell.wake_by_event(),
        }
    }

    pub(super) fn wait_for_bell(&self, seen: u64) -> impl Future<Output = u64> + 'static + use<> {
        let core = self.core.clone();
        std::future::poll_fn(move |context| {
            if core.rung.get() > seen {
                return Poll::Ready(core.rung.get());
            }
            core.listen_for_bell(context);
            Poll::Pending
        })
    }

    /// Runs `job` on the helper thread.
    pub(super) async fn on_helper<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let node = &self.core.node;
        let answer = node.helper.run(node.bell(self.core.id).clone(), job);
        loop {
            let seen = self.core.rung.get();
            if let Some(answer) = answer.take() {
                return answer;
            }
            self.wait_for_bell(seen).await;
        }
    }

    /// Keeps a read of the bell's eventfd in the ring, so that it wakes the core.
    pub(super) async fn read_bell(self) {
        let event = types::Fd(self.core.node.bell(self.core.id).event());
        loop {
            let mut word = Box::new(0u64);
            let entry = opcode::Read::new(event, (&raw mut *word).cast(), size_of::<u64>() as u32).build();
            // SAFETY: the word is on the heap and owned by the operation.
            let (completion, _) = unsafe { self.core.ring.submit(entry, word, Abandoned::IS_CANCELED) }.await;
            if completion.into_result().is_err() {
                return; // the core ends
            }
        }
    }
}

impl Core {
    /// Looks at the bell and wakes who waits for it.
    pub(super) fn hear_bell(&self) {
        if self.node.bell(self.id).take() {
            self.rung.set(self.rung.get() + 1);
            let listening = std::mem::take(&mut *self.listening.borrow_mut());
            listening.into_iter().for_each(Waker::wake);
        }
        for core in self.ring.failed_wakes() {
            self.node.bell(core).wake_by_event();
        }
    }

    /// How often the bell has rung.
    pub(super) fn rung(&self) -> u64 {
        self.rung.get()
    }

    fn listen_for_bell(&self, context: &mut Context<'_>) {
        let mut listening = self.listening.borrow_mut();
        if !listening.iter().any(|waker| waker.will_wake(context.waker())) {
            listening.push(context.waker().clone());
        }
    }

    /// Queues an operation that owns its memory; see [`Ring::submit`].
    ///
    /// # Safety
    /// As for [`Ring::submit`].
    pub(super) async unsafe fn operate<T: 'static>(
        &self,
        entry: squeue::Entry,
        keep: T,
        abandoned: Abandoned,
    ) -> (io::Result<u32>, T) {
        // SAFETY: the caller's promise.
        let (completion, keep) = unsafe { self.ring.submit(entry, keep, abandoned) }.await;
        (completion.into_result(), keep)
    }
}

impl Env for RingEnv {
    type File = RingFile;

    fn now(&self) -> Instant {
        clock::now()
    }

    fn wall_clock_ms(&self) -> i64 {
        clock::wall_clock_ms()
    }

    fn random(&self) -> u64 {
        let mut pool = self.core.random.borrow_mut();
        if pool.is_empty() {
            let mut bytes = [0u8; 256];
            // SAFETY: fills the buffer it is given; 256 bytes or less are never cut short.
            let filled = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
            assert_eq!(filled, bytes.len() as isize, "every Linux has random bytes");
            pool.extend(bytes.as_chunks().0.iter().map(|chunk| u64::from_ne_bytes(*chunk)));
        }
        pool.pop_front().expect("just filled")
    }

    fn sleep_between(&self, earliest: Instant, latest: Instant) -> impl Future<Output = ()> + 'static {
        self.core.timers.sleep_between(earliest, latest)
    }

    fn spawn(&self, lane: Lane, task: impl Future<Output = ()> + 'static) {
        self.core.tasks.spawn(lane, task);
    }

    async fn open(&self, path: &Path, how: OpenFile) -> io::Result<RingFile> {
        RingFile::open(self, path, how).await
    }

    async fn create_dir(&self, path: &Path) -> io::Result<()> {
        ring_file::create_dir(self, path).await
    }

    async fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        ring_file::list(self, dir).await
    }

    async fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        ring_file::rename(self, from, to).await
    }

    async fn remove(&self, path: &Path) -> io::Result<()> {
        ring_file::remove(self, path).await
    }

    async fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        ring_file::sync_dir(self, dir).await
    }
}
