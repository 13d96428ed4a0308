//! A workload file: TOML. A key with a list of values is an axis: there is a case for each combination.
//!
//! Whatever is wrong is said with the file, the line and the key; for an unknown key with the nearest right one.

use super::keys::{self, KEYS, Key, Value};
use super::{Case, Workload};
use crate::error::{Error, Result};
use std::path::Path;
use toml::de::{DeTable, DeValue};

const ABOUT: &str = "about";
const CONFIGS: &str = "topic";
/// More cases than anybody waits for.
const MOST_CASES: usize = 200;

/// What one line says: a key and its value, or the values of an axis.
struct Line {
    key: &'static Key,
    values: Vec<Value>,
    axis: bool,
    at: usize,
}

pub(crate) fn read(path: &Path) -> Result<Workload> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::Cannot(format!("{}: {error}", path.display())))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    parse(&path.display().to_string(), &name, &text)
}

fn parse(file: &str, name: &str, text: &str) -> Result<Workload> {
    let fail = |at: usize, what: String| Error::Cannot(format!("{file}:{}: {what}", line_of(text, at)));
    let table = DeTable::parse(text)
        .map_err(|error| fail(error.span().map_or(0, |span| span.start), error.message().trim().to_owned()))?;
    let (mut about, mut configs, mut lines) = (String::new(), Vec::new(), Vec::new());
    for (key, value) in table.get_ref() {
        let (at, key) = (key.span().start, key.get_ref().as_ref());
        match (key, value.get_ref()) {
            (ABOUT, DeValue::String(text)) => about = text.to_string(),
            (ABOUT, _) => return Err(fail(at, format!("{ABOUT}: a text is wanted"))),
            (CONFIGS, DeValue::Table(table)) => configs = flat("", table).map_err(|(at, what)| fail(at, what))?,
            (CONFIGS, _) => {
                return Err(fail(at, format!("{CONFIGS}: a table of the topic's configurations is wanted")));
            }
            (key, value) => lines.push(line(key, value, at).map_err(|what| fail(at, what))?),
        }
    }
    lines.sort_by_key(|line| line.at);
    let first = Case { configs, ..Case::default() };
    let cases = cases(&lines, name, first).map_err(|(at, what)| fail(at, what))?;
    Ok(Workload { name: name.to_owned(), about, cases })
}

fn line(name: &str, value: &DeValue<'_>, at: usize) -> std::result::Result<Line, String> {
    let key = keys::find(name).ok_or_else(|| unknown(name))?;
    let one = |value: &DeValue<'_>| self::value(value).map_err(|what| format!("{name}: {what}"));
    let (values, axis) = match value {
        DeValue::Array(items) if items.is_empty() => return Err(format!("{name}: no value in the list")),
        DeValue::Array(items) => {
            (items.iter().map(|item| one(item.get_ref())).collect::<std::result::Result<_, _>>()?, true)
        }
        value => (vec![one(value)?], false),
    };
    Ok(Line { key, values, axis, at })
}

fn value(value: &DeValue<'_>) -> std::result::Result<Value, String> {
    let number = |digits: &str| digits.parse().map(Value::Number).map_err(|_| format!("{digits} is no number here"));
    match value {
        DeValue::Integer(digits) if digits.radix() == 10 => number(digits.as_str()),
        DeValue::Integer(_) => Err("decimal numbers only".into()),
        DeValue::Float(digits) => number(digits.as_str()),
        DeValue::Boolean(truth) => Ok(Value::Truth(*truth)),
        DeValue::String(text) => Ok(Value::Text(text.to_string())),
        DeValue::Array(_) | DeValue::Table(_) | DeValue::Datetime(_) => Err("a number or true or false".into()),
    }
}

/// A topic's configurations, whose names have dots: nested tables become one again.
fn flat(prefix: &str, table: &DeTable<'_>) -> std::result::Result<Vec<(String, String)>, (usize, String)> {
    let mut configs = Vec::new();
    for (name, value) in table {
        let key = [prefix, name.get_ref().as_ref()].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>();
        let key = key.join(".");
        match value.get_ref() {
            DeValue::Table(inner) => configs.extend(flat(&key, inner)?),
            other => {
                let value = self::value(other).map_err(|what| (name.span().start, format!("{key}: {what}")))?;
                configs.push((key, value.shown()));
            }
        }
    }
    Ok(configs)
}

