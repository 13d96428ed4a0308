//! Where partitions in use had better be: together on the first core while that has time for all of it, apart when a core
//! has more to do than others. Pure; runs on core 0.
//!
//! Requests that come to one core share its commits, its sleeps and its wake-ups. What 16 clients send with one request in
//! flight each takes 0.75x of the CPU on one core; one producer and one consumer of 1,000 partitions take 0.73x. As much as
//! two cores can do takes two; and since each core has a journal, two write more to a disk than one: batches of 64 KiB come in at
//! 0.83x on one core.
//!
//! *Inputs*: [`Balance::heard`], what a core did since it last told; [`Balance::decide`], from time to time.
//! *Effects*: moves of partitions, to be carried out; until they are, as each core tells, nothing more is decided.

use std::{collections::BTreeMap, time::Duration};

use corelog_storage::{env::Instant, ids::LogId};

use crate::{core::env::CoreId, placement::Move};

/// While all cores together have less to do than this part of what one can, in thousandths, the first has time for all of it.
const QUIET: u64 = 750;
/// From this part on a core has much to do.
const BUSY: u64 = 850;
/// How much less another core must have to do.
const SPARE: u64 = 300;
/// How long partitions are in use and it is quiet before they gather; after each time that this was too soon twice as long.
const PATIENCE: Duration = Duration::from_millis(400);
const PATIENCE_MOST: Duration = Duration::from_secs(300);
/// It was not too soon if it went well for so long.
const WENT_WELL: Duration = Duration::from_secs(60);

/// Bytes in a second, in and out, that are as much as one core should have.
const BYTES: u64 = 120_000_000;
/// Of what gathers, likewise. The core that partitions leave keeps their newest records in its memory, not the one they come
/// to: who reads a second behind reads that second from the disk.
const LIGHT: u64 = 8_000_000;
/// How often a partition must be found in use, with few bytes, to gather. The first report of a load and the last cover a
/// part of their time, so that a heavy one looks light twice.
const USES: u32 = 3;
/// How long may lie between two of these.
const AGAIN: Duration = Duration::from_secs(1);

/// What a core did for a while.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Done {
    /// The part of a CPU that it used, in thousandths.
    pub cpu: u64,
    /// Bytes of records in a second, in and out.
    pub bytes: u64,
    /// What its partitions had to do, those that had something: by a measure of their own.
    pub work: Vec<(LogId, u64)>,
    /// Whether it is giving partitions to other cores.
    pub giving: bool,
}

impl Done {
    /// The part of what a core can do, in thousandths.
    fn load(&self) -> u64 {
        self.cpu.max((self.bytes.saturating_mul(1000) / BYTES).min(1000))
    }
}

/// What is known of the cores.
#[derive(Debug)]
pub struct Balance {
    cores: BTreeMap<CoreId, Done>,
    decided: Instant,
    /// How long it was quiet, while there was anything to do.
    quiet_for: Duration,
    /// Partitions elsewhere than on the first core that were in use, and had few bytes: when last, and how often.
    light: BTreeMap<LogId, (Instant, u32)>,
    /// The core that had too much to do when that was last looked at.
    busy: Option<CoreId>,
    gathered: Option<Instant>,
    patience: Duration,
}

impl Balance {
    /// Of cores that did nothing yet.
    pub fn new(cores: u16) -> Self {
        let cores = (0..cores).map(|core| (CoreId(core), Done::default())).collect();
        Self {
            cores,
            decided: Instant(0),
            quiet_for: Duration::ZERO,
            light: BTreeMap::new(),
            busy: None,
            gathered: None,
            patience: PATIENCE,
        }
    }

    /// What a core tells.
    pub fn heard(&mut self, core: CoreId, done: Done) {
        self.cores.insert(core, done);
    }

    /// What is to move now.
    pub fn decide(&mut self, now: Instant) -> Vec<Move> {
        let since = now.since(std::mem::replace(&mut self.decided, now));
        if self.cores.values().any(|done| done.giving) {
            return Vec::new();
        }
        let total: u64 = self.cores.values().map(Done::load).sum();
        if total >= QUIET {
            self.quiet_for = Duration::ZERO;
            self.light.clear();
            return self.relieve(now);
        }
        self.busy = None;
        if self.cores.values().any(|done| !done.work.is_empty()) {
            self.quiet_for += since;
        }
        // All that is in use goes to the first core.
        let moves = self.light_often(now);
        if self.quiet_for < self.patience || moves.is_empty() {
            return Vec::new();
        }
        self.gathered = Some(now);
        moves
    }

