//! Deliberate faults, one per mechanism, that the checkers of the random histories must catch. They exist only under the
//! cargo feature `mutants`; without it [`active`] is constant and the optimiser removes it.

/// A fault that can be switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// A rebalance begins without its join timer, and may never end.
    RebalanceWithoutDeadline,
    /// Answers leave before their records are committed.
    AnswerBeforeCommit,
    /// Offsets are shown as soon as they are written.
    ShowPendingOffsets,
    /// A commit is accepted whatever its generation.
    IgnoreGeneration,
    /// A member that fell silent keeps its place.
    NoSessionExpiry,
    /// A sync is answered in the middle of a rebalance.
    SyncWhilePreparing,
    /// An offset is deleted although its group subscribes to the topic.
    DeleteSubscribed,
    /// Offsets expire by when they were committed even while the group uses them.
    ExpireInUse,
    /// After a reload the group starts with an older generation.
    ForgetGeneration,
}

/// All of them, for the test that each is caught.
#[cfg(feature = "mutants")]
pub const ALL: [Mutant; 9] = [
    Mutant::RebalanceWithoutDeadline,
    Mutant::AnswerBeforeCommit,
    Mutant::ShowPendingOffsets,
    Mutant::IgnoreGeneration,
    Mutant::NoSessionExpiry,
    Mutant::SyncWhilePreparing,
    Mutant::DeleteSubscribed,
    Mutant::ExpireInUse,
    Mutant::ForgetGeneration,
];

corelog_storage::mutants!();
