//! SIGINT and SIGTERM as a wish to end: the first is remembered, the second ends the process.

use std::sync::atomic::{AtomicBool, Ordering};

static WISHED: AtomicBool = AtomicBool::new(false);

extern "C" fn remember(_: libc::c_int) {
    WISHED.store(true, Ordering::Relaxed);
}

/// From here on the signals are remembered.
pub(super) fn heed() {
    // SAFETY: a plain structure of which zeroes are valid, filled in below.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = remember as extern "C" fn(libc::c_int) as libc::sighandler_t;
    action.sa_flags = libc::SA_RESETHAND;
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: the action lives across the call, and its handler does nothing but an atomic store.
        unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) };
    }
}

/// Whether the user wants an end.
pub(super) fn wished() -> bool {
    WISHED.load(Ordering::Relaxed)
}
