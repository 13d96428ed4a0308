//! Cuts the bytes of one connection into request frames: pure, no I/O.
//!
//! Inputs: [`ConnectionMachine::received`] (bytes from the socket) and [`ConnectionMachine::filled`] (a large frame's
//! buffer, received into). Effects: what [`ConnectionMachine::next`] says to do.
//!
//! Invariants:
//! - Frames come out whole, once, in the order of their bytes; a frame within one received buffer is a view of it.
//! - Memory held is at most [`crate::limits::FRAME_BUFFER_GROWTH`] times what has arrived (or the least buffer),
//!   whatever length was announced; or as much as the last frame took that came whole, up to
//!   [`crate::limits::FRAME_BUFFER_SHOWN`]: who sends batch after batch has each received into one buffer.
//! - A length or an API key that cannot be served is an error as soon as its bytes are there; nothing follows an error.

use bytes::{Bytes, BytesMut};

use crate::limits;

/// The longest frame that an API and version may have; `None`: nothing of that key is served.
pub type FrameLimit = fn(api_key: i16, first_request: bool) -> Option<usize>;

/// Why a connection's bytes cannot be understood any further. The peer is at fault; the connection is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameError {
    /// A frame length below zero.
    Negative(i32),
    /// A frame too short for a request header.
    TooShort(usize),
    /// A frame longer than its API allows.
    TooLong(usize),
    /// A request of an API that is not served.
    UnknownApi(i16),
}

/// What the driver does next.
#[derive(Debug)]
pub enum Step {
    /// Handle this frame (length prefix taken off).
    Frame(Bytes),
    /// Receive any bytes and pass them to [`ConnectionMachine::received`].
    Receive,
    /// Receive into the spare capacity of the buffer until it is full, and pass it to [`ConnectionMachine::filled`].
    Fill(BytesMut),
}

/// The receiving half of a connection's state. `Send`: it moves with the connection.
#[derive(Debug)]
pub struct ConnectionMachine {
    /// Received, not yet given out.
    input: Bytes,
    /// The start of a frame that does not end within `input`; its length prefix is taken off once it is whole.
    partial: BytesMut,
    /// The length of the frame that `partial` starts, once known and checked.
    expected: Option<usize>,
    /// What the last large frame took that came whole.
    shown: usize,
    /// No valid request came yet.
    first: bool,
    limit: FrameLimit,
    /// The longest frame of any API.
    longest: usize,
    failed: Option<FrameError>,
}

impl ConnectionMachine {
    /// A connection that received nothing yet, and takes no frame above `longest` bytes (`socket.request.max.bytes`).
    pub fn new(limit: FrameLimit, longest: usize) -> Self {
        let longest = longest.min(limits::FRAME_MAX);
        Self {
            input: Bytes::new(),
            partial: BytesMut::new(),
            expected: None,
            shown: 0,
            first: true,
            limit,
            longest,
            failed: None,
        }
    }

    /// Bytes came up. Only after [`Step::Receive`].
    pub fn received(&mut self, bytes: Bytes) {
        assert!(self.input.is_empty(), "received while input is left");
        self.input = bytes;
    }

    /// The buffer of [`Step::Fill`], full.
    pub fn filled(&mut self, buffer: BytesMut) {
        assert!(self.partial.is_empty() && self.input.is_empty(), "filled without having been asked");
        self.partial = buffer;
    }

    /// The frames so far held a valid request: from here on each API's own limit holds.
    pub fn saw_valid_request(&mut self) {
        self.first = false;
    }

    /// Whether a frame has begun and not ended: the end of the stream now is a truncated request.
    pub fn within_frame(&self) -> bool {
        !self.partial.is_empty() || !self.input.is_empty()
    }

    /// Memory held for a frame that is not whole.
    pub fn held(&self) -> usize {
        self.partial.capacity()
    }

