//! What a configuration key is: its type, its default, what it may be; and Kafka's words for a value that it may not.

use std::fmt;

use crate::net::admission;

/// A key's type, numbered as DescribeConfigs numbers it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum Kind {
    /// `true` or `false`, in any case.
    Boolean = 1,
    /// Text.
    String = 2,
    /// 32 bits.
    Int = 3,
    /// 16 bits.
    Short = 4,
    /// 64 bits.
    Long = 5,
    /// A floating-point number.
    Double = 6,
    /// Texts separated by commas.
    List = 7,
    /// The name of a Java class.
    Class = 8,
    /// Text that is never told to clients.
    Password = 9,
}

/// What a value of the right type may be. Ranges include both ends.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Valid {
    /// Anything.
    Any,
    /// Not below.
    AtLeast(i64),
    /// Within.
    Between(i64, i64),
    /// The value itself, or within.
    OrBetween(i64, i64, i64),
    /// Within, for a floating-point number.
    Fraction,
    /// One of these texts; of a list, each entry.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any case.
    OneOfAnyCase(&'static [&'static str]),
    /// Text that is more than blanks.
    NotBlank,
    /// Addresses, each with a count.
    ConnectionCounts,
    /// A start for a reader without offsets (KIP-1106): a word, or how long ago.
    ResetStrategy,
    /// A list with at least one entry.
    NotEmpty,
    /// `*`, or pairs of partition and broker.
    ThrottledReplicas,
}

/// Whether and for whom a broker's key can be changed while the broker runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Update {
    /// Only in the file.
    ReadOnly,
    /// For one broker.
    PerBroker,
    /// For one broker, or for all.
    ClusterWide,
}

/// What a value of the key does here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// What it says.
    Obeyed,
    /// Nothing, and nothing is missing: it adjusts what Corelog does otherwise.
    NotNeeded,
    /// Nothing yet: what it adjusts is absent.
    NotYet,
    /// Nothing yet, and who sets it counts on being protected by it: refused in the file.
    Refused,
}

/// One key.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Definition {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its default in printed form; `None` is null.
    pub default: Option<&'static str>,
    /// What it may be.
    pub valid: Valid,
    /// What it is for, or why it does nothing, in a line.
    pub purpose: &'static str,
    /// How it can be changed, for a broker's key.
    pub update: Update,
    /// What it does.
    pub effect: Effect,
}

/// A value that does not fit its key. Prints as Kafka prints it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BadValue {
    /// The key.
    pub key: String,
    /// The value as it was given.
    pub value: String,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Invalid value {} for configuration {}: {}", self.value, self.key, self.why)
    }
}

impl std::error::Error for BadValue {}

impl Definition {
    /// A key of any value.
    pub const fn new(name: &'static str, kind: Kind, default: &'static str, purpose: &'static str) -> Self {
        Self { default: Some(default), ..Self::unset(name, kind, purpose) }
    }

    /// A key that is null unless set.
    pub const fn unset(name: &'static str, kind: Kind, purpose: &'static str) -> Self {
        Self { name, kind, default: None, valid: Valid::Any, purpose, update: Update::ReadOnly, effect: Effect::Obeyed }
    }

    /// The same key, with a bound.
    pub const fn valid(mut self, valid: Valid) -> Self {
        self.valid = valid;
        self
    }

    /// The same key, to be changed at run time for one broker or for all.
    pub const fn cluster(mut self) -> Self {
        self.update = Update::ClusterWide;
        self
    }

    /// The same key, to be changed at run time for one broker.
    pub const fn per_broker(mut self) -> Self {
        self.update = Update::PerBroker;
        self
    }

