//! Lines over axes, as SVG.

use crate::error::{Error, Result};
use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, DefaultFormatting, KeyPointHint, ValueFormatter};
use plotters::prelude::*;
use std::ops::Range;

const SIZE: (u32, u32) = (760, 320);
/// Told apart by people who do not tell red from green, too.
const COLORS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];
/// Percentiles are spread by the nines they have; beyond this many nothing is drawn.
const MOST_NINES: f64 = 5.0;

/// A named line.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// What is drawn.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) unit: &'static str,
    /// Values differ by powers of ten.
    pub(crate) log: bool,
    pub(crate) lines: Vec<Line>,
}

fn cannot(error: impl std::fmt::Display) -> Error {
    Error::Cannot(format!("a plot: {error}"))
}

/// From the least to the most of some numbers.
fn span(numbers: impl Iterator<Item = f64>) -> Range<f64> {
    let (least, most) = numbers.fold((f64::MAX, f64::MIN), |(least, most), n| (least.min(n), most.max(n)));
    if least > most { 0.0..1.0 } else { least..most }
}

impl Chart {
    fn x(&self) -> Range<f64> {
        let most = span(self.lines.iter().flat_map(|line| &line.points).map(|point| point.0)).end;
        0.0..most.max(1.0)
    }

    fn y(&self) -> Range<f64> {
        let values = span(self.lines.iter().flat_map(|line| &line.points).map(|point| point.1));
        if self.log { values.start.max(1.0) * 0.8..values.end.max(2.0) * 1.25 } else { 0.0..values.end.max(1e-3) * 1.1 }
    }

    /// Over seconds of load.
    pub(crate) fn over_time(&self) -> Result<String> {
        let end = self.x().end;
        let step = (0..).flat_map(|tens| [1.0, 2.0, 5.0].map(|n| n * 10_f64.powi(tens))).find(|step| end / step < 12.0);
        let ticks = (0..).map(|tick| f64::from(tick) * step.unwrap_or(end)).take_while(|at| *at <= end).collect();
        self.draw("seconds of load", Axis { end, ticks, label: |at| format!("{at}") })
    }

    /// Over percentiles, spread by the nines they have.
    pub(crate) fn over_percentiles(mut self) -> Result<String> {
        for line in &mut self.lines {
            line.points.iter_mut().for_each(|point| point.0 = nines(point.0));
            line.points.retain(|point| point.0 <= MOST_NINES);
        }
        let end = self.x().end;
        let ticks = (0..).map(f64::from).take_while(|nines| *nines <= end).collect();
        self.draw("percentile", Axis { end, ticks, label: |nines| format!("{} %", 100.0 - 10_f64.powf(2.0 - nines)) })
    }

    fn draw(&self, x_name: &str, x: Axis) -> Result<String> {
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        match self.log {
            true => self.on(&area, x_name, x, self.y().log_scale())?,
            false => self.on(&area, x_name, x, self.y())?,
        }
        area.present().map_err(cannot)?;
        drop(area);
        Ok(svg)
    }

    fn on<Y>(&self, area: &DrawingArea<SVGBackend<'_>, Shift>, x_name: &str, x: Axis, y: Y) -> Result<()>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let (label, ticks) = (x.label, x.ticks.len());
        let mut builder = ChartBuilder::on(area);
        builder.caption(&self.title, ("sans-serif", 16)).margin(8).x_label_area_size(40).y_label_area_size(72);
        let mut chart = builder.build_cartesian_2d(x, y).map_err(cannot)?;
        let mut mesh = chart.configure_mesh();
        let label = |at: &f64| label(*at);
        let value = |value: &f64| ((value * 1e4).round() / 1e4).to_string();
        mesh.x_desc(x_name)
            .y_desc(self.unit)
            .x_labels(ticks)
            .x_label_formatter(&label)
            .y_label_formatter(&value)
            .light_line_style(WHITE);
        mesh.draw().map_err(cannot)?;
        for (line, color) in self.lines.iter().zip(COLORS) {
            let drawn = LineSeries::new(line.points.iter().copied(), color.stroke_width(2));
            let drawn = chart.draw_series(drawn).map_err(cannot)?;
            drawn.label(&line.name).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 16, y)], color));
        }
        let mut labels = chart.configure_series_labels();
        labels.position(SeriesLabelPosition::UpperLeft).background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3));
        labels.draw().map_err(cannot)
    }
}

/// A straight axis from 0, with marks where we want them.
struct Axis {
    end: f64,
    ticks: Vec<f64>,
    label: fn(f64) -> String,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        limit.0 + (value / self.end * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.end
    }
}

/// 90 % is 1, 99 % is 2.
fn nines(percentile: f64) -> f64 {
    if percentile >= 100.0 { f64::INFINITY } else { 2.0 - (100.0 - percentile).log10() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(log: bool, points: Vec<(f64, f64)>) -> Chart {
        Chart { title: "t".into(), unit: "us", log, lines: vec![Line { name: "kafka".into(), points }] }
    }

    #[test]
    fn lines_and_percentiles_become_svg() {
        let svg = chart(false, vec![(0.0, 1.0), (1.0, 2.0)]).over_time().expect("drawn");
        assert!(svg.starts_with("<svg") && svg.contains("polyline") && svg.contains("kafka"));
        let svg = chart(true, vec![(0.0, 10.0), (90.0, 100.0), (99.0, 1e4), (100.0, 1e5)]).over_percentiles();
        assert!(svg.expect("drawn").contains("99 %"));
        assert!(chart(true, Vec::new()).over_time().is_ok(), "nothing to draw is drawn");
    }

    #[test]
    fn percentiles_are_spread_by_their_nines() {
        assert!((nines(90.0) - 1.0).abs() < 1e-9 && (nines(99.9) - 3.0).abs() < 1e-9 && nines(100.0).is_infinite());
    }
}
