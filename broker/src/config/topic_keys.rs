//! The 33 configurations of a topic (and one that tests of small segments use), and what each inherits from the broker.

use super::{
    broker_keys::{CLEANUP_POLICIES, COMPRESSION_TYPES, TIMESTAMP_TYPES},
    definition::{
        Definition,
        Effect::{NotNeeded, NotYet},
        Kind,
        Kind::{Boolean, Double, Int, List, Long},
        Valid::{AtLeast, Between, Fraction, OneOf, OrBetween, ThrottledReplicas},
    },
};

/// A broker key that a topic key inherits from, and how many of the topic's units one of its units is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inherited {
    /// The broker's key.
    pub key: &'static str,
    /// One hour is 3,600,000 ms, say.
    pub factor: i64,
}

/// A topic key.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TopicKey {
    /// What it is.
    pub definition: Definition,
    /// The broker's keys for it, the first that is set wins; the last has a default.
    pub inherits: &'static [Inherited],
    /// Left out of descriptions unless set.
    pub hidden: bool,
}

const MAX_LONG: &str = "9223372036854775807";
const MINUTE: i64 = 60_000;
const HOUR: i64 = 3_600_000;

/// The definition of a topic key.
pub fn find(name: &str) -> Option<&'static TopicKey> {
    TOPIC_KEYS.iter().find(|key| key.definition.name == name)
}

const fn own(definition: Definition) -> TopicKey {
    TopicKey { definition, inherits: &[], hidden: false }
}

const fn from(definition: Definition, inherits: &'static [Inherited]) -> TopicKey {
    TopicKey { definition, inherits, hidden: false }
}

const fn same(key: &'static str) -> Inherited {
    Inherited { key, factor: 1 }
}

const fn times(key: &'static str, factor: i64) -> Inherited {
    Inherited { key, factor }
}

