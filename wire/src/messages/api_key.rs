//! Generated from all of `schemas/kafka` (FNV-1a bd81d8bef9f1f466); change that, not this.

use crate::api::Definition;

/// An API that a broker may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum ApiKey {
    /// Versions 3 to 13.
    Produce = 0,
    /// Versions 4 to 18.
    Fetch = 1,
    /// Versions 1 to 11.
    ListOffsets = 2,
    /// Versions 0 to 13.
    Metadata = 3,
    /// Versions 2 to 10.
    OffsetCommit = 8,
    /// Versions 1 to 10.
    OffsetFetch = 9,
    /// Versions 0 to 6.
    FindCoordinator = 10,
    /// Versions 0 to 9.
    JoinGroup = 11,
    /// Versions 0 to 4.
    Heartbeat = 12,
    /// Versions 0 to 5.
    LeaveGroup = 13,
    /// Versions 0 to 5.
    SyncGroup = 14,
    /// Versions 0 to 6.
    DescribeGroups = 15,
    /// Versions 0 to 5.
    ListGroups = 16,
    /// Versions 0 to 1.
    SaslHandshake = 17,
    /// Versions 0 to 5.
    ApiVersions = 18,
    /// Versions 2 to 7.
    CreateTopics = 19,
    /// Versions 1 to 6.
    DeleteTopics = 20,
    /// Versions 0 to 2.
    DeleteRecords = 21,
    /// Versions 0 to 6.
    InitProducerId = 22,
    /// Versions 2 to 4.
    OffsetForLeaderEpoch = 23,
    /// Versions 0 to 5.
    AddPartitionsToTxn = 24,
    /// Versions 0 to 4.
    AddOffsetsToTxn = 25,
    /// Versions 0 to 5.
    EndTxn = 26,
    /// Versions 1 to 2.
    WriteTxnMarkers = 27,
    /// Versions 0 to 6.
    TxnOffsetCommit = 28,
    /// Versions 1 to 3.
    DescribeAcls = 29,
    /// Versions 1 to 3.
    CreateAcls = 30,
    /// Versions 1 to 3.
    DeleteAcls = 31,
    /// Versions 1 to 4.
    DescribeConfigs = 32,
    /// Versions 0 to 2.
    AlterConfigs = 33,
    /// Versions 1 to 2.
    AlterReplicaLogDirs = 34,
    /// Versions 1 to 5.
    DescribeLogDirs = 35,
    /// Versions 0 to 2.
    SaslAuthenticate = 36,
    /// Versions 0 to 3.
    CreatePartitions = 37,
    /// Versions 1 to 3.
    CreateDelegationToken = 38,
    /// Versions 1 to 2.
    RenewDelegationToken = 39,
    /// Versions 1 to 2.
    ExpireDelegationToken = 40,
    /// Versions 1 to 3.
    DescribeDelegationToken = 41,
    /// Versions 0 to 3.
    DeleteGroups = 42,
    /// Versions 0 to 2.
    ElectLeaders = 43,
    /// Versions 0 to 1.
    IncrementalAlterConfigs = 44,
    /// Versions 0 to 1.
    AlterPartitionReassignments = 45,
    /// Versions 0 to 0.
    ListPartitionReassignments = 46,
    /// Versions 0 to 0.
    OffsetDelete = 47,
    /// Versions 0 to 1.
    DescribeClientQuotas = 48,
    /// Versions 0 to 1.
    AlterClientQuotas = 49,
    /// Versions 0 to 0.
    DescribeUserScramCredentials = 50,
    /// Versions 0 to 0.
    AlterUserScramCredentials = 51,
    /// Versions 0 to 2.
    DescribeQuorum = 55,
    /// Versions 0 to 2.
    UpdateFeatures = 57,
    /// Versions 0 to 2.
    DescribeCluster = 60,
    /// Versions 0 to 0.
    DescribeProducers = 61,
    /// Versions 0 to 0.
    UnregisterBroker = 64,
    /// Versions 0 to 0.
    DescribeTransactions = 65,
    /// Versions 0 to 2.
    ListTransactions = 66,
    /// Versions 0 to 1.
    ConsumerGroupHeartbeat = 68,
    /// Versions 0 to 1.
    ConsumerGroupDescribe = 69,
    /// Versions 0 to 0.
    GetTelemetrySubscriptions = 71,
    /// Versions 0 to 0.
    PushTelemetry = 72,
    /// Versions 0 to 1.
    ListConfigResources = 74,
    /// Versions 0 to 0.
    DescribeTopicPartitions = 75,
    /// Versions 1 to 1.
    ShareGroupHeartbeat = 76,
    /// Versions 1 to 1.
    ShareGroupDescribe = 77,
    /// Versions 1 to 2.
    ShareFetch = 78,
    /// Versions 1 to 2.
    ShareAcknowledge = 79,
    /// Versions 0 to 1.
    AddRaftVoter = 80,
    /// Versions 0 to 0.
    RemoveRaftVoter = 81,
    /// Versions 0 to 0.
    InitializeShareGroupState = 83,
    /// Versions 0 to 0.
    ReadShareGroupState = 84,
    /// Versions 0 to 1.
    WriteShareGroupState = 85,
    /// Versions 0 to 0.
    DeleteShareGroupState = 86,
    /// Versions 0 to 1.
    ReadShareGroupStateSummary = 87,
    /// Versions 0 to 1.
    StreamsGroupHeartbeat = 88,
    /// Versions 0 to 1.
    StreamsGroupDescribe = 89,
    /// Versions 0 to 1.
    DescribeShareGroupOffsets = 90,
    /// Versions 0 to 0.
    AlterShareGroupOffsets = 91,
    /// Versions 0 to 0.
    DeleteShareGroupOffsets = 92,
    /// Versions 0 to 0.
    StreamsGroupTopologyDescriptionUpdate = 93,
    /// Versions 0 to 0.
    UnregisterController = 94,
}

