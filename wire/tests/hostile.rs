//! Bytes from a hostile peer: cut, changed, or with counts out of all proportion, they are refused or read as something
//! else, but never panic and never take memory out of proportion to their own length.

#[path = "support/recode.rs"]
mod recode;
mod support;

use bytes::Bytes;
use corelog_wire::fetch::FetchView;
use corelog_wire::header::{RequestHeader, RequestStart};
use corelog_wire::messages::{ApiVersionsRequest, FetchRequest, JoinGroupRequest, MetadataRequest};
use corelog_wire::produce::ProduceView;
use corelog_wire::{DecodeReason, Decoder, Message, api::ApiKey, coordinator::GroupKey};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::Random;

/// Counts what each thread holds and held at most.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    let held = HELD.get() + change;
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: all is passed on to the system's allocator; the counters are plain thread-local cells without destructors.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What reading `length` bytes may hold at most: the codec's bound, and as much again for lists that grow.
fn allowed(length: usize) -> isize {
    (3 * (64 * length + 4096)) as isize
}

/// Runs `read` and asserts that it held no more than its input allows.
fn bounded<T>(length: usize, place: &str, read: impl FnOnce() -> T) -> T {
    let before = HELD.get();
    MOST.set(before);
    let result = read();
    let held = MOST.get() - before;
    assert!(held <= allowed(length), "{place}: {held} bytes held for {length}");
    result
}

