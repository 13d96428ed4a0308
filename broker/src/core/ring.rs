//! A core's one ring: operations are queued here as futures, submitted together, and reaped by the pump.
//!
//! An operation owns what the kernel works on (its buffers, its path) until its completion has come, even if its future
//! is dropped before: then the slot keeps them, the kernel is asked to cancel, and whatever the completion brings
//! besides (a descriptor, say) is disposed of.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    io,
    os::fd::{AsRawFd, RawFd},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;
use io_uring::{IoUring, cqueue, opcode, squeue, types};

use crate::core::{buffer_group::BufferGroup, clock, env::CoreId, kernel::core_ring};

/// Submission queue entries; a burst beyond it costs one more syscall.
const ENTRIES: u32 = 512;
/// How many completions a busy core hopes for before it wakes, and for how long: a wake costs about 15 us of CPU on the
/// machines this was measured on, and what wakes it for one request could serve several.
const GATHER: u32 = 16;
const GATHER_FOR: Duration = Duration::from_micros(40);
/// From how many sixteenths of a completion per sleep on a core is busy.
const BUSY: u32 = 2 * 16;
/// How long a core may overlook that an operation which as a rule completes while it is submitted did not: so long
/// whatever else completes may have to wait then. And after so long a core is woken although nothing else completed.
const OVERLOOK: Duration = Duration::from_micros(100);
/// From how many of all sleeps on, in parts of [`ALL`], that end within [`OVERLOOK`] a core does not look first at what
/// completed while it was submitted: a look costs a syscall, a wake for nothing about ten.
const BRISK: u32 = ALL / 8 * 7;
const ALL: u32 = 1 << 10;
/// Completions taken out of the queue at a time.
const REAP: usize = 64;
/// Completions nobody waits for.
const UNHEARD: u64 = u64::MAX;
/// From here on: a failed wake of the core whose id is in the low 16 bits. Keys stay below.
const WAKES: u64 = 0xffff_ffff_ffff_0000;

const CANCELED: Completion = Completion { result: -libc::ECANCELED, flags: 0 };
const GETEVENTS: u32 = 1;
const EXT_ARG: u32 = 8;

/// What a completion says: a count or an error, and flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct Completion {
    pub(super) result: i32,
    pub(super) flags: u32,
}

impl Completion {
    pub(super) fn into_result(self) -> io::Result<u32> {
        if self.result < 0 { Err(io::Error::from_raw_os_error(-self.result)) } else { Ok(self.result as u32) }
    }
}

/// What happens to an operation whose future is dropped before it completes.
#[derive(Clone, Copy)]
pub(super) struct Abandoned {
    /// Ask the kernel to cancel it; else it runs to its end unheard.
    cancel: bool,
    /// What to do with what it still brings.
    dispose: fn(&Rc<Ring>, Completion),
}

impl Abandoned {
    /// It runs to its end: a write or a sync that was begun.
    pub(super) const FINISHES: Self = Self { cancel: false, dispose: |_, _| {} };
    /// It may wait for ever: a receive, a connect.
    pub(super) const IS_CANCELED: Self = Self { cancel: true, dispose: |_, _| {} };
    /// It brings a descriptor: an accept, an open.
    pub(super) const CLOSES: Self = Self {
        cancel: true,
        dispose: |ring, completion| {
            if let Ok(descriptor) = completion.into_result() {
                ring.close(descriptor as RawFd);
            }
        },
    };
}

enum Slot {
    Free,
    Waiting(Option<Waker>),
    Done(Completion),
    /// The future is gone; the kernel still works on what is kept.
    Orphan {
        _keep: Box<dyn Any>,
        abandoned: Abandoned,
    },
    /// An operation with many completions.
    Stream(StreamState),
}

struct StreamState {
    arrivals: VecDeque<Arrival>,
    waker: Option<Waker>,
    /// Arrivals that may wait before the kernel is told to stop.
    limit: usize,
    canceled: bool,
    ended: bool,
}

/// One completion of many.
pub(super) struct Arrival {
    pub(super) completion: Completion,
    /// What came in one of the core's provided buffers.
    pub(super) bytes: Option<Bytes>,
    /// None follows.
    pub(super) last: bool,
}

#[derive(Default)]
struct Slots {
    slots: Vec<(u32, Slot)>,
    free: Vec<u32>,
    in_flight: usize,
}

