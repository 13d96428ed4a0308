//! Offsets of the groups of one partition, and how groups end: OffsetCommit, OffsetFetch, OffsetDelete, DeleteGroups,
//! retention, deleted topics.
//!
//! Inputs: those calls, the retention timer, deleted topics. Effects: offset records, tombstones, answers. Invariants: a
//! fetch shows committed offsets only; an offset whose commit was acknowledged stays until it is deleted, it expires, or
//! its topic is gone; a deletion sees the commits in flight before it.

use std::collections::{BTreeMap, BTreeSet};

use corelog_storage::ids::TopicId;

use super::{
    call::{Answer, CommitOffsets, DeleteOffsets, FetchOffsets, GroupState, TopicOutcomes},
    coordinator_machine::{Coordinator, Effects},
    error::GroupError,
    memory::OFFSET_BYTES,
    mutant::{self, Mutant},
    names::{GroupId, TopicName},
    record::{Record, StoredOffset},
    state::{Group, Ticket, WriteId},
    timers::TimerName,
    turn::{Now, Outbox, Then},
};

/// Offsets written and not yet committed.
#[derive(Default, Debug)]
pub(super) struct PendingOffsets {
    latest: BTreeMap<GroupId, BTreeMap<OffsetKey, PendingOffset>>,
}

type OffsetKey = (TopicName, i32);

/// The latest write to one offset.
#[derive(Debug)]
struct PendingOffset {
    write: WriteId,
    /// The topic's id, or `None` for a tombstone.
    topic_id: Option<TopicId>,
}

impl PendingOffsets {
    /// `record` was written.
    pub(super) fn note(&mut self, write: WriteId, record: &Record) {
        if let Record::Offset { group, topic, partition, value } = record {
            let pending = PendingOffset { write, topic_id: value.as_ref().map(|value| value.topic_id) };
            self.latest.entry(group.clone()).or_default().insert((topic.clone(), *partition), pending);
        }
    }

    /// `record` of `write` is committed.
    pub(super) fn settle(&mut self, write: WriteId, record: &Record) {
        let Record::Offset { group, topic, partition, .. } = record else { return };
        let Some(latest) = self.latest.get_mut(group) else { return };
        let key = (topic.clone(), *partition);
        if latest.get(&key).is_some_and(|last| last.write == write) {
            latest.remove(&key);
        }
        if latest.is_empty() {
            self.latest.remove(group);
        }
    }

    fn of(&self, group: &GroupId) -> impl Iterator<Item = (&OffsetKey, &PendingOffset)> {
        self.latest.get(group).into_iter().flatten()
    }
}

impl Coordinator {
    /// OffsetCommit.
    pub(super) fn commit_offsets(&mut self, ticket: Ticket, commit: CommitOffsets, now: Now, effects: &mut Effects) {
        let id = commit.group.clone();
        let checked = match self.groups.get(&id) {
            Some(group) => check_commit(group, &commit),
            None if commit.generation.is_none() => Ok(()),
            None if commit.knows_group_id_not_found => Err(GroupError::GroupIdNotFound),
            None => Err(GroupError::IllegalGeneration),
        };
        let mut out = Outbox::default();
        match checked.and_then(|()| self.commit_records(&commit, now)) {
            Ok((records, outcomes)) => {
                if !records.is_empty() && !self.groups.contains_key(&id) {
                    let group = Group::new(id.clone());
                    self.live_bytes += group.bytes;
                    self.groups.insert(id.clone(), group);
                }
                out.records = records;
                out.answer(ticket, Answer::CommitOffsets(outcomes));
                self.keep_alive(&commit, now, effects);
            }
            Err(error) => out.answer(ticket, Answer::Refused(error)),
        }
        self.finish(Some(&id), out, now, effects);
    }

    /// A commit is a sign of life, except while the leader's assignment is awaited.
    fn keep_alive(&mut self, commit: &CommitOffsets, now: Now, effects: &mut Effects) {
        self.turn(&commit.group, now, effects, |turn| {
            if matches!(turn.group.state, GroupState::Stable | GroupState::PreparingRebalance) {
                turn.renew_session(&commit.member);
            }
        });
    }

