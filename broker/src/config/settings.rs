//! The broker's keys with their values, and the one rule of what a key's value is and where it comes from.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    config::{
        broker_keys,
        definition::{BadValue, Definition},
        group_keys::GroupKey,
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
    /// Set for this broker while it runs (KIP-226).
    DynamicBroker = 2,
    /// Set for all brokers while they run.
    DynamicDefault = 3,
    /// In the file or on the command line.
    StaticBroker = 4,
    /// Nobody set it.
    Default = 5,
    /// The level of a logger (KIP-412).
    Logger = 6,
    /// Set on the subscription for clients' metrics.
    ClientMetrics = 7,
    /// Set on the group.
    Group = 8,
}

/// A value of a key at one level.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synonym {
    /// The key's name at that level.
    pub name: String,
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

/// The values of the broker's keys: what the file and the command line set, and above it what was set at run time for
/// all brokers and for this one. All checked. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Settings {
    file: Arc<BTreeMap<&'static str, String>>,
    /// Of the file too: keys with a listener's prefix.
    file_for_listeners: Arc<ConfigOverrides>,
    all_brokers: Arc<ConfigOverrides>,
    this_broker: Arc<ConfigOverrides>,
}

/// The keys that stand in for one another: the first that is set wins.
const STAND_INS: &[&[&str]] = &[
    &["log.retention.ms", "log.retention.minutes", "log.retention.hours"],
    &["log.roll.ms", "log.roll.hours"],
    &["log.roll.jitter.ms", "log.roll.jitter.hours"],
    &["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
];

impl Settings {
    /// Sets a key as the file does, after checking its value. The key is one of the table's.
    pub fn set(&mut self, definition: &'static Definition, value: &str) -> Result<(), BadValue> {
        Arc::make_mut(&mut self.file).insert(definition.name, definition.normalize(value)?);
        Ok(())
    }

    /// Sets a key with a listener's prefix as the file does, after checking its value by the key behind the prefix.
    pub fn set_for_listener(
        &mut self,
        name: &str,
        definition: &'static Definition,
        value: &str,
    ) -> Result<(), BadValue> {
        let value = definition.normalize(value)?;
        Arc::make_mut(&mut self.file_for_listeners).insert(name.to_owned(), value);
        Ok(())
    }

    /// The keys with a listener's prefix that the file sets.
    pub fn in_file_for_listeners(&self) -> impl Iterator<Item = &String> {
        self.file_for_listeners.keys()
    }

    /// Whether the file sets this key with a listener's prefix.
    pub fn has_for_listener(&self, name: &str) -> bool {
        self.file_for_listeners.contains_key(name)
    }

    /// The same file, with these values set at run time for all brokers and for this one.
    pub fn with_dynamic(&self, all_brokers: Arc<ConfigOverrides>, this_broker: Arc<ConfigOverrides>) -> Self {
        Self { all_brokers, this_broker, ..self.clone() }
    }

    /// Whether these values set at run time are the ones it has.
    pub fn has_dynamic(&self, all_brokers: &ConfigOverrides, this_broker: &ConfigOverrides) -> bool {
        *self.all_brokers == *all_brokers && *self.this_broker == *this_broker
    }

    /// What the file sets for a key, `None` if it does not.
    pub fn own(&self, name: &str) -> Option<&str> {
        self.file.get(name).map(String::as_str)
    }

    /// The keys that the file sets.
    pub fn in_file(&self) -> impl Iterator<Item = &'static Definition> {
        self.file.keys().map(|name| definition(name))
    }

    /// A key's value or its default; `None` is null. The key is one of the table's.
    pub fn value(&self, name: &str) -> Option<&str> {
        let dynamic = self.this_broker.get(name).or_else(|| self.all_brokers.get(name));
        dynamic.map(String::as_str).or_else(|| self.own(name)).or(definition(name).default)
    }

    /// A whole number; the key has a default or was set.
    pub fn number(&self, name: &str) -> i64 {
        self.optional_number(name).unwrap_or_else(|| panic!("{name} has a default"))
    }

    /// A whole number, `None` where neither set nor defaulted.
    pub fn optional_number(&self, name: &str) -> Option<i64> {
        Some(self.value(name)?.parse().expect("numbers are checked when they are set"))
    }

    /// A whole number that was set for one listener, by its prefix.
    pub fn number_for_listener(&self, listener: &str, key: &str) -> Option<i64> {
        let name = format!("listener.name.{}.{key}", listener.to_lowercase());
        let dynamic = self.this_broker.get(&name).or_else(|| self.all_brokers.get(&name));
        let value = dynamic.or_else(|| self.file_for_listeners.get(&name))?;
        Some(value.parse().expect("numbers are checked when they are set"))
    }

    /// A boolean; the key has a default.
    pub fn flag(&self, name: &str) -> bool {
        self.value(name) == Some("true")
    }

    /// What a broker key is described as.
    pub fn effective(&self, definition: &'static Definition) -> Effective {
        let name = definition.name;
        let own = [name];
        let names = STAND_INS.iter().copied().find(|names| names[0] == name).unwrap_or(&own);
        strongest(self.levels(names), self.value(name).map(str::to_owned))
    }

    /// What a key that no table has, or one with a listener's prefix, is described as once it is set at run time.
    pub fn effective_unknown(&self, name: &str) -> Effective {
        let behind = broker_keys::without_listener(name).and_then(broker_keys::find).map(|definition| definition.name);
        let names: Vec<&str> = std::iter::once(name).chain(behind).collect();
        strongest(self.levels(&names), None)
    }

    /// What a topic key is described as, given the topic's own values.
    pub fn effective_topic(&self, key: &TopicKey, overrides: &ConfigOverrides) -> Effective {
        let name = key.definition.name;
        let own = overrides.get(name).map(|value| synonym(name, value, Source::Topic));
        let inherited: Vec<&str> = key.inherits.iter().map(|from| from.key).collect();
        let synonyms = own.into_iter().chain(self.levels(&inherited)).collect();
        strongest(synonyms, self.topic_value(key, &ConfigOverrides::new()))
    }

    /// What a group key is described as, given the group's own values.
    pub fn effective_group(&self, key: &GroupKey, overrides: &ConfigOverrides) -> Effective {
        let name = key.definition.name;
        let own = overrides.get(name).map(|value| synonym(name, value, Source::Group));
        let inherited = match (key.inherits, key.definition.default) {
            (Some(from), _) => self.levels(&[from]),
            (None, Some(default)) => vec![synonym(name, default, Source::Default)],
            (None, None) => Vec::new(),
        };
        strongest(own.into_iter().chain(inherited).collect(), None)
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

    /// Every value that keys which stand in for one another have, level by level.
    ///
    /// As Kafka does, what comes before the first value of the first key is left out: nothing is listed where that key
    /// has none, even if the value in force then comes from another of them.
    fn levels(&self, names: &[&str]) -> Vec<Synonym> {
        let level = |of: &dyn Fn(&str) -> Option<String>, source| -> Vec<Synonym> {
            names.iter().filter_map(|name| Some(synonym(name, &of(name)?, source))).collect()
        };
        let mut all = level(&|name| self.this_broker.get(name).cloned(), Source::DynamicBroker);
        all.extend(level(&|name| self.all_brokers.get(name).cloned(), Source::DynamicDefault));
        let in_file = |name: &str| self.own(name).or_else(|| self.file_for_listeners.get(name).map(String::as_str));
        all.extend(level(&|name| in_file(name).map(str::to_owned), Source::StaticBroker));
        all.extend(level(&|name| broker_keys::find(name).and_then(default_of), Source::Default));
        all.into_iter().skip_while(|synonym| Some(&synonym.name.as_str()) != names.first()).collect()
    }
}

fn definition(name: &str) -> &'static Definition {
    broker_keys::find(name).unwrap_or_else(|| panic!("{name} is in the table of broker keys"))
}

