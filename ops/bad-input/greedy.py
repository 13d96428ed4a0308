"""Clients that want more than there is, each kind of them and all at once: one setting bounds the broker's memory."""

import multiprocessing
import time
from contextlib import suppress

import protocol
from hostile import BULK, GoodClient, announcer, never_reader, prepare
from peer import ask, connect, read_frame

MEMORY_MIB = 128
#: What a broker takes besides what --memory bounds: program, stacks, rings, connections.
BESIDE_MIB = 128
SECONDS = 16
#: The good client's answers meanwhile, at least.
ANSWERS_MIN = 100
BIG, PARTITIONS = "big", 64


def crowd(port):
    """Connections that ask one thing and stay."""
    connections = [connect(port, 30) for _ in range(1_500)]
    for connection in connections:
        connection.sendall(protocol.api_versions())
    yield
    while True:
        time.sleep(0.1)
        yield


def halves(port):
    """Large requests of which the second half never comes."""
    connections = [announcer(port, 1) for _ in range(60)]
    piece = bytes(1 << 20)
    for connection in connections:
        connection.setblocking(False)
    while True:
        for connection in connections:
            with suppress(OSError):
                connection.send(piece)
        time.sleep(0.02)
        yield


def readers(port):
    """They ask for much and read nothing."""
    held = [never_reader(port) for _ in range(300)]
    while held:
        time.sleep(0.1)
        yield


def writers(port):
    """Large batches, several on the way, to all partitions."""
    connections = [connect(port, 30) for _ in range(8)]
    records = protocol.batch([protocol.record(bytes(900_000))])
    number = 0
    for connection in connections * 4:
        connection.sendall(protocol.produce([(BIG, [(number % PARTITIONS, records)])]))
        number += 1
    while True:
        for connection in connections:
            read_frame(connection)
            connection.sendall(protocol.produce([(BIG, [(number % PARTITIONS, records)])]))
            number += 1
        yield


def joiners(port):
    """Groups without end, each with a member that says a lot about itself."""
    said = protocol.string("range") + protocol.data(bytes(900_000))
    number = 0
    while True:
        with connect(port, 30) as connection:
            for _ in range(10):
                body = protocol.string(f"join-{number}") + protocol.i32(30_000) * 2 + protocol.string("") + protocol.string("consumer")
                connection.sendall(protocol.request(protocol.JOIN_GROUP, 3, body + protocol.array([said])))
                number += 1
            yield


def committers(port):
    """Groups without end that commit offsets with long notes."""
    note, number = "x" * 4_000, 0
    connection = connect(port, 30)
    while True:
        parts = [protocol.i32(part) + protocol.i64(1) + protocol.string(note) for part in range(PARTITIONS)]
        body = protocol.string(f"commit-{number}") + protocol.i32(-1) + protocol.string("") + protocol.i64(-1)
        ask(connection, protocol.request(protocol.OFFSET_COMMIT, 2, body + protocol.array([protocol.string(BIG) + protocol.array(parts)])))
        number += 1
        yield


def strangers(port):
    """Idempotent producers without end, each with one batch."""
    connection, producer = connect(port, 30), 1 << 20
    while True:
        for part in range(PARTITIONS):
            records = protocol.batch(producer_id=producer, producer_epoch=0, base_sequence=0)
            connection.sendall(protocol.produce([(BIG, [(part, records)])]))
            producer += 1
        for _ in range(PARTITIONS):
            read_frame(connection)
        yield


KINDS = [crowd, halves, readers, writers, joiners, committers, strangers]


def attack(kind, port, stop, steps):
    """A process of its own. Whatever the broker answers, or does not, it goes on."""
    while not stop.is_set():
        with suppress(OSError):
            for _ in kind(port):
                steps.value += 1
                if stop.is_set():
                    return


class Attack:
    def __init__(self, kind, port):
        context = multiprocessing.get_context("fork")
        self.kind, self.stop_it, self.steps = kind, context.Event(), context.Value("l", 0)
        self.process = context.Process(target=attack, args=(kind, port, self.stop_it, self.steps), daemon=True)
        self.process.start()

    def stop(self):
        self.stop_it.set()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def memory_holds(binary, work, kinds=KINDS, seconds=SECONDS):
    corelog = prepare(binary, work, MEMORY_MIB)
    attacks = []
    try:
        with connect(corelog.port, 30) as connection:
            ask(connection, protocol.create_topics([(BIG, PARTITIONS, 1, [("retention.ms", "-1")])]))
            ask(connection, protocol.request(protocol.FIND_COORDINATOR, 1, protocol.string("any") + protocol.i8(0)))
        before = corelog.memory()
        attacks = [Attack(kind, corelog.port) for kind in kinds]
        time.sleep(2)
        good = GoodClient(corelog.port)
        good.for_seconds(seconds)
        steps = {attack.kind.__name__: attack.steps.value for attack in attacks}
        for attack in attacks:
            attack.stop()
        good.verify()
        most, bound = corelog.memory("VmHWM") >> 20, MEMORY_MIB + BESIDE_MIB
        print(f"     memory {before >> 20} MiB before, at most {most} of {bound}; good answers {len(good.acked)}; {steps}")
        assert most <= bound, f"the broker took {most} MiB; --memory {MEMORY_MIB} and {BESIDE_MIB} for the rest allow {bound}"
        assert len(good.acked) >= ANSWERS_MIN, f"the good client got {len(good.acked)} answers"
        assert all(steps.values()), f"some did nothing: {steps}"
        corelog.stop()
    finally:
        for attack in attacks:
            attack.stop()
        corelog.end()
