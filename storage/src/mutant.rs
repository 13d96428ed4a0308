//! Deliberate bugs, for testing the tests: each must be caught by a named property of the simulation.
//!
//! They exist only under the cargo feature `mutants`, and there only while one is chosen; otherwise [`active`] is
//! `false` at compile time.

/// Makes the enum `Mutant` of a module a switch of each thread: `choose` turns one of them on, `active` asks whether it is.
/// The feature is that of the crate whose module it is.
#[macro_export]
macro_rules! mutants {
    () => {
        #[cfg(feature = "mutants")]
        std::thread_local! {
            static CHOSEN: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
        }

        /// Chooses the bug that this thread's code has from now on.
        #[cfg(feature = "mutants")]
        pub fn choose(mutant: Option<Mutant>) {
            CHOSEN.set(mutant);
        }

        /// Whether this bug was chosen.
        #[cfg(feature = "mutants")]
        pub(crate) fn active(mutant: Mutant) -> bool {
            CHOSEN.get() == Some(mutant)
        }

        /// Whether this bug was chosen: never.
        #[cfg(not(feature = "mutants"))]
        #[inline(always)]
        pub(crate) const fn active(_: Mutant) -> bool {
            false
        }
    };
}

mutants!();

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
    JournalTrustsRecoveredNames,
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
    LogReplayDropsLast,
    LogRewritesFound,
    LogAcksBeforeSegment,
    LogForgetsSetAside,
    LogNamesComeOnce,
    CopySkipsSync,
    CopyMissesTheRest,
    AdoptForgetsTheRest,
}
