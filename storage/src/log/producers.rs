//! What a log remembers of its idempotent producers (KIP-98): enough to answer a resent batch with the offsets it got,
//! and to refuse one that left a gap.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    batch::{Header, advance_sequence},
    error::AppendError,
    ids::{Offset, ProducerEpoch, ProducerId, Timestamp},
    limits::{BATCHES_PER_PRODUCER, PRODUCERS_KEPT, PRODUCERS_PER_LOG},
};

/// One batch that a producer wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct WrittenBatch {
    /// Sequence number of its first record.
    pub(crate) first_sequence: i32,
    /// Sequence number of its last record.
    pub(crate) last_sequence: i32,
    /// Offset of its first record.
    pub(crate) base_offset: Offset,
    /// Offset of its last record.
    pub(crate) last_offset: Offset,
    /// The time its records got, if the broker set it.
    pub(crate) log_append_time: Option<Timestamp>,
}

/// One producer's past in one log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Producer {
    /// Its newest epoch here.
    pub(crate) epoch: ProducerEpoch,
    /// When it last wrote, by the wall clock.
    pub(crate) last_seen_ms: i64,
    /// Its last batches in this epoch, oldest first.
    pub(crate) batches: VecDeque<WrittenBatch>,
}

/// How a batch relates to what its producer wrote before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// New: to be appended.
    New,
    /// Written before.
    Duplicate(WrittenBatch),
}

/// All producers of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Producers {
    known: BTreeMap<ProducerId, Producer>,
}

