//! Which connections a node takes: so many in all, so many of one address, so many per second of all or of one address
//! (KIP-308, KIP-612); and of one listener, where the configuration says so of it.
//!
//! All cores of a node share one ledger, which is touched when a connection comes and when it goes, and never between.
//! One above the bound in all, or too soon, waits and keeps its core from accepting others; one above its address's bound
//! is closed; one that comes too soon for its address's quota is closed after a while, so that its client does not come
//! again at once.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use corelog_storage::env::Instant;

use crate::{
    config::Settings,
    limits,
    quota::{meter::Window, meters_machine::Meters},
};

/// What the configuration asks.
#[derive(Clone, PartialEq, Debug)]
pub struct Rules {
    /// Connections in all (`max.connections`).
    pub in_all: u32,
    /// Connections of an address (`max.connections.per.ip`).
    pub per_address: u32,
    /// The same for some addresses (`max.connections.per.ip.overrides`).
    pub overrides: BTreeMap<IpAddr, u32>,
    /// New connections in a second (`max.connection.creation.rate`); `None` is any number.
    pub per_second: Option<u32>,
    /// The listener's number, and its own bounds.
    pub listener: usize,
    /// Connections of the listener (`listener.name.NAME.max.connections`); `None` is as many as in all.
    pub of_listener: Option<u32>,
    /// New connections of the listener in a second (`listener.name.NAME.max.connection.creation.rate`).
    pub of_listener_per_second: Option<u32>,
    /// The quota of the address that asks.
    pub quota: Option<ConnectionQuota>,
}

/// New connections that one address may make (KIP-612).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ConnectionQuota {
    /// So many in a second.
    pub rate: f64,
    /// Taken over these samples; the first quota there is decides for all.
    pub window: Window,
}

/// What becomes of a connection.
#[derive(Debug)]
pub enum Verdict {
    /// It is served, and counted until the place is dropped.
    Taken(Place),
    /// It is closed: its address has as many as this already.
    Refused(u32),
    /// It waits, and is asked for again after this time.
    Wait(Duration),
    /// It is closed after this time: its address has made too many lately.
    TooSoon(Duration),
}

/// The ledger of a node. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Admission {
    ledger: Arc<Mutex<Ledger>>,
}

/// A connection's entry in the ledger.
#[derive(Debug)]
pub struct Place {
    ledger: Arc<Mutex<Ledger>>,
    address: IpAddr,
    listener: usize,
}

#[derive(Debug, Default)]
struct Ledger {
    open: u32,
    by_address: BTreeMap<IpAddr, u32>,
    by_listener: BTreeMap<usize, OfListener>,
    pace: Pace,
    /// New connections of the addresses that have quotas.
    made: Option<Meters<IpAddr>>,
}

#[derive(Debug, Default)]
struct OfListener {
    open: u32,
    pace: Pace,
}

/// New connections that may come at once, and since when they grow again.
#[derive(Debug, Default)]
struct Pace {
    tokens: f64,
    refilled: Option<Instant>,
}

impl Rules {
    /// What the settings say now, for the listener of this number and name, and the quota of the address.
    pub fn of(settings: &Settings, listener: usize, name: &str, quota: Option<ConnectionQuota>) -> Self {
        let number = |key: &str| u32::try_from(settings.number(key)).unwrap_or(0);
        let own = |key: &str| settings.number_for_listener(name, key).map(|own| u32::try_from(own).unwrap_or(0));
        let rate = number("max.connection.creation.rate");
        let overrides = settings.value("max.connections.per.ip.overrides").unwrap_or_default();
        Self {
            in_all: number("max.connections"),
            per_address: number("max.connections.per.ip"),
            overrides: parse_overrides(overrides).unwrap_or_default(),
            per_second: (rate < i32::MAX as u32).then_some(rate),
            listener,
            of_listener: own("max.connections"),
            of_listener_per_second: own("max.connection.creation.rate").filter(|rate| *rate < i32::MAX as u32),
            quota,
        }
    }

    fn of_address(&self, address: IpAddr) -> u32 {
        self.overrides.get(&address).copied().unwrap_or(self.per_address)
    }
}

/// `ADDRESS:COUNT,...`; an address of version 6 stands in brackets or as it is.
pub fn parse_overrides(text: &str) -> Option<BTreeMap<IpAddr, u32>> {
    let entry = |entry: &str| {
        let (address, count) = entry.trim().rsplit_once(':')?;
        let address = address.trim().trim_start_matches('[').trim_end_matches(']');
        Some((address.parse::<IpAddr>().ok()?.to_canonical(), count.trim().parse().ok()?))
    };
    text.split(',').filter(|text| !text.trim().is_empty()).map(entry).collect()
}

