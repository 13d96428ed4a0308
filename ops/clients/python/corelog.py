"""Our own command line against a broker, alone and in groups with other clients: corelog.py BOOTSTRAP."""

import atexit
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewPartitions
from check import Checks, eventually, parse, value

BOOTSTRAP = sys.argv[1]
CORELOG = os.environ["CORELOG"]


def corelog(*arguments, given="", status=0):
    """What the command prints; with the error's text if it is to fail."""
    command = [CORELOG, *arguments, "--broker", BOOTSTRAP]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stderr if status else done.stdout


def create(topic, partitions=4):
    corelog("topic", "create", topic, "--partitions", str(partitions))
    # Kafka's own brokers hear of a new topic a moment after its controller.
    eventually(topic, lambda: topic in corelog("topic", "list").split())
    described = lambda: subprocess.run([CORELOG, "topic", "describe", topic, "--broker", BOOTSTRAP], capture_output=True)
    eventually("every partition is led", lambda: described().returncode == 0)


def produce(topic, name, count, partitions=4):
    """`count` records to each partition, numbered by partition from 0 on; returns their lines."""
    lines = []
    for partition in range(partitions):
        mine = [value(f"{name}-{partition}", number).decode() for number in range(count)]
        corelog("produce", topic, "--partition", str(partition), given="".join(f"{line}\n" for line in mine))
        lines += mine
    return lines


def collect(stream, into):
    for line in stream:
        into.append(line.rstrip("\n"))


class Member:
    """A running `corelog consume --group`, with what it printed and what it was given so far."""

    def __init__(self, topic, group, *arguments):
        command = [CORELOG, "consume", topic, "--group", group, *arguments, "--broker", BOOTSTRAP]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        self.lines, self.told = [], []
        self.readers = [threading.Thread(target=collect, args=(stream, into), daemon=True)
                        for stream, into in ((self.process.stdout, self.lines), (self.process.stderr, self.told))]
        for reader in self.readers:
            reader.start()

    def given(self):
        """The partitions of its newest assignment."""
        places = [line.split(": ", 1)[1] for line in self.told if line.startswith("group ") and ", generation " in line]
        return re.findall(r"\S+-(\d+)", places[-1]) if places else []

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        status = self.process.wait(20)
        for reader in self.readers:
            reader.join()
        assert status == 0, f"status {status}: {self.told}"


def verify(lines, expected):
    """Each expected record once."""
    assert sorted(lines) == sorted(expected), f"{len(lines)} lines instead of {len(expected)}"


def in_order(lines):
    """Each key's records from its first on, none left out."""
    newest = {}
    for line in lines:
        key, number = parse(line.encode())
        assert number == newest.get(key, -1) + 1, f"{key}: {number} after {newest.get(key)}"
        newest[key] = number


def topics():
    create("cli-topics", 3)
    described = corelog("topic", "describe", "cli-topics").splitlines()
    assert "partitions 3" in described[0] and len(described) == 5, described
    assert "already exists" in corelog("topic", "create", "cli-topics", status=1)
    corelog("topic", "delete", "cli-topics")
    eventually("it is gone", lambda: "cli-topics" not in corelog("topic", "list").split())


def one_partition():
    create("cli-one", 2)
    lines = [f"key-{number % 3}:value {number}" for number in range(100)]
    corelog("produce", "cli-one", "--partition", "1", "--key-separator", ":", given="\n".join(lines))
    read = lambda *more: corelog("consume", "cli-one", "--partition", "1", "--exit", "--key-separator", ":", *more).splitlines()
    assert read() == lines and read("--offset", "90") == lines[90:] and read("--from", "latest") == []
    assert corelog("consume", "cli-one", "--partition", "0", "--exit") == ""
    assert corelog("consume", "cli-one", "--exit").splitlines() == [line.split(":")[1] for line in lines], "of all partitions"


def ask(*arguments):
    """What the command answers in JSON."""
    return json.loads(corelog(*arguments, "--json"))


def topics_alter():
    create("cli-altered", 2)
    corelog("topic", "alter", "cli-altered", "--partitions", "5", "--config", "retention.ms=60000")
    told = eventually("it has five", lambda: (seen := ask("topic", "describe", "cli-altered"))["partition_count"] == 5 and seen)
    assert [row["partition"] for row in told["partitions"]] == [0, 1, 2, 3, 4], told
    assert all(row["start"] == row["end"] == 0 and row["in_sync"] == row["replicas"] for row in told["partitions"]), told
    eventually("it is configured", lambda: {"configured": "retention.ms", "value": "60000"} in
               ask("topic", "describe", "cli-altered")["configs"])
    corelog("topic", "alter", "cli-altered", "--unset", "retention.ms")
    eventually("it is not", lambda: ask("topic", "describe", "cli-altered")["configs"] == [])
    assert "5" in corelog("topic", "alter", "cli-altered", "--partitions", "3", status=1)
    assert "corelog topic create" in corelog("topic", "alter", "cli-nothing", "--partitions", "3", status=1)
    assert ask("topic", "create", "cli-altered", "--if-not-exists") == {"topic": "cli-altered", "created": False}
    assert {"topic": "cli-altered", "partitions": 5, "kind": "-"} in ask("topic", "list")
    create("cli-altered-too", 1)
    assert "cli-never" in corelog("topic", "delete", "cli-altered", "cli-never", "cli-altered-too", status=1)
    eventually("both are gone", lambda: "cli-altered" not in corelog("topic", "list"))


