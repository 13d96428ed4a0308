"""Partitions that go from one core to another while clients use them: cores.py BOOTSTRAP.

CORES is the address of the core listener, for which each core is a broker of its own.
"""

import contextlib
import itertools
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from check import Checks, eventually, parse, value
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from kafka_tool import tool
from node import corelog

sys.path.append(str(Path(__file__).resolve().parents[2] / "bad-input"))
import one_node  # noqa: E402
import peer  # noqa: E402
import protocol  # noqa: E402
from reader import Reader  # noqa: E402

NODE, CORES = sys.argv[1], os.environ["CORES"]
#: The brokers that the first two cores of node 0 are.
FIRST, SECOND = 1000, 1001
#: How long partitions move to and fro, how long they rest between, and how many must have changed their core: each time all.
MOVING_S, REST_S, MOVES = 8, 0.1, 40
#: The same where Java's consumer reads, which goes on after a move when it has asked, and waited for half a second, once more.
JAVA_REST_S = 0.7
#: Between one record of each partition and the next.
PRESSED_S, LIGHT_S = 0.002, 0.02
#: Without a record for so long a consumer waits in vain.
STALLED_S = 20


def create(topic, partitions=6):
    corelog("topic", "create", topic, "--partitions", partitions, "--broker", NODE)
    return topic


def ask(request):
    with peer.connect(int(CORES.rsplit(":", 1)[1]), 30) as connection:
        return peer.ask(connection, request)


def leaders(topic):
    """{partition: the core that leads it}, as the core listener tells it."""
    told = protocol.metadata_partitions(ask(protocol.metadata([topic])))
    assert not any(error for error, _, _ in told.values()), told
    return {partition: leader for (_, partition), (_, leader, _) in told.items()}


def bring(topic, partitions, core):
    reader = Reader(ask(one_node.reassign([(topic, [(partition, [core]) for partition in partitions])])), flexible=True)
    reader.take("i"), reader.take("h"), reader.text()
    rows = reader.rows(lambda r: (r.text(), r.rows(lambda r: (r.take("i"), r.take("h"), r.text()))))
    assert rows == [(topic, [(partition, 0, None) for partition in partitions])], rows


def bring_to_and_fro(ended, topic, rest):
    """How many partitions were found on another core than before."""
    moves, before = 0, leaders(topic)
    for core in itertools.cycle((SECOND, FIRST)):
        if ended.wait(rest):
            return moves
        bring(topic, before, core)
        now = leaders(topic)
        moves += sum(now[partition] != before[partition] for partition in now)
        before = now


def write(ended, bootstrap, topic, pause):
    """Writes to all partitions until it is told to end; how many records each has then."""
    acked, partitions = Counter(), leaders(topic)

    def delivered(error, message):
        assert error is None, error
        acked[message.partition()] += 1

    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 1})
    for sequence in itertools.count():
        if ended.wait(pause):
            break
        for partition in partitions:
            key = f"{topic}-{partition}"
            producer.produce(topic, value(key, sequence), key, partition, on_delivery=delivered)
        producer.poll(0)
    assert producer.flush(30) == 0 and acked == dict.fromkeys(partitions, sequence), f"{acked} of {sequence} each were delivered"
    return acked


def read(begun, bootstrap, topic, written):
    """Reads until it has all that was written, each record once and in order."""
    seen, progress = Counter(), time.monotonic()
    places = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in leaders(topic)]
    reader = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused", "check.crcs": True})
    reader.assign(places)
    while not written.done() or seen != written.result():
        message = reader.poll(0.1)
        if message is None:
            assert time.monotonic() - progress < STALLED_S, f"nothing comes after {seen}"
            continue
        assert not message.error(), message.error()
        partition, progress = message.partition(), time.monotonic()
        got = message.offset(), *parse(message.value())
        assert got == (seen[partition], f"{topic}-{partition}", seen[partition]), f"{got} instead of {seen[partition]}"
        seen[partition] += 1
        if len(seen) == len(places):
            begun.set()
    reader.close()
    # A question of librdkafka's at a core that led it just before is not asked again.
    asks = Consumer({"bootstrap.servers": NODE, "group.id": "unused"})
    assert all(asks.get_watermark_offsets(place, timeout=10) == (0, seen[place.partition]) for place in places)
    asks.close()


