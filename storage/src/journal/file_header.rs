//! How a journal file begins: one block that is written once and never changes.
//!
//! | bytes | what |
//! |---|---|
//! | 0..8 | magic `CORELOGJ` |
//! | 8..10 | format version |
//! | 12..16 | CRC-32 of bytes 16..40 |
//! | 16..24 | journal id |
//! | 24..28 | the number in the file's name |
//! | 32..40 | the file's length in bytes |

use std::path::Path;

use super::frame::{u32_at, u64_at};
use crate::{buffer::AlignedBuf, env::BLOCK, error::StorageError};

const MAGIC: &[u8; 8] = b"CORELOGJ";
const VERSION: u16 = 1;

/// A journal file's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FileHeader {
    pub(super) journal: u64,
    pub(super) index: u32,
    pub(super) len: u64,
}

impl FileHeader {
    /// The header's block.
    pub(super) fn to_block(self) -> AlignedBuf {
        let mut block = AlignedBuf::zeroed(BLOCK);
        block[0..8].copy_from_slice(MAGIC);
        block[8..10].copy_from_slice(&VERSION.to_le_bytes());
        block[16..24].copy_from_slice(&self.journal.to_le_bytes());
        block[24..28].copy_from_slice(&self.index.to_le_bytes());
        block[32..40].copy_from_slice(&self.len.to_le_bytes());
        let crc = crc32fast::hash(&block[16..40]);
        block[12..16].copy_from_slice(&crc.to_le_bytes());
        block
    }

    /// Reads the header of the file at `path`.
    pub(super) fn parse(block: &[u8], path: &Path) -> Result<Self, StorageError> {
        let name = || path.display().to_string().into();
        if block.len() < BLOCK || &block[0..8] != MAGIC {
            return Err(StorageError::Foreign { path: name() });
        }
        let version = u16::from_le_bytes([block[8], block[9]]);
        if version > VERSION {
            return Err(StorageError::Newer { path: name(), version });
        }
        if crc32fast::hash(&block[16..40]) != u32_at(block, 12) {
            return Err(StorageError::corrupt(path, 0, "a journal file's header"));
        }
        let header = Self { journal: u64_at(block, 16), index: u32_at(block, 24), len: u64_at(block, 32) };
        if header.len < 2 * BLOCK as u64 || !header.len.is_multiple_of(BLOCK as u64) {
            return Err(StorageError::corrupt(path, 32, "a journal file's length"));
        }
        Ok(header)
    }

    /// Bytes of frames the file can hold.
    pub(super) fn capacity(&self) -> u64 {
        self.len - BLOCK as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_newer_and_damaged_files_are_refused_by_name() {
        let header = FileHeader { journal: 42, index: 3, len: 16 << 20 };
        let path = Path::new("/data/journal-00003");
        let block = header.to_block();
        assert_eq!(FileHeader::parse(&block, path), Ok(header));
        let damaged = |at: usize| {
            let mut block = block.to_vec();
            block[at] ^= 0x40;
            FileHeader::parse(&block, path).unwrap_err()
        };
        let name = "/data/journal-00003".into();
        assert_eq!(damaged(0), StorageError::Foreign { path: name });
        assert!(matches!(damaged(8), StorageError::Newer { version: 65, .. }));
        assert!(damaged(17).to_string().contains("/data/journal-00003"));
        assert!(matches!(FileHeader::parse(&block[..100], path), Err(StorageError::Foreign { .. })));
    }
}
