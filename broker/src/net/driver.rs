//! Drives one connection: a reading loop, and an ordered queue of responses that a writing loop empties.
//!
//! *Order.* Responses leave in the order of their requests. Produce requests are begun (appended, or forwarded to the
//! owning core) as they are read, so that many are under way at a time; any other request begins once those before it
//! are answered, and Produce waits for such a one: a connection sees its own effects in order, as Kafka's do.
//! *Bounds.* Requests keep a reservation of the core's budget until their response has left; a connection with
//! too many under way, or a core whose budget is exhausted, does not read its socket.
//! *Sends.* All responses that are ready leave in one send.
//! *Hand-over.* A connection whose requests are about what one other core owns moves there ([`Traffic`]): nothing more is
//! read, all that was asked is answered and sent, the receive under way is ended and what it brought travels along; then
//! that core goes on.
//! *Quotas.* A client that has exceeded one is answered at once; after that none of its connection's requests begins, and
//! its socket is not read, until the time it was told is over ([`Throttle`]).
//! *End.* After the peer's end of stream what was asked is answered for a little while; after an error, nothing is.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn},
    net::SocketAddr,
    pin::{Pin, pin},
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use corelog_storage::env::{Instant, Lane};

use crate::{
    api::{self, Begun, Close, fetch_session::FetchSession, session_slot::SessionSlot},
    core::env::{Conn, CoreId, Detached, NetEnv},
    core_state::Core,
    limits,
    metrics::Stage,
    net::{
        admission::Place,
        budget::Reservation,
        complaints::Complaint,
        connection_machine::{ConnectionMachine, Step},
        connections::{Ending, Watched},
        listener::ListenerRef,
        traffic::Traffic,
    },
    quota::throttle::Throttle,
    router::CoreMessage,
};

/// What a connection is besides its socket. It can move to another core as it stands.
#[derive(Debug)]
pub struct ConnectionState {
    /// The receiving half: bytes that are not yet requests.
    pub machine: ConnectionMachine,
    /// What the handlers are told about it.
    pub identity: Arc<api::Identity>,
    /// Its fetch session, while it is on its way to another core.
    pub session: Option<FetchSession>,
}

/// A connection on its way to the core that owns its traffic.
#[derive(Debug)]
pub struct HandedOver {
    conn: Detached,
    state: ConnectionState,
    place: Place,
}

/// Why a connection's requests are read no further here.
enum Reading {
    Ends(Ending),
    GoesOnAt(CoreId),
}

/// A request of the queue.
struct Entry {
    work: Work,
    reservation: Reservation,
    key: i16,
    /// When its last byte was received, by the turn.
    read: Instant,
}

enum Work {
    /// Begun as it was read; resolves to its response.
    Begun(Begun),
    /// To be begun when those before it are answered.
    Waiting(Bytes),
}

/// What the two loops of a connection share.
struct Shared<E: NetEnv> {
    core: Rc<Core<E>>,
    conn: E::Conn,
    origin: api::Origin<E>,
    watched: Rc<Watched>,
    /// When anything was last received, by the turn.
    heard: Cell<Instant>,
    /// Given back with the last of the two loops, unless it moves on with the connection.
    place: Cell<Option<Place>>,
    queue: RefCell<VecDeque<Entry>>,
    /// Requests in the queue, or taken from it and not yet answered, that are [`Work::Waiting`].
    waiting: Cell<usize>,
    /// Requests that are not yet answered, and their bytes.
    under_way: Cell<usize>,
    under_way_bytes: Cell<usize>,
    /// The writing loop has nothing that is not sent.
    all_sent: Cell<bool>,
    reader: RefCell<Option<Waker>>,
}

impl<E: NetEnv> Shared<E> {
    /// The core to which the connection should move now.
    fn destination(&self) -> Option<CoreId> {
        if !self.core.config.net.hand_over {
            return None;
        }
        self.origin.traffic.destination(|| self.core.env.now(), self.core.transfers.left())
    }

    /// Until when no request begins, if one may not begin now.
    fn muted_until(&self) -> Option<Instant> {
        self.origin.throttle.muted_until(|| self.core.env.now())
    }
}

