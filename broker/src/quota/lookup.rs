//! Which quota a client has: the most specific one that there is, in Kafka's order. Pure.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use crate::{
    limits,
    metadata::quota::{QuotaEntity, QuotaKey, QuotaName, Quotas},
};

/// Who shares one quota: a user, a client id, or a client id of a user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Sharer {
    /// The user, where there is one quota for each.
    pub user: Option<Arc<str>>,
    /// The client id, where there is one quota for each.
    pub client_id: Option<Arc<str>>,
}

/// A client's quota.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// So much in a second.
    pub limit: f64,
    /// Who shares it.
    pub sharer: Sharer,
    /// It was set for just that sharer, and not for any.
    pub by_name: bool,
}

/// The quota of `key` that a client has; `None` is as much as it likes.
pub fn find(quotas: &Quotas, key: QuotaKey, user: &str, client_id: &str) -> Option<Found> {
    let own = |name: &str| Some(QuotaName::Named(name.to_owned()));
    let default = || Some(QuotaName::Default);
    let levels = [
        (own(user), own(client_id)),
        (own(user), default()),
        (own(user), None),
        (default(), own(client_id)),
        (default(), default()),
        (default(), None),
        (None, own(client_id)),
        (None, default()),
    ];
    levels
        .into_iter()
        .find_map(|(of_user, of_client)| {
            let entity = QuotaEntity { user: of_user, client_id: of_client, ip: None };
            let limit = quotas.get(&entity)?.get(&key)?.get();
            let by_name =
                [&entity.user, &entity.client_id].into_iter().flatten().all(|name| *name != QuotaName::Default);
            let sharer = Sharer {
                user: entity.user.map(|_| shortened(user)),
                client_id: entity.client_id.map(|_| shortened(client_id)),
            };
            Some(Found { limit, sharer, by_name })
        })
        // Infinity, and what is no number, may be set and bounds nothing.
        .filter(|found| found.limit.is_finite())
}

/// New connections in a second, by address. Addresses may be written in several ways, so they are read once.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ConnectionRates {
    own: BTreeMap<IpAddr, f64>,
    default: Option<f64>,
}

impl ConnectionRates {
    /// Those among the quotas.
    pub fn of(quotas: &Quotas) -> Self {
        let mut rates = Self::default();
        for (entity, values) in quotas {
            let (Some(name), Some(rate)) = (&entity.ip, values.get(&QuotaKey::ConnectionCreationRate)) else {
                continue;
            };
            match name {
                QuotaName::Default => rates.default = Some(rate.get()),
                QuotaName::Named(ip) => {
                    if let Ok(ip) = ip.parse::<IpAddr>() {
                        rates.own.insert(ip.to_canonical(), rate.get());
                    }
                }
            }
        }
        rates
    }

    /// That of an address; `None` is as many as it likes.
    pub fn rate(&self, ip: IpAddr) -> Option<f64> {
        self.own.get(&ip.to_canonical()).copied().or(self.default).filter(|rate| rate.is_finite())
    }
}

/// Names that begin alike are one where they are very long: meters keep them.
fn shortened(name: &str) -> Arc<str> {
    let end = (0..=limits::QUOTA_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
    name[..end.unwrap_or_default()].into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::quota::QuotaValue;

    fn name(text: &str) -> Option<QuotaName> {
        match text {
            "" => None,
            "*" => Some(QuotaName::Default),
            name => Some(QuotaName::Named(name.to_owned())),
        }
    }

    fn quotas(rows: &[(&str, &str, f64)]) -> Quotas {
        let mut quotas = Quotas::new();
        for (user, client_id, limit) in rows {
            let entity = QuotaEntity { user: name(user), client_id: name(client_id), ip: None };
            quotas.entry(entity).or_default().insert(QuotaKey::ProducerByteRate, QuotaValue::new(*limit));
        }
        quotas
    }

    #[test]
    fn the_most_specific_quota_counts_and_is_shared_by_whom_it_is_set_for() {
        // User, client id, and whether it is for just these.
        let levels = [
            ("u", "c", true),
            ("u", "*", false),
            ("u", "", true),
            ("*", "c", false),
            ("*", "*", false),
            ("*", "", false),
            ("", "c", true),
            ("", "*", false),
        ];
        let rows: Vec<_> =
            levels.iter().zip(1..).map(|((user, id, _), limit)| (*user, *id, f64::from(limit))).collect();
        for first in 0..levels.len() {
            let (user, client_id, by_name) = levels[first];
            let found = find(&quotas(&rows[first..]), QuotaKey::ProducerByteRate, "u", "c").expect("a quota");
            let sharer = Sharer {
                user: (!user.is_empty()).then(|| "u".into()),
                client_id: (!client_id.is_empty()).then(|| "c".into()),
            };
            assert_eq!(found, Found { limit: first as f64 + 1.0, sharer, by_name });
        }
        assert_eq!(find(&quotas(&rows), QuotaKey::ConsumerByteRate, "u", "c"), None, "each key by itself");
        assert_eq!(find(&quotas(&rows[..1]), QuotaKey::ProducerByteRate, "u", "d"), None);
        assert_eq!(find(&quotas(&rows[2..3]), QuotaKey::ProducerByteRate, "u", "").expect("a quota").limit, 3.0);
    }

    #[test]
    fn what_is_no_number_bounds_nothing_and_is_a_quota_all_the_same() {
        for limit in [f64::NAN, f64::INFINITY] {
            assert_eq!(find(&quotas(&[("u", "", limit), ("*", "", 5.0)]), QuotaKey::ProducerByteRate, "u", "c"), None);
        }
    }

    #[test]
    fn endless_names_are_kept_as_their_beginnings() {
        let (long, set) = ("ä".repeat(1000), quotas(&[("", "*", 1.0)]));
        let found = find(&set, QuotaKey::ProducerByteRate, "u", &long).expect("a quota");
        let kept = found.sharer.client_id.expect("by client id");
        assert!(kept.len() <= limits::QUOTA_NAME && kept.len() > limits::QUOTA_NAME - 4 && long.starts_with(&*kept));
    }

    #[test]
    fn an_address_has_its_own_rate_or_that_of_any() {
        let mut quotas = Quotas::new();
        for (name, limit) in [(QuotaName::Default, 5.0), (QuotaName::Named("::ffff:10.0.0.1".into()), 2.0)] {
            let entity = QuotaEntity { ip: Some(name), ..QuotaEntity::default() };
            quotas.insert(entity, [(QuotaKey::ConnectionCreationRate, QuotaValue::new(limit))].into());
        }
        let rates = ConnectionRates::of(&quotas);
        let rate = |ip: &str| rates.rate(ip.parse().expect("an address"));
        assert_eq!((rate("10.0.0.1"), rate("10.0.0.2"), rate("::1")), (Some(2.0), Some(5.0), Some(5.0)));
        assert_eq!(ConnectionRates::default().rate("::1".parse().expect("an address")), None);
    }
}
