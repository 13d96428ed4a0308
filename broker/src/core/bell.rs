//! How a core is woken from outside: another core or a plain thread rings its bell.
//!
//! The bell is one flag. Who sets it wakes the core only if it sleeps, by a message into its ring (MSG_RING) where the
//! kernel delivers one to such a ring, else by an eventfd that the ring reads. A core that is awake looks at the flag at
//! each turn of its pump, so cores that are busy with each other make no syscalls for it.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// One core's bell, shared with everyone who may ring it.
pub(super) struct Bell {
    rung: AtomicBool,
    /// Set by the core before it looks at `rung` for the last time and blocks.
    asleep: AtomicBool,
    event: OwnedFd,
    /// A duplicate of the core's ring, once it exists: its number stays ours for as long as anyone may ring.
    ring: OnceLock<OwnedFd>,
}

/// What the ringer has to do yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ring {
    /// Nothing: the core is awake, or was woken by an earlier one.
    Heard,
    /// Wake it.
    Wake,
}

impl Bell {
    pub(super) fn new() -> io::Result<Arc<Self>> {
        // SAFETY: creates a descriptor, owned from here on.
        let event = match unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) } {
            -1 => return Err(io::Error::last_os_error()),
            // SAFETY: as above.
            event => unsafe { OwnedFd::from_raw_fd(event) },
        };
        Ok(Arc::new(Self {
            rung: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            event,
            ring: OnceLock::new(),
        }))
    }

    /// Sets the flag. All memory written before is seen by the core once it has taken the flag.
    pub(super) fn ring(&self) -> Ring {
        // SeqCst with `may_sleep`: of "rung, then asleep?" here and "asleep, then rung?" there, one sees the other.
        if !self.rung.swap(true, Ordering::SeqCst) && self.asleep.load(Ordering::SeqCst) {
            Ring::Wake
        } else {
            Ring::Heard
        }
    }

    /// Rings, and wakes the core by its eventfd if it sleeps: for threads that have no ring.
    pub(super) fn ring_from_thread(&self) {
        if self.ring() == Ring::Wake {
            self.wake_by_event();
        }
    }

    /// Writes the eventfd. From write(2): through a ring it would go to a kernel worker.
    pub(super) fn wake_by_event(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: reads eight bytes that live across the call. It cannot fail short of 2^64 unread wakes.
        unsafe { libc::write(self.event.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// The core: whether there is something to take.
    pub(super) fn has_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    /// The core: whether the bell has rung since last asked.
    pub(super) fn take(&self) -> bool {
        self.has_rung() && self.rung.swap(false, Ordering::SeqCst)
    }

    /// The core is about to block; `false` if the bell has rung meanwhile.
    pub(super) fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::SeqCst);
        !self.rung.load(Ordering::SeqCst)
    }

    /// The core does not block, or no longer.
    pub(super) fn awake(&self) {
        self.asleep.store(false, Ordering::Relaxed);
    }

    pub(super) fn event(&self) -> RawFd {
        self.event.as_raw_fd()
    }

    /// Makes the core's ring known for MSG_RING.
    pub(super) fn set_ring(&self, ring: RawFd) -> io::Result<()> {
        // SAFETY: duplicates a descriptor; the new one is owned from here on.
        let duplicate = match unsafe { libc::fcntl(ring, libc::F_DUPFD_CLOEXEC, 0) } {
            -1 => return Err(io::Error::last_os_error()),
            // SAFETY: as above.
            duplicate => unsafe { OwnedFd::from_raw_fd(duplicate) },
        };
        assert!(self.ring.set(duplicate).is_ok(), "a core has one ring");
        Ok(())
    }

    /// The core's ring, for MSG_RING.
    pub(super) fn ring_fd(&self) -> Option<RawFd> {
        self.ring.get().map(AsRawFd::as_raw_fd)
    }
}
