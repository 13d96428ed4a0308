//! The receiving half of a connection.
//!
//! Small requests come through one multishot receive into the core's provided buffers: no submission and no memory for
//! each. A large frame's rest is received straight into the caller's buffer, for which the multishot receive is ended;
//! a connection that keeps sending large frames stays with single receives. Nothing is lost when a future is dropped:
//! operations and what they brought belong to the connection.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::poll_fn,
    io,
    mem::MaybeUninit,
    os::fd::RawFd,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use io_uring::{opcode, types};

use crate::core::{
    buffer_group::GROUP,
    ring::{Abandoned, Completion, Operation, Ring, Stream},
};

/// What a single receive takes at most.
const SINGLE: usize = 8 << 10;
/// Single receives in a row, no large frame between them, after which multishot pays again.
const SINGLES_BEFORE_STREAM: u32 = 16;
/// Arrivals that wait to be read before the kernel is told to stop receiving.
const UNREAD: usize = 8;
/// The most one operation can receive.
const OPERATION: usize = 1 << 30;

/// Receives from one socket.
pub(super) struct Receiver {
    ring: Rc<Ring>,
    socket: RawFd,
    state: RefCell<State>,
}

/// What a connection received that nobody has asked for yet.
#[derive(Default)]
pub(super) struct Received {
    unread: VecDeque<Bytes>,
    /// The end of the stream follows.
    ended: bool,
}

#[derive(Default)]
struct State {
    received: Received,
    stream: Option<Stream>,
    single: Option<Operation<BytesMut>>,
    /// The single receive was told to end.
    canceled: bool,
    /// Single receives left until multishot is tried.
    singles: u32,
}

/// What an operation brought.
enum Arrived {
    Bytes(Bytes),
    End,
    /// The multishot receive is over: told to, or short of buffers.
    Over,
}

impl Receiver {
    /// Receives from `socket`, after what was `received` elsewhere.
    pub(super) fn new(ring: Rc<Ring>, socket: RawFd, received: Received) -> Self {
        Self { ring, socket, state: RefCell::new(State { received, ..State::default() }) }
    }

    /// Ends what has begun, and gives away what it brought: another core receives from here on.
    pub(super) async fn detach(&self) -> io::Result<Received> {
        let mut received = std::mem::take(&mut self.state.borrow_mut().received);
        self.state.borrow_mut().cancel();
        while let Some(bytes) = poll_fn(|context| self.poll_begun(context)).await? {
            received.unread.push_back(bytes);
        }
        received.ended |= self.state.borrow().received.ended;
        Ok(received)
    }

    /// The next bytes; `None` at the end.
    pub(super) async fn recv(&self) -> io::Result<Option<Bytes>> {
        poll_fn(|context| self.poll_recv(context)).await
    }

