//! Typed mailboxes between the cores of a node: requests that are answered once, and notes that are not.
//!
//! *Order.* Letters from one core to another arrive in the order sent; a request takes its place when
//! [`Mailbox::submit`] returns.
//! *Bounds.* A request first takes a credit of its pair of cores, which comes back with the answer (or with the news
//! that there will be none), so no more than the credits are ever under way: the answer's place is reserved with the
//! request's, and [`Mailbox::reply`] never waits. Who finds no credit waits in line and holds nothing meanwhile; the
//! connection it reads for is not read further.
//! *No deadlock.* Whoever holds a received request must not wait for a credit, nor for anyone who does: requests come
//! from sockets and go one hop. Notes need no credit; their senders bound their number.
//! *Cost.* A letter is pushed under a lock that is held for a push or a swap, and the bell rings once however many
//! letters wait; the receiver takes all of them at once.
//!
//! The same code runs over both environments: all it asks for is [`NetEnv::notify`] and [`NetEnv::notified`].

use std::{
    cell::RefCell,
    collections::{BTreeMap, VecDeque},
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    rc::{Rc, Weak},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use corelog_storage::env::{Instant, Lane};

use crate::core::env::{CoreId, NetEnv};

/// The other core has stopped, or dropped the request: there will be no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other core gave no answer")
    }
}

impl std::error::Error for Gone {}

/// What [`Mailbox::receive`] hands out.
pub enum Incoming<Q: Send + 'static, R: Send + 'static> {
    /// Answer it with [`Mailbox::reply`].
    Request(Caller<Q, R>, Q),
    /// Needs no answer.
    Note(CoreId, Q),
}

/// The cores' seats at one mesh of mailboxes, in the order of their ids; each is opened on its own core. `credits`
/// bounds the requests under way from each core to each other.
pub fn mesh<Q: Send + 'static, R: Send + 'static>(cores: u16, credits: usize) -> Vec<Seat<Q, R>> {
    assert!(credits > 0, "a mailbox without credits carries nothing");
    let cores = cores as usize;
    let chutes: Vec<Arc<Chute<Q, R>>> = (0..cores * cores).map(|_| Arc::new(Chute::new())).collect();
    (0..cores)
        .map(|me| Seat {
            me: CoreId(me as u16),
            credits,
            out: (0..cores).map(|peer| chutes[me * cores + peer].clone()).collect(),
            inbound: (0..cores).map(|peer| chutes[peer * cores + me].clone()).collect(),
        })
        .collect()
}

/// One core's seat at a mesh, before it is opened there.
pub struct Seat<Q, R> {
    me: CoreId,
    credits: usize,
    out: Vec<Arc<Chute<Q, R>>>,
    inbound: Vec<Arc<Chute<Q, R>>>,
}

impl<Q: Send + 'static, R: Send + 'static> Seat<Q, R> {
    /// Opens this core's mailbox on `env`, whose core must be the seat's.
    pub fn open<E: NetEnv>(self, env: &E) -> Mailbox<Q, R> {
        assert_eq!(env.core(), self.me, "a seat belongs to one core");
        let (bell, clock) = (env.clone(), env.clone());
        let peers = self.out.iter().map(|_| Peer::new(self.credits)).collect();
        let inner = Rc::new(Inner {
            me: self.me,
            ring_bell: Box::new(move |core| bell.notify(core)),
            turn: Box::new(move || clock.turn()),
            out: self.out,
            inbound: self.inbound,
            state: RefCell::new(State { peers, incoming: VecDeque::new(), receiver: None }),
        });
        env.spawn(Lane::Latency, collect_mail(env.clone(), Rc::downgrade(&inner)));
        Mailbox { inner }
    }
}

/// Takes what arrives out of the shared chutes for as long as the mailbox exists.
async fn collect_mail<E: NetEnv, Q: Send + 'static, R: Send + 'static>(env: E, mailbox: Weak<Inner<Q, R>>) {
    let mut rung = 0;
    while let Some(inner) = mailbox.upgrade() {
        inner.collect();
        drop(inner);
        rung = env.notified(rung).await;
    }
}

/// One core's end of a mesh: sends to the others, receives from them. Clones share it; when the last is gone, what the
/// others still ask is [`Gone`].
pub struct Mailbox<Q: Send + 'static, R: Send + 'static> {
    inner: Rc<Inner<Q, R>>,
}

