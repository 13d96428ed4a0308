//! What a client's quota may be, in Kafka's order and words (KIP-546, KIP-612).

use std::{collections::BTreeSet, net::IpAddr};

use corelog_wire::error_code::ErrorCode;

use super::machine::{ControllerMachine, Decision, MAX_RECORDS};
use crate::metadata::{
    call::{MetadataAnswer, QuotaChange, Refusal},
    quota::{QuotaEntity, QuotaEntityKind, QuotaKey, QuotaName},
    record::MetadataRecord,
};

/// By how much a whole number may be off.
const EPSILON: f64 = 1e-6;

impl ControllerMachine {
    pub(super) fn alter_quotas(&mut self, changes: &[QuotaChange], validate_only: bool) -> Decision {
        let mut seen = BTreeSet::new();
        let mut records = Vec::new();
        let mut answer = Vec::with_capacity(changes.len());
        for change in changes {
            let mut keys = BTreeSet::new();
            let first = seen.insert(&change.entity) && change.steps.iter().all(|(key, _)| keys.insert(key));
            let own = if first { self.alter_quota(change) } else { Err(twice(change)) };
            answer.push(own.map(|own| records.extend(own)));
        }
        if records.len() > MAX_RECORDS {
            let refusal =
                || Refusal::new(ErrorCode::PolicyViolation, "Unable to perform excessively large batch operation.");
            let answer = changes.iter().map(|_| Err(refusal())).collect();
            return Decision { records: Vec::new(), answer: MetadataAnswer::QuotasAltered(answer) };
        }
        if validate_only {
            records.clear();
        }
        self.advance(&records);
        Decision { records, answer: MetadataAnswer::QuotasAltered(answer) }
    }

    fn alter_quota(&self, change: &QuotaChange) -> Result<Vec<MetadataRecord>, Refusal> {
        let entity = entity(change)?;
        let present = self.image.quotas().get(&entity);
        let mut records = Vec::new();
        for (name, value) in &change.steps {
            let key = QuotaKey::of(name).filter(|key| key.is_of_ip() == entity.ip.is_some());
            let Some(key) = key else {
                match value {
                    Some(_) => return Err(invalid(format!("Invalid configuration key {name}"))),
                    // Nobody can have it.
                    None => continue,
                }
            };
            if let Some(value) = value {
                check(key, value.get())?;
            }
            if present.and_then(|present| present.get(&key)) != value.as_ref() {
                records.push(MetadataRecord::Quota { entity: entity.clone(), key, value: *value });
            }
        }
        Ok(records)
    }
}

/// The entity that is meant, if there can be such a one.
fn entity(change: &QuotaChange) -> Result<QuotaEntity, Refusal> {
    let mut entity = QuotaEntity::default();
    for (kind, name) in &change.entity {
        let known = QuotaEntityKind::of(kind);
        let known = known.ok_or_else(|| invalid(format!("Unhandled client quota entity type: {kind}")))?;
        if name.as_ref().is_some_and(String::is_empty) {
            return Err(invalid(format!("Empty {kind} not supported")));
        }
        entity.set(known, QuotaName::from_wire(name.clone()));
    }
    let of_client = entity.user.is_some() || entity.client_id.is_some();
    match &mut entity.ip {
        None if !of_client => Err(invalid("Invalid empty client quota entity".to_owned())),
        Some(_) if of_client => Err(invalid(
            "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId".to_owned(),
        )),
        Some(QuotaName::Named(ip)) if ip.parse::<IpAddr>().is_err() => {
            Err(invalid(format!("{ip} is not a valid IP or resolvable host.")))
        }
        _ => Ok(entity),
    }
}

fn check(key: QuotaKey, value: f64) -> Result<(), Refusal> {
    if value <= 0.0 {
        return Err(invalid(format!("Quota {} must be greater than 0", key.name())));
    }
    // A number too large for 64 bits is as far off as it is larger.
    if key.is_whole() && ((value + EPSILON) as i64 as f64 - value).abs() > EPSILON {
        return Err(invalid(format!("{} cannot be a fractional value.", key.name())));
    }
    Ok(())
}

fn twice(change: &QuotaChange) -> Refusal {
    let part = |(kind, name): (&String, &Option<String>)| format!("{kind}={}", name.as_deref().unwrap_or("null"));
    let parts: Vec<String> = change.entity.iter().map(part).collect();
    invalid(format!("Ignoring duplicate entity ClientQuotaEntity(entries={{{}}})", parts.join(", ")))
}

