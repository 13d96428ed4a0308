//! One core's memory: a region of fixed size, handed out in power-of-two slots and recycled.
//!
//! A freshly touched page costs about 2 us where these brokers run, so slots are reused before new memory is touched,
//! and a first part may be touched ahead. The region is reserved whole but takes real memory only where touched. Its first
//! part, which is used again and again, is in huge pages where the kernel has them, since every copy and every disk operation
//! goes through its pages one by one.
//!
//! **Threads.** One core takes; any core may drop. A dropped slot is pushed on the region's stack of returned slots
//! (pushed by many, emptied whole by one, so what was popped is never compared), and the owner collects that stack when it
//! next takes. The stack is beside the slots, not in them: to touch those of a deleted topic's tails, idle for some seconds, kept
//! each core busy for 60 ms, by profile.

use std::{
    alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error},
    cell::RefCell,
    collections::BTreeSet,
    fmt,
    ptr::NonNull,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use super::{AlignedBuf, whole_blocks};
use crate::env::BLOCK;

/// The size of a huge page on most machines. A smaller region is not worth one.
const HUGE_PAGE: usize = 2 << 20;

/// How much of a region is in huge pages: about what the tail cache begins with. A kernel whose free memory is in pieces takes
/// 3 ms for each: 1.4 GB of them, touched while a cache grew, cost 3.4 CPU-s per GB written, small pages 1.7.
const IN_HUGE_PAGES: usize = 256 << 20;

/// The largest slot: 2^14 blocks are 64 MiB.
const MAX_ORDER: usize = 14;

/// A link of the stack of returned slots has so many bits for a block's number, and the others for a slot's order.
const BLOCK_BITS: u32 = 28;

/// The memory behind a pool; lives until the pool and every slot are gone.
pub(super) struct Region {
    allocation: NonNull<u8>,
    layout: Layout,
    /// The first address within the allocation that is aligned to a block, or to a huge page.
    start: NonNull<u8>,
    len: usize,
    /// The stack of returned slots: one more than the block where the last one begins, zero for none. Behind the slots'
    /// memory each block has a link: the slot returned before it, likewise, and its own order.
    returned: AtomicU32,
    /// Bytes of slots handed out and not yet dropped.
    in_use: AtomicUsize,
}

// SAFETY: the pointers refer to memory the region owns; `returned` is the only state shared between threads and is
// atomic.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    fn reserve(len: usize) -> Self {
        let align = if len >= HUGE_PAGE { HUGE_PAGE } else { BLOCK };
        // Alignment 1, that much more: the allocator then maps zero pages instead of writing zeroes to all of them.
        let links = len / BLOCK * size_of::<AtomicU32>();
        assert!(len / BLOCK < 1 << BLOCK_BITS, "a core has less than 1 TiB of memory");
        let layout = Layout::from_size_align(len + links + align, 1).expect("a memory budget fits isize");
        // SAFETY: the layout's size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        let allocation = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
        let skip = allocation.as_ptr().align_offset(align);
        // SAFETY: `skip` is less than `align`, and `align` more than `len` was allocated.
        let start = unsafe { allocation.add(skip) };
        if align == HUGE_PAGE {
            // SAFETY: the range is allocated, and this is advice. Where it is not taken, pages are small.
            unsafe { libc::madvise(start.as_ptr().cast(), len.min(IN_HUGE_PAGES), libc::MADV_HUGEPAGE) };
        }
        Self { allocation, layout, start, len, returned: AtomicU32::new(0), in_use: AtomicUsize::new(0) }
    }

    /// Takes a slot back, from any thread.
    ///
    /// # Safety
    /// `slot` was taken from this region for `len` bytes and is referred to by nobody else.
    pub(super) unsafe fn give_back(&self, slot: NonNull<u8>, len: usize) {
        let (block, order) = ((slot.as_ptr() as usize - self.start.as_ptr() as usize) / BLOCK, order_of(len));
        let mut head = self.returned.load(Ordering::Relaxed);
        loop {
            self.link(block).store((order as u32) << BLOCK_BITS | head, Ordering::Relaxed);
            // Release: whoever empties the stack sees the link and all the slot's last owner did.
            match self.returned.compare_exchange_weak(head, block as u32 + 1, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => head = now,
            }
        }
        self.in_use.fetch_sub(BLOCK << order, Ordering::Relaxed);
    }

    /// Hands every returned slot, as (block, order), to `keep`. The owner's thread only.
    fn collect(&self, mut keep: impl FnMut(u32, usize)) {
        let mut next = self.returned.swap(0, Ordering::Acquire);
        while let Some(block) = next.checked_sub(1) {
            let link = self.link(block as usize).load(Ordering::Relaxed);
            keep(block, (link >> BLOCK_BITS) as usize);
            next = link & ((1 << BLOCK_BITS) - 1);
        }
    }

    fn link(&self, block: usize) -> &AtomicU32 {
        // SAFETY: the allocation has a link for each block behind the last one, aligned as blocks are; zeroes are one.
        unsafe { self.start.add(self.len).cast::<AtomicU32>().add(block).as_ref() }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: allocated in `reserve` with this layout; no slot is left, each holds an `Arc` of the region.
        unsafe { dealloc(self.allocation.as_ptr(), self.layout) }
    }
}

