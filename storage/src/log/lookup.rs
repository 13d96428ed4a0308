//! From times to offsets. The only place that looks into batches, and decompresses them for it.

use bytes::Bytes;

use super::{Log, TimedOffset, index::by_time};
use crate::{
    batch::Header,
    env::Env,
    error::{BatchError, ReadError, StorageError},
    ids::{Offset, Timestamp},
    record::{body, records},
};

/// Which record of a batch is looked for.
#[derive(Clone, Copy)]
enum Sought {
    /// The first that is not older.
    NotBefore(Timestamp),
    /// The first with the batch's greatest timestamp.
    Newest,
}

impl<E: Env> Log<E> {
    /// The first record, below `up_to`, whose timestamp is at least `at`.
    pub async fn offset_for_timestamp(&self, at: Timestamp, up_to: Offset) -> Result<Option<TimedOffset>, ReadError> {
        let found = {
            let state = self.state.borrow();
            state.readable()?;
            let candidate =
                state.segments.iter().find(|segment| segment.max_timestamp >= at && segment.end > state.start);
            candidate.map(|segment| {
                let entry = by_time(segment.index.recent(), at);
                (segment.base, entry, segment.index.on_file())
            })
        };
        let Some((base, mut entry, on_file)) = found else { return Ok(None) };
        if entry.is_none() && on_file > 0 {
            entry = by_time(&self.index_on_file(base, on_file).await, at);
        }
        let from = entry.map_or(base, |entry| Offset(base.0 + i64::from(entry.offset_delta)));
        self.seek(from, up_to, Sought::NotBefore(at)).await
    }

    /// The record with the greatest timestamp, the first of them; `None` for an empty log.
    pub async fn max_timestamp(&self, up_to: Offset) -> Result<Option<TimedOffset>, ReadError> {
        let newest = {
            let state = self.state.borrow();
            state.readable()?;
            state.newest()
        };
        match newest {
            Some((batch, _)) => self.seek(batch, up_to, Sought::Newest).await,
            None => Ok(None),
        }
    }

    /// Walks batches from `from` on to the first that has what is sought.
    async fn seek(&self, from: Offset, up_to: Offset, sought: Sought) -> Result<Option<TimedOffset>, ReadError> {
        let start = self.start();
        let mut from = from.max(start);
        while from < up_to.min(self.end()) {
            let (mut batches, next) = self.read_joined(from, up_to).await?;
            if next <= from {
                return Ok(None);
            }
            while !batches.is_empty() {
                let header = Header::parse(&batches).map_err(|error| self.broken(from, error))?;
                let batch = batches.split_to((header.size as usize).min(batches.len()));
                let wanted = match sought {
                    Sought::NotBefore(at) => header.newest_timestamp() >= at,
                    Sought::Newest => true,
                };
                if wanted
                    && let Some(found) =
                        find_record(&header, &batch, sought, start).map_err(|error| self.broken(from, error))?
                {
                    return Ok(Some(found));
                }
            }
            from = next;
        }
        Ok(None)
    }

    fn broken(&self, from: Offset, error: BatchError) -> ReadError {
        let why = match error {
            BatchError::Records(why) | BatchError::Compressed(why) => why,
            _ => "no batch header",
        };
        StorageError::Corrupt { place: format!("log {} from offset {}", self.id, from.0).into(), why }.into()
    }
}

/// The record that is sought, if this batch has it at or behind `start`.
fn find_record(
    header: &Header,
    batch: &Bytes,
    sought: Sought,
    start: Offset,
) -> Result<Option<TimedOffset>, BatchError> {
    let found = |delta: i32, timestamp: Timestamp| TimedOffset {
        offset: Offset(header.base_offset.0 + i64::from(delta)),
        timestamp,
        epoch: header.leader_epoch,
    };
    let first = start.0.saturating_sub(header.base_offset.0).max(0) as i32;
    if header.is_log_append_time() {
        return Ok((first <= header.last_offset_delta).then(|| found(first, header.max_timestamp)));
    }
    let at = match sought {
        Sought::NotBefore(at) => at,
        Sought::Newest => header.max_timestamp,
    };
    let body = body(header, batch)?;
    for record in records(&body, header.records) {
        let record = record?;
        let timestamp = Timestamp(header.base_timestamp.0.saturating_add(record.timestamp_delta));
        if timestamp >= at && record.offset_delta >= first {
            return Ok(Some(found(record.offset_delta, timestamp)));
        }
    }
    Ok(None)
}
