//! `corelog consume --group`: prints what the group gives this member, and commits what is printed.
//!
//! Each record is printed at least once: a position is committed after its records have left, every second, before a
//! rebalance and at the end. A broker that restarts is waited for.
#![allow(clippy::disallowed_methods, reason = "a client of its own process, not the broker's")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::{Duration, Instant},
};

use corelog_wire::{error_code::ErrorCode, messages::fetch::PartitionData};

use super::{Place, member::Member};
use crate::cli::{
    cluster::Cluster,
    consume::FETCH_WAIT,
    failure::{Failure, check},
    interrupt,
    printer::Printer,
    when::Start,
};

/// How often what is printed is committed.
const COMMIT: Duration = Duration::from_secs(1);
/// How long a broker that does not answer, or a partition without leader, is waited for; and how often it is asked.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

pub(in crate::cli) struct Wanted {
    pub(in crate::cli) group: String,
    pub(in crate::cli) topic: String,
    /// Where to begin what the group has committed nothing of.
    pub(in crate::cli) from: Start,
    /// Whether to end once all is printed that was there.
    pub(in crate::cli) exit: bool,
}

/// Reads as a member of the group until the user ends it, or all is printed.
pub(in crate::cli) fn run(wanted: Wanted, mut cluster: Cluster, printer: Printer<impl Write>) -> Result<(), Failure> {
    interrupt::heed();
    cluster.leaders(&wanted.topic, false)?;
    let member = Member::new(cluster, wanted.group.clone(), wanted.topic.clone());
    let mut consumer = Consumer { wanted, member, printer, share: None };
    let outcome = consumer.run();
    let left = consumer.member.leave();
    outcome.and(left).map_err(|failure| failure.about(format!("group {}", consumer.wanted.group)))
}

struct Consumer<W> {
    wanted: Wanted,
    member: Member,
    printer: Printer<W>,
    /// None while it is to join.
    share: Option<Share>,
}

/// What the member reads in one generation.
struct Share {
    positions: BTreeMap<Place, i64>,
    /// In the order they are asked for: who had something comes last.
    order: Vec<Place>,
    /// Whom to ask; empty if that is to be found out.
    leaders: BTreeMap<Place, String>,
    /// Partitions whose position is not what the group has committed.
    uncommitted: BTreeSet<Place>,
    /// Where the partitions ended when they were given.
    ends: BTreeMap<Place, i64>,
    committed_at: Instant,
}

impl Share {
    fn is_read(&self) -> bool {
        self.ends.iter().all(|(place, end)| self.positions[place] >= *end)
    }

    fn moved(&mut self, place: &Place, to: i64) {
        self.order.retain(|other| other != place);
        self.order.push(place.clone());
        self.uncommitted.insert(place.clone());
        self.positions.insert(place.clone(), to);
    }
}

impl<W: Write> Consumer<W> {
    /// Joins and reads until all is read or the user ends it, joining again whenever the group changes.
    fn run(&mut self) -> Result<(), Failure> {
        let mut well = Instant::now();
        while !interrupt::wished() && !self.is_done() {
            match self.step() {
                Ok(()) => well = Instant::now(),
                Err(Failure::Interrupted) => break,
                Err(failure) if asks_to_join(&failure) => self.give_up_share(),
                Err(failure) if passes(&failure) && well.elapsed() < PATIENCE => self.pause(),
                Err(failure) => return Err(failure),
            }
        }
        self.give_up_share();
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.printer.is_done() || (self.wanted.exit && self.share.as_ref().is_some_and(Share::is_read))
    }

    fn step(&mut self) -> Result<(), Failure> {
        let Some(mut share) = self.share.take() else {
            let places = self.member.join()?;
            self.share = Some(self.begin(places)?);
            return Ok(());
        };
        let outcome = self.read_once(&mut share);
        if outcome.is_err() {
            self.member.cluster.hang_up(); // other leaders' answers may still be on their way
        }
        self.share = Some(share);
        outcome?;
        self.member.beat()?;
        self.commit_in_time()
    }

    fn pause(&mut self) {
        if let Some(share) = &mut self.share {
            share.leaders.clear();
        }
        std::thread::sleep(PAUSE);
    }

