//! The keys of the broker's file that mean something here: Kafka's names where the meaning is Kafka's, and ours.

use super::{
    definition::{
        Definition, Effect, Kind,
        Kind::{Boolean, Double, Int, List, Long, Short},
        Valid::{AtLeast, Between, ConnectionCounts, Fraction, NotEmpty, OneOf, OrBetween},
    },
    kafka_keys::KAFKA_KEYS,
};

const MAX_LONG: &str = "9223372036854775807";
const MAX_INT: &str = "2147483647";

/// The codecs a topic may name, and `producer` for "as it came".
pub(super) const COMPRESSION_TYPES: &[&str] = &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"];
/// What may become of old records.
pub(super) const CLEANUP_POLICIES: &[&str] = &["compact", "delete"];
/// Whose clock stamps a record.
pub(super) const TIMESTAMP_TYPES: &[&str] = &["CreateTime", "LogAppendTime"];

/// The forms of log lines.
const LOG_FORMATS: &[&str] = &["text", "json"];

const fn text(name: &'static str, default: &'static str, purpose: &'static str) -> Definition {
    Definition::new(name, Kind::String, default, purpose)
}

/// The definition of a broker key.
pub fn find(name: &str) -> Option<&'static Definition> {
    all().find(|key| key.name == name)
}

/// The keys that, with a listener's prefix, may be set for all brokers; all others are one broker's.
pub const CLUSTER_WIDE_BY_LISTENER: [&str; 3] =
    ["max.connection.creation.rate", "max.connections", "num.network.threads"];

/// The key behind a listener's prefix, `listener.name.LISTENER.`.
pub fn without_listener(name: &str) -> Option<&str> {
    let (_, key) = name.strip_prefix("listener.name.")?.split_once('.')?;
    Some(key)
}

/// The definition of a key with a listener's prefix that means something here.
pub fn obeyed_for_listener(name: &str) -> Option<&'static Definition> {
    let key = without_listener(name)?;
    ["max.connection.creation.rate", "max.connections"].contains(&key).then(|| find(key)).flatten()
}

/// The definition of a key that may have a listener's prefix, and a SASL mechanism's behind it.
pub fn find_for_listener(name: &str) -> Option<&'static Definition> {
    let Some(key) = without_listener(name) else {
        return find(name).or_else(|| RUN_TIME_KEYS.iter().find(|key| key.name == name));
    };
    find(key).or_else(|| find(key.split_once('.')?.1))
}

/// Every key a broker is described with: those that it obeys, and the others of Kafka's.
pub fn all() -> impl Iterator<Item = &'static Definition> {
    BROKER_KEYS.iter().chain(KAFKA_KEYS)
}

/// How fast partitions are copied that move between data directories: each core may take its part of it.
pub const COPY_RATE: &str = "replica.alter.log.dirs.io.max.bytes.per.second";

/// Keys that no file has, and that are described once they are set at run time only, as Kafka's.
const RUN_TIME_KEYS: &[Definition] = &[
    Definition::unset(
        COPY_RATE,
        Long,
        "Bytes in a second that are copied of partitions that move between data directories.",
    )
    .valid(AtLeast(0)),
    Definition::unset("leader.replication.throttled.rate", Long, "There is one node.")
        .valid(AtLeast(0))
        .effect(Effect::NotYet),
    Definition::unset("follower.replication.throttled.rate", Long, "There is one node.")
        .valid(AtLeast(0))
        .effect(Effect::NotYet),
];

