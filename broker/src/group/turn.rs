//! One group's reaction to one input: what the phases of the protocol ([`super::join_machine`],
//! [`super::sync_machine`]) work on, and what they leave to be done.

use std::time::Duration;

use corelog_storage::env::Instant;

use super::{
    call::{Answer, FetchOffsets, JoinRefused},
    config::Config,
    error::GroupError,
    names::{Generation, GroupId, MemberId},
    record::Record,
    state::{Group, Member, Ticket},
    timers::{TimerName, Timers},
};

/// The clocks at the time of an input.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For sessions and time-outs.
    pub monotonic: Instant,
    /// For what is recorded and expires, in ms since 1970: what retention goes by.
    pub wall_ms: i64,
}

/// What happens once everything written so far is committed, in this order.
#[derive(Debug)]
pub(super) enum Then {
    /// The answer goes out.
    Answer(Ticket, Answer),
    /// The leader's assignment takes effect, if the group still waits for it.
    InstallAssignment(GroupId, Generation),
    /// A static member that took over its name in a stable group learns so, if it still waits.
    FinishStaticJoin {
        group: GroupId,
        member: MemberId,
        ticket: Ticket,
        /// The leader to name instead of the group's, for members that cannot be told to skip the assignment.
        leader: Option<MemberId>,
    },
    /// A read that had to wait for commits in flight.
    FetchOffsets(Ticket, FetchOffsets),
}

/// What an input leaves to be done.
#[derive(Default, Debug)]
pub(super) struct Outbox {
    pub(super) records: Vec<Record>,
    pub(super) then: Vec<Then>,
}

impl Outbox {
    /// Answers once everything written so far, this input's records included, is committed.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.then.push(Then::Answer(ticket, answer));
    }
}

/// One group, one input.
pub(super) struct Turn<'a> {
    pub(super) config: &'a Config,
    pub(super) now: Now,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut Outbox,
    pub(super) group: &'a mut Group,
}

impl Turn<'_> {
    /// Arms a timer.
    pub(super) fn arm(&mut self, name: TimerName, after_ms: i32) {
        self.timers.arm(name, self.after(after_ms));
    }

    fn after(&self, ms: i32) -> Instant {
        self.now.monotonic.after(Duration::from_millis(ms.max(0) as u64))
    }

    /// A sign of life of `member`: its session begins anew.
    pub(super) fn renew_session(&mut self, member: &MemberId) {
        if let Some(member) = self.group.members.get(member) {
            let timeout = member.session_timeout_ms;
            let id = member.id.clone();
            self.renew_session_for(&id, timeout);
        }
    }

    /// Lets the session of `member` last `timeout_ms` from now. A timer that fires before moves itself, so that a
    /// heartbeat costs no more than a store; one that would fire too late is moved here.
    pub(super) fn renew_session_for(&mut self, member: &MemberId, timeout_ms: i32) {
        let ends = self.after(timeout_ms);
        let Some(state) = self.group.members.get_mut(member) else { return };
        state.session_ends = ends;
        let name = TimerName::Session(self.group.id.clone(), member.clone());
        if self.timers.deadline(&name).is_none_or(|armed| armed > ends) {
            self.timers.arm(name, ends);
        }
    }

    /// Ends the session of a member that is gone.
    pub(super) fn end_session(&mut self, member: &MemberId) {
        self.timers.cancel(&TimerName::Session(self.group.id.clone(), member.clone()));
    }

    /// Refuses a join.
    pub(super) fn refuse_join(&mut self, ticket: Ticket, error: GroupError, member: MemberId) {
        self.out.answer(ticket, Answer::Join(Err(JoinRefused { error, member })));
    }

    /// Refuses a sync.
    pub(super) fn refuse_sync(&mut self, ticket: Ticket, error: GroupError) {
        self.out.answer(ticket, Answer::Sync(Err(error)));
    }

    /// Answers whoever is parked as `member` with an error, before the member is removed or replaced. A join is told
    /// `named` as the member's id.
    pub(super) fn dismiss(&mut self, member: &MemberId, error: GroupError, named: MemberId) {
        let Some(state) = self.group.members.get_mut(member) else { return };
        let (join, sync) = (state.join.take(), state.sync.take());
        if let Some(ticket) = join {
            self.refuse_join(ticket, error, named);
        }
        if let Some(ticket) = sync {
            self.refuse_sync(ticket, error);
        }
    }

    /// The member `id`, which must be one.
    pub(super) fn member(&mut self, id: &MemberId) -> &mut Member {
        self.group.members.get_mut(id).expect("membership was checked")
    }
}
