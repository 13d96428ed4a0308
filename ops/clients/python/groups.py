"""Members of different clients in one group, added, stopped and killed under load: groups.py BOOTSTRAP.

Each scenario is a list of steps over members of several families with one strategy. What the members print
(franz/member.go) is compared with what the load was acknowledged: no record is skipped; one is read twice only if a reader
of it was killed; each member sees each partition in order and without holes; in the end each partition has one owner, to
the members and to the broker alike.
"""

import collections
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from check import Checks, eventually
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP = sys.argv[1]
HERE = Path(__file__).resolve().parent
FRANZ = Path(os.environ["CLIENTS"]) / "franz"
PARTITIONS = 12
RATE = 1500
#: A session of 6 s must end and everybody must join again before the survivors own all.
SETTLES_WITHIN = 40
PROGRAMS = {
    "java": ["java", "-Xmx96m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "Clients", "member"],
    "librdkafka": [sys.executable, HERE / "member_confluent.py"],
    "aiokafka": [sys.executable, HERE / "member_aio.py"],
    "franz-go": [FRANZ, "member"],
    "kafkajs": ["node", HERE.parent / "node/member.mjs"],
}
admin = AdminClient({"bootstrap.servers": BOOTSTRAP})


class Member:
    """A running member and what it printed. Its name is its program's, with an apostrophe for each further one."""

    def __init__(self, group, topic, strategy, name, instance):
        self.name, self.instance = name, instance
        self.killed = False
        self.owned = set()
        self.read = []  # (partition, offset, key, sequence), in the order printed
        self.takeovers = 0
        self.story = []  # when it was given and lost what
        self.wrong = []
        self.follows = {}
        command = [*PROGRAMS[name.rstrip("'")], BOOTSTRAP, group, topic, strategy, *([instance] if instance else [])]
        # Clients complain a lot while they rebalance; it matters only where a check fails.
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=self.errors, text=True)
        self.reader = threading.Thread(target=self.collect)
        self.reader.start()

    def collect(self):
        for line in self.process.stdout:
            kind, _, rest = line.strip().partition(" ")
            if kind == "r":
                self.take(rest.split(" "))
            elif kind in ("assigned", "revoked", "lost"):
                partitions = set(map(int, re.findall(r"\d+", rest)))
                self.story.append(f"{time.time() % 1000:.1f} {line.strip()}")
                if kind == "assigned":
                    self.owned |= partitions
                    self.takeovers += 1
                    for partition in partitions:
                        self.follows.pop(partition, None)
                else:
                    self.owned -= partitions
            elif kind != "c":
                self.wrong.append(f"{self.name} said {line.strip()!r}")

    def take(self, fields):
        if len(fields) < 5 or len(fields[4]) < 8:
            return  # the torn last line of a member that was killed
        partition, offset = int(fields[0]), int(fields[1])
        expected = self.follows.get(partition, offset)
        if offset != expected:
            self.wrong.append(f"{self.name}: partition {partition}: {offset} follows {expected - 1}")
        self.follows[partition] = offset + 1
        self.read.append((partition, offset, fields[2], int(fields[3])))

    def told(self):
        self.errors.seek(0)
        complaints = collections.Counter(self.errors.read().splitlines()).most_common(5)
        return f"{self.name}: {'; '.join(self.story)} {complaints}"

    def stop(self, how):
        self.killed = how == signal.SIGKILL
        self.process.send_signal(how)
        status = self.process.wait(30)
        self.reader.join()
        self.owned = set()
        # A JVM that shut down in good order on SIGTERM says 143.
        if not self.killed and status not in (0, 143):
            self.wrong.append(f"{self.name} ended with {status}")


