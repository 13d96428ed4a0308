"""What is asked of Kafka's command line tools, in order. `{broker}` is the broker's address, `{work}` a directory of its own."""

import json
from dataclasses import dataclass

#: The tools by the names of their scripts.
CLASSES = {
    "topics": "org.apache.kafka.tools.TopicCommand",
    "configs": "kafka.admin.ConfigCommand",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "groups": "org.apache.kafka.tools.GroupsCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
    "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
    "broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "cluster": "org.apache.kafka.tools.ClusterTool",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
    "client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
}
TOPIC, OTHER, TESTED, VERIFIED = "tools", "tools-other", "tools-tested", "tools-verified"
GROUP = "tools-group"
#: Files that the tools read, in their directory.
FILES = {
    "delete.json": {"version": 1, "partitions": [{"topic": TOPIC, "partition": 0, "offset": 3}]},
    "delete-too-many.json": {"version": 1, "partitions": [{"topic": TOPIC, "partition": 0, "offset": 10_000}]},
    "move.json": {"version": 1, "partitions": [{"topic": TOPIC, "partition": 0, "replicas": [1]}]},
    "move-away.json": {"version": 1, "partitions": [{"topic": TOPIC, "partition": 0, "replicas": [9]}]},
    "move-topics.json": {"version": 1, "topics": [{"topic": TOPIC}]},
    "elect.json": {"partitions": [{"topic": TOPIC, "partition": 0}]},
}
MOVED = "tools-moved"
#: Likewise, with a directory of the broker's for each.
TO_DIRECTORIES = {"to-first.json": "data", "to-second.json": "data-2", "to-nowhere.json": "data-3"}
#: How long a move between data directories takes at most.
MOVES_SECONDS = 6


@dataclass(frozen=True)
class Command:
    tool: str
    arguments: tuple
    given: str = ""
    #: What it began is at its end after so long.
    seconds: float = 0

    @property
    def name(self):
        return " ".join((self.tool, *self.arguments))

    def complete(self, broker, work):
        """The arguments with the address and the directory in them."""
        filled = [argument.replace("{work}", str(work)).replace("{broker}", broker) for argument in self.arguments]
        return filled if any("{broker}" in argument for argument in self.arguments) else ["--bootstrap-server", broker, *filled]


def write_files(work, data):
    """`data` is where the broker has its directories."""
    for name, content in FILES.items():
        (work / name).write_text(json.dumps(content))
    for name, directory in TO_DIRECTORIES.items():
        moved = {"topic": MOVED, "partition": 0, "replicas": [1], "log_dirs": [str(data / directory)]}
        (work / name).write_text(json.dumps({"version": 1, "partitions": [moved]}))


def command(line, given="", seconds=0):
    tool, *arguments = line.split()
    return Command(tool, tuple(argument.replace("~", " ") for argument in arguments), given, seconds)


def moves():
    """Of a broker with two data directories: a partition goes from one to the other and back."""
    lines = "".join(f"value {n}\n" for n in range(200))
    reassign = "reassign-partitions --{} --reassignment-json-file {{work}}/to-{}.json"
    throttle = " --replica-alter-log-dirs-throttle 50000000"
    commands = [command(f"topics --create --topic {MOVED}")]
    for where, limited in (("first", ""), ("second", throttle), ("first", "")):
        commands += [
            command(f"console-producer --topic {MOVED}", lines),
            command(reassign.format("execute", where) + limited, seconds=MOVES_SECONDS),
            command("configs --describe --entity-type brokers --entity-name 1"),
            command(reassign.format("verify", where)),
            command(f"log-dirs --describe --topic-list {MOVED}"),
        ]
    return [
        *commands,
        command(reassign.format("verify", "second")),
        command(reassign.format("execute", "nowhere")),
        command(reassign.format("verify", "nowhere")),
        command(f"console-consumer --topic {MOVED} --timeout-ms 20000 --from-beginning --max-messages 600"),
        command(f"get-offsets --topic {MOVED}"),
    ]


