//! A simulated file's content: what is durable, and what was written since.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::{Counters, Rng, SECTOR};
use crate::env::BLOCK;

/// A file's content, by blocks. Blocks that are absent are not allocated and read as zeroes.
#[derive(Default)]
pub(super) struct Inode {
    pub(super) len: u64,
    durable_len: u64,
    blocks: BTreeMap<u64, Block>,
    /// Blocks with something not durable.
    dirty: BTreeSet<u64>,
    next_write: u64,
    completions: u64,
}

#[derive(Default)]
struct Block {
    /// `None` reads as zeroes.
    durable: Option<Bytes>,
    /// What was written since, oldest first; reads see the last.
    unsynced: Vec<Unsynced>,
    unreadable: bool,
}

#[derive(Clone)]
struct Unsynced {
    write: u64,
    content: Bytes,
    /// When the write completed, in the file's count of completions; `None` while it is in flight.
    completed: Option<u64>,
    /// A failed sync covered it: it will never become durable by a sync.
    forsaken: bool,
}

/// What a sync that began covers.
#[derive(Clone, Copy)]
pub(super) struct SyncPoint {
    completions: u64,
    len: u64,
}

/// What a power cut does to a block's unsynced content.
#[derive(Clone, Copy)]
enum Fate {
    Lost,
    Kept,
    /// Each sector by itself.
    Torn,
}

impl Block {
    fn visible(&self) -> Option<&Bytes> {
        self.unsynced.last().map(|last| &last.content).or(self.durable.as_ref())
    }
}