/// Every API, by key.
pub(crate) const TABLE: [Definition; 79] = [
    Definition { key: ApiKey::Produce, name: "Produce", first: 3, stable: 13, last: 13, flexible: 9 },
    Definition { key: ApiKey::Fetch, name: "Fetch", first: 4, stable: 18, last: 18, flexible: 12 },
    Definition { key: ApiKey::ListOffsets, name: "ListOffsets", first: 1, stable: 11, last: 11, flexible: 6 },
    Definition { key: ApiKey::Metadata, name: "Metadata", first: 0, stable: 13, last: 13, flexible: 9 },
    Definition { key: ApiKey::OffsetCommit, name: "OffsetCommit", first: 2, stable: 10, last: 10, flexible: 8 },
    Definition { key: ApiKey::OffsetFetch, name: "OffsetFetch", first: 1, stable: 10, last: 10, flexible: 6 },
    Definition { key: ApiKey::FindCoordinator, name: "FindCoordinator", first: 0, stable: 6, last: 6, flexible: 3 },
    Definition { key: ApiKey::JoinGroup, name: "JoinGroup", first: 0, stable: 9, last: 9, flexible: 6 },
    Definition { key: ApiKey::Heartbeat, name: "Heartbeat", first: 0, stable: 4, last: 4, flexible: 4 },
    Definition { key: ApiKey::LeaveGroup, name: "LeaveGroup", first: 0, stable: 5, last: 5, flexible: 4 },
    Definition { key: ApiKey::SyncGroup, name: "SyncGroup", first: 0, stable: 5, last: 5, flexible: 4 },
    Definition { key: ApiKey::DescribeGroups, name: "DescribeGroups", first: 0, stable: 6, last: 6, flexible: 5 },
    Definition { key: ApiKey::ListGroups, name: "ListGroups", first: 0, stable: 5, last: 5, flexible: 3 },
    Definition { key: ApiKey::SaslHandshake, name: "SaslHandshake", first: 0, stable: 1, last: 1, flexible: i16::MAX },
    Definition { key: ApiKey::ApiVersions, name: "ApiVersions", first: 0, stable: 5, last: 5, flexible: 3 },
    Definition { key: ApiKey::CreateTopics, name: "CreateTopics", first: 2, stable: 7, last: 7, flexible: 5 },
    Definition { key: ApiKey::DeleteTopics, name: "DeleteTopics", first: 1, stable: 6, last: 6, flexible: 4 },
    Definition { key: ApiKey::DeleteRecords, name: "DeleteRecords", first: 0, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::InitProducerId, name: "InitProducerId", first: 0, stable: 5, last: 6, flexible: 2 },
    Definition { key: ApiKey::OffsetForLeaderEpoch, name: "OffsetForLeaderEpoch", first: 2, stable: 4, last: 4, flexible: 4 },
    Definition { key: ApiKey::AddPartitionsToTxn, name: "AddPartitionsToTxn", first: 0, stable: 5, last: 5, flexible: 3 },
    Definition { key: ApiKey::AddOffsetsToTxn, name: "AddOffsetsToTxn", first: 0, stable: 4, last: 4, flexible: 3 },
    Definition { key: ApiKey::EndTxn, name: "EndTxn", first: 0, stable: 5, last: 5, flexible: 3 },
    Definition { key: ApiKey::WriteTxnMarkers, name: "WriteTxnMarkers", first: 1, stable: 2, last: 2, flexible: 1 },
    Definition { key: ApiKey::TxnOffsetCommit, name: "TxnOffsetCommit", first: 0, stable: 6, last: 6, flexible: 3 },
    Definition { key: ApiKey::DescribeAcls, name: "DescribeAcls", first: 1, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::CreateAcls, name: "CreateAcls", first: 1, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::DeleteAcls, name: "DeleteAcls", first: 1, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::DescribeConfigs, name: "DescribeConfigs", first: 1, stable: 4, last: 4, flexible: 4 },
    Definition { key: ApiKey::AlterConfigs, name: "AlterConfigs", first: 0, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::AlterReplicaLogDirs, name: "AlterReplicaLogDirs", first: 1, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::DescribeLogDirs, name: "DescribeLogDirs", first: 1, stable: 5, last: 5, flexible: 2 },
    Definition { key: ApiKey::SaslAuthenticate, name: "SaslAuthenticate", first: 0, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::CreatePartitions, name: "CreatePartitions", first: 0, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::CreateDelegationToken, name: "CreateDelegationToken", first: 1, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::RenewDelegationToken, name: "RenewDelegationToken", first: 1, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::ExpireDelegationToken, name: "ExpireDelegationToken", first: 1, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::DescribeDelegationToken, name: "DescribeDelegationToken", first: 1, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::DeleteGroups, name: "DeleteGroups", first: 0, stable: 3, last: 3, flexible: 2 },
    Definition { key: ApiKey::ElectLeaders, name: "ElectLeaders", first: 0, stable: 2, last: 2, flexible: 2 },
    Definition { key: ApiKey::IncrementalAlterConfigs, name: "IncrementalAlterConfigs", first: 0, stable: 1, last: 1, flexible: 1 },
    Definition { key: ApiKey::AlterPartitionReassignments, name: "AlterPartitionReassignments", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::ListPartitionReassignments, name: "ListPartitionReassignments", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::OffsetDelete, name: "OffsetDelete", first: 0, stable: 0, last: 0, flexible: i16::MAX },
    Definition { key: ApiKey::DescribeClientQuotas, name: "DescribeClientQuotas", first: 0, stable: 1, last: 1, flexible: 1 },
    Definition { key: ApiKey::AlterClientQuotas, name: "AlterClientQuotas", first: 0, stable: 1, last: 1, flexible: 1 },
    Definition { key: ApiKey::DescribeUserScramCredentials, name: "DescribeUserScramCredentials", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::AlterUserScramCredentials, name: "AlterUserScramCredentials", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::DescribeQuorum, name: "DescribeQuorum", first: 0, stable: 2, last: 2, flexible: 0 },
    Definition { key: ApiKey::UpdateFeatures, name: "UpdateFeatures", first: 0, stable: 2, last: 2, flexible: 0 },
    Definition { key: ApiKey::DescribeCluster, name: "DescribeCluster", first: 0, stable: 2, last: 2, flexible: 0 },
    Definition { key: ApiKey::DescribeProducers, name: "DescribeProducers", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::UnregisterBroker, name: "UnregisterBroker", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::DescribeTransactions, name: "DescribeTransactions", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::ListTransactions, name: "ListTransactions", first: 0, stable: 2, last: 2, flexible: 0 },
    Definition { key: ApiKey::ConsumerGroupHeartbeat, name: "ConsumerGroupHeartbeat", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::ConsumerGroupDescribe, name: "ConsumerGroupDescribe", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::GetTelemetrySubscriptions, name: "GetTelemetrySubscriptions", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::PushTelemetry, name: "PushTelemetry", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::ListConfigResources, name: "ListConfigResources", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::DescribeTopicPartitions, name: "DescribeTopicPartitions", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::ShareGroupHeartbeat, name: "ShareGroupHeartbeat", first: 1, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::ShareGroupDescribe, name: "ShareGroupDescribe", first: 1, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::ShareFetch, name: "ShareFetch", first: 1, stable: 2, last: 2, flexible: 0 },
    Definition { key: ApiKey::ShareAcknowledge, name: "ShareAcknowledge", first: 1, stable: 2, last: 2, flexible: 0 },
    Definition { key: ApiKey::AddRaftVoter, name: "AddRaftVoter", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::RemoveRaftVoter, name: "RemoveRaftVoter", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::InitializeShareGroupState, name: "InitializeShareGroupState", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::ReadShareGroupState, name: "ReadShareGroupState", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::WriteShareGroupState, name: "WriteShareGroupState", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::DeleteShareGroupState, name: "DeleteShareGroupState", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::ReadShareGroupStateSummary, name: "ReadShareGroupStateSummary", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::StreamsGroupHeartbeat, name: "StreamsGroupHeartbeat", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::StreamsGroupDescribe, name: "StreamsGroupDescribe", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::DescribeShareGroupOffsets, name: "DescribeShareGroupOffsets", first: 0, stable: 1, last: 1, flexible: 0 },
    Definition { key: ApiKey::AlterShareGroupOffsets, name: "AlterShareGroupOffsets", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::DeleteShareGroupOffsets, name: "DeleteShareGroupOffsets", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::StreamsGroupTopologyDescriptionUpdate, name: "StreamsGroupTopologyDescriptionUpdate", first: 0, stable: 0, last: 0, flexible: 0 },
    Definition { key: ApiKey::UnregisterController, name: "UnregisterController", first: 0, stable: 0, last: 0, flexible: 0 },
];

