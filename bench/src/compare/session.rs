//! A run: the cases of a workload one after the other, each in slices that take turns between the brokers.

use super::claim::Claim;
use super::rules::{Rules, pressure_at_rest};
use super::stats::{Random, estimate};
use crate::engine::{self, Metrics, Site, Slice, Topic};
use crate::error::{Error, Result};
use crate::machine::write_back;
use crate::output::summary::{CaseResult, Figure, SliceResult, Status, Summary, Verdict};
use crate::output::{Interval, Output, Progress, Row, percentiles};
use crate::report::histogram;
use crate::target::Endpoint;
use crate::workload::Case;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Pairs in which system calls are counted.
const SYSCALL_PAIRS: usize = 3;

pub(crate) struct Session {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) output: Output,
    pub(crate) summary: Summary,
    pub(crate) syscalls: bool,
    pub(crate) sync_dir: Option<PathBuf>,
    pub(crate) began: Instant,
}

/// The slices of a case so far.
struct Course {
    topics: Vec<Topic>,
    random: Random,
    a_first: bool,
    /// Slices begun.
    begun: u32,
    /// By target and kind: latencies of slices that count.
    latencies: BTreeMap<(usize, &'static str), Vec<Interval>>,
}

/// Which pair is measured.
#[derive(Clone, Copy)]
struct Turn {
    /// The case's place in the summary.
    place: usize,
    attempt: usize,
    syscalls: bool,
}

/// A slice of a pair that is not yet judged as a whole.
struct Fit {
    target: usize,
    start: Duration,
    /// No rule discards it.
    fit: bool,
    latencies: BTreeMap<&'static str, Histogram<u64>>,
}

/// What ends a case early.
enum Stop {
    /// The broker, or what we need to watch it, is gone: the run ends.
    Gone(Error),
    /// The figures of this case cannot be believed.
    Void(Error),
}

impl Session {
    /// Runs all cases; the summary says how it went. An error is of the output alone.
    pub(crate) fn run(&mut self, cases: Vec<Case>, claims: &[Claim]) -> Result<()> {
        let (mut progress, mut status) = (Progress::new(), Status::Complete);
        for case in cases {
            let place = self.summary.cases.len();
            self.summary.cases.push(CaseResult::new(case));
            let ended = self.case(place, &mut progress)?;
            self.output.summary(&self.summary)?;
            match ended {
                None => {}
                Some(Stop::Void(why)) => {
                    self.summary.cases[place].void = Some(why.to_string());
                    status = Status::Void(why.to_string());
                }
                Some(Stop::Gone(why)) => {
                    status = Status::Partial(why.to_string());
                    break;
                }
            }
        }
        progress.end();
        self.judge(claims);
        let short =
            self.summary.cases.iter().find(|result| result.void.is_none() && counted(result) < result.case.pairs);
        if let (Status::Complete, Some(short)) = (&status, short) {
            let (name, of) = (&short.case.name, short.case.pairs);
            status = Status::Partial(format!("{name}: only {} of {of} pairs count", counted(short)));
        }
        self.summary.status = status;
        self.output.summary(&self.summary)
    }

    fn case(&mut self, place: usize, progress: &mut Progress) -> Result<Option<Stop>> {
        let case = self.summary.cases[place].case.clone();
        let mut random = Random::new(self.summary.seed ^ place as u64);
        let mut course = Course {
            topics: self.endpoints.iter().map(|_| Topic::default()).collect(),
            a_first: random.next() & 1 == 0,
            random,
            begun: 0,
            latencies: BTreeMap::new(),
        };
        // As many again may be discarded; a machine that is busier than that measures nothing.
        let timed = (0..2 * case.pairs).map(|attempt| Turn { place, attempt, syscalls: false });
        let calls =
            (0..if self.syscalls { SYSCALL_PAIRS } else { 0 }).map(|attempt| Turn { place, attempt, syscalls: true });
        let mut ended = None;
        for turn in timed.chain(calls) {
            if !turn.syscalls && counted(&self.summary.cases[place]) == case.pairs {
                continue;
            }
            ended = self.pair(turn, &mut course, progress)?;
            if ended.is_some() {
                break;
            }
        }
        for (topic, endpoint) in course.topics.iter_mut().zip(&self.endpoints) {
            // A broker that is gone keeps it.
            let _ = topic.delete(&endpoint.address);
        }
        if !matches!(ended, Some(Stop::Void(_))) {
            self.conclude(place, course)?;
        }
        Ok(ended)
    }

