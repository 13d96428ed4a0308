//! What a connection remembers of its quotas: until when it is not read, and where its meters are.

use std::cell::{Cell, RefCell};

use corelog_storage::env::Instant;

use super::meters_machine::MeterRef;

/// One connection's part of quotas. It stays behind when the connection moves to another core, which it does not do while
/// it is muted.
#[derive(Debug, Default)]
pub struct Throttle {
    muted_until: Cell<Option<Instant>>,
    /// Milliseconds to wait that the response under way is to tell.
    told: Cell<i32>,
    /// The quotas of the client id that asked last.
    pub(super) bound: RefCell<Option<Bound>>,
}

/// A client's quotas, as they were looked up.
#[derive(Debug)]
pub(super) struct Bound {
    /// Of which state of all quotas.
    pub(super) generation: u64,
    pub(super) client_id: Option<String>,
    /// By kind of use: how much in a second, and its meter.
    pub(super) limits: [Option<Limit>; 3],
}

#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) found: super::lookup::Found,
    pub(super) meter: MeterRef,
}

impl Throttle {
    /// Nothing more is read before `until`.
    pub fn mute(&self, until: Instant) {
        self.muted_until.set(self.muted_until.get().max(Some(until)));
    }

    /// The response to the present request says that its client waits so many milliseconds.
    pub fn tell(&self, ms: i32) {
        self.told.set(ms);
    }

    /// What the present response is to say.
    pub fn take_told(&self) -> i32 {
        self.told.take()
    }

    /// Until when nothing is read, if that is not over; `now` is read only where it may not be.
    pub fn muted_until(&self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        let until = self.muted_until.get()?;
        if until > now() {
            return Some(until);
        }
        self.muted_until.set(None);
        None
    }
}
