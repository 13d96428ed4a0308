"""The bad input, by kind. A case is what is sent on a connection of its own, and what is compared of the answers.

Each case has the partition of its own number in topic `t`, so that none sees what another appended.
"""

import gzip
import random
import struct
import time
from dataclasses import dataclass, field

import admin
import breadth
import conversations
import good
import one_node
import quotas
import schema
from peer import exchange
from protocol import *

TOPIC, GOOD, SMALL, LATE = "t", "good", "small", "old"
#: Topics that look into a batch: keys must be there, records must be of the last hour, the broker's clock stamps them.
COMPACTED, HOURLY, STAMPED = "compacted", "hourly", "stamped"
HOUR = 3_600_000
PARTITIONS = 640
#: Topics made beforehand: (name, partitions, replication, configuration).
TOPICS = [
    (TOPIC, PARTITIONS, 1, [("retention.ms", "-1")]),
    (GOOD, 1, 1, [("retention.ms", "-1")]),
    (SMALL, 1, 1, [("max.message.bytes", "1000")]),
    (LATE, 1, 1, [("message.timestamp.before.max.ms", "1000")]),
    (COMPACTED, 1, 1, [("cleanup.policy", "compact"), ("retention.ms", "-1")]),
    (HOURLY, 1, 1, [("message.timestamp.before.max.ms", str(HOUR)), ("message.timestamp.after.max.ms", str(HOUR))]),
    (STAMPED, 1, 1, [("message.timestamp.type", "LogAppendTime")]),
    *admin.TOPICS,
    *good.TOPICS,
]


def raw(frame):
    return frame.hex()


def start_only(frame):
    """Correlation id and error code: what follows is each broker's own."""
    return frame[:6].hex()


def correlation_only(frame):
    """That it was answered: the rest differs between brokers by design."""
    return frame[:4].hex()


def all_but_newest_version(frame):
    """An ApiVersions answer of one API, which this broker serves at a newer version than the Kafka it is compared with."""
    return frame[:-2].hex()


def produced(frame):
    """A Produce answer of version 5 to 7, without the log's start beside an error: Kafka knows it for some errors only."""
    return produce_without_start(frame).hex()


def judged(frame):
    """A Produce answer of version 8: codes, and the records at fault; the words are each broker's own, that there are some
    is not."""
    return str(produce_verdicts(frame))


@dataclass
class Case:
    name: str
    pieces: list
    see: object = raw
    probe: bool = True
    half_close: bool = False
    wait: float = 5.0
    #: What was changed before takes so long to be seen.
    pause: float = 0.0

    @property
    def api(self):
        """The API and version that its first request names, if it is one."""
        first = self.pieces[0][4:8]
        key, version = struct.unpack(">hh", first) if len(first) == 4 else (-1, -1)
        api = schema.apis().get(schema.names().get(key))
        return (api.name, version) if api and version in api.versions else None

    def held(self, side):
        """The steps of the case with one broker: what each is called, whose it is, and what came of it."""
        one = exchange(side.port, self.pieces, self.probe, self.half_close, self.wait)
        return [(self.name, self.api, (tuple(map(self.see, one.frames)), one.ending))]


@dataclass
class Cases:
    all: list = field(default_factory=list)

    def add(self, name, *pieces, **how):
        """Pieces are bytes, or made of the case's own partition."""
        partition = len(self.all)
        self.all.append(Case(name, [p(partition) if callable(p) else p for p in pieces], **how))


