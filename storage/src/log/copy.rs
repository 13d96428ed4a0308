//! What a copy of a log is made of: the bytes of its segments and of their indexes, as they lie on disk.
//!
//! What was flushed is never written again, so it can be copied as it is while the log is in use; positions, and with
//! them indexes and whatever a manifest says, hold in the copy too. The bytes are checked as they pass.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};

use super::{
    Log,
    index::PAGE_ENTRIES,
    segment::{SEGMENT_HEADER, Segment, index_name},
};
use crate::{
    batch::{CHECKED_FROM, HEADER_LEN, Header},
    buffer::AlignedBuf,
    env::{BLOCK, Env, File},
    error::{ReadError, StorageError},
    ids::Offset,
    shard::files::FileKind,
};

/// How far a segment lies in its files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Extents {
    pub(crate) base: Offset,
    /// Bytes of its data that are durable.
    pub(crate) data: u32,
    /// Where those end that mean something.
    pub(crate) position: u32,
    /// Bytes of its index.
    pub(crate) index: u32,
}

impl Extents {
    pub(crate) fn of(segment: &Segment) -> Self {
        let pages = (segment.index.on_file() as usize).div_ceil(PAGE_ENTRIES);
        let (base, data, position) = (segment.base, segment.flushed, segment.position);
        Self { base, data, position, index: (pages * BLOCK) as u32 }
    }
}

impl<E: Env> Log<E> {
    /// What of it is in files, oldest first.
    pub(crate) fn extents(&self) -> Vec<Extents> {
        self.state.borrow().segments.iter().map(Extents::of).collect()
    }

    /// Whether it has a segment.
    pub(crate) fn has_segment(&self, base: Offset) -> bool {
        self.state.borrow().segments.iter().any(|segment| segment.base == base)
    }

    /// Blocks of one of its files.
    pub(crate) async fn file_blocks(
        &self,
        (base, kind): (Offset, FileKind),
        from: u32,
        length: usize,
    ) -> Result<Bytes, StorageError> {
        if kind == FileKind::Data {
            return self.read_range(base, from, length).await.map_err(|error| match error {
                ReadError::Storage(error) => error,
                ReadError::OutOfRange { .. } => StorageError::Moved,
            });
        }
        let path = self.dir().join(index_name(base));
        let file = self.segment_file(base, kind, &path, false).await?;
        let read = file.read_at(u64::from(from), AlignedBuf::zeroed(length)).await;
        let (memory, count) = read.map_err(|error| StorageError::io("read", &path, &error))?;
        if count < length {
            return Err(StorageError::corrupt(&path, u64::from(from), "the file is too short"));
        }
        Ok(memory.freeze().slice(..length))
    }
}

/// Looks at a segment's bytes, from its beginning on and in pieces of any size: whole batches, one after another.
pub(crate) struct Check {
    position: u32,
    /// Where the next batch begins.
    next: Offset,
    within: Within,
    /// Of the batch it is within.
    sum: Digest,
}

enum Within {
    /// Bytes that hold no batch, so many more.
    Gap(u32),
    /// A batch's header, as much as is here.
    Head(Vec<u8>),
    /// A batch's rest, so many bytes.
    Body { header: Header, left: u32 },
}

impl Check {
    /// Of the segment that begins at `base`.
    pub(crate) fn new(base: Offset) -> Self {
        let within = Within::Gap(SEGMENT_HEADER as u32);
        Self { position: 0, next: base, within, sum: Digest::new(CrcAlgorithm::Crc32Iscsi) }
    }

    /// One past the last record that was seen whole.
    pub(crate) fn end(&self) -> Offset {
        self.next
    }

    /// Takes the next bytes.
    pub(crate) fn take(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while let Some(first) = bytes.first() {
            let taken = match &mut self.within {
                Within::Gap(left) => {
                    let taken = bytes.len().min(*left as usize);
                    *left -= taken as u32;
                    if *left == 0 {
                        self.within = Within::Head(Vec::new());
                    }
                    taken
                }
                Within::Head(head) if head.is_empty() && first & 0x80 != 0 => {
                    self.within = Within::Gap((self.position + 1).next_multiple_of(BLOCK as u32) - self.position);
                    0
                }
                Within::Head(head) => {
                    let taken = bytes.len().min(HEADER_LEN - head.len());
                    head.extend_from_slice(&bytes[..taken]);
                    if head.len() == HEADER_LEN {
                        self.sum = Digest::new(CrcAlgorithm::Crc32Iscsi);
                        self.sum.update(&head[CHECKED_FROM..]);
                        self.within = Self::body(head, self.next)?;
                    }
                    taken
                }
                Within::Body { left, .. } => {
                    let taken = bytes.len().min(*left as usize);
                    self.sum.update(&bytes[..taken]);
                    *left -= taken as u32;
                    taken
                }
            };
            self.position += taken as u32;
            bytes = &bytes[taken..];
            if let Within::Body { header, left: 0 } = &self.within {
                if self.sum.finalize() as u32 != header.crc {
                    return Err("a batch's checksum does not match");
                }
                self.next = header.end_offset();
                self.within = Within::Head(Vec::new());
            }
        }
        Ok(())
    }

    fn body(head: &[u8], next: Offset) -> Result<Within, &'static str> {
        let header = Header::parse(head).map_err(|_| "no batch header")?;
        if header.base_offset != next {
            return Err("a batch is missing");
        }
        let left = header.size.checked_sub(HEADER_LEN as u32).ok_or("no batch header")?;
        Ok(Within::Body { header, left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{LeaderEpoch, Timestamp},
        record::BatchBuilder,
    };

    fn segment() -> (Vec<u8>, usize) {
        let mut bytes = vec![7; SEGMENT_HEADER];
        for (at, size) in (100..).zip([10, 5_000, 0, 900]) {
            let mut builder = BatchBuilder::new();
            builder.push(Timestamp(1), None, Some(&vec![1; size]));
            bytes.extend_from_slice(&builder.build_at(Offset(at), LeaderEpoch(3)));
            if size == 0 {
                bytes.resize(bytes.len().next_multiple_of(BLOCK), 0xff);
            }
        }
        let length = bytes.len();
        (bytes, length)
    }

    fn taken(bytes: &[u8], step: usize) -> Result<Offset, &'static str> {
        let mut check = Check::new(Offset(100));
        bytes.chunks(step).try_for_each(|piece| check.take(piece))?;
        Ok(check.end())
    }

    #[test]
    fn batches_are_seen_whole_whatever_the_pieces() {
        let (bytes, length) = segment();
        for step in [1, 7, 61, 4096, length] {
            assert_eq!(taken(&bytes, step), Ok(Offset(104)));
        }
        assert_eq!(taken(&bytes[..length - 1], 4096), Ok(Offset(103)), "the last is not whole");
    }

    #[test]
    fn a_changed_byte_of_a_batch_is_noticed() {
        let (bytes, length) = segment();
        for at in [SEGMENT_HEADER + 40, 3_000, length - 3] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            assert_eq!(taken(&damaged, 512), Err("a batch's checksum does not match"), "{at}");
        }
        let mut other = Check::new(Offset(99));
        assert_eq!(other.take(&bytes), Err("a batch is missing"));
    }
}
