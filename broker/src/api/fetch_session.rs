//! Fetch sessions (KIP-227): a consumer of many partitions names each once, and then only what changes; the broker
//! answers only what has news, and looks only at what changed ([`crate::partition::watch`]).
//!
//! This is a session's state. Pure; `Send`, so that it moves with its connection: see [`super::session_slot`].

use std::{collections::BTreeMap, sync::Arc};

use corelog_storage::ids::Offset;
use corelog_wire::{
    fetch::{FetchPartition, FetchView, TOPIC_ID_VERSION},
    uuid::Uuid,
};

use crate::{
    error::Fault,
    limits,
    partition::read::Fetched,
    router::fetch::{Place, slab::Slab},
};

/// Session epoch of a request that ends its session, or wants none.
pub(super) const FINAL_EPOCH: i32 = -1;
/// Session epoch of a request for a new session.
pub(super) const INITIAL_EPOCH: i32 = 0;

/// What is asked of one partition.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// The topic's name, up to version 12.
    pub name: &'a str,
    /// Its id, from version 13.
    pub topic_id: Uuid,
    /// The rest.
    pub partition: FetchPartition,
    /// Where bytes are short, the lowest turn is served first.
    pub turn: u64,
}

/// What a request asks, in its order.
pub fn asked_by(request: &FetchView) -> Vec<Asked<'_>> {
    let mut asked = Vec::new();
    let mut turns = 0..;
    for topic in request.topics() {
        let (name, topic_id) = (topic.name, topic.topic_id);
        asked.extend(topic.partitions.zip(&mut turns).map(|(partition, turn)| Asked {
            name,
            topic_id,
            partition,
            turn,
        }));
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
    /// Who got records goes to the end, so that nobody starves where answers are full.
    turn: u64,
    high_watermark: Offset,
    log_start: Offset,
    /// It is among those that changed.
    changed: bool,
}

/// A session's state.
#[derive(Debug)]
pub struct FetchSession {
    id: i32,
    /// The epoch that the next request must name.
    epoch: i32,
    by_id: bool,
    /// By place.
    watched: Slab<Watched>,
    places: BTreeMap<(Topic, i32), Place>,
    next_turn: u64,
    /// Bytes of its topics' names, one for each partition.
    names: usize,
    /// The client was not told of any partition yet.
    fresh: bool,
    changes: Changes,
}

/// What those who watch for a session must be told.
#[derive(Debug, Default)]
pub struct Changes {
    /// Something else is asked, or the turn is another; some of these may have left since.
    pub changed: Vec<Place>,
    /// No longer watched. Come first: a place may have been taken again.
    pub forgotten: Vec<Place>,
}

/// What the client is told of one partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct News {
    /// Which.
    pub place: Place,
    /// Whether it is in the answer.
    pub told: bool,
    has_records: bool,
    high_watermark: Offset,
    log_start: Offset,
}

impl FetchSession {
    pub(super) fn open(id: i32, request: &FetchView) -> Self {
        let mut session = Self {
            id,
            epoch: next_epoch(INITIAL_EPOCH),
            by_id: request.version() >= TOPIC_ID_VERSION,
            watched: Slab::default(),
            places: BTreeMap::new(),
            next_turn: 0,
            names: 0,
            fresh: true,
            changes: Changes::default(),
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

    /// Whether it has no partition.
    pub fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// What it takes up, on all cores. Places that were taken once keep their room.
    pub fn bytes(&self) -> usize {
        limits::FETCH_SESSION_PARTITION * self.watched.room() + self.names
    }

    /// Goes on with a request within the session.
    pub(super) fn go_on(&mut self, request: &FetchView) -> Result<(), Fault> {
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
                if let Some(place) = self.places.remove(&(name.clone(), index)) {
                    self.watched.remove(place.0);
                    self.changes.forgotten.push(place);
                    self.names -= name.name().len();
                }
            }
        }
        Ok(())
    }