    /// The records of a commit and the outcome per partition. All fit one batch, or the commit is refused: a commit is
    /// atomic.
    fn commit_records(&self, commit: &CommitOffsets, now: Now) -> Result<(Vec<Record>, TopicOutcomes), GroupError> {
        let asked = commit.topics.iter().map(|(_, _, partitions)| partitions.len()).sum();
        let mut records = Vec::with_capacity(asked);
        let mut outcomes = Vec::with_capacity(commit.topics.len());
        let mut size = 0;
        for (topic, topic_id, partitions) in &commit.topics {
            let mut topic_outcomes = Vec::with_capacity(partitions.len());
            for partition in partitions {
                if partition.metadata.encode_utf16().count() > self.config.offset_metadata_max_bytes {
                    topic_outcomes.push((partition.partition, Err(GroupError::OffsetMetadataTooLarge)));
                    continue;
                }
                let record = Record::Offset {
                    group: commit.group.clone(),
                    topic: topic.clone(),
                    partition: partition.partition,
                    value: Some(StoredOffset {
                        offset: partition.offset,
                        leader_epoch: partition.leader_epoch,
                        metadata: partition.metadata.clone(),
                        committed_at_ms: now.wall_ms,
                        expires_at_ms: commit.retention_ms.map(|retention| now.wall_ms.saturating_add(retention)),
                        topic_id: *topic_id,
                    }),
                };
                size += record.size_bound();
                records.push(record);
                topic_outcomes.push((partition.partition, Ok(())));
            }
            outcomes.push((topic.clone(), topic_outcomes));
        }
        if size > self.config.max_batch_bytes {
            return Err(GroupError::UnknownServerError);
        }
        // What it replaces is looked up only where it matters.
        let memory = &self.config.memory;
        if !memory.has(size + records.len() * OFFSET_BYTES) {
            let growth: usize = records.iter().map(|record| self.committed.growth(record)).sum();
            if growth > 0 && !memory.admits(growth) {
                return Err(GroupError::CoordinatorNotAvailable);
            }
        }
        Ok((records, outcomes))
    }

    /// OffsetFetch.
    pub(super) fn fetch_offsets(&mut self, ticket: Ticket, fetch: FetchOffsets, now: Now, effects: &mut Effects) {
        if fetch.require_stable {
            let group = fetch.group.clone();
            let out = Outbox { records: Vec::new(), then: vec![Then::FetchOffsets(ticket, fetch)] };
            self.finish(Some(&group), out, now, effects);
        } else {
            effects.answers.push((ticket, self.committed.fetch(&fetch)));
        }
    }

    /// OffsetDelete.
    pub(super) fn delete_offsets(&mut self, ticket: Ticket, delete: DeleteOffsets, now: Now, effects: &mut Effects) {
        let Some(group) = self.groups.get(&delete.group) else {
            return self.unless(false, ticket, Answer::Refused(GroupError::GroupIdNotFound), now, effects);
        };
        let mut out = Outbox::default();
        if group.state != GroupState::Empty && !group.uses_consumer_protocol() {
            out.answer(ticket, Answer::Refused(GroupError::NonEmptyGroup));
            return self.finish(Some(&delete.group), out, now, effects);
        }
        let mut outcomes = Vec::with_capacity(delete.topics.len());
        for (topic, partitions) in delete.topics {
            let subscribed = group.subscribes_to(&topic) && !mutant::active(Mutant::DeleteSubscribed);
            let outcome = if subscribed { Err(GroupError::GroupSubscribedToTopic) } else { Ok(()) };
            if !subscribed {
                let existing =
                    partitions.iter().filter(|partition| self.has_offset(&delete.group, &topic, **partition));
                out.records.extend(existing.map(|partition| tombstone(&delete.group, &topic, *partition)));
            }
            outcomes.push((topic, partitions.into_iter().map(|partition| (partition, outcome)).collect()));
        }
        out.answer(ticket, Answer::DeleteOffsets(outcomes));
        self.finish(Some(&delete.group), out, now, effects);
    }

    /// DeleteGroups, for one group.
    pub(super) fn delete_group(&mut self, ticket: Ticket, id: &GroupId, now: Now, effects: &mut Effects) {
        let outcome = match self.groups.get(id) {
            None => Err(GroupError::GroupIdNotFound),
            Some(group) if group.state != GroupState::Empty => Err(GroupError::NonEmptyGroup),
            Some(_) => Ok(()),
        };
        let mut out = Outbox::default();
        if outcome.is_ok() {
            let offsets = self.offsets_of(id);
            out.records.extend(offsets.iter().map(|((topic, partition), _)| tombstone(id, topic, *partition)));
            self.remove_group(id, &mut out);
        }
        out.answer(ticket, Answer::Delete(outcome));
        self.finish(Some(id), out, now, effects);
    }

