"""Administration as an operator's tools do it: configurations described and altered, good, bad and odd.

What comes back is decoded, since Kafka's order of keys is that of a hash table.
"""

import gzip

from protocol import *
from reader import Reader

TOPIC_TYPE, BROKER_TYPE, LOGGER_TYPE, METRICS_TYPE, GROUP_TYPE = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)
#: The topic whose configuration is changed.
ALTERED = "altered"
#: Topics that ask something of the records they take.
KEYED, PACKED, STRICT = "keyed", "packed", "strict"
TOPICS = [
    (ALTERED, 1, 1, []),
    (KEYED, 1, 1, [("cleanup.policy", "compact")]),
    (PACKED, 1, 1, [("compression.type", "zstd")]),
    (STRICT, 1, 1, [("min.insync.replicas", "2")]),
]

#: Not compared: set in the file of the Kafka that is compared with, or where each broker says where and what it is.
OWN = {
    "advertised.listeners", "broker.id", "controller.listener.names", "controller.quorum.bootstrap.servers", "listeners", "log.dir", "log.dirs",
    "node.id", "offsets.topic.replication.factor", "process.roles", "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.replication.factor", "transaction.state.log.min.isr", "transaction.state.log.replication.factor",
}  # fmt: skip
#: Corelog's own keys, and what differs on purpose: records are acknowledged when they are durable; and without eligible
#: leader replicas, min.insync.replicas is not set for all brokers when the cluster is made.
OWN |= {"advertised.core.listeners", "connections.hand.over", "core.gather", "core.listeners", "core.spin.us", "cores"}
OWN |= {"journal.size", "logging.format", "memory", "metrics.listener"}
OWN |= {"flush.messages", "log.flush.interval.messages", "min.insync.replicas"}


def described(frame):
    """DescribeConfigs, version 3: everything but the documentation, which is each broker's own."""

    def config(reader):
        name, value, read_only, source, sensitive = reader.text(), reader.text(), reader.take("?"), reader.take("b"), reader.take("?")
        synonyms = reader.rows(lambda r: (r.text(), r.text(), r.take("b")))
        kind = reader.take("b")
        reader.text()
        return name, value, read_only, source, sensitive, tuple(synonyms), kind

    def result(reader):
        code, message, kind, name = reader.take("h"), reader.text(), reader.take("b"), reader.text()
        configs = [row for row in reader.rows(config) if row[0] not in OWN]
        return code, message, kind, name, tuple(sorted(configs))

    reader = Reader(frame)
    reader.take("i")
    return tuple(sorted(reader.rows(result), key=repr))


def altered(frame):
    """AlterConfigs and IncrementalAlterConfigs, before they are flexible."""
    reader = Reader(frame)
    reader.take("i")
    return tuple(sorted(reader.rows(lambda r: (r.take("h"), r.text(), r.take("b"), r.text())), key=repr))


def listed(version):
    def see(frame):
        reader = Reader(frame, flexible=True)
        reader.take("i")
        code = reader.take("h")
        rows = reader.rows(lambda r: (r.text(), r.take("b") if version else None))
        return code, tuple(sorted(row for row in rows if not row[0].startswith("__")))

    return see


def describe(*resources, synonyms=True):
    """resources: (type, name) or (type, name, keys)."""
    rows = [i8(kind) + string(name) + array([string(key) for key in keys[0]] if keys else None) for kind, name, *keys in resources]
    return request(DESCRIBE_CONFIGS, 3, array(rows) + i8(synonyms) + i8(0))


def incremental(*resources, validate_only=False):
    """resources: (type, name, [(key, operation, value)])."""
    rows = [i8(kind) + string(name) + array([string(k) + i8(o) + string(v) for k, o, v in steps]) for kind, name, steps in resources]
    return request(INCREMENTAL_ALTER_CONFIGS, 0, array(rows) + i8(validate_only))


def replace(*resources, validate_only=False):
    """resources: (type, name, [(key, value)])."""
    rows = [i8(kind) + string(name) + array([string(k) + string(v) for k, v in values]) for kind, name, values in resources]
    return request(ALTER_CONFIGS, 1, array(rows) + i8(validate_only))


def list_resources(version, types=()):
    body = varint_length(len(types)) + b"".join(i8(kind) for kind in types) if version else b""
    return request(LIST_CONFIG_RESOURCES, version, body + b"\0", tags=b"\0")


def varint_length(count):
    return bytes([count + 1])


