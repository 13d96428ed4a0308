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
//! A record is its payload's length (4 bytes), its kind (1 byte), its payload. One of kind [`FILLER`] is none: it has no
//! number and is not counted, and only moves what follows to where it lies in a block of memory, which then is written as
//! it is instead of being copied.

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

/// The kind of what only takes room.
pub(super) const FILLER: u8 = 255;

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
    /// Whole blocks that take the place of the buffer's, by where they begin.
    lent: Vec<(usize, Bytes)>,
    first: Sequence,
    records: u32,
}

impl FrameBuilder {
    /// An empty frame in `buffer`, whose content may be anything; its first record will be `first`.
    pub(super) fn new(buffer: AlignedBuf, first: Sequence) -> Self {
        Self { buffer, len: HEADER, lent: Vec::new(), first, records: 0 }
    }

    /// Whether a record with a payload of `payload` bytes fits.
    pub(super) fn fits(&self, payload: usize) -> bool {
        self.len + RECORD_HEADER + payload <= self.buffer.len()
    }

    /// Appends a record that fits, its payload given in parts.
    pub(super) fn push(&mut self, kind: u8, payload: &[&[u8]]) {
        self.begin(kind, payload.iter().map(|part| part.len()).sum());
        payload.iter().for_each(|part| self.copy(part));
        self.records += 1;
    }

    /// Whether a record fits whose payload is `head` bytes and then those of `lent`.
    pub(super) fn fits_lent(&self, head: usize, lent: &[Bytes]) -> bool {
        let len: usize = lent.iter().map(Bytes::len).sum();
        self.len + self.filler(head, lent) + RECORD_HEADER + head + len <= self.buffer.len()
    }

    /// Appends a record that fits, and copies of `lent` only what fills blocks in part. Its pieces follow each other:
    /// all but the first begin, and all but the last end, with a block of memory.
    pub(super) fn push_lent(&mut self, kind: u8, head: &[u8], lent: &[Bytes]) {
        let filler = self.filler(head.len(), lent);
        if filler > 0 {
            self.begin(FILLER, filler - RECORD_HEADER);
            let end = self.len + filler - RECORD_HEADER;
            self.buffer[self.len..end].fill(0);
            self.len = end;
        }
        self.begin(kind, head.len() + lent.iter().map(Bytes::len).sum::<usize>());
        self.copy(head);
        for piece in lent {
            let (before, rest) = piece.split_at(piece.len().min(self.len.next_multiple_of(BLOCK) - self.len));
            self.copy(before);
            let whole = rest.len() / BLOCK * BLOCK;
            if whole > 0 {
                self.lent.push((self.len, piece.slice(before.len()..before.len() + whole)));
                self.len += whole;
            }
            self.copy(&rest[whole..]);
        }
        self.records += 1;
    }

    /// What a filler takes that brings the end of `head` to where `lent` begins within a block.
    fn filler(&self, head: usize, lent: &[Bytes]) -> usize {
        let wanted = lent.first().map_or(0, |first| first.as_ptr() as usize % BLOCK);
        let at = (self.len + RECORD_HEADER + head) % BLOCK;
        match (wanted + BLOCK - at) % BLOCK {
            gap @ 1..RECORD_HEADER => gap + BLOCK,
            gap => gap,
        }
    }

    fn begin(&mut self, kind: u8, len: usize) {
        self.copy(&(len as u32).to_le_bytes());
        self.copy(&[kind]);
    }

