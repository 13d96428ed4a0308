//! A frame's content: header, then the request it names. What can be read can be written, and reads the same again.
#![no_main]

use bytes::Bytes;
use corelog_wire::api::ApiKey;
use corelog_wire::fetch::FetchView;
use corelog_wire::header::{RequestHeader, RequestStart};
use corelog_wire::produce::ProduceView;
use corelog_wire::{Decoder, Message, messages};

fn again<M: Message + PartialEq + std::fmt::Debug>(from: &mut Decoder<'_>, version: i16) {
    if let Ok(message) = M::decode(from, version)
        && let Ok(bytes) = message.to_bytes(version)
    {
        assert_eq!(M::from_bytes(&bytes, version).as_ref(), Ok(&message));
    }
}

macro_rules! bodies {
    ($($api:ident $request:ident $response:ident,)*) => {
        fn body(key: ApiKey, from: &mut Decoder<'_>, version: i16) {
            match key {
                $(ApiKey::$api => again::<messages::$request>(from, version),)*
            }
        }
    };
}

corelog_wire::for_each_api!(bodies);

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let frame = Bytes::copy_from_slice(data);
    let mut from = Decoder::new(&frame);
    let Ok(start) = RequestStart::decode(&mut from) else { return };
    let Some(key) = ApiKey::from_i16(start.api_key) else { return };
    if RequestHeader::decode(start, key, &mut from).is_err() {
        return;
    }
    if let Ok(view) = ProduceView::decode(&frame, from.position(), start.api_version) {
        view.topics().for_each(|topic| topic.partitions.for_each(drop));
    }
    if let Ok(view) = FetchView::decode(&frame, from.position(), start.api_version) {
        view.topics().for_each(|topic| topic.partitions.for_each(drop));
    }
    body(key, &mut from, start.api_version);
});
