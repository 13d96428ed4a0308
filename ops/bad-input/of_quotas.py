"""A conversation of a client that creates and deletes more partitions than its quota allows."""

import time

#: Partitions in a second: the first change leaves a debt that outlasts every test.
RATE = 0.001
#: Until Kafka's controller goes by a new quota, in seconds.
SEEN = 1.0


def beyond_a_quota_of_partitions(talk, at):
    """Changes of a client without permits: good ones, bad ones, and both together. It is not read after an answer that
    tells it to wait, so each has a connection of its own."""
    prefix = talk.prefix.replace(" ", "-")
    client, other, topics = f"{prefix}-client", f"{prefix}-other", [f"{prefix}-{number}" for number in range(4)]
    for name in (client, other):
        change_quota(talk, at, f"a quota of {name}", name, {"value": RATE, "remove": False})
    time.sleep(SEEN)

    def ask(name, api, by=client, **values):
        talk.ask(name, api, at[api], on=name, client=by, timeout_ms=10_000, **values)

    def create(name, *wanted, **how):
        rows = [{"name": topic, "num_partitions": count, "replication_factor": 1} for topic, count in wanted]
        ask(name, "CreateTopics", topics=rows, **{"validate_only": False, **how})

    def delete(name, *wanted, **how):
        ask(name, "DeleteTopics", topic_names=list(wanted), topics=[{"name": topic} for topic in wanted], **how)

    create("nothing valid", ("a bad name", 1), (topics[0], 0))
    create("a topic", (topics[1], 3))
    create("only checked", (topics[0], 3), validate_only=True, by=other)
    create("a topic after it was checked", (topics[0], 3), by=other)
    create("more topics, bad ones among them", ("a bad name", 1), (topics[2], 1), (topics[1], 1), (topics[3], 2))
    create("only checked, without permits", (topics[0], 1), validate_only=True)
    for name, count in {"more partitions": 4, "fewer partitions": 1}.items():
        ask(name, "CreatePartitions", topics=[{"name": topics[1], "count": count}])
    delete("an unknown topic", "unknown")
    delete("topics", topics[1], topics[2], "unknown")
    for name in (client, other):
        change_quota(talk, at, f"no quota of {name}", name, {"value": 0.0, "remove": True})
    time.sleep(SEEN)
    delete("what is left", *topics)


def change_quota(talk, at, name, client, change):
    entity = [{"entity_type": "client-id", "entity_name": client}]
    entry = {"entity": entity, "ops": [{"key": "controller_mutation_rate", **change}]}
    talk.ask(name, "AlterClientQuotas", at["AlterClientQuotas"], entries=[entry])
