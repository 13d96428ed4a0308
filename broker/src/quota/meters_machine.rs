//! The meters of one kind of use on one core, by who uses. Pure: it reads no clock and sends nothing.
//!
//! *Inputs*: [`Meters::find`], [`Meters::add`] (used here), [`Meters::hear`] (used on another core), [`Meters::sweep`].
//! *Effects*: [`Meters::wait`] says how long who uses so much has to wait; [`Meters::report`] what the other cores are
//! to be told.
//! *Invariants*: a meter's total is all that was added and heard within the window; each amount added is in one report;
//! there are at most so many meters as were allowed, and as many more as were asked for by name. Who comes when there is no
//! room shares one meter with all others who do: names without end earn nobody more than one quota.

use std::{collections::BTreeMap, time::Duration};

use corelog_storage::env::Instant;

use super::meter::{Meter, Window};

/// Where a meter is, until it is forgotten for want of use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MeterRef {
    slot: usize,
    stamp: u64,
}

/// Meters by key.
#[derive(Debug)]
pub struct Meters<K> {
    window: Window,
    most: usize,
    index: BTreeMap<K, usize>,
    /// The first is of those for whom there is no room.
    slots: Vec<Slot<K>>,
    free: Vec<usize>,
    /// Slots with something to report.
    touched: Vec<usize>,
    /// The sample during which idle meters were last looked for.
    swept: u64,
    next_stamp: u64,
}

#[derive(Debug)]
struct Slot<K> {
    key: Option<K>,
    stamp: u64,
    meter: Meter,
    unreported: f64,
}

/// The slot of all those for whom there is no room.
const REST: usize = 0;

impl<K: Ord + Clone> Meters<K> {
    /// Room for `most` meters.
    pub fn new(window: Window, most: usize) -> Self {
        let rest = Slot { key: None, stamp: 0, meter: Meter::new(window), unreported: 0.0 };
        Self {
            window,
            most,
            index: BTreeMap::new(),
            slots: vec![rest],
            free: Vec::new(),
            touched: Vec::new(),
            swept: 0,
            next_stamp: 1,
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.index.len()
    }

    /// The meter of `key`, made if need be. One that somebody set a quota for by its very name is made even if there is
    /// no room.
    pub fn find(&mut self, key: &K, by_name: bool, now: Instant) -> MeterRef {
        if let Some(&slot) = self.index.get(key) {
            return MeterRef { slot, stamp: self.slots[slot].stamp };
        }
        if self.index.len() >= self.most && self.swept < self.window.number(now) {
            self.sweep(now);
        }
        if self.index.len() >= self.most && !by_name {
            return MeterRef { slot: REST, stamp: 0 };
        }
        self.make(key)
    }

    /// Whether the meter is still the one that was found. That of those for whom there is no room never is: there may be
    /// room now.
    pub fn is_current(&self, meter: MeterRef) -> bool {
        meter.slot != REST && self.slots.get(meter.slot).is_some_and(|slot| slot.stamp == meter.stamp)
    }

    /// So much was used here.
    pub fn add(&mut self, meter: MeterRef, amount: f64, now: Instant) {
        let slot = &mut self.slots[meter.slot];
        slot.meter.add(amount, now);
        if slot.unreported == 0.0 && amount > 0.0 {
            self.touched.push(meter.slot);
        }
        slot.unreported += amount;
    }

    /// What was used within the window, here and elsewhere.
    pub fn total(&mut self, meter: MeterRef, now: Instant) -> f64 {
        self.slots[meter.slot].meter.total(now)
    }

    /// How long to wait until `amount` more is within a quota of `limit` in a second.
    pub fn wait(&mut self, meter: MeterRef, limit: f64, amount: f64, now: Instant) -> Duration {
        self.slots[meter.slot].meter.wait(limit, amount, now)
    }

    /// What was used here since the last report, by one.
    pub fn unreported(&self, meter: MeterRef) -> f64 {
        self.slots[meter.slot].unreported
    }

    /// What was used here since the last report; without a key it is that of those for whom there was no room.
    pub fn report(&mut self) -> Vec<(Option<K>, f64)> {
        let slots = &mut self.slots;
        let used = |slot: usize| (slots[slot].key.clone(), std::mem::take(&mut slots[slot].unreported));
        self.touched.drain(..).map(used).collect()
    }

    /// So much was used on another core.
    pub fn hear(&mut self, key: Option<&K>, amount: f64, now: Instant) {
        let slot = key.map_or(REST, |key| self.find(key, false, now).slot);
        self.slots[slot].meter.add(amount, now);
    }

    /// Forgets the meters that count nothing.
    pub fn sweep(&mut self, now: Instant) {
        self.swept = self.window.number(now);
        let (slots, free) = (&mut self.slots, &mut self.free);
        self.index.retain(|_, slot| {
            let place = &mut slots[*slot];
            let keep = place.unreported > 0.0 || place.meter.total(now) > 0.0;
            if !keep {
                (place.key, place.stamp) = (None, 0);
                free.push(*slot);
            }
            keep
        });
    }

    fn make(&mut self, key: &K) -> MeterRef {
        let stamp = self.next_stamp;
        self.next_stamp += 1;
        let made = Slot { key: Some(key.clone()), stamp, meter: Meter::new(self.window), unreported: 0.0 };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = made;
                slot
            }
            None => {
                self.slots.push(made);
                self.slots.len() - 1
            }
        };
        self.index.insert(key.clone(), slot);
        MeterRef { slot, stamp }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(ms: u64) -> Instant {
        Instant(50_000 * SECOND + ms * 1_000_000)
    }