    /// What to do next; an error is final.
    pub fn step(&mut self) -> Result<Step, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let step = self.advance();
        if let Err(error) = step {
            self.failed = Some(error);
            self.input = Bytes::new();
            self.partial = BytesMut::new();
        }
        step
    }

    fn advance(&mut self) -> Result<Step, FrameError> {
        if self.partial.is_empty() {
            let Some(length) = self.check_head(&self.input)? else {
                self.stash();
                return Ok(Step::Receive);
            };
            if self.input.len() >= limits::FRAME_PREFIX + length {
                let mut frame = self.input.split_to(limits::FRAME_PREFIX + length);
                return Ok(Step::Frame(frame.split_off(limits::FRAME_PREFIX)));
            }
            self.expected = Some(length);
            self.stash();
        }
        self.continue_partial()
    }

    /// A frame's start is in `partial`: complete it from `input`, or say how to receive the rest.
    fn continue_partial(&mut self) -> Result<Step, FrameError> {
        if self.expected.is_none() {
            // The head is shorter than what `check_head` needs: byte-wise arrivals, so a few bytes are moved at most.
            let wanted = HEAD.saturating_sub(self.partial.len()).min(self.input.len());
            self.partial.extend_from_slice(&self.input.split_to(wanted));
            self.expected = self.check_head(&self.partial)?;
        }
        let Some(length) = self.expected else {
            return Ok(Step::Receive);
        };
        let whole = limits::FRAME_PREFIX + length;
        let missing = whole - self.partial.len();
        let taken = missing.min(self.input.len());
        self.reserve(whole, taken);
        self.partial.extend_from_slice(&self.input.split_to(taken));
        if taken == missing {
            self.expected = None;
            self.shown = whole.min(limits::FRAME_BUFFER_SHOWN);
            let mut frame = std::mem::take(&mut self.partial).freeze();
            return Ok(Step::Frame(frame.split_off(limits::FRAME_PREFIX)));
        }
        if whole < limits::FRAME_LARGE {
            return Ok(Step::Receive);
        }
        self.reserve(whole, 1);
        Ok(Step::Fill(std::mem::take(&mut self.partial)))
    }

    /// Makes room for `more` bytes at least: as much as the whole frame needs, unless only little of it has come.
    fn reserve(&mut self, whole: usize, more: usize) {
        let have = self.partial.len();
        if self.partial.capacity() - have >= more {
            return;
        }
        let allowed = ((have + more) * limits::FRAME_BUFFER_GROWTH).max(limits::FRAME_BUFFER_MIN).max(self.shown);
        let target = whole.min(allowed);
        // A buffer of exactly `target`: `reserve` might double it, and the driver fills whatever there is.
        let mut larger = BytesMut::with_capacity(target);
        larger.extend_from_slice(&self.partial);
        self.partial = larger;
    }

    /// Keeps the rest of `input` as the start of a frame, in memory of its own: receive buffers go back at once.
    fn stash(&mut self) {
        let rest = std::mem::take(&mut self.input);
        if rest.is_empty() {
            return;
        }
        let whole = self.expected.map_or(HEAD, |length| limits::FRAME_PREFIX + length);
        self.reserve(whole, rest.len());
        self.partial.extend_from_slice(&rest);
    }

    /// The length of the frame that `bytes` begins with, checked; `None` if it cannot be told yet.
    fn check_head(&self, bytes: &[u8]) -> Result<Option<usize>, FrameError> {
        let Some(prefix) = bytes.first_chunk::<4>() else {
            return Ok(None);
        };
        let announced = i32::from_be_bytes(*prefix);
        let length = usize::try_from(announced).map_err(|_| FrameError::Negative(announced))?;
        if length > self.longest {
            return Err(FrameError::TooLong(length));
        }
        if length < limits::FRAME_MIN {
            return Err(FrameError::TooShort(length));
        }
        let Some(key) = bytes[limits::FRAME_PREFIX..].first_chunk::<2>() else {
            return Ok(None);
        };
        let key = i16::from_be_bytes(*key);
        let limit = (self.limit)(key, self.first).ok_or(FrameError::UnknownApi(key))?;
        if length > limit {
            return Err(FrameError::TooLong(length));
        }
        Ok(Some(length))
    }
}

