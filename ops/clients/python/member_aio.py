"""A group member with aiokafka: member_aio.py BOOTSTRAP GROUP TOPIC STRATEGY [INSTANCE].

It prints the lines that franz/member.go describes, until SIGTERM.
"""

import asyncio
import signal
import sys

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError
from check import parse

BOOTSTRAP, GROUP, TOPIC, STRATEGY, *INSTANCE = sys.argv[1:]
ASSIGNORS = {"range": RangePartitionAssignor, "roundrobin": RoundRobinPartitionAssignor}


async def commit(consumer):
    """Everything that was fetched was printed: none is committed before somebody can see it."""
    sys.stdout.flush()
    try:
        await consumer.commit()
    except KafkaError as error:
        print("commit:", repr(error), file=sys.stderr)


class Listener(ConsumerRebalanceListener):
    def __init__(self, consumer):
        self.consumer = consumer

    async def on_partitions_revoked(self, revoked):
        if revoked:
            await commit(self.consumer)
        self.say("revoked", revoked)

    async def on_partitions_assigned(self, assigned):
        self.say("assigned", assigned)

    @staticmethod
    def say(what, partitions):
        print(what, sorted(place.partition for place in partitions), flush=True)


async def main():
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=BOOTSTRAP, group_id=GROUP, partition_assignment_strategy=[ASSIGNORS[STRATEGY]],
        group_instance_id=INSTANCE[0] if INSTANCE else None, enable_auto_commit=False, auto_offset_reset="earliest",
        session_timeout_ms=6000, heartbeat_interval_ms=300, fetch_max_wait_ms=200, retry_backoff_ms=50)
    consumer.subscribe([TOPIC], listener=Listener(consumer))
    await consumer.start()
    while not stopping.is_set():
        fetched = await consumer.getmany(timeout_ms=200, max_records=2000)
        for messages in fetched.values():
            for message in messages:
                key, sequence = parse(message.value)
                print("r", message.partition, message.offset, key, sequence, message.value[:8].decode())
        if fetched:
            await commit(consumer)
    await consumer.stop()


asyncio.run(main())