    fn window() -> Window {
        Window::new(11, 1)
    }

    /// A fixed sequence of numbers that look random.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, most: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % most
        }
    }

    /// Cores that report to each other at any time, against a list of all that was ever used.
    #[test]
    fn every_core_knows_what_all_used_once_it_was_told() {
        for seed in 0..20 {
            let mut numbers = Numbers(seed);
            let mut cores: Vec<Meters<u64>> = (0..3).map(|_| Meters::new(window(), 100)).collect();
            let mut used: BTreeMap<u64, f64> = BTreeMap::new();
            for step in 0..500 {
                // Within one sample, so that nothing is forgotten: that is the meter's own model.
                let now = at(step);
                let (core, key) = (numbers.below(3) as usize, numbers.below(7));
                match numbers.below(4) {
                    0 => tell(&mut cores, core, now),
                    1 => cores[core].sweep(now),
                    _ => {
                        let amount = 1.0 + numbers.below(100) as f64;
                        let meter = cores[core].find(&key, false, now);
                        cores[core].add(meter, amount, now);
                        *used.entry(key).or_default() += amount;
                    }
                }
            }
            (0..3).for_each(|core| tell(&mut cores, core, at(500)));
            for core in &mut cores {
                for (key, amount) in &used {
                    let meter = core.find(key, false, at(500));
                    assert_eq!(core.total(meter, at(500)), *amount, "seed {seed}");
                }
                assert!(core.report().is_empty(), "what is heard is not told on");
            }
        }
    }

    fn tell(cores: &mut [Meters<u64>], from: usize, now: Instant) {
        let report = cores[from].report();
        for (core, meters) in cores.iter_mut().enumerate() {
            if core != from {
                report.iter().for_each(|(key, amount)| meters.hear(key.as_ref(), *amount, now));
            }
        }
    }

    /// Two cores whose connections of one client use whatever they may.
    #[test]
    fn connections_on_several_cores_keep_to_one_quota_together() {
        const LIMIT: f64 = 10_000.0;
        for (amount, connections) in [(15.0, 1), (150.0, 4), (900.0, 1), (3000.0, 1), (150.0, 50)] {
            let mut cores: Vec<Meters<u64>> = (0..2).map(|_| Meters::new(window(), 10)).collect();
            let mut muted = vec![[0_u64; 2]; connections];
            let mut used = 0.0;
            for ms in 0..380_000_u64 {
                let now = at(ms);
                for core in 0..2 {
                    let mut untold = 0.0;
                    for until in muted.iter_mut().map(|of| &mut of[core]).filter(|until| **until <= ms) {
                        let meters = &mut cores[core];
                        let meter = meters.find(&1, false, now);
                        meters.add(meter, amount, now);
                        used += if ms >= 50_000 { amount } else { 0.0 };
                        *until = ms + 1 + meters.wait(meter, LIMIT, 0.0, now).as_millis() as u64;
                        untold = meters.unreported(meter);
                    }
                    if ms % 100 == 0 || untold > LIMIT * window().whole_seconds() / 32.0 {
                        tell(&mut cores, core, now);
                    }
                }
            }
            let rate = used / 330.0;
            // As Kafka: a connection is held up after the request that was too many, so each may be one ahead.
            let ahead = 2.0 * amount * connections as f64 / window().whole_seconds();
            assert!((LIMIT * 0.95..LIMIT * 1.05 + ahead).contains(&rate), "{rate} by {amount} each of {connections}");
        }
    }

    #[test]
    fn names_without_end_take_a_bounded_room_and_earn_one_quota_more() {
        let mut meters: Meters<u64> = Meters::new(window(), 10);
        for name in 0..100_000 {
            let meter = meters.find(&name, false, at(0));
            meters.add(meter, 1.0, at(0));
        }
        assert_eq!((meters.count(), meters.slots.len()), (10, 11));
        let late = meters.find(&99_999, false, at(1));
        assert_eq!((meters.total(late, at(1)), meters.is_current(late)), (99_990.0, false));
        let named = meters.find(&u64::MAX, true, at(1));
        assert_eq!((meters.total(named, at(1)), meters.count()), (0.0, 11), "whom somebody named has a meter");
        assert_eq!(meters.report().len(), 11, "those without room are reported as one");

        let early = meters.find(&3, false, at(1));
        let later = meters.find(&99_999, false, at(12_000));
        assert!(meters.is_current(later) && !meters.is_current(early), "the idle make room");
        assert_eq!((meters.count(), meters.slots.len()), (1, 12));
    }
}