/// A slot of `len` bytes takes `2^order` blocks.
fn order_of(len: usize) -> usize {
    whole_blocks(len).div_ceil(BLOCK).next_power_of_two().trailing_zeros() as usize
}

/// Free memory in blocks: a buddy system that merges only when it must.
struct Free {
    /// Slots as they came back, by order: the hot path, no merging.
    recent: [Vec<u32>; MAX_ORDER + 1],
    /// The rest, by order, lowest first, so that touched memory is used before untouched.
    buddies: [BTreeSet<u32>; MAX_ORDER + 1],
}

impl Free {
    fn new(blocks: usize) -> Self {
        let mut free = Self { recent: Default::default(), buddies: Default::default() };
        let mut at = 0;
        while at < blocks {
            let fits = (blocks - at).ilog2() as usize;
            let aligned = if at == 0 { MAX_ORDER } else { at.trailing_zeros() as usize };
            let order = fits.min(aligned).min(MAX_ORDER);
            free.buddies[order].insert(at as u32);
            at += 1 << order;
        }
        free
    }

    fn take(&mut self, order: usize) -> Option<u32> {
        if let Some(block) = self.recent.get_mut(order)?.pop() {
            return Some(block);
        }
        self.split(order).or_else(|| {
            self.merge();
            self.split(order)
        })
    }

    /// Takes the lowest free slot of the smallest order that will do, and frees what it has too much.
    fn split(&mut self, order: usize) -> Option<u32> {
        let from = (order..=MAX_ORDER).find(|&larger| !self.buddies[larger].is_empty())?;
        let block = self.buddies[from].pop_first()?;
        for smaller in order..from {
            self.buddies[smaller].insert(block + (1 << smaller));
        }
        Some(block)
    }

    /// Joins everything recent with its free neighbours.
    fn merge(&mut self) {
        for order in 0..=MAX_ORDER {
            for block in std::mem::take(&mut self.recent[order]) {
                self.merge_one(block, order);
            }
        }
    }

    fn merge_one(&mut self, mut block: u32, mut order: usize) {
        while order < MAX_ORDER && self.buddies[order].remove(&(block ^ (1 << order))) {
            block &= !(1 << order);
            order += 1;
        }
        self.buddies[order].insert(block);
    }
}

/// One core's bounded memory for receive buffers, tail cache and reads in flight. Clones share it.
#[derive(Clone)]
pub struct BufferPool {
    region: Arc<Region>,
    free: Rc<RefCell<Free>>,
}

impl BufferPool {
    /// The longest buffer a pool gives; longer ones come from [`AlignedBuf::zeroed`] and are the caller's to bound.
    pub const LONGEST: usize = BLOCK << MAX_ORDER;

    /// A pool of `budget` bytes (rounded up to whole blocks), of which the first `touch_ahead` are touched now.
    pub fn new(budget: usize, touch_ahead: usize) -> Self {
        let region = Region::reserve(whole_blocks(budget));
        for at in (0..touch_ahead.min(region.len)).step_by(BLOCK) {
            // SAFETY: within the region, which nobody else knows yet. Volatile, or it would be optimised away.
            unsafe { region.start.add(at).write_volatile(0) };
        }
        let free = Free::new(region.len / BLOCK);
        Self { region: Arc::new(region), free: Rc::new(RefCell::new(free)) }
    }

