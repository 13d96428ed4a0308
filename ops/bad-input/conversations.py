"""The conversations, each at every version of the APIs that it is about."""

from of_groups import life_of_a_group, static_members, two_members
from of_quotas import beyond_a_quota_of_partitions
from of_records import producer
from talk import Conversation, Versions

#: A round of a conversation for each version of these.
ABOUT_GROUPS = ("JoinGroup", "SyncGroup", "Heartbeat", "LeaveGroup", "OffsetCommit", "OffsetFetch", "DescribeGroups")
ABOUT_TOPICS = ("Produce", "Fetch", "ListOffsets", "CreateTopics", "DeleteTopics", "Metadata")
ABOUT_PARTITIONS = ("CreateTopics", "DeleteTopics", "CreatePartitions")
CONVERSATIONS = {life_of_a_group: ABOUT_GROUPS, two_members: ABOUT_GROUPS, static_members: ABOUT_GROUPS, producer: ABOUT_TOPICS, beyond_a_quota_of_partitions: ABOUT_PARTITIONS}


def every_version(served):
    """served: {API: versions of both brokers}."""
    for told, about in CONVERSATIONS.items():
        for number in range(max(len(served[api]) for api in about)):
            yield Conversation(f"{told.__name__.replace('_', ' ')} {number}", told, Versions(served, number))