    /// One slice on each broker: a b, then b a.
    fn pair(&mut self, turn: Turn, course: &mut Course, progress: &mut Progress) -> Result<Option<Stop>> {
        let mut order: Vec<usize> = (0..self.endpoints.len()).collect();
        if course.a_first != turn.attempt.is_multiple_of(2) {
            order.reverse();
        }
        let (mut pair, mut ended) = (Vec::new(), None);
        for target in order {
            let (one, stop) = self.one(turn, target, course, progress)?;
            pair.push(one);
            if stop.is_some() {
                ended = stop;
                break;
            }
        }
        let result = &mut self.summary.cases[turn.place];
        // What a single broker did until it went away is better than nothing.
        let whole = ended.is_none() || (self.endpoints.len() == 1 && counted(result) == 0);
        let counts = whole && pair.iter().all(|one| one.fit);
        let new = result.slices.len() - pair.len();
        result.slices[new..].iter_mut().for_each(|slice| slice.counts = counts);
        let length = Duration::from_secs_f64(result.case.seconds);
        for Fit { target, start, latencies, .. } in pair.into_iter().filter(|_| counts && !turn.syscalls) {
            for (kind, latencies) in latencies {
                course.latencies.entry((target, kind)).or_default().push(Interval { start, length, latencies });
            }
        }
        self.output.summary(&self.summary)?;
        Ok(ended)
    }

    /// One slice of a pair, as the rules see it.
    fn one(
        &mut self,
        turn: Turn,
        target: usize,
        course: &mut Course,
        progress: &mut Progress,
    ) -> Result<(Fit, Option<Stop>)> {
        let result = &self.summary.cases[turn.place];
        let (case, name) = (result.case.clone(), &self.summary.targets[target].name);
        let what =
            if turn.syscalls { "system calls".into() } else { format!("{}/{} pairs", counted(result), case.pairs) };
        progress.at(format!("{}  {what}  {name}", case.name));
        write_back();
        let pressure = pressure_at_rest()?;
        let start = self.began.elapsed();
        let slice = self.slice(&case, target, turn.syscalls, course, progress)?;
        let failed = slice.failure.as_ref().map(ToString::to_string);
        let discarded = self.summary.rules.discard(pressure, slice.steal).filter(|_| failed.is_none());
        let fit = Fit { target, start, fit: discarded.is_none(), latencies: slice.latencies };
        self.summary.cases[turn.place].slices.push(SliceResult {
            target,
            pair: turn.attempt,
            at: start.as_secs_f64(),
            counts: false,
            discarded,
            failed,
            syscalls: turn.syscalls,
            metrics: slice.metrics,
        });
        // A record that is not as it was is void; all else is a broker that went away under the load.
        let stop = |why| if matches!(why, Error::Broken(_)) { Stop::Void(why) } else { Stop::Gone(why) };
        Ok((fit, slice.failure.map(stop)))
    }

    fn slice(
        &mut self,
        case: &Case,
        target: usize,
        syscalls: bool,
        course: &mut Course,
        progress: &Progress,
    ) -> Result<Slice> {
        let others = self.endpoints.iter().enumerate().filter(|(place, _)| *place != target);
        let own = self.endpoints[target].pid;
        let peers: Vec<u32> = others.filter_map(|(_, other)| other.pid).filter(|pid| Some(*pid) != own).collect();
        let endpoint = &self.endpoints[target];
        let restart = endpoint.restart.as_deref();
        let sync_dir = self.sync_dir.as_deref();
        let site = Site { target: endpoint, peers: &peers, restart, syscalls, sync_dir, kill: case.kill };
        let (number, begun) = (course.begun, self.began.elapsed().as_secs_f64());
        course.begun += 1;
        let topic = &mut course.topics[target];
        let mut slice = engine::run(&site, case, topic, number, &mut |second| progress.second(second));
        if !case.keep_topic && slice.failure.is_none() {
            slice.failure = topic.delete(&self.endpoints[target].address).err();
        }
        if let Some(pid) = slice.restarted {
            self.endpoints[target].pid = Some(pid);
            self.summary.targets[target].pid = Some(pid);
        }
        for second in &slice.seconds {
            let (target, case) = (self.summary.targets[target].name.clone(), case.name.clone());
            let row = Row { at: begun + second.at, target, case, slice: number as usize, second: *second };
            self.output.row(&row)?;
        }
        Ok(slice)
    }

