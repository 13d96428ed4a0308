//! Records as lines.

use std::{fmt::Write as _, io::Write};

use bytes::Bytes;
use clap::ValueEnum;
use corelog_storage::{
    batch::Header,
    record::{self, Record},
};
use serde_json::{Map, Value, json};

use super::{failure::Failure, when};

/// What a line says of its record.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The value.
    Value,
    /// Partition, offset, time, key, headers and value, with tabs between.
    Full,
    /// A JSON object; what is not UTF-8 is given as hexadecimal digits, in a field whose name ends in _hex.
    Json,
}

pub(super) struct Printer<W> {
    pub(super) format: Format,
    /// Keys are printed before values, with this text between.
    pub(super) key_separator: Option<String>,
    /// How many more records are printed.
    pub(super) left: u64,
    pub(super) output: W,
}

/// Where a record stands.
struct Place<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
}

impl<W: Write> Printer<W> {
    /// Whether no more is to be printed.
    pub(super) fn is_done(&self) -> bool {
        self.left == 0
    }

    /// Prints the records from `offset` on that a fetch of a partition returned; returns where the next begin.
    pub(super) fn print(
        &mut self,
        (topic, partition): (&str, i32),
        mut bytes: Bytes,
        mut offset: i64,
    ) -> Result<i64, Failure> {
        while let Ok(header) = Header::parse(&bytes) {
            if bytes.len() < header.size as usize || self.is_done() {
                break;
            }
            let batch = bytes.split_to(header.size as usize);
            if header.is_control() {
                offset = offset.max(header.end_offset().0);
            } else {
                offset = self.print_batch((topic, partition), &header, &batch, offset)?;
            }
        }
        self.output.flush().map_err(|error| error.to_string())?;
        Ok(offset)
    }

    fn print_batch(
        &mut self,
        (topic, partition): (&str, i32),
        header: &Header,
        batch: &Bytes,
        from: i64,
    ) -> Result<i64, Failure> {
        let body = record::body(header, batch).map_err(|error| error.to_string())?;
        for record in record::records(&body, header.records) {
            let record = record.map_err(|error| error.to_string())?;
            let offset = header.base_offset.0 + i64::from(record.offset_delta);
            let timestamp = timestamp(header, record.timestamp_delta);
            if offset < from {
                continue;
            }
            if self.is_done() {
                return Ok(offset);
            }
            self.left -= 1;
            let place = Place { topic, partition, offset, timestamp };
            self.print_one(&place, &record).map_err(|error| error.to_string())?;
        }
        Ok(from.max(header.end_offset().0))
    }

    fn print_one(&mut self, place: &Place<'_>, record: &Record<'_>) -> std::io::Result<()> {
        match self.format {
            Format::Json => return writeln!(self.output, "{}", object(place, record)),
            Format::Full => {
                let time = when::print(place.timestamp);
                let (key, headers) = (shown(record.key), headers(record));
                write!(self.output, "{}\t{}\t{time}\t{key}\t{headers}\t", place.partition, place.offset)?;
            }
            Format::Value => {
                if let Some(separator) = &self.key_separator {
                    self.output.write_all(record.key.unwrap_or_default())?;
                    self.output.write_all(separator.as_bytes())?;
                }
            }
        }
        self.output.write_all(record.value.unwrap_or_default())?;
        self.output.write_all(b"\n")
    }
}

/// A record's own time, or the broker's where the topic asks for that.
fn timestamp(header: &Header, delta: i64) -> i64 {
    if header.is_log_append_time() { header.max_timestamp.0 } else { header.base_timestamp.0 + delta }
}

fn shown(bytes: Option<&[u8]>) -> String {
    bytes.map_or("-".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// `name=value,name=value`, or `-`.
fn headers(record: &Record<'_>) -> String {
    let pair = |(name, value): (&[u8], Option<&[u8]>)| format!("{}={}", shown(Some(name)), shown(value));
    let pairs: Vec<_> = record.headers().filter_map(Result::ok).map(pair).collect();
    if pairs.is_empty() { "-".to_owned() } else { pairs.join(",") }
}

fn object(place: &Place<'_>, record: &Record<'_>) -> Value {
    let mut object = Map::new();
    object.insert("topic".into(), place.topic.into());
    object.insert("partition".into(), place.partition.into());
    object.insert("offset".into(), place.offset.into());
    object.insert("timestamp".into(), place.timestamp.into());
    insert(&mut object, "key", record.key);
    insert(&mut object, "value", record.value);
    let headers = record.headers().filter_map(Result::ok).map(|(name, value)| {
        let mut header = Map::new();
        insert(&mut header, "name", Some(name));
        insert(&mut header, "value", value);
        Value::Object(header)
    });
    object.insert("headers".into(), headers.collect());
    json!(object)
}

fn insert(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(|bytes| (std::str::from_utf8(bytes), bytes)) {
        None => object.insert(name.to_owned(), Value::Null),
        Some((Ok(text), _)) => object.insert(name.to_owned(), text.into()),
        Some((Err(_), bytes)) => object.insert(format!("{name}_hex"), hex(bytes).into()),
    };
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use corelog_storage::{
        ids::{LeaderEpoch, Offset, Timestamp},
        record::BatchBuilder,
    };

    use super::*;

    fn printed(format: Format, left: u64, from: i64) -> (String, i64) {
        let mut batch = BatchBuilder::new();
        batch.push_with_headers(
            Timestamp(1_000),
            Some(b"k"),
            Some(b"one"),
            &[(b"h".as_slice(), Some(b"1".as_slice()))],
        );
        batch.push(Timestamp(2_500), None, Some(b"\xff\x00"));
        batch.push(Timestamp(3_000), None, None);
        let bytes = batch.build_at(Offset(10), LeaderEpoch(0));
        let mut printer = Printer { format, key_separator: None, left, output: Vec::new() };
        let next = printer.print(("t", 4), bytes, from).expect("it prints");
        (String::from_utf8_lossy(&printer.output).into_owned(), next)
    }

    #[test]
    fn json_holds_all_of_a_record_whatever_its_bytes() {
        let (text, next) = printed(Format::Json, 9, 0);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(next, 13);
        assert_eq!(
            lines[0],
            json!({"topic": "t", "partition": 4, "offset": 10, "timestamp": 1000, "key": "k", "value": "one",
                   "headers": [{"name": "h", "value": "1"}]})
        );
        assert_eq!((&lines[1]["value_hex"], &lines[1]["timestamp"]), (&json!("ff00"), &json!(2500)));
        assert_eq!(lines[2]["value"], Value::Null);
    }

    #[test]
    fn the_next_record_is_where_printing_stopped() {
        assert_eq!(printed(Format::Full, 1, 0), ("4\t10\t1970-01-01T00:00:01.000Z\tk\th=1\tone\n".to_owned(), 11));
        assert_eq!(printed(Format::Value, 9, 12), ("\n".to_owned(), 13));
    }
}
