"""Sends each case to Corelog and to a real Kafka, and compares what comes back."""

import itertools
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cases
import protocol
import report
from diff import said
from differences import judge, listed
from peer import ask, connect
from side import Side
from stage import make_topics, pair, prepare, versions

DIFFERENCES = Path(__file__).resolve().parent / "differences"
#: Fewer cases than this is a mistake.
CASES_MIN = 7506
#: On a busy machine a change takes Kafka longer to be seen than a case pauses for it.
PATIENCE = 10.0
MEMORY_MIB = 256
#: What a Corelog needs besides what --memory bounds: program, stacks, rings, metadata, indexes.
MEMORY_BESIDE_MIB = 128
#: Log lines about bad input: one per kind and core in ten seconds, see COMPLAINT_INTERVAL in broker/src/limits.rs.
KINDS, CORES, INTERVAL = 9, 2, 10
GOOD_RECORDS = 50


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


@dataclass
class Result:
    """One step of a case, and what came of it at either broker."""

    name: str
    #: The API and its version; None if the bytes are no such request.
    api: tuple | None
    #: What was answered, and how it ended; None if it was not asked.
    kafka: tuple | None
    corelog: tuple | None

    @property
    def equal(self):
        return self.kafka == self.corelog

    @property
    def answered(self):
        """Whether Corelog answered at all."""
        return bool(self.corelog and self.corelog[0])

    @property
    def silent(self):
        """Whether Corelog neither answered nor closed."""
        return bool(self.corelog) and self.corelog[1] == "silent"


def results(case, pool, sides):
    """The case's steps at both brokers. Where the ways part, what one alone was asked is compared with nothing."""
    both = pool.map(case.held, sides)
    nothing = (None, None, None)
    found = []
    for kafka, corelog in itertools.zip_longest(*both, fillvalue=nothing):
        name, api, _ = corelog if kafka is nothing else kafka
        found.append(Result(name, api, kafka[2], corelog[2] if corelog[0] == name else None))
    return found


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


def hold(case, pool, sides):
    """The case's results, asked for again where a change takes time to be seen."""
    time.sleep(case.pause)
    until = time.monotonic() + (PATIENCE if case.pause else 0)
    found = results(case, pool, sides)
    while not all(one.equal for one in found) and time.monotonic() < until:
        time.sleep(case.pause)
        found = results(case, pool, sides)
    return found


def check(found, served, by_kafka):
    """Every difference has its reason, every reason its difference, and nothing that is served was left out."""
    reasons = listed(DIFFERENCES)
    problems, unlisted = judge(found, reasons)
    for one in unlisted:
        problems.append(f"{one.name}:\n        " + "\n        ".join(said(one.kafka, one.corelog)))
    problems += [f"{one.name}: Corelog neither answers nor closes" for one in found if one.silent]
    problems += [f"{name} {version}: served, and never answered as Kafka does" for name, version in report.missing(found, served, by_kafka)]
    twice = [name for name, times in Counter(one.name for one in found).items() if times > 1]
    problems += [f"{name}: two cases of one name" for name in twice]
    assert not problems, f"{len(problems)} problems:\n   " + "\n   ".join(problems)
    return reasons


def compare(binary, work):
    by_hand = cases.by_hand()
    assert len(by_hand) <= cases.PARTITIONS, "each case needs a partition of its own"
    corelog, kafka = pair(binary, work, CORES, MEMORY_MIB)
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda peer: peer.start(), (kafka, corelog)))
            sides = Side(kafka.port), Side(corelog.port)
            list(pool.map(make_topics, (kafka.port, corelog.port)))
            list(pool.map(prepare, sides))
            by_kafka, served = pool.map(versions, (kafka.port, corelog.port))
            began = time.monotonic()
            every = [*by_hand, *cases.generated(served, by_kafka)]
            found = [one for case in every for one in hold(case, pool, sides)]
            seconds = time.monotonic() - began
        print("\n".join(report.table(found)))
        reasons = check(found, served, by_kafka)
        assert len(found) >= CASES_MIN, f"{len(found)} cases, at least {CASES_MIN} must be"
        good_client(kafka.port)
        good_client(corelog.port)
        most, bound = corelog.memory("VmHWM") >> 20, MEMORY_MIB + MEMORY_BESIDE_MIB
        assert most <= bound, f"Corelog took {most} MiB, more than {bound}"
        lines = check_log(corelog, seconds)
        corelog.stop()
    finally:
        corelog.end()
        kafka.stop()
    print(
        f"{len(found)} cases in {seconds:.0f} s, {len(reasons)} reasons for what differs; then a good client's {GOOD_RECORDS} records; "
        f"at most {most} MiB; {lines} lines about bad input"
    )
