//! The coordinator of all groups of one partition of `__consumer_offsets`, as a pure machine.
//!
//! Inputs: calls with a ticket, the clock, "everything up to write W is committed", deleted topics, and at the start the
//! partition's records. Effects: [`Write`]s to append in their order, and answers to give now. Nothing here waits, reads
//! a clock or does I/O.
//!
//! Two states are kept apart: what the coordinator works with runs ahead of the log ([`super::state`]); what it shows is
//! committed ([`super::committed`]). Invariants:
//! - an answer leaves only when the last write that concerns its group is committed;
//! - fetched offsets, and groups shown as stable or empty, come from committed records alone;
//! - when leadership is lost, everything pending is dropped and whoever waits is told to find the new coordinator.
//!
//! The phases of the protocol are in [`super::join_machine`] and [`super::sync_machine`], offsets and the end of groups
//! in [`super::offsets_machine`].

use std::{
    collections::{BTreeMap, VecDeque},
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;

use super::{
    call::{Answer, Call, Described, DescribedMember, GroupState, Join, Listed, Sync},
    committed::Committed,
    config::Config,
    error::GroupError,
    join_machine,
    memory::Held,
    mutant::{self, Mutant},
    names::GroupId,
    offsets_machine::PendingOffsets,
    record::{Record, StoredGroup},
    state::{Group, Member, Ticket, WriteId},
    timers::{TimerName, Timers},
    turn::{Now, Outbox, Then, Turn},
};

/// Records to append as one batch.
#[derive(Clone, Debug)]
pub struct Write {
    /// Its number: the next one, always.
    pub id: WriteId,
    /// The records.
    pub records: Rc<[Record]>,
}

impl Write {
    /// Whether it is of committed offsets alone.
    pub(super) fn is_of_offsets(&self) -> bool {
        self.records.iter().all(|record| matches!(record, Record::Offset { value: Some(_), .. }))
    }
}

/// What an input asks the driver to do.
#[derive(Default, Debug)]
pub struct Effects {
    /// Append these, in this order.
    pub writes: Vec<Write>,
    /// Give these answers now.
    pub answers: Vec<(Ticket, Answer)>,
}

/// Reads a partition from its beginning; becomes the coordinator at its end.
#[derive(Default, Debug)]
pub struct Loader {
    committed: Committed,
}

impl Loader {
    /// The next record of the partition.
    pub fn replay(&mut self, record: &Record) {
        self.committed.apply(record);
    }

    /// Everything below the high watermark was replayed.
    pub fn finish(self, config: Rc<Config>, now: Now) -> (Coordinator, Effects) {
        Coordinator::load(self.committed, config, now)
    }
}

/// The coordinator of one partition.
#[derive(Debug)]
pub struct Coordinator {
    pub(super) config: Rc<Config>,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) committed: Committed,
    pub(super) pending_offsets: PendingOffsets,
    pub(super) timers: Timers,
    held: Held,
    /// About what the groups take of memory, beside what is committed.
    pub(super) live_bytes: usize,
    last_write: WriteId,
    committed_to: WriteId,
    in_flight: VecDeque<(WriteId, Rc<[Record]>)>,
    then: BTreeMap<(WriteId, u64), Then>,
    next_then: u64,
}

impl Coordinator {
    fn load(committed: Committed, config: Rc<Config>, now: Now) -> (Self, Effects) {
        let mut coordinator = Self {
            held: Held::new(config.memory.clone()),
            live_bytes: 0,
            config,
            groups: BTreeMap::new(),
            committed: Committed::default(),
            pending_offsets: PendingOffsets::default(),
            timers: Timers::default(),
            last_write: WriteId(0),
            committed_to: WriteId(0),
            in_flight: VecDeque::new(),
            then: BTreeMap::new(),
            next_then: 0,
        };
        let mut effects = Effects::default();
        for (id, state) in committed.groups() {
            let mut group = match &state.stored {
                Some(stored) => Group::load(id.clone(), stored),
                None => Group::new(id.clone()),
            };
            if mutant::active(Mutant::ForgetGeneration) {
                group.generation.0 -= 1;
            }
            coordinator.live_bytes += group.bytes;
            coordinator.groups.insert(id.clone(), group);
        }
        coordinator.committed = committed;
        coordinator.weigh();
        coordinator.arm_retention(now);
        let ids: Vec<GroupId> = coordinator.groups.keys().cloned().collect();
        for id in ids {
            coordinator.turn(&id, now, &mut effects, |turn| {
                let members: Vec<_> = turn.group.members.keys().cloned().collect();
                for member in &members {
                    turn.renew_session(member);
                }
                if members.len() > turn.config.max_size {
                    turn.prepare_rebalance(); // the limit was lowered: whoever rejoins last is out
                }
            });
        }
        (coordinator, effects)
    }

