//! The broker's half of the seam: the network of one core and its bells to the others, on top of storage's clock, tasks
//! and disk.
//!
//! Completion-shaped: received buffers come up owned, chains of owned buffers go down, so that provided buffers,
//! multishot receive and zero-copy fit behind it.

use std::{any::Any, fmt, future::Future, io, net::SocketAddr, path::Path, time::Duration};

use bytes::{Bytes, BytesMut};
use corelog_storage::env::Instant;

/// Names a core (an executor) of this node, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CoreId(pub u16);

impl fmt::Display for CoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How much a file system holds, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskSpace {
    /// In all.
    pub total: u64,
    /// Free for this process.
    pub usable: u64,
}

/// Which cores of a node a listening address serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spread {
    /// Every core that calls [`NetEnv::listen`] with this address gets its share of the connections.
    AllCores,
    /// The calling core alone.
    ThisCore,
}

/// A connection between two cores of its node: see [`Conn::detach`]. Dropped, it is closed.
pub struct Detached(pub(crate) Box<dyn Any + Send>);

impl fmt::Debug for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Detached")
    }
}

/// One core's world, network included.
pub trait NetEnv: corelog_storage::env::Env {
    /// A bound socket that accepts.
    type Listener: Listener<Conn = Self::Conn>;
    /// A connected stream.
    type Conn: Conn;

    /// This core.
    fn core(&self) -> CoreId;
    /// How many cores this node runs; ids go from 0 to one less.
    fn cores(&self) -> u16;

    /// The monotonic clock as it was when this core's present turn began, by which it runs all that can run: costs nothing
    /// to read. For measuring, not for deadlines.
    fn turn(&self) -> Instant;
    /// CPU time that this core has used.
    fn cpu_time(&self) -> Duration;

    /// Binds `at` exclusively (a second process gets `AddrInUse`) and listens. With [`Spread::AllCores`] the cores of
    /// a node share one socket: each calls this with the same address (port 0 included) and gets its even share of the
    /// connections.
    fn listen(&self, at: SocketAddr, spread: Spread) -> impl Future<Output = io::Result<Self::Listener>>;
    /// Connects to a peer.
    fn connect(&self, to: SocketAddr) -> impl Future<Output = io::Result<Self::Conn>>;

    /// Takes over a connection that another core of this node gave up.
    fn attach(&self, conn: Detached) -> io::Result<Self::Conn>;

    /// How much the file system that `dir` lies on holds.
    fn disk_space(&self, dir: &Path) -> impl Future<Output = io::Result<DiskSpace>>;

    /// Rings another core's bell: whatever was written to shared memory before is seen by who returns from its
    /// [`NetEnv::notified`] after. Never blocks; many rings before the other looks are one.
    fn notify(&self, core: CoreId);
    /// Resolves once the bell has rung more than `seen` times; returns how often it has. Start from 0.
    fn notified(&self, seen: u64) -> impl Future<Output = u64> + 'static;
}

/// A bound socket, as one core sees it: the cores of a node share one socket.
pub trait Listener: 'static {
    /// What it accepts.
    type Conn: Conn;
    /// The next connection. An error concerns that one accept (too many open files, say): the caller may go on.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Conn>>;
    /// The address it is bound to.
    fn local_addr(&self) -> SocketAddr;
}

/// A connected stream on one core. Clones share it; the last to go closes it. One `recv` and one `send` at a time.
pub trait Conn: Clone + 'static {
    /// The next bytes received, however many; `None` at the end of the stream.
    fn recv(&self) -> impl Future<Output = io::Result<Option<Bytes>>>;
    /// Receives into the spare capacity of `buffer` until it is full; returns it. `UnexpectedEof` if the stream ends.
    /// For frames whose rest is large: the bytes land where they will be used.
    fn recv_exact(&self, buffer: BytesMut) -> impl Future<Output = io::Result<BytesMut>>;
    /// Sends every buffer of the chain, in order, wholly.
    fn send(&self, chain: Vec<Bytes>) -> impl Future<Output = io::Result<()>>;
    /// Ends both directions: a pending `recv` returns `None` or an error, later sends fail.
    fn shutdown(&self);
    /// The other side's address.
    fn peer_addr(&self) -> SocketAddr;
    /// Gives the connection up, for another core to go on with: what was received and not yet returned by
    /// [`Conn::recv`] goes with it. No send may be under way. Clones that stay behind are dead: they neither close nor
    /// shut down what has left. An error ends the connection as one of `recv` does.
    fn detach(&self) -> impl Future<Output = io::Result<Detached>>;
}
