"""Partitions that move between two data directories while an idempotent producer writes to them and a consumer reads."""

import struct
import threading
import time
from pathlib import Path

import admin
import one_node
import protocol
from disks import TOPIC, Two, delete_topic, run_checks
from hostile import read_batches
from peer import ask, connect
from reader import Reader

#: What is there before the move, in batches of so many bytes.
BATCHES, VALUE = 120, 200_000
#: The directory of a log that is no topic's.
METADATA = f"{1:032x}-0"
#: As long as a move may take, in seconds.
PATIENCE = 60
BROKER, SET = 4, 0
RATE = "replica.alter.log.dirs.io.max.bytes.per.second"
PRODUCER, WRITES = 4711, b"written while it moves: %d"


class Moving(Two):
    """A broker of two data directories, with one partition that has something to copy."""

    def __init__(self, binary, work, name):
        super().__init__(binary, work, name)
        self.partition = min(partition for partition, path in self.held.items() if path == self.first)
        with connect(self.corelog.port, 30) as connection:
            for number in range(BATCHES):
                self.produce(connection, self.partition, b"%d" % number * (VALUE // len(b"%d" % number)))

    def slow(self, rate):
        with connect(self.corelog.port) as connection:
            answer = ask(connection, admin.incremental((BROKER, "0", [(RATE, SET, str(rate))])))
            assert admin.altered(answer)[0][0] == 0, answer.hex()

    def move(self, path):
        with connect(self.corelog.port) as connection:
            answer = ask(connection, one_node.alter_log_dirs((str(path), [(TOPIC, [self.partition])])))
        reader = Reader(answer)
        reader.take("i")
        codes = reader.rows(lambda r: (r.text(), r.rows(lambda r: (r.take("i"), r.take("h")))))
        assert codes == [(TOPIC, [(self.partition, 0)])], codes

    def where(self):
        """{directory: (lag, whether it is to come there)} of the partition."""

        def topic(r):
            return r.text(), r.rows(lambda r: (r.take("i"), r.take("q"), r.take("q"), r.take("?")))

        with connect(self.corelog.port) as connection:
            reader = Reader(ask(connection, one_node.describe_log_dirs(None)))
        reader.take("i")
        rows = reader.rows(lambda r: (r.take("h"), r.text(), r.rows(topic)))
        return {
            Path(path): (lag, future)
            for _, path, topics in rows
            for name, partitions in topics
            for index, _, lag, future in partitions
            if (name, index) == (TOPIC, self.partition)
        }

    def until(self, done):
        deadline = time.monotonic() + PATIENCE
        while not done(self.where()):
            assert time.monotonic() < deadline, f"not within {PATIENCE} s: {self.where()}"
            time.sleep(0.02)

    def on_its_way(self, to):
        self.until(lambda where: where.get(to, (0, False))[1])
        where = self.where()
        assert where[self.first] == (0, False) and 0 < where[to][0], where

    def settled(self, at):
        self.until(lambda where: where == {at: (0, False)})

    def logs(self, directory):
        """Files of the partition in a directory."""
        found = [*(directory / "logs").glob(f"*-{self.partition}/*"), *directory.glob(f"copies/*-{self.partition}/*")]
        return [path for path in found if path.is_file() and path.parent.name != METADATA]


class Writer(threading.Thread):
    """Writes one record after the other until it is told to end; each is acknowledged at the offset after the last."""

    def __init__(self, moving, sequence=0):
        super().__init__()
        self.moving, self.sequence, self.wrong, self.ends = moving, sequence, None, threading.Event()
        self.slowest = 0.0

    def batch(self, sequence):
        record = protocol.record(WRITES % sequence)
        return protocol.batch([record], producer_id=PRODUCER, producer_epoch=0, base_sequence=sequence)

    def send(self, connection, sequence):
        partition = self.moving.partition
        answer = ask(connection, protocol.produce([(TOPIC, [(partition, self.batch(sequence))])]))
        return protocol.produce_outcomes(answer)[TOPIC, partition]

    def run(self):
        acked = self.moving.acked[self.moving.partition]
        with connect(self.moving.corelog.port, 30) as connection:
            while not self.ends.is_set():
                begun = time.monotonic()
                outcome = self.send(connection, self.sequence)
                self.slowest = max(self.slowest, time.monotonic() - begun)
                if outcome != (0, len(acked)):
                    self.wrong = f"record {self.sequence}: {outcome}, not at {len(acked)}"
                    return
                acked.append(WRITES % self.sequence)
                self.sequence += 1

    def end(self):
        self.ends.set()
        self.join()
        assert self.wrong is None, self.wrong
        with connect(self.moving.corelog.port, 30) as connection:
            again = self.send(connection, self.sequence - 1)
        assert again == (0, len(self.moving.acked[self.moving.partition]) - 1), f"sent again it is at {again}"


def consumed(moving):
    """All values acknowledged so far, in order, as one consumer that goes on reads them."""
    # A record can be read before its writer has heard that it is there.
    values, offset = list(moving.acked[moving.partition]), 0
    with connect(moving.corelog.port, 30) as connection:
        while offset < len(values):
            answer = ask(connection, protocol.fetch([(TOPIC, [protocol.Ask(moving.partition, offset)])]))
            for base, batch in read_batches(answer):
                if base < offset or offset == len(values):
                    continue
                assert base == offset and values[offset] in batch, f"offset {offset}: {base}"
                offset = base + struct.unpack_from(">i", batch, 23)[0] + 1


def there_and_back(binary, work):
    """Nobody notices a move, but for DescribeLogDirs."""
    moving = Moving(binary, work, "there")
    try:
        writer = Writer(moving)
        writer.start()
        moving.slow(40_000_000)
        moving.move(moving.second)
        moving.on_its_way(moving.second)
        consumed(moving)
        moving.settled(moving.second)
        time.sleep(0.5)
        assert not moving.logs(moving.first), moving.logs(moving.first)
        moving.slow(1 << 40)
        moving.move(moving.first)
        moving.settled(moving.first)
        writer.end()
        assert writer.sequence > 20, writer.sequence
        print(f"     {writer.sequence} records written meanwhile, the slowest in {1000 * writer.slowest:.0f} ms")
        consumed(moving)
        moving.corelog.stop()
        moving.restart()
        moving.settled(moving.first)
        consumed(moving)
        moving.corelog.stop()
    finally:
        moving.corelog.end()


def given_up_and_deleted(binary, work):
    """A move that is taken back leaves nothing, and a topic that is deleted while it moves goes from both directories."""
    moving = Moving(binary, work, "given-up")
    try:
        moving.slow(2_000_000)
        moving.move(moving.second)
        moving.on_its_way(moving.second)
        moving.move(moving.first)
        assert moving.where() == {moving.first: (0, False)} and not moving.logs(moving.second), moving.where()
        consumed(moving)
        moving.move(moving.second)
        moving.on_its_way(moving.second)
        with connect(moving.corelog.port, 30) as connection:
            delete_topic(connection)
        deadline = time.monotonic() + PATIENCE
        while moving.logs(moving.first) or moving.logs(moving.second):
            assert time.monotonic() < deadline, [moving.logs(moving.first), moving.logs(moving.second)]
            time.sleep(0.1)
        assert moving.where() == {}
        moving.corelog.stop()
    finally:
        moving.corelog.end()


def killed(binary, work):
    """A broker that is killed in mid-move goes on with it when it is started again."""
    moving = Moving(binary, work, "killed")
    try:
        moving.slow(4_000_000)
        moving.move(moving.second)
        sequence = 0
        for _ in range(3):
            writer = Writer(moving, sequence)
            writer.start()
            moving.on_its_way(moving.second)
            time.sleep(0.3)
            writer.end()
            sequence = writer.sequence
            moving.corelog.kill9()
            moving.restart()
            consumed(moving)
        writer = Writer(moving, sequence)
        writer.start()
        moving.slow(1 << 40)
        moving.settled(moving.second)
        writer.end()
        consumed(moving)
        moving.corelog.kill9()
        moving.restart()
        moving.settled(moving.second)
        assert not moving.logs(moving.first), moving.logs(moving.first)
        consumed(moving)
        moving.corelog.stop()
    finally:
        moving.corelog.end()


CHECKS = [there_and_back, given_up_and_deleted, killed]


def moves(binary, work):
    work.chmod(0o755)
    run_checks(CHECKS, binary, work)
