//! The sync phase of the classic protocol and what keeps a generation alive or ends it: SyncGroup, Heartbeat,
//! LeaveGroup, session and sync time-outs.
//!
//! Inputs: those requests, their timers, the commit of the leader's assignment. Effects: the record of a generation,
//! parked syncs answered, rebalances begun. Invariants: an assignment is handed out only after its record is committed
//! and only within its generation; a member that falls silent is removed after its session, unless a parked request of
//! its own proves that it lives.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{
    call::{Answer, GroupState, Heartbeat, Leave, Left, Sync, Synced},
    error::GroupError,
    mutant::{self, Mutant},
    names::{Generation, InstanceId, MemberId},
    record::{Record, StoredGroup},
    state::Ticket,
    timers::TimerName,
    turn::{Then, Turn},
};

impl Turn<'_> {
    /// A SyncGroup for an existing group.
    pub(super) fn sync(&mut self, ticket: Ticket, sync: Sync) {
        if let Err(error) = self.check_sync(&sync) {
            return self.refuse_sync(ticket, error);
        }
        match self.group.state {
            GroupState::PreparingRebalance if mutant::active(Mutant::SyncWhilePreparing) => {
                self.answer_sync(ticket, &sync.member);
            }
            GroupState::PreparingRebalance => self.refuse_sync(ticket, GroupError::RebalanceInProgress),
            GroupState::CompletingRebalance => {
                if let Some(superseded) = self.member(&sync.member).sync.replace(ticket) {
                    self.refuse_sync(superseded, GroupError::RebalanceInProgress);
                }
                self.received_sync(&sync.member);
                if self.group.is_leader(&sync.member) && !self.group.assignment_in_flight {
                    self.record_assignment(sync.assignments);
                }
            }
            GroupState::Stable => {
                self.received_sync(&sync.member);
                self.answer_sync(ticket, &sync.member);
            }
            GroupState::Empty | GroupState::Dead => self.refuse_sync(ticket, GroupError::UnknownMember),
        }
    }

    fn check_sync(&self, sync: &Sync) -> Result<(), GroupError> {
        self.group.check_member(&sync.member, sync.instance.as_ref())?;
        if sync.generation != self.group.generation {
            return Err(GroupError::IllegalGeneration);
        }
        let differs = |asked: Option<&str>, is: Option<&str>| asked.zip(is).is_some_and(|(asked, is)| asked != is);
        let protocol = self.group.protocol.as_ref().map(|name| name.as_str());
        if differs(sync.protocol_type.as_deref(), self.group.protocol_type.as_deref())
            || differs(sync.protocol.as_ref().map(|name| name.as_str()), protocol)
        {
            return Err(GroupError::InconsistentGroupProtocol);
        }
        Ok(())
    }

    fn received_sync(&mut self, member: &MemberId) {
        self.group.pending_syncs.remove(member);
        if self.group.pending_syncs.is_empty() {
            self.timers.cancel(&TimerName::Sync(self.group.id.clone(), self.group.generation));
        }
    }

    fn answer_sync(&mut self, ticket: Ticket, member: &MemberId) {
        let synced = Synced {
            protocol_type: self.group.protocol_type.clone(),
            protocol: self.group.protocol.clone(),
            assignment: self.member(member).assignment.clone(),
        };
        self.out.answer(ticket, Answer::Sync(Ok(synced)));
    }

    /// Writes the generation with the leader's assignment; it takes effect once committed.
    fn record_assignment(&mut self, assignments: Vec<(MemberId, Bytes)>) {
        let assignments: BTreeMap<MemberId, Bytes> = assignments.into_iter().collect();
        let assigned = |id: &MemberId| assignments.get(id).cloned().unwrap_or_default();
        let stored = self.group.to_stored(|member| assigned(&member.id));
        let record = Record::Group { group: self.group.id.clone(), value: Some(stored) };
        if record.size_bound() > self.config.max_batch_bytes {
            self.abandon_assignment(GroupError::UnknownServerError);
            return self.rebalance_or_complete();
        }
        self.group.assignment_in_flight = true;
        self.out.records.push(record);
        self.out.then.push(Then::InstallAssignment(self.group.id.clone(), self.group.generation));
    }

    /// The record of the leader's assignment is committed: `stored` is what it said.
    pub(super) fn install_assignment(&mut self, generation: Generation, stored: &StoredGroup) {
        if self.group.state != GroupState::CompletingRebalance || self.group.generation != generation {
            return; // a rebalance came between
        }
        self.group.assignment_in_flight = false;
        for recorded in &stored.members {
            if let Some(member) = self.group.members.get_mut(&recorded.member) {
                member.assignment = recorded.assignment.clone();
            }
        }
        self.group.enter(GroupState::Stable, self.now.wall_ms);
        for id in self.members_in_sync() {
            if let Some(ticket) = self.member(&id).sync.take() {
                self.answer_sync(ticket, &id);
                self.renew_session(&id);
            }
        }
    }

    /// No assignment will come in this phase: whoever waits for one learns why.
    pub(super) fn abandon_assignment(&mut self, error: GroupError) {
        self.group.assignment_in_flight = false;
        for id in self.members_in_sync() {
            if let Some(ticket) = self.member(&id).sync.take() {
                self.refuse_sync(ticket, error);
                self.renew_session(&id);
            }
        }
        for member in self.group.members.values_mut() {
            member.assignment = Bytes::new();
        }
    }

    fn members_in_sync(&self) -> Vec<MemberId> {
        self.group.members.values().filter(|member| member.sync.is_some()).map(|member| member.id.clone()).collect()
    }

    /// A Heartbeat for an existing group.
    pub(super) fn heartbeat(&mut self, ticket: Ticket, heartbeat: &Heartbeat) {
        let outcome = self.heartbeat_outcome(heartbeat);
        self.out.answer(ticket, Answer::Heartbeat(outcome));
    }

    fn heartbeat_outcome(&mut self, heartbeat: &Heartbeat) -> Result<(), GroupError> {
        self.group.check_member(&heartbeat.member, heartbeat.instance.as_ref())?;
        if heartbeat.generation != self.group.generation {
            return Err(GroupError::IllegalGeneration);
        }
        match self.group.state {
            GroupState::Empty => Err(GroupError::UnknownMember),
            GroupState::Dead => Err(GroupError::CoordinatorNotAvailable),
            GroupState::PreparingRebalance => {
                self.renew_session(&heartbeat.member);
                Err(GroupError::RebalanceInProgress)
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                self.renew_session(&heartbeat.member);
                Ok(())
            }
        }
    }

    /// A LeaveGroup for an existing group.
    pub(super) fn leave(&mut self, ticket: Ticket, leave: Leave) {
        let mut left = Vec::with_capacity(leave.members.len());
        for (member, instance) in leave.members {
            let outcome = self.remove_one(&member, instance.as_ref());
            left.push(Left { member, instance, outcome });
        }
        if left.iter().any(|left| left.outcome.is_ok()) && self.group.state != GroupState::Empty {
            self.rebalance_or_complete();
        }
        self.out.answer(ticket, Answer::Leave(left));
    }

    fn remove_one(&mut self, member: &MemberId, instance: Option<&InstanceId>) -> Result<(), GroupError> {
        // An operator removes a static member by its name alone.
        if member.is_empty() {
            let bearer = instance.and_then(|instance| self.group.static_members.get(instance)).cloned();
            let bearer = bearer.ok_or(GroupError::UnknownMember)?;
            self.remove_member(&bearer);
            return Ok(());
        }
        if !self.group.pending_joins.contains(member) {
            self.group.check_member(member, instance)?;
        }
        self.remove_member(member);
        Ok(())
    }

    /// Removes a member or a handed-out id; a parked request of its own is told to start over.
    fn remove_member(&mut self, id: &MemberId) {
        self.dismiss(id, GroupError::UnknownMember, MemberId::from(""));
        self.end_session(id);
        self.group.remove(id);
    }

    /// The session timer of `id` fired.
    pub(super) fn session_timer_fired(&mut self, id: &MemberId) {
        if self.group.pending_joins.contains(id) {
            self.group.remove(id);
            if self.group.state == GroupState::PreparingRebalance && self.group.all_joined() {
                self.complete_join();
            }
            return;
        }
        let Some(member) = self.group.members.get(id) else { return };
        let ends = member.session_ends;
        if ends > self.now.monotonic {
            return self.timers.arm(TimerName::Session(self.group.id.clone(), id.clone()), ends);
        }
        if member.is_waiting() || mutant::active(Mutant::NoSessionExpiry) {
            return; // the answer to what it waits for begins its session anew
        }
        self.remove_member(id);
        match self.group.state {
            GroupState::Stable | GroupState::CompletingRebalance => self.rebalance_or_complete(),
            GroupState::PreparingRebalance if self.group.all_joined() => self.complete_join(),
            _ => {}
        }
    }

    /// Some time after a generation began: whoever joined it but never asked for its assignment is removed.
    pub(super) fn sync_timer_fired(&mut self, generation: Generation) {
        let in_generation = matches!(self.group.state, GroupState::CompletingRebalance | GroupState::Stable);
        if generation != self.group.generation || !in_generation || self.group.pending_syncs.is_empty() {
            return;
        }
        for id in std::mem::take(&mut self.group.pending_syncs) {
            self.remove_member(&id);
        }
        self.prepare_rebalance();
    }
}