    /// A call. Its answer comes with this input's effects or a later one's, exactly once.
    pub fn handle(&mut self, ticket: Ticket, call: Call, now: Now) -> Effects {
        let mut effects = Effects::default();
        if let Some(refusal) = self.refuse_outright(&call) {
            effects.answers.push((ticket, refusal));
            return effects;
        }
        match call {
            Call::Join(join) if !self.has_room_for(&join) => {
                let answer = join_machine::refused(GroupError::CoordinatorNotAvailable, join.member);
                self.unless(false, ticket, answer, now, &mut effects);
            }
            Call::Join(join) => self.join(ticket, join, now, &mut effects),
            Call::Sync(sync) if !self.has_room_for_assignment(&sync) => {
                let answer = Answer::Sync(Err(GroupError::CoordinatorNotAvailable));
                self.unless(false, ticket, answer, now, &mut effects);
            }
            Call::Sync(sync) => {
                let group = sync.group.clone();
                let known = self.turn(&group, now, &mut effects, |turn| turn.sync(ticket, sync));
                self.unless(known, ticket, Answer::Sync(Err(GroupError::UnknownMember)), now, &mut effects);
            }
            Call::Heartbeat(heartbeat) => {
                let known = self.turn(&heartbeat.group, now, &mut effects, |turn| turn.heartbeat(ticket, &heartbeat));
                self.unless(known, ticket, Answer::Heartbeat(Err(GroupError::UnknownMember)), now, &mut effects);
            }
            Call::Leave(leave) => {
                let unknown = Answer::Refused(GroupError::UnknownMember);
                let group = leave.group.clone();
                let known = self.turn(&group, now, &mut effects, |turn| turn.leave(ticket, leave));
                self.unless(known, ticket, unknown, now, &mut effects);
            }
            Call::CommitOffsets(commit) => self.commit_offsets(ticket, commit, now, &mut effects),
            Call::FetchOffsets(fetch) => self.fetch_offsets(ticket, fetch, now, &mut effects),
            Call::DeleteOffsets(delete) => self.delete_offsets(ticket, delete, now, &mut effects),
            Call::Describe(group) => effects.answers.push((ticket, Answer::Describe(self.describe(&group)))),
            Call::Delete(group) => self.delete_group(ticket, &group, now, &mut effects),
        }
        effects
    }

    /// Time passed: fires what is due at `now`.
    pub fn tick(&mut self, now: Now) -> Effects {
        let mut effects = Effects::default();
        while let Some(timer) = self.timers.pop_due(now.monotonic) {
            match timer {
                TimerName::Session(group, member) => {
                    self.turn(&group, now, &mut effects, |turn| turn.session_timer_fired(&member));
                }
                TimerName::Join(group) => {
                    self.turn(&group, now, &mut effects, |turn| turn.join_timer_fired());
                }
                TimerName::Sync(group, generation) => {
                    self.turn(&group, now, &mut effects, |turn| turn.sync_timer_fired(generation));
                }
                TimerName::Retention => {
                    self.expire(now, &mut effects);
                    self.arm_retention(now);
                }
            }
        }
        effects
    }

    /// When [`Coordinator::tick`] has something to do next.
    pub fn next_deadline(&self) -> Option<corelog_storage::env::Instant> {
        self.timers.next_deadline()
    }

    /// All writes up to and including `to` are committed: below the high watermark.
    pub fn committed(&mut self, to: WriteId, now: Now) -> Effects {
        assert!(to <= self.last_write, "only what was written can be committed");
        let mut effects = Effects::default();
        while self.in_flight.front().is_some_and(|(id, _)| *id <= to) {
            let (id, records) = self.in_flight.pop_front().expect("it was just seen");
            self.committed_to = id;
            for record in records.iter() {
                self.committed.apply(record);
                self.pending_offsets.settle(id, record);
            }
            self.weigh();
            self.release(now, &mut effects);
        }
        effects
    }

    /// Leadership is lost: whoever waits shall look for the new coordinator. What was pending is gone with `self`.
    pub fn resign(self) -> Vec<(Ticket, Answer)> {
        let mut tickets: Vec<Ticket> = self
            .then
            .into_values()
            .filter_map(|then| match then {
                Then::Answer(ticket, _) | Then::FetchOffsets(ticket, _) => Some(ticket),
                // The ticket of a static join is its member's, below.
                Then::InstallAssignment(..) | Then::FinishStaticJoin { .. } => None,
            })
            .collect();
        let members = self.groups.values().flat_map(|group| group.members.values());
        tickets.extend(members.flat_map(|member| member.join.into_iter().chain(member.sync)));
        tickets.into_iter().map(|ticket| (ticket, Answer::Refused(GroupError::NotCoordinator))).collect()
    }

