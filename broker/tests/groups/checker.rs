//! What must hold of a coordinator whatever happens, one property each, judged from outside: from the records it
//! writes, how far they are committed, and the answers it gives.

use std::collections::BTreeMap;

use bytes::Bytes;
use corelog_broker::group::{
    call::{FetchedOffset, Synced},
    names::{Generation, GroupId, MemberId, TopicName},
    record::{Record, StoredGroup, StoredMember},
};

pub(crate) type OffsetKey = (GroupId, TopicName, i32);

/// The log of the partition, and what was learnt from the answers.
#[derive(Default)]
pub(crate) struct Checker {
    /// Every record written and not lost, in order.
    pub(crate) log: Vec<Record>,
    /// How many of them are committed.
    pub(crate) committed: usize,
    /// Who owns a partition in a generation of one life of a group, as members were told. A life ends with a tombstone.
    owners: BTreeMap<(GroupId, usize, Generation), BTreeMap<i32, String>>,
    /// No later fetch may show less, unless a tombstone was written meanwhile.
    floors: BTreeMap<OffsetKey, i64>,
    /// How often each property was judged, so that a run that judged nothing fails.
    pub(crate) judged: BTreeMap<&'static str, u64>,
}

impl Checker {
    fn judge(&mut self, property: &'static str) {
        *self.judged.entry(property).or_default() += 1;
    }

    /// A record was written.
    pub(crate) fn wrote(&mut self, record: &Record) {
        if let Record::Offset { group, topic, partition, value: None } = record {
            self.floors.remove(&(group.clone(), topic.clone(), *partition));
        }
        self.log.push(record.clone());
    }

    /// The process died: of what was not committed, only the first `kept` records survive.
    pub(crate) fn crashed(&mut self, kept: usize) {
        self.log.truncate(self.committed + kept);
        self.committed = self.log.len();
    }

    /// The last committed record of a generation with this member, and of the group's how many lives it is.
    fn committed_generation(
        &self,
        group: &GroupId,
        generation: Generation,
        who: &MemberId,
    ) -> Option<(usize, &StoredMember)> {
        let (position, member) =
            self.log[..self.committed].iter().enumerate().rev().find_map(|(position, record)| {
                let Record::Group { group: found, value: Some(value) } = record else { return None };
                let member = value.members.iter().find(|member| member.member == *who)?;
                (found == group && value.generation == generation).then_some((position, member))
            })?;
        let ended = |record: &&Record| matches!(record, Record::Group { group: found, value: None } if found == group);
        Some((self.log[..position].iter().filter(ended).count(), member))
    }

    /// The last generation written for a group.
    pub(crate) fn last_written(&self, group: &GroupId) -> Option<&StoredGroup> {
        self.log.iter().rev().find_map(|record| match record {
            Record::Group { group: found, value } if found == group => Some(value.as_ref()),
            _ => None,
        })?
    }

    /// A member was given its assignment: it is on record, committed, and nobody else owns any of it in this
    /// generation. `identity` is the static name if there is one, since a static member passes its partitions on to
    /// its next self.
    pub(crate) fn synced(
        &mut self,
        group: &GroupId,
        generation: Generation,
        who: &MemberId,
        identity: &str,
        got: &Synced,
    ) {
        self.judge("an assignment is committed before it is given");
        let stored = self.committed_generation(group, generation, who);
        let (life, recorded) =
            stored.unwrap_or_else(|| panic!("{who} got {group} {generation:?} before it was committed"));
        assert_eq!(recorded.assignment, got.assignment, "{who} of {group} {generation:?} got other than is on record");
        self.judge("no partition is owned twice in a generation");
        let owners = self.owners.entry((group.clone(), life, generation)).or_default();
        for partition in partitions(&got.assignment) {
            let owner = owners.entry(partition).or_insert_with(|| identity.to_owned());
            assert_eq!(owner, identity, "partition {partition} of {group} {generation:?} is owned twice");
        }
    }

    /// A commit was acknowledged.
    pub(crate) fn commit_acknowledged(&mut self, key: &OffsetKey, offset: i64) {
        self.judge("a commit is acknowledged when it is committed");
        assert!(self.is_committed(key, offset), "{key:?} {offset} was acknowledged before it was committed");
        let later_tombstone = self.log.iter().rev().find_map(|record| match record {
            Record::Offset { group, topic, partition, value } if same(key, group, topic, *partition) => {
                Some(value.is_none())
            }
            _ => None,
        });
        if later_tombstone == Some(false) {
            let floor = self.floors.entry(key.clone()).or_insert(offset);
            *floor = (*floor).max(offset);
        }
    }

    /// What a fetch sent now may not fall short of.
    pub(crate) fn floor(&self, key: &OffsetKey) -> i64 {
        self.floors.get(key).copied().unwrap_or(-1)
    }

    /// A fetch showed an offset; `floor` is of when it was sent.
    pub(crate) fn fetched(&mut self, key: &OffsetKey, floor: i64, fetched: &FetchedOffset) {
        self.judge("no committed offset is lost, or seen and then gone");
        let still = self.floor(key);
        assert!(
            fetched.offset >= floor.min(still),
            "{key:?} shows {}, but {floor} was acknowledged or seen before",
            fetched.offset
        );
        if fetched.offset >= 0 {
            assert!(self.is_committed(key, fetched.offset), "{key:?} shows {} uncommitted", fetched.offset);
            if self.floors.contains_key(key) {
                self.floors.insert(key.clone(), still.max(fetched.offset));
            }
        }
    }

    fn is_committed(&self, key: &OffsetKey, offset: i64) -> bool {
        self.log[..self.committed].iter().any(|record| match record {
            Record::Offset { group, topic, partition, value: Some(value) } => {
                same(key, group, topic, *partition) && value.offset == offset
            }
            _ => false,
        })
    }

    /// Retention deleted an offset of a consumer group: never within the retention of its becoming empty.
    pub(crate) fn expired(&mut self, group: &GroupId, wall_ms: i64, retention_ms: i64) {
        self.judge("offsets expire only after their retention");
        if let Some(stored) = self.last_written(group)
            && stored.members.is_empty()
            && !stored.protocol_type.is_empty()
        {
            let since = stored.state_since_ms.unwrap_or(0);
            assert!(wall_ms - since >= retention_ms, "{group} became empty {} ms ago", wall_ms - since);
        }
    }

    /// An administrator deleted an offset of a topic to which all members subscribe: there must be no members.
    pub(crate) fn deleted_subscribed(&mut self, group: &GroupId) {
        self.judge("offsets of subscribed topics are not deleted");
        let members = self.last_written(group).map_or(0, |stored| stored.members.len());
        assert_eq!(members, 0, "an offset that {group} subscribes to was deleted");
    }
}

fn same(key: &OffsetKey, group: &GroupId, topic: &TopicName, partition: i32) -> bool {
    key.0 == *group && key.1 == *topic && key.2 == partition
}

/// Partitions in an assignment as the histories' leaders write it: one byte each.
pub(crate) fn partitions(assignment: &Bytes) -> impl Iterator<Item = i32> + '_ {
    assignment.iter().map(|partition| i32::from(*partition))
}
