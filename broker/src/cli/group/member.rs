//! A member of a classic consumer group: it joins, hears of rebalances by its heartbeats, commits, and leaves.
//!
//! Eager, as the protocols `range` and `roundrobin` are: at a rebalance a member commits, gives all up, and joins again.
#![allow(clippy::disallowed_methods, reason = "a client of its own process, not the broker's")]

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use bytes::Bytes;
use corelog_wire::{
    Request,
    error_code::ErrorCode,
    messages::{
        HeartbeatRequest, JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, SyncGroupRequest,
        join_group::JoinGroupRequestProtocol, leave_group::MemberIdentity, sync_group::SyncGroupRequestAssignment,
    },
};

use super::{
    Place,
    assignor::{self, Assignor, PROTOCOL_TYPE, Subscriber},
    offsets,
};
use crate::cli::{
    client::{Client, Wait},
    cluster::Cluster,
    failure::{Failure, check},
    interrupt,
};

/// Kafka's defaults: how long a member may be silent, and how long it may take to join again.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
const REBALANCE_TIMEOUT: Duration = Duration::from_secs(60);
/// How often a member says that it lives, and hears whether the group changes.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often a group's leader looks whether its topics have grown.
const LOOK_AT_TOPICS: Duration = Duration::from_secs(10);
/// An answer to a join comes once all members have joined, or their time is up.
const JOIN_WAIT: Wait =
    Wait { longest: Duration::from_secs(REBALANCE_TIMEOUT.as_secs() + 30), give_up: interrupt::wished };

pub(super) struct Member {
    pub(super) cluster: Cluster,
    group: String,
    topic: String,
    coordinator: Option<String>,
    /// Empty until the coordinator gives one.
    id: String,
    generation: i32,
    beaten: Instant,
    /// What a leader shared out: partitions by topic, and when it last looked.
    leads: Option<(BTreeMap<String, i32>, Instant)>,
}

impl Member {
    pub(super) fn new(cluster: Cluster, group: String, topic: String) -> Self {
        let (id, beaten) = (String::new(), Instant::now());
        Self { cluster, group, topic, coordinator: None, id, generation: -1, beaten, leads: None }
    }

    /// Which generation of the group it is in.
    pub(super) fn generation(&self) -> i32 {
        self.generation
    }

