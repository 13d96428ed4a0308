"""One broker as the generated cases see it: its port, the ids it gave to topics, what of its answers is compared."""

import time
from dataclasses import dataclass

import mask
import protocol
import schema
from peer import ask, connect


@dataclass(frozen=True)
class TopicId:
    """In a request: the id that this broker gave to the topic."""

    name: str


class Side:
    """One broker: its port and its topics' ids."""

    def __init__(self, port):
        self.port = port
        self.ids, self.names = {}, {}

    def learn(self, topics, seconds=30):
        """Asks for the ids of these topics, until all are there."""
        deadline = time.monotonic() + seconds
        request = protocol.request(protocol.METADATA, 12, schema.body("Metadata", 12, {"topics": [{"name": name} for name in topics]}), tags=b"\0")
        with connect(self.port) as connection:
            while True:
                found = schema.read("Metadata", 12, ask(connection, request))
                if not any(topic["error_code"] for topic in found["topics"]):
                    break
                assert time.monotonic() < deadline, f"not there: {found['topics']}"
                time.sleep(0.05)
        self.ids.update((topic["name"], topic["topic_id"]) for topic in found["topics"])
        self.names = {id_: name for name, id_ in self.ids.items()}

    def resolve(self, value):
        """The value with this broker's ids."""
        if isinstance(value, TopicId):
            return self.ids[value.name]
        if isinstance(value, dict):
            return {name: self.resolve(item) for name, item in value.items()}
        return [self.resolve(item) for item in value] if isinstance(value, list) else value

    def request(self, name, version, values, header_tags=(), client=protocol.CLIENT):
        """A framed request."""
        api = schema.apis()[name]
        tags = b""
        if api.is_flexible(version):
            tags = schema.unsigned_varint(len(header_tags)) + b"".join(
                schema.unsigned_varint(tag) + schema.unsigned_varint(len(data)) + data for tag, data in header_tags
            )
        return protocol.request(api.key, version, schema.body(name, version, self.resolve(values)), client=client, tags=tags)

    def see(self, name, version, frame):
        """What is compared of a response: as a dict without what is each broker's own."""
        try:
            return mask.seen(name, schema.read(name, version, frame), self)
        except schema.Malformed as error:
            return f"malformed: {error}"
