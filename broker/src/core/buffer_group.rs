//! Buffers that the kernel picks when bytes arrive, so that a connection without traffic holds none.
//!
//! What arrives is copied out as soon as it is reaped and the buffer given back in the same breath: the group cannot be
//! held by connections that are not read, and small requests do not pin large buffers. Large frames do not come this
//! way ([`crate::core::receiver`]).

use std::{
    io,
    sync::atomic::{AtomicU16, Ordering},
};

use bytes::Bytes;
use corelog_storage::buffer::AlignedBuf;
use io_uring::{Submitter, types::BufRingEntry};

/// The group's name in receive operations.
pub(super) const GROUP: u16 = 0;
/// What one buffer takes, in bytes.
pub(super) const BUFFER: usize = 4096;
/// How many there are: as many as may arrive within one turn before receives end early and are begun anew.
const BUFFERS: u16 = 256;

const _: () = assert!(BUFFERS.is_power_of_two());

/// One core's buffers, and the ring in which they are offered to the kernel.
pub(super) struct BufferGroup {
    offers: AlignedBuf,
    memory: AlignedBuf,
    tail: u16,
}

impl BufferGroup {
    /// Registers the group with a ring, all buffers on offer.
    pub(super) fn register(submitter: &Submitter<'_>) -> io::Result<Self> {
        let offers = AlignedBuf::zeroed(usize::from(BUFFERS) * size_of::<BufRingEntry>());
        let memory = AlignedBuf::zeroed(usize::from(BUFFERS) * BUFFER);
        let mut group = Self { offers, memory, tail: 0 };
        // SAFETY: the memory is aligned to pages, holds this many entries, and the kernel keeps its pages while the ring
        // is open; nobody but `offer` writes to it.
        unsafe { submitter.register_buf_ring_with_flags(group.offers.as_ptr() as u64, BUFFERS, GROUP, 0)? };
        (0..BUFFERS).for_each(|buffer| group.offer(buffer));
        Ok(group)
    }

    /// Takes what arrived in a buffer, and offers the buffer again.
    pub(super) fn take(&mut self, buffer: u16, len: usize) -> Bytes {
        let begin = usize::from(buffer) * BUFFER;
        let bytes = Bytes::copy_from_slice(&self.memory[begin..begin + len]);
        self.offer(buffer);
        bytes
    }

    fn offer(&mut self, buffer: u16) {
        let address = self.memory[usize::from(buffer) * BUFFER..].as_mut_ptr() as u64;
        let entries = self.offers.as_mut_ptr().cast::<BufRingEntry>();
        // SAFETY: the entry is inside the ring, and the kernel reads it only after the tail has moved past it; the tail
        // is in the first entry's reserved field, aligned for two bytes.
        unsafe {
            let entry = &mut *entries.add(usize::from(self.tail % BUFFERS));
            entry.set_addr(address);
            entry.set_len(BUFFER as u32);
            entry.set_bid(buffer);
            self.tail = self.tail.wrapping_add(1);
            AtomicU16::from_ptr(BufRingEntry::tail(entries).cast_mut()).store(self.tail, Ordering::Release);
        }
    }
}
