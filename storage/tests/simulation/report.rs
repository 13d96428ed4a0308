//! What a simulated run saw.

use std::fmt;

use corelog_storage::sim::Counters;

/// What one or more runs saw, by kind, and the trace hash of the last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Faults injected, recoveries, records verified.
    pub(crate) counters: Counters,
    /// Of everything that happened.
    pub(crate) trace: u64,
}

impl Report {
    /// Adds another run's counts.
    pub(crate) fn merge(&mut self, other: &Report) {
        self.counters.merge(&other.counters);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counters.iter().try_for_each(|(kind, many)| writeln!(f, "  {many:>9}  {kind}"))
    }
}