impl Admission {
    /// Whether a connection from `address` is taken now.
    pub fn ask(&self, rules: &Rules, address: IpAddr, now: Instant) -> Verdict {
        let address = address.to_canonical();
        let mut ledger = lock(&self.ledger);
        if let Some(limit) = ledger.full_of(rules, address) {
            return Verdict::Refused(limit);
        }
        let of_listener = ledger.by_listener.entry(rules.listener).or_default();
        let full = rules.of_listener.is_some_and(|most| of_listener.open >= most);
        if full || ledger.open >= rules.in_all {
            return Verdict::Wait(limits::ADMISSION_POLL);
        }
        if let Some(wait) = rules.quota.and_then(|quota| ledger.too_soon_for(address, quota, now)) {
            return Verdict::TooSoon(wait);
        }
        // Both paces must allow it before either counts it.
        let Ledger { by_listener, pace, .. } = &mut *ledger;
        let own = &mut by_listener.entry(rules.listener).or_default().pace;
        let waits = [(pace, rules.per_second), (own, rules.of_listener_per_second)];
        let mut paces: Vec<_> = waits.into_iter().filter_map(|(pace, rate)| Some((pace, rate?))).collect();
        if let Some(wait) = paces.iter_mut().filter_map(|(pace, rate)| pace.too_soon(*rate, now)).max() {
            return Verdict::Wait(wait);
        }
        paces.into_iter().for_each(|(pace, _)| pace.tokens -= 1.0);
        if let Some(quota) = rules.quota {
            ledger.made_one(address, quota, now);
        }
        ledger.open += 1;
        ledger.by_listener.entry(rules.listener).or_default().open += 1;
        *ledger.by_address.entry(address).or_default() += 1;
        Verdict::Taken(Place { ledger: self.ledger.clone(), address, listener: rules.listener })
    }

    /// Connections in all.
    pub fn open(&self) -> u32 {
        lock(&self.ledger).open
    }
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ledger {
    /// The bound of an address that has so many connections.
    fn full_of(&self, rules: &Rules, address: IpAddr) -> Option<u32> {
        let limit = rules.of_address(address);
        (self.by_address.get(&address).copied().unwrap_or(0) >= limit).then_some(limit)
    }

    /// How long this address has to wait until it may make one more, if it may not now. As Kafka: a sample at most.
    fn too_soon_for(&mut self, address: IpAddr, quota: ConnectionQuota, now: Instant) -> Option<Duration> {
        let made = self.made(quota);
        let meter = made.find(&address, false, now);
        let wait = made.wait(meter, quota.rate, 1.0, now);
        (!wait.is_zero()).then(|| wait.min(quota.window.sample()))
    }

    /// The address makes one more.
    fn made_one(&mut self, address: IpAddr, quota: ConnectionQuota, now: Instant) {
        let made = self.made(quota);
        let meter = made.find(&address, false, now);
        made.add(meter, 1.0, now);
        // All cores share the ledger: there is nobody to be told.
        made.report();
    }

    fn made(&mut self, quota: ConnectionQuota) -> &mut Meters<IpAddr> {
        self.made.get_or_insert_with(|| Meters::new(quota.window, limits::QUOTA_ADDRESSES))
    }
}

impl Pace {
    /// When there will be one more of the second's connections, if there is none now.
    fn too_soon(&mut self, rate: u32, now: Instant) -> Option<Duration> {
        let most = f64::from(rate.max(1));
        let passed = self.refilled.map_or(Duration::from_secs(1), |since| now.since(since));
        self.tokens = (self.tokens + passed.as_secs_f64() * f64::from(rate)).min(most);
        self.refilled = Some(now);
        if self.tokens >= 1.0 {
            return None;
        }
        let seconds = (1.0 - self.tokens) / f64::from(rate);
        // A rate of 0 waits until it is changed.
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).clamp(MIN_WAIT, limits::ADMISSION_POLL))
    }
}

/// Shorter than this nothing waits.
const MIN_WAIT: Duration = Duration::from_millis(1);

