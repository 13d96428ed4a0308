//! A run as text: what was measured case by case, and what was claimed.

use super::summary::{CaseResult, Figure, Status, Summary};
use crate::compare::stats::Estimate;
use std::fmt::Write;

/// Figures that lead each table; the others follow in the order of their names.
const FIRST: [&str; 8] =
    ["e2e.p50", "e2e.p99", "e2e.max", "ack.p50", "ack.p99", "ack.max", "requests_per_s", "mb_per_s"];

/// To four digits, without an exponent.
pub(crate) fn number(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (3 - value.abs().log10().floor() as i32).clamp(0, 4) };
    format!("{value:.*}", digits as usize)
}

pub(crate) fn interval(of: &Estimate) -> String {
    format!("{} [{}, {}]", number(of.median), number(of.low), number(of.high))
}

/// A case's figures in the order in which they are shown.
pub(crate) fn ordered(result: &CaseResult) -> Vec<(&str, &Figure)> {
    let first = FIRST.iter().filter_map(|name| result.figures.get_key_value(*name));
    let rest = result.figures.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
    first.chain(rest).map(|(name, figure)| (name.as_str(), figure)).collect()
}

/// How a run ended, in words; nothing if all is well.
pub(crate) fn trouble(status: &Status) -> Option<String> {
    match status {
        Status::Complete => None,
        Status::Running => Some("partial: the bench was ended".into()),
        Status::Partial(why) => Some(format!("partial: {why}")),
        Status::Void(why) => Some(format!("void: {why}")),
    }
}

pub(crate) fn print(summary: &Summary) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}: {}", summary.workload, summary.about);
    for (place, target) in summary.targets.iter().enumerate() {
        let pid = target.pid.map_or(String::new(), |pid| format!(", process {pid}"));
        let _ = writeln!(out, "{}: {} at {}{pid}", side(place), target.name, target.address);
    }
    let percent = summary.confidence * 100.0;
    let _ = match &summary.ratio {
        Some(ratio) => {
            writeln!(out, "ratio: {ratio}, the median of the pairs' [{percent} % interval]; seed {}", summary.seed)
        }
        None => writeln!(out, "medians of the slices [{percent} % interval]; seed {}", summary.seed),
    };
    for result in &summary.cases {
        case(&mut out, result);
    }
    for verdict in &summary.claims {
        let value = verdict.value.map_or("not measured".into(), number);
        let word = if verdict.holds { "holds" } else { "FAILS" };
        let _ = writeln!(out, "{word}: {} ({}: {value} at the bad end)", verdict.claim, verdict.case);
    }
    if let Some(trouble) = trouble(&summary.status) {
        let _ = writeln!(out, "{trouble}");
    }
    out
}

pub(crate) fn side(place: usize) -> &'static str {
    if place == 0 { "a" } else { "b" }
}

fn case(out: &mut String, result: &CaseResult) {
    let _ = writeln!(out, "\n{} ({})", result.case.name, result.pace);
    if let Some(why) = &result.void {
        let _ = writeln!(out, "  void: {why}");
        return;
    }
    if let (count @ 1.., Some(why)) = result.discarded() {
        let _ = writeln!(out, "  {count} slices discarded, with their pairs; the first: {why}");
    }
    let shown = |estimate: &Option<Estimate>| estimate.as_ref().map_or(String::new(), interval);
    for (name, figure) in ordered(result) {
        let (a, b, ratio) = (shown(&figure.a), shown(&figure.b), shown(&figure.ratio));
        let _ = writeln!(out, "  {name:28} {a:32} {b:32} {ratio}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let shown: Vec<String> = [0.0, 0.012_345, 1.5, 123.456, 123_456.7].map(number).to_vec();
        assert_eq!(shown, ["0", "0.0123", "1.500", "123.5", "123457"]);
    }
}
