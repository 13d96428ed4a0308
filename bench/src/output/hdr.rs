//! Latencies for other programs: HdrHistogram's interval log, one interval for each slice; and percentiles for ours.

use crate::error::{Error, Result};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;
use std::io::Write;
use std::time::Duration;

/// Nanoseconds in a unit of the log's `max` column: microseconds.
const DIVISOR: f64 = 1000.0;
/// Percentiles go on to this many times fewer records than the last; beyond it is the maximum.
const LAST: f64 = 1e-5;
/// Percentiles in each power of ten of what is left.
const STEPS: f64 = 6.0;

/// The latencies of one slice, which began so long after the run.
pub(crate) struct Interval {
    pub(crate) start: Duration,
    pub(crate) length: Duration,
    pub(crate) latencies: Histogram<u64>,
}

pub(crate) fn write(out: &mut impl Write, slices: &[Interval]) -> Result<()> {
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder.add_comment("nanoseconds; an interval for each slice that counts").with_max_value_divisor(DIVISOR);
    let mut log = builder.begin_log_with(out, &mut serializer)?;
    for slice in slices {
        log.write_histogram(&slice.latencies, slice.start, slice.length, None)
            .map_err(|error| Error::Cannot(format!("an .hdr log: {error}")))?;
    }
    Ok(())
}

/// A percentile curve: each percentile with its latency in microseconds, denser towards the end; the maximum last.
pub(crate) fn percentiles(latencies: &Histogram<u64>) -> Vec<(f64, f64)> {
    let left = (0..).map(|step| 10_f64.powf(-f64::from(step) / STEPS));
    let least = (1.0 / latencies.len().max(1) as f64).max(LAST);
    let shown = left.take_while(|left| *left >= least).map(|left| 1.0 - left).chain([1.0]);
    let point = |quantile: f64| (quantile * 100.0, latencies.value_at_quantile(quantile) as f64 / 1000.0);
    shown.map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::histogram;

    #[test]
    fn a_log_has_an_interval_for_each_slice_and_percentiles_rise_to_the_maximum() {
        let mut latencies = histogram();
        (1..=1000).for_each(|number| latencies.saturating_record(number * 1000));
        let curve = percentiles(&latencies);
        assert!(curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert_eq!(curve.last().map(|(percentile, us)| (*percentile, us.round())), Some((100.0, 1000.0)));
        let interval = |latencies| Interval { start: Duration::ZERO, length: Duration::from_secs(1), latencies };
        let mut out = Vec::new();
        write(&mut out, &[interval(latencies.clone()), interval(latencies)]).expect("memory takes it");
        let text = String::from_utf8(out).expect("the log is text");
        assert_eq!(text.lines().filter(|line| line.contains("HISTFAAA")).count(), 2);
    }
}