def configs():
    create("cli-configured", 1)
    rows = lambda *more: {row["key"]: (row["value"], row["from"]) for row in ask("config", "get", "topic", "cli-configured", *more)}
    # A new Kafka sets one value for all brokers by itself.
    get = lambda *more: {key: value for key, value in rows(*more).items() if value[1] != "all brokers, dynamic"}
    assert get() == {}, get()
    assert ("only defaults" in corelog("config", "get", "topic", "cli-configured")) == (rows() == {})
    assert get("max.message.bytes") == {"max.message.bytes": ("1048588", "default")}
    corelog("config", "set", "topic", "cli-configured", "max.message.bytes=5000", "retention.ms=1000", "--dry-run")
    assert get() == {}, "a dry run changes nothing"
    corelog("config", "set", "topic", "cli-configured", "max.message.bytes=5000", "retention.ms=1000")
    wanted = {"max.message.bytes": ("5000", "topic"), "retention.ms": ("1000", "topic")}
    eventually("both are set", lambda: get() == wanted)
    corelog("config", "set", "topic", "cli-configured", "--unset", "retention.ms")
    eventually("one is not", lambda: list(get()) == ["max.message.bytes"])
    assert len(get("--all")) > 20
    told = corelog("config", "set", "topic", "cli-configured", "max.message.bytes=many", status=1)
    assert "Not a number of type INT" in told, told
    assert "has no key max.mess" in corelog("config", "get", "topic", "cli-configured", "max.mess", status=1)
    assert "corelog topic list" in corelog("config", "get", "topic", "cli-nothing", status=1)
    leader = ask("topic", "describe", "cli-configured")["partitions"][0]["leader"]
    assert any(row["from"] == "broker, file" for row in ask("config", "get", "broker", str(leader)))
    assert "there is" in corelog("config", "get", "broker", "77", status=1)


def records_keep_all_they_have():
    create("cli-json", 4)
    sent = [{"key": f"key-{n}", "value": f"v {n}", "timestamp": 1_600_000_000_000 + n * 1000,
             "headers": [{"name": "n", "value": str(n)}, {"name": "none", "value": None}]} for n in range(50)]
    sent += [{"key_hex": "ff00", "value": None, "timestamp": 1_700_000_000_000, "headers": [{"name": "b", "value_hex": "fe"}]}]
    corelog("produce", "cli-json", "--format", "json", given="".join(json.dumps(one) + "\n" for one in sent))
    lines = corelog("consume", "cli-json", "--exit", "--format", "json").splitlines()
    got = sorted(map(json.loads, lines), key=lambda one: one["timestamp"])
    places = [(one.pop("partition"), one.pop("offset"), one.pop("topic")) for one in got]
    assert got == sent and len({place[0] for place in places}) == 4, got
    # librdkafka puts the same keys, hashed as Java does it, into the same partitions.
    where, producer = {}, Producer({"bootstrap.servers": BOOTSTRAP, "partitioner": "murmur2_random", "log_level": 0})
    for one in sent[:50]:
        producer.produce("cli-json", one["value"], one["key"], on_delivery=lambda error, told: where.update({told.key().decode(): told.partition()}))
    assert producer.flush(20) == 0
    assert [where[one["key"]] for one in sent[:50]] == [place[0] for place in places[:50]]
    told = corelog("produce", "cli-json", "--format", "json", given="{}\n{\"key\": 1}\n", status=1)
    assert "line 2" in told, told


def reading_from_a_time():
    create("cli-timed", 1)
    old = [json.dumps({"value": f"old {n}", "timestamp": 1_600_000_000_000 + n}) for n in range(10)]
    corelog("produce", "cli-timed", "--format", "json", given="\n".join(old))
    corelog("produce", "cli-timed", "--key", "k", "--header", "a=1", "--header", "b=2", given="new\n")
    read = lambda *more: corelog("consume", "cli-timed", "--exit", *more).splitlines()
    assert read("--from", "@1600000000007") == ["old 7", "old 8", "old 9", "new"]
    assert read("--from", "10m") == ["new"] and read("--from", "2020-09-13T12:26:40Z", "--count", "2") == ["old 0", "old 1"]
    assert read("--from", "@99999999999999") == []
    line = read("--from", "10m", "--format", "full")[0].split("\t")
    assert [*line[:2], *line[3:]] == ["0", "10", "k", "a=1,b=2", "new"] and line[2].endswith("Z"), line
    assert "15m" in corelog("consume", "cli-timed", "--from", "yesterday", status=2)


