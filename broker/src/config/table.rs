//! The table of all configurations that `broker/CONFIGS.md` holds: made of the definitions that the broker goes by.

use std::fmt::Write;

use super::{
    broker_keys::{self, BROKER_KEYS},
    client_metrics_keys::CLIENT_METRICS_KEYS,
    definition::{Definition, Effect, Kind, Update, Valid},
    group_keys::GROUP_KEYS,
    topic_keys::TOPIC_KEYS,
};

const HEAD: &str = "\
# Configurations

Every configuration of Kafka 4.3, and Corelog's own. DescribeConfigs tells all of them, with the defaults below.
`cargo run --example configs > broker/CONFIGS.md` writes this file, and a test compares.

*Effect*: **obeyed**: does what it says. *not needed*: adjusts what Corelog does in its own way; taken, and without effect.
*not yet*: adjusts what is absent so far; taken, and without effect. *refused*: the same, but who sets it counts on it, so
that a file with it is refused. *Run time*: whether it can be changed while the broker runs, for one *broker* or for the
whole *cluster* too.
";

/// The whole document.
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let mut broker: Vec<_> = broker_keys::all().collect();
    broker.sort_by_key(|key| key.name);
    let obeyed = BROKER_KEYS.iter().filter(|key| key.effect == Effect::Obeyed).count();
    let _ = writeln!(text, "\n## Broker: {} keys, {obeyed} of them obeyed\n", broker.len());
    text.push_str("| key | type | default | valid | run time | effect | what |\n|---|---|---|---|---|---|---|\n");
    for key in broker {
        let _ =
            writeln!(text, "| {} | {} | {} | {} |", cells(key), update(key.update), effect(key.effect), key.purpose);
    }
    section(&mut text, "Topic", TOPIC_KEYS.iter().map(|key| (&key.definition, key.inherits.first().map(|i| i.key))));
    section(&mut text, "Group", GROUP_KEYS.iter().map(|key| (&key.definition, key.inherits)));
    section(&mut text, "Subscription to clients' metrics", CLIENT_METRICS_KEYS.iter().map(|key| (key, None)));
    text
}

fn section<'a>(text: &mut String, of: &str, keys: impl Iterator<Item = (&'a Definition, Option<&'a str>)>) {
    let _ = writeln!(text, "\n## {of}\n");
    text.push_str("| key | type | default | valid | broker's key | effect | what |\n|---|---|---|---|---|---|---|\n");
    for (key, inherits) in keys {
        let inherits = inherits.unwrap_or_default();
        let _ = writeln!(text, "| {} | {inherits} | {} | {} |", cells(key), effect(key.effect), key.purpose);
    }
}

fn cells(key: &Definition) -> String {
    let default = match key.default {
        None => "null",
        Some("") => "empty",
        Some(text) => text,
    };
    format!("{} | {} | {default} | {}", key.name, kind(key.kind), valid(key.valid))
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Boolean => "boolean",
        Kind::String => "string",
        Kind::Int => "int",
        Kind::Short => "short",
        Kind::Long => "long",
        Kind::Double => "double",
        Kind::List => "list",
        Kind::Class => "class",
        Kind::Password => "password",
    }
}

fn valid(valid: Valid) -> String {
    match valid {
        Valid::Any => String::new(),
        Valid::AtLeast(least) => format!(">= {least}"),
        Valid::Between(least, most) => format!("{least} to {most}"),
        Valid::OrBetween(other, least, most) => format!("{other}, {least} to {most}"),
        Valid::Fraction => "0 to 1".to_owned(),
        Valid::OneOf(texts) => texts.join(", "),
        Valid::OneOfAnyCase(texts) => format!("{} in any case", texts.join(", ")),
        Valid::NotEmpty => "not empty".to_owned(),
        Valid::NotBlank => "not blank".to_owned(),
        Valid::ConnectionCounts => "address:count, ...".to_owned(),
        Valid::ThrottledReplicas => "`*` or partition:broker, ...".to_owned(),
        Valid::ResetStrategy => "earliest, latest, by_duration:PnDTnHnMnS".to_owned(),
    }
}

fn update(update: Update) -> &'static str {
    match update {
        Update::ReadOnly => "",
        Update::PerBroker => "broker",
        Update::ClusterWide => "cluster",
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Obeyed => "**obeyed**",
        Effect::NotNeeded => "not needed",
        Effect::NotYet => "not yet",
        Effect::Refused => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_kafkas_broker_keys_are_known_once() {
        let mut names: Vec<_> = broker_keys::all().map(|key| key.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
        let own = [
            "advertised.core.listeners",
            "connections.hand.over",
            "core.gather",
            "core.listeners",
            "core.spin.us",
            "cores",
            "journal.size",
            "logging.format",
            "memory",
            "metrics.listener",
        ];
        assert_eq!(names.len() - own.len(), 340);
        // In Kafka, `listeners` is the 37th that may be changed for one broker.
        let count = |update| broker_keys::all().filter(|key| key.update == update).count();
        assert_eq!((count(Update::PerBroker), count(Update::ClusterWide)), (36, 62));
    }

    #[test]
    fn the_document_is_what_the_definitions_say() {
        let written = include_str!("../../CONFIGS.md");
        assert!(written == markdown(), "cargo run --example configs > broker/CONFIGS.md");
    }
}
