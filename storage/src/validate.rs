//! What a topic asks of each record, as Kafka asks it: a key if the topic is compacted, a timestamp near the broker's clock.
//!
//! Records are walked only where the topic's configuration or the batch's header says that one may be refused. They are
//! walked as a stream: however far a batch unfolds, it takes little memory.

use std::io::{self, BufRead, BufReader, Read};

use bytes::Bytes;

use crate::{
    batch::{BatchRules, Codec, Header, RECORD_MIN},
    compress,
    error::{BatchError, RecordFault, RefusedRecord, RefusedRecords},
    ids::Timestamp,
    limits::{MAX_DECOMPRESSED, REFUSED_RECORDS, REFUSED_RECORDS_MIN},
};

/// Of a record without a timestamp.
const NO_TIMESTAMP: Timestamp = Timestamp(-1);

/// Whether a client's batch may hold a record that `rules` refuse. The header's first and greatest timestamp, true or
/// not, tell of records that are too new; of those too old, where the topic limits their age, only the records do.
pub(crate) fn must_walk(header: &Header, rules: &BatchRules) -> bool {
    let doubtful = |at: Timestamp| {
        at != NO_TIMESTAMP && rules.timestamps.is_some_and(|range| !(range.oldest..=range.newest).contains(&at))
    };
    rules.keyed
        || header.is_log_append_time()
        || rules.timestamps.is_some_and(|range| range.oldest > Timestamp(0))
        || doubtful(header.base_timestamp)
        || doubtful(header.max_timestamp)
}

/// Walks all records of a batch with this header, whose bytes behind the header are `body`. Gives their greatest
/// timestamp.
pub(crate) fn walk(header: &Header, body: Bytes, rules: &BatchRules) -> Result<Timestamp, BatchError> {
    if header.codec() == Some(Codec::None) {
        return walk_all(header, &body[..], rules);
    }
    let unfolded = compress::unfolding(header.codec(), body, MAX_DECOMPRESSED)?.take(MAX_DECOMPRESSED as u64);
    walk_all(header, BufReader::new(unfolded), rules)
}

fn walk_all(header: &Header, from: impl BufRead, rules: &BatchRules) -> Result<Timestamp, BatchError> {
    let mut walk = Walk { from, left: 0 };
    let (mut newest, mut refused) = (NO_TIMESTAMP, Refused::new(header));
    for index in 0..header.records {
        let record = walk.record()?;
        let at = match header.is_log_append_time() {
            true => header.max_timestamp,
            false => Timestamp(header.base_timestamp.0.wrapping_add(record.timestamp_delta)),
        };
        match judge(header, at, record.has_key, rules) {
            Some(why) => refused.note(index, why),
            None => newest = newest.max(at),
        }
    }
    if !walk.at_end()? {
        return Err(BatchError::Records("bytes behind the last record"));
    }
    refused.or(newest)
}

fn judge(header: &Header, at: Timestamp, has_key: bool, rules: &BatchRules) -> Option<RecordFault> {
    if rules.keyed && !has_key {
        return Some(RecordFault::NoKey);
    }
    match rules.timestamps {
        Some(range) if at != NO_TIMESTAMP => {
            (!(range.oldest..=range.newest).contains(&at)).then_some(RecordFault::Timestamp(at))
        }
        _ => header.is_log_append_time().then_some(RecordFault::TimestampType),
    }
}

/// Refused records, as many as are named.
struct Refused {
    first: Vec<RefusedRecord>,
    most: usize,
    count: u32,
    by_timestamp: bool,
}

impl Refused {
    fn new(header: &Header) -> Self {
        let most = (header.size as usize / RECORD_MIN).clamp(REFUSED_RECORDS_MIN, REFUSED_RECORDS);
        Self { first: Vec::new(), most, count: 0, by_timestamp: false }
    }

    fn note(&mut self, index: i32, why: RecordFault) {
        self.count += 1;
        self.by_timestamp |= why != RecordFault::NoKey;
        if self.first.len() < self.most {
            self.first.push(RefusedRecord { index, why });
        }
    }

    fn or(self, newest: Timestamp) -> Result<Timestamp, BatchError> {
        match self.count {
            0 => Ok(newest),
            count => {
                let Self { first, by_timestamp, .. } = self;
                Err(BatchError::Refused(RefusedRecords { first: first.into(), count, by_timestamp }))
            }
        }
    }
}

/// What is looked at of a record.
struct Seen {
    timestamp_delta: i64,
    has_key: bool,
}

struct Walk<R> {
    from: R,
    /// Bytes of the record being read that are still to come.
    left: u64,
}

impl<R: BufRead> Walk<R> {
    fn record(&mut self) -> Result<Seen, BatchError> {
        // A varint's length; the record's own follows.
        self.left = 10;
        let length = self.varint()?;
        self.left = u64::try_from(length).map_err(|_| BatchError::Records("a negative length"))?;
        self.skip(1)?; // attributes, unused by the format
        let timestamp_delta = self.varlong()?;
        self.varint()?; // its offset's delta
        let has_key = self.sized()?;
        self.sized()?;
        self.headers()?;
        if self.left > 0 {
            return Err(BatchError::Records("a record longer than what it holds"));
        }
        Ok(Seen { timestamp_delta, has_key })
    }

