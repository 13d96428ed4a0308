//! Partitions on their way from one core of the node to another, while clients produce and fetch. Their files stay where
//! they are: what changes hands is the claim to them, and with it what is known of them.
//!
//! Several go together, so that they share what it costs: each is held for the few milliseconds that three commits and a
//! record of the metadata take.
//!
//! 1. On the core that has it ([`giver`]) the partition is held (`partition/hold.rs`): what comes in waits, reads go on. What
//!    is in no segment yet goes along, unless it is much: then it is written first.
//! 2. The other core ([`taker`]) makes the log durably its own. It leads the partition too, held likewise.
//! 3. The metadata says that the partition is the other core's, in a new leader epoch. Cores act by that image one after
//!    another: until all do, requests come to either core.
//! 4. None sends to the first core any more, as each says when it is asked. That core gives up its claim, durably, and sends
//!    what waited; the other appends that, then what waited there, and goes on. What became of it goes back.
//!
//! So long as the metadata says nothing else the partition is the first core's, and nothing is appended on the other; when
//! something is, the first has no claim any more. A crash leaves one claim or two, of which the later counts: the next start
//! brings the log to the core that the metadata names (`serve/shards.rs`).
//!
//! Producers at the node's listener notice nothing, and fetches and questions look again where the partition is. A consumer that
//! believes in the leader epoch of before is fenced, as it is by Kafka where another leader was elected: librdkafka takes a
//! log for truncated that goes on under its feet. Kafka's Java consumer looks at its position between two fetches, so that it may
//! go on `fetch.max.wait.ms` later; where partitions move more often than that it may not go on at all. Clients of a core's
//! listener are told who leads it now.
//!
//! The cores tell each other all this by notes, of which there are few: a core gives to one other at a time. Requests
//! would wait for credits that others have who wait for the partition.
//!
//! The cluster's own topics stay: coordinators live where their partitions are.

pub(crate) mod balance;
pub mod balance_machine;
mod giver;
pub mod mutant;
mod taker;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet, VecDeque},
    rc::Rc,
    time::Duration,
};

use corelog_storage::{env::Instant, ids::LogId, shard::LogManifest};

pub(crate) use self::giver::ask;
use self::{balance::Work, balance_machine::Done};
use crate::{
    core::env::{CoreId, NetEnv},
    core_state::Core,
    error::Fault,
    limits::TRANSFERS_TOGETHER,
    metadata::{
        call::{MetadataAnswer, MetadataCall},
        ids::DirectoryId,
    },
    partition::{append::Records, hold::Settled},
    router::{CoreMessage, produce::Produced},
    slot::Slot,
};

/// What cores tell each other of a partition that goes from one to another. All are notes.
#[derive(Debug)]
pub enum Letter {
    /// To the taker: make these logs your own, and lead the partitions, held.
    Adopt(Vec<Adopt>),
    /// To the giver: what became of each.
    Adopted(Vec<Adopted>),
    /// To the taker: the metadata has it otherwise; give these up again. Answered by [`Letter::Adopted`].
    Unadopt(Vec<LogId>),
    /// To core 0: decide this.
    Decide(MetadataCall),
    /// To the giver: the metadata's word, by which every core acts.
    Decided(Result<MetadataAnswer, Fault>),
    /// To every other core: whatever you send me by an image in which the partitions are mine comes before your answer.
    Mark,
    /// To the giver: the answer.
    Marked,
    /// To the taker: they are yours alone, and this waited for them.
    Go(Vec<Go>),
    /// To the giver: what became of what waited, in its order.
    Gone(Parcel, Vec<Produced>),
    /// To core 0: what the telling core did since it last told.
    Done(Done),
    /// To a core: these partitions had better be on those cores.
    Give(Vec<(LogId, CoreId)>),
}

/// A log on its way.
#[derive(Debug)]
pub struct Adopt {
    /// The data directory that it is and stays in.
    pub directory: DirectoryId,
    /// What the giver knows of it.
    pub manifest: LogManifest,
}

