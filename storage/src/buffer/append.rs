//! A chunk of memory that one writer appends to while readers hold views of what is already there.

use std::{fmt, ops::Range, sync::Arc};

use bytes::Bytes;

use super::AlignedBuf;
use crate::env::BLOCK;

/// An append-only chunk: bytes once appended never change, so views of them are shared without a copy, to readers and
/// to the disk alike, and outlive the chunk's writer.
///
/// A view that starts and ends on multiples of [`BLOCK`] may be written to a file as it is. A file's
/// partial last block is the exception: it must be copied, because the bytes after it are still to be appended.
pub struct AppendBuf {
    memory: Arc<AlignedBuf>,
    len: usize,
}

impl AppendBuf {
    /// An empty chunk over `memory`; its capacity is the memory's length.
    pub fn new(memory: AlignedBuf) -> Self {
        Self { memory: Arc::new(memory), len: 0 }
    }

    /// How many bytes the chunk can hold in all.
    pub fn capacity(&self) -> usize {
        self.memory.len
    }

    /// How many bytes were appended.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many more bytes fit.
    pub fn remaining(&self) -> usize {
        self.capacity() - self.len
    }

    /// Appends as much of `bytes` as fits; returns how much that was.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(self.remaining());
        // SAFETY: `len + taken` lies within the memory; nobody reads beyond `len` (views end there), and only the one
        // owner of `self` writes. `bytes` cannot overlap the unwritten part for the same reason.
        unsafe {
            let end = self.memory.as_raw().add(self.len);
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), end.as_ptr(), taken);
        }
        self.len += taken;
        taken
    }

    /// Appends up to `count` zero bytes, as many as fit; returns how many.
    pub fn append_zeroes(&mut self, count: usize) -> usize {
        let taken = count.min(self.remaining());
        // SAFETY: as in `append`.
        unsafe { self.memory.as_raw().add(self.len).as_ptr().write_bytes(0, taken) };
        self.len += taken;
        taken
    }

    /// Appends zeroes up to the next multiple of [`BLOCK`]; returns how many.
    pub fn pad_to_block(&mut self) -> usize {
        self.append_zeroes(self.len.next_multiple_of(BLOCK) - self.len)
    }

    /// A shared view of bytes already appended. Panics if `range` ends beyond [`AppendBuf::len`].
    pub fn view(&self, range: Range<usize>) -> Bytes {
        assert!(range.start <= range.end && range.end <= self.len, "a view covers appended bytes only");
        if range.is_empty() {
            return Bytes::new();
        }
        Bytes::from_owner(View { memory: self.memory.clone(), range })
    }

    /// The appended bytes, copied nowhere: a borrow that ends before the next append.
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are initialised and never written again.
        unsafe { std::slice::from_raw_parts(self.memory.as_raw().as_ptr(), self.len) }
    }

    /// Whether views are alive, so that dropping the chunk would not yet free its memory.
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.memory) > 1
    }
}

impl fmt::Debug for AppendBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppendBuf({} of {} bytes)", self.len, self.capacity())
    }
}

/// What keeps a view's memory alive, and says which part of it may be read.
struct View {
    memory: Arc<AlignedBuf>,
    range: Range<usize>,
}

impl AsRef<[u8]> for View {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `range` was appended before the view was made, is initialised, and never written again.
        unsafe {
            let start = self.memory.as_raw().add(self.range.start);
            std::slice::from_raw_parts(start.as_ptr(), self.range.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_keep_what_was_there_while_the_writer_goes_on() {
        let mut chunk = AppendBuf::new(AlignedBuf::zeroed(BLOCK));
        assert_eq!(chunk.append(b"hello"), 5);
        let hello = chunk.view(0..5);
        assert_eq!(chunk.append(b" world"), 6);
        let all = chunk.view(0..11);
        assert!(chunk.is_shared());
        drop(chunk);
        assert_eq!(&hello[..], b"hello");
        assert_eq!(&all[..], b"hello world");
    }

    #[test]
    fn a_full_chunk_takes_what_fits() {
        let mut chunk = AppendBuf::new(AlignedBuf::zeroed(BLOCK));
        assert_eq!(chunk.append(&[7; BLOCK - 3]), BLOCK - 3);
        assert_eq!(chunk.append(b"abcdef"), 3);
        assert_eq!(chunk.remaining(), 0);
        assert_eq!(&chunk.as_slice()[BLOCK - 4..], b"\x07abc");
    }

    #[test]
    #[should_panic(expected = "appended bytes only")]
    fn a_view_beyond_the_end_is_refused() {
        let _ = AppendBuf::new(AlignedBuf::zeroed(BLOCK)).view(0..1);
    }

    #[test]
    fn aligned_views_are_aligned_in_memory() {
        let mut chunk = AppendBuf::new(AlignedBuf::zeroed(4 * BLOCK));
        chunk.append_zeroes(3 * BLOCK);
        let view = chunk.view(BLOCK..3 * BLOCK);
        assert_eq!(view.as_ptr() as usize % BLOCK, 0);
    }
}
