//! `timeline.csv`: a run second by second.

use crate::engine::Second;
use crate::error::{Error, Result};

pub(crate) const HEAD: &str = "at_s,target,case,slice,slice_s,counts,requests_per_s,delivered_per_s,p50_us,p99_us,max_us,\
                               cpu_ms_per_s,memory_mib,files";
const COLUMNS: usize = 14;

/// A line: a second of a slice.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Since the run's start.
    pub(crate) at: f64,
    pub(crate) target: String,
    pub(crate) case: String,
    pub(crate) slice: usize,
    pub(crate) second: Second,
}

impl Row {
    pub(crate) fn line(&self) -> String {
        let Self { at, target, case, slice, second } = self;
        let some = |value: Option<f64>| value.map(|value| format!("{value:.1}")).unwrap_or_default();
        format!(
            "{at:.2},{},{},{slice},{:.2},{},{:.1},{:.1},{},{},{},{},{},{}",
            quoted(target),
            quoted(case),
            second.at,
            u8::from(second.counts),
            second.requests_per_s,
            second.delivered_per_s,
            some(second.p50),
            some(second.p99),
            some(second.max),
            some(second.cpu_ms_per_s),
            some(second.memory_mib),
            some(second.files),
        )
    }
}

/// A text without what would end its field.
fn quoted(text: &str) -> String {
    text.replace([',', '"', '\n', '\r'], "-")
}

pub(crate) fn parse(text: &str) -> Result<Vec<Row>> {
    text.lines().skip(1).map(row).collect()
}

fn row(line: &str) -> Result<Row> {
    let fields: Vec<&str> = line.split(',').collect();
    if fields.len() != COLUMNS {
        return Err(Error::Cannot(format!("timeline.csv: not a row: {line}")));
    }
    let some = |at: usize| fields[at].parse::<f64>().ok();
    let number = |at: usize| some(at).unwrap_or_default();
    let second = Second {
        at: number(4),
        counts: fields[5] == "1",
        requests_per_s: number(6),
        delivered_per_s: number(7),
        p50: some(8),
        p99: some(9),
        max: some(10),
        cpu_ms_per_s: some(11),
        memory_mib: some(12),
        files: some(13),
    };
    Ok(Row { at: number(0), target: fields[1].into(), case: fields[2].into(), slice: number(3) as usize, second })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_and_holds_as_many_columns_as_the_head_names() {
        let second = Second { at: 2.0, counts: true, requests_per_s: 9.5, max: Some(7.0), ..Second::default() };
        let row = Row { at: 12.5, target: "a,b".into(), case: "tick rate=1".into(), slice: 3, second };
        assert_eq!(HEAD.split(',').count(), COLUMNS);
        let read = parse(&format!("{HEAD}\n{}\n", row.line())).expect("it was written so");
        assert_eq!((read[0].target.as_str(), read[0].slice, read[0].second.counts), ("a-b", 3, true));
        assert_eq!((read[0].second.max, read[0].second.p50, read[0].at), (Some(7.0), None, 12.5));
    }
}
