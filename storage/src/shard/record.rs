//! What a shard writes to its journal, and reads back after a crash.

use bytes::Bytes;

use crate::{
    batch::HEADER_LEN,
    error::StorageError,
    ids::{LeaderEpoch, LogId, Offset, PartitionIndex, TopicId},
    log::{LogConfig, state::LogNumber},
    shard::Generation,
};

/// Kinds of journal records.
pub(crate) mod kind {
    pub(crate) const APPEND: u8 = 1;
    pub(crate) const BYPASS: u8 = 2;
    pub(crate) const CREATE: u8 = 3;
    pub(crate) const DELETE: u8 = 4;
    pub(crate) const CONFIG: u8 = 5;
    pub(crate) const START: u8 = 6;
    pub(crate) const EPOCH: u8 = 7;
    pub(crate) const TRUNCATE: u8 = 8;
    pub(crate) const FORGET: u8 = 10;
    pub(crate) const ADOPT: u8 = 11;
}

/// Where a batch lies: 16 bytes before its own in the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) number: LogNumber,
    pub(crate) segment: Offset,
    pub(crate) position: u32,
}

impl Place {
    pub(crate) const LEN: usize = 16;

    pub(crate) fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[0..4].copy_from_slice(&self.number.0.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.segment.0.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.position.to_le_bytes());
        bytes
    }
}

/// A record, decoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Entry {
    /// A batch, whole.
    Append {
        place: Place,
        batch: Bytes,
    },
    /// A batch's header; its segment was durable up to `safe` when this was written.
    Bypass {
        place: Place,
        safe: u32,
        header: Bytes,
    },
    Create {
        number: LogNumber,
        id: LogId,
        config: LogConfig,
    },
    Delete {
        number: LogNumber,
    },
    Config {
        number: LogNumber,
        config: LogConfig,
    },
    Start {
        number: LogNumber,
        offset: Offset,
    },
    Epoch {
        number: LogNumber,
        epoch: LeaderEpoch,
        offset: Offset,
    },
    Truncate {
        number: LogNumber,
        offset: Offset,
    },
    /// A part of an adopted log's manifest.
    Adopt {
        number: LogNumber,
        generation: Generation,
        first: bool,
        last: bool,
        part: Bytes,
    },
    Forget {
        number: LogNumber,
    },
}

impl Entry {
    /// The log it is about.
    pub(crate) fn number(&self) -> LogNumber {
        match self {
            Self::Append { place, .. } | Self::Bypass { place, .. } => place.number,
            Self::Create { number, .. }
            | Self::Delete { number }
            | Self::Config { number, .. }
            | Self::Start { number, .. }
            | Self::Epoch { number, .. }
            | Self::Truncate { number, .. }
            | Self::Adopt { number, .. }
            | Self::Forget { number } => *number,
        }
    }
}

/// The bytes of a configuration.
pub(crate) fn encode_config(config: &LogConfig) -> [u8; 31] {
    let mut bytes = [0; 31];
    bytes[0..4].copy_from_slice(&config.segment_bytes.to_le_bytes());
    bytes[4..12].copy_from_slice(&config.segment_ms.to_le_bytes());
    bytes[12..20].copy_from_slice(&config.retention_ms.unwrap_or(-1).to_le_bytes());
    bytes[20..28].copy_from_slice(&config.retention_bytes.unwrap_or(u64::MAX).to_le_bytes());
    bytes[28..31].copy_from_slice(&[config.log_append_time.into(), config.delete.into(), config.relaxed.into()]);
    bytes
}

/// Reads what [`encode_config`] wrote; later versions may add to it.
pub(crate) fn decode_config(bytes: &[u8]) -> Option<LogConfig> {
    let mut read = Read(bytes);
    Some(LogConfig {
        segment_bytes: read.u32()?,
        segment_ms: read.u64()? as i64,
        retention_ms: Some(read.u64()? as i64).filter(|ms| *ms >= 0),
        retention_bytes: Some(read.u64()?).filter(|bytes| *bytes != u64::MAX),
        log_append_time: read.u8()? != 0,
        delete: read.u8()? != 0,
        relaxed: read.u8()? != 0,
    })
}

/// The bytes of a log's name.
pub(crate) fn encode_id(id: LogId) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[..16].copy_from_slice(&id.topic.0);
    bytes[16..].copy_from_slice(&id.partition.0.to_le_bytes());
    bytes
}

/// Decodes a record of a journal whose checksums hold: what does not fit was written by another version, or by a bug.
pub(crate) fn decode(record_kind: u8, payload: &Bytes) -> Result<Entry, StorageError> {
    parse(record_kind, payload).ok_or_else(|| StorageError::Corrupt {
        place: format!("a journal record of kind {record_kind}").into(),
        why: "its fields do not fit; was it written by a newer version?",
    })
}

fn parse(record_kind: u8, payload: &Bytes) -> Option<Entry> {
    let mut read = Read(payload);
    let number = LogNumber(read.u32()?);
    let rest = |read: &Read<'_>| payload.slice(payload.len() - read.0.len()..);
    Some(match record_kind {
        kind::APPEND => {
            let place = Place { number, segment: read.offset()?, position: read.u32()? };
            Entry::Append { place, batch: rest(&read) }
        }
        kind::BYPASS => {
            let place = Place { number, segment: read.offset()?, position: read.u32()? };
            let safe = read.u32()?;
            Entry::Bypass { place, safe, header: Some(rest(&read)).filter(|header| header.len() == HEADER_LEN)? }
        }
        kind::CREATE => {
            let topic = TopicId(read.take(16)?.try_into().ok()?);
            let id = LogId { topic, partition: PartitionIndex(read.u32()? as i32) };
            Entry::Create { number, id, config: decode_config(read.0)? }
        }
        kind::DELETE => Entry::Delete { number },
        kind::CONFIG => Entry::Config { number, config: decode_config(read.0)? },
        kind::START => Entry::Start { number, offset: read.offset()? },
        kind::EPOCH => Entry::Epoch { number, epoch: LeaderEpoch(read.u32()? as i32), offset: read.offset()? },
        kind::TRUNCATE => Entry::Truncate { number, offset: read.offset()? },
        kind::ADOPT => {
            let (generation, ends) = (Generation(read.u32()?), read.u8()?);
            Entry::Adopt { number, generation, first: ends & 1 != 0, last: ends & 2 != 0, part: rest(&read) }
        }
        kind::FORGET => Entry::Forget { number },
        _ => return None,
    })
}

struct Read<'a>(&'a [u8]);

impl<'a> Read<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }
    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }
    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
    fn offset(&mut self) -> Option<Offset> {
        self.u64().map(|offset| Offset(offset as i64))
    }
}
