"""Sends each case to Corelog and to a real Kafka, and compares what comes back."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases
import protocol
from peer import Corelog, Kafka, ask, connect, exchange

#: Fewer cases than this is a mistake.
CASES_MIN = 565
#: On a busy machine a change takes Kafka longer to be seen than a case pauses for it.
PATIENCE = 10.0
MEMORY_MIB = 256
#: What a Corelog needs besides what --memory bounds: program, stacks, rings, metadata, indexes.
MEMORY_BESIDE_MIB = 128
#: Log lines about bad input: one per kind and core in ten seconds, see COMPLAINT_INTERVAL in broker/src/limits.rs.
KINDS, CORES, INTERVAL = 9, 2, 10
GOOD_RECORDS = 50
DIFFERENCES = Path(__file__).resolve().parent / "differences"


def listed():
    """{case: reason} of the file of differences."""
    found = {}
    names = sorted((case.name for case in cases.all_cases()), key=len, reverse=True)
    for line in DIFFERENCES.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        name = next((name for name in names if line.startswith(name + ": ")), None)
        assert name, f"{DIFFERENCES.name}: no case is called so, or a reason is missing: {line}"
        found[name] = line[len(name) + 2 :]
    return found


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


def good_client(port, records=GOOD_RECORDS):
    """An ordinary client still gets its records in and out: each at its offset, intact."""
    with connect(port, 30) as connection:
        first = None
        for number in range(records):
            value = b"good %d" % number
            response = ask(connection, protocol.produce([(cases.GOOD, [(0, protocol.batch([protocol.record(value)]))])]))
            error, offset = protocol.produce_outcomes(response)[cases.GOOD, 0]
            first = offset if first is None else first
            assert (error, offset) == (0, first + number), f"record {number}: error {error}, offset {offset}"
        response = ask(connection, protocol.fetch([(cases.GOOD, [protocol.Ask(0, first)])]))
        for number in range(records):
            assert b"good %d\0" % number in response, f"record {number} is not read back"


def judge(found, reasons):
    """What is wrong with the outcomes {name: (Kafka's, Corelog's)}."""
    problems = []
    for name, (kafka, corelog) in found.items():
        if kafka != corelog and name not in reasons:
            problems.append(f"{name}:\n     Kafka   {kafka}\n     Corelog {corelog}")
        if kafka == corelog and name in reasons:
            problems.append(f"{name}: listed in {DIFFERENCES.name}, and does not differ: take the entry out")
        if corelog[1] == "silent":
            problems.append(f"{name}: Corelog neither answers nor closes")
    return problems


def check_log(corelog, seconds):
    """Bad input is counted and logged once in a while."""
    complaints = [line for line in corelog.lines() if "bad input" in line]
    most = KINDS * CORES * (int(seconds / INTERVAL) + 2)
    assert complaints, "no bad input was logged"
    assert len(complaints) <= most, f"{len(complaints)} lines about bad input in {seconds:.0f} s, at most {most} may be"
    kinds = Counter(re.search(r"kind=(\w+)", line)[1] for line in complaints)
    for kind in ("BadFrame", "BadRequest", "UnsupportedVersion", "Truncated", "UnansweredProduce", "BadBatch"):
        assert kinds[kind], f"nothing of kind {kind} was logged"
    assert "BadResponse" not in kinds, "a response could not be written"
    failures = [line for line in corelog.lines() if " ERROR " in line or "panicked" in line]
    assert not failures, failures
    return len(complaints)


def outcomes(case, pool, ports):
    """What each peer answers, as the case sees it, and how the connection ended."""
    both = pool.map(lambda port: exchange(port, case.pieces, case.probe, case.half_close, case.wait), ports)
    return tuple((tuple(map(case.see, one.frames)), one.ending) for one in both)


def compare(binary, work):
    all_cases, reasons = cases.all_cases(), listed()
    assert len(all_cases) >= CASES_MIN, f"{len(all_cases)} cases, at least {CASES_MIN} must be"
    assert len(all_cases) <= cases.PARTITIONS, "each case needs a partition of its own"
    assert len({case.name for case in all_cases}) == len(all_cases), "two cases of one name"
    (work / "corelog.toml").write_text("node.id = 1\n")
    arguments = ["--cores", str(CORES), "--config", str(work / "corelog.toml")]
    corelog, kafka = Corelog(binary, work, MEMORY_MIB, arguments), Kafka(work)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda peer: peer.start(), (kafka, corelog)))
            ports = (kafka.port, corelog.port)
            list(pool.map(make_topics, ports))
            began, found = time.monotonic(), {}
            for case in all_cases:
                time.sleep(case.pause)
                until = time.monotonic() + (PATIENCE if case.pause else 0)
                outcome = outcomes(case, pool, ports)
                while outcome[0] != outcome[1] and time.monotonic() < until:
                    time.sleep(case.pause)
                    outcome = outcomes(case, pool, ports)
                found[case.name] = outcome
            seconds = time.monotonic() - began
        problems = judge(found, reasons)
        assert not problems, f"{len(problems)} cases:\n   " + "\n   ".join(problems)
        good_client(kafka.port)
        good_client(corelog.port)
        most, bound = corelog.memory("VmHWM") >> 20, MEMORY_MIB + MEMORY_BESIDE_MIB
        assert most <= bound, f"Corelog took {most} MiB, more than {bound}"
        lines = check_log(corelog, seconds)
        corelog.stop()
    finally:
        corelog.end()
        kafka.stop()
    endings = Counter(kafka_ending for (_, kafka_ending), _ in found.values())
    print(
        f"{len(found)} cases in {seconds:.0f} s: Kafka kept {endings['open']} connections and closed {endings['closed']}; "
        f"{len(reasons)} listed differences; then a good client's {GOOD_RECORDS} records; "
        f"at most {most} MiB; {lines} lines about bad input"
    )
