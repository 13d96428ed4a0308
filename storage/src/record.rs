//! Records within an uncompressed batch: walked without allocation, and built.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    batch::{HEADER_LEN, Header, crc32c},
    error::BatchError,
    ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp},
};

/// One record, borrowed from its batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Its offset less the batch's base offset.
    pub offset_delta: i32,
    /// Its timestamp less the batch's base timestamp.
    pub timestamp_delta: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, to be walked with [`Record::headers`].
    headers: &'a [u8],
    header_count: i32,
}

/// One header of a record: its name and its value.
pub type RecordHeader<'a> = (&'a [u8], Option<&'a [u8]>);

impl<'a> Record<'a> {
    /// The record's headers in order.
    pub fn headers(&self) -> impl Iterator<Item = Result<RecordHeader<'a>, BatchError>> {
        let mut rest = Walk { bytes: self.headers };
        (0..self.header_count).map(move |_| {
            let key = rest.sized()?.ok_or(BatchError::Records("a header without a name"))?;
            Ok((key, rest.sized()?))
        })
    }
}

/// Walks the `count` records in `bytes` (a batch's part behind the header, decompressed).
pub fn records(bytes: &[u8], count: i32) -> impl Iterator<Item = Result<Record<'_>, BatchError>> {
    let mut walk = Walk { bytes };
    let mut failed = false;
    (0..count).map_while(move |_| {
        if failed {
            return None;
        }
        let record = walk.record();
        failed = record.is_err();
        Some(record)
    })
}

struct Walk<'a> {
    bytes: &'a [u8],
}

impl<'a> Walk<'a> {
    fn record(&mut self) -> Result<Record<'a>, BatchError> {
        let length = self.varint()?;
        let length = usize::try_from(length).map_err(|_| BatchError::Records("a negative length"))?;
        let mut body = Walk { bytes: self.take(length)? };
        body.take(1)?; // attributes, unused by the format
        let timestamp_delta = body.varlong()?;
        let offset_delta = body.varint()?;
        let (key, value) = (body.sized()?, body.sized()?);
        let header_count = body.varint()?;
        // A header takes two bytes at least.
        if header_count < 0 || header_count as usize > body.bytes.len() / 2 {
            return Err(BatchError::Records("a header count that cannot be"));
        }
        Ok(Record { offset_delta, timestamp_delta, key, value, headers: body.bytes, header_count })
    }

    fn sized(&mut self) -> Result<Option<&'a [u8]>, BatchError> {
        // As Kafka: -1 is what clients send for null, and any negative length is taken for it.
        match usize::try_from(self.varint()?) {
            Ok(length) => self.take(length).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], BatchError> {
        let (taken, rest) =
            self.bytes.split_at_checked(length).ok_or(BatchError::Records("a length past the batch's end"))?;
        self.bytes = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<i32, BatchError> {
        i32::try_from(self.varlong()?).map_err(|_| BatchError::Records("a varint too large"))
    }

    fn varlong(&mut self) -> Result<i64, BatchError> {
        let mut value = 0_u64;
        for (at, byte) in self.bytes.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 == 0 {
                self.bytes = &self.bytes[at + 1..];
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(BatchError::Records("a varint without end"))
    }
}

/// Builds an uncompressed batch: for the records this broker writes itself, and for tests.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    attributes: i16,
    producer: (ProducerId, ProducerEpoch, i32),
    base_timestamp: Option<Timestamp>,
    max_timestamp: Timestamp,
    count: i32,
    body: BytesMut,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self {
            attributes: 0,
            producer: (ProducerId(-1), ProducerEpoch(-1), -1),
            base_timestamp: None,
            max_timestamp: Timestamp(-1),
            count: 0,
            body: BytesMut::new(),
        }
    }
}

impl BatchBuilder {
    /// An empty batch without a producer id.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for records of so many bytes.
    pub fn with_room(bytes: usize) -> Self {
        Self { body: BytesMut::with_capacity(bytes), ..Self::default() }
    }

    /// As written by an idempotent producer; `sequence` is the first record's.
    pub fn producer(mut self, id: ProducerId, epoch: ProducerEpoch, sequence: i32) -> Self {
        self.producer = (id, epoch, sequence);
        self
    }

    /// With these attributes.
    pub fn attributes(mut self, attributes: i16) -> Self {
        self.attributes = attributes;
        self
    }

    /// How many records it holds by now.
    pub fn len(&self) -> i32 {
        self.count
    }

    /// Whether it holds no record yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes it would have if it were built now.
    pub fn size(&self) -> usize {
        HEADER_LEN + self.body.len()
    }

    /// Adds a record without headers.
    pub fn push(&mut self, timestamp: Timestamp, key: Option<&[u8]>, value: Option<&[u8]>) -> &mut Self {
        self.push_with_headers(timestamp, key, value, &[])
    }

