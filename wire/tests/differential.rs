//! Random messages of every API and version mean the same to us, to the definitions and to the kafka-protocol crate:
//! each reads what another wrote and writes the same bytes again.

#[path = "support/recode.rs"]
mod recode;
mod support;

use bytes::{Bytes, BytesMut};
use corelog_wire_codegen::schema::{Message, Role};
use kafka_protocol::protocol::{Decodable, Encodable, Message as _};
use support::Random;

/// Random messages for each version of each message.
const ROUNDS: u64 = 12;

/// First and last version they know, and how they read and write.
type Theirs = (i16, i16, fn(&Bytes, i16) -> Result<Bytes, String>);

fn theirs<M: Decodable + Encodable>(bytes: &Bytes, version: i16) -> Result<Bytes, String> {
    let mut input = bytes.clone();
    let message = M::decode(&mut input, version).map_err(|e| e.to_string())?;
    let mut out = BytesMut::new();
    message.encode(&mut out, version).map_err(|e| e.to_string())?;
    if input.is_empty() { Ok(out.freeze()) } else { Err(format!("{} bytes left", input.len())) }
}

macro_rules! their_messages {
    ($($message:ident)*) => {
        fn their_message(name: &str) -> Option<Theirs> {
            $(
                if name == stringify!($message) {
                    type M = kafka_protocol::messages::$message;
                    return Some((M::VERSIONS.min, M::VERSIONS.max, theirs::<M>));
                }
            )*
            None
        }
    };
}

// All that both have; theirs lacks the streams groups' APIs and UnregisterController.
their_messages! {
    ProduceRequest ProduceResponse
    FetchRequest FetchResponse
    ListOffsetsRequest ListOffsetsResponse
    MetadataRequest MetadataResponse
    OffsetCommitRequest OffsetCommitResponse
    OffsetFetchRequest OffsetFetchResponse
    FindCoordinatorRequest FindCoordinatorResponse
    JoinGroupRequest JoinGroupResponse
    HeartbeatRequest HeartbeatResponse
    LeaveGroupRequest LeaveGroupResponse
    SyncGroupRequest SyncGroupResponse
    DescribeGroupsRequest DescribeGroupsResponse
    ListGroupsRequest ListGroupsResponse
    SaslHandshakeRequest SaslHandshakeResponse
    ApiVersionsRequest ApiVersionsResponse
    CreateTopicsRequest CreateTopicsResponse
    DeleteTopicsRequest DeleteTopicsResponse
    DeleteRecordsRequest DeleteRecordsResponse
    InitProducerIdRequest InitProducerIdResponse
    OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse
    AddPartitionsToTxnRequest AddPartitionsToTxnResponse
    AddOffsetsToTxnRequest AddOffsetsToTxnResponse
    EndTxnRequest EndTxnResponse
    WriteTxnMarkersRequest WriteTxnMarkersResponse
    TxnOffsetCommitRequest TxnOffsetCommitResponse
    DescribeAclsRequest DescribeAclsResponse
    CreateAclsRequest CreateAclsResponse
    DeleteAclsRequest DeleteAclsResponse
    DescribeConfigsRequest DescribeConfigsResponse
    AlterConfigsRequest AlterConfigsResponse
    AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse
    DescribeLogDirsRequest DescribeLogDirsResponse
    SaslAuthenticateRequest SaslAuthenticateResponse
    CreatePartitionsRequest CreatePartitionsResponse
    CreateDelegationTokenRequest CreateDelegationTokenResponse
    RenewDelegationTokenRequest RenewDelegationTokenResponse
    ExpireDelegationTokenRequest ExpireDelegationTokenResponse
    DescribeDelegationTokenRequest DescribeDelegationTokenResponse
    DeleteGroupsRequest DeleteGroupsResponse
    ElectLeadersRequest ElectLeadersResponse
    IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse
    AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse
    ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse
    OffsetDeleteRequest OffsetDeleteResponse
    DescribeClientQuotasRequest DescribeClientQuotasResponse
    AlterClientQuotasRequest AlterClientQuotasResponse
    DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse
    AlterUserScramCredentialsRequest AlterUserScramCredentialsResponse
    DescribeQuorumRequest DescribeQuorumResponse
    UpdateFeaturesRequest UpdateFeaturesResponse
    DescribeClusterRequest DescribeClusterResponse
    DescribeProducersRequest DescribeProducersResponse
    UnregisterBrokerRequest UnregisterBrokerResponse
    DescribeTransactionsRequest DescribeTransactionsResponse
    ListTransactionsRequest ListTransactionsResponse
    ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse
    ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse
    GetTelemetrySubscriptionsRequest GetTelemetrySubscriptionsResponse
    PushTelemetryRequest PushTelemetryResponse
    ListConfigResourcesRequest ListConfigResourcesResponse
    DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse
    ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse
    ShareGroupDescribeRequest ShareGroupDescribeResponse
    ShareFetchRequest ShareFetchResponse
    ShareAcknowledgeRequest ShareAcknowledgeResponse
    AddRaftVoterRequest AddRaftVoterResponse
    RemoveRaftVoterRequest RemoveRaftVoterResponse
    InitializeShareGroupStateRequest InitializeShareGroupStateResponse
    ReadShareGroupStateRequest ReadShareGroupStateResponse
    WriteShareGroupStateRequest WriteShareGroupStateResponse
    DeleteShareGroupStateRequest DeleteShareGroupStateResponse
    ReadShareGroupStateSummaryRequest ReadShareGroupStateSummaryResponse
    DescribeShareGroupOffsetsRequest DescribeShareGroupOffsetsResponse
    AlterShareGroupOffsetsRequest AlterShareGroupOffsetsResponse
    DeleteShareGroupOffsetsRequest DeleteShareGroupOffsetsResponse
}

