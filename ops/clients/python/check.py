"""What the Python scripts share: records that verify themselves, and checks that report one line each.

A record's value is `CRC KEY SEQUENCE FILLER`: eight hex digits of the CRC-32 of all that follows the first space. Every
client family writes and verifies this form, so any family can read what any other wrote.
"""

import sys
import time
import traceback
import zlib

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
#: Every family adds records to this topic, and reads what all families before it wrote.
SHARED_TOPIC = "written-by-all"


def value(key, sequence, size=64):
    """The value of record number `sequence` of `key`, about `size` bytes long."""
    filler = (f"{key}/{sequence}/" * (size // (len(key) + 3) + 1))[:size]
    rest = f"{key} {sequence} {filler}".encode()
    return b"%08x %s" % (zlib.crc32(rest), rest)


def parse(data):
    """The key and the sequence number of a value; ValueError if it is not what somebody wrote."""
    crc, rest = data.split(b" ", 1)
    if int(crc, 16) != zlib.crc32(rest):
        raise ValueError(f"checksum of {data[:60]!r} is wrong")
    key, sequence, _ = rest.split(b" ", 2)
    return key.decode(), int(sequence)


def eventually(what, probe, seconds=20):
    """Calls `probe` until it returns something true; asserts after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        result = probe()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)


class Checks:
    """Runs named checks; each prints `ok NAME` or `FAIL NAME` with its trace."""

    def __init__(self):
        self.failed = 0

    def run(self, name, function, *arguments):
        start = time.monotonic()
        try:
            function(*arguments)
            print(f"ok {name} ({time.monotonic() - start:.1f} s)", flush=True)
        except BaseException:
            self.failed += 1
            print(f"FAIL {name}\n{traceback.format_exc()}", flush=True)

    def end(self):
        sys.exit(1 if self.failed else 0)
