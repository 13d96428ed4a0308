//! Frames: what travels on a connection is a four-byte length and that many bytes.

use crate::api::ApiKey;
use crate::codec::{EncodeError, Encoder, Message, Request};
use crate::header::{RequestHeader, ResponseHeader};
use bytes::Bytes;
use std::fmt;

/// The bytes in front of a frame's content.
pub const PREFIX: usize = 4;

/// The sender's fault: no frame begins like this, and nothing that follows can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A length below zero.
    Negative(i32),
    /// More than the receiver takes.
    TooLong {
        /// What the frame announces.
        length: usize,
        /// What is taken.
        limit: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::Negative(length) => write!(f, "a frame of {length} bytes"),
            FrameError::TooLong { length, limit } => write!(f, "a frame of {length} bytes, of at most {limit}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The length that a frame's first four bytes announce, if it is at most `limit`.
pub fn length(prefix: [u8; PREFIX], limit: usize) -> Result<usize, FrameError> {
    let announced = i32::from_be_bytes(prefix);
    let length = usize::try_from(announced).map_err(|_| FrameError::Negative(announced))?;
    if length > limit { Err(FrameError::TooLong { length, limit }) } else { Ok(length) }
}

/// Takes the content of the first frame off `received`; `None` as long as it is not all there.
pub fn split(received: &mut Bytes, limit: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(prefix) = received.first_chunk::<PREFIX>() else { return Ok(None) };
    let end = PREFIX + length(*prefix, limit)?;
    if received.len() < end {
        return Ok(None);
    }
    Ok(Some(received.split_to(end).slice(PREFIX..)))
}

/// Leaves room for a frame's length.
pub(crate) fn begin(capacity: usize) -> Encoder {
    let mut encoder = Encoder::with_capacity(capacity);
    encoder.raw(&[0; PREFIX]);
    encoder
}

/// Writes the length of what the encoder holds and of `beside`, bytes of the same frame that are elsewhere.
pub(crate) fn end(mut encoder: Encoder, beside: usize) -> Result<Vec<u8>, EncodeError> {
    let length = encoder.len() - PREFIX + beside;
    encoder.patch_length(0, length);
    encoder.finish_vec()
}

/// A whole frame with a request.
pub fn request<R: Request>(
    version: i16,
    correlation_id: i32,
    client_id: Option<&str>,
    body: &R,
) -> Result<Bytes, EncodeError> {
    let mut encoder = begin(256);
    RequestHeader { api_key: R::KEY, api_version: version, correlation_id, client_id }.encode(&mut encoder);
    body.encode(&mut encoder, version);
    end(encoder, 0).map(Bytes::from)
}

/// A whole frame with a response.
pub fn response<M: Message>(
    api_key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<Bytes, EncodeError> {
    let mut encoder = begin(256);
    ResponseHeader { correlation_id }.encode(api_key, version, &mut encoder);
    body.encode(&mut encoder, version);
    end(encoder, 0).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_taken_off_once_it_is_all_there() {
        let whole = Bytes::from_static(b"\0\0\0\x03abc\0\0\0\0\0");
        for cut in 0..7 {
            let mut part = whole.slice(..cut);
            assert_eq!(split(&mut part, 3), Ok(None));
            assert_eq!(part.len(), cut, "nothing is taken");
        }
        let mut received = whole;
        assert_eq!(split(&mut received, 3), Ok(Some(Bytes::from_static(b"abc"))));
        assert_eq!(split(&mut received, 3), Ok(Some(Bytes::new())));
        assert_eq!(split(&mut received, 3), Ok(None));
        assert_eq!(received.len(), 1);
    }

    #[test]
    fn bad_lengths_are_refused_before_their_bytes_arrive() {
        assert_eq!(length([0xff; 4], 100), Err(FrameError::Negative(-1)));
        assert_eq!(length([0, 0, 0, 101], 100), Err(FrameError::TooLong { length: 101, limit: 100 }));
        assert_eq!(length([0, 0, 0, 100], 100), Ok(100));
        let mut http = Bytes::from_static(b"GET / HTTP/1.1\r\n");
        assert!(split(&mut http, 100 << 20).is_err());
    }
}
