//! Reads: from the tail without a copy, else from a segment, checked.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};

use super::{
    Log, ReadResult,
    index::{Entry, by_offset, decode_pages},
    segment::{SEGMENT_HEADER, check_header, index_name, segment_name},
    state::State,
};
use crate::{
    batch::{Header, checksum_holds},
    buffer::AlignedBuf,
    env::{BLOCK, Env, File},
    error::{ReadError, StorageError},
    ids::Offset,
    limits::READ_AT_ONCE,
    shard::files::FileKind,
};

/// Where on disk a read begins.
#[derive(Clone, Copy, Debug)]
struct Spot {
    segment: Offset,
    /// A batch begins here, at or before the one that is wanted.
    position: u32,
    /// What is readable of the segment's file.
    flushed: u32,
    end: u32,
}

/// The limits of one read.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    from: Offset,
    max_bytes: usize,
    up_to: Offset,
    at_least_one: bool,
}

impl<E: Env> Log<E> {
    /// Whole batches from the one that holds `from` on, all below `up_to`, at most `max_bytes` of them; or one batch,
    /// however large, with `at_least_one`. All from one segment, so a read may give less than there is.
    pub async fn read(
        &self,
        from: Offset,
        max_bytes: usize,
        up_to: Offset,
        at_least_one: bool,
    ) -> Result<ReadResult, ReadError> {
        let wanted = Wanted { from, max_bytes, up_to, at_least_one };
        {
            let state = self.state.borrow();
            state.readable()?;
            if from < state.start || from > state.end {
                return Err(ReadError::OutOfRange { start: state.start, end: state.end });
            }
            let nothing = ReadResult { next: from, ..ReadResult::default() };
            if from >= state.end.min(up_to) {
                return Ok(nothing);
            }
            if state.tail.start().is_some_and(|start| start <= from)
                && let Some(read) = state.tail.read(from, max_bytes, up_to, at_least_one)
            {
                if read.bytes > 0 {
                    self.context.hit(read.taken_before);
                }
                return Ok(ReadResult { chain: read.chain, bytes: read.bytes, next: read.next, from_disk: false });
            }
        }
        self.context.check()?;
        let read = self.read_disk(wanted).await;
        if matches!(read, Err(ReadError::Storage(_))) {
            // Its file may have gone meanwhile, as did what was wanted.
            let state = self.state.borrow();
            state.readable()?;
            if from < state.start {
                return Err(ReadError::OutOfRange { start: state.start, end: state.end });
            }
        }
        read
    }

    /// About how many bytes of batches lie between two offsets; never less than there are, within one segment.
    pub fn bytes_between(&self, from: Offset, up_to: Offset) -> u64 {
        let state = self.state.borrow();
        if from >= up_to.min(state.end) {
            return 0;
        }
        if state.tail.start().is_some_and(|start| start <= from)
            && let Some(read) = state.tail.distance(from, up_to)
        {
            return read;
        }
        let Some(segment) = state.segment_of(from) else { return 0 };
        let lower = by_offset(segment.index.recent(), segment.base, from).map_or(0, |entry| entry.position);
        u64::from(segment.position - lower)
    }

    async fn read_disk(&self, wanted: Wanted) -> Result<ReadResult, ReadError> {
        let spot = self.spot(wanted.from).await?;
        let path = self.dir().join(segment_name(spot.segment));
        let mut position = spot.position;
        let mut result = ReadResult { next: wanted.from, from_disk: true, ..ReadResult::default() };
        let mut length = READ_AT_ONCE.min(wanted.max_bytes.saturating_add(crate::limits::INDEX_INTERVAL as usize));
        // The first pass may end before the wanted batch, or within it.
        loop {
            let start = position / BLOCK as u32 * BLOCK as u32;
            let length_now = length.next_multiple_of(BLOCK).min((spot.flushed - start) as usize);
            let bytes = self.read_range(spot.segment, start, length_now).await?;
            let walk = Walk { bytes: &bytes, start, limit: spot.end, wanted };
            match walk.collect(&mut position, &mut result) {
                Step::Done => break,
                Step::More(more) if start as usize + length_now < spot.flushed as usize => {
                    length = more.max(READ_AT_ONCE.min(length));
                }
                Step::More(_) => {
                    return Err(StorageError::corrupt(&path, u64::from(position), "a batch cut short").into());
                }
                Step::Corrupt(why) => {
                    self.next_read.set(None);
                    return Err(StorageError::corrupt(&path, u64::from(position), why).into());
                }
            }
        }
        if result.bytes > 0 {
            self.next_read.set(Some((result.next, spot.segment, position)));
        }
        let appended = self.state.borrow().appended;
        let since = self.missed_at.replace(Some(appended)).map_or(0, |before| appended - before);
        self.context.missed(self.bytes_behind(spot.segment, position), result.bytes, since);
        Ok(result)
    }