/// Names a slot and which of its users: a late completion for an earlier one is a bug that must not pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    fn user_data(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    fn of(user_data: u64) -> Self {
        Self { index: user_data as u32, generation: (user_data >> 32) as u32 }
    }
}

impl Slots {
    fn take(&mut self, slot: Slot) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push((0, Slot::Free));
            self.slots.len() as u32 - 1
        });
        let entry = &mut self.slots[index as usize];
        entry.1 = slot;
        Key { index, generation: entry.0 }
    }

    fn at(&mut self, key: Key) -> &mut Slot {
        let (generation, slot) = &mut self.slots[key.index as usize];
        assert_eq!(*generation, key.generation, "a completion belongs to the operation that is there");
        slot
    }

    fn free(&mut self, key: Key) -> Slot {
        let (generation, slot) = &mut self.slots[key.index as usize];
        *generation = generation.wrapping_add(1) & (u32::MAX >> 1); // never UNHEARD
        self.free.push(key.index);
        std::mem::replace(slot, Slot::Free)
    }
}

/// Figures about a ring since its start.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct RingCounts {
    /// Calls of io_uring_enter.
    pub enters: u64,
    /// Those that were allowed to block.
    pub sleeps: u64,
    /// Completions reaped.
    pub completions: u64,
}

/// One core's ring.
pub(super) struct Ring {
    uring: RefCell<IoUring>,
    /// After the ring, so that the kernel lets go of them first.
    buffers: RefCell<BufferGroup>,
    slots: RefCell<Slots>,
    counts: Cell<RingCounts>,
    /// Set while the core ends: what is queued from now on fails with ECANCELED instead.
    closing: Cell<bool>,
    /// Operations queued since the last enter that as a rule complete within it: small sends.
    prompt: Cell<u32>,
    /// Completions that ended the last sleeps, in sixteenths, as a running mean; prompt ones not counted.
    per_sleep: Cell<u32>,
    /// How many of the last sleeps ended within [`OVERLOOK`], in parts of [`ALL`], as a running mean.
    short: Cell<u32>,
    /// Whether the kernel can wait for more than one completion for a while.
    gathers: bool,
    /// Cores that a message did not reach.
    failed_wakes: RefCell<Vec<CoreId>>,
}

impl Ring {
    /// A ring; with `min_wait` it makes use of a kernel that can gather completions ([`Kernel::min_wait`]).
    ///
    /// [`Kernel::min_wait`]: crate::core::kernel::Kernel::min_wait
    pub(super) fn new(min_wait: bool) -> io::Result<Rc<Self>> {
        let uring = core_ring(ENTRIES)?;
        // A kernel that knows it saves the look-up of the ring at each enter; one that does not loses nothing.
        let _ = uring.submitter().register_ring_fd();
        let buffers = BufferGroup::register(&uring.submitter())?;
        Ok(Rc::new(Self {
            buffers: RefCell::new(buffers),
            uring: RefCell::new(uring),
            slots: RefCell::default(),
            counts: Cell::default(),
            closing: Cell::new(false),
            prompt: Cell::new(0),
            per_sleep: Cell::new(0),
            short: Cell::new(0),
            gathers: min_wait,
            failed_wakes: RefCell::default(),
        }))
    }

    pub(super) fn fd(&self) -> RawFd {
        self.uring.borrow().as_raw_fd()
    }

    pub(super) fn counts(&self) -> RingCounts {
        self.counts.get()
    }

