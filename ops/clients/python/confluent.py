"""confluent-kafka (librdkafka) against a broker: confluent.py BOOTSTRAP."""

import sys
import time

from check import CODECS, SHARED_TOPIC, Checks, eventually, parse, value
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

BOOTSTRAP = sys.argv[1]
RECORDS = 300
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


def create(topic, partitions=3, config=None):
    admin.create_topics([NewTopic(topic, partitions, 1, config=config or {})])[topic].result(30)
    eventually(f"{topic} in metadata", lambda: len(admin.list_topics(timeout=10).topics.get(topic, NoTopic).partitions))


class NoTopic:
    partitions = ()


def produce(topic, records, **config):
    """Sends (key, value, extra arguments); returns {(partition, offset): key} of the acknowledgements."""
    acks = {}

    def delivered(error, message):
        assert error is None, error
        place = (message.partition(), message.offset())
        assert place not in acks, f"{place} was given twice"
        acks[place] = message.key()

    producer = Producer({"bootstrap.servers": BOOTSTRAP, "linger.ms": 5, **config})
    for key, data, extra in records:
        producer.produce(topic, data, key, on_delivery=delivered, **extra)
        producer.poll(0)
    assert producer.flush(30) == 0, "not all was delivered"
    return acks


def consumer(**config):
    return Consumer({
        "bootstrap.servers": BOOTSTRAP,
        "group.id": "unused",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "check.crcs": True,
        **config,
    })


def read_all(topic):
    """Every record of the topic, once all partitions came to their end."""
    reader = consumer()
    partitions = list(admin.list_topics(topic, timeout=10).topics[topic].partitions)
    reader.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in partitions])
    messages, ended, deadline = [], set(), time.monotonic() + 60
    while len(ended) < len(partitions):
        assert time.monotonic() < deadline, f"read {len(messages)}, at the end of {ended}"
        for message in reader.consume(500, 1.0):
            if message.error():
                assert message.error().name() == "_PARTITION_EOF", message.error()
                ended.add(message.partition())
            else:
                messages.append(message)
    reader.close()
    return messages


