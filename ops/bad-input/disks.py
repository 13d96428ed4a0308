"""Directories that cannot be used, damaged files, and limits: clear words with what to do, nothing acknowledged lost."""

import ctypes
import os
import re
import resource
import struct
import time
from pathlib import Path

import admin
import one_node
import protocol
from hostile import read_batches
from peer import Corelog, ask, connect
from reader import Reader

#: Who a broker is run as where root runs these checks.
NOBODY = 65534
MEMLOCK, SOFT_FILES, CONNECTIONS = 8 << 20, 1024, 2000
IO_URING_SETUP, EPERM, ENOSYS = 425, 1, 38
#: Errors of Kafka.
LEADER_NOT_AVAILABLE, STORAGE_ERROR = 5, 56
#: What the damaged broker held: partition 0 has several segments, partition 1 lies in the journal.
TOPIC, SEGMENT_BYTES, BATCHES, VALUE = "kept", 1 << 20, 40, 150_000


def unprivileged(limits=False):
    """A function for the child: an ordinary user, with the limits that an ordinary user has."""

    def prepare():
        if limits:
            _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (MEMLOCK, MEMLOCK))
            resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT_FILES, hard))
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

    return prepare


def without_io_uring(error):
    """A function for the child: io_uring_setup fails with `error`, as under a container's seccomp profile."""

    class Filter(ctypes.Structure):
        _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]

    class Program(ctypes.Structure):
        _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(Filter))]

    load, jump_if_equal, give = 0x20, 0x15, 0x06
    fail, allow = 0x00050000 | error, 0x7FFF0000
    steps = [(load, 0, 0, 0), (jump_if_equal, 0, 1, IO_URING_SETUP), (give, 0, 0, fail), (give, 0, 0, allow)]
    filters = (Filter * len(steps))(*(Filter(*step) for step in steps))
    program = Program(len(steps), filters)
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def prepare():
        no_new_privileges, set_seccomp, mode_filter = 38, 22, 2
        if prctl(no_new_privileges, 1, 0, 0, 0) or prctl(set_seccomp, mode_filter, ctypes.byref(program), 0, 0):
            os._exit(97)

    return prepare


def says(text, *wanted):
    for want in wanted:
        assert str(want) in text, f"the message does not say {want!r}:\n{text}"


def owned(path):
    path.mkdir()
    if os.getuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    return path


def read_only_directory(binary, work):
    place = owned(work / "read-only")
    place.chmod(0o555)
    says(Corelog(binary, work, name="read-only", prepare=unprivileged()).refused(), place, "let this user write there")
    says(Corelog(binary, work, name="read-only/below", prepare=unprivileged()).refused(), place, "let this user write there")
    place.chmod(0o755)


def missing_parent(binary, work):
    corelog = Corelog(binary, work, name="not/there/yet").start()
    corelog.stop()
    assert corelog.data.is_dir()
    (work / "file").write_text("")
    says(Corelog(binary, work, name="file/below").refused(), work / "file", "a file is in its place")


def memory_file_system(binary, work):
    place = Path("/dev/shm") / work.name
    try:
        text = Corelog(binary, work, name=place).refused()
        says(text, place, "tmpfs", "direct I/O", "put the data directory on a disk")
    finally:
        if place.exists():
            left = [path for path in place.rglob("*") if path.name != "corelog.lock"]
            (place / "corelog.lock").unlink(missing_ok=True)
            assert not left, f"left behind: {left}"
            place.rmdir()


def second_process(binary, work):
    first = Corelog(binary, work, name="shared").start()
    try:
        says(Corelog(binary, work, name="shared").refused(), first.data, first.process.pid, "--data-dir")
        with connect(first.port) as connection:
            ask(connection, protocol.api_versions())
        first.stop()
    finally:
        first.end()


def ordinary_limits(binary, work):
    place = owned(work / "ordinary")
    corelog = Corelog(binary, work, name=place.name, prepare=unprivileged(limits=True)).start()
    connections = []
    try:
        limits = Path(f"/proc/{corelog.process.pid}/limits").read_text()
        assert re.search(rf"Max locked memory +{MEMLOCK} ", limits), limits
        assert not re.search(rf"Max open files +{SOFT_FILES} ", limits), f"the soft limit of files was not raised:\n{limits}"
        for _ in range(CONNECTIONS):
            connections.append(connect(corelog.port, 30))
        for connection in connections:
            connection.sendall(protocol.api_versions())
        for connection in connections:
            assert connection.recv(4), "a connection was closed"
        corelog.stop()
    finally:
        corelog.end()
        for connection in connections:
            connection.close()