    /// Every group there is, as ListGroups shows it.
    pub fn list(&self) -> Vec<Listed> {
        let listed = self.committed.groups().map(|(id, committed)| match self.groups.get(id) {
            Some(live) if rebalancing(live) => Listed {
                group: id.clone(),
                protocol_type: live.protocol_type.clone().unwrap_or_default(),
                state: live.state,
            },
            _ => Listed {
                group: id.clone(),
                protocol_type: committed.stored.as_ref().map(|s| s.protocol_type.clone()).unwrap_or_default(),
                state: committed.state(),
            },
        });
        listed.collect()
    }

    /// A group as it may be shown: committed, but for the phases of a rebalance, which no record tells of.
    fn describe(&self, id: &GroupId) -> Described {
        match (self.committed.group(id), self.groups.get(id)) {
            (None, _) => Described {
                found: false,
                state: GroupState::Dead,
                protocol_type: String::new(),
                protocol: String::new(),
                members: Vec::new(),
            },
            (Some(_), Some(live)) if rebalancing(live) => describe_rebalancing(live),
            (Some(committed), _) => committed.describe(),
        }
    }

    fn refuse_outright(&self, call: &Call) -> Option<Answer> {
        let needs_name = matches!(
            call,
            Call::Join(_) | Call::Sync(_) | Call::Heartbeat(_) | Call::Leave(_) | Call::DeleteOffsets(_)
        );
        if needs_name && call.group().is_empty() {
            return Some(match call {
                Call::Join(join) => join_machine::refused(GroupError::InvalidGroupId, join.member.clone()),
                _ => Answer::Refused(GroupError::InvalidGroupId),
            });
        }
        if let Call::Join(join) = call {
            let bounds = self.config.min_session_timeout_ms..=self.config.max_session_timeout_ms;
            if !bounds.contains(&join.session_timeout_ms) {
                return Some(join_machine::refused(GroupError::InvalidSessionTimeout, join.member.clone()));
            }
        }
        None
    }

    fn join(&mut self, ticket: Ticket, join: Join, now: Now, effects: &mut Effects) {
        let id = join.group.clone();
        if self.groups.contains_key(&id) {
            self.turn(&id, now, effects, |turn| turn.join(ticket, join));
            return;
        }
        let mut group = Group::new(id.clone());
        group.state_since_ms = Some(now.wall_ms);
        let refusal = if !join.member.is_empty() {
            Some(GroupError::UnknownMember)
        } else if !group.supports(&join.protocol_type, &join.protocols) {
            Some(GroupError::InconsistentGroupProtocol)
        } else {
            None
        };
        if let Some(error) = refusal {
            let answer = join_machine::refused(error, join.member);
            return self.unless(false, ticket, answer, now, effects);
        }
        self.live_bytes += group.bytes;
        self.groups.insert(id.clone(), group);
        self.turn(&id, now, effects, |turn| {
            // A group exists once a record says so.
            turn.out.records.push(Record::Group { group: id.clone(), value: Some(never_joined(now)) });
            turn.join(ticket, join);
        });
    }

    /// Tells how much memory is in use.
    fn weigh(&mut self) {
        self.held.set(self.committed.bytes() + self.live_bytes);
    }

    /// Whether there is memory for what a member says about itself, as far as it is more than it said before.
    fn has_room_for(&self, join: &Join) -> bool {
        let member = self.groups.get(&join.group).and_then(|group| group.members.get(&join.member));
        self.config.memory.admits(join.bytes().saturating_sub(member.map_or(0, Member::bytes)))
    }

    /// Whether there is memory for an assignment, as far as it is more than the one before.
    fn has_room_for_assignment(&self, sync: &Sync) -> bool {
        let wanted: usize = sync.assignments.iter().map(|(_, assignment)| assignment.len()).sum();
        let stored = self.committed.group(&sync.group).and_then(|group| group.stored.as_ref());
        let before: usize = stored.into_iter().flat_map(|stored| &stored.members).map(|one| one.assignment.len()).sum();
        wanted == 0 || self.config.memory.admits(wanted.saturating_sub(before))
    }

