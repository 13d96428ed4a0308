"""A conversation of a topic's records: written by an idempotent producer, read, deleted, and the topic with them."""

from dataclasses import dataclass

from protocol import batch, record
from side import TopicId

#: One id for both brokers, since records are compared with all that is in them.
PRODUCER = 7_000_000


@dataclass
class Topic:
    """A topic of a talk."""

    talk: object
    at: object
    name: str

    def ask(self, name, api, **values):
        return self.talk.ask(name, api, self.at[api], **values)

    def produce(self, name, **header):
        count = header.pop("count")
        records = batch([record(offset_delta=n) for n in range(count)], producer_id=PRODUCER, **header)
        topic = {"name": self.name, "topic_id": TopicId(self.name), "partition_data": [{"index": 0, "records": records}]}
        self.ask(f"produce: {name}", "Produce", acks=-1, timeout_ms=5000, topic_data=[topic])

    def fetch(self, name, offset):
        partition = {"partition": 0, "partition_max_bytes": 1 << 20, "fetch_offset": offset}
        self.ask(name, "Fetch", max_bytes=1 << 20, topics=[{"topic": self.name, "topic_id": TopicId(self.name), "partitions": [partition]}])

    def delete_records(self, name, before):
        self.ask(name, "DeleteRecords", topics=[{"name": self.name, "partitions": [{"offset": before}]}], timeout_ms=5000)


def producer(talk, at):
    """A topic from its creation to its deletion."""
    topic = Topic(talk, at, f"{talk.prefix}-topic".replace(" ", "-"))
    topic.ask("an id", "InitProducerId", transaction_timeout_ms=5000)
    made = {"name": topic.name, "num_partitions": 1, "replication_factor": 1, "configs": [{"name": "retention.ms", "value": "-1"}]}
    topic.ask("a topic", "CreateTopics", topics=[made], timeout_ms=10_000)
    talk.side.learn([topic.name])
    talk.ready(topic.name, 1)
    written(topic)
    read(topic)
    deleted(topic)


def written(topic):
    """Sequences in order, again, with a gap, and of an epoch before."""
    for name, epoch, sequence, count in (
        ("first", 0, 0, 2), ("second", 0, 2, 1), ("second again", 0, 2, 1), ("first again", 0, 0, 2), ("a gap", 0, 9, 1),
        ("another batch of the same sequence", 0, 0, 1), ("a new epoch that begins late", 1, 5, 1), ("a new epoch", 1, 0, 1),
        ("the epoch before", 0, 3, 1), ("a negative sequence", 1, -1, 1), ("no epoch", -1, 1, 1),
    ):  # fmt: skip
        topic.produce(name, producer_epoch=epoch, base_sequence=sequence, count=count)


def read(topic):
    for name, offset in {"all": 0, "from the middle": 1, "the end": 4, "beyond": 5}.items():
        topic.fetch(f"fetch: {name}", offset)
    for name, timestamp in {"latest": -1, "earliest": -2, "greatest": -3, "local": -4, "tiered": -5, "by time": 1, "later": 1 << 60}.items():
        asked = [{"name": topic.name, "partitions": [{"timestamp": timestamp}]}]
        topic.ask(f"offset: {name}", "ListOffsets", replica_id=-1, topics=asked, timeout_ms=5000)
    asked = [{"topic": topic.name, "partitions": [{"partition": 0, "leader_epoch": 0}]}]
    topic.ask("end of the epoch", "OffsetForLeaderEpoch", topics=asked)
    topic.ask("producers", "DescribeProducers", topics=[{"name": topic.name, "partition_indexes": [0]}])


def deleted(topic):
    topic.delete_records("records deleted", 2)
    topic.delete_records("fewer records deleted", 1)
    topic.delete_records("more records deleted than there are", 99)
    topic.delete_records("all records deleted", -1)
    topic.fetch("fetch what is deleted", 0)
    for name in ("more partitions", "as many partitions"):
        topic.ask(name, "CreatePartitions", topics=[{"name": topic.name, "count": 3}], timeout_ms=10_000)
    topic.talk.ready(topic.name, 3)
    topic.ask("the topic", "Metadata", topics=[{"name": topic.name}], allow_auto_topic_creation=False)
    if topic.at["DeleteTopics"] >= 6:
        by_id = [{"name": None, "topic_id": TopicId(topic.name)}]
        topic.ask("the topic is deleted by its id", "DeleteTopics", topics=by_id, timeout_ms=10_000)
    by_name = {"topics": [{"name": topic.name}], "topic_names": [topic.name]}
    topic.ask("the topic is deleted", "DeleteTopics", **by_name, timeout_ms=10_000)