    /// Memory of `len` bytes, rounded up to whole blocks, or `None` if the budget is used up now or `len` is over
    /// [`BufferPool::LONGEST`]. **Its content is arbitrary**: zero what you write to a file and do not fill.
    pub fn take(&self, len: usize) -> Option<AlignedBuf> {
        let mut free = self.free.borrow_mut();
        self.region.collect(|block, order| free.recent[order].push(block));
        let order = order_of(len);
        let block = free.take(order)? as usize;
        self.region.in_use.fetch_add(BLOCK << order, Ordering::Relaxed);
        // SAFETY: a free slot lies within the region.
        let start = unsafe { self.region.start.add(block * BLOCK) };
        Some(AlignedBuf { start, len: whole_blocks(len), home: Some(self.region.clone()) })
    }

    /// The budget in bytes.
    pub fn budget(&self) -> usize {
        self.region.len
    }

    /// Bytes handed out now, counted in whole slots.
    pub fn in_use(&self) -> usize {
        self.region.in_use.load(Ordering::Relaxed)
    }

    /// Bytes not handed out. A single buffer of this size may still not be had: slots have neighbours.
    pub fn available(&self) -> usize {
        self.budget() - self.in_use()
    }
}

impl fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BufferPool({} of {} bytes in use)", self.in_use(), self.budget())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_budget_is_a_bound_and_dropping_gives_room() {
        let pool = BufferPool::new(4 * BLOCK, 0);
        let held: Vec<_> = (0..4).map(|_| pool.take(BLOCK).expect("within the budget")).collect();
        assert!(pool.take(1).is_none());
        assert_eq!(pool.available(), 0);
        drop(held);
        assert_eq!(pool.in_use(), 0);
        assert!(pool.take(4 * BLOCK).is_some(), "small slots merge into a large one");
    }

    #[test]
    fn a_slot_dropped_on_another_thread_comes_home() {
        let pool = BufferPool::new(2 * BLOCK, 2 * BLOCK);
        for _ in 0..100 {
            let (one, two) = (pool.take(BLOCK).unwrap(), pool.take(BLOCK).unwrap().freeze());
            let view = two.slice(5..9);
            drop(two);
            std::thread::spawn(move || drop((one, view))).join().unwrap();
        }
        assert!(pool.take(2 * BLOCK).is_some());
    }

    #[test]
    fn slots_outlive_their_pool() {
        let mut buffer = BufferPool::new(BLOCK, 0).take(BLOCK).unwrap();
        buffer.fill(3);
        assert!(buffer.iter().all(|byte| *byte == 3));
    }

    #[test]
    fn a_large_pool_begins_with_a_huge_page() {
        let first = BufferPool::new(2 * HUGE_PAGE, 0).take(HUGE_PAGE).unwrap();
        assert_eq!(first.as_ptr() as usize % HUGE_PAGE, 0);
    }

    #[test]
    fn longer_than_the_longest_is_refused() {
        assert!(BufferPool::new(BLOCK, 0).take(BufferPool::LONGEST + 1).is_none());
    }

    #[test]
    fn no_two_buffers_overlap_and_nothing_is_lost() {
        let budget = 37 * BLOCK;
        let pool = BufferPool::new(budget, 0);
        let mut held: BTreeMap<u64, (AlignedBuf, u8)> = BTreeMap::new();
        let mut state = 1_u64;
        for step in 0..5000_u64 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let draw = (state >> 33) as usize;
            if !draw.is_multiple_of(3)
                && let Some(mut buffer) = pool.take(1 + draw % (9 * BLOCK))
            {
                assert_eq!(buffer.as_ptr() as usize % BLOCK, 0);
                buffer.fill(step as u8);
                held.insert(step, (buffer, step as u8));
            } else if let Some(key) = held.keys().nth(draw % held.len().max(1)).copied() {
                let (buffer, mark) = held.remove(&key).unwrap();
                assert!(buffer.iter().all(|byte| *byte == mark), "somebody else wrote to a held buffer");
            }
        }
        held.clear();
        assert_eq!(pool.in_use(), 0);
        let whole: Vec<_> = (0..37).map(|_| pool.take(BLOCK).unwrap()).collect();
        assert_eq!(whole.len(), 37);
    }
}