def all_commands():
    lines = "\n".join(f"k{n}:value {n}" for n in range(20)) + "\n"
    headed = "\n".join(f"h{n}:x\tk{n}:value {n}" for n in range(4)) + "\n"
    topic = f"--entity-type topics --entity-name {TOPIC}"
    read = f"console-consumer --topic {TOPIC} --timeout-ms 20000"
    keyed = "--reader-property parse.key=true --reader-property key.separator=:"
    return [
        command(f"topics --create --topic {TOPIC} --partitions 1 --replication-factor 1 --config retention.ms=3600000"),
        command(f"topics --create --topic {OTHER} --partitions 3"),
        command(f"topics --create --topic {TESTED}"),
        command(f"topics --create --topic {VERIFIED}"),
        command(f"topics --create --topic {TOPIC}"),
        command(f"topics --create --topic {TOPIC} --if-not-exists"),
        command("topics --create --topic a~b"),
        command("topics --create --topic tools.never --config nonsense=1"),
        command("topics --create --topic tools-never --config retention.ms=x"),
        command("topics --create --topic tools-never --partitions 0"),
        command("topics --create --topic tools-never --replication-factor 2"),
        command("topics --create --topic tools-never --replica-assignment 1,1:9"),
        command("topics --list --exclude-internal"),
        command(f"topics --describe --topic {OTHER}"),
        command("topics --describe --topic nothing-here"),
        command("topics --describe --topic tools.* --topics-with-overrides"),
        *(command(f"topics --describe --{which}-partitions") for which in ("under-replicated", "unavailable", "under-min-isr", "at-min-isr")),
        command(f"topics --alter --topic {OTHER} --partitions 4"),
        command(f"topics --alter --topic {OTHER} --partitions 2"),
        command("topics --alter --topic nothing-here --partitions 2"),
        command(f"configs --describe {topic}"),
        command(f"configs --alter {topic} --add-config max.message.bytes=2000000,cleanup.policy=[compact,delete]"),
        command(f"configs --describe --all {topic}"),
        command(f"configs --alter {topic} --delete-config cleanup.policy"),
        command(f"configs --alter {topic} --delete-config nonsense"),
        command(f"configs --alter {topic} --add-config nonsense=1"),
        command(f"configs --alter {topic} --add-config segment.bytes=x"),
        command("configs --alter --entity-type topics --entity-name nothing-here --add-config retention.ms=1"),
        command("configs --describe --entity-type topics --entity-name nothing-here"),
        command("configs --alter --entity-type brokers --entity-name 1 --add-config log.retention.ms=86400001"),
        command("configs --alter --entity-type brokers --entity-default --add-config message.max.bytes=3000000"),
        command("configs --describe --entity-type brokers --entity-name 1"),
        command("configs --describe --entity-type brokers --entity-default"),
        command("configs --alter --entity-type brokers --entity-name 1 --add-config num.partitions=3"),
        command("configs --alter --entity-type brokers --entity-name 1 --delete-config log.retention.ms"),
        command("configs --alter --entity-type brokers --entity-default --delete-config message.max.bytes"),
        command("configs --alter --entity-type groups --entity-name tools-g --add-config consumer.session.timeout.ms=50000"),
        command("configs --alter --entity-type groups --entity-name tools-g --add-config consumer.session.timeout.ms=5"),
        command("configs --describe --entity-type groups --entity-name tools-g"),
        command("client-metrics --alter --name tools-m --metrics org.apache --interval 1000"),
        command("client-metrics --describe --name tools-m"),
        command("client-metrics --list"),
        command("client-metrics --delete --name tools-m"),
        command(f"console-producer --topic {TOPIC} {keyed}", lines),
        command(f"console-producer --topic {TOPIC} --sync --timeout 0 --compression-codec zstd --producer-property acks=1 {keyed}", lines),
        command(f"console-producer --topic {TOPIC} {keyed} --reader-property parse.headers=true", headed),
        command(f"console-producer --topic {TOPIC} {keyed}", "no separator\n"),
        command(
            f"{read} --from-beginning --max-messages 44 --formatter-property print.key=true --formatter-property print.offset=true"
            " --formatter-property print.partition=true --formatter-property print.headers=true"
        ),
        command(f"{read} --partition 0 --offset 40 --max-messages 4 --formatter-property print.timestamp=true"),
        command(f"{read} --group {GROUP} --from-beginning --max-messages 30 --isolation-level read_committed"),
        command(f"console-consumer --topic {TOPIC} --partition 0 --offset latest --timeout-ms 300"),
        command(f"console-consumer --topic {TOPIC} --partition 7 --timeout-ms 300"),
        command("consumer-groups --list"),
        command("consumer-groups --list --state"),
        command("consumer-groups --list --type"),
        command("groups --list"),
        command(f"consumer-groups --describe --group {GROUP}"),
        command(f"consumer-groups --describe --group {GROUP} --members --verbose"),
        command(f"consumer-groups --describe --group {GROUP} --state"),
        command("consumer-groups --describe --group nobody"),
        command(f"consumer-groups --reset-offsets --group {GROUP} --topic {TOPIC} --to-earliest --dry-run"),
        command(f"consumer-groups --reset-offsets --group {GROUP} --topic {TOPIC} --shift-by -5 --execute"),
        command(f"consumer-groups --reset-offsets --group {GROUP} --all-topics --to-latest --execute"),
        command(f"consumer-groups --reset-offsets --group {GROUP} --topic {TOPIC}:0 --by-duration P1D --execute"),
        command(f"consumer-groups --reset-offsets --group {GROUP} --topic {TOPIC} --to-offset 999 --export --dry-run"),
        command(f"consumer-groups --reset-offsets --group tools-new --topic {OTHER} --to-datetime 2020-01-01T00:00:00.000 --execute"),
        command("consumer-groups --reset-offsets --group tools-new --topic nothing-here --to-earliest --dry-run"),
        command(f"consumer-groups --delete-offsets --group {GROUP} --topic {TOPIC}"),
        command("consumer-groups --delete-offsets --group nobody --topic nothing-here"),
        command(f"consumer-groups --delete --group {GROUP} --group nobody"),
        command("consumer-groups --delete --group tools-new"),
        *(command(f"get-offsets --topic {TOPIC} --time {time}") for time in ("-1", "-2", "-4", "-5", "1")),
        command(f"get-offsets --topic-partitions {OTHER}:0-2"),
        command("get-offsets --topic nothing-here"),
        command("get-offsets --exclude-internal-topics"),
        *(command(f"delete-records --offset-json-file {{work}}/{name}.json") for name in ("delete", "delete-too-many")),
        command(f"get-offsets --topic {TOPIC} --time -2"),
        command(f"log-dirs --describe --topic-list {TOPIC},{OTHER}"),
        command("log-dirs --describe --broker-list 7"),
        command(
            f"producer-perf-test --topic {TESTED} --num-records 2000 --record-size 100 --throughput -1"
            " --producer-props bootstrap.servers={broker} acks=all"
        ),
        command(f"consumer-perf-test --topic {TESTED} --num-records 2000 --timeout 20000"),
        command(f"verifiable-producer --topic {VERIFIED} --max-messages 200 --throughput -1 --acks -1"),
        command(f"verifiable-consumer --topic {VERIFIED} --group-id tools-verifiable --max-messages 200 --reset-policy earliest"),
        command("consumer-groups --describe --group tools-verifiable"),
        command(f"e2e-latency --bootstrap-server {{broker}} --topic {TESTED} --num-records 100 --producer-acks all --record-size 100"),
        command("broker-api-versions"),
        command("cluster cluster-id --bootstrap-server {broker}"),
        command("cluster list-endpoints --bootstrap-server {broker}"),
        command("features describe"),
        command("features upgrade --feature nonsense=1"),
        command("metadata-quorum describe --status"),
        command("metadata-quorum describe --replication"),
        command(f"leader-election --election-type preferred --topic {TOPIC} --partition 0"),
        command("leader-election --election-type preferred --path-to-json-file {work}/elect.json"),
        command("leader-election --election-type unclean --topic nothing-here --partition 0"),
        command("reassign-partitions --list"),
        *(command(f"reassign-partitions --{what} --reassignment-json-file {{work}}/move.json") for what in ("execute", "verify", "cancel")),
        command("reassign-partitions --execute --reassignment-json-file {work}/move-away.json"),
        command("reassign-partitions --generate --topics-to-move-json-file {work}/move-topics.json --broker-list 1"),
        command(f"transactions describe-producers --topic {TOPIC} --partition 0"),
        command(f"topics --delete --topic {TOPIC}"),
        command(f"topics --delete --topic {TOPIC}"),
        command(f"topics --delete --topic {TOPIC} --if-exists"),
        command("topics --list --exclude-internal"),
    ]