def describing(cases):
    for name, asks in {
        "a topic": [(TOPIC_TYPE, "t")],
        "some keys of a topic": [(TOPIC_TYPE, "t", ["retention.ms", "nonsense", "internal.segment.bytes"])],
        "no keys of a topic": [(TOPIC_TYPE, "t", [])],
        "an unknown topic": [(TOPIC_TYPE, "nothing-here")],
        "a topic of an invalid name": [(TOPIC_TYPE, "a b")],
        "a topic without a name": [(TOPIC_TYPE, "")],
        "this broker": [(BROKER_TYPE, "1")],
        "all brokers": [(BROKER_TYPE, "", ["log.retention.ms"])],
        "another broker": [(BROKER_TYPE, "99")],
        "a broker that is no number": [(BROKER_TYPE, "x")],
        "a group that was never seen": [(GROUP_TYPE, "nobody")],
        "a group without a name": [(GROUP_TYPE, "")],
        "an unknown subscription": [(METRICS_TYPE, "nobody")],
        "a subscription without a name": [(METRICS_TYPE, "")],
        "type 7": [(7, "x")],
        "type 0": [(0, "x")],
        "a good and a bad resource": [(TOPIC_TYPE, "t", ["retention.ms"]), (TOPIC_TYPE, "nothing-here")],
        "nothing": [],
    }.items():
        cases.add(f"DescribeConfigs of {name}", describe(*asks), see=described)
    cases.add("DescribeConfigs without synonyms", describe((TOPIC_TYPE, "t"), synonyms=False), see=described)
    cases.add("DescribeConfigs without a body", request(DESCRIBE_CONFIGS, 3, b""))


def altering(cases):
    def topic(name, *steps, to=ALTERED, **how):
        cases.add(f"alter a topic: {name}", incremental((TOPIC_TYPE, to, list(steps)), **how), see=altered)

    def now(name, *resources):
        cases.add(f"then described: {name}", describe(*resources), see=described, pause=0.5)

    topic("nothing")
    topic("two keys", ("retention.ms", SET, " 0500000 "), ("cleanup.policy", APPEND, "compact"))
    now("two keys of a topic", (TOPIC_TYPE, ALTERED))
    topic("back", ("retention.ms", DELETE, "ignored"), ("cleanup.policy", SUBTRACT, "compact"))
    topic("append what is there", ("cleanup.policy", APPEND, "delete"))
    topic("subtract what is not", ("cleanup.policy", SUBTRACT, "compact"))
    now("a list of a topic", (TOPIC_TYPE, ALTERED, ["cleanup.policy", "retention.ms"]))
    topic("an unknown key", ("nonsense", SET, "1"))
    topic("a key in the wrong case", ("Retention.ms", SET, "1"))
    topic("an unknown key and a bad value", ("retention.ms", SET, "x"), ("nonsense", SET, "1"))
    for key, value in {
        "retention.ms": "x",
        "retention.bytes": "1.5",
        "max.message.bytes": "-1",
        "segment.bytes": "1000",
        "min.cleanable.dirty.ratio": "1.1",
        "preallocate": "yes",
        "compression.type": "Zstd",
        "compression.gzip.level": "0",
        "compression.lz4.level": "18",
        "compression.zstd.level": "23",
        "cleanup.policy": "shred",
        "message.timestamp.type": "logappendtime",
        "leader.replication.throttled.replicas": "0",
        "min.insync.replicas": "0",
        "remote.storage.enable": "true",
    }.items():
        topic(f"{key} = {value}", (key, SET, value))
    topic("a minimum above its maximum", ("min.compaction.lag.ms", SET, "5"), ("max.compaction.lag.ms", SET, "4"))
    topic("set to null", ("retention.ms", SET, None))
    topic("append null", ("cleanup.policy", APPEND, None))
    topic("append to a number", ("retention.ms", APPEND, "1"))
    topic("subtract from a number", ("retention.ms", SUBTRACT, "1"))
    topic("append to an unknown key", ("nonsense", APPEND, "1"))
    topic("delete an unknown key", ("nonsense", DELETE, None))
    topic("operation 9", ("retention.ms", 9, "1"))
    topic("a key twice", ("retention.ms", SET, "1"), ("retention.ms", DELETE, None))
    topic("one good and one bad key", ("retention.ms", SET, "1"), ("segment.bytes", SET, "x"))
    topic("validate only", ("retention.ms", SET, "77"), validate_only=True)
    topic("validate only, bad", ("retention.ms", SET, "x"), validate_only=True)
    topic("an unknown topic", ("retention.ms", SET, "1"), to="nothing-here")
    topic("an unknown topic and key", ("nonsense", SET, "1"), to="nothing-here")
    topic("an invalid name", ("retention.ms", SET, "1"), to="a b")
    topic("no name", ("retention.ms", SET, "1"), to="")
    now("a topic after what was refused", (TOPIC_TYPE, ALTERED))
    retention = [("retention.ms", SET, "1000000")]
    cases.add("alter a topic twice in a request", incremental((TOPIC_TYPE, ALTERED, retention), (TOPIC_TYPE, ALTERED, retention)), see=altered)
    cases.add("alter a good and a bad topic", incremental((TOPIC_TYPE, ALTERED, retention), (TOPIC_TYPE, "nothing-here", retention)), see=altered)
    cases.add("alter nothing", incremental(), see=altered)
    cases.add("alter type 7", incremental((7, "x", retention)), see=altered)
    cases.add("IncrementalAlterConfigs without a body", request(INCREMENTAL_ALTER_CONFIGS, 0, b""))
    cases.add("IncrementalAlterConfigs of 2^31 resources", request(INCREMENTAL_ALTER_CONFIGS, 0, b"\x7f\xff\xff\xff"))

    def old(name, values, kind=TOPIC_TYPE, to=ALTERED, **how):
        cases.add(f"AlterConfigs: {name}", replace((kind, to, values), **how), see=altered)

    old("two keys", [("retention.ms", "5"), ("segment.ms", "6")])
    now("replaced", (TOPIC_TYPE, ALTERED))
    old("validate only", [("retention.ms", "7")], validate_only=True)
    old("unknown key", [("nonsense", "1")])
    old("bad value", [("retention.ms", "x")])
    old("null", [("retention.ms", None)])
    old("an unknown topic", [("retention.ms", "1")], to="nothing-here")
    old("no name", [("retention.ms", "1")], to="")
    old("nothing, which clears", [])
    now("cleared", (TOPIC_TYPE, ALTERED))
    old("a broker's read-only key", [("num.partitions", "3")], BROKER_TYPE, "1")
    old("another broker", [("log.retention.ms", "3")], BROKER_TYPE, "99")
    old("type 7", [], 7)


