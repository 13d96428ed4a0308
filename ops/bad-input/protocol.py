"""Just enough of Kafka's protocol to write requests byte by byte, right or wrong, and to read what the checks compare."""

import struct
from dataclasses import dataclass

from reader import Reader

PRODUCE, FETCH, LIST_OFFSETS, METADATA = 0, 1, 2, 3
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT, SYNC_GROUP = 8, 9, 10, 11, 12, 14
API_VERSIONS, CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS, INIT_PRODUCER_ID = 18, 19, 20, 21, 22
OFFSET_FOR_LEADER_EPOCH, DESCRIBE_CONFIGS, ALTER_CONFIGS = 23, 32, 33
INCREMENTAL_ALTER_CONFIGS, LIST_CONFIG_RESOURCES = 44, 74
ALTER_REPLICA_LOG_DIRS, DESCRIBE_LOG_DIRS, ELECT_LEADERS, ALTER_PARTITION_REASSIGNMENTS = 34, 35, 43, 45
LIST_PARTITION_REASSIGNMENTS, DESCRIBE_QUORUM, UPDATE_FEATURES, DESCRIBE_PRODUCERS = 46, 55, 57, 61
DESCRIBE_CLIENT_QUOTAS, ALTER_CLIENT_QUOTAS = 48, 49

#: The time now is not deterministic, and nothing here is judged by it: an ordinary past one (in ms).
TIMESTAMP = 1_700_000_000_000


def i8(value):
    return struct.pack(">b", value)


def i16(value):
    return struct.pack(">h", value)


def i32(value):
    return struct.pack(">i", value)


def i64(value):
    return struct.pack(">q", value)


def string(value):
    """Bytes or text with a length; None is null."""
    if value is None:
        return i16(-1)
    value = value.encode() if isinstance(value, str) else value
    return i16(len(value)) + value


def uvarint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def compact_string(value):
    """As flexible versions have it."""
    return b"\0" if value is None else compact_data(value.encode())


def compact_data(value):
    return uvarint(len(value) + 1) + value


def compact_rows(rows):
    return uvarint(len(rows) + 1) + b"".join(rows)


def array(items):
    return i32(-1) if items is None else i32(len(items)) + b"".join(items)


def data(value):
    return i32(-1) if value is None else i32(len(value)) + value


def varint(value):
    return uvarint((value << 1) ^ (value >> 63))


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def crc32c(bytes_):
    crc = 0xFFFFFFFF
    for byte in bytes_:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def record(value=b"value", offset_delta=0, timestamp_delta=0, key=None, body=None):
    if body is None:
        key_part = varint(-1) if key is None else varint(len(key)) + key
        body = b"\0" + varint(timestamp_delta) + varint(offset_delta) + key_part + varint(len(value)) + value + varint(0)
    return varint(len(body)) + body


def batch(records=None, **wrong):
    """A record batch, valid unless a field is given; the checksum holds unless `crc` is given."""
    records = [record()] if records is None else records
    body = wrong.get("payload", b"".join(records))
    count = wrong.get("count", len(records))
    checked = (
        i16(wrong.get("attributes", 0))
        + i32(wrong.get("last_offset_delta", count - 1))
        + i64(wrong.get("base_timestamp", TIMESTAMP))
        + i64(wrong.get("max_timestamp", TIMESTAMP))
        + i64(wrong.get("producer_id", -1))
        + i16(wrong.get("producer_epoch", -1))
        + i32(wrong.get("base_sequence", -1))
        + i32(count)
        + body
    )
    crc = wrong.get("crc", crc32c(checked))
    length = wrong.get("length", len(checked) + 9)
    epoch, magic = i32(wrong.get("leader_epoch", -1)), i8(wrong.get("magic", 2))
    return i64(wrong.get("base_offset", 0)) + i32(length) + epoch + magic + struct.pack(">I", crc) + checked


def old_message(magic, value=b"value"):
    """A message of format 0 or 1, with a right checksum."""
    import zlib

    timestamp = i64(TIMESTAMP) if magic else b""
    checked = i8(magic) + i8(0) + timestamp + data(None) + data(value)
    message = struct.pack(">I", zlib.crc32(checked)) + checked
    return i64(0) + i32(len(message)) + message


def frame(payload):
    return i32(len(payload)) + payload


#: What the client calls itself.
CLIENT = "bad-input"


def request(key, version, body, correlation=1, client=CLIENT, tags=b""):
    """A framed request; `tags` is the one zero byte of a flexible version's header."""
    return frame(i16(key) + i16(version) + i32(correlation) + string(client) + tags + body)


