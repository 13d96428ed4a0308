//! What happened on a node between two looks at its metrics.

use std::collections::BTreeMap;

use serde::Serialize;

use super::page::Page;

/// A node over an interval. Rates are per second, by the cores' own clock.
#[derive(Serialize)]
pub(super) struct View {
    pub(super) version: String,
    pub(super) ready: bool,
    pub(super) resident_bytes: f64,
    pub(super) open_files: f64,
    pub(super) most_files: f64,
    pub(super) start_seconds: f64,
    pub(super) cores: Vec<CoreView>,
    pub(super) stages: Vec<Spread>,
    pub(super) apis: Vec<Spread>,
    /// Since the node's start.
    pub(super) refused: Vec<Refused>,
    /// Since the node's start.
    pub(super) bad_input: Vec<BadInput>,
}

/// One core.
#[derive(Serialize)]
pub(super) struct CoreView {
    pub(super) core: u32,
    /// The part of a CPU that the core's thread used.
    pub(super) cpu: f64,
    pub(super) connections: f64,
    pub(super) partitions: f64,
    pub(super) requests_per_s: f64,
    pub(super) produced_records_per_s: f64,
    pub(super) produced_bytes_per_s: f64,
    pub(super) fetched_bytes_per_s: f64,
    pub(super) journal_writes_per_s: f64,
    pub(super) journal_bytes_per_s: f64,
    pub(super) journal_used_bytes: f64,
    pub(super) journal_size_bytes: f64,
    pub(super) connection_memory_bytes: f64,
    pub(super) cached_bytes: f64,
}

/// How long something took, over all cores. Seconds; none where it did not happen.
#[derive(Serialize)]
pub(super) struct Spread {
    pub(super) name: String,
    pub(super) per_s: f64,
    pub(super) mean: Option<f64>,
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) p999: Option<f64>,
}

/// Partitions refused.
#[derive(Serialize)]
pub(super) struct Refused {
    pub(super) api: String,
    pub(super) error: String,
    pub(super) count: f64,
}

/// Bad input of one kind.
#[derive(Serialize)]
pub(super) struct BadInput {
    pub(super) kind: String,
    pub(super) count: f64,
}

impl View {
    pub(super) fn between(before: &Page, now: &Page) -> Self {
        let cores = now.values_of("corelog_core_sample_time_seconds", "core");
        let cores: Vec<CoreView> = cores.iter().map(|core| core_between(before, now, core)).collect();
        Self {
            version: now.label("corelog_build_info", "version").unwrap_or_default().to_owned(),
            ready: now.value("corelog_ready") == 1.0,
            resident_bytes: now.value("process_resident_memory_bytes"),
            open_files: now.value("process_open_fds"),
            most_files: now.value("process_max_fds"),
            start_seconds: now.value("process_start_time_seconds"),
            cores,
            stages: spreads(before, now, "corelog_stage_seconds", "stage"),
            apis: spreads(before, now, "corelog_request_seconds", "api"),
            refused: refused(now),
            bad_input: bad_input(now),
        }
    }
}

/// Seconds between the figures of a core. Nothing may have been posted in between: then there are no rates.
fn elapsed(before: &Page, now: &Page, core: &str) -> f64 {
    let at = |page: &Page| page.sum("corelog_core_sample_time_seconds", "core", core);
    at(now) - at(before)
}

fn core_between(before: &Page, now: &Page, core: &str) -> CoreView {
    let seconds = elapsed(before, now, core);
    let rate = |name: &str| {
        let grown = now.sum(name, "core", core) - before.sum(name, "core", core);
        if seconds > 0.0 { grown / seconds } else { 0.0 }
    };
    let gauge = |name: &str| now.sum(name, "core", core);
    CoreView {
        core: core.parse().unwrap_or_default(),
        cpu: rate("corelog_core_cpu_seconds_total"),
        connections: gauge("corelog_connections"),
        partitions: gauge("corelog_partitions"),
        requests_per_s: rate("corelog_request_seconds_count"),
        produced_records_per_s: rate("corelog_produced_records_total"),
        produced_bytes_per_s: rate("corelog_produced_bytes_total"),
        fetched_bytes_per_s: rate("corelog_fetched_bytes_total"),
        journal_writes_per_s: rate("corelog_journal_writes_total"),
        journal_bytes_per_s: rate("corelog_journal_written_bytes_total"),
        journal_used_bytes: gauge("corelog_journal_used_bytes"),
        journal_size_bytes: gauge("corelog_journal_size_bytes"),
        connection_memory_bytes: gauge("corelog_connection_memory_bytes"),
        cached_bytes: gauge("corelog_cached_bytes"),
    }
}

