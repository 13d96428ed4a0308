"""What a long life on a server must not cost, whatever clients do: topics that come and go, names made anew, wall clocks
that jump, clients that want more than there is, logs of many segments."""

import ctypes
import ctypes.util
import os
import struct
import time
from contextlib import closing
from pathlib import Path

import protocol
from disks import run_checks
from greedy import memory_holds
from hostile import read_batches
from peer import Corelog, ask, connect, read_frame
from reader import Reader

MIB = 1 << 20
#: Topics that come and go: so many, so many in one request, each with a record.
TOPICS, TOPICS_AT_ONCE = 10_000, 250
#: What they may leave: open files, memory, bytes on disk beside journals and metadata; bytes of metadata at any time.
FILES_LEFT, MEMORY_LEFT, DISK_LEFT, METADATA_MOST = 8, 24 * MIB, MIB, 6 * MIB
JOURNAL_MIB = 64
#: Lives of one topic's name, and records of each.
LIVES, RECORDS = 12, 5
UNKNOWN_TOPIC_ID, UNKNOWN_MEMBER = 100, 25
#: COORDINATOR_LOAD_IN_PROGRESS and its like: ask again.
LOADING = (14, 15, 16)
#: The directory of the cluster's metadata.
METADATA = f"{1:032x}-0"
HOUR_MS = 3_600_000
SEGMENTS = 2_000
#: What a broker has open besides segments: rings, sockets, journals, the lock, its log.
FILES_BESIDE = 64


def now_ms():
    return int(time.time() * 1000)


def written(value, timestamp=None):
    timestamp = now_ms() if timestamp is None else timestamp
    return protocol.batch([protocol.record(value)], base_timestamp=timestamp, max_timestamp=timestamp)


def produce(connection, topic, *values):
    """The offsets they got."""
    offsets = []
    for value in values:
        answer = ask(connection, protocol.produce([(topic, [(0, written(value))])]))
        error, offset = protocol.produce_outcomes(answer)[topic, 0]
        assert error == 0, f"{topic} refuses a record with error {error}"
        offsets.append(offset)
    return offsets


def created(connection, topics):
    """Makes topics of one partition: their ids, by name."""
    compact = protocol.compact_string
    rows = [compact(name) + protocol.i32(1) + protocol.i16(1) + b"\1" + protocol.compact_rows(
        [compact(key) + compact(value) + b"\0" for key, value in config]) + b"\0" for name, config in topics]  # fmt: skip
    body = protocol.compact_rows(rows) + protocol.i32(30_000) + protocol.i8(0) + b"\0"
    reader = Reader(ask(connection, protocol.request(protocol.CREATE_TOPICS, 7, body, tags=b"\0")), flexible=True)
    reader.take("i")

    def topic(reader):
        name, id_, error, message = reader.text(), reader.take("16s"), reader.take("h"), reader.text()
        assert error == 0, f"{name} was not made: {error} {message}"
        reader.take("i"), reader.take("h")
        reader.rows(lambda r: (r.text(), r.text(), r.take("?"), r.take("b"), r.take("?")))
        return name, id_

    return dict(reader.rows(topic))


def deleted(connection, names):
    names = [protocol.string(name) for name in names]
    reader = Reader(ask(connection, protocol.request(protocol.DELETE_TOPICS, 3, protocol.array(names) + protocol.i32(30_000))))
    reader.take("i")
    refused = [row for row in reader.rows(lambda r: (r.text(), r.take("h"))) if row[1]]
    assert not refused, f"not deleted: {refused}"


def fetch_by_id(connection, id_, offset=0):
    """(error, high watermark, records) of partition 0."""
    part = protocol.i32(0) + protocol.i32(-1) + protocol.i64(offset) + protocol.i32(-1) + protocol.i64(-1) + protocol.i32(MIB) + b"\0"
    topic = id_ + protocol.compact_rows([part]) + b"\0"
    head = protocol.i32(-1) + protocol.i32(0) * 2 + protocol.i32(MIB) + protocol.i8(0) + protocol.i32(0) + protocol.i32(-1)
    body = head + protocol.compact_rows([topic]) + b"\1" + protocol.compact_string("") + b"\0"
    reader = Reader(ask(connection, protocol.request(protocol.FETCH, 13, body, tags=b"\0")), flexible=True)
    reader.take("i"), reader.take("h"), reader.take("i")

    def partition(reader):
        _, error, high_watermark = reader.take("i"), reader.take("h"), reader.take("q")
        reader.take("q"), reader.take("q")
        reader.rows(lambda r: (r.take("q"), r.take("q")))
        reader.take("i")
        return error, high_watermark, reader.data()

    ((_, ((error, high_watermark, records),)),) = reader.rows(lambda r: (r.take("16s"), r.rows(partition)))
    return error, high_watermark, records or b""


