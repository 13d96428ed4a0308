//! Deliberate bugs, for testing the tests: each must be caught by a named property of the simulation.
//!
//! They exist only under the cargo feature `mutants`, and there only while one is chosen; otherwise [`active`] is
//! `false` at compile time.

/// A deliberate bug.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names say it
pub enum Mutant {
    JournalAcksBeforeWrite,
    JournalAcksOutOfOrder,
    JournalWritesWithoutDurability,
    JournalSkipsFrameCrc,
    JournalSkipsChain,
    JournalFreesEarly,
    JournalForgetsDirectorySync,
    JournalIgnoresFailedWrites,
    JournalTakesRotForTornTail,
    JournalNeverCloses,
    LogSkipsSegmentSync,
    LogIndexOffByOne,
    LogCheckpointSkipsProducers,
    LogCheckpointTooEarly,
    LogTrustsBypassed,
    LogRetentionTakesOneMore,
    LogForgetsEpochs,
    LogForgetsCuts,
    LogAcksBeforeSegment,
    LogForgetsSetAside,
}

/// Whether this bug was chosen.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
pub(crate) const fn active(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
mod chosen {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static CHOSEN: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Chooses the bug that this thread's code has from now on.
    pub fn choose(mutant: Option<Mutant>) {
        CHOSEN.set(mutant);
    }

    /// Whether this bug was chosen.
    pub(crate) fn active(mutant: Mutant) -> bool {
        CHOSEN.get() == Some(mutant)
    }
}

#[cfg(feature = "mutants")]
pub(crate) use chosen::active;
#[cfg(feature = "mutants")]
pub use chosen::choose;