fn default_of(definition: &Definition) -> Option<String> {
    definition.default.map(str::to_owned)
}

fn synonym(name: &str, value: &str, source: Source) -> Synonym {
    Synonym { name: name.to_owned(), value: Some(value.to_owned()), source }
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

    fn overrides(values: &[(&str, &str)]) -> ConfigOverrides {
        values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn names(effective: &Effective) -> Vec<(&str, &str, Source)> {
        effective.synonyms.iter().map(|s| (s.name.as_str(), s.value.as_deref().unwrap_or("-"), s.source)).collect()
    }

    #[test]
    fn a_topics_own_value_beats_run_time_that_beats_the_file_that_beats_the_default() {
        let key = topic_keys::find("retention.ms").expect("a topic key");
        let file = settings(&[("log.retention.ms", "500"), ("log.retention.minutes", "3")]);
        let all = Arc::new(overrides(&[("log.retention.ms", "600")]));
        let dynamic = file.with_dynamic(all.clone(), Arc::new(overrides(&[("log.retention.ms", "700")])));
        let effective = dynamic.effective_topic(key, &overrides(&[("retention.ms", "7")]));
        assert_eq!((effective.value.as_deref(), effective.source), (Some("7"), Source::Topic));
        assert_eq!(
            names(&effective),
            [
                ("retention.ms", "7", Source::Topic),
                ("log.retention.ms", "700", Source::DynamicBroker),
                ("log.retention.ms", "600", Source::DynamicDefault),
                ("log.retention.ms", "500", Source::StaticBroker),
                ("log.retention.minutes", "3", Source::StaticBroker),
                ("log.retention.hours", "168", Source::Default),
            ]
        );
        let none = ConfigOverrides::new();
        assert_eq!(dynamic.topic_value(key, &none).as_deref(), Some("700"));
        assert_eq!(file.with_dynamic(all, Arc::default()).topic_value(key, &none).as_deref(), Some("600"));
        assert_eq!(file.topic_value(key, &none).as_deref(), Some("500"));
    }

    #[test]
    fn without_the_first_broker_key_the_synonyms_are_empty_but_the_value_stands() {
        let key = topic_keys::find("retention.ms").expect("a topic key");
        let effective = settings(&[("log.retention.minutes", "3")]).effective_topic(key, &ConfigOverrides::new());
        assert_eq!(effective, Effective { value: Some("180000".into()), source: Source::Default, synonyms: vec![] });
        let unlimited = settings(&[("log.retention.minutes", "-1")]);
        assert_eq!(unlimited.topic_value(key, &ConfigOverrides::new()).as_deref(), Some("-1"));
    }

    #[test]
    fn a_brokers_key_lists_those_that_stand_in_for_it() {
        let roll = settings(&[("log.roll.ms", "9")]).effective(definition("log.roll.ms"));
        let expected = [("log.roll.ms", "9", Source::StaticBroker), ("log.roll.hours", "168", Source::Default)];
        assert_eq!(names(&roll), expected);
        let unset = settings(&[]).effective(definition("log.roll.ms"));
        assert_eq!(unset, Effective { value: None, source: Source::Default, synonyms: vec![] });
    }
}