def produce_by_id(connection, id_, value):
    """(error, offset) of partition 0."""
    part = protocol.i32(0) + protocol.compact_data(written(value)) + b"\0"
    body = b"\0" + protocol.i16(-1) + protocol.i32(10_000) + protocol.compact_rows([id_ + protocol.compact_rows([part]) + b"\0"]) + b"\0"
    reader = Reader(ask(connection, protocol.request(protocol.PRODUCE, 13, body, tags=b"\0")), flexible=True)

    def partition(reader):
        _, error, offset = reader.take("i"), reader.take("h"), reader.take("q")
        reader.take("q"), reader.take("q")
        reader.rows(lambda r: (r.take("i"), r.text()))
        reader.text()
        return error, offset

    ((_, (outcome,)),) = reader.rows(lambda r: (r.take("16s"), r.rows(partition)))
    return outcome


def log_start(connection, topic):
    answer = ask(connection, protocol.list_offsets([(topic, [(0, -1, -2)])]))
    error, _, offset = struct.unpack_from(">hqq", answer, 4 + 4 + 4 + 2 + len(topic) + 4 + 4)
    assert error == 0, f"ListOffsets: {error}"
    return offset


def open_files(corelog):
    """What each open file is."""
    found = []
    for entry in Path(f"/proc/{corelog.process.pid}/fd").iterdir():
        try:
            found.append(os.readlink(entry))
        except FileNotFoundError:
            continue
    return found


def others(corelog):
    """Directories of logs, but for the metadata's."""
    return [path for path in (corelog.data / "logs").iterdir() if path.name != METADATA]


def size(paths):
    return sum(path.stat().st_blocks * 512 for path in paths if path.is_file())


class Footprint:
    """What a broker takes of its machine."""

    def __init__(self, corelog, metadata):
        files = list(corelog.data.rglob("*"))
        # Journals are made file by file, while there is time for it.
        self.files = sum("/journal-" not in path for path in open_files(corelog))
        self.memory = corelog.memory()
        self.journals = size(path for path in files if path.name.startswith("journal-"))
        self.metadata = size(metadata.glob("*"))
        self.disk = size(files) - self.journals - self.metadata

    def __str__(self):
        return (
            f"{self.files} open files, {self.memory / MIB:.1f} MiB of memory, {self.disk >> 10} KiB of disk beside "
            f"{self.journals >> 20} MiB of journals and {self.metadata >> 10} KiB of metadata"
        )


