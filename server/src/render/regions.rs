//! Exclusive regions of several sets, as UpSet draws them (Lex et al. 2014): one line per region,
//! one dot per set, and a bar for its size.

use super::bars::stroke;
use super::style::{Style, Tone};
use super::text::{Align, clip, grouped, pad, plain, width};

/// Those who are in exactly these sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    /// Positions of the sets.
    pub sets: Vec<usize>,
    /// How many.
    pub count: i64,
}

/// Columns that a set's name gets at most.
const NAME_MAX: usize = 24;

/// The regions in the order given. The names of the sets stand above their columns of dots.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "lengths of bars need few digits")]
pub fn regions(sets: &[String], regions: &[Region], columns: usize, style: Style) -> String {
    let mut out = String::new();
    for (index, name) in sets.iter().enumerate() {
        out.push(' ');
        for before in 0..index {
            out.push_str(&style.paint(Tone::Series(before), "│"));
            out.push(' ');
        }
        out.push_str(&style.paint(Tone::Series(index), "┌"));
        out.push_str(&"─".repeat((sets.len() - index) * 2 - 1));
        out.push(' ');
        out.push_str(&clip(&plain(name), NAME_MAX));
        out.push('\n');
    }
    let counts: Vec<String> = regions.iter().map(|region| grouped(region.count)).collect();
    let count_width = counts.iter().map(|text| width(text)).max().unwrap_or(0);
    let largest = regions.iter().map(|region| region.count).max().unwrap_or(0).max(1);
    let room = columns.saturating_sub(sets.len() * 2 + count_width + 4).max(10);
    for (region, count) in regions.iter().zip(&counts) {
        let mut line = String::from(" ");
        for index in 0..sets.len() {
            if region.sets.contains(&index) {
                line.push_str(&style.paint(Tone::Series(index), "●"));
            } else {
                line.push_str(&style.paint(Tone::Faint, "·"));
            }
            line.push(' ');
        }
        line.push(' ');
        pad(&mut line, count, count_width, Align::Right);
        line.push(' ');
        let tone = match region.sets.as_slice() {
            [only] => Tone::Series(*only),
            _ => Tone::Strong,
        };
        line.push_str(&style.paint(tone, &stroke(region.count as f64 / largest as f64, room)));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Region, Style, regions};

    #[test]
    fn dots_stand_under_their_names() {
        let sets = ["Aurelle", "澜禾", "KV-9"].map(str::to_owned);
        let of = |sets: &[usize], count| Region { sets: sets.to_vec(), count };
        let chart = regions(&sets, &[of(&[0], 1200), of(&[0, 2], 300)], 40, Style::PLAIN);
        let wanted = [
            " ┌───── Aurelle",
            " │ ┌─── 澜禾",
            " │ │ ┌─ KV-9",
            " ● · ·  1,200 █████████████████████████",
            " ● · ●    300 ██████▎",
        ];
        assert_eq!(chart.lines().collect::<Vec<_>>(), wanted);
    }
}