    /// What is in use elsewhere than on the first core, has few bytes, and was found so often enough.
    fn light_often(&mut self, now: Instant) -> Vec<Move> {
        let to = CoreId(0);
        let elsewhere = self.cores.iter().filter(|(core, _)| **core != to);
        if elsewhere.clone().map(|(_, done)| done.bytes).sum::<u64>() > LIGHT {
            self.light.clear();
            return Vec::new();
        }
        self.light.retain(|_, (last, _)| now.since(*last) <= AGAIN);
        let used =
            elsewhere.flat_map(|(from, done)| done.work.iter().map(|(log, _)| Move { log: *log, from: *from, to }));
        let often = |step: &Move| {
            let (last, uses) = self.light.entry(step.log).or_insert((now, 0));
            (*last, *uses) = (now, *uses + 1);
            *uses >= USES
        };
        used.filter(often).collect()
    }

    /// The core that has most to do gives half of what it has more to the one that has least, if it had too much the last
    /// time already: what keeps a core from its work for a moment is no reason.
    fn relieve(&mut self, now: Instant) -> Vec<Move> {
        let loads = || self.cores.iter().map(|(core, done)| (done.load(), *core, done));
        let most = loads().max_by_key(|(load, ..)| *load);
        let least = loads().min_by_key(|(load, ..)| *load);
        let (Some((most, from, done)), Some((least, to, _))) = (most, least) else { return Vec::new() };
        let busy = (most >= BUSY && least + SPARE <= most).then_some(from);
        if std::mem::replace(&mut self.busy, busy) != busy || busy.is_none() {
            return Vec::new();
        }
        let moves: Vec<Move> =
            half(&done.work, most, most - least).into_iter().map(|log| Move { log, from, to }).collect();
        if let (false, Some(gathered)) = (moves.is_empty(), self.gathered) {
            let too_soon = now.since(gathered) < WENT_WELL;
            self.patience = if too_soon { (self.patience * 2).min(PATIENCE_MOST) } else { PATIENCE };
            self.gathered = None;
        }
        moves
    }
}

/// Partitions that make about half of `more` of a core's load, of which all of them make `load`; the busiest first.
fn half(work: &[(LogId, u64)], load: u64, more: u64) -> Vec<LogId> {
    let all: u64 = work.iter().map(|(_, work)| work).sum();
    let mut wanted = u128::from(all) * u128::from(more / 2) / u128::from(load.max(1));
    let mut sorted = work.to_vec();
    sorted.sort_unstable_by_key(|(log, work)| (std::cmp::Reverse(*work), *log));
    let fits = |(log, work): (LogId, u64)| {
        let work = u128::from(work);
        (work <= wanted).then(|| {
            wanted -= work;
            log
        })
    };
    sorted.into_iter().filter_map(fits).collect()
}

#[cfg(test)]
mod tests {
    use corelog_storage::ids::{PartitionIndex, TopicId};

    use super::*;

    fn log(number: i32) -> LogId {
        LogId { topic: TopicId([1; 16]), partition: PartitionIndex(number) }
    }

    fn done(cpu: u64, work: &[(i32, u64)]) -> Done {
        Done { cpu, work: work.iter().map(|(number, work)| (log(*number), *work)).collect(), ..Done::default() }
    }

