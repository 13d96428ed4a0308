"""Kafka's own command line tools against a broker: tools.py BOOTSTRAP."""

import json
import re
import sys
import tempfile
import time

import kafka_tool
from check import Checks, eventually

BOOTSTRAP = sys.argv[1]


#: The id of the one broker there is.
NODE = ""


def tool(name, *arguments, **how):
    return kafka_tool.tool(BOOTSTRAP, name, *arguments, **how)


def topics():
    tool("TopicCommand", "--create", "--topic", "tools", "--partitions", "3", "--config", "retention.ms=3600000")
    described = tool("TopicCommand", "--describe", "--topic", "tools")
    assert "PartitionCount: 3" in described and "retention.ms=3600000" in described, described
    assert "already exists" in tool("TopicCommand", "--create", "--topic", "tools", status=1)
    assert "tools" in tool("TopicCommand", "--list").split()


def console():
    lines = [f"k{i}:line {i}" for i in range(50)]
    tool("ConsoleProducer", "--topic", "tools", "--reader-property", "parse.key=true", "--reader-property", "key.separator=:", given="\n".join(lines))
    read = tool("consumer.ConsoleConsumer", "--topic", "tools", "--from-beginning", "--max-messages", "50", "--timeout-ms", "30000",
                "--formatter-property", "print.key=true", "--formatter-property", "key.separator=:")
    assert sorted(read.splitlines()) == sorted(lines), read


def verifiable():
    produced = tool("VerifiableProducer", "--topic", "tools-verifiable", "--max-messages", "2000", "--throughput", "-1")
    events = [json.loads(line) for line in produced.splitlines() if line.startswith("{")]
    assert sum(e["name"] == "producer_send_success" for e in events) == 2000, events[-1]
    consumed = tool("VerifiableConsumer", "--topic", "tools-verifiable", "--group-id", "tools-verifiable", "--max-messages", "2000", "--reset-policy", "earliest")
    events = [json.loads(line) for line in consumed.splitlines() if line.startswith("{")]
    assert sum(e["count"] for e in events if e["name"] == "records_consumed") == 2000, events[-1]


def get_offsets():
    lines = tool("GetOffsetShell", "--topic", "tools", "--time", "-1").split()
    assert sum(int(line.rsplit(":", 1)[1]) for line in lines) == 50, lines


def config(*arguments, **how):
    return tool("kafka.admin.ConfigCommand", *arguments, **how)


def configs():
    of_topic = ["--entity-type", "topics", "--entity-name", "tools"]
    config("--alter", *of_topic, "--add-config", "max.message.bytes=2000000,cleanup.policy=[compact,delete]")
    described = config("--describe", *of_topic)
    assert "max.message.bytes=2000000" in described and "cleanup.policy=compact,delete" in described, described
    assert "DEFAULT_CONFIG:message.max.bytes=1048588" in described, described
    config("--alter", *of_topic, "--delete-config", "cleanup.policy")
    assert "min.cleanable.dirty.ratio=0.5" in config("--describe", "--all", *of_topic)
    assert "Unknown topic config name: nonsense" in config("--alter", *of_topic, "--add-config", "nonsense=1", status=1)


def broker_configs():
    every, one = ["--entity-type", "brokers", "--entity-default"], ["--entity-type", "brokers", "--entity-name", NODE]
    config("--alter", *every, "--add-config", "log.retention.ms=86400000,message.max.bytes=3000000")
    config("--alter", *one, "--add-config", "log.retention.ms=86400001")
    eventually("the broker has both", lambda: "DYNAMIC_DEFAULT_BROKER_CONFIG:log.retention.ms=86400000" in config("--describe", *one))
    assert "log.retention.ms=86400001" in config("--describe", *one)
    assert "log.retention.ms=86400000" in config("--describe", *every)
    inherited = config("--describe", "--all", "--entity-type", "topics", "--entity-name", "tools")
    assert "DYNAMIC_BROKER_CONFIG:log.retention.ms=86400001" in inherited, inherited
    config("--alter", *one, "--delete-config", "log.retention.ms")
    config("--alter", *every, "--delete-config", "log.retention.ms,message.max.bytes")
    assert "Cannot update these configs dynamically" in config("--alter", *one, "--add-config", "num.partitions=2", status=1)
    static = config("--describe", "--all", *one)
    assert "num.io.threads=8" in static and "sasl.jaas.config=null sensitive=true" in static, static


