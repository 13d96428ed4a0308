"""Conversations of groups: members that join, sync, commit and leave, in time and out of it."""

from dataclasses import dataclass

from good import READ, subscription
from side import TopicId

#: As good as no member, and no topic's id.
STRANGER = "stranger-00000000-0000-0000-0000-000000000000"
UNKNOWN_ID = bytes(range(16))
#: Beyond offset.metadata.max.bytes.
TOO_MUCH = "m" * 4097


def joining(group, member="", instance=None, **values):
    """What JoinGroup says, but for what a case changes."""
    base = {
        "group_id": group,
        "session_timeout_ms": 30_000,
        "rebalance_timeout_ms": 30_000,
        "member_id": member,
        "group_instance_id": instance,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": subscription()}],
    }
    return {**base, **values}


def join(talk, at, group, name, instance=None):
    """A first member joins: in two steps where it must come back with the id it is given. Returns its id and generation."""
    joined = talk.ask(f"{name} joins", "JoinGroup", at["JoinGroup"], **joining(group, instance=instance))
    if joined.get("error_code") == 79:
        again = joining(group, joined["member_id"], instance)
        joined = talk.ask(f"{name} joins with its id", "JoinGroup", at["JoinGroup"], **again)
    return joined.get("member_id", ""), joined.get("generation_id", -1)


def sync(talk, at, group, member, generation, name, **values):
    base = {
        "group_id": group,
        "generation_id": generation,
        "member_id": member,
        "protocol_type": "consumer",
        "protocol_name": "range",
        "assignments": [{"member_id": member, "assignment": b"all of it"}],
    }
    return talk.ask(name, "SyncGroup", at["SyncGroup"], **{**base, **values})


def commit(talk, at, group, name, member="", generation=-1, topic=READ, **partition):
    row = {"partition_index": 0, "committed_offset": 1, "committed_metadata": "meta", **partition}
    named = {"name": topic, "topic_id": TopicId(topic) if topic == READ else UNKNOWN_ID, "partitions": [row]}
    values = {"group_id": group, "member_id": member, "generation_id_or_member_epoch": generation, "topics": [named]}
    return talk.ask(name, "OffsetCommit", at["OffsetCommit"], **values)


def fetch_offsets(talk, at, group, name, topics=(READ,)):
    version, partitions = at["OffsetFetch"], [0, 1, 99]
    if version < 8:
        every = None if version >= 2 else []
        rows = every if topics is None else [{"name": topic, "partition_indexes": partitions} for topic in topics]
        return talk.ask(name, "OffsetFetch", version, group_id=group, topics=rows)
    rows = None
    if topics is not None:
        ids = {topic: TopicId(topic) if topic == READ else UNKNOWN_ID for topic in topics}
        rows = [{"name": topic, "topic_id": id_, "partition_indexes": partitions} for topic, id_ in ids.items()]
    return talk.ask(name, "OffsetFetch", version, groups=[{"group_id": group, "topics": rows}], require_stable=True)


def look(talk, at, group, name):
    talk.ask(f"described, {name}", "DescribeGroups", at["DescribeGroups"], groups=[group, group + "-not"], include_authorized_operations=True)


@dataclass
class Member:
    """One member of a group in a talk."""

    talk: object
    at: object
    group: str
    id: str
    generation: int

    def ask(self, name, api, **values):
        return self.talk.ask(name, api, self.at[api], **values)

    def sync(self, name, **values):
        sync(self.talk, self.at, self.group, self.id, self.generation, name, **values)

    def commit(self, name, **how):
        commit(self.talk, self.at, self.group, name, **{"member": self.id, "generation": self.generation, **how})

    def delete_offset(self, name, topic=READ, partition=0, group=None):
        topics = [{"name": topic, "partitions": [{"partition_index": partition}]}]
        self.ask(name, "OffsetDelete", group_id=group or self.group, topics=topics)


def life_of_a_group(talk, at):
    """From the first member to the deletion of the group, with what must be refused on the way."""
    group = f"{talk.prefix}-life"
    refused_joins(talk, at, group)
    look(talk, at, group, "before anybody joined")
    one = Member(talk, at, group, *join(talk, at, group, "the first member"))
    syncs(one)
    look(talk, at, group, "when it is stable")
    heartbeats(one)
    commits(one)
    offsets(one)
    one.ask("delete the group with members", "DeleteGroups", groups_names=[group])
    leaving(one)
    one.ask("heartbeat after it left", "Heartbeat", group_id=group, generation_id=one.generation, member_id=one.id)
    one.sync("sync after it left")
    one.commit("commit after it left")
    look(talk, at, group, "when all have left")
    fetch_offsets(talk, at, group, "offsets when all have left")
    one.delete_offset("delete an offset when all have left")
    one.ask("delete the group", "DeleteGroups", groups_names=[group, group + "-not"])
    look(talk, at, group, "when it is deleted")
    fetch_offsets(talk, at, group, "offsets when it is deleted")