def brokers(cases):
    def broker(name, *steps, to="1", kind=BROKER_TYPE, **how):
        cases.add(f"alter a broker: {name}", incremental((kind, to, list(steps)), **how), see=altered)

    def now(name, *resources):
        cases.add(f"then described: {name}", describe(*resources), see=described, pause=0.5)

    retention = ["log.retention.ms", "message.max.bytes", "log.roll.ms"]
    broker("its own", ("log.retention.ms", SET, "86400000"), ("message.max.bytes", SET, "1048588"))
    broker("all", ("log.retention.ms", SET, "86400001"), ("log.roll.ms", SET, "3600000"), to="")
    now("this broker with values of its own and of all", (BROKER_TYPE, "1", retention))
    now("what is set for all", (BROKER_TYPE, "", retention))
    now("what a topic inherits from both", (TOPIC_TYPE, ALTERED, ["retention.ms", "segment.ms", "max.message.bytes"]))
    broker("delete what is set", ("log.retention.ms", DELETE, None), ("message.max.bytes", DELETE, None))
    broker("delete what is set for all", ("log.retention.ms", DELETE, None), ("log.roll.ms", DELETE, None), to="")
    now("this broker without", (BROKER_TYPE, "1", retention))
    broker("a read-only key", ("num.partitions", SET, "3"))
    broker("a read-only key of all", ("num.partitions", SET, "3"), to="")
    broker("delete a read-only key", ("num.partitions", DELETE, None))
    broker("no number", ("log.retention.ms", SET, "x"))
    broker("out of range", ("log.segment.bytes", SET, "1000"))
    broker("no such word", ("compression.type", SET, "best"))
    broker("null", ("log.retention.ms", SET, None))
    broker("append to a number", ("log.retention.ms", APPEND, "1"))
    broker("subtract from a number", ("log.retention.ms", SUBTRACT, "1"))
    broker("append to an unknown key", ("nobody.knows", APPEND, "1"))
    broker("a key twice", ("log.retention.ms", SET, "1000"), ("log.retention.ms", DELETE, None))
    broker("one broker's key for all", ("ssl.client.auth", SET, "none"), to="")
    broker("certificates without a listener", ("ssl.keystore.location", SET, "x"))
    broker("another broker", ("log.retention.ms", SET, "1000"), to="99")
    broker("no number for a broker", ("log.retention.ms", SET, "1000"), to="x")
    broker("one good and one bad key", ("log.retention.ms", SET, "1000"), ("log.segment.bytes", SET, "x"))
    broker("validate only", ("log.retention.ms", SET, "1000"), validate_only=True)
    broker("append to a list", ("log.cleanup.policy", APPEND, "compact"))
    now("a list of a broker", (BROKER_TYPE, "1", ["log.cleanup.policy", "log.retention.ms"]))
    broker("subtract from a list", ("log.cleanup.policy", SUBTRACT, "compact"))
    broker("delete the list", ("log.cleanup.policy", DELETE, None))
    broker("a key that nobody knows", ("nobody.knows", SET, "1"))
    now("a key that nobody knows", (BROKER_TYPE, "1", ["nobody.knows"]))
    broker("not that key any more", ("nobody.knows", DELETE, None))
    broker("twice as many threads", ("num.io.threads", SET, "16"))
    now("twice as many threads", (BROKER_TYPE, "1", ["num.io.threads"]))
    for name, key, value in [
        ("more than twice as many threads", "num.io.threads", "33"),
        ("fewer than half of the threads", "num.io.threads", "7"),
        ("no threads", "num.io.threads", "0"),
        ("more than twice as many threads in the background", "background.threads", "21"),
        ("fewer than half of the fetchers", "num.replica.fetchers", "0"),
        ("more than twice as many threads of recovery", "num.recovery.threads.per.data.dir", "5"),
        ("more than twice as many threads of the network", "num.network.threads", "7"),
    ]:
        broker(name, (key, SET, value))
    broker("the threads as they were", ("num.io.threads", DELETE, None))
    for name, key, value in [
        ("a listener's connections", "listener.name.plaintext.max.connections", "100000"),
        ("a listener's new connections", "listener.name.plaintext.max.connection.creation.rate", "100000"),
        ("no number for a listener's connections", "listener.name.plaintext.max.connections", "x"),
        ("too few of a listener's connections", "listener.name.plaintext.max.connections", "-1"),
    ]:
        broker(name, (key, SET, value))
        broker(f"{name}, for all", (key, SET, value), to="")
    now("a listener's connections", (BROKER_TYPE, "1", ["listener.name.plaintext.max.connections"]))
    for to in ("1", ""):
        keys = ("listener.name.plaintext.max.connections", "listener.name.plaintext.max.connection.creation.rate")
        broker(f"a listener's connections as they were, {to or 'of all'}", *[(key, DELETE, None) for key in keys], to=to)
    broker("an unlimited retention", ("log.retention.ms", SET, "-1"), to="")
    broker("a retention of nothing", ("log.retention.ms", SET, "0"), to="")
    broker("back to the default", ("log.retention.ms", DELETE, None), to="")
    for name, steps in {
        "a session": [("consumer.session.timeout.ms", SET, "50000")],
        "an unknown key": [("nonsense", SET, "1")],
        "below the bounds": [("consumer.session.timeout.ms", SET, "1000")],
        "above the bounds": [("share.session.timeout.ms", SET, "90000")],
        "no number": [("streams.heartbeat.interval.ms", SET, "x")],
        "a bad word": [("share.isolation.level", SET, "serializable")],
        "append to a number": [("consumer.session.timeout.ms", APPEND, "1")],
    }.items():
        broker(f"a group: {name}", *steps, to="grouped", kind=GROUP_TYPE)
    now("a group", (GROUP_TYPE, "grouped"))
    broker("a group without a name", ("consumer.session.timeout.ms", SET, "50000"), to="", kind=GROUP_TYPE)
    for name, steps in {
        "two keys": [("interval.ms", SET, "1000"), ("metrics", SET, "org.a,org.b")],
        "an unknown key": [("nonsense", SET, "1")],
        "too often": [("interval.ms", SET, "10")],
        "no number": [("interval.ms", SET, "x")],
        "a bad match": [("match", SET, "shoe_size=44")],
    }.items():
        broker(f"a subscription: {name}", *steps, to="subscribed", kind=METRICS_TYPE)
    now("a subscription", (METRICS_TYPE, "subscribed"))
    broker("a subscription without a name", ("interval.ms", SET, "1000"), to="", kind=METRICS_TYPE)


