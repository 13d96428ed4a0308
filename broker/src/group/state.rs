//! One group as its coordinator works with it: members, who waits for what, and the phase of the rebalance. It runs
//! ahead of what is committed; see [`super::committed`] for what may be shown.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use corelog_storage::env::Instant;

use super::{
    call::{Client, GroupState, MemberMetadata},
    error::GroupError,
    memory::{GROUP_BYTES, MEMBER_BYTES, PENDING_BYTES},
    names::{Generation, GroupId, InstanceId, MemberId, ProtocolName, TopicName},
    record::{StoredGroup, StoredMember},
    subscription,
};

/// The class of protocol that consumers use.
pub(super) const CONSUMER: &str = "consumer";

/// Names a parked request; the driver knows whom to answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// Numbers the writes of one coordinator, from 1 in the order they are to be appended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct WriteId(pub u64);

/// A member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: MemberId,
    pub(super) instance: Option<InstanceId>,
    pub(super) client: Client,
    pub(super) session_timeout_ms: i32,
    pub(super) rebalance_timeout_ms: i32,
    pub(super) protocols: Vec<(ProtocolName, Bytes)>,
    pub(super) assignment: Bytes,
    /// Added in the present rebalance: it cannot send heartbeats yet, so waiting does not keep it alive.
    pub(super) is_new: bool,
    /// Its session ends here; moved by every sign of life, while the timer catches up when it fires.
    pub(super) session_ends: Instant,
    /// Its JoinGroup, parked.
    pub(super) join: Option<Ticket>,
    /// Its SyncGroup, parked.
    pub(super) sync: Option<Ticket>,
}

impl Member {
    /// About what it takes of memory. An assignment is the record's.
    pub(super) fn bytes(&self) -> usize {
        let offers: usize = self.protocols.iter().map(|(name, data)| name.as_str().len() + data.len()).sum();
        let names = 2 * self.id.as_str().len() + 2 * self.instance.as_ref().map_or(0, |name| name.as_str().len());
        MEMBER_BYTES + offers + names + self.client.id.len() + self.client.host.len()
    }

    /// Its metadata for `protocol`; empty if it does not offer it.
    pub(super) fn metadata(&self, protocol: Option<&ProtocolName>) -> Bytes {
        let found = self.protocols.iter().find(|(name, _)| Some(name) == protocol);
        found.map(|(_, metadata)| metadata.clone()).unwrap_or_default()
    }

    /// Whether a parked request proves that the member lives.
    pub(super) fn is_waiting(&self) -> bool {
        !self.is_new && (self.join.is_some() || self.sync.is_some())
    }
}

/// How the delay of a group's first rebalance goes on: for what the timer is armed, and how much may follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct InitialDelay {
    pub(super) armed_ms: i32,
    pub(super) remaining_ms: i32,
}

/// A group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: GroupId,
    pub(super) state: GroupState,
    pub(super) previous_state: GroupState,
    pub(super) state_since_ms: Option<i64>,
    pub(super) generation: Generation,
    pub(super) protocol_type: Option<String>,
    pub(super) protocol: Option<ProtocolName>,
    pub(super) leader: Option<MemberId>,
    pub(super) members: BTreeMap<MemberId, Member>,
    pub(super) static_members: BTreeMap<InstanceId, MemberId>,
    /// Ids handed out (KIP-394) with which nobody joined yet.
    pub(super) pending_joins: BTreeSet<MemberId>,
    /// Members of this generation that did not ask for their assignment yet.
    pub(super) pending_syncs: BTreeSet<MemberId>,
    /// Set while the first rebalance is being delayed.
    pub(super) initial_delay: Option<InitialDelay>,
    /// Somebody joined since the delay was last armed.
    pub(super) new_member_added: bool,
    /// The leader's assignment of this generation is written but not yet committed.
    pub(super) assignment_in_flight: bool,
    /// Topics of all members; `None` if the coordinator cannot know.
    pub(super) subscribed: Option<BTreeSet<TopicName>>,
    /// The last write that concerns this group: what it answers may depend on it.
    pub(super) last_write: WriteId,
    /// About what it takes of memory.
    pub(super) bytes: usize,
}

impl Group {
    /// A group without members or history.
    pub(super) fn new(id: GroupId) -> Self {
        Self {
            bytes: GROUP_BYTES + 2 * id.as_str().len(),
            id,
            state: GroupState::Empty,
            previous_state: GroupState::Empty,
            state_since_ms: None,
            generation: Generation(0),
            protocol_type: None,
            protocol: None,
            leader: None,
            members: BTreeMap::new(),
            static_members: BTreeMap::new(),
            pending_joins: BTreeSet::new(),
            pending_syncs: BTreeSet::new(),
            initial_delay: None,
            new_member_added: false,
            assignment_in_flight: false,
            subscribed: None,
            last_write: WriteId(0),
        }
    }

