//! Whether a node is alive, and whether it is ready, from what its cores posted.

use corelog_storage::env::Instant;

use super::board::{Life, Posted};
use crate::limits;

/// A verdict, with what a person reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether all is well.
    pub well: bool,
    /// One line.
    pub text: String,
}

impl Verdict {
    fn well(text: &str) -> Self {
        Self { well: true, text: text.to_owned() }
    }

    fn not(text: String) -> Self {
        Self { well: false, text }
    }
}

/// Alive: no core that began to serve has fallen silent. A node that starts or stops is alive.
pub fn alive(posted: &Posted, now: Instant) -> Verdict {
    let silence = |taken: Instant| now.since(taken);
    let silent = posted.cores.values().find(|core| silence(core.taken) > limits::METRICS_SILENCE);
    match (posted.life, silent) {
        (Life::Serving, Some(core)) => {
            let seconds = silence(core.taken).as_secs();
            Verdict::not(format!("core {} has not moved for {seconds} s", core.core))
        }
        _ => Verdict::well("alive"),
    }
}

/// Ready: every core serves, and every group is loaded.
pub fn ready(posted: &Posted, now: Instant, cores: u16) -> Verdict {
    let loading: usize = posted.cores.values().map(|core| core.coordinators_loading).sum();
    match posted.life {
        Life::Starting => Verdict::not("starting".to_owned()),
        Life::Stopping => Verdict::not("stopping".to_owned()),
        Life::Serving if posted.cores.len() < usize::from(cores) => {
            Verdict::not(format!("{} of {cores} cores serve", posted.cores.len()))
        }
        Life::Serving if loading > 0 => Verdict::not(format!("{loading} coordinators still read their groups")),
        Life::Serving => match alive(posted, now) {
            Verdict { well: true, .. } => Verdict::well("ready"),
            dead => dead,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{core::env::CoreId, metrics::snapshot::CoreSnapshot};

    const NOW: Instant = Instant(100_000_000_000);

    fn posted(life: Life, ages: &[u64], loading: usize) -> Posted {
        let core = |(place, age): (usize, &u64)| {
            let id = CoreId(place as u16);
            let taken = Instant(NOW.0 - age * 1_000_000_000);
            (id, Arc::new(CoreSnapshot { taken, coordinators_loading: loading, ..CoreSnapshot::of_nothing(id) }))
        };
        Posted { life, cores: ages.iter().enumerate().map(core).collect() }
    }

    #[test]
    fn a_node_is_ready_once_all_cores_serve_and_all_groups_are_loaded() {
        let said = |posted: &Posted| ready(posted, NOW, 2).text;
        assert_eq!(said(&posted(Life::Starting, &[], 0)), "starting");
        assert_eq!(said(&posted(Life::Serving, &[0], 0)), "1 of 2 cores serve");
        assert_eq!(said(&posted(Life::Serving, &[0, 0], 3)), "6 coordinators still read their groups");
        assert_eq!(ready(&posted(Life::Serving, &[0, 0], 0), NOW, 2), Verdict::well("ready"));
        assert_eq!(said(&posted(Life::Stopping, &[0, 0], 0)), "stopping");
    }

    #[test]
    fn a_core_that_falls_silent_is_neither_alive_nor_ready() {
        let silent = posted(Life::Serving, &[1, 30], 0);
        let verdict = alive(&silent, NOW);
        assert_eq!((verdict.well, verdict.text.as_str()), (false, "core 1 has not moved for 30 s"));
        assert!(!ready(&silent, NOW, 2).well);
        assert!(alive(&posted(Life::Serving, &[1, 3], 0), NOW).well);
        assert!(alive(&posted(Life::Starting, &[], 0), NOW).well && alive(&posted(Life::Stopping, &[60], 0), NOW).well);
    }
}
