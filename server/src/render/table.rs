//! An answer as aligned columns.

use std::io::{self, Write};

use throng::{Answer, Value};

use super::style::{Style, Tone};
use super::text::{Align, align_of, for_eyes, pad, plain, width};

/// Rows whose widths are measured at once; so an answer of any length is written as it goes.
const ROWS_MEASURED: usize = 10_000;

pub(super) fn write(answer: &Answer, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if answer.columns.is_empty() {
        return writeln!(out, "{}", answer.tag);
    }
    if is_program(answer) {
        return write_program(answer, out);
    }
    let columns = &answer.columns;
    let aligns: Vec<Align> = columns.iter().map(|column| align_of(column.kind)).collect();
    let names: Vec<String> = columns.iter().map(|c| plain(&c.name).into_owned()).collect();
    let mut widths: Vec<usize> = names.iter().map(|name| width(name)).collect();
    let mut first = true;
    for rows in answer.rows.chunks(ROWS_MEASURED) {
        let cells: Vec<Vec<String>> = rows.iter().map(|row| cells(row, &names)).collect();
        for row in &cells {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        if std::mem::take(&mut first) {
            write_header(&names, &widths, &aligns, style, out)?;
        }
        for row in &cells {
            writeln!(out, "{}", line(row, &widths, &aligns).trim_end())?;
        }
    }
    if first {
        write_header(&names, &widths, &aligns, style, out)?;
    }
    Ok(())
}

fn cells(row: &[Value], names: &[String]) -> Vec<String> {
    row.iter().zip(names).map(|(value, name)| for_eyes(value, name)).collect()
}

fn line(cells: &[String], widths: &[usize], aligns: &[Align]) -> String {
    let mut out = String::from(" ");
    for (index, ((cell, width), align)) in cells.iter().zip(widths).zip(aligns).enumerate() {
        if index > 0 {
            out.push_str("  ");
        }
        pad(&mut out, cell, *width, *align);
    }
    out
}

fn write_header(
    names: &[String],
    widths: &[usize],
    aligns: &[Align],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let header = line(names, widths, aligns);
    writeln!(out, "{}", style.paint(Tone::Strong, header.trim_end()))?;
    let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
    writeln!(out, "{}", style.paint(Tone::Faint, &line(&rules, widths, aligns)))
}

/// Whether the answer is one column of lines, such as the program of EXPLAIN.
fn is_program(answer: &Answer) -> bool {
    matches!(answer.columns.as_slice(), [column] if column.name == "plan")
}

fn write_program(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    for row in &answer.rows {
        for value in row {
            writeln!(out, " {}", for_eyes(value, "plan"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{answer, definition};
    use super::{Style, write};

    fn table(answer: &throng::Answer) -> String {
        let mut out = Vec::new();
        write(answer, Style::PLAIN, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_are_aligned_by_their_width() {
        let wanted = [
            " brand     day          count        sum   share  member",
            " ────────  ──────────  ──────  ─────────  ──────  ──────",
            " 澜禾      2017-11-11  12,345  10,000.50  0.2500  true",
            " Say \"hi\"  2017-11-12       7      -0.05  0.1235  false",
            " a,b\\nc    ∅                0          ∅       ∅  ∅",
        ];
        assert_eq!(table(&answer()).lines().collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn a_definition_shows_its_tag_and_an_empty_answer_its_header() {
        assert_eq!(table(&definition()), "CREATE AUDIENCE\n");
        let mut empty = answer();
        empty.rows.clear();
        assert_eq!(table(&empty).lines().count(), 2);
    }

    #[test]
    fn colour_is_only_for_those_who_want_it() {
        assert!(!table(&answer()).contains('\u{1b}'));
        let mut out = Vec::new();
        write(&answer(), Style::COLOUR, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains('\u{1b}'));
    }
}
