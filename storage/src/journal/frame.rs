//! How a frame lies on disk.
//!
//! A frame begins on a block boundary and is padded with zeroes to the next. All integers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | magic `CLJF` |
//! | 4..8 | CRC-32 of bytes 8.. to the frame's length |
//! | 8..16 | journal id: blocks of another journal never count |
//! | 16..24 | LSN: where this frame begins |
//! | 24..32 | known durable: all frames before this LSN were durable when this one was composed |
//! | 32..40 | incarnation: drawn anew at each start, so that no frame is ever written twice |
//! | 40..48 | sequence of the first record |
//! | 48..52 | count of records; 0 in a closing frame |
//! | 52..56 | length in bytes, header included, padding not |
//! | 56..60 | chain: the CRC of the frame before |
//! | 60..64 | zero |
//!
//! A record is its payload's length (4 bytes), its kind (1 byte), its payload.

use bytes::Bytes;

use super::{Lsn, Record, Sequence};
use crate::{
    buffer::AlignedBuf,
    env::BLOCK,
    mutant::{Mutant, active},
};

const MAGIC: u32 = u32::from_le_bytes(*b"CLJF");

/// The size of a frame's header.
pub(super) const HEADER: usize = 64;

/// What a record takes beside its payload.
pub(super) const RECORD_HEADER: usize = 5;

/// Reads a little-endian integer; panics out of bounds.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Reads a little-endian integer; panics out of bounds.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FrameHeader {
    pub(super) crc: u32,
    pub(super) journal: u64,
    pub(super) lsn: Lsn,
    pub(super) known_durable: Lsn,
    pub(super) incarnation: u64,
    pub(super) first: Sequence,
    pub(super) records: u32,
    pub(super) len: u32,
    pub(super) chain: u32,
}

impl FrameHeader {
    /// Reads a header from a frame's first block, whatever the rest of the frame may be.
    pub(super) fn parse(block: &[u8]) -> Option<Self> {
        if block.len() < HEADER || u32_at(block, 0) != MAGIC || u32_at(block, 60) != 0 {
            return None;
        }
        let header = Self {
            crc: u32_at(block, 4),
            journal: u64_at(block, 8),
            lsn: Lsn(u64_at(block, 16)),
            known_durable: Lsn(u64_at(block, 24)),
            incarnation: u64_at(block, 32),
            first: Sequence(u64_at(block, 40)),
            records: u32_at(block, 48),
            len: u32_at(block, 52),
            chain: u32_at(block, 56),
        };
        let sane = header.len as usize >= HEADER && header.lsn.0.is_multiple_of(BLOCK as u64) && header.first.0 > 0;
        sane.then_some(header)
    }

    /// Reads a whole frame and checks its CRC; `bytes` may go on after it.
    pub(super) fn parse_whole(bytes: &[u8]) -> Option<Self> {
        let header = Self::parse(bytes)?;
        let covered = bytes.get(8..header.len as usize)?;
        (crc32fast::hash(covered) == header.crc || active(Mutant::JournalSkipsFrameCrc)).then_some(header)
    }

    /// What the frame takes on disk.
    pub(super) fn span(&self) -> u64 {
        span(self.len as usize) as u64
    }

    /// The sequence after the frame's last record.
    pub(super) fn next_sequence(&self) -> Sequence {
        Sequence(self.first.0 + u64::from(self.records))
    }

    fn put(&self, block: &mut [u8]) {
        block[0..4].copy_from_slice(&MAGIC.to_le_bytes());
        block[8..16].copy_from_slice(&self.journal.to_le_bytes());
        block[16..24].copy_from_slice(&self.lsn.0.to_le_bytes());
        block[24..32].copy_from_slice(&self.known_durable.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.incarnation.to_le_bytes());
        block[40..48].copy_from_slice(&self.first.0.to_le_bytes());
        block[48..52].copy_from_slice(&self.records.to_le_bytes());
        block[52..56].copy_from_slice(&self.len.to_le_bytes());
        block[56..60].copy_from_slice(&self.chain.to_le_bytes());
        block[60..64].fill(0);
    }
}

/// What a frame of `len` bytes takes on disk.
pub(super) const fn span(len: usize) -> usize {
    len.next_multiple_of(BLOCK)
}

/// What goes into a frame's header when it is composed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) journal: u64,
    pub(super) incarnation: u64,
    pub(super) lsn: Lsn,
    pub(super) known_durable: Lsn,
    pub(super) chain: u32,
}

/// A frame being filled: room for the header, then records.
pub(super) struct FrameBuilder {
    buffer: AlignedBuf,
    len: usize,
    first: Sequence,
    records: u32,
}

impl FrameBuilder {
    /// An empty frame in `buffer`, whose content may be anything; its first record will be `first`.
    pub(super) fn new(buffer: AlignedBuf, first: Sequence) -> Self {
        Self { buffer, len: HEADER, first, records: 0 }
    }

    /// Whether a record with a payload of `payload` bytes fits.
    pub(super) fn fits(&self, payload: usize) -> bool {
        self.len + RECORD_HEADER + payload <= self.buffer.len()
    }

