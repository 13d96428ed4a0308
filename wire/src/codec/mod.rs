//! The codec under all messages: a bounded reader, a writer, and the traits generated code implements.
//!
//! Reading trusts nothing: a count is checked against the bytes that are left before anything is allocated for it,
//! lists grow as their elements arrive, and all that one message makes us allocate is bounded by a multiple of its
//! own length (see [`Decoder`]). Writing cannot fail half-way: the first impossible value is remembered and
//! [`Encoder::finish`] returns it.

mod decoder;
mod encoder;
mod error;
pub mod varint;

pub use decoder::{Decoder, Tags};
pub use encoder::{Encoder, Tag, TagSection};
pub use error::{DecodeError, DecodeReason, EncodeError, EncodeReason};

use bytes::Bytes;

/// The longest text, in bytes: what its length could say before it was compact (KIP-482). Clients take no longer ones.
const TEXT_MAX: usize = i16::MAX as usize;

/// A structure with fields in an order given by the protocol.
pub trait Fields: Default {
    /// Reads all fields as `version` has them into `self`, which holds the defaults.
    fn read(&mut self, from: &mut Decoder<'_>, version: i16) -> Result<(), DecodeError>;

    /// Writes all fields as `version` has them.
    fn write(&self, to: &mut Encoder, version: i16);
}

/// A structure that travels on its own: it knows its versions.
pub trait Message: Fields {
    /// Its name in Kafka.
    const NAME: &'static str;
    /// First and last version that can be read and written.
    const VERSIONS: (i16, i16);
    /// First version with compact encodings and tagged fields; `i16::MAX` if there is none.
    const FLEXIBLE: i16;

    /// Reads a message of this version from where `from` stands. Bytes after it are left there.
    fn decode(from: &mut Decoder<'_>, version: i16) -> Result<Self, DecodeError> {
        if version < Self::VERSIONS.0 || version > Self::VERSIONS.1 {
            return Err(from.error(Self::NAME, DecodeReason::UnsupportedVersion(version)));
        }
        let flexible = from.set_flexible(version >= Self::FLEXIBLE);
        let mut message = Self::default();
        let read = message.read(from, version);
        from.set_flexible(flexible);
        read.map(|()| message)
    }

    /// Writes a message of this version; a version it does not have is an error that [`Encoder::finish`] returns.
    fn encode(&self, to: &mut Encoder, version: i16) {
        if version < Self::VERSIONS.0 || version > Self::VERSIONS.1 {
            return to.cannot_carry(Self::NAME, version);
        }
        let flexible = to.set_flexible(version >= Self::FLEXIBLE);
        self.write(to, version);
        to.set_flexible(flexible);
    }

    /// Reads a message that fills `bytes` exactly.
    fn from_bytes(bytes: &Bytes, version: i16) -> Result<Self, DecodeError> {
        let mut decoder = Decoder::new(bytes);
        let message = Self::decode(&mut decoder, version)?;
        decoder.finish()?;
        Ok(message)
    }

    /// Writes a message into a buffer of its own.
    fn to_bytes(&self, version: i16) -> Result<Bytes, EncodeError> {
        let mut encoder = Encoder::new();
        self.encode(&mut encoder, version);
        encoder.finish()
    }
}

/// A request: it knows its API and what answers it.
pub trait Request: Message {
    /// Its API.
    const KEY: crate::api::ApiKey;
    /// The message that answers it.
    type Response: Message;

    /// Tells the client for how many milliseconds nothing more is read of its connection; some responses cannot.
    fn set_throttle_time(_: &mut Self::Response, _: i32) {}
}

/// A key or value that a coordinator keeps in its topic.
pub trait Record: Message {
    /// The type of record; a key begins with it.
    const TYPE: i16;
}

/// What a list may hold: a structure, a number, a string.
pub trait Element: Sized {
    /// Reads one.
    fn read_element(from: &mut Decoder<'_>, version: i16, field: &'static str) -> Result<Self, DecodeError>;
    /// Writes one.
    fn write_element(&self, to: &mut Encoder, version: i16, field: &'static str);
}

impl<T: Fields> Element for T {
    fn read_element(from: &mut Decoder<'_>, version: i16, _: &'static str) -> Result<Self, DecodeError> {
        let mut element = T::default();
        element.read(from, version)?;
        Ok(element)
    }

    fn write_element(&self, to: &mut Encoder, version: i16, _: &'static str) {
        self.write(to, version);
    }
}

macro_rules! number_elements {
    ($($number:ident)*) => {$(
        impl Element for $number {
            fn read_element(from: &mut Decoder<'_>, _: i16, field: &'static str) -> Result<Self, DecodeError> {
                from.$number(field)
            }

            fn write_element(&self, to: &mut Encoder, _: i16, _: &'static str) {
                to.$number(*self);
            }
        }
    )*};
}

number_elements! { bool i8 i16 i32 i64 u16 u32 f64 }

impl Element for String {
    fn read_element(from: &mut Decoder<'_>, _: i16, field: &'static str) -> Result<Self, DecodeError> {
        from.string(field)
    }

    fn write_element(&self, to: &mut Encoder, _: i16, field: &'static str) {
        to.string(self, field);
    }
}

impl Element for Bytes {
    fn read_element(from: &mut Decoder<'_>, _: i16, field: &'static str) -> Result<Self, DecodeError> {
        from.bytes(field)
    }

    fn write_element(&self, to: &mut Encoder, _: i16, field: &'static str) {
        to.bytes(self, field);
    }
}

impl Element for crate::uuid::Uuid {
    fn read_element(from: &mut Decoder<'_>, _: i16, field: &'static str) -> Result<Self, DecodeError> {
        from.uuid(field)
    }

    fn write_element(&self, to: &mut Encoder, _: i16, _: &'static str) {
        to.uuid(*self);
    }
}
