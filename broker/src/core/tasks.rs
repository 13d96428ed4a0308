//! A core's tasks: glommio runs them, this counts them, so that the pump knows when nothing is left to run.
//!
//! Each task has a waker of our own. It is core-local: plain counts, no lock and no atomic; one that is touched on
//! another thread ends the process, since only the bell ([`crate::core::bell`]) may reach over.
//! [`Lane::Latency`] tasks run in the order they were woken. [`Lane::Background`] tasks wait until the pump lets one
//! through: when nothing else can run, and otherwise for [`BACKGROUND_SHARE`] of the time. (glommio's task queues with
//! shares cannot do this for us: they would count the time the pump sleeps as run time of its queue.)

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::Pin,
    ptr,
    rc::{Rc, Weak},
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
    time::Duration,
};

use corelog_storage::env::{Instant, Lane};

use crate::core::clock;

/// While requests wait, background tasks get one part in this many of the core's time.
const BACKGROUND_SHARE: u32 = 10;

thread_local! {
    /// The tasks of the core that runs on this thread.
    static CURRENT: Cell<*const Tasks> = const { Cell::new(ptr::null()) };
}

/// All tasks of one core.
pub(super) struct Tasks {
    /// Tasks that glommio has in its queue.
    runnable: Cell<usize>,
    /// Background tasks that were woken and not yet let through.
    background: RefCell<VecDeque<Rc<dyn AnyTask>>>,
    /// When the next background task may run although others wait.
    background_due: Cell<Instant>,
    live: RefCell<BTreeMap<u64, Weak<dyn AnyTask>>>,
    next_id: Cell<u64>,
    /// Set while the core ends: nothing starts any more.
    ended: Cell<bool>,
}

impl Tasks {
    /// The tasks of the core that runs on this thread from now on.
    pub(super) fn new() -> Rc<Self> {
        let tasks = Rc::new(Self {
            runnable: Cell::new(0),
            background: RefCell::default(),
            background_due: Cell::new(Instant(0)),
            live: RefCell::default(),
            next_id: Cell::new(0),
            ended: Cell::new(false),
        });
        CURRENT.set(Rc::as_ptr(&tasks));
        tasks
    }

    /// Starts a task.
    pub(super) fn spawn(self: &Rc<Self>, lane: Lane, future: impl Future<Output = ()> + 'static) {
        if self.ended.get() {
            return;
        }
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        let task = Rc::new(Task {
            tasks: self.clone(),
            id,
            lane,
            scheduled: Cell::new(true),
            executor: RefCell::new(None),
            future: RefCell::new(Some(future)),
        });
        let any: Rc<dyn AnyTask> = task.clone();
        self.live.borrow_mut().insert(id, Rc::downgrade(&any));
        self.runnable.set(self.runnable.get() + 1);
        glommio::spawn_local(Run { task }).detach();
    }

    /// Whether any task can run now, let through or not.
    pub(super) fn any_runnable(&self) -> bool {
        self.runnable.get() > 0 || !self.background.borrow().is_empty()
    }

    /// Hands at most one background task to glommio, if it is its turn.
    pub(super) fn let_background_through(&self) {
        if self.background.borrow().is_empty() {
            return;
        }
        if self.runnable.get() == 0 || clock::now() >= self.background_due.get() {
            let task = self.background.borrow_mut().pop_front();
            if task.is_some_and(|task| task.schedule()) {
                self.runnable.set(self.runnable.get() + 1);
            }
        }
    }

    /// Drops the futures of all tasks that have not ended. The last thing a core does.
    pub(super) fn end_all(&self) {
        self.ended.set(true);
        loop {
            let first = self.live.borrow_mut().pop_first();
            let Some((_, task)) = first else { break };
            if let Some(task) = task.upgrade() {
                task.end();
            }
        }
        self.background.borrow_mut().clear();
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        if ptr::eq(CURRENT.get(), self) {
            CURRENT.set(ptr::null());
        }
    }
}

/// A task, whatever its future.
trait AnyTask {
    /// Puts it into glommio's queue, unless it has ended.
    fn schedule(&self) -> bool;
    /// Drops its future.
    fn end(&self);
}

struct Task<F> {
    tasks: Rc<Tasks>,
    id: u64,
    lane: Lane,
    /// Woken, and not polled since.
    scheduled: Cell<bool>,
    /// glommio's own waker of the task that runs this one.
    executor: RefCell<Option<Waker>>,
    /// Pinned: never moved out, dropped in place when it is done.
    future: RefCell<Option<F>>,
}

impl<F: Future<Output = ()> + 'static> AnyTask for Task<F> {
    fn schedule(&self) -> bool {
        let waker = self.executor.borrow();
        if let Some(waker) = &*waker {
            waker.wake_by_ref();
        }
        waker.is_some()
    }

    fn end(&self) {
        self.tasks.live.borrow_mut().remove(&self.id);
        if self.lane == Lane::Latency && self.scheduled.replace(false) {
            self.tasks.runnable.set(self.tasks.runnable.get() - 1); // woken by its own last poll
        }
        // A task that ends itself is being polled: its future goes when the poll returns.
        if let Ok(mut future) = self.future.try_borrow_mut() {
            *future = None;
        }
        let waker = self.executor.borrow_mut().take();
        drop(waker);
    }
}