#[test]
fn no_prefix_of_a_message_is_taken_for_all_of_it_and_no_change_does_harm() {
    let mut random = Random(1);
    let mut tried = 0;
    for file in support::definitions() {
        for message in &file.messages {
            let Some(recode) = recode::recoder(message.name()) else { continue };
            for version in [message.versions.first, message.versions.last] {
                let valid = support::message(message, version, 2, &mut random);
                for cut in 0..valid.len() {
                    let part = Bytes::copy_from_slice(&valid[..cut]);
                    let place = format!("{} v{version} cut at {cut}", message.name());
                    assert!(bounded(3 * cut, &place, || recode(&part, version)).is_err(), "{place}");
                    tried += 1;
                }
                for _ in 0..60.min(valid.len() * 2) {
                    let mut changed = valid.clone();
                    let at = random.below(changed.len());
                    changed[at] = [0, 0x7f, 0x80, 0xff, random.next() as u8][random.below(5)];
                    let end = (at + random.below(6)).min(changed.len());
                    changed[at..end].fill(0xff);
                    let changed = Bytes::from(changed);
                    // What is read may also be written: that takes its share.
                    let _ = bounded(3 * changed.len(), message.name(), || recode(&changed, version));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 20_000, "only {tried} inputs");
}

#[test]
fn huge_counts_allocate_nothing() {
    let count = |flexible: bool| if flexible { &[0xff, 0xff, 0xff, 0xff, 0x0f][..] } else { &[0x7f, 0xff, 0xff, 0xff] };
    for (version, flexible) in [(1, false), (12, true)] {
        let bytes = Bytes::copy_from_slice(count(flexible));
        let error = bounded(0, "metadata", || MetadataRequest::from_bytes(&bytes, version)).unwrap_err();
        assert!(matches!(error.reason, DecodeReason::CountBeyondEnd(_)), "{error}");
    }
    // A count that fits the bytes, of structures that are large in memory and small on the wire.
    let mut bytes = vec![0; 1 << 20];
    bytes[..4].copy_from_slice(&1_000_000_u32.to_be_bytes());
    let bytes = Bytes::from(bytes);
    bounded(bytes.len(), "metadata", || MetadataRequest::from_bytes(&bytes, 1)).unwrap_err();
}

#[test]
fn texts_are_as_long_as_a_short_length_can_say_whatever_the_encoding() {
    for (version, length, taken) in [(3, 32_767, true), (4, 32_767, true), (4, 32_768, false)] {
        let mut bytes = match version {
            3 => vec![0x7f, 0xff],
            // A varint of the length and one.
            _ => vec![(length + 1) as u8 | 0x80, ((length + 1) >> 7) as u8 | 0x80, ((length + 1) >> 14) as u8],
        };
        bytes.resize(bytes.len() + length + 100, b'x');
        let bytes = Bytes::from(bytes);
        let mut decoder = Decoder::new(&bytes);
        decoder.set_flexible(version >= 4);
        let read = decoder.string("group_id");
        match taken {
            true => assert_eq!(read.map(|text| text.len()), Ok(length)),
            false => assert_eq!(read.unwrap_err().reason, DecodeReason::LongText(length as u32)),
        }
        let request = JoinGroupRequest { group_id: "x".repeat(length), ..JoinGroupRequest::default() };
        assert_eq!(request.to_bytes(if version >= 4 { 6 } else { 5 }).is_ok(), taken);
    }
}

#[test]
fn the_smallest_honest_messages_fit_the_memory_bound() {
    for file in support::definitions() {
        for message in file.messages.iter().filter(|m| recode::recoder(m.name()).is_some()) {
            // Lists of one element whose own lists are mostly empty: the most memory for the fewest bytes.
            for seed in 0..50 {
                let bytes = Bytes::from(support::message(message, message.versions.last, 1, &mut Random(seed)));
                let recode = recode::recoder(message.name()).unwrap();
                recode(&bytes, message.versions.last).unwrap();
            }
        }
    }
}

#[test]
fn views_survive_what_the_generated_code_survives() {
    let definitions = support::definitions();
    let find = |name: &str| definitions.iter().flat_map(|f| &f.messages).find(|m| m.name() == name).unwrap();
    let (produce, fetch) = (find("ProduceRequest"), find("FetchRequest"));
    let mut random = Random(2);
    for round in 0..4_000 {
        let (message, versions) = if round % 2 == 0 { (produce, 3..=13) } else { (fetch, 4..=18) };
        let version = versions.start() + random.below((versions.end() - versions.start() + 1) as usize) as i16;
        let mut bytes = support::message(message, version, 3, &mut random);
        let at = random.below(bytes.len());
        if round % 4 < 2 {
            bytes.truncate(at);
        } else {
            bytes[at] = random.next() as u8;
        }
        let bytes = Bytes::from(bytes);
        bounded(bytes.len(), message.name(), || {
            if round % 2 == 0 {
                if let Ok(view) = ProduceView::decode(&bytes, 0, version) {
                    view.topics().for_each(|topic| topic.partitions.for_each(drop));
                }
            } else if let Ok(view) = FetchView::decode(&bytes, 0, version) {
                view.topics().for_each(|topic| topic.partitions.for_each(drop));
                view.forgotten().for_each(|topic| topic.partitions.for_each(drop));
                let owned = FetchRequest::decode(&mut Decoder::new(&bytes), version);
                assert!(owned.is_ok_and(|owned| owned.topics.len() == view.topics().len()));
            }
        });
    }
}

#[test]
fn garbage_in_headers_keys_and_small_requests_is_refused() {
    let mut random = Random(3);
    for _ in 0..20_000 {
        let bytes: Bytes = (0..random.below(40)).map(|_| random.next() as u8).collect();
        let mut from = Decoder::new(&bytes);
        bounded(bytes.len(), "header", || {
            if let Ok(start) = RequestStart::decode(&mut from)
                && let Some(key) = ApiKey::from_i16(start.api_key)
            {
                let _ = RequestHeader::decode(start, key, &mut from);
            }
            let _ = GroupKey::decode(&bytes);
            let _ = ApiVersionsRequest::from_bytes(&bytes, 3);
            let _ = JoinGroupRequest::from_bytes(&bytes, 9);
        });
    }
}

#[test]
fn tags_must_ascend_and_be_as_long_as_they_say() {
    // ApiVersions v3: two empty strings, then the tags.
    let read = |tags: &[u8]| ApiVersionsRequest::from_bytes(&Bytes::from([&[1, 1], tags].concat()), 3);
    assert!(read(&[0]).is_ok());
    assert!(read(&[1, 5, 2, 0, 0]).is_ok(), "unknown tags are passed over");
    assert!(read(&[2, 5, 0, 6, 1, 9]).is_ok());
    assert_eq!(read(&[2, 5, 0, 5, 0]).unwrap_err().reason, DecodeReason::TagOrder(5));
    assert_eq!(read(&[1, 5, 3, 0]).unwrap_err().reason, DecodeReason::Truncated);
    assert_eq!(read(&[0, 0]).unwrap_err().reason, DecodeReason::Trailing(1));
}
