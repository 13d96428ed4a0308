//! The newest part of a log in memory, laid out byte for byte as its segments are: flushes write it and fetches send it
//! without a copy, and consumers near the end never touch the disk.
//!
//! Chunks start at multiples of the block size, of their segment and of memory alike. A batch may span chunks. A chunk
//! stays until all batches that have bytes in it are flushed, and then for as long as the cache has room.

use std::collections::VecDeque;

use bytes::Bytes;

use super::segment::PAD;
use crate::{
    batch::{HEADER_LEN, Header},
    buffer::{AlignedBuf, AppendBuf},
    env::BLOCK,
    ids::Offset,
    journal::Sequence,
    limits::{MARK_INTERVAL, MAX_CHUNK, MIN_CHUNK},
};

/// Some of a segment's bytes.
#[derive(Debug)]
struct Chunk {
    /// The segment's base offset.
    segment: Offset,
    /// Where the chunk begins in the segment's file.
    position: u32,
    buf: AppendBuf,
    /// What all tails had taken before this.
    taken_before: u64,
    /// Base offset of the first batch that begins here or, if none does, behind here.
    first: Offset,
    /// One past the last record that has a byte here.
    end: Offset,
    /// Where batches begin: the first, one for each [`MARK_INTERVAL`], and each behind padding.
    marks: Vec<(Offset, u32)>,
    /// What is no batch: headers and padding, as positions from and to.
    gaps: Vec<(u32, u32)>,
    /// Where the last batch that has a byte here ends.
    covers: u32,
    /// The oldest journal record whose bytes here are not flushed.
    needs: Option<Sequence>,
}

impl Chunk {
    fn end_position(&self) -> u32 {
        self.position + self.buf.len() as u32
    }
}

/// Whole batches of one segment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TailRead {
    pub(super) chain: Vec<Bytes>,
    pub(super) bytes: usize,
    pub(super) next: Offset,
    /// Bytes of memory that all tails had taken before that in which this begins.
    pub(super) taken_before: u64,
}

/// One batch's place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub(super) segment: Offset,
    pub(super) position: u32,
    /// The batch, in parts.
    pub(super) parts: [&'a [u8]; 2],
    pub(super) base: Offset,
    pub(super) end: Offset,
    pub(super) sequence: Sequence,
}

/// A batch that is here whole.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) segment: Offset,
    pub(super) position: u32,
    pub(super) end: Offset,
    pub(super) bytes: Vec<Bytes>,
}

/// The chunks, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tail {
    chunks: VecDeque<Chunk>,
    /// Memory taken for what is about to be appended.
    spare: Vec<AlignedBuf>,
    /// Bytes of memory that all tails had taken before it.
    taken_before: u64,
}

impl Tail {
    /// Takes memory for `len` bytes at the end of `segment`, so that appending them cannot fail; `None` if there is not
    /// enough. The segment will take about `room_left` bytes more; all tails have taken `taken_before`. Returns the bytes
    /// taken.
    pub(super) fn reserve(
        &mut self,
        taken_before: u64,
        segment: Offset,
        len: usize,
        room_left: usize,
        mut take: impl FnMut(usize) -> Option<AlignedBuf>,
    ) -> Option<usize> {
        let last = self.chunks.back().filter(|chunk| chunk.segment == segment);
        let mut room = last.map_or(0, |chunk| chunk.buf.remaining());
        // By what the last one came to hold: where a segment ends early, the next one's chunk need not be long.
        let mut size = self.chunks.back().map_or(MIN_CHUNK, |chunk| chunk.buf.len().next_power_of_two() * 4);
        let mut taken = 0;
        debug_assert!(self.spare.is_empty(), "what was reserved was used");
        self.taken_before = taken_before;
        while room < len {
            // A long batch gets long chunks at once.
            let useful = room_left.max(len - room).next_power_of_two();
            size = size.max((len - room).next_power_of_two()).min(useful).clamp(MIN_CHUNK, MAX_CHUNK);
            let Some(memory) = take(size).or_else(|| take(MIN_CHUNK)) else {
                self.spare.clear();
                return None;
            };
            room += memory.len();
            taken += memory.len();
            self.spare.push(memory);
        }
        Some(taken)
    }

    /// Gives back what was reserved and not needed, and says how much that was.
    pub(super) fn drop_spare(&mut self) -> usize {
        self.spare.drain(..).map(|memory| memory.len()).sum()
    }

