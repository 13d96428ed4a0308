//! A slice's figures by name. Latencies are microseconds.

use super::{Measured, Metrics, Second};
use crate::workload::Case;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// Shorter slices have no growth to speak of.
const SECONDS_TO_GROW: usize = 30;

/// Percentiles, in microseconds.
pub(crate) fn latencies(metrics: &mut Metrics, latencies: &BTreeMap<&'static str, Histogram<u64>>) {
    for (kind, latencies) in latencies {
        for (label, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
            metrics.insert(format!("{kind}.{label}"), latencies.value_at_quantile(quantile) as f64 / 1000.0);
        }
    }
}

/// All figures of a slice that ran to its end.
pub(crate) fn all(metrics: &mut Metrics, case: &Case, measured: &Measured) {
    let Measured { counts, synced, cost, lag, verified, drained, recovered } = measured;
    let seconds = cost.elapsed.as_secs_f64();
    let mut add = |name: &str, value: f64| {
        if value.is_finite() {
            metrics.insert(name.to_owned(), value);
        }
    };
    let (requests, delivered, fetches) = (counts.requests as f64, counts.delivered as f64, counts.fetches as f64);
    let (records, payload) = (requests * case.records() as f64, requests * case.payload() as f64);
    add("records_verified", *verified as f64);
    if case.rate != Some(0.0) {
        add("requests_per_s", requests / seconds);
        add("records_per_s", records / seconds);
        add("mb_per_s", payload / 1e6 / seconds);
    }
    if case.consumers > 0 {
        add("delivered_per_s", delivered / seconds);
        add("fetches_per_s", fetches / seconds);
    }
    if case.syncs_beside > 0 {
        add("beside.syncs_per_s", *synced as f64 / seconds);
    }
    if !lag.behind.is_empty() {
        add("send_lag.late", lag.late as f64);
        add("send_lag.p50", lag.behind.value_at_quantile(0.5) as f64 / 1000.0);
        add("send_lag.p99", lag.behind.value_at_quantile(0.99) as f64 / 1000.0);
        add("send_lag.max", lag.behind.max() as f64 / 1000.0);
    }
    if let Some((bytes, took)) = drained {
        add("drain.s", took.as_secs_f64());
        add("drain.mb_per_s", *bytes as f64 / 1e6 / took.as_secs_f64());
    }
    if let Some((took, _)) = recovered {
        add("recovery.s", took.as_secs_f64());
    }
    add("device.bytes_per_payload", cost.machine.disk_written as f64 / payload);
    add("device.flushes_per_ack", cost.machine.disk_flushes as f64 / requests);
    add("machine.steal", cost.machine.steal());
    let Some(cpu) = cost.cpu else { return };
    add("cpu.ms_per_s", cpu * 1e3 / seconds);
    add("machine.ms_per_s", cost.others * 1e3 / seconds);
    add("cpu.us_per_request", cpu * 1e6 / requests);
    add("machine.us_per_request", cost.others * 1e6 / requests);
    add("cpu.s_per_gb", cpu * 1e9 / payload);
    add("machine.s_per_gb", cost.others * 1e9 / payload);
    add("cpu.us_per_delivery", cpu * 1e6 / delivered);
    add("cpu.us_per_fetch", cpu * 1e6 / fetches);
    add("cpu.s_per_gb_delivered", cpu * 1e9 / (delivered * case.record as f64));
    add("switches_per_request", cost.switches as f64 / requests);
    add("process.written_per_payload", cost.disk_written as f64 / payload);
    add("process.read_bytes", cost.disk_read as f64);
    add("memory.mib", cost.memory as f64 / f64::from(1 << 20));
    if let Some(syscalls) = cost.syscalls {
        add("syscalls_per_request", syscalls as f64 / requests);
        add("syscalls_per_s", syscalls as f64 / seconds);
    }
}

/// What a second shows of one thing.
type View = fn(&Second) -> Option<f64>;

/// What grew: the median of the last third over that of the first.
pub(crate) fn growth(metrics: &mut Metrics, seconds: &[Second]) {
    let counted: Vec<&Second> = seconds.iter().filter(|second| second.counts).collect();
    if counted.len() < SECONDS_TO_GROW {
        return;
    }
    let third = counted.len() / 3;
    let median = |part: &[&Second], value: View| {
        let mut values: Vec<f64> = part.iter().filter_map(|second| value(second)).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    };
    let views: [(&str, View); 3] = [
        ("growth.memory", |second| second.memory_mib),
        ("growth.files", |second| second.files),
        ("growth.p99", |second| second.p99),
    ];
    for (name, value) in views {
        let (first, last) = (median(&counted[..third], value), median(&counted[counted.len() - third..], value));
        if let (Some(first), Some(last)) = (first.filter(|first| *first > 0.0), last) {
            metrics.insert(name.to_owned(), last / first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_last_third_over_the_first() {
        let second = |at: u32| Second { counts: true, memory_mib: Some(f64::from(100 + at)), ..Second::default() };
        let mut metrics = Metrics::new();
        growth(&mut metrics, &(0..29).map(second).collect::<Vec<_>>());
        assert!(metrics.is_empty(), "too short");
        growth(&mut metrics, &(0..90).map(second).collect::<Vec<_>>());
        assert_eq!(metrics.into_iter().collect::<Vec<_>>(), [("growth.memory".to_owned(), 175.0 / 115.0)]);
    }
}