class Scenario:
    def __init__(self, strategy, static):
        self.topic = f"groups-{strategy}{'-static' if static else ''}"
        self.group, self.strategy, self.static = f"{self.topic}-group", strategy, static
        self.live, self.all, self.instances = {}, [], 0
        admin.create_topics([NewTopic(self.topic, PARTITIONS, 1)])[self.topic].result(30)
        self.acks = []
        self.load = subprocess.Popen([str(FRANZ), "load", BOOTSTRAP, "g", self.topic, "-rate", str(RATE), "-keys", "100"],
                                     stdout=subprocess.PIPE, text=True)
        self.load_reader = threading.Thread(target=self.collect_acks)
        self.load_reader.start()

    def collect_acks(self):
        for line in self.load.stdout:
            fields = line.split()
            if fields[0] == "a":
                self.acks.append((int(fields[2]), int(fields[3]), fields[4], int(fields[5])))

    def add(self, *names, settle=True):
        for name in names:
            member = Member(self.group, self.topic, self.strategy, name, f"the-{name}" if self.static else None)
            self.live[name] = member
            self.all.append(member)
        if settle:
            self.settle()

    def stop(self, *names, how=signal.SIGTERM, settle=True):
        for name in names:
            self.live.pop(name).stop(how)
        if settle:
            self.settle()

    def kill(self, *names, settle=True):
        self.stop(*names, how=signal.SIGKILL, settle=settle)

    def settle(self):
        """Every partition has exactly one owner, every member has some, and records go on."""
        def settled():
            for name, member in self.live.items():
                assert member.process.poll() is None, f"{name} ended with {member.process.returncode}"
            owned = sorted(partition for member in self.live.values() for partition in member.owned)
            return owned == list(range(PARTITIONS)) and all(member.owned for member in self.live.values())

        try:
            eventually("each partition has one owner", settled, SETTLES_WITHIN)
        except AssertionError as error:
            stories = "\n".join(member.told() for member in self.all)
            raise AssertionError(f"{error}; now is {time.time() % 1000:.1f}; the members' stories:\n{stories}") from None
        time.sleep(1)

    def end(self):
        """Ends the load, lets the members read what is left, and stops them."""
        self.load.kill()
        self.load.wait()
        self.load_reader.join()
        last = set(self.acks)
        eventually("all acknowledged records are read", lambda: not self.unread(last), SETTLES_WITHIN)
        self.settle()
        self.owners = {name: sorted(member.owned) for name, member in self.live.items()}
        self.described = admin.describe_consumer_groups([self.group])[self.group].result(20)
        self.stop(*list(self.live), settle=False)

    def unread(self, records):
        for member in self.all:
            records.difference_update(member.read)
        return records

    def abandon(self):
        self.load.kill()
        for member in self.live.values():
            member.process.kill()

    # --- what must hold ------------------------------------------------------------------------------------------

    def nothing_is_skipped(self):
        assert len(self.acks) > 5 * RATE, f"only {len(self.acks)} records were acknowledged"
        unread = self.unread(set(self.acks))
        assert not unread, f"{len(unread)} acknowledged records nobody read: {sorted(unread)[:5]}"
        offsets = collections.defaultdict(set)
        for member in self.all:
            for partition, offset, *_ in member.read:
                offsets[partition].add(offset)
        for partition, seen in offsets.items():
            assert len(seen) == max(seen) + 1, f"partition {partition}: {max(seen) + 1 - len(seen)} offsets nobody read"

    def duplicates_only_after_a_death(self):
        readers = collections.defaultdict(list)
        for member in self.all:
            for record in member.read:
                readers[record].append(member)
        twice = [r for r, by in readers.items() if sum(not member.killed for member in by) > 1]
        assert not twice, f"{len(twice)} records read twice, e.g. {twice[0]} by {[m.name for m in readers[twice[0]]]}"
        after_deaths = sum(len(by) - 1 for by in readers.values())
        deaths = sum(member.killed for member in self.all)
        print(f"{self.topic}: {len(readers)} records, {len(self.all)} members, {deaths} killed, {after_deaths} read again")

    def each_member_reads_in_order(self):
        wrong = [what for member in self.all for what in member.wrong]
        assert not wrong, f"{len(wrong)} times, e.g. {wrong[:3]}"
        for member in self.all:
            newest = {}
            for partition, offset, *_ in member.read:
                assert offset > newest.get(partition, -1), f"{member.name}: {partition}/{offset} after {newest[partition]}"
                newest[partition] = offset

    def one_owner_each(self):
        assert sorted(sum(self.owners.values(), [])) == list(range(PARTITIONS)), self.owners
        said = [sorted(place.partition for place in member.assignment.topic_partitions) for member in self.described.members]
        assert sorted(said) == sorted(self.owners.values()), f"the broker says {said}, the members {self.owners}"
        assert self.described.state.name == "STABLE", self.described.state


checks = Checks()


def run(strategy, steps, static=False):
    """Runs a scenario; its outcome is judged in four checks, after one for its steps."""
    name = f"{strategy}{', static members' if static else ''}"
    scenario = Scenario(strategy, static)

    def all_steps():
        try:
            steps(scenario)
            scenario.end()
        except BaseException:
            scenario.abandon()
            raise

    checks.run(f"{name}: members come and go", all_steps)
    if hasattr(scenario, "described"):
        checks.run(f"{name}: nothing is skipped", scenario.nothing_is_skipped)
        checks.run(f"{name}: duplicates only after a death", scenario.duplicates_only_after_a_death)
        checks.run(f"{name}: each member reads in order", scenario.each_member_reads_in_order)
        checks.run(f"{name}: each partition has one owner", scenario.one_owner_each)


def range_members(s):
    s.add("java", "librdkafka", "aiokafka")
    s.add("franz-go", "kafkajs")
    s.kill("java")
    s.stop("franz-go", "aiokafka")
    s.add("java'")
    s.kill("librdkafka", "kafkajs", settle=False)
    s.add("franz-go'")


def round_robin_members(s):
    s.add("franz-go", "kafkajs")
    s.add("java", "aiokafka", "librdkafka")
    s.kill("franz-go", "aiokafka")
    s.stop("java", "kafkajs", "librdkafka", settle=False)
    s.add("aiokafka'", "kafkajs'")


def cooperative_members(s):
    s.add("librdkafka", "java")
    s.add("franz-go", "librdkafka'")
    s.kill("librdkafka")
    s.stop("java")
    s.add("java'", "franz-go'")
    s.kill("franz-go")
    s.stop("librdkafka'")


def static_members(s):
    """A static member that comes back within its session finds its partitions, and nobody else notices."""
    s.add("java", "librdkafka", "franz-go", "aiokafka")
    # Its owner's own leader may deal anew once, when it hears of the first of them.
    before = {name: (set(member.owned), member.takeovers) for name, member in s.live.items()}
    for how in (signal.SIGKILL, signal.SIGTERM):
        s.stop("librdkafka", how=how, settle=False)
        s.add("librdkafka")
    after = {name: (set(member.owned), member.takeovers) for name, member in s.live.items()}
    assert after == before | {"librdkafka": (before["librdkafka"][0], 1)}, f"{before} became {after}"
    s.kill("aiokafka", settle=False)
    s.add("aiokafka")
    s.kill("franz-go")  # and never returns: its session ends
    s.add("franz-go'")


run("range", range_members)
run("roundrobin", round_robin_members)
run("cooperative-sticky", cooperative_members)
run("range", static_members, static=True)
checks.end()