def produce(topics, acks=-1, timeout=10_000, version=7, transactional_id=None):
    """Version 3 to 8. topics: [(name, [(partition, records)])]."""
    body = array([string(name) + array([i32(p) + data(r) for p, r in parts]) for name, parts in topics])
    return request(PRODUCE, version, string(transactional_id) + i16(acks) + i32(timeout) + body)


@dataclass
class Ask:
    """One partition of a Fetch request."""

    partition: int
    offset: int = 0
    max_bytes: int = 1 << 20
    epoch: int = -1
    log_start: int = -1


def fetch(topics, max_wait=0, min_bytes=0, max_bytes=1 << 20, isolation=0, session=(0, -1)):
    """Version 11. topics: [(name, [Ask])]."""
    body = array(
        [
            string(name) + array([i32(a.partition) + i32(a.epoch) + i64(a.offset) + i64(a.log_start) + i32(a.max_bytes) for a in asks])
            for name, asks in topics
        ]
    )
    head = i32(-1) + i32(max_wait) + i32(min_bytes) + i32(max_bytes) + i8(isolation) + i32(session[0]) + i32(session[1])
    return request(FETCH, 11, head + body + array([]) + string(""))


def list_offsets(topics, version=5, replica=-1, isolation=0):
    """topics: [(name, [(partition, epoch, timestamp)])]."""
    body = array([string(name) + array([i32(p) + i32(e) + i64(t) for p, e, t in parts]) for name, parts in topics])
    return request(LIST_OFFSETS, version, i32(replica) + i8(isolation) + body)


def create_topics(topics, version=4, timeout=10_000, validate_only=False):
    """topics: [(name, partitions, replication, [(key, value)])]."""
    body = array(
        [string(n) + i32(p) + i16(r) + array([]) + array([string(k) + string(v) for k, v in c]) for n, p, r, c in topics]
    )
    return request(CREATE_TOPICS, version, body + i32(timeout) + i8(validate_only))


def metadata(names):
    """Version 5, creating nothing."""
    return request(METADATA, 5, array([string(name) for name in names]) + i8(0))


def metadata_partitions(response):
    """Of a Metadata response of version 5: {(topic, partition): (error, leader, offline replicas)}."""
    reader, found = Reader(response), {}
    reader.take("i")  # throttle time
    reader.rows(lambda r: (r.take("i"), r.text(), r.take("i"), r.text()))  # brokers
    reader.text(), reader.take("i")  # cluster, controller

    def partition(r):
        error, index, leader = r.take("h"), r.take("i"), r.take("i")
        _replicas, _isr, offline = [r.rows(lambda r: r.take("i")) for _ in range(3)]
        return index, (error, leader, offline)

    for topic, partitions in reader.rows(lambda r: (r.take("h"), r.text(), r.take("?"), r.rows(partition))[1::2]):
        found.update(((topic, index), state) for index, state in partitions)
    return found


def api_versions(version=0, correlation=1, body=b""):
    return request(API_VERSIONS, version, body, correlation)


def _partitions(response):
    """Of a Produce response, version 5 to 7 (correlation id included): (topic, partition, error, where its fields are)."""
    at = 8
    for _ in range(struct.unpack_from(">i", response, 4)[0]):
        length = struct.unpack_from(">h", response, at)[0]
        name = response[at + 2 : at + 2 + length].decode()
        at += 2 + length
        count = struct.unpack_from(">i", response, at)[0]
        at += 4
        for _ in range(count):
            index, error = struct.unpack_from(">ih", response, at)
            yield name, index, error, at + 6
            at += 30


def produce_outcomes(response):
    """{(topic, partition): (error, base offset)}."""
    return {(name, index): (error, struct.unpack_from(">q", response, at)[0]) for name, index, error, at in _partitions(response)}


def produce_times(response):
    """{(topic, partition): (the time that the broker's clock gave, -1 if it gave none; error)}."""
    return {(name, index): (struct.unpack_from(">q", response, at + 8)[0], error) for name, index, error, at in _partitions(response)}


def produce_verdicts(response):
    """Of a Produce response of version 8: [(topic, partition, error, base offset, records at fault)]; of these their indices,
    whether each has words, and whether the partition has."""

    def partition(r):
        index, error, base, _, _ = [r.take(form) for form in "ihqqq"]
        records = r.rows(lambda r: (r.take("i"), bool(r.text())))
        has_words = bool(r.text())
        return index, error, base, (records, has_words) if records else None

    topics = Reader(response).rows(lambda r: (r.text(), r.rows(partition)))
    # Kafka answers in the order of a hash table.
    return sorted(((topic, *verdict) for topic, partitions in topics for verdict in partitions), key=repr)


def produce_without_start(response):
    """The response with -1 for the log's start of each partition that has an error."""
    out = bytearray(response)
    for _, _, error, at in _partitions(response):
        if error:
            out[at + 16 : at + 24] = i64(-1)
    return bytes(out)