    /// The same key, of this effect.
    pub const fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }

    /// Whether its value is kept from clients.
    pub fn is_sensitive(&self) -> bool {
        self.kind == Kind::Password
    }

    /// Checks a value and prints it anew, as it will be stored and described (` 05 ` becomes `5`).
    pub fn normalize(&self, value: &str) -> Result<String, BadValue> {
        let bad = |why: String| BadValue { key: self.name.to_owned(), value: value.to_owned(), why };
        let text = value.trim();
        match self.kind {
            Kind::Boolean => match text.to_ascii_lowercase().as_str() {
                "true" => Ok("true".to_owned()),
                "false" => Ok("false".to_owned()),
                _ => Err(bad("Expected value to be either true or false".to_owned())),
            },
            Kind::Int | Kind::Short | Kind::Long => {
                let number = self.parse_whole(text).ok_or_else(|| bad(not_a_number(self.kind)))?;
                self.check_whole(number).map_err(bad)?;
                Ok(number.to_string())
            }
            Kind::Double => {
                let number: f64 = text.parse().map_err(|_| bad(not_a_number(self.kind)))?;
                self.check_fraction(number).map_err(bad)?;
                Ok(print_double(number))
            }
            Kind::String | Kind::Class | Kind::Password => {
                self.check_text(text).map_err(bad)?;
                Ok(text.to_owned())
            }
            Kind::List => {
                let entries = split_list(text);
                // Kafka shows this one as it prints a list.
                let shown = |why| match self.valid {
                    Valid::ThrottledReplicas => BadValue { value: format!("[{}]", entries.join(", ")), ..bad(why) },
                    _ => bad(why),
                };
                self.check_list(&entries).map_err(shown)?;
                Ok(entries.join(","))
            }
        }
    }

    fn parse_whole(&self, text: &str) -> Option<i64> {
        match self.kind {
            Kind::Short => text.parse::<i16>().ok().map(i64::from),
            Kind::Int => text.parse::<i32>().ok().map(i64::from),
            _ => text.parse().ok(),
        }
    }

    fn check_whole(&self, number: i64) -> Result<(), String> {
        match self.valid {
            Valid::AtLeast(least) | Valid::Between(least, _) if number < least => {
                Err(format!("Value must be at least {least}"))
            }
            Valid::Between(_, most) if number > most => Err(format!("Value must be no more than {most}")),
            Valid::OrBetween(other, least, most) if number != other && !(least..=most).contains(&number) => {
                Err(format!("Value must be between {least} and {most} or equal to {other}"))
            }
            _ => Ok(()),
        }
    }

    fn check_fraction(&self, number: f64) -> Result<(), String> {
        match self.valid {
            Valid::Fraction if number < 0.0 => Err("Value must be at least 0".to_owned()),
            Valid::Fraction if number.is_nan() || number > 1.0 => Err("Value must be no more than 1".to_owned()),
            _ => Ok(()),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), String> {
        match self.valid {
            Valid::OneOf(allowed) if !allowed.contains(&text) => Err(one_of(allowed)),
            Valid::OneOfAnyCase(allowed) if !allowed.iter().any(|one| one.eq_ignore_ascii_case(text)) => {
                Err(format!("String must be one of (case insensitive): {}", allowed.join(", ")))
            }
            Valid::ConnectionCounts if admission::parse_overrides(text).is_none() => {
                Err("Expected ADDRESS:COUNT,ADDRESS:COUNT,... with addresses as numbers".to_owned())
            }
            Valid::NotBlank if text.is_empty() => Err("String must be non-empty".to_owned()),
            Valid::ResetStrategy if !is_reset_strategy(text) => Err(RESET_STRATEGY.to_owned()),
            _ => Ok(()),
        }
    }

    fn check_list(&self, entries: &[String]) -> Result<(), String> {
        match self.valid {
            Valid::OneOf(allowed) if entries.iter().any(|entry| !allowed.contains(&entry.as_str())) => {
                Err(one_of(allowed))
            }
            Valid::NotEmpty if entries.is_empty() => Err("Configuration must not be empty".to_owned()),
            Valid::ThrottledReplicas if !is_throttled_replicas(entries) => Err(format!(
                "{} must be the literal '*' or a list of replicas in the following format: \
                 [partitionId]:[brokerId],[partitionId]:[brokerId],...",
                self.name
            )),
            _ => Ok(()),
        }
    }
}

/// The entries of a list in order, each once, without the blanks around them.
pub fn split_list(text: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for entry in text.split(',').map(str::trim) {
        if !entry.is_empty() && !entries.iter().any(|present| present == entry) {
            entries.push(entry.to_owned());
        }
    }
    entries
}

fn is_throttled_replicas(entries: &[String]) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let pair = |entry: &String| entry.split_once(':').is_some_and(|(left, right)| number(left) && number(right));
    matches!(entries, [all] if all == "*") || entries.iter().all(pair)
}

const RESET_STRATEGY: &str = "Invalid value for share.auto.offset.reset: valid are 'earliest', 'latest', and \
                              'by_duration:<duration>', an ISO-8601 duration that is not negative.";

fn is_reset_strategy(text: &str) -> bool {
    match text.strip_prefix("by_duration:") {
        Some(duration) => is_duration(duration),
        None => matches!(text, "earliest" | "latest"),
    }
}

/// `PnDTnHnMn.nS`, each part optional but one.
fn is_duration(text: &str) -> bool {
    let text = text.to_ascii_uppercase();
    let Some(rest) = text.strip_prefix('P') else { return false };
    let (days, time) = rest.split_once('T').map_or((rest, None), |(days, time)| (days, Some(time)));
    let parts = |text: &str, units: &str| {
        let mut allowed = units.chars();
        let mut rest = text;
        let mut count = 0;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
            let unit = rest[digits..].chars().next()?;
            if digits == 0 || !allowed.any(|one| one == unit) {
                return None;
            }
            rest = &rest[digits + 1..];
            count += 1;
        }
        Some(count)
    };
    match (parts(days, "D"), time.map(|time| parts(time, "HMS"))) {
        (Some(days), None) => days > 0,
        (Some(_), Some(Some(time))) => time > 0,
        _ => false,
    }
}

