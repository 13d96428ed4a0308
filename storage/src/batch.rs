//! Record batches, message format 2: the header's view, every check a broker makes, and the fields it patches.
//!
//! A batch is not decoded here, but for the few whose records a topic wants seen (`validate.rs`). Base offset and leader
//! epoch lie outside the checksum, so that a broker can set them without looking further; log-append-time does not, and
//! costs a new checksum.

use bytes::{Bytes, BytesMut};

use crate::{
    error::BatchError,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp},
    limits::MAX_BATCH,
    validate,
};

/// Bytes before the first record.
pub const HEADER_LEN: usize = 61;
/// Bytes before what the length field counts.
pub const LENGTH_PREFIX: usize = 12;
/// Where the checksummed part begins: at the attributes.
pub(crate) const CHECKED_FROM: usize = 21;
const CODEC_MASK: i16 = 0b111;
/// The shortest record: each of its seven fields in one byte.
pub(crate) const RECORD_MIN: usize = 7;
const LOG_APPEND_TIME: i16 = 1 << 3;
const TRANSACTIONAL: i16 = 1 << 4;
const CONTROL: i16 = 1 << 5;

/// How a batch's records are compressed, numbered as its attributes number it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i16)]
pub enum Codec {
    /// Not at all.
    None = 0,
    /// RFC 1952.
    Gzip = 1,
    /// Snappy, framed as Java's snappy-java does or not at all.
    Snappy = 2,
    /// LZ4 frames.
    Lz4 = 3,
    /// Zstandard, from produce version 7 on.
    Zstd = 4,
}

/// The fixed part of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Offset of the first record.
    pub base_offset: Offset,
    /// The leader's epoch when it was appended.
    pub leader_epoch: LeaderEpoch,
    /// CRC32C of all from the attributes on.
    pub crc: u32,
    /// Codec, timestamp type and flags.
    pub attributes: i16,
    /// Offset of the last record less that of the first.
    pub last_offset_delta: i32,
    /// The first record's timestamp.
    pub base_timestamp: Timestamp,
    /// The greatest timestamp, or the log-append-time of all.
    pub max_timestamp: Timestamp,
    /// Idempotent producer, or -1.
    pub producer_id: ProducerId,
    /// Its epoch, or -1.
    pub producer_epoch: ProducerEpoch,
    /// The first record's sequence number, or -1.
    pub base_sequence: i32,
    /// How many records there are.
    pub records: i32,
    /// All bytes of the batch, header included.
    pub size: u32,
}

impl Header {
    /// Reads the header of the batch that `bytes` begins with. The batch itself need not be complete.
    pub fn parse(bytes: &[u8]) -> Result<Self, BatchError> {
        let header: &[u8; HEADER_LEN] =
            bytes.get(..HEADER_LEN).and_then(|bytes| bytes.try_into().ok()).ok_or(BatchError::NoBatch)?;
        let length = i32_at(header, 8);
        if length < (HEADER_LEN - LENGTH_PREFIX) as i32 || length as usize > MAX_BATCH - LENGTH_PREFIX {
            return Err(BatchError::Length(length));
        }
        if header[16] != 2 {
            return Err(BatchError::Magic(header[16] as i8));
        }
        Ok(Self {
            base_offset: Offset(i64_at(header, 0)),
            leader_epoch: LeaderEpoch(i32_at(header, 12)),
            crc: i32_at(header, 17) as u32,
            attributes: i16_at(header, 21),
            last_offset_delta: i32_at(header, 23),
            base_timestamp: Timestamp(i64_at(header, 27)),
            max_timestamp: Timestamp(i64_at(header, 35)),
            producer_id: ProducerId(i64_at(header, 43)),
            producer_epoch: ProducerEpoch(i16_at(header, 51)),
            base_sequence: i32_at(header, 53),
            records: i32_at(header, 57),
            size: length as u32 + LENGTH_PREFIX as u32,
        })
    }

    /// Offset of the last record.
    pub fn last_offset(&self) -> Offset {
        Offset(self.base_offset.0.saturating_add(i64::from(self.last_offset_delta)))
    }

    /// One past the last record's offset.
    pub fn end_offset(&self) -> Offset {
        Offset(self.last_offset().0.saturating_add(1))
    }

    /// How the records are compressed; `None` for an unknown codec.
    pub fn codec(&self) -> Option<Codec> {
        Some(match self.attributes & CODEC_MASK {
            0 => Codec::None,
            1 => Codec::Gzip,
            2 => Codec::Snappy,
            3 => Codec::Lz4,
            4 => Codec::Zstd,
            _ => return None,
        })
    }

