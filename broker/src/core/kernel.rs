//! What this kernel can do beyond the floor of Linux 6.1, found out by trying; a switch forces the floor.

use std::{io, os::fd::AsRawFd};

use io_uring::{IoUring, Probe, opcode, types};

/// How to wake a sleeping core, and which operations the ring knows, beyond what every 6.1 has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kernel {
    /// MSG_RING reaches a ring with deferred task work (about 6.3). Floor: an eventfd.
    pub message_to_ring: bool,
    /// The ring cuts files (6.9). Floor: a helper thread.
    pub truncate: bool,
    /// A wait may hope for more completions for a while (6.12). Floor: it returns at the first.
    pub min_wait: bool,
}

impl Kernel {
    /// What Linux 6.1 has.
    pub const FLOOR: Self = Self { message_to_ring: false, truncate: false, min_wait: false };

    /// Tries.
    pub fn probe() -> io::Result<Self> {
        let ring = core_ring(8)?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        Ok(Self {
            message_to_ring: message_arrives()?,
            truncate: probe.is_supported(opcode::Ftruncate::CODE),
            min_wait: ring.params().is_feature_min_timeout(),
        })
    }
}

/// A ring as each core has one: one issuing thread, and the kernel's deferred work done only when that thread asks.
pub(super) fn core_ring(entries: u32) -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_taskrun_flag()
        .setup_cqsize(entries * 4)
        .build(entries)
}

/// Sends a message from one ring to another of the same kind.
fn message_arrives() -> io::Result<bool> {
    let (mut from, mut to) = (core_ring(8)?, core_ring(8)?);
    let message = opcode::MsgRingData::new(types::Fd(to.as_raw_fd()), 0, 7, None).build();
    // SAFETY: the message refers to no memory.
    unsafe { from.submission().push(&message) }.map_err(io::Error::other)?;
    from.submit_and_wait(1)?;
    let sent = from.completion().next().is_some_and(|completion| completion.result() >= 0);
    if !sent {
        return Ok(false);
    }
    to.submit_and_wait(0)?;
    Ok(to.completion().next().is_some_and(|completion| completion.user_data() == 7))
}