def loggers(cases):
    """Levels of loggers (KIP-412); the root's alone, as every other is each broker's own."""
    for name, to in {"without a name": "", "of another broker": "99", "of a broker that is no number": "x"}.items():
        cases.add(f"DescribeConfigs of loggers {name}", describe((LOGGER_TYPE, to, ["root"])), see=described)

    def alter(name, *steps, to="1", **how):
        cases.add(f"alter loggers: {name}", incremental((LOGGER_TYPE, to, list(steps)), **how), see=altered)

    alter("the root's level", ("root", SET, "WARN"))
    cases.add("then described: the root's level", describe((LOGGER_TYPE, "1", ["root"])), see=described)
    alter("an unknown level", ("root", SET, "VERBOSE"))
    alter("a level in small letters", ("root", SET, "warn"))
    alter("no level", ("root", SET, None))
    alter("an unknown logger", ("nobody.logs.this", SET, "INFO"))
    alter("delete an unknown logger", ("nobody.logs.this", DELETE, None))
    alter("delete the root's level", ("root", DELETE, None))
    alter("append", ("root", APPEND, "INFO"))
    alter("subtract", ("root", SUBTRACT, "INFO"))
    alter("operation 9", ("root", 9, "INFO"))
    alter("one good and one bad", ("root", SET, "INFO"), ("nobody.logs.this", SET, "INFO"))
    alter("a logger twice", ("root", SET, "INFO"), ("root", SET, "ERROR"))
    alter("nothing")
    alter("of another broker", ("root", SET, "INFO"), to="99")
    alter("of a broker that is no number", ("root", SET, "INFO"), to="x")
    alter("of all brokers", ("root", SET, "INFO"), to="")
    alter("validate only", ("root", SET, "TRACE"), validate_only=True)
    alter("validate only, an unknown level", ("root", SET, "VERBOSE"), validate_only=True)
    cases.add("AlterConfigs: loggers", replace((LOGGER_TYPE, "1", [("root", "INFO")])), see=altered)
    alter("back again", ("root", SET, "ERROR"))
    cases.add("then described: the root's level as it was", describe((LOGGER_TYPE, "1", ["root"])), see=described)


