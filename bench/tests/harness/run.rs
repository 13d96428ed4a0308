//! A run of the program, and what it left.

use crate::broker::folder;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left is in the build's own folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A workload file, there as long as the folder.
pub(crate) fn workload(text: &str) -> (Folder, String) {
    let dir = folder("workload");
    let path = dir.join("tick.toml");
    fs::write(&path, text).expect("a file");
    (Folder(dir), path.display().to_string())
}

pub(crate) struct Run {
    out: PathBuf,
    _folder: Option<Folder>,
    child: Child,
}

#[derive(Debug)]
pub(crate) struct Figure {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) of: u64,
}

/// A run's summary.
pub(crate) struct Done(Value);

impl Run {
    fn spawn(out: PathBuf, own: Option<Folder>, arguments: &[&str], more: &[&[&str]]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_corelog-bench"));
        command.args(arguments).args(more.concat()).arg("--out").arg(&out);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the bench starts");
        Self { out, _folder: own, child }
    }

    /// Starts a run with a folder of its own for what it leaves.
    pub(crate) fn begin(arguments: &[&str], more: &[&[&str]]) -> Self {
        let dir = folder("run");
        Self::spawn(dir.join("out"), Some(Folder(dir)), arguments, more)
    }

    pub(crate) fn to_end(arguments: &[&str], more: &[&[&str]]) -> Finished {
        Self::begin(arguments, more).finish()
    }

    /// The same into a given folder.
    pub(crate) fn into(out: &Path, arguments: &[&str], more: &[&[&str]]) -> Finished {
        Self::spawn(out.to_owned(), None, arguments, more).finish()
    }

    pub(crate) fn finish(self) -> Finished {
        let output = self.child.wait_with_output().expect("the bench ends");
        Finished { out: self.out, _folder: self._folder, output }
    }

    pub(crate) fn succeeds(self) -> Done {
        self.finish().succeeds()
    }

    pub(crate) fn fails(self, code: i32) -> Done {
        self.finish().fails(code)
    }
}

pub(crate) struct Finished {
    out: PathBuf,
    _folder: Option<Folder>,
    output: Output,
}

impl Finished {
    pub(crate) fn out(&self) -> &Path {
        &self.out
    }

    /// Its charts by file name.
    pub(crate) fn charts(&self) -> Vec<(String, String)> {
        let into = self.out.join("charts");
        let mut command = Command::new(env!("CARGO_BIN_EXE_corelog-bench"));
        let ended = command.arg("report").arg(&self.out).arg("--charts").arg(&into).status().expect("the bench starts");
        assert!(ended.success());
        let files = fs::read_dir(&into).expect("the folder").flatten();
        let named = |file: fs::DirEntry| {
            (file.file_name().to_string_lossy().into_owned(), fs::read_to_string(file.path()).expect("a chart"))
        };
        files.map(named).collect()
    }

    fn said(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text(&self.output.stdout) + &text(&self.output.stderr)
    }

    fn ends_with(&self, code: i32) -> Done {
        assert_eq!(self.output.status.code(), Some(code), "{}", self.said());
        let text = fs::read_to_string(self.out.join("summary.json")).expect("a summary");
        Done(serde_json::from_str(&text).expect("it is JSON"))
    }

    /// The process that the first target had in the end.
    pub(crate) fn pid(&self) -> u32 {
        let text = fs::read_to_string(self.out.join("summary.json")).expect("a summary");
        let summary: Value = serde_json::from_str(&text).expect("it is JSON");
        summary["targets"][0]["pid"].as_u64().expect("a process") as u32
    }

    pub(crate) fn succeeds(&self) -> Done {
        self.ends_with(0)
    }

    pub(crate) fn fails(&self, code: i32) -> Done {
        self.ends_with(code)
    }

    /// What it says that has nothing to measure.
    pub(crate) fn complains(&self) -> String {
        assert_eq!(self.output.status.code(), Some(1), "{}", self.said());
        self.said()
    }
}

impl Done {
    pub(crate) fn status(&self) -> &str {
        self.0["status"]["is"].as_str().expect("a status")
    }

    pub(crate) fn verdicts(&self) -> Vec<bool> {
        let claims = self.0["claims"].as_array().expect("claims");
        claims.iter().filter_map(|claim| claim["holds"].as_bool()).collect()
    }

    /// Slices of the only case that a rule discarded.
    pub(crate) fn discarded(&self) -> usize {
        let slices = self.0["cases"][0]["slices"].as_array().expect("slices");
        slices.iter().filter(|slice| slice["discarded"].is_string() && slice["counts"] == false).count()
    }

    /// Of the only case.
    pub(crate) fn figure(&self, metric: &str, side: &str) -> Figure {
        let of = &self.0["cases"][0]["figures"][metric][side];
        let number = |name: &str| of[name].as_f64().unwrap_or_else(|| panic!("{metric} {side} has no {name}: {of}"));
        Figure {
            median: number("median"),
            low: number("low"),
            high: number("high"),
            of: of["of"].as_u64().unwrap_or_default(),
        }
    }
}
