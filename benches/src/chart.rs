//! Plots: panels with logarithmic axes, as SVG, with the exponents of growth.
#![expect(clippy::cast_precision_loss, reason = "figures are shown with a few digits")]

use std::fmt::{Result, Write};

/// Of a panel, without its margins.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;
const GAP_X: f64 = 100.0;
const GAP_Y: f64 = 90.0;

/// Hues that also those who see few colours can tell apart (Okabe and Ito, 2008).
pub(crate) const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"];

/// A figure over what it grows with.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Some figures of the same unit over the same axis.
#[derive(Debug, Clone)]
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What the horizontal axis counts.
    pub(crate) over: String,
    pub(crate) lines: Vec<Line>,
}

/// Panels, two beside each other.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = draw(&mut out, panels);
    out
}

fn draw(out: &mut String, panels: &[Panel]) -> Result {
    let rows = panels.len().div_ceil(2) as f64;
    let (width, height) = (2.0 * (WIDTH + GAP_X), rows * (HEIGHT + GAP_Y));
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>"
    )?;
    for (number, panel) in panels.iter().enumerate() {
        let column = (number % 2) as f64 * (WIDTH + GAP_X);
        let row = (number / 2) as f64 * (HEIGHT + GAP_Y);
        writeln!(out, "<g transform=\"translate({} {})\">", LEFT + column, TOP + row)?;
        panel.draw(out)?;
        writeln!(out, "</g>")?;
    }
    writeln!(out, "</svg>")
}

/// A logarithmic axis from one power of ten to another.
#[derive(Debug)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    length: f64,
}

impl Axis {
    pub(crate) fn over(values: impl Iterator<Item = f64> + Clone, length: f64) -> Self {
        let positive = || values.clone().filter(|value| *value > 0.0);
        let low = positive().fold(f64::INFINITY, f64::min).log10().floor();
        let high = positive().fold(0.0, f64::max).log10().ceil();
        let low = if low.is_finite() { low } else { 0.0 };
        Self { low, high: high.max(low + 1.0), length }
    }

    pub(crate) fn place(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low) * self.length
    }

    /// Powers of ten with their names.
    pub(crate) fn marks(&self) -> Vec<(f64, String)> {
        let mut marks = Vec::new();
        let mut power = self.low;
        while power <= self.high {
            let value = 10_f64.powf(power);
            let name = match power {
                9.0.. => format!("{} G", value / 1e9),
                6.0.. => format!("{} M", value / 1e6),
                3.0.. => format!("{} k", value / 1e3),
                _ => format!("{value}"),
            };
            marks.push((self.place(value), name));
            power += 1.0;
        }
        marks
    }
}

impl Panel {
    fn draw(&self, out: &mut String) -> Result {
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let x = Axis::over(points().map(|point| point.0), WIDTH);
        let y = Axis::over(points().map(|point| point.1), HEIGHT);
        writeln!(out, "<text x=\"0\" y=\"-14\" font-weight=\"bold\">{}</text>", self.title)?;
        for (at, name) in x.marks() {
            writeln!(
                out,
                "<path d=\"M{at:.1} 0V{HEIGHT}\" stroke=\"#ddd\"/>\
                 <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>",
                HEIGHT + 18.0
            )?;
        }
        for (at, name) in y.marks() {
            let at = HEIGHT - at;
            writeln!(
                out,
                "<path d=\"M0 {at:.1}H{WIDTH}\" stroke=\"#ddd\"/>\
                 <text x=\"-8\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                at + 4.0
            )?;
        }
        let (end, over) = (HEIGHT + 34.0, &self.over);
        writeln!(out, "<text x=\"{WIDTH}\" y=\"{end}\" text-anchor=\"end\">{over}</text>")?;
        for (place, (figure, colour)) in self.lines.iter().zip(COLOURS).enumerate() {
            let grows = slope(&figure.points);
            let grows = grows.map_or(String::new(), |slope| format!(", growth {slope:.2}"));
            line(out, &figure.points, (&x, &y), colour)?;
            let (down, name) = (14.0 + 15.0 * place as f64, &figure.name);
            writeln!(out, "<text x=\"8\" y=\"{down}\" fill=\"{colour}\">{name}{grows}</text>")?;
        }
        Ok(())
    }
}

/// A line through points, each marked.
fn line(out: &mut String, points: &[(f64, f64)], axes: (&Axis, &Axis), colour: &str) -> Result {
    let seen = points.iter().filter(|(x, y)| *x > 0.0 && *y > 0.0);
    let places: Vec<_> = seen.map(|(x, y)| (axes.0.place(*x), HEIGHT - axes.1.place(*y))).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let path = path.join(" ");
    writeln!(
        out,
        "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"
    )?;
    for (x, y) in places {
        writeln!(out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>")?;
    }
    Ok(())
}

/// The exponent of a growth: the slope of the line of least squares through the logarithms. None
/// for fewer than two sizes, or where a figure is zero.
pub(crate) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 || points.iter().any(|(x, y)| *x <= 0.0 || *y <= 0.0) {
        return None;
    }
    let count = points.len() as f64;
    let logs: Vec<_> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let mean_x = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let above: f64 = logs.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let below: f64 = logs.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    (below > 0.0).then_some(above / below)
}

/// A number with its thousands apart.
pub(crate) fn grouped(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::{grouped, slope};

    #[test]
    fn slopes_are_exponents() {
        let of = |power: f64| slope(&[10.0, 100.0, 1000.0].map(|x: f64| (x, 3.0 * x.powf(power))));
        for power in [0.0, 0.5, 1.0, 2.0] {
            assert!((of(power).unwrap() - power).abs() < 1e-9);
        }
        assert_eq!(slope(&[(1.0, 2.0)]), None);
        assert_eq!(slope(&[(1.0, 2.0), (2.0, 0.0)]), None);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(1_234_567.0, 0), "1,234,567");
        assert_eq!(grouped(999.25, 1), "999.2");
        assert_eq!(grouped(1_000.0, 2), "1,000.00");
    }
}
