//! The configurations of a subscription to clients' metrics (KIP-714). They are kept and described; clients are not asked
//! for metrics yet.

use super::definition::{
    Definition,
    Effect::NotYet,
    Kind::{Int, List},
};

/// Milliseconds between two pushes, both ends included.
pub const INTERVAL_MS: std::ops::RangeInclusive<i64> = 100..=3_600_000;

/// What `match` may ask of a client.
const MATCHED: &[&str] = &[
    "client_id",
    "client_instance_id",
    "client_software_name",
    "client_software_version",
    "client_source_address",
    "client_source_port",
];

/// Every such key.
pub const CLIENT_METRICS_KEYS: &[Definition] = &[
    Definition::new("interval.ms", Int, "300000", "How often clients push.").effect(NotYet),
    Definition::new("match", List, "", "Which clients: pairs of a property and a regular expression.").effect(NotYet),
    Definition::new("metrics", List, "", "Which metrics, by the beginnings of their names.").effect(NotYet),
];

/// The definition of such a key.
pub fn find(name: &str) -> Option<&'static Definition> {
    CLIENT_METRICS_KEYS.iter().find(|key| key.name == name)
}

/// Whether an entry of `match` names a property that clients have.
pub fn is_match(entry: &str) -> bool {
    entry
        .split_once('=')
        .is_some_and(|(property, pattern)| MATCHED.contains(&property.trim()) && !pattern.trim().is_empty())
}
