//! The run as one HTML page that needs nothing else: its figures, percentile curves, and timelines.

use super::chart::{Chart, Line};
use super::summary::{CaseResult, Summary};
use super::text::{interval, number, ordered, trouble};
use super::timeline::Row;
use crate::compare::stats::Estimate;
use crate::engine::Second;
use crate::error::Result;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;\
background:#fff}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.15rem .8rem;text-align:right;\
border-bottom:1px solid #ddd;font-variant-numeric:tabular-nums}td:first-child,th:first-child{text-align:left}\
.bad{color:#a00;font-weight:600}.quiet{color:#666}svg{max-width:100%;height:auto}";

/// What a timeline shows of a second.
struct View {
    title: &'static str,
    unit: &'static str,
    log: bool,
    value: fn(&Second) -> Option<f64>,
}

const VIEWS: [View; 4] = [
    View { title: "Requests acknowledged", unit: "per second", log: false, value: |s| Some(s.requests_per_s) },
    View { title: "Records delivered", unit: "per second", log: false, value: |s| Some(s.delivered_per_s) },
    View { title: "Latency, p99 of each second", unit: "us", log: true, value: |s| s.p99 },
    View { title: "CPU of the broker", unit: "ms per second", log: false, value: |s| s.cpu_ms_per_s },
];

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The whole page.
pub(crate) fn page(summary: &Summary, rows: &[Row]) -> Result<String> {
    let mut out = String::new();
    let title = summary.targets.iter().map(|target| escaped(&target.name)).collect::<Vec<_>>().join(" beside ");
    let workload = escaped(&summary.workload);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}: {workload}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}: {workload}</h1>\n<p>{}</p>\n",
        escaped(&summary.about)
    );
    if let Some(trouble) = trouble(&summary.status) {
        let _ = writeln!(out, "<p class=\"bad\">{}</p>", escaped(&trouble));
    }
    circumstances(&mut out, summary);
    claims(&mut out, summary);
    for result in &summary.cases {
        case(&mut out, summary, result, rows)?;
    }
    out.push_str("</html>\n");
    Ok(out)
}

fn circumstances(out: &mut String, summary: &Summary) {
    let machine = &summary.machine;
    let percent = summary.confidence * 100.0;
    let ratio = summary.ratio.as_ref().map_or(String::new(), |ratio| {
        format!(" Ratios are {}: the median over pairs of slices that took turns.", escaped(ratio))
    });
    let _ = writeln!(
        out,
        "<p class=\"quiet\">{}, {} cores, {} MiB, Linux {}; {}. In brackets the interval that holds the truth with {percent} % \
         (bootstrap, seed {}).{ratio} Discarded are slices with more than {} % of steal, or {} % of pressure before \
         them.</p>",
        escaped(&machine.processor),
        machine.cores,
        machine.memory_mib,
        escaped(&machine.kernel),
        escaped(&summary.started),
        summary.seed,
        number(summary.rules.most_steal * 100.0),
        number(summary.rules.most_pressure * 100.0),
    );
}

fn claims(out: &mut String, summary: &Summary) {
    if summary.claims.is_empty() {
        return;
    }
    out.push_str("<table><tr><th>claim<th>case<th>at the bad end<th></tr>\n");
    for verdict in &summary.claims {
        let value = verdict.value.map_or("not measured".into(), number);
        let word = if verdict.holds { "<td>holds" } else { "<td class=\"bad\">fails" };
        let (claim, case) = (escaped(&verdict.claim), escaped(&verdict.case));
        let _ = writeln!(out, "<tr><td>{claim}<td>{case}<td>{value}{word}</tr>");
    }
    out.push_str("</table>\n");
}

fn case(out: &mut String, summary: &Summary, result: &CaseResult, rows: &[Row]) -> Result<()> {
    let _ = writeln!(out, "<h2>{}</h2>\n<p>{}</p>", escaped(&result.case.name), escaped(&result.pace));
    if let Some(why) = &result.void {
        let _ = writeln!(out, "<p class=\"bad\">void: {}</p>", escaped(why));
        return Ok(());
    }
    if let (count @ 1.., Some(why)) = result.discarded() {
        let _ = writeln!(out, "<p>{count} slices discarded, with their pairs; the first: {}</p>", escaped(why));
    }
    table(out, summary, result);
    charts(summary, result, rows)?.iter().for_each(|(_, chart)| out.push_str(chart));
    Ok(())
}

/// The charts of a case, as SVG: percentile curves, then timelines, each with its title.
pub(crate) fn charts(summary: &Summary, result: &CaseResult, rows: &[Row]) -> Result<Vec<(String, String)>> {
    let name = |target: usize| summary.targets[target].name.clone();
    let mut charts = Vec::new();
    for (kind, curves) in &result.percentiles {
        let lines = curves.iter().enumerate();
        let lines = lines.map(|(target, points)| Line { name: name(target), points: points.clone() }).collect();
        let title = format!("Latency by percentile ({kind})");
        charts.push((title.clone(), Chart { title, unit: "us", log: true, lines }.over_percentiles()?));
    }
    for view in &VIEWS {
        let lines: Vec<Line> =
            (0..summary.targets.len()).map(|target| line(view, &name(target), result, rows)).collect();
        if lines.iter().any(|line| line.points.iter().any(|point| point.1 > 0.0)) {
            let title = view.title.to_owned();
            charts.push((title.clone(), Chart { title, unit: view.unit, log: view.log, lines }.over_time()?));
        }
    }
    Ok(charts)
}

/// One target's seconds that count, one slice behind the other.
fn line(view: &View, target: &str, result: &CaseResult, rows: &[Row]) -> Line {
    let own = rows.iter().filter(|row| row.target == target && row.case == result.case.name && row.second.counts);
    let (mut points, mut at) = (Vec::new(), 0.0);
    for row in own {
        points.extend((view.value)(&row.second).map(|value| (at, value)));
        at += 1.0;
    }
    Line { name: target.to_owned(), points }
}

fn table(out: &mut String, summary: &Summary, result: &CaseResult) {
    let names: String = summary.targets.iter().map(|target| format!("<th>{}", escaped(&target.name))).collect();
    let ratio = if summary.ratio.is_some() { "<th>ratio" } else { "" };
    let _ = writeln!(out, "<table><tr><th>figure{names}{ratio}</tr>");
    let cell =
        |estimate: &Option<Estimate>| estimate.as_ref().map_or("<td>-".into(), |e| format!("<td>{}", interval(e)));
    for (name, figure) in ordered(result) {
        let _ = write!(out, "<tr><td>{}{}", escaped(name), cell(&figure.a));
        if summary.ratio.is_some() {
            let _ = write!(out, "{}{}", cell(&figure.b), cell(&figure.ratio));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}