def refused_joins(talk, at, group):
    for name, values in {
        "a session that is too short": {"session_timeout_ms": 5_999},
        "a session that is too long": {"session_timeout_ms": 1_800_001},
        "a session of nothing": {"session_timeout_ms": 0},
        "no group": {"group_id": ""},
        "no protocols": {"protocols": []},
        "a member that nobody knows": {"member_id": STRANGER},
        "no type of protocol": {"protocol_type": ""},
    }.items():
        talk.ask(f"join: {name}", "JoinGroup", at["JoinGroup"], **{**joining(group), **values})


def syncs(one):
    for name, values in {
        "of a stranger": {"member_id": STRANGER},
        "of another generation": {"generation_id": one.generation + 1},
        "of a generation before": {"generation_id": one.generation - 1},
        "of another protocol": {"protocol_name": "roundrobin"},
        "of another type": {"protocol_type": "connect"},
        "in another name": {"group_instance_id": "nobody"},
    }.items():
        one.sync(f"sync {name}", **values)
    one.commit("commit before the sync")
    one.sync("sync")
    one.sync("sync again", assignments=[])


def heartbeats(one):
    beat = {"group_id": one.group, "generation_id": one.generation, "member_id": one.id}
    for name, values in {
        "heartbeat": {},
        "heartbeat of a stranger": {"member_id": STRANGER},
        "heartbeat of another generation": {"generation_id": one.generation + 1},
        "heartbeat in another name": {"group_instance_id": "nobody"},
        "heartbeat of another group": {"group_id": one.group + "-not"},
    }.items():
        one.ask(name, "Heartbeat", **{**beat, **values})


def commits(one):
    for name, how in {
        "commit": {},
        "commit of an unknown topic": {"topic": "nothing-here"},
        "commit of an unknown partition": {"partition_index": 99},
        "commit of a negative partition": {"partition_index": -1},
        "commit with as much metadata as may be": {"committed_metadata": TOO_MUCH[1:]},
        "commit with too much metadata": {"committed_metadata": TOO_MUCH},
        "commit without metadata": {"committed_metadata": None},
        "commit of a negative offset": {"committed_offset": -1},
        "commit of a leader epoch": {"committed_leader_epoch": 7, "committed_offset": 2},
        "commit of a stranger": {"member": STRANGER},
        "commit of another generation": {"generation": one.generation + 1},
        "commit of nobody": {"member": "", "generation": -1},
        "commit of nobody at a generation": {"member": ""},
    }.items():
        one.commit(name, **how)


def offsets(one):
    talk, at, group = one.talk, one.at, one.group
    fetch_offsets(talk, at, group, "offsets")
    fetch_offsets(talk, at, group, "offsets of all topics", None)
    fetch_offsets(talk, at, group, "offsets of an unknown topic", ("nothing-here",))
    fetch_offsets(talk, at, group + "-not", "offsets of an unknown group")
    fetch_offsets(talk, at, "", "offsets of no group")
    one.delete_offset("delete an offset that is subscribed to")
    one.delete_offset("delete an offset of a partition that is not there", partition=99)
    one.delete_offset("delete an offset of a topic that is not there", "nothing-here")
    one.delete_offset("delete an offset of a group that is not there", group=group + "-not")


def leaving(one):
    def leave(name, member, *members):
        one.ask(name, "LeaveGroup", group_id=one.group, member_id=member, members=members)

    leave("leave as a stranger", STRANGER, {"member_id": STRANGER})
    if one.at["LeaveGroup"] >= 3:
        leave("leave in another name", one.id, {"member_id": one.id, "group_instance_id": "nobody"})
    for name in ("leave", "leave again"):
        leave(name, one.id, {"member_id": one.id}, {"member_id": STRANGER})