def groups_move_and_go():
    create("cli-moved", 2)
    lines = produce("cli-moved", "some", 10, partitions=2)
    read = lambda: corelog("consume", "cli-moved", "--group", "cli-moved", "--exit").splitlines()
    verify(read(), lines)
    reset = lambda *more: {row["partition"]: row["new"] for row in ask("group", "reset-offsets", "cli-moved", *more)["offsets"]}
    assert reset("--to", "earliest") == {0: 0, 1: 0} and read() == [], "only shown"
    assert reset("--shift", "-3", "--topic", "cli-moved:1", "--apply") == {1: 7}
    assert read() == lines[17:]
    assert reset("--offset", "99", "--apply") == {0: 10, 1: 10}, "no further than the end"
    assert reset("--to", "@0", "--apply") == {0: 0, 1: 0}
    verify(read(), lines)
    member = Member("cli-moved", "cli-moved")
    eventually("it has all", lambda: len(member.given()) == 2)
    assert "stop its members first" in corelog("group", "reset-offsets", "cli-moved", "--to", "latest", "--apply", status=1)
    assert "stop its members first" in corelog("group", "delete", "cli-moved", status=1)
    member.stop()
    assert ask("group", "delete", "cli-moved") == {"group": "cli-moved", "deleted": True}
    assert "cli-moved" not in [row["group"] for row in ask("group", "list")]
    assert "corelog group list" in corelog("group", "delete", "cli-moved", status=1)
    assert "--topic" in corelog("group", "reset-offsets", "cli-moved", "--to", "latest", status=1)


def resume():
    create("cli-resume")
    first = produce("cli-resume", "first", 50)
    read = lambda *more: corelog("consume", "cli-resume", "--group", "cli-resume", "--exit", *more).splitlines()
    lines = read()
    verify(lines, first)
    in_order(lines)
    assert read() == [], "what was committed is not read again"
    second = produce("cli-resume", "second", 30)
    verify(read("--from", "latest"), second)
    assert corelog("consume", "cli-resume", "--group", "cli-late", "--exit", "--from", "latest") == ""
    third = produce("cli-resume", "third", 10)
    verify(corelog("consume", "cli-resume", "--group", "cli-late", "--exit").splitlines(), third)


def two_members():
    create("cli-two")
    members = [Member("cli-two", "cli-two") for _ in range(2)]
    eventually("two partitions each", lambda: sorted(len(m.given()) for m in members) == [2, 2])
    assert sorted(members[0].given() + members[1].given()) == ["0", "1", "2", "3"]
    lines = produce("cli-two", "both", 200)
    eventually("all is read", lambda: sum(len(m.lines) for m in members) >= len(lines))
    assert all(len(m.lines) == 400 for m in members), [len(m.lines) for m in members]
    verify(members[0].lines + members[1].lines, lines)
    shown = corelog("group", "describe", "cli-two")
    assert "Stable" in shown and "range" in shown and shown.count("cli-two 0,1") + shown.count("cli-two 2,3") == 2, shown
    members[0].stop(signal.SIGINT)
    eventually("the other has all", lambda: len(members[1].given()) == 4)
    more = produce("cli-two", "one", 50)
    eventually("all is read", lambda: len(members[1].lines) >= 400 + len(more))
    members[1].stop()
    verify(members[0].lines + members[1].lines, lines + more)
    in_order(members[0].lines), in_order(members[1].lines)