impl Producers {
    /// How many are known.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// All, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ProducerId, &Producer)> {
        self.known.iter().map(|(id, producer)| (*id, producer))
    }

    /// Puts back what a checkpoint had.
    pub(crate) fn restore(&mut self, id: ProducerId, producer: Producer) {
        self.known.insert(id, producer);
    }

    /// Judges a batch before it is appended. A producer that is not known may begin with any sequence: its past may
    /// have expired.
    pub(crate) fn judge(&self, header: &Header) -> Result<Verdict, AppendError> {
        let (id, epoch) = (header.producer_id, header.producer_epoch);
        if id.0 < 0 || header.is_control() {
            return Ok(Verdict::New);
        }
        let Some(producer) = self.known.get(&id) else { return Ok(Verdict::New) };
        if epoch < producer.epoch {
            return Err(AppendError::InvalidProducerEpoch { producer: id, epoch, current: producer.epoch });
        }
        let out_of_order =
            |expected| AppendError::OutOfOrderSequence { producer: id, sequence: header.base_sequence, expected };
        if epoch > producer.epoch {
            return if header.base_sequence == 0 { Ok(Verdict::New) } else { Err(out_of_order(0)) };
        }
        let same = |batch: &&WrittenBatch| {
            batch.first_sequence == header.base_sequence && batch.last_sequence == header.last_sequence()
        };
        if let Some(batch) = producer.batches.iter().find(same) {
            return Ok(Verdict::Duplicate(*batch));
        }
        match producer.batches.back() {
            None => Ok(Verdict::New),
            Some(last) if advance_sequence(last.last_sequence, 1) == header.base_sequence => Ok(Verdict::New),
            Some(last) => Err(out_of_order(advance_sequence(last.last_sequence, 1))),
        }
    }

    /// Remembers a batch that was appended, with its final offsets in `header`. Without `room` for one more producer a
    /// new one takes the place of the one that was silent for longest.
    pub(crate) fn record(&mut self, header: &Header, now_ms: i64, room: bool) {
        if header.producer_id.0 < 0 {
            return;
        }
        let most = if room { PRODUCERS_PER_LOG } else { PRODUCERS_KEPT };
        if self.known.len() >= most && !self.known.contains_key(&header.producer_id) {
            self.forget_most_silent();
        }
        let fresh = || Producer { epoch: header.producer_epoch, last_seen_ms: now_ms, batches: VecDeque::new() };
        let producer = self.known.entry(header.producer_id).or_insert_with(fresh);
        if producer.epoch != header.producer_epoch {
            producer.epoch = header.producer_epoch;
            producer.batches.clear();
        }
        producer.last_seen_ms = producer.last_seen_ms.max(now_ms);
        if header.is_control() {
            return;
        }
        if producer.batches.len() == BATCHES_PER_PRODUCER {
            producer.batches.pop_front();
        }
        producer.batches.push_back(WrittenBatch {
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            base_offset: header.base_offset,
            last_offset: header.last_offset(),
            log_append_time: header.is_log_append_time().then_some(header.max_timestamp),
        });
    }

    fn forget_most_silent(&mut self) {
        let silent = self.known.iter().min_by_key(|(id, producer)| (producer.last_seen_ms, **id)).map(|(id, _)| *id);
        if let Some(id) = silent {
            self.known.remove(&id);
        }
    }

    /// Forgets producers that were silent for as long as `after_ms`.
    pub(crate) fn expire(&mut self, now_ms: i64, after_ms: i64) {
        self.known.retain(|_, producer| now_ms.saturating_sub(producer.last_seen_ms) < after_ms);
    }

    /// The log now ends at `end`: forgets batches from there on, and producers of which nothing is left.
    pub(crate) fn truncate_back(&mut self, end: Offset) {
        self.known.retain(|_, producer| {
            let before = producer.batches.len();
            producer.batches.retain(|batch| batch.last_offset < end);
            before == 0 || !producer.batches.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::testing::{BatchSpec, header};

    fn batch(epoch: i16, sequence: i32, records: i32, base: i64) -> Header {
        header(&BatchSpec { producer: Some((7, epoch, sequence)), records, base_offset: base, ..Default::default() })
    }

    fn write(producers: &mut Producers, header: Header) {
        assert_eq!(producers.judge(&header), Ok(Verdict::New));
        producers.record(&header, 1_000, true);
    }

    fn offsets(verdict: Result<Verdict, AppendError>) -> Option<(i64, i64)> {
        match verdict {
            Ok(Verdict::Duplicate(batch)) => Some((batch.base_offset.0, batch.last_offset.0)),
            _ => None,
        }
    }

    #[test]
    fn the_last_five_batches_are_known_again() {
        let mut producers = Producers::default();
        for round in 0..7 {
            write(&mut producers, batch(0, round * 10, 10, i64::from(round) * 10));
        }
        for round in 2..7 {
            let again = producers.judge(&batch(0, round * 10, 10, 0));
            assert_eq!(offsets(again), Some((i64::from(round) * 10, i64::from(round) * 10 + 9)));
        }
        let forgotten = producers.judge(&batch(0, 10, 10, 0));
        assert!(matches!(forgotten, Err(AppendError::OutOfOrderSequence { expected: 70, .. })));
        let other_length = producers.judge(&batch(0, 60, 9, 0));
        assert!(matches!(other_length, Err(AppendError::OutOfOrderSequence { .. })), "not the same batch");
    }

    #[test]
    fn a_gap_is_refused_and_an_unknown_producer_may_begin_anywhere() {
        let mut producers = Producers::default();
        write(&mut producers, batch(0, 500, 1, 0));
        assert!(matches!(
            producers.judge(&batch(0, 502, 1, 0)),
            Err(AppendError::OutOfOrderSequence { sequence: 502, expected: 501, .. })
        ));
    }

    #[test]
    fn sequences_wrap() {
        let mut producers = Producers::default();
        write(&mut producers, batch(0, i32::MAX - 1, 4, 0));
        assert_eq!(producers.known[&ProducerId(7)].batches[0].last_sequence, 1);
        write(&mut producers, batch(0, 2, 1, 4));
        write(&mut producers, batch(0, 3, i32::MAX - 2, 5));
        write(&mut producers, batch(0, 0, 1, 9));
    }

    #[test]
    fn a_newer_epoch_starts_at_zero_and_fences_the_older() {
        let mut producers = Producers::default();
        write(&mut producers, batch(3, 5, 1, 0));
        assert!(matches!(producers.judge(&batch(4, 6, 1, 0)), Err(AppendError::OutOfOrderSequence { .. })));
        write(&mut producers, batch(4, 0, 1, 1));
        assert!(matches!(
            producers.judge(&batch(3, 6, 1, 0)),
            Err(AppendError::InvalidProducerEpoch { current: ProducerEpoch(4), .. })
        ));
    }

    #[test]
    fn producers_expire_and_their_number_is_bounded() {
        let mut producers = Producers::default();
        for id in 0..PRODUCERS_PER_LOG as i64 + 10 {
            let spec = BatchSpec { producer: Some((id, 0, 0)), ..Default::default() };
            producers.record(&header(&spec), id, true);
        }
        assert_eq!(producers.len(), PRODUCERS_PER_LOG);
        assert!(!producers.known.contains_key(&ProducerId(9)), "the most silent went first");
        producers.expire(1_020, 1_000);
        assert!(producers.known.keys().all(|id| id.0 > 20));
    }

    #[test]
    fn truncation_forgets_what_was_cut_off() {
        let mut producers = Producers::default();
        write(&mut producers, batch(0, 0, 10, 0));
        write(&mut producers, batch(0, 10, 10, 10));
        producers.truncate_back(Offset(10));
        write(&mut producers, batch(0, 10, 10, 10));
        producers.truncate_back(Offset(0));
        assert_eq!(producers.len(), 0);
    }

    #[test]
    fn without_room_a_new_producer_takes_the_place_of_the_most_silent() {
        let mut producers = Producers::default();
        for id in 0..100 {
            let spec = BatchSpec { producer: Some((id, 0, 0)), ..BatchSpec::default() };
            producers.record(&header(&spec), id, false);
        }
        assert_eq!(producers.len(), PRODUCERS_KEPT);
        assert!(producers.iter().all(|(id, _)| id.0 >= 100 - PRODUCERS_KEPT as i64));
    }
}