    /// The group as it was recorded.
    pub(super) fn load(id: GroupId, stored: &StoredGroup) -> Self {
        let mut group = Self::new(id);
        group.state = if stored.members.is_empty() { GroupState::Empty } else { GroupState::Stable };
        group.previous_state = group.state;
        group.state_since_ms = stored.state_since_ms;
        group.generation = stored.generation;
        group.protocol_type = (!stored.protocol_type.is_empty()).then(|| stored.protocol_type.clone());
        group.protocol = stored.protocol.clone();
        group.leader = stored.leader.clone();
        for member in &stored.members {
            group.insert(Member {
                id: member.member.clone(),
                instance: member.instance.clone(),
                client: member.client.clone(),
                session_timeout_ms: member.session_timeout_ms,
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                protocols: stored.protocol.iter().map(|name| (name.clone(), member.subscription.clone())).collect(),
                assignment: member.assignment.clone(),
                is_new: false,
                session_ends: Instant(0),
                join: None,
                sync: None,
            });
        }
        group.subscribed = group.compute_subscribed();
        group
    }

    /// The group as it shall be recorded, each member with the assignment that `assignment_of` gives.
    pub(super) fn to_stored(&self, assignment_of: impl Fn(&Member) -> Bytes) -> StoredGroup {
        let members = self.members.values().map(|member| StoredMember {
            member: member.id.clone(),
            instance: member.instance.clone(),
            client: member.client.clone(),
            rebalance_timeout_ms: member.rebalance_timeout_ms,
            session_timeout_ms: member.session_timeout_ms,
            subscription: member.metadata(self.protocol.as_ref()),
            assignment: assignment_of(member),
        });
        StoredGroup {
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            generation: self.generation,
            protocol: self.protocol.clone(),
            leader: self.leader.clone(),
            state_since_ms: self.state_since_ms,
            members: members.collect(),
        }
    }

    /// Moves to `state`.
    pub(super) fn enter(&mut self, state: GroupState, wall_ms: i64) {
        use GroupState::{CompletingRebalance, Dead, Empty, PreparingRebalance, Stable};
        let allowed = match state {
            Empty | CompletingRebalance => self.state == PreparingRebalance,
            PreparingRebalance => matches!(self.state, Empty | CompletingRebalance | Stable),
            Stable => self.state == CompletingRebalance,
            Dead => true,
        };
        assert!(allowed, "a group cannot go from {:?} to {state:?}", self.state);
        self.previous_state = self.state;
        self.state = state;
        self.state_since_ms = Some(wall_ms);
    }

    /// Adds a member; the first one decides the class of protocol and, without a leader, leads.
    pub(super) fn insert(&mut self, member: Member) {
        if let Some(instance) = &member.instance {
            let before = self.static_members.insert(instance.clone(), member.id.clone());
            assert!(before.is_none(), "a static name belongs to one member");
        }
        if self.leader.is_none() {
            self.leader = Some(member.id.clone());
        }
        self.forget_pending(&member.id);
        self.bytes += member.bytes();
        let before = self.members.insert(member.id.clone(), member);
        assert!(before.is_none(), "a member is added once");
    }

    /// Removes a member, or an id that was handed out; its parked requests must have been answered.
    pub(super) fn remove(&mut self, id: &MemberId) {
        if let Some(member) = self.members.remove(id) {
            self.bytes -= member.bytes();
            assert!(member.join.is_none() && member.sync.is_none(), "a removed member leaves nobody waiting");
            if let Some(instance) = &member.instance {
                self.static_members.remove(instance);
            }
        }
        if self.is_leader(id) {
            self.leader = self.members.keys().next().cloned();
        }
        self.forget_pending(id);
        self.pending_syncs.remove(id);
    }

    /// Remembers an id that was handed out.
    pub(super) fn expect_join(&mut self, id: MemberId) {
        self.bytes += PENDING_BYTES + id.as_str().len();
        self.pending_joins.insert(id);
    }

    fn forget_pending(&mut self, id: &MemberId) {
        if self.pending_joins.remove(id) {
            self.bytes -= PENDING_BYTES + id.as_str().len();
        }
    }

    /// Changes a member, which must be one.
    pub(super) fn change(&mut self, id: &MemberId, change: impl FnOnce(&mut Member)) {
        let member = self.members.get_mut(id).expect("membership was checked");
        let before = member.bytes();
        change(member);
        self.bytes = self.bytes - before + member.bytes();
    }

    /// Lets `new` take the place of the static member `old`, whose parked requests must have been answered.
    pub(super) fn replace_static(&mut self, old: &MemberId, new: MemberId) {
        let mut member = self.members.remove(old).expect("a static name leads to a member");
        assert!(member.join.is_none() && member.sync.is_none(), "a replaced member leaves nobody waiting");
        let instance = member.instance.clone().expect("only static members are replaced");
        self.static_members.insert(instance, new.clone());
        if self.is_leader(old) {
            self.leader = Some(new.clone());
        }
        self.bytes -= member.bytes();
        member.id = new.clone();
        self.bytes += member.bytes();
        self.members.insert(new, member);
    }

