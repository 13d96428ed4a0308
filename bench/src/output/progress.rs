//! The line on a terminal that says how far a run is.

use crate::engine::Second;
use std::io::{IsTerminal, Write};

/// Writes to standard error, if that is a terminal.
pub(crate) struct Progress {
    live: bool,
    head: String,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { live: std::io::stderr().is_terminal(), head: String::new() }
    }

    /// What runs now.
    pub(crate) fn at(&mut self, head: String) {
        self.head = head;
        self.show("");
    }

    pub(crate) fn second(&self, second: &Second) {
        let some = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.0}"));
        let Second { requests_per_s, delivered_per_s, p50, p99, .. } = second;
        self.show(&format!(
            "{requests_per_s:.0} requests/s, {delivered_per_s:.0} delivered/s, p50 {} us, p99 {} us, CPU {} ms/s",
            some(*p50),
            some(*p99),
            some(second.cpu_ms_per_s),
        ));
    }

    fn show(&self, rest: &str) {
        if self.live {
            // The line is for people only: a terminal that is gone takes nothing away from a run.
            let _ = write!(std::io::stderr(), "\r\x1b[K{}  {rest}", self.head);
        }
    }

    /// Leaves the terminal as it was.
    pub(crate) fn end(&self) {
        if self.live {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
