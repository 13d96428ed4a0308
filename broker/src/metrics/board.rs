//! Where the cores of a node post their figures, and whoever answers an operator reads them. The one thing of the metrics
//! that threads share: a core tries its lock once a second, to put a pointer there.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
};

use super::snapshot::CoreSnapshot;
use crate::core::env::CoreId;

/// How far the node is in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Life {
    /// Recovering, or not yet listening.
    #[default]
    Starting,
    /// Every core accepts.
    Serving,
    /// It was told to end.
    Stopping,
}

/// The newest snapshot of each core.
#[derive(Default)]
pub struct Board {
    posted: Mutex<Posted>,
}

/// What is on the board.
#[derive(Clone, Default)]
pub struct Posted {
    /// How far the node is.
    pub life: Life,
    /// By core; a core posts once it accepts.
    pub cores: BTreeMap<CoreId, Arc<CoreSnapshot>>,
}

impl Board {
    /// Puts a core's newest snapshot in place of its last. Never waits: while somebody else is at the board, who may have
    /// lost his CPU there, the next one has to do.
    pub fn post(&self, snapshot: CoreSnapshot) {
        let snapshot = Arc::new(snapshot);
        let mut posted = match self.posted.try_lock() {
            Ok(posted) => posted,
            Err(TryLockError::Poisoned(posted)) => posted.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        let last = posted.cores.insert(snapshot.core, snapshot);
        drop(posted);
        drop(last); // not under the lock
    }

    /// The node is so far now.
    pub fn set_life(&self, life: Life) {
        self.lock().life = life;
    }

    /// All that is there.
    pub fn read(&self) -> Posted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_does_not_wait_for_who_reads() {
        let board = Board::default();
        board.post(CoreSnapshot::of_nothing(CoreId(0)));
        let reading = board.lock();
        board.post(CoreSnapshot::of_nothing(CoreId(1)));
        drop(reading);
        assert_eq!(board.read().cores.len(), 1, "it had to do without");
        board.post(CoreSnapshot::of_nothing(CoreId(1)));
        assert_eq!(board.read().cores.len(), 2);
    }
}
