//! What may be asked of a group coordinator and what it answers, as plain values: free of protocol versions, and `Send`,
//! since the core a client is connected to is seldom the core that coordinates its group.

use bytes::Bytes;
use corelog_storage::ids::TopicId;

use super::{
    error::GroupError,
    memory::{GROUP_BYTES, MEMBER_BYTES},
    names::{Generation, GroupId, InstanceId, MemberId, ProtocolName, TopicName},
};

/// A request to the coordinator of one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Call {
    /// Become or stay a member; parks until the rebalance's join phase ends.
    Join(Join),
    /// Give (as leader) and receive an assignment; parks until the leader gave it and it is committed.
    Sync(Sync),
    /// Stay alive; learn of a rebalance.
    Heartbeat(Heartbeat),
    /// Remove members.
    Leave(Leave),
    /// Store offsets.
    CommitOffsets(CommitOffsets),
    /// Read committed offsets.
    FetchOffsets(FetchOffsets),
    /// Delete committed offsets of topics to which nobody subscribes.
    DeleteOffsets(DeleteOffsets),
    /// What the group looks like.
    Describe(GroupId),
    /// Delete the group, which must be empty, and its offsets.
    Delete(GroupId),
}

impl Call {
    /// The group asked for.
    pub fn group(&self) -> &GroupId {
        match self {
            Self::Join(call) => &call.group,
            Self::Sync(call) => &call.group,
            Self::Heartbeat(call) => &call.group,
            Self::Leave(call) => &call.group,
            Self::CommitOffsets(call) => &call.group,
            Self::FetchOffsets(call) => &call.group,
            Self::DeleteOffsets(call) => &call.group,
            Self::Describe(group) | Self::Delete(group) => group,
        }
    }
}

/// The answer to a [`Call`] of the same name; `Refused` may answer any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// To [`Call::Join`].
    Join(Result<Joined, JoinRefused>),
    /// To [`Call::Sync`].
    Sync(Result<Synced, GroupError>),
    /// To [`Call::Heartbeat`].
    Heartbeat(Result<(), GroupError>),
    /// To [`Call::Leave`]: one outcome per member asked for, in order.
    Leave(Vec<Left>),
    /// To [`Call::CommitOffsets`]: per topic and partition asked for, in order.
    CommitOffsets(TopicOutcomes),
    /// To [`Call::FetchOffsets`].
    FetchOffsets(Vec<(TopicName, Vec<FetchedOffset>)>),
    /// To [`Call::DeleteOffsets`]: per topic and partition asked for, in order.
    DeleteOffsets(TopicOutcomes),
    /// To [`Call::Describe`].
    Describe(Described),
    /// To [`Call::Delete`].
    Delete(Result<(), GroupError>),
    /// The whole call failed.
    Refused(GroupError),
}

/// The outcome per partition of one topic, in the order asked for.
pub type PartitionOutcomes = Vec<(i32, Result<(), GroupError>)>;

/// The outcomes per topic, in the order asked for.
pub type TopicOutcomes = Vec<(TopicName, PartitionOutcomes)>;

/// Where a request came from, as groups record and show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// The client's own name for itself.
    pub id: String,
    /// Its address as Kafka's tools show it: `/127.0.0.1`.
    pub host: String,
}

/// JoinGroup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Join {
    /// The group.
    pub group: GroupId,
    /// The member's id, empty for a new one.
    pub member: MemberId,
    /// Set by a static member.
    pub instance: Option<InstanceId>,
    /// Who asks.
    pub client: Client,
    /// After this long without a sign of life the member is removed.
    pub session_timeout_ms: i32,
    /// How long the member may take to rejoin a rebalance.
    pub rebalance_timeout_ms: i32,
    /// The class of protocol, "consumer" for consumers.
    pub protocol_type: String,
    /// Strategies the member offers, best first, each with the member's metadata for it.
    pub protocols: Vec<(ProtocolName, Bytes)>,
    /// What the member says is the reason.
    pub reason: Option<String>,
    /// Whether a new dynamic member is told its id first and must ask again with it (KIP-394, JoinGroup 4 and later).
    pub member_id_required: bool,
    /// Whether a leader may be told to skip the assignment (KIP-814, JoinGroup 9 and later).
    pub may_skip_assignment: bool,
    /// Random bits, from which a new member's id is made.
    pub entropy: u128,
}

impl Join {
    /// About what it takes of memory, and the member after it.
    pub(super) fn bytes(&self) -> usize {
        let offers: usize = self.protocols.iter().map(|(name, data)| name.as_str().len() + data.len()).sum();
        let names = self.group.as_str().len() + self.client.id.len() + self.reason.as_ref().map_or(0, String::len);
        GROUP_BYTES + MEMBER_BYTES + offers + names
    }
}

/// The join phase ended: the member belongs to a generation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    /// The generation.
    pub generation: Generation,
    /// The class of protocol.
    pub protocol_type: Option<String>,
    /// The strategy chosen.
    pub protocol: Option<ProtocolName>,
    /// Who must compute the assignment.
    pub leader: MemberId,
    /// The leader need not compute one: the group keeps what it has.
    pub skip_assignment: bool,
    /// The member's id.
    pub member: MemberId,
    /// For the leader: every member, with its metadata for the chosen strategy.
    pub members: Vec<MemberMetadata>,
}

