//! Batches kept in a codec of the topic's choice. One that comes in it already is not opened.

use crate::{
    batch::{HEADER_LEN, ValidBatch},
    compress::{Compression, compress, decompress},
    error::BatchError,
    limits::MAX_BATCH,
    record,
};

/// The batch with its records in `wanted` (`compression.type`), of at most `max_size` bytes. Records that are unpacked for
/// that are walked, and what cannot be walked is refused.
pub fn recompress(batch: ValidBatch, wanted: Compression, max_size: usize) -> Result<ValidBatch, BatchError> {
    let codec = batch.header().codec();
    if Some(wanted.codec()) == codec {
        return Ok(batch);
    }
    let records = decompress(codec, batch.bytes().slice(HEADER_LEN..), MAX_BATCH)?;
    for (at, record) in record::records(&records, batch.header().records).enumerate() {
        if record?.offset_delta as usize != at {
            return Err(BatchError::Records("offsets that do not follow each other"));
        }
    }
    let body = compress(&records, wanted).map_err(|_| BatchError::Compressed("no memory to compress them"))?;
    let recoded = batch.recoded(wanted.codec(), &body)?;
    match recoded.bytes().len() {
        size if size > max_size => Err(BatchError::TooLarge { size, limit: max_size }),
        _ => Ok(recoded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::{BatchRules, Header, check, checksum_holds, stamped_header},
        ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId, Timestamp},
        record::BatchBuilder,
    };

    fn batch(keys: &[Option<&[u8]>]) -> ValidBatch {
        let mut builder = BatchBuilder::new().producer(ProducerId(3), ProducerEpoch(1), 7);
        for (at, key) in keys.iter().enumerate() {
            builder.push(Timestamp(1_000 + at as i64), *key, Some(&[b'v'; 100]));
        }
        check(builder.build(), &BatchRules::default()).unwrap()
    }

    #[test]
    fn a_topic_that_demands_a_codec_keeps_every_batch_in_it_and_records_stay_what_they_were() {
        let all =
            [Compression::None, Compression::Gzip(-1), Compression::Snappy, Compression::Lz4, Compression::Zstd(3)];
        let plain = batch(&[Some(b"a"), None, Some(b"c")]);
        for from in all {
            let sent = recompress(plain.clone(), from, MAX_BATCH).unwrap();
            for to in all {
                let kept = recompress(sent.clone(), to, MAX_BATCH).unwrap();
                let header = *kept.header();
                assert_eq!(header.codec(), Some(to.codec()), "{from:?} to {to:?}");
                assert!(checksum_holds(&header, kept.bytes()));
                assert_eq!(record::body(&header, kept.bytes()).unwrap(), plain.bytes().slice(HEADER_LEN..));
                let same = |of: &Header| (of.records, of.base_sequence, of.base_timestamp, of.max_timestamp);
                assert_eq!(same(&header), same(plain.header()));
                let stamp = stamped_header(&kept, Offset(9), LeaderEpoch(2), Some(Timestamp(77)));
                let stamped = Header::parse(&stamp).unwrap();
                assert_eq!((stamped.codec(), stamped.is_log_append_time()), (Some(to.codec()), true));
            }
        }
    }

    #[test]
    fn a_batch_of_the_right_codec_is_kept_byte_by_byte() {
        let sent = recompress(batch(&[None]), Compression::Gzip(1), MAX_BATCH).unwrap();
        let kept = recompress(sent.clone(), Compression::Gzip(9), MAX_BATCH).unwrap();
        assert_eq!(kept.bytes(), sent.bytes());
    }

    #[test]
    fn a_batch_that_outgrows_the_topics_limit_when_it_is_unpacked_is_refused() {
        let packed = recompress(batch(&[None; 50]), Compression::Zstd(3), MAX_BATCH).unwrap();
        let size = packed.bytes().len();
        assert!(size < 1_000);
        let refused = recompress(packed, Compression::None, 1_000).unwrap_err();
        assert!(matches!(refused, BatchError::TooLarge { limit: 1_000, .. }), "{refused}");
    }
}
