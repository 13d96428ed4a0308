//! Bad input, counted each time and logged once in a while.

use std::{cell::RefCell, collections::BTreeMap, fmt, net::SocketAddr};

use corelog_storage::env::Instant;

use crate::limits;

/// What a peer did wrong, or what went wrong with its connection.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Complaint {
    /// A frame length or API key that cannot be served.
    BadFrame,
    /// A request header or body that does not decode.
    BadRequest,
    /// A version that is not served of an API that is.
    UnsupportedVersion,
    /// The stream ended within a request.
    Truncated,
    /// The peer took none of its responses for too long.
    StalledReader,
    /// A produce request that wants no answer failed.
    UnansweredProduce,
    /// A record batch that was refused as damaged or malformed.
    BadBatch,
    /// A response that could not be written: a defect of this broker.
    BadResponse,
    /// More connections than one core, or one address, may have.
    TooManyConnections,
    /// A connection that the system could not accept: too many open files, say.
    NotAccepted,
    /// Topics that were asked for could not be created on demand.
    NotCreated,
    /// Records that the disk did not give back as they were written: nobody's input, but told as seldom.
    UnreadableRecords,
    /// The topic that keeps groups could not be created: nobody's input either.
    NoOffsetsTopic,
}

/// One core's counts.
#[derive(Default)]
pub struct Complaints {
    kinds: RefCell<BTreeMap<Complaint, Tally>>,
}

#[derive(Default)]
struct Tally {
    count: u64,
    logged: Option<Instant>,
    since_logged: u64,
}

impl Complaints {
    /// Counts one, and logs it unless one of its kind was logged within [`limits::COMPLAINT_INTERVAL`].
    pub fn add(&self, now: Instant, what: Complaint, peer: SocketAddr, detail: &dyn fmt::Display) {
        let mut kinds = self.kinds.borrow_mut();
        let tally = kinds.entry(what).or_default();
        tally.count += 1;
        if tally.logged.is_some_and(|logged| now.since(logged) < limits::COMPLAINT_INTERVAL) {
            tally.since_logged += 1;
            return;
        }
        tally.logged = Some(now);
        let unlogged = std::mem::take(&mut tally.since_logged);
        let count = tally.count;
        match what {
            Complaint::UnreadableRecords => tracing::error!(%detail, count, unlogged, "records cannot be read"),
            Complaint::NoOffsetsTopic => {
                tracing::error!(%detail, count, unlogged, "groups have no topic to be kept in")
            }
            _ => tracing::warn!(kind = ?what, %peer, %detail, count, unlogged, "bad input"),
        }
    }

    /// How many there were of a kind.
    pub fn count(&self, what: Complaint) -> u64 {
        self.kinds.borrow().get(&what).map_or(0, |tally| tally.count)
    }

    /// All counts, by kind.
    pub fn counts(&self) -> Vec<(Complaint, u64)> {
        self.kinds.borrow().iter().map(|(&what, tally)| (what, tally.count)).collect()
    }
}