def io_uring_blocked(binary, work):
    for error in (EPERM, ENOSYS):
        text = Corelog(binary, work, name=f"blocked-{error}", prepare=without_io_uring(error)).refused()
        says(text, "io_uring", "seccomp")


class Kept:
    """A broker's data directory with acknowledged records, and what must be there."""

    def __init__(self, binary, work, name, unclean, cores=1):
        self.corelog = Corelog(binary, work, name=name)
        self.cores(cores)
        self.acked = {0: [], 1: []}
        self.corelog.start()
        with connect(self.corelog.port, 30) as connection:
            config = [("retention.ms", "-1"), ("segment.bytes", str(SEGMENT_BYTES))]
            # With one more before it, partition 0 is the last core's.
            for number in range(1, cores):
                ask(connection, protocol.create_topics([(f"filler-{number}", 1, 1, [])]))
            ask(connection, protocol.create_topics([(TOPIC, 2, 1, config)]))
            for number in range(BATCHES):
                for partition, value in ((0, os.urandom(VALUE)), (1, b"small %d" % number)):
                    self.produce(connection, partition, value)
        # Idle for a moment, the journal says what of it is durable: from then on rot is told from a torn write.
        time.sleep(0.2)
        if unclean:
            self.corelog.kill9()
        else:
            self.corelog.stop()

    def cores(self, count):
        # What is damaged is known by its core: it stays there.
        config = self.corelog.data.with_suffix(".toml")
        config.write_text("core.gather = false\n")
        self.corelog.arguments = ["--cores", str(count), "--config", str(config)]

    def produce(self, connection, partition, value):
        records = protocol.batch([protocol.record(value)])
        response = ask(connection, protocol.produce([(TOPIC, [(partition, records)])]))
        error, offset = protocol.produce_outcomes(response)[TOPIC, partition]
        assert (error, offset) == (0, len(self.acked[partition])), f"error {error}, offset {offset}"
        self.acked[partition].append(value)

    def files(self, pattern):
        return sorted(path for path in self.corelog.data.rglob(pattern) if path.is_file())

    def read(self, connection, partition):
        """[(offset, why it cannot be read)]; fails where a record is missing or changed without an error."""
        lost = []
        for offset, value in enumerate(self.acked[partition]):
            response = ask(connection, protocol.fetch([(TOPIC, [protocol.Ask(partition, offset, 1)])]))
            (error,) = struct.unpack_from(">h", response, 18 + 2 + len(TOPIC) + 4 + 4)
            if error:
                lost.append((offset, error))
                continue
            batches = read_batches(response)
            assert batches and batches[0][0] == offset, f"partition {partition} offset {offset} is gone without an error"
            batch = batches[0][1]
            if protocol.crc32c(batch[21:]) != struct.unpack_from(">I", batch, 17)[0]:
                lost.append((offset, "checksum"))
            else:
                assert value in batch, f"partition {partition} offset {offset} holds another record, with a right checksum"
        return lost


def flip(path, at, count=16):
    with open(path, "r+b") as file:
        file.seek(at)
        old = file.read(count)
        file.seek(at)
        file.write(bytes(byte ^ 0xFF for byte in old))


def restarted(kept, unreadable, named):
    """Starts it again: what of partition 0 cannot be read is told, and the rest is there; the other partition works on."""
    corelog = kept.corelog
    corelog.log.write_text("")
    corelog.start()
    try:
        with connect(corelog.port, 30) as connection:
            lost = kept.read(connection, 0)
            assert [offset for offset, _ in lost] == unreadable, f"unreadable: {lost}"
            assert not kept.read(connection, 1), "a partition that was not damaged lost records"
            kept.produce(connection, 1, b"one more")
            kept.produce(connection, 0, b"one more")
            assert not kept.read(connection, 1)
        text = corelog.log.read_text()
        if named:
            says(text, named, "restore")
            told = text.count("records cannot be read")
            assert told == 1, f"told {told} times"
        corelog.stop()
    finally:
        corelog.end()


def refused(kept, named):
    """It does not start, and says which file is damaged; with the file as it was, everything is there."""
    says(kept.corelog.refused(), named, "corrupt", "restore")


def flip_and_back(kept, path, at):
    flip(path, at)
    refused(kept, path)
    flip(path, at)
    restarted(kept, [], None)