/// Every key, by topic of interest.
#[rustfmt::skip]
pub const BROKER_KEYS: &[Definition] = &[
    // What this process is, and where.
    Definition::new("node.id", Int, "0", "This node's id; clients see it as the broker's.").valid(AtLeast(0)),
    Definition::unset("broker.rack", Kind::String, "Where this node stands, for replicas to be spread."),
    Definition::new("listeners", List, "PLAINTEXT://127.0.0.1:9092", "Where the node listens: NAME://HOST:PORT.").valid(NotEmpty),
    Definition::unset("advertised.listeners", List, "What clients are told to connect to, by listener name; the listeners themselves unless set.").valid(NotEmpty),
    Definition::unset("core.listeners", List, "Listeners that advertise each core as a broker of its own: core I listens on PORT + I.").valid(NotEmpty),
    Definition::unset("advertised.core.listeners", List, "What clients of core listeners are told; PORT is core 0's.").valid(NotEmpty),
    text("log.dir", "corelog-data", "The data directory, or several."),
    Definition::unset("log.dirs", List, "The data directories, one for each disk; takes precedence over log.dir.").valid(NotEmpty),
    Definition::unset("cores", Int, "How many cores to run on; all of this machine's unless set.").valid(Between(1, 1000)),
    Definition::unset("memory", Kind::String, "Memory for buffers, caches and unsent answers, such as 512MiB; a quarter of the machine's or the cgroup's unless set."),
    text("journal.size", "256MiB", "Size of each core's journal in each data directory."),
    Definition::new("core.spin.us", Int, "0", "How long a core without work looks for some before it sleeps, in microseconds. For cores with CPUs of their own: elsewhere it takes time from those it waits for.").valid(Between(0, 1_000_000)),
    Definition::new("core.gather", Boolean, "true", "Whether partitions in use gather on the first core while that has time for all of them, and part when there is more to do; and whether cores that have little to do share the CPU that the disk interrupts, where it interrupts one alone, as in many virtual machines."),
    Definition::new("connections.hand.over", Boolean, "true", "Whether a connection moves to the core that owns what it keeps asking for."),
    // Topics.
    Definition::new("auto.create.topics.enable", Boolean, "true", "Whether asking for an unknown topic creates it."),
    Definition::new("delete.topic.enable", Boolean, "true", "Whether topics may be deleted."),
    Definition::new("num.partitions", Int, "1", "Partitions of a topic that does not say.").valid(AtLeast(1)),
    Definition::new("default.replication.factor", Int, "1", "Replicas of a topic that does not say."),
    Definition::new("min.insync.replicas", Int, "1", "In-sync replicas that acks=all needs.").valid(AtLeast(1)).cluster(),
    Definition::new("unclean.leader.election.enable", Boolean, "false", "Whether a replica that may lack records may lead.").effect(Effect::NotYet).cluster(),
    // Logs: what a topic without a value of its own inherits.
    Definition::new("log.cleanup.policy", List, "delete", "What becomes of old records.").valid(OneOf(CLEANUP_POLICIES)).cluster(),
    text("compression.type", "producer", "The codec records are kept in.").valid(OneOf(COMPRESSION_TYPES)).cluster(),
    Definition::new("compression.gzip.level", Int, "-1", "gzip's level.").valid(OrBetween(-1, 1, 9)).cluster(),
    Definition::new("compression.lz4.level", Int, "9", "lz4's level.").valid(Between(1, 17)).effect(Effect::NotNeeded).cluster(),
    Definition::new("compression.zstd.level", Int, "3", "zstd's level.").valid(Between(-131072, 22)).cluster(),
    Definition::new("log.cleaner.delete.retention.ms", Long, "86400000", "How long compaction keeps a tombstone.").valid(AtLeast(0)).effect(Effect::NotYet).cluster(),
    Definition::new("log.cleaner.max.compaction.lag.ms", Long, MAX_LONG, "How long a record may stay uncompacted.").valid(AtLeast(1)).effect(Effect::NotYet).cluster(),
    Definition::new("log.cleaner.min.compaction.lag.ms", Long, "0", "How long a record stays uncompacted.").valid(AtLeast(0)).effect(Effect::NotYet).cluster(),
    Definition::new("log.cleaner.min.cleanable.ratio", Double, "0.5", "Share of uncompacted bytes that makes compaction worthwhile.").valid(Fraction).effect(Effect::NotYet).cluster(),
    Definition::new("log.flush.interval.messages", Long, "1", "Records after which a partition is made durable; Kafka's default is never.").valid(AtLeast(1)).cluster(),
    Definition::unset("log.flush.interval.ms", Long, "Time after which a partition is made durable.").cluster(),
    Definition::new("log.flush.scheduler.interval.ms", Long, MAX_LONG, "Stands in for log.flush.interval.ms."),
    Definition::new("log.index.interval.bytes", Int, "4096", "Bytes of log for each index entry.").valid(AtLeast(0)).effect(Effect::NotNeeded).cluster(),
    Definition::new("log.index.size.max.bytes", Int, "10485760", "Size of an index at which a segment rolls.").valid(AtLeast(4)).effect(Effect::NotNeeded).cluster(),
    Definition::new("log.local.retention.bytes", Long, "-2", "Bytes kept locally of a tiered topic.").valid(AtLeast(-2)).effect(Effect::NotYet).cluster(),
    Definition::new("log.local.retention.ms", Long, "-2", "Time kept locally of a tiered topic.").valid(AtLeast(-2)).effect(Effect::NotYet).cluster(),
    Definition::new("log.message.timestamp.after.max.ms", Long, "3600000", "How far ahead a producer's timestamp may be.").valid(AtLeast(0)).cluster(),
    Definition::new("log.message.timestamp.before.max.ms", Long, MAX_LONG, "How far back a producer's timestamp may be.").valid(AtLeast(0)).cluster(),
    text("log.message.timestamp.type", "CreateTime", "Whose clock stamps records.").valid(OneOf(TIMESTAMP_TYPES)).cluster(),
    Definition::new("log.preallocate", Boolean, "false", "Whether a segment is allocated whole.").effect(Effect::NotNeeded).cluster(),
    Definition::new("log.retention.bytes", Long, "-1", "Bytes kept of a partition; -1 is all.").cluster(),
    Definition::new("log.retention.check.interval.ms", Long, "300000", "How often retention looks.").valid(AtLeast(1)),
    Definition::new("log.retention.hours", Int, "168", "How long records are kept, unless the minutes are set."),
    Definition::unset("log.retention.minutes", Int, "How long records are kept, unless the milliseconds are set."),
    Definition::unset("log.retention.ms", Long, "How long records are kept; -1 is for ever.").cluster(),
    Definition::new("log.roll.hours", Int, "168", "Age at which a segment rolls, unless the milliseconds are set.").valid(AtLeast(1)),
    Definition::new("log.roll.jitter.hours", Int, "0", "Random part of that age, unless the milliseconds are set.").valid(AtLeast(0)),
    Definition::unset("log.roll.jitter.ms", Long, "Random part of the age at which a segment rolls.").cluster(),
    Definition::unset("log.roll.ms", Long, "Age at which a segment rolls.").cluster(),
    Definition::new("log.segment.bytes", Int, "1073741824", "Size at which a segment rolls.").valid(AtLeast(1048576)).cluster(),
    Definition::new("log.segment.delete.delay.ms", Long, "60000", "How long a deleted segment's file stays.").valid(AtLeast(0)).effect(Effect::NotNeeded).cluster(),
    Definition::new("message.max.bytes", Int, "1048588", "The largest record batch.").valid(AtLeast(0)).cluster(),
    // What an operator sees.
    text("logging.format", "text", "The form of the broker's own log lines.").valid(OneOf(LOG_FORMATS)),
    text("metrics.listener", "127.0.0.1:9404", "Where metrics and health are served over HTTP: HOST:PORT, or none."),
    // Requests and connections.
    Definition::new("connections.max.idle.ms", Long, "600000", "How long a silent connection stays open."),
    Definition::new("fetch.max.bytes", Int, "57671680", "The largest answer to a fetch.").valid(AtLeast(1024)),
    Definition::new("max.connections", Int, MAX_INT, "Connections of this node; one above waits until another goes. With listener.name.NAME. before it, of that listener.").valid(AtLeast(0)).cluster(),
    Definition::new("max.connections.per.ip", Int, MAX_INT, "Connections of one address; one above is closed.").valid(AtLeast(0)).cluster(),
    text("max.connections.per.ip.overrides", "", "The same for some addresses: ADDRESS:COUNT,...").valid(ConnectionCounts).cluster(),
    Definition::new("max.connection.creation.rate", Int, MAX_INT, "New connections of this node in a second; others wait. With listener.name.NAME. before it, of that listener.").valid(AtLeast(0)).cluster(),
    Definition::new("max.incremental.fetch.session.cache.slots", Int, "1000", "Fetch sessions kept by each core; a connection has one at most.").valid(AtLeast(0)),
    Definition::new("max.request.partition.size.limit", Int, "2000", "Partitions that DescribeTopicPartitions answers at once.").valid(AtLeast(1)),
    Definition::new("socket.request.max.bytes", Int, "104857600", "The largest request; no API takes more than the default.").valid(AtLeast(1)),
    // Quotas of clients.
    Definition::new("quota.window.num", Int, "11", "Samples that rates of clients' quotas are taken over.").valid(AtLeast(1)),
    Definition::new("quota.window.size.seconds", Int, "1", "The length of one such sample.").valid(AtLeast(1)),
    Definition::new("controller.quota.window.num", Int, "11", "Samples whose worth of partitions a client may create and delete at once.").valid(AtLeast(1)),
    Definition::new("controller.quota.window.size.seconds", Int, "1", "The length of one such sample.").valid(AtLeast(1)),
    // Producers.
    Definition::new("producer.id.expiration.ms", Int, "86400000", "How long an idle producer's state is kept.").valid(AtLeast(1)).cluster(),
    Definition::new("transaction.max.timeout.ms", Int, "900000", "The longest transaction.").valid(AtLeast(1)).effect(Effect::NotYet),
    // Groups and their offsets.
    Definition::new("group.coordinator.append.linger.ms", Int, "-1", "How long committed offsets may wait to be written together, where they come often enough; -1 is 10.").valid(AtLeast(-1)),
    Definition::new("group.initial.rebalance.delay.ms", Int, "3000", "How long a new group waits for more members."),
    Definition::new("group.max.session.timeout.ms", Int, "1800000", "The longest session a member may ask for."),
    Definition::new("group.max.size", Int, MAX_INT, "Members of one group.").valid(AtLeast(1)),
    Definition::new("group.min.session.timeout.ms", Int, "6000", "The shortest session a member may ask for."),
    Definition::new("offset.metadata.max.bytes", Int, "4096", "The longest note beside a committed offset."),
    Definition::new("offsets.commit.timeout.ms", Int, "5000", "How long a commit may wait.").valid(AtLeast(1)).effect(Effect::NotYet),
    Definition::new("offsets.retention.check.interval.ms", Long, "600000", "How often expired offsets are looked for.").valid(AtLeast(1)),
    Definition::new("offsets.retention.minutes", Int, "10080", "How long the offsets of an empty group are kept.").valid(AtLeast(1)),
    Definition::new("offsets.topic.num.partitions", Int, "50", "Partitions of __consumer_offsets.").valid(AtLeast(1)),
    Definition::new("offsets.topic.replication.factor", Short, "3", "Replicas of __consumer_offsets, at most one for each node.").valid(AtLeast(1)),
    Definition::new("offsets.topic.segment.bytes", Int, "104857600", "Segment size of __consumer_offsets.").valid(AtLeast(1048576)), // no less than a topic's segment.bytes gets
];