impl<Q: Send + 'static, R: Send + 'static> Clone for Mailbox<Q, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<Q: Send + 'static, R: Send + 'static> Mailbox<Q, R> {
    /// The core this mailbox belongs to.
    pub fn core(&self) -> CoreId {
        self.inner.me
    }

    /// Sends a request as soon as there is a credit; its place in the order is taken when this returns, its answer
    /// awaited with what it returns.
    pub async fn submit(&self, to: CoreId, request: Q) -> Result<Pending<Q, R>, Gone> {
        assert_ne!(to, self.inner.me, "a core asks itself by calling a function");
        InLine { inner: &self.inner, to, ticket: None }.await?;
        let slot = self.inner.state.borrow_mut().peers[to.0 as usize].take_slot();
        self.inner.post(to, Letter::Request { slot, sent: (self.inner.turn)(), request });
        Ok(Pending { inner: self.inner.clone(), to, slot })
    }

    /// [`Mailbox::submit`] and the answer.
    pub async fn call(&self, to: CoreId, request: Q) -> Result<R, Gone> {
        self.submit(to, request).await?.await
    }

    /// Sends a note. Never waits; the sender bounds how many there are. To a core that has stopped it goes nowhere.
    pub fn note(&self, to: CoreId, note: Q) {
        assert_ne!(to, self.inner.me, "a core tells itself by calling a function");
        self.inner.post(to, Letter::Note(note));
    }

    /// The next request or note. One caller at a time.
    pub async fn receive(&self) -> Incoming<Q, R> {
        poll_fn(|context| {
            let mut state = self.inner.state.borrow_mut();
            let Some((from, slot, message)) = state.incoming.pop_front() else {
                park(&mut state.receiver, context.waker());
                return Poll::Pending;
            };
            Poll::Ready(match slot {
                Some((slot, sent)) => {
                    Incoming::Request(Caller { inner: Some(self.inner.clone()), from, slot, sent }, message)
                }
                None => Incoming::Note(from, message),
            })
        })
        .await
    }

    /// Answers a request. Never waits: the answer's place was reserved with the request's.
    pub fn reply(&self, caller: Caller<Q, R>, answer: R) {
        caller.reply(answer);
    }
}

/// Who waits for the answer to a received request. Dropped without one, the other side gets [`Gone`].
pub struct Caller<Q: Send + 'static, R: Send + 'static> {
    inner: Option<Rc<Inner<Q, R>>>,
    from: CoreId,
    slot: usize,
    sent: Instant,
}

impl<Q: Send + 'static, R: Send + 'static> Caller<Q, R> {
    /// The core that asked.
    pub fn core(&self) -> CoreId {
        self.from
    }

    /// When it asked, by its turn.
    pub fn sent(&self) -> Instant {
        self.sent
    }

    /// Answers.
    pub fn reply(mut self, answer: R) {
        self.answer(Ok(answer));
    }

    fn answer(&mut self, answer: Result<R, Gone>) {
        if let Some(inner) = self.inner.take() {
            inner.post(self.from, Letter::Answer { slot: self.slot, answer });
        }
    }
}

impl<Q: Send + 'static, R: Send + 'static> Drop for Caller<Q, R> {
    fn drop(&mut self) {
        self.answer(Err(Gone));
    }
}

/// A request under way; resolves to its answer. Dropped earlier, the answer is thrown away when it comes, and only then
/// its credit is free again.
#[must_use = "the answer is awaited with it"]
pub struct Pending<Q: Send + 'static, R: Send + 'static> {
    inner: Rc<Inner<Q, R>>,
    to: CoreId,
    slot: usize,
}

impl<Q: Send + 'static, R: Send + 'static> Future for Pending<Q, R> {
    type Output = Result<R, Gone>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.inner.state.borrow_mut();
        let slot = &mut state.peers[self.to.0 as usize].slots[self.slot];
        match std::mem::replace(slot, Slot::Taken) {
            Slot::Answered(answer) => Poll::Ready(answer),
            Slot::Waiting(mut waker) => {
                park(&mut waker, context.waker());
                *slot = Slot::Waiting(waker);
                Poll::Pending
            }
            Slot::Taken | Slot::Abandoned | Slot::Free => unreachable!("polled after its answer"),
        }
    }
}

