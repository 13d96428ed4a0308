//! Threads that send when something is due.

use crate::error::{Error, Result};
use std::thread;
use std::time::{Duration, Instant};

/// How long before a record is due its sender stops sleeping: a wake is late by tens of microseconds, which are not the
/// broker's.
const WAKE_EARLY: Duration = Duration::from_micros(80);

/// Sleeps until `due`.
pub(crate) fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// Sleeps until shortly before `due`, and spins for the rest.
pub(crate) fn wait_until(due: Instant) {
    sleep_until(due.checked_sub(WAKE_EARLY).unwrap_or(due));
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}

/// What a thread of the load came to.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(Error::Broken("a thread of the load died".into())))
}