/// Drives an accepted connection.
pub fn start<E: NetEnv>(core: &Rc<Core<E>>, conn: E::Conn, listener: ListenerRef, place: Place) {
    let peer = conn.peer_addr();
    let state = ConnectionState {
        machine: ConnectionMachine::new(api::frame_limit, core.config.net.request_max_bytes as usize),
        identity: Arc::new(api::Identity { listener, peer, principal: "User:ANONYMOUS".into() }),
        session: None,
    };
    core.metrics.count(|counts| counts.connections += 1);
    drive(core, conn, state, place, Traffic::new(core.id, None));
}

/// Goes on with a connection that another core drove.
pub fn take_over<E: NetEnv>(core: &Rc<Core<E>>, handed: HandedOver) {
    if core.connections.stopping() {
        return;
    }
    match core.env.attach(handed.conn) {
        Ok(conn) => {
            core.metrics.count(|counts| counts.connections_taken_over += 1);
            let traffic = Traffic::new(core.id, Some(core.env.now()));
            drive(core, conn, handed.state, handed.place, traffic);
        }
        Err(error) => tracing::warn!(%error, "a connection was lost between cores"),
    }
}

/// Starts the two loops of a connection.
fn drive<E: NetEnv>(core: &Rc<Core<E>>, conn: E::Conn, mut state: ConnectionState, place: Place, traffic: Traffic) {
    let (close, peer) = (conn.clone(), conn.peer_addr());
    let shared = Rc::new(Shared {
        core: core.clone(),
        conn,
        origin: api::Origin {
            identity: state.identity.clone(),
            traffic: Rc::new(traffic),
            session: SessionSlot::arrived(core, state.session.take()),
            throttle: Rc::new(Throttle::default()),
        },
        watched: core.connections.watch(move || close.shutdown()),
        heard: Cell::new(core.env.turn()),
        place: Cell::new(Some(place)),
        queue: RefCell::default(),
        waiting: Cell::new(0),
        under_way: Cell::new(0),
        under_way_bytes: Cell::new(0),
        all_sent: Cell::new(true),
        reader: RefCell::default(),
    });
    core.env.spawn(Lane::Latency, read_loop(shared.clone(), state, peer));
    core.env.spawn(Lane::Latency, write_loop(shared, peer));
}

async fn read_loop<E: NetEnv>(shared: Rc<Shared<E>>, mut state: ConnectionState, peer: SocketAddr) {
    match read_requests(&shared, &mut state, peer).await {
        Reading::Ends(how) => shared.watched.end(how),
        Reading::GoesOnAt(to) => hand_over(&shared, state, to).await,
    }
}

/// Gives an idle connection to another core.
async fn hand_over<E: NetEnv>(shared: &Rc<Shared<E>>, mut state: ConnectionState, to: CoreId) {
    let detached = shared.conn.detach().await;
    let cut = shared.watched.ending();
    shared.watched.end(Ending::Now);
    if let (Ok(conn), Some(place), false) = (detached, shared.place.take(), cut) {
        state.session = shared.origin.session.depart();
        let handed = HandedOver { conn, state, place };
        shared.core.router.mailbox().note(to, CoreMessage::Connection(Box::new(handed)));
    }
}