    /// Appends a batch for which memory was reserved, at the end of its segment's bytes; the first of a chunk that does
    /// not continue its predecessor may begin anywhere in a block, whose first part is then a gap.
    pub(super) fn append(&mut self, batch: Placed<'_>) {
        self.mark(&batch);
        let mut at = batch.position;
        for mut part in batch.parts {
            while !part.is_empty() {
                let chunk = self.writable(&batch, at);
                let taken = chunk.buf.append(part);
                chunk.covers = batch.position + (batch.parts[0].len() + batch.parts[1].len()) as u32;
                chunk.end = batch.end;
                chunk.needs.get_or_insert(batch.sequence);
                part = &part[taken..];
                at += taken as u32;
            }
        }
    }

    /// Puts bytes that are no batch at the start of a segment.
    pub(super) fn append_gap(
        &mut self,
        segment: Offset,
        position: u32,
        bytes: &[u8],
        next: Offset,
        sequence: Sequence,
    ) {
        let batch = Placed { segment, position, parts: [bytes, &[]], base: next, end: next, sequence };
        let chunk = self.writable(&batch, position);
        assert_eq!(chunk.buf.append(bytes), bytes.len(), "a header fits a chunk");
        chunk.gaps.push((position, position + bytes.len() as u32));
        chunk.covers = chunk.end_position();
        chunk.needs.get_or_insert(sequence);
    }

    /// The chunk that takes the byte at `at`, made if need be.
    fn writable(&mut self, batch: &Placed<'_>, at: u32) -> &mut Chunk {
        let fits = |chunk: &Chunk| chunk.segment == batch.segment && chunk.buf.remaining() > 0;
        if !self.chunks.back().is_some_and(fits) {
            let memory = if self.spare.is_empty() { AlignedBuf::zeroed(MIN_CHUNK) } else { self.spare.remove(0) };
            let mut buf = AppendBuf::new(memory);
            let lead = at % BLOCK as u32;
            pad(&mut buf, lead as usize);
            self.chunks.push_back(Chunk {
                segment: batch.segment,
                position: at - lead,
                buf,
                taken_before: self.taken_before,
                first: if at == batch.position { batch.base } else { batch.end },
                end: batch.end,
                marks: Vec::new(),
                gaps: if lead > 0 { vec![(at - lead, at)] } else { Vec::new() },
                covers: at,
                needs: None,
            });
        }
        let chunk = self.chunks.back_mut().expect("there is one now");
        assert_eq!(chunk.end_position(), at, "a tail has no holes");
        chunk
    }

    /// Notes where a batch begins, if that is due.
    fn mark(&mut self, batch: &Placed<'_>) {
        let chunk = self.writable(batch, batch.position);
        let behind_gap = chunk.gaps.last().is_some_and(|(_, end)| *end == batch.position);
        let far = chunk.marks.last().is_none_or(|(_, last)| batch.position - last >= MARK_INTERVAL);
        if far || behind_gap {
            if chunk.marks.is_empty() {
                chunk.first = batch.base;
            }
            chunk.marks.push((batch.base, batch.position));
        }
    }

    /// Fills the rest of the last block; returns where the next batch of `segment` goes.
    pub(super) fn pad_to_block(&mut self, segment: Offset, position: u32) -> u32 {
        let aligned = position.next_multiple_of(BLOCK as u32);
        if aligned > position
            && let Some(chunk) = self.chunks.iter_mut().rev().find(|chunk| chunk.segment == segment)
        {
            assert_eq!(chunk.end_position(), position, "a tail has no holes");
            pad(&mut chunk.buf, (aligned - position) as usize);
            chunk.gaps.push((position, aligned));
        }
        aligned
    }

    /// The bytes of `segment` from `from` to `to`, both block-aligned, ready to be written: where, and what.
    pub(super) fn blocks(&self, segment: Offset, from: u32, to: u32) -> Vec<(u32, Bytes)> {
        let touched = |chunk: &&Chunk| chunk.segment == segment && chunk.end_position() > from && chunk.position < to;
        let view = |chunk: &Chunk| {
            let (from, to) = (from.max(chunk.position), to.min(chunk.end_position()));
            (from, chunk.buf.view((from - chunk.position) as usize..(to - chunk.position) as usize))
        };
        self.chunks.iter().filter(touched).map(view).collect()
    }

