"""A full disk: producers get an error, what makes room still works, service resumes by itself, nothing acknowledged is lost.

The disk is a small ext4 in a file, mounted here: for root.
"""

import os
import struct
import subprocess
import time
from pathlib import Path

import protocol
from hostile import read_batches
from peer import Corelog, ask, connect

DISK_MIB, VALUE = 192, 100_000
#: What a producer may be told on a full disk: KAFKA_STORAGE_ERROR, NOT_ENOUGH_REPLICAS (overloaded), REQUEST_TIMED_OUT.
FULL_ERRORS = {56, 19, 7}
RESUME_SECONDS = 30
KEPT, AWAY = "kept", "away"


class Client:
    """Produces, and knows what was acknowledged."""

    def __init__(self, corelog):
        self.port, self.acked, self.number = corelog.port, {}, 0
        self.open()

    def open(self):
        self.connection = connect(self.port, 30)

    def produce(self, topic, size=VALUE):
        """The error code; 0 is an acknowledgement."""
        value = (b"record %d " % self.number) + os.urandom(size)
        self.number += 1
        records = protocol.batch([protocol.record(value)])
        response = ask(self.connection, protocol.produce([(topic, [(0, records)])], timeout=3_000))
        error, offset = protocol.produce_outcomes(response)[topic, 0]
        if error == 0:
            assert (topic, offset) not in self.acked, f"{topic} has two records at offset {offset}"
            self.acked[topic, offset] = value
        return error

    def fill(self, topic):
        """Until the disk is full: large records first, then small ones; the errors that were told."""
        errors = set()
        for size in (VALUE, 1000):
            refused, deadline = 0, time.monotonic() + 60
            while refused < 5:
                assert time.monotonic() < deadline, f"the disk did not fill with records of {size} bytes"
                error = self.produce(topic, size)
                refused = refused + 1 if error else 0
                errors |= {error} - {0}
        assert errors <= FULL_ERRORS, f"a full disk is told as {errors}"
        return errors

    def await_service(self, topic):
        deadline, began = time.monotonic() + RESUME_SECONDS, time.monotonic()
        while error := self.produce(topic):
            assert error in FULL_ERRORS, f"error {error}"
            assert time.monotonic() < deadline, f"still error {error} after {RESUME_SECONDS} s with space"
            time.sleep(0.2)
        return time.monotonic() - began

    def verify(self, topic, since=0):
        wanted = {offset: value for (of, offset), value in self.acked.items() if of == topic and offset >= since}
        for offset, value in wanted.items():
            response = ask(self.connection, protocol.fetch([(topic, [protocol.Ask(0, offset, 1)])]))
            (error,) = struct.unpack_from(">h", response, 18 + 2 + len(topic) + 4 + 4)
            assert error == 0, f"{topic} offset {offset}: error {error}"
            base, batch = read_batches(response)[0]
            assert base == offset and value in batch, f"{topic} offset {offset} holds something else"
        return len(wanted)

    def delete_topic(self, topic):
        response = ask(self.connection, protocol.request(protocol.DELETE_TOPICS, 3, protocol.array([protocol.string(topic)]) + protocol.i32(10_000)))
        assert response.endswith(protocol.i16(0)), f"DeleteTopics on a full disk: {response.hex()}"
        self.acked = {key: value for key, value in self.acked.items() if key[0] != topic}

    def delete_records(self, topic, before):
        part = protocol.array([protocol.i32(0) + protocol.i64(before)])
        body = protocol.array([protocol.string(topic) + part]) + protocol.i32(10_000)
        response = ask(self.connection, protocol.request(protocol.DELETE_RECORDS, 1, body))
        assert response.endswith(protocol.i64(before) + protocol.i16(0)), f"DeleteRecords on a full disk: {response.hex()}"

    def create(self, topic, *config):
        keep = [("segment.bytes", str(2 << 20)), *config]
        ask(self.connection, protocol.create_topics([(topic, 1, 1, keep)]))


def mounted(work):
    image, place = work / "disk", work / "mount"
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(DISK_MIB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, place], check=True)
    return place


def scenario(corelog):
    config = Path(corelog.arguments[1])
    config.write_text('"log.retention.check.interval.ms" = 1000\n')
    corelog.start()
    client = Client(corelog)
    client.create(KEPT, ("retention.ms", "-1"))
    client.create(AWAY, ("retention.ms", "-1"))
    for _ in range(50):
        assert client.produce(KEPT) == 0
        assert client.produce(AWAY) == 0
    errors = client.fill(AWAY)
    print(f"full after {len(client.acked)} records; producers are told {sorted(errors)}", flush=True)
    client.verify(KEPT)

    corelog.kill9()
    corelog.start()
    client.open()
    count = client.verify(KEPT) + client.verify(AWAY)
    print(f"killed while full: all {count} acknowledged records are there", flush=True)

    client.fill(AWAY)
    last = max(offset for topic, offset in client.acked if topic == AWAY)
    client.delete_records(AWAY, last - 50)
    print(f"DeleteRecords: service resumes after {client.await_service(KEPT):.1f} s", flush=True)
    client.verify(AWAY, last - 50)

    client.fill(AWAY)
    client.delete_topic(AWAY)
    print(f"DeleteTopics: service resumes after {client.await_service(KEPT):.1f} s", flush=True)

    client.create("short", ("retention.bytes", str(4 << 20)))
    client.create("filler", ("retention.ms", "-1"))
    refused = 0
    while refused < 5:
        assert client.number < 20_000, "the disk did not fill"
        refused = refused + 1 if client.produce("short") else 0
        refused = refused + 1 if client.produce("filler") else 0
    print(f"retention: service resumes after {client.await_service(KEPT):.1f} s", flush=True)

    count = client.verify(KEPT)
    corelog.stop()
    corelog.start()
    client.open()
    assert client.verify(KEPT) == count
    failures = [line for line in corelog.lines() if "panicked" in line]
    assert not failures, failures
    corelog.stop()
    print(f"{count} acknowledged records of {KEPT} are there after it all", flush=True)


def full_disk(binary, work):
    assert os.getuid() == 0, "mounting a disk needs root"
    place = mounted(work)
    corelog = Corelog(binary, work, arguments=["--config", str(work / "config.toml"), "--cores", "1"], name="mount/data", memory_mib=64)
    try:
        scenario(corelog)
    finally:
        corelog.end()
        subprocess.run(["umount", place], check=True)