    /// Bytes of the log from `position` of `segment` on.
    fn bytes_behind(&self, segment: Offset, position: u32) -> u64 {
        let state = self.state.borrow();
        let from = state.segments.iter().rev().take_while(|other| other.base >= segment);
        from.map(|other| u64::from(other.position)).sum::<u64>().saturating_sub(position.into())
    }

    /// Where to start looking for `offset`: behind the last read, or where the index says.
    async fn spot(&self, offset: Offset) -> Result<Spot, ReadError> {
        let (mut spot, recent, on_file, base) = {
            let state = self.state.borrow();
            let unknown = ReadError::OutOfRange { start: state.start, end: state.end };
            let segment = state.segment_of(offset).ok_or(unknown)?;
            let spot = Spot {
                segment: segment.base,
                position: SEGMENT_HEADER as u32,
                flushed: segment.flushed,
                end: segment.position.min(segment.flushed),
            };
            if let Some((next, segment, position)) = self.next_read.get()
                && (next, segment) == (offset, spot.segment)
                && position < spot.end
            {
                return Ok(Spot { position, ..spot });
            }
            let recent = by_offset(segment.index.recent(), segment.base, offset);
            (spot, recent, segment.index.on_file(), segment.base)
        };
        if let Some(entry) = recent {
            spot.position = entry.position;
        } else if on_file > 0
            && let Some(entry) = by_offset(&self.index_on_file(base, on_file).await, base, offset)
        {
            spot.position = entry.position;
        }
        if crate::mutant::active(crate::mutant::Mutant::LogIndexOffByOne) {
            spot.position += 1;
        }
        Ok(spot)
    }

    /// The entries in a segment's index file; none if they cannot be read, which only makes searches longer.
    pub(super) async fn index_on_file(&self, base: Offset, entries: u32) -> Rc<[Entry]> {
        if let Some(known) = self.context.indexes.get(self.number, base, entries) {
            return known;
        }
        let path = self.dir().join(index_name(base));
        let length = (entries as usize).div_ceil(super::index::PAGE_ENTRIES) * BLOCK;
        let pages = match self.segment_file(base, FileKind::Index, &path, false).await {
            Ok(file) => file.read_at(0, AlignedBuf::zeroed(length)).await.map(|(pages, count)| pages[..count].to_vec()),
            Err(_) => Ok(Vec::new()),
        };
        let (found, bad) = decode_pages(&pages.unwrap_or_default());
        if bad > 0 || found.len() < entries as usize {
            tracing::warn!(index = %path.display(), bad, "an index is damaged or missing: reads take longer");
        }
        let found: Rc<[Entry]> = found.into();
        self.context.indexes.keep(self.number, base, entries, found.clone());
        found
    }

    /// Reads blocks of a segment's file.
    pub(super) async fn read_range(&self, base: Offset, start: u32, length: usize) -> Result<Bytes, ReadError> {
        let path = self.dir().join(segment_name(base));
        let known = self.context.files.get((self.number, base, FileKind::Data)).is_some();
        let file = self.segment_file(base, FileKind::Data, &path, false).await?;
        let failed = |error: std::io::Error| StorageError::io("read", &path, &error);
        if !known {
            let (header, count) = file.read_at(0, AlignedBuf::zeroed(BLOCK)).await.map_err(failed)?;
            if let Err(error) = check_header(&path, &header[..count], self.id, base) {
                self.context.files.close_one((self.number, base, FileKind::Data));
                return Err(error.into());
            }
        }
        let permit = self.context.reads.acquire(length).await;
        let memory = loop {
            match self.context.options.pool.take(length) {
                Some(memory) => break memory,
                None if self.context.evict_one() => {}
                None => break AlignedBuf::zeroed(length),
            }
        };
        let (memory, count) = file.read_at(u64::from(start), memory).await.map_err(failed)?;
        drop(permit);
        if count < length {
            return Err(StorageError::corrupt(&path, u64::from(start) + count as u64, "the file is too short").into());
        }
        Ok(memory.freeze().slice(..length))
    }

