//! One thread that drives all producers: by the clock in an open loop, by the answers in a closed one.

use super::shared::{Lag, Shared};
use crate::batch;
use crate::client;
use crate::error::{Error, Result, accept};
use crate::mux::Mux;
use crate::pace::sleep_until;
use crate::payload::Stamp;
use crate::verify::Ack;
use crate::workload::Case;
use bytes::Bytes;
use corelog_wire::messages::ProduceRequest;
use std::collections::VecDeque;
use std::iter::repeat_n;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// A wake from the kernel is late by tens of microseconds, which are not the broker's: the last moment is spun through,
/// but never more of a processor than this share, as the broker needs it too.
const SPIN: Duration = Duration::from_micros(80);
const SPIN_SHARE: u32 = 10;
/// How long what was sent may remain without an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the sockets may leave to us: beyond it the broker is not taking the load.
const MOST_UNSENT: usize = 1 << 30;
/// Behind its times a producer still looks for answers after so many sends.
const SENDS_BETWEEN_ANSWERS: u64 = 16;

struct Pending {
    correlation_id: i32,
    /// When it was due, or in a closed loop sent, from the slice's start.
    since: Duration,
    first_sequence: u64,
    partitions: Vec<i32>,
}

struct Lane {
    pending: VecDeque<Pending>,
    sequence: u64,
    /// Requests sent: its partitions take turns.
    turn: u64,
}

pub(crate) struct Producer<'a> {
    case: &'a Case,
    shared: &'a Shared,
    topic: &'a str,
    mux: Mux,
    lanes: Vec<Lane>,
    /// Of the slice: a stream's numbers begin anew in each.
    slice: u32,
    correlation_id: i32,
    unanswered: usize,
    acks: Vec<Ack>,
    lag: Lag,
}

/// What a producer leaves behind.
pub(crate) struct Produced {
    pub(crate) acks: Vec<Ack>,
    pub(crate) lag: Lag,
    /// Where each partition ends now.
    pub(crate) ends: Vec<i64>,
}

impl<'a> Producer<'a> {
    pub(crate) fn new(case: &'a Case, shared: &'a Shared, topic: &'a str, mux: Mux, slice: u32) -> Self {
        let lane = |_| Lane { pending: VecDeque::new(), sequence: 0, turn: 0 };
        let lanes = (0..mux.len()).map(lane).collect();
        let (acks, lag) = (Vec::new(), Lag::none());
        Self { case, shared, topic, mux, lanes, slice, correlation_id: 0, unanswered: 0, acks, lag }
    }

    /// Sends until the slice ends, and waits for the last answer. `starts` is where the partitions ended before.
    pub(crate) fn run(mut self, starts: &[i64]) -> Result<Produced> {
        let sent = match self.case.rate {
            Some(0.0) => {
                self.rest();
                Ok(())
            }
            Some(rate) => self.open_loop(rate),
            None => self.closed_loop(u64::MAX),
        };
        let answered = sent.and_then(|()| self.drain());
        self.shared.unless_killed(answered)?;
        let shared = self.shared;
        let produced = self.finish(starts);
        shared.end_at(produced.ends.clone());
        Ok(produced)
    }

    /// Sends as fast as answers come, so many requests.
    pub(crate) fn fill(mut self, requests: u64, starts: &[i64]) -> Result<Produced> {
        self.closed_loop(requests)?;
        self.drain()?;
        Ok(self.finish(starts))
    }

    fn finish(self, starts: &[i64]) -> Produced {
        let mut ends = starts.to_vec();
        for ack in &self.acks {
            let end = &mut ends[ack.partition as usize];
            *end = (*end).max(ack.base_offset + i64::from(ack.count));
        }
        Produced { acks: self.acks, lag: self.lag, ends }
    }

    /// Sends nothing until the slice ends.
    fn rest(&self) {
        while Instant::now() < self.shared.times.end() && !self.shared.stopped() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn open_loop(&mut self, rate: f64) -> Result<()> {
        // SAFETY: changes this thread's own timer slack, in nanoseconds.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
        let late = Duration::from_secs_f64(self.case.late_ms / 1000.0);
        let (times, spin) = (self.shared.times, SPIN.min(self.case.due(1, rate) / SPIN_SHARE));
        for number in 0.. {
            let due = self.case.due(number, rate);
            if due >= times.sending() || self.shared.stopped() {
                break;
            }
            let lane = number as usize % self.lanes.len();
            let frame = self.request(lane, due)?;
            self.wait(times.start + due, spin)?;
            let behind = times.start.elapsed().saturating_sub(due);
            if times.counts(due) {
                self.lag.behind.saturating_record(behind.as_nanos() as u64);
                self.lag.late += u64::from(behind > late);
            }
            self.mux.send(lane, &frame)?;
            if self.mux.unsent() > MOST_UNSENT {
                return Err(Error::Cannot(format!("the broker does not take {rate} records/s")));
            }
            if number.is_multiple_of(SENDS_BETWEEN_ANSWERS) {
                self.answers(Duration::ZERO)?;
            }
        }
        Ok(())
    }

    /// Takes answers until `due`, of which the last moment spinning.
    fn wait(&mut self, due: Instant, spin: Duration) -> Result<()> {
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left <= spin {
                break;
            }
            self.answers(left - spin)?;
        }
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        Ok(())
    }