/// Reads until the connection ends or moves.
async fn read_requests<E: NetEnv>(shared: &Rc<Shared<E>>, state: &mut ConnectionState, peer: SocketAddr) -> Reading {
    let core = &shared.core;
    let mut partial = core.budget.take_partial(state.machine.held());
    loop {
        unmuted(shared).await;
        if shared.watched.closed() {
            return Reading::Ends(Ending::Now);
        }
        if let Some(to) = shared.destination()
            && all_answered(shared).await
            && shared.muted_until().is_none()
        {
            return Reading::GoesOnAt(to);
        }
        match state.machine.step() {
            Ok(Step::Frame(frame)) => {
                partial.resize(0);
                shared.watched.receiving(false);
                if let Err(close) = admit(shared, state, frame).await {
                    complain(shared, &close, peer);
                    return Reading::Ends(Ending::AfterAnswers);
                }
            }
            Ok(Step::Receive) => match shared.conn.recv().await {
                Ok(Some(bytes)) => {
                    shared.heard(bytes.len());
                    state.machine.received(bytes);
                }
                Ok(None) => {
                    if state.machine.within_frame() {
                        core.complain(Complaint::Truncated, peer, &"end of stream within a request");
                    }
                    return Reading::Ends(Ending::AfterAnswers);
                }
                Err(_) => return Reading::Ends(Ending::Now),
            },
            Ok(Step::Fill(buffer)) => {
                let more = buffer.capacity() - partial.bytes().min(buffer.capacity());
                shared.watched.receiving(true);
                if more > 0 {
                    room_for_more(shared).await;
                    partial.resize(buffer.capacity());
                }
                let had = buffer.len();
                match shared.conn.recv_exact(buffer).await {
                    Ok(buffer) => {
                        shared.heard(buffer.len() - had);
                        state.machine.filled(buffer);
                    }
                    Err(_) => {
                        let why = match shared.watched.stalled() {
                            true => "took too long to send a request while memory was short",
                            false => "connection lost within a request",
                        };
                        core.complain(Complaint::Truncated, peer, &why);
                        return Reading::Ends(Ending::AfterAnswers);
                    }
                }
            }
            Err(error) => {
                core.complain(Complaint::BadFrame, peer, &format_args!("{error:?}"));
                return Reading::Ends(Ending::AfterAnswers);
            }
        }
    }
}

impl<E: NetEnv> Shared<E> {
    /// So many bytes were received.
    fn heard(&self, bytes: usize) {
        self.watched.heard();
        self.heard.set(self.core.env.turn());
        self.core.metrics.count(|counts| counts.received_bytes += bytes as u64);
    }
}

/// Puts one request into the queue: Produce begun, others to begin in their turn.
async fn admit<E: NetEnv>(shared: &Rc<Shared<E>>, state: &mut ConnectionState, frame: Bytes) -> Result<(), Close> {
    let (core, bytes, read) = (&shared.core, frame.len(), shared.heard.get());
    let reservation = core.budget.reserve(bytes).await;
    let (key, produce) = (api::key(&frame), api::begins_at_once(&frame));
    wait_for_room(shared, produce).await;
    let work = if produce {
        // The last answer before it may have been one too many.
        unmuted(shared).await;
        if shared.watched.closed() {
            return Err(Close::PeerGone);
        }
        core.metrics.stage(Stage::Queue, read, core.env.turn());
        Work::Begun(api::begin(core, &shared.origin, frame).await?)
    } else {
        api::check(&frame)?;
        shared.waiting.set(shared.waiting.get() + 1);
        Work::Waiting(frame)
    };
    let entry = Entry { work, reservation, key, read };
    state.machine.saw_valid_request();
    shared.under_way.set(shared.under_way.get() + 1);
    shared.under_way_bytes.set(shared.under_way_bytes.get() + bytes);
    shared.queue.borrow_mut().push_back(entry);
    shared.watched.wake_writer();
    Ok(())
}

/// Waits until more of a request may be received, or the connection is closed.
async fn room_for_more<E: NetEnv>(shared: &Shared<E>) {
    poll_fn(|context| {
        if shared.watched.closed() {
            return Poll::Ready(());
        }
        store_waker(&shared.reader, context);
        shared.core.budget.poll_room_for_partial(context)
    })
    .await;
}

/// Waits until the client may use more, or the connection is closed.
async fn unmuted<E: NetEnv>(shared: &Shared<E>) {
    while let Some(until) = shared.muted_until() {
        let mut timer = pin!(shared.core.env.sleep(until.since(shared.core.env.now())));
        poll_fn(|context| {
            if shared.watched.closed() {
                return Poll::Ready(());
            }
            store_waker(&shared.reader, context);
            timer.as_mut().poll(context)
        })
        .await;
        if shared.watched.closed() {
            return;
        }
    }
}

