"""The two brokers that bad input is sent to, and what one connection gets back."""

import contextlib
import os
import resource
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import protocol

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
#: The valid request sent behind a case's bytes: its answer shows that the connection is still served.
PROBE_ID = 0x7FFFFFF0
PROBE = protocol.api_versions(correlation=PROBE_ID)


@dataclass(frozen=True)
class Outcome:
    """What came back, and how it ended: `open` (the probe was answered), `closed`, or `silent`."""

    frames: tuple
    ending: str


def work_directory(name):
    """A new directory, beside the build: the system's own place for temporary files may have no direct I/O."""
    place = Path(os.environ.get("CORELOG_TEST_DIR", CACHE))
    place.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=place))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def connect(port, timeout=10):
    connection = socket.create_connection(("127.0.0.1", port), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_exactly(connection, size):
    parts = []
    while size:
        part = connection.recv(min(size, 1 << 20))
        if not part:
            raise ConnectionError("closed")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_frame(connection):
    return read_exactly(connection, struct.unpack(">i", read_exactly(connection, 4))[0])


def ask(connection, request):
    connection.sendall(request)
    return read_frame(connection)


def exchange(port, pieces, probe=True, half_close=False, wait=5.0):
    """Sends the pieces one by one, then the probe, and reads until its answer, the end, or `wait` seconds of silence."""
    frames, connection = [], connect(port)
    connection.settimeout(wait)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for number, piece in enumerate(pieces):
                if number:
                    time.sleep(0.02)
                connection.sendall(piece)
            if probe:
                connection.sendall(PROBE)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
        while True:
            try:
                frame = read_frame(connection)
            except TimeoutError:
                return Outcome(tuple(frames), "silent")
            except OSError:
                return Outcome(tuple(frames), "closed")
            if frame[:4] == protocol.i32(PROBE_ID):
                return Outcome(tuple(frames), "open")
            frames.append(frame)
    finally:
        connection.close()


def await_answer(port, process, log, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            with connect(port, 1) as connection:
                return ask(connection, protocol.api_versions())
        except OSError:
            if process.poll() is not None:
                raise RuntimeError(f"the broker ended with {process.returncode}:\n{log.read_text(errors='replace')}") from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"nothing answers on {port} after {seconds} s") from None
            time.sleep(0.05)


class Corelog:
    """A Corelog of its own directory and port; what it says goes to `log`."""

    def __init__(self, binary, work, memory_mib=256, arguments=(), prepare=None, name="data", port=None, environment=None):
        self.binary, self.data, self.log = str(binary), Path(work) / name, Path(work) / "corelog.log"
        self.memory_mib, self.arguments, self.prepare = memory_mib, list(arguments), prepare
        self.port, self.environment = port or free_port(), {**os.environ, **(environment or {})}
        self.process = None

    def command(self):
        listen = f"127.0.0.1:{self.port}"
        memory = f"{self.memory_mib}MiB"
        return [self.binary, "serve", "--data-dir", str(self.data), "--listen", listen, "--memory", memory, *self.arguments]

    def start(self, seconds=60):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, preexec_fn=self.prepare, env=self.environment)
        await_answer(self.port, self.process, self.log, seconds)
        return self

    def refused(self, seconds=30):
        """Starts it where it must not start: what it says, and that it failed."""
        outcome = subprocess.run(
            self.command(), capture_output=True, text=True, timeout=seconds, preexec_fn=self.prepare, check=False
        )
        assert outcome.returncode != 0, f"it started and ended in good order:\n{outcome.stderr}"
        assert outcome.returncode > 0, f"it died of signal {-outcome.returncode}:\n{outcome.stderr}"
        assert "panicked" not in outcome.stderr, outcome.stderr
        return outcome.stderr + outcome.stdout

    def stop(self):
        self.process.terminate()
        code = self.process.wait(30)
        assert code == 0, f"on SIGTERM the broker ended with {code}; see {self.log}"

    def kill9(self):
        self.process.kill()
        self.process.wait(30)

    def end(self):
        """For clean-up, whatever its state."""
        if self.process and self.process.poll() is None:
            self.kill9()

    def memory(self, field="VmRSS"):
        """Bytes, as the system counts them; `VmHWM` is the most there ever was."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"no {field}")

    def lines(self):
        return self.log.read_text(errors="replace").splitlines()


class Kafka:
    """A real Kafka of its own directory and port."""

    def __init__(self, work, *settings):
        self.dir, self.settings = Path(work) / "kafka", settings
        self.script = ROOT / "ops/kafka/kafka"
        self.port = free_port()

    def start(self):
        environment = {**os.environ, "KAFKA_HEAP": "640m"}
        subprocess.run([self.script, "start", self.dir, str(self.port), *self.settings], check=True, env=environment)
        return self

    def stop(self):
        subprocess.run([self.script, "stop", self.dir], check=True)


def raise_open_files():
    """This process needs many sockets."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
