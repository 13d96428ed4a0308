//! Performs what the commit machine decides: writes frames, makes files, wakes who waits.
//!
//! A few tasks live as long as the journal: one per frame in flight, one that makes files ahead of need, one that has
//! a closing frame written when nothing happened for a while.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    future::{Future, poll_fn},
    path::{Path, PathBuf},
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use bytes::Bytes;

use super::{
    JournalOptions, JournalPosition, Lsn, Replay, Sequence, Usage,
    commit_machine::{CommitMachine, FrameWrite, Resume, Start},
    file_header::FileHeader,
    files::{self, MakeError},
    hold_machine::HoldMachine,
};
use crate::{
    buffer::BufferPool,
    env::{Env, File, Instant, Lane},
    error::StorageError,
    limits,
    mutant::{Mutant, active},
};

/// What a journal tells its [`Listener`].
#[derive(Clone, Debug)]
pub enum News {
    /// After a commit: the newest durable record.
    Durable(Sequence),
    /// What was appended waits for space on the disk: see [`Journal::lacks_room`].
    Starved,
    /// There will be no more commits.
    Failed(StorageError),
}

/// Told of what happens, on the journal's core, from within it: it must be quick.
pub type Listener = Rc<dyn Fn(News)>;

/// A frame that was written durably.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DurableWrite {
    /// Its bytes on the disk.
    pub bytes: u64,
    /// When the write was asked for.
    pub begun: Instant,
    /// When it was done.
    pub ended: Instant,
}

/// Told of each durable write, on the journal's core, from within it: it must be quick.
pub type Observer = Rc<dyn Fn(DurableWrite)>;

/// A shard's journal, open for appending. Clones share it.
pub struct Journal<E: Env>(Rc<Inner<E>>);

impl<E: Env> Clone for Journal<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

struct Inner<E: Env> {
    env: E,
    dir: PathBuf,
    journal: u64,
    file_size: u64,
    machine: RefCell<CommitMachine>,
    files: RefCell<BTreeMap<u32, E::File>>,
    listener: RefCell<Option<Listener>>,
    observer: RefCell<Option<Observer>>,
    /// Who waits for which record, in that order.
    waiters: RefCell<VecDeque<(Sequence, Waker)>>,
    /// Writers with nothing to write, by number; and whether one was woken and has not looked yet.
    writers: RefCell<[Option<Waker>; limits::JOURNAL_IN_FLIGHT]>,
    kicked: Cell<bool>,
    hold: RefCell<HoldMachine>,
    /// The writer that waits for the answered to return.
    holder: Cell<Option<usize>>,
    /// The last file that was wanted could not be made; and what waits has no room until one is, or some is freed.
    short: Cell<bool>,
    lacks_room: Cell<bool>,
    maker: Parked,
    closer: Parked,
    closing: Parked,
    closed: Cell<bool>,
}

/// What a writer does next.
enum Next {
    Write(FrameWrite),
    /// Wait for those who were just answered, at most until then.
    Hold(Instant),
    End,
}

/// A place for one task to wait at.
#[derive(Default)]
struct Parked(Cell<Option<Waker>>);

impl Parked {
    fn park(&self, context: &Context<'_>) {
        self.0.set(Some(context.waker().clone()));
    }

    fn wake(&self) {
        if let Some(waker) = self.0.take() {
            waker.wake();
        }
    }
}

impl<E: Env> Journal<E> {
    /// Opens the journal in `dir`, an existing directory, for reading back what was appended from `start` on. A
    /// directory without a journal gets one.
    pub async fn recover(
        env: E,
        dir: &Path,
        options: JournalOptions,
        start: JournalPosition,
    ) -> Result<Replay<E>, StorageError> {
        Replay::open(env, dir, options, start).await
    }

    pub(super) fn start(env: E, dir: PathBuf, file_size: u64, resume: Resume, files: BTreeMap<u32, E::File>) -> Self {
        let pool = BufferPool::new((2 * limits::JOURNAL_IN_FLIGHT + 2) * resume.frame.next_power_of_two(), 0);
        let inner = Rc::new(Inner {
            env: env.clone(),
            dir,
            journal: resume.journal,
            file_size,
            machine: RefCell::new(CommitMachine::new(resume, pool)),
            files: RefCell::new(files),
            listener: RefCell::new(None),
            observer: RefCell::new(None),
            waiters: RefCell::default(),
            writers: RefCell::default(),
            kicked: Cell::new(false),
            hold: RefCell::new(HoldMachine::new(limits::JOURNAL_HOLD)),
            holder: Cell::new(None),
            short: Cell::new(false),
            lacks_room: Cell::new(false),
            maker: Parked::default(),
            closer: Parked::default(),
            closing: Parked::default(),
            closed: Cell::new(false),
        });
        for number in 0..limits::JOURNAL_IN_FLIGHT {
            env.spawn(Lane::Latency, inner.clone().write_frames(number));
        }
        env.spawn(Lane::Background, inner.clone().make_files());
        env.spawn(Lane::Background, inner.clone().close_when_idle());
        Self(inner)
    }