    fn copy(&mut self, bytes: &[u8]) {
        self.buffer[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Bytes so far, header included.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The sequence after its last record.
    pub(super) fn next_sequence(&self) -> Sequence {
        Sequence(self.first.0 + u64::from(self.records))
    }

    /// The frame as it is written, in pieces of whole blocks, and its header.
    pub(super) fn compose(mut self, context: Context) -> (FrameHeader, Vec<Bytes>) {
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
        header.crc = self.crc();
        self.buffer[4..8].copy_from_slice(&header.crc.to_le_bytes());
        (header, self.into_pieces(whole))
    }

    fn crc(&self) -> u32 {
        let mut crc = crc32fast::Hasher::new();
        let mut at = 8;
        for (begin, bytes) in &self.lent {
            crc.update(&self.buffer[at..*begin]);
            crc.update(bytes);
            at = begin + bytes.len();
        }
        crc.update(&self.buffer[at..self.len]);
        crc.finalize()
    }

    fn into_pieces(self, whole: usize) -> Vec<Bytes> {
        let own = self.buffer.freeze();
        let mut pieces = Vec::with_capacity(2 * self.lent.len() + 1);
        let mut at = 0;
        for (begin, bytes) in self.lent {
            if begin > at {
                pieces.push(own.slice(at..begin));
            }
            at = begin + bytes.len();
            pieces.push(bytes);
        }
        if whole > at {
            pieces.push(own.slice(at..whole));
        }
        pieces
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
        loop {
            let Some((kind, payload)) = self.split() else {
                self.left = 0;
                self.rest.clear();
                return Some(Err("a record that is longer than its frame"));
            };
            if kind == FILLER {
                continue;
            }
            self.left -= 1;
            let sequence = self.next;
            self.next = sequence.next();
            return Some(Ok(Record { sequence, kind, payload }));
        }
    }
}

impl Records {
    /// The next record, or filler.
    fn split(&mut self) -> Option<(u8, Bytes)> {
        if self.rest.len() < RECORD_HEADER || self.rest.len() - RECORD_HEADER < u32_at(&self.rest, 0) as usize {
            return None;
        }
        let len = u32_at(&self.rest, 0) as usize;
        let mut record = self.rest.split_to(RECORD_HEADER + len);
        Some((record[4], record.split_off(RECORD_HEADER)))
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
        let (header, pieces) = frame.compose(CONTEXT);
        assert_eq!(pieces.len(), 1, "nothing was lent");
        (header, pieces[0].clone())
    }

    const CONTEXT: Context =
        Context { journal: 1, incarnation: 2, lsn: Lsn(BLOCK as u64), known_durable: Lsn(0), chain: 3 };

    #[test]
    fn what_is_lent_is_written_from_where_it_lies() {
        let mut memory = AlignedBuf::zeroed(20 * BLOCK);
        memory.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at / 3) as u8);
        let memory = memory.freeze();
        let lengths = [1, 100, BLOCK - 1, BLOCK, 3 * BLOCK + 17];
        for begin in [0, 1, 3, 85, 86, 89, 90, 91, 2000, BLOCK - 1] {
            for len in lengths {
                let mut dirty = AlignedBuf::zeroed(16 * BLOCK);
                dirty.fill(0xee);
                let mut frame = FrameBuilder::new(dirty, Sequence(7));
                let cut = (begin + len) / BLOCK * BLOCK;
                let lent = if cut > begin && cut < begin + len {
                    vec![memory.slice(begin..cut), memory.slice(cut..begin + len)]
                } else {
                    vec![memory.slice(begin..begin + len)]
                };
                frame.push(1, &[b"before"]);
                assert!(frame.fits_lent(4, &lent));
                frame.push_lent(2, b"head", &lent);
                frame.push_lent(3, b"", &lent);
                frame.push(4, &[b"behind"]);
                let (header, pieces) = frame.compose(CONTEXT);
                assert!(pieces.iter().all(|piece| piece.len().is_multiple_of(BLOCK)));
                assert!(pieces.iter().all(|piece| (piece.as_ptr() as usize).is_multiple_of(BLOCK)));
                let inside = |piece: &&Bytes| memory.as_ptr_range().contains(&piece.as_ptr());
                let written: usize = pieces.iter().filter(inside).map(Bytes::len).sum();
                let blocks = (begin + len) / BLOCK - begin.div_ceil(BLOCK).min((begin + len) / BLOCK);
                assert_eq!(written, 2 * blocks * BLOCK, "whole blocks are not copied");
                let bytes = Bytes::from(pieces.concat());
                assert_eq!(FrameHeader::parse_whole(&bytes), Some(header));
                let records: Vec<_> = Records::new(&header, &bytes).collect::<Result<_, _>>().unwrap();
                let payload = &memory[begin..begin + len];
                let seen: Vec<_> =
                    records.iter().map(|record| (record.sequence.0, record.kind, &record.payload[..])).collect();
                let headed = [b"head", payload].concat();
                assert_eq!(seen, [(7, 1, &b"before"[..]), (8, 2, &headed[..]), (9, 3, payload), (10, 4, b"behind")]);
            }
        }
    }

    #[test]
    fn records_come_back_in_order() {
        let (header, bytes) = composed(&[(1, b"one"), (0, b""), (254, &[9; 5000])]);
        assert_eq!(bytes.len(), 2 * BLOCK);
        assert!(bytes[header.len as usize..].iter().all(|byte| *byte == 0), "padding is zeroed");
        assert_eq!(FrameHeader::parse_whole(&bytes), Some(header));
        let records: Vec<_> = Records::new(&header, &bytes).collect::<Result<_, _>>().unwrap();
        let seen: Vec<_> =
            records.iter().map(|record| (record.sequence.0, record.kind, record.payload.len())).collect();
        assert_eq!(seen, [(7, 1, 3), (8, 0, 0), (9, 254, 5000)]);
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
