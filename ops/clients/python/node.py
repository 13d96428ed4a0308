"""Brokers that a check starts for itself, by the real binary, and what they say of themselves."""

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from check import eventually
from prometheus_client.parser import text_string_to_metric_families

CORELOG = os.environ["CORELOG"]
#: On the disk of the build: a data directory needs direct I/O.
WORK = Path(tempfile.mkdtemp(prefix="nodes-", dir=os.environ["CLIENTS"]))
atexit.register(shutil.rmtree, WORK, ignore_errors=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Node:
    """A broker of two cores unless said otherwise, with its log and its metrics' address."""

    def __init__(self, name, *arguments, metrics=True, cores=2):
        self.bootstrap, self.metrics = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.log = WORK / f"{name}.log"
        command = [CORELOG, "serve", "--data-dir", WORK / name, "--listen", self.bootstrap, "--cores", str(cores), "--memory", "128MiB",
                   *(["--metrics", self.metrics] if metrics else []), *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=open(self.log, "ab"))
        atexit.register(self.process.kill)

    def page(self, path):
        """Status and content of a page; status 0 while nobody listens."""
        try:
            with urllib.request.urlopen(f"http://{self.metrics}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def ready(self):
        eventually("it is ready", lambda: self.page("/readyz")[0] == 200)
        return self

    def samples(self):
        """All samples by name, as an independent reader of the format sees them; each a pair of labels and value."""
        samples = {}
        for family in text_string_to_metric_families(self.page("/metrics")[1]):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append((sample.labels, sample.value))
        return samples

    def sum(self, name, **labels):
        wanted = [value for own, value in self.samples().get(name, []) if labels.items() <= own.items()]
        return sum(wanted)

    def corelog(self, *arguments, given="", status=0):
        return corelog(*arguments, "--broker", self.bootstrap, given=given, status=status)

    def kill9(self):
        self.process.kill()
        self.process.wait(20)

    def end(self):
        self.process.terminate()
        assert self.process.wait(20) == 0, self.log.read_text()


def corelog(*arguments, given="", status=0):
    done = subprocess.run([CORELOG, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stderr if status else done.stdout


@contextlib.contextmanager
def node(name, *arguments, **how):
    started = Node(name, *arguments, **how).ready()
    yield started
    started.end()
