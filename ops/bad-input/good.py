"""A good request of each API, which the generated cases spoil: what of it a version has no field for is left out.

Each is made anew for a case, with names of its own for what it makes or takes away.
"""

from mask import GROUP
from protocol import batch
from side import TopicId

#: A topic with records, that is only read; one that is written; one that is altered.
READ, WRITTEN, CHANGED = "wide-read", "wide-written", "wide-changed"
FOREVER = [("retention.ms", "-1")]
TOPICS = [(READ, 2, 1, FOREVER), (WRITTEN, 2, 1, FOREVER), (CHANGED, 1, 1, [])]
TOPIC_TYPE, BROKER_TYPE = 2, 4


def subscription(topic=READ):
    """What a consumer puts into JoinGroup, version 0."""
    return b"\0\0" + b"\0\0\0\1" + len(topic).to_bytes(2) + topic.encode() + b"\xff\xff\xff\xff"


def named(topic, **rest):
    """A topic by its name or its id, whatever the version has."""
    return {"name": topic, "topic_id": TopicId(topic), **rest}


#: By API: the values of a good request, of a name that nobody used.
GOOD = {
    "Produce": lambda fresh: {
        "acks": -1,
        "timeout_ms": 5000,
        "topic_data": [named(WRITTEN, partition_data=[{"index": 0, "records": batch()}])],
    },
    "Fetch": lambda fresh: {
        "max_bytes": 1 << 20,
        "topics": [{"topic": READ, "topic_id": TopicId(READ), "partitions": [{"partition": 0, "partition_max_bytes": 1 << 20}]}],
        "forgotten_topics_data": [],
    },
    "ListOffsets": lambda fresh: {"replica_id": -1, "topics": [{"name": READ, "partitions": [{"timestamp": -1}]}], "timeout_ms": 5000},
    "Metadata": lambda fresh: {"topics": [{"name": READ}], "allow_auto_topic_creation": False},
    "OffsetCommit": lambda fresh: {
        "group_id": fresh,
        "topics": [named(READ, partitions=[{"partition_index": 0, "committed_offset": 1, "committed_metadata": "m"}])],
    },
    "OffsetFetch": lambda fresh: {
        "group_id": GROUP,
        "topics": [{"name": READ, "partition_indexes": [0, 1]}],
        "groups": [{"group_id": GROUP, "topics": [named(READ, partition_indexes=[0, 1])]}],
    },
    "FindCoordinator": lambda fresh: {"key": GROUP, "coordinator_keys": [GROUP]},
    "JoinGroup": lambda fresh: {
        "group_id": fresh,
        "session_timeout_ms": 6000,
        "rebalance_timeout_ms": 6000,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": subscription()}],
        "reason": "for a reason",
    },
    "Heartbeat": lambda fresh: {"group_id": fresh, "generation_id": 1, "member_id": "nobody"},
    "LeaveGroup": lambda fresh: {"group_id": fresh, "member_id": "nobody", "members": [{"member_id": "nobody", "reason": "for a reason"}]},
    "SyncGroup": lambda fresh: {
        "group_id": fresh,
        "generation_id": 1,
        "member_id": "nobody",
        "protocol_type": "consumer",
        "protocol_name": "range",
        "assignments": [{"member_id": "nobody", "assignment": b"a"}],
    },
    "DescribeGroups": lambda fresh: {"groups": [GROUP], "include_authorized_operations": True},
    "ListGroups": lambda fresh: {"states_filter": ["Dead"], "types_filter": ["classic"]},
    "ApiVersions": lambda fresh: {"client_software_name": "bad-input", "client_software_version": "1"},
    "CreateTopics": lambda fresh: {
        "topics": [{"name": fresh, "num_partitions": 1, "replication_factor": 1, "configs": [{"name": "retention.ms", "value": "5"}]}],
        "timeout_ms": 5000,
        "validate_only": True,
    },
    "DeleteTopics": lambda fresh: {"topics": [{"name": fresh}], "topic_names": [fresh], "timeout_ms": 5000},
    "DeleteRecords": lambda fresh: {"topics": [{"name": READ, "partitions": [{"partition_index": 1, "offset": 0}]}], "timeout_ms": 5000},
    "InitProducerId": lambda fresh: {"transaction_timeout_ms": 5000},
    "OffsetForLeaderEpoch": lambda fresh: {"topics": [{"topic": READ, "partitions": [{"partition": 0, "leader_epoch": 0}]}]},
    "DescribeConfigs": lambda fresh: {
        "resources": [{"resource_type": TOPIC_TYPE, "resource_name": READ, "configuration_keys": ["retention.ms", "cleanup.policy"]}],
        "include_synonyms": True,
        "include_documentation": True,
    },
    "AlterConfigs": lambda fresh: {
        "resources": [{"resource_type": TOPIC_TYPE, "resource_name": CHANGED, "configs": [{"name": "retention.ms", "value": "100"}]}],
    },
    "IncrementalAlterConfigs": lambda fresh: {
        "resources": [
            {
                "resource_type": TOPIC_TYPE,
                "resource_name": CHANGED,
                "configs": [{"name": "retention.ms", "config_operation": 0, "value": "100"}],
            }
        ],
    },
    "AlterReplicaLogDirs": lambda fresh: {"dirs": [{"path": "/nothing/here", "topics": [{"name": READ, "partitions": [0]}]}]},
    "DescribeLogDirs": lambda fresh: {"topics": [{"topic": READ, "partitions": [0]}]},
    "CreatePartitions": lambda fresh: {"topics": [{"name": CHANGED, "count": 2}], "timeout_ms": 5000, "validate_only": True},
    "DeleteGroups": lambda fresh: {"groups_names": [fresh]},
    "ElectLeaders": lambda fresh: {"topic_partitions": [{"topic": READ, "partitions": [0]}], "timeout_ms": 5000},
    "AlterPartitionReassignments": lambda fresh: {"timeout_ms": 5000, "topics": [{"name": READ, "partitions": [{"replicas": [1]}]}]},
    "ListPartitionReassignments": lambda fresh: {"timeout_ms": 5000, "topics": [{"name": READ, "partition_indexes": [0]}]},
    "OffsetDelete": lambda fresh: {"group_id": GROUP, "topics": [{"name": "nothing-here", "partitions": [{"partition_index": 0}]}]},
    "DescribeClientQuotas": lambda fresh: {"components": [{"entity_type": "client-id", "match_text": fresh}]},
    "AlterClientQuotas": lambda fresh: {
        "entries": [
            {
                "entity": [{"entity_type": "client-id", "entity_name": fresh}],
                "ops": [{"key": "producer_byte_rate", "value": 1e12}],
            }
        ],
        "validate_only": True,
    },
    "DescribeQuorum": lambda fresh: {"topics": [{"topic_name": "__cluster_metadata", "partitions": [{"partition_index": 0}]}]},
    "UpdateFeatures": lambda fresh: {"timeout_ms": 5000, "feature_updates": [{"feature": "nonsense", "max_version_level": 1}]},
    "DescribeCluster": lambda fresh: {"include_cluster_authorized_operations": True},
    "DescribeProducers": lambda fresh: {"topics": [{"name": READ, "partition_indexes": [0]}]},
    "ListConfigResources": lambda fresh: {"resource_types": [TOPIC_TYPE]},
    "DescribeTopicPartitions": lambda fresh: {"topics": [{"name": READ}]},
}


def good(api, fresh):
    """The values of a good request; `fresh` is a name that nobody used."""
    assert api in GOOD, f"{api} is served, and {__name__}.py has no good request of it"
    return GOOD[api](fresh)