impl Drop for Place {
    fn drop(&mut self) {
        let mut ledger = lock(&self.ledger);
        ledger.open -= 1;
        ledger.by_listener.get_mut(&self.listener).expect("it was counted").open -= 1;
        let left = ledger.by_address.get_mut(&self.address).expect("it was counted");
        *left -= 1;
        if *left == 0 {
            ledger.by_address.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    fn rules() -> Rules {
        Rules {
            in_all: 4,
            per_address: 2,
            overrides: BTreeMap::new(),
            per_second: None,
            listener: 0,
            of_listener: None,
            of_listener_per_second: None,
            quota: None,
        }
    }

    fn taken(verdict: Verdict) -> Place {
        match verdict {
            Verdict::Taken(place) => place,
            other => panic!("{other:?}"),
        }
    }

    fn at(ms: u64) -> Instant {
        Instant(ms * 1_000_000)
    }

    #[test]
    fn an_addresss_connections_are_bounded_until_one_goes() {
        let admission = Admission::default();
        let own = Rules { overrides: parse_overrides(" 10.0.0.2:1 ").expect("valid"), ..rules() };
        let first = taken(admission.ask(&own, NOBODY, at(0)));
        let mapped = "::ffff:10.0.0.1".parse().expect("an address");
        let _second = taken(admission.ask(&own, mapped, at(0)));
        assert!(matches!(admission.ask(&own, NOBODY, at(0)), Verdict::Refused(2)), "both forms are one address");
        let _other = taken(admission.ask(&own, OTHER, at(0)));
        assert!(matches!(admission.ask(&own, OTHER, at(0)), Verdict::Refused(1)));
        drop(first);
        let _again = taken(admission.ask(&own, NOBODY, at(0)));
    }

    #[test]
    fn one_above_the_bound_in_all_waits_for_a_place() {
        let admission = Admission::default();
        let two = Rules { in_all: 2, ..rules() };
        let first = taken(admission.ask(&two, NOBODY, at(0)));
        let _second = taken(admission.ask(&two, OTHER, at(0)));
        assert!(matches!(admission.ask(&two, OTHER, at(0)), Verdict::Wait(_)));
        assert!(admission.ledger.lock().expect("sound").by_address[&OTHER] == 1, "who waits has no place");
        drop(first);
        let _third = taken(admission.ask(&two, OTHER, at(0)));
        assert_eq!(admission.open(), 2);
    }

    #[test]
    fn no_more_come_in_a_second_than_allowed() {
        let admission = Admission::default();
        let rules = Rules { in_all: 1000, per_address: 1000, per_second: Some(10), ..rules() };
        let mut places = Vec::new();
        let mut come = |from: u64, until: u64| {
            let before = places.len();
            for ms in from..until {
                if let Verdict::Taken(place) = admission.ask(&rules, NOBODY, at(ms)) {
                    places.push(place);
                }
            }
            places.len() - before
        };
        assert_eq!(come(0, 100), 10, "as many as come in a second may come at once");
        assert!((9..=11).contains(&come(100, 1100)));
        assert_eq!(come(10_000, 10_001), 1);
        let none = Rules { per_second: Some(0), ..rules.clone() };
        let fresh = Admission::default();
        for ms in 0..3 {
            assert!(matches!(fresh.ask(&none, NOBODY, at(ms * 1000)), Verdict::Wait(_)));
        }
    }

    #[test]
    fn a_listeners_own_bounds_hold_for_it_alone() {
        let settings = Settings::default();
        assert_eq!(Rules::of(&settings, 1, "OUTSIDE", None).of_listener, None);
        let set = |key: &str, value: &str| (format!("listener.name.outside.{key}"), value.to_owned());
        let own = [set("max.connections", "1"), set("max.connection.creation.rate", "5")].into_iter().collect();
        let settings = settings.with_dynamic(Arc::new(own), Arc::default());
        let outside = Rules::of(&settings, 1, "OUTSIDE", None);
        assert_eq!((outside.of_listener, outside.of_listener_per_second), (Some(1), Some(5)));
        let inside = Rules::of(&settings, 0, "INSIDE", None);
        assert_eq!((inside.of_listener, inside.of_listener_per_second), (None, None));
        let admission = Admission::default();
        let first = taken(admission.ask(&outside, NOBODY, at(0)));
        assert!(matches!(admission.ask(&outside, NOBODY, at(0)), Verdict::Wait(_)));
        let _inside = taken(admission.ask(&inside, NOBODY, at(0)));
        drop(first);
        let mut come = 0;
        for ms in 0..1_000 {
            come += u32::from(matches!(admission.ask(&outside, OTHER, at(ms)), Verdict::Taken(_)));
        }
        assert!((8..=10).contains(&come), "4 at once, and 5 in the second: {come}");
    }

    #[test]
    fn an_address_makes_no_more_connections_than_its_quota_allows_and_others_are_not_held_up() {
        let admission = Admission::default();
        let quota = |rate| {
            let quota = Some(ConnectionQuota { rate, window: Window::new(11, 1) });
            Rules { in_all: 1000, per_address: 1000, quota, ..rules() }
        };
        let (mut taken, mut told) = (0, Vec::new());
        for ms in 0..60_000 {
            match admission.ask(&quota(2.0), NOBODY, at(ms)) {
                Verdict::Taken(_) => taken += 1,
                Verdict::TooSoon(wait) => told.push(wait),
                other => panic!("{other:?}"),
            }
        }
        assert!((115..=140).contains(&taken), "{taken} in a minute, a window's worth of them at once");
        assert!(told.iter().all(|wait| *wait > Duration::ZERO && *wait <= Duration::from_secs(1)));
        assert!(matches!(admission.ask(&quota(2.0), OTHER, at(60_000)), Verdict::Taken(_)));
        assert!(
            matches!(admission.ask(&quota(3.0), NOBODY, at(60_000)), Verdict::Taken(_)),
            "a new quota holds at once"
        );
        assert_eq!(admission.open(), 0);
    }

    #[test]
    fn overrides_are_addresses_with_counts() {
        let parsed = parse_overrides("127.0.0.1:5, [::1]:7,fe80::1:9").expect("valid");
        assert_eq!(parsed.values().copied().collect::<Vec<_>>(), [5, 7, 9]);
        assert_eq!(parse_overrides(""), Some(BTreeMap::new()));
        for bad in ["127.0.0.1", "localhost:5", "127.0.0.1:-1", "127.0.0.1:x"] {
            assert_eq!(parse_overrides(bad), None, "{bad}");
        }
    }
}