    /// Queues an operation; the pump submits it with all others.
    ///
    /// # Safety
    /// All memory `entry` refers to is owned by `keep`, at an address that does not change when `keep` is moved.
    pub(super) unsafe fn submit<T: 'static>(
        self: &Rc<Self>,
        entry: squeue::Entry,
        keep: T,
        abandoned: Abandoned,
    ) -> Operation<T> {
        let key = if self.closing.get() {
            self.slots.borrow_mut().take(Slot::Done(CANCELED))
        } else {
            self.start(entry, Slot::Waiting(None))
        };
        Operation { ring: self.clone(), key, keep: Some(keep), abandoned }
    }

    /// The operation that is queued next completes, as a rule, while it is submitted.
    pub(super) fn expect_prompt(&self) {
        self.prompt.set(self.prompt.get() + 1);
    }

    /// Queues an operation that completes many times. It refers to no memory but what is registered with the ring. Once
    /// `limit` arrivals wait to be taken it is cancelled.
    pub(super) fn submit_stream(self: &Rc<Self>, entry: squeue::Entry, limit: usize, abandoned: Abandoned) -> Stream {
        let mut state =
            StreamState { arrivals: VecDeque::new(), waker: None, limit, canceled: false, ended: self.closing.get() };
        let key = if state.ended {
            state.arrivals.push_back(Arrival { completion: CANCELED, bytes: None, last: true });
            self.slots.borrow_mut().take(Slot::Stream(state))
        } else {
            self.start(entry, Slot::Stream(state))
        };
        Stream { ring: self.clone(), key, abandoned }
    }

    fn start(&self, entry: squeue::Entry, slot: Slot) -> Key {
        let key = {
            let mut slots = self.slots.borrow_mut();
            slots.in_flight += 1;
            slots.take(slot)
        };
        self.push(entry.user_data(key.user_data()));
        key
    }

    /// Queues an operation nobody waits for, and which refers to no memory.
    pub(super) fn submit_unheard(&self, entry: squeue::Entry) {
        self.push(entry.user_data(UNHEARD));
    }

    /// Wakes another core by a message into its ring.
    pub(super) fn wake_other(&self, core: CoreId, ring: RawFd) {
        let message = opcode::MsgRingData::new(types::Fd(ring), 0, UNHEARD, None).build();
        // A success must not wake ourselves.
        self.push(message.flags(squeue::Flags::SKIP_SUCCESS).user_data(WAKES | u64::from(core.0)));
    }

    /// The cores that messages did not reach since last asked.
    pub(super) fn failed_wakes(&self) -> Vec<CoreId> {
        std::mem::take(&mut *self.failed_wakes.borrow_mut())
    }

    /// Closes a descriptor.
    pub(super) fn close(&self, descriptor: RawFd) {
        if self.closing.get() {
            // SAFETY: the caller gives the descriptor up.
            unsafe { libc::close(descriptor) };
        } else {
            self.submit_unheard(opcode::Close::new(types::Fd(descriptor)).build());
        }
    }

    fn push(&self, entry: squeue::Entry) {
        let mut uring = self.uring.borrow_mut();
        // SAFETY: whoever queued it answers for its memory until its completion.
        while unsafe { uring.submission().push(&entry) }.is_err() {
            self.count(|counts| counts.enters += 1);
            match uring.submit() {
                Ok(_) => {}
                // The completion queue is full: what it holds is moved out of the kernel's way at the next reaping.
                Err(error) if retry(&error) => {}
                Err(error) => panic!("the ring refuses to take operations: {error}"),
            }
        }
    }

    /// Whether an enter would do anything: operations to submit, or completions the kernel holds back.
    pub(super) fn wants_enter(&self) -> bool {
        let mut uring = self.uring.borrow_mut();
        let queue = uring.submission();
        !queue.is_empty() || queue.taskrun() || queue.cq_overflow()
    }

    /// Whether completions wait to be reaped.
    pub(super) fn has_completions(&self) -> bool {
        !self.uring.borrow_mut().completion().is_empty()
    }

    /// Submits what is queued and runs the kernel's deferred work, without blocking.
    pub(super) fn enter(&self) {
        self.prompt.set(0);
        self.enter_with(0, 0, None);
    }

    /// Submits what is queued and blocks until something completes, or for `timeout`.
    ///
    /// Where the kernel can, completions of what was just submitted are no reason to return, and a core whose sleeps were
    /// ended by several completions each waits a little for as many again: its requests share a wake and a commit. A core
    /// that serves one request at a time is woken at once. One to which little comes does not block on what it submitted:
    /// it would be woken for that alone.
    pub(super) fn sleep(self: &Rc<Self>, timeout: Option<Duration>) {
        let prompt = self.prompt.take();
        let busy = self.per_sleep.get() >= BUSY;
        let (want, min_wait) = match self.gathers {
            true if busy => (prompt + GATHER, GATHER_FOR),
            true if prompt > 0 && self.short.get() >= BRISK => (prompt + 1, OVERLOOK),
            _ if prompt > 0 => return self.enter(),
            _ => (1, Duration::ZERO),
        };
        self.count(|counts| counts.sleeps += 1);
        let min_wait = timeout.map_or(min_wait, |timeout| min_wait.min(timeout));
        let begun = clock::now();
        self.enter_with(want, min_wait.as_micros() as u32, timeout);
        let woken_by = (self.reap() as u32).saturating_sub(prompt);
        self.per_sleep.set((self.per_sleep.get() * 15 + woken_by.min(GATHER) * 16) / 16);
        let short = woken_by > 0 && clock::now().since(begun) <= OVERLOOK;
        self.short.set((self.short.get() * 15 + u32::from(short) * ALL) / 16);
    }

    fn enter_with(&self, want: u32, min_wait_us: u32, timeout: Option<Duration>) {
        self.count(|counts| counts.enters += 1);
        let mut uring = self.uring.borrow_mut();
        let queued = uring.submission().len() as u32;
        let submitter = uring.submitter();
        let time = timeout.map(types::Timespec::from);
        let mut args = types::SubmitArgs::new().min_wait_usec(min_wait_us);
        if let Some(time) = &time {
            args = args.timespec(time);
        }
        // SAFETY: the arguments are of the kinds the flags announce and live across the call.
        let outcome = unsafe { submitter.enter(queued, want, GETEVENTS | EXT_ARG, Some(&args)) };
        match outcome {
            Ok(_) => {}
            Err(error) if retry(&error) || error.raw_os_error() == Some(libc::ETIME) => {}
            Err(error) => panic!("the ring refuses to be entered: {error}"),
        }
    }

    /// Hands out the completions that are there; returns how many.
    pub(super) fn reap(self: &Rc<Self>) -> usize {
        let mut total = 0;
        loop {
            let mut batch = [(0u64, Completion { result: 0, flags: 0 }); REAP];
            let mut count = 0;
            for entry in self.uring.borrow_mut().completion().take(REAP) {
                let entry: cqueue::Entry = entry;
                batch[count] = (entry.user_data(), Completion { result: entry.result(), flags: entry.flags() });
                count += 1;
            }
            for (user_data, completion) in &batch[..count] {
                match *user_data {
                    UNHEARD => {}
                    WAKES.. => self.failed_wakes.borrow_mut().push(CoreId(*user_data as u16)),
                    key => self.complete(Key::of(key), *completion),
                }
            }
            total += count;
            if count < REAP {
                self.count(|counts| counts.completions += total as u64);
                return total;
            }
        }
    }

    fn complete(self: &Rc<Self>, key: Key, completion: Completion) {
        let last = !cqueue::more(completion.flags);
        let bytes = cqueue::buffer_select(completion.flags)
            .map(|buffer| self.buffers.borrow_mut().take(buffer, completion.result.max(0) as usize));
        let mut slots = self.slots.borrow_mut();
        if last {
            slots.in_flight -= 1;
        }
        // What is taken out is woken or dropped only once the slots may be borrowed again.
        match slots.at(key) {
            Slot::Waiting(waker) => {
                let waker = waker.take();
                *slots.at(key) = Slot::Done(completion);
                drop(slots);
                wake(waker);
            }
            Slot::Stream(stream) => {
                stream.arrivals.push_back(Arrival { completion, bytes, last });
                stream.ended = last;
                let too_many = !last && !stream.canceled && stream.arrivals.len() >= stream.limit;
                stream.canceled |= too_many;
                let waker = stream.waker.take();
                drop(slots);
                wake(waker);
                if too_many {
                    self.cancel(key);
                }
            }
            Slot::Orphan { abandoned, .. } => {
                let dispose = abandoned.dispose;
                let slot = last.then(|| slots.free(key));
                drop(slots);
                dispose(self, completion);
                drop(slot);
            }
            Slot::Free | Slot::Done(_) => unreachable!("an operation completes once"),
        }
    }

    /// Takes a slot from a future that is dropped; `keep` stays with what is still in flight.
    fn abandon(self: &Rc<Self>, key: Key, keep: Box<dyn Any>, abandoned: Abandoned) {
        let mut slots = self.slots.borrow_mut();
        let in_flight = match slots.at(key) {
            Slot::Done(_) => false,
            Slot::Stream(stream) => !stream.ended,
            _ => true,
        };
        let slot = if in_flight {
            std::mem::replace(slots.at(key), Slot::Orphan { _keep: keep, abandoned })
        } else {
            slots.free(key)
        };
        drop(slots);
        match slot {
            Slot::Done(completion) => (abandoned.dispose)(self, completion),
            Slot::Stream(stream) => {
                stream.arrivals.into_iter().for_each(|arrival| (abandoned.dispose)(self, arrival.completion));
            }
            _ => {}
        }
        if in_flight && abandoned.cancel {
            self.cancel(key);
        }
    }

    fn cancel(&self, key: Key) {
        if !self.closing.get() {
            self.submit_unheard(opcode::AsyncCancel::new(key.user_data()).build());
        }
    }

    /// Ends everything in flight and waits for the kernel to let go of it. Later operations fail with ECANCELED.
    pub(super) fn drain(self: &Rc<Self>) {
        self.submit_unheard(
            opcode::AsyncCancel2::new(types::CancelBuilder::any()).build(), // all of them
        );
        self.closing.set(true);
        while self.slots.borrow().in_flight > 0 {
            self.sleep(Some(Duration::from_millis(100)));
            self.reap();
        }
        self.enter();
        self.reap();
    }

    fn count(&self, change: impl FnOnce(&mut RingCounts)) {
        let mut counts = self.counts.get();
        change(&mut counts);
        self.counts.set(counts);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Interrupted, or the kernel is short of something that reaping gives back: the next turn tries again.
fn retry(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY | libc::EAGAIN))
}