def damaged_segment(binary, work):
    kept = Kept(binary, work, "segment", unclean=False)
    segment = kept.files(f"{0:020}.log")
    segment = max(segment, key=lambda path: path.stat().st_size)
    flip(segment, segment.read_bytes().find(kept.acked[0][2]) + 50)
    restarted(kept, [2], segment)


def damaged_segment_header(binary, work):
    kept = Kept(binary, work, "header", unclean=False)
    segment = max(kept.files(f"{0:020}.log"), key=lambda path: path.stat().st_size)
    in_first = [offset for offset, value in enumerate(kept.acked[0]) if value in segment.read_bytes()]
    flip(segment, 0, 64)
    restarted(kept, in_first, segment)


def partition_offline(kept, segment):
    """Starts it: partition 0 is offline, and says so in every way; the other goes on. Gives the connection to more."""
    corelog = kept.corelog
    corelog.log.write_text("")
    corelog.start()
    with connect(corelog.port, 30) as connection:
        assert not kept.read(connection, 1), "a partition that was not damaged lost records"
        kept.produce(connection, 1, b"one more")
        records = protocol.batch([protocol.record(b"refused")])
        answer = ask(connection, protocol.produce([(TOPIC, [(0, records)])]))
        assert protocol.produce_outcomes(answer)[TOPIC, 0] == (STORAGE_ERROR, -1), answer.hex()
        lost = kept.read(connection, 0)
        assert lost == [(offset, STORAGE_ERROR) for offset in range(len(kept.acked[0]))], f"{lost[:3]}..."
        answer = ask(connection, protocol.list_offsets([(TOPIC, [(0, -1, -1)])]))
        assert struct.unpack_from(">ih", answer, 4 + 4 + 4 + 2 + len(TOPIC) + 4) == (0, STORAGE_ERROR), answer.hex()
        shown = protocol.metadata_partitions(ask(connection, protocol.metadata([TOPIC])))
        assert shown[TOPIC, 0] == (LEADER_NOT_AVAILABLE, -1, [0]), shown
        assert shown[TOPIC, 1] == (0, 0, []), shown
    says(corelog.log.read_text(), segment, "offline until", "restored", "topic deleted")


def damaged_segment_unclean(binary, work):
    """A batch that was acknowledged, and that a start needs, has rotted: its partition is offline, and it alone."""
    kept = Kept(binary, work, "segment-unclean", unclean=True)
    segment = max(kept.files(f"{0:020}.log"), key=lambda path: path.stat().st_size)
    at = segment.read_bytes().find(kept.acked[0][2]) + 50
    flip(segment, at)
    try:
        for end in (kept.corelog.kill9, kept.corelog.stop, kept.corelog.stop):
            partition_offline(kept, segment)
            end()
        flip(segment, at)
        restarted(kept, [], None)
    finally:
        kept.corelog.end()


def damaged_segment_other_cores(binary, work):
    """The same, while the number of cores changes: with one, nobody has the shard that keeps the partition."""
    kept = Kept(binary, work, "segment-cores", unclean=True, cores=2)
    segment = max(kept.files(f"{0:020}.log"), key=lambda path: path.stat().st_size)
    at = segment.read_bytes().find(kept.acked[0][2]) + 50
    flip(segment, at)
    try:
        for cores, end in ((1, kept.corelog.kill9), (1, kept.corelog.stop), (3, kept.corelog.stop), (2, kept.corelog.kill9)):
            kept.cores(cores)
            partition_offline(kept, segment)
            end()
            assert (kept.corelog.data / "shards" / "1").exists(), "the shard that keeps the partition is gone"
        kept.cores(1)
        flip(segment, at)
        restarted(kept, [], None)
        assert not (kept.corelog.data / "shards" / "1").exists(), "a shard that is drained is still there"
    finally:
        kept.corelog.end()


def delete_topic(connection):
    delete = protocol.request(protocol.DELETE_TOPICS, 1, protocol.array([protocol.string(TOPIC)]) + protocol.i32(10_000))
    assert ask(connection, delete)[-2:] == protocol.i16(0)


