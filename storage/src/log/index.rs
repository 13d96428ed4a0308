//! The sparse index of a segment: from offsets and times to positions.
//!
//! One entry for each [`INDEX_INTERVAL`] bytes. While a segment grows, full pages of entries follow its data to the
//! index file, so that memory and checkpoint hold less than a page of it; a page that does not read back is passed over,
//! since an index only shortens a search.

use bytes::Bytes;

use crate::{
    buffer::AlignedBuf,
    env::BLOCK,
    ids::{Offset, Timestamp},
    limits::INDEX_INTERVAL,
};

const MAGIC: u32 = u32::from_le_bytes(*b"CLIX");
const VERSION: u16 = 1;
const PAGE_HEADER: usize = 16;
const ENTRY: usize = 16;
/// Entries of a full page.
pub(super) const PAGE_ENTRIES: usize = (BLOCK - PAGE_HEADER) / ENTRY;

/// A batch's place in its segment, and what lies before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    /// The batch's base offset less the segment's.
    pub(crate) offset_delta: u32,
    /// Where it begins in the file.
    pub(crate) position: u32,
    /// The greatest timestamp of all batches before it in the segment.
    pub(crate) max_before: Timestamp,
}

/// The part of an index that is in memory, and how much is on file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    on_file: u32,
    recent: Vec<Entry>,
    last_position: Option<u32>,
    /// Position of the newest entry on file.
    filed_position: Option<u32>,
}

impl Index {
    /// As a checkpoint had it.
    pub(crate) fn restore(on_file: u32, recent: Vec<Entry>, filed_position: Option<u32>) -> Self {
        let newest = recent.last().map(|entry| entry.position).or(filed_position);
        Self { on_file, recent, last_position: newest, filed_position }
    }

    /// Entries in the index file.
    pub(crate) fn on_file(&self) -> u32 {
        self.on_file
    }

    /// Entries behind those on file.
    pub(crate) fn recent(&self) -> &[Entry] {
        &self.recent
    }

    /// Position of the newest entry on file.
    pub(crate) fn filed_position(&self) -> Option<u32> {
        self.filed_position
    }

    /// A batch begins at `position`: an entry is made if the last one is far enough away. Replay may tell of a batch
    /// again.
    pub(crate) fn note(&mut self, offset_delta: u32, position: u32, max_before: Timestamp) {
        let due = self.last_position.is_none_or(|last| position >= last.saturating_add(INDEX_INTERVAL));
        if due {
            self.recent.push(Entry { offset_delta, position, max_before });
            self.last_position = Some(position);
        }
    }

    /// Pages to be written to the index file once the data up to `flushed` is: where, the bytes, and how many entries.
    /// Only whole pages, unless the segment is `complete`.
    pub(crate) fn pages_due(&self, flushed: u32, complete: bool) -> Option<(u64, Bytes, usize)> {
        let ready = self.recent.partition_point(|entry| entry.position < flushed);
        let count = if complete && ready == self.recent.len() { ready } else { ready - ready % PAGE_ENTRIES };
        if count == 0 {
            return None;
        }
        debug_assert!((self.on_file as usize).is_multiple_of(PAGE_ENTRIES), "only a complete index has a part page");
        let mut pages = AlignedBuf::zeroed(count.div_ceil(PAGE_ENTRIES) * BLOCK);
        for (page, entries) in pages.chunks_exact_mut(BLOCK).zip(self.recent[..count].chunks(PAGE_ENTRIES)) {
            encode_page(page, entries);
        }
        Some((u64::from(self.on_file) / PAGE_ENTRIES as u64 * BLOCK as u64, pages.freeze(), count))
    }

    /// Forgets entries from `position` on, as far as they are not on file: their batches are told of again.
    pub(crate) fn truncate(&mut self, position: u32) {
        self.recent.retain(|entry| entry.position < position);
        if self.last_position.is_some_and(|last| last >= position) {
            // Entries are on file only if their batches are flushed, and those are below `position`.
            self.last_position = self.recent.last().map_or(self.filed_position, |entry| Some(entry.position));
        }
    }

    /// The first `count` recent entries are on file now.
    pub(crate) fn written(&mut self, count: usize) {
        self.filed_position =
            self.recent.drain(..count).next_back().map(|entry| entry.position).or(self.filed_position);
        self.recent.shrink_to_fit();
        self.on_file += count as u32;
    }
}