    /// Appends a record, its payload in parts of at most [`limits::JOURNAL_PAYLOAD`] bytes together. Never waits: what
    /// the disk cannot take yet waits in memory ([`Usage::backlog`]), and the caller bounds it.
    pub fn append(&self, kind: u8, payload: &[&[u8]]) -> Sequence {
        let sequence = self.0.machine.borrow_mut().append(kind, payload);
        self.0.appended();
        sequence
    }

    /// As [`Journal::append`]; the payload is `head` and then `lent`, of which whole blocks of memory are written from
    /// where they lie. Its pieces follow each other: all but the first begin, and all but the last end, with a block.
    pub fn append_lent(&self, kind: u8, head: &[u8], lent: &[Bytes]) -> Sequence {
        let sequence = self.0.machine.borrow_mut().append_lent(kind, head, lent);
        self.0.appended();
        sequence
    }

    /// The number that the next record gets.
    pub fn next(&self) -> Sequence {
        self.0.machine.borrow().next()
    }

    /// The newest durable record; all before it are durable too.
    pub fn durable(&self) -> Sequence {
        self.0.machine.borrow().durable()
    }

    /// Resolves when the record is durable, or never will be.
    pub fn wait_durable(&self, sequence: Sequence) -> impl Future<Output = Result<(), StorageError>> + use<E> {
        let inner = self.0.clone();
        let mut waits = false;
        poll_fn(move |context| {
            let machine = inner.machine.borrow();
            if machine.durable() >= sequence {
                return Poll::Ready(Ok(()));
            }
            if let Some(failure) = machine.failure() {
                return Poll::Ready(Err(failure.clone()));
            }
            if !waits {
                waits = true;
                let mut waiters = inner.waiters.borrow_mut();
                let at = waiters.partition_point(|(waited, _)| *waited <= sequence);
                waiters.insert(at, (sequence, context.waker().clone()));
            }
            Poll::Pending
        })
    }

    /// Has `listener` called, on this core, in place of an earlier one.
    pub fn set_listener(&self, listener: Listener) {
        *self.0.listener.borrow_mut() = Some(listener);
    }

    /// Has `observer` called, on this core, in place of an earlier one.
    pub fn set_observer(&self, observer: Observer) {
        *self.0.observer.borrow_mut() = Some(observer);
    }

    /// Where a replay must start so that it gives `sequence` and all after it; it may give some before.
    pub fn position_of(&self, sequence: Sequence) -> JournalPosition {
        self.0.machine.borrow().position_of(sequence)
    }

    /// Lets the space before `position` be reused: the checkpoint that holds it, or a later one, is durable.
    pub fn free_before(&self, position: JournalPosition) {
        self.0.machine.borrow_mut().free_before(position);
        self.0.kick();
    }

    /// How full it is.
    pub fn usage(&self) -> Usage {
        self.0.machine.borrow().usage()
    }

    /// Whether many whole frames wait for their turn to be written.
    pub fn is_behind(&self) -> bool {
        self.0.machine.borrow().is_behind()
    }

    /// Whether the disk had no room for the next file. What is left of the present one is for records that make room.
    pub fn is_short(&self) -> bool {
        self.0.short.get()
    }

    /// Whether records wait for which there is no room now.
    pub fn lacks_room(&self) -> bool {
        self.0.lacks_room.get()
    }

    /// Makes everything appended durable, writes a closing frame, and ends the journal's tasks. Waits for as long as
    /// the journal is full. Nothing may be appended any more.
    pub async fn close(&self) -> Result<(), StorageError> {
        let outcome = poll_fn(|context| self.0.poll_close(context)).await;
        self.0.closed.set(true);
        self.0.wake_all();
        outcome
    }
}

impl<E: Env> Inner<E> {
    fn appended(&self) {
        if !self.holds() {
            self.kick();
        }
        self.closer.wake();
    }