impl Inode {
    pub(super) fn allocated_blocks(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// How many of the blocks from `position` on, `len` bytes, are not allocated yet.
    pub(super) fn missing_blocks(&self, position: u64, len: u64) -> u64 {
        let range = block_range(position, len);
        let present = self.blocks.range(range.clone()).count() as u64;
        (range.end - range.start) - present
    }

    /// Takes the bytes of a write that begins; they may reach the disk, or not, from now on.
    pub(super) fn begin_write(&mut self, position: u64, data: &Bytes) -> u64 {
        let write = self.next_write;
        self.next_write += 1;
        for (index, at) in block_range(position, data.len() as u64).zip((0..data.len()).step_by(BLOCK)) {
            let content = data.slice(at..at + BLOCK);
            let unsynced = Unsynced { write, content, completed: None, forsaken: false };
            self.blocks.entry(index).or_default().unsynced.push(unsynced);
            self.dirty.insert(index);
        }
        self.len = self.len.max(position + data.len() as u64);
        write
    }

    /// The write is done; not durable by that.
    pub(super) fn complete_write(&mut self, write: u64, position: u64, len: u64) {
        self.completions += 1;
        let completion = self.completions;
        for (_, block) in self.blocks.range_mut(block_range(position, len)) {
            block.unreadable = false;
            if let Some(entry) = block.unsynced.iter_mut().find(|entry| entry.write == write) {
                entry.completed.get_or_insert(completion);
            }
        }
    }

    /// The write is done and durable, for its own bytes only. What was written to the same blocks before it is
    /// overwritten on the disk too.
    pub(super) fn complete_durable_write(&mut self, write: u64, position: u64, len: u64) {
        self.complete_write(write, position, len);
        for (index, block) in self.blocks.range_mut(block_range(position, len)) {
            let Some(at) = block.unsynced.iter().position(|entry| entry.write == write) else { continue };
            block.durable = Some(block.unsynced[at].content.clone());
            let in_flight = |entry: &Unsynced| entry.write > write || entry.completed.is_none();
            block.unsynced.retain(in_flight);
            if block.unsynced.is_empty() {
                self.dirty.remove(index);
            }
        }
        self.durable_len = self.durable_len.max((position + len).min(self.len));
    }

    pub(super) fn begin_sync(&self) -> SyncPoint {
        SyncPoint { completions: self.completions, len: self.len }
    }

    pub(super) fn complete_sync(&mut self, point: SyncPoint) {
        let covered =
            |entry: &Unsynced| !entry.forsaken && entry.completed.is_some_and(|when| when <= point.completions);
        for index in std::mem::take(&mut self.dirty) {
            let Some(block) = self.blocks.get_mut(&index) else { continue };
            if let Some(last) = block.unsynced.iter().rposition(covered) {
                block.durable = Some(block.unsynced[last].content.clone());
                let in_flight: Vec<_> =
                    block.unsynced.drain(..=last).filter(|entry| entry.completed.is_none()).collect();
                block.unsynced.splice(0..0, in_flight);
            }
            if !block.unsynced.is_empty() {
                self.dirty.insert(index);
            }
        }
        // A durable write that ended meanwhile may have made a greater length durable.
        self.durable_len = point.len.max(self.durable_len.min(self.len));
        self.free_beyond_end();
    }

    /// A sync failed: the operating system believes the pages clean, and they are not.
    pub(super) fn fail_sync(&mut self, point: SyncPoint) {
        for index in &self.dirty {
            for entry in self.blocks.get_mut(index).into_iter().flat_map(|block| &mut block.unsynced) {
                entry.forsaken |= entry.completed.is_some_and(|when| when <= point.completions);
            }
        }
    }

    /// Cuts or extends; not durable by that.
    pub(super) fn set_len(&mut self, len: u64) {
        if len < self.len {
            self.completions += 1;
            let zeroes = Bytes::from_static(&[0; BLOCK]);
            let (write, completed) = (self.next_write, Some(self.completions));
            self.next_write += 1;
            for (index, block) in self.blocks.range_mut(len.div_ceil(BLOCK as u64)..) {
                block.unsynced.push(Unsynced { write, content: zeroes.clone(), completed, forsaken: false });
                self.dirty.insert(*index);
            }
        }
        self.len = len;
    }

    /// Reserves blocks to `len`.
    pub(super) fn allocate(&mut self, len: u64) {
        for index in block_range(0, len) {
            self.blocks.entry(index).or_default();
        }
        self.len = self.len.max(len);
    }

    /// Copies what is there from `position` on to `buffer`; how many bytes there were, or `None` if a block is unreadable.
    pub(super) fn read(&self, position: u64, buffer: &mut [u8]) -> Option<usize> {
        let count = self.len.saturating_sub(position).min(buffer.len() as u64) as usize;
        for (index, at) in block_range(position, count as u64).zip((0..count).step_by(BLOCK)) {
            let part = &mut buffer[at..count.min(at + BLOCK)];
            match self.blocks.get(&index) {
                Some(block) if block.unreadable => return None,
                block => match block.and_then(Block::visible) {
                    Some(content) => part.copy_from_slice(&content[..part.len()]),
                    None => part.fill(0),
                },
            }
        }
        Some(count)
    }

    pub(super) fn rot(&mut self, position: u64, bit: u8) -> bool {
        if position >= self.len {
            return false;
        }
        let Some(block) = self.blocks.get_mut(&(position / BLOCK as u64)) else { return false };
        let flip = |content: &Bytes| {
            let mut content = content.to_vec();
            content[position as usize % BLOCK] ^= 1 << (bit % 8);
            Bytes::from(content)
        };
        block.durable = Some(flip(block.durable.as_ref().unwrap_or(&Bytes::from_static(&[0; BLOCK]))));
        for entry in &mut block.unsynced {
            entry.content = flip(&entry.content);
        }
        true
    }

    pub(super) fn make_unreadable(&mut self, position: u64) -> bool {
        let block = self.blocks.get_mut(&(position / BLOCK as u64));
        block.map(|block| block.unreadable = true).is_some()
    }

    /// The process that was writing is gone; its writes ended.
    pub(super) fn forget_in_flight(&mut self) {
        self.completions += 1;
        for index in &self.dirty {
            for entry in self.blocks.get_mut(index).into_iter().flat_map(|block| &mut block.unsynced) {
                entry.completed.get_or_insert(self.completions);
            }
        }
    }

    /// Decides what of the unsynced is found when the power is back.
    pub(super) fn power_cut(&mut self, rng: &Rng, counters: &mut Counters) {
        let whole = match rng.below(4) {
            0 => Some(Fate::Lost),
            1 => Some(Fate::Kept),
            2 => Some(Fate::Torn),
            _ => None,
        };
        for index in std::mem::take(&mut self.dirty) {
            let Some(block) = self.blocks.get_mut(&index) else { continue };
            let fate = whole.unwrap_or_else(|| match rng.below(3) {
                0 => Fate::Lost,
                1 => Fate::Kept,
                _ => Fate::Torn,
            });
            block.power_cut(fate, rng, counters);
        }
        if self.len != self.durable_len && rng.below(2) == 0 {
            counters.count("length lost");
            self.len = self.durable_len;
        }
        self.durable_len = self.len;
        self.free_beyond_end();
    }

    fn free_beyond_end(&mut self) {
        let end = self.len.max(self.durable_len).div_ceil(BLOCK as u64);
        drop(self.blocks.split_off(&end));
        drop(self.dirty.split_off(&end));
    }
}

impl Block {
    fn power_cut(&mut self, fate: Fate, rng: &Rng, counters: &mut Counters) {
        let unsynced = std::mem::take(&mut self.unsynced);
        let Some(last) = unsynced.last() else { return };
        let in_flight = unsynced.iter().any(|entry| entry.completed.is_none());
        match fate {
            Fate::Lost => counters.count("write lost"),
            Fate::Kept => self.durable = Some(last.content.clone()),
            Fate::Torn => {
                counters.count("write torn");
                self.durable = Some(self.torn(&unsynced, rng));
            }
        }
        if in_flight && rng.below(16) == 0 {
            counters.count("unreadable block");
            self.unreadable = true;
        }
    }

    /// Each sector from any of the block's versions.
    fn torn(&self, unsynced: &[Unsynced], rng: &Rng) -> Bytes {
        let mut content = self.durable.as_ref().map_or_else(|| vec![0; BLOCK], |durable| durable.to_vec());
        for at in (0..BLOCK).step_by(SECTOR) {
            let version = rng.below(unsynced.len() as u64 + 1) as usize;
            if let Some(entry) = unsynced.get(version) {
                content[at..at + SECTOR].copy_from_slice(&entry.content[at..at + SECTOR]);
            }
        }
        Bytes::from(content)
    }
}

fn block_range(position: u64, len: u64) -> std::ops::Range<u64> {
    position / BLOCK as u64..(position + len).div_ceil(BLOCK as u64)
}
