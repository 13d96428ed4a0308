"""Kafka's own command line tools, by their classes."""

import subprocess
from pathlib import Path

KAFKA = Path(__file__).resolve().parents[2] / "kafka/kafka"


def tool(bootstrap, name, *arguments, given="", status=0):
    """What a tool says of the broker at `bootstrap`; it must end with `status`."""
    command = [KAFKA, "tool", name, "--bootstrap-server", bootstrap, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=90)
    assert done.returncode == status, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if status else "")
