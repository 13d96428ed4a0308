//! Deliberate faults of those who watch partitions, each of which the random histories of `tests/watches` must catch.
//! They exist only under the cargo feature `mutants`; without it [`is`] is constant.

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

#[cfg(feature = "mutants")]
thread_local! {
    static ACTIVE: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Switches one fault on for this thread, or all off.
#[cfg(feature = "mutants")]
pub fn activate(mutant: Option<Mutant>) {
    ACTIVE.set(mutant);
}

/// Whether `mutant` is on.
#[cfg(feature = "mutants")]
pub(crate) fn is(mutant: Mutant) -> bool {
    ACTIVE.get() == Some(mutant)
}

/// Whether `mutant` is on: never, in a build without the feature.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}
