"""An idempotent load with confluent-kafka: load_confluent.py BOOTSTRAP ID TOPIC RECORDS KEYS RATE.

Prints `sum ID RECORDS CRCS` when all is acknowledged: what franz/load.go prints last.
"""

import random
import sys
import time

from check import value
from confluent_kafka import Producer

BOOTSTRAP, ID, TOPIC = sys.argv[1:4]
RECORDS, KEYS, RATE = map(int, sys.argv[4:])
#: Records between two looks at the clock and at what was delivered.
AT_ONCE = 200
lost = []
producer = Producer({
    "bootstrap.servers": BOOTSTRAP, "enable.idempotence": True, "linger.ms": 5, "compression.type": "lz4",
    "delivery.timeout.ms": 600_000, "queue.buffering.max.messages": 100_000, "reconnect.backoff.max.ms": 200,
    # Only what fails is told: a callback for each record would cost more than the record.
    "delivery.report.only.error": True, "on_delivery": lambda error, _: lost.append(error),
})
following = [0] * KEYS
crcs = 0
start = time.monotonic()
for number in range(RECORDS):
    key = random.randrange(KEYS)
    name = f"{ID}-{key}"
    data = value(name, following[key], 100)
    following[key] += 1
    crcs += int(data[:8], 16)
    while True:
        try:
            producer.produce(TOPIC, data, name)
            break
        except BufferError:
            producer.poll(0.05)
    if number % AT_ONCE == 0:
        producer.poll(0)
        time.sleep(max(0, start + number / RATE - time.monotonic()))
assert producer.flush(300) == 0 and not lost, f"not delivered: {lost[:3]}"
print("sum", ID, RECORDS, crcs)