    /// Takes note of a record that came; true if the frame it is in waits for more.
    fn holds(&self) -> bool {
        let mut hold = self.hold.borrow_mut();
        if !hold.counts() {
            return false;
        }
        let now = self.env.now();
        hold.arrived(now);
        self.holder.get().is_some() && hold.until(now).is_some() && self.machine.borrow().may_wait()
    }

    /// Wakes a writer that waits, the one that holds a frame back first, unless one is on its way already.
    fn kick(&self) {
        if self.kicked.get() {
            return;
        }
        let mut writers = self.writers.borrow_mut();
        let holder = self.holder.get().and_then(|number| writers[number].take());
        let waiting = holder.or_else(|| writers.iter_mut().find_map(Option::take));
        drop(writers);
        if let Some(writer) = waiting {
            self.kicked.set(true);
            writer.wake();
        }
    }

    fn wake_all(&self) {
        for writer in self.writers.borrow_mut().iter_mut().filter_map(Option::take) {
            writer.wake();
        }
        self.maker.wake();
        self.closer.wake();
        self.closing.wake();
    }

    async fn write_frames(self: Rc<Self>, number: usize) {
        loop {
            let write = match poll_fn(|context| self.poll_start(number, context)).await {
                Next::Write(write) => write,
                Next::Hold(until) => {
                    self.hold_back(number, until).await;
                    continue;
                }
                Next::End => return,
            };
            self.kick(); // another writer, should there be more
            let (lsn, begun) = (write.lsn, self.env.now());
            let bytes = write.data.iter().map(|piece| piece.len() as u64).sum();
            if active(Mutant::JournalAcksBeforeWrite) {
                self.committed(lsn);
            }
            match self.write(write).await {
                Ok(()) => {
                    let write = DurableWrite { bytes, begun, ended: self.env.now() };
                    self.observe(write);
                    self.committed(lsn);
                    self.open_window(write);
                }
                Err(_) if active(Mutant::JournalIgnoresFailedWrites) => self.committed(lsn),
                Err(error) => self.fail(&error),
            }
        }
    }

