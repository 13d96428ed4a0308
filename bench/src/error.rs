//! Why a run is void.

use corelog_wire::error_code::ErrorCode;
use corelog_wire::{DecodeError, EncodeError};
use std::fmt;

/// Why a run is void, by who is at fault.
#[derive(Debug)]
pub(crate) enum Error {
    /// A socket, a file, a program.
    Io(std::io::Error),
    /// The broker answered what cannot be read.
    Answer(DecodeError),
    /// We asked what cannot be written.
    Request(EncodeError),
    /// The broker refused.
    Refused(&'static str, i16),
    /// What was read is not what was acknowledged.
    Broken(String),
    /// The machine cannot measure this.
    Cannot(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(error) => error.fmt(f),
            Error::Answer(error) => write!(f, "unreadable answer: {error}"),
            Error::Request(error) => error.fmt(f),
            Error::Refused(what, code) => {
                let name = ErrorCode::from_i16(*code).map_or("unknown error", ErrorCode::name);
                write!(f, "{what}: {name} ({code})")
            }
            Error::Broken(what) | Error::Cannot(what) => f.write_str(what),
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::Io(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Error::Answer(error)
    }
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Error::Request(error)
    }
}

/// An error if the broker's code says so.
pub(crate) fn accept(what: &'static str, code: i16) -> Result<()> {
    if code == 0 { Ok(()) } else { Err(Error::Refused(what, code)) }
}
