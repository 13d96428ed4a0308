"""Kafka's own command line tools against a broker: tools.py BOOTSTRAP."""

import json
import subprocess
import sys
from pathlib import Path

from check import Checks

BOOTSTRAP = sys.argv[1]
KAFKA = Path(__file__).resolve().parents[2] / "kafka/kafka"


def tool(name, *arguments, given="", status=0):
    command = [KAFKA, "tool", name, "--bootstrap-server", BOOTSTRAP, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=90)
    assert done.returncode == status, f"status {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout + (done.stderr if status else "")


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


def configs():
    tool("kafka.admin.ConfigCommand", "--alter", "--entity-type", "topics", "--entity-name", "tools", "--add-config", "max.message.bytes=2000000")
    assert "max.message.bytes=2000000" in tool("kafka.admin.ConfigCommand", "--describe", "--entity-type", "topics", "--entity-name", "tools")


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
    assert "Produce(0)" in tool("BrokerApiVersionsCommand")


def delete_topic():
    tool("TopicCommand", "--delete", "--topic", "tools")
    assert "tools" not in tool("TopicCommand", "--list").split()


checks = Checks()
for check in (topics, console, verifiable, get_offsets, configs, consumer_groups, reset_and_delete_group, api_versions, delete_topic):
    checks.run(check.__name__.replace("_", " "), check)
checks.end()