/// Calls the macro `$then` with a list `ApiName ApiNameRequest ApiNameResponse, ...` of all APIs.
#[macro_export]
macro_rules! for_each_api {
    ($then:ident) => {
        $then! {
            Produce ProduceRequest ProduceResponse,
            Fetch FetchRequest FetchResponse,
            ListOffsets ListOffsetsRequest ListOffsetsResponse,
            Metadata MetadataRequest MetadataResponse,
            OffsetCommit OffsetCommitRequest OffsetCommitResponse,
            OffsetFetch OffsetFetchRequest OffsetFetchResponse,
            FindCoordinator FindCoordinatorRequest FindCoordinatorResponse,
            JoinGroup JoinGroupRequest JoinGroupResponse,
            Heartbeat HeartbeatRequest HeartbeatResponse,
            LeaveGroup LeaveGroupRequest LeaveGroupResponse,
            SyncGroup SyncGroupRequest SyncGroupResponse,
            DescribeGroups DescribeGroupsRequest DescribeGroupsResponse,
            ListGroups ListGroupsRequest ListGroupsResponse,
            SaslHandshake SaslHandshakeRequest SaslHandshakeResponse,
            ApiVersions ApiVersionsRequest ApiVersionsResponse,
            CreateTopics CreateTopicsRequest CreateTopicsResponse,
            DeleteTopics DeleteTopicsRequest DeleteTopicsResponse,
            DeleteRecords DeleteRecordsRequest DeleteRecordsResponse,
            InitProducerId InitProducerIdRequest InitProducerIdResponse,
            OffsetForLeaderEpoch OffsetForLeaderEpochRequest OffsetForLeaderEpochResponse,
            AddPartitionsToTxn AddPartitionsToTxnRequest AddPartitionsToTxnResponse,
            AddOffsetsToTxn AddOffsetsToTxnRequest AddOffsetsToTxnResponse,
            EndTxn EndTxnRequest EndTxnResponse,
            WriteTxnMarkers WriteTxnMarkersRequest WriteTxnMarkersResponse,
            TxnOffsetCommit TxnOffsetCommitRequest TxnOffsetCommitResponse,
            DescribeAcls DescribeAclsRequest DescribeAclsResponse,
            CreateAcls CreateAclsRequest CreateAclsResponse,
            DeleteAcls DeleteAclsRequest DeleteAclsResponse,
            DescribeConfigs DescribeConfigsRequest DescribeConfigsResponse,
            AlterConfigs AlterConfigsRequest AlterConfigsResponse,
            AlterReplicaLogDirs AlterReplicaLogDirsRequest AlterReplicaLogDirsResponse,
            DescribeLogDirs DescribeLogDirsRequest DescribeLogDirsResponse,
            SaslAuthenticate SaslAuthenticateRequest SaslAuthenticateResponse,
            CreatePartitions CreatePartitionsRequest CreatePartitionsResponse,
            CreateDelegationToken CreateDelegationTokenRequest CreateDelegationTokenResponse,
            RenewDelegationToken RenewDelegationTokenRequest RenewDelegationTokenResponse,
            ExpireDelegationToken ExpireDelegationTokenRequest ExpireDelegationTokenResponse,
            DescribeDelegationToken DescribeDelegationTokenRequest DescribeDelegationTokenResponse,
            DeleteGroups DeleteGroupsRequest DeleteGroupsResponse,
            ElectLeaders ElectLeadersRequest ElectLeadersResponse,
            IncrementalAlterConfigs IncrementalAlterConfigsRequest IncrementalAlterConfigsResponse,
            AlterPartitionReassignments AlterPartitionReassignmentsRequest AlterPartitionReassignmentsResponse,
            ListPartitionReassignments ListPartitionReassignmentsRequest ListPartitionReassignmentsResponse,
            OffsetDelete OffsetDeleteRequest OffsetDeleteResponse,
            DescribeClientQuotas DescribeClientQuotasRequest DescribeClientQuotasResponse,
            AlterClientQuotas AlterClientQuotasRequest AlterClientQuotasResponse,
            DescribeUserScramCredentials DescribeUserScramCredentialsRequest DescribeUserScramCredentialsResponse,
            AlterUserScramCredentials AlterUserScramCredentialsRequest AlterUserScramCredentialsResponse,
            DescribeQuorum DescribeQuorumRequest DescribeQuorumResponse,
            UpdateFeatures UpdateFeaturesRequest UpdateFeaturesResponse,
            DescribeCluster DescribeClusterRequest DescribeClusterResponse,
            DescribeProducers DescribeProducersRequest DescribeProducersResponse,
            UnregisterBroker UnregisterBrokerRequest UnregisterBrokerResponse,
            DescribeTransactions DescribeTransactionsRequest DescribeTransactionsResponse,
            ListTransactions ListTransactionsRequest ListTransactionsResponse,
            ConsumerGroupHeartbeat ConsumerGroupHeartbeatRequest ConsumerGroupHeartbeatResponse,
            ConsumerGroupDescribe ConsumerGroupDescribeRequest ConsumerGroupDescribeResponse,
            GetTelemetrySubscriptions GetTelemetrySubscriptionsRequest GetTelemetrySubscriptionsResponse,
            PushTelemetry PushTelemetryRequest PushTelemetryResponse,
            ListConfigResources ListConfigResourcesRequest ListConfigResourcesResponse,
            DescribeTopicPartitions DescribeTopicPartitionsRequest DescribeTopicPartitionsResponse,
            ShareGroupHeartbeat ShareGroupHeartbeatRequest ShareGroupHeartbeatResponse,
            ShareGroupDescribe ShareGroupDescribeRequest ShareGroupDescribeResponse,
            ShareFetch ShareFetchRequest ShareFetchResponse,
            ShareAcknowledge ShareAcknowledgeRequest ShareAcknowledgeResponse,
            AddRaftVoter AddRaftVoterRequest AddRaftVoterResponse,
            RemoveRaftVoter RemoveRaftVoterRequest RemoveRaftVoterResponse,
            InitializeShareGroupState InitializeShareGroupStateRequest InitializeShareGroupStateResponse,
            ReadShareGroupState ReadShareGroupStateRequest ReadShareGroupStateResponse,
            WriteShareGroupState WriteShareGroupStateRequest WriteShareGroupStateResponse,
            DeleteShareGroupState DeleteShareGroupStateRequest DeleteShareGroupStateResponse,
            ReadShareGroupStateSummary ReadShareGroupStateSummaryRequest ReadShareGroupStateSummaryResponse,
            StreamsGroupHeartbeat StreamsGroupHeartbeatRequest StreamsGroupHeartbeatResponse,
            StreamsGroupDescribe StreamsGroupDescribeRequest StreamsGroupDescribeResponse,
            DescribeShareGroupOffsets DescribeShareGroupOffsetsRequest DescribeShareGroupOffsetsResponse,
            AlterShareGroupOffsets AlterShareGroupOffsetsRequest AlterShareGroupOffsetsResponse,
            DeleteShareGroupOffsets DeleteShareGroupOffsetsRequest DeleteShareGroupOffsetsResponse,
            StreamsGroupTopologyDescriptionUpdate StreamsGroupTopologyDescriptionUpdateRequest StreamsGroupTopologyDescriptionUpdateResponse,
            UnregisterController UnregisterControllerRequest UnregisterControllerResponse,
        }
    };
}