    /// Joins, or joins again; returns what this member is to read.
    pub(super) fn join(&mut self) -> Result<Vec<Place>, Failure> {
        self.leads = None;
        let joined = self.ask_to_join()?;
        (self.id, self.generation) = (joined.member_id.clone(), joined.generation_id);
        let protocol = joined.protocol_name.clone();
        let assignments = if joined.leader == self.id { self.share_out(joined)? } else { Vec::new() };
        let request = SyncGroupRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            protocol_type: Some(PROTOCOL_TYPE.to_owned()),
            protocol_name: protocol,
            assignments,
            ..SyncGroupRequest::default()
        };
        let synced = self.call(5, &request, JOIN_WAIT)?;
        self.heed(check(synced.error_code, None))?;
        self.beaten = Instant::now();
        assignor::read_assignment(&synced.assignment)
            .ok_or_else(|| format!("the leader of group {} gave an assignment that cannot be read", self.group).into())
    }

    fn ask_to_join(&mut self) -> Result<JoinGroupResponse, Failure> {
        loop {
            let metadata = assignor::subscription(std::slice::from_ref(&self.topic));
            let protocol = |assignor: Assignor| JoinGroupRequestProtocol {
                name: assignor.name().to_owned(),
                metadata: metadata.clone(),
            };
            let request = JoinGroupRequest {
                group_id: self.group.clone(),
                session_timeout_ms: SESSION_TIMEOUT.as_millis() as i32,
                rebalance_timeout_ms: REBALANCE_TIMEOUT.as_millis() as i32,
                member_id: self.id.clone(),
                protocol_type: PROTOCOL_TYPE.to_owned(),
                protocols: Assignor::ALL.into_iter().map(protocol).collect(),
                ..JoinGroupRequest::default()
            };
            let joined = self.call(7, &request, JOIN_WAIT)?;
            match self.heed(check(joined.error_code, None)) {
                Ok(()) => return Ok(joined),
                Err(failure) if failure.code() == Some(ErrorCode::MemberIdRequired) => self.id = joined.member_id,
                Err(failure) => return Err(failure.cure(ErrorCode::InconsistentGroupProtocol, STRANGERS)),
            }
        }
    }

    /// The leader's part: who gets what.
    fn share_out(&mut self, joined: JoinGroupResponse) -> Result<Vec<SyncGroupRequestAssignment>, Failure> {
        let name = joined.protocol_name.unwrap_or_default();
        let assignor = Assignor::named(&name).ok_or_else(|| format!("the group chose {name}, which we never named"))?;
        let members: Vec<_> = joined.members.into_iter().map(Subscriber::read).collect();
        let topics: BTreeSet<_> = members.iter().flat_map(|member| member.topics.iter().cloned()).collect();
        let counts = self.counts(&topics)?;
        let assigned = assignor.assign(&members, &counts);
        self.leads = Some((counts, Instant::now()));
        let bytes = |(member_id, places): (String, Vec<Place>)| {
            let assignment: Bytes = assignor::assignment(&places);
            SyncGroupRequestAssignment { member_id, assignment }
        };
        Ok(assigned.into_iter().map(bytes).collect())
    }

    /// How many partitions each of these topics has; none for one that does not exist.
    fn counts(&mut self, topics: &BTreeSet<String>) -> Result<BTreeMap<String, i32>, Failure> {
        let names: Vec<_> = topics.iter().map(String::as_str).collect();
        let told = self.cluster.metadata(Some(&names), false)?.topics;
        Ok(told.into_iter().filter_map(|topic| Some((topic.name?, topic.partitions.len() as i32))).collect())
    }

    /// Says that it lives, if it is time to; an error says what else is to be done.
    pub(super) fn beat(&mut self) -> Result<(), Failure> {
        if self.beaten.elapsed() < HEARTBEAT {
            return Ok(());
        }
        let request = HeartbeatRequest {
            group_id: self.group.clone(),
            generation_id: self.generation,
            member_id: self.id.clone(),
            ..HeartbeatRequest::default()
        };
        let answer = self.call(4, &request, Wait::default())?;
        self.heed(check(answer.error_code, None))?;
        self.beaten = Instant::now();
        self.look_at_topics()
    }

    /// A leader whose topics have grown has the group share them out again.
    fn look_at_topics(&mut self) -> Result<(), Failure> {
        let Some((shared, looked)) = self.leads.take() else { return Ok(()) };
        if looked.elapsed() < LOOK_AT_TOPICS {
            self.leads = Some((shared, looked));
            return Ok(());
        }
        let now = self.counts(&shared.keys().cloned().collect())?;
        let grown = now != shared;
        self.leads = Some((shared, Instant::now()));
        if grown { Err(Failure::said(ErrorCode::RebalanceInProgress)) } else { Ok(()) }
    }

    /// What the group has committed of these partitions.
    pub(super) fn committed(&mut self, places: &[Place]) -> Result<BTreeMap<Place, i64>, Failure> {
        let request = offsets::ask(&self.group, Some(places));
        let answer = self.call(offsets::FETCH_VERSION, &request, Wait::default())?;
        self.heed(offsets::read(answer))
    }

    /// Commits that the group has come this far.
    pub(super) fn commit(&mut self, positions: &BTreeMap<Place, i64>) -> Result<(), Failure> {
        if positions.is_empty() {
            return Ok(());
        }
        let request = offsets::commit(&self.group, &self.id, self.generation, positions);
        let answer = self.call(offsets::COMMIT_VERSION, &request, Wait::default())?;
        self.heed(offsets::committed(answer))
    }

    /// Leaves, so that the others need not wait for its silence to be noticed.
    pub(super) fn leave(&mut self) -> Result<(), Failure> {
        if self.id.is_empty() {
            return Ok(());
        }
        let me = MemberIdentity { member_id: std::mem::take(&mut self.id), ..MemberIdentity::default() };
        let request =
            LeaveGroupRequest { group_id: self.group.clone(), members: vec![me], ..LeaveGroupRequest::default() };
        check(self.call(4, &request, Wait::default())?.error_code, None)
    }

    fn call<R: Request>(&mut self, version: i16, request: &R, wait: Wait) -> Result<R::Response, Failure> {
        let outcome = self.coordinator().and_then(|client| client.call_waiting(version, request, wait));
        self.heed(outcome)
    }

    fn coordinator(&mut self) -> Result<&mut Client, Failure> {
        if self.coordinator.is_none() {
            let (_, address) = offsets::coordinator(&mut self.cluster, &self.group)?;
            self.coordinator = Some(address);
        }
        self.cluster.at(self.coordinator.as_deref().expect("just found"))
    }

    /// Forgets what a failure says is no longer so.
    fn heed<T>(&mut self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        if let Err(failure) = &outcome {
            match failure.code() {
                Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable) => self.coordinator = None,
                Some(ErrorCode::UnknownMemberId) => self.id.clear(),
                Some(_) => {}
                None => self.coordinator = None,
            }
        }
        outcome
    }
}

const STRANGERS: &str = "its members share partitions in another way than range or roundrobin: give --group another \
                         name, or have them offer one of these two";
