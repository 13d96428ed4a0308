//! One file of a log: what is known of it, its name and its first bytes.
//!
//! A segment is a header and the batches behind it, in order. Whatever was flushed is never written again: when a
//! partial block must go to disk, the rest of it is filled with [`PAD`] and the next batch begins at the next block. So
//! a torn write can only hurt what nobody was told is durable. The end of a segment comes from the journal and the
//! checkpoint; what a file holds behind it means nothing.

use std::path::{Path, PathBuf};

use super::index::Index;
use crate::{
    error::StorageError,
    ids::{LogId, Offset, PartitionIndex, Timestamp, TopicId},
};

/// Fills the rest of a block. A batch's first byte is never negative, so the first byte tells them apart.
pub(super) const PAD: u8 = 0xff;
/// Bytes of a segment's header.
pub(super) const SEGMENT_HEADER: usize = 64;

const MAGIC: &[u8; 8] = b"CLSEGMNT";
const VERSION: u16 = 1;

/// What a log knows of one of its segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Offset of its first record; its name.
    pub(crate) base: Offset,
    /// One past its last record.
    pub(crate) end: Offset,
    /// Where the next batch goes, or the file's end if there is none: header, batches and padding lie below.
    pub(crate) position: u32,
    /// All below is written to the file and durable there. A multiple of the block size.
    pub(crate) flushed: u32,
    /// The greatest timestamp of its records.
    pub(crate) max_timestamp: Timestamp,
    /// Base offset of the first batch that has it.
    pub(crate) max_timestamp_batch: Offset,
    /// The first batch's timestamp, from which `segment.ms` counts.
    pub(crate) first_timestamp: Timestamp,
    /// When it was last appended to, by the wall clock: its age if its records have no timestamps.
    pub(crate) appended_ms: i64,
    /// Nothing is appended any more, even if it is the last.
    pub(crate) closed: bool,
    /// How far blocks of the file were reserved by this process.
    pub(crate) reserved: u32,
    /// Its index.
    pub(crate) index: Index,
}

impl Segment {
    /// A segment to which nothing was written yet.
    pub(crate) fn new(base: Offset) -> Self {
        Self {
            base,
            end: base,
            position: SEGMENT_HEADER as u32,
            flushed: 0,
            max_timestamp: Timestamp(-1),
            max_timestamp_batch: base,
            first_timestamp: Timestamp(-1),
            appended_ms: 0,
            closed: false,
            reserved: 0,
            index: Index::default(),
        }
    }

    /// Whether it holds no batch.
    pub(crate) fn is_empty(&self) -> bool {
        self.end == self.base
    }

    /// The time its newest record was written, as far as known: what retention by time goes by.
    pub(crate) fn newest_ms(&self) -> i64 {
        if self.max_timestamp.0 >= 0 { self.max_timestamp.0 } else { self.appended_ms }
    }
}

/// A log's directory below `data_dir`; the same whichever shard has it.
pub(crate) fn log_dir(data_dir: &Path, id: LogId) -> PathBuf {
    logs_dir(data_dir).join(id.to_string())
}

/// The directory of all logs' directories.
pub(crate) fn logs_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("logs")
}

/// The name of a segment's data file.
pub(crate) fn segment_name(base: Offset) -> String {
    format!("{:020}.log", base.0)
}

/// The name of a segment's index file.
pub(crate) fn index_name(base: Offset) -> String {
    format!("{:020}.index", base.0)
}

/// The first bytes of a segment's file.
pub(crate) fn encode_header(id: LogId, base: Offset) -> [u8; SEGMENT_HEADER] {
    let mut header = [0; SEGMENT_HEADER];
    header[0..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header[16..32].copy_from_slice(&id.topic.0);
    header[32..36].copy_from_slice(&id.partition.0.to_le_bytes());
    header[40..48].copy_from_slice(&base.0.to_le_bytes());
    let crc = crc32fast::hash(&header[..60]);
    header[60..64].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Checks the first bytes of the file at `path`.
pub(crate) fn check_header(path: &Path, header: &[u8], id: LogId, base: Offset) -> Result<(), StorageError> {
    if read_header(path, header)? != (id, base) {
        return Err(StorageError::corrupt(path, 0, "another log's or segment's file"));
    }
    Ok(())
}

/// Whose segment the file at `path` is, by its first bytes, and its base offset.
pub(super) fn read_header(path: &Path, header: &[u8]) -> Result<(LogId, Offset), StorageError> {
    let header = header.get(..SEGMENT_HEADER).ok_or_else(|| StorageError::corrupt(path, 0, "a header cut short"))?;
    if &header[0..8] != MAGIC {
        return Err(StorageError::Foreign { path: path.display().to_string().into() });
    }
    let version = u16::from_le_bytes([header[8], header[9]]);
    if version > VERSION {
        return Err(StorageError::Newer { path: path.display().to_string().into(), version });
    }
    if crc32fast::hash(&header[..60]).to_le_bytes() != header[60..64] {
        return Err(StorageError::corrupt(path, 0, "the header's checksum does not match"));
    }
    let topic = TopicId(header[16..32].try_into().expect("sixteen bytes"));
    let partition = PartitionIndex(i32::from_le_bytes(header[32..36].try_into().expect("four bytes")));
    let found = i64::from_le_bytes(header[40..48].try_into().expect("eight bytes"));
    Ok((LogId { topic, partition }, Offset(found)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_its_segment_and_refuses_others() {
        let path = Path::new("x");
        let id = LogId { topic: TopicId([7; 16]), partition: PartitionIndex(3) };
        let header = encode_header(id, Offset(99));
        assert_eq!(check_header(path, &header, id, Offset(99)), Ok(()));
        let other = LogId { partition: PartitionIndex(4), ..id };
        assert!(matches!(check_header(path, &header, other, Offset(99)), Err(StorageError::Corrupt { .. })));
        assert!(matches!(check_header(path, &header, id, Offset(98)), Err(StorageError::Corrupt { .. })));
        assert!(matches!(check_header(path, &[0; 64], id, Offset(99)), Err(StorageError::Foreign { .. })));
        assert!(matches!(check_header(path, &header[..63], id, Offset(99)), Err(StorageError::Corrupt { .. })));
        let mut newer = header;
        newer[8] = 2;
        assert!(matches!(check_header(path, &newer, id, Offset(99)), Err(StorageError::Newer { version: 2, .. })));
        let mut rotten = header;
        rotten[20] ^= 1;
        assert!(matches!(check_header(path, &rotten, id, Offset(99)), Err(StorageError::Corrupt { .. })));
    }

    #[test]
    fn names_sort_as_offsets_do() {
        assert_eq!(segment_name(Offset(12)), "00000000000000000012.log");
        assert!(segment_name(Offset(9)) < segment_name(Offset(10)));
    }
}