impl<Q: Send + 'static, R: Send + 'static> Drop for Pending<Q, R> {
    fn drop(&mut self) {
        let mut state = self.inner.state.borrow_mut();
        let peer = &mut state.peers[self.to.0 as usize];
        let was = match peer.slots[self.slot] {
            Slot::Waiting(_) => std::mem::replace(&mut peer.slots[self.slot], Slot::Abandoned),
            _ => peer.free_slot(self.slot),
        };
        drop(state);
        drop(was); // an answer nobody took may own anything
    }
}

/// Waits for a credit, first come, first served.
struct InLine<'a, Q: Send + 'static, R: Send + 'static> {
    inner: &'a Rc<Inner<Q, R>>,
    to: CoreId,
    ticket: Option<u64>,
}

impl<Q: Send + 'static, R: Send + 'static> Future for InLine<'_, Q, R> {
    type Output = Result<(), Gone>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.inner.out[self.to.0 as usize].is_closed() {
            return Poll::Ready(Err(Gone));
        }
        let mut state = self.inner.state.borrow_mut();
        let peer = &mut state.peers[self.to.0 as usize];
        let first = match self.ticket {
            Some(ticket) => peer.line.keys().next() == Some(&ticket),
            None => peer.line.is_empty(),
        };
        if first && peer.credits > 0 {
            peer.credits -= 1;
            drop(state);
            return Poll::Ready(Ok(())); // dropping `self` leaves the line and wakes the next
        }
        let ticket = self.ticket.unwrap_or(peer.next_ticket);
        if self.ticket.is_none() {
            peer.next_ticket += 1;
        }
        peer.line.insert(ticket, context.waker().clone());
        drop(state);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl<Q: Send + 'static, R: Send + 'static> Drop for InLine<'_, Q, R> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut state = self.inner.state.borrow_mut();
        let peer = &mut state.peers[self.to.0 as usize];
        peer.line.remove(&ticket);
        peer.wake_first_in_line();
    }
}

/// A letter on its way between two cores.
enum Letter<Q, R> {
    Request { slot: usize, sent: Instant, request: Q },
    Note(Q),
    Answer { slot: usize, answer: Result<R, Gone> },
}

/// The letters from one core to one other.
struct Chute<Q, R> {
    letters: Mutex<VecDeque<Letter<Q, R>>>,
    /// Whether there may be letters; spares the receiver the lock of an empty chute.
    filled: AtomicBool,
    /// The receiving end is gone.
    closed: AtomicBool,
}

impl<Q, R> Chute<Q, R> {
    fn new() -> Self {
        Self { letters: Mutex::new(VecDeque::new()), filled: AtomicBool::new(false), closed: AtomicBool::new(false) }
    }

    /// Drops the letter if nobody will ever take it.
    fn push(&self, letter: Letter<Q, R>) {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_closed() {
            letters.push_back(letter);
            self.filled.store(true, Ordering::Release);
        }
    }

    fn take_all(&self) -> VecDeque<Letter<Q, R>> {
        if !self.filled.load(Ordering::Acquire) {
            return VecDeque::new();
        }
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        self.filled.store(false, Ordering::Relaxed);
        std::mem::take(&mut *letters)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn close(&self) -> VecDeque<Letter<Q, R>> {
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, Ordering::Release);
        std::mem::take(&mut *letters)
    }
}

/// Where the answer of one request under way goes.
enum Slot<R> {
    Free,
    Waiting(Option<Waker>),
    Answered(Result<R, Gone>),
    /// The answer was handed out; its [`Pending`] still exists.
    Taken,
    /// The [`Pending`] was dropped before the answer came.
    Abandoned,
}

/// What this core knows of another: its credits there, who waits for one, and the requests under way.
struct Peer<R> {
    credits: usize,
    line: BTreeMap<u64, Waker>,
    next_ticket: u64,
    slots: Vec<Slot<R>>,
    free: Vec<usize>,
}

impl<R> Peer<R> {
    fn new(credits: usize) -> Self {
        Self { credits, line: BTreeMap::new(), next_ticket: 0, slots: Vec::new(), free: Vec::new() }
    }

