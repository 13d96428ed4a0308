//! The broker as the handlers of group requests see it: they do not know which core coordinates a group.

use std::future::Future;

use bytes::Bytes;
use corelog_storage::ids::TopicId;
use corelog_wire::error_code::ErrorCode;

use super::{
    call::{Answer, Call, Client, Listed},
    error::GroupError,
    names::{GroupId, InstanceId},
};

/// The broker as the handlers of group requests see it.
pub trait Desk {
    /// Asks the group's coordinator, wherever that is; `NotCoordinator` if the listener that was asked does not answer
    /// for it.
    fn call(&self, call: Call) -> impl Future<Output = Answer>;
    /// Every group that the listener which was asked answers for.
    fn list(&self) -> impl Future<Output = Result<Vec<Listed>, GroupError>>;
    /// Where clients reach a group's coordinator. The first time, this creates the topic that keeps groups.
    fn coordinator(&self, group: &GroupId) -> impl Future<Output = Result<Endpoint, GroupError>>;
    /// What is known of a topic, by name.
    fn topic(&self, name: &str) -> Option<Topic>;
    /// What is known of a topic, by id.
    fn topic_by_id(&self, id: TopicId) -> Option<Topic>;
    /// Random bits.
    fn entropy(&self) -> u128;
}

/// A topic, as far as offsets concern it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: TopicId,
    /// How many partitions it has.
    pub partitions: i32,
}

impl Topic {
    /// Whether it has this partition.
    pub(crate) fn has(&self, partition: i32) -> bool {
        (0..self.partitions).contains(&partition)
    }
}

/// A broker as clients of a listener know it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Its id.
    pub broker_id: i32,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
}

/// Who sent a request, in which version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The request's version.
    pub version: i16,
    /// The client's name for itself, and its address.
    pub client: Client,
}

/// The error as it travels.
pub(crate) fn code(error: GroupError) -> i16 {
    error.code().code()
}

/// The outcome as it travels.
pub(crate) fn code_of<T>(outcome: Result<T, GroupError>) -> i16 {
    outcome.err().map_or(ErrorCode::None.code(), code)
}

/// A static member's name.
pub(crate) fn instance(name: Option<String>) -> Option<InstanceId> {
    name.map(InstanceId::from)
}

/// A part of a request that a group keeps: not a view of the request, which would be kept whole.
pub(crate) fn owned(part: &Bytes) -> Bytes {
    Bytes::copy_from_slice(part)
}

/// An answer to another call than was asked: a fault of ours, told as such.
pub(crate) fn mismatch(answer: &Answer) -> GroupError {
    match answer {
        Answer::Refused(error) => *error,
        _ => GroupError::UnknownServerError,
    }
}
