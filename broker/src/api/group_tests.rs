//! The handlers before a coordinator whose log commits at once: what clients of every version get.

use std::{
    cell::RefCell,
    future::Future,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use corelog_storage::{env::Instant, ids::TopicId};
use corelog_wire::{
    Uuid,
    codec::Message,
    error_code::ErrorCode,
    messages::{
        DeleteGroupsRequest, DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest, JoinGroupRequest,
        JoinGroupResponse, LeaveGroupRequest, ListGroupsRequest, OffsetCommitRequest, OffsetFetchRequest,
        SyncGroupRequest,
        join_group::JoinGroupRequestProtocol,
        leave_group::MemberIdentity,
        offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic},
        offset_fetch::{OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics},
        sync_group::SyncGroupRequestAssignment,
    },
};

use crate::{
    api::{
        delete_groups, describe_groups, find_coordinator, heartbeat, join_group, leave_group, list_groups,
        offset_commit, offset_fetch, sync_group,
    },
    group::{
        call::{Answer, Call, Client, Listed},
        config::Config,
        coordinator_machine::{Coordinator, Effects, Loader},
        desk::{Asker, Desk, Endpoint, Topic},
        error::GroupError,
        names::GroupId,
        state::Ticket,
        turn::Now,
    },
};

/// One coordinator, and one topic `t` of two partitions.
struct FakeDesk {
    coordinator: RefCell<Coordinator>,
    now_ms: RefCell<u64>,
    tickets: RefCell<u64>,
}

const TOPIC: TopicId = TopicId([7; 16]);

impl FakeDesk {
    fn new() -> Self {
        let config = Rc::new(Config { initial_rebalance_delay_ms: 0, ..Config::default() });
        let (coordinator, _) = Loader::default().finish(config, Now { monotonic: Instant(0), wall_ms: 0 });
        Self { coordinator: RefCell::new(coordinator), now_ms: RefCell::new(0), tickets: RefCell::new(0) }
    }

    fn now(&self) -> Now {
        let ms = *self.now_ms.borrow();
        Now { monotonic: Instant(ms * 1_000_000), wall_ms: ms as i64 }
    }

    /// Lets time pass and everything be committed until the ticket is answered.
    fn drive(&self, ticket: Ticket, first: Effects) -> Answer {
        let mut effects = first;
        for _ in 0..100 {
            if let Some((_, answer)) = effects.answers.into_iter().find(|(answered, _)| *answered == ticket) {
                return answer;
            }
            let mut coordinator = self.coordinator.borrow_mut();
            effects = match effects.writes.last() {
                Some(write) => coordinator.committed(write.id, self.now()),
                None => {
                    *self.now_ms.borrow_mut() += 1_000;
                    coordinator.tick(self.now())
                }
            };
        }
        panic!("no answer");
    }
}

impl Desk for FakeDesk {
    async fn call(&self, call: Call) -> Answer {
        *self.tickets.borrow_mut() += 1;
        let ticket = Ticket(*self.tickets.borrow());
        let effects = self.coordinator.borrow_mut().handle(ticket, call, self.now());
        self.drive(ticket, effects)
    }

    async fn list(&self) -> Result<Vec<Listed>, GroupError> {
        Ok(self.coordinator.borrow().list())
    }

    async fn coordinator(&self, _: &GroupId) -> Result<Endpoint, GroupError> {
        Ok(Endpoint { broker_id: 1, host: "here".into(), port: 9092 })
    }

    fn topic(&self, name: &str) -> Option<Topic> {
        (name == "t").then(|| Topic { name: "t".into(), id: TOPIC, partitions: 2 })
    }

    fn topic_by_id(&self, id: TopicId) -> Option<Topic> {
        self.topic("t").filter(|topic| topic.id == id)
    }

    fn entropy(&self) -> u128 {
        u128::from(*self.tickets.borrow())
    }
}

fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the handler waits"),
    }
}

fn asker(version: i16) -> Asker {
    Asker { version, client: Client { id: "me".into(), host: "/127.0.0.1".into() } }
}

fn join_request(member: &str) -> JoinGroupRequest {
    JoinGroupRequest {
        group_id: "g".into(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 5_000,
        member_id: member.into(),
        protocol_type: "consumer".into(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".into(), metadata: Bytes::from_static(&[0; 10]) }],
        ..JoinGroupRequest::default()
    }
}

/// A stable group of one.
fn member_of(desk: &FakeDesk) -> JoinGroupResponse {
    let first = now(join_group::answer(desk, &asker(9), join_request("")));
    assert_eq!(first.error_code, ErrorCode::MemberIdRequired.code());
    let joined = now(join_group::answer(desk, &asker(9), join_request(&first.member_id)));
    assert_eq!((joined.error_code, joined.generation_id, joined.members.len()), (0, 1, 1));
    let sync = SyncGroupRequest {
        group_id: "g".into(),
        generation_id: 1,
        member_id: joined.member_id.clone(),
        protocol_type: Some("consumer".into()),
        protocol_name: Some("range".into()),
        assignments: vec![SyncGroupRequestAssignment {
            member_id: joined.member_id.clone(),
            assignment: Bytes::from_static(b"mine"),
        }],
        ..SyncGroupRequest::default()
    };
    for (protocol_type, protocol_name) in [(None, sync.protocol_name.clone()), (sync.protocol_type.clone(), None)] {
        let unnamed = SyncGroupRequest { protocol_type, protocol_name, ..sync.clone() };
        let refused = now(sync_group::answer(desk, &asker(5), unnamed));
        assert_eq!(refused.error_code, ErrorCode::InconsistentGroupProtocol.code());
    }
    let synced = now(sync_group::answer(desk, &asker(5), sync));
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, &b"mine"[..]));
    joined
}

