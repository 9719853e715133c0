//! The plot: four panels with logarithmic axes, as SVG.

use std::fmt::{Result, Write};

use serde_json::Value;

use super::report::{OPEN, PEAK, RESIDENT, disk_bytes, events, load_seconds, question, slope};

/// Of a panel, without its margins.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;
const GAP_X: f64 = 100.0;
const GAP_Y: f64 = 90.0;

/// Hues that also those who see few colours can tell apart (Okabe and Ito, 2008).
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

type Of = fn(&Value) -> f64;

struct Panel {
    title: &'static str,
    lines: &'static [(&'static str, Of)],
}

const PANELS: [Panel; 4] = [
    Panel { title: "On disk, MB", lines: &[("store", |size| disk_bytes(size) / 1e6)] },
    Panel {
        title: "Loading and merging, s",
        lines: &[
            ("loading", load_seconds),
            ("merging", |size| size["merge"]["seconds"].as_f64().unwrap_or_default()),
        ],
    },
    Panel { title: "Memory, MiB", lines: &[("peak of loading", PEAK), ("once open", RESIDENT)] },
    Panel {
        title: "Times, ms",
        lines: &[
            ("opening", OPEN),
            ("aipl, largest brand", |size| question(size, "largest")),
            ("aipl, smallest brand", |size| question(size, "smallest")),
        ],
    },
];

/// The plot of some sizes.
pub(super) fn svg(sizes: &[&Value]) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = draw(&mut out, sizes);
    out
}

fn draw(out: &mut String, sizes: &[&Value]) -> Result {
    let (width, height) = (2.0 * (WIDTH + GAP_X), 2.0 * (HEIGHT + GAP_Y));
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>"
    )?;
    for (number, panel) in PANELS.iter().enumerate() {
        let column = if number % 2 == 0 { 0.0 } else { WIDTH + GAP_X };
        let row = if number < 2 { 0.0 } else { HEIGHT + GAP_Y };
        writeln!(out, "<g transform=\"translate({} {})\">", LEFT + column, TOP + row)?;
        panel.draw(out, sizes)?;
        writeln!(out, "</g>")?;
    }
    writeln!(out, "</svg>")
}

/// A logarithmic axis from one power of ten to another.
struct Axis {
    low: f64,
    high: f64,
    length: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64> + Clone, length: f64) -> Self {
        let positive = || values.clone().filter(|value| *value > 0.0);
        let low = positive().fold(f64::INFINITY, f64::min).log10().floor();
        let high = positive().fold(0.0, f64::max).log10().ceil();
        let low = if low.is_finite() { low } else { 0.0 };
        Self { low, high: high.max(low + 1.0), length }
    }

    fn place(&self, value: f64) -> f64 {
        (value.log10() - self.low) / (self.high - self.low) * self.length
    }

    /// Powers of ten with their names.
    fn marks(&self) -> Vec<(f64, String)> {
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
    fn draw(&self, out: &mut String, sizes: &[&Value]) -> Result {
        let x = Axis::over(sizes.iter().map(|size| events(size)), WIDTH);
        let all = self.lines.iter().flat_map(|(_, of)| sizes.iter().map(move |size| of(size)));
        let y = Axis::over(all, HEIGHT);
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
        let end = HEIGHT + 34.0;
        writeln!(out, "<text x=\"{WIDTH}\" y=\"{end}\" text-anchor=\"end\">events</text>")?;
        for (place, ((name, of), colour)) in self.lines.iter().zip(COLOURS).enumerate() {
            let points: Vec<_> = sizes.iter().map(|size| (events(size), of(size))).collect();
            let grows =
                slope(&points).map_or(String::new(), |slope| format!(", growth {slope:.2}"));
            line(out, &points, (&x, &y), colour)?;
            let down = 14.0 + 15.0 * f64::from(u32::try_from(place).unwrap_or_default());
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