    /// Fills the spare capacity of `frame`.
    pub(super) async fn recv_exact(&self, mut frame: BytesMut) -> io::Result<BytesMut> {
        let wanted = frame.capacity();
        let end_stream = |state: &State| state.stream.as_ref().inspect(|stream| stream.cancel()).is_some();
        self.state.borrow_mut().singles = SINGLES_BEFORE_STREAM;
        let streaming = end_stream(&self.state.borrow());
        // What was or is being received already comes first; the kernel's last word on it must be awaited.
        while frame.len() < wanted && (streaming || self.has_begun()) {
            let bytes = poll_fn(|context| self.poll_begun(context)).await?;
            let Some(mut bytes) = bytes else { break };
            let rest = bytes.split_off(bytes.len().min(wanted - frame.len()));
            frame.extend_from_slice(&bytes);
            if !rest.is_empty() {
                self.state.borrow_mut().received.unread.push_front(rest);
            }
        }
        while frame.len() < wanted {
            if self.state.borrow().received.ended {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let operation = self.submit(frame, libc::MSG_WAITALL);
            let (completion, back) = operation.await;
            let (back, received) = filled(completion, back)?;
            frame = back;
            if received == 0 {
                self.state.borrow_mut().received.ended = true;
            }
        }
        Ok(frame)
    }

    fn has_begun(&self) -> bool {
        let state = self.state.borrow();
        !state.received.unread.is_empty() || state.stream.is_some() || state.single.is_some()
    }

    /// The next bytes of what has begun; `None` once nothing is under way.
    fn poll_begun(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        while self.has_begun() {
            let mut state = self.state.borrow_mut();
            if let Some(bytes) = state.received.unread.pop_front() {
                return Poll::Ready(Ok(Some(bytes)));
            }
            match ready!(state.poll_arrival(context))? {
                Arrived::Bytes(bytes) => return Poll::Ready(Ok(Some(bytes))),
                Arrived::End => state.received.ended = true,
                Arrived::Over => {}
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_recv(&self, context: &mut Context<'_>) -> Poll<io::Result<Option<Bytes>>> {
        loop {
            if let Some(bytes) = ready!(self.poll_begun(context))? {
                return Poll::Ready(Ok(Some(bytes)));
            }
            let mut state = self.state.borrow_mut();
            if state.received.ended {
                return Poll::Ready(Ok(None));
            }
            if state.singles == 0 {
                let entry = opcode::RecvMulti::new(types::Fd(self.socket), GROUP).build();
                state.stream = Some(self.ring.submit_stream(entry, UNREAD, Abandoned::IS_CANCELED));
            } else {
                state.singles -= 1;
                state.single = Some(self.submit(BytesMut::with_capacity(SINGLE), 0));
            }
        }
    }

    fn submit(&self, mut buffer: BytesMut, flags: i32) -> Operation<BytesMut> {
        let room: &mut [MaybeUninit<u8>] = buffer.spare_capacity_mut();
        let (pointer, len) = (room.as_mut_ptr().cast(), room.len().min(OPERATION) as u32);
        let entry = opcode::Recv::new(types::Fd(self.socket), pointer, len).flags(flags).build();
        // SAFETY: the buffer is memory on the heap, owned by the operation.
        unsafe { self.ring.submit(entry, buffer, Abandoned::IS_CANCELED) }
    }
}

impl State {
    /// Tells what has begun to end; its last word is still to come.
    fn cancel(&mut self) {
        if let Some(stream) = &self.stream {
            stream.cancel();
        }
        if let Some(single) = &self.single {
            self.canceled = true;
            single.cancel();
        }
    }

    /// What the operation under way brings next; there is one.
    fn poll_arrival(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Arrived>> {
        if let Some(single) = &mut self.single {
            let (completion, buffer) = ready!(std::pin::Pin::new(single).poll(context));
            self.single = None;
            if completion.result == -libc::ECANCELED && std::mem::take(&mut self.canceled) {
                return Poll::Ready(Ok(Arrived::Over));
            }
            let (buffer, received) = filled(completion, buffer)?;
            return Poll::Ready(Ok(if received == 0 { Arrived::End } else { Arrived::Bytes(buffer.freeze()) }));
        }
        let Some(stream) = &self.stream else { return Poll::Ready(Ok(Arrived::Over)) };
        let arrival = ready!(stream.poll_next(context));
        if arrival.last {
            self.stream = None;
        }
        Poll::Ready(match (arrival.completion.result, arrival.bytes) {
            (_, Some(bytes)) if !bytes.is_empty() => Ok(Arrived::Bytes(bytes)),
            (0, _) => Ok(Arrived::End),
            (code, _) if code == -libc::ECANCELED => Ok(Arrived::Over),
            (code, _) if code == -libc::ENOBUFS => {
                self.singles = 1; // buffers are back by then
                Ok(Arrived::Over)
            }
            (code, _) => Err(io::Error::from_raw_os_error(-code)),
        })
    }
}

/// The buffer with what a receive put into it, and how much.
fn filled(completion: Completion, mut buffer: BytesMut) -> io::Result<(BytesMut, usize)> {
    let received = completion.into_result()? as usize;
    // SAFETY: the kernel filled so many bytes of the spare room.
    unsafe { buffer.set_len(buffer.len() + received) };
    Ok((buffer, received))
}