def keyed(prefix, count=RECORDS, size=64):
    return [(f"{prefix}-{i % 20}", value(f"{prefix}-{i % 20}", i // 20, size), {}) for i in range(count)]


def verify_order(messages):
    """Each value is intact, belongs to its key, and each key's numbers are 0, 1, 2, ..."""
    next_of = {}
    for message in sorted(messages, key=lambda m: (m.partition(), m.offset())):
        key, sequence = parse(message.value())
        assert key == message.key().decode()
        assert sequence == next_of.get(key, 0), f"{key}: {sequence} instead of {next_of.get(key, 0)}"
        next_of[key] = sequence + 1


def admin_topics():
    create("confluent-admin", 2, {"retention.ms": "12345678"})
    resource = ConfigResource(ResourceType.TOPIC, "confluent-admin")
    config = admin.describe_configs([resource])[resource].result(10)
    assert config["retention.ms"].value == "12345678" and not config["retention.ms"].is_default
    assert config["segment.bytes"].value == "1073741824" and config["segment.bytes"].is_default
    entry = ConfigEntry("retention.ms", "777000", incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ResourceType.TOPIC, "confluent-admin", incremental_configs=[entry])
    admin.incremental_alter_configs([change])[resource].result(10)
    eventually("the change shows", lambda: admin.describe_configs([resource])[resource].result(10)["retention.ms"].value == "777000")
    admin.create_partitions([NewPartitions("confluent-admin", 5)])["confluent-admin"].result(10)
    eventually("five partitions", lambda: len(admin.list_topics("confluent-admin", 10).topics["confluent-admin"].partitions) == 5)
    try:
        create("confluent-admin")
    except Exception as error:
        assert error.args[0].name() == "TOPIC_ALREADY_EXISTS", error
    else:
        raise AssertionError("the same topic was created twice")


def round_trip(codec):
    topic = f"confluent-{codec}"
    create(topic)
    acks = produce(topic, keyed(topic), **{"compression.type": codec})
    messages = read_all(topic)
    assert {(m.partition(), m.offset()): m.key() for m in messages} == acks and len(acks) == RECORDS
    verify_order(messages)


def headers_and_nulls():
    create("confluent-headers", 1)
    headers = [("a", b"1"), ("a", b"2"), ("empty", b""), ("none", None)]
    produce("confluent-headers", [(b"k", b"v", {"headers": headers}), (None, b"v", {}), (b"k", None, {})])
    first, no_key, tombstone = read_all("confluent-headers")
    assert first.headers() == headers
    assert no_key.key() is None and no_key.headers() is None
    assert tombstone.value() is None and tombstone.key() == b"k"


def idempotent():
    create("confluent-idempotent")
    acks = produce("confluent-idempotent", keyed("i", 2000), **{"enable.idempotence": True, "compression.type": "lz4"})
    assert len(acks) == 2000
    verify_order(read_all("confluent-idempotent"))


def acks_zero_and_one():
    for acks in (0, 1):
        topic = f"confluent-acks-{acks}"
        create(topic, 1)
        producer = Producer({"bootstrap.servers": BOOTSTRAP, "acks": acks})
        for key, data, _ in keyed("a", 100):
            producer.produce(topic, data, key)
        assert producer.flush(20) == 0
        eventually("100 records", lambda: len(read_all(topic)) == 100)
        verify_order(read_all(topic))


def large_records():
    create("confluent-large", 1)
    records = [(f"large-{i}", value(f"large-{i}", 0, 900_000), {}) for i in range(8)]
    produce("confluent-large", records)
    verify_order(read_all("confluent-large"))


def time_lookup():
    create("confluent-time", 1)
    produce("confluent-time", [(b"k", b"v", {"timestamp": 1_700_000_000_000 + i * 1000}) for i in range(50)])
    reader = consumer()
    for at, expected in ((0, 0), (1_700_000_000_000, 0), (1_700_000_010_001, 11), (1_700_000_049_000, 49), (1_800_000_000_000, -1)):
        found = reader.offsets_for_times([TopicPartition("confluent-time", 0, at)], timeout=10)[0].offset
        assert found == expected, f"at {at}: {found} instead of {expected}"
    assert reader.get_watermark_offsets(TopicPartition("confluent-time", 0), timeout=10) == (0, 50)
    reader.close()
    place = TopicPartition("confluent-time", 0)
    for spec, expected in ((OffsetSpec.earliest(), 0), (OffsetSpec.latest(), 50), (OffsetSpec.max_timestamp(), 49)):
        assert admin.list_offsets({place: spec})[place].result(10).offset == expected


def group_resume():
    create("confluent-group")
    produce("confluent-group", keyed("g", 600))
    seen = []
    for share in (200, 250, 150):
        member = consumer(**{"group.id": "confluent-resume"})
        member.subscribe(["confluent-group"])
        mine, deadline = [], time.monotonic() + 40
        while len(mine) < share:
            assert time.monotonic() < deadline, f"{len(mine)} of {share}"
            message = member.poll(1.0)
            if message and not message.error():
                mine.append((message.partition(), message.offset()))
                member.commit(message, asynchronous=len(mine) < share)
        member.close()
        seen += mine
    assert len(seen) == len(set(seen)) == 600, f"{len(seen)} read, {len(set(seen))} different"


def groups_are_administered():
    listed = admin.list_consumer_groups().result(10).valid
    assert any(g.group_id == "confluent-resume" for g in listed)
    described = admin.describe_consumer_groups(["confluent-resume"])["confluent-resume"].result(10)
    assert described.state.name == "EMPTY" and not described.members
    admin.delete_consumer_groups(["confluent-resume"])["confluent-resume"].result(10)
    assert not any(g.group_id == "confluent-resume" for g in admin.list_consumer_groups().result(10).valid)


def delete_records():
    create("confluent-trim", 1)
    produce("confluent-trim", keyed("t", 100))
    place = TopicPartition("confluent-trim", 0, 40)
    assert admin.delete_records([place])[place].result(10).low_watermark == 40
    offsets = [m.offset() for m in read_all("confluent-trim")]
    assert offsets == list(range(40, 100)), offsets


def written_by_all():
    if SHARED_TOPIC not in admin.list_topics(timeout=10).topics:
        create(SHARED_TOPIC, 4)
    before = read_all(SHARED_TOPIC)
    for codec in CODECS:
        produce(SHARED_TOPIC, keyed(f"confluent-{codec}", 40), **{"compression.type": codec})
    messages = read_all(SHARED_TOPIC)
    assert len(messages) == len(before) + 40 * len(CODECS)
    verify_order(messages)


def codecs_of_topics():
    """A topic keeps its own codec whatever comes, also from an idempotent producer."""
    for kept in ("uncompressed", *CODECS[1:]):
        topic = f"confluent-keeps-{kept}"
        create(topic, 1, {"compression.type": kept})
        for sent in CODECS:
            produce(topic, keyed(f"{kept}-{sent}", 60, 900), **{"compression.type": sent, "enable.idempotence": True})
        messages = read_all(topic)
        assert [message.offset() for message in messages] == list(range(60 * len(CODECS)))
        verify_order(messages)


def delete_topics():
    admin.delete_topics(["confluent-admin"])["confluent-admin"].result(20)
    eventually("it is gone", lambda: "confluent-admin" not in admin.list_topics(timeout=10).topics)


checks = Checks()
checks.run("admin", admin_topics)
for codec in CODECS:
    checks.run(f"round trip {codec}", round_trip, codec)
for check in (headers_and_nulls, idempotent, acks_zero_and_one, large_records, time_lookup, group_resume,
              groups_are_administered, delete_records, codecs_of_topics, written_by_all, delete_topics):
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
