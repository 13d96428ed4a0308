//! A listening socket that the cores of a node share: one of them accepts and deals the connections out in turn.
//!
//! Accepting on every core would be simpler, but the kernel may wake the same core for every connection. A connection
//! is dealt once in its life, so the hop costs nothing that counts.

use std::{
    collections::VecDeque,
    io,
    net::{SocketAddr, TcpListener},
    os::fd::{AsRawFd, OwnedFd, RawFd},
    sync::{Mutex, PoisonError},
};

use crate::core::env::CoreId;

/// Connections the kernel completes before anyone accepts them.
const BACKLOG: i32 = 4096;

/// An accepted socket on its way to its core.
pub(super) type Dealt = io::Result<(OwnedFd, SocketAddr)>;

/// One bound socket and the cores that take their share of its connections.
pub(super) struct SharedListener {
    socket: TcpListener,
    address: SocketAddr,
    hands: Mutex<Hands>,
}

#[derive(Default)]
struct Hands {
    /// In the order they came; the first deals.
    hands: Vec<(CoreId, VecDeque<Dealt>)>,
    next: usize,
    closed: bool,
}

impl SharedListener {
    /// Binds exclusively: a second process that asks for the address is refused.
    pub(super) fn bind(at: SocketAddr) -> io::Result<Self> {
        let socket = TcpListener::bind(at)?;
        // SAFETY: a plain call on a descriptor that lives across it; the standard library's backlog is 128.
        if unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) } != 0 {
            return Err(io::Error::last_os_error());
        }
        let address = socket.local_addr()?;
        Ok(Self { socket, address, hands: Mutex::default() })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Takes a seat; `true` for the first, which must deal.
    pub(super) fn join(&self, core: CoreId) -> bool {
        let mut hands = self.lock();
        assert!(hands.hands.iter().all(|(known, _)| *known != core), "a core listens to an address once");
        hands.hands.push((core, VecDeque::new()));
        hands.hands.len() == 1
    }

    /// Gives the seat up. When the dealer goes, nobody gets any more: the socket stops listening.
    pub(super) fn leave(&self, core: CoreId) {
        let mut hands = self.lock();
        if hands.hands.first().is_some_and(|(dealer, _)| *dealer == core) {
            hands.closed = true;
            // SAFETY: a plain call on a descriptor that lives across it; it ends the accept that is under way.
            unsafe { libc::shutdown(self.socket.as_raw_fd(), libc::SHUT_RDWR) };
        }
        hands.hands.retain(|(known, _)| *known != core);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Gives a connection to the next core in turn; an error to the dealer itself. Says whose bell to ring.
    pub(super) fn deal(&self, dealt: Dealt) -> Option<CoreId> {
        let mut hands = self.lock();
        let turn = if dealt.is_ok() { hands.next } else { 0 };
        hands.next = hands.next.wrapping_add(1);
        let count = hands.hands.len();
        let (core, hand) = hands.hands.get_mut(turn.checked_rem(count)?)?;
        hand.push_back(dealt);
        Some(*core)
    }

    /// The next connection dealt to `core`.
    pub(super) fn take(&self, core: CoreId) -> Option<Dealt> {
        self.lock().hands.iter_mut().find(|(known, _)| *known == core)?.1.pop_front()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