def listing(cases):
    cases.add("ListConfigResources, version 0", list_resources(0), see=listed(0), pause=0.5)
    cases.add("ListConfigResources of all types", list_resources(1), see=listed(1))
    for kind in (TOPIC_TYPE, BROKER_TYPE, LOGGER_TYPE, METRICS_TYPE, GROUP_TYPE, 0, 7):
        cases.add(f"ListConfigResources of type {kind}", list_resources(1, [kind]), see=listed(1))
    cases.add("ListConfigResources of a good and a bad type", list_resources(1, [TOPIC_TYPE, 7]), see=listed(1))


def obeying(cases):
    """What topics are told is done: keys, codecs, replicas, time stamps, sizes."""

    def add(name, topic, records, see=raw_outcome, **how):
        cases.add(f"Produce to a topic that {name}", produce([(topic, [(0, records)])], **how), see=see)

    keyed, zipped = batch([record(key=b"k")]), batch(attributes=1, payload=gzip.compress(record(), mtime=0), count=1)
    add("is compacted, with a key", KEYED, keyed)
    add("is compacted, without a key", KEYED, batch())
    add("is compacted, without a key, as gzip", KEYED, zipped)
    add("is compacted, with and without a key", KEYED, batch([record(key=b"k"), record(offset_delta=1)]))
    add("is zstd", PACKED, batch())
    add("is zstd, as gzip", PACKED, zipped)
    add("is zstd, as gzip that is none", PACKED, batch(attributes=1, payload=b"\xde\xad\xbe\xef" * 8))
    add("is zstd, with a wrong offset delta", PACKED, batch([record(offset_delta=9)]))
    add("is zstd, with a record longer than its batch", PACKED, batch([b"\x7e\0\0\0"]))
    add("wants two in-sync replicas", STRICT, batch())
    add("wants two in-sync replicas, acks=1", STRICT, batch(), acks=1)


def raw_outcome(frame):
    """Error and base offset."""
    return tuple(sorted(produce_outcomes(frame).items()))


def all_kinds(cases):
    for kind in (describing, altering, brokers, loggers, listing, obeying):
        kind(cases)