def frames(cases):
    """Lengths, keys and versions: what is wrong before any body is read."""
    add = cases.add
    good = api_versions()
    for length in (0, 1, 2, 3, 7, 8, 9):
        add(f"frame of {length} bytes", frame(b"\0\x12" + bytes(8))[:4][:3] + bytes([length]) + (b"\0\x12" + bytes(8))[:length])
    add("length -1", i32(-1))
    add("length i32::MIN", i32(-(1 << 31)))
    add("length of 100 MiB and one byte", i32((100 << 20) + 1) + b"\0\x12\0\0")
    add("length i32::MAX", i32((1 << 31) - 1))
    add("an HTTP request", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    add("a TLS hello", bytes.fromhex("16030100c8010000c403030000"))
    add("unknown API 999", request(999, 0, b""))
    add("API -1", request(-1, 0, b""))
    add("a controller's API (Vote)", request(52, 0, b""))
    add("an API that was taken away (ControlledShutdown)", request(7, 0, b""))
    for key, name in ((PRODUCE, "Produce"), (FETCH, "Fetch"), (METADATA, "Metadata"), (CREATE_TOPICS, "CreateTopics")):
        add(f"{name} version 99", request(key, 99, b""))
        add(f"{name} version -1", request(key, -1, b""))
    for version in (0, 1, 2):
        add(f"Produce version {version}", request(PRODUCE, version, i16(1) + i32(1000) + array([])))
    add("Fetch version 3", request(FETCH, 3, i32(-1) + i32(0) + i32(0) + i32(1000) + array([])))
    add("ApiVersions version 99", request(API_VERSIONS, 99, b"\x02x\x02y\0", tags=b"\0"), see=all_but_newest_version)
    add("ApiVersions version 99 with garbage", request(API_VERSIONS, 99, b"\xff" * 30, tags=b"\0"), see=all_but_newest_version)
    add("ApiVersions version 99 with an old header", api_versions(99), see=all_but_newest_version)
    add("ApiVersions version -1", api_versions(-1), see=all_but_newest_version)
    add("ApiVersions version 3 with an empty software name", request(API_VERSIONS, 3, b"\x01\x01\0", tags=b"\0"), see=start_only)
    add("ApiVersions version 3 with a bad software name", request(API_VERSIONS, 3, b"\x03 -\x02-\0", tags=b"\0"), see=start_only)
    add("client id longer than the frame", frame(i16(API_VERSIONS) + i16(0) + i32(1) + i16(100) + b"abc"))
    add("client id of length -2", frame(i16(API_VERSIONS) + i16(0) + i32(1) + i16(-2)))
    add("null client id", request(API_VERSIONS, 0, b"", client=None), see=start_only)
    add("client id that is no UTF-8", request(METADATA, 1, array([]), client=b"\xff\xfe\xc0"), see=correlation_only)
    add("header tags without end", request(METADATA, 12, b"", tags=b"\xff\xff\xff\xff\xff\xff"))
    add("header with a huge number of tags", request(METADATA, 12, b"", tags=b"\xff\xff\xff\xff\x07"))
    add("garbage behind a valid request", good, bytes(range(128, 256)), see=start_only)
    add("garbage before a valid request", b"\x7f\xfe\xfd\xfc" * 8 + good)
    add("random bytes", random.Random(3).randbytes(3000))
    add("two good requests, then a bad one", good + api_versions(correlation=2) + request(999, 0, b""), see=start_only)
    add("a request in single bytes", *[good[n : n + 1] for n in range(len(good))], see=start_only)
    add("end of stream within a length", b"\0\0", probe=False, half_close=True)
    add("end of stream within a frame", good[:12], probe=False, half_close=True)
    add("end of stream behind a request", good, probe=False, half_close=True, see=start_only)
    add("end of stream behind a Produce", lambda p: produce([(TOPIC, [(p, batch())])]), probe=False, half_close=True)
    add("bytes behind a request's body", request(METADATA, 1, array([string("nothing-here")]) + b"\0" * 5), see=correlation_only)


def bodies(cases):
    """Counts, lengths and text within bodies."""
    add = cases.add
    names = {PRODUCE: 7, FETCH: 11, LIST_OFFSETS: 5, METADATA: 4, OFFSET_COMMIT: 7, OFFSET_FETCH: 5, FIND_COORDINATOR: 2,
             JOIN_GROUP: 5, HEARTBEAT: 3, CREATE_TOPICS: 4, DELETE_TOPICS: 3, DELETE_RECORDS: 1, INIT_PRODUCER_ID: 1,
             OFFSET_FOR_LEADER_EPOCH: 3, DESCRIBE_CONFIGS: 2}  # fmt: skip
    for key, version in names.items():
        add(f"API {key} without a body", request(key, version, b""))
        add(f"API {key} of 0x7f bytes", request(key, version, b"\x7f" * 40))
    huge = b"\x7f\xff\xff\xff"
    add("Produce with 2^31 topics", request(PRODUCE, 7, string(None) + i16(1) + i32(1) + huge))
    add("Produce with 2^31 partitions", request(PRODUCE, 7, string(None) + i16(1) + i32(1) + i32(1) + string(TOPIC) + huge))
    add("Produce with 2^31 bytes of records", request(PRODUCE, 7, string(None) + i16(1) + i32(1) + i32(1) + string(TOPIC) + i32(1) + i32(0) + huge))
    add("Produce with 2^28 topics, flexible", request(PRODUCE, 9, b"\0\0\1" + i32(1) + b"\xff\xff\xff\x7f", tags=b"\0"))
    add("Fetch with 2^31 topics", request(FETCH, 11, i32(-1) + i32(0) * 2 + i32(1000) + i8(0) + i32(0) + i32(-1) + huge))
    add("Metadata of 2^31 topics", request(METADATA, 4, huge))
    add("Metadata of 2^28 topics, flexible", request(METADATA, 9, b"\xff\xff\xff\x7f", tags=b"\0"))
    add("Metadata with an endless varint", request(METADATA, 9, b"\xff" * 20, tags=b"\0"))
    add("CreateTopics of 2^31 topics", request(CREATE_TOPICS, 4, huge))
    add("DeleteTopics of 2^31 topics", request(DELETE_TOPICS, 3, huge))
    add("ListOffsets of 2^31 topics", request(LIST_OFFSETS, 5, i32(-1) + i8(0) + huge))
    add("array count -2", request(METADATA, 4, i32(-2)))
    add("null where an array must be", request(DELETE_TOPICS, 3, i32(-1) + i32(1000)))
    add("null topic name in Metadata", request(METADATA, 4, array([string(None)]) + i8(0)))
    add("null topic name in Fetch", fetch([(None, [Ask(0)])]))
    add("null topic name in Produce", produce([(None, [(0, batch())])]))
    add("topic name longer than the frame", request(METADATA, 4, i32(1) + i16(32767) + b"t"))
    add("topic name that is no UTF-8 in Metadata", request(METADATA, 4, array([string(b"\xff\xfe")]) + i8(0)), see=correlation_only)
    add("topic name that is no UTF-8 in Produce", produce([(b"\xff\xfe", [(0, batch())])]), see=correlation_only)
    add("topic name that is no UTF-8 in Fetch", fetch([(b"\xc3\x28", [Ask(0)])]), see=correlation_only)
    for name in ("", ".", "..", "a b", "a/b", "x" * 250):
        topic = request(CREATE_TOPICS, 0, array([string(name) + i32(1) + i16(1) + array([]) + array([])]) + i32(5000))
        add(f"CreateTopics of {name[:9]!r}", topic)
    for partitions, replicas in ((0, 1), (-2, 1), (1, 0), (1, 9)):
        topic = request(CREATE_TOPICS, 0, array([string("never") + i32(partitions) + i16(replicas) + array([]) + array([])]) + i32(5000))
        add(f"CreateTopics with {partitions} partitions, {replicas} replicas", topic)
    add("CreateTopics of a topic that exists", request(CREATE_TOPICS, 0, array([string(GOOD) + i32(1) + i16(1) + array([]) + array([])]) + i32(5000)))
    add("DeleteTopics of an unknown topic", request(DELETE_TOPICS, 1, array([string("nothing-here")]) + i32(5000)))
    add("DeleteRecords beyond the end", lambda p: request(DELETE_RECORDS, 1, array([string(TOPIC) + array([i32(p) + i64(99)])]) + i32(5000)))
    add("DeleteRecords to -5", lambda p: request(DELETE_RECORDS, 1, array([string(TOPIC) + array([i32(p) + i64(-5)])]) + i32(5000)))


def batches(cases):
    """What lies in a Produce request."""

    def add(name, records, topic=TOPIC, partition=None, wait=5.0, **how):
        def bytes_(own):
            return produce([(topic, [(own if partition is None else partition, records)])], **how)

        cases.add(name, bytes_, see=produced, wait=wait)

    good = batch()
    add("batch cut in the records", good[:-3])
    add("batch cut in the header", good[:40])
    add("batch cut in the length", good[:10])
    add("no bytes of records", b"")
    add("null records", None, wait=2.0)
    add("wrong CRC", batch(crc=0x12345678))
    add("one bit flipped in a record", good[:-2] + bytes([good[-2] ^ 1]) + good[-1:])
    add("count above what the records are", batch(count=3))
    add("count 0", batch(count=0))
    add("count -1", batch(count=-1))
    add("count i32::MAX", batch(count=(1 << 31) - 1))
    add("count below what the records are", batch([record(), record(offset_delta=1)], count=1))
    add("last offset delta above the count", batch(last_offset_delta=7))
    add("last offset delta -1", batch(last_offset_delta=-1))
    add("last offset delta i32::MAX", batch(last_offset_delta=(1 << 31) - 1))
    for magic in (-1, 0, 1, 3, 127):
        add(f"magic {magic}", batch(magic=magic))
    add("a message of format 0", old_message(0))
    add("a message of format 1", old_message(1))
    add("a batch length one above", batch(length=len(good) - 11))
    add("a batch length one below", batch(length=len(good) - 13))
    add("a batch length of 0", batch(length=0))
    add("a batch length of 48", batch(length=48))
    add("a batch length of -1", batch(length=-1))
    add("a batch length of i32::MAX", batch(length=(1 << 31) - 1))
    add("two batches for a partition", good + good)
    add("a batch and half a one", good + good[:30])
    add("a batch and garbage", good + b"\xff" * 30)
    add("a control batch", batch([record(key=i16(0) + i16(1), value=i16(0) + i32(0))], attributes=0x20))
    add("a transactional batch without a transaction", batch(attributes=0x10))
    add("base offset 5", batch(base_offset=5))
    add("base offset -5", batch(base_offset=-5))
    add("base offset i64::MAX", batch(base_offset=(1 << 63) - 1))
    add("leader epoch 77", batch(leader_epoch=77))
    for codec in (5, 6, 7):
        add(f"codec {codec}", batch(attributes=codec))
    for codec, name in enumerate(("gzip", "snappy", "lz4", "zstd"), 1):
        add(f"bytes that are no {name}", batch(attributes=codec, payload=b"\xde\xad\xbe\xef" * 8))
        add(f"no bytes as {name}", batch(attributes=codec, payload=b"", count=1))
    zstd_too_early = batch(attributes=4, payload=b"\x28\xb5\x2f\xfd" + b"\0" * 8)
    add("zstd in version 6", zstd_too_early, version=6)
    add("log-append-time set by a client", batch(attributes=8))
    add("unknown attributes", batch(attributes=0x7F00))
    add("timestamps a day ahead", batch(base_timestamp=32_500_000_000_000, max_timestamp=32_500_000_000_000))
    add("timestamp -1", batch(base_timestamp=-1, max_timestamp=-1))
    add("timestamp -2", batch(base_timestamp=-2, max_timestamp=-2))
    add("timestamp i64::MIN", batch(base_timestamp=-(1 << 63), max_timestamp=-(1 << 63)))
    add("greatest timestamp below the first", batch(max_timestamp=TIMESTAMP - 1000))
    add("too old for the topic", batch(), topic=LATE, partition=0)
    add("a batch above max.message.bytes of its topic", batch([record(bytes(1000))]), topic=SMALL, partition=0)
    add("a batch above max.message.bytes", batch([record(bytes(1_048_600))]))
    add("producer id without an epoch", batch(producer_id=1000))
    add("producer id with sequence -1", batch(producer_id=1000, producer_epoch=0))
    add("producer id -2", batch(producer_id=-2))
    add("a record of negative length", batch([b"\x01"]))
    add("a record longer than its batch", batch([b"\x7e\0\0\0"]))
    add("a record of length 0", batch([b"\0"]))
    add("a record with a negative number of headers", batch([record(body=b"\0\0\0\x01\x02v\x01")]))
    add("bytes behind the last record", batch(payload=record() + b"\0\0\0\0"))
    add("a record whose offset delta is wrong", batch([record(offset_delta=9)]))
    for acks in (2, -2, 32767):
        add(f"acks {acks}", good, acks=acks)
    add("acks 0 for an unknown topic", good, topic="nothing-here", acks=0)
    add("acks 0 with a wrong CRC", batch(crc=1), acks=0)
    add("acks 0", good, acks=0)
    add("time-out -1", good, timeout=-1)
    add("a transactional id without transactions", good, transactional_id="mine")
    add("an unknown topic", good, topic="nothing-here")
    add("an unknown partition", good, partition=PARTITIONS)
    add("partition -1", good, partition=-1)
    add("partition i32::MIN", good, partition=-(1 << 31))
    add("an invalid topic name", good, topic="a b")
    cases.add("good and bad partitions in one", lambda p: produce([(TOPIC, [(p, good), (-1, good)]), ("nothing-here", [(0, good)])]), see=produced)
    cases.add("the same partition twice", lambda p: produce([(TOPIC, [(p, good), (p, good)])]))
    cases.add("no topics", produce([]))
    cases.add("a topic without partitions", produce([(TOPIC, [])]))


def records(cases):
    """What lies within a batch, where the topic or the batch's header asks to look (KIP-467)."""

    def add(name, records, topic=COMPACTED):
        cases.add(f"{topic}: {name}", lambda p: produce([(topic, [(p if topic == TOPIC else 0, records)])], version=8), see=judged)

    def keyed(*keys):
        return [record(key=key, offset_delta=n) for n, key in enumerate(keys)]

    good = keyed(b"a", b"b", b"c")
    add("keys", batch(good))
    add("an empty key", batch(keyed(b"")))
    add("no key", batch(keyed(None)))
    add("no key in the middle", batch(keyed(b"a", None, b"c", None)))
    add("count below what the records are", batch(good, count=2))
    add("count above what the records are", batch(good, count=4))
    add("bytes behind the last record", batch(payload=b"".join(good) + b"\0\0\0\0", count=3))
    add("a record of negative length", batch([b"\x01"]))
    add("a record longer than its batch", batch([b"\x7e\0\0\0" + bytes(20)]))
    add("a record of length 0", batch([b"\0" + bytes(6)]))
    add("a record with a negative number of headers", batch([record(body=b"\0\0\0\x02k\x02v\x01")]))
    add("a record with more headers than bytes", batch([record(body=b"\0\0\0\x02k\x02v\x7e")]))
    add("a record with a header without a name", batch([record(body=b"\0\0\0\x02k\x02v\x02\x01\x01")]))
    add("a record with bytes behind its headers", batch([record(body=b"\0\0\0\x02k\x02v\0\0")]))
    add("a key longer than its record", batch([record(body=b"\0\0\0\x7ek\x02v\0")]))
    add("an endless varint", batch([record(body=b"\0" + b"\xff" * 12)]))
    add("no key and a timestamp far ahead", batch(keyed(None), base_timestamp=32_500_000_000_000, max_timestamp=32_500_000_000_000))

    def zipped(records):
        return gzip.compress(b"".join(records), mtime=0)

    add("keys in gzip", batch(attributes=1, payload=zipped(good), count=3))
    add("no key in gzip", batch(attributes=1, payload=zipped(keyed(b"a", None, b"c")), count=3))
    add("gzip with count above", batch(attributes=1, payload=zipped(good), count=4))
    add("gzip with count below", batch(attributes=1, payload=zipped(good), count=2))
    add("gzip cut short", batch(attributes=1, payload=zipped(good)[:-12], count=3))
    add("gzip with a broken record", batch(attributes=1, payload=zipped([b"\x7e\0\0\0" + bytes(20)])))
    for codec, name in enumerate(("gzip", "snappy", "lz4", "zstd"), 1):
        add(f"bytes that are no {name}", batch(attributes=codec, payload=b"\xde\xad\xbe\xef" * 8))

    now = int(time.time() * 1000)

    def timed(*ages, **header):
        """Records of ages in ms."""
        stamps = [now - age for age in ages]
        rows = [record(key=b"k", offset_delta=n, timestamp_delta=stamp - stamps[0]) for n, stamp in enumerate(stamps)]
        return batch(rows, **{"base_timestamp": stamps[0], "max_timestamp": max(stamps), **header})

    for topic in (HOURLY, COMPACTED, STAMPED, TOPIC):
        add("records of now", timed(0, 1, -1), topic)
        add("one far ahead", timed(0, -24 * HOUR, 1), topic)
        add("one far behind", timed(0, 24 * HOUR, 1), topic)
        add("all far behind", timed(24 * HOUR, 25 * HOUR), topic)
        add("the greatest timestamp is said to be far ahead", timed(0, 1, max_timestamp=now + 24 * HOUR), topic)
        add("no timestamps", batch(good, base_timestamp=-1, max_timestamp=-1), topic)
        add("a timestamp that wraps", batch([record(key=b"k", timestamp_delta=(1 << 63) - 1)]), topic)
        add("log-append-time, now", timed(0, 1, attributes=8), topic)
        add("log-append-time, none", timed(0, 1, attributes=8, max_timestamp=-1), topic)
        add("log-append-time, far ahead", timed(0, 1, attributes=8, max_timestamp=now + 24 * HOUR), topic)
    cases.add(
        "compacted and not in one",
        lambda p: produce([(COMPACTED, [(0, batch(keyed(b"a", None)))]), (TOPIC, [(p, batch(keyed(b"a", None)))])], version=8),
        see=judged,
    )


def reads(cases):
    """Fetch and ListOffsets of what is not there."""

    def add(name, asks, topic=TOPIC, **how):
        cases.add(f"Fetch: {name}", lambda p: fetch([(topic, [Ask(**{"partition": p, **a}) for a in asks])], **how))

    add("offset -1", [{"offset": -1}])
    add("offset -2", [{"offset": -2}])
    add("offset beyond the end", [{"offset": 1}])
    add("offset i64::MAX", [{"offset": (1 << 63) - 1}])
    add("partition -1", [{"partition": -1}])
    add("unknown partition", [{"partition": PARTITIONS}])
    add("unknown topic", [{}], topic="nothing-here")
    add("max bytes -1", [{}], max_bytes=-1)
    add("max bytes of a partition -1", [{"partition": 0, "max_bytes": -1}], topic=GOOD)
    add("max bytes of a partition 0", [{"partition": 0, "max_bytes": 0}], topic=GOOD)
    add("max bytes 0", [{"partition": 0}], topic=GOOD, max_bytes=0)
    add("min bytes -1", [{}], min_bytes=-1)
    add("min bytes i32::MAX with a bad partition", [{"partition": -1}], min_bytes=(1 << 31) - 1, max_wait=60_000)
    add("max wait -1", [{}], max_wait=-1, min_bytes=1)
    add("isolation 2", [{}], isolation=2)
    add("isolation -1", [{}], isolation=-1)
    add("leader epoch of the future", [{"epoch": 50}])
    add("leader epoch -5", [{"epoch": -5}])
    add("log start -5", [{"log_start": -5}])
    add("an unknown session", [{}], session=(12345, 3))
    add("a session epoch without a session", [{}], session=(0, 5))
    add("session -1", [{}], session=(-1, 1))
    cases.add("Fetch: the same partition twice", fetch([(GOOD, [Ask(0), Ask(0)])]))
    cases.add("Fetch: nothing", fetch([]))
    for name, asks in {
        "timestamp -9": (0, -1, -9),
        "timestamp -5": (0, -1, -5),
        "unknown partition": (PARTITIONS, -1, -1),
        "partition -1": (-1, -1, -1),
        "leader epoch of the future": (0, 50, -1),
        "leader epoch -5": (0, -5, -1),
    }.items():
        cases.add(f"ListOffsets: {name}", list_offsets([(TOPIC, [asks])]))
    cases.add("ListOffsets: unknown topic", list_offsets([("nothing-here", [(0, -1, -1)])]))
    cases.add("ListOffsets: the same partition twice", list_offsets([(GOOD, [(0, -1, -1), (0, -1, -2)])]))
    cases.add("ListOffsets: isolation 7", list_offsets([(GOOD, [(0, -1, -1)])], isolation=7))
    cases.add("ListOffsets: replica -5", list_offsets([(GOOD, [(0, -1, -1)])], replica=-5))
    good = struct.pack(">i", 40) + fetch([(GOOD, [Ask(0)])])[4:]
    cases.add("Fetch: longer than its frame says", good)


def by_hand():
    """The cases that are written byte by byte."""
    cases = Cases()
    # Batches and records first: only they need a partition of their own.
    for kind in (batches, records, frames, bodies, reads, admin.all_kinds, one_node.all_kinds, quotas.all_kinds):
        kind(cases)
    return cases.all


def generated(served, by_kafka):
    """Conversations and spoiled requests at each version served. served, by_kafka: {API: versions}."""
    both = {name: [version for version in versions if version in by_kafka[name]] for name, versions in served.items()}
    alone = [(name, version) for name, versions in served.items() for version in versions if version not in both[name]]
    return [*conversations.every_version(both), *breadth.every_version(both), *breadth.without_match(alone)]
