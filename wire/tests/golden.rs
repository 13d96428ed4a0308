//! What real clients and a real Kafka said to each other, captured by `ops/golden`: each frame is read whole, and written
//! again byte for byte.

#[path = "support/recode.rs"]
mod recode;

use std::collections::BTreeSet;

use bytes::Bytes;
use corelog_wire::{
    Decoder,
    api::ApiKey,
    header::{RequestHeader, RequestStart, ResponseHeader},
};

struct Frame {
    client: &'static str,
    is_request: bool,
    api: ApiKey,
    version: i16,
    content: Bytes,
}

fn frames() -> Vec<Frame> {
    include_str!("golden.txt").lines().map(parse).collect()
}

fn parse(line: &'static str) -> Frame {
    let fields: Vec<&str> = line.split(' ').collect();
    let [client, direction, key, version, hex] = fields[..] else { panic!("not five fields: {line}") };
    let digits = hex.as_bytes().chunks(2);
    let content: Vec<u8> =
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    let api = ApiKey::from_i16(key.parse().unwrap()).unwrap_or_else(|| panic!("API {key}"));
    let is_request = direction == "request";
    Frame { client, is_request, api, version: version.parse().unwrap(), content: content.into() }
}

/// The message behind the header.
fn body(frame: &Frame) -> Bytes {
    let mut decoder = Decoder::new(&frame.content);
    if frame.is_request {
        let start = RequestStart::decode(&mut decoder).unwrap();
        assert_eq!((start.api_key, start.api_version), (frame.api as i16, frame.version));
        let header = RequestHeader::decode(start, frame.api, &mut decoder).unwrap();
        assert!(header.client_id.is_some(), "all these clients give a name");
    } else {
        ResponseHeader::decode(frame.api, frame.version, &mut decoder).unwrap();
    }
    frame.content.slice(frame.content.len() - decoder.remaining()..)
}

#[test]
fn real_frames_are_read_whole_and_written_again_byte_for_byte() {
    for frame in frames() {
        let kind = if frame.is_request { "Request" } else { "Response" };
        let place = format!("{} of {}, {kind} v{}", frame.api, frame.client, frame.version);
        let recode = recode::recoder(&format!("{}{kind}", frame.api.name())).unwrap_or_else(|| panic!("{place}"));
        let body = body(&frame);
        // A version the broker does not know is answered in the first one's layout.
        let refused = frame.api == ApiKey::ApiVersions && !frame.is_request && body.starts_with(&[0, 35]);
        let version = if refused { 0 } else { frame.version };
        assert_eq!(recode(&body, version), Ok(body), "{place}");
    }
}

#[test]
fn the_capture_has_every_client_and_the_apis_of_the_main_job() {
    let frames = frames();
    let clients: BTreeSet<&str> = frames.iter().map(|frame| frame.client).collect();
    assert_eq!(clients, ["aiokafka", "confluent-kafka", "franz-go", "java", "kafkajs", "kcat"].into());
    use ApiKey::*;
    for api in [
        Produce,
        Fetch,
        ListOffsets,
        Metadata,
        OffsetCommit,
        OffsetFetch,
        FindCoordinator,
        JoinGroup,
        Heartbeat,
        LeaveGroup,
        SyncGroup,
        ApiVersions,
        CreateTopics,
        InitProducerId,
    ] {
        for is_request in [true, false] {
            let versions: BTreeSet<i16> = frames
                .iter()
                .filter(|frame| frame.api == api && frame.is_request == is_request)
                .map(|frame| frame.version)
                .collect();
            assert!(!versions.is_empty(), "{api}, request {is_request}");
        }
    }
}
