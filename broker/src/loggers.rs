//! The broker's loggers and their levels, as Kafka has them (KIP-412): described and altered while it runs, and forgotten
//! when it ends. A logger is a target of tracing: a crate, or a module of it; one without a level of its own has that of
//! the nearest above it, the root's at last.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use corelog_wire::error_code::ErrorCode;

use crate::metadata::call::{ConfigOperation, ConfigStep, Refusal};

/// What all others inherit from. Its level cannot be taken away.
const ROOT: &str = "root";
/// The level of the root unless another is asked for.
const DEFAULT: Level = Level::Info;

/// Every logger but the root.
const NAMES: &[&str] = &[
    "corelog_broker",
    "corelog_broker::api",
    "corelog_broker::cli",
    "corelog_broker::config",
    "corelog_broker::core",
    "corelog_broker::core_state",
    "corelog_broker::directories",
    "corelog_broker::error",
    "corelog_broker::group",
    "corelog_broker::limits",
    "corelog_broker::loggers",
    "corelog_broker::metadata",
    "corelog_broker::metrics",
    "corelog_broker::net",
    "corelog_broker::partition",
    "corelog_broker::placement",
    "corelog_broker::producer_ids",
    "corelog_broker::quota",
    "corelog_broker::router",
    "corelog_broker::serve",
    "corelog_broker::sim",
    "corelog_broker::timeout",
    "corelog_broker::transfer",
    "corelog_storage",
    "corelog_storage::journal",
    "corelog_storage::log",
    "corelog_storage::shard",
];

/// How much a logger tells; of errors alone, at `Fatal` and `Error` alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Level {
    Fatal,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// By Kafka's names, with what tracing calls each.
const LEVELS: [(Level, &str, &str); 6] = [
    (Level::Fatal, "FATAL", "error"),
    (Level::Error, "ERROR", "error"),
    (Level::Warn, "WARN", "warn"),
    (Level::Info, "INFO", "info"),
    (Level::Debug, "DEBUG", "debug"),
    (Level::Trace, "TRACE", "trace"),
];

impl Level {
    fn named(name: &str) -> Option<Self> {
        LEVELS.iter().find(|level| level.1 == name).map(|level| level.0)
    }

    fn row(self) -> (&'static str, &'static str) {
        let row = LEVELS.iter().find(|row| row.0 == self).expect("every level is in the table");
        (row.1, row.2)
    }
}

/// Makes the choice of events take effect that it is given, in tracing's words.
pub type Apply = Box<dyn Fn(&str) + Send + Sync>;

/// The loggers of this process, shared by its cores.
#[derive(Default)]
pub struct Loggers {
    levels: Mutex<BTreeMap<&'static str, Level>>,
    /// What was chosen at the start, in tracing's words, and how to choose anew.
    chosen: OnceLock<(String, Apply)>,
}

impl Loggers {
    /// Begins with what was chosen at the start.
    pub fn begin(&self, chosen: &str, apply: Apply) {
        for directive in chosen.split(',').map(str::trim) {
            let (name, level) = directive.split_once('=').unwrap_or((ROOT, directive));
            if let (Some(name), Some(level)) = (known(name), Level::named(&level.to_ascii_uppercase())) {
                self.lock().insert(name, level);
            }
        }
        assert!(self.chosen.set((chosen.to_owned(), apply)).is_ok(), "it begins once");
    }

    /// Every logger with the level in force, by name.
    pub fn described(&self) -> Vec<(&'static str, &'static str)> {
        let levels = self.lock();
        let all = NAMES.iter().copied().chain([ROOT]);
        all.map(|name| (name, in_force(&levels, name).row().0)).collect()
    }

