"""What of a decoded answer is each broker's own, and so is not compared: ids, ports, times, sizes, and some words."""

import re

from admin import OWN

#: What a broker makes up: random parts of member ids.
MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Za-z0-9_-]{22}(?=-id$)")
#: Figures that two brokers need not share: whether they are there at all is compared.
PRESENCE = {
    "cluster_id", "finalized_features_epoch", "last_caught_up_timestamp", "last_fetch_timestamp",
    "last_timestamp", "log_append_time_ms", "log_dir", "producer_id", "replica_directory_id", "throttle_time_ms", "total_bytes", "usable_bytes",
}  # fmt: skip
#: A group with committed offsets and no members.
GROUP = "wide-group"
KNOWN_GROUPS = {GROUP}
#: Internal topics are made when they are needed, which is not at the same moment.
INTERNAL = "__"


def seen(api, answer, side):
    """The answer without what is the broker's own."""
    return masked("", HIDDEN.get(api, lambda found: found)(answer), side)


def masked(name, value, side):
    if isinstance(value, dict):
        return {key: masked(key, item, side) for key, item in value.items()}
    if isinstance(value, list):
        items = [masked(name, item, side) for item in value if not is_internal(item)]
        # Where topics and partitions are asked for, Kafka answers in the order of a hash table.
        return sorted(items, key=repr) if items and isinstance(items[0], dict) else items
    if name in PRESENCE:
        return "given" if value not in (None, -1, 0, "", bytes(16)) else value
    if name == "topic_id":
        return side.names.get(value, "some" if any(value) else "none")
    if name == "port" and value == side.port:
        return "own"
    return MADE_UP.sub("ID", value) if isinstance(value, str) else value


def is_internal(item):
    return isinstance(item, dict) and any(str(item.get(key)).startswith(INTERNAL) for key in ("name", "topic", "resource_name"))


def of_both(found):
    """ApiVersions: what is served is the table's to say (see report.py), and features are each broker's own."""
    return {key: value for key, value in found.items() if not key.startswith(("api_keys", "supported", "finalized"))}


def without_own_configs(found):
    for result in found["results"]:
        result["configs"] = [row for row in result["configs"] if row["name"] not in OWN]
        for row in result["configs"]:
            row["documentation"] = bool(row.get("documentation"))
    return found


def without_offsets(found):
    """DescribeQuorum: the metadata log of each cluster is its own."""
    for topic in found["topics"]:
        for part in topic["partitions"]:
            part["leader_epoch"], part["high_watermark"] = part["leader_epoch"] > 0, part["high_watermark"] > 0
            for replica in part["current_voters"] + part["observers"]:
                replica["log_end_offset"] = replica["log_end_offset"] > 0
    for node in found.get("nodes", ()):
        node["listeners"] = len(node["listeners"])
    return found


def without_offset(found):
    """Produce: every case appends to one partition; and of the log's start beside an error Kafka knows sometimes."""
    for topic in found["responses"]:
        for part in topic["partition_responses"]:
            part["base_offset"] = min(part["base_offset"], 0)
            if part["error_code"]:
                part.pop("log_start_offset", None)
    return without_words(found)


def without_words(found):
    """Where Kafka has no words, or none that help."""
    found.pop("error_message", None)
    for rows in found.values():
        for row in rows if isinstance(rows, list) else ():
            without_words(row)
    return found


def of_known_groups(found):
    """ListGroups: what came of a bad request to a group of its own is not compared here."""
    found["groups"] = [group for group in found["groups"] if group["group_id"] in KNOWN_GROUPS]
    return found


def without_sizes(found):
    """DescribeLogDirs: what records take is each broker's own, as is when that of deleted ones is free."""
    for result in found["results"]:
        for topic in result["topics"]:
            for part in topic["partitions"]:
                part.pop("partition_size")
    return found


def of_created_topics(found):
    for topic in found["topics"]:
        topic["configs"] = [row for row in topic.get("configs") or () if row["name"] not in OWN]
    return found


HIDDEN = {
    "ApiVersions": of_both,
    "CreateTopics": of_created_topics,
    "DescribeConfigs": without_own_configs,
    "DescribeLogDirs": without_sizes,
    "DescribeProducers": without_words,
    "DescribeQuorum": without_offsets,
    "FindCoordinator": without_words,
    "ListGroups": of_known_groups,
    "Produce": without_offset,
}
