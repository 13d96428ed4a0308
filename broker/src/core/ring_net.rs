//! The network of the real environment: streams over the core's ring.

use std::{
    cell::Cell,
    io,
    net::SocketAddr,
    os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd},
    path::Path,
    rc::Rc,
    sync::{Arc, PoisonError},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use corelog_storage::env::{Env, Instant, Lane};
use io_uring::{opcode, types};

use crate::core::{
    clock,
    env::{Conn, CoreId, Detached, DiskSpace, Listener, NetEnv, Spread},
    receiver::{Received, Receiver},
    ring::{Abandoned, Completion},
    ring_env::{Core, RingEnv},
    ring_file,
    shared_listener::{Dealt, SharedListener},
    socket_address::SocketAddress,
};

/// Pieces of a chain sent at a time.
const PIECES: usize = 64;
/// A send of so much finds room in its socket, unless the peer does not read.
const PROMPT_SEND: usize = 16 << 10;
/// How long accepting rests after an error (too many open files, say), which would come again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl NetEnv for RingEnv {
    type Listener = RingListener;
    type Conn = RingConn;

    fn core(&self) -> CoreId {
        self.core.id
    }

    fn cores(&self) -> u16 {
        self.core.node.cores()
    }

    fn turn(&self) -> Instant {
        self.core.turn.get()
    }

    fn cpu_time(&self) -> Duration {
        clock::cpu_time()
    }

    async fn listen(&self, at: SocketAddr, spread: Spread) -> io::Result<RingListener> {
        let shared = match spread {
            Spread::ThisCore => Arc::new(SharedListener::bind(at)?),
            Spread::AllCores => {
                let mut known = self.core.node.listeners.lock().unwrap_or_else(PoisonError::into_inner);
                known.retain(|_, listener| !listener.is_closed());
                match known.get(&at) {
                    Some(shared) => shared.clone(),
                    None => {
                        let shared = Arc::new(SharedListener::bind(at)?);
                        known.insert(at, shared.clone());
                        shared
                    }
                }
            }
        };
        if shared.join(self.core.id) {
            self.spawn(Lane::Latency, deal(self.clone(), shared.clone()));
        }
        Ok(RingListener { env: self.clone(), shared })
    }

    async fn connect(&self, to: SocketAddr) -> io::Result<RingConn> {
        let family = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        // SAFETY: creates a descriptor, owned from here on.
        let socket = match unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) } {
            -1 => return Err(io::Error::last_os_error()),
            // SAFETY: as above.
            socket => unsafe { OwnedFd::from_raw_fd(socket) },
        };
        let address = Box::new(SocketAddress::from(to));
        let entry = opcode::Connect::new(types::Fd(socket.as_raw_fd()), address.pointer(), address.len()).build();
        // SAFETY: the address is on the heap and owned by the operation, as is the socket.
        let (outcome, (socket, _)) =
            unsafe { self.core.operate(entry, (socket, address), Abandoned::IS_CANCELED) }.await;
        outcome?;
        RingConn::new(&self.core, socket, to)
    }

    fn attach(&self, conn: Detached) -> io::Result<RingConn> {
        let moved = conn.0.downcast::<Moved>().map_err(|_| io::Error::other("a connection of another world"))?;
        Ok(RingConn::over(&self.core, moved.socket, moved.peer, moved.received))
    }

    async fn disk_space(&self, dir: &Path) -> io::Result<DiskSpace> {
        ring_file::disk_space(self, dir).await
    }

    fn notify(&self, core: CoreId) {
        self.notify_core(core);
    }

    fn notified(&self, seen: u64) -> impl Future<Output = u64> + 'static {
        self.wait_for_bell(seen)
    }
}