def group_and_metrics_configs():
    config("--alter", "--entity-type", "groups", "--entity-name", "tools-g", "--add-config", "consumer.session.timeout.ms=50000")
    eventually("the group has it", lambda: "50000" in config("--describe", "--entity-type", "groups", "--entity-name", "tools-g"))
    config("--alter", "--entity-type", "client-metrics", "--entity-name", "tools-m", "--add-config", "interval.ms=1000")
    eventually("it is listed", lambda: "tools-m" in tool("ClientMetricsCommand", "--list"))
    tool("ClientMetricsCommand", "--delete", "--name", "tools-m")


def client_quotas():
    both = ["--entity-type", "users", "--entity-name", "tools-u", "--entity-type", "clients", "--entity-default"]
    config("--alter", "--entity-type", "clients", "--entity-name", "tools-c", "--add-config", "producer_byte_rate=1000000,consumer_byte_rate=2000000")
    config("--alter", *both, "--add-config", "request_percentage=12.5")
    config("--alter", "--entity-type", "ips", "--entity-name", "10.9.8.7", "--add-config", "connection_creation_rate=30")
    shown = lambda *of: config("--describe", *of)  # noqa: E731
    eventually("it is shown", lambda: "producer_byte_rate=1000000.0" in shown("--entity-type", "clients", "--entity-name", "tools-c"))
    said = shown("--entity-type", "users", "--entity-type", "clients")
    assert "user-principal 'tools-u', the default client-id are request_percentage=12.5" in said, said
    assert "ip '10.9.8.7' are connection_creation_rate=30.0" in shown("--entity-type", "ips")
    # Kafka's tool itself knows the keys; a value that they may not have only the broker does.
    assert "must be greater than 0" in config("--alter", *both, "--add-config", "request_percentage=-1", status=1)
    config("--alter", "--entity-type", "clients", "--entity-name", "tools-c", "--delete-config", "producer_byte_rate,consumer_byte_rate")
    config("--alter", *both, "--delete-config", "request_percentage")
    config("--alter", "--entity-type", "ips", "--entity-name", "10.9.8.7", "--delete-config", "connection_creation_rate")
    eventually("none is left", lambda: not shown("--entity-type", "clients").strip() and not shown("--entity-type", "ips").strip())


def codec_of_the_topic():
    lines = [f"{i} of a topic that packs its records" for i in range(200)]
    for codec in ("gzip", "snappy", "lz4", "zstd", "uncompressed"):
        topic, before = f"tools-{codec}", time.time() * 1000
        tool("TopicCommand", "--create", "--topic", topic, "--config", f"compression.type={codec}", "--config", "message.timestamp.type=LogAppendTime")
        tool("ConsoleProducer", "--topic", topic, "--compression-codec", "zstd" if codec == "gzip" else "gzip", given="\n".join(lines))
        read = tool("consumer.ConsoleConsumer", "--topic", topic, "--from-beginning", "--max-messages", "200", "--timeout-ms", "30000",
                    "--formatter-property", "print.timestamp=true")
        rows = [line.split("\t", 1) for line in read.splitlines()]
        assert [value for _, value in rows] == lines, read[:500]
        assert all(stamp.startswith("LogAppendTime:") and int(stamp.split(":")[1]) >= before - 1000 for stamp, _ in rows), rows[0]


def consumer_groups():
    described = tool("consumer.group.ConsumerGroupCommand", "--describe", "--group", "tools-verifiable")
    row = next(line.split() for line in described.splitlines() if line.startswith("tools-verifiable"))
    assert row[3:6] == ["2000", "2000", "0"], described
    assert "tools-verifiable" in tool("consumer.group.ConsumerGroupCommand", "--list").split()