    /// Whether `id` leads.
    pub(super) fn is_leader(&self, id: &MemberId) -> bool {
        self.leader.as_ref() == Some(id)
    }

    /// Makes a leader of somebody who rejoined, if the leader did not. False if nobody rejoined (or nobody is there).
    pub(super) fn elect_joined_leader(&mut self) -> bool {
        let leader_joined = self.leader.as_ref().and_then(|id| self.members.get(id)).is_some_and(|m| m.join.is_some());
        if leader_joined {
            return true;
        }
        match self.members.values().find(|member| member.join.is_some()) {
            Some(member) => {
                self.leader = Some(member.id.clone());
                true
            }
            None => false,
        }
    }

    /// Whether every member, and everybody with an id of ours, is waiting for the join phase to end.
    pub(super) fn all_joined(&self) -> bool {
        self.pending_joins.is_empty() && self.members.values().all(|member| member.join.is_some())
    }

    /// How many members wait for the join phase to end.
    pub(super) fn waiting_joins(&self) -> usize {
        self.members.values().filter(|member| member.join.is_some()).count()
    }

    /// The longest time any member may take to rejoin, in ms.
    pub(super) fn rebalance_timeout_ms(&self) -> i32 {
        self.members.values().map(|member| member.rebalance_timeout_ms).max().unwrap_or(0).max(0)
    }

    /// Whether a member with these protocols could belong to the group.
    pub(super) fn supports(&self, protocol_type: &str, protocols: &[(ProtocolName, Bytes)]) -> bool {
        if self.state == GroupState::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        let offered_by_all = |protocol: &ProtocolName| {
            self.members.values().all(|member| member.protocols.iter().any(|(name, _)| name == protocol))
        };
        self.protocol_type.as_deref() == Some(protocol_type) && protocols.iter().any(|(name, _)| offered_by_all(name))
    }

    /// The strategy most members prefer among those all members offer; the first by name if there are several.
    pub(super) fn select_protocol(&self) -> Option<ProtocolName> {
        let mut offers: BTreeMap<&ProtocolName, usize> = BTreeMap::new();
        for (name, _) in self.members.values().flat_map(|member| &member.protocols) {
            *offers.entry(name).or_default() += 1;
        }
        let common = |name: &ProtocolName| offers.get(name) == Some(&self.members.len());
        let mut votes: BTreeMap<&ProtocolName, usize> = BTreeMap::new();
        for member in self.members.values() {
            if let Some((name, _)) = member.protocols.iter().find(|(name, _)| common(name)) {
                *votes.entry(name).or_default() += 1;
            }
        }
        let most = votes.values().max()?;
        votes.iter().find(|(_, count)| *count == most).map(|(name, _)| (*name).clone())
    }

    /// Begins the next generation: with members the sync phase, without any the group is empty.
    pub(super) fn next_generation(&mut self, wall_ms: i64) {
        self.generation = self.generation.next();
        self.initial_delay = None;
        self.new_member_added = false;
        self.assignment_in_flight = false;
        self.pending_syncs.clear();
        self.protocol = self.select_protocol();
        self.subscribed = self.compute_subscribed();
        let state = if self.members.is_empty() { GroupState::Empty } else { GroupState::CompletingRebalance };
        self.enter(state, wall_ms);
    }

    /// Whether a request by `member` under `instance` comes from a present member.
    pub(super) fn check_member(&self, member: &MemberId, instance: Option<&InstanceId>) -> Result<(), GroupError> {
        if let Some(instance) = instance {
            match self.static_members.get(instance) {
                None => return Err(GroupError::UnknownMember),
                Some(present) if present != member => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains_key(member) { Ok(()) } else { Err(GroupError::UnknownMember) }
    }

    /// All members as the leader sees them.
    pub(super) fn members_for_leader(&self) -> Vec<MemberMetadata> {
        let members = self.members.values().map(|member| MemberMetadata {
            member: member.id.clone(),
            instance: member.instance.clone(),
            metadata: member.metadata(self.protocol.as_ref()),
        });
        members.collect()
    }

    /// Whether the members are consumers.
    pub(super) fn uses_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER)
    }

    /// Whether a member subscribes to `topic`, or might.
    pub(super) fn subscribes_to(&self, topic: &TopicName) -> bool {
        self.subscribed.as_ref().map_or(self.uses_consumer_protocol(), |topics| topics.contains(topic))
    }

    fn compute_subscribed(&self) -> Option<BTreeSet<TopicName>> {
        if !self.uses_consumer_protocol() {
            return None;
        }
        let mut subscribed = BTreeSet::new();
        for member in self.members.values() {
            subscribed.extend(subscription::topics(&member.metadata(self.protocol.as_ref()))?);
        }
        Some(subscribed)
    }
}
