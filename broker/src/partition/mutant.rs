//! Deliberate faults of those who watch partitions, each of which the random histories of `tests/watches` must catch.
//! They exist only under the cargo feature `mutants`; without it [`active`] is constant.

/// A fault that can be switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// Who waits is not woken by a commit.
    ForgetsToWake,
    /// What happens to a partition while no fetch waits is not noticed.
    DeafBetweenFetches,
    /// A partition that was read is taken to have been read to its end.
    DrainedAfterOneRead,
    /// A session that comes to another core takes its watches to be there.
    WatchesStayBehind,
    /// A session that ends does not tell the other cores.
    NeverLeaves,
    /// A partition made anew under its old name is taken for the one that was.
    SameNameSamePartition,
}

/// All of them, with words of the property that catches each.
#[cfg(feature = "mutants")]
pub const ALL: [(Mutant, &str); 6] = [
    (Mutant::ForgetsToWake, "gets its record"),
    (Mutant::DeafBetweenFetches, "is told the high watermark"),
    (Mutant::DrainedAfterOneRead, "gets its record"),
    (Mutant::WatchesStayBehind, "is told the high watermark"),
    (Mutant::NeverLeaves, "leaves nothing behind"),
    (Mutant::SameNameSamePartition, "gets its record"),
];

corelog_storage::mutants!();