    /// Finds where to begin, and says so.
    fn begin(&mut self, places: Vec<Place>) -> Result<Share, Failure> {
        let names: Vec<_> = places.iter().map(|(topic, partition)| format!("{topic}-{partition}")).collect();
        let what = if names.is_empty() { "nothing for now".to_owned() } else { names.join(" ") };
        eprintln!("group {}, generation {}: {what}", self.wanted.group, self.member.generation());
        let committed = if places.is_empty() { BTreeMap::new() } else { self.member.committed(&places)? };
        let leaders = self.leaders(&places)?;
        let (mut positions, mut ends) = (BTreeMap::new(), BTreeMap::new());
        for place in &places {
            let begin = match committed.get(place) {
                Some(offset) => *offset,
                None => self.edge(&leaders[place], place, self.wanted.from)?,
            };
            ends.insert(place.clone(), self.edge(&leaders[place], place, Start::Latest)?);
            positions.insert(place.clone(), begin);
        }
        // Where it begins is committed too, or "latest" would be another place each time.
        let uncommitted = places.iter().filter(|place| !committed.contains_key(*place)).cloned().collect();
        Ok(Share { positions, order: places, leaders, uncommitted, ends, committed_at: Instant::now() })
    }

    fn leaders(&mut self, places: &[Place]) -> Result<BTreeMap<Place, String>, Failure> {
        let mut leaders = BTreeMap::new();
        for topic in places.iter().map(|(topic, _)| topic).collect::<BTreeSet<_>>() {
            let led = self.member.cluster.leaders(topic, false)?;
            leaders.extend(led.into_iter().map(|(partition, address)| ((topic.clone(), partition), address)));
        }
        match places.iter().find(|place| !leaders.contains_key(*place)) {
            None => Ok(leaders),
            Some((topic, partition)) => {
                Err(Failure::said(ErrorCode::LeaderNotAvailable).about(format!("{topic}-{partition}")))
            }
        }
    }

    fn edge(&mut self, leader: &str, place: &Place, edge: Start) -> Result<i64, Failure> {
        self.member.cluster.at(leader)?.offset_from(&place.0, place.1, edge)
    }

    /// Asks every leader once, and prints what comes.
    fn read_once(&mut self, share: &mut Share) -> Result<(), Failure> {
        if share.leaders.is_empty() {
            share.leaders = self.leaders(&share.order)?;
        }
        let mut asked: BTreeMap<String, Vec<((&str, i32), i64)>> = BTreeMap::new();
        for place in &share.order {
            let from = ((place.0.as_str(), place.1), share.positions[place]);
            asked.entry(share.leaders[place].clone()).or_default().push(from);
        }
        if asked.is_empty() {
            std::thread::sleep(PAUSE);
        }
        // Answers are awaited one after the other: a leader without records must not hold up another's.
        let wait = FETCH_WAIT / asked.len().max(1) as u32;
        for (address, from) in &asked {
            self.member.cluster.at(address)?.begin_fetch(from, wait)?;
        }
        for address in asked.into_keys().collect::<Vec<_>>() {
            for (topic, told) in self.member.cluster.at(&address)?.end_fetch()? {
                self.take(share, (topic, told.partition_index), told)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, share: &mut Share, place: Place, told: PartitionData) -> Result<(), Failure> {
        let Some(&from) = share.positions.get(&place) else { return Ok(()) };
        match check(told.error_code, None) {
            Err(failure) if failure.code() == Some(ErrorCode::OffsetOutOfRange) => {
                let reset = self.edge(&share.leaders[&place], &place, self.wanted.from)?;
                eprintln!("{}-{}: offset {from} is gone, going on at {reset}", place.0, place.1);
                share.moved(&place, reset);
                return Ok(());
            }
            outcome => outcome.map_err(|failure| failure.about(format!("{}-{}", place.0, place.1)))?,
        }
        let next = self.printer.print((&place.0, place.1), told.records.unwrap_or_default(), from)?;
        if next > from {
            share.moved(&place, next);
        }
        Ok(())
    }

    fn commit_in_time(&mut self) -> Result<(), Failure> {
        if self.share.as_ref().is_none_or(|share| share.committed_at.elapsed() < COMMIT) {
            return Ok(());
        }
        self.commit()
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let Some(share) = &mut self.share else { return Ok(()) };
        let moved = share.uncommitted.iter().map(|place| (place.clone(), share.positions[place])).collect();
        self.member.commit(&moved)?;
        share.uncommitted.clear();
        share.committed_at = Instant::now();
        Ok(())
    }

    /// Commits, as far as the group still takes it: if not, whoever reads on prints some records again.
    fn give_up_share(&mut self) {
        if let Err(failure) = self.commit() {
            eprintln!("not committed, so some records may be printed again: {failure}");
        }
        self.share = None;
    }
}

/// The group changes, or has changed without this member.
fn asks_to_join(failure: &Failure) -> bool {
    use ErrorCode::{IllegalGeneration, RebalanceInProgress, UnknownMemberId};
    matches!(failure.code(), Some(RebalanceInProgress | IllegalGeneration | UnknownMemberId))
}

/// It may be over soon.
fn passes(failure: &Failure) -> bool {
    matches!(failure, Failure::Link(_)) || failure.code().is_some_and(ErrorCode::is_retriable)
}
