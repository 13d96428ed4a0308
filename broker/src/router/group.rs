//! Group calls to the core that coordinates the group.
//!
//! A join or a sync may wait for minutes, and would hold a place among its pair's requests meanwhile: such a call is
//! answered at once with "parked", and its answer follows as a note. The connection that asked sends nothing else
//! before, so the notes are bounded by the connections.

use std::rc::Rc;

use corelog_storage::env::Lane;

use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    group::{
        call::{Answer, Call, Listed},
        error::GroupError,
    },
    router::{Caller, CoreMessage, CoreReply},
};

/// A call on its way.
#[derive(Debug)]
pub struct GroupLetter {
    /// Names the call among those of the asking core.
    pub id: u64,
    /// The asking core.
    pub from: CoreId,
    /// The partition of `__consumer_offsets`.
    pub index: i32,
    /// What is asked.
    pub call: Box<Call>,
}

/// Asks the coordinator of partition `index`, which `owner` leads.
pub async fn call<E: NetEnv>(core: &Rc<Core<E>>, owner: CoreId, index: i32, call: Call) -> Answer {
    if owner == core.id {
        return core.groups.call(index, call).await;
    }
    let (id, released) = core.groups.expect_release();
    let letter = GroupLetter { id, from: core.id, index, call: Box::new(call) };
    match core.router.mailbox.call(owner, CoreMessage::Group(letter)).await {
        Ok(CoreReply::GroupParked) => released.await.unwrap_or(Answer::Refused(GroupError::NotCoordinator)),
        Ok(CoreReply::GroupAnswered(answer)) => {
            core.groups.forget_release(id);
            *answer
        }
        _ => {
            core.groups.forget_release(id);
            Answer::Refused(GroupError::NotCoordinator)
        }
    }
}

/// Another core asks a coordinator of this one.
pub(super) fn serve<E: NetEnv>(core: &Rc<Core<E>>, caller: Caller, letter: GroupLetter) {
    let GroupLetter { id, from, index, call } = letter;
    let parks = matches!(*call, Call::Join(_) | Call::Sync(_));
    let answer = core.groups.call(index, *call);
    let core = core.clone();
    if parks {
        caller.reply(CoreReply::GroupParked);
        core.env.clone().spawn(Lane::Latency, async move {
            let answer = Box::new(answer.await);
            core.router.mailbox.note(from, CoreMessage::GroupReleased(id, answer));
        });
    } else {
        core.env.clone().spawn(Lane::Latency, async move {
            caller.reply(CoreReply::GroupAnswered(Box::new(answer.await)));
        });
    }
}

/// The groups that `owner` coordinates.
pub async fn list<E: NetEnv>(core: &Rc<Core<E>>, owner: CoreId) -> Result<Vec<Listed>, GroupError> {
    if owner == core.id {
        return core.groups.list();
    }
    match core.router.mailbox.call(owner, CoreMessage::ListGroups).await {
        Ok(CoreReply::GroupsListed(listed)) => listed,
        _ => Err(GroupError::CoordinatorNotAvailable),
    }
}