def damaged_segment_deleted_later(binary, work):
    """The topic is deleted while nobody has the shard that keeps the partition, and something strange lies in its place:
    the next start gives it up, and is not stopped by what cannot be removed."""
    kept = Kept(binary, work, "segment-later", unclean=True, cores=2)
    segment = max(kept.files(f"{0:020}.log"), key=lambda path: path.stat().st_size)
    flip(segment, segment.read_bytes().find(kept.acked[0][2]) + 50)
    kept.cores(1)
    try:
        partition_offline(kept, segment)
        with connect(kept.corelog.port, 30) as connection:
            delete_topic(connection)
        (segment.parent / "strange").mkdir()
        (segment.parent / "strange" / "file").write_text("")
        kept.corelog.stop()
        kept.corelog.log.write_text("")
        kept.corelog.start()
        kept.corelog.stop()
        says(kept.corelog.log.read_text(), segment.parent / "strange", "could not be removed")
        assert not segment.exists() and not (kept.corelog.data / "shards" / "1").exists()
    finally:
        kept.corelog.end()


def damaged_segment_deleted(binary, work):
    """The same; its topic is deleted and made anew."""
    kept = Kept(binary, work, "segment-deleted", unclean=True)
    segment = max(kept.files(f"{0:020}.log"), key=lambda path: path.stat().st_size)
    flip(segment, segment.read_bytes().find(kept.acked[0][2]) + 50)
    try:
        partition_offline(kept, segment)
        with connect(kept.corelog.port, 30) as connection:
            delete_topic(connection)
            deadline = time.monotonic() + 10
            while segment.parent.exists():
                assert time.monotonic() < deadline, f"{segment.parent} is still there"
                time.sleep(0.05)
            ask(connection, protocol.create_topics([(TOPIC, 2, 1, [])]))
            kept.acked = {0: [], 1: []}
            kept.produce(connection, 0, b"anew")
        kept.corelog.kill9()
        restarted(kept, [], None)
    finally:
        kept.corelog.end()


def damaged_journal(binary, work):
    kept = Kept(binary, work, "journal", unclean=True)
    (journal,) = kept.files("journal-*")
    flip_and_back(kept, journal, journal.read_bytes().rfind(b"small 20"))


def damaged_last_of_journal(binary, work):
    """The newest acknowledged record of an idle broker: the closing frame tells it from a torn write."""
    kept = Kept(binary, work, "journal-end", unclean=True)
    (journal,) = kept.files("journal-*")
    flip_and_back(kept, journal, journal.read_bytes().rfind(b"small %d" % (BATCHES - 1)))


def damaged_checkpoint(binary, work):
    kept = Kept(binary, work, "checkpoint", unclean=False)
    (checkpoint,) = kept.files("checkpoint")
    flip_and_back(kept, checkpoint, 100)


class Two(Kept):
    """A broker with two data directories, a topic of four partitions, two in each, and acknowledged records in all."""

    def __init__(self, binary, work, name):
        place = owned(work / name)
        self.first, self.second = place / "a", place / "b"
        self.corelog = Corelog(binary, work, name=f"{name}/a", prepare=unprivileged())
        self.second_is(self.second)
        self.acked = {partition: [] for partition in range(4)}
        self.corelog.start()
        with connect(self.corelog.port, 30) as connection:
            ask(connection, protocol.create_topics([(TOPIC, len(self.acked), 1, [])]))
            for partition in self.acked:
                self.produce(connection, partition, b"first")
            told = self.told(connection)
        assert [(error, len(held)) for error, held in told.values()] == [(0, 2), (0, 2)], told
        self.held = {partition: path for path, (_, held) in told.items() for _, partition in held}

    def second_is(self, path):
        self.corelog.arguments = ["--data-dir", str(path)]

    def told(self, connection):
        """What DescribeLogDirs says: {path: (error, [(topic, partition)])}."""

        def topic(r):
            name = r.text()
            return [(name, row[0]) for row in r.rows(lambda r: (r.take("i"), r.take("q"), r.take("q"), r.take("?")))]

        reader = Reader(ask(connection, one_node.describe_log_dirs(None)))
        reader.take("i")
        rows = reader.rows(lambda r: (r.take("h"), r.text(), sum(r.rows(topic), [])))
        return {Path(path): (error, held) for error, path, held in rows}

    def offline(self, shown):
        """The partitions of the second directory are offline, and say so in every way; the others are served, and whole."""
        with connect(self.corelog.port, 30) as connection:
            told = self.told(connection)
            assert told[self.first][0] == 0 and told[shown] == (STORAGE_ERROR, []), told
            metadata = protocol.metadata_partitions(ask(connection, protocol.metadata([TOPIC])))
            for partition, path in self.held.items():
                if path == self.first:
                    assert metadata[TOPIC, partition] == (0, 0, []), metadata
                    self.produce(connection, partition, b"one more")
                    assert not self.read(connection, partition)
                    continue
                assert metadata[TOPIC, partition] == (LEADER_NOT_AVAILABLE, -1, [0]), metadata
                records = protocol.batch([protocol.record(b"refused")])
                answer = ask(connection, protocol.produce([(TOPIC, [(partition, records)])]))
                assert protocol.produce_outcomes(answer)[TOPIC, partition] == (STORAGE_ERROR, -1), answer.hex()
                lost = self.read(connection, partition)
                assert lost == [(offset, STORAGE_ERROR) for offset in range(len(self.acked[partition]))], lost

    def whole(self):
        with connect(self.corelog.port, 30) as connection:
            for partition in self.acked:
                assert not self.read(connection, partition)
                self.produce(connection, partition, b"one more")

    def restart(self):
        self.corelog.log.write_text("")
        self.corelog.start()


