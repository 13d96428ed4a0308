//! The configuration file: TOML whose dotted keys are Kafka's, `log.retention.ms = 604800000`.
//!
//! Whatever is wrong is said with the file, the line, and for an unknown key the nearest right one.

use std::{fmt, ops::Range};

use toml::de::{DeTable, DeValue};

use crate::config::{
    broker_keys::{self, BROKER_KEYS},
    definition::Effect,
    settings::Settings,
    topic_keys,
};

/// Something in the file that is not right.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileError {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for FileError {}

/// Reads a file's text into `settings`; the first wrong line is the error.
pub fn read(file: &str, text: &str, settings: &mut Settings) -> Result<(), FileError> {
    let fail = |at: usize, what: String| FileError { file: file.to_owned(), line: line_of(text, at), what };
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        fail(at, explain_syntax(error.message(), line_text(text, at)))
    })?;
    let mut entries = Vec::new();
    flatten("", table.get_ref(), &mut entries);
    entries.sort_by_key(|entry| entry.span.start);
    for entry in &entries {
        let at = entry.span.start;
        if let Some(definition) = broker_keys::obeyed_for_listener(&entry.key) {
            let value = entry.value.as_ref().map_err(|what| fail(at, format!("{}: {what}", entry.key)))?;
            if settings.has_for_listener(&entry.key) {
                return Err(fail(at, format!("{} is set twice", entry.key)));
            }
            settings.set_for_listener(&entry.key, definition, value).map_err(|bad| fail(at, bad.to_string()))?;
            continue;
        }
        let definition = broker_keys::find(&entry.key).ok_or_else(|| fail(at, unknown(&entry.key)))?;
        if settings.own(definition.name).is_some() {
            return Err(fail(at, format!("{} is set twice", entry.key)));
        }
        if definition.effect == Effect::Refused {
            return Err(fail(at, format!("{} would be without effect. {}", entry.key, definition.purpose)));
        }
        let value = entry.value.as_ref().map_err(|what| fail(at, format!("{}: {what}", entry.key)))?;
        settings.set(definition, value).map_err(|bad| fail(at, bad.to_string()))?;
    }
    Ok(())
}

struct Entry {
    key: String,
    value: Result<String, &'static str>,
    span: Range<usize>,
}

/// Nested tables become dotted keys again.
fn flatten(prefix: &str, table: &DeTable<'_>, entries: &mut Vec<Entry>) {
    for (name, value) in table {
        let key = match prefix {
            "" => name.get_ref().to_string(),
            prefix => format!("{prefix}.{}", name.get_ref()),
        };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => flatten(&key, inner, entries),
            value => entries.push(Entry { key, value: print(value), span: name.span() }),
        }
    }
}

fn print(value: &DeValue<'_>) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => {
            let digits = number.as_str();
            match number.radix() {
                10 => Ok(digits.to_owned()),
                radix => {
                    i64::from_str_radix(digits, radix).map(|n| n.to_string()).map_err(|_| "the number is too large")
                }
            }
        }
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        DeValue::Array(items) => {
            let items: Result<Vec<String>, _> = items.iter().map(|item| print(item.get_ref())).collect();
            Ok(items?.join(","))
        }
        DeValue::Table(_) => Err("a table is not a value"),
        DeValue::Datetime(_) => Err("a date is not a value here; put it in quotes if it is meant as text"),
    }
}

fn unknown(key: &str) -> String {
    if let Some(topic) = topic_keys::find(key) {
        return match topic.inherits.first() {
            Some(broker) => format!("{key} is a topic's key; for all topics use {}", broker.key),
            None => format!("{key} is a topic's key and has no value for all topics"),
        };
    }
    match nearest(key) {
        Some(near) => format!("unknown key {key}; did you mean {near}?"),
        None => format!("unknown key {key}"),
    }
}

/// The known key that a typing mistake may have turned into `key`.
fn nearest(key: &str) -> Option<&'static str> {
    let names = BROKER_KEYS.iter().map(|definition| definition.name);
    let (distance, name) = names.map(|name| (strsim::levenshtein(key, name), name)).min()?;
    (distance <= key.len().max(name.len()) / 2).then_some(name)
}