/// One member as its leader sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberMetadata {
    /// Its id.
    pub member: MemberId,
    /// Its static name.
    pub instance: Option<InstanceId>,
    /// Its metadata for the chosen strategy.
    pub metadata: Bytes,
}

/// A join refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JoinRefused {
    /// Why.
    pub error: GroupError,
    /// The id the member shall use or has used; empty to start over.
    pub member: MemberId,
}

/// SyncGroup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sync {
    /// The group.
    pub group: GroupId,
    /// The member's id.
    pub member: MemberId,
    /// Its static name.
    pub instance: Option<InstanceId>,
    /// The generation it joined.
    pub generation: Generation,
    /// What it believes the class of protocol to be.
    pub protocol_type: Option<String>,
    /// What it believes the strategy to be.
    pub protocol: Option<ProtocolName>,
    /// From the leader: what each member gets.
    pub assignments: Vec<(MemberId, Bytes)>,
}

/// What a member was assigned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synced {
    /// The class of protocol.
    pub protocol_type: Option<String>,
    /// The strategy.
    pub protocol: Option<ProtocolName>,
    /// The leader's bytes for this member.
    pub assignment: Bytes,
}

/// Heartbeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// The group.
    pub group: GroupId,
    /// The member's id.
    pub member: MemberId,
    /// Its static name.
    pub instance: Option<InstanceId>,
    /// The generation it believes in.
    pub generation: Generation,
}

/// LeaveGroup.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leave {
    /// The group.
    pub group: GroupId,
    /// Who leaves; an empty member id with a static name removes whoever bears it.
    pub members: Vec<(MemberId, Option<InstanceId>)>,
}

/// The outcome for one member of a [`Leave`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// As asked.
    pub member: MemberId,
    /// As asked.
    pub instance: Option<InstanceId>,
    /// Whether it left.
    pub outcome: Result<(), GroupError>,
}

/// OffsetCommit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommitOffsets {
    /// The group.
    pub group: GroupId,
    /// The member, empty for a simple consumer.
    pub member: MemberId,
    /// Its static name.
    pub instance: Option<InstanceId>,
    /// Its generation, -1 for a simple consumer.
    pub generation: Generation,
    /// How long to keep the offsets, from clients before KIP-211.
    pub retention_ms: Option<i64>,
    /// Whether an unknown group is GROUP_ID_NOT_FOUND rather than ILLEGAL_GENERATION (OffsetCommit 9 and later).
    pub knows_group_id_not_found: bool,
    /// What to store.
    pub topics: Vec<(TopicName, TopicId, Vec<PartitionCommit>)>,
}

/// One partition of a [`CommitOffsets`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionCommit {
    /// The partition.
    pub partition: i32,
    /// The offset to resume from.
    pub offset: i64,
    /// The leader epoch of the last record consumed, -1 if unknown.
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: String,
}

/// OffsetFetch for one group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchOffsets {
    /// The group.
    pub group: GroupId,
    /// Which partitions of which topics (with the topic's present id, zero if unknown); all when `None`.
    pub topics: Option<Vec<(TopicName, TopicId, Vec<i32>)>>,
    /// Wait until commits in flight are decided.
    pub require_stable: bool,
}

/// One partition of an OffsetFetch; offset -1 when nothing is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FetchedOffset {
    /// The partition.
    pub partition: i32,
    /// The committed offset.
    pub offset: i64,
    /// The leader epoch that was committed with it, -1 if none.
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: String,
}

/// OffsetDelete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteOffsets {
    /// The group.
    pub group: GroupId,
    /// Which partitions of which topics.
    pub topics: Vec<(TopicName, Vec<i32>)>,
}

/// One group as DescribeGroups shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Described {
    /// Whether there is such a group; the rest is empty when there is not.
    pub found: bool,
    /// Its state.
    pub state: GroupState,
    /// The class of protocol.
    pub protocol_type: String,
    /// The strategy, while stable.
    pub protocol: String,
    /// Its members.
    pub members: Vec<DescribedMember>,
}

/// One member of a [`Described`] group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedMember {
    /// Its id.
    pub member: MemberId,
    /// Its static name.
    pub instance: Option<InstanceId>,
    /// Who it is.
    pub client: Client,
    /// Its metadata for the strategy; empty unless the group is stable.
    pub metadata: Bytes,
    /// Its assignment; empty unless the group is stable.
    pub assignment: Bytes,
}

/// One group as ListGroups shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its id.
    pub group: GroupId,
    /// The class of protocol, empty for a simple group.
    pub protocol_type: String,
    /// Its state.
    pub state: GroupState,
}

/// Where a group stands in the classic protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupState {
    /// No members; perhaps offsets.
    Empty,
    /// The join phase: waiting for members to (re)join.
    PreparingRebalance,
    /// The sync phase: waiting for the leader's assignment.
    CompletingRebalance,
    /// Members own what the leader assigned.
    Stable,
    /// There is no such group (any more).
    Dead,
}

impl GroupState {
    /// Kafka's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}
