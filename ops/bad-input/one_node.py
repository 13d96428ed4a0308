"""Administration that one node answers alone: directories, producers, elections, reassignments, the quorum, features."""

from protocol import *
from reader import Reader

PARTITIONS_PER_TOPIC = 1
DIRECTORY = "/nowhere"
PREFERRED, UNCLEAN = 0, 1


def flexible(key, version, body):
    return request(key, version, body + b"\0", tags=b"\0")


def log_dirs(frame):
    """Version 1: each broker's directory and sizes are its own, but what is in it is the same."""

    def topic(reader):
        name = reader.text()
        rows = reader.rows(lambda r: (r.take("i"), r.take("q"), r.take("q"), r.take("?")))
        return name, tuple(sorted((index, size > 0, lag, future) for index, size, lag, future in rows))

    reader = Reader(frame)
    reader.take("i")
    return tuple(reader.rows(lambda r: (r.take("h"), bool(r.text()), tuple(sorted(r.rows(topic))))))


def producers(frame):
    """Version 0: all but when the producer was last heard of."""

    def state(reader):
        row = reader.take("q"), reader.take("i"), reader.take("i")
        reader.take("q")
        return *row, reader.take("i"), reader.take("q")

    def partition(reader):
        index, code = reader.take("i"), reader.take("h")
        reader.text()
        return index, code, tuple(sorted(reader.rows(state)))

    reader = Reader(frame, flexible=True)
    reader.take("i")
    return tuple(sorted(reader.rows(lambda r: (r.text(), tuple(sorted(r.rows(partition)))))))


def quorum(frame):
    """Version 0: offsets and epochs are each cluster's own."""

    def voter(reader):
        row = reader.take("i")
        reader.take("q")
        return row

    def partition(reader):
        index, code, leader, epoch, high_watermark = (reader.take(form) for form in "ihiiq")
        voters, observers = reader.rows(voter), reader.rows(voter)
        return index, code, leader, epoch > 0, high_watermark > 0, tuple(voters), tuple(observers)

    reader = Reader(frame, flexible=True)
    return reader.take("h"), tuple(reader.rows(lambda r: (r.text(), tuple(r.rows(partition)))))


def elected(frame):
    """ElectLeaders, version 1."""
    reader = Reader(frame)
    reader.take("i")
    partition = lambda r: (r.take("i"), r.take("h"), r.text())  # noqa: E731
    return reader.take("h"), tuple(sorted((row for row in reader.rows(lambda r: (r.text(), tuple(r.rows(partition)))) if row[0][:2] != "__"), key=repr))


def describe_log_dirs(topics):
    rows = None if topics is None else [string(name) + array([i32(p) for p in parts]) for name, parts in topics]
    return request(DESCRIBE_LOG_DIRS, 1, array(rows))


def describe_producers(topics):
    rows = [compact_string(name) + compact_rows([i32(p) for p in parts]) + b"\0" for name, parts in topics]
    return flexible(DESCRIBE_PRODUCERS, 0, compact_rows(rows))


def elect_leaders(kind, topics, version=1):
    rows = None if topics is None else [string(name) + array([i32(p) for p in parts]) for name, parts in topics]
    return request(ELECT_LEADERS, version, (i8(kind) if version else b"") + array(rows) + i32(10_000))


def reassign(topics):
    """topics: [(name, [(partition, replicas)])]; replicas of None give a move up."""

    def row(index, replicas):
        return i32(index) + (b"\0" if replicas is None else compact_rows([i32(r) for r in replicas])) + b"\0"

    rows = [compact_string(name) + compact_rows([row(*part) for part in parts]) + b"\0" for name, parts in topics]
    return flexible(ALTER_PARTITION_REASSIGNMENTS, 0, i32(10_000) + compact_rows(rows))


def list_reassignments(topics):
    rows = b"\0" if topics is None else compact_rows([compact_string(n) + compact_rows([i32(p) for p in parts]) + b"\0" for n, parts in topics])
    return flexible(LIST_PARTITION_REASSIGNMENTS, 0, i32(10_000) + rows)


def describe_quorum(topics, version=0):
    rows = [compact_string(name) + compact_rows([i32(p) + b"\0" for p in parts]) + b"\0" for name, parts in topics]
    return flexible(DESCRIBE_QUORUM, version, compact_rows(rows))


