"""A group member with confluent-kafka: member_confluent.py BOOTSTRAP GROUP TOPIC STRATEGY [INSTANCE].

It prints the lines that franz/member.go describes, until SIGTERM.
"""

import signal
import sys

from check import parse
from confluent_kafka import Consumer, KafkaException

BOOTSTRAP, GROUP, TOPIC, STRATEGY, *INSTANCE = sys.argv[1:]
RECORDS_PER_COMMIT = 2000
stopping = []


def say(what, partitions):
    print(what, sorted(place.partition for place in partitions), flush=True)


def commit(consumer):
    """Everything that was polled was printed: none is committed before somebody can see it."""
    sys.stdout.flush()
    try:
        consumer.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].name() != "_NO_OFFSET":
            print("commit:", error, file=sys.stderr)


def revoked(consumer, partitions):
    commit(consumer)
    say("revoked", partitions)


def main():
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    config = {
        "bootstrap.servers": BOOTSTRAP, "group.id": GROUP, "partition.assignment.strategy": STRATEGY,
        "enable.auto.commit": False, "auto.offset.reset": "earliest", "check.crcs": True,
        "session.timeout.ms": 6000, "heartbeat.interval.ms": 300, "fetch.wait.max.ms": 200,
    }
    consumer = Consumer({**config, **({"group.instance.id": INSTANCE[0]} if INSTANCE else {})})
    consumer.subscribe(
        [TOPIC],
        on_assign=lambda _, partitions: say("assigned", partitions),
        on_revoke=revoked,
        on_lost=lambda _, partitions: say("lost", partitions),
    )
    while not stopping:
        polled = 0
        while polled < RECORDS_PER_COMMIT and (message := consumer.poll(0 if polled else 0.2)) is not None:
            if message.error():
                print("poll:", message.error(), file=sys.stderr)
                continue
            key, sequence = parse(message.value())
            print("r", message.partition(), message.offset(), key, sequence, message.value()[:8].decode())
            polled += 1
        if polled:
            commit(consumer)
    consumer.close()


main()