/// Bytes that [`ConnectionMachine::check_head`] needs: length and API key.
const HEAD: usize = limits::FRAME_PREFIX + 2;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: i16 = 18;

    fn limit(key: i16, first: bool) -> Option<usize> {
        (key == KEY).then_some(if first { 1 << 20 } else { 64 << 20 })
    }

    fn frame(body: usize) -> Vec<u8> {
        let mut bytes = ((body + 2) as i32).to_be_bytes().to_vec();
        bytes.extend(KEY.to_be_bytes());
        bytes.extend((0..body).map(|i| i as u8));
        bytes
    }

    /// Feeds `bytes` in pieces of `piece`; returns the frames and how the machine ended.
    fn feed(machine: &mut ConnectionMachine, mut bytes: &[u8], piece: usize) -> (Vec<Bytes>, Option<FrameError>) {
        let mut frames = Vec::new();
        loop {
            match machine.step() {
                Ok(Step::Frame(frame)) => frames.push(frame),
                Err(error) => return (frames, Some(error)),
                Ok(Step::Receive) => {
                    if bytes.is_empty() {
                        return (frames, None);
                    }
                    let (now, later) = bytes.split_at(piece.min(bytes.len()));
                    machine.received(Bytes::copy_from_slice(now));
                    bytes = later;
                }
                Ok(Step::Fill(mut buffer)) => {
                    let room = buffer.capacity() - buffer.len();
                    assert!(room > 0);
                    if bytes.len() < room {
                        return (frames, None);
                    }
                    let (now, later) = bytes.split_at(room);
                    buffer.extend_from_slice(now);
                    machine.filled(buffer);
                    bytes = later;
                }
            }
        }
    }

    #[test]
    fn frames_come_out_whole_and_in_order_however_the_bytes_are_cut() {
        let sizes = [8, 9, 100, 4000, 8190, 8191, 20_000, 70_000, 8, 300_000, 12];
        let stream: Vec<u8> = sizes.iter().flat_map(|&size| frame(size)).collect();
        for piece in [1, 2, 3, 5, 7, 100, 4096, 65_536, stream.len()] {
            let mut machine = ConnectionMachine::new(limit, limits::FRAME_MAX);
            let (frames, error) = feed(&mut machine, &stream, piece);
            assert_eq!(error, None);
            assert_eq!(frames.len(), sizes.len(), "in pieces of {piece}");
            for (got, size) in frames.iter().zip(sizes) {
                assert_eq!(got[..], frame(size)[4..]);
            }
            assert!(!machine.within_frame());
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_at_once_and_for_good() {
        let cases: [(&[u8], FrameError); 5] = [
            (&[0xff; 4], FrameError::Negative(-1)),
            (&[0, 0, 0, 0], FrameError::TooShort(0)),
            (&[0, 0, 0, 9], FrameError::TooShort(9)),
            (b"GET ", FrameError::TooLong(0x4745_5420)),
            (&[0, 0, 1, 0, 0x7f, 0xff], FrameError::UnknownApi(0x7fff)),
        ];
        for (bytes, expected) in cases {
            let mut machine = ConnectionMachine::new(limit, limits::FRAME_MAX);
            let mut stream = frame(50);
            stream.extend(bytes);
            stream.extend(frame(50));
            let (frames, error) = feed(&mut machine, &stream, 3);
            assert_eq!((frames.len(), error), (1, Some(expected)));
            assert_eq!(machine.step().unwrap_err(), expected);
            assert_eq!(machine.held(), 0);
        }
    }

    #[test]
    fn a_large_first_request_is_refused_and_a_later_one_is_not() {
        let large = frame(2 << 20);
        let mut machine = ConnectionMachine::new(limit, limits::FRAME_MAX);
        assert_eq!(feed(&mut machine, &large, 100), (vec![], Some(FrameError::TooLong((2 << 20) + 2))));
        let mut machine = ConnectionMachine::new(limit, limits::FRAME_MAX);
        machine.saw_valid_request();
        let (frames, error) = feed(&mut machine, &large, 100);
        assert_eq!((frames.len(), error), (1, None));
    }

    #[test]
    fn an_announced_length_costs_no_memory_until_its_bytes_come() {
        let mut machine = ConnectionMachine::new(limit, limits::FRAME_MAX);
        machine.saw_valid_request();
        let stream = frame(60 << 20);
        let mut sent = 10;
        machine.received(Bytes::copy_from_slice(&stream[..sent]));
        loop {
            // A machine that has nothing to give out says what it wants: never Receive for so large a frame.
            let step = if machine.input.is_empty() && machine.partial.is_empty() { break } else { machine.step() };
            let Ok(Step::Fill(mut buffer)) = step else { break };
            assert!(buffer.capacity() <= (sent * limits::FRAME_BUFFER_GROWTH).max(limits::FRAME_BUFFER_MIN) + 64);
            let room = (buffer.capacity() - buffer.len()).min(stream.len() - sent);
            buffer.extend_from_slice(&stream[sent..sent + room]);
            sent += room;
            machine.filled(buffer);
        }
        assert_eq!(sent, stream.len());
    }

    #[test]
    fn a_frame_as_long_as_the_last_is_received_into_one_buffer() {
        let mut machine = ConnectionMachine::new(limit, limits::FRAME_MAX);
        machine.saw_valid_request();
        let whole = frame(70_000);
        let mut buffers = Vec::new();
        for _ in 0..2 {
            let mut sent = 5_000;
            machine.received(Bytes::copy_from_slice(&whole[..sent]));
            loop {
                match machine.step().expect("a frame that may be") {
                    Step::Fill(mut buffer) => {
                        let room = buffer.capacity() - buffer.len();
                        buffers.push(buffer.capacity());
                        buffer.extend_from_slice(&whole[sent..sent + room]);
                        sent += room;
                        machine.filled(buffer);
                    }
                    Step::Frame(got) => break assert_eq!(got[..], whole[4..]),
                    Step::Receive => panic!("the rest is longer than a receive takes"),
                }
            }
        }
        let [rest @ .., last] = &buffers[..] else { panic!("it was filled") };
        assert!(*last == whole.len() && rest.len() > 1 && rest[0] < whole.len(), "{buffers:?}");
        let stream = frame(60 << 20);
        machine.received(Bytes::copy_from_slice(&stream[..10]));
        let Ok(Step::Fill(buffer)) = machine.step() else { panic!("it is to be filled") };
        assert!(buffer.capacity() <= whole.len(), "who announces more than it sent before waits for it");
    }

    #[test]
    fn a_frame_longer_than_the_configuration_allows_is_refused_by_its_length_alone() {
        let mut machine = ConnectionMachine::new(limit, 1000);
        let (frames, error) = feed(&mut machine, &frame(998), 4096);
        assert_eq!((frames.len(), error), (1, None));
        let (_, error) = feed(&mut machine, &frame(999)[..4], 4096);
        assert_eq!(error, Some(FrameError::TooLong(1001)));
    }
}
