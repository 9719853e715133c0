//! One question to both: the same answer, or a report from which the failure can be replayed.

use throng::{Database, Value};

use super::expect::{Out, Row};
use super::question::{Dates, Question};
use super::sqlite::Twin;

/// Rows printed of an answer that is wrong.
const ROWS_SHOWN: usize = 40;
/// Attempts to make a failing question simpler.
const SHRINKS_MAX: usize = 300;

/// What differs, if anything.
pub fn difference(db: &Database, twin: &Twin<'_>, question: &Question) -> Option<String> {
    let expected = twin.answer(question);
    let text = question.text();
    let answer = match db.query(&text) {
        Ok(answer) => answer,
        Err(error) => return Some(format!("Throng refuses it: {error}")),
    };
    let columns = answer.columns.len();
    if let Some(row) = answer.rows.iter().find(|row| row.len() != columns) {
        return Some(format!("{columns} columns, but a row of {}", row.len()));
    }
    match db.prepare(&text) {
        Ok(prepared) if prepared.columns == answer.columns => {}
        other => return Some(format!("columns {:?}, foretold {other:?}", answer.columns)),
    }
    let rows: Vec<Row> = answer.rows.iter().map(|row| row.iter().map(out).collect()).collect();
    (!alike(&rows, &expected)).then(|| {
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        format!("columns {names:?}\nThrong:\n{}SQLite:\n{}", shown(&rows), shown(&expected))
    })
}

/// Asks and, when the answers differ, fails with the simplest question that still does.
pub fn check(db: &Database, twin: &Twin<'_>, question: &Question, replay: &str) {
    let Some(mut found) = difference(db, twin, question) else { return };
    let mut simplest = question.clone();
    let mut attempts = 0;
    'shrinking: loop {
        for simpler in simplest.simpler() {
            attempts += 1;
            if attempts > SHRINKS_MAX {
                break 'shrinking;
            }
            if let Some(difference) = difference(db, twin, &simpler) {
                (simplest, found) = (simpler, difference);
                continue 'shrinking;
            }
        }
        break;
    }
    let newest = matches!(simplest.dates, Dates::Newest).then(|| twin.newest_day());
    let newest = newest.map_or(String::new(), |day| format!("newest day: {day}\n"));
    panic!(
        "Throng and SQLite differ.\nreplay: {replay}\nstatement: {}\nsimplest: {}\n{newest}{found}",
        question.text(),
        simplest.text(),
    );
}

/// A value of an answer as the oracle has it.
pub fn out(value: &Value) -> Out {
    match value {
        Value::Null => Out::Null,
        Value::Text(text) => Out::Text(text.clone()),
        Value::Integer(number) => Out::Integer(*number),
        Value::Numeric(number) => {
            Out::Numeric(i64::try_from(number.unscaled).unwrap(), number.scale)
        }
        Value::Double(number) => Out::Double(*number),
        Value::Boolean(truth) => Out::Boolean(*truth),
        Value::Date(day) => Out::Date(day.0),
    }
}

fn alike(a: &[Row], b: &[Row]) -> bool {
    let same = |(a, b): (&Out, &Out)| match (a, b) {
        (Out::Double(a), Out::Double(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1e-3),
        (a, b) => a == b,
    };
    let row = |(a, b): (&Row, &Row)| a.len() == b.len() && a.iter().zip(b).all(same);
    a.len() == b.len() && a.iter().zip(b).all(row)
}

fn shown(rows: &[Row]) -> String {
    let mut text = format!("  {} rows\n", rows.len());
    for row in rows.iter().take(ROWS_SHOWN) {
        let cells: Vec<String> = row.iter().map(Out::to_string).collect();
        text += &format!("  {}\n", cells.join(" | "));
    }
    text
}