@contextlib.contextmanager
def traffic(bootstrap, topic, pause):
    """Meanwhile a producer writes to all partitions, and a consumer, which has begun, reads what it writes."""
    begun, ended = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as pool:
        writer = pool.submit(write, ended, bootstrap, topic, pause)
        reader = pool.submit(read, begun, bootstrap, topic, writer)
        try:
            assert begun.wait(STALLED_S) or reader.result()
            yield
        finally:
            ended.set()
        print(f"{writer.result().total()} records written and read", flush=True)
        reader.result()


@contextlib.contextmanager
def moving(topic, rest=REST_S):
    """Meanwhile all partitions go to and fro between two cores."""
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        mover = pool.submit(bring_to_and_fro, ended, topic, rest)
        try:
            yield
        finally:
            ended.set()
        print(f"{mover.result()} moves", flush=True)
        assert mover.result() >= MOVES


def what_is_in_use_gathers_on_the_first_core():
    used, idle = create("cores-used", 4), create("cores-idle", 4)
    before = leaders(idle)
    assert len(set(leaders(used).values())) > 1 and len(set(before.values())) > 1, f"all begins on one core: {before}"
    with traffic(NODE, used, LIGHT_S):
        eventually("all is on the first core", lambda: set(leaders(used).values()) == {FIRST}, 10)
    assert leaders(idle) == before


def kafkas_tools_move_partitions():
    topic, lines = create("cores-tools", 4), [f"line {number}" for number in range(40)]
    for partition in range(4):
        corelog("produce", topic, "--partition", partition, "--broker", NODE, given="\n".join(lines[partition::4]) + "\n")
    assert set(leaders(topic).values()) != {SECOND}
    command = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        rows = [{"topic": topic, "partition": partition, "replicas": [SECOND]} for partition in range(4)]
        json.dump({"version": 1, "partitions": rows}, plan)
        plan.flush()
        said = tool(CORES, command, "--execute", "--reassignment-json-file", plan.name)
        assert "Successfully started partition reassignments" in said, said
        said = tool(CORES, command, "--verify", "--reassignment-json-file", plan.name)
        assert said.count("is completed") == 4, said
    said = tool(CORES, "TopicCommand", "--describe", "--topic", topic)
    assert re.findall(r"Leader: (\d+)", said) == [str(SECOND)] * 4, said
    for bootstrap in (CORES, NODE):
        come = tool(bootstrap, "consumer.ConsoleConsumer", "--topic", topic, "--from-beginning", "--max-messages", "40", "--timeout-ms", "30000")
        assert sorted(come.splitlines()) == sorted(lines), come


def librdkafka_at_the_node_notices_nothing():
    topic = create("cores-node")
    with traffic(NODE, topic, PRESSED_S), moving(topic):
        time.sleep(MOVING_S)


def librdkafka_at_the_cores_follows():
    topic = create("cores-cores")
    with traffic(CORES, topic, PRESSED_S), moving(topic):
        time.sleep(MOVING_S)


def java_at_the_node_notices_nothing():
    topic, count = create("cores-java"), str(MOVING_S * 1000)

    def events(said, name):
        rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        return sorted((row["partition"], row["offset"], row["value"]) for row in rows if row["name"] == name)

    with moving(topic, JAVA_REST_S), ThreadPoolExecutor(1) as pool:
        # It does not try again: any answer but an acknowledgement shows.
        sends = pool.submit(tool, NODE, "VerifiableProducer", "--topic", topic, "--max-messages", count, "--throughput", "1000")
        said = tool(NODE, "VerifiableConsumer", "--topic", topic, "--group-id", topic, "--max-messages", count, "--reset-policy", "earliest", "--verbose")
    sent, come = events(sends.result(), "producer_send_success"), events(said, "record_data")
    assert sorted(int(text) for _, _, text in sent) == list(range(int(count))), f"{len(sent)} were acknowledged"
    assert come == sent, f"{len(come)} came of {len(sent)}"


checks = Checks()
for check in (what_is_in_use_gathers_on_the_first_core, kafkas_tools_move_partitions, librdkafka_at_the_node_notices_nothing,
              librdkafka_at_the_cores_follows, java_at_the_node_notices_nothing):
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
