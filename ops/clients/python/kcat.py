"""kcat (Debian's, with an old librdkafka) against a broker: kcat.py BOOTSTRAP."""

import json
import subprocess
import sys

from check import CODECS, Checks, eventually, parse, value

BOOTSTRAP = sys.argv[1]


def kcat(*arguments, given=""):
    done = subprocess.run(["kcat", "-b", BOOTSTRAP, *arguments], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def metadata():
    about = json.loads(kcat("-L", "-J"))
    assert len(about["brokers"]) >= 1 and about["brokers"][0]["name"].startswith("127.0.0.1:"), about


def round_trip(codec):
    """The topic is created by being written to."""
    topic = f"kcat-{codec}"
    lines = [f"key-{i % 7}:" + value(f"key-{i % 7}", i // 7).decode() for i in range(200)]
    kcat("-P", "-t", topic, "-K", ":", "-z", codec, given="\n".join(lines))
    read = eventually("200 records", lambda: [r for r in [kcat("-C", "-t", topic, "-e", "-q", "-K", ":").splitlines()] if len(r) == 200])[0]
    assert sorted(read) == sorted(lines)
    for line in read:
        key, data = line.split(":", 1)
        assert parse(data.encode())[0] == key


def headers_and_offsets():
    kcat("-P", "-t", "kcat-headers", "-p", "0", "-H", "a=1", "-H", "b=two", given="value")
    record = json.loads(kcat("-C", "-t", "kcat-headers", "-p", "0", "-e", "-q", "-J"))
    assert record["headers"] == ["a", "1", "b", "two"] and record["payload"] == "value" and record["offset"] == 0, record
    assert kcat("-C", "-t", "kcat-headers", "-p", "0", "-o", "end", "-e", "-q") == ""


def balanced_consumer():
    kcat("-P", "-t", "kcat-group", given="\n".join(value("k", i).decode() for i in range(100)))
    read = kcat("-G", "kcat-readers", "-e", "-q", "-X", "auto.offset.reset=earliest", "kcat-group")
    assert len(read.splitlines()) == 100, len(read.splitlines())


checks = Checks()
checks.run("metadata", metadata)
for codec in CODECS:
    checks.run(f"round trip {codec}", round_trip, codec)
checks.run("headers and offsets", headers_and_offsets)
checks.run("balanced consumer", balanced_consumer)
checks.end()