/// A histogram's spread for each value of a label.
fn spreads(before: &Page, now: &Page, name: &str, label: &str) -> Vec<Spread> {
    let cores = now.values_of("corelog_core_sample_time_seconds", "core");
    let seconds = cores.iter().map(|core| elapsed(before, now, core)).fold(0.0, f64::max);
    let values = now.values_of(&format!("{name}_count"), label);
    let spread = |value: &String| {
        let grown = |part: &str| {
            let name = format!("{name}_{part}");
            now.sum(&name, label, value) - before.sum(&name, label, value)
        };
        let (count, sum) = (grown("count"), grown("sum"));
        let buckets = buckets(before, now, &format!("{name}_bucket"), label, value);
        Spread {
            name: value.clone(),
            per_s: if seconds > 0.0 { count / seconds } else { 0.0 },
            mean: (count > 0.0).then(|| sum / count),
            p50: quantile(&buckets, 0.5),
            p99: quantile(&buckets, 0.99),
            p999: quantile(&buckets, 0.999),
        }
    };
    values.iter().map(spread).collect()
}

/// Upper bound and cumulative count of each bucket, over all cores, of what happened in between.
fn buckets(before: &Page, now: &Page, name: &str, label: &str, value: &str) -> Vec<(f64, f64)> {
    let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
    for (page, sign) in [(now, 1.0), (before, -1.0)] {
        for (labels, count) in page.samples(name).iter().filter(|(labels, _)| labels[label] == value) {
            let bound = labels.get("le").map_or(f64::INFINITY, |le| le.parse().unwrap_or(f64::INFINITY));
            *counts.entry(bound.to_bits()).or_default() += sign * count; // positive floats sort as their bits
        }
    }
    counts.into_iter().map(|(bound, count)| (f64::from_bits(bound), count)).collect()
}

/// The time that `part` of all took at most: in proportion within its bucket, and the last bound if it is beyond.
fn quantile(buckets: &[(f64, f64)], part: f64) -> Option<f64> {
    let all = buckets.last()?.1;
    if all <= 0.0 {
        return None;
    }
    let wanted = all * part;
    let at = buckets.iter().position(|(_, count)| *count >= wanted)?;
    let (lower, below) = if at == 0 { (0.0, 0.0) } else { buckets[at - 1] };
    let (upper, count) = buckets[at];
    Some(if upper.is_finite() { lower + (upper - lower) * (wanted - below) / (count - below).max(1e-9) } else { lower })
}

fn refused(now: &Page) -> Vec<Refused> {
    let mut sums: BTreeMap<(String, String), f64> = BTreeMap::new();
    for (labels, count) in now.samples("corelog_refused_partitions_total") {
        *sums.entry((labels["api"].clone(), labels["error"].clone())).or_default() += count;
    }
    sums.into_iter().map(|((api, error), count)| Refused { api, error, count }).collect()
}

fn bad_input(now: &Page) -> Vec<BadInput> {
    let kinds = now.values_of("corelog_bad_input_total", "kind");
    let count = |kind: String| BadInput { count: now.sum("corelog_bad_input_total", "kind", &kind), kind };
    kinds.into_iter().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_in_its_bucket() {
        let buckets = [(0.001, 50.0), (0.002, 90.0), (0.01, 100.0), (f64::INFINITY, 101.0)];
        assert_eq!(quantile(&buckets, 0.5).map(|s| (s * 1e6).round()), Some(1013.0));
        assert_eq!(quantile(&buckets, 0.999), Some(0.01));
        assert_eq!(quantile(&buckets, 0.9).map(|s| (s * 1e3).round()), Some(3.0));
        assert_eq!(quantile(&[(0.1, 0.0), (f64::INFINITY, 0.0)], 0.5), None);
    }

    fn page(seconds: f64, count: f64, fast: f64) -> Page {
        let text = format!(
            "corelog_build_info{{version=\"9\"}} 1\ncorelog_ready 1\ncorelog_core_sample_time_seconds{{core=\"0\"}} {seconds}\n\
             corelog_request_seconds_bucket{{core=\"0\",api=\"Fetch\",le=\"0.001\"}} {fast}\n\
             corelog_request_seconds_bucket{{core=\"0\",api=\"Fetch\",le=\"+Inf\"}} {count}\n\
             corelog_request_seconds_sum{{core=\"0\",api=\"Fetch\"}} {count}\n\
             corelog_request_seconds_count{{core=\"0\",api=\"Fetch\"}} {count}\n"
        );
        Page::parse(&text).expect("a page of ours")
    }

    #[test]
    fn rates_are_over_the_cores_own_time() {
        let view = View::between(&page(10.0, 100.0, 80.0), &page(12.0, 300.0, 280.0));
        assert_eq!((view.cores[0].requests_per_s, view.apis[0].per_s), (100.0, 100.0));
        assert_eq!((view.apis[0].mean, view.apis[0].p999.is_some_and(|s| s <= 0.001)), (Some(1.0), true));
        let still = View::between(&page(10.0, 100.0, 80.0), &page(10.0, 100.0, 80.0));
        assert_eq!((still.cores[0].requests_per_s, still.apis[0].p50), (0.0, None));
    }
}
