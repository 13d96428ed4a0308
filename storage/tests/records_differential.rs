//! Record batches, judged by another codec: what we build it reads, what it builds we accept and walk.

use bytes::{Bytes, BytesMut};
use corelog_storage::{
    batch::{BatchRules, HEADER_LEN, check},
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp},
    record::{BatchBuilder, records},
};
use kafka_protocol::{
    indexmap::IndexMap,
    protocol::StrBytes,
    records::{Compression, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType},
};

/// A small generator, so that failures repeat.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn bytes(&mut self) -> Option<Bytes> {
        let length = self.below(200);
        (length != 7).then(|| (0..length).map(|_| self.below(256) as u8).collect())
    }
}

fn theirs(draw: &mut Draw, count: u64) -> Vec<Record> {
    let sequence = draw.below(1_000) as i32;
    let base = 1_700_000_000_000 + draw.below(1_000) as i64;
    (0..count as i32)
        .map(|at| {
            let name = |number: u64| StrBytes::from_string(format!("name-{number}"));
            let headers: IndexMap<_, _> = (0..draw.below(4)).map(|number| (name(number), draw.bytes())).collect();
            Record {
                transactional: false,
                control: false,
                delete_horizon: false,
                partition_leader_epoch: 3,
                producer_id: 77,
                producer_epoch: 2,
                timestamp_type: TimestampType::Creation,
                offset: i64::from(at),
                sequence: sequence + at,
                timestamp: base + draw.below(5_000) as i64,
                key: draw.bytes(),
                value: draw.bytes(),
                headers,
            }
        })
        .collect()
}

#[test]
fn what_another_codec_builds_is_accepted_and_walked_alike() {
    let mut draw = Draw(1);
    for round in 0..300 {
        let given = theirs(&mut draw, 1 + round % 40);
        let mut bytes = BytesMut::new();
        let options = RecordEncodeOptions { version: 2, compression: Compression::None };
        RecordBatchEncoder::encode(&mut bytes, &given, &options).unwrap();
        let batch = check(bytes.freeze(), &BatchRules::default()).unwrap();
        let header = *batch.header();
        assert_eq!(header.records as usize, given.len());
        assert_eq!((header.producer_id.0, header.producer_epoch.0), (77, 2));
        assert_eq!(header.base_sequence, given[0].sequence);
        assert_eq!(header.max_timestamp.0, given.iter().map(|record| record.timestamp).max().unwrap());
        let body = batch.bytes().slice(HEADER_LEN..);
        for (found, given) in records(&body, header.records).zip(&given) {
            let found = found.unwrap();
            assert_eq!(header.base_timestamp.0 + found.timestamp_delta, given.timestamp);
            assert_eq!(i64::from(found.offset_delta), given.offset);
            assert_eq!(found.key, given.key.as_deref());
            assert_eq!(found.value, given.value.as_deref());
            let headers: Vec<_> = found.headers().map(Result::unwrap).collect();
            assert_eq!(headers.len(), given.headers.len());
            for ((name, value), (their_name, their_value)) in headers.into_iter().zip(&given.headers) {
                assert_eq!((name, value), (their_name.as_bytes(), their_value.as_deref()));
            }
        }
    }
}

#[test]
fn what_we_build_another_codec_reads() {
    let mut draw = Draw(2);
    for round in 0..300_i64 {
        let mut builder = BatchBuilder::new().producer(ProducerId(5), ProducerEpoch(1), 10);
        let mut given = Vec::new();
        for _ in 0..1 + draw.below(30) {
            let (key, value) = (draw.bytes(), draw.bytes());
            let timestamp = 1_000_000 + draw.below(100_000) as i64;
            builder.push(Timestamp(timestamp), key.as_deref(), value.as_deref());
            given.push((timestamp, key, value));
        }
        let mut bytes = builder.build_at(Offset(round * 1_000), LeaderEpoch(4));
        let found = RecordBatchDecoder::decode(&mut bytes).unwrap().records;
        assert_eq!(found.len(), given.len());
        for (at, (record, (timestamp, key, value))) in found.iter().zip(given).enumerate() {
            assert_eq!((record.timestamp, &record.key, &record.value), (timestamp, &key, &value));
            assert_eq!((record.offset, record.sequence), (round * 1_000 + at as i64, 10 + at as i32));
            assert_eq!((record.producer_id, record.producer_epoch, record.partition_leader_epoch), (5, 1, 4));
        }
    }
}