    /// Appends a record that fits, its payload given in parts.
    pub(super) fn push(&mut self, kind: u8, payload: &[&[u8]]) {
        let len: usize = payload.iter().map(|part| part.len()).sum();
        let mut at = self.len;
        self.buffer[at..at + 4].copy_from_slice(&(len as u32).to_le_bytes());
        self.buffer[at + 4] = kind;
        at += RECORD_HEADER;
        for part in payload {
            self.buffer[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.len = at;
        self.records += 1;
    }

    /// Bytes so far, header included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The sequence after its last record.
    pub(super) fn next_sequence(&self) -> Sequence {
        Sequence(self.first.0 + u64::from(self.records))
    }

    /// The frame as it is written, whole blocks, and its header.
    pub(super) fn compose(mut self, context: Context) -> (FrameHeader, Bytes) {
        let mut header = FrameHeader {
            crc: 0,
            journal: context.journal,
            lsn: context.lsn,
            known_durable: context.known_durable,
            incarnation: context.incarnation,
            first: self.first,
            records: self.records,
            len: self.len as u32,
            chain: context.chain,
        };
        let whole = span(self.len);
        self.buffer[self.len..whole].fill(0);
        header.put(&mut self.buffer);
        header.crc = crc32fast::hash(&self.buffer[8..self.len]);
        self.buffer[4..8].copy_from_slice(&header.crc.to_le_bytes());
        (header, self.buffer.freeze().slice(..whole))
    }
}

/// The records of a frame whose CRC was checked, one after the other.
#[derive(Default)]
pub(super) struct Records {
    /// From the next record to the frame's end.
    rest: Bytes,
    next: Sequence,
    left: u32,
}

impl Records {
    /// `frame` begins with the frame that `header` was read from.
    pub(super) fn new(header: &FrameHeader, frame: &Bytes) -> Self {
        Self { rest: frame.slice(HEADER..header.len as usize), next: header.first, left: header.records }
    }
}

impl Iterator for Records {
    type Item = Result<Record, &'static str>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            let rest = std::mem::take(&mut self.rest);
            return (!rest.is_empty()).then_some(Err("bytes after the last record of a frame"));
        }
        self.left -= 1;
        if self.rest.len() < RECORD_HEADER || self.rest.len() - RECORD_HEADER < u32_at(&self.rest, 0) as usize {
            self.left = 0;
            self.rest.clear();
            return Some(Err("a record that is longer than its frame"));
        }
        let len = u32_at(&self.rest, 0) as usize;
        let mut record = self.rest.split_to(RECORD_HEADER + len);
        let kind = record[4];
        let sequence = self.next;
        self.next = sequence.next();
        Some(Ok(Record { sequence, kind, payload: record.split_off(RECORD_HEADER) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(records: &[(u8, &[u8])]) -> (FrameHeader, Bytes) {
        let mut dirty = AlignedBuf::zeroed(2 * BLOCK);
        dirty.fill(0xee);
        let mut frame = FrameBuilder::new(dirty, Sequence(7));
        for (kind, payload) in records {
            assert!(frame.fits(payload.len()));
            let (one, two) = payload.split_at(payload.len() / 2);
            frame.push(*kind, &[one, two]);
        }
        let context = Context { journal: 1, incarnation: 2, lsn: Lsn(BLOCK as u64), known_durable: Lsn(0), chain: 3 };
        frame.compose(context)
    }

    #[test]
    fn records_come_back_in_order() {
        let (header, bytes) = composed(&[(1, b"one"), (0, b""), (255, &[9; 5000])]);
        assert_eq!(bytes.len(), 2 * BLOCK);
        assert!(bytes[header.len as usize..].iter().all(|byte| *byte == 0), "padding is zeroed");
        assert_eq!(FrameHeader::parse_whole(&bytes), Some(header));
        let records: Vec<_> = Records::new(&header, &bytes).collect::<Result<_, _>>().unwrap();
        let seen: Vec<_> =
            records.iter().map(|record| (record.sequence.0, record.kind, record.payload.len())).collect();
        assert_eq!(seen, [(7, 1, 3), (8, 0, 0), (9, 255, 5000)]);
        assert_eq!(header.next_sequence(), Sequence(10));
    }

    #[test]
    fn any_flipped_bit_is_seen() {
        let (header, bytes) = composed(&[(1, b"some payload")]);
        for at in 0..header.len as usize {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(FrameHeader::parse_whole(&damaged), None, "byte {at}");
        }
    }

    #[test]
    fn a_short_read_is_no_frame() {
        let (header, bytes) = composed(&[(1, &[5; 5000])]);
        assert_eq!(FrameHeader::parse(&bytes[..BLOCK]), Some(header));
        assert_eq!(FrameHeader::parse_whole(&bytes[..BLOCK]), None);
        assert_eq!(FrameHeader::parse(&bytes[..HEADER - 1]), None);
    }

    #[test]
    fn a_frame_that_lies_about_its_records_is_an_error_not_a_panic() {
        let (mut header, bytes) = composed(&[(1, b"one")]);
        header.records = 2;
        assert!(Records::new(&header, &bytes).any(|record| record.is_err()));
        header.records = 0;
        assert!(Records::new(&header, &bytes).any(|record| record.is_err()));
        let mut longer = bytes.to_vec();
        longer[HEADER] = 200;
        header.records = 1;
        assert!(Records::new(&header, &longer.into()).any(|record| record.is_err()));
    }
}