    /// Adds a record.
    pub fn push_with_headers(
        &mut self,
        timestamp: Timestamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[RecordHeader<'_>],
    ) -> &mut Self {
        let base = *self.base_timestamp.get_or_insert(timestamp);
        self.max_timestamp = self.max_timestamp.max(timestamp);
        let fixed = 1 + varlong_len(timestamp.0 - base.0) + varlong_len(i64::from(self.count));
        let of_headers = headers.iter().map(|(name, value)| sized_len(Some(name)) + sized_len(*value)).sum::<usize>();
        let of_headers = varlong_len(headers.len() as i64) + of_headers;
        let length = fixed + sized_len(key) + sized_len(value) + of_headers;
        put_varlong(&mut self.body, length as i64);
        self.body.put_u8(0);
        put_varlong(&mut self.body, timestamp.0 - base.0);
        put_varlong(&mut self.body, i64::from(self.count));
        put_sized(&mut self.body, key);
        put_sized(&mut self.body, value);
        put_varlong(&mut self.body, headers.len() as i64);
        for (name, value) in headers {
            put_sized(&mut self.body, Some(name));
            put_sized(&mut self.body, *value);
        }
        self.count += 1;
        self
    }

    /// The batch, from offset 0 as clients send it.
    pub fn build(&self) -> Bytes {
        self.build_at(Offset(0), LeaderEpoch(-1))
    }

    /// The batch at its final place.
    pub fn build_at(&self, base_offset: Offset, epoch: LeaderEpoch) -> Bytes {
        let mut batch = BytesMut::with_capacity(self.size());
        batch.put_i64(base_offset.0);
        batch.put_i32((self.size() - crate::batch::LENGTH_PREFIX) as i32);
        batch.put_i32(epoch.0);
        batch.put_i8(2);
        batch.put_u32(0);
        batch.put_i16(self.attributes);
        batch.put_i32(self.count - 1);
        batch.put_i64(self.base_timestamp.unwrap_or(Timestamp(-1)).0);
        batch.put_i64(self.max_timestamp.0);
        batch.put_i64(self.producer.0.0);
        batch.put_i16(self.producer.1.0);
        batch.put_i32(self.producer.2);
        batch.put_i32(self.count);
        batch.extend_from_slice(&self.body);
        let crc = crc32c(&batch[21..]);
        batch[17..21].copy_from_slice(&crc.to_be_bytes());
        batch.freeze()
    }
}

fn put_varlong(to: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        to.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    to.put_u8(rest as u8);
}

fn varlong_len(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    (64 - zigzag.leading_zeros() as usize).div_ceil(7).max(1)
}

fn put_sized(to: &mut BytesMut, bytes: Option<&[u8]>) {
    match bytes {
        None => put_varlong(to, -1),
        Some(bytes) => {
            put_varlong(to, bytes.len() as i64);
            to.extend_from_slice(bytes);
        }
    }
}

fn sized_len(bytes: Option<&[u8]>) -> usize {
    bytes.map_or(1, |bytes| varlong_len(bytes.len() as i64) + bytes.len())
}

/// The records of a batch's body, decompressed if need be: `batch` is one complete batch with header `header`.
pub fn body(header: &Header, batch: &Bytes) -> Result<Bytes, BatchError> {
    let body = batch.slice(HEADER_LEN..header.size as usize);
    crate::compress::decompress(header.codec(), body, crate::limits::MAX_DECOMPRESSED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_walked() {
        let mut builder = BatchBuilder::new();
        builder.push(Timestamp(1_000), Some(b"key"), Some(b"value")).push(Timestamp(990), None, None);
        builder.push(Timestamp(1 << 40), Some(b""), Some(&[9; 300]));
        let batch = builder.build();
        let header = Header::parse(&batch).unwrap();
        assert_eq!((header.records, header.last_offset_delta, header.size as usize), (3, 2, batch.len()));
        assert_eq!((header.base_timestamp.0, header.max_timestamp.0), (1_000, 1 << 40));
        let found: Vec<_> = records(&batch[HEADER_LEN..], 3).collect::<Result<_, _>>().unwrap();
        assert_eq!((found[0].key, found[0].value), (Some(&b"key"[..]), Some(&b"value"[..])));
        assert_eq!((found[1].timestamp_delta, found[1].offset_delta, found[1].key), (-10, 1, None));
        assert_eq!(found[2].value.map(<[u8]>::len), Some(300));
    }

    #[test]
    fn broken_records_are_errors_and_end_the_walk() {
        let mut builder = BatchBuilder::new();
        builder.push(Timestamp(0), Some(b"key"), Some(b"value"));
        let good = builder.build().slice(HEADER_LEN..);
        for cut in 0..good.len() {
            assert!(records(&good[..cut], 1).any(|record| record.is_err()), "cut at {cut}");
        }
        let mut walked = records(&[0xff; 64], i32::MAX);
        assert!(walked.next().unwrap().is_err());
        assert!(walked.next().is_none());
    }

    #[test]
    fn any_byte_changed_never_panics() {
        let mut builder = BatchBuilder::new();
        for at in 0..20 {
            builder.push(Timestamp(at), Some(b"key"), Some(b"value"));
        }
        let good = builder.build().slice(HEADER_LEN..).to_vec();
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                for record in records(&bad, 20).flatten() {
                    record.headers().for_each(drop);
                }
            }
        }
    }

    #[test]
    fn varints_have_the_length_they_say() {
        for value in [0, -1, 63, 64, -64, -65, 8191, 8192, i64::MAX, i64::MIN, i64::from(i32::MAX)] {
            let mut bytes = BytesMut::new();
            put_varlong(&mut bytes, value);
            assert_eq!(bytes.len(), varlong_len(value), "{value}");
            assert_eq!(Walk { bytes: &bytes }.varlong(), Ok(value));
        }
    }
}
