//! The 17 configurations of a group, what each inherits from the broker, and the broker's bounds on it.
//!
//! All of them are of group protocols that come later: they are kept and described.

use super::definition::{
    Definition,
    Effect::NotYet,
    Kind::{self, Boolean, Int},
    Valid::{AtLeast, OneOf, ResetStrategy},
};

/// A group key.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GroupKey {
    /// What it is.
    pub definition: Definition,
    /// The broker's key for it.
    pub inherits: Option<&'static str>,
    /// The broker's key that it must not be below.
    pub least: Option<&'static str>,
    /// The broker's key that it must not be above.
    pub most: Option<&'static str>,
}

/// Pairs of keys of which the first must be above the second.
pub const ABOVE: &[(&str, &str)] = &[
    ("consumer.session.timeout.ms", "consumer.heartbeat.interval.ms"),
    ("share.session.timeout.ms", "share.heartbeat.interval.ms"),
    ("streams.session.timeout.ms", "streams.heartbeat.interval.ms"),
];

/// The definition of a group key.
pub fn find(name: &str) -> Option<&'static GroupKey> {
    GROUP_KEYS.iter().find(|key| key.definition.name == name)
}

const fn int(name: &'static str, default: &'static str, least: i64, purpose: &'static str) -> GroupKey {
    own(Definition::new(name, Int, default, purpose).valid(AtLeast(least)))
}

const fn own(definition: Definition) -> GroupKey {
    GroupKey { definition: definition.effect(NotYet), inherits: None, least: None, most: None }
}

impl GroupKey {
    const fn from(mut self, broker_key: &'static str) -> Self {
        self.inherits = Some(broker_key);
        self
    }

    const fn at_least(mut self, broker_key: &'static str) -> Self {
        self.least = Some(broker_key);
        self
    }

    const fn at_most(mut self, broker_key: &'static str) -> Self {
        self.most = Some(broker_key);
        self
    }
}

/// Every group key, by name.
#[rustfmt::skip]
pub const GROUP_KEYS: &[GroupKey] = &[
    int("consumer.assignment.interval.ms", "1000", 0, "The least time between two assignments.").from("group.consumer.assignment.interval.ms").at_least("group.consumer.min.assignment.interval.ms").at_most("group.consumer.max.assignment.interval.ms"),
    int("consumer.heartbeat.interval.ms", "5000", 1, "How often a member says that it lives.").from("group.consumer.heartbeat.interval.ms").at_least("group.consumer.min.heartbeat.interval.ms").at_most("group.consumer.max.heartbeat.interval.ms"),
    int("consumer.session.timeout.ms", "45000", 1, "How long a silent member stays.").from("group.consumer.session.timeout.ms").at_least("group.consumer.min.session.timeout.ms").at_most("group.consumer.max.session.timeout.ms"),
    int("share.assignment.interval.ms", "1000", 0, "The least time between two assignments.").from("group.share.assignment.interval.ms").at_least("group.share.min.assignment.interval.ms").at_most("group.share.max.assignment.interval.ms"),
    own(Definition::new("share.auto.offset.reset", Kind::String, "latest", "Where a new share group begins.").valid(ResetStrategy)),
    int("share.delivery.count.limit", "5", 2, "How often a record is delivered at most.").from("group.share.delivery.count.limit").at_least("group.share.min.delivery.count.limit").at_most("group.share.max.delivery.count.limit"),
    int("share.heartbeat.interval.ms", "5000", 1, "How often a member says that it lives.").from("group.share.heartbeat.interval.ms").at_least("group.share.min.heartbeat.interval.ms").at_most("group.share.max.heartbeat.interval.ms"),
    own(Definition::new("share.isolation.level", Kind::String, "read_uncommitted", "Whether records of open transactions are delivered.").valid(OneOf(&["read_committed", "read_uncommitted"]))),
    int("share.partition.max.record.locks", "2000", 100, "Records of a partition that are delivered and undecided at most.").from("group.share.partition.max.record.locks").at_least("group.share.min.partition.max.record.locks").at_most("group.share.max.partition.max.record.locks"),
    int("share.record.lock.duration.ms", "30000", 1000, "How long a delivered record is nobody else's.").from("group.share.record.lock.duration.ms").at_least("group.share.min.record.lock.duration.ms").at_most("group.share.max.record.lock.duration.ms"),
    own(Definition::new("share.renew.acknowledge.enable", Boolean, "true", "Whether a reader may ask for more time.")),
    int("share.session.timeout.ms", "45000", 1, "How long a silent member stays.").from("group.share.session.timeout.ms").at_least("group.share.min.session.timeout.ms").at_most("group.share.max.session.timeout.ms"),
    int("streams.assignment.interval.ms", "1000", 0, "The least time between two assignments.").from("group.streams.assignment.interval.ms").at_least("group.streams.min.assignment.interval.ms").at_most("group.streams.max.assignment.interval.ms"),
    int("streams.heartbeat.interval.ms", "5000", 1, "How often a member says that it lives.").from("group.streams.heartbeat.interval.ms").at_least("group.streams.min.heartbeat.interval.ms").at_most("group.streams.max.heartbeat.interval.ms"),
    int("streams.initial.rebalance.delay.ms", "3000", 0, "How long a new group waits for more members.").from("group.streams.initial.rebalance.delay.ms"),
    int("streams.num.standby.replicas", "0", 0, "Copies of each task's state.").from("group.streams.num.standby.replicas").at_most("group.streams.max.standby.replicas"),
    int("streams.session.timeout.ms", "45000", 1, "How long a silent member stays.").from("group.streams.session.timeout.ms").at_least("group.streams.min.session.timeout.ms").at_most("group.streams.max.session.timeout.ms"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::broker_keys;

    #[test]
    fn every_group_key_starts_as_its_broker_key_does_and_within_its_bounds() {
        assert_eq!(GROUP_KEYS.len(), 17);
        let number = |key: &str| -> i64 {
            broker_keys::find(key).and_then(|key| key.default).and_then(|text| text.parse().ok()).expect("a number")
        };
        for key in GROUP_KEYS {
            let default = key.definition.default.expect("every group key has one");
            assert_eq!(key.definition.normalize(default).as_deref(), Ok(default));
            let Some(from) = key.inherits else { continue };
            assert_eq!(default, number(from).to_string(), "{from}");
            assert!(key.least.is_none_or(|least| number(least) <= number(from)), "{from}");
            assert!(key.most.is_none_or(|most| number(most) >= number(from)), "{from}");
        }
    }
}