    /// Figures, percentiles and logs of a case from the slices that count.
    fn conclude(&mut self, place: usize, mut course: Course) -> Result<()> {
        let (confidence, both) = (self.summary.confidence, self.endpoints.len() == 2);
        let result = &mut self.summary.cases[place];
        let seed = course.random.next();
        for name in names(&result.slices) {
            let of = |target: usize| values(&result.slices, target, &name);
            let estimate = |values: &[f64]| estimate(values, confidence, seed);
            let figure = Figure {
                a: estimate(&of(0)),
                b: if both { estimate(&of(1)) } else { None },
                ratio: if both { estimate(&ratios(&result.slices, &name)) } else { None },
            };
            result.figures.insert(name, figure);
        }
        for ((target, kind), slices) in &course.latencies {
            let mut all = histogram();
            for slice in slices {
                all.add(&slice.latencies).map_err(|error| Error::Cannot(error.to_string()))?;
            }
            let curves = result
                .percentiles
                .entry((*kind).to_owned())
                .or_insert_with(|| vec![Vec::new(); if both { 2 } else { 1 }]);
            curves[*target] = percentiles(&all);
            self.output.latencies(&result.case.name, &self.summary.targets[*target].name, kind, slices)?;
        }
        Ok(())
    }

    fn judge(&mut self, claims: &[Claim]) {
        for claim in claims {
            let mut judged = 0;
            for result in self.summary.cases.iter().filter(|result| claim.place.is_of(&result.case)) {
                let estimate = claim.place.find(result);
                let value = estimate.map(|estimate| claim.bad_end(&estimate));
                let holds = value.is_some_and(|value| claim.holds(value));
                let (claim, case) = (claim.text.clone(), result.case.name.clone());
                self.summary.claims.push(Verdict { claim, case, value, holds });
                judged += 1;
            }
            if judged == 0 {
                let (claim, case) = (claim.text.clone(), "no case of that name".to_owned());
                self.summary.claims.push(Verdict { claim, case, value: None, holds: false });
            }
        }
    }
}

/// Pairs that count for times.
fn counted(result: &CaseResult) -> usize {
    result.slices.iter().filter(|slice| slice.target == 0 && of_times(slice)).count()
}

fn of_times(slice: &SliceResult) -> bool {
    slice.counts && !slice.syscalls
}

/// Whether a figure is taken from such a slice: system calls from those that counted them, all else from the others.
fn taken(slice: &SliceResult, name: &str) -> bool {
    slice.counts && slice.syscalls == name.starts_with("syscalls")
}

fn names(slices: &[SliceResult]) -> Vec<String> {
    let names = slices.iter().flat_map(|slice| slice.metrics.keys().filter(|name| taken(slice, name)));
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    names
}

fn values(slices: &[SliceResult], target: usize, name: &str) -> Vec<f64> {
    let own = slices.iter().filter(|slice| slice.target == target && taken(slice, name));
    own.filter_map(|slice| slice.metrics.get(name).copied()).collect()
}

/// a's value over b's, pair by pair, where both can be divided.
fn ratios(slices: &[SliceResult], name: &str) -> Vec<f64> {
    let get = |metrics: &Metrics| metrics.get(name).copied();
    let a = slices.iter().filter(|slice| slice.target == 0 && taken(slice, name));
    let ratio = |a: &SliceResult| {
        let b = slices.iter().find(|b| b.target == 1 && b.pair == a.pair && b.syscalls == a.syscalls)?;
        Some(get(&a.metrics)? / get(&b.metrics)?)
    };
    a.filter_map(ratio).filter(|ratio| ratio.is_finite()).collect()
}

/// The rules, from shares in percent.
pub(crate) fn rules(most_steal: f64, most_pressure: f64) -> Rules {
    Rules { most_steal: most_steal / 100.0, most_pressure: most_pressure / 100.0 }
}
