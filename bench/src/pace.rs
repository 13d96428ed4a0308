//! Threads that send when something is due.

use crate::error::{Error, Result};
use std::thread;
use std::time::Instant;

/// Sleeps until `due`.
pub(crate) fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// What a thread of the load came to.
pub(crate) fn joined<T>(thread: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().unwrap_or_else(|_| Err(Error::Broken("a thread of the load died".into())))
}
