//! Simulated connections: two pipes whose segments arrive in order, late, and in pieces.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::poll_fn,
    io,
    net::SocketAddr,
    rc::Rc,
    task::{Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use corelog_storage::{env::Instant, sim::HostId};

use super::network::Network;
use crate::core::env::{Conn, Detached};

/// Bytes under way in one direction before the sender waits.
const WINDOW: usize = 256 << 10;

/// What both ends of a connection share.
pub(super) struct Link {
    network: Network,
    hosts: (HostId, HostId),
    /// By receiving end.
    pipes: [RefCell<Pipe>; 2],
    cut: Cell<bool>,
}

#[derive(Default)]
struct Pipe {
    segments: VecDeque<(Instant, Bytes)>,
    unread: usize,
    /// The sender will send no more.
    ended: bool,
    /// The receiver takes no more.
    deaf: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn wake(&mut self) {
        [self.reader.take(), self.writer.take()].into_iter().flatten().for_each(Waker::wake);
    }
}

impl Link {
    /// A connection and its two ends.
    pub(super) fn new(
        network: Network,
        hosts: (HostId, HostId),
        (client, server): (SocketAddr, SocketAddr),
    ) -> (Rc<Self>, SimConn, SimConn) {
        let link = Rc::new(Self { network, hosts, pipes: Default::default(), cut: Cell::new(false) });
        let end = |side, peer| SimConn::new(link.clone(), side, peer);
        let (near, far) = (end(0, server), end(1, client));
        (link, near, far)
    }

    pub(super) fn touches(&self, host: HostId) -> bool {
        self.hosts.0 == host || self.hosts.1 == host
    }

    /// What is under way is lost; both ends learn of it.
    pub(super) fn cut(&self) {
        self.cut.set(true);
        for pipe in &self.pipes {
            let mut pipe = pipe.borrow_mut();
            pipe.segments.clear();
            pipe.wake();
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.cut.get() { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) }
    }
}

/// One end of a simulated connection.
#[derive(Clone)]
pub struct SimConn {
    end: Rc<End>,
}

struct End {
    link: Rc<Link>,
    side: usize,
    peer: SocketAddr,
    /// It belongs to another core.
    left: Cell<bool>,
}

impl SimConn {
    fn new(link: Rc<Link>, side: usize, peer: SocketAddr) -> Self {
        Self { end: Rc::new(End { link, side, peer, left: Cell::new(false) }) }
    }
}

impl End {
    fn inbound(&self) -> &RefCell<Pipe> {
        &self.link.pipes[self.side]
    }

    fn outbound(&self) -> &RefCell<Pipe> {
        &self.link.pipes[1 - self.side]
    }

    /// The host this end is on.
    fn host(&self) -> HostId {
        if self.side == 0 { self.link.hosts.0 } else { self.link.hosts.1 }
    }

    fn close(&self) {
        if self.left.get() {
            return;
        }
        let mut inbound = self.inbound().borrow_mut();
        inbound.deaf = true;
        inbound.segments.clear();
        inbound.unread = 0;
        inbound.wake();
        drop(inbound);
        let mut outbound = self.outbound().borrow_mut();
        outbound.ended = true;
        outbound.wake();
    }

    /// The next bytes, at most `limit`, when they have arrived.
    async fn receive(&self, limit: usize) -> io::Result<Option<Bytes>> {
        let world = self.link.network.world();
        loop {
            let arrives = poll_fn(|context| {
                let mut pipe = self.inbound().borrow_mut();
                if pipe.deaf {
                    return Poll::Ready(io::Result::Ok(None));
                }
                self.link.check()?;
                match pipe.segments.front() {
                    Some((arrives, _)) => Poll::Ready(Ok(Some(*arrives))),
                    None if pipe.ended => Poll::Ready(Ok(None)),
                    None => {
                        pipe.reader = Some(context.waker().clone());
                        Poll::Pending
                    }
                }
            })
            .await;
            let Some(arrives) = arrives? else { return Ok(None) };
            if arrives > world.now() {
                world.sleep_until(arrives).await;
            }
            let mut pipe = self.inbound().borrow_mut();
            let Some((_, segment)) = pipe.segments.front_mut() else { continue };
            let most = limit.min(segment.len()).min(self.link.network.faults().piece.max(1));
            let count = world.rng().between(1, most as u64) as usize;
            let bytes = segment.split_to(count);
            if segment.is_empty() {
                pipe.segments.pop_front();
            }
            pipe.unread -= count;
            if let Some(writer) = pipe.writer.take() {
                writer.wake();
            }
            world.trace(count as u64);
            return Ok(Some(bytes));
        }
    }

    async fn room(&self) -> io::Result<()> {
        poll_fn(|context| {
            self.link.check()?;
            let mut pipe = self.outbound().borrow_mut();
            if pipe.deaf || pipe.ended {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if pipe.unread < WINDOW {
                return Poll::Ready(Ok(()));
            }
            pipe.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    async fn send_piece(&self, piece: Bytes) -> io::Result<()> {
        self.room().await?;
        let network = &self.link.network;
        let faults = network.faults();
        if network.strikes(faults.cuts, "connection cut") {
            self.link.cut();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let mut arrives = network.world().now().after(network.delay());
        if network.strikes(faults.stalls, "network stall") {
            arrives = arrives.after(faults.stall);
        }
        let mut pipe = self.outbound().borrow_mut();
        let arrives = pipe.segments.back().map_or(arrives, |(before, _)| arrives.max(*before));
        pipe.unread += piece.len();
        pipe.segments.push_back((arrives, piece));
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
        Ok(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.close();
    }
}

impl Conn for SimConn {
    async fn recv(&self) -> io::Result<Option<Bytes>> {
        self.end.receive(usize::MAX).await
    }

    async fn recv_exact(&self, mut buffer: BytesMut) -> io::Result<BytesMut> {
        let wanted = buffer.capacity();
        while buffer.len() < wanted {
            match self.end.receive(wanted - buffer.len()).await? {
                Some(bytes) => buffer.extend_from_slice(&bytes),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Ok(buffer)
    }

    async fn send(&self, chain: Vec<Bytes>) -> io::Result<()> {
        for mut piece in chain {
            while !piece.is_empty() {
                let segment = piece.split_to(piece.len().min(WINDOW / 4));
                self.end.send_piece(segment).await?;
            }
        }
        Ok(())
    }

    fn shutdown(&self) {
        self.end.close();
    }

    fn peer_addr(&self) -> SocketAddr {
        self.end.peer
    }

    async fn detach(&self) -> io::Result<Detached> {
        self.end.link.check()?;
        let End { link, side, peer, left } = &*self.end;
        left.set(true);
        let end = Self::new(link.clone(), *side, *peer);
        Ok(Detached(Box::new(link.network.detach(self.end.host(), end))))
    }
}
