//! The plots: growth as panels of lines, questions as bars beside each other.

use std::fmt::Write;

use serde_json::Value;

use crate::chart::{self, Axis, COLOURS, Line, Panel};

/// What times grow with, and how it is called.
pub(super) const GROWTHS: [(&str, &str); 5] = [
    ("consumers", "consumers"),
    ("events", "events"),
    ("brands", "sets of an overlap"),
    ("cores", "cores"),
    ("cores of sets", "cores"),
];

/// One measurement of a growth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) ms: f64,
    pub(super) bytes: f64,
}

/// The questions of a growth in their order, each with its points.
pub(super) fn points(found: &Value, over: &str) -> Vec<(String, Vec<Point>)> {
    let mut lines: Vec<(String, Vec<Point>)> = Vec::new();
    for row in found.as_array().into_iter().flatten().filter(|row| row["over"] == over) {
        let number = |key: &str| row[key].as_f64().unwrap_or_default();
        let point = Point { x: number("x"), ms: number("ms"), bytes: number("bytes") };
        let name = row["question"].as_str().unwrap_or_default();
        match lines.iter_mut().find(|(known, _)| known == name) {
            Some((_, points)) => points.push(point),
            None => lines.push((name.to_owned(), vec![point])),
        }
    }
    lines
}

/// Four panels: consumers, events, sets of an overlap, and cores.
pub(super) fn growth(found: &Value) -> String {
    let lines = |over: &str| {
        points(found, over).into_iter().map(|(name, points)| Line {
            name,
            points: points.iter().map(|point| (point.x, point.ms)).collect(),
        })
    };
    let panels: Vec<Panel> = GROWTHS[..4]
        .iter()
        .map(|(over, title)| {
            let mut all: Vec<Line> = lines(over).collect();
            if *over == "cores" {
                all.extend(lines("cores of sets"));
            }
            Panel { title: "Time, ms".to_owned(), over: (*title).to_owned(), lines: all }
        })
        .collect();
    chart::svg(&panels)
}

const LEFT: f64 = 230.0;
const WIDTH: f64 = 520.0;
const BAR: f64 = 11.0;
const GAP: f64 = 14.0;
const TOP: f64 = 50.0;
const SYSTEMS: [&str; 4] = ["Throng", "ClickHouse", "DuckDB", "DuckDB, wide table"];

/// The times of every question in every system, on a logarithmic axis.
pub(super) fn questions(found: &Value) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = bars(&mut out, found);
    out
}

fn bars(out: &mut String, found: &Value) -> std::fmt::Result {
    let rows: Vec<&Value> = found["questions"].as_array().into_iter().flatten().collect();
    let time = |row: &Value, system: &str| match system {
        "Throng" => row["ms"].as_f64(),
        peer => row["peers"][peer].as_f64(),
    };
    let all = rows.iter().flat_map(|row| SYSTEMS.iter().filter_map(|name| time(row, name)));
    let axis = Axis::over(all.collect::<Vec<_>>().into_iter(), WIDTH);
    let of_row = |row: &Value| SYSTEMS.iter().filter(|name| time(row, name).is_some()).count();
    #[expect(clippy::cast_precision_loss, reason = "a few bars")]
    let height: f64 = rows.iter().map(|row| of_row(row) as f64 * BAR + GAP).sum();
    let (full_width, bottom) = (LEFT + WIDTH + 80.0, TOP + height);
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {full_width} {}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{full_width}\" height=\"{}\" fill=\"white\"/>",
        bottom + 40.0,
        bottom + 40.0
    )?;
    for (at, name) in axis.marks() {
        let at = LEFT + at;
        writeln!(
            out,
            "<path d=\"M{at:.1} {TOP}V{bottom:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name} ms</text>",
            bottom + 18.0
        )?;
    }
    let mut at = LEFT;
    for (system, colour) in SYSTEMS.iter().zip(COLOURS) {
        writeln!(out, "<text x=\"{at}\" y=\"24\" fill=\"{colour}\">{system}</text>")?;
        at += 130.0;
    }
    let mut down = TOP + GAP / 2.0;
    for row in rows {
        let name = row["name"].as_str().unwrap_or_default();
        writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
            LEFT - 8.0,
            down + 1.8 * BAR
        )?;
        for (system, colour) in SYSTEMS.iter().zip(COLOURS) {
            let Some(ms) = time(row, system) else { continue };
            let long = axis.place(ms).max(1.0);
            writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{down:.1}\" width=\"{long:.1}\" height=\"{}\" \
                 fill=\"{colour}\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\">{ms:.2}</text>",
                BAR - 1.0,
                LEFT + long + 4.0,
                down + BAR - 2.0
            )?;
            down += BAR;
        }
        down += GAP;
    }
    writeln!(out, "</svg>")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{growth, questions};

    #[test]
    fn every_time_has_a_bar() {
        let plot = questions(&json!({ "questions": [
            { "name": "a", "ms": 0.5, "peers": { "ClickHouse": 5.0, "DuckDB": 7.0 } },
            { "name": "b", "ms": 3.0, "peers": {
                "ClickHouse": 50.0, "DuckDB": 70.0, "DuckDB, wide table": 9.0 } },
        ]}));
        // The first is the background.
        assert_eq!(plot.matches("<rect").count(), 1 + 7);
        assert!(!plot.contains("NaN") && !plot.contains("inf"), "{plot}");
        assert!(!questions(&json!({ "questions": [] })).contains("NaN"));
    }

    #[test]
    fn growth_has_a_panel_for_each_axis() {
        let point = |over: &str, x: u32, ms: f64| {
            let mut row = json!({ "question": "q", "bytes": 1, "ms": ms });
            row["over"] = over.into();
            row["x"] = x.into();
            row
        };
        let plot = growth(&json!([
            point("events", 1000, 1.0),
            point("events", 10_000, 9.0),
            point("cores of sets", 1, 2.0),
            point("cores of sets", 2, 1.0),
        ]));
        assert_eq!(plot.matches("<g transform").count(), 4);
        assert_eq!(plot.matches("<polyline").count(), 2);
        assert!(plot.contains("q, growth 0.95") && plot.contains("q, growth -1.00"), "{plot}");
    }
}
