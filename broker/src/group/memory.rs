//! What the groups of one core hold in memory, and its bound: groups are made and offsets committed by whoever likes, and
//! are kept for days.
//!
//! Only what grows is refused once the bound is reached: groups that are known go on, rebalance and commit.

use std::{cell::Cell, rc::Rc};

/// What a group, a member, a handed-out member id and a committed offset take beside their names and texts, in bytes:
/// twice what their fields are, for what the maps that hold them leave empty.
pub(super) const GROUP_BYTES: usize = 800;
/// See [`GROUP_BYTES`].
pub(super) const MEMBER_BYTES: usize = 800;
/// See [`GROUP_BYTES`].
pub(super) const PENDING_BYTES: usize = 400;
/// See [`GROUP_BYTES`].
pub(super) const OFFSET_BYTES: usize = 300;

/// The bound of one core, and what its groups hold.
#[derive(Debug)]
pub struct GroupMemory {
    limit: usize,
    used: Cell<usize>,
    refusing: Cell<bool>,
}

impl GroupMemory {
    /// A bound of `limit` bytes.
    pub fn new(limit: usize) -> Rc<Self> {
        Rc::new(Self { limit, used: Cell::new(0), refusing: Cell::new(false) })
    }

    /// Bytes held.
    pub fn used(&self) -> usize {
        self.used.get()
    }

    /// Whether there is room for `more` bytes.
    pub(super) fn has(&self, more: usize) -> bool {
        self.used.get().saturating_add(more) <= self.limit
    }

    /// As [`GroupMemory::has`], for what is refused otherwise. Logs the first refusal of each time that the bound is reached.
    pub(super) fn admits(&self, more: usize) -> bool {
        let fits = self.has(more);
        if !fits && !self.refusing.replace(true) {
            tracing::warn!(
                used = self.used.get(),
                limit = self.limit,
                "groups and their offsets have as much memory as they may: new ones are refused; give the broker more"
            );
        }
        fits
    }
}

/// A part of a core's [`GroupMemory`]; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Held {
    memory: Rc<GroupMemory>,
    bytes: usize,
}

impl Held {
    /// Nothing yet.
    pub(super) fn new(memory: Rc<GroupMemory>) -> Self {
        Self { memory, bytes: 0 }
    }

    /// Now `bytes` are held, whether more or fewer.
    pub(super) fn set(&mut self, bytes: usize) {
        let others = self.memory.used.get() - self.bytes;
        self.bytes = bytes;
        self.memory.used.set(others + bytes);
        if self.memory.used.get() < self.memory.limit / 8 * 7 {
            self.memory.refusing.set(false);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use corelog_storage::{env::Instant, ids::TopicId};

    use super::*;
    use crate::group::{
        call::{Answer, Call, CommitOffsets, PartitionCommit},
        config::Config,
        coordinator_machine::{Coordinator, Loader},
        error::GroupError,
        names::{Generation, MemberId},
        state::{Ticket, WriteId},
        turn::Now,
    };

    const NOW: Now = Now { monotonic: Instant(0), wall_ms: 1_000 };

    /// A coordinator whose writes are committed as they are made.
    struct Bench {
        coordinator: Coordinator,
        written: u64,
    }

    impl Bench {
        fn call(&mut self, call: Call) -> Answer {
            let mut effects = self.coordinator.handle(Ticket(1), call, NOW);
            while let Some(last) = effects.writes.last().map(|write| write.id) {
                self.written = last.0;
                let after = self.coordinator.committed(WriteId(last.0), NOW);
                effects.writes = after.writes;
                effects.answers.extend(after.answers);
            }
            effects.answers.pop().expect("an answer").1
        }

        fn commit(&mut self, group: &str, partition: i32, note: usize) -> Result<(), GroupError> {
            let partition = PartitionCommit { partition, offset: 1, leader_epoch: -1, metadata: "x".repeat(note) };
            let answer = self.call(Call::CommitOffsets(CommitOffsets {
                group: group.into(),
                member: MemberId::from(""),
                instance: None,
                generation: Generation(-1),
                retention_ms: None,
                knows_group_id_not_found: false,
                topics: vec![("t".into(), TopicId::default(), vec![partition])],
            }));
            match answer {
                Answer::CommitOffsets(_) => Ok(()),
                Answer::Refused(error) => Err(error),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_grows_is_refused_at_the_bound_and_what_is_there_goes_on() {
        let memory = GroupMemory::new(100_000);
        let config = Rc::new(Config { memory: memory.clone(), ..Config::default() });
        let (coordinator, _) = Loader::default().finish(config, NOW);
        let mut bench = Bench { coordinator, written: 0 };
        let mut groups = 0;
        while bench.commit(&format!("g{groups}"), 0, 1_000) == Ok(()) {
            groups += 1;
        }
        assert!((30..80).contains(&groups), "{groups} groups of 1,000 bytes and what they take besides");
        assert!(memory.used() <= 100_000, "{}", memory.used());
        assert_eq!(bench.commit("g0", 1, 4_000), Err(GroupError::CoordinatorNotAvailable), "one more partition");
        assert_eq!(bench.commit("g0", 0, 1_000), Ok(()), "what replaces its like");
        assert!(matches!(bench.call(Call::Delete("g0".into())), Answer::Delete(Ok(()))));
        assert_eq!(bench.commit("anew", 0, 1_000), Ok(()), "there is room again");
        for group in 1..groups {
            bench.call(Call::Delete(format!("g{group}").as_str().into()));
        }
        bench.call(Call::Delete("anew".into()));
        assert_eq!(memory.used(), 0, "all is given back");
        assert_eq!(bench.commit("last", 0, 10), Ok(()));
        drop(bench);
        assert_eq!(memory.used(), 0);
    }
}
