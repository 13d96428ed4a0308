//! The real clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use corelog_storage::env::Instant;

/// CLOCK_MONOTONIC: the same on every core.
pub(super) fn now() -> Instant {
    Instant(read(libc::CLOCK_MONOTONIC))
}

/// CPU time of the calling thread.
pub(super) fn cpu_time() -> Duration {
    Duration::from_nanos(read(libc::CLOCK_THREAD_CPUTIME_ID))
}

/// Nanoseconds of a clock.
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes the one struct it is given.
    let outcome = unsafe { libc::clock_gettime(clock, &raw mut time) };
    assert_eq!(outcome, 0, "every Linux has this clock");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Milliseconds since 1970; negative before.
pub(super) fn wall_clock_ms() -> i64 {
    let millis = |duration: Duration| duration.as_millis() as i64;
    SystemTime::now().duration_since(UNIX_EPOCH).map_or_else(|before| -millis(before.duration()), millis)
}
