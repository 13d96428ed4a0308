//! Partitions that clients create and delete, where they have a quota of them (KIP-599). Pure: it reads no clock.
//!
//! Who shares a quota has a bucket of permits. It fills at the quota's rate up to what all samples of the window allow, and
//! each change takes as many as it has partitions. A change may take more than there are: what is missing is a debt. While
//! there is one a strict payer's changes are refused; another's are made, and it waits until the debt is paid.
//!
//! *Inputs*: [`Account::open`] for a call, [`Mutations::charge`] for each change of it, in order.
//! *Effects*: whether the change may be made; [`Account::until`], when the debt that was met is paid.
//! *Invariants*: over any time, what is charged is at most the window's permits, those that the time brought, and one
//! change; there are at most so many buckets as the limit says, and as many more as were asked for by name. Who comes when
//! there is no room shares one bucket with all others who do.

use std::{collections::BTreeMap, time::Duration};

use corelog_storage::env::Instant;

use super::lookup::{self, Found, Sharer};
use crate::{
    config::Settings,
    limits,
    metadata::{
        call::Payer,
        quota::{QuotaKey, Quotas},
    },
};

/// What one call's payer has.
#[derive(Debug)]
pub struct Account {
    quota: Option<Found>,
    strict: bool,
    now: Instant,
    until: Option<Instant>,
}

/// The buckets of all who have a quota of mutations.
#[derive(Debug)]
pub struct Mutations {
    /// A bucket holds what a quota allows in so many seconds.
    seconds: f64,
    /// `None` is of those for whom there is no room.
    buckets: BTreeMap<Option<Sharer>, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    /// Below zero it is a debt.
    permits: f64,
    filled: Instant,
    full: Instant,
}

impl Account {
    /// That of somebody who pays nothing.
    pub fn free() -> Self {
        Self { quota: None, strict: false, now: Instant(0), until: None }
    }

    /// That of `payer`, whose call is decided now.
    pub fn open(quotas: &Quotas, payer: &Payer, now: Instant) -> Self {
        let quota = lookup::find(quotas, QuotaKey::ControllerMutationRate, &payer.user, &payer.client_id);
        Self { quota, strict: payer.strict, now, until: None }
    }

    /// When the debt is paid that some change was refused for, or added to.
    pub fn until(&self) -> Option<Instant> {
        self.until
    }
}

impl Mutations {
    /// Full buckets all, of the measures that the settings say.
    pub fn new(settings: &Settings) -> Self {
        let number = |key: &str| settings.number(key).max(1) as f64;
        let seconds = number("controller.quota.window.num") * number("controller.quota.window.size.seconds");
        Self { seconds, buckets: BTreeMap::new() }
    }

    /// Takes the permits for so many partitions. False if the change may not be made, and then nothing is taken.
    pub fn charge(&mut self, account: &mut Account, partitions: usize) -> bool {
        let Some(found) = &account.quota else { return true };
        let (now, most) = (account.now, found.limit * self.seconds);
        let bucket = self.bucket(found, now);
        bucket.permits = (bucket.permits + found.limit * now.since(bucket.filled).as_secs_f64()).min(most);
        bucket.filled = now;
        let refused = account.strict && bucket.permits < 0.0;
        if !refused {
            bucket.permits -= partitions as f64;
            bucket.full = now.after(wait(most - bucket.permits, found.limit));
        }
        if bucket.permits < 0.0 && (refused || !account.strict) {
            account.until = Some(now.after(wait(-bucket.permits, found.limit)));
        }
        !refused
    }

    /// Whoever has none, or a full one, is forgotten where that makes room.
    fn bucket(&mut self, found: &Found, now: Instant) -> &mut Bucket {
        let mut key = Some(found.sharer.clone());
        if self.buckets.len() >= limits::QUOTA_METERS && !self.buckets.contains_key(&key) && !found.by_name {
            self.buckets.retain(|_, bucket| bucket.full > now);
            if self.buckets.len() >= limits::QUOTA_METERS {
                key = None;
            }
        }
        let most = found.limit * self.seconds;
        self.buckets.entry(key).or_insert(Bucket { permits: most, filled: now, full: now })
    }
}

