//! What a segment's file holds, batch by batch. Only reads.

use std::path::Path;

use bytes::Bytes;

use super::segment::{self, PAD, SEGMENT_HEADER};
use crate::{
    batch::{HEADER_LEN, Header, checksum_holds},
    buffer::AlignedBuf,
    env::{BLOCK, Env, File, OpenFile},
    error::StorageError,
    ids::{LogId, Offset},
};

/// Bytes read at a time, unless a batch is longer.
const READ: u64 = 1 << 20;

/// A batch of a segment.
#[derive(Clone, Debug)]
pub struct DumpedBatch {
    /// Where it begins in the file, in bytes.
    pub position: u64,
    /// What it says of itself.
    pub header: Header,
    /// Whether its checksum holds.
    pub intact: bool,
    /// All of it.
    pub bytes: Bytes,
}

/// Gives the batches of the segment at `path` to `keep`, until it says `false` or something lies there that cannot be the
/// next batch: then the file's present content ends (checkpoint and journal know better), or is damaged. Returns whose
/// segment it is, and where the walk ended.
pub async fn batches<E: Env>(
    env: &E,
    path: &Path,
    mut keep: impl FnMut(DumpedBatch) -> bool,
) -> Result<(LogId, u64), StorageError> {
    let failed = |error: std::io::Error| StorageError::io("read", path, &error);
    let file = env.open(path, OpenFile { create: false, durable_writes: false }).await.map_err(failed)?;
    let len = file.len().await.map_err(failed)?;
    let mut reader = Reader { file, bytes: Bytes::new(), at: 0 };
    let head = reader.get(0, SEGMENT_HEADER as u64).await.map_err(failed)?;
    let (id, base) = segment::read_header(path, &head)?;
    let (mut at, mut end) = (SEGMENT_HEADER as u64, base);
    while at < len {
        let start = reader.get(at, HEADER_LEN as u64).await.map_err(failed)?;
        if start.first() == Some(&PAD) {
            at = (at + 1).next_multiple_of(BLOCK as u64);
            continue;
        }
        let Ok(header) = Header::parse(&start) else { break };
        if header.base_offset < end || header.base_offset > Offset(end.0.saturating_add(i64::from(u32::MAX))) {
            break;
        }
        let bytes = reader.get(at, u64::from(header.size)).await.map_err(failed)?;
        if bytes.len() < header.size as usize {
            break;
        }
        let intact = checksum_holds(&header, &bytes);
        if !keep(DumpedBatch { position: at, header, intact, bytes }) {
            break;
        }
        at += u64::from(header.size);
        end = header.end_offset();
    }
    Ok((id, at))
}

/// Reads any bytes of a file by whole blocks.
struct Reader<F> {
    file: F,
    bytes: Bytes,
    at: u64,
}

impl<F: File> Reader<F> {
    /// `len` bytes at `position`; fewer at the file's end.
    async fn get(&mut self, position: u64, len: u64) -> std::io::Result<Bytes> {
        let end = self.at + self.bytes.len() as u64;
        if position < self.at || position + len > end {
            self.at = position / BLOCK as u64 * BLOCK as u64;
            let wanted = (position + len - self.at).max(READ).next_multiple_of(BLOCK as u64);
            let (buffer, count) = self.file.read_at(self.at, AlignedBuf::zeroed(wanted as usize)).await?;
            self.bytes = buffer.freeze().slice(..count);
        }
        let from = ((position - self.at) as usize).min(self.bytes.len());
        let to = (from + len as usize).min(self.bytes.len());
        Ok(self.bytes.slice(from..to))
    }
}
