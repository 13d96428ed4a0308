//! Deliberate faults of partitions that go from core to core, each of which a named property of `tests/directories` must
//! catch. They exist only under the cargo feature `mutants`; without it [`active`] is constant.

/// A fault that can be switched on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// What comes in meanwhile is appended, or refused, on the core of before.
    HoldNothing,
    /// The other core appends what comes in before it has what waited.
    GoesOnEarly,
}

/// All of them, with words of the property that catches each.
#[cfg(feature = "mutants")]
pub const ALL: [(Mutant, &str); 2] =
    [(Mutant::HoldNothing, "producers notice nothing"), (Mutant::GoesOnEarly, "producers notice nothing")];

corelog_storage::mutants!();
