//! Horizontal bars: one line per value.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "lengths of bars are a terminal's width"
)]

use super::style::{Style, Tone};
use super::text::{Align, clip, grouped, pad, plain, width};

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What is measured.
    pub label: String,
    /// How much.
    pub value: i64,
    /// Shown after the value, such as a change.
    pub note: String,
    /// Which colour.
    pub series: usize,
}

/// Eighths of a column.
const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// Columns that labels get at most.
const LABEL_MAX: usize = 28;

/// Bars whose longest fills what the labels and values leave of `columns`.
#[must_use]
pub fn bars(bars: &[Bar], columns: usize, style: Style) -> String {
    let labels: Vec<String> =
        bars.iter().map(|bar| clip(&plain(&bar.label), LABEL_MAX).into_owned()).collect();
    let values: Vec<String> = bars.iter().map(|bar| grouped(bar.value)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| width(text)).max().unwrap_or(0);
    let (label_width, value_width) = (widest(&labels), widest(&values));
    let note_width = bars.iter().map(|bar| width(&bar.note)).max().unwrap_or(0);
    let room = columns.saturating_sub(label_width + value_width + note_width + 5).max(10);
    let largest = bars.iter().map(|bar| bar.value).max().unwrap_or(0).max(1);
    let mut out = String::new();
    for ((bar, label), value) in bars.iter().zip(&labels).zip(&values) {
        out.push(' ');
        pad(&mut out, label, label_width, Align::Left);
        out.push_str("  ");
        pad(&mut out, value, value_width, Align::Right);
        if note_width > 0 {
            out.push(' ');
            pad(&mut out, &bar.note, note_width, Align::Right);
        }
        out.push(' ');
        let drawn = stroke(bar.value as f64 / largest as f64, room);
        out.push_str(&style.paint(Tone::Series(bar.series), &drawn));
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// A stroke of a part of `room` columns; something is seen of every positive part.
pub(super) fn stroke(part: f64, room: usize) -> String {
    if part <= 0.0 {
        return String::new();
    }
    let eighths = ((part * room as f64 * 8.0).round() as usize).clamp(1, room * 8);
    let mut out = "█".repeat(eighths / 8);
    if !eighths.is_multiple_of(8) {
        out.push(PARTS[eighths % 8]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Bar, Style, bars, stroke, width};

    #[test]
    fn the_longest_bar_fills_the_line_and_none_exceeds_it() {
        let bar = |label: &str, value| Bar {
            label: label.to_owned(),
            value,
            note: String::new(),
            series: 0,
        };
        let chart = bars(&[bar("loyal", 1000), bar("澜禾", 500), bar("x", 0)], 40, Style::PLAIN);
        let wanted = [
            " loyal  1,000 █████████████████████████",
            " 澜禾     500 ████████████▌",
            " x          0",
        ];
        assert_eq!(chart.lines().map(width).max(), Some(39));
        assert_eq!(chart.lines().collect::<Vec<_>>(), wanted);
        assert_eq!(bars(&[], 40, Style::PLAIN), "");
    }

    #[test]
    fn small_parts_are_seen() {
        assert_eq!(stroke(1e-9, 10), "▏");
        assert_eq!(stroke(0.0, 10), "");
        assert_eq!(stroke(1.0, 3), "███");
    }
}
