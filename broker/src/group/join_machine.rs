//! The join phase of the classic protocol: JoinGroup, and everything that begins or ends a rebalance.
//!
//! Inputs: a join, the join timer, a member added, changed or gone. Effects: parked joins answered, records of new or
//! emptied groups, timers. Invariants: a group in `PreparingRebalance` has its join timer armed, so that every rebalance
//! ends; a member's join is answered exactly once; nobody's join is answered with a generation unless it is a member of
//! that generation.

use bytes::Bytes;

use super::{
    call::{Answer, GroupState, Join, JoinRefused, Joined},
    error::GroupError,
    mutant::{self, Mutant},
    names::{InstanceId, MemberId},
    record::Record,
    state::{InitialDelay, Member, Ticket},
    timers::TimerName,
    turn::{Then, Turn},
};

/// Characters of the client's or instance's name that a member's id begins with: an id must fit a string of the
/// protocol, 32,767 bytes, whatever clients call themselves.
const MAX_ID_PREFIX: usize = 1_000;

impl Turn<'_> {
    /// A JoinGroup for a group that exists, or that this very join creates.
    pub(super) fn join(&mut self, ticket: Ticket, join: Join) {
        if !self.accepts_joiner(&join.member) {
            self.dismiss(&join.member, GroupError::GroupMaxSizeReached, MemberId::from(""));
            self.end_session(&join.member);
            self.group.remove(&join.member);
            return self.refuse_join(ticket, GroupError::GroupMaxSizeReached, MemberId::from(""));
        }
        if !self.group.supports(&join.protocol_type, &join.protocols) {
            let member = join.member;
            return self.refuse_join(ticket, GroupError::InconsistentGroupProtocol, member);
        }
        if join.member.is_empty() { self.join_new(ticket, join) } else { self.join_known(ticket, join) }
    }

    /// Whether the group has room. While members rejoin, those that wait count rather than those known, so that after
    /// the limit was lowered the last to rejoin are left out.
    fn accepts_joiner(&self, id: &MemberId) -> bool {
        let member = self.group.members.get(id);
        match self.group.state {
            GroupState::Empty | GroupState::Dead => true,
            GroupState::PreparingRebalance => {
                member.is_some_and(|member| member.join.is_some()) || self.group.waiting_joins() < self.config.max_size
            }
            GroupState::CompletingRebalance | GroupState::Stable => {
                member.is_some() || self.group.members.len() < self.config.max_size
            }
        }
    }

    fn join_new(&mut self, ticket: Ticket, join: Join) {
        let prefix = join.instance.as_ref().map_or(join.client.id.as_str(), InstanceId::as_str);
        let prefix: String = prefix.chars().take(MAX_ID_PREFIX).collect();
        let id = MemberId::from(format!("{prefix}-{}", uuid(join.entropy)));
        if let Some(instance) = &join.instance {
            match self.group.static_members.get(instance).cloned() {
                Some(old) => self.replace_static(ticket, join, &old, id),
                None => self.add_member(ticket, join, id),
            }
        } else if join.member_id_required {
            self.hand_out_id(ticket, &join, id);
        } else {
            self.add_member(ticket, join, id);
        }
    }

    /// KIP-394: whoever asks must come back with its id, so that retries of a lost answer do not add members.
    fn hand_out_id(&mut self, ticket: Ticket, join: &Join, id: MemberId) {
        if self.group.pending_joins.len() >= self.config.max_pending_joins {
            return self.refuse_join(ticket, GroupError::CoordinatorNotAvailable, MemberId::from(""));
        }
        self.group.expect_join(id.clone());
        self.arm(TimerName::Session(self.group.id.clone(), id.clone()), join.session_timeout_ms);
        self.refuse_join(ticket, GroupError::MemberIdRequired, id);
    }

    fn join_known(&mut self, ticket: Ticket, join: Join) {
        if join.instance.is_none() && self.group.pending_joins.contains(&join.member) {
            let id = join.member.clone();
            return self.add_member(ticket, join, id);
        }
        if let Err(error) = self.group.check_member(&join.member, join.instance.as_ref()) {
            return self.refuse_join(ticket, error, join.member);
        }
        let unchanged = self.group.members[&join.member].protocols == join.protocols;
        match self.group.state {
            GroupState::PreparingRebalance => self.rejoin(ticket, join),
            // The answer to its first join was lost.
            GroupState::CompletingRebalance if unchanged => self.answer_present_generation(ticket, &join.member),
            // A leader rejoins to have the assignment computed anew.
            GroupState::Stable if unchanged && !self.group.is_leader(&join.member) => {
                self.answer_present_generation(ticket, &join.member);
            }
            GroupState::CompletingRebalance | GroupState::Stable => self.rejoin(ticket, join),
            GroupState::Empty | GroupState::Dead => {
                self.refuse_join(ticket, GroupError::UnknownMember, join.member);
            }
        }
    }

    fn rejoin(&mut self, ticket: Ticket, join: Join) {
        self.update_member(ticket, &join.member.clone(), join);
        self.rebalance_or_complete();
    }

    /// Takes over what a member says about itself and parks its join.
    fn update_member(&mut self, ticket: Ticket, id: &MemberId, join: Join) {
        let mut superseded = None;
        self.group.change(id, |member| {
            member.protocols = join.protocols;
            member.session_timeout_ms = join.session_timeout_ms;
            member.rebalance_timeout_ms = join.rebalance_timeout_ms;
            superseded = member.join.replace(ticket);
        });
        if let Some(superseded) = superseded {
            self.refuse_join(superseded, GroupError::RebalanceInProgress, id.clone());
        }
    }

    fn add_member(&mut self, ticket: Ticket, join: Join, id: MemberId) {
        if self.group.state == GroupState::PreparingRebalance && self.group.previous_state == GroupState::Empty {
            self.group.new_member_added = true;
        }
        if self.group.members.is_empty() {
            self.group.protocol_type = Some(join.protocol_type);
        }
        self.group.insert(Member {
            id: id.clone(),
            instance: join.instance,
            client: join.client,
            session_timeout_ms: join.session_timeout_ms,
            rebalance_timeout_ms: join.rebalance_timeout_ms,
            protocols: join.protocols,
            assignment: Bytes::new(),
            is_new: true,
            session_ends: self.now.monotonic,
            join: Some(ticket),
            sync: None,
        });
        // It cannot send heartbeats before it knows its id, and a dropped connection is not noticed while its join is
        // parked: a fixed time-out keeps dead newcomers from piling up.
        self.renew_session_for(&id, self.config.new_member_join_timeout_ms);
        self.rebalance_or_complete();
    }

    /// A static member came back without its id: it takes the place of its former self (KIP-345), which is fenced.
    fn replace_static(&mut self, ticket: Ticket, join: Join, old: &MemberId, new: MemberId) {
        let may_skip = join.may_skip_assignment;
        let leader_before = self.group.leader.clone();
        self.dismiss(old, GroupError::FencedInstanceId, old.clone());
        self.end_session(old);
        if self.group.pending_syncs.remove(old) {
            self.group.pending_syncs.insert(new.clone());
        }
        self.group.replace_static(old, new.clone());
        self.update_member(ticket, &new, join);
        self.renew_session(&new);
        match self.group.state {
            GroupState::Stable if self.group.select_protocol() == self.group.protocol => {
                self.record_static(ticket, new, if may_skip { None } else { leader_before });
            }
            GroupState::Stable | GroupState::CompletingRebalance => self.rebalance_or_complete(),
            GroupState::PreparingRebalance => self.maybe_complete_join(),
            GroupState::Empty | GroupState::Dead => unreachable!("a group with a static member is not empty"),
        }
    }

    /// The strategy stays as it was, so nobody else need know: the new id is recorded, and the generation goes on.
    fn record_static(&mut self, ticket: Ticket, member: MemberId, leader: Option<MemberId>) {
        let stored = self.group.to_stored(|member| member.assignment.clone());
        let record = Record::Group { group: self.group.id.clone(), value: Some(stored) };
        if record.size_bound() > self.config.max_batch_bytes {
            // The newcomer's metadata does not fit the log: a rebalance settles whether the group does without it.
            return self.rebalance_or_complete();
        }
        self.out.records.push(record);
        let group = self.group.id.clone();
        self.out.then.push(Then::FinishStaticJoin { group, member, ticket, leader });
    }

    /// Second half of [`Turn::record_static`], once it is committed.
    pub(super) fn finish_static_join(&mut self, ticket: Ticket, member: &MemberId, leader: Option<MemberId>) {
        let waits = self.group.members.get(member).is_some_and(|member| member.join == Some(ticket));
        if !waits || self.group.state != GroupState::Stable {
            return; // a rebalance came between and answers, or answered, this join
        }
        self.member(member).join = None;
        let leads = self.group.is_leader(member);
        let skip = leads && leader.is_none();
        let mut joined = self.joined(member, skip);
        joined.skip_assignment = skip;
        if let Some(leader) = leader {
            joined.leader = leader;
        }
        self.out.answer(ticket, Answer::Join(Ok(joined)));
        self.renew_session(member);
    }

    fn answer_present_generation(&mut self, ticket: Ticket, member: &MemberId) {
        let leads = self.group.is_leader(member);
        let joined = self.joined(member, leads);
        self.out.answer(ticket, Answer::Join(Ok(joined)));
    }

    fn joined(&self, member: &MemberId, with_members: bool) -> Joined {
        Joined {
            generation: self.group.generation,
            protocol_type: self.group.protocol_type.clone(),
            protocol: self.group.protocol.clone(),
            leader: self.group.leader.clone().unwrap_or_else(|| MemberId::from("")),
            skip_assignment: false,
            member: member.clone(),
            members: if with_members { self.group.members_for_leader() } else { Vec::new() },
        }
    }

    /// The membership changed: a rebalance begins, or the one under way may be able to end.
    pub(super) fn rebalance_or_complete(&mut self) {
        match self.group.state {
            GroupState::Empty | GroupState::Stable | GroupState::CompletingRebalance => self.prepare_rebalance(),
            GroupState::PreparingRebalance => self.maybe_complete_join(),
            GroupState::Dead => {}
        }
    }

    /// Begins a rebalance: whoever waits for an assignment must rejoin.
    pub(super) fn prepare_rebalance(&mut self) {
        if self.group.state == GroupState::CompletingRebalance {
            self.abandon_assignment(GroupError::RebalanceInProgress);
        }
        self.group.pending_syncs.clear();
        self.timers.cancel(&TimerName::Sync(self.group.id.clone(), self.group.generation));
        let initial = self.group.state == GroupState::Empty;
        self.group.enter(GroupState::PreparingRebalance, self.now.wall_ms);
        let join_timer = TimerName::Join(self.group.id.clone());
        if initial {
            // The group is new: wait a little, others will likely come.
            let armed_ms = self.config.initial_rebalance_delay_ms;
            let remaining_ms = (self.group.rebalance_timeout_ms() - armed_ms).max(0);
            self.group.initial_delay = Some(InitialDelay { armed_ms, remaining_ms });
            self.arm(join_timer, armed_ms);
        } else {
            self.group.initial_delay = None;
            if self.group.all_joined() {
                self.complete_join();
            } else if !mutant::active(Mutant::RebalanceWithoutDeadline) {
                self.arm(join_timer, self.group.rebalance_timeout_ms());
            }
        }
    }

    /// Ends the join phase if everybody is here; a first rebalance always waits for its delay.
    pub(super) fn maybe_complete_join(&mut self) {
        let delayed = self.group.previous_state == GroupState::Empty;
        if self.group.state == GroupState::PreparingRebalance && !delayed && self.group.all_joined() {
            self.complete_join();
        }
    }

    /// The join timer fired.
    pub(super) fn join_timer_fired(&mut self) {
        if self.group.state != GroupState::PreparingRebalance {
            return;
        }
        match self.group.initial_delay {
            Some(delay) if self.group.new_member_added && delay.remaining_ms > 0 => {
                self.group.new_member_added = false;
                let armed_ms = self.config.initial_rebalance_delay_ms.min(delay.remaining_ms);
                let remaining_ms = (delay.remaining_ms - delay.armed_ms).max(0);
                self.group.initial_delay = Some(InitialDelay { armed_ms, remaining_ms });
                self.arm(TimerName::Join(self.group.id.clone()), armed_ms);
            }
            _ => self.complete_join(),
        }
    }

    /// Ends the join phase: who did not rejoin is out (a static member stays until its session ends), the others
    /// begin the next generation.
    pub(super) fn complete_join(&mut self) {
        self.timers.cancel(&TimerName::Join(self.group.id.clone()));
        self.remove_absent_members();
        if !self.group.members.is_empty() && !self.group.elect_joined_leader() {
            // Only static members are left and none of them rejoined: wait until one does or their sessions end.
            return self.arm(TimerName::Join(self.group.id.clone()), self.group.rebalance_timeout_ms().max(1));
        }
        self.group.next_generation(self.now.wall_ms);
        if self.group.members.is_empty() {
            let stored = self.group.to_stored(|_| Bytes::new());
            self.out.records.push(Record::Group { group: self.group.id.clone(), value: Some(stored) });
        } else {
            self.answer_joins();
            let sync_timer = TimerName::Sync(self.group.id.clone(), self.group.generation);
            self.arm(sync_timer, self.group.rebalance_timeout_ms());
        }
    }

    fn remove_absent_members(&mut self) {
        let absent = |member: &&Member| member.join.is_none() && member.instance.is_none();
        let absent: Vec<MemberId> = self.group.members.values().filter(absent).map(|m| m.id.clone()).collect();
        for id in absent {
            self.dismiss(&id, GroupError::UnknownMember, MemberId::from(""));
            self.group.remove(&id);
            self.end_session(&id);
        }
    }

    fn answer_joins(&mut self) {
        let ids: Vec<MemberId> = self.group.members.keys().cloned().collect();
        for id in ids {
            let leads = self.group.is_leader(&id);
            let member = self.member(&id);
            member.is_new = false;
            member.assignment = Bytes::new();
            let ticket = member.join.take();
            if let Some(ticket) = ticket {
                let joined = self.joined(&id, leads);
                self.out.answer(ticket, Answer::Join(Ok(joined)));
            }
            self.renew_session(&id);
            self.group.pending_syncs.insert(id);
        }
    }
}

/// The refusal of a join that never reaches a group.
pub(super) fn refused(error: GroupError, member: MemberId) -> Answer {
    Answer::Join(Err(JoinRefused { error, member }))
}

/// A version 4 UUID from random bits, in its usual form.
fn uuid(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::uuid;

    #[test]
    fn member_ids_end_in_a_version_4_uuid() {
        assert_eq!(uuid(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