/// Every topic key, by name.
#[rustfmt::skip]
pub const TOPIC_KEYS: &[TopicKey] = &[
    from(Definition::new("cleanup.policy", List, "delete", "What becomes of old records: delete, compact, both or neither. compact refuses records without a key; old records of a key stay, as compaction comes later.").valid(OneOf(CLEANUP_POLICIES)), &[same("log.cleanup.policy")]),
    from(Definition::new("compression.gzip.level", Int, "-1", "gzip's level.").valid(OrBetween(-1, 1, 9)), &[same("compression.gzip.level")]),
    from(Definition::new("compression.lz4.level", Int, "9", "lz4's level.").valid(Between(1, 17)).effect(NotNeeded), &[same("compression.lz4.level")]),
    from(Definition::new("compression.type", Kind::String, "producer", "The codec records are kept in; producer keeps them as they came.").valid(OneOf(COMPRESSION_TYPES)), &[same("compression.type")]),
    from(Definition::new("compression.zstd.level", Int, "3", "zstd's level.").valid(Between(-131072, 22)), &[same("compression.zstd.level")]),
    from(Definition::new("delete.retention.ms", Long, "86400000", "How long compaction keeps a tombstone.").valid(AtLeast(0)).effect(NotYet), &[same("log.cleaner.delete.retention.ms")]),
    from(Definition::new("file.delete.delay.ms", Long, "60000", "How long a deleted segment's file stays.").valid(AtLeast(0)).effect(NotNeeded), &[same("log.segment.delete.delay.ms")]),
    from(Definition::new("flush.messages", Long, "1", "Records after which the log is made durable. 1, the default here, acknowledges durable records only; Kafka's default is never.").valid(AtLeast(1)), &[same("log.flush.interval.messages")]),
    from(Definition::new("flush.ms", Long, MAX_LONG, "Time after which the log is made durable.").valid(AtLeast(0)), &[same("log.flush.interval.ms"), same("log.flush.scheduler.interval.ms")]),
    own(Definition::new("follower.replication.throttled.replicas", List, "", "Replicas whose replication is throttled where it arrives.").valid(ThrottledReplicas).effect(NotYet)),
    from(Definition::new("index.interval.bytes", Int, "4096", "Bytes of log for each index entry.").valid(AtLeast(0)).effect(NotNeeded), &[same("log.index.interval.bytes")]),
    TopicKey { definition: Definition::unset("internal.segment.bytes", Int, "A segment size below the least that segment.bytes takes, for tests."), inherits: &[], hidden: true },
    own(Definition::new("leader.replication.throttled.replicas", List, "", "Replicas whose replication is throttled where it leaves.").valid(ThrottledReplicas).effect(NotYet)),
    from(Definition::new("local.retention.bytes", Long, "-2", "Bytes kept locally of a tiered topic; -2 is retention.bytes.").valid(AtLeast(-2)).effect(NotYet), &[same("log.local.retention.bytes")]),
    from(Definition::new("local.retention.ms", Long, "-2", "Time kept locally of a tiered topic; -2 is retention.ms.").valid(AtLeast(-2)).effect(NotYet), &[same("log.local.retention.ms")]),
    from(Definition::new("max.compaction.lag.ms", Long, MAX_LONG, "How long a record may stay uncompacted.").valid(AtLeast(1)).effect(NotYet), &[same("log.cleaner.max.compaction.lag.ms")]),
    from(Definition::new("max.message.bytes", Int, "1048588", "The largest record batch.").valid(AtLeast(0)), &[same("message.max.bytes")]),
    from(Definition::new("message.timestamp.after.max.ms", Long, "3600000", "How far ahead of the broker's clock a timestamp may be.").valid(AtLeast(0)), &[same("log.message.timestamp.after.max.ms")]),
    from(Definition::new("message.timestamp.before.max.ms", Long, MAX_LONG, "How far behind the broker's clock a timestamp may be.").valid(AtLeast(0)), &[same("log.message.timestamp.before.max.ms")]),
    from(Definition::new("message.timestamp.type", Kind::String, "CreateTime", "Whose clock stamps records.").valid(OneOf(TIMESTAMP_TYPES)), &[same("log.message.timestamp.type")]),
    from(Definition::new("min.cleanable.dirty.ratio", Double, "0.5", "Share of uncompacted bytes that makes compaction worthwhile.").valid(Fraction).effect(NotYet), &[same("log.cleaner.min.cleanable.ratio")]),
    from(Definition::new("min.compaction.lag.ms", Long, "0", "How long a record stays uncompacted.").valid(AtLeast(0)).effect(NotYet), &[same("log.cleaner.min.compaction.lag.ms")]),
    from(Definition::new("min.insync.replicas", Int, "1", "In-sync replicas that acks=all needs.").valid(AtLeast(1)), &[same("min.insync.replicas")]),
    from(Definition::new("preallocate", Boolean, "false", "Whether a segment is allocated whole.").effect(NotNeeded), &[same("log.preallocate")]),
    own(Definition::new("remote.log.copy.disable", Boolean, "false", "Whether a tiered topic stops copying.").effect(NotYet)),
    own(Definition::new("remote.log.delete.on.disable", Boolean, "false", "Whether tiered data goes when tiering is turned off.").effect(NotYet)),
    own(Definition::new("remote.storage.enable", Boolean, "false", "Whether the topic is tiered.").effect(NotYet)),
    from(Definition::new("retention.bytes", Long, "-1", "Bytes kept of each partition; -1 is all."), &[same("log.retention.bytes")]),
    from(Definition::new("retention.ms", Long, "604800000", "How long records are kept; -1 is for ever.").valid(AtLeast(-1)), &[same("log.retention.ms"), times("log.retention.minutes", MINUTE), times("log.retention.hours", HOUR)]),
    from(Definition::new("segment.bytes", Int, "1073741824", "Size at which a segment rolls.").valid(AtLeast(1048576)), &[same("log.segment.bytes")]),
    from(Definition::new("segment.index.bytes", Int, "10485760", "Size of an index at which a segment rolls.").valid(AtLeast(4)).effect(NotNeeded), &[same("log.index.size.max.bytes")]),
    from(Definition::new("segment.jitter.ms", Long, "0", "Random part of the age at which a segment rolls.").valid(AtLeast(0)), &[same("log.roll.jitter.ms"), times("log.roll.jitter.hours", HOUR)]),
    from(Definition::new("segment.ms", Long, "604800000", "Age at which a segment rolls.").valid(AtLeast(1)), &[same("log.roll.ms"), times("log.roll.hours", HOUR)]),
    from(Definition::new("unclean.leader.election.enable", Boolean, "false", "Whether a replica that may lack records may lead.").effect(NotYet), &[same("unclean.leader.election.enable")]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::broker_keys;

    #[test]
    fn there_are_33_described_topic_keys_in_order_and_each_default_is_valid() {
        assert_eq!(TOPIC_KEYS.iter().filter(|key| !key.hidden).count(), 33);
        assert!(TOPIC_KEYS.windows(2).all(|pair| pair[0].definition.name < pair[1].definition.name));
        for definition in TOPIC_KEYS.iter().map(|key| &key.definition).chain(broker_keys::all()) {
            let Some(default) = definition.default else { continue };
            assert_eq!(definition.normalize(default).as_deref(), Ok(default), "{}", definition.name);
        }
    }

    #[test]
    fn a_topics_default_is_what_the_broker_keys_defaults_give() {
        for key in TOPIC_KEYS.iter().filter(|key| !key.inherits.is_empty()) {
            let inherited = key
                .inherits
                .iter()
                .find_map(|from| {
                    let default = broker_keys::find(from.key).expect("a broker key").default?;
                    Some(match from.factor {
                        1 => default.to_owned(),
                        factor => (default.parse::<i64>().expect("a number") * factor).to_string(),
                    })
                })
                .expect("the last broker key has a default");
            assert_eq!(Some(inherited.as_str()), key.definition.default, "{}", key.definition.name);
        }
    }
}
