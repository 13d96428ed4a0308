//! Block-aligned memory for direct I/O, which becomes shared [`Bytes`] without a copy.
//!
//! [`AlignedBuf`] is owned memory, from the system or from a core's [`BufferPool`]; [`AppendBuf`] is a chunk that one
//! writer appends to while readers hold views of what is already there.

mod append;
mod pool;

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
    sync::Arc,
};

use bytes::Bytes;

use self::pool::Region;
pub use self::{append::AppendBuf, pool::BufferPool};
use crate::env::BLOCK;

/// Memory whose address and length are multiples of [`BLOCK`]; owned by one, then shared by [`AlignedBuf::freeze`].
///
/// What came from a pool goes back to it when the last owner drops it, on whichever core that is.
pub struct AlignedBuf {
    start: NonNull<u8>,
    len: usize,
    home: Option<Arc<Region>>,
}

// SAFETY: the memory is owned by this value alone and has no thread affinity; a `Region` takes slots back from any
// thread.
unsafe impl Send for AlignedBuf {}
// SAFETY: a shared reference gives read access only.
unsafe impl Sync for AlignedBuf {}

impl AlignedBuf {
    /// Zeroed memory of `len` bytes from the system, rounded up to whole blocks; at least one.
    pub fn zeroed(len: usize) -> Self {
        let len = whole_blocks(len);
        let layout = Self::layout(len);
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, len, home: None }
    }

    /// The same memory, shared and immutable from now on.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    /// The memory's address, with the right to write through it.
    fn as_raw(&self) -> NonNull<u8> {
        self.start
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, BLOCK).expect("a buffer's length fits isize")
    }
}

/// `len` rounded up to whole blocks; at least one.
fn whole_blocks(len: usize) -> usize {
    len.max(1).next_multiple_of(BLOCK)
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        match self.home.take() {
            // SAFETY: the slot was taken from this region with this length, and nobody refers to it any more.
            Some(region) => unsafe { region.give_back(self.start, self.len) },
            // SAFETY: allocated in `zeroed` with this very layout.
            None => unsafe { dealloc(self.start.as_ptr(), Self::layout(self.len)) },
        }
    }
}

impl Deref for AlignedBuf {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        // SAFETY: `start` points to `len` initialised bytes that live as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }
}

impl DerefMut for AlignedBuf {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as for `deref`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl AsRef<[u8]> for AlignedBuf {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl fmt::Debug for AlignedBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = if self.home.is_some() { "pool" } else { "system" };
        write!(f, "AlignedBuf({} bytes, {origin})", self.len)
    }
}