    /// The batch that was appended last and lies in `segment` from `from` to `to`, in pieces of memory.
    pub(super) fn newest(&self, segment: Offset, from: u32, to: u32) -> Vec<Bytes> {
        let holds = |chunk: &&Chunk| chunk.segment == segment && chunk.end_position() > from;
        let count = self.chunks.iter().rev().take_while(holds).count();
        let view = |chunk: &Chunk| {
            let (from, to) = (from.max(chunk.position), to.min(chunk.end_position()));
            chunk.buf.view((from - chunk.position) as usize..(to - chunk.position) as usize)
        };
        self.chunks.iter().skip(self.chunks.len() - count).map(view).collect()
    }

    /// All of `segment` below `flushed` is durable in its file: the journal is no longer needed for it.
    pub(super) fn flushed(&mut self, segment: Offset, flushed: u32) {
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.segment == segment && chunk.covers <= flushed) {
            chunk.needs = None;
        }
    }

    /// The oldest journal record that a crash now would need.
    pub(super) fn needs(&self) -> Option<Sequence> {
        self.chunks.iter().find_map(|chunk| chunk.needs)
    }

    /// Lets go of the oldest chunk if it is flushed, and how many bytes that gave. Its memory may live on in reads.
    pub(super) fn evict(&mut self) -> Option<usize> {
        if self.chunks.front()?.needs.is_some() {
            return None;
        }
        self.chunks.pop_front().map(|chunk| chunk.buf.capacity())
    }

    /// Lets go of everything below `segment`: it was deleted. How many bytes that gave.
    pub(super) fn drop_below(&mut self, segment: Offset) -> usize {
        let mut freed = 0;
        while self.chunks.front().is_some_and(|chunk| chunk.segment < segment) {
            freed += self.chunks.pop_front().map_or(0, |chunk| chunk.buf.capacity());
        }
        freed
    }

    /// Lets go of everything from `position` of `segment` on: it was cut off. How many bytes that gave.
    pub(super) fn drop_from(&mut self, segment: Offset, position: u32) -> usize {
        let mut freed = 0;
        let cut = |chunk: &Chunk| (chunk.segment, chunk.position) >= (segment, position);
        while self.chunks.back().is_some_and(cut) {
            freed += self.chunks.pop_back().map_or(0, |chunk| chunk.buf.capacity());
        }
        freed
    }

    /// Chunks and their bytes.
    pub(super) fn memory(&self) -> (usize, usize) {
        (self.chunks.len(), self.chunks.iter().map(|chunk| chunk.buf.capacity()).sum())
    }

    /// Where the first batch that ends above `flushed` of `segment` begins: its offset and position.
    pub(super) fn first_unflushed(&self, segment: Offset, flushed: u32) -> Option<(Offset, u32)> {
        let mine = || self.chunks.iter().enumerate().filter(|(_, chunk)| chunk.segment == segment);
        let before = |chunk: &Chunk| chunk.marks.iter().rev().find(|(_, position)| *position <= flushed).copied();
        let (at, (_, mut position)) = mine()
            .rev()
            .find_map(|(at, chunk)| before(chunk).map(|mark| (at, mark)))
            .or_else(|| mine().find_map(|(at, chunk)| chunk.marks.first().map(|mark| (at, *mark))))?;
        loop {
            let header = self.header_at(at, position)?;
            if position + header.size > flushed {
                return Some((header.base_offset, position));
            }
            position = self.behind_gap(at, position + header.size);
        }
    }

    /// Base offset of the oldest batch that is here whole; `None` if there is none.
    pub(super) fn start(&self) -> Option<Offset> {
        self.chunks.iter().find_map(|chunk| chunk.marks.first().map(|(offset, _)| *offset))
    }

    /// The batch that holds `offset`.
    pub(super) fn batch(&self, offset: Offset) -> Option<Held> {
        let (at, position, header) = self.find(offset)?;
        let bytes = self.slices(at, position, position + header.size);
        Some(Held { segment: self.chunks[at].segment, position, end: header.end_offset(), bytes })
    }

    /// Whole batches from the one that holds `from` on: as many as lie below `up_to` and fit `max_bytes`, one at least
    /// if that is wanted. All of one segment. `from` must be here.
    pub(super) fn read(&self, from: Offset, max_bytes: usize, up_to: Offset, at_least_one: bool) -> Option<TailRead> {
        let (at, position, header) = self.find(from)?;
        if header.end_offset() > up_to {
            return Some(TailRead { next: from, ..Default::default() });
        }
        let taken_before = self.chunks[at].taken_before;
        if header.size as usize > max_bytes {
            let size = if at_least_one { header.size } else { 0 };
            let next = if at_least_one { header.end_offset() } else { from };
            let chain = self.slices(at, position, position + size);
            return Some(TailRead { chain, bytes: size as usize, next, taken_before });
        }
        let limit = u64::from(position) + max_bytes as u64;
        let (end_position, next) = self.find_end(at, position, limit, up_to)?;
        let chain = self.slices(at, position, end_position);
        let bytes = chain.iter().map(Bytes::len).sum();
        Some(TailRead { chain, bytes, next, taken_before })
    }

    /// Bytes from the batch that holds `from` to the one that holds `up_to`, or to the end of the segment.
    pub(super) fn distance(&self, from: Offset, up_to: Offset) -> Option<u64> {
        let (at, position, _) = self.find(from)?;
        let segment = self.chunks[at].segment;
        let end = match self.find(up_to) {
            Some((to, end, _)) if self.chunks[to].segment == segment => end,
            _ => self.chunks.iter().rev().find(|chunk| chunk.segment == segment)?.covers,
        };
        Some(u64::from(end - position))
    }

    /// The batch that holds `offset`: a chunk to look for it from, its position and header.
    fn find(&self, offset: Offset) -> Option<(usize, u32, Header)> {
        let at = self.chunks.partition_point(|chunk| chunk.first <= offset).checked_sub(1)?;
        let chunk = &self.chunks[at];
        let mark = chunk.marks.partition_point(|(base, _)| *base <= offset).checked_sub(1)?;
        let (_, mut position) = chunk.marks[mark];
        loop {
            let header = self.header_at(at, position)?;
            if offset < header.end_offset() {
                return (header.base_offset <= offset).then_some((at, position, header));
            }
            position = self.behind_gap(at, position + header.size);
        }
    }

    /// Where the last batch ends that lies below `limit` and `up_to` and in the segment of chunk `at`, in which a batch
    /// begins at `position` that does; and one past its last record.
    fn find_end(&self, at: usize, position: u32, limit: u64, up_to: Offset) -> Option<(u32, Offset)> {
        let segment = self.chunks[at].segment;
        let reached = |chunk: &Chunk| chunk.segment == segment && u64::from(chunk.position) <= limit;
        let last = (at..self.chunks.len()).take_while(|at| reached(&self.chunks[*at])).last()?;
        let whole = &self.chunks[last];
        let is_last = self.chunks.get(last + 1).is_none_or(|chunk| chunk.segment != segment);
        if is_last && u64::from(whole.covers) <= limit && whole.end <= up_to {
            return Some((whole.covers, whole.end));
        }
        let fits = |mark: &&(Offset, u32)| mark.0 < up_to && u64::from(mark.1) <= limit && mark.1 >= position;
        let (mut at, mut position) = (at..=last)
            .rev()
            .find_map(|at| self.chunks[at].marks.iter().rev().find(fits).map(|mark| (at, mark.1)))
            .unwrap_or((at, position));
        let mut end = None;
        while let Some(header) = self.header_at(at, position)
            && header.end_offset() <= up_to
            && u64::from(position + header.size) <= limit
        {
            end = Some((position + header.size, header.end_offset()));
            position = self.behind_gap(at, position + header.size);
            while at + 1 < self.chunks.len()
                && self.chunks[at + 1].segment == segment
                && self.chunks[at + 1].position <= position
            {
                at += 1;
            }
        }
        // A mark that fits by its start may be of a batch that does not by its end: all before it does.
        end.or_else(|| self.end_before(at, position))
    }

    /// Where the batch ends that comes before the one at `position`.
    fn end_before(&self, at: usize, position: u32) -> Option<(u32, Offset)> {
        let header = self.header_at(at, position)?;
        Some((position, header.base_offset))
    }

    /// The header of the batch at `position`, which is in chunk `at` or behind it in the same segment.
    fn header_at(&self, at: usize, position: u32) -> Option<Header> {
        let mut header = [0; HEADER_LEN];
        let mut filled = 0;
        let segment = self.chunks.get(at)?.segment;
        for chunk in self.chunks.iter().skip(at).take_while(|chunk| chunk.segment == segment) {
            let from = (position as usize + filled).checked_sub(chunk.position as usize)?;
            if let Some(bytes) = chunk.buf.as_slice().get(from..) {
                let count = bytes.len().min(HEADER_LEN - filled);
                header[filled..filled + count].copy_from_slice(&bytes[..count]);
                filled += count;
            }
            if filled == HEADER_LEN {
                return Header::parse(&header).ok();
            }
        }
        None
    }

    /// `position`, or the end of the gap that begins there.
    fn behind_gap(&self, at: usize, position: u32) -> u32 {
        let segment = self.chunks[at].segment;
        let near =
            self.chunks.iter().skip(at).take_while(|chunk| chunk.segment == segment && chunk.position <= position);
        let gap = near.flat_map(|chunk| &chunk.gaps).find(|(from, _)| *from == position);
        gap.map_or(position, |(_, to)| *to)
    }

    /// Views of what lies from `from` to `to`, without the gaps.
    fn slices(&self, at: usize, from: u32, to: u32) -> Vec<Bytes> {
        let mut chain = Vec::new();
        let segment = self.chunks[at].segment;
        let near = |chunk: &&Chunk| chunk.segment == segment && chunk.position < to;
        for chunk in self.chunks.iter().skip(at).take_while(near) {
            let end = to.min(chunk.end_position());
            let mut start = from.max(chunk.position);
            let view =
                |from: u32, to: u32| chunk.buf.view((from - chunk.position) as usize..(to - chunk.position) as usize);
            for (gap_from, gap_to) in chunk.gaps.iter().filter(|gap| gap.1 > from && gap.0 < end) {
                if *gap_from > start {
                    chain.push(view(start, *gap_from));
                }
                start = *gap_to;
            }
            if start < end {
                chain.push(view(start, end));
            }
        }
        chain
    }
}