#[test]
fn a_member_joins_syncs_beats_and_leaves() {
    let desk = FakeDesk::new();
    let joined = member_of(&desk);
    let beat = |generation_id| HeartbeatRequest {
        group_id: "g".into(),
        generation_id,
        member_id: joined.member_id.clone(),
        ..HeartbeatRequest::default()
    };
    assert_eq!(now(heartbeat::answer(&desk, &asker(4), beat(1))).error_code, 0);
    let stale = now(heartbeat::answer(&desk, &asker(4), beat(0)));
    assert_eq!(stale.error_code, ErrorCode::IllegalGeneration.code());
    let leave = LeaveGroupRequest {
        group_id: "g".into(),
        members: vec![MemberIdentity { member_id: joined.member_id.clone(), ..MemberIdentity::default() }],
        ..LeaveGroupRequest::default()
    };
    let left = now(leave_group::answer(&desk, &asker(5), leave));
    assert_eq!((left.error_code, left.members[0].error_code), (0, 0));
    let again = LeaveGroupRequest { group_id: "g".into(), member_id: joined.member_id, ..LeaveGroupRequest::default() };
    let gone = now(leave_group::answer(&desk, &asker(2), again));
    assert_eq!(gone.error_code, ErrorCode::UnknownMemberId.code());
}

#[test]
fn old_versions_join_at_once_and_get_no_nulls() {
    let desk = FakeDesk::new();
    let joined = now(join_group::answer(&desk, &asker(0), join_request("")));
    assert_eq!((joined.error_code, joined.protocol_name.as_deref()), (0, Some("range")));
    let refused =
        now(join_group::answer(&desk, &asker(6), JoinGroupRequest { group_id: "".into(), ..join_request("") }));
    assert_eq!((refused.error_code, refused.protocol_name), (ErrorCode::InvalidGroupId.code(), Some(String::new())));
    for version in 0..=9 {
        assert!(joined.clone().to_bytes(version).is_ok() || joined.skip_assignment, "version {version}");
    }
    let short = JoinGroupRequest { session_timeout_ms: 5, ..join_request("") };
    let refused = now(join_group::answer(&desk, &asker(9), short));
    assert_eq!(refused.error_code, ErrorCode::InvalidSessionTimeout.code());
}

fn commit_request(topic: &str, id: TopicId, partition: i32) -> OffsetCommitRequest {
    OffsetCommitRequest {
        group_id: "simple".into(),
        topics: vec![OffsetCommitRequestTopic {
            name: topic.into(),
            topic_id: Uuid(id.0),
            partitions: vec![OffsetCommitRequestPartition {
                partition_index: partition,
                committed_offset: 42,
                committed_metadata: Some("note".into()),
                ..OffsetCommitRequestPartition::default()
            }],
        }],
        ..OffsetCommitRequest::default()
    }
}

#[test]
fn offsets_are_committed_and_fetched_in_every_version() {
    let desk = FakeDesk::new();
    for version in 2..=10 {
        let (name, id) = if version >= 10 { ("", TOPIC) } else { ("t", TopicId::default()) };
        let response = now(offset_commit::answer(&desk, &asker(version), commit_request(name, id, 1)));
        assert_eq!(response.topics[0].partitions[0].error_code, 0, "version {version}");
        response.to_bytes(version).unwrap();
    }
    for version in 1..=7 {
        let topics = vec![OffsetFetchRequestTopic { name: "t".into(), partition_indexes: vec![0, 1] }];
        let request = OffsetFetchRequest { group_id: "simple".into(), topics: Some(topics), ..Default::default() };
        let response = now(offset_fetch::answer(&desk, &asker(version), request));
        let found: Vec<i64> = response.topics[0].partitions.iter().map(|found| found.committed_offset).collect();
        assert_eq!(found, [-1, 42], "version {version}");
        response.to_bytes(version).unwrap();
    }
    for version in 8..=10 {
        let (name, topic_id) = if version >= 10 { ("", Uuid(TOPIC.0)) } else { ("t", Uuid::ZERO) };
        let topics = vec![OffsetFetchRequestTopics { name: name.into(), topic_id, partition_indexes: vec![1] }];
        let one = OffsetFetchRequestGroup { group_id: "simple".into(), topics: Some(topics), ..Default::default() };
        let all = OffsetFetchRequestGroup { group_id: "simple".into(), topics: None, ..Default::default() };
        let request = OffsetFetchRequest { groups: vec![one, all], require_stable: true, ..Default::default() };
        let response = now(offset_fetch::answer(&desk, &asker(version), request));
        for group in &response.groups {
            assert_eq!(group.topics[0].partitions[0].committed_offset, 42, "version {version}");
        }
        response.to_bytes(version).unwrap();
    }
}