/// What became of an adoption.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Adopted {
    /// It is done, or undone.
    Done,
    /// There is no trace of it.
    Refused(Fault),
    /// The log may have become the taker's, or may not.
    Unknown(Fault),
}

/// The last word to a taker of a partition.
#[derive(Debug)]
pub struct Go {
    log: LogId,
    /// By which its answer is known.
    parcel: Parcel,
    /// What waited, and how long each may still wait for room.
    waited: Vec<(Records, Duration)>,
    /// The giver has no claim any more. Otherwise it may not be served.
    alone: bool,
}

/// What waited at a giver, on its way to the taker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Parcel(u64);

type Place = Slot<Result<Settled, Fault>>;

/// The transfers of one core.
#[derive(Default)]
pub struct Transfers {
    /// Those that it gives or takes: whose they are is not for the image to say.
    under_way: RefCell<BTreeSet<LogId>>,
    /// Those that it is to give, in turn.
    turns: RefCell<VecDeque<(LogId, CoreId)>>,
    running: Cell<bool>,
    /// The giver waits for an answer.
    answer: RefCell<Option<Slot<Letter>>>,
    /// The giver waits for so many cores' marks.
    marks: Cell<u16>,
    /// Who waits for what was sent to takers.
    sent: RefCell<BTreeMap<Parcel, Vec<Place>>>,
    next_parcel: Cell<u64>,
    given: Cell<u64>,
    left: Cell<Option<Instant>>,
    work: Work,
    /// On core 0: what others told and was not looked at yet.
    heard: RefCell<Vec<(CoreId, Done)>>,
}

impl Transfers {
    /// Whether a partition is on its way from this core, or to it.
    pub(crate) fn has(&self, log: LogId) -> bool {
        self.under_way.borrow().contains(&log)
    }

    /// Whether one is on its way from this core, or is to be.
    pub fn running(&self) -> bool {
        self.running.get()
    }

    /// How many partitions this core has given to others.
    pub fn given(&self) -> u64 {
        self.given.get()
    }

    /// The next that go together, and where.
    fn next(&self) -> Option<(BTreeSet<LogId>, CoreId)> {
        let mut turns = self.turns.borrow_mut();
        let to = turns.front()?.1;
        let count = turns.iter().take(TRANSFERS_TOGETHER).take_while(|turn| turn.1 == to).count();
        Some((turns.drain(..count).map(|turn| turn.0).collect(), to))
    }

    /// When partitions last left this core.
    pub(crate) fn left(&self) -> Option<Instant> {
        self.left.get()
    }

    fn answered(&self, letter: Letter) {
        if let Some(slot) = self.answer.take() {
            slot.fill(letter);
        }
    }
}

/// A letter of another core arrives.
pub(crate) fn receive<E: NetEnv>(core: &Rc<Core<E>>, from: CoreId, letter: Letter) {
    match letter {
        Letter::Adopt(logs) => taker::adopt(core, from, logs),
        Letter::Unadopt(logs) => taker::unadopt(core, from, logs),
        Letter::Go(all) => all.into_iter().for_each(|go| taker::go(core, from, go)),
        Letter::Decide(call) => giver::decide_for(core, from, call),
        Letter::Mark => tell(core, from, Letter::Marked),
        Letter::Marked => giver::marked(core),
        Letter::Gone(parcel, outcomes) => giver::gone(core, parcel, outcomes),
        Letter::Adopted(_) | Letter::Decided(_) => core.transfers.answered(letter),
        Letter::Done(done) => core.transfers.heard.borrow_mut().push((from, done)),
        Letter::Give(wanted) => giver::ask_all(core, &wanted),
    }
}

fn tell<E: NetEnv>(core: &Core<E>, to: CoreId, letter: Letter) {
    core.router.mailbox().note(to, CoreMessage::Transfer(letter));
}