    /// Whether the timestamps were set by the broker.
    pub fn is_log_append_time(&self) -> bool {
        self.attributes & LOG_APPEND_TIME != 0
    }

    /// Whether it belongs to a transaction.
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// Whether it holds markers instead of records.
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL != 0
    }

    /// The sequence number of the last record: it wraps from `i32::MAX` to 0.
    pub fn last_sequence(&self) -> i32 {
        advance_sequence(self.base_sequence, self.last_offset_delta)
    }

    /// The greatest timestamp, whichever field says so.
    pub fn newest_timestamp(&self) -> Timestamp {
        self.max_timestamp.max(self.base_timestamp)
    }
}

/// `sequence` moved on by `by` records; sequences wrap at `i32::MAX`.
pub fn advance_sequence(sequence: i32, by: i32) -> i32 {
    ((i64::from(sequence) + i64::from(by)) % (1 << 31)) as i32
}

/// CRC32C, as batches carry it.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// Whether the checksum of the one complete batch in `batch` holds.
pub fn checksum_holds(header: &Header, batch: &[u8]) -> bool {
    crc32c(&batch[CHECKED_FROM..header.size as usize]) == header.crc
}

/// What a batch must satisfy.
#[derive(Clone, Copy, Debug)]
pub struct BatchRules {
    /// The greatest size in bytes, headers included (`max.message.bytes`).
    pub max_size: usize,
    /// Whether zstd may be used (produce version 7 and later).
    pub zstd: bool,
    /// Who sends it.
    pub sender: Sender,
    /// The accepted range of timestamps; `None` if the broker sets them.
    pub timestamps: Option<TimestampRange>,
    /// Whether each record needs a key (the topic is compacted).
    pub keyed: bool,
}

/// Who sends a batch decides what it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// A client: offsets from 0, no control batches.
    Client,
    /// This broker itself or its leader: offsets are final, control batches are fine.
    Broker,
}

/// The timestamps a topic accepts, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimestampRange {
    /// The oldest (`message.timestamp.before.max.ms` ago).
    pub oldest: Timestamp,
    /// The newest (`message.timestamp.after.max.ms` ahead).
    pub newest: Timestamp,
}

impl Default for BatchRules {
    /// What a client may send where a topic's configuration restricts nothing.
    fn default() -> Self {
        Self { max_size: MAX_BATCH, zstd: true, sender: Sender::Client, timestamps: None, keyed: false }
    }
}

/// A batch that passed [`check`]: the bytes as received, and what their header must be.
#[derive(Clone, Debug)]
pub struct ValidBatch {
    bytes: Bytes,
    header: Header,
}

impl ValidBatch {
    /// The bytes as received.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The header as received, but for timestamps that its records belie: those are set right when it is stamped.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The same records in another codec: `body` is what follows the header then.
    pub(crate) fn recoded(&self, codec: Codec, body: &[u8]) -> Result<Self, BatchError> {
        let size = HEADER_LEN + body.len();
        if size > MAX_BATCH {
            return Err(BatchError::TooLarge { size, limit: MAX_BATCH });
        }
        let mut bytes = BytesMut::with_capacity(size);
        bytes.extend_from_slice(&self.bytes[..HEADER_LEN]);
        bytes.extend_from_slice(body);
        bytes[8..LENGTH_PREFIX].copy_from_slice(&((size - LENGTH_PREFIX) as i32).to_be_bytes());
        let attributes = self.header.attributes & !CODEC_MASK | codec as i16;
        bytes[21..23].copy_from_slice(&attributes.to_be_bytes());
        let crc = crc32c(&bytes[CHECKED_FROM..]);
        bytes[17..CHECKED_FROM].copy_from_slice(&crc.to_be_bytes());
        let bytes = bytes.freeze();
        Ok(Self { header: Header::parse(&bytes)?, bytes })
    }
}

/// Checks that `records` is exactly one batch that satisfies `rules`. As in Kafka, an incomplete batch behind it is cut
/// off in silence; a complete second one, or what cannot be the start of one, is an error.
pub fn check(records: Bytes, rules: &BatchRules) -> Result<ValidBatch, BatchError> {
    let (batch, rest) = split(records)?;
    match split(rest) {
        Err(BatchError::NoBatch) => check_batch(batch, rules),
        Ok(_) => Err(BatchError::MoreThanOne),
        Err(garbage) => Err(garbage),
    }
}

