//! A view as a person reads it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::view::{CoreView, Spread, View};
use crate::cli::table::{Cell, Table};

/// The whole screen.
pub(super) fn draw(view: &View, at: &str) -> String {
    let total = |part: fn(&CoreView) -> f64| view.cores.iter().map(part).sum::<f64>();
    let ready = if view.ready { "ready" } else { "NOT READY" };
    let mut text = format!(
        "Corelog {} at {at}: {ready}, up {}, {} resident, {} of {} files open\n\n",
        view.version,
        age(view.start_seconds),
        bytes(view.resident_bytes),
        view.open_files,
        view.most_files,
    );
    let head = [
        "CORE",
        "CPU",
        "CONNECTIONS",
        "PARTITIONS",
        "REQUESTS/S",
        "RECORDS/S",
        "PRODUCED/S",
        "FETCHED/S",
        "WRITES/S",
        "WRITTEN/S",
        "JOURNAL",
        "CACHED",
    ];
    let mut table = Table::new(head);
    view.cores.iter().for_each(|core| table.push(core_row(&core.core.to_string(), &|part| part(core))));
    if view.cores.len() > 1 {
        table.push(core_row("all", &total));
    }
    text += &table.draw();
    text += &spreads("STAGE", &view.stages);
    text += &spreads("API", &view.apis);
    let mut refused = Table::new(["REFUSED", "ERROR", "PARTITIONS SINCE START"]);
    for one in &view.refused {
        refused.push([one.api.as_str().into(), one.error.as_str().into(), Cell::Figure(one.count.to_string())]);
    }
    let mut bad = Table::new(["BAD INPUT", "SINCE START"]);
    for one in &view.bad_input {
        bad.push([one.kind.as_str().into(), Cell::Figure(one.count.to_string())]);
    }
    text += &apart(&refused);
    text += &apart(&bad);
    text
}

/// A core's row, or that of all of them: `of` gives the figure of one, or the sum.
fn core_row(name: &str, of: &dyn Fn(fn(&CoreView) -> f64) -> f64) -> [Cell; 12] {
    let cells = [
        name.to_owned(),
        format!("{:.0} %", of(|core| core.cpu) * 100.0),
        of(|core| core.connections).to_string(),
        of(|core| core.partitions).to_string(),
        number(of(|core| core.requests_per_s)),
        number(of(|core| core.produced_records_per_s)),
        bytes(of(|core| core.produced_bytes_per_s)),
        bytes(of(|core| core.fetched_bytes_per_s)),
        number(of(|core| core.journal_writes_per_s)),
        bytes(of(|core| core.journal_bytes_per_s)),
        format!("{:.0} %", 100.0 * of(|core| core.journal_used_bytes) / of(|core| core.journal_size_bytes).max(1.0)),
        bytes(of(|core| core.cached_bytes)),
    ];
    cells.map(Cell::Figure)
}

fn spreads(kind: &'static str, spreads: &[Spread]) -> String {
    let mut table = Table::new([kind, "PER S", "MEAN", "P50", "P99", "P99.9"]);
    for spread in spreads {
        let time = |time: Option<f64>| time.map_or(Cell::Missing, |time| Cell::Figure(duration(time)));
        let (name, rate) = (spread.name.as_str().into(), Cell::Figure(number(spread.per_s)));
        table.push([name, rate, time(spread.mean), time(spread.p50), time(spread.p99), time(spread.p999)]);
    }
    apart(&table)
}

/// A table after an empty line, if it has rows.
fn apart<const N: usize>(table: &Table<N>) -> String {
    if table.is_empty() { String::new() } else { "\n".to_owned() + &table.draw() }
}

/// `0`, `3.4`, `120`, `15.2 k`, `3.1 M`
fn number(value: f64) -> String {
    match value {
        v if v <= 0.0 => "0".to_owned(),
        v if v < 10.0 => format!("{v:.1}"),
        v if v < 10_000.0 => format!("{v:.0}"),
        v if v < 10_000_000.0 => format!("{:.1} k", v / 1e3),
        v => format!("{:.1} M", v / 1e6),
    }
}

/// `0 B`, `512 B`, `1.5 KiB`, `3.0 GiB`
fn bytes(value: f64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if value < 1024.0 {
        return format!("{:.0} B", value.max(0.0));
    }
    let place = ((value.log2() / 10.0) as usize).clamp(1, units.len());
    format!("{:.1} {}", value / 1024_f64.powi(place as i32), units[place - 1])
}

/// `12 us`, `1.50 ms`, `2.00 s`
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.2} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

fn age(start_seconds: f64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let age = now.saturating_sub(Duration::from_secs_f64(start_seconds.max(0.0))).as_secs();
    match age {
        s if s < 120 => format!("{s} s"),
        s if s < 7200 => format!("{} min", s / 60),
        s if s < 172_800 => format!("{} h", s / 3600),
        s => format!("{} d", s / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_and_have_their_unit() {
        assert_eq!([0.0, 3.44, 9_999.0, 15_240.0, 31e6].map(number), ["0", "3.4", "9999", "15.2 k", "31.0 M"]);
        assert_eq!([0.0, 512.0, 1536.0, 3.0 * f64::from(1 << 30)].map(bytes), ["0 B", "512 B", "1.5 KiB", "3.0 GiB"]);
        assert_eq!([12e-6, 1.5e-3, 2.0].map(duration), ["12 us", "1.50 ms", "2.00 s"]);
    }
}
