//! Fetch sessions (KIP-227): a consumer of many partitions names each once, and then only what changes; the broker
//! answers only what has news.
//!
//! A connection has at most one session; it lives, moves between cores and ends with its connection. (Kafka's outlive it:
//! a consumer that connects anew names the old one, is told that it is unknown, and begins again.) Its memory counts as
//! the connection's. Where there is no room for one, a request is answered in full, with session id 0.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
};

use corelog_storage::ids::Offset;
use corelog_wire::{
    fetch::{FetchPartition, FetchView, TOPIC_ID_VERSION},
    uuid::Uuid,
};

use crate::{
    core::env::NetEnv,
    core_state::Core,
    error::Fault,
    net::budget::{Budget, Reservation},
    partition::read::Fetched,
};

/// Session epoch of a request that ends its session, or wants none.
const FINAL_EPOCH: i32 = -1;
/// Session epoch of a request for a new session.
const INITIAL_EPOCH: i32 = 0;
/// What a watched partition costs, besides its topic's name, in bytes.
const WATCHED_BYTES: usize = 256;

/// What is asked of one partition.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The topic's name, up to version 12.
    pub name: &'a str,
    /// Its id, from version 13.
    pub topic_id: Uuid,
    /// The rest.
    pub partition: FetchPartition,
}

/// What a request asks, in its order.
pub fn asked_by(request: &FetchView) -> Vec<Asked<'_>> {
    let mut asked = Vec::new();
    for topic in request.topics() {
        let (name, topic_id) = (topic.name, topic.topic_id);
        asked.extend(topic.partitions.map(|partition| Asked { name, topic_id, partition }));
    }
    asked
}

/// A topic, as the client names it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Topic {
    Name(Arc<str>),
    Id(Uuid),
}

impl Topic {
    fn new(name: &str, id: Uuid, by_id: bool) -> Self {
        if by_id { Self::Id(id) } else { Self::Name(name.into()) }
    }

    fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Id(_) => "",
        }
    }

    fn id(&self) -> Uuid {
        match self {
            Self::Name(_) => Uuid::ZERO,
            Self::Id(id) => *id,
        }
    }
}

/// A partition of a session, and what the client was last told of it.
#[derive(Debug)]
struct Watched {
    topic: Topic,
    partition: FetchPartition,
    high_watermark: Offset,
    log_start: Offset,
}

/// A session's state. Pure; `Send`, so that it moves with its connection.
#[derive(Debug)]
pub struct FetchSession {
    id: i32,
    /// The epoch that the next request must name.
    epoch: i32,
    by_id: bool,
    /// By turn: who got records goes to the end, so that nobody starves where answers are full.
    watched: BTreeMap<u64, Watched>,
    turns: BTreeMap<(Topic, i32), u64>,
    next_turn: u64,
    bytes: usize,
    /// The client was not told of any partition yet.
    fresh: bool,
}

/// What the client is told of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct News {
    /// Whether it is in the answer.
    pub told: bool,
    has_records: bool,
    high_watermark: Offset,
    log_start: Offset,
}

impl FetchSession {
    fn open(id: i32, request: &FetchView) -> Self {
        let mut session = Self {
            id,
            epoch: next_epoch(INITIAL_EPOCH),
            by_id: request.version() >= TOPIC_ID_VERSION,
            watched: BTreeMap::new(),
            turns: BTreeMap::new(),
            next_turn: 0,
            bytes: 0,
            fresh: true,
        };
        session.watch(request);
        session
    }

    /// Its id.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Whether the client was not told of it yet.
    pub fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// Goes on with a request within the session.
    fn go_on(&mut self, request: &FetchView) -> Result<(), Fault> {
        if request.session_epoch != self.epoch {
            return Err(Fault::FetchSessionEpoch);
        }
        if self.by_id != (request.version() >= TOPIC_ID_VERSION) {
            return Err(Fault::FetchSessionTopicIds);
        }
        self.epoch = next_epoch(self.epoch);
        self.watch(request);
        for topic in request.forgotten() {
            let name = Topic::new(topic.name, topic.topic_id, self.by_id);
            for index in topic.partitions {
                if let Some(turn) = self.turns.remove(&(name.clone(), index)) {
                    self.watched.remove(&turn);
                    self.bytes -= WATCHED_BYTES + name.name().len();
                }
            }
        }
        Ok(())
    }

    fn watch(&mut self, request: &FetchView) {
        for topic in request.topics() {
            let name = Topic::new(topic.name, topic.topic_id, self.by_id);
            for partition in topic.partitions {
                let turn = *self.turns.entry((name.clone(), partition.partition)).or_insert(self.next_turn);
                if turn == self.next_turn {
                    self.next_turn += 1;
                    self.bytes += WATCHED_BYTES + name.name().len();
                    let unknown = Offset(-1);
                    let watched =
                        Watched { topic: name.clone(), partition, high_watermark: unknown, log_start: unknown };
                    self.watched.insert(turn, watched);
                } else if let Some(watched) = self.watched.get_mut(&turn) {
                    watched.partition = partition;
                }
            }
        }
    }

