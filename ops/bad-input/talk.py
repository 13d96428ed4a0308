"""A conversation of several requests, held alike with each broker: what one answer gives, the next request carries on.

Each request is a step, with a name, and is compared on its own.
"""

import time
from dataclasses import dataclass, field

import schema
from peer import connect, read_frame
from protocol import CLIENT

#: How long an answer may take, and what was made, in seconds.
WAIT, READY = 8.0, 30.0


@dataclass
class Step:
    name: str
    api: str
    version: int
    #: What was answered, as the side sees it, and how it ended.
    outcome: tuple = ([], "not read")


@dataclass
class Talk:
    """One broker's end of a conversation."""

    side: object
    #: What the names of groups and topics begin with.
    prefix: str
    steps: list = field(default_factory=list)

    def __post_init__(self):
        self.connections = {}

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = connect(self.side.port, WAIT)
        return self.connections[name]

    def send(self, name, api, version, on="a", client=CLIENT, **values):
        """Sends a request; `answer` reads what comes. Returns its step."""
        step = Step(f"{self.prefix}: {name}", api, version)
        self.steps.append(step)
        self.connection(on).sendall(self.side.request(api, version, values, client=client))
        return step

    def answer(self, step, on="a"):
        """Reads the answer to a step: as a dict, or nothing where the connection was closed."""
        try:
            frame = read_frame(self.connection(on))
        except (TimeoutError, ConnectionError) as error:
            step.outcome = [], "silent" if isinstance(error, TimeoutError) else "closed"
            self.connections.pop(on).close()
            return {}
        step.outcome = [self.side.see(step.api, step.version, frame)], "open"
        return schema.read(step.api, step.version, frame)

    def ask(self, name, api, version, on="a", **values):
        return self.answer(self.send(name, api, version, on=on, **values), on)

    def unrecorded(self, api, version, on="a", **values):
        """An answer that is no step: of one that is asked for until it is so."""
        self.connection(on).sendall(self.side.request(api, version, values))
        return schema.read(api, version, read_frame(self.connection(on)))

    def ready(self, topic, partitions):
        """Waits until the broker leads so many partitions: Kafka says that they are made a little before."""
        rows = [{"partition_index": index, "timestamp": -1} for index in range(partitions)]
        deadline = time.monotonic() + READY
        while True:
            answer = self.unrecorded("ListOffsets", 5, replica_id=-1, topics=[{"name": topic, "partitions": rows}])
            if not any(row["error_code"] for row in answer["topics"][0]["partitions"]):
                return
            assert time.monotonic() < deadline, f"{topic} is not ready: {answer}"
            time.sleep(0.05)

    def close(self):
        for connection in self.connections.values():
            connection.close()


class Versions:
    """The version of each API in the round of this number: each is held at all of its versions, some of them often."""

    def __init__(self, served, number):
        self.served, self.number = served, number

    def __getitem__(self, api):
        versions = self.served[api]
        return versions[min(self.number, len(versions) - 1)]


@dataclass
class Conversation:
    """One conversation at one round of versions."""

    name: str
    told: object
    at: Versions
    pause = 0.0

    def held(self, side):
        """Its steps with a broker, each with its answer."""
        talk = Talk(side, self.name)
        try:
            self.told(talk, self.at)
        finally:
            talk.close()
        return [(step.name, (step.api, step.version), step.outcome) for step in talk.steps]