/// Waits until one more request may be under way; with `alone`, until none waits to begin.
async fn wait_for_room<E: NetEnv>(shared: &Shared<E>, alone: bool) {
    poll_fn(|context| {
        let room = shared.under_way.get() < limits::IN_FLIGHT_PER_CONNECTION
            && shared.under_way_bytes.get() < limits::IN_FLIGHT_BYTES_PER_CONNECTION;
        if (room && !(alone && shared.waiting.get() > 0)) || shared.watched.closed() {
            return Poll::Ready(());
        }
        store_waker(&shared.reader, context);
        Poll::Pending
    })
    .await;
}

fn store_waker(slot: &RefCell<Option<Waker>>, context: &Context<'_>) {
    let mut slot = slot.borrow_mut();
    if !slot.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
        *slot = Some(context.waker().clone());
    }
}

/// Waits until every response is sent; `false` if the connection ends first.
async fn all_answered<E: NetEnv>(shared: &Shared<E>) -> bool {
    poll_fn(|context| {
        if shared.watched.ending() {
            return Poll::Ready(false);
        }
        if shared.all_sent.get() && shared.queue.borrow().is_empty() {
            return Poll::Ready(true);
        }
        store_waker(&shared.reader, context);
        Poll::Pending
    })
    .await
}

/// Counts what made a connection end.
fn complain<E: NetEnv>(shared: &Shared<E>, close: &Close, peer: SocketAddr) {
    if shared.watched.stalled() {
        shared.core.complain(Complaint::StalledReader, peer, &"took none of its responses");
    } else if let Some(what) = close.complaint() {
        shared.core.complain(what, peer, close);
    }
}

/// The response at the head of the queue, while it is worked on.
struct Head<'a> {
    response: Pin<Box<dyn Future<Output = Result<Option<Vec<Bytes>>, Close>> + 'a>>,
    reservation: Reservation,
    waited: bool,
    key: i16,
    read: Instant,
}

async fn write_loop<E: NetEnv>(shared: Rc<Shared<E>>, peer: SocketAddr) {
    if let Err(close) = write_responses(&shared).await {
        complain(&shared, &close, peer);
    }
    shared.watched.gone();
    shared.conn.shutdown();
    shared.queue.borrow_mut().clear();
    wake_reader(&shared);
}

/// Answers in order until the connection ends.
async fn write_responses<E: NetEnv>(shared: &Rc<Shared<E>>) -> Result<(), Close> {
    let mut head: Option<Head<'_>> = None;
    let mut mute = Mute::default();
    let mut ready: Vec<Bytes> = Vec::new();
    let mut answered: Vec<Reservation> = Vec::new();
    loop {
        let over = poll_fn(|context| gather(shared, &mut head, &mut mute, &mut ready, &mut answered, context)).await;
        // What was answered before a failure leaves before the connection ends.
        if !ready.is_empty() {
            send(shared, std::mem::take(&mut ready)).await?;
        }
        answered.clear();
        if over? {
            return Ok(());
        }
    }
}

/// Collects what is ready, in order, into `ready`. Resolves when there is something to send, or with `true` when the
/// connection is over.
fn gather<'a, E: NetEnv>(
    shared: &'a Rc<Shared<E>>,
    head: &mut Option<Head<'a>>,
    mute: &mut Mute,
    ready: &mut Vec<Bytes>,
    answered: &mut Vec<Reservation>,
    context: &mut Context<'_>,
) -> Poll<Result<bool, Close>> {
    let mut size = 0;
    loop {
        if shared.watched.closed() {
            return Poll::Ready(Ok(true));
        }
        let Some(current) = head else {
            if mute.holds_back(shared, context) {
                break;
            }
            let Some(entry) = shared.queue.borrow_mut().pop_front() else {
                break;
            };
            shared.all_sent.set(false);
            *head = Some(begin_head(shared, entry));
            continue;
        };
        let Poll::Ready(response) = current.response.as_mut().poll(context) else {
            break;
        };
        let done = head.take().expect("just polled");
        finish(shared, &done);
        if let Some(chain) = response? {
            size += chain.iter().map(Bytes::len).sum::<usize>();
            ready.extend(chain);
        }
        answered.push(done.reservation);
        if size >= limits::SEND_AT_ONCE {
            return Poll::Ready(Ok(false));
        }
    }
    if !ready.is_empty() || !answered.is_empty() {
        return Poll::Ready(Ok(false));
    }
    if head.is_none() {
        shared.all_sent.set(true);
        wake_reader(shared);
        if shared.watched.ending() && shared.queue.borrow().is_empty() {
            return Poll::Ready(Ok(true));
        }
    }
    shared.watched.store_writer(context);
    Poll::Pending
}