    /// What is asked now, in turn.
    pub fn asked(&self) -> Vec<Asked<'_>> {
        let mut asked = Vec::with_capacity(self.watched.len());
        asked.extend(self.watched.values().map(|watched| Asked {
            name: watched.topic.name(),
            topic_id: watched.topic.id(),
            partition: watched.partition.clone(),
        }));
        asked
    }

    /// Which outcomes the client is told: records, errors, and offsets that changed. In the order of
    /// [`FetchSession::asked`].
    pub fn news(&self, fetched: &[Fetched]) -> Vec<News> {
        let news = |(watched, got): (&Watched, &Fetched)| {
            let has_records = got.records.iter().any(|piece| !piece.is_empty());
            let again = got.fault.is_some() || got.diverging.is_some();
            let moved = watched.high_watermark != got.high_watermark || watched.log_start != got.log_start;
            News {
                told: self.fresh || has_records || again || moved,
                has_records,
                // Told again once what is wrong is over.
                high_watermark: if again { Offset(-1) } else { got.high_watermark },
                log_start: got.log_start,
            }
        };
        self.watched.values().zip(fetched).map(news).collect()
    }

    /// The answer with that news is on its way.
    pub fn told(&mut self, news: &[News]) {
        self.fresh = false;
        let told: Vec<_> = self.watched.keys().copied().zip(news).filter(|(_, news)| news.told).collect();
        for (mut turn, news) in told {
            let Some(mut watched) = self.watched.remove(&turn) else { continue };
            watched.high_watermark = news.high_watermark;
            watched.log_start = news.log_start;
            if news.has_records {
                turn = self.next_turn;
                self.next_turn += 1;
                self.turns.insert((watched.topic.clone(), watched.partition.partition), turn);
            }
            self.watched.insert(turn, watched);
        }
    }
}

/// 0 and -1 mean something else.
fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(INITIAL_EPOCH + 1)
}

/// A core's fetch sessions: how many there are.
#[derive(Clone, Debug, Default)]
pub struct Open(Rc<Cell<usize>>);

impl Open {
    /// Their number.
    pub fn count(&self) -> usize {
        self.0.get()
    }

    fn one_more(&self) -> Counted {
        self.0.set(self.0.get() + 1);
        Counted(self.clone())
    }
}

#[derive(Debug)]
struct Counted(Open);

impl Drop for Counted {
    fn drop(&mut self) {
        let open = &self.0.0;
        open.set(open.get() - 1);
    }
}

/// A session on its core, with what it takes up there.
#[derive(Debug)]
pub struct Held {
    session: FetchSession,
    memory: Reservation,
    _counted: Counted,
}

impl Held {
    /// The session.
    pub fn session(&self) -> &FetchSession {
        &self.session
    }
}

/// A connection's session, if it has one. It is out while a request is answered.
#[derive(Debug, Default)]
pub struct SessionSlot(RefCell<Option<Held>>);

impl SessionSlot {
    /// The slot of a connection that came from another core with `session`.
    pub fn arrived<E: NetEnv>(core: &Core<E>, session: Option<FetchSession>) -> Self {
        let hold = |session: FetchSession| Held {
            memory: core.budget.take(session.bytes),
            session,
            _counted: core.fetch_sessions.one_more(),
        };
        Self(RefCell::new(session.map(hold)))
    }

    /// Takes the session away, to another core.
    pub fn depart(&self) -> Option<FetchSession> {
        self.0.take().map(|held| held.session)
    }

    /// The session that `request` opens or belongs to, if any, with what it changes; until [`SessionSlot::put_back`] the
    /// connection has none.
    pub(super) fn enter<E: NetEnv>(&self, core: &Core<E>, request: &FetchView) -> Result<Option<Held>, Fault> {
        if matches!(request.session_epoch, INITIAL_EPOCH | FINAL_EPOCH) {
            let wanted = request.session_epoch == INITIAL_EPOCH;
            let replaced = self.0.borrow().as_ref().is_some_and(|held| wanted || held.session.id == request.session_id);
            if replaced {
                self.0.take();
            }
            return Ok(if wanted { open(core, request) } else { None });
        }
        let mut slot = self.0.borrow_mut();
        let held = slot.as_mut().filter(|held| held.session.id == request.session_id);
        let held = held.ok_or(Fault::FetchSessionUnknown)?;
        held.session.go_on(request)?;
        let mut held = slot.take().expect("just found");
        if !grow(&core.budget, &mut held) {
            return Err(Fault::FetchSessionUnknown);
        }
        Ok((!held.session.watched.is_empty()).then_some(held))
    }

    /// The request is answered, with `news`. The session's id.
    pub(super) fn put_back(&self, mut held: Held, news: &[News]) -> i32 {
        held.session.told(news);
        let id = held.session.id;
        *self.0.borrow_mut() = Some(held);
        id
    }
}

fn open<E: NetEnv>(core: &Core<E>, request: &FetchView) -> Option<Held> {
    if core.fetch_sessions.count() >= core.config.net.fetch_sessions {
        return None;
    }
    let id = (core.env.random() as i32 & i32::MAX).max(1);
    let session = FetchSession::open(id, request);
    let memory = core.budget.take_spare(session.bytes)?;
    Some(Held { session, memory, _counted: core.fetch_sessions.one_more() })
}

/// Takes the memory that the session has come to need; false if there is too little.
fn grow(budget: &Rc<Budget>, held: &mut Held) -> bool {
    let more = held.session.bytes.saturating_sub(held.memory.bytes());
    if more > 0 && budget.take_spare(more).is_none() {
        return false;
    }
    held.memory.resize(held.session.bytes);
    true
}
