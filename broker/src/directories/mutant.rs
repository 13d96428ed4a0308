//! Deliberate faults of the data directories, each of which a named property of `tests/directories` must catch. They exist
//! only under the cargo feature `mutants`; without it [`active`] is constant.

/// A fault that can be switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// What is at the path of a known directory is taken for it, empty as it may be.
    TrustPaths,
    /// A directory that cannot be used keeps the others from being served.
    FailTogether,
    /// A failure is not told to the other cores.
    KeepFailureToItself,
    /// Logs stay on the cores they were on, in all directories but the metadata's.
    MoveInOneDirectory,
    /// New partitions go to a directory that failed.
    PlaceInFailed,
    /// A log is deleted where it was before the metadata says that it is elsewhere.
    DeleteBeforeDecided,
    /// Of a log that is in two directories the one that came later counts, whatever the metadata says.
    LaterCopyCounts,
    /// What comes in while a partition goes to another directory is appended to the log of before.
    HoldNothing,
}

/// All of them, with words of the property that catches each, `|` between what may come first by chance.
#[cfg(feature = "mutants")]
pub const ALL: [(Mutant, &str); 8] = [
    (Mutant::TrustPaths, "every core says that it is offline"),
    (Mutant::FailTogether, "the other directory is served"),
    (Mutant::KeepFailureToItself, "every core says that it is offline"),
    (Mutant::MoveInOneDirectory, "what was acknowledged is found"),
    (Mutant::PlaceInFailed, "new partitions go where they can be served"),
    (Mutant::DeleteBeforeDecided, "consumers notice nothing|what was acknowledged is found"),
    (Mutant::LaterCopyCounts, "what was acknowledged is found"),
    (Mutant::HoldNothing, "producers notice nothing"),
];

corelog_storage::mutants!();