    /// Changes levels: all, or none.
    pub fn alter(&self, steps: &[ConfigStep], validate_only: bool) -> Result<(), Refusal> {
        ConfigStep::check_distinct(steps)?;
        let lacks_value = |step: &&ConfigStep| step.value.is_none() && step.operation != ConfigOperation::Delete;
        if let Some(step) = steps.iter().find(lacks_value) {
            return Err(Refusal::null_value(&step.key));
        }
        let mut levels = self.lock();
        let mut wanted = levels.clone();
        for step in steps {
            change(&mut wanted, step)?;
        }
        if !validate_only && wanted != *levels {
            *levels = wanted;
            if let Some((chosen, apply)) = self.chosen.get() {
                apply(&directives(chosen, &levels));
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Level>> {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(name: &str) -> Option<&'static str> {
    NAMES.iter().copied().chain([ROOT]).find(|known| *known == name)
}

fn in_force(levels: &BTreeMap<&'static str, Level>, name: &str) -> Level {
    let mut at = name;
    loop {
        if let Some(level) = levels.get(at) {
            return *level;
        }
        match at.rsplit_once("::") {
            Some((above, _)) => at = above,
            None => return levels.get(ROOT).copied().unwrap_or(DEFAULT),
        }
    }
}

/// One step, in Kafka's words where it is refused.
fn change(levels: &mut BTreeMap<&'static str, Level>, step: &ConfigStep) -> Result<(), Refusal> {
    let key = &step.key;
    let bad = |what: String| Refusal::new(ErrorCode::InvalidConfig, what);
    let not_allowed = |operation: &str| {
        let what = format!("{operation} operation is not allowed for the BROKER_LOGGER resource");
        Err(Refusal::new(ErrorCode::InvalidRequest, what))
    };
    let exists = || known(key).ok_or_else(|| bad(format!("Logger {key} does not exist!")));
    match step.operation {
        ConfigOperation::Set => {
            let name = exists()?;
            let level = step.value.as_deref().unwrap_or_default();
            let found = Level::named(level).ok_or_else(|| {
                let mut valid: Vec<&str> = LEVELS.iter().map(|level| level.1).collect();
                valid.sort_unstable();
                bad(format!(
                    "Cannot set the log level of {key} to {level} as it is not a supported log level. Valid log levels \
                     are {}",
                    valid.join(", ")
                ))
            })?;
            levels.insert(name, found);
        }
        ConfigOperation::Delete => {
            let name = exists()?;
            if name == ROOT {
                let what = "Removing the log level of the root logger is not allowed";
                return Err(Refusal::new(ErrorCode::InvalidRequest, what));
            }
            levels.remove(name);
        }
        ConfigOperation::Append => return not_allowed("APPEND"),
        ConfigOperation::Subtract => return not_allowed("SUBTRACT"),
        ConfigOperation::Unknown(number) => {
            let what = format!("Unknown operation type {number} is not allowed for the BROKER_LOGGER resource");
            return Err(Refusal::new(ErrorCode::InvalidRequest, what));
        }
    }
    Ok(())
}

/// The choice of events that the levels are: what was chosen at the start, and over it every logger that has a level.
fn directives(chosen: &str, levels: &BTreeMap<&'static str, Level>) -> String {
    let mut all = vec![DEFAULT.row().1.to_owned()];
    // What was chosen beside loggers stays: other crates, spans.
    let beside = |directive: &&str| directive.split_once('=').is_some_and(|(name, _)| known(name.trim()).is_none());
    all.extend(chosen.split(',').filter(beside).map(str::to_owned));
    all.extend(levels.iter().map(|(name, level)| match *name {
        ROOT => level.row().1.to_owned(),
        name => format!("{name}={}", level.row().1),
    }));
    all.join(",")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn step(key: &str, operation: ConfigOperation, value: Option<&str>) -> ConfigStep {
        ConfigStep { key: key.to_owned(), operation, value: value.map(str::to_owned) }
    }

    fn begun(chosen: &str) -> (Loggers, Arc<Mutex<Vec<String>>>) {
        let (loggers, applied) = (Loggers::default(), Arc::new(Mutex::new(Vec::new())));
        let seen = applied.clone();
        loggers.begin(chosen, Box::new(move |text| seen.lock().expect("sound").push(text.to_owned())));
        (loggers, applied)
    }

    fn level(loggers: &Loggers, name: &str) -> &'static str {
        loggers.described().into_iter().find(|row| row.0 == name).expect("a logger").1
    }

    #[test]
    fn every_module_of_the_broker_is_a_logger() {
        let modules =
            include_str!("lib.rs").lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
        for module in modules {
            assert!(known(&format!("corelog_broker::{module}")).is_some(), "{module}");
        }
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn a_level_holds_for_what_is_below_it_until_it_is_taken_away() {
        let (loggers, applied) = begun("warn,corelog_broker::net=trace,hyper=off");
        assert_eq!((level(&loggers, "root"), level(&loggers, "corelog_broker::net")), ("WARN", "TRACE"));
        loggers.alter(&[step("corelog_broker", ConfigOperation::Set, Some("DEBUG"))], false).expect("valid");
        assert_eq!(level(&loggers, "corelog_broker::group"), "DEBUG");
        assert_eq!(level(&loggers, "corelog_storage"), "WARN");
        let last = applied.lock().expect("sound").last().cloned();
        assert_eq!(last.as_deref(), Some("info,hyper=off,corelog_broker=debug,corelog_broker::net=trace,warn"));
        loggers.alter(&[step("corelog_broker", ConfigOperation::Delete, None)], false).expect("valid");
        assert_eq!(level(&loggers, "corelog_broker::group"), "WARN");
        loggers.alter(&[step("root", ConfigOperation::Set, Some("FATAL"))], true).expect("valid");
        assert_eq!(level(&loggers, "root"), "WARN", "it was only to be checked");
    }

    #[test]
    fn a_step_that_is_refused_takes_the_others_with_it() {
        let (loggers, applied) = begun("info");
        let good = step("root", ConfigOperation::Set, Some("DEBUG"));
        for (bad, code) in [
            (good.clone(), ErrorCode::InvalidRequest),
            (step("corelog_broker", ConfigOperation::Set, None), ErrorCode::InvalidRequest),
            (step("nobody", ConfigOperation::Set, Some("INFO")), ErrorCode::InvalidConfig),
            (step("corelog_broker", ConfigOperation::Set, Some("info")), ErrorCode::InvalidConfig),
            (step("root", ConfigOperation::Delete, None), ErrorCode::InvalidRequest),
            (step("root", ConfigOperation::Append, Some("INFO")), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(loggers.alter(&[good.clone(), bad], false).expect_err("refused").code, code);
        }
        assert_eq!((level(&loggers, "root"), applied.lock().expect("sound").len()), ("INFO", 0));
    }
}
