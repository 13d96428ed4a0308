//! How a command answers: tables and sentences for people, JSON for programs (`--json`).

use std::io::{IsTerminal, Write, stderr};

use serde_json::{Map, Value};

use super::table::Table;

/// Which of the two.
#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// One table.
    pub(super) fn table<const N: usize>(self, table: &Table<N>) {
        if self.json {
            println!("{}", table.json());
        } else {
            print!("{}", table.draw());
        }
    }

    /// Something was done: a sentence, or its facts.
    pub(super) fn done(self, told: &str, facts: Value) {
        if self.json {
            println!("{facts}");
        } else {
            println!("{told}");
        }
    }

    /// Several things about one subject, added one by one.
    pub(super) fn parts(self) -> Parts {
        Parts { output: self, told: String::new(), object: Map::new() }
    }
}

/// What [`Output::parts`] collects.
pub(super) struct Parts {
    output: Output,
    told: String,
    object: Map<String, Value>,
}

impl Parts {
    /// A line, and the facts in it.
    pub(super) fn line<const N: usize>(&mut self, told: &str, facts: [(&str, Value); N]) {
        self.told += told;
        self.told += "\n";
        self.object.extend(facts.map(|(name, value)| (name.to_owned(), value)));
    }

    /// A table, which people are shown if it has rows; `apart` puts an empty line before it.
    pub(super) fn table<const N: usize>(&mut self, name: &str, table: &Table<N>, apart: bool) {
        if !table.is_empty() {
            self.told += if apart { "\n" } else { "" };
            self.told += &table.draw();
        }
        self.object.insert(name.to_owned(), table.json());
    }

    pub(super) fn show(self) {
        if self.output.json {
            println!("{}", Value::Object(self.object));
        } else {
            print!("{}", self.told);
        }
    }
}

/// How far a long work has come, on the terminal's last line; nowhere if nobody looks.
pub(super) struct Progress {
    watched: bool,
    shown: std::time::Instant,
}

#[allow(clippy::disallowed_methods, reason = "a client of its own process, not the broker's")]
impl Progress {
    const EACH: std::time::Duration = std::time::Duration::from_millis(250);

    pub(super) fn begin() -> Self {
        Self { watched: stderr().is_terminal(), shown: std::time::Instant::now() }
    }

    /// It has come so far.
    pub(super) fn at(&mut self, how_far: impl FnOnce() -> String) {
        if self.watched && self.shown.elapsed() >= Self::EACH {
            self.shown = std::time::Instant::now();
            eprint!("\r{}\x1b[K", how_far());
            let _ = stderr().flush();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.watched {
            eprint!("\r\x1b[K");
        }
    }
}