/// Accepts, and deals out, until the listener closes.
async fn deal(env: RingEnv, shared: Arc<SharedListener>) {
    while !shared.is_closed() {
        let entry = opcode::AcceptMulti::new(types::Fd(shared.descriptor())).flags(libc::SOCK_CLOEXEC).build();
        let accepts = env.core.ring.submit_stream(entry, usize::MAX, Abandoned::CLOSES);
        let mut last = false;
        while !last && !shared.is_closed() {
            let arrival = accepts.next().await;
            last = arrival.last;
            let dealt = accepted(arrival.completion);
            if shared.is_closed() {
                return;
            }
            let failed = dealt.is_err();
            if let Some(core) = shared.deal(dealt) {
                env.notify_core(core);
            }
            if failed {
                env.sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The socket an accept brought, and who is at its other end.
fn accepted(completion: Completion) -> Dealt {
    // SAFETY: the kernel just made this descriptor for us.
    let socket = unsafe { OwnedFd::from_raw_fd(completion.into_result()? as RawFd) };
    let peer = SocketAddress::of_peer(socket.as_raw_fd())?;
    Ok((socket, peer))
}

/// One core's seat at a shared listening socket.
pub struct RingListener {
    env: RingEnv,
    shared: Arc<SharedListener>,
}

impl Listener for RingListener {
    type Conn = RingConn;

    async fn accept(&self) -> io::Result<RingConn> {
        let core = &self.env.core;
        loop {
            let seen = core.rung();
            if let Some(dealt) = self.shared.take(core.id) {
                let (socket, peer) = dealt?;
                return RingConn::new(core, socket, peer);
            }
            self.env.wait_for_bell(seen).await;
        }
    }

    fn local_addr(&self) -> SocketAddr {
        self.shared.address()
    }
}

impl Drop for RingListener {
    fn drop(&mut self) {
        self.shared.leave(self.env.core.id);
    }
}

/// A connected stream.
#[derive(Clone)]
pub struct RingConn {
    stream: Rc<Stream>,
}

struct Stream {
    core: Rc<Core>,
    /// [`GONE`] once it belongs to another core.
    socket: Cell<RawFd>,
    peer: SocketAddr,
    receiver: Receiver,
}

/// No descriptor: calls on it fail.
const GONE: RawFd = -1;

/// What travels of a connection.
struct Moved {
    socket: OwnedFd,
    peer: SocketAddr,
    received: Received,
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.socket.get() != GONE {
            self.core.ring.close(self.socket.get());
        }
    }
}

impl RingConn {
    fn new(core: &Rc<Core>, socket: OwnedFd, peer: SocketAddr) -> io::Result<Self> {
        let on: i32 = 1;
        // SAFETY: reads an integer that lives across the call.
        let outcome = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_NODELAY,
                (&raw const on).cast(),
                size_of::<i32>() as libc::socklen_t,
            )
        };
        if outcome != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self::over(core, socket, peer, Received::default()))
    }

    fn over(core: &Rc<Core>, socket: OwnedFd, peer: SocketAddr, received: Received) -> Self {
        let socket = socket.into_raw_fd();
        let receiver = Receiver::new(core.ring.clone(), socket, received);
        Self { stream: Rc::new(Stream { core: core.clone(), socket: Cell::new(socket), peer, receiver }) }
    }

    fn fd(&self) -> types::Fd {
        types::Fd(self.stream.socket.get())
    }
}

impl Conn for RingConn {
    async fn recv(&self) -> io::Result<Option<Bytes>> {
        self.stream.receiver.recv().await
    }

    async fn recv_exact(&self, buffer: BytesMut) -> io::Result<BytesMut> {
        self.stream.receiver.recv_exact(buffer).await
    }

    async fn send(&self, chain: Vec<Bytes>) -> io::Result<()> {
        if chain.iter().map(Bytes::len).sum::<usize>() <= PROMPT_SEND {
            self.stream.core.ring.expect_prompt();
        }
        let mut rest = Chain::new(chain);
        while !rest.is_empty() {
            let entry = rest.entry(self.fd());
            // SAFETY: the pieces are shared memory on the heap and the header is boxed; the operation owns both.
            let (outcome, mut back) = unsafe { self.stream.core.operate(entry, rest, Abandoned::IS_CANCELED) }.await;
            back.advance(outcome? as usize);
            rest = back;
        }
        Ok(())
    }

    fn shutdown(&self) {
        // SAFETY: a plain call on a descriptor that lives across it. It fails only if the stream is down or gone already.
        unsafe { libc::shutdown(self.stream.socket.get(), libc::SHUT_RDWR) };
    }

    fn peer_addr(&self) -> SocketAddr {
        self.stream.peer
    }

    async fn detach(&self) -> io::Result<Detached> {
        let received = self.stream.receiver.detach().await?;
        // SAFETY: the stream gives its descriptor up, and nothing of this core works on it any more.
        let socket = unsafe { OwnedFd::from_raw_fd(self.stream.socket.replace(GONE)) };
        Ok(Detached(Box::new(Moved { socket, peer: self.stream.peer, received })))
    }
}

/// What is yet to be sent of a chain, and the header that tells the kernel.
struct Chain {
    pieces: std::vec::IntoIter<Bytes>,
    header: Option<Box<Header>>,
}

struct Header {
    vectors: [libc::iovec; PIECES],
    message: libc::msghdr,
}

impl Chain {
    fn new(mut chain: Vec<Bytes>) -> Self {
        chain.retain(|piece| !piece.is_empty());
        Self { pieces: chain.into_iter(), header: None }
    }

    fn is_empty(&self) -> bool {
        self.pieces.as_slice().is_empty()
    }

    /// The operation that sends as much as goes at once.
    fn entry(&mut self, to: types::Fd) -> io_uring::squeue::Entry {
        let flags = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
        if let [piece] = self.pieces.as_slice() {
            return opcode::Send::new(to, piece.as_ptr(), piece.len() as u32).flags(flags).build();
        }
        // SAFETY: structs of integers and pointers, of which zeroes are valid.
        let header = self.header.get_or_insert_with(|| Box::new(unsafe { std::mem::zeroed() }));
        let mut count = 0;
        for (vector, piece) in header.vectors.iter_mut().zip(self.pieces.as_slice()) {
            *vector = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
            count += 1;
        }
        header.message.msg_iov = header.vectors.as_mut_ptr();
        header.message.msg_iovlen = count;
        opcode::SendMsg::new(to, &raw const header.message).flags(flags as u32).build()
    }

    /// Drops what was sent.
    fn advance(&mut self, mut sent: usize) {
        while let Some(first) = self.pieces.as_slice().first() {
            if sent < first.len() {
                break;
            }
            sent -= first.len();
            self.pieces.next();
        }
        if sent > 0 {
            let mut rest: Vec<Bytes> = self.pieces.by_ref().collect();
            rest[0] = rest[0].slice(sent..);
            self.pieces = rest.into_iter();
        }
    }
}