impl<F: Future<Output = ()> + 'static> Task<F> {
    const VTABLE: RawWakerVTable =
        RawWakerVTable::new(Self::clone_waker, Self::wake, Self::wake_by_ref, Self::drop_waker);

    fn waker(self: &Rc<Self>) -> Waker {
        let pointer = Rc::into_raw(self.clone()).cast();
        // SAFETY: the table's functions uphold the contract of a waker; that it may be sent to other threads is
        // answered by `on_this_core`, which ends the process before anything but the immutable `tasks` is touched.
        unsafe { Waker::from_raw(RawWaker::new(pointer, &Self::VTABLE)) }
    }

    /// The task behind a waker, after making sure that this is its thread.
    ///
    /// # Safety
    /// `pointer` comes from a waker of this very type that is not yet dropped.
    unsafe fn on_this_core<'a>(pointer: *const ()) -> &'a Self {
        // SAFETY: the waker holds a count of the task.
        let task = unsafe { &*pointer.cast::<Self>() };
        if !ptr::eq(Rc::as_ptr(&task.tasks), CURRENT.get()) {
            eprintln!("corelog: a task's waker was used away from its core; this is a bug, please report it");
            std::process::abort();
        }
        task
    }

    fn make_runnable(self: Rc<Self>) {
        if self.scheduled.replace(true) {
            return;
        }
        match self.lane {
            Lane::Latency => {
                if let Some(waker) = &*self.executor.borrow() {
                    self.tasks.runnable.set(self.tasks.runnable.get() + 1);
                    waker.wake_by_ref();
                }
            }
            Lane::Background => {
                if self.executor.borrow().is_some() {
                    let tasks = self.tasks.clone();
                    tasks.background.borrow_mut().push_back(self);
                }
            }
        }
    }

    unsafe fn clone_waker(pointer: *const ()) -> RawWaker {
        // SAFETY: as the caller's; the count goes up for the new waker.
        unsafe {
            Self::on_this_core(pointer);
            Rc::increment_strong_count(pointer.cast::<Self>());
        }
        RawWaker::new(pointer, &Self::VTABLE)
    }

    unsafe fn wake(pointer: *const ()) {
        // SAFETY: as the caller's; the waker's count is taken over.
        let task = unsafe {
            Self::on_this_core(pointer);
            Rc::from_raw(pointer.cast::<Self>())
        };
        task.make_runnable();
    }

    unsafe fn wake_by_ref(pointer: *const ()) {
        // SAFETY: as the caller's; a count of its own for the call.
        let task = unsafe {
            if Self::on_this_core(pointer).scheduled.get() {
                return;
            }
            Rc::increment_strong_count(pointer.cast::<Self>());
            Rc::from_raw(pointer.cast::<Self>())
        };
        task.make_runnable();
    }

    unsafe fn drop_waker(pointer: *const ()) {
        // SAFETY: as the caller's; the waker's count goes.
        unsafe {
            Self::on_this_core(pointer);
            Rc::decrement_strong_count(pointer.cast::<Self>());
        }
    }
}

/// What glommio polls.
struct Run<F> {
    task: Rc<Task<F>>,
}

impl<F: Future<Output = ()> + 'static> Future for Run<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let task = &self.task;
        let tasks = &task.tasks;
        if task.executor.borrow().is_none() {
            // glommio polls from within `spawn_local`; whoever spawns may hold what the task is about to take.
            *task.executor.borrow_mut() = Some(context.waker().clone());
            match task.lane {
                Lane::Latency => context.waker().wake_by_ref(),
                Lane::Background => {
                    tasks.runnable.set(tasks.runnable.get() - 1);
                    tasks.background.borrow_mut().push_back(task.clone());
                }
            }
            return Poll::Pending;
        }
        if task.scheduled.replace(false) {
            tasks.runnable.set(tasks.runnable.get() - 1);
        }
        let known = task.executor.borrow().as_ref().is_some_and(|waker| waker.will_wake(context.waker()));
        if !known {
            *task.executor.borrow_mut() = Some(context.waker().clone());
        }
        let waker = task.waker();
        let begun = (task.lane == Lane::Background).then(clock::now);
        let outcome = match &mut *task.future.borrow_mut() {
            // SAFETY: the future lives in an `Rc`, is never moved out of it, and is dropped in place.
            Some(future) => unsafe { Pin::new_unchecked(future) }.poll(&mut Context::from_waker(&waker)),
            None => Poll::Ready(()),
        };
        if let Some(begun) = begun {
            let now = clock::now();
            tasks
                .background_due
                .set(now.after((now.since(begun) * (BACKGROUND_SHARE - 1)).max(Duration::from_micros(1))));
        }
        if outcome.is_ready() {
            task.end();
        }
        outcome
    }
}
