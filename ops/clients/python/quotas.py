"""Quotas as those see them who are held up by them, on brokers of its own: clients' throughput, what they are told, metrics.

quotas.py BOOTSTRAP: the broker there is not asked. A window is two seconds here, so that what it allows at once is little
beside what is measured.
"""

import json
import re
import socket
import statistics
import struct
import threading
import time

from check import Checks, eventually
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from kafka_tool import tool
from node import WORK, Node, corelog, node

RATE = 1_000_000
#: Each side of the quota.
TOLERANCE = 0.1
MEASURED_S = 20


def config():
    path = WORK / "quotas.toml"
    path.write_text("quota.window.num = 2\n")
    return ["--config", path]


def configure(broker, change, *of):
    tool(broker.bootstrap, "kafka.admin.ConfigCommand", "--alter", *of, change[0], change[1])


def limit(broker, client, *values):
    configure(broker, ("--add-config", ",".join(values)), "--entity-type", "clients", "--entity-name", client)


def shown(broker, *of):
    return tool(broker.bootstrap, "kafka.admin.ConfigCommand", "--describe", *of)


def within(rate, wanted):
    assert abs(rate - wanted) <= TOLERANCE * wanted, f"{rate:.0f} bytes in a second, {wanted} are allowed"


class Press(threading.Thread):
    """A producer that sends all it can to one partition, for as long as it lives."""

    def __init__(self, broker, client, partition):
        super().__init__(daemon=True)
        self.delivered, self.told, self.over, self.partition = 0, [], False, partition
        self.producer = Producer({
            "bootstrap.servers": broker.bootstrap, "client.id": client, "throttle_cb": lambda event: self.told.append(event.throttle_time),
            "queue.buffering.max.messages": 200, "batch.size": 50_000, "linger.ms": 5, "message.timeout.ms": 120_000, "log_level": 0,
        })  # fmt: skip
        self.start()

    def run(self):
        value = b"x" * 5000
        while not self.over:
            try:
                self.producer.produce("pressed", value, partition=self.partition, on_delivery=self.count)
            except BufferError:
                self.producer.poll(0.05)
            self.producer.poll(0)
        self.producer.purge()
        self.producer.flush(5)
        self.producer = None

    def count(self, error, message):
        if error is None:
            self.delivered += len(message.value())


def producers_on_both_cores_share_one_quota():
    with node("produce", *config()) as broker:
        broker.corelog("topic", "create", "pressed", "--partitions", "2")
        limit(broker, "pressing", f"producer_byte_rate={RATE}")
        presses = [Press(broker, "pressing", partition) for partition in (0, 1)]
        free = Press(broker, "free", 0)
        eventually("all are told", lambda: all(press.told for press in presses), 30)
        began, before, untouched = time.monotonic(), sum(press.delivered for press in presses), free.delivered
        time.sleep(MEASURED_S)
        rate = (sum(press.delivered for press in presses) - before) / (time.monotonic() - began)
        others = (free.delivered - untouched) / (time.monotonic() - began)
        for press in (*presses, free):
            press.over = True
        for press in (*presses, free):
            press.join()
        within(rate, RATE)
        assert others > 2 * RATE and not any(free.told), f"who has no quota got {others:.0f} bytes in a second, told {free.told[:5]}"
        assert all(press.delivered > 0 and max(press.told) > 0.01 for press in presses)
        held = {labels["core"]: count for labels, count in broker.samples()["corelog_throttle_seconds_count"] if labels["quota"] == "produce"}
        assert set(held) == {"0", "1"} and min(held.values()) > 5, f"each core holds up its own: {held}"
        print(f"{rate:.0f} bytes in a second of {RATE}; others {others:.0f}; throttled {held}")


