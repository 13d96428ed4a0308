//! Reads back all that was acknowledged: each record once, at its offset, in its writer's order, intact.

use crate::batch;
use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::payload::Stamp;
use corelog_wire::error_code::ErrorCode;
use std::collections::BTreeMap;

const FETCH_BYTES: i32 = 8 << 20;

/// What one Produce request got acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub(crate) partition: i32,
    pub(crate) base_offset: i64,
    pub(crate) stream: u32,
    pub(crate) first_sequence: u64,
    pub(crate) count: u32,
}

/// What a log may lack or hold beside what was acknowledged.
#[derive(Clone, Copy, Default)]
pub(crate) struct Allow {
    /// Its beginning may be gone by retention.
    pub(crate) retention: bool,
    /// Records may be there that a broker had no time to acknowledge before it was killed.
    pub(crate) unacknowledged: bool,
}

/// Checks one partition's records as they are read.
struct Expected {
    allow: Allow,
    acks: std::vec::IntoIter<Ack>,
    current: Option<(Ack, u32)>,
    last: BTreeMap<u32, u64>,
}

impl Expected {
    fn new(mut acks: Vec<Ack>, allow: Allow) -> Self {
        acks.sort_by_key(|ack| ack.base_offset);
        let mut acks = acks.into_iter();
        let current = acks.next().map(|ack| (ack, 0));
        Self { allow, acks, current, last: BTreeMap::new() }
    }

    fn done(&self) -> bool {
        self.current.is_none()
    }

    fn take(&mut self, offset: i64, value: &[u8]) -> Result<()> {
        let stamp = Stamp::read(value)?;
        // A record that is there twice is out of order, too.
        if self.last.insert(stamp.stream, stamp.sequence).is_some_and(|last| last >= stamp.sequence) {
            return Err(Error::Broken(format!("stream {} is out of order at offset {offset}", stamp.stream)));
        }
        let due = self.current.map(|(ack, place)| (ack, place, ack.base_offset + i64::from(place)));
        match due {
            Some((ack, place, due)) if offset == due || !self.allow.unacknowledged => {
                let sequence = ack.first_sequence + u64::from(place);
                if (offset, stamp.stream, stamp.sequence) != (due, ack.stream, sequence) {
                    let what = format!("offset {offset} holds {stamp:?}; {ack:?} had {sequence} at {due}");
                    return Err(Error::Broken(what));
                }
                let next = (place + 1 < ack.count).then_some((ack, place + 1));
                self.current = next.or_else(|| self.acks.next().map(|ack| (ack, 0)));
                Ok(())
            }
            Some((ack, _, due)) if offset > due => {
                Err(Error::Broken(format!("offset {due} is missing: {ack:?} had it acknowledged")))
            }
            None if !self.allow.unacknowledged => {
                Err(Error::Broken(format!("offset {offset} holds a record too many: {stamp:?}")))
            }
            _ => Ok(()),
        }
    }

    /// Goes on at `offset`, before which nothing is left.
    fn skip_to(&mut self, offset: i64) {
        while let Some((ack, place)) = self.current {
            let gone = (offset - ack.base_offset).max(i64::from(place));
            if gone < i64::from(ack.count) {
                self.current = Some((ack, gone as u32));
                break;
            }
            self.current = self.acks.next().map(|ack| (ack, 0));
        }
    }
}

/// Reads the topic from its beginning and compares; returns the number of records.
pub(crate) fn verify(broker: &str, topic: &str, acks: Vec<Ack>) -> Result<u64> {
    verify_from(broker, topic, &[], acks, Allow::default())
}

/// Reads each partition from the offset in `starts`, or 0, and compares; returns the number of records.
pub(crate) fn verify_from(broker: &str, topic: &str, starts: &[i64], acks: Vec<Ack>, allow: Allow) -> Result<u64> {
    let mut by_partition: BTreeMap<i32, Vec<Ack>> = BTreeMap::new();
    for ack in acks {
        by_partition.entry(ack.partition).or_default().push(ack);
    }
    let mut connection = Connection::open(broker)?;
    let mut records = 0;
    for (partition, acks) in by_partition {
        let mut expected = Expected::new(acks, allow);
        let mut next = starts.get(partition as usize).copied().unwrap_or_default();
        while !expected.done() {
            let request = client::fetch_request(topic, &[(partition, next)], 5_000, FETCH_BYTES);
            let response = connection.call(client::FETCH, &request)?;
            accept("Fetch", response.error_code)?;
            let before = next;
            for part in client::fetched(&response) {
                if allow.retention && part.error_code == ErrorCode::OffsetOutOfRange.code() {
                    next = connection.earliest(topic, partition)?;
                    expected.skip_to(next);
                    break;
                }
                accept("Fetch", part.error_code)?;
                let batches = part.records.clone().unwrap_or_default();
                next = batch::walk(&batches, next, |offset, value| {
                    records += 1;
                    expected.take(offset, value)
                })?;
            }
            if next == before && !expected.done() {
                return Err(Error::Broken(format!("partition {partition} ends at {next}; more was acknowledged")));
            }
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ack(base_offset: i64, first_sequence: u64, count: u32) -> Ack {
        Ack { partition: 0, base_offset, stream: 1, first_sequence, count }
    }

    fn value(sequence: u64) -> Vec<u8> {
        let mut value = vec![0; 40];
        Stamp { stream: 1, sequence, due: 0 }.write(&mut value);
        value
    }

    #[test]
    fn a_record_missing_moved_or_twice_is_seen() {
        let expected = || Expected::new(vec![ack(0, 0, 2), ack(2, 2, 1)], Allow::default());
        let mut sound = expected();
        (0..3).for_each(|n| sound.take(n, &value(n as u64)).expect("as acknowledged"));
        assert!(sound.done() && sound.take(3, &value(3)).is_err(), "one too many");
        assert!(expected().take(1, &value(1)).is_err(), "offset 0 is missing");
        let mut twice = expected();
        twice.take(0, &value(0)).expect("as acknowledged");
        assert!(twice.take(1, &value(0)).is_err());
    }

    #[test]
    fn what_a_killed_broker_did_not_acknowledge_may_be_there_once() {
        let allow = Allow { unacknowledged: true, ..Allow::default() };
        let mut expected = Expected::new(vec![ack(0, 0, 1), ack(2, 2, 1)], allow);
        expected.take(0, &value(0)).expect("acknowledged");
        expected.take(1, &value(1)).expect("not acknowledged, and there");
        expected.take(2, &value(2)).expect("acknowledged");
        assert!(expected.done());
        expected.take(3, &value(3)).expect("not acknowledged, and there");
        let mut missing = Expected::new(vec![ack(0, 0, 1)], allow);
        assert!(missing.take(1, &value(1)).is_err());
        let mut twice = Expected::new(vec![ack(1, 5, 1)], allow);
        twice.take(0, &value(5)).expect("it may be one that was not acknowledged");
        assert!(twice.take(1, &value(5)).is_err());
    }

    #[test]
    fn what_retention_took_is_not_missed() {
        let mut expected =
            Expected::new(vec![ack(0, 0, 2), ack(2, 2, 3)], Allow { retention: true, ..Allow::default() });
        expected.skip_to(3);
        expected.take(3, &value(3)).expect("the second of its batch");
        expected.take(4, &value(4)).expect("the third");
        assert!(expected.done());
    }
}