/// Checks a run of batches, each by `rules`; none is an error.
pub fn check_all(mut records: Bytes, rules: &BatchRules) -> Result<Vec<ValidBatch>, BatchError> {
    let mut batches = Vec::new();
    while !records.is_empty() {
        let (batch, rest) = split(records)?;
        batches.push(check_batch(batch, rules)?);
        records = rest;
    }
    if batches.is_empty() { Err(BatchError::NoBatch) } else { Ok(batches) }
}

/// The first complete batch of `records`, and what follows it.
fn split(mut records: Bytes) -> Result<(Bytes, Bytes), BatchError> {
    let length = match records.get(8..LENGTH_PREFIX) {
        Some(length) => i32::from_be_bytes(length.try_into().expect("four bytes")),
        None => return Err(BatchError::NoBatch),
    };
    // Older formats have a header of their own; they are told apart by the magic below.
    if length < 14 {
        return Err(BatchError::Length(length));
    }
    match records.get(16) {
        None => return Err(BatchError::NoBatch),
        Some(2) => {}
        Some(magic) => return Err(BatchError::Magic(*magic as i8)),
    }
    if records.len() - LENGTH_PREFIX < length as usize {
        return Err(BatchError::NoBatch);
    }
    let batch = records.split_to(length as usize + LENGTH_PREFIX);
    Ok((batch, records))
}

fn check_batch(bytes: Bytes, rules: &BatchRules) -> Result<ValidBatch, BatchError> {
    let size = bytes.len();
    if size < HEADER_LEN {
        return Err(BatchError::Length((size - LENGTH_PREFIX) as i32));
    }
    if size > rules.max_size.min(MAX_BATCH) {
        return Err(BatchError::TooLarge { size, limit: rules.max_size.min(MAX_BATCH) });
    }
    let mut header = Header::parse(&bytes)?;
    check_fields(&header, rules)?;
    if !checksum_holds(&header, &bytes) {
        return Err(BatchError::Checksum);
    }
    if rules.sender == Sender::Client && validate::must_walk(&header, rules) {
        header.max_timestamp = validate::walk(&header, bytes.slice(HEADER_LEN..), rules)?;
        header.attributes &= !LOG_APPEND_TIME;
    }
    Ok(ValidBatch { bytes, header })
}

fn check_fields(header: &Header, rules: &BatchRules) -> Result<(), BatchError> {
    let client = rules.sender == Sender::Client;
    if client && header.base_offset.0 != 0 || header.base_offset.0 < 0 {
        return Err(BatchError::BaseOffset(header.base_offset.0));
    }
    match header.codec() {
        None => return Err(BatchError::Codec((header.attributes & CODEC_MASK) as u8)),
        Some(Codec::Zstd) if !rules.zstd => return Err(BatchError::Codec(4)),
        Some(_) => {}
    }
    if client && header.is_control() {
        return Err(BatchError::Control);
    }
    let (count, last_offset_delta) = (header.records, header.last_offset_delta);
    // A broker's batch may have lost records to compaction, but never gained any.
    let fits =
        if client { count == last_offset_delta.wrapping_add(1) } else { count <= last_offset_delta.wrapping_add(1) };
    let fits = fits && (!client || can_hold(header, count));
    if last_offset_delta < 0 || last_offset_delta == i32::MAX || count < i32::from(client) || !fits {
        return Err(BatchError::Count { count, last_offset_delta });
    }
    if header.base_offset.0.checked_add(i64::from(last_offset_delta) + 1).is_none() {
        return Err(BatchError::BaseOffset(header.base_offset.0));
    }
    check_producer(header)
}

/// Whether the bytes behind the header may be that many records. They are not walked; but offsets that one small batch
/// could use up are no longer anyone's.
fn can_hold(header: &Header, count: i32) -> bool {
    let payload = header.size as usize - HEADER_LEN;
    match header.codec() {
        Some(Codec::None) => payload / RECORD_MIN >= usize::try_from(count).unwrap_or(0),
        _ => payload > 0,
    }
}

fn check_producer(header: &Header) -> Result<(), BatchError> {
    if header.producer_id.0 < 0 {
        return if header.is_transactional() { Err(BatchError::Transactional) } else { Ok(()) };
    }
    // A control batch has an epoch but no sequence.
    if header.producer_epoch.0 < 0 || (header.base_sequence < 0 && !header.is_control()) {
        return Err(BatchError::Producer);
    }
    Ok(())
}

