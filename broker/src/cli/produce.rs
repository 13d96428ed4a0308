//! `corelog produce`: lines to records.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a client of its own process, not the broker's"
)]

use std::{
    collections::BTreeMap,
    io::{BufRead, stdin},
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{Args, ValueEnum};
use corelog_storage::{ids::Timestamp, record::BatchBuilder};
use serde::Deserialize;

use super::{cluster::Cluster, config::pair, failure::Failure, output::Progress};

/// Lines of one batch, and its bytes, at most.
const BATCH_LINES: i32 = 1000;
const BATCH_BYTES: usize = 256 << 10;

#[derive(Args)]
#[group(id = "produce-options")]
pub(super) struct Produce {
    /// The topic; created where the broker allows it.
    topic: String,
    /// The partition [default: by the key as Kafka's own clients do it; without keys, batches go to each in turn].
    #[arg(long, short)]
    partition: Option<i32>,
    /// Splits each line into key and value where this text first occurs.
    #[arg(long, value_name = "TEXT", conflicts_with = "key")]
    key_separator: Option<String>,
    /// The key of every record.
    #[arg(long, short, value_name = "TEXT")]
    key: Option<String>,
    /// A header of every record; may be given again.
    #[arg(long, short = 'H', value_name = "NAME=VALUE", value_parser = pair)]
    header: Vec<(String, String)>,
    /// What a line is.
    #[arg(long, short, value_enum, default_value_t = Format::Value)]
    format: Format,
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A value, or key and value.
    Value,
    /// A JSON object as `corelog consume --format json` prints it; partition and offset are not looked at.
    Json,
}

/// A record on its way.
#[derive(Default)]
struct Outgoing {
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    timestamp: Option<i64>,
}

/// A record as a JSON object.
#[derive(Deserialize)]
struct Object {
    key: Option<String>,
    key_hex: Option<String>,
    value: Option<String>,
    value_hex: Option<String>,
    #[serde(default)]
    headers: Vec<ObjectHeader>,
    timestamp: Option<i64>,
}

#[derive(Deserialize)]
struct ObjectHeader {
    name: String,
    value: Option<String>,
    value_hex: Option<String>,
}

/// Batches that fill, by partition, and their leaders.
struct Writer<'a> {
    cluster: Cluster,
    topic: &'a str,
    leaders: BTreeMap<i32, String>,
    batches: BTreeMap<i32, BatchBuilder>,
    /// Where records without a key go now: another partition after each batch.
    keyless: usize,
    sent: u64,
}

impl Produce {
    pub(super) fn run(self, broker: &str) -> Result<(), Failure> {
        let mut cluster = Cluster::through(broker)?;
        if let Some(partition) = self.partition {
            cluster.leader(&self.topic, partition, true)?; // says so if there is none
        }
        let leaders = cluster.leaders(&self.topic, true)?;
        let (batches, topic) = (BTreeMap::new(), self.topic.as_str());
        let mut writer = Writer { cluster, topic, leaders, batches, keyless: 0, sent: 0 };
        let mut progress = Progress::begin();
        for (number, line) in stdin().lock().split(b'\n').enumerate() {
            let line = line.map_err(|error| error.to_string())?;
            let record = self.record(&line).map_err(|what| format!("line {}: {what}", number + 1))?;
            writer.add(self.partition, &record)?;
            progress.at(|| format!("{} record(s) sent", writer.sent));
        }
        writer.flush_all()?;
        drop(progress);
        let to = self.partition.map_or(self.topic.clone(), |partition| format!("{}-{partition}", self.topic));
        eprintln!("{} record(s) to {to}, durable", writer.sent);
        Ok(())
    }

    fn record(&self, line: &[u8]) -> Result<Outgoing, String> {
        let mut record = match self.format {
            Format::Json => parse(line)?,
            Format::Value => {
                let (key, value) = self.split(line);
                Outgoing { key: key.map(<[u8]>::to_vec), value: Some(value.to_vec()), ..Outgoing::default() }
            }
        };
        if let Some(key) = &self.key {
            record.key = Some(key.clone().into_bytes());
        }
        let own = self.header.iter().map(|(name, value)| (name.clone().into_bytes(), Some(value.clone().into_bytes())));
        record.headers.extend(own);
        Ok(record)
    }