#[test]
fn what_does_not_exist_is_named_by_kafkas_errors() {
    let desk = FakeDesk::new();
    let error = |version, topic, id, partition| {
        let response = now(offset_commit::answer(&desk, &asker(version), commit_request(topic, id, partition)));
        ErrorCode::from_i16(response.topics[0].partitions[0].error_code).unwrap()
    };
    assert_eq!(error(9, "u", TopicId::default(), 0), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(error(9, "t", TopicId::default(), 2), ErrorCode::UnknownTopicOrPartition);
    assert_eq!(error(10, "", TopicId([9; 16]), 0), ErrorCode::UnknownTopicId);
    let stranger = OffsetCommitRequest {
        group_id: "none".into(),
        generation_id_or_member_epoch: 3,
        ..commit_request("t", TopicId::default(), 0)
    };
    for (version, expected) in [(8, ErrorCode::IllegalGeneration), (9, ErrorCode::GroupIdNotFound)] {
        let response = now(offset_commit::answer(&desk, &asker(version), stranger.clone()));
        assert_eq!(response.topics[0].partitions[0].error_code, expected.code());
    }
    let describe = DescribeGroupsRequest { groups: vec!["none".into()], ..DescribeGroupsRequest::default() };
    let old = now(describe_groups::answer(&desk, &asker(5), describe.clone()));
    assert_eq!((old.groups[0].error_code, old.groups[0].group_state.as_str()), (0, "Dead"));
    let new = now(describe_groups::answer(&desk, &asker(6), describe));
    assert_eq!(new.groups[0].error_code, ErrorCode::GroupIdNotFound.code());
    let delete = DeleteGroupsRequest { groups_names: vec!["none".into()] };
    let deleted = now(delete_groups::answer(&desk, &asker(3), delete));
    assert_eq!(deleted.results[0].error_message.as_deref(), Some("Group none not found."));
}

#[test]
fn groups_are_listed_described_and_deleted() {
    let desk = FakeDesk::new();
    let joined = member_of(&desk);
    now(offset_commit::answer(&desk, &asker(9), commit_request("t", TopicId::default(), 0)));
    let list = |states: &[&str], types: &[&str]| {
        let strings = |of: &[&str]| of.iter().map(|text| (*text).to_owned()).collect();
        let request = ListGroupsRequest { states_filter: strings(states), types_filter: strings(types) };
        let listed = now(list_groups::answer(&desk, &asker(5), request));
        listed.groups.into_iter().map(|group| (group.group_id, group.group_state)).collect::<Vec<_>>()
    };
    let pair = |group: &str, state: &str| (group.to_owned(), state.to_owned());
    assert_eq!(list(&[], &[]), [pair("g", "Stable"), pair("simple", "Empty")]);
    assert_eq!(list(&["STABLE"], &["Classic"]), [pair("g", "Stable")]);
    assert_eq!(list(&[], &["consumer"]), []);
    let request = DescribeGroupsRequest { groups: vec!["g".into()], include_authorized_operations: true };
    let described = now(describe_groups::answer(&desk, &asker(6), request)).groups.remove(0);
    assert_eq!((described.group_state.as_str(), described.protocol_data.as_str()), ("Stable", "range"));
    assert_eq!(described.authorized_operations, 3400);
    assert_eq!(described.members[0].member_id, joined.member_id);
    assert_eq!(&described.members[0].member_assignment[..], b"mine");
    let delete = DeleteGroupsRequest { groups_names: vec!["g".into(), "simple".into()] };
    let deleted = now(delete_groups::answer(&desk, &asker(2), delete));
    let errors: Vec<i16> = deleted.results.iter().map(|result| result.error_code).collect();
    assert_eq!(errors, [ErrorCode::NonEmptyGroup.code(), 0]);
}

#[test]
fn coordinators_are_found_one_by_one_or_in_batches() {
    let desk = FakeDesk::new();
    for version in 0..=6 {
        let mut request = FindCoordinatorRequest::default();
        if version >= 4 {
            request.coordinator_keys = vec!["g".into()];
        } else {
            request.key = "g".into();
        }
        let response = now(find_coordinator::answer(&desk, &asker(version), request));
        response.to_bytes(version).unwrap();
        let found = if version >= 4 { response.coordinators[0].node_id } else { response.node_id };
        assert_eq!(found, 1, "version {version}");
    }
    let request = FindCoordinatorRequest { key_type: 1, coordinator_keys: vec!["x".into()], ..Default::default() };
    let response = now(find_coordinator::answer(&desk, &asker(6), request));
    assert_eq!(response.coordinators[0].error_code, ErrorCode::UnsupportedVersion.code());
}
