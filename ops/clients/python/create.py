"""Creates topics once a broker answers: create.py BOOTSTRAP NAME:PARTITIONS..."""

import sys

from confluent_kafka.admin import AdminClient, NewTopic

admin = AdminClient({"bootstrap.servers": sys.argv[1], "log_level": 0})
wanted = [NewTopic(name, int(partitions), 1) for name, partitions in (topic.split(":") for topic in sys.argv[2:])]
for created in admin.create_topics(wanted, operation_timeout=20).values():
    created.result(30)