fn explain_syntax(message: &str, line: &str) -> String {
    let message = message.trim();
    // The one pair of Kafka's names of which one is the beginning of the other: TOML then wants quotes.
    if line.trim_start().starts_with("max.connections") {
        return format!("{message} (write \"max.connections\" in quotes beside max.connections.per.ip)");
    }
    message.to_owned()
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}

fn line_text(text: &str, at: usize) -> &str {
    text.lines().nth(line_of(text, at) - 1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        read("corelog.toml", text, &mut settings).map_err(|error| error.to_string())?;
        Ok(settings)
    }

    fn error(text: &str) -> String {
        load(text).expect_err("refused")
    }

    #[test]
    fn kafkas_lines_are_valid_as_they_stand() {
        let text = "# a comment\nlog.retention.ms = 604800000\nlog.cleanup.policy = [\"compact\", \"delete\"]\n\
                    auto.create.topics.enable = false\nlisteners = \"PLAINTEXT://127.0.0.1:1\"\n[log.roll]\nms = 5\n";
        let settings = load(text).expect("valid");
        assert_eq!(settings.own("log.retention.ms"), Some("604800000"));
        assert_eq!(settings.own("log.cleanup.policy"), Some("compact,delete"));
        assert_eq!(settings.own("auto.create.topics.enable"), Some("false"));
        assert_eq!(settings.own("log.roll.ms"), Some("5"));
        assert_eq!(settings.own("num.partitions"), None);
    }

    #[test]
    fn a_listeners_own_bounds_are_taken_and_checked() {
        let settings = load("\"listener.name.outside.max.connections\" = 5\n").expect("valid");
        assert_eq!(settings.number_for_listener("OUTSIDE", "max.connections"), Some(5));
        assert!(error("[listener.name.outside]\n\"max.connections\" = -1\n").contains("at least 0"));
        assert!(error("\"listener.name.outside.num.partitions\" = 5\n").contains("unknown key"));
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_right_one() {
        assert_eq!(
            error("num.partitions = 3\nlog.retension.ms = 5\n"),
            "corelog.toml:2: unknown key log.retension.ms; did you mean log.retention.ms?"
        );
        assert_eq!(
            error("retention.ms = 5"),
            "corelog.toml:1: retention.ms is a topic's key; for all topics use log.retention.ms"
        );
        assert_eq!(error("\n\nzzz = 1"), "corelog.toml:3: unknown key zzz");
    }

    #[test]
    fn kafkas_keys_that_adjust_what_is_not_here_are_taken_but_not_those_that_protect() {
        let settings = load("num.io.threads = 8\ntransaction.state.log.min.isr = 1\n").expect("taken");
        assert_eq!(settings.in_file().count(), 2);
        assert!(error("num.io.threads = 0").contains("Value must be at least 1"));
        assert_eq!(
            error("\nauthorizer.class.name = \"x.Y\""),
            "corelog.toml:2: authorizer.class.name would be without effect. There are no ACLs yet: everybody may do \
             everything."
        );
    }

    #[test]
    fn a_bad_value_is_named_with_its_line() {
        assert_eq!(
            error("\nnum.partitions = 0\n"),
            "corelog.toml:2: Invalid value 0 for configuration num.partitions: Value must be at least 1"
        );
        assert_eq!(
            error("offsets.topic.segment.bytes = 65536"),
            "corelog.toml:1: Invalid value 65536 for configuration offsets.topic.segment.bytes: Value must be at least \
             1048576"
        );
        assert!(error("auto.create.topics.enable = \"yes\"").contains("either true or false"));
        assert!(error("log.retention.ms = 2020-01-01").contains("a date"));
    }

    #[test]
    fn a_key_set_twice_is_refused_however_it_is_written() {
        assert!(error("log.retention.ms = 1\nlog.retention.ms = 2\n").starts_with("corelog.toml:2: duplicate key"));
        assert_eq!(
            error("log.retention.ms = 1\n\"log.retention.ms\" = 2\n"),
            "corelog.toml:2: log.retention.ms is set twice"
        );
    }

    #[test]
    fn the_pair_of_keys_that_toml_cannot_nest_is_explained() {
        assert!(error("max.connections = 5\nmax.connections.per.ip = 3\n").contains("in quotes"));
        assert!(load("\"max.connections\" = 5\nmax.connections.per.ip = 3\n").is_ok());
    }
}