/// The header that `batch` gets when it is appended; the rest of its bytes stays as it is.
///
/// With `log_append_time` all its records take that timestamp; the checksum is computed anew where that, or what the
/// records say, changes the header.
pub fn stamped_header(
    batch: &ValidBatch,
    base_offset: Offset,
    epoch: LeaderEpoch,
    log_append_time: Option<Timestamp>,
) -> [u8; HEADER_LEN] {
    let mut header: [u8; HEADER_LEN] = batch.bytes[..HEADER_LEN].try_into().expect("checked to be a whole batch");
    header[0..8].copy_from_slice(&base_offset.0.to_be_bytes());
    header[12..16].copy_from_slice(&epoch.0.to_be_bytes());
    let (attributes, newest) = match log_append_time {
        Some(now) => (batch.header.attributes | LOG_APPEND_TIME, now),
        None => (batch.header.attributes, batch.header.max_timestamp),
    };
    if (i16_at(&header, 21), i64_at(&header, 35)) != (attributes, newest.0) {
        header[21..23].copy_from_slice(&attributes.to_be_bytes());
        header[35..43].copy_from_slice(&newest.0.to_be_bytes());
        let crc = checksum_of_parts(&header[CHECKED_FROM..], &batch.bytes[HEADER_LEN..]);
        header[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    header
}

fn checksum_of_parts(first: &[u8], second: &[u8]) -> u32 {
    let mut digest = crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi);
    digest.update(first);
    digest.update(second);
    digest.finalize() as u32
}

fn i16_at(header: &[u8; HEADER_LEN], at: usize) -> i16 {
    i16::from_be_bytes([header[at], header[at + 1]])
}

fn i32_at(header: &[u8; HEADER_LEN], at: usize) -> i32 {
    i32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"))
}

fn i64_at(header: &[u8; HEADER_LEN], at: usize) -> i64 {
    i64::from_be_bytes(header[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
pub(crate) mod testing {
    //! Batches for tests.

    use super::*;
    use crate::record::BatchBuilder;

    /// What a test wants of a batch.
    #[derive(Clone, Debug)]
    pub(crate) struct BatchSpec {
        pub(crate) producer: Option<(i64, i16, i32)>,
        pub(crate) records: i32,
        pub(crate) base_offset: i64,
        pub(crate) timestamp: i64,
        pub(crate) value: usize,
    }

    impl Default for BatchSpec {
        fn default() -> Self {
            Self { producer: None, records: 1, base_offset: 0, timestamp: 1_000, value: 10 }
        }
    }

    impl BatchSpec {
        pub(crate) fn build(&self) -> Bytes {
            let mut builder = BatchBuilder::new();
            if let Some((id, epoch, sequence)) = self.producer {
                builder = builder.producer(ProducerId(id), ProducerEpoch(epoch), sequence);
            }
            for at in 0..self.records {
                builder.push(Timestamp(self.timestamp + i64::from(at)), None, Some(&vec![at as u8; self.value]));
            }
            builder.build_at(Offset(self.base_offset), LeaderEpoch(0))
        }

        pub(crate) fn valid(&self) -> ValidBatch {
            check(self.build(), &BatchRules::default()).expect("a test's batch is valid")
        }
    }

    /// The header alone, of any count, without records.
    pub(crate) fn header(spec: &BatchSpec) -> Header {
        let mut header = Header::parse(&BatchSpec { records: 1, ..spec.clone() }.build()).unwrap();
        header.records = spec.records;
        header.last_offset_delta = spec.records - 1;
        header
    }
}

#[cfg(test)]
mod tests {
    use super::{testing::BatchSpec, *};

    /// A valid batch with `bytes` put at `at`, and the checksum made to hold again.
    fn altered(at: usize, bytes: &[u8]) -> Bytes {
        let mut batch = BatchSpec { records: 3, producer: Some((5, 0, 0)), ..Default::default() }.build().to_vec();
        batch[at..at + bytes.len()].copy_from_slice(bytes);
        let crc = crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch.into()
    }

    fn recount(mut batch: Vec<u8>, count: i32) -> Bytes {
        batch[57..61].copy_from_slice(&count.to_be_bytes());
        let crc = crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch.into()
    }

    fn refusal(batch: Bytes) -> BatchError {
        check(batch, &BatchRules::default()).expect_err("must be refused")
    }

    #[test]
    fn a_good_batch_passes_and_keeps_its_bytes() {
        let bytes = BatchSpec::default().build();
        let batch = check(bytes.clone(), &BatchRules::default()).unwrap();
        assert_eq!(batch.bytes(), &bytes);
        assert_eq!(batch.header().records, 1);
    }

    #[test]
    fn each_field_out_of_its_range_is_refused_by_name() {
        assert_eq!(refusal(altered(0, &1_i64.to_be_bytes())), BatchError::BaseOffset(1));
        assert_eq!(refusal(altered(16, &[1])), BatchError::Magic(1));
        assert_eq!(refusal(altered(22, &[5])), BatchError::Codec(5));
        assert_eq!(refusal(altered(22, &[0x20])), BatchError::Control);
        assert!(matches!(refusal(altered(22, &[8])), BatchError::Refused(_)));
        assert_eq!(refusal(altered(23, &3_i32.to_be_bytes())), BatchError::Count { count: 3, last_offset_delta: 3 });
        assert!(matches!(refusal(altered(23, &(-1_i32).to_be_bytes())), BatchError::Count { .. }));
        assert!(matches!(refusal(altered(57, &0_i32.to_be_bytes())), BatchError::Count { .. }));
        assert!(matches!(refusal(altered(57, &i32::MIN.to_be_bytes())), BatchError::Count { .. }));
        assert_eq!(refusal(altered(51, &(-1_i16).to_be_bytes())), BatchError::Producer);
        assert_eq!(refusal(altered(53, &(-1_i32).to_be_bytes())), BatchError::Producer);
        let many = altered(23, &9_i32.to_be_bytes()).to_vec();
        assert_eq!(
            refusal(recount(many, 10)),
            BatchError::Count { count: 10, last_offset_delta: 9 },
            "three records' bytes cannot be ten"
        );
        let mut transactional = altered(22, &[0x10]).to_vec();
        transactional[43..51].copy_from_slice(&(-1_i64).to_be_bytes());
        let crc = crc32c(&transactional[21..]);
        transactional[17..21].copy_from_slice(&crc.to_be_bytes());
        assert_eq!(refusal(transactional.into()), BatchError::Transactional);
    }

    #[test]
    fn lengths_and_counts_of_batches() {
        let good = BatchSpec::default().build();
        assert_eq!(refusal(Bytes::new()), BatchError::NoBatch);
        for cut in 0..good.len() {
            assert_eq!(refusal(good.slice(..cut)), BatchError::NoBatch, "cut at {cut}");
        }
        assert_eq!(refusal(altered(8, &(-1_i32).to_be_bytes())), BatchError::Length(-1));
        assert_eq!(refusal(altered(8, &20_i32.to_be_bytes()).slice(..32)), BatchError::Length(20));
        assert_eq!(refusal(altered(8, &i32::MAX.to_be_bytes())), BatchError::NoBatch);
        let twice: Bytes = [&good[..], &good[..]].concat().into();
        assert_eq!(refusal(twice.clone()), BatchError::MoreThanOne);
        let rules = BatchRules { sender: Sender::Broker, ..Default::default() };
        assert_eq!(check_all(twice.clone(), &rules).unwrap().len(), 2);
        assert!(check(twice.slice(..twice.len() - 1), &BatchRules::default()).is_ok(), "a cut-off tail is dropped");
        let garbage: Bytes = [&good[..], &[0xff; 30]].concat().into();
        assert_eq!(refusal(garbage), BatchError::Length(-1), "garbage behind a batch is no cut-off batch");
    }

    #[test]
    fn any_bit_flipped_behind_the_epoch_is_noticed() {
        let good = BatchSpec { records: 2, ..Default::default() }.build();
        for at in 16..good.len() {
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[at] ^= 1 << bit;
                assert!(check(bad.into(), &BatchRules::default()).is_err(), "byte {at} bit {bit}");
            }
        }
    }

    #[test]
    fn size_and_codec_limits_are_the_callers() {
        let good = BatchSpec::default().build();
        let small = BatchRules { max_size: good.len() - 1, ..Default::default() };
        assert!(matches!(check(good.clone(), &small), Err(BatchError::TooLarge { .. })));
        let old = BatchRules { zstd: false, ..Default::default() };
        assert_eq!(check(altered(22, &[4]), &old).unwrap_err(), BatchError::Codec(4));
    }

    #[test]
    fn stamping_sets_offset_and_epoch_and_keeps_the_checksum() {
        let batch = BatchSpec { records: 3, ..Default::default() }.valid();
        for log_append_time in [None, Some(Timestamp(777))] {
            let stamp = stamped_header(&batch, Offset(1 << 40), LeaderEpoch(9), log_append_time);
            let stored = [&stamp[..], &batch.bytes()[HEADER_LEN..]].concat();
            let header = Header::parse(&stored).unwrap();
            assert!(checksum_holds(&header, &stored));
            assert_eq!(
                (header.base_offset.0, header.end_offset().0, header.leader_epoch.0),
                (1 << 40, (1 << 40) + 3, 9)
            );
            assert_eq!(header.is_log_append_time(), log_append_time.is_some());
            assert_eq!(header.max_timestamp, log_append_time.unwrap_or(Timestamp(1_002)));
        }
    }
}