/// Every combination, the last axis fastest.
fn cases(lines: &[Line], name: &str, first: Case) -> std::result::Result<Vec<Case>, (usize, String)> {
    let count: usize = lines.iter().map(|line| line.values.len()).product();
    if count > MOST_CASES {
        return Err((0, format!("{count} cases; at most {MOST_CASES}")));
    }
    let mut cases = vec![Case { name: name.to_owned(), ..first }];
    for line in lines {
        let mut next = Vec::new();
        for case in &cases {
            for value in &line.values {
                let mut case = case.clone();
                (line.key.set)(&mut case, value).map_err(|what| (line.at, format!("{}: {what}", line.key.name)))?;
                if line.axis {
                    case.name = format!("{} {}={}", case.name, line.key.name, value.shown());
                }
                next.push(case);
            }
        }
        cases = next;
    }
    let at = |key: &str| lines.iter().find(|line| line.key.name == key).map_or(0, |line| line.at);
    for case in &mut cases {
        case.settle().map_err(|(key, what)| (at(key), format!("{key}: {what}")))?;
    }
    Ok(cases)
}

fn unknown(name: &str) -> String {
    let names = KEYS.iter().map(|key| key.name).chain([ABOUT, CONFIGS]);
    let nearest = names.map(|known| (strsim::levenshtein(name, known), known)).min();
    match nearest.filter(|(distance, known)| *distance <= name.len().max(known.len()) / 2) {
        Some((_, known)) => format!("unknown key {name}; did you mean {known}?"),
        None => format!("unknown key {name}"),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Workload {
        parse("w.toml", "w", text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn error(text: &str) -> String {
        parse("w.toml", "w", text).expect_err("refused").to_string()
    }

    #[test]
    fn lists_are_axes_and_every_combination_is_a_case() {
        let workload = load("about = \"x\"\nrecord = 256\nrate = [100, 1000]\nconsumers = [1, 20]\n");
        let names: Vec<&str> = workload.cases.iter().map(|case| case.name.as_str()).collect();
        let expected = [
            "w rate=100 consumers=1",
            "w rate=100 consumers=20",
            "w rate=1000 consumers=1",
            "w rate=1000 consumers=20",
        ];
        assert_eq!(names, expected);
        assert!(workload.cases.iter().all(|case| case.record == 256));
        assert_eq!(load("record = 100\nbatch_bytes = 65536\n").cases[0].batch, 655);
        assert_eq!(load("").cases, [Case { name: "w".into(), ..Case::default() }]);
    }

    #[test]
    fn a_topics_configurations_keep_their_dots() {
        let workload = load("[topic]\nflush.messages = 1\n\"retention.ms\" = \"5\"\n");
        let mut configs = workload.cases[0].configs.clone();
        configs.sort();
        assert_eq!(configs, [("flush.messages".into(), "1".into()), ("retention.ms".into(), "5".into())]);
    }

    #[test]
    fn a_mistake_is_named_with_file_line_and_key() {
        assert_eq!(error("\nrecrod = 5"), "w.toml:2: unknown key recrod; did you mean record?");
        assert_eq!(error("zzzzzzzz = 5"), "w.toml:1: unknown key zzzzzzzz");
        assert_eq!(error("record = 5"), "w.toml:1: record: 5 is not between 24 and 67108864");
        assert_eq!(error("\n\nrate = [1, true]"), "w.toml:3: rate: \"true\" is no number");
        assert_eq!(error("batch = 1.5"), "w.toml:1: batch: 1.5 is no whole number");
        assert_eq!(error("depth = 2\nrate = 5").split(": ").take(2).collect::<Vec<_>>(), ["w.toml:1", "depth"]);
        assert!(error("record = 99\nrecord = 99").starts_with("w.toml:2: duplicate key"));
        assert!(error("record = ").starts_with("w.toml:1: "));
    }

    #[test]
    fn every_workload_that_comes_with_it_is_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("workloads");
        let mut read = 0;
        for entry in std::fs::read_dir(folder).expect("the folder of workloads").flatten() {
            let workload = super::read(&entry.path()).unwrap_or_else(|error| panic!("{error}"));
            assert!(!workload.about.is_empty(), "{} says what it is", workload.name);
            read += 1;
        }
        assert!(read >= 4);
    }
}
