//! `corelog produce` and `corelog consume`: lines to records of one partition, and back.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of its own process, not the broker's"
)]

use std::{
    io::{BufRead, Write, stdin, stdout},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use clap::Args;
use corelog_storage::{
    batch::Header,
    ids::Timestamp,
    record::{self, BatchBuilder},
};

use super::client::{Client, check};

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

#[derive(Args)]
#[group(id = "consume-options")]
pub(super) struct Consume {
    /// The topic.
    topic: String,
    /// The partition.
    #[arg(long, short, default_value_t = 0)]
    partition: i32,
    /// Where to begin [default: the first record there is].
    #[arg(long, value_name = "N")]
    offset: Option<i64>,
    /// Ends when all that was there is printed.
    #[arg(long, short)]
    exit: bool,
    /// Prints keys before values, with this text between.
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
}

impl Produce {
    pub(super) fn run(self, broker: &str) -> Result<(), String> {
        let mut client = Client::connect(broker)?;
        for topic in client.metadata(Some(&self.topic), true)?.topics {
            check(topic.error_code, None).map_err(|error| format!("{}: {error}", self.topic))?;
        }
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

impl Consume {
    pub(super) fn run(self, broker: &str) -> Result<(), String> {
        let mut client = Client::connect(broker)?;
        let mut offset = match self.offset {
            Some(offset) => offset,
            None => client.offset(&self.topic, self.partition, -2)?,
        };
        let end = client.offset(&self.topic, self.partition, -1)?;
        let mut output = stdout().lock();
        while !self.exit || offset < end {
            let told = client.fetch(&self.topic, self.partition, offset)?;
            let before = offset;
            offset = self.print(told.records.unwrap_or_default(), offset, &mut output)?;
            output.flush().map_err(|error| error.to_string())?;
            if self.exit && offset == before && told.high_watermark <= offset {
                break;
            }
        }
        Ok(())
    }

    /// Prints the records from `offset` on; returns where the next begin.
    fn print(&self, mut bytes: Bytes, mut offset: i64, output: &mut impl Write) -> Result<i64, String> {
        while let Ok(header) = Header::parse(&bytes) {
            if bytes.len() < header.size as usize {
                break;
            }
            let batch = bytes.split_to(header.size as usize);
            let body = record::body(&header, &batch).map_err(|error| error.to_string())?;
            if !header.is_control() {
                for record in record::records(&body, header.records) {
                    let record = record.map_err(|error| error.to_string())?;
                    if header.base_offset.0 + i64::from(record.offset_delta) >= offset {
                        self.print_one(&record, output).map_err(|error| error.to_string())?;
                    }
                }
            }
            offset = offset.max(header.end_offset().0);
        }
        Ok(offset)
    }

    fn print_one(&self, record: &record::Record<'_>, output: &mut impl Write) -> std::io::Result<()> {
        if let Some(separator) = &self.key_separator {
            output.write_all(record.key.unwrap_or_default())?;
            output.write_all(separator.as_bytes())?;
        }
        output.write_all(record.value.unwrap_or_default())?;
        output.write_all(b"\n")
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}