fn pad(buf: &mut AppendBuf, count: usize) {
    const PADDING: [u8; BLOCK] = [PAD; BLOCK];
    let written = buf.append(&PADDING[..count]);
    assert_eq!(written, count, "padding ends with its block, and a chunk with a block");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::testing::BatchSpec;

    /// A tail and what it should hold, built batch by batch.
    struct Model {
        tail: Tail,
        batches: Vec<(Offset, u32, Bytes)>,
        position: u32,
        end: Offset,
    }

    impl Model {
        fn new() -> Self {
            let mut tail = Tail::default();
            tail.append_gap(Offset(0), 0, &[1; 64], Offset(0), Sequence(0));
            Self { tail, batches: Vec::new(), position: 64, end: Offset(0) }
        }

        fn push(&mut self, records: i32, value: usize) {
            let spec = BatchSpec { records, value, base_offset: self.end.0, ..Default::default() };
            let bytes = spec.build();
            self.tail.reserve(0, Offset(0), bytes.len(), usize::MAX >> 1, |len| Some(AlignedBuf::zeroed(len))).unwrap();
            let end = Offset(self.end.0 + i64::from(records));
            self.tail.append(Placed {
                segment: Offset(0),
                position: self.position,
                parts: [&bytes[..HEADER_LEN], &bytes[HEADER_LEN..]],
                base: self.end,
                end,
                sequence: Sequence(self.batches.len() as u64 + 1),
            });
            self.batches.push((self.end, self.position, bytes.clone()));
            self.position += bytes.len() as u32;
            self.end = end;
        }

        fn pad(&mut self) {
            self.position = self.tail.pad_to_block(Offset(0), self.position);
        }

        /// What a read must give, by the plain list of batches.
        fn expected(&self, from: Offset, max: usize, up_to: Offset, one: bool) -> Vec<u8> {
            let mut bytes = Vec::new();
            for (base, _, batch) in &self.batches {
                let end = Header::parse(batch).unwrap().end_offset();
                if end <= from {
                    continue;
                }
                let fits = bytes.len() + batch.len() <= max || (one && bytes.is_empty());
                if end > up_to || !fits || *base > self.end {
                    break;
                }
                bytes.extend_from_slice(batch);
            }
            bytes
        }
    }

    fn filled() -> Model {
        let mut model = Model::new();
        let mut draw = 7_u32;
        for round in 0..400 {
            draw = draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = if round % 40 == 39 { 20_000 } else { (draw >> 16) as usize % 700 };
            model.push(1 + (draw >> 8) as i32 % 3, value);
            if round % 53 == 52 {
                model.pad();
            }
        }
        model
    }

    #[test]
    fn reads_give_whole_batches_in_order_within_their_bounds() {
        let model = filled();
        for from in (0..model.end.0).step_by(7) {
            for (max, up_to) in [(1, 1 << 40), (900, 1 << 40), (30_000, from + 20), (1 << 20, 1 << 40), (1 << 20, from)]
            {
                let (up_to, from) = (Offset(up_to).min(model.end), Offset(from));
                for one in [false, true] {
                    let read = model.tail.read(from, max, up_to, one).unwrap();
                    let expected = model.expected(from, max, up_to, one);
                    let found = read.chain.concat();
                    // Padding counts against the limit, so a read may give a little less, but from the same start.
                    assert!(expected.starts_with(&found), "from {from:?} max {max} up to {up_to:?}");
                    assert!(expected.len() - found.len() <= 3 * BLOCK, "from {from:?} max {max} up to {up_to:?}");
                    assert_eq!(expected.is_empty(), found.is_empty());
                    assert_eq!(read.bytes, found.len());
                }
            }
        }
    }

    #[test]
    fn reading_on_from_where_a_read_ended_gives_everything() {
        let model = filled();
        let (mut at, mut all) = (Offset(0), Vec::new());
        while at < model.end {
            let read = model.tail.read(at, 5_000, model.end, true).unwrap();
            all.extend(read.chain.concat());
            assert!(read.next > at);
            at = read.next;
        }
        assert_eq!(all, model.expected(Offset(0), usize::MAX, model.end, true));
    }

    #[test]
    fn the_first_unflushed_batch_is_found_at_every_block() {
        let model = filled();
        for flushed in (0..model.position).step_by(BLOCK) {
            let end = |(_, position, batch): &&(Offset, u32, Bytes)| position + batch.len() as u32 > flushed;
            let expected = model.batches.iter().find(end).map(|(base, position, _)| (*base, *position));
            let found = model.tail.first_unflushed(Offset(0), flushed).filter(|_| expected.is_some());
            assert_eq!(found, expected, "flushed to {flushed}");
        }
    }

    #[test]
    fn blocks_are_the_segment_byte_for_byte() {
        let mut model = filled();
        model.pad();
        let mut file = vec![0; model.position as usize];
        for (position, bytes) in model.tail.blocks(Offset(0), 0, model.position) {
            assert!(position.is_multiple_of(BLOCK as u32) && bytes.len().is_multiple_of(BLOCK));
            file[position as usize..][..bytes.len()].copy_from_slice(&bytes);
        }
        for (_, position, batch) in &model.batches {
            assert_eq!(&file[*position as usize..][..batch.len()], &batch[..]);
        }
    }

    #[test]
    fn what_is_not_flushed_stays_and_names_its_journal_record() {
        let mut model = filled();
        assert_eq!(model.tail.needs(), Some(Sequence(0)));
        assert_eq!(model.tail.evict(), None);
        model.tail.flushed(Offset(0), BLOCK as u32 * 3);
        let needed = model.tail.needs().unwrap();
        let (first, _) = model.tail.first_unflushed(Offset(0), BLOCK as u32 * 3).unwrap();
        let of_first = model.batches.iter().position(|(base, ..)| *base == first).unwrap() as u64 + 1;
        assert!(needed.0 <= of_first, "{needed:?} keeps batch {of_first}");
        model.pad();
        model.tail.flushed(Offset(0), model.position);
        assert_eq!(model.tail.needs(), None);
        while model.tail.evict().is_some() {
            if let Some(start) = model.tail.start() {
                assert!(model.tail.read(start, 1, model.end, true).unwrap().bytes > 0);
            }
        }
        assert_eq!(model.tail.memory(), (0, 0));
    }

    #[test]
    fn a_chunk_may_begin_within_a_block() {
        let mut tail = Tail::default();
        let bytes = BatchSpec { base_offset: 50, ..Default::default() }.build();
        let parts = [&bytes[..], &[][..]];
        let (base, end) = (Offset(50), Offset(51));
        tail.append(Placed { segment: Offset(0), position: 5_000, parts, base, end, sequence: Sequence(9) });
        let read = tail.read(Offset(50), 1 << 20, end, false).unwrap();
        assert_eq!(read.chain.concat(), &bytes[..]);
        assert_eq!(tail.first_unflushed(Offset(0), 4_096), Some((base, 5_000)));
    }
}