fn not_a_number(kind: Kind) -> String {
    let kind = match kind {
        Kind::Short => "SHORT",
        Kind::Int => "INT",
        Kind::Double => "DOUBLE",
        _ => "LONG",
    };
    format!("Not a number of type {kind}")
}

fn one_of(allowed: &[&str]) -> String {
    format!("String must be one of: {}", allowed.join(", "))
}

/// As Java prints a double: always with a decimal point, and with an exponent where it is very large or small.
fn print_double(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-3..1e7).contains(&size) || !size.is_finite() {
        return format!("{number:?}");
    }
    let text = format!("{number:E}");
    match text.split_once('E') {
        Some((digits, exponent)) if !digits.contains('.') => format!("{digits}.0E{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: Definition =
        Definition::new("compression.gzip.level", Kind::Int, "-1", "").valid(Valid::OrBetween(-1, 1, 9));
    const POLICY: Definition =
        Definition::new("cleanup.policy", Kind::List, "delete", "").valid(Valid::OneOf(&["compact", "delete"]));

    fn why(definition: &Definition, value: &str) -> String {
        definition.normalize(value).expect_err("a bad value").to_string()
    }

    #[test]
    fn values_come_back_parsed_and_printed_anew() {
        let long = Definition::new("retention.ms", Kind::Long, "1", "").valid(Valid::AtLeast(-1));
        assert_eq!(long.normalize(" 05 "), Ok("5".to_owned()));
        assert_eq!(Definition::new("preallocate", Kind::Boolean, "false", "").normalize("TRUE"), Ok("true".to_owned()));
        assert_eq!(POLICY.normalize("compact,compact"), Ok("compact".to_owned()));
        assert_eq!(POLICY.normalize(" compact , delete "), Ok("compact,delete".to_owned()));
        assert_eq!(POLICY.normalize(""), Ok(String::new()));
        let ratio = Definition::new("min.cleanable.dirty.ratio", Kind::Double, "0.5", "").valid(Valid::Fraction);
        assert_eq!(ratio.normalize("1"), Ok("1.0".to_owned()));
        let rate = Definition::new("log.cleaner.io.max.bytes.per.second", Kind::Double, "1.0", "");
        assert_eq!(rate.normalize("1e10"), Ok("1.0E10".to_owned()));
        assert_eq!(rate.normalize("1.7976931348623157E308"), Ok("1.7976931348623157E308".to_owned()));
    }

    #[test]
    fn a_bad_value_is_refused_in_kafkas_words() {
        let long = Definition::new("retention.ms", Kind::Long, "1", "").valid(Valid::AtLeast(-1));
        assert_eq!(why(&long, "abc"), "Invalid value abc for configuration retention.ms: Not a number of type LONG");
        assert_eq!(why(&long, "-2"), "Invalid value -2 for configuration retention.ms: Value must be at least -1");
        assert_eq!(
            why(&POLICY, "Delete"),
            "Invalid value Delete for configuration cleanup.policy: String must be one of: compact, delete"
        );
        assert!(why(&LEVEL, "0").ends_with("Value must be between 1 and 9 or equal to -1"));
        let lz4 = Definition::new("compression.lz4.level", Kind::Int, "9", "").valid(Valid::Between(1, 17));
        assert!(why(&lz4, "18").ends_with("Value must be no more than 17"));
        assert!(why(&lz4, "99999999999").ends_with("Not a number of type INT"));
    }

    #[test]
    fn a_start_for_new_readers_is_a_word_or_a_duration() {
        let reset = Definition::new("share.auto.offset.reset", Kind::String, "latest", "").valid(Valid::ResetStrategy);
        for good in ["latest", "earliest", "by_duration:PT1H", "by_duration:P2DT3H4M5.6S", "by_duration:P1D"] {
            assert!(reset.normalize(good).is_ok(), "{good}");
        }
        for bad in ["foo", "Latest", "by_duration:", "by_duration:PT", "by_duration:PT1S2H", "by_duration:-PT1H"] {
            assert!(reset.normalize(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn throttled_replicas_are_a_star_or_pairs() {
        let throttle = Definition::new("leader.replication.throttled.replicas", Kind::List, "", "")
            .valid(Valid::ThrottledReplicas);
        for good in ["*", "", "0:1,1:2"] {
            assert!(throttle.normalize(good).is_ok(), "{good}");
        }
        for bad in ["*,0:1", "0", "a:1", "0:1:2"] {
            assert!(throttle.normalize(bad).is_err(), "{bad}");
        }
    }
}
