//! Block-aligned memory for direct I/O, which becomes shared [`Bytes`] without a copy.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use bytes::Bytes;

use crate::env::BLOCK;

/// Memory whose address and length are multiples of [`BLOCK`]; owned by one, then shared by [`AlignedBuf::freeze`].
pub struct AlignedBuf {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the memory is owned by this value alone and has no thread affinity.
unsafe impl Send for AlignedBuf {}
// SAFETY: a shared reference gives read access only.
unsafe impl Sync for AlignedBuf {}

impl AlignedBuf {
    /// Zeroed memory of `len` bytes, rounded up to whole blocks; at least one.
    pub fn zeroed(len: usize) -> Self {
        let len = len.max(1).next_multiple_of(BLOCK);
        let layout = Self::layout(len);
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, len }
    }

    /// The same memory, shared and immutable from now on.
    pub fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }

    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len, BLOCK).expect("a buffer's length fits isize")
    }
}

impl Drop for AlignedBuf {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this very layout.
        unsafe { dealloc(self.start.as_ptr(), Self::layout(self.len)) }
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
