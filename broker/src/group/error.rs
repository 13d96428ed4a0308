//! What a coordinator refuses, and the one place where that becomes a Kafka error code.

use std::fmt;

use corelog_wire::error_code::ErrorCode;

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

impl GroupError {
    /// What the client is told.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::CoordinatorLoadInProgress => ErrorCode::CoordinatorLoadInProgress,
            Self::CoordinatorNotAvailable => ErrorCode::CoordinatorNotAvailable,
            Self::NotCoordinator => ErrorCode::NotCoordinator,
            Self::InvalidGroupId => ErrorCode::InvalidGroupId,
            Self::IllegalGeneration => ErrorCode::IllegalGeneration,
            Self::InconsistentGroupProtocol => ErrorCode::InconsistentGroupProtocol,
            Self::InvalidSessionTimeout => ErrorCode::InvalidSessionTimeout,
            Self::RebalanceInProgress => ErrorCode::RebalanceInProgress,
            Self::OffsetMetadataTooLarge => ErrorCode::OffsetMetadataTooLarge,
            Self::NonEmptyGroup => ErrorCode::NonEmptyGroup,
            Self::GroupIdNotFound => ErrorCode::GroupIdNotFound,
            Self::MemberIdRequired => ErrorCode::MemberIdRequired,
            Self::GroupMaxSizeReached => ErrorCode::GroupMaxSizeReached,
            Self::FencedInstanceId => ErrorCode::FencedInstanceId,
            Self::GroupSubscribedToTopic => ErrorCode::GroupSubscribedToTopic,
            Self::UnknownTopicOrPartition => ErrorCode::UnknownTopicOrPartition,
            Self::UnknownServerError => ErrorCode::UnknownServerError,
            Self::UnknownMember => ErrorCode::UnknownMemberId,
        }
    }
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