def second_directory_unreadable(binary, work):
    """One of two directories cannot be read at a start: its partitions are offline, until it can."""
    two = Two(binary, work, "unreadable")
    try:
        two.corelog.stop()
        two.second.chmod(0)
        for end in (two.corelog.kill9, two.corelog.stop):
            two.restart()
            two.offline(two.second)
            says(two.corelog.log.read_text(), two.second, "offline", "let this user write there")
            end()
        two.second.chmod(0o755)
        two.restart()
        two.whole()
        two.corelog.stop()
    finally:
        two.corelog.end()


def second_directory_elsewhere(binary, work):
    """Its disk is not mounted, and the empty place is not taken for it; then it is mounted elsewhere, and known."""
    two = Two(binary, work, "elsewhere")
    elsewhere = two.second.with_name("c")
    try:
        two.corelog.kill9()
        two.second.rename(elsewhere)
        two.restart()
        two.offline(two.second)
        says(two.corelog.log.read_text(), two.second, "mount its disk again")
        two.corelog.stop()
        assert not (two.second / "shards").exists(), "an empty directory was used in place of another"
        two.second_is(elsewhere)
        two.restart()
        two.whole()
        two.corelog.stop()
        two.corelog.arguments = []
        two.restart()
        says(two.corelog.log.read_text(), elsewhere, "no longer in log.dirs")
        two.corelog.stop()
    finally:
        two.corelog.end()


def metadata_directory_missing(binary, work):
    """Without the directory that holds the metadata nothing starts, and no new cluster is made in its place."""
    two = Two(binary, work, "metadata")
    try:
        two.corelog.stop()
        away = two.first.with_name("away")
        two.first.rename(away)
        says(two.corelog.refused(), two.second, "belongs to node 0", "bring that one back")
        assert not (two.first / "shards").exists()
        (two.first / "corelog.lock").unlink()
        two.first.rmdir()
        away.rename(two.first)
        two.restart()
        two.whole()
        two.corelog.stop()
    finally:
        two.corelog.end()


def second_directory_fails(binary, work):
    """A write fails in one of two directories while the broker runs: it is offline from then on, and it alone."""
    two = Two(binary, work, "failing")
    try:
        (two.second / "logs").chmod(0o555)
        victim = next(partition for partition, path in two.held.items() if path == two.second)
        with connect(two.corelog.port, 30) as connection:
            # Large enough to go to its segment at once, which cannot be made.
            records = protocol.batch([protocol.record(os.urandom(VALUE))])
            answer = ask(connection, protocol.produce([(TOPIC, [(victim, records)])]))
            assert protocol.produce_outcomes(answer)[TOPIC, victim] == (STORAGE_ERROR, -1), answer.hex()
        time.sleep(0.5)
        two.offline(two.second)
        says(two.corelog.log.read_text(), two.second, "offline until the broker is started again")
        two.corelog.stop()
        (two.second / "logs").chmod(0o755)
        two.restart()
        # What was not acknowledged may be there all the same.
        with connect(two.corelog.port, 30) as connection:
            assert not any(two.read(connection, partition) for partition in two.acked)
        two.corelog.stop()
    finally:
        two.corelog.end()


