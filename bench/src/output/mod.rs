//! What a run leaves: a folder of its own with `summary.json`, `timeline.csv`, latencies as `.hdr` logs, and a page.

mod chart;
mod hdr;
mod page;
mod progress;
pub(crate) mod summary;
pub(crate) mod text;
mod timeline;

pub(crate) use hdr::{Interval, percentiles};
pub(crate) use progress::Progress;
pub(crate) use timeline::Row;

use crate::error::{Error, Result};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use summary::Summary;

const SUMMARY: &str = "summary.json";
const TIMELINE: &str = "timeline.csv";
const PAGE: &str = "report.html";
/// Where runs go that are not told where.
const RESULTS: &str = "bench-results";

/// A run's folder, which no other run has.
pub(crate) struct Output {
    dir: PathBuf,
    timeline: File,
}

impl Output {
    /// Makes the folder: `given`, or one by workload, time and process. One that exists is somebody else's.
    pub(crate) fn create(given: Option<&Path>, workload: &str, started: SystemTime) -> Result<Self> {
        let dir = match given {
            Some(dir) => dir.to_owned(),
            None => {
                let time = humantime::format_rfc3339_seconds(started).to_string().replace(':', "");
                Path::new(RESULTS).join(format!("{workload}-{time}-{}", std::process::id()))
            }
        };
        let cannot = |error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists => Error::Cannot(format!("{} exists: a run needs its own", dir.display())),
            _ => Error::Cannot(format!("{}: {error}", dir.display())),
        };
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent).map_err(cannot)?;
        }
        fs::create_dir(&dir).map_err(cannot)?;
        let mut timeline = File::create(dir.join(TIMELINE))?;
        writeln!(timeline, "{}", timeline::HEAD)?;
        Ok(Self { dir, timeline })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn row(&mut self, row: &Row) -> Result<()> {
        Ok(writeln!(self.timeline, "{}", row.line())?)
    }

    /// Latencies of one case, target and kind, slice by slice.
    pub(crate) fn latencies(&self, case: &str, target: &str, kind: &str, slices: &[Interval]) -> Result<()> {
        let name = file_name(&format!("{case}.{target}.{kind}.hdr"));
        hdr::write(&mut File::create(self.dir.join(name))?, slices)
    }

    /// Writes the summary so that a reader finds the old one or the new one.
    pub(crate) fn summary(&self, summary: &Summary) -> Result<()> {
        let text = serde_json::to_string_pretty(summary).map_err(|error| Error::Cannot(error.to_string()))?;
        let (new, old) = (self.dir.join("summary.json.new"), self.dir.join(SUMMARY));
        fs::write(&new, text)?;
        Ok(fs::rename(new, old)?)
    }
}

/// A name of plain letters, digits and signs.
fn file_name(text: &str) -> String {
    text.replace(|c: char| !(c.is_ascii_alphanumeric() || "._=-".contains(c)), "-")
}

/// Writes the page of what a run left in `dir`, and says it as text or as JSON.
pub(crate) fn report(dir: &Path, json: bool) -> Result<Summary> {
    let (summary, rows) = (summary(dir)?, timeline::parse(&text(dir, TIMELINE)?)?);
    fs::write(dir.join(PAGE), page::page(&summary, &rows)?)?;
    if json {
        println!("{}", serde_json::to_string(&summary).map_err(|error| Error::Cannot(error.to_string()))?);
    } else {
        print!("{}", self::text::print(&summary));
    }
    Ok(summary)
}

/// Leaves the charts of what a run left in `dir` as files in `into`: one for each case and chart.
pub(crate) fn charts(dir: &Path, into: &Path) -> Result<()> {
    let (summary, rows) = (summary(dir)?, timeline::parse(&text(dir, TIMELINE)?)?);
    let cannot = |error: std::io::Error| Error::Cannot(format!("{}: {error}", into.display()));
    fs::create_dir_all(into).map_err(cannot)?;
    for result in summary.cases.iter().filter(|result| result.void.is_none()) {
        for (title, chart) in page::charts(&summary, result, &rows)? {
            fs::write(into.join(file_name(&format!("{}.{}.svg", result.case.name, title.to_lowercase()))), chart)
                .map_err(cannot)?;
        }
    }
    Ok(())
}

/// The summary of what a run left in `dir`.
pub(crate) fn summary(dir: &Path) -> Result<Summary> {
    let cannot = |error: serde_json::Error| Error::Cannot(format!("{SUMMARY}: {error}"));
    let json: serde_json::Value = serde_json::from_str(&text(dir, SUMMARY)?).map_err(cannot)?;
    let schema = json.get("schema").and_then(serde_json::Value::as_u64);
    if schema != Some(u64::from(summary::SCHEMA)) {
        return Err(Error::Cannot(format!("{SUMMARY} has schema {schema:?}; this reads {}", summary::SCHEMA)));
    }
    serde_json::from_value(json).map_err(cannot)
}

fn text(dir: &Path, name: &str) -> Result<String> {
    let path = dir.join(name);
    fs::read_to_string(&path).map_err(|error| Error::Cannot(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_exists_is_refused() {
        let dir = std::env::temp_dir().join(format!("corelog-bench-output-{}", std::process::id()));
        let first = Output::create(Some(&dir), "w", SystemTime::now());
        let second = Output::create(Some(&dir), "w", SystemTime::now());
        fs::remove_dir_all(&dir).expect("it was made");
        assert!(first.is_ok());
        assert!(second.is_err_and(|error| error.to_string().contains("exists")));
    }
}
