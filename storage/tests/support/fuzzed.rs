//! What is fuzzed: bytes in, and what must hold whatever they are. Driven by `cargo fuzz` (`storage/fuzz`) and, from seeds,
//! by an ordinary test. Each says whether the bytes were taken for something.

use bytes::Bytes;
use corelog_storage::{
    batch::{BatchRules, Header, Sender, TimestampRange, check, check_all, crc32c, stamped_header},
    error::BatchError,
    ids::{LeaderEpoch, Offset, Timestamp},
    record,
};

/// Bytes before the first record.
const HEADER: usize = 61;

/// The records of a produce request, as received. What is taken keeps its size, and its checksum once it is stamped.
pub(crate) fn batch(data: &[u8]) -> bool {
    let received = Bytes::copy_from_slice(data);
    for rules in [BatchRules::default(), BatchRules { sender: Sender::Broker, ..BatchRules::default() }] {
        let Ok(batches) = check_all(received.clone(), &rules) else { continue };
        assert_eq!(batches.iter().map(|batch| batch.bytes().len()).sum::<usize>(), data.len());
    }
    let Ok(batch) = check(received, &BatchRules::default()) else { return false };
    for append_time in [None, Some(Timestamp(7))] {
        let stamp = stamped_header(&batch, Offset(1 << 40), LeaderEpoch(3), append_time);
        let stored = Bytes::from([&stamp[..], &batch.bytes()[HEADER..]].concat());
        let again = check_all(stored, &BatchRules { sender: Sender::Broker, ..BatchRules::default() });
        assert!(matches!(&again.as_deref(), Ok([one]) if one.header().base_offset.0 == 1 << 40), "{again:?}");
    }
    true
}

/// Attributes, count and timestamps, then what lies behind a batch's header: the length and the checksum are set right, so
/// that the records are looked at. What a compacted topic takes can be read, and each record has its key.
pub(crate) fn records(data: &[u8]) -> bool {
    let Some((&[attributes, count, first, newest], body)) = data.split_first_chunk() else { return false };
    let batch = with_header(attributes, i32::from(count), [first, newest].map(|time| i64::from(time) - 2), body);
    let timestamps = Some(TimestampRange { oldest: Timestamp(10), newest: Timestamp(100) });
    let rules = BatchRules { timestamps, keyed: true, ..BatchRules::default() };
    match check(batch, &rules) {
        Ok(batch) => {
            let header = *batch.header();
            let body = record::body(&header, batch.bytes()).expect("what was walked unfolds");
            let mut found = 0;
            for record in record::records(&body, header.records) {
                let record = record.expect("what was walked is read");
                assert!(record.key.is_some());
                assert!(
                    header.base_timestamp.0.wrapping_add(record.timestamp_delta) <= header.max_timestamp.0.max(100)
                );
                record.headers().for_each(|header| assert!(header.is_ok()));
                found += 1;
            }
            assert_eq!(found, header.records);
            true
        }
        Err(BatchError::Refused(refused)) => {
            let indices: Vec<i32> = refused.first.iter().map(|record| record.index).collect();
            assert!(indices.windows(2).all(|pair| pair[0] < pair[1]) && indices.len() <= refused.count as usize);
            true
        }
        Err(_) => false,
    }
}

fn with_header(attributes: u8, count: i32, [first, newest]: [i64; 2], body: &[u8]) -> Bytes {
    let mut batch = vec![0; HEADER];
    batch.extend_from_slice(body);
    let length = (batch.len() - 12) as i32;
    batch[8..12].copy_from_slice(&length.to_be_bytes());
    batch[16] = 2;
    batch[22] = attributes;
    batch[23..27].copy_from_slice(&(count - 1).to_be_bytes());
    batch[27..35].copy_from_slice(&first.to_be_bytes());
    batch[35..43].copy_from_slice(&newest.to_be_bytes());
    batch[43..57].fill(0xff);
    batch[57..61].copy_from_slice(&count.to_be_bytes());
    let crc = crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&crc.to_be_bytes());
    assert!(Header::parse(&batch).is_ok());
    batch.into()
}
