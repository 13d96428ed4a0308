//! The codecs, where semantics need to see records (lookups by time, what a topic asks of each record) or a topic demands
//! a codec of its own. Everywhere else batches pass through untouched.
//!
//! What is decompressed is bounded: a small batch that unfolds without end is an error, not an allocation.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes, buf::Reader};

use crate::{batch::Codec, error::BatchError};

/// What snappy-java's stream begins with; its version and the oldest compatible one follow, four bytes each.
const XERIAL_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// Bytes of a block of snappy-java's stream, as Kafka's clients write it.
const XERIAL_BLOCK: usize = 32 << 10;

/// A codec with what it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Compression {
    /// None.
    None,
    /// gzip of a level from 1 to 9; -1 is its own choice.
    Gzip(i32),
    /// Snappy in snappy-java's stream, which every client of Kafka reads.
    Snappy,
    /// LZ4 frames of independent blocks: Java reads no others.
    Lz4,
    /// Zstandard of this level.
    Zstd(i32),
}

impl Compression {
    /// The codec.
    pub fn codec(self) -> Codec {
        match self {
            Self::None => Codec::None,
            Self::Gzip(_) => Codec::Gzip,
            Self::Snappy => Codec::Snappy,
            Self::Lz4 => Codec::Lz4,
            Self::Zstd(_) => Codec::Zstd,
        }
    }
}

/// `records` in a codec. Fails only for want of memory.
pub fn compress(records: &[u8], how: Compression) -> std::io::Result<Vec<u8>> {
    match how {
        Compression::None => Ok(records.to_vec()),
        Compression::Gzip(level) => {
            let level = u32::try_from(level).map_or(flate2::Compression::default(), flate2::Compression::new);
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(records)?;
            encoder.finish()
        }
        Compression::Snappy => {
            let mut stream = [&XERIAL_MAGIC[..], &1_u32.to_be_bytes(), &1_u32.to_be_bytes()].concat();
            for block in records.chunks(XERIAL_BLOCK) {
                let block = snap::raw::Encoder::new().compress_vec(block)?;
                stream.extend_from_slice(&(block.len() as u32).to_be_bytes());
                stream.extend_from_slice(&block);
            }
            Ok(stream)
        }
        Compression::Lz4 => {
            let frame = lz4_flex::frame::FrameInfo::new().block_size(lz4_flex::frame::BlockSize::Max64KB);
            let mut encoder = lz4_flex::frame::FrameEncoder::with_frame_info(frame, Vec::new());
            encoder.write_all(records)?;
            encoder.finish().map_err(std::io::Error::other)
        }
        Compression::Zstd(level) => zstd::bulk::compress(records, level),
    }
}

/// The records in `body`, of at most `limit` bytes. `codec` is `None` for an unknown one.
pub fn decompress(codec: Option<Codec>, body: Bytes, limit: usize) -> Result<Bytes, BatchError> {
    if codec == Some(Codec::None) {
        return Ok(body);
    }
    let mut records = Vec::new();
    let read = unfolding(codec, body, limit)?.take(limit as u64 + 1).read_to_end(&mut records);
    read.map_err(|_| BROKEN)?;
    if records.len() > limit {
        return Err(BatchError::Compressed("data that unfolds to more than allowed"));
    }
    Ok(records.into())
}

/// The records in `body` piece by piece, so that they need not all be in memory. `codec` is `None` for an unknown one;
/// `limit` bounds what has to be unfolded at once.
pub(crate) fn unfolding(codec: Option<Codec>, body: Bytes, limit: usize) -> Result<Box<dyn Read>, BatchError> {
    Ok(match codec.ok_or(BatchError::Compressed("an unknown codec"))? {
        Codec::None => Box::new(body.reader()),
        Codec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(body.reader())),
        Codec::Lz4 => Box::new(lz4_flex::frame::FrameDecoder::new(body.reader())),
        Codec::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(body.reader()).map_err(|_| BROKEN)?),
        Codec::Snappy if body.starts_with(XERIAL_MAGIC) => {
            if body.len() < XERIAL_HEADER {
                return Err(BatchError::Compressed("a snappy header cut short"));
            }
            Box::new(Xerial { rest: body.slice(XERIAL_HEADER..), block: Bytes::new().reader(), limit })
        }
        Codec::Snappy => Box::new(snappy_block(&body, limit)?.reader()),
    })
}

const BROKEN: BatchError = BatchError::Compressed("data that does not unfold");

/// Blocks of snappy, each behind its length in four bytes.
struct Xerial {
    rest: Bytes,
    block: Reader<Bytes>,
    limit: usize,
}

impl Read for Xerial {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.block.get_ref().has_remaining() && !self.rest.is_empty() {
            let length = self.rest.try_get_u32().map_err(|_| io::ErrorKind::UnexpectedEof)? as usize;
            if length > self.rest.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.block = snappy_block(&self.rest.split_to(length), self.limit).map_err(io::Error::other)?.reader();
        }
        self.block.read(into)
    }
}

fn snappy_block(block: &[u8], limit: usize) -> Result<Bytes, BatchError> {
    let length = snap::raw::decompress_len(block).map_err(|_| BROKEN)?;
    // Snappy copies at most 64 bytes per 3 bytes of input: a length beyond that is a lie, and is not allocated.
    if length > limit || length / 32 > block.len() {
        return Err(BatchError::Compressed("snappy data that unfolds to more than allowed"));
    }
    let mut records = vec![0; length];
    let written = snap::raw::Decoder::new().decompress(block, &mut records).map_err(|_| BROKEN)?;
    records.truncate(written);
    Ok(records.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> Vec<u8> {
        (0..5_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect()
    }

    fn all(data: &[u8]) -> Vec<(Codec, Bytes)> {
        let levels = [Compression::Gzip(-1), Compression::Gzip(9), Compression::Zstd(-5), Compression::Zstd(19)];
        let plain = [Compression::None, Compression::Snappy, Compression::Lz4];
        let of = |how: Compression| (how.codec(), compress(data, how).unwrap().into());
        let raw = snap::raw::Encoder::new().compress_vec(data).unwrap().into();
        plain.into_iter().chain(levels).map(of).chain([(Codec::Snappy, raw)]).collect()
    }

    #[test]
    fn each_codec_unfolds_to_what_went_in() {
        for (codec, body) in all(&text()) {
            assert_eq!(decompress(Some(codec), body, 1 << 20).unwrap(), text(), "{codec:?}");
        }
        assert!(decompress(None, Bytes::new(), 1).is_err());
    }

    #[test]
    fn output_is_bounded() {
        let zeroes = vec![0; 1 << 20];
        for (codec, body) in all(&zeroes).into_iter().skip(1) {
            assert!(decompress(Some(codec), body, (1 << 20) - 1).is_err(), "{codec:?}");
        }
    }

    #[test]
    fn broken_input_is_an_error_or_other_bytes_but_never_a_panic() {
        for (codec, body) in all(&text()).into_iter().skip(1) {
            for at in (0..body.len()).step_by(body.len() / 97 + 1) {
                let mut bad = body.to_vec();
                bad[at] ^= 0xff;
                drop(decompress(Some(codec), bad.into(), 1 << 20));
                drop(decompress(Some(codec), body.slice(..at), 1 << 20));
            }
        }
    }
}