def topics_come_and_go(binary, work):
    """10,000 topics, each with a record: their handles, memory and files go with them, and the metadata stays small."""
    config = work / "life.toml"
    config.write_text(f'"journal.size" = "{JOURNAL_MIB}MiB"\n"log.retention.check.interval.ms" = 500\n')
    corelog = Corelog(binary, work, name="churn", arguments=["--config", str(config)], memory_mib=64).start()
    try:
        metadata = corelog.data / "logs" / METADATA
        with closing(connect(corelog.port, 60)) as connection:

            def turn(number):
                names = [f"topic-{number}-{at}" for at in range(TOPICS_AT_ONCE)]
                created(connection, [(name, []) for name in names])
                answer = ask(connection, protocol.produce([(name, [(0, written(b"v"))]) for name in names]))
                refused = [row for row in protocol.produce_outcomes(answer).values() if row[0]]
                assert not refused, refused
                deleted(connection, names)

            def settled():
                deadline = time.monotonic() + 20
                while left := others(corelog):
                    assert time.monotonic() < deadline, f"{len(left)} logs are still there"
                    time.sleep(0.05)
                return Footprint(corelog, metadata)

            for number in range(4):
                turn(-number)
            before = settled()
            took = []
            for number in range(TOPICS // TOPICS_AT_ONCE):
                began = time.monotonic()
                turn(number)
                took.append(time.monotonic() - began)
            after = settled()
        print(f"     before: {before}\n     after:  {after}\n     a turn took {took[0]:.2f} s first, {took[-1]:.2f} s last")
        assert after.files <= before.files + FILES_LEFT, "open files are left"
        assert not any(path.endswith(" (deleted)") for path in open_files(corelog)), "files of deleted topics are open"
        assert after.memory <= before.memory + MEMORY_LEFT, "memory is left"
        assert after.disk <= before.disk + DISK_LEFT, "disk is left"
        assert after.journals <= 2 * JOURNAL_MIB * MIB, "the journals are larger than they may be"
        assert after.metadata <= METADATA_MOST, "the metadata grew"
        deadline = time.monotonic() + 10
        while min(int(path.stem) for path in metadata.glob("*.log")) == 0:
            assert time.monotonic() < deadline, "the metadata's oldest part is still there"
            time.sleep(0.1)
        corelog.kill9()
        corelog.start()
        with closing(connect(corelog.port)) as connection:
            created(connection, [("again", [])])
            assert produce(connection, "again", b"v") == [0]
        corelog.stop()
    finally:
        corelog.end()


def check_life(connection, name, ids, life):
    """The newest of a name's topics has its own records and no others; what asks for an older one is told so."""
    values = [b"life %d record %d" % (life, at) for at in range(RECORDS)]
    error, high_watermark, records = fetch_by_id(connection, ids[-1])
    assert (error, high_watermark) == (0, RECORDS), f"life {life}: error {error}, high watermark {high_watermark}"
    answer = ask(connection, protocol.fetch([(name, [protocol.Ask(0)])]))
    for found in (records, answer):
        assert all(value in found for value in values), f"life {life} lacks records"
        assert found.count(b"life ") == RECORDS, f"life {life} has records of another"
    for old in ids[:-1]:
        assert fetch_by_id(connection, old)[0] == UNKNOWN_TOPIC_ID, f"life {life}: an old id is served"
        assert produce_by_id(connection, old, b"life of the dead")[0] == UNKNOWN_TOPIC_ID


def a_name_made_anew(binary, work):
    """A topic is deleted and made anew under its name, again and again, with kill -9 between any two steps."""
    corelog = Corelog(binary, work, name="anew", arguments=["--cores", "2"]).start()
    name, ids = "phoenix", []
    try:
        for life in range(LIVES):
            with closing(connect(corelog.port)) as connection:
                ids += created(connection, [(name, [])]).values()
                if life % 4 == 1:
                    corelog.kill9()
            if life % 4 == 1:
                corelog.start()
            with closing(connect(corelog.port)) as connection:
                assert fetch_by_id(connection, ids[-1]) == (0, 0, b""), f"life {life} begins with records"
                offsets = produce(connection, name, *(b"life %d record %d" % (life, at) for at in range(RECORDS)))
                assert offsets == list(range(RECORDS)), f"life {life}: {offsets}"
                check_life(connection, name, ids, life)
            if life % 4 == 2:
                corelog.kill9()
                corelog.arguments = ["--cores", str(1 + life // 4 % 2)]
                corelog.start()
            with closing(connect(corelog.port)) as connection:
                check_life(connection, name, ids, life)
                deleted(connection, [name])
                if life % 4 == 3:
                    corelog.kill9()
            if life % 4 == 3:
                corelog.start()
        with closing(connect(corelog.port)) as connection:
            assert protocol.metadata_partitions(ask(connection, protocol.metadata([name]))) == {}
        deadline = time.monotonic() + 10
        while left := others(corelog):
            assert time.monotonic() < deadline, f"files of a deleted topic are left: {left}"
            time.sleep(0.05)
        corelog.stop()
    finally:
        corelog.end()


class Member:
    """The one member of a group, on a connection of its own."""

    def __init__(self, port, group, session_ms=6_000):
        self.connection, self.group = connect(port, 30), protocol.string(group)
        ask(self.connection, protocol.request(protocol.FIND_COORDINATOR, 1, self.group + protocol.i8(0)))
        offer = protocol.array([protocol.string("range") + protocol.data(b"")])
        body = self.group + protocol.i32(session_ms) * 2 + protocol.string("") + protocol.string("consumer") + offer
        deadline, error = time.monotonic() + 10, None
        while error != 0:
            assert time.monotonic() < deadline and error in (None, *LOADING), f"JoinGroup: {error}"
            reader = Reader(ask(self.connection, protocol.request(protocol.JOIN_GROUP, 3, body)))
            _, error, self.generation = reader.take("i"), reader.take("h"), protocol.i32(reader.take("i"))
        reader.text(), reader.text()
        self.id = protocol.string(reader.text())
        body = self.group + self.generation + self.id + protocol.array([self.id + protocol.data(b"mine")])
        assert ask(self.connection, protocol.request(protocol.SYNC_GROUP, 1, body))[8:10] == protocol.i16(0)

    def beat(self):
        answer = ask(self.connection, protocol.request(protocol.HEARTBEAT, 1, self.group + self.generation + self.id))
        return struct.unpack_from(">h", answer, 8)[0]

    def commit(self, topic, offset):
        part = protocol.array([protocol.i32(0) + protocol.i64(offset) + protocol.string("")])
        body = self.group + self.generation + self.id + protocol.i64(-1) + protocol.array([protocol.string(topic) + part])
        assert ask(self.connection, protocol.request(protocol.OFFSET_COMMIT, 2, body))[-2:] == protocol.i16(0)

    def committed(self, topic):
        body = self.group + protocol.array([protocol.string(topic) + protocol.array([protocol.i32(0)])])
        reader = Reader(ask(self.connection, protocol.request(protocol.OFFSET_FETCH, 1, body)))
        ((_, ((_, offset, _, error),)),) = reader.rows(lambda r: (r.text(), r.rows(lambda r: (r.take("i"), r.take("q"), r.text(), r.take("h")))))
        assert error == 0, f"OffsetFetch: {error}"
        return offset


def appended_at(connection, topic):
    """The time that the broker's clock gave a record, in ms."""
    answer = ask(connection, protocol.produce([(topic, [(0, written(b"stamped"))])]))
    ((time_, error),) = protocol.produce_times(answer).values()
    assert error == 0, f"{topic} refuses a record with error {error}"
    return time_


def clock_jumps(binary, work):
    """The wall clock is a year ahead, then a year behind: nothing is deleted, no session ends, every wait takes its time."""
    (library,) = Path("/usr/lib").glob("*/faketime/libfaketime.so.1")
    clock, config = work / "clock", work / "clock.toml"
    config.write_text('"log.retention.check.interval.ms" = 200\n"offsets.retention.check.interval.ms" = 200\n"group.initial.rebalance.delay.ms" = 0\n')
    fake = {"LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    clock.write_text("+0")
    corelog = Corelog(binary, work, name="jumps", arguments=["--config", str(config)], environment=fake).start()
    try:
        with closing(connect(corelog.port)) as connection:
            stamped = ("message.timestamp.type", "LogAppendTime")
            created(connection, [("kept", [("retention.ms", str(72 * HOUR_MS)), ("segment.ms", "1")]), ("stamped", [stamped])])
            created(connection, [("short", [("retention.ms", "500"), ("segment.ms", "1")])])
            produce(connection, "kept", *[b"kept"] * 5)
            member = Member(corelog.port, "g")
            member.commit("kept", 3)
            for setting, year in (("+365d", 1), ("-365d", -1), ("+0", 0)):
                clock.write_text(setting)
                off = appended_at(connection, "stamped") - now_ms() - year * 365 * 24 * HOUR_MS
                assert abs(off) < 60_000, f"the broker's clock does not follow: {off} ms"
                began = time.monotonic()
                waiting = protocol.fetch([("kept", [protocol.Ask(0, 5)])], max_wait=1_000, min_bytes=1)
                assert not read_batches(ask(connection, waiting))
                waited = time.monotonic() - began
                assert 0.9 < waited < 3, f"a wait of 1 s took {waited:.1f} s with the clock at {setting}"
                assert member.beat() == 0, f"the session ended with the clock at {setting}"
                assert log_start(connection, "kept") == 0, f"records of today were deleted with the clock at {setting}"
                assert member.committed("kept") == 3, f"an offset expired with the clock at {setting}"
            told = [line for line in corelog.lines() if "the wall clock jumped forward" in line]
            assert told, "nobody was told that the clock jumped"
            time.sleep(7.5)
            assert member.beat() == UNKNOWN_MEMBER, "a session of 6 s lasts longer"
        # It does run. That the clock was set right, from a year behind, is a jump like any other: a start believes it.
        corelog.stop()
        corelog.start()
        with closing(connect(corelog.port)) as connection:
            produce(connection, "short", b"short", b"lived")
            deadline = time.monotonic() + 10
            while log_start(connection, "short") == 0:
                assert time.monotonic() < deadline, "retention does not run"
                time.sleep(0.1)
            assert log_start(connection, "kept") == 0
        corelog.stop()
    finally:
        corelog.end()


def many_segments(binary, work):
    """A log of 2,000 segments: a start opens none of them, and a read the one it reads."""
    corelog = Corelog(binary, work, name="segments", arguments=["--cores", "1"]).start()
    try:
        with closing(connect(corelog.port, 60)) as connection:
            (id_,) = created(connection, [("long", [("segment.ms", "1"), ("retention.ms", "-1")])]).values()
            begin = now_ms() - HOUR_MS
            for number in range(SEGMENTS):
                connection.sendall(protocol.produce([("long", [(0, written(b"segment %d" % number, begin + 10 * number))])]))
                if number >= 32:
                    read_answer(connection)
            for _ in range(32):
                read_answer(connection)
        corelog.stop()
        (place,) = [path for path in (corelog.data / "logs").iterdir() if len(list(path.glob("*.log"))) > 1000]
        segments = len(list(place.glob("*.log")))
        assert segments >= SEGMENTS, f"{segments} segments"
        with Opened(place) as opened:
            corelog.start()
            with closing(connect(corelog.port)) as connection:
                assert log_start(connection, "long") == 0
                at_start = opened.names()
                assert not at_start, f"a start opened {len(at_start)} files, such as {at_start[0]}"
                for offset in (0, SEGMENTS // 2, SEGMENTS - 7):
                    error, high_watermark, records = fetch_by_id(connection, id_, offset)
                    assert (error, high_watermark) == (0, SEGMENTS) and b"segment %d\0" % offset in records
                    names = {name.split(".")[0] for name in opened.names()}
                    assert len(names) == 1, f"a read of one offset opened {sorted(names)}"
                for offset in range(0, SEGMENTS, 4):
                    assert b"segment %d\0" % offset in fetch_by_id(connection, id_, offset)[2]
            held = sum(".log" in name or ".index" in name for name in open_files(corelog))
        print(f"     {segments} segments; a start opened none; {held} files of them are open after reads of {SEGMENTS // 4}")
        assert len(open_files(corelog)) <= 192 + FILES_BESIDE, f"{len(open_files(corelog))} files are open"
        corelog.stop()
    finally:
        corelog.end()


def read_answer(connection):
    outcome = protocol.produce_outcomes(read_frame(connection))
    assert all(error == 0 for error, _ in outcome.values()), outcome


class Opened:
    """The names of a directory's files that anybody opens, as the system tells (inotify)."""

    IN_OPEN = 0x20

    def __init__(self, place):
        self.libc, self.place = ctypes.CDLL(None, use_errno=True), place

    def __enter__(self):
        self.file = self.libc.inotify_init1(os.O_NONBLOCK)
        assert self.libc.inotify_add_watch(self.file, os.fsencode(self.place), self.IN_OPEN) >= 0, "inotify"
        return self

    def __exit__(self, *_):
        os.close(self.file)

    def names(self):
        """Those opened since the last call."""
        found = []
        while True:
            try:
                events = os.read(self.file, 1 << 20)
            except BlockingIOError:
                return found
            at = 0
            while at < len(events):
                _, _, _, length = struct.unpack_from("iIII", events, at)
                name = events[at + 16 : at + 16 + length].rstrip(b"\0").decode()
                at += 16 + length
                if name:
                    found.append(name)


CHECKS = [topics_come_and_go, a_name_made_anew, clock_jumps, many_segments, memory_holds]


def life(binary, work):
    run_checks(CHECKS, binary, work)
