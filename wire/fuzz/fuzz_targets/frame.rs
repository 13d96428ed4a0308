//! A stream of frames: whatever arrives, each byte is taken once and a frame is never longer than the limit.
#![no_main]

use bytes::Bytes;
use corelog_wire::frame;

const LIMIT: usize = 1000;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut received = Bytes::copy_from_slice(data);
    let mut taken = 0;
    while let Ok(Some(content)) = frame::split(&mut received, LIMIT) {
        assert!(content.len() <= LIMIT);
        taken += frame::PREFIX + content.len();
    }
    assert_eq!(taken + received.len(), data.len());
});