/// An operation in flight; resolves to its completion and gives back what it owned.
#[must_use = "a dropped operation is cancelled"]
pub(super) struct Operation<T: 'static> {
    ring: Rc<Ring>,
    key: Key,
    /// `None` once it has resolved.
    keep: Option<T>,
    abandoned: Abandoned,
}

// What it keeps lives on the heap, by the contract of `Ring::submit`; the operation itself may move.
impl<T> Unpin for Operation<T> {}

impl<T: 'static> Future for Operation<T> {
    type Output = (Completion, T);

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let mut slots = this.ring.slots.borrow_mut();
        match slots.at(this.key) {
            Slot::Done(completion) => {
                let completion = *completion;
                slots.free(this.key);
                drop(slots);
                let keep = this.keep.take().expect("an operation resolves once");
                Poll::Ready((completion, keep))
            }
            Slot::Waiting(waker) => {
                if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
                    *waker = Some(context.waker().clone());
                }
                Poll::Pending
            }
            Slot::Free | Slot::Orphan { .. } | Slot::Stream { .. } => unreachable!("the slot is this operation's"),
        }
    }
}

impl<T: 'static> Operation<T> {
    /// Asks the kernel to end it; it resolves to how it ended.
    pub(super) fn cancel(&self) {
        if self.keep.is_some() {
            self.ring.cancel(self.key);
        }
    }
}

