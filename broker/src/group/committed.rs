//! What is committed: groups and offsets exactly as the records below the high watermark say. Whatever is shown to
//! anybody (fetched offsets, stable and empty groups) comes from here, so nothing is ever seen and then gone.

use std::collections::BTreeMap;

use corelog_storage::ids::TopicId;

use super::{
    call::{Answer, Described, DescribedMember, FetchOffsets, FetchedOffset, GroupState},
    names::{GroupId, TopicName},
    record::{Record, StoredGroup, StoredOffset},
};

/// All groups of one partition of `__consumer_offsets`.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
pub(super) struct Committed {
    groups: BTreeMap<GroupId, CommittedGroup>,
    /// About what they take of memory.
    bytes: usize,
}

/// One group; exists while it has a generation on record or an offset.
#[derive(Default, Clone, PartialEq, Eq, Debug)]
pub(super) struct CommittedGroup {
    pub(super) stored: Option<StoredGroup>,
    pub(super) offsets: BTreeMap<TopicName, BTreeMap<i32, StoredOffset>>,
}

impl Committed {
    /// Takes in the next record.
    pub(super) fn apply(&mut self, record: &Record) {
        let before = match record {
            Record::Group { group, value } => {
                let stored = &mut self.groups.entry(group.clone()).or_default().stored;
                let before = std::mem::replace(stored, value.clone());
                self.bytes += value.as_ref().map_or(0, StoredGroup::bytes);
                before.map_or(0, |stored| stored.bytes())
            }
            Record::Offset { group, topic, partition, value: Some(value) } => {
                let offsets = &mut self.groups.entry(group.clone()).or_default().offsets;
                let before = offsets.entry(topic.clone()).or_default().insert(*partition, value.clone());
                self.bytes += value.bytes();
                before.map_or(0, |value| value.bytes())
            }
            Record::Offset { group, topic, partition, value: None } => {
                let Some(state) = self.groups.get_mut(group) else { return };
                let Some(partitions) = state.offsets.get_mut(topic) else { return };
                let before = partitions.remove(partition);
                if partitions.is_empty() {
                    state.offsets.remove(topic);
                }
                before.map_or(0, |value| value.bytes())
            }
        };
        self.bytes -= before;
        self.drop_if_gone(record.group());
    }

    /// About what all of it takes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// About how much more memory `record` takes than what it replaces.
    pub(super) fn growth(&self, record: &Record) -> usize {
        let group = self.groups.get(record.group());
        let (more, less) = match record {
            Record::Group { value, .. } => {
                let before = group.and_then(|group| group.stored.as_ref()).map_or(0, StoredGroup::bytes);
                (value.as_ref().map_or(0, StoredGroup::bytes), before)
            }
            Record::Offset { topic, partition, value, .. } => {
                let before = group.and_then(|group| group.offsets.get(topic)?.get(partition));
                (value.as_ref().map_or(0, StoredOffset::bytes), before.map_or(0, StoredOffset::bytes))
            }
        };
        more.saturating_sub(less)
    }

    fn drop_if_gone(&mut self, group: &GroupId) {
        if self.groups.get(group).is_some_and(|state| state.stored.is_none() && state.offsets.is_empty()) {
            self.groups.remove(group);
        }
    }

    /// One group.
    pub(super) fn group(&self, group: &GroupId) -> Option<&CommittedGroup> {
        self.groups.get(group)
    }

    /// Every group, by name.
    pub(super) fn groups(&self) -> impl Iterator<Item = (&GroupId, &CommittedGroup)> {
        self.groups.iter()
    }

    /// Answers an OffsetFetch.
    pub(super) fn fetch(&self, fetch: &FetchOffsets) -> Answer {
        let group = self.groups.get(&fetch.group);
        let topics = match &fetch.topics {
            Some(topics) => topics
                .iter()
                .map(|(topic, id, partitions)| {
                    let fetched = partitions.iter().map(|partition| {
                        fetched(*partition, group.and_then(|group| group.offset(topic, *id, *partition)))
                    });
                    (topic.clone(), fetched.collect())
                })
                .collect(),
            None => group
                .into_iter()
                .flat_map(|group| &group.offsets)
                .map(|(topic, partitions)| {
                    let fetched = partitions.iter().map(|(partition, value)| fetched(*partition, Some(value)));
                    (topic.clone(), fetched.collect())
                })
                .collect(),
        };
        Answer::FetchOffsets(topics)
    }
}

impl CommittedGroup {
    /// The offset committed for a partition of the topic that has this id now (zero: unknown).
    fn offset(&self, topic: &TopicName, id: TopicId, partition: i32) -> Option<&StoredOffset> {
        let value = self.offsets.get(topic)?.get(&partition)?;
        let unknown = TopicId::default();
        let other_topic = value.topic_id != unknown && id != unknown && value.topic_id != id;
        (!other_topic).then_some(value)
    }

    /// Stable if it has members on record, else empty.
    pub(super) fn state(&self) -> GroupState {
        match &self.stored {
            Some(stored) if !stored.members.is_empty() => GroupState::Stable,
            _ => GroupState::Empty,
        }
    }

    /// The group as DescribeGroups shows it.
    pub(super) fn describe(&self) -> Described {
        let (protocol_type, protocol, members) = match &self.stored {
            Some(stored) => (
                stored.protocol_type.clone(),
                stored.protocol.as_ref().map(|name| name.as_str().to_owned()).unwrap_or_default(),
                stored.members.as_slice(),
            ),
            None => Default::default(),
        };
        let members = members.iter().map(|member| DescribedMember {
            member: member.member.clone(),
            instance: member.instance.clone(),
            client: member.client.clone(),
            metadata: member.subscription.clone(),
            assignment: member.assignment.clone(),
        });
        Described { found: true, state: self.state(), protocol_type, protocol, members: members.collect() }
    }
}

fn fetched(partition: i32, value: Option<&StoredOffset>) -> FetchedOffset {
    match value {
        Some(value) => FetchedOffset {
            partition,
            offset: value.offset,
            leader_epoch: value.leader_epoch,
            metadata: value.metadata.clone(),
        },
        None => FetchedOffset { partition, offset: -1, leader_epoch: -1, metadata: String::new() },
    }
}
