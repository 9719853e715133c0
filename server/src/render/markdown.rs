//! An answer as a Markdown table.

use std::io::{self, Write};

use throng::{Answer, Value};

use super::text::{Align, align_of, for_machines, plain};

pub(super) fn write(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    if answer.columns.is_empty() {
        return Ok(());
    }
    let names = answer.columns.iter().map(|column| escape(&column.name));
    write_row(names, out)?;
    let rules = answer.columns.iter().map(|column| match align_of(column.kind) {
        Align::Left => "---".to_owned(),
        Align::Right => "---:".to_owned(),
    });
    write_row(rules, out)?;
    for row in &answer.rows {
        let cells = row.iter().map(|value| match value {
            Value::Text(text) => escape(text),
            other => for_machines(other),
        });
        write_row(cells, out)?;
    }
    Ok(())
}

fn write_row(cells: impl Iterator<Item = String>, out: &mut dyn Write) -> io::Result<()> {
    let cells: Vec<String> = cells.collect();
    writeln!(out, "| {} |", cells.join(" | "))
}

/// What Markdown would take for its own marks.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in plain(text).chars() {
        if matches!(c, '|' | '\\' | '`' | '*' | '_' | '<' | '[' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample::answer;
    use super::write;

    #[test]
    fn numbers_lean_right_and_marks_are_escaped() {
        let mut with_marks = answer();
        with_marks.columns[0].name = "left_count|x".to_owned();
        let mut out = Vec::new();
        write(&with_marks, &mut out).unwrap();
        let wanted = "| left\\_count\\|x | day | count | sum | share | member |\n\
            | --- | --- | ---: | ---: | ---: | --- |\n\
            | 澜禾 | 2017-11-11 | 12345 | 10000.50 | 0.25 | true |\n\
            | Say \"hi\" | 2017-11-12 | 7 | -0.05 | 0.123456 | false |\n\
            | a,b\\\\nc |  | 0 |  |  |  |\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }
}