impl<T: 'static> Drop for Operation<T> {
    fn drop(&mut self) {
        if let Some(keep) = self.keep.take() {
            self.ring.abandon(self.key, Box::new(keep), self.abandoned);
        }
    }
}

/// An operation that completes many times. Dropped, it is cancelled and what still comes is disposed of.
pub(super) struct Stream {
    ring: Rc<Ring>,
    key: Key,
    abandoned: Abandoned,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.ring.abandon(self.key, Box::new(()), self.abandoned);
    }
}

impl Stream {
    /// The next completion.
    pub(super) async fn next(&self) -> Arrival {
        poll_fn(|context| self.poll_next(context)).await
    }

    pub(super) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Arrival> {
        let mut slots = self.ring.slots.borrow_mut();
        let Slot::Stream(stream) = slots.at(self.key) else { unreachable!("the slot is this stream's") };
        if let Some(arrival) = stream.arrivals.pop_front() {
            return Poll::Ready(arrival);
        }
        if !stream.waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            stream.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Asks the kernel to end it; the last completion says when it has.
    pub(super) fn cancel(&self) {
        let mut slots = self.ring.slots.borrow_mut();
        if let Slot::Stream(stream) = slots.at(self.key)
            && !stream.ended
            && !std::mem::replace(&mut stream.canceled, true)
        {
            drop(slots);
            self.ring.cancel(self.key);
        }
    }
}
