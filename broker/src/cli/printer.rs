//! Records as lines.

use std::io::Write;

use bytes::Bytes;
use corelog_storage::{
    batch::Header,
    record::{self, Record},
};

use super::failure::Failure;

pub(super) struct Printer<W> {
    /// Keys are printed before values, with this text between.
    pub(super) key_separator: Option<String>,
    pub(super) output: W,
}

impl<W: Write> Printer<W> {
    /// Prints the records from `offset` on that a fetch returned; returns where the next begin.
    pub(super) fn print(&mut self, mut bytes: Bytes, mut offset: i64) -> Result<i64, Failure> {
        while let Ok(header) = Header::parse(&bytes) {
            if bytes.len() < header.size as usize {
                break;
            }
            let batch = bytes.split_to(header.size as usize);
            if !header.is_control() {
                self.print_batch(&header, &batch, offset)?;
            }
            offset = offset.max(header.end_offset().0);
        }
        self.output.flush().map_err(|error| error.to_string())?;
        Ok(offset)
    }

    fn print_batch(&mut self, header: &Header, batch: &Bytes, from: i64) -> Result<(), Failure> {
        let body = record::body(header, batch).map_err(|error| error.to_string())?;
        for record in record::records(&body, header.records) {
            let record = record.map_err(|error| error.to_string())?;
            if header.base_offset.0 + i64::from(record.offset_delta) >= from {
                self.print_one(&record).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn print_one(&mut self, record: &Record<'_>) -> std::io::Result<()> {
        if let Some(separator) = &self.key_separator {
            self.output.write_all(record.key.unwrap_or_default())?;
            self.output.write_all(separator.as_bytes())?;
        }
        self.output.write_all(record.value.unwrap_or_default())?;
        self.output.write_all(b"\n")
    }
}
