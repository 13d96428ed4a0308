"""Clients that announce much and send little, ask for much and read nothing, while a good client goes on."""

import multiprocessing
import socket
import statistics
import threading
import time

import protocol
from peer import Corelog, ask, connect, read_frame

ANNOUNCERS, NEVER_READERS, SLOW_SENDERS = 1000, 500, 100
ANNOUNCED, ASKED = 100 << 20, 50 << 20
#: Between two bytes of an announcer, and of a slow sender (in seconds).
ANNOUNCER_PACE, SLOW_PACE = 1.0, 0.05
MEMORY_MIB = 256
#: What a Corelog needs besides what --memory bounds, with 1,600 connections: program, stacks, rings, receive buffers.
MEMORY_BESIDE_MIB = 128
ATTACK_SECONDS, CALM_SECONDS = 20, 3
#: The good client's answers during the attack must at least be as many; each must come within the time-out (seconds).
ANSWERS_MIN, ANSWER_TIMEOUT = 500, 10
BULK, BULK_BATCHES, SMALL = "bulk", 128, "small"


def announcer(port, number):
    """Half of them make a valid request first: what may be announced is decided by that."""
    connection = connect(port, 30)
    if number % 2:
        ask(connection, protocol.api_versions())
    connection.sendall(protocol.i32(ANNOUNCED) + protocol.i16(protocol.PRODUCE) + protocol.i16(7) + protocol.i32(1))
    return connection


def never_reader(port):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", port))
    connection.sendall(protocol.fetch([(BULK, [protocol.Ask(0, 0, ASKED)])], max_bytes=ASKED, min_bytes=1, max_wait=500))
    return connection


def still_open(connection):
    """Whether the broker has neither closed it nor said a word."""
    connection.setblocking(False)
    try:
        connection.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


class SlowSender:
    """Sends valid requests byte by byte, and reads the answers."""

    def __init__(self, port, number):
        self.connection = connect(port, 30)
        self.connection.setblocking(False)
        self.request = protocol.produce([(SMALL, [(1, protocol.batch())])]) if number % 2 else protocol.api_versions()
        self.at = number % len(self.request) // 2
        self.connection.sendall(self.request[: self.at])
        self.answers = 0

    def step(self):
        if self.at < len(self.request):
            self.connection.send(self.request[self.at : self.at + 1])
            self.at += 1
            return
        try:
            if self.connection.recv(1 << 16):
                self.answers, self.at = self.answers + 1, 0
        except BlockingIOError:
            pass


def attack(port, ready, stop, result):
    """A process of its own: all the hostile clients, until told to stop."""
    announcers = [announcer(port, number) for number in range(ANNOUNCERS)]
    readers = [never_reader(port) for _ in range(NEVER_READERS)]
    slow = [SlowSender(port, number) for number in range(SLOW_SENDERS)]
    ready.set()
    next_byte, cut = time.monotonic(), 0
    while not stop.wait(SLOW_PACE):
        for sender in slow:
            sender.step()
        if time.monotonic() >= next_byte:
            next_byte += ANNOUNCER_PACE
            for connection in announcers:
                try:
                    connection.send(b"\0")
                except OSError:
                    cut += 1
    waiting = sum(map(still_open, announcers))
    result.send((waiting, cut, sum(sender.answers for sender in slow)))
    for connection in [*announcers, *readers, *(sender.connection for sender in slow)]:
        connection.close()


class Attack:
    def __init__(self, port):
        context = multiprocessing.get_context("fork")
        self.ready, self.stop_it = context.Event(), context.Event()
        self.result, theirs = context.Pipe(False)
        self.process = context.Process(target=attack, args=(port, self.ready, self.stop_it, theirs), daemon=True)
        self.process.start()
        theirs.close()
        assert self.ready.wait(60), "the hostile clients could not all connect and send"

    def stop(self):
        """(announcers still waiting, announcers that were cut off, slow senders' answers)"""
        self.stop_it.set()
        outcome = self.result.recv()
        self.process.join(30)
        return outcome


class GoodClient:
    """One small record at a time, acknowledged by all, on one connection; keeps what it was told and how long it took."""

    def __init__(self, port):
        self.connection = connect(port, ANSWER_TIMEOUT)
        self.acked = []

    def produce(self):
        value = b"good %d" % len(self.acked)
        request = protocol.produce([(SMALL, [(0, protocol.batch([protocol.record(value)]))])])
        began = time.perf_counter()
        response = ask(self.connection, request)
        took = time.perf_counter() - began
        error, offset = protocol.produce_outcomes(response)[SMALL, 0]
        assert error == 0, f"the good client's record {len(self.acked)} got error {error}"
        self.acked.append((offset, value))
        return took

    def for_seconds(self, seconds):
        """Latencies in seconds."""
        end, taken = time.monotonic() + seconds, []
        while time.monotonic() < end:
            taken.append(self.produce())
            time.sleep(0.001)
        return taken

    def verify(self):
        """Each acknowledged record is at its offset, and there is no other."""
        found, offset = b"", 0
        while offset <= self.acked[-1][0]:
            response = ask(self.connection, protocol.fetch([(SMALL, [protocol.Ask(0, offset, 8 << 20)])], max_bytes=8 << 20))
            batches = read_batches(response)
            assert batches, f"nothing at offset {offset}, below the last acknowledged"
            found += b"".join(batch for _, batch in batches)
            for base, batch in batches:
                want_offset, want = self.acked[base]
                assert want_offset == base and want + b"\0" in batch, f"offset {base} does not hold {want}"
                offset = base + 1
        assert offset == len(self.acked), f"{len(self.acked)} acknowledged, {offset} there"


