//! The broker's half of the seam: the network of one core, on top of storage's clock, tasks and disk.
//!
//! Completion-shaped: received buffers come up owned, chains of owned buffers go down, so that provided buffers,
//! multishot receive and zero-copy fit behind it.

use std::{future::Future, io, net::SocketAddr};

use bytes::{Bytes, BytesMut};

/// Names a core (an executor) of this node, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CoreId(pub u16);

/// One core's world, network included.
pub trait NetEnv: corelog_storage::env::Env {
    /// A bound socket that accepts.
    type Listener: Listener<Conn = Self::Conn>;
    /// A connected stream.
    type Conn: Conn;

    /// Connects to a peer.
    fn connect(&self, to: SocketAddr) -> impl Future<Output = io::Result<Self::Conn>>;
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
}
