//! Medians, and how far they can be trusted: an interval by resampling, the same for the same seed.

use serde::{Deserialize, Serialize};

const RESAMPLES: usize = 10_000;

/// A median with its interval.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Estimate {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Values it is of.
    pub(crate) of: usize,
}

/// SplitMix64: all that resampling needs.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// The middle value, or the mean of the two in the middle. Leaves the values sorted.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { (values[half - 1] + values[half]) / 2.0 }
}

/// The median of `values` with its percentile bootstrap interval, which holds the truth with `confidence`.
pub(crate) fn estimate(values: &[f64], confidence: f64, seed: u64) -> Option<Estimate> {
    if values.is_empty() {
        return None;
    }
    let mut random = Random::new(seed);
    let mut sample = vec![0.0; values.len()];
    let mut medians: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            sample.fill_with(|| values[random.below(values.len())]);
            median(&mut sample)
        })
        .collect();
    medians.sort_by(f64::total_cmp);
    let at = |quantile: f64| medians[((RESAMPLES - 1) as f64 * quantile).round() as usize];
    let tail = (1.0 - confidence) / 2.0;
    Some(Estimate { median: median(&mut values.to_vec()), low: at(tail), high: at(1.0 - tail), of: values.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_holds_the_median_and_is_the_same_for_the_same_seed() {
        let values = [1.2, 0.8, 1.0, 1.1, 0.9];
        let one = estimate(&values, 0.95, 7);
        assert_eq!(one, estimate(&values, 0.95, 7));
        let one = one.expect("there are values");
        assert!(one.median == 1.0 && one.of == 5);
        assert!(0.8 <= one.low && one.low < 1.0 && 1.0 < one.high && one.high <= 1.2, "{one:?}");
        assert_eq!(estimate(&[], 0.95, 7), None);
        assert_eq!(estimate(&[2.0, 4.0], 0.95, 7).map(|one| one.median), Some(3.0));
    }

    #[test]
    fn the_interval_of_a_known_distribution_misses_as_often_as_it_says() {
        // The median of uniform numbers around 1 is 1; of 400 intervals of 90 %, about 40 may miss it.
        let mut random = Random::new(3);
        let uniform = |random: &mut Random| 0.5 + (random.next() >> 11) as f64 / (1_u64 << 53) as f64;
        let mut missed = 0;
        for seed in 0..400 {
            let values: Vec<f64> = (0..15).map(|_| uniform(&mut random)).collect();
            let one = estimate(&values, 0.9, seed).expect("there are values");
            missed += usize::from(one.low > 1.0 || one.high < 1.0);
        }
        assert!((10..=70).contains(&missed), "{missed} of 400");
    }
}
