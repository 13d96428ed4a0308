"""What a tool said, without what differs from run to run: times, ids, addresses, sizes, measurements."""

import json
import re
from collections import Counter

#: In this order; each (what, instead).
MASKS = [
    (r"127\.0\.0\.1:\d+", "ADDRESS"),
    (r"127\.0\.0\.1( +)\d{5}\b", r"HOST\1PORT"),
    (r"127\.0\.0\.1", "HOST"),
    (r"console-consumer-\d+", "console-consumer-N"),
    (r'(port=?"?[: ]?)\d{5}', r"\1PORT"),
    (r"/[-\w/.]*(?:/data|/tools-[-\w]*)\b", "DIRECTORY"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.,:]\d{3}(?:Z|[+-]\d{4})?", "TIME"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"(?<![\w-])[\w-]{22}(?![\w-])", "ID"),
    (r"\b1[6-9]\d{11}\b", "MILLISECONDS"),
    (r"-?\d+\.\d+(?:E-?\d+)?", "FIGURE"),
]
#: Measurements that are no fractions, by tool and in lines without wide spaces.
MEASURED = {
    "producer-perf-test": [(r"\d+ ms", "N ms")],
    # Of the figures the fifth counts records.
    "consumer-perf-test": [(r"^TIME, TIME, FIGURE, FIGURE, (\d+), .*$", r"\1 records")],
    "e2e-latency": [(r"= \d+", "= N"), (r"^\d+ FIGURE", "N FIGURE")],
    "log-dirs": [(r'"(size|totalBytes|usableBytes)":-?\d+', r'"\1":N')],
    "metadata-quorum": [
        (r"((?:LeaderEpoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs): )\d+", r"\1N"),
        (r"^1 \S+ \d+", "1 ID N"),
        (r'"directoryId": "[^"]*"', '"directoryId": "ID"'),
    ],
    # Where a new partition is, is each broker's own choice; log-dirs tells where it comes.
    "reassign-partitions": [(r'"log_dirs":\["[^"]*"\]', '"log_dirs":["DIRECTORY"]')],
    "transactions": [(r"^\d+ ", "N ")],
}
#: These say what they found in the order of a hash table.
UNORDERED = ("topics", "console-consumer", "consumer-groups", "groups")


def masked(tool, text):
    for what, instead in MASKS:
        text = re.sub(what, instead, text)
    # Tables are as wide as what is in them.
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.splitlines()]
    for what, instead in MEASURED.get(tool, ()):
        lines = [re.sub(what, instead, line) for line in lines]
    # Where in its own code a tool stumbled depends on how it was started.
    return [line for line in lines if line and not re.match(r"at \S+\(|\.\.\. \d+ more", line)]


def verifiable(lines):
    """Events: how often each came, not in which portions; the records of all portions."""
    events = [json.loads(line) for line in lines if line.startswith("{")]
    count = Counter(event["name"] for event in events if event["name"] not in ("records_consumed", "offsets_committed"))
    records = sum(event["count"] for event in events if event["name"] == "records_consumed")
    return [*(f"{name}: {times}" for name, times in sorted(count.items())), f"records consumed: {records}"]


def directories(line):
    """What log-dirs tells, its directories and their partitions in order: the tool has them in that of a hash table."""
    told = json.loads(line)
    for broker in told["brokers"]:
        broker["logDirs"].sort(key=lambda directory: directory["logDir"])
        for directory in broker["logDirs"]:
            directory["partitions"].sort(key=lambda row: row["partition"])
    return json.dumps(told, separators=(",", ":"))


def seen(tool, output, errors):
    """What is compared of a tool's words."""
    if tool.startswith("verifiable"):
        return verifiable(output.splitlines()), masked(tool, errors)
    if tool == "log-dirs":
        output = "\n".join(directories(line) if line.startswith("{") else line for line in output.splitlines())
    lines = masked(tool, output)
    return sorted(lines) if tool in UNORDERED else lines, masked(tool, errors)