fn invalid(what: String) -> Refusal {
    Refusal::new(ErrorCode::InvalidRequest, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::{
        call::MetadataCall,
        controller::start::tests::{NOW, numbers, started},
        quota::QuotaValue,
    };

    fn change(entity: &[(&str, Option<&str>)], steps: &[(&str, Option<f64>)]) -> QuotaChange {
        let owned = |text: &str| text.to_owned();
        QuotaChange {
            entity: entity.iter().map(|(kind, name)| (owned(kind), name.map(owned))).collect(),
            steps: steps.iter().map(|(key, value)| (owned(key), value.map(QuotaValue::new))).collect(),
        }
    }

    fn alter(machine: &mut ControllerMachine, changes: Vec<QuotaChange>, validate_only: bool) -> (usize, Vec<String>) {
        let decision = machine.decide(MetadataCall::AlterQuotas { changes, validate_only }, NOW, &mut numbers(7));
        let MetadataAnswer::QuotasAltered(answers) = decision.answer else { panic!("of quotas") };
        let said = answers.into_iter().map(|answer| answer.err().and_then(|no| no.message).unwrap_or_default());
        (decision.records.len(), said.collect())
    }

    #[test]
    fn quotas_are_set_changed_and_removed_and_only_changes_are_recorded() {
        let (mut machine, _) = started(1);
        let user = [("user", Some("u"))];
        let both = change(&[("client-id", None), ("user", Some("u"))], &[("request_percentage", Some(50.5))]);
        let rates = change(&user, &[("producer_byte_rate", Some(5.0)), ("consumer_byte_rate", Some(6.0))]);
        let nothing = vec![String::new(), String::new()];
        assert_eq!(alter(&mut machine, vec![rates.clone(), both.clone()], true), (0, nothing.clone()));
        assert!(machine.image().quotas().is_empty(), "only checked");
        assert_eq!(alter(&mut machine, vec![rates.clone(), both.clone()], false), (3, nothing.clone()));
        assert_eq!(alter(&mut machine, vec![rates, both], false), (0, nothing));
        let entity = QuotaEntity { user: Some(QuotaName::Named("u".into())), ..QuotaEntity::default() };
        let of_user = |machine: &ControllerMachine| machine.image().quotas().get(&entity).cloned().unwrap_or_default();
        assert_eq!(of_user(&machine)[&QuotaKey::ConsumerByteRate], QuotaValue::new(6.0));
        let less =
            change(&user, &[("producer_byte_rate", None), ("consumer_byte_rate", Some(7.0)), ("nonsense", None)]);
        assert_eq!(alter(&mut machine, vec![less], false).0, 2);
        assert_eq!(of_user(&machine), [(QuotaKey::ConsumerByteRate, QuotaValue::new(7.0))].into());
        assert_eq!(alter(&mut machine, vec![change(&user, &[("consumer_byte_rate", None)])], false).0, 1);
        assert_eq!(machine.image().quotas().len(), 1, "who has none is forgotten");
    }

    #[test]
    fn what_makes_no_sense_is_refused_in_kafkas_words_and_changes_nothing() {
        let (mut machine, _) = started(1);
        let rate = [("producer_byte_rate", Some(1.0))];
        let user = [("user", Some("u"))];
        let ip = [("ip", Some("10.0.0.1"))];
        for (bad, what) in [
            (change(&[], &rate), "Invalid empty client quota entity"),
            (change(&[("group", Some("g"))], &rate), "Unhandled client quota entity type: group"),
            (change(&[("user", Some(""))], &rate), "Empty user not supported"),
            (
                change(&[("ip", None), ("user", None)], &rate),
                "Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId",
            ),
            (change(&[("ip", Some("nowhere"))], &[]), "nowhere is not a valid IP or resolvable host."),
            (change(&ip, &rate), "Invalid configuration key producer_byte_rate"),
            (
                change(&user, &[("connection_creation_rate", Some(1.0))]),
                "Invalid configuration key connection_creation_rate",
            ),
            (change(&user, &[("producer_byte_rate", Some(1.5))]), "producer_byte_rate cannot be a fractional value."),
            (
                change(&user, &[("producer_byte_rate", Some(f64::INFINITY))]),
                "producer_byte_rate cannot be a fractional value.",
            ),
            (change(&user, &[("consumer_byte_rate", Some(0.0))]), "Quota consumer_byte_rate must be greater than 0"),
            (change(&user, &[rate[0], ("nonsense", Some(1.0))]), "Invalid configuration key nonsense"),
            (change(&user, &[rate[0], rate[0]]), "Ignoring duplicate entity ClientQuotaEntity(entries={user=u})"),
        ] {
            assert_eq!(alter(&mut machine, vec![bad], false), (0, vec![what.to_owned()]));
        }
        assert!(machine.image().quotas().is_empty());
        let twice = vec![change(&user, &rate), change(&[], &rate), change(&user, &[("consumer_byte_rate", Some(1.0))])];
        let (records, said) = alter(&mut machine, twice, false);
        assert_eq!((records, said[0].as_str()), (1, ""), "a good one beside bad ones");
        assert!(!said[1].is_empty() && !said[2].is_empty());
    }
}
