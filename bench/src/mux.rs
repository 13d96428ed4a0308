//! Many connections in one thread: epoll, so that the load costs the machine little beside the broker.

use crate::client::{Connection, LONGEST_ANSWER};
use crate::error::{Error, Result};
use bytes::{Bytes, BytesMut};
use corelog_wire::frame;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::Duration;

const READ_CHUNK: usize = 256 << 10;
const EVENTS: usize = 256;
const CLOSED: &str = "the broker closed a connection";

struct Lane {
    stream: TcpStream,
    received: BytesMut,
    unsent: Vec<u8>,
}

/// Connections that are written to and read from without waiting for any one of them.
pub(crate) struct Mux {
    epoll: OwnedFd,
    lanes: Vec<Lane>,
    chunk: Vec<u8>,
}

impl Mux {
    pub(crate) fn open(broker: &str, connections: usize) -> Result<Self> {
        // SAFETY: a new descriptor, owned here and by nobody else; checked before use.
        let epoll = unsafe {
            let fd = libc::epoll_create1(libc::EPOLL_CLOEXEC);
            if fd < 0 {
                return Err(std::io::Error::last_os_error().into());
            }
            OwnedFd::from_raw_fd(fd)
        };
        let mut mux = Self { epoll, lanes: Vec::new(), chunk: vec![0; READ_CHUNK] };
        for _ in 0..connections {
            let stream = Connection::open(broker)?.into_stream();
            stream.set_nonblocking(true)?;
            mux.lanes.push(Lane { stream, received: BytesMut::new(), unsent: Vec::new() });
            mux.interest(mux.lanes.len() - 1, libc::EPOLL_CTL_ADD, libc::EPOLLIN)?;
        }
        Ok(mux)
    }

    pub(crate) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Bytes that the sockets have not taken yet.
    pub(crate) fn unsent(&self) -> usize {
        self.lanes.iter().map(|lane| lane.unsent.len()).sum()
    }

    fn interest(&self, lane: usize, operation: i32, events: i32) -> Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: lane as u64 };
        let fd = self.lanes[lane].stream.as_raw_fd();
        // SAFETY: both descriptors are open and the event outlives the call.
        match unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, fd, &mut event) } {
            0 => Ok(()),
            _ => Err(std::io::Error::last_os_error().into()),
        }
    }

    /// Sends a frame, or as much as the socket takes; the rest follows when it takes more.
    pub(crate) fn send(&mut self, lane: usize, bytes: &[u8]) -> Result<()> {
        if !self.lanes[lane].unsent.is_empty() {
            self.lanes[lane].unsent.extend_from_slice(bytes);
            return Ok(());
        }
        let sent = write_some(&mut self.lanes[lane].stream, bytes)?;
        if sent < bytes.len() {
            self.lanes[lane].unsent.extend_from_slice(&bytes[sent..]);
            self.interest(lane, libc::EPOLL_CTL_MOD, libc::EPOLLIN | libc::EPOLLOUT)?;
        }
        Ok(())
    }

    fn flush(&mut self, at: usize) -> Result<()> {
        let lane = &mut self.lanes[at];
        let sent = write_some(&mut lane.stream, &lane.unsent)?;
        lane.unsent.drain(..sent);
        if lane.unsent.is_empty() {
            self.interest(at, libc::EPOLL_CTL_MOD, libc::EPOLLIN)?;
        }
        Ok(())
    }

    /// Waits for answers at most so long; appends each frame's content with its connection.
    pub(crate) fn receive(&mut self, wait: Duration, answers: &mut Vec<(usize, Bytes)>) -> Result<()> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        let wait = libc::timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        // epoll_pwait2, which glibc has only since 2.35: epoll_wait knows no time below a millisecond.
        // SAFETY: the array has room for as many events as said, and the time outlives the call.
        let ready = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                EVENTS,
                &raw const wait,
                std::ptr::null::<libc::sigset_t>(),
                0_usize,
            )
        };
        if ready < 0 {
            let error = std::io::Error::last_os_error();
            return if error.kind() == ErrorKind::Interrupted { Ok(()) } else { Err(error.into()) };
        }
        for event in &events[..ready as usize] {
            let (lane, what) = (event.u64 as usize, event.events as i32);
            if what & libc::EPOLLOUT != 0 {
                self.flush(lane)?;
            }
            if what & !libc::EPOLLOUT != 0 {
                self.read(lane, answers)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, at: usize, answers: &mut Vec<(usize, Bytes)>) -> Result<()> {
        let lane = &mut self.lanes[at];
        match lane.stream.read(&mut self.chunk) {
            Ok(0) => return Err(std::io::Error::new(ErrorKind::UnexpectedEof, CLOSED).into()),
            Ok(count) => lane.received.extend_from_slice(&self.chunk[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        while let Some(prefix) = lane.received.first_chunk::<{ frame::PREFIX }>() {
            let length = frame::length(*prefix, LONGEST_ANSWER).map_err(|e| Error::Broken(e.to_string()))?;
            if lane.received.len() < frame::PREFIX + length {
                break;
            }
            let whole = lane.received.split_to(frame::PREFIX + length).freeze();
            answers.push((at, whole.slice(frame::PREFIX..)));
        }
        Ok(())
    }
}

fn write_some(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match stream.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(sent)
}