    /// Topics were deleted: their offsets go. A topic of the same name with another id keeps its own.
    pub fn topics_deleted(&mut self, deleted: &BTreeMap<TopicName, TopicId>, now: Now) -> Effects {
        let mut effects = Effects::default();
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            let mut out = Outbox::default();
            for ((topic, partition), stored) in self.offsets_of(&id) {
                let gone = deleted.get(&topic).is_some_and(|gone| stored == TopicId::default() || stored == *gone);
                if gone {
                    out.records.push(tombstone(&id, &topic, partition));
                }
            }
            self.finish(Some(&id), out, now, &mut effects);
        }
        effects
    }

    /// Topics of which any group has offsets.
    pub fn topics_with_offsets(&self) -> BTreeMap<TopicName, TopicId> {
        let mut topics = BTreeMap::new();
        for (_, group) in self.committed.groups() {
            for (topic, partitions) in &group.offsets {
                topics.extend(partitions.values().map(|value| (topic.clone(), value.topic_id)));
            }
        }
        topics
    }

    /// Deletes offsets past their retention, and groups of which nothing is left.
    pub(super) fn expire(&mut self, now: Now, effects: &mut Effects) {
        let ids: Vec<GroupId> = self.groups.keys().cloned().collect();
        for id in ids {
            let (expired, left) = self.expired_offsets(&id, now);
            let mut out = Outbox::default();
            out.records.extend(expired.iter().map(|(topic, partition)| tombstone(&id, topic, *partition)));
            let group = &self.groups[&id];
            if left == 0 && group.state == GroupState::Empty && group.pending_joins.is_empty() {
                self.remove_group(&id, &mut out);
            }
            self.finish(Some(&id), out, now, effects);
        }
    }

    /// The offsets of a group that are past their retention, and how many are not.
    fn expired_offsets(&self, id: &GroupId, now: Now) -> (Vec<OffsetKey>, usize) {
        let group = &self.groups[id];
        let offsets = self.offsets_of(id);
        let pending: BTreeSet<&OffsetKey> = self.pending_offsets.of(id).map(|(key, _)| key).collect();
        let mut expired = Vec::new();
        for key in offsets.keys() {
            let stored = self.committed.group(id).and_then(|group| group.offsets.get(&key.0)?.get(&key.1));
            let Some(stored) = stored else { continue };
            let due = self.retention_over(group, stored, now);
            if due && !pending.contains(key) && !group.subscribes_to(&key.0) {
                expired.push(key.clone());
            }
        }
        let left = offsets.len() - expired.len();
        (expired, left)
    }

    /// Whether an offset is past its retention: counted from when the group became empty; from the commit if the group
    /// never had members or has members that subscribe to other topics. Never during a rebalance, nor for groups with
    /// members whose subscriptions the coordinator cannot know.
    fn retention_over(&self, group: &Group, offset: &StoredOffset, now: Now) -> bool {
        let since = if group.protocol_type.is_none() || mutant::active(Mutant::ExpireInUse) {
            offset.committed_at_ms
        } else if group.state == GroupState::Empty {
            group.state_since_ms.unwrap_or(offset.committed_at_ms)
        } else if group.state == GroupState::Stable && group.subscribed.is_some() {
            offset.committed_at_ms
        } else {
            return false;
        };
        match offset.expires_at_ms {
            Some(expires) => now.wall_ms >= expires,
            None => now.wall_ms.saturating_sub(since) >= self.config.offsets_retention_ms,
        }
    }

    /// Ends an empty group; the records of its offsets' end must stand before.
    fn remove_group(&mut self, id: &GroupId, out: &mut Outbox) {
        out.records.push(Record::Group { group: id.clone(), value: None });
        let Some(group) = self.groups.remove(id) else { return };
        self.live_bytes -= group.bytes;
        self.timers.cancel(&TimerName::Join(id.clone()));
        self.timers.cancel(&TimerName::Sync(id.clone(), group.generation));
        for member in group.pending_joins {
            self.timers.cancel(&TimerName::Session(id.clone(), member));
        }
    }

    /// Every offset of a group, with the topic's id at the time: what is committed, as the writes in flight change it.
    fn offsets_of(&self, id: &GroupId) -> BTreeMap<OffsetKey, TopicId> {
        let mut offsets = BTreeMap::new();
        for (topic, partitions) in self.committed.group(id).into_iter().flat_map(|group| &group.offsets) {
            offsets.extend(partitions.iter().map(|(p, value)| ((topic.clone(), *p), value.topic_id)));
        }
        for (key, pending) in self.pending_offsets.of(id) {
            match &pending.topic_id {
                Some(id) => offsets.insert(key.clone(), *id),
                None => offsets.remove(key),
            };
        }
        offsets
    }

    fn has_offset(&self, id: &GroupId, topic: &TopicName, partition: i32) -> bool {
        let pending = self.pending_offsets.latest.get(id).and_then(|latest| latest.get(&(topic.clone(), partition)));
        match pending {
            Some(pending) => pending.topic_id.is_some(),
            None => {
                let offsets = self.committed.group(id).and_then(|group| group.offsets.get(topic));
                offsets.is_some_and(|partitions| partitions.contains_key(&partition))
            }
        }
    }
}

/// Whether a commit may be stored. Offsets of an empty group belong to whoever sets them; otherwise to the members of
/// its generation.
fn check_commit(group: &Group, commit: &CommitOffsets) -> Result<(), GroupError> {
    let from_outside = commit.generation.is_none();
    if from_outside && group.state == GroupState::Empty {
        return Ok(());
    }
    if !from_outside || !commit.member.is_empty() || commit.instance.is_some() {
        group.check_member(&commit.member, commit.instance.as_ref())?;
        if commit.generation != group.generation && !mutant::active(Mutant::IgnoreGeneration) {
            return Err(GroupError::IllegalGeneration);
        }
    } else {
        return Err(GroupError::UnknownMember);
    }
    match group.state {
        // The member's own generation is being completed; it may commit once it has its assignment.
        GroupState::CompletingRebalance => Err(GroupError::RebalanceInProgress),
        _ => Ok(()),
    }
}

fn tombstone(group: &GroupId, topic: &TopicName, partition: i32) -> Record {
    Record::Offset { group: group.clone(), topic: topic.clone(), partition, value: None }
}