    /// Lets `react` handle an input to a group, then sees to what it left. False if there is no such group.
    pub(super) fn turn(
        &mut self,
        id: &GroupId,
        now: Now,
        effects: &mut Effects,
        react: impl FnOnce(&mut Turn<'_>),
    ) -> bool {
        let known = self.turn_then_keep(id, now, effects, react);
        self.release(now, effects);
        known
    }

    /// As [`Coordinator::turn`], but releases nothing yet.
    fn turn_then_keep(
        &mut self,
        id: &GroupId,
        now: Now,
        effects: &mut Effects,
        react: impl FnOnce(&mut Turn<'_>),
    ) -> bool {
        let Some(group) = self.groups.get_mut(id) else { return false };
        let mut out = Outbox::default();
        let config = Rc::clone(&self.config);
        let before = group.bytes;
        react(&mut Turn { config: &config, now, timers: &mut self.timers, out: &mut out, group });
        self.live_bytes = self.live_bytes - before + group.bytes;
        self.weigh();
        self.keep(Some(id), out, effects);
        true
    }

    /// Answers `ticket` unless the group was `known` and saw to it. Waits for every write in flight: one of them may be
    /// the end of the very group that is said not to be.
    pub(super) fn unless(&mut self, known: bool, ticket: Ticket, answer: Answer, now: Now, effects: &mut Effects) {
        if !known {
            let out = Outbox { records: Vec::new(), then: vec![Then::Answer(ticket, answer)] };
            self.finish(None, out, now, effects);
        }
    }

    /// Writes an input's records, keeps what must wait for them, and releases what need not.
    pub(super) fn finish(&mut self, group: Option<&GroupId>, out: Outbox, now: Now, effects: &mut Effects) {
        self.keep(group, out, effects);
        self.release(now, effects);
    }

    fn keep(&mut self, group: Option<&GroupId>, out: Outbox, effects: &mut Effects) {
        let before = self.last_write;
        self.write(out.records, effects);
        let after = match group.and_then(|id| self.groups.get_mut(id)) {
            Some(live) => {
                if self.last_write != before {
                    live.last_write = self.last_write;
                }
                live.last_write
            }
            None => self.last_write,
        };
        for then in out.then {
            let early = mutant::active(Mutant::AnswerBeforeCommit) && matches!(then, Then::Answer(..));
            self.next_then += 1;
            self.then.insert((if early { WriteId(0) } else { after }, self.next_then), then);
        }
    }

    /// Appends records, in batches the log can take.
    fn write(&mut self, records: Vec<Record>, effects: &mut Effects) {
        let mut batch = Vec::new();
        let mut size = 0;
        for record in records {
            let more = record.size_bound();
            if size + more > self.config.max_batch_bytes && !batch.is_empty() {
                self.write_batch(std::mem::take(&mut batch), effects);
                size = 0;
            }
            size += more;
            batch.push(record);
        }
        if !batch.is_empty() {
            self.write_batch(batch, effects);
        }
    }

    fn write_batch(&mut self, batch: Vec<Record>, effects: &mut Effects) {
        self.last_write.0 += 1;
        let id = self.last_write;
        for record in &batch {
            self.pending_offsets.note(id, record);
            if mutant::active(Mutant::ShowPendingOffsets) {
                self.committed.apply(record);
            }
        }
        let records: Rc<[Record]> = batch.into();
        self.in_flight.push_back((id, Rc::clone(&records)));
        effects.writes.push(Write { id, records });
    }

    /// Does whatever waited for the writes that are committed by now.
    fn release(&mut self, now: Now, effects: &mut Effects) {
        while let Some(entry) = self.then.first_entry() {
            if entry.key().0 > self.committed_to {
                return;
            }
            match entry.remove() {
                Then::Answer(ticket, answer) => effects.answers.push((ticket, answer)),
                Then::FetchOffsets(ticket, fetch) => effects.answers.push((ticket, self.committed.fetch(&fetch))),
                Then::InstallAssignment(group, generation) => {
                    let Some(stored) = self.committed.group(&group).and_then(|group| group.stored.clone()) else {
                        continue;
                    };
                    self.turn_then_keep(&group, now, effects, |turn| turn.install_assignment(generation, &stored));
                }
                Then::FinishStaticJoin { group, member, ticket, leader } => {
                    self.turn_then_keep(&group, now, effects, |turn| turn.finish_static_join(ticket, &member, leader));
                }
            }
        }
    }

    fn arm_retention(&mut self, now: Now) {
        let interval = Duration::from_millis(self.config.retention_check_interval_ms.max(1) as u64);
        self.timers.arm(TimerName::Retention, now.monotonic.after(interval));
    }
}

fn rebalancing(group: &Group) -> bool {
    matches!(group.state, GroupState::PreparingRebalance | GroupState::CompletingRebalance)
}

fn describe_rebalancing(group: &Group) -> Described {
    let members = group.members.values().map(|member| DescribedMember {
        member: member.id.clone(),
        instance: member.instance.clone(),
        client: member.client.clone(),
        metadata: Bytes::new(),
        assignment: Bytes::new(),
    });
    Described {
        found: true,
        state: group.state,
        protocol_type: group.protocol_type.clone().unwrap_or_default(),
        protocol: String::new(),
        members: members.collect(),
    }
}

/// The record by which a group begins to exist, before its first generation.
fn never_joined(now: Now) -> StoredGroup {
    StoredGroup {
        protocol_type: String::new(),
        generation: super::names::Generation(0),
        protocol: None,
        leader: None,
        state_since_ms: Some(now.wall_ms),
        members: Vec::new(),
    }
}
