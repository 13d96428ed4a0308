"""What the brokers that are compared are given before the first case: settings, topics, records, loaded coordinators."""

import time

import cases
import good
import protocol
import schema
from mask import GROUP
from peer import Corelog, Kafka, ask, connect

#: What both are told, so that no case waits for it.
SETTINGS = {"group.initial.rebalance.delay.ms": 0}
#: Partitions of the coordinators' log, and COORDINATOR_LOAD_IN_PROGRESS.
COORDINATORS, LOADING = 50, 14


#: The second data directory of those that have one, beside `data`.
SECOND = "data-2"


def pair(binary, work, cores=2, memory_mib=256, second_directory=False):
    """Corelog and Kafka, told alike, not yet started."""
    # Leader epochs are compared, and rise when partitions go from core to core.
    own = "node.id = 1\ncore.gather = false\n"
    (work / "corelog.toml").write_text(own + "".join(f"{key} = {value}\n" for key, value in SETTINGS.items()))
    arguments = ["--cores", str(cores), "--config", str(work / "corelog.toml")]
    settings = [f"{key}={value}" for key, value in SETTINGS.items()]
    if second_directory:
        arguments += ["--data-dir", str(work / SECOND)]
        settings += [f"log.dirs={work}/kafka/data,{work}/kafka/{SECOND}"]
    return Corelog(binary, work, memory_mib, arguments), Kafka(work, *settings)


def make_topics(port):
    """The topics of the cases, each partition ready."""
    with connect(port, 60) as connection:
        ask(connection, protocol.create_topics(cases.TOPICS))
        for name, partitions, _, _ in cases.TOPICS:
            everything = protocol.list_offsets([(name, [(p, -1, -1) for p in range(partitions)])])
            ready = protocol.i16(0) + protocol.i64(-1) + protocol.i64(0)
            deadline = time.monotonic() + 60
            while ask(connection, everything).count(ready) < partitions:
                assert time.monotonic() < deadline, f"the partitions of {name} are not ready"
                time.sleep(0.1)
        outcome = protocol.produce_outcomes(ask(connection, protocol.produce([(cases.GOOD, [(0, protocol.batch())])])))
        assert outcome == {(cases.GOOD, 0): (0, 0)}, outcome


def prepare(side):
    """What the generated cases find: records to read, a group with an offset, coordinators that are loaded."""
    side.learn([name for name, *_ in good.TOPICS])
    with connect(side.port, 60) as connection:

        def until(api, version, done, **values):
            deadline = time.monotonic() + 60
            while True:
                answer = schema.read(api, version, ask(connection, side.request(api, version, values)))
                if done(answer):
                    return
                assert time.monotonic() < deadline, f"{api}: {answer}"
                time.sleep(0.1)

        records = protocol.batch([protocol.record(), protocol.record(offset_delta=1)])
        for partition in range(2):
            ask(connection, protocol.produce([(good.READ, [(partition, records)])]))
        until("FindCoordinator", 4, lambda answer: answer["coordinators"][0]["error_code"] == 0, coordinator_keys=[GROUP])
        until("InitProducerId", 0, lambda answer: answer["error_code"] == 0)
        row = {"partition_index": 0, "committed_offset": 2, "committed_metadata": "meta"}
        done = lambda answer: answer["topics"][0]["partitions"][0]["error_code"] == 0  # noqa: E731
        until("OffsetCommit", 8, done, group_id=GROUP, topics=[{"name": good.READ, "partitions": [row]}])
        # Every group that a case makes is coordinated somewhere else.
        until("ListGroups", 0, lambda answer: answer["error_code"] == 0)
        for number in range(COORDINATORS):
            done = lambda answer: answer["error_code"] != LOADING  # noqa: E731
            until("Heartbeat", 0, done, group_id=f"loaded-{number}", member_id="nobody")


def versions(port):
    """{API: versions} that a broker says it serves, of those whose definitions there are."""
    with connect(port) as connection:
        rows = schema.read("ApiVersions", 0, ask(connection, protocol.api_versions()))["api_keys"]
    offered = {row["api_key"]: (row["min_version"], row["max_version"]) for row in rows}
    served = [(api, *offered[api.key]) for api in sorted(schema.apis().values(), key=lambda api: api.key) if api.key in offered]
    return {api.name: [version for version in api.versions if first <= version <= last] for api, first, last in served}
