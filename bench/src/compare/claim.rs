//! `--assert`: a claim about a figure, judged at the bad end of its interval; and how a figure is named.
//!
//! `e2e.p99 ratio <= 0.5`, `cpu.ms_per_s a < 30`; with `NAME: ` before it, only of cases whose name has its words.

use super::stats::Estimate;
use crate::output::summary::CaseResult;
use crate::workload::Case;
use std::str::FromStr;

/// Which figure of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// a's value over b's.
    Ratio,
    A,
    B,
}

/// A figure by name: a metric and a side, of all cases or of some.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Place {
    case: Option<String>,
    metric: String,
    side: Side,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Claim {
    /// As it was written.
    pub(crate) text: String,
    pub(crate) place: Place,
    bound: Bound,
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Bound {
    above: bool,
    or_equal: bool,
    value: f64,
}

impl Place {
    /// The words after the case's name, if there is one.
    fn split(text: &str) -> (Option<String>, Vec<&str>) {
        let (case, rest) = match text.split_once(": ") {
            Some((case, rest)) => (Some(case.trim().to_owned()), rest),
            None => (None, text),
        };
        (case, rest.split_whitespace().collect())
    }

    fn of(case: Option<String>, metric: &str, side: &str) -> Result<Self, String> {
        let side = match side {
            "ratio" => Side::Ratio,
            "a" => Side::A,
            "b" => Side::B,
            other => return Err(format!("{other:?} is neither ratio nor a nor b")),
        };
        Ok(Self { case, metric: metric.to_owned(), side })
    }

    pub(crate) fn is_of(&self, case: &Case) -> bool {
        self.case.as_ref().is_none_or(|part| case.is_named(part))
    }

    /// The figure in a case, if it was measured.
    pub(crate) fn find(&self, result: &CaseResult) -> Option<Estimate> {
        let figure = result.figures.get(&self.metric)?;
        match self.side {
            Side::Ratio => figure.ratio,
            Side::A => figure.a,
            Side::B => figure.b,
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (case, words) = Self::split(text);
        let [metric, side] = words[..] else { return Err("two words are wanted, for instance 'e2e.p99 ratio'".into()) };
        Self::of(case, metric, side)
    }
}

impl Claim {
    /// The end of the interval that is worse for the claim.
    pub(crate) fn bad_end(&self, of: &Estimate) -> f64 {
        if self.bound.above { of.low } else { of.high }
    }

    pub(crate) fn holds(&self, value: f64) -> bool {
        let Bound { above, or_equal, value: bound } = self.bound;
        (or_equal && value == bound) || if above { value > bound } else { value < bound }
    }
}

impl FromStr for Claim {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what}; write for instance 'e2e.p99 ratio <= 0.5'");
        let (case, words) = Place::split(text);
        let [metric, side, operator, value] = words[..] else { return Err(wrong("four words are wanted")) };
        let place = Place::of(case, metric, side).map_err(|what| wrong(&what))?;
        let (above, or_equal) = match operator {
            "<" => (false, false),
            "<=" => (false, true),
            ">" => (true, false),
            ">=" => (true, true),
            other => return Err(wrong(&format!("{other:?} compares nothing"))),
        };
        let value = value.parse().map_err(|_| wrong(&format!("{value:?} is no number")))?;
        Ok(Self { text: text.to_owned(), place, bound: Bound { above, or_equal, value } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(text: &str) -> Claim {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn the_bad_end_decides() {
        let of = Estimate { median: 0.5, low: 0.4, high: 0.6, of: 5 };
        let judge = |text: &str| claim(text).holds(claim(text).bad_end(&of));
        assert!(judge("x ratio <= 0.6") && !judge("x ratio < 0.6") && !judge("x ratio <= 0.55"));
        assert!(judge("x ratio >= 0.4") && !judge("x ratio > 0.4") && !judge("x ratio >= 0.45"));
    }

    #[test]
    fn a_claim_may_be_of_some_cases_only() {
        let place = claim("rate=100 : e2e.p99 a <= 5").place;
        assert_eq!((place.side, place.metric.as_str()), (Side::A, "e2e.p99"));
        let named = |name: &str| Case { name: name.into(), ..Case::default() };
        assert!(place.is_of(&named("tick rate=100 consumers=1")) && !place.is_of(&named("tick rate=1000")));
        assert_eq!("rate=100 : e2e.p99 a".parse(), Ok(place));
        for wrong in ["e2e.p99 <= 5", "x c <= 5", "x a = 5", "x a <= five"] {
            assert!(wrong.parse::<Claim>().is_err(), "{wrong}");
        }
    }
}