    fn at(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    fn moved(moves: &[Move]) -> Vec<(i32, u16, u16)> {
        moves.iter().map(|step| (step.log.partition.0, step.from.0, step.to.0)).collect()
    }

    /// What is decided when it was so for a long while.
    fn after_a_while(balance: &mut Balance, from_ms: u64) -> Vec<Move> {
        (0..300).flat_map(|step| balance.decide(at(from_ms + step * 200))).collect()
    }

    #[test]
    fn what_is_in_use_gathers_when_it_has_been_quiet_for_a_while() {
        let mut balance = Balance::new(3);
        balance.decide(at(100_000));
        balance.heard(CoreId(0), done(200, &[(0, 5)]));
        balance.heard(CoreId(1), done(200, &[(1, 5), (4, 1)]));
        balance.heard(CoreId(2), done(200, &[(2, 9)]));
        assert_eq!(balance.decide(at(100_200)), [], "while nothing was in use does not count");
        assert_eq!(balance.decide(at(100_400)), [], "how much it has is not known yet");
        assert_eq!(moved(&balance.decide(at(100_600))), [(1, 1, 0), (4, 1, 0), (2, 2, 0)]);
        balance.heard(CoreId(1), Done { giving: true, ..done(200, &[(1, 5)]) });
        assert_eq!(balance.decide(at(100_800)), [], "they are on their way");
        balance.heard(CoreId(1), done(0, &[]));
        balance.heard(CoreId(2), done(0, &[(7, 1)]));
        assert_eq!(balance.decide(at(101_000)), []);
        assert_eq!(balance.decide(at(101_200)), []);
        assert_eq!(moved(&balance.decide(at(101_400))), [(7, 2, 0)], "what comes into use follows");
    }

    #[test]
    fn a_core_with_time_left_is_no_reason_to_move() {
        let mut balance = Balance::new(2);
        balance.heard(CoreId(0), done(800, &[(0, 5), (2, 5)]));
        balance.heard(CoreId(1), done(100, &[(1, 5)]));
        assert_eq!(after_a_while(&mut balance, 0), []);
    }

    #[test]
    fn a_busy_core_gives_half_of_what_it_has_more_to_the_idlest() {
        let mut balance = Balance::new(3);
        balance.heard(CoreId(0), done(900, &[(0, 10), (1, 20), (2, 30), (3, 30)]));
        balance.heard(CoreId(1), done(700, &[(4, 1)]));
        balance.heard(CoreId(2), done(100, &[(5, 1)]));
        assert_eq!(balance.decide(at(0)), [], "it may pass");
        assert_eq!(moved(&balance.decide(at(200))), [(2, 0, 2), (0, 0, 2)]);
        balance.heard(CoreId(2), done(601, &[]));
        assert_eq!(balance.decide(at(500)), [], "no other has that much less to do");
    }

    #[test]
    fn many_bytes_are_a_load_however_little_cpu_they_take() {
        let many = |bytes, work: &[(i32, u64)]| Done { bytes, ..done(100, work) };
        let mut balance = Balance::new(2);
        balance.heard(CoreId(0), many(50_000_000, &[(0, 10)]));
        balance.heard(CoreId(1), many(50_000_000, &[(1, 10)]));
        assert_eq!(after_a_while(&mut balance, 0), [], "one journal writes less than two");
        balance.heard(CoreId(0), many(400_000_000, &[(0, 10), (1, 10)]));
        balance.heard(CoreId(1), done(0, &[]));
        balance.decide(at(70_000));
        assert_eq!(moved(&balance.decide(at(70_200))), [(0, 0, 1)]);
        balance.heard(CoreId(0), many(300_000_000, &[(0, 10), (2, 10)]));
        balance.heard(CoreId(1), many(150_000_000, &[(1, 10)]));
        assert_eq!(balance.decide(at(71_000)), [], "each has enough");
    }

    #[test]
    fn what_has_many_bytes_does_not_gather_for_it_would_leave_them_behind() {
        let mut balance = Balance::new(2);
        balance.heard(CoreId(0), done(100, &[(0, 10)]));
        balance.heard(CoreId(1), Done { bytes: 25_000_000, ..done(100, &[(1, 10)]) });
        assert_eq!(after_a_while(&mut balance, 0), []);
        let (few, many) = [5_000_000, 25_000_000].map(|bytes| Done { bytes, ..done(100, &[(1, 10)]) }).into();
        // It ends, and soon another begins.
        for (ms, told) in [(60_200, &few), (60_800, &few), (61_000, &many), (61_200, &few), (61_400, &few)] {
            balance.heard(CoreId(1), told.clone());
            assert_eq!(balance.decide(at(ms)), [], "at {ms}");
        }
        assert_eq!(moved(&balance.decide(at(61_600))), [(1, 1, 0)], "it is light, and stays so");
    }

    #[test]
    fn the_only_partition_of_a_busy_core_stays() {
        let mut balance = Balance::new(2);
        balance.heard(CoreId(0), done(1_000, &[(0, 10)]));
        assert_eq!(balance.decide(at(0)), []);
        assert_eq!(balance.decide(at(300)), []);
        balance.heard(CoreId(0), done(1_000, &[(0, 100), (1, 1)]));
        assert_eq!(moved(&balance.decide(at(500))), [(1, 0, 1)], "the others leave it alone there");
    }

    /// Two partitions gather, and are too much for one core; how long they were in use first, in ms.
    fn gathers_and_parts(balance: &mut Balance, begin_ms: u64, part_after_ms: u64) -> u64 {
        balance.decide(at(begin_ms));
        balance.heard(CoreId(0), done(100, &[]));
        balance.heard(CoreId(1), done(100, &[(1, 5)]));
        let gathers = (1..5_000).map(|step| begin_ms + step * 100).find(|ms| !balance.decide(at(*ms)).is_empty());
        let gathered = gathers.expect("it gathers");
        balance.heard(CoreId(1), done(0, &[]));
        balance.heard(CoreId(0), done(1_000, &[(0, 10), (1, 10)]));
        balance.decide(at(gathered + part_after_ms - 200));
        assert_eq!(moved(&balance.decide(at(gathered + part_after_ms))), [(0, 0, 1)]);
        gathered - begin_ms
    }

    #[test]
    fn what_gathered_too_soon_gathers_later_the_next_time() {
        let mut balance = Balance::new(2);
        let waited = [0, 1, 2].map(|time| gathers_and_parts(&mut balance, time * 100_000, 1_000));
        assert_eq!(waited, [400, 800, 1_600]);
        assert_eq!(gathers_and_parts(&mut balance, 400_000, 100_000), 3_200);
        assert_eq!(gathers_and_parts(&mut balance, 800_000, 100_000), 400, "it had gone well for long");
    }
}
