//! Record batches (format 2, uncompressed): building them, and walking those that come back.

use crate::error::{Error, Result};
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, checksum};

const HEADER: usize = 61;
/// The base offset and the length, which the length does not count.
const BEFORE_LENGTH_ENDS: usize = 12;
/// Where the checksum stands, and where the bytes it covers begin.
const CRC_AT: usize = 17;
const CRC_FROM: usize = 21;

fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
    while zigzag >= 0x80 {
        out.push(zigzag as u8 | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag as u8);
}

fn varint_size(value: i64) -> usize {
    let zigzag = ((value << 1) ^ (value >> 63)) as u64;
    (70 - (zigzag | 1).leading_zeros() as usize) / 7
}

/// The time that a batch bears which is built now.
pub(crate) fn now_ms() -> i64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis() as i64
}

/// A batch of `count` records, whose values `fill` writes into the `size` zeroes it is given.
pub(crate) fn build(count: usize, size: usize, timestamp: i64, fill: impl FnMut(usize, &mut [u8])) -> Bytes {
    build_keyed(count, size, timestamp, |_| None, fill)
}

/// The same, with a key for each record that `key` names one for.
pub(crate) fn build_keyed(
    count: usize,
    size: usize,
    timestamp: i64,
    key: impl Fn(usize) -> Option<u64>,
    mut fill: impl FnMut(usize, &mut [u8]),
) -> Bytes {
    let mut out = Vec::with_capacity(HEADER + count * (size + 16));
    out.resize(HEADER, 0);
    for place in 0..count {
        let delta = place as i64;
        let key = key(place).map(u64::to_be_bytes);
        let key = key.as_ref().map(|key| &key[..]);
        // Attributes, timestamp delta, offset delta, the key or its absence, the value's length, no headers.
        let length = 1 + 1 + varint_size(delta) + 1 + key.map_or(0, <[u8]>::len) + varint_size(size as i64) + size + 1;
        put_varint(&mut out, length as i64);
        out.extend([0, 0]);
        put_varint(&mut out, delta);
        put_varint(&mut out, key.map_or(-1, |key| key.len() as i64));
        out.extend_from_slice(key.unwrap_or_default());
        put_varint(&mut out, size as i64);
        let start = out.len();
        out.resize(start + size, 0);
        fill(place, &mut out[start..]);
        out.push(0);
    }
    let length = (out.len() - BEFORE_LENGTH_ENDS) as i32;
    out[8..12].copy_from_slice(&length.to_be_bytes());
    out[12..16].copy_from_slice(&(-1_i32).to_be_bytes()); // leader epoch
    out[16] = 2; // magic
    out[23..27].copy_from_slice(&(count as i32 - 1).to_be_bytes());
    out[27..35].copy_from_slice(&timestamp.to_be_bytes());
    out[35..43].copy_from_slice(&timestamp.to_be_bytes());
    out[43..57].fill(0xff); // no producer: id, epoch and sequence are -1
    out[57..61].copy_from_slice(&(count as i32).to_be_bytes());
    let crc = checksum(CrcAlgorithm::Crc32Iscsi, &out[CRC_FROM..]) as u32;
    out[CRC_AT..CRC_FROM].copy_from_slice(&crc.to_be_bytes());
    out.into()
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(|| Error::Broken("a record is cut".into()))?;
        self.0 = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<i64> {
        let mut zigzag = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            zigzag |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64));
            }
        }
        Err(Error::Broken("a number does not end".into()))
    }
}

fn number<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

/// Walks the whole batches in `records`, having checked each one's checksum; a last one may be cut. Calls `each` with
/// every record's offset and value from `from` on, and returns the offset after the last.
pub(crate) fn walk(records: &Bytes, from: i64, mut each: impl FnMut(i64, &[u8]) -> Result<()>) -> Result<i64> {
    let (mut rest, mut next) = (&records[..], from);
    while rest.len() >= HEADER {
        let length = i32::from_be_bytes(number(rest, 8)) as usize + BEFORE_LENGTH_ENDS;
        if length > rest.len() || length < HEADER {
            break;
        }
        let (batch, after) = rest.split_at(length);
        rest = after;
        if checksum(CrcAlgorithm::Crc32Iscsi, &batch[CRC_FROM..]) as u32 != u32::from_be_bytes(number(batch, CRC_AT)) {
            return Err(Error::Broken("a batch has another checksum than it says".into()));
        }
        let base = i64::from_be_bytes(number(batch, 0));
        let mut cursor = Cursor(&batch[HEADER..]);
        for _ in 0..i32::from_be_bytes(number(batch, 57)) {
            let length = cursor.varint()? as usize;
            let mut record = Cursor(cursor.take(length)?);
            record.take(1)?;
            record.varint()?;
            let offset = base + record.varint()?;
            let key = record.varint()?.max(0) as usize;
            record.take(key)?;
            let value = record.varint()?.max(0) as usize;
            if offset >= from {
                each(offset, record.take(value)?)?;
            }
        }
        next = base + i64::from(i32::from_be_bytes(number::<4>(batch, 23))) + 1;
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_walked_and_a_flipped_bit_is_seen() {
        let batch = build(300, 40, 7, |place, value| value[0] = place as u8);
        let mut seen = Vec::new();
        let next = walk(&batch, 0, |offset, value| {
            seen.push((offset, value[0], value.len()));
            Ok(())
        });
        assert_eq!(next.unwrap(), 300);
        assert_eq!(seen, (0..300).map(|i| (i, i as u8, 40)).collect::<Vec<_>>());
        let mut broken = batch.to_vec();
        broken[100] ^= 1;
        assert!(walk(&broken.into(), 0, |_, _| Ok(())).is_err());
        assert_eq!(walk(&batch.slice(..batch.len() - 1), 5, |_, _| Ok(())).unwrap(), 5, "a cut batch is left");
    }

    #[test]
    fn keyed_records_are_walked_like_others() {
        let batch = build_keyed(3, 30, 7, |place| Some(place as u64), |place, value| value[0] = place as u8);
        let mut seen = Vec::new();
        let next = walk(&batch, 1, |offset, value| {
            seen.push((offset, value[0], value.len()));
            Ok(())
        });
        assert_eq!((next.unwrap(), seen), (3, vec![(1, 1, 30), (2, 2, 30)]));
    }
}