    fn split<'a>(&self, line: &'a [u8]) -> (Option<&'a [u8]>, &'a [u8]) {
        let Some(separator) = self.key_separator.as_deref().filter(|text| !text.is_empty()) else {
            return (None, line);
        };
        let at = line.windows(separator.len()).position(|window| window == separator.as_bytes());
        at.map_or((None, line), |at| (Some(&line[..at]), &line[at + separator.len()..]))
    }
}

fn parse(line: &[u8]) -> Result<Outgoing, String> {
    let object: Object = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let header = |header: ObjectHeader| Ok((header.name.into_bytes(), bytes(header.value, header.value_hex)?));
    Ok(Outgoing {
        key: bytes(object.key, object.key_hex)?,
        value: bytes(object.value, object.value_hex)?,
        headers: object.headers.into_iter().map(header).collect::<Result<_, String>>()?,
        timestamp: object.timestamp,
    })
}

fn bytes(text: Option<String>, hex: Option<String>) -> Result<Option<Vec<u8>>, String> {
    let Some(hex) = hex else { return Ok(text.map(String::into_bytes)) };
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
    let bytes: Option<Vec<u8>> = hex.as_bytes().chunks(2).map(byte).collect();
    bytes.map(Some).ok_or_else(|| format!("`{hex}` is not hexadecimal digits in pairs"))
}

impl Writer<'_> {
    fn add(&mut self, partition: Option<i32>, record: &Outgoing) -> Result<(), Failure> {
        let partition = match (partition, &record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => by_key(key, self.leaders.len()),
            (None, None) => (self.keyless % self.leaders.len().max(1)) as i32,
        };
        let headers: Vec<_> = record.headers.iter().map(|(name, value)| (&name[..], value.as_deref())).collect();
        let timestamp = record.timestamp.map_or_else(now, Timestamp);
        let batch = self.batches.entry(partition).or_default();
        batch.push_with_headers(timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
        if batch.len() >= BATCH_LINES || batch.size() >= BATCH_BYTES {
            self.flush(partition)?;
            self.keyless += usize::from(record.key.is_none());
        }
        Ok(())
    }

    fn flush(&mut self, partition: i32) -> Result<(), Failure> {
        let Some(batch) = self.batches.remove(&partition) else { return Ok(()) };
        let leader = self.leaders.get(&partition);
        let leader = leader.ok_or_else(|| format!("{}-{partition} has no leader now: try again", self.topic))?;
        self.cluster.at(leader)?.produce(self.topic, partition, batch.build())?;
        self.sent += u64::from(batch.len().unsigned_abs());
        Ok(())
    }

    fn flush_all(&mut self) -> Result<(), Failure> {
        let partitions: Vec<i32> = self.batches.keys().copied().collect();
        partitions.into_iter().try_for_each(|partition| self.flush(partition))
    }
}

/// Where Kafka's Java client puts a key: by its murmur2, the sign taken off.
fn by_key(key: &[u8], partitions: usize) -> i32 {
    let partitions = partitions.max(1) as u32;
    ((murmur2(key) & 0x7fff_ffff) % partitions) as i32
}

fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word = (word ^ word >> 24).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ word;
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, byte| tail << 8 | u32::from(*byte));
        hash = (hash ^ tail).wrapping_mul(M);
    }
    hash = (hash ^ hash >> 13).wrapping_mul(M);
    hash ^ hash >> 15
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hash_as_in_kafkas_own_test_of_murmur2() {
        let known: [(&[u8], i32); 6] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
        ];
        for (key, hash) in known {
            assert_eq!(murmur2(key) as i32, hash, "{}", String::from_utf8_lossy(key));
        }
    }

    #[test]
    fn json_lines_are_read_as_they_are_printed() {
        let line = br#"{"partition":3,"offset":9,"timestamp":5,"key_hex":"ff00","value":null,
                        "headers":[{"name":"h","value":"x"}]}"#;
        let record = parse(line).expect("a record");
        assert_eq!((record.key.as_deref(), record.value, record.timestamp), (Some(&b"\xff\0"[..]), None, Some(5)));
        assert_eq!(record.headers, [(b"h".to_vec(), Some(b"x".to_vec()))]);
        assert!(parse(br#"{"key_hex":"f"}"#).is_err_and(|told| told.contains("in pairs")));
    }
}