    /// Answers each answer with another request until the slice ends, or so many are sent.
    fn closed_loop(&mut self, requests: u64) -> Result<()> {
        let (times, mut left) = (self.shared.times, requests);
        sleep_until(times.start);
        let mut free: Vec<usize> = (0..self.lanes.len()).flat_map(|lane| repeat_n(lane, self.case.depth)).collect();
        while left > 0 && times.start.elapsed() < times.sending() && !self.shared.stopped() {
            for lane in free.drain(..).take(usize::try_from(left).unwrap_or(usize::MAX)) {
                self.send_now(lane)?;
                left -= 1;
            }
            free = self.answers(Duration::from_millis(100))?;
        }
        Ok(())
    }

    fn send_now(&mut self, lane: usize) -> Result<()> {
        let frame = self.request(lane, self.shared.times.start.elapsed())?;
        self.mux.send(lane, &frame)
    }

    fn drain(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.unanswered > 0 && !self.shared.stopped() {
            if Instant::now() > deadline {
                return Err(Error::Cannot(format!("{} requests without an answer", self.unanswered)));
            }
            self.answers(Duration::from_millis(100))?;
        }
        Ok(())
    }

    /// The partitions of a producer's next request: its own ones in turn.
    fn partitions(&self, lane: usize) -> Vec<i32> {
        let (lanes, all) = (self.lanes.len(), self.case.written());
        // Fewer partitions than producers: one each, shared. Otherwise every `lanes`th is this producer's.
        let own = if all <= lanes { 1 } else { (all - lane).div_ceil(lanes) };
        let count = self.case.partitions_per_request.min(own);
        let first = self.lanes[lane].turn as usize * count;
        (0..count).map(|place| ((lane + (first + place) % own * lanes) % all) as i32).collect()
    }

    /// The next request of a producer, whose answer is awaited from now on.
    fn request(&mut self, lane: usize, since: Duration) -> Result<Bytes> {
        let partitions = self.partitions(lane);
        let first_sequence = self.lanes[lane].sequence;
        let (case, stream) = (self.case, self.stream(lane));
        let due = since.as_nanos() as u64;
        let mut next = first_sequence;
        let mut batches = Vec::with_capacity(partitions.len());
        for partition in &partitions {
            let first = next;
            let key = |place: usize| (case.keys > 0).then(|| (first + place as u64) % case.keys);
            let records = batch::build_keyed(case.batch, case.record, batch::now_ms(), key, |place, value| {
                Stamp { stream, sequence: first + place as u64, due }.write(value);
            });
            batches.push((*partition, records));
            next += case.batch as u64;
        }
        self.correlation_id = self.correlation_id.wrapping_add(1);
        let correlation_id = self.correlation_id;
        let frame = client::encode(client::PRODUCE, correlation_id, &client::produce_many(self.topic, batches))?;
        let lane = &mut self.lanes[lane];
        lane.sequence = next;
        lane.turn += 1;
        lane.pending.push_back(Pending { correlation_id, since, first_sequence, partitions });
        self.unanswered += 1;
        Ok(frame)
    }

    fn stream(&self, lane: usize) -> u32 {
        self.slice.wrapping_mul(self.lanes.len() as u32).wrapping_add(lane as u32)
    }

    /// Takes the answers that come within `wait`; whose they were.
    fn answers(&mut self, wait: Duration) -> Result<Vec<usize>> {
        let mut answers = Vec::new();
        self.mux.receive(wait, &mut answers)?;
        let mut answered = Vec::with_capacity(answers.len());
        let mut latencies = Vec::with_capacity(answers.len());
        for (lane, answer) in answers {
            let since = self.answer(lane, &answer)?;
            let latency = self.shared.times.start.elapsed().saturating_sub(since).as_nanos() as u64;
            latencies.push((latency, self.shared.times.counts(since)));
            answered.push(lane);
        }
        if !answered.is_empty() {
            self.unanswered -= answered.len();
            self.shared.requests.fetch_add(answered.len() as u64, Relaxed);
            self.shared.acks.record(latencies.into_iter());
        }
        Ok(answered)
    }

    fn answer(&mut self, lane: usize, answer: &Bytes) -> Result<Duration> {
        let (correlation_id, response) = client::decode::<ProduceRequest>(client::PRODUCE, answer)?;
        let stream = self.stream(lane);
        let pending = self.lanes[lane].pending.pop_front().filter(|p| p.correlation_id == correlation_id);
        let pending = pending.ok_or_else(|| Error::Broken("an answer out of order".into()))?;
        let mut answered = 0;
        for outcome in client::produced(&response) {
            accept("Produce", outcome.error_code)?;
            let place = pending.partitions.iter().position(|partition| *partition == outcome.index);
            let place = place.ok_or_else(|| Error::Broken("an answer for a partition not asked".into()))?;
            answered += 1;
            self.acks.push(Ack {
                partition: outcome.index,
                base_offset: outcome.base_offset,
                stream,
                first_sequence: pending.first_sequence + (place * self.case.batch) as u64,
                count: self.case.batch as u32,
            });
        }
        if answered != pending.partitions.len() {
            return Err(Error::Broken("a partition without an answer".into()));
        }
        Ok(pending.since)
    }
}