def update_features(version, *updates):
    """updates: (name, level, upgrade type)."""
    rows = [compact_string(name) + i16(level) + i8(kind) + b"\0" for name, level, kind in updates]
    return flexible(UPDATE_FEATURES, version, i32(10_000) + compact_rows(rows) + (i8(0) if version else b""))


def alter_log_dirs(*dirs):
    """dirs: (path, [(topic, [partition])])."""
    topics = lambda named: array([string(name) + array([i32(p) for p in parts]) for name, parts in named])  # noqa: E731
    return request(ALTER_REPLICA_LOG_DIRS, 1, array([string(path) + topics(named) for path, named in dirs]))


def all_kinds(cases):
    produced = [("good", [0]), ("nothing-here", [0]), ("t", [99_999])]
    cases.add("DescribeLogDirs of some topics", describe_log_dirs(produced), see=log_dirs)
    cases.add("DescribeLogDirs of no topic", describe_log_dirs([]), see=log_dirs)
    cases.add("DescribeLogDirs without a body", request(DESCRIBE_LOG_DIRS, 1, b""))
    cases.add("AlterReplicaLogDirs to a directory that is not there", alter_log_dirs((DIRECTORY, [("good", [0]), ("nothing-here", [0])])))
    cases.add("AlterReplicaLogDirs of nothing", alter_log_dirs())

    mine = batch(producer_id=4_000_000, producer_epoch=3, base_sequence=0)
    cases.add("DescribeProducers of a partition", produce([("good", [(0, mine)])]), describe_producers([("good", [0])]), see=first_of(producers))
    cases.add("DescribeProducers of what is not there", describe_producers([("good", [7]), ("nothing-here", [0])]), see=producers)
    cases.add("DescribeProducers of an invalid name", describe_producers([("a b", [0])]), see=producers)
    cases.add("DescribeProducers without a body", request(DESCRIBE_PRODUCERS, 0, b"", tags=b"\0"))

    for kind, name in ((PREFERRED, "preferred"), (UNCLEAN, "unclean")):
        cases.add(f"ElectLeaders: {name}", elect_leaders(kind, [("t", [0, 1])]))
        cases.add(f"ElectLeaders: {name}, what is not there", elect_leaders(kind, [("t", [99_999]), ("nothing-here", [0])]))
    cases.add("ElectLeaders: preferred, all", elect_leaders(PREFERRED, None), see=elected)
    cases.add("ElectLeaders: version 0", elect_leaders(PREFERRED, [("t", [0])], version=0))
    cases.add("ElectLeaders: none", elect_leaders(PREFERRED, []))
    cases.add("ElectLeaders: of a kind that there is not", elect_leaders(7, [("t", [0])]))

    for name, parts in {
        "to where it is": [(0, [1])],
        "give up": [(0, None)],
        "to an unknown broker": [(0, [99])],
        "to one broker twice": [(0, [1, 1])],
        "to one broker more": [(0, [1, 99])],
        "to none": [(0, [])],
        "an unknown partition": [(99_999, [1])],
    }.items():
        cases.add(f"AlterPartitionReassignments: {name}", reassign([("t", parts)]))
    cases.add("AlterPartitionReassignments: an unknown topic", reassign([("nothing-here", [(0, [1])])]))
    cases.add("AlterPartitionReassignments: give up at an unknown topic", reassign([("nothing-here", [(0, None)])]))
    cases.add("AlterPartitionReassignments: nothing", reassign([]))
    cases.add("ListPartitionReassignments: all", list_reassignments(None))
    cases.add("ListPartitionReassignments: some", list_reassignments([("t", [0]), ("nothing-here", [0])]))

    metadata = "__cluster_metadata"
    cases.add("DescribeQuorum", describe_quorum([(metadata, [0])]), see=quorum)
    cases.add("DescribeQuorum of another topic", describe_quorum([("t", [0])]), see=quorum)
    cases.add("DescribeQuorum of another partition", describe_quorum([(metadata, [1])]), see=quorum)
    cases.add("DescribeQuorum of nothing", describe_quorum([]), see=quorum)
    for version in (0, 1, 2):
        cases.add(f"UpdateFeatures, version {version}: unknown", update_features(version, ("nonsense", 1, 1)))
    cases.add("UpdateFeatures: nothing", update_features(1))
    cases.add("UpdateFeatures: twice", update_features(1, ("nonsense", 1, 1), ("nonsense", 2, 1)))


def first_of(see):
    """Of two answers the first is only that there was one."""
    return lambda frame: see(frame) if frame[4] == 0 and len(frame) > 60 else len(frame) > 8
