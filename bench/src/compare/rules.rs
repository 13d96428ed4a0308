//! Which slices do not count, by rules that are fixed before the run and see no result.
//!
//! **Steal**: another virtual machine had the processors, measured while the slice counts. **Pressure**: tasks waited for a
//! processor, measured in a pause before the slice, while this load rests. During a slice it would not be blind: where
//! client and broker share processors, a broker that needs more of them makes more tasks wait.

use crate::error::Result;
use crate::machine::Machine;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The pause, of which the first half lets the load before come to rest.
const REST: Duration = Duration::from_millis(200);

/// Shares of time, of 1.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) most_steal: f64,
    pub(crate) most_pressure: f64,
}

/// How busy the machine is with other work.
pub(crate) fn pressure_at_rest() -> Result<f64> {
    std::thread::sleep(REST);
    let (began, before) = (Instant::now(), Machine::read()?);
    std::thread::sleep(REST);
    Ok(Machine::read()?.since(&before).pressure / began.elapsed().as_secs_f64())
}

impl Rules {
    /// Why a slice does not count.
    pub(crate) fn discard(&self, pressure: f64, steal: f64) -> Option<String> {
        let percent = |share: f64| share * 100.0;
        if steal > self.most_steal {
            return Some(format!("steal {:.1} %, more than {:.1} %", percent(steal), percent(self.most_steal)));
        }
        (pressure > self.most_pressure).then(|| {
            format!("pressure {:.0} % before it, more than {:.0} %", percent(pressure), percent(self.most_pressure))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_a_bound_is_discarded_with_the_reason() {
        let rules = Rules { most_steal: 0.05, most_pressure: 0.2 };
        assert_eq!(rules.discard(0.2, 0.05), None);
        assert_eq!(rules.discard(0.0, 0.061).as_deref(), Some("steal 6.1 %, more than 5.0 %"));
        assert_eq!(rules.discard(0.5, 0.0).as_deref(), Some("pressure 50 % before it, more than 20 %"));
    }
}