def beside(strategy, topic, expected):
    """A member of ours and one of librdkafka's share a topic; each leads once, the other's bytes are read by both."""
    create(topic)
    other = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": topic, "auto.offset.reset": "earliest", "log_level": 0,
                      "partition.assignment.strategy": strategy, "enable.auto.commit": False, "heartbeat.interval.ms": 500})
    seen = []

    def poll():
        for message in other.consume(500, 0.2):
            assert not message.error(), message.error()
            seen.append(message.value().decode())
        return sorted(p.partition for p in other.assignment())

    other.subscribe([topic])
    eventually("it has all", lambda: poll() == [0, 1, 2, 3], 40)  # so it leads
    ours = Member(topic, topic)
    eventually("they share", lambda: len(poll()) == 2 and len(ours.given()) == 2, 40)
    assert sorted([*map(str, poll()), *ours.given()]) == ["0", "1", "2", "3"] and ours.given() in expected, ours.given()
    lines = produce(topic, "shared", 100)
    eventually("all is read", lambda: poll() and len(seen) + len(ours.lines) >= len(lines))
    verify(seen + ours.lines, lines)
    other.commit(asynchronous=False)
    other.close()
    eventually("ours has all", lambda: len(ours.given()) == 4, 40)  # and leads
    other = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": topic, "auto.offset.reset": "error", "log_level": 0,
                      "partition.assignment.strategy": strategy, "enable.auto.commit": False})
    other.subscribe([topic])
    eventually("they share again", lambda: len(poll()) == 2 and len(ours.given()) == 2, 40)
    more = produce(topic, "again", 20)
    eventually("all is read", lambda: poll() and len(seen) + len(ours.lines) >= len(lines) + len(more))
    verify(seen + ours.lines, lines + more)
    ours.stop()
    other.close()


def beside_librdkafka_by_range():
    beside("range", "cli-rdkafka-range", [["0", "1"], ["2", "3"]])


def beside_librdkafka_by_round_robin():
    beside("roundrobin", "cli-rdkafka-roundrobin", [["0", "2"], ["1", "3"]])


def beside_franz_go():
    create("cli-franz")
    franz = subprocess.Popen([f"{os.environ['CLIENTS']}/franz", "member", BOOTSTRAP, "cli-franz", "cli-franz", "range"],
                             stdout=subprocess.PIPE, text=True)
    ours = Member("cli-franz", "cli-franz")
    seen = []
    atexit.register(franz.kill)
    reader = threading.Thread(target=collect, args=(franz.stdout, seen), daemon=True)
    reader.start()
    eventually("they share", lambda: len(ours.given()) == 2, 40)
    lines = produce("cli-franz", "shared", 100)
    eventually("ours is read", lambda: len(ours.lines) >= 200)
    shown = corelog("group", "describe", "cli-franz")
    assert "kgo" in shown and "corelog" in shown, shown
    franz.terminate()
    assert franz.wait(20) == 0
    reader.join()
    theirs = {tuple(line.split()[3:5]) for line in seen if line.startswith("r ")}
    mine = {tuple(map(str, parse(line.encode()))) for line in ours.lines}
    assert len(theirs) == len(ours.lines) == 200 and len(theirs | mine) == len(lines), (len(theirs), len(mine))
    eventually("ours has all", lambda: len(ours.given()) == 4, 40)
    time.sleep(1)  # long enough for a record read twice to show
    ours.stop()
    assert len(ours.lines) == 200, len(ours.lines)


def grown_topic():
    """A topic that grows is shared out anew by a leader of ours."""
    create("cli-grown", 1)
    ours = Member("cli-grown", "cli-grown")
    eventually("it has one", lambda: len(ours.given()) == 1)
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP, "log_level": 0})
    admin.create_partitions([NewPartitions("cli-grown", 3)])["cli-grown"].result(10)
    eventually("it has three", lambda: len(ours.given()) == 3, 30)
    ours.stop()


def groups_are_shown():
    listed = {line.split()[0]: line.split()[1:] for line in corelog("group", "list").splitlines()}
    assert listed["cli-resume"] == ["Empty", "consumer"], listed
    produce("cli-resume", "unread", 7)
    shown = [line.split() for line in corelog("group", "describe", "cli-resume").splitlines()]
    rows = [row for row in shown if row[:1] == ["cli-resume"] and len(row) == 6 and row[1].isdigit()]
    assert [row[1:5] for row in rows] == [[str(partition), "80", "97", "17"] for partition in range(4)], shown


def errors_say_what_to_do():
    assert "corelog group list" in corelog("group", "describe", "cli-nobody", status=1)
    assert "corelog topic create cli-none" in corelog("consume", "cli-none", "--group", "g", status=1)
    assert "has no partition 9" in corelog("consume", "cli-one", "--partition", "9", status=1)
    sticky = Consumer({"bootstrap.servers": BOOTSTRAP, "group.id": "cli-sticky", "log_level": 0,
                       "partition.assignment.strategy": "cooperative-sticky"})
    sticky.subscribe(["cli-one"])
    eventually("it has all", lambda: sticky.poll(0.2) or len(sticky.assignment()) == 2, 40)
    assert "range or roundrobin" in corelog("consume", "cli-one", "--group", "cli-sticky", status=1)
    sticky.close()


checks = Checks()
for check in (topics, topics_alter, configs, one_partition, records_keep_all_they_have, reading_from_a_time, resume, two_members, beside_librdkafka_by_range, beside_librdkafka_by_round_robin,
              beside_franz_go, grown_topic, groups_are_shown, groups_move_and_go, errors_say_what_to_do):
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
