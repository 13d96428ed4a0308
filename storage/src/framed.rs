//! Files that are a run of frames: 32 bytes of magic, format version, kind, length, number and CRC, then a payload, padded
//! to whole blocks. Written and read one frame at a time.

use std::path::Path;

use bytes::Bytes;

use crate::{
    buffer::AlignedBuf,
    env::{BLOCK, Env, File},
    error::StorageError,
};

const HEADER: usize = 32;
/// A frame is never longer: more is not ours.
const LONGEST: usize = 64 << 20;

/// What a file's frames begin with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) magic: &'static [u8; 8],
    /// The version that is written, and the newest that is read.
    pub(crate) version: u16,
}

/// A frame that was read.
pub(crate) struct Frame {
    pub(crate) kind: u16,
    pub(crate) payload: Bytes,
    /// Bytes it takes on disk.
    pub(crate) len: u64,
}

impl Format {
    /// Writes the file's `number`th frame at `position`; returns what it takes.
    pub(crate) async fn write<E: Env>(
        self,
        file: &E::File,
        path: &Path,
        position: u64,
        (kind, number): (u16, u32),
        payload: &[u8],
    ) -> Result<u64, StorageError> {
        let mut frame = AlignedBuf::zeroed(HEADER + payload.len());
        frame[0..8].copy_from_slice(self.magic);
        frame[8..10].copy_from_slice(&self.version.to_le_bytes());
        frame[10..12].copy_from_slice(&kind.to_le_bytes());
        frame[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
        frame[16..20].copy_from_slice(&number.to_le_bytes());
        frame[HEADER..HEADER + payload.len()].copy_from_slice(payload);
        let crc = crc(&frame[..HEADER + payload.len()]);
        frame[28..32].copy_from_slice(&crc.to_le_bytes());
        let len = frame.len() as u64;
        let written = file.write_at(position, frame.freeze()).await;
        written.map_err(|error| StorageError::io("write", path, &error))?;
        Ok(len)
    }

    /// Reads the file's `number`th frame, which lies at `position`.
    pub(crate) async fn read<E: Env>(
        self,
        file: &E::File,
        path: &Path,
        position: u64,
        number: u32,
    ) -> Result<Frame, StorageError> {
        let failed = |error: std::io::Error| StorageError::io("read", path, &error);
        let corrupt = |why| StorageError::corrupt(path, position, why);
        let (block, count) = file.read_at(position, AlignedBuf::zeroed(BLOCK)).await.map_err(failed)?;
        if position == 0 && count >= 8 && &block[0..8] != self.magic {
            return Err(StorageError::Foreign { path: path.display().to_string().into() });
        }
        if count < BLOCK || &block[0..8] != self.magic {
            return Err(corrupt("a frame is missing"));
        }
        let word = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().expect("four bytes"));
        let (version, kind) = (word(8) as u16, (word(8) >> 16) as u16);
        if version > self.version {
            return Err(StorageError::Newer { path: path.display().to_string().into(), version });
        }
        let (length, found, checksum) = (word(12) as usize, word(16), word(28));
        if length > LONGEST || found != number {
            return Err(corrupt("a frame's header does not fit"));
        }
        let whole = if HEADER + length > BLOCK {
            let (frame, count) = file.read_at(position, AlignedBuf::zeroed(HEADER + length)).await.map_err(failed)?;
            if count < HEADER + length {
                return Err(corrupt("a frame is cut short"));
            }
            frame
        } else {
            block
        };
        if crc(&whole[..HEADER + length]) != checksum {
            return Err(corrupt("a frame's checksum does not match"));
        }
        let len = whole.len() as u64;
        Ok(Frame { kind, payload: whole.freeze().slice(HEADER..HEADER + length), len })
    }
}

fn crc(frame: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame[..28]);
    crc.update(&frame[HEADER..]);
    crc.finalize()
}
