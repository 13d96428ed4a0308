//! What the values of several broker keys must be to each other: at the start, and again when one is changed at run time.

use super::{broker::ConfigError, settings::Settings};

/// Pairs of keys of which the first must not be above the second.
const ORDER: &[(&str, &str)] = &[
    ("group.min.session.timeout.ms", "group.max.session.timeout.ms"),
    ("log.cleaner.min.compaction.lag.ms", "log.cleaner.max.compaction.lag.ms"),
    ("replica.fetch.wait.max.ms", "replica.socket.timeout.ms"),
    ("replica.fetch.wait.max.ms", "replica.lag.time.max.ms"),
    ("group.share.max.size", "group.share.max.share.sessions"),
    ("group.streams.num.standby.replicas", "group.streams.max.standby.replicas"),
];

/// Keys of groups that have a least and a greatest value beside them.
const BOUNDED: &[(&str, &str)] = &[
    ("group.consumer.", "assignment.interval.ms"),
    ("group.consumer.", "heartbeat.interval.ms"),
    ("group.consumer.", "session.timeout.ms"),
    ("group.share.", "assignment.interval.ms"),
    ("group.share.", "delivery.count.limit"),
    ("group.share.", "heartbeat.interval.ms"),
    ("group.share.", "partition.max.record.locks"),
    ("group.share.", "record.lock.duration.ms"),
    ("group.share.", "session.timeout.ms"),
    ("group.streams.", "assignment.interval.ms"),
    ("group.streams.", "heartbeat.interval.ms"),
    ("group.streams.", "session.timeout.ms"),
];

/// Checks values that are each right by themselves.
pub fn check(settings: &Settings) -> Result<(), ConfigError> {
    let refuse = |what: &str| Err(ConfigError(what.to_owned()));
    let retention = ["log.retention.ms", "log.retention.minutes", "log.retention.hours"];
    if let Some(zero) = retention.into_iter().find(|key| settings.value(key) == Some("0")) {
        return Err(ConfigError(format!("{zero} must not be 0; -1 keeps records for ever")));
    }
    if settings.optional_number("log.roll.ms").is_some_and(|ms| ms < 1) {
        return refuse("log.roll.ms must be at least 1");
    }
    if settings.optional_number("log.roll.jitter.ms").is_some_and(|ms| ms < 0) {
        return refuse("log.roll.jitter.ms must be at least 0");
    }
    let overrides = settings.value("max.connections.per.ip.overrides").unwrap_or_default();
    if settings.number("max.connections.per.ip") == 0 && overrides.is_empty() {
        return refuse(
            "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.",
        );
    }
    for (least, most) in ORDER {
        in_order(settings, least, most)?;
    }
    for (family, key) in BOUNDED {
        let value = format!("{family}{key}");
        in_order(settings, &format!("{family}min.{key}"), &value)?;
        in_order(settings, &value, &format!("{family}max.{key}"))?;
    }
    Ok(())
}

fn in_order(settings: &Settings, least: &str, most: &str) -> Result<(), ConfigError> {
    let (low, high) = (settings.number(least), settings.number(most));
    if low > high {
        return Err(ConfigError(format!("{least} ({low}) is above {most} ({high})")));
    }
    Ok(())
}
