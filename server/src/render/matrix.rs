//! A flow: stages before as rows, stages after as columns, each cell shaded by its share.
#![expect(clippy::cast_precision_loss, reason = "shares need no more than a float's digits")]

use super::style::{Style, Tone};
use super::text::{Align, grouped, pad, plain, width};

/// A square of counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matrix {
    /// Over the rows, such as the first date.
    pub from: String,
    /// Over the columns, such as the second date.
    pub to: String,
    /// The stages, of rows and columns alike.
    pub stages: Vec<String>,
    /// The counts, row by row.
    pub cells: Vec<Vec<i64>>,
}

/// The shades of a share of its row: from 0.5, 5, 20 and 50 percent.
fn shade(share: f64) -> char {
    match share {
        s if s >= 0.5 => '█',
        s if s >= 0.2 => '▓',
        s if s >= 0.05 => '▒',
        s if s >= 0.005 => '░',
        _ => ' ',
    }
}

/// The matrix with its margins.
#[must_use]
pub fn matrix(matrix: &Matrix, style: Style) -> String {
    let totals_down: Vec<i64> = (0..matrix.stages.len())
        .map(|column| matrix.cells.iter().filter_map(|row| row.get(column)).sum())
        .collect();
    let all: i64 = totals_down.iter().sum();
    let stages: Vec<String> = matrix.stages.iter().map(|s| plain(s).into_owned()).collect();
    let first_width = stages.iter().map(|s| width(s)).max().unwrap_or(0).max(width(&matrix.from));
    let totals: Vec<i64> = totals_down.iter().copied().chain([all]).collect();
    let heads = stages.iter().map(String::as_str).chain(["total"]);
    // A column's total is its widest number.
    let widths: Vec<usize> =
        heads.clone().zip(&totals).map(|(h, &t)| width(h).max(width(&grouped(t)))).collect();
    let mut out = String::new();
    let lead = first_width + 4;
    out.push_str(&" ".repeat(lead));
    out.push_str(&style.paint(Tone::Faint, &format!("{} →", matrix.to)));
    out.push('\n');
    let mut header = String::from(" ");
    pad(&mut header, &matrix.from, first_width, Align::Left);
    header.push_str(" ↓");
    for (head, &to) in heads.zip(&widths) {
        header.push_str("  ");
        pad(&mut header, head, to, Align::Right);
        header.push_str("  ");
    }
    out.push_str(&style.paint(Tone::Strong, header.trim_end()));
    out.push('\n');
    for (index, (stage, row)) in stages.iter().zip(&matrix.cells).enumerate() {
        let total: i64 = row.iter().sum();
        let mut line = String::from(" ");
        pad(&mut line, stage, first_width, Align::Left);
        line.push_str("  ");
        for (column, (&count, &to)) in row.iter().zip(&widths).enumerate() {
            let share = if total == 0 { 0.0 } else { count as f64 / total as f64 };
            let text = if count == 0 { "·".to_owned() } else { grouped(count) };
            line.push_str("  ");
            pad(&mut line, &text, to, Align::Right);
            let tone = if column == index { Tone::Faint } else { Tone::Series(column) };
            line.push(' ');
            line.push_str(&style.paint(tone, &shade(share).to_string()));
        }
        line.push_str("  ");
        pad(&mut line, &grouped(total), widths.last().copied().unwrap_or(0), Align::Right);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let mut last = String::from(" ");
    pad(&mut last, "total", first_width, Align::Left);
    last.push_str("  ");
    for (&total, &to) in totals.iter().zip(&widths) {
        last.push_str("  ");
        pad(&mut last, &grouped(total), to, Align::Right);
        last.push_str("  ");
    }
    out.push_str(&style.paint(Tone::Faint, last.trim_end()));
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::{Matrix, Style, matrix};

    #[test]
    fn rows_and_columns_have_their_totals() {
        let flow = Matrix {
            from: "10-20".to_owned(),
            to: "11-12".to_owned(),
            stages: ["L", "P", "none"].map(str::to_owned).to_vec(),
            cells: vec![vec![90, 10, 0], vec![300, 1000, 2], vec![1, 60, 12_000]],
        };
        let wanted = [
            "         11-12 →",
            " 10-20 ↓    L        P      none     total",
            " L         90 █     10 ▒       ·       100",
            " P        300 ▓  1,000 █       2     1,302",
            " none       1       60    12,000 █  12,061",
            " total    391    1,070    12,002    13,463",
        ];
        let drawn = matrix(&flow, Style::PLAIN);
        assert_eq!(drawn.lines().collect::<Vec<_>>(), wanted);
    }
}
