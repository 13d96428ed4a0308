//! A run's figures, as text and as JSON.

use hdrhistogram::Histogram;
use serde_json::{Map, Number, Value};

/// Named figures, in the order they were added.
pub(crate) struct Report {
    figures: Vec<(String, Value)>,
}

/// Latencies in nanoseconds, up to a minute, to three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(100, 60_000_000_000, 3).expect("the bounds are in order")
}

impl Report {
    pub(crate) fn new(run: &str) -> Self {
        Self { figures: vec![("run".into(), run.into())] }
    }

    pub(crate) fn number(&mut self, name: &str, value: f64) {
        let rounded = (value * 1000.0).round() / 1000.0;
        let number = if rounded.fract() == 0.0 && rounded.abs() < 9e15 {
            Value::from(rounded as i64)
        } else {
            Number::from_f64(rounded).map_or(Value::Null, Value::Number)
        };
        self.figures.push((name.into(), number));
    }

    /// Latencies, as microseconds at the usual quantiles.
    pub(crate) fn latency(&mut self, name: &str, latencies: &Histogram<u64>) {
        for (label, quantile) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)] {
            self.number(&format!("{name}_{label}_us"), latencies.value_at_quantile(quantile) as f64 / 1000.0);
        }
    }

    pub(crate) fn json(&self) -> String {
        let map: Map<String, Value> = self.figures.iter().cloned().collect();
        Value::Object(map).to_string()
    }

    pub(crate) fn text(&self) -> String {
        let wide = self.figures.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        let line = |(name, value): &(String, Value)| match value {
            Value::String(text) => format!("{name:wide$}  {text}"),
            other => format!("{name:wide$}  {other}"),
        };
        self.figures.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}
