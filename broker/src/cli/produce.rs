//! `corelog produce`: lines to records of one partition.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of its own process, not the broker's"
)]

use std::{
    io::{BufRead, stdin},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::Args;
use corelog_storage::{ids::Timestamp, record::BatchBuilder};

use super::{cluster::Cluster, failure::Failure};

/// Lines of one batch, and its bytes, at most.
const BATCH_LINES: i32 = 1000;
const BATCH_BYTES: usize = 256 << 10;

#[derive(Args)]
#[group(id = "produce-options")]
pub(super) struct Produce {
    /// The topic; created where the broker allows it.
    topic: String,
    /// The partition.
    #[arg(long, short, default_value_t = 0)]
    partition: i32,
    /// Splits each line into key and value where this text first occurs.
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
}

impl Produce {
    pub(super) fn run(self, broker: &str) -> Result<(), Failure> {
        let mut cluster = Cluster::through(broker)?;
        let client = cluster.leader(&self.topic, self.partition, true)?;
        let mut batch = BatchBuilder::new();
        let mut lines = 0_u64;
        for line in stdin().lock().split(b'\n') {
            let line = line.map_err(|error| error.to_string())?;
            let (key, value) = self.split(&line);
            batch.push(now(), key, Some(value));
            lines += 1;
            if batch.len() >= BATCH_LINES || batch.size() >= BATCH_BYTES {
                client.produce(&self.topic, self.partition, std::mem::take(&mut batch).build())?;
            }
        }
        if !batch.is_empty() {
            client.produce(&self.topic, self.partition, batch.build())?;
        }
        eprintln!("{lines} record(s) to {}-{}, durable", self.topic, self.partition);
        Ok(())
    }

    fn split<'a>(&self, line: &'a [u8]) -> (Option<&'a [u8]>, &'a [u8]) {
        let Some(separator) = self.key_separator.as_deref().filter(|text| !text.is_empty()) else {
            return (None, line);
        };
        let at = line.windows(separator.len()).position(|window| window == separator.as_bytes());
        at.map_or((None, line), |at| (Some(&line[..at]), &line[at + separator.len()..]))
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}