    /// Waits until `until`, or to be kicked.
    async fn hold_back(&self, number: usize, until: Instant) {
        self.holder.set(Some(number));
        let mut timer = pin!(self.env.sleep_until(until));
        let mut parked = false;
        poll_fn(|context| {
            let kicked = parked && self.writers.borrow()[number].is_none();
            if kicked || timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            parked = true;
            self.writers.borrow_mut()[number] = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        self.holder.set(None);
        self.writers.borrow_mut()[number] = None; // who kicks from now on must not find this one
    }

    fn poll_start(&self, number: usize, context: &Context<'_>) -> Poll<Next> {
        self.kicked.set(false);
        if self.closed.get() {
            return Poll::Ready(Next::End);
        }
        if self.holder.get().is_none()
            && self.machine.borrow().may_wait()
            && let Some(until) = self.hold.borrow().until(self.env.now())
        {
            return Poll::Ready(Next::Hold(until));
        }
        let start = self.machine.borrow_mut().start();
        match start {
            Start::Write(write) => {
                self.lacks_room.set(false);
                self.wake_maker();
                return Poll::Ready(Next::Write(write));
            }
            Start::NoSpace => {
                self.wake_maker();
                if !self.lacks_room.replace(true) {
                    self.tell(News::Starved);
                }
            }
            Start::Wait => {}
        }
        if self.machine.borrow().is_claimed() {
            self.closing.wake();
        }
        self.writers.borrow_mut()[number] = Some(context.waker().clone());
        Poll::Pending
    }

    fn wake_maker(&self) {
        if self.machine.borrow().wants_file().is_some() {
            self.maker.wake();
        }
    }

    /// Started here, awaited by the caller: the file map is not borrowed meanwhile.
    fn write(&self, write: FrameWrite) -> impl Future<Output = std::io::Result<()>> + use<E> {
        let file = self.files.borrow().get(&write.file).cloned();
        async move {
            let file = file.ok_or_else(|| std::io::Error::other("a journal file that is not open"))?;
            if active(Mutant::JournalWritesWithoutDurability) {
                let mut position = write.position;
                for piece in write.data {
                    let len = piece.len() as u64;
                    file.write_at(position, piece).await?;
                    position += len;
                }
                return Ok(());
            }
            file.write_durable_pieces(write.position, write.data).await
        }
    }

    fn committed(&self, lsn: Lsn) {
        let durable = self.machine.borrow_mut().written(lsn);
        if let Some(durable) = durable {
            self.wake_waiters(|waited| waited <= durable);
            self.tell(News::Durable(durable));
        }
        self.closing.wake();
    }

    fn open_window(&self, write: DurableWrite) {
        if !self.machine.borrow().is_writing() {
            self.hold.borrow_mut().committed(write.ended.since(write.begun), write.ended);
        }
    }

    fn observe(&self, write: DurableWrite) {
        let observer = self.observer.borrow().clone();
        if let Some(observer) = observer {
            observer(write);
        }
    }

    fn tell(&self, news: News) {
        let listener = self.listener.borrow().clone();
        if let Some(listener) = listener {
            listener(news);
        }
    }

    fn wake_waiters(&self, which: impl Fn(Sequence) -> bool) {
        loop {
            let mut waiters = self.waiters.borrow_mut();
            if waiters.front().is_none_or(|(waited, _)| !which(*waited)) {
                return;
            }
            let waiter = waiters.pop_front();
            drop(waiters);
            if let Some((_, waker)) = waiter {
                waker.wake();
            }
        }
    }

    fn fail(&self, error: &std::io::Error) {
        let why = StorageError::ShardFailed(format!("{}: {error}", self.dir.display()).into());
        tracing::error!(dir = %self.dir.display(), %error, "a journal write failed: this shard serves no more");
        self.fail_with(why);
    }

    fn fail_with(&self, why: StorageError) {
        self.machine.borrow_mut().fail(why.clone());
        self.wake_waiters(|_| true);
        self.wake_all();
        self.tell(News::Failed(why));
    }

    async fn make_files(self: Rc<Self>) {
        while let Some(index) = poll_fn(|context| self.poll_wanted(context)).await {
            let header = FileHeader { journal: self.journal, index, len: self.file_size };
            match files::make(&self.env, &self.dir, header, || self.machine.borrow().needs_file_soon()).await {
                Ok(file) => {
                    self.short.set(false);
                    self.files.borrow_mut().insert(index, file);
                    self.machine.borrow_mut().file_made(index, header.capacity());
                    self.kick();
                }
                Err(MakeError::Later(error)) => {
                    tracing::warn!(dir = %self.dir.display(), %error, "cannot make another journal file; trying again");
                    self.short.set(true);
                    if self.lacks_room.get() {
                        self.tell(News::Starved);
                    }
                    self.env.sleep(Duration::from_secs(1)).await;
                }
                Err(MakeError::Final(error)) => self.fail_with(StorageError::ShardFailed(error.to_string().into())),
            }
        }
    }

    fn poll_wanted(&self, context: &Context<'_>) -> Poll<Option<u32>> {
        if self.closed.get() {
            return Poll::Ready(None);
        }
        match self.machine.borrow().wants_file() {
            Some(index) => Poll::Ready(Some(index)),
            None => {
                self.maker.park(context);
                Poll::Pending
            }
        }
    }

    async fn close_when_idle(self: Rc<Self>) {
        while poll_fn(|context| self.poll_unclaimed(context)).await {
            let head = self.machine.borrow().head();
            self.env.sleep(Duration::from_millis(limits::JOURNAL_IDLE_MS)).await;
            let mut machine = self.machine.borrow_mut();
            let idle = machine.head() == head && machine.is_quiet();
            let claim = idle && !active(Mutant::JournalNeverCloses) && machine.claim();
            drop(machine);
            if claim {
                self.kick();
            }
        }
    }

    /// True when there is something that no closing frame covers; false at the end.
    fn poll_unclaimed(&self, context: &Context<'_>) -> Poll<bool> {
        let machine = self.machine.borrow();
        if self.closed.get() || machine.failure().is_some() {
            return Poll::Ready(false);
        }
        if machine.is_claimed() {
            self.closer.park(context);
            return Poll::Pending;
        }
        Poll::Ready(true)
    }

    fn poll_close(&self, context: &Context<'_>) -> Poll<Result<(), StorageError>> {
        let mut machine = self.machine.borrow_mut();
        if let Some(failure) = machine.failure() {
            return Poll::Ready(Err(failure.clone()));
        }
        let unclaimable = active(Mutant::JournalNeverCloses) && machine.is_quiet();
        if machine.is_claimed() || unclaimable {
            return Poll::Ready(Ok(()));
        }
        self.closing.park(context);
        let claim = machine.is_quiet() && machine.claim();
        drop(machine);
        if claim {
            self.kick();
        }
        Poll::Pending
    }
}
