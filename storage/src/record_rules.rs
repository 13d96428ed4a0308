//! What a topic's configuration asks of the records within a batch: a codec, a key for each. A batch of which nothing is
//! asked is not opened.

use crate::{
    batch::ValidBatch,
    compress::{Compression, compress, decompress},
    error::BatchError,
    limits::MAX_BATCH,
    record,
};

/// What is asked of a batch's records.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RecordRules {
    /// The codec they are kept in (`compression.type`); `None` is the one they came in.
    pub compression: Option<Compression>,
    /// Whether each must have a key (`cleanup.policy` has `compact`).
    pub keyed: bool,
}

impl RecordRules {
    /// The batch as it is kept, of at most `max_size` bytes. Opens it only if something is asked of its records; they are
    /// then walked, and what cannot be walked is refused.
    pub fn obey(&self, batch: ValidBatch, max_size: usize) -> Result<ValidBatch, BatchError> {
        let codec = batch.header().codec();
        let wanted = self.compression.filter(|wanted| Some(wanted.codec()) != codec);
        if wanted.is_none() && !self.keyed {
            return Ok(batch);
        }
        let body = batch.bytes().slice(crate::batch::HEADER_LEN..);
        let records = decompress(codec, body, MAX_BATCH)?;
        self.walk(&records, batch.header().records)?;
        let Some(wanted) = wanted else { return Ok(batch) };
        let body = compress(&records, wanted).map_err(|_| BatchError::Records("no memory to compress them"))?;
        let recoded = batch.recoded(wanted.codec(), &body)?;
        match recoded.bytes().len() {
            size if size > max_size => Err(BatchError::TooLarge { size, limit: max_size }),
            _ => Ok(recoded),
        }
    }

    fn walk(&self, records: &[u8], count: i32) -> Result<(), BatchError> {
        for (at, record) in record::records(records, count).enumerate() {
            let record = record?;
            if record.offset_delta as usize != at {
                return Err(BatchError::Records("offsets that do not follow each other"));
            }
            if self.keyed && record.key.is_none() {
                return Err(BatchError::NoKey);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        batch::{BatchRules, Codec, HEADER_LEN, Header, check, checksum_holds, stamped_header},
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

    fn kept_as(compression: Compression) -> RecordRules {
        RecordRules { compression: Some(compression), keyed: false }
    }

    #[test]
    fn a_topic_that_demands_a_codec_keeps_every_batch_in_it_and_records_stay_what_they_were() {
        let all =
            [Compression::None, Compression::Gzip(-1), Compression::Snappy, Compression::Lz4, Compression::Zstd(3)];
        let plain = batch(&[Some(b"a"), None, Some(b"c")]);
        for from in all {
            let sent = kept_as(from).obey(plain.clone(), MAX_BATCH).unwrap();
            for to in all {
                let kept = kept_as(to).obey(sent.clone(), MAX_BATCH).unwrap();
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
        let sent = kept_as(Compression::Gzip(1)).obey(batch(&[None]), MAX_BATCH).unwrap();
        let kept = kept_as(Compression::Gzip(9)).obey(sent.clone(), MAX_BATCH).unwrap();
        assert_eq!(kept.bytes(), sent.bytes());
    }

    #[test]
    fn records_without_keys_are_refused_where_keys_are_asked_for() {
        let rules = RecordRules { compression: None, keyed: true };
        assert_eq!(rules.obey(batch(&[Some(b"a"), None]), MAX_BATCH).unwrap_err(), BatchError::NoKey);
        let kept = rules.obey(batch(&[Some(b"a"), Some(b"")]), MAX_BATCH).unwrap();
        assert_eq!(kept.header().codec(), Some(Codec::None));
        let packed = kept_as(Compression::Zstd(1)).obey(batch(&[None]), MAX_BATCH).unwrap();
        assert_eq!(rules.obey(packed, MAX_BATCH).unwrap_err(), BatchError::NoKey);
    }

    #[test]
    fn a_batch_that_outgrows_the_topics_limit_when_it_is_unpacked_is_refused() {
        let packed = kept_as(Compression::Zstd(3)).obey(batch(&[None; 50]), MAX_BATCH).unwrap();
        let size = packed.bytes().len();
        assert!(size < 1_000);
        let refused = kept_as(Compression::None).obey(packed, 1_000).unwrap_err();
        assert!(matches!(refused, BatchError::TooLarge { limit: 1_000, .. }), "{refused}");
    }
}
