//! What a coordinator writes to its partition of `__consumer_offsets`, as plain values: the meaning of Kafka's records,
//! without their encoding.

use bytes::Bytes;
use corelog_storage::ids::TopicId;

use super::{
    call::Client,
    memory::{MEMBER_BYTES, OFFSET_BYTES},
    names::{Generation, GroupId, InstanceId, MemberId, ProtocolName, TopicName},
};

/// One record. A later record of the same key replaces an earlier one; `None` deletes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Record {
    /// A committed offset of a group.
    Offset {
        /// The group.
        group: GroupId,
        /// The topic.
        topic: TopicName,
        /// The partition.
        partition: i32,
        /// The offset, or its end.
        value: Option<StoredOffset>,
    },
    /// A group's generation.
    Group {
        /// The group.
        group: GroupId,
        /// The generation, or the group's end.
        value: Option<StoredGroup>,
    },
}

/// A committed offset as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredOffset {
    /// Where to resume.
    pub offset: i64,
    /// The leader epoch of the last record consumed, -1 if unknown.
    pub leader_epoch: i32,
    /// The client's own note.
    pub metadata: String,
    /// When it was committed, ms since 1970.
    pub committed_at_ms: i64,
    /// When it expires, if the client set that (before KIP-211), ms since 1970.
    pub expires_at_ms: Option<i64>,
    /// The topic's id at the time, zero if unknown: a topic created anew does not inherit the old one's offsets.
    pub topic_id: TopicId,
}

/// A group's generation as it is kept: stable if it has members, empty if not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredGroup {
    /// The class of protocol, empty if none was ever set.
    pub protocol_type: String,
    /// The generation.
    pub generation: Generation,
    /// The strategy.
    pub protocol: Option<ProtocolName>,
    /// Who computes the assignment.
    pub leader: Option<MemberId>,
    /// Since when the group is in this state, ms since 1970.
    pub state_since_ms: Option<i64>,
    /// The members.
    pub members: Vec<StoredMember>,
}

/// A member as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredMember {
    /// Its id.
    pub member: MemberId,
    /// Its static name.
    pub instance: Option<InstanceId>,
    /// Who it is.
    pub client: Client,
    /// How long it may take to rejoin.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent.
    pub session_timeout_ms: i32,
    /// Its metadata for the group's strategy.
    pub subscription: Bytes,
    /// What the leader assigned to it.
    pub assignment: Bytes,
}

/// An upper bound of what the fixed-size fields, lengths and record framing of one record or member take, in bytes.
const FRAMING: usize = 128;

impl Record {
    /// The group it is about.
    pub fn group(&self) -> &GroupId {
        match self {
            Self::Offset { group, .. } | Self::Group { group, .. } => group,
        }
    }

    /// An upper bound of its size in a batch, in bytes.
    pub fn size_bound(&self) -> usize {
        match self {
            Self::Offset { group, topic, value, .. } => {
                let metadata = value.as_ref().map_or(0, |value| value.metadata.len());
                FRAMING + group.as_str().len() + topic.as_str().len() + metadata
            }
            Self::Group { group, value } => {
                FRAMING + group.as_str().len() + value.as_ref().map_or(0, StoredGroup::size_bound)
            }
        }
    }
}

impl StoredOffset {
    /// About what it takes of memory.
    pub(super) fn bytes(&self) -> usize {
        OFFSET_BYTES + self.metadata.len()
    }
}

impl StoredGroup {
    /// About what it takes of memory.
    pub(super) fn bytes(&self) -> usize {
        self.size_bound() + self.members.len() * MEMBER_BYTES
    }

    fn size_bound(&self) -> usize {
        let names = self.protocol_type.len()
            + self.protocol.as_ref().map_or(0, |name| name.as_str().len())
            + self.leader.as_ref().map_or(0, |name| name.as_str().len());
        names + self.members.iter().map(StoredMember::size_bound).sum::<usize>()
    }
}

impl StoredMember {
    fn size_bound(&self) -> usize {
        FRAMING
            + self.member.as_str().len()
            + self.instance.as_ref().map_or(0, |name| name.as_str().len())
            + self.client.id.len()
            + self.client.host.len()
            + self.subscription.len()
            + self.assignment.len()
    }
}