def reset_and_delete_group():
    tool("consumer.group.ConsumerGroupCommand", "--reset-offsets", "--group", "tools-verifiable", "--topic", "tools-verifiable", "--to-offset", "5", "--execute")
    assert " 5 " in tool("consumer.group.ConsumerGroupCommand", "--describe", "--group", "tools-verifiable")
    tool("consumer.group.ConsumerGroupCommand", "--delete", "--group", "tools-verifiable")
    assert "tools-verifiable" not in tool("consumer.group.ConsumerGroupCommand", "--list").split()


def api_versions():
    global NODE
    said = tool("BrokerApiVersionsCommand")
    assert "Produce(0)" in said
    NODE = re.search(r"id: (\d+)", said)[1]


def log_dirs():
    said = tool("LogDirsCommand", "--describe", "--topic-list", "tools,tools-verifiable")
    told = json.loads(next(line for line in said.splitlines() if line.startswith("{")))
    directories = told["brokers"][0]["logDirs"]
    rows = [row for directory in directories for row in directory["partitions"]]
    sizes = {row["partition"]: row["size"] for row in rows}
    assert len(rows) == len(sizes), f"a partition is told of twice: {said}"
    assert len({directory["logDir"] for directory in directories}) == len(directories), said
    # Of four partitions each of two directories has some.
    assert all(directory["partitions"] for directory in directories), said
    assert sorted(sizes) == ["tools-0", "tools-1", "tools-2", "tools-verifiable-0"], said
    assert sizes["tools-verifiable-0"] > 2000 and all(size < 1 << 20 for size in sizes.values()), sizes
    assert all(row["offsetLag"] == 0 and not row["isFuture"] for row in rows), said
    assert all(directory["error"] is None and directory["logDir"].startswith("/") for directory in directories), said


def quorum():
    status = tool("MetadataQuorumCommand", "describe", "--status")
    assert re.search(rf"LeaderId: +{NODE}\n", status) and re.search(r"HighWatermark: +[1-9]", status), status
    replication = tool("MetadataQuorumCommand", "describe", "--replication")
    assert re.search(rf"(?m)^{NODE}\s.*Leader", replication), replication


def features():
    tool("FeatureCommand", "describe")
    said = tool("FeatureCommand", "upgrade", "--feature", "nonsense=1", status=1)
    assert "does not support this feature" in said or "not supported" in said, said


def leader_election():
    said = tool("LeaderElectionCommand", "--election-type", "preferred", "--topic", "tools", "--partition", "0")
    assert "Valid replica already elected for partitions tools-0" in said, said
    tool("LeaderElectionCommand", "--election-type", "unclean", "--all-topic-partitions")


def reassign_partitions():
    command = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
    assert "No partition reassignments found" in tool(command, "--list")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as plan:
        json.dump({"version": 1, "partitions": [{"topic": "tools", "partition": 0, "replicas": [int(NODE)]}]}, plan)
        plan.flush()
        said = tool(command, "--execute", "--reassignment-json-file", plan.name)
        assert "Successfully started partition reassignment for tools-0" in said, said
        said = tool(command, "--verify", "--reassignment-json-file", plan.name)
        assert "Reassignment of partition tools-0 is completed" in said, said


def active_producers():
    said = tool("TransactionsCommand", "describe-producers", "--topic", "tools", "--partition", "0")
    rows = [line.split() for line in said.splitlines() if line[:1].isdigit()]
    assert all(int(row[0]) >= 0 and row[-1] == "None" for row in rows), said
    assert "ProducerId" in said, said


def delete_topic():
    tool("TopicCommand", "--delete", "--topic", "tools")
    assert "tools" not in tool("TopicCommand", "--list").split()


checks = Checks()
for check in (
    api_versions, topics, console, verifiable, get_offsets, configs, broker_configs, group_and_metrics_configs, client_quotas, codec_of_the_topic,
    consumer_groups, reset_and_delete_group, log_dirs, quorum, features, leader_election, reassign_partitions, active_producers,
    delete_topic,
):  # fmt: skip
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