    fn take_slot(&mut self) -> usize {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::Free);
            self.slots.len() - 1
        });
        self.slots[slot] = Slot::Waiting(None);
        slot
    }

    fn free_slot(&mut self, slot: usize) -> Slot<R> {
        self.free.push(slot);
        std::mem::replace(&mut self.slots[slot], Slot::Free)
    }

    fn wake_first_in_line(&self) {
        if self.credits > 0
            && let Some(waker) = self.line.values().next()
        {
            waker.wake_by_ref();
        }
    }

    /// The answer came: its credit is free. Returns what to drop once nothing is borrowed.
    fn settle(&mut self, slot: usize, answer: Result<R, Gone>) -> Option<Slot<R>> {
        self.credits += 1;
        self.wake_first_in_line();
        match std::mem::replace(&mut self.slots[slot], Slot::Answered(answer)) {
            Slot::Waiting(waker) => {
                if let Some(waker) = waker {
                    waker.wake();
                }
                None
            }
            Slot::Abandoned => Some(self.free_slot(slot)),
            Slot::Free | Slot::Taken | Slot::Answered(_) => unreachable!("one answer for each request"),
        }
    }
}

struct State<Q, R> {
    peers: Vec<Peer<R>>,
    /// Sender, the slot of the answer and the time of asking if one is wanted, and what was sent.
    incoming: VecDeque<(CoreId, Option<(usize, Instant)>, Q)>,
    receiver: Option<Waker>,
}

struct Inner<Q: Send + 'static, R: Send + 'static> {
    me: CoreId,
    ring_bell: Box<dyn Fn(CoreId)>,
    /// When this core's present turn began.
    turn: Box<dyn Fn() -> Instant>,
    /// By receiving core.
    out: Vec<Arc<Chute<Q, R>>>,
    /// By sending core.
    inbound: Vec<Arc<Chute<Q, R>>>,
    state: RefCell<State<Q, R>>,
}

impl<Q: Send + 'static, R: Send + 'static> Inner<Q, R> {
    fn post(&self, to: CoreId, letter: Letter<Q, R>) {
        self.out[to.0 as usize].push(letter);
        (self.ring_bell)(to);
    }

    /// Empties the chutes to this core and hands everything on.
    fn collect(&self) {
        for from in 0..self.inbound.len() {
            let letters = self.inbound[from].take_all();
            let mut thrown_away = Vec::new();
            let mut state = self.state.borrow_mut();
            for letter in letters {
                match letter {
                    Letter::Request { slot, sent, request } => {
                        state.incoming.push_back((CoreId(from as u16), Some((slot, sent)), request));
                    }
                    Letter::Note(note) => state.incoming.push_back((CoreId(from as u16), None, note)),
                    Letter::Answer { slot, answer } => thrown_away.extend(state.peers[from].settle(slot, answer)),
                }
            }
            if self.out[from].is_closed() {
                thrown_away.extend(Self::give_up_on(&mut state.peers[from]));
            }
            if !state.incoming.is_empty()
                && let Some(receiver) = state.receiver.take()
            {
                receiver.wake();
            }
            drop(state);
            drop(thrown_away);
        }
    }

    /// The peer has stopped: what it has not answered will stay so.
    fn give_up_on(peer: &mut Peer<R>) -> Vec<Slot<R>> {
        let unanswered = |slot: &Slot<R>| matches!(slot, Slot::Waiting(_) | Slot::Abandoned);
        let slots: Vec<usize> = (0..peer.slots.len()).filter(|slot| unanswered(&peer.slots[*slot])).collect();
        let dropped = slots.into_iter().filter_map(|slot| peer.settle(slot, Err(Gone))).collect();
        for waker in peer.line.values() {
            waker.wake_by_ref();
        }
        dropped
    }
}

impl<Q: Send + 'static, R: Send + 'static> Drop for Inner<Q, R> {
    fn drop(&mut self) {
        for (peer, chute) in self.inbound.iter().enumerate() {
            drop(chute.close());
            if peer != self.me.0 as usize {
                (self.ring_bell)(CoreId(peer as u16));
            }
        }
    }
}

/// Remembers whom to wake, without cloning the waker that is there already.
fn park(place: &mut Option<Waker>, waker: &Waker) {
    if !place.as_ref().is_some_and(|known| known.will_wake(waker)) {
        *place = Some(waker.clone());
    }
}
