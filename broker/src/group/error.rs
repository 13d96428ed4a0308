//! What a coordinator refuses, by Kafka's names. The numbers they travel as are given in one place, where answers are
//! put on the wire.

use std::fmt;

/// Why a group call was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupError {
    /// The coordinator reads its partition; ask again soon.
    CoordinatorLoadInProgress,
    /// No coordinator for the group right now; ask again soon.
    CoordinatorNotAvailable,
    /// This core or node does not coordinate the group.
    NotCoordinator,
    /// The group id is empty where it must not be.
    InvalidGroupId,
    /// The generation is not the group's.
    IllegalGeneration,
    /// The member's protocols do not fit the group's.
    InconsistentGroupProtocol,
    /// The group has no such member.
    UnknownMember,
    /// The session time-out is outside the configured bounds.
    InvalidSessionTimeout,
    /// The member must rejoin.
    RebalanceInProgress,
    /// A commit's metadata is too long.
    OffsetMetadataTooLarge,
    /// The group has members.
    NonEmptyGroup,
    /// There is no such group.
    GroupIdNotFound,
    /// The member shall join again with the id it was just given.
    MemberIdRequired,
    /// The group is full.
    GroupMaxSizeReached,
    /// Another member took over the static name.
    FencedInstanceId,
    /// A member of the group subscribes to the topic.
    GroupSubscribedToTopic,
    /// The partition does not exist.
    UnknownTopicOrPartition,
    /// The result cannot be recorded (too large for the log).
    UnknownServerError,
}

impl fmt::Display for GroupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::CoordinatorLoadInProgress => "the coordinator is loading",
            Self::CoordinatorNotAvailable => "the coordinator is not available",
            Self::NotCoordinator => "this is not the group's coordinator",
            Self::InvalidGroupId => "the group id is invalid",
            Self::IllegalGeneration => "the generation is not the group's",
            Self::InconsistentGroupProtocol => "the member's protocols do not fit the group's",
            Self::UnknownMember => "the group has no such member",
            Self::InvalidSessionTimeout => "the session time-out is out of bounds",
            Self::RebalanceInProgress => "the group is rebalancing",
            Self::OffsetMetadataTooLarge => "the offset's metadata is too long",
            Self::NonEmptyGroup => "the group is not empty",
            Self::GroupIdNotFound => "there is no such group",
            Self::MemberIdRequired => "join again with the given member id",
            Self::GroupMaxSizeReached => "the group is full",
            Self::FencedInstanceId => "the static member was replaced",
            Self::GroupSubscribedToTopic => "the group subscribes to the topic",
            Self::UnknownTopicOrPartition => "there is no such partition",
            Self::UnknownServerError => "the change cannot be recorded",
        };
        f.write_str(text)
    }
}

impl std::error::Error for GroupError {}