    /// Batches from `from` on, joined: for looking at their records.
    pub(super) async fn read_joined(&self, from: Offset, up_to: Offset) -> Result<(Bytes, Offset), ReadError> {
        let read = self.read(from, READ_AT_ONCE / 4, up_to, true).await?;
        let mut chain = read.chain;
        if chain.len() == 1 {
            return Ok((chain.remove(0), read.next));
        }
        let mut joined = BytesMut::with_capacity(read.bytes);
        chain.iter().for_each(|bytes| joined.extend_from_slice(bytes));
        Ok((joined.freeze(), read.next))
    }
}

enum Step {
    /// All that was wanted and is here was collected.
    Done,
    /// Read on from the position, at least so many bytes.
    More(usize),
    Corrupt(&'static str),
}

/// One piece of a segment's file.
struct Walk<'a> {
    bytes: &'a Bytes,
    start: u32,
    limit: u32,
    wanted: Wanted,
}

impl Walk<'_> {
    /// Walks from `position`; what is wanted goes to `result`, and `position` behind the last batch seen.
    fn collect(&self, position: &mut u32, result: &mut ReadResult) -> Step {
        let wanted = &self.wanted;
        let mut run: Option<(usize, usize)> = None;
        let step = loop {
            let nothing = result.bytes == 0 && run.is_none();
            if *position >= self.limit {
                break if nothing { Step::Corrupt("its last batches are missing") } else { Step::Done };
            }
            let at = (*position - self.start) as usize;
            let rest = self.bytes.get(at..).unwrap_or_default();
            if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
                push(result, self.bytes, run.take());
                *position = (*position + 1).next_multiple_of(BLOCK as u32);
                continue;
            }
            let short = rest.len() < crate::batch::HEADER_LEN;
            let header = match Header::parse(rest) {
                Ok(header) => header,
                Err(_) if short && nothing => break Step::More(2 * BLOCK),
                Err(_) if short => break Step::Done,
                Err(_) => break Step::Corrupt("no batch header"),
            };
            if u64::from(*position) + u64::from(header.size) > u64::from(self.limit) {
                break Step::Corrupt("a batch longer than its segment");
            }
            if header.end_offset() > wanted.from {
                if header.base_offset > result.next.max(wanted.from) {
                    break Step::Corrupt("a batch is missing");
                }
                let taken = result.bytes + run.map_or(0, |(from, to)| to - from);
                let first = taken == 0;
                let fits = taken + header.size as usize <= wanted.max_bytes || (first && wanted.at_least_one);
                if header.end_offset() > wanted.up_to || !fits {
                    break Step::Done;
                }
                if rest.len() < header.size as usize {
                    break if first { Step::More(header.size as usize + 2 * BLOCK) } else { Step::Done };
                }
                if !checksum_holds(&header, rest) {
                    break Step::Corrupt("a batch's checksum does not match");
                }
                run = Some((run.map_or(at, |(from, _)| from), at + header.size as usize));
                result.next = header.end_offset();
            }
            *position += header.size;
            if *position as usize >= self.start as usize + self.bytes.len() && *position < self.limit {
                break if run.is_none() && result.bytes == 0 { Step::More(READ_AT_ONCE) } else { Step::Done };
            }
        };
        push(result, self.bytes, run);
        // What is good is given first; the next read meets the damage.
        if matches!(step, Step::Corrupt(_)) && result.bytes > 0 { Step::Done } else { step }
    }
}

fn push(result: &mut ReadResult, bytes: &Bytes, run: Option<(usize, usize)>) {
    if let Some((from, to)) = run {
        result.chain.push(bytes.slice(from..to));
        result.bytes += to - from;
    }
}

impl State {
    /// The batches' greatest timestamp, and where a search for it starts.
    pub(super) fn newest(&self) -> Option<(Offset, crate::ids::Timestamp)> {
        let with_time = self.segments.iter().filter(|segment| segment.max_timestamp.0 >= 0 && segment.end > self.start);
        let newest = with_time.max_by_key(|segment| (segment.max_timestamp, -segment.base.0))?;
        Some((newest.max_timestamp_batch, newest.max_timestamp))
    }
}