def read_batches(response):
    """[(base offset, bytes)] of a Fetch response, version 11, of one partition of an unaborted topic."""
    import struct

    (name_length,) = struct.unpack_from(">h", response, 18)
    at = 20 + name_length + 4 + 4 + 2 + 8 + 8 + 8 + 4 + 4
    (length,) = struct.unpack_from(">i", response, at)
    at += 4
    end, batches = at + length, []
    while at + 12 <= end:
        base, size = struct.unpack_from(">qi", response, at)
        batches.append((base, response[at : at + 12 + size]))
        at += 12 + size
    return batches


def prepare(binary, work, memory_mib=MEMORY_MIB):
    corelog = Corelog(binary, work, memory_mib).start()
    with connect(corelog.port, 30) as connection:
        keep = [("retention.ms", "-1")]
        ask(connection, protocol.create_topics([(BULK, 1, 1, keep), (SMALL, 2, 1, keep)]))
        request = protocol.produce([(BULK, [(0, protocol.batch([protocol.record(bytes(1_000_000))]))])])
        for _ in range(BULK_BATCHES):
            connection.sendall(request)
        for _ in range(BULK_BATCHES):
            error, _ = protocol.produce_outcomes(read_frame(connection))[BULK, 0]
            assert error == 0, f"cannot fill {BULK}: error {error}"
    return corelog


def p99(taken):
    return statistics.quantiles(taken, n=100)[98] * 1000


def hostile(binary, work):
    corelog = prepare(binary, work)
    try:
        before, good = corelog.memory(), GoodClient(corelog.port)
        good.for_seconds(CALM_SECONDS)
        attack_, calm = Attack(corelog.port), len(good.acked)
        samples, done = [], threading.Event()
        watch = threading.Thread(target=lambda: [samples.append(corelog.memory()) for _ in iter(lambda: done.wait(0.1), True)])
        watch.start()
        good.for_seconds(ATTACK_SECONDS)
        done.set()
        watch.join()
        during = len(good.acked) - calm
        waiting, cut, slow_answers = attack_.stop()
        good.for_seconds(CALM_SECONDS)
        good.verify()
        most, bound = max(corelog.memory("VmHWM"), *samples) >> 20, MEMORY_MIB + MEMORY_BESIDE_MIB
        assert waiting + cut == ANNOUNCERS, f"{waiting} announcers wait and {cut} were cut off, of {ANNOUNCERS}"
        assert slow_answers >= SLOW_SENDERS, f"slow senders of valid requests got {slow_answers} answers"
        assert during >= ANSWERS_MIN, f"the good client got {during} answers, at least {ANSWERS_MIN} must come"
        assert most <= bound, f"the broker took {most} MiB; --memory {MEMORY_MIB} and {MEMORY_BESIDE_MIB} for the rest allow {bound}"
        lines = sum("bad input" in line for line in corelog.lines())
        assert lines < 100, f"{lines} lines about bad input"
        corelog.stop()
    finally:
        corelog.end()
    print(
        f"{waiting} announcers of {ANNOUNCED >> 20} MiB held, {cut} cut off, {NEVER_READERS} never read, {slow_answers} answers to slow "
        f"senders; memory {before >> 20} MiB before, at most {most} of {bound}; the good client's {during} records meanwhile and "
        f"{len(good.acked)} in all are there; {lines} lines about bad input"
    )


def latency(binary, work, turns=4, seconds=6):
    """In turns, as the machine's noise comes and goes."""
    corelog = prepare(binary, work)
    try:
        good, calm, attacked = GoodClient(corelog.port), [], []
        good.for_seconds(seconds)
        for _ in range(turns):
            calm.append(p99(good.for_seconds(seconds)))
            attack_ = Attack(corelog.port)
            good.for_seconds(1)
            attacked.append(p99(good.for_seconds(seconds)))
            attack_.stop()
            good.for_seconds(1)
        good.verify()
        corelog.stop()
    finally:
        corelog.end()
    ratio = statistics.median(attacked) / statistics.median(calm)
    listed = [", ".join(f"{value:.2f}" for value in values) for values in (calm, attacked)]
    print(f"p99 in ms, calm: {listed[0]}; attacked: {listed[1]}; ratio of the medians {ratio:.2f} (to be at most 1.5)")
