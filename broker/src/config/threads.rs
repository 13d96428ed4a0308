//! Kafka's rule for counts of threads that change at run time: to no less than half of what there are, and to no more than
//! twice as many.

use super::{broker::ConfigError, settings::Settings};

/// What the rule holds for.
const COUNTS: &[&str] = &[
    "background.threads",
    "num.io.threads",
    "num.network.threads",
    "num.recovery.threads.per.data.dir",
    "num.replica.fetchers",
];

/// Checks a change of the values in force.
pub fn check(before: &Settings, after: &Settings) -> Result<(), ConfigError> {
    for key in COUNTS {
        let (old, new) = (before.number(key), after.number(key));
        let wrong = if new < old / 2 {
            format!("value should be at least half the current value {old}")
        } else if new > old.saturating_mul(2) {
            format!("value should not be greater than double the current value {old}")
        } else {
            continue;
        };
        return Err(ConfigError(format!("Dynamic thread count update validation failed for {key}={new}, {wrong}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_count_of_threads_doubles_or_halves_at_most() {
        let before = Settings::default();
        let of = |count: &str| {
            let own = [("num.io.threads".to_owned(), count.to_owned())].into_iter().collect();
            check(&before, &before.with_dynamic(Arc::default(), Arc::new(own)))
        };
        for good in ["4", "8", "16"] {
            assert_eq!(of(good), Ok(()), "{good}");
        }
        assert!(of("3").expect_err("too few").0.ends_with("at least half the current value 8"));
        assert!(of("17").expect_err("too many").0.ends_with("greater than double the current value 8"));
    }
}
