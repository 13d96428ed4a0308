//! Reads back all that was acknowledged: each record once, at its offset, in its writer's order, intact.

use crate::batch;
use crate::client::{self, Connection};
use crate::error::{Error, Result, accept};
use crate::payload::Stamp;
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

/// Checks one partition's records as they are read, from offset 0.
struct Expected {
    acks: std::vec::IntoIter<Ack>,
    current: Option<(Ack, u32)>,
    last: BTreeMap<u32, u64>,
}

impl Expected {
    fn new(mut acks: Vec<Ack>) -> Self {
        acks.sort_by_key(|ack| ack.base_offset);
        let mut acks = acks.into_iter();
        let current = acks.next().map(|ack| (ack, 0));
        Self { acks, current, last: BTreeMap::new() }
    }

    fn done(&self) -> bool {
        self.current.is_none()
    }

    fn take(&mut self, offset: i64, value: &[u8]) -> Result<()> {
        let stamp = Stamp::read(value)?;
        let Some((ack, place)) = self.current else {
            return Err(Error::Broken(format!("offset {offset} holds a record too many: {stamp:?}")));
        };
        let (due_offset, sequence) = (ack.base_offset + i64::from(place), ack.first_sequence + u64::from(place));
        if (offset, stamp.stream, stamp.sequence) != (due_offset, ack.stream, sequence) {
            return Err(Error::Broken(format!(
                "offset {offset} holds {stamp:?}; {ack:?} had {sequence} at {due_offset}"
            )));
        }
        if self.last.insert(ack.stream, sequence).is_some_and(|last| last >= sequence) {
            return Err(Error::Broken(format!("stream {} is out of order at offset {offset}", ack.stream)));
        }
        self.current = if place + 1 < ack.count { Some((ack, place + 1)) } else { self.acks.next().map(|a| (a, 0)) };
        Ok(())
    }
}

/// Reads the topic and compares; returns the number of records.
pub(crate) fn verify(broker: &str, topic: &str, acks: Vec<Ack>) -> Result<u64> {
    let mut by_partition: BTreeMap<i32, Vec<Ack>> = BTreeMap::new();
    for ack in acks {
        by_partition.entry(ack.partition).or_default().push(ack);
    }
    let mut connection = Connection::open(broker)?;
    let mut records = 0;
    for (partition, acks) in by_partition {
        let mut expected = Expected::new(acks);
        let mut next = 0;
        while !expected.done() {
            let request = client::fetch_request(topic, &[(partition, next)], 5_000, FETCH_BYTES);
            let response = connection.call(client::FETCH, &request)?;
            accept("Fetch", response.error_code)?;
            let before = next;
            for part in client::fetched(&response) {
                accept("Fetch", part.error_code)?;
                let batches = part.records.clone().unwrap_or_default();
                next = batch::walk(&batches, next, |offset, value| {
                    records += 1;
                    expected.take(offset, value)
                })?;
            }
            if next == before {
                return Err(Error::Broken(format!("partition {partition} ends at {next}; more was acknowledged")));
            }
        }
    }
    Ok(records)
}
