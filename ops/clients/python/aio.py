"""aiokafka (pure Python protocol) against a broker: aio.py BOOTSTRAP."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError
from check import CODECS, SHARED_TOPIC, Checks, parse, value

BOOTSTRAP = sys.argv[1]
RECORDS = 300


async def with_admin(action):
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    try:
        return await action(admin)
    finally:
        await admin.close()


async def create(topic, partitions=3):
    answer = await with_admin(lambda a: a.create_topics([NewTopic(topic, partitions, 1)]))
    assert answer.topic_errors[0][1] == 0, answer


async def produce(topic, records, **config):
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, linger_ms=5, **config)
    await producer.start()
    try:
        sent = [await producer.send(topic, data, key=key, **extra) for key, data, extra in records]
        return [await future for future in sent]
    finally:
        await producer.stop()


async def read(topic, count, **config):
    """The first `count` records in the order they come, then a check that no more are there."""
    reader = AIOKafkaConsumer(topic, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", **config)
    await reader.start()
    messages = []
    try:
        async with asyncio.timeout(60):
            while len(messages) < count:
                for batch in (await reader.getmany(timeout_ms=500)).values():
                    messages += batch
        extra = await reader.getmany(timeout_ms=200)
        assert len(messages) == count and not extra, f"{len(messages)} instead of {count}, then {extra}"
        return messages
    finally:
        await reader.stop()


def keyed(prefix, count=RECORDS, size=64):
    keys = [f"{prefix}-{i % 20}" for i in range(count)]
    return [(key.encode(), value(key, i // 20, size), {}) for i, key in enumerate(keys)]


def verify_order(messages):
    next_of = {}
    for message in sorted(messages, key=lambda m: (m.partition, m.offset)):
        key, sequence = parse(message.value)
        assert key == message.key.decode() and sequence == next_of.get(key, 0), f"{key}: {sequence}"
        next_of[key] = sequence + 1


async def admin_topics():
    await create("aiokafka-admin", 2)
    again = await with_admin(lambda a: a.create_topics([NewTopic("aiokafka-admin", 2, 1)]))
    assert again.topic_errors[0][1] == TopicAlreadyExistsError.errno
    assert "aiokafka-admin" in await with_admin(lambda a: a.list_topics())
    await with_admin(lambda a: a.create_partitions({"aiokafka-admin": NewPartitions(4)}))
    described = await with_admin(lambda a: a.describe_topics(["aiokafka-admin"]))
    assert len(described[0]["partitions"]) == 4
    resource = ConfigResource(ConfigResourceType.TOPIC, "aiokafka-admin")
    configs = await with_admin(lambda a: a.describe_configs([resource]))
    names = {entry[0]: entry[1] for entry in configs[0].resources[0][4]}
    assert names["cleanup.policy"] == "delete", names
    await with_admin(lambda a: a.delete_topics(["aiokafka-admin"]))
    for _ in range(50):  # other cores than the one that deleted it hear of it a moment later
        if "aiokafka-admin" not in await with_admin(lambda a: a.list_topics()):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("a deleted topic is still listed")


async def round_trip(codec):
    topic = f"aiokafka-{codec}"
    await create(topic)
    acks = await produce(topic, keyed(topic), compression_type=None if codec == "none" else codec)
    messages = await read(topic, RECORDS)
    assert {(m.partition, m.offset) for m in messages} == {(a.partition, a.offset) for a in acks}
    verify_order(messages)


async def headers_and_nulls():
    await create("aiokafka-headers", 1)
    headers = [("a", b"1"), ("a", b"2"), ("empty", b"")]
    await produce("aiokafka-headers", [(b"k", b"v", {"headers": headers}), (None, b"v", {}), (b"k", None, {})])
    first, no_key, tombstone = await read("aiokafka-headers", 3)
    assert list(first.headers) == headers and no_key.key is None and tombstone.value is None


async def idempotent():
    await create("aiokafka-idempotent")
    await produce("aiokafka-idempotent", keyed("i", 1000), enable_idempotence=True)
    verify_order(await read("aiokafka-idempotent", 1000))


async def time_lookup():
    await create("aiokafka-time", 1)
    start = 1_700_000_000_000
    await produce("aiokafka-time", [(b"k", b"v", {"timestamp_ms": start + i * 1000}) for i in range(50)])
    reader = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP)
    await reader.start()
    try:
        place = TopicPartition("aiokafka-time", 0)
        for at, expected in ((0, 0), (start + 10_001, 11), (start + 49_000, 49), (start + 50_000, None)):
            found = (await reader.offsets_for_times({place: at}))[place]
            assert (found.offset if found else None) == expected, f"at {at}: {found}"
        assert (await reader.beginning_offsets([place]), await reader.end_offsets([place])) == ({place: 0}, {place: 50})
    finally:
        await reader.stop()


async def group_resume():
    await create("aiokafka-group")
    await produce("aiokafka-group", keyed("g", 400))
    seen = []
    for share in (150, 100, 150):
        member = AIOKafkaConsumer("aiokafka-group", bootstrap_servers=BOOTSTRAP, group_id="aiokafka-resume",
                                  auto_offset_reset="earliest", enable_auto_commit=False)
        await member.start()
        try:
            async with asyncio.timeout(40):
                for _ in range(share):
                    message = await member.getone()
                    seen.append((message.partition, message.offset))
                    place = TopicPartition(message.topic, message.partition)
                    await member.commit({place: message.offset + 1})
        finally:
            await member.stop()
    assert len(seen) == len(set(seen)) == 400
    groups = await with_admin(lambda a: a.list_consumer_groups())
    assert ("aiokafka-resume", "consumer") in [tuple(g[:2]) for g in groups], groups
    offsets = await with_admin(lambda a: a.list_consumer_group_offsets("aiokafka-resume"))
    assert sum(o.offset for o in offsets.values()) == 400


async def written_by_all():
    if SHARED_TOPIC not in await with_admin(lambda a: a.list_topics()):
        await create(SHARED_TOPIC, 4)
    reader = AIOKafkaConsumer(bootstrap_servers=BOOTSTRAP)
    await reader.start()
    places = [TopicPartition(SHARED_TOPIC, p) for p in range(4)]
    before = sum((await reader.end_offsets(places)).values())
    await reader.stop()
    for codec in CODECS:
        await produce(SHARED_TOPIC, keyed(f"aiokafka-{codec}", 40), compression_type=None if codec == "none" else codec)
    verify_order(await read(SHARED_TOPIC, before + 40 * len(CODECS)))


def run(check, *arguments):
    asyncio.run(check(*arguments))


checks = Checks()
checks.run("admin", run, admin_topics)
for codec in CODECS:
    checks.run(f"round trip {codec}", run, round_trip, codec)
for check in (headers_and_nulls, idempotent, time_lookup, group_resume, written_by_all):
    checks.run(check.__name__.replace("_", " "), run, check)
checks.end()