def two_members(talk, at):
    """A second member comes, and the first must rejoin; the leader alone gives the assignment."""
    group = f"{talk.prefix}-two"
    first, generation = join(talk, at, group, "the first")
    sync(talk, at, group, first, generation, "the first syncs")
    asked = joining(group)
    second = ""
    if at["JoinGroup"] >= 4:
        second = talk.ask("the second asks for an id", "JoinGroup", at["JoinGroup"], "b", **asked).get("member_id", "")
    waiting = talk.send("the second joins", "JoinGroup", at["JoinGroup"], "b", **joining(group, second))
    # Heartbeats tell the first, as soon as the second is in.
    beat = {"group_id": group, "generation_id": generation, "member_id": first}
    while talk.unrecorded("Heartbeat", at["Heartbeat"], "c", **beat)["error_code"] == 0:
        pass
    talk.ask("heartbeat while the group rebalances", "Heartbeat", at["Heartbeat"], "c", **beat)
    commit(talk, at, group, "commit while the group rebalances", first, generation)
    sync(talk, at, group, first, generation, "sync while the group rebalances")
    other = joining(group, protocols=[{"name": "of my own", "metadata": b""}])
    talk.ask("join with a protocol of its own", "JoinGroup", at["JoinGroup"], "c", **other)
    talk.ask("join with another type", "JoinGroup", at["JoinGroup"], "c", **joining(group, protocol_type="connect"))
    rejoining = talk.send("the first rejoins", "JoinGroup", at["JoinGroup"], **joining(group, first))
    generation = talk.answer(rejoining).get("generation_id", -1)
    second = talk.answer(waiting, "b").get("member_id", "")
    given = [{"member_id": first, "assignment": b"one"}, {"member_id": second, "assignment": b"two"}]
    follows = {"group_id": group, "generation_id": generation, "member_id": second, "protocol_type": "consumer", "protocol_name": "range"}
    waiting = talk.send("the second syncs", "SyncGroup", at["SyncGroup"], "b", **follows)
    sync(talk, at, group, first, generation, "the first gives the assignment", assignments=given)
    talk.answer(waiting, "b")
    look(talk, at, group, "with two members")
    members = [{"member_id": second}, {"member_id": first}]
    talk.ask("the second leaves", "LeaveGroup", at["LeaveGroup"], group_id=group, member_id=second, members=members[:1])
    talk.ask("the first leaves", "LeaveGroup", at["LeaveGroup"], group_id=group, member_id=first, members=members[1:])


def static_members(talk, at):
    """A static member comes back under its name, and fences who had it before."""
    if at["JoinGroup"] < 5 or min(at["SyncGroup"], at["Heartbeat"], at["LeaveGroup"]) < 3 or at["OffsetCommit"] < 7:
        return
    group, name = f"{talk.prefix}-static", "the-one"
    old, generation = join(talk, at, group, "a static member", name)
    sync(talk, at, group, old, generation, "it syncs", group_instance_id=name)
    talk.ask("it joins again with its id", "JoinGroup", at["JoinGroup"], **joining(group, old, name))
    new = talk.ask("it comes back without its id", "JoinGroup", at["JoinGroup"], **joining(group, "", name))
    new, generation = new.get("member_id", ""), new.get("generation_id", -1)
    sync(talk, at, group, new, generation, "it syncs after it came back", group_instance_id=name)
    talk.ask("join in its name with the old id", "JoinGroup", at["JoinGroup"], "b", **joining(group, old, name))
    sync(talk, at, group, old, generation, "sync with the old id", group_instance_id=name)
    beat = {"group_id": group, "generation_id": generation, "group_instance_id": name}
    talk.ask("heartbeat with the old id", "Heartbeat", at["Heartbeat"], **beat, member_id=old)
    talk.ask("heartbeat with the new id", "Heartbeat", at["Heartbeat"], **beat, member_id=new)
    for which, member in (("old", old), ("new", new)):
        row = {"partition_index": 0, "committed_offset": 1}
        values = {"group_id": group, "member_id": member, "generation_id_or_member_epoch": generation, "group_instance_id": name}
        topics = [{"name": READ, "topic_id": TopicId(READ), "partitions": [row]}]
        talk.ask(f"commit with the {which} id", "OffsetCommit", at["OffsetCommit"], **values, topics=topics)
    look(talk, at, group, "with its static member")
    leave = lambda which, **member: talk.ask(  # noqa: E731
        f"leave {which}", "LeaveGroup", at["LeaveGroup"], group_id=group, members=[{"member_id": "", "group_instance_id": None, **member}]
    )
    leave("with the old id in its name", member_id=old, group_instance_id=name)
    leave("in a name that nobody has", group_instance_id="nobody")
    leave("in its name alone", group_instance_id=name)
    leave("in its name again", group_instance_id=name)