def configurations(binary, work):
    """What was set while a broker ran is there after kill -9; what a file may not say is refused with its line."""
    file = work / "configured.toml"
    file.write_text("node.id = 1\nnum.io.threads = 8\n")
    broker = Corelog(binary, work, name="configured", arguments=["--config", str(file)]).start()
    asks = [(admin.TOPIC_TYPE, TOPIC), (admin.BROKER_TYPE, "1"), (admin.BROKER_TYPE, ""), (admin.GROUP_TYPE, "g"), (admin.METRICS_TYPE, "m")]
    with connect(broker.port) as connection:
        ask(connection, protocol.create_topics([(TOPIC, 1, 1, [("retention.ms", "5")])]))
        steps = [
            (admin.TOPIC_TYPE, TOPIC, [("segment.ms", admin.SET, "77")]),
            (admin.BROKER_TYPE, "1", [("log.retention.ms", admin.SET, "78"), ("nobody.knows", admin.SET, "79")]),
            (admin.BROKER_TYPE, "", [("message.max.bytes", admin.SET, "60")]),
            (admin.GROUP_TYPE, "g", [("consumer.session.timeout.ms", admin.SET, "50000")]),
            (admin.METRICS_TYPE, "m", [("interval.ms", admin.SET, "1000")]),
        ]
        altered = admin.altered(ask(connection, admin.incremental(*steps)))
        assert [code for code, *_ in altered] == [0] * len(steps), altered
        before = admin.described(ask(connection, admin.describe(*asks)))
    broker.kill9()
    broker.start()
    with connect(broker.port) as connection:
        after = admin.described(ask(connection, admin.describe(*asks)))
        too_large = ask(connection, protocol.produce([(TOPIC, [(0, protocol.batch())])]))
    assert before == after and "'77'" in repr(after) and "'50000'" in repr(after), f"{before}\n{after}"
    assert protocol.produce_outcomes(too_large)[TOPIC, 0][0] == 10, "message.max.bytes holds"
    loggers = admin.describe((admin.LOGGER_TYPE, "1", ["root"]))
    with connect(broker.port) as connection:
        quiet = ask(connection, admin.incremental((admin.LOGGER_TYPE, "1", [("root", admin.SET, "ERROR")])))
        assert admin.altered(quiet)[0][0] == 0 and "'ERROR'" in repr(admin.described(ask(connection, loggers)))
    broker.log.write_text("")
    broker.stop()
    assert not broker.lines(), f"told at ERROR: {broker.lines()}"
    broker.start()
    with connect(broker.port) as connection:
        assert "'INFO'" in repr(admin.described(ask(connection, loggers))), "a level is not kept"
    broker.stop()
    assert any("stopping" in line for line in broker.lines())
    for text, *wanted in [
        ("node.id = 1\nnum.partitions = 2\nnum.partitions = 3\n", ":3:", "duplicate"),
        ("node.id = 1\n[num]\npartitions = 0\n", ":3:", "num.partitions", "Value must be at least 1"),
        ("log.retention.ms = 0\n", "log.retention.ms", "-1 keeps records for ever"),
        ("log.retension.ms = 1\n", ":1:", "did you mean log.retention.ms?"),
        ('authorizer.class.name = "x.Y"\n', ":1:", "no ACLs yet"),
        ('"max.connections.per.ip.overrides" = "here:5"\n', ":1:", "ADDRESS:COUNT"),
    ]:
        file.write_text(text)
        says(Corelog(binary, work, name="refused", arguments=["--config", str(file)]).refused(), *wanted)


CHECKS = [
    configurations,
    read_only_directory, missing_parent, memory_file_system, second_process, ordinary_limits, io_uring_blocked,
    damaged_segment, damaged_segment_header, damaged_segment_unclean, damaged_segment_other_cores,
    damaged_segment_deleted, damaged_segment_deleted_later, damaged_journal, damaged_last_of_journal, damaged_checkpoint,
    second_directory_unreadable, second_directory_elsewhere, metadata_directory_missing, second_directory_fails,
]  # fmt: skip


def run_checks(checks, binary, work):
    """Runs all of them, and fails if one does."""
    failed = []
    for check in checks:
        began = time.monotonic()
        try:
            check(binary, work)
        except (AssertionError, RuntimeError, OSError, struct.error) as error:
            failed.append(check.__name__)
            print(f"FAIL {check.__name__}: {type(error).__name__}: {error}", flush=True)
        else:
            print(f"ok   {check.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
    assert not failed, f"{len(failed)} of {len(checks)} checks: {', '.join(failed)}"
    print(f"{len(checks)} checks passed")


def disks(binary, work):
    # As root the broker runs as another user, who must be able to come here.
    work.chmod(0o755)
    run_checks(CHECKS, binary, work)
