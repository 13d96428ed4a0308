//! The broker's keys with their values, and the one rule of what a key's value is and where it comes from.

use std::collections::BTreeMap;

use crate::{
    config::{
        broker_keys,
        definition::{BadValue, Definition},
        topic_keys::TopicKey,
    },
    metadata::record::ConfigOverrides,
};

/// Where a value comes from, numbered as DescribeConfigs numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum Source {
    /// Set on the topic.
    Topic = 1,
    /// In the file or on the command line.
    StaticBroker = 4,
    /// Nobody set it.
    Default = 5,
}

/// A value of a key at one level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synonym {
    /// The key's name at that level.
    pub name: &'static str,
    /// Its value there.
    pub value: Option<String>,
    /// The level.
    pub source: Source,
}

/// A key's value in force, and what would be in force without it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effective {
    /// The value; `None` is null.
    pub value: Option<String>,
    /// Where it comes from.
    pub source: Source,
    /// Every level that has a value, the strongest first.
    pub synonyms: Vec<Synonym>,
}

/// The values that the file and the command line set, by key; all checked.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    values: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Sets a key, after checking its value. The key is one of the table's.
    pub fn set(&mut self, definition: &'static Definition, value: &str) -> Result<(), BadValue> {
        self.values.insert(definition.name, definition.normalize(value)?);
        Ok(())
    }

    /// What was set for a key, `None` if nobody did.
    pub fn own(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// A key's value or its default; `None` is null. The key is one of the table's.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.own(name).or(definition(name).default)
    }

    /// A whole number; the key has a default or was set.
    pub fn number(&self, name: &str) -> i64 {
        self.optional_number(name).unwrap_or_else(|| panic!("{name} has a default"))
    }

    /// A whole number, `None` where neither set nor defaulted.
    pub fn optional_number(&self, name: &str) -> Option<i64> {
        Some(self.value(name)?.parse().expect("numbers are checked when they are set"))
    }

    /// A boolean; the key has a default.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }

    /// What a broker key is described as.
    pub fn effective(&self, definition: &'static Definition) -> Effective {
        let name = definition.name;
        let own = self.own(name).map(|value| synonym(name, value.to_owned(), Source::StaticBroker));
        let default = definition.default.map(|value| synonym(name, value.to_owned(), Source::Default));
        let synonyms: Vec<Synonym> = own.into_iter().chain(default).collect();
        strongest(synonyms, None)
    }

    /// What a topic key is described as, given the topic's own values.
    ///
    /// As Kafka does, the broker's levels are listed only where the first of the broker's keys has a value, even if the
    /// value in force then comes from another of them.
    pub fn effective_topic(&self, key: &TopicKey, overrides: &ConfigOverrides) -> Effective {
        let name = key.definition.name;
        let mut synonyms = Vec::new();
        if let Some(value) = overrides.get(name) {
            synonyms.push(synonym(name, value.clone(), Source::Topic));
        }
        if key.inherits.first().is_some_and(|first| self.value(first.key).is_some()) {
            let own =
                key.inherits.iter().filter_map(|from| Some((from.key, self.own(from.key)?, Source::StaticBroker)));
            let default =
                key.inherits.iter().filter_map(|from| Some((from.key, definition(from.key).default?, Source::Default)));
            synonyms.extend(own.chain(default).map(|(name, value, source)| synonym(name, value.to_owned(), source)));
        }
        strongest(synonyms, self.topic_value(key, &ConfigOverrides::new()))
    }

    /// A topic key's value in force, in the topic's unit.
    pub fn topic_value(&self, key: &TopicKey, overrides: &ConfigOverrides) -> Option<String> {
        if let Some(value) = overrides.get(key.definition.name) {
            return Some(value.clone());
        }
        key.inherits
            .iter()
            .find_map(|from| self.inherited(from.key, from.factor))
            .or_else(|| default_of(&key.definition))
    }

    fn inherited(&self, name: &str, factor: i64) -> Option<String> {
        let value = self.value(name)?;
        if factor == 1 {
            return Some(value.to_owned());
        }
        let number: i64 = value.parse().expect("numbers are checked when they are set");
        // Any negative time is "unlimited": -1 minutes must not become -60,000 ms.
        Some(if number < 0 { number } else { number.saturating_mul(factor) }.to_string())
    }
}

fn definition(name: &str) -> &'static Definition {
    broker_keys::find(name).unwrap_or_else(|| panic!("{name} is in the table of broker keys"))
}

fn default_of(definition: &Definition) -> Option<String> {
    definition.default.map(str::to_owned)
}

fn synonym(name: &'static str, value: String, source: Source) -> Synonym {
    Synonym { name, value: Some(value), source }
}

fn strongest(synonyms: Vec<Synonym>, without: Option<String>) -> Effective {
    match synonyms.first() {
        Some(first) => Effective { value: first.value.clone(), source: first.source, synonyms },
        None => Effective { value: without, source: Source::Default, synonyms },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::topic_keys;

    fn settings(values: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::default();
        for (name, value) in values {
            settings.set(definition(name), value).expect("a good value");
        }
        settings
    }

    fn names(effective: &Effective) -> Vec<(&str, &str, Source)> {
        effective.synonyms.iter().map(|s| (s.name, s.value.as_deref().unwrap_or("-"), s.source)).collect()
    }

    #[test]
    fn a_topics_own_value_beats_the_file_and_the_file_beats_the_default() {
        let key = topic_keys::find("retention.ms").expect("a topic key");
        let file = settings(&[("log.retention.ms", "500"), ("log.retention.minutes", "3")]);
        let own = ConfigOverrides::from([("retention.ms".to_owned(), "7".to_owned())]);
        let effective = file.effective_topic(key, &own);
        assert_eq!((effective.value.as_deref(), effective.source), (Some("7"), Source::Topic));
        assert_eq!(
            names(&effective),
            [
                ("retention.ms", "7", Source::Topic),
                ("log.retention.ms", "500", Source::StaticBroker),
                ("log.retention.minutes", "3", Source::StaticBroker),
                ("log.retention.hours", "168", Source::Default),
            ]
        );
        assert_eq!(file.topic_value(key, &ConfigOverrides::new()).as_deref(), Some("500"));
    }

    #[test]
    fn without_the_first_broker_key_the_synonyms_are_empty_but_the_value_stands() {
        let key = topic_keys::find("retention.ms").expect("a topic key");
        let effective = settings(&[("log.retention.minutes", "3")]).effective_topic(key, &ConfigOverrides::new());
        assert_eq!(effective, Effective { value: Some("180000".into()), source: Source::Default, synonyms: vec![] });
        let unlimited = settings(&[("log.retention.minutes", "-1")]);
        assert_eq!(unlimited.topic_value(key, &ConfigOverrides::new()).as_deref(), Some("-1"));
    }
}
