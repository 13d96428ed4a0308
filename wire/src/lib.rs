//! The Kafka protocol as types: bytes to requests, responses, headers and coordinator records, and back.
//!
//! Knows nothing of sockets, clocks or cores. [`messages`] is generated from `schemas/kafka`; the hot path ([`produce`],
//! [`fetch`], [`header`], [`frame`]) is written by hand and borrows from the frame instead of copying.

pub mod api;
pub mod codec;
pub mod coordinator;
pub mod error_code;
pub mod fetch;
pub mod frame;
pub mod header;
#[rustfmt::skip] // generated, laid out by the generator
pub mod messages;
pub mod produce;
pub mod uuid;
pub mod view;

pub use codec::{DecodeError, DecodeReason, Decoder, EncodeError, Encoder, Message, Request};
pub use uuid::Uuid;