    fn headers(&mut self) -> Result<(), BatchError> {
        let count = self.varint()?;
        // A header takes two bytes at least.
        if count < 0 || count as u64 > self.left / 2 {
            return Err(BatchError::Records("a header count that cannot be"));
        }
        for _ in 0..count {
            if !self.sized()? {
                return Err(BatchError::Records("a header without a name"));
            }
            self.sized()?;
        }
        Ok(())
    }

    /// Skips bytes behind their length; says whether they are not null.
    fn sized(&mut self) -> Result<bool, BatchError> {
        let length = self.varint()?;
        match u64::try_from(length) {
            Ok(length) => self.skip(length).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    fn varint(&mut self) -> Result<i32, BatchError> {
        i32::try_from(self.varlong()?).map_err(|_| BatchError::Records("a varint too large"))
    }

    fn varlong(&mut self) -> Result<i64, BatchError> {
        let mut value = 0_u64;
        for at in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(BatchError::Records("a varint without end"))
    }

    fn byte(&mut self) -> Result<u8, BatchError> {
        self.spend(1)?;
        let byte = *filled(&mut self.from)?.first().ok_or(CUT_SHORT)?;
        self.from.consume(1);
        Ok(byte)
    }

    fn skip(&mut self, count: u64) -> Result<(), BatchError> {
        self.spend(count)?;
        let mut rest = count;
        while rest > 0 {
            let there = filled(&mut self.from)?.len();
            if there == 0 {
                return Err(CUT_SHORT);
            }
            let step = rest.min(there as u64);
            self.from.consume(step as usize);
            rest -= step;
        }
        Ok(())
    }

    fn spend(&mut self, count: u64) -> Result<(), BatchError> {
        self.left = self.left.checked_sub(count).ok_or(BatchError::Records("a length past the record's end"))?;
        Ok(())
    }

    fn at_end(&mut self) -> Result<bool, BatchError> {
        Ok(filled(&mut self.from)?.is_empty())
    }
}

const CUT_SHORT: BatchError = BatchError::Records("a length past the batch's end");

fn filled(from: &mut impl BufRead) -> Result<&[u8], BatchError> {
    from.fill_buf().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => CUT_SHORT,
        _ => BatchError::Compressed("data that does not unfold"),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{
        batch::{HEADER_LEN, TimestampRange, check, checksum_holds, crc32c, stamped_header},
        ids::{LeaderEpoch, Offset},
        record::{self, BatchBuilder},
    };

    const RANGE: TimestampRange = TimestampRange { oldest: Timestamp(1_000), newest: Timestamp(2_000) };

    fn keyed() -> BatchRules {
        BatchRules { keyed: true, ..BatchRules::default() }
    }

    fn timed() -> BatchRules {
        BatchRules { timestamps: Some(RANGE), ..BatchRules::default() }
    }

    /// Keys and timestamps of records.
    fn built(records: &[(Option<&str>, i64)]) -> Bytes {
        let mut builder = BatchBuilder::new();
        for (key, at) in records {
            builder.push(Timestamp(*at), key.map(str::as_bytes), Some(b"value"));
        }
        builder.build()
    }

    /// `batch` with these attributes, greatest timestamp and records.
    fn altered(batch: &[u8], attributes: i16, newest: i64, body: &[u8]) -> Bytes {
        let mut bytes = [&batch[..HEADER_LEN], body].concat();
        let length = (bytes.len() - 12) as i32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
        bytes[35..43].copy_from_slice(&newest.to_be_bytes());
        let crc = crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
        bytes.into()
    }

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn refused(batch: Bytes, rules: &BatchRules) -> Vec<(i32, RecordFault)> {
        match check(batch, rules) {
            Ok(_) => Vec::new(),
            Err(BatchError::Refused(refused)) => {
                assert_eq!(refused.count as usize, refused.first.len());
                refused.first.iter().map(|record| (record.index, record.why)).collect()
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn records_without_a_key_are_named_however_they_are_compressed() {
        let good = built(&[(Some("a"), 5), (Some(""), 5)]);
        let bad = built(&[(Some("a"), 5), (None, 5), (Some("c"), 5), (None, 5)]);
        assert!(refused(bad.clone(), &BatchRules::default()).is_empty(), "a topic that is not compacted takes them");
        let without_key = [(1, RecordFault::NoKey), (3, RecordFault::NoKey)];
        assert!(refused(good.clone(), &keyed()).is_empty());
        assert_eq!(refused(bad.clone(), &keyed()), without_key);
        let zipped = |batch: &Bytes| altered(batch, 1, 5, &gzip(&batch[HEADER_LEN..]));
        assert!(refused(zipped(&good), &keyed()).is_empty());
        assert_eq!(refused(zipped(&bad), &keyed()), without_key);
    }

    #[test]
    fn timestamps_out_of_range_are_named_and_no_timestamp_is_none() {
        let batch =
            built(&[(None, 1_000), (None, 999), (None, -1), (None, 2_000), (None, 2_001), (None, i64::MIN / 2)]);
        let expected = [(1, 999), (4, 2_001), (5, i64::MIN / 2)];
        assert_eq!(
            refused(batch, &timed()),
            expected.map(|(index, at)| (index, RecordFault::Timestamp(Timestamp(at))))
        );
        assert!(refused(built(&[(None, -1)]), &timed()).is_empty());
        let both = BatchRules { keyed: true, ..timed() };
        let Err(BatchError::Refused(found)) = check(built(&[(None, 5), (Some("a"), 5)]), &both) else {
            panic!("refused")
        };
        assert_eq!((found.first[0].why, found.by_timestamp), (RecordFault::NoKey, true), "the key is judged first");
    }

    #[test]
    fn a_header_that_its_records_belie_is_set_right_when_stamped() {
        let truth = built(&[(Some("a"), 1_500), (Some("b"), 1_700), (Some("c"), 1_600)]);
        let body = &truth[HEADER_LEN..];
        // A greatest timestamp of another day; the broker's own timestamp type.
        for (attributes, newest, expected) in [(0, 99_000, 1_700), (8, 1_800, 1_800)] {
            let batch = check(altered(&truth, attributes, newest, body), &timed()).unwrap();
            let stamp = stamped_header(&batch, Offset(7), LeaderEpoch(1), None);
            let stored = [&stamp[..], body].concat();
            let header = Header::parse(&stored).unwrap();
            assert!(checksum_holds(&header, &stored));
            assert_eq!((header.max_timestamp.0, header.is_log_append_time()), (expected, false));
        }
    }

    #[test]
    fn only_the_broker_sets_its_own_timestamps() {
        let truth = built(&[(Some("a"), 1_500), (Some("b"), 1_700)]);
        let of_type = |newest: i64| altered(&truth, 8, newest, &truth[HEADER_LEN..]);
        let all = |why| vec![(0, why), (1, why)];
        assert_eq!(refused(of_type(1_700), &BatchRules::default()), all(RecordFault::TimestampType));
        assert_eq!(refused(of_type(-1), &timed()), all(RecordFault::TimestampType));
        assert_eq!(refused(of_type(2_001), &timed()), all(RecordFault::Timestamp(Timestamp(2_001))));
    }

    #[test]
    fn what_does_not_add_up_is_an_error_without_names() {
        let good = built(&[(Some("a"), 5), (Some("b"), 5)]);
        let body = &good[HEADER_LEN..];
        for cut in 0..body.len() {
            let error = check(altered(&good, 0, 5, &body[..cut]), &keyed()).unwrap_err();
            assert!(matches!(error, BatchError::Records(_) | BatchError::Count { .. }), "cut at {cut}: {error}");
        }
        let longer = altered(&good, 0, 5, &[body, &[0]].concat());
        assert_eq!(check(longer, &keyed()).unwrap_err(), BatchError::Records("bytes behind the last record"));
        let zipped = gzip(body);
        for cut in 1..zipped.len() {
            let error = check(altered(&good, 1, 5, &zipped[..cut]), &keyed()).unwrap_err();
            assert!(matches!(error, BatchError::Records(_) | BatchError::Compressed(_)), "cut at {cut}: {error}");
        }
    }

    #[test]
    fn whatever_a_byte_becomes_what_is_taken_can_be_walked() {
        let good = built(&[(Some("a"), 5), (Some("bb"), 6), (Some("ccc"), 7)]);
        let body = good[HEADER_LEN..].to_vec();
        let mut taken = 0;
        for at in 0..body.len() {
            for value in 0..=u8::MAX {
                let mut bad = body.clone();
                bad[at] = value;
                let Ok(batch) = check(altered(&good, 0, 7, &bad), &keyed()) else { continue };
                taken += 1;
                let walked: Result<Vec<_>, _> = record::records(&bad, 3).collect();
                let newest = walked.unwrap().iter().map(|record| 5_i64.wrapping_add(record.timestamp_delta)).max();
                assert_eq!(batch.header().max_timestamp.0, newest.unwrap().max(-1), "byte {at} is {value}");
            }
        }
        assert!(taken > 2_000, "{taken} taken: most bytes are a key's or a value's");
    }

    #[test]
    fn little_data_with_very_many_records_takes_little_memory() {
        let mut builder = BatchBuilder::new();
        for _ in 0..200_000 {
            builder.push(Timestamp(5), None, None);
        }
        let batch = builder.build();
        let zipped = altered(&batch, 1, 5, &gzip(&batch[HEADER_LEN..]));
        let most = zipped.len() / RECORD_MIN;
        let Err(BatchError::Refused(found)) = check(zipped, &keyed()) else { panic!("refused") };
        assert_eq!(found.count, 200_000);
        assert!(found.first.len() <= most.min(REFUSED_RECORDS), "{} are named", found.first.len());
        let Err(BatchError::Refused(found)) = check(batch, &keyed()) else { panic!("refused") };
        assert_eq!(found.first.len(), REFUSED_RECORDS);
    }
}