fn encode_page(page: &mut [u8], entries: &[Entry]) {
    for (bytes, entry) in page[PAGE_HEADER..].chunks_exact_mut(ENTRY).zip(entries) {
        bytes[0..4].copy_from_slice(&entry.offset_delta.to_le_bytes());
        bytes[4..8].copy_from_slice(&entry.position.to_le_bytes());
        bytes[8..16].copy_from_slice(&entry.max_before.0.to_le_bytes());
    }
    page[0..4].copy_from_slice(&MAGIC.to_le_bytes());
    page[8..10].copy_from_slice(&VERSION.to_le_bytes());
    page[10..12].copy_from_slice(&(entries.len() as u16).to_le_bytes());
    let crc = crc32fast::hash(&page[8..]);
    page[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// The entries of an index file's pages; pages that are not ours, or not whole, are left out and counted.
pub(crate) fn decode_pages(pages: &[u8]) -> (Vec<Entry>, usize) {
    let mut entries = Vec::with_capacity(pages.len() / ENTRY);
    let mut bad = 0;
    for page in pages.chunks_exact(BLOCK) {
        let word = |at: usize| u32::from_le_bytes(page[at..at + 4].try_into().expect("four bytes"));
        let (version, count) = (word(8) as u16, (word(8) >> 16) as usize);
        if word(0) != MAGIC || version != VERSION || count > PAGE_ENTRIES || word(4) != crc32fast::hash(&page[8..]) {
            bad += 1;
            continue;
        }
        entries.extend(page[PAGE_HEADER..].chunks_exact(ENTRY).take(count).map(|bytes| Entry {
            offset_delta: u32::from_le_bytes(bytes[0..4].try_into().expect("four bytes")),
            position: u32::from_le_bytes(bytes[4..8].try_into().expect("four bytes")),
            max_before: Timestamp(i64::from_le_bytes(bytes[8..16].try_into().expect("eight bytes"))),
        }));
    }
    (entries, bad)
}

/// The last entry at or before an offset.
pub(crate) fn by_offset(entries: &[Entry], base: Offset, offset: Offset) -> Option<Entry> {
    let delta = offset.0 - base.0;
    entries.partition_point(|entry| i64::from(entry.offset_delta) <= delta).checked_sub(1).map(|at| entries[at])
}

/// The last entry before which every record is older than `at`.
pub(crate) fn by_time(entries: &[Entry], at: Timestamp) -> Option<Entry> {
    entries.partition_point(|entry| entry.max_before < at).checked_sub(1).map(|at| entries[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(batches: u32) -> Index {
        let mut index = Index::default();
        for at in 0..batches {
            index.note(at * 3, 64 + at * 10_000, Timestamp(i64::from(at) - 1));
        }
        index
    }

    #[test]
    fn entries_keep_their_distance_and_replay_adds_none() {
        let mut index = filled(100);
        assert_eq!(index.recent().len(), 25, "every fourth batch of 10,000 bytes");
        let before = index.clone();
        for at in 0..100 {
            index.note(at * 3, 64 + at * 10_000, Timestamp(0));
        }
        assert_eq!(index, before);
    }

    #[test]
    fn lookups_find_the_last_entry_before() {
        let index = filled(100);
        let find = |offset| by_offset(index.recent(), Offset(0), Offset(offset)).unwrap().offset_delta;
        assert_eq!((find(0), find(11), find(12), find(13), find(10_000)), (0, 0, 12, 12, 288));
        let find = |at| by_time(index.recent(), Timestamp(at)).unwrap().offset_delta;
        assert_eq!((find(0), find(3), find(4), find(99), find(1_000)), (0, 0, 12, 288, 288));
        assert_eq!(by_time(index.recent(), Timestamp(-1)), None);
    }

    #[test]
    fn pages_follow_the_data_and_read_back() {
        let mut index = filled(4 * 600);
        let all = index.recent().to_vec();
        assert_eq!(
            index.pages_due(all[PAGE_ENTRIES - 1].position, false),
            None,
            "the page's last batch is not written"
        );
        let (position, pages, count) = index.pages_due(all[300].position, false).unwrap();
        assert_eq!((position, pages.len(), count), (0, BLOCK, PAGE_ENTRIES));
        index.written(count);
        let (position, rest, count) = index.pages_due(u32::MAX, true).unwrap();
        assert_eq!((position, rest.len(), count), (BLOCK as u64, 2 * BLOCK, 600 - PAGE_ENTRIES));
        index.written(count);
        assert_eq!((index.on_file(), index.recent().len()), (600, 0));
        let file = [&pages[..], &rest[..]].concat();
        assert_eq!(decode_pages(&file), (all.clone(), 0));
        let mut rotten = file;
        rotten[BLOCK + 100] ^= 1;
        let (entries, bad) = decode_pages(&rotten);
        assert_eq!((entries.len(), bad), (600 - PAGE_ENTRIES, 1));
        assert_eq!(entries[PAGE_ENTRIES], all[2 * PAGE_ENTRIES]);
    }
}