/// Waits for the end of a mute, where the next request was read before it began.
#[derive(Default)]
struct Mute {
    timer: Option<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Mute {
    /// Whether the next request of the queue may not begin yet; if so, the writing loop is woken when it may.
    fn holds_back<E: NetEnv>(&mut self, shared: &Shared<E>, context: &mut Context<'_>) -> bool {
        let begins = matches!(shared.queue.borrow().front(), Some(Entry { work: Work::Waiting(_), .. }));
        while begins && let Some(until) = shared.muted_until() {
            let env = shared.core.env.clone();
            let timer =
                self.timer.get_or_insert_with(|| Box::pin(async move { env.sleep(until.since(env.now())).await }));
            if timer.as_mut().poll(context).is_pending() {
                return true;
            }
            self.timer = None;
        }
        false
    }
}

fn begin_head<E: NetEnv>(shared: &Rc<Shared<E>>, entry: Entry) -> Head<'_> {
    let Entry { work, reservation, key, read } = entry;
    match work {
        Work::Begun(response) => Head { response, reservation, waited: false, key, read },
        Work::Waiting(frame) => {
            let core = &shared.core;
            core.metrics.stage(Stage::Queue, read, core.env.turn());
            let response = Box::pin(api::answer(core, &shared.origin, frame));
            Head { response, reservation, waited: true, key, read }
        }
    }
}

/// One request less under way: the reader may go on.
fn finish<E: NetEnv>(shared: &Shared<E>, done: &Head<'_>) {
    shared.core.metrics.answered(done.key, done.read, shared.core.env.turn());
    shared.under_way.set(shared.under_way.get() - 1);
    shared.under_way_bytes.set(shared.under_way_bytes.get() - done.reservation.bytes());
    shared.waiting.set(shared.waiting.get() - usize::from(done.waited));
    wake_reader(shared);
}

fn wake_reader<E: NetEnv>(shared: &Shared<E>) {
    if let Some(reader) = shared.reader.take() {
        reader.wake();
    }
}

/// Sends the responses, in pieces small enough that a slow reader is seen to take some.
async fn send<E: NetEnv>(shared: &Shared<E>, chain: Vec<Bytes>) -> Result<(), Close> {
    let size: usize = chain.iter().map(Bytes::len).sum();
    let core = &shared.core;
    let _unsent = core.budget.take(size);
    let begun = core.env.turn();
    for piece in pieces(chain, size) {
        shared.watched.sending(true);
        let sent = shared.conn.send(piece).await;
        shared.watched.sending(false);
        sent.map_err(|_| Close::PeerGone)?;
    }
    core.metrics.stage(Stage::Socket, begun, core.env.turn());
    core.metrics.count(|counts| counts.sent_bytes += size as u64);
    Ok(())
}

/// The chain, cut into chains of at most [`limits::SEND_PIECE`].
fn pieces(chain: Vec<Bytes>, size: usize) -> Vec<Vec<Bytes>> {
    if size <= limits::SEND_PIECE {
        return vec![chain];
    }
    let mut pieces = Vec::with_capacity(size / limits::SEND_PIECE + 1);
    let (mut piece, mut room) = (Vec::new(), limits::SEND_PIECE);
    for mut bytes in chain {
        while bytes.len() > room {
            piece.push(bytes.split_to(room));
            pieces.push(std::mem::take(&mut piece));
            room = limits::SEND_PIECE;
        }
        room -= bytes.len();
        piece.push(bytes);
    }
    pieces.push(piece);
    pieces
}