fn every_message() -> Vec<Message> {
    let messages: Vec<_> = support::definitions().into_iter().flat_map(|file| file.messages).collect();
    messages.into_iter().filter(|message| recode::recoder(message.name()).is_some()).collect()
}

#[test]
fn every_defined_message_is_covered() {
    let messages: Vec<_> = support::definitions().into_iter().flat_map(|file| file.messages).collect();
    let requests = messages.iter().filter(|m| matches!(m.role, Role::Request(_))).count();
    assert_eq!(requests, 79);
    for message in messages.iter().filter(|m| !m.name().ends_with("Header")) {
        assert!(recode::recoder(message.name()).is_some(), "{} is not tested", message.name());
    }
}

#[test]
fn we_agree_with_the_definitions_on_every_version() {
    for message in every_message() {
        let recode = recode::recoder(message.name()).unwrap();
        for version in message.versions.first..=message.versions.last {
            for seed in 0..ROUNDS {
                let longest = [0, 1, 3][seed as usize % 3];
                let bytes = Bytes::from(support::message(&message, version, longest, &mut Random(seed)));
                let place = || format!("{} v{version} seed {seed}", message.name());
                let again = recode(&bytes, version).unwrap_or_else(|e| panic!("{}: {e}", place()));
                assert_eq!(again, bytes, "{}", place());
            }
        }
    }
}

#[test]
fn we_agree_with_the_kafka_protocol_crate_on_every_version_it_has() {
    let (mut compared, mut versions) = (0, 0);
    let mut wrong = Vec::new();
    for message in every_message() {
        let Some((first, last, theirs)) = their_message(message.name()) else { continue };
        let ours = recode::recoder(message.name()).unwrap();
        for version in message.versions.first.max(first)..=message.versions.last.min(last) {
            versions += 1;
            for seed in 0..ROUNDS {
                let longest = [0, 1, 3][seed as usize % 3];
                let bytes = Bytes::from(support::message(&message, version, longest, &mut Random(seed)));
                let ours = ours(&bytes, version).unwrap();
                match theirs(&ours, version) {
                    Ok(again) if again == ours => compared += 1,
                    other => wrong.push(format!("{} v{version} seed {seed}: {other:?}", message.name())),
                }
            }
        }
    }
    wrong.truncate(20);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(versions > 400 && compared > 4_000, "compared only {compared} messages of {versions} versions");
}
