//! Decompression, where semantics need to see records: lookups by time. Everywhere else codecs pass through untouched.
//!
//! Output is bounded: a small batch that unfolds without end is an error, not an allocation.

use std::io::Read;

use bytes::Bytes;

use crate::{batch::Codec, error::BatchError};

/// What snappy-java's stream begins with; its version and the oldest compatible one follow, four bytes each.
const XERIAL_MAGIC: &[u8; 8] = b"\x82SNAPPY\0";
const XERIAL_HEADER: usize = 16;

/// The records in `body`, of at most `limit` bytes. `codec` is `None` for an unknown one.
pub fn decompress(codec: Option<Codec>, body: Bytes, limit: usize) -> Result<Bytes, BatchError> {
    let broken = |_| BatchError::Records("compressed data that does not unfold");
    match codec.ok_or(BatchError::Records("an unknown codec"))? {
        Codec::None => Ok(body),
        Codec::Gzip => bounded(flate2::read::MultiGzDecoder::new(&body[..]), limit),
        Codec::Lz4 => bounded(lz4_flex::frame::FrameDecoder::new(&body[..]), limit),
        Codec::Zstd => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(&body[..]).map_err(broken)?;
            bounded(decoder, limit)
        }
        Codec::Snappy if body.starts_with(XERIAL_MAGIC) => xerial(&body, limit),
        Codec::Snappy => {
            let mut records = Vec::new();
            snappy_block(&body, limit, &mut records)?;
            Ok(records.into())
        }
    }
}

fn bounded(decoder: impl Read, limit: usize) -> Result<Bytes, BatchError> {
    let mut records = Vec::new();
    let read = decoder.take(limit as u64 + 1).read_to_end(&mut records);
    read.map_err(|_| BatchError::Records("compressed data that does not unfold"))?;
    if records.len() > limit {
        return Err(BatchError::Records("compressed data that unfolds to more than allowed"));
    }
    Ok(records.into())
}

/// Blocks of snappy, each behind its length in four bytes.
fn xerial(body: &[u8], limit: usize) -> Result<Bytes, BatchError> {
    let mut rest = body.get(XERIAL_HEADER..).ok_or(BatchError::Records("a snappy header cut short"))?;
    let mut records = Vec::new();
    while !rest.is_empty() {
        let cut_short = BatchError::Records("a snappy block cut short");
        let (length, after) = rest.split_first_chunk::<4>().ok_or(cut_short)?;
        let (block, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or(cut_short)?;
        snappy_block(block, limit, &mut records)?;
        rest = after;
    }
    Ok(records.into())
}

fn snappy_block(block: &[u8], limit: usize, records: &mut Vec<u8>) -> Result<(), BatchError> {
    let broken = |_| BatchError::Records("snappy data that does not unfold");
    let length = snap::raw::decompress_len(block).map_err(broken)?;
    let start = records.len();
    // Snappy copies at most 64 bytes per 3 bytes of input: a length beyond that is a lie, and is not allocated.
    if start + length > limit || length / 32 > block.len() {
        return Err(BatchError::Records("snappy data that unfolds to more than allowed"));
    }
    records.resize(start + length, 0);
    let written = snap::raw::Decoder::new().decompress(block, &mut records[start..]).map_err(broken)?;
    records.truncate(start + written);
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn text() -> Vec<u8> {
        (0..5_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect()
    }

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn lz4(data: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(data: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
    }

    fn snappy(data: &[u8]) -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(data).unwrap()
    }

    fn snappy_java(data: &[u8]) -> Vec<u8> {
        let mut framed = [&XERIAL_MAGIC[..], &1_u32.to_be_bytes(), &1_u32.to_be_bytes()].concat();
        for block in data.chunks(1_000) {
            let block = snappy(block);
            framed.extend_from_slice(&(block.len() as u32).to_be_bytes());
            framed.extend_from_slice(&block);
        }
        framed
    }

    fn all(data: &[u8]) -> Vec<(Codec, Bytes)> {
        vec![
            (Codec::None, data.to_vec().into()),
            (Codec::Gzip, gzip(data).into()),
            (Codec::Lz4, lz4(data).into()),
            (Codec::Zstd, zstd(data).into()),
            (Codec::Snappy, snappy(data).into()),
            (Codec::Snappy, snappy_java(data).into()),
        ]
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
