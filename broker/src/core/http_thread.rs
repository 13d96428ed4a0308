//! A plain thread that answers an operator's HTTP requests beside the cores: one request for each connection, few
//! connections at a time, each for a short time only, at a low priority. Who is slow, or sends nonsense, harms nobody.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use crate::{
    core::clock,
    limits::{HTTP_CONNECTIONS, HTTP_PATIENCE, HTTP_REQUEST},
};

/// The cores come first.
const NICENESS: libc::c_int = 10;

/// What answers: the response's bytes to what has arrived of a request, `None` while more is to come. With `true`, no
/// more is taken. Last, the cores' clock.
type Answer = dyn Fn(&[u8], bool, corelog_storage::env::Instant) -> Option<Vec<u8>> + Send;

/// A socket that is bound and not yet served.
pub struct HttpListener(TcpListener);

impl HttpListener {
    /// Binds `at`.
    pub fn bind(at: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(at)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Starts the thread; it lives as long as the process.
    pub fn serve<F>(self, answer: F) -> io::Result<()>
    where
        F: Fn(&[u8], bool, corelog_storage::env::Instant) -> Option<Vec<u8>> + Send + 'static,
    {
        let thread = std::thread::Builder::new().name("corelog-http".into());
        // Signals are for the thread that waits for them.
        without_signals(|| thread.spawn(move || serve(&self.0, &answer)))?;
        Ok(())
    }
}

/// What `start` starts hears no signal.
fn without_signals<T>(start: impl FnOnce() -> T) -> T {
    // SAFETY: sets of bits, of which zeroes are valid; both live across the calls.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let started = start();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        started
    }
}

fn serve(listener: &TcpListener, answer: &Answer) -> ! {
    // SAFETY: of this thread alone; a refusal leaves the priority as it is.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    let mut connections: VecDeque<Connection> = VecDeque::new();
    loop {
        wait(listener, &connections);
        let now = Instant::now();
        connections.retain_mut(|connection| now < connection.deadline && connection.go_on(answer));
        accept(listener, &mut connections);
    }
}

/// Takes who is there; the oldest make room.
fn accept(listener: &TcpListener, connections: &mut VecDeque<Connection>) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                if connections.len() >= HTTP_CONNECTIONS {
                    connections.pop_front();
                }
                connections.extend(Connection::new(stream));
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return,
            // Too many open files, say: nobody is taken for a moment.
            Err(_) => return std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Blocks until a socket is ready, or somebody's time is over.
fn wait(listener: &TcpListener, connections: &VecDeque<Connection>) {
    let poll = |fd, events| libc::pollfd { fd, events, revents: 0 };
    let mut sockets = vec![poll(listener.as_raw_fd(), libc::POLLIN)];
    sockets.extend(connections.iter().map(|connection| poll(connection.stream.as_raw_fd(), connection.waits_for())));
    let next = connections.iter().map(|connection| connection.deadline).min();
    let timeout = next.map_or(-1, |next| next.saturating_duration_since(Instant::now()).as_millis() as i32 + 1);
    // SAFETY: the array lives across the call and has the length that is told.
    unsafe { libc::poll(sockets.as_mut_ptr(), sockets.len() as libc::nfds_t, timeout) };
}

/// One request and its response.
struct Connection {
    stream: TcpStream,
    deadline: Instant,
    request: Vec<u8>,
    /// Once there is one, with what is sent of it.
    response: Option<(Vec<u8>, usize)>,
}

impl Connection {
    fn new(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        let deadline = Instant::now() + HTTP_PATIENCE;
        Some(Self { stream, deadline, request: Vec::new(), response: None })
    }

    fn waits_for(&self) -> libc::c_short {
        if self.response.is_some() { libc::POLLOUT } else { libc::POLLIN }
    }

    /// Does what can be done now; whether there is more to do.
    fn go_on(&mut self, answer: &Answer) -> bool {
        match self.read(answer).and_then(|()| self.write()) {
            Ok(more) => more,
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    /// Returns once there is a response.
    fn read(&mut self, answer: &Answer) -> io::Result<()> {
        while self.response.is_none() {
            let mut bytes = [0; 1024];
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            self.request.extend_from_slice(&bytes[..read]);
            let full = self.request.len() >= HTTP_REQUEST;
            self.response = answer(&self.request, full, clock::now()).map(|response| (response, 0));
        }
        Ok(())
    }

    /// Whether there is more to send, or to wait for.
    fn write(&mut self) -> io::Result<bool> {
        let Some((response, sent)) = &mut self.response else { return Ok(true) };
        while *sent < response.len() {
            *sent += self.stream.write(&response[*sent..])?;
        }
        // What else was sent is read, or the peer would lose the response to a reset.
        let mut rest = [0; HTTP_REQUEST];
        let _ = self.stream.read(&mut rest);
        self.stream.shutdown(std::net::Shutdown::Write)?;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> SocketAddr {
        let listener = HttpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let at = listener.address().unwrap();
        let answer = |bytes: &[u8], full: bool, _| (bytes.ends_with(b"!") || full).then(|| vec![b'x'; 4 << 20]);
        listener.serve(answer).unwrap();
        at
    }

    fn ask(at: SocketAddr) -> usize {
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"please!").unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        response.len()
    }

    #[test]
    fn who_asks_is_answered_however_many_are_silent_or_take_nothing() {
        let at = started();
        let silent: Vec<_> = (0..2 * HTTP_CONNECTIONS).map(|_| TcpStream::connect(at).unwrap()).collect();
        assert_eq!(ask(at), 4 << 20);
        let greedy: Vec<_> = (0..2 * HTTP_CONNECTIONS)
            .map(|_| {
                let mut stream = TcpStream::connect(at).unwrap();
                stream.write_all(b"please!").unwrap();
                stream
            })
            .collect();
        assert_eq!(ask(at), 4 << 20);
        drop((silent, greedy));
    }

    #[test]
    fn who_takes_too_long_is_hung_up_on() {
        let at = started();
        let mut stream = TcpStream::connect(at).unwrap();
        stream.write_all(b"ple").unwrap();
        let begun = Instant::now();
        assert_eq!(stream.read(&mut [0; 8]).unwrap_or(0), 0);
        let waited = begun.elapsed();
        assert!(waited >= HTTP_PATIENCE - Duration::from_secs(1) && waited < HTTP_PATIENCE * 2, "{waited:?}");
    }
}