/// The time in which so many permits come.
fn wait(permits: f64, limit: f64) -> Duration {
    Duration::try_from_secs_f64(permits / limit).map_or(limits::QUOTA_WAIT, |wait| wait.min(limits::QUOTA_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::quota::{QuotaEntity, QuotaName, QuotaValue};

    fn quotas(client_id: QuotaName, rate: f64) -> Quotas {
        let entity = QuotaEntity { client_id: Some(client_id), ..QuotaEntity::default() };
        Quotas::from([(entity, [(QuotaKey::ControllerMutationRate, QuotaValue::new(rate))].into())])
    }

    fn payer(client_id: &str, strict: bool) -> Payer {
        Payer { user: "u".into(), client_id: client_id.to_owned(), strict }
    }

    fn at(ms: u64) -> Instant {
        Instant(7_000_000_000_000 + ms * 1_000_000)
    }

    /// The outcomes of a call's changes, and after how many milliseconds the debt is paid.
    fn call(mutations: &mut Mutations, quotas: &Quotas, payer: &Payer, ms: u64, changes: &[usize]) -> (Vec<bool>, u64) {
        let mut account = Account::open(quotas, payer, at(ms));
        let outcomes = changes.iter().map(|partitions| mutations.charge(&mut account, *partitions)).collect();
        (outcomes, account.until().map_or(0, |until| until.since(at(ms)).as_millis() as u64))
    }

    fn mutations() -> Mutations {
        Mutations::new(&Settings::default())
    }

    #[test]
    fn a_strict_payer_may_overdraw_once_and_is_refused_until_the_debt_is_paid() {
        let (mut all, set, strict) = (mutations(), quotas(QuotaName::Default, 2.0), payer("c", true));
        // 11 samples of a second: 22 permits.
        assert_eq!(call(&mut all, &set, &strict, 0, &[20, 10, 1]), (vec![true, true, false], 4000));
        assert_eq!(call(&mut all, &set, &strict, 3999, &[1]).0, [false]);
        assert_eq!(call(&mut all, &set, &strict, 4000, &[1, 1]), (vec![true, false], 500));
        assert_eq!(call(&mut all, &set, &payer("d", true), 4000, &[22, 1]), (vec![true, true], 0), "each has its own");
    }

    #[test]
    fn another_payer_is_never_refused_and_waits() {
        let (mut all, set, mild) = (mutations(), quotas(QuotaName::Default, 2.0), payer("c", false));
        assert_eq!(call(&mut all, &set, &mild, 0, &[22]), (vec![true], 0));
        assert_eq!(call(&mut all, &set, &mild, 0, &[10, 2]), (vec![true, true], 6000));
        assert_eq!(call(&mut all, &set, &mild, 1000, &[0]), (vec![true], 5000));
    }

    #[test]
    fn a_bucket_holds_no_more_than_the_window_however_long_it_is_left_alone() {
        let (mut all, set, strict) = (mutations(), quotas(QuotaName::Default, 2.0), payer("c", true));
        assert_eq!(call(&mut all, &set, &strict, 0, &[5]).0, [true]);
        assert_eq!(call(&mut all, &set, &strict, 1_000_000, &[23, 1]), (vec![true, false], 500));
        let less = quotas(QuotaName::Default, 1.0);
        assert_eq!(
            call(&mut all, &less, &strict, 2_000_000, &[12, 1]),
            (vec![true, false], 1000),
            "of the quota of now"
        );
    }

    #[test]
    fn who_has_no_quota_pays_nothing() {
        let (mut all, set) = (mutations(), quotas(QuotaName::Named("c".into()), 1.0));
        assert_eq!(call(&mut all, &set, &payer("d", true), 0, &[10_000, 10_000]), (vec![true, true], 0));
        assert!(all.charge(&mut Account::free(), 10_000) && all.buckets.is_empty());
    }

    #[test]
    fn names_without_end_take_a_bounded_room_and_earn_one_quota_more() {
        let (mut all, set) = (mutations(), quotas(QuotaName::Default, 1.0));
        let mut made = 0;
        for number in 0..3 * limits::QUOTA_METERS {
            made += usize::from(call(&mut all, &set, &payer(&number.to_string(), true), 0, &[12]).0[0]);
        }
        assert_eq!((made, all.buckets.len()), (limits::QUOTA_METERS + 1, limits::QUOTA_METERS + 1));
        let named = quotas(QuotaName::Named("n".into()), 1.0);
        assert_eq!(call(&mut all, &named, &payer("n", true), 0, &[1]).0, [true], "whom somebody named has a bucket");
        assert_eq!(call(&mut all, &set, &payer("late", true), 60_000, &[1]).0, [true]);
        assert_eq!(all.buckets.len(), 1, "the full ones make room");
    }

    #[test]
    fn what_is_never_paid_back_is_waited_for_no_longer_than_can_be_told() {
        let (mut all, set) = (mutations(), quotas(QuotaName::Default, 1e-300));
        let (_, wait) = call(&mut all, &set, &payer("c", false), 0, &[1]);
        assert_eq!(wait, i32::MAX as u64);
    }
}