    fn watch(&mut self, request: &FetchView) {
        for topic in request.topics() {
            let name = Topic::new(topic.name, topic.topic_id, self.by_id);
            for partition in topic.partitions {
                let key = (name.clone(), partition.partition);
                if let Some(&place) = self.places.get(&key) {
                    self.known(place).partition = partition;
                    self.change(place);
                    continue;
                }
                let unknown = Offset(-1);
                let turn = self.take_turn();
                let place = Place(self.watched.insert(Watched {
                    topic: name.clone(),
                    partition,
                    turn,
                    high_watermark: unknown,
                    log_start: unknown,
                    changed: false,
                }));
                self.names += name.name().len();
                self.places.insert(key, place);
                self.change(place);
            }
        }
    }

    fn known(&mut self, place: Place) -> &mut Watched {
        self.watched.get_mut(place.0).expect("a place with a name is taken")
    }

    fn take_turn(&mut self) -> u64 {
        self.next_turn += 1;
        self.next_turn
    }

    fn change(&mut self, place: Place) {
        if let Some(watched) = self.watched.get_mut(place.0)
            && !std::mem::replace(&mut watched.changed, true)
        {
            self.changes.changed.push(place);
        }
    }

    /// Those who watch for it must be told all: it came to another core.
    pub(super) fn change_all(&mut self) {
        self.changes.forgotten.clear();
        let places: Vec<u32> = self.watched.numbers().collect();
        places.into_iter().for_each(|place| self.change(Place(place)));
    }

    /// What changed since this was last called.
    pub fn take_changes(&mut self) -> Changes {
        let changes = std::mem::take(&mut self.changes);
        for place in &changes.changed {
            if let Some(watched) = self.watched.get_mut(place.0) {
                watched.changed = false;
            }
        }
        changes
    }

    /// What is asked of a partition, if it is watched.
    pub fn asked(&self, place: Place) -> Option<Asked<'_>> {
        self.watched.get(place.0).map(Watched::asked)
    }

    /// What is asked of all of them.
    pub fn all(&self) -> impl Iterator<Item = (Place, Asked<'_>)> {
        self.watched.iter().map(|(place, watched)| (Place(place), watched.asked()))
    }

    /// Which outcomes the client is told: records, errors, and offsets that changed. The outcomes come into their turn,
    /// and so does what is told of them.
    pub fn news(&self, fetched: &mut Vec<(Place, Fetched)>) -> Vec<News> {
        fetched.retain(|(place, _)| self.watched.get(place.0).is_some());
        fetched.sort_by_cached_key(|(place, _)| self.watched.get(place.0).map(|watched| watched.turn));
        let news = |(place, got): &(Place, Fetched)| {
            let watched = self.watched.get(place.0)?;
            let has_records = got.records.iter().any(|piece| !piece.is_empty());
            let again = got.fault.is_some() || got.diverging.is_some();
            let moved = watched.high_watermark != got.high_watermark || watched.log_start != got.log_start;
            Some(News {
                place: *place,
                told: self.fresh || has_records || again || moved,
                has_records,
                // Told again once what is wrong is over.
                high_watermark: if again { Offset(-1) } else { got.high_watermark },
                log_start: got.log_start,
            })
        };
        fetched.iter().filter_map(news).collect()
    }

    /// The answer with that news is on its way.
    pub(super) fn told(&mut self, news: &[News]) {
        self.fresh = false;
        for news in news.iter().filter(|news| news.told) {
            let turn = news.has_records.then(|| self.take_turn());
            let Some(watched) = self.watched.get_mut(news.place.0) else { continue };
            watched.high_watermark = news.high_watermark;
            watched.log_start = news.log_start;
            if let Some(turn) = turn {
                watched.turn = turn;
                self.change(news.place);
            }
        }
    }

    /// What was fetched of these is not told: it is asked for again.
    pub(super) fn untold(&mut self, fetched: &[(Place, Fetched)]) {
        fetched.iter().for_each(|(place, _)| self.change(*place));
    }
}

impl Watched {
    fn asked(&self) -> Asked<'_> {
        let (name, topic_id) = (self.topic.name(), self.topic.id());
        Asked { name, topic_id, partition: self.partition.clone(), turn: self.turn }
    }
}

/// 0 and -1 mean something else.
fn next_epoch(epoch: i32) -> i32 {
    epoch.checked_add(1).unwrap_or(INITIAL_EPOCH + 1)
}