def javas_producer_keeps_to_it():
    with node("java", *config()) as broker:
        broker.corelog("topic", "create", "measured", "--partitions", "2")
        limit(broker, "measuring", f"producer_byte_rate={RATE}")
        # What a window allows at once is its warm-up; so much less comes then, of twice as much as elsewhere.
        said = tool(broker.bootstrap, "ProducerPerformance", "--topic", "measured", "--num-records", str(2 * MEASURED_S * RATE // 1000), "--record-size", "1000",
                    "--throughput", "-1", "--warmup-records", "3000", "--print-metrics", "--command-property", "client.id=measuring")  # fmt: skip
        last = [line for line in said.splitlines() if "records sent" in line][-1]
        within(float(re.search(r"([\d.]+) records/sec", last)[1]) * 1000, RATE)
        told = float(re.search(r"produce-throttle-time-max:.*?: ([\d.]+)", said)[1])
        assert told > 10, said


def consumers_share_one_quota():
    with node("fetch", *config()) as broker:
        broker.corelog("topic", "create", "pressed", "--partitions", "2")
        presses = [Press(broker, "free", partition) for partition in (0, 1)]
        eventually("there is enough", lambda: min(press.delivered for press in presses) > 24 * RATE, 60)
        for press in presses:
            press.over = True
        limit(broker, "reading", f"consumer_byte_rate={RATE}")
        read, told, over = [0, 0], [], threading.Event()

        def consume(partition):
            consumer = Consumer({
                "bootstrap.servers": broker.bootstrap, "client.id": "reading", "group.id": f"g{partition}", "fetch.message.max.bytes": 30_000,
                "queued.max.messages.kbytes": 1000, "throttle_cb": lambda event: told.append(event.throttle_time),
            })  # fmt: skip
            consumer.assign([TopicPartition("pressed", partition, OFFSET_BEGINNING)])
            while not over.is_set():
                for message in consumer.consume(100, 0.1):
                    assert not message.error(), message.error()
                    read[partition] += len(message.value())
            consumer.close()

        readers = [threading.Thread(target=consume, args=[partition], daemon=True) for partition in (0, 1)]
        for reader in readers:
            reader.start()
        eventually("they are told", lambda: len(told) > 3, 30)
        began, before = time.monotonic(), sum(read)
        time.sleep(MEASURED_S)
        rate = (sum(read) - before) / (time.monotonic() - began)
        over.set()
        for reader in readers:
            reader.join()
        within(rate, RATE)
        assert min(read) > 0
        print(f"{rate:.0f} bytes in a second of {RATE}; told {len(told)} times")


def call(stream, key, version, client, body=b""):
    """One request by hand; returns the response without its correlation id."""
    name = client.encode()
    payload = struct.pack(">hhih", key, version, 1, len(name)) + name + body
    stream.write(struct.pack(">i", len(payload)) + payload)
    stream.flush()
    # Whole, as a socket with a time-out would not give it: it ends early even where it is told to wait for all.
    return stream.read(struct.unpack(">i", stream.read(4))[0])[4:]


def asked_in(broker, client, seconds):
    """Metadata requests answered, and the times told in milliseconds."""
    host, port = broker.bootstrap.split(":")
    count, told = 0, []
    with socket.create_connection((host, int(port)), 10) as peer, peer.makefile("rwb") as stream:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            # Of all topics, version 5: the time to wait comes first.
            told.append(struct.unpack_from(">i", call(stream, 3, 5, client, b"\xff\xff\xff\xff\0"))[0])
            count += 1
    return count, told


def requests_take_no_more_of_a_core_than_allowed():
    with node("time", *config()) as broker:
        broker.corelog("topic", "create", "wide", "--partitions", "2000")
        limit(broker, "asking", "request_percentage=1")
        count, told = asked_in(broker, "asking", 6)
        free, nothing = asked_in(broker, "free", 2)
        assert max(told) > 100 and max(told) <= 1000, "a sample at most"
        assert max(nothing) == 0 and free / 2 > 5 * count / 6, f"{free} in 2 s without a quota, {count} in 6 s with one"
        held = sum(time > 0 for time in told)
        eventually("they are counted", lambda: broker.sum("corelog_throttle_seconds_count", quota="request") == held, 5)
        print(f"{count / 6:.0f} in a second of {free / 2:.0f}")


def addresses_make_no_more_connections_than_allowed():
    with node("connect", *config()) as broker:
        host, port = broker.bootstrap.split(":")
        configure(broker, ("--add-config", "connection_creation_rate=5"), "--entity-type", "ips", "--entity-default")
        time.sleep(3)
        served, closed, until = 0, [], time.monotonic() + 10
        while time.monotonic() < until:
            began = time.monotonic()
            with socket.create_connection((host, int(port)), 10) as peer:
                peer.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))
                if peer.recv(1):
                    served += 1
                else:
                    closed.append(time.monotonic() - began)
        assert 40 <= served <= 62, f"{served} in 10 s, 5 in a second are allowed"
        # It is closed when the next is allowed, in 0.2 s; the first that is too many comes at any time within them.
        assert closed and statistics.median(closed) > 0.1 and max(closed) < 1.5, closed
        eventually("they are counted", lambda: broker.sum("corelog_connections_too_soon_total") >= len(closed), 5)


def quotas_outlive_kills_and_other_numbers_of_cores():
    broker = Node("kept").ready()
    limit(broker, "pressing", "producer_byte_rate=123456", "request_percentage=7.5")
    configure(broker, ("--add-config", "connection_creation_rate=4000"), "--entity-type", "ips", "--entity-default")
    configure(broker, ("--add-config", "consumer_byte_rate=9"), "--entity-type", "users", "--entity-default")
    configure(broker, ("--delete-config", "consumer_byte_rate"), "--entity-type", "users", "--entity-default")
    for cores in (1, 3, 2):
        broker.kill9()
        broker = Node("kept", cores=cores).ready()
        clients = shown(broker, "--entity-type", "clients")
        assert "producer_byte_rate=123456.0" in clients and "request_percentage=7.5" in clients, clients
        assert "connection_creation_rate=4000.0" in shown(broker, "--entity-type", "ips")
        # Of all users the tool would ask for SCRAM credentials too.
        assert not shown(broker, "--entity-type", "users", "--entity-default").strip()
    broker.end()
    rows = json.loads(corelog("dump", "metadata", "--data-dir", WORK / "kept", "--json"))["quotas"]
    assert {"quota_of": "client-id pressing", "key": "producer_byte_rate", "value": "123456"} in rows and len(rows) == 3, rows


checks = Checks()
for check in (quotas_outlive_kills_and_other_numbers_of_cores, producers_on_both_cores_share_one_quota, javas_producer_keeps_to_it,
              consumers_share_one_quota, requests_take_no_more_of_a_core_than_allowed, addresses_make_no_more_connections_than_allowed):
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
