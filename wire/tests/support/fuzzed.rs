//! What is fuzzed: bytes in, and what must hold whatever they are. Driven by `cargo fuzz` (`wire/fuzz`) and, from seeds, by
//! an ordinary test. Each says whether the bytes were taken for something.

use bytes::Bytes;
use corelog_wire::{
    Decoder, Message,
    api::ApiKey,
    fetch::FetchView,
    frame,
    header::{RequestHeader, RequestStart, ResponseHeader},
    messages,
    produce::ProduceView,
};

/// The longest frame of the stream below.
const LIMIT: usize = 1000;

/// A stream of frames: each byte is taken once, and a frame is never longer than the limit.
pub(crate) fn stream(data: &[u8]) -> bool {
    let mut received = Bytes::copy_from_slice(data);
    let mut taken = 0;
    while let Ok(Some(content)) = frame::split(&mut received, LIMIT) {
        assert!(content.len() <= LIMIT);
        taken += frame::PREFIX + content.len();
    }
    assert_eq!(taken + received.len(), data.len());
    taken > 0
}

/// A request's frame: header, then the request that it names. What can be read can be written, and reads the same again.
pub(crate) fn request(data: &[u8]) -> bool {
    let frame = Bytes::copy_from_slice(data);
    let mut from = Decoder::new(&frame);
    let Ok(start) = RequestStart::decode(&mut from) else { return false };
    let Some(key) = ApiKey::from_i16(start.api_key) else { return false };
    if RequestHeader::decode(start, key, &mut from).is_err() {
        return false;
    }
    if let Ok(view) = ProduceView::decode(&frame, from.position(), start.api_version) {
        view.topics().for_each(|topic| topic.partitions.for_each(drop));
    }
    if let Ok(view) = FetchView::decode(&frame, from.position(), start.api_version) {
        view.topics().for_each(|topic| topic.partitions.for_each(drop));
    }
    bodies(key, true, &mut from, start.api_version)
}

/// API key and version, then a response's frame. The same must hold.
pub(crate) fn response(data: &[u8]) -> bool {
    let Some((&[key_high, key_low, version_high, version_low], frame)) = data.split_first_chunk() else { return false };
    let Some(key) = ApiKey::from_i16(i16::from_be_bytes([key_high, key_low])) else { return false };
    let version = i16::from_be_bytes([version_high, version_low]);
    let frame = Bytes::copy_from_slice(frame);
    let mut from = Decoder::new(&frame);
    ResponseHeader::decode(key, version, &mut from).is_ok() && bodies(key, false, &mut from, version)
}

fn again<M: Message + PartialEq + std::fmt::Debug>(from: &mut Decoder<'_>, version: i16) -> bool {
    let Ok(message) = M::decode(from, version) else { return false };
    if let Ok(bytes) = message.to_bytes(version) {
        assert_eq!(M::from_bytes(&bytes, version).as_ref(), Ok(&message));
    }
    true
}

macro_rules! all_bodies {
    ($($api:ident $request:ident $response:ident,)*) => {
        fn bodies(key: ApiKey, is_request: bool, from: &mut Decoder<'_>, version: i16) -> bool {
            match key {
                $(ApiKey::$api if is_request => again::<messages::$request>(from, version),
                ApiKey::$api => again::<messages::$response>(from, version),)*
            }
        }
    };
}

corelog_wire::for_each_api!(all_bodies);
