//! A consumer within a fetch session, and what must hold of each answer it gets.

use std::{collections::BTreeMap, rc::Rc, time::Duration};

use bytes::Bytes;
use corelog_broker::core::env::Conn;
use corelog_storage::env::{Env, Instant};
use corelog_wire::{
    Uuid,
    messages::{
        FetchRequest, FetchResponse,
        fetch::{FetchPartition, FetchTopic, ForgottenTopic},
    },
};

use crate::{
    client::Client,
    cluster::{CORES, PARTITIONS, TOPIC, TOPIC_ID},
    history::{FLEETING, History},
};

const BY_NAME: i16 = 11;
const BY_ID: i16 = 13;
const OUT_OF_RANGE: i16 = 1;
const UNKNOWN_TOPIC: i16 = 3;
const NOT_LEADER: i16 = 6;
const ROUNDS: u64 = 150;
/// A fetch that waits, waits as long as this; a record comes much sooner.
const LONG_MS: i32 = 60_000;
const SOON: Duration = Duration::from_secs(2);

type Part = (&'static str, i32);

/// What the consumer knows of a partition of its session.
#[derive(Clone, Copy)]
struct Watched {
    /// The next offset.
    next: i64,
    /// What it was told.
    high_watermark: i64,
    log_start: i64,
}

impl Watched {
    fn from(next: i64) -> Self {
        Self { next, high_watermark: -1, log_start: -1 }
    }
}

/// Where it begins again: what is deleted is skipped.
type Positions = BTreeMap<Part, i64>;

pub(crate) struct Consumer {
    history: Rc<History>,
    client: Client,
    version: i16,
    session: (i32, i32),
    watched: BTreeMap<Part, Watched>,
    changed: Vec<Part>,
    forgotten: Vec<Part>,
}

impl Consumer {
    /// Its whole life: fetches of this and that, on one connection after the other; at last all that there is.
    pub(crate) async fn live(history: Rc<History>) {
        let mut positions = Positions::new();
        let mut consumer = Self::connect(&history, BY_NAME).await;
        for round in 0..ROUNDS {
            if history.chance(40) {
                consumer.leave(&mut positions).await;
                consumer = Self::connect(&history, if history.chance(3) { BY_ID } else { BY_NAME }).await;
            }
            consumer.choose(round, &positions);
            let waits = if history.chance(3) { LONG_MS } else { history.below(20) as i32 };
            let full = if history.chance(3) { 1 } else { 1 << 20 };
            consumer.fetch(waits, full).await;
            positions.extend(consumer.watched.iter().map(|(part, watched)| (*part, watched.next)));
            history.pause(40).await;
        }
        if consumer.version == BY_ID || history.chance(2) {
            consumer.leave(&mut positions).await;
            consumer = Self::connect(&history, BY_NAME).await;
        }
        consumer.read_all(&positions).await;
    }

    async fn connect(history: &Rc<History>, version: i16) -> Self {
        Self {
            client: Client::connect(&history.env, history.address).await,
            history: history.clone(),
            version,
            session: (0, 0),
            watched: BTreeMap::new(),
            changed: Vec::new(),
            forgotten: Vec::new(),
        }
    }

    /// Ends the connection, at times in the midst of a fetch.
    async fn leave(self, positions: &mut Positions) {
        if self.history.chance(2) && !self.watched.is_empty() {
            let request = self.request(LONG_MS, 1 << 20);
            self.client.send(corelog_wire::frame::request(self.version, 1, None, &request).unwrap()).await;
            self.history.pause(5).await;
        }
        // Of the fleeting topic the next one begins at the beginning.
        positions.retain(|(topic, _), _| *topic == TOPIC);
        self.client.conn.shutdown();
        self.history.count("connection ended");
    }

    /// Which partitions it wants: long stretches of one core's, which move the connection there, and some of all.
    fn choose(&mut self, round: u64, positions: &Positions) {
        let core = (round / 25) as i32 % (i32::from(CORES) + 1);
        for topic in [TOPIC, FLEETING] {
            for index in 0..PARTITIONS {
                let part = (topic, index);
                let here = core == index % i32::from(CORES) || core == i32::from(CORES);
                let wanted = here && (topic == TOPIC || self.version == BY_NAME) && !self.history.chance(20);
                match (self.watched.contains_key(&part), wanted) {
                    (false, true) => self.watch(part, positions.get(&part).copied().unwrap_or(0)),
                    (true, false) => self.forget(part),
                    _ => {}
                }
            }
        }
        if self.watched.is_empty() {
            self.watch((TOPIC, 0), positions.get(&(TOPIC, 0)).copied().unwrap_or(0));
        }
    }

    fn watch(&mut self, part: Part, next: i64) {
        self.forgotten.retain(|forgotten| *forgotten != part);
        self.watched.insert(part, Watched::from(next));
        self.changed.push(part);
    }

    fn forget(&mut self, part: Part) {
        self.watched.remove(&part);
        self.changed.retain(|changed| *changed != part);
        self.forgotten.push(part);
        self.history.count("forgotten");
    }

    fn request(&self, max_wait_ms: i32, max_bytes: i32) -> FetchRequest {
        let id = |topic| if topic == TOPIC { Uuid(TOPIC_ID.0) } else { Uuid::ZERO };
        let asked = |&(topic, partition): &Part| FetchTopic {
            topic: topic.to_owned(),
            topic_id: id(topic),
            partitions: vec![FetchPartition {
                partition,
                fetch_offset: self.watched[&(topic, partition)].next,
                partition_max_bytes: 1 << 20,
                ..FetchPartition::default()
            }],
        };
        let forgotten = |&(topic, partition): &Part| ForgottenTopic {
            topic: topic.to_owned(),
            topic_id: id(topic),
            partitions: vec![partition],
        };
        FetchRequest {
            max_wait_ms,
            min_bytes: 1,
            max_bytes,
            session_id: self.session.0,
            session_epoch: self.session.1,
            topics: self.changed.iter().map(asked).collect(),
            forgotten_topics_data: self.forgotten.iter().map(forgotten).collect(),
            ..FetchRequest::default()
        }
    }

    /// One fetch, and what must hold of it.
    async fn fetch(&mut self, max_wait_ms: i32, max_bytes: i32) {
        let request = self.request(max_wait_ms, max_bytes);
        let (before, asked) = (self.watched.clone(), self.history.env.now());
        self.changed.clear();
        self.forgotten.clear();
        let response = self.client.call(self.version, &request).await;
        let answered = self.history.env.now();
        assert_eq!(response.error_code, 0);
        assert!(response.session_id > 0);
        self.session = (response.session_id, self.session.1 + 1);
        let some = self.take(&response);
        self.was_in_time(&before, asked, answered, max_wait_ms == LONG_MS);
        self.was_told(&before, asked);
        if some && max_wait_ms == LONG_MS {
            self.history.count("waited for a record");
        }
    }

    /// Takes what came; whether there were records.
    fn take(&mut self, response: &FetchResponse) -> bool {
        let (mut some, mut left) = (false, false);
        for topic in &response.responses {
            let name = if topic.topic == FLEETING { FLEETING } else { TOPIC };
            for answer in &topic.partitions {
                let part = (name, answer.partition_index);
                let start = self.start(part);
                let watched = self.watched.get_mut(&part).expect("what was forgotten is not told");
                match answer.error_code {
                    0 => {}
                    OUT_OF_RANGE => {
                        *watched = Watched::from(if name == FLEETING { 0 } else { start });
                        self.changed.push(part);
                        continue;
                    }
                    UNKNOWN_TOPIC | NOT_LEADER => continue,
                    other => panic!("error {other} of {part:?}"),
                }
                watched.high_watermark = answer.high_watermark;
                watched.log_start = answer.log_start_offset;
                let records = answer.records.clone().unwrap_or_default();
                if !records.is_empty() {
                    let first = watched.next;
                    watched.next = read(records, first);
                    some = true;
                    self.changed.push(part);
                    (first..watched.next).for_each(|_| self.history.count("record read"));
                }
                left |= self.watched[&part].next < answer.high_watermark;
            }
        }
        if some && left {
            self.history.count("more than an answer holds");
        }
        some
    }

    fn start(&self, part: Part) -> i64 {
        self.history.written.borrow().get(&part).map_or(0, |written| written.start.0)
    }

    /// What was acknowledged of a watched partition ends the wait.
    fn was_in_time(&self, before: &BTreeMap<Part, Watched>, asked: Instant, answered: Instant, waited: bool) {
        if !waited {
            return;
        }
        let written = self.history.written.borrow();
        for (part, watched) in before.iter().filter(|((topic, _), _)| *topic == TOPIC) {
            let Some(at) = written.get(part).and_then(|written| written.at.get(watched.next as usize)) else {
                continue;
            };
            let due = asked.max(*at).after(SOON);
            assert!(answered <= due, "a waiting consumer gets its record: {part:?} of {at:?}, asked at {asked:?}");
        }
    }

    /// What was acknowledged before a fetch was asked is told by it or was told before.
    fn was_told(&self, before: &BTreeMap<Part, Watched>, asked: Instant) {
        let written = self.history.written.borrow();
        for part in before.keys().filter(|(topic, _)| *topic == TOPIC) {
            let (Some(written), watched) = (written.get(part), &self.watched[part]) else { continue };
            if watched.high_watermark < 0 {
                continue; // out of range
            }
            let end = written.at.iter().filter(|at| **at < asked).count() as i64;
            assert!(watched.high_watermark >= end, "a session is told the high watermark of {part:?}");
            let (start, since) = written.start;
            assert!(since >= asked || watched.log_start >= start, "a session is told the log's start of {part:?}");
        }
    }

    /// At the end all that was acknowledged is read.
    async fn read_all(mut self, positions: &Positions) {
        for topic in [TOPIC, FLEETING] {
            for index in 0..PARTITIONS {
                let part = (topic, index);
                if !self.watched.contains_key(&part) {
                    self.watch(part, positions.get(&part).copied().unwrap_or(0));
                }
            }
        }
        let begun = self.history.env.now();
        loop {
            self.fetch(100, if self.history.chance(2) { 1 } else { 1 << 20 }).await;
            let done = self.history.settled.get() && {
                let written = self.history.written.borrow();
                let end = |part: &Part| written.get(part).map_or(0, |written| written.at.len() as i64);
                let all = (0..PARTITIONS).all(|index| end(&(FLEETING, index)) > 0);
                all && self.watched.iter().all(|(part, watched)| watched.next >= end(part))
            };
            if done {
                break;
            }
            let waited = self.history.env.now().since(begun);
            assert!(waited < Duration::from_secs(60), "a consumer gets its record in the end");
            self.history.pause(20).await;
        }
        self.client.conn.shutdown();
    }
}

/// Whole batches of one record each, which must be the next ones; what is next then.
fn read(mut records: Bytes, mut next: i64) -> i64 {
    while !records.is_empty() {
        let base = i64::from_be_bytes(*records.first_chunk().expect("a whole batch"));
        assert_eq!(base, next, "each record is read once, in order");
        let length = i32::from_be_bytes(records[8..12].try_into().unwrap());
        records = records.slice(12 + length as usize..);
        next += 1;
    }
    next
}
