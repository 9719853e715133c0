//! Answers turned into what the charts draw.

use throng::{Answer, Date, Value};

use crate::render::{Bar, Matrix, Region};

/// The stages of `aipl`, the dearest first, as its answers list them.
const STAGES: [&str; 6] = ["L", "P", "I", "A", "O", "none"];

fn position(answer: &Answer, name: &str) -> Option<usize> {
    answer.columns.iter().position(|column| column.name == name)
}

fn text(row: &[Value], at: usize) -> String {
    row.get(at).map(Value::to_string).unwrap_or_default()
}

fn integer(row: &[Value], at: Option<usize>) -> i64 {
    match at.and_then(|at| row.get(at)) {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    }
}

/// The count of a stage in an answer `stage, count`.
fn count_of(answer: &Answer, stage: &str) -> i64 {
    let count = position(answer, "count");
    answer.rows.iter().find(|row| text(row, 0) == stage).map_or(0, |row| integer(row, count))
}

/// Two bars per stage, before and after, with the change. Those in no stage are left out: they
/// would dwarf the rest.
pub(super) fn change(before: &Answer, after: &Answer, days: (Date, Date)) -> Vec<Bar> {
    let mut out = Vec::new();
    for stage in STAGES.iter().filter(|stage| **stage != "none") {
        let (first, second) = (count_of(before, stage), count_of(after, stage));
        let note = percent(first, second);
        let bar = |day: Date, value, note, series| {
            let label = format!("{stage}  {}", short(day));
            Bar { label, value, note, series }
        };
        out.push(bar(days.0, first, String::new(), 0));
        out.push(bar(days.1, second, note, 3));
    }
    out
}

/// Month and day.
fn short(day: Date) -> String {
    let (_, month, of_month) = day.ymd();
    format!("{month:02}-{of_month:02}")
}

/// The change in percent.
fn percent(before: i64, after: i64) -> String {
    if before == 0 {
        return String::new();
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with no digit after the point")]
    let change = (after - before) as f64 * 100.0 / before as f64;
    format!("{change:+.0} %")
}

/// The matrix of an answer `stage, stage, count`.
pub(super) fn flow(answer: &Answer, from: Date, to: Date) -> Matrix {
    let count = position(answer, "count");
    let index = |stage: &str| STAGES.iter().position(|known| *known == stage);
    let mut cells = vec![vec![0; STAGES.len()]; STAGES.len()];
    for row in &answer.rows {
        if let (Some(before), Some(after)) = (index(&text(row, 0)), index(&text(row, 1))) {
            cells[before][after] += integer(row, count);
        }
    }
    Matrix { from: short(from), to: short(to), stages: STAGES.map(str::to_owned).to_vec(), cells }
}

/// The regions of an answer `region, sets, count`, whose regions are labels joined by ` & `.
pub(super) fn regions(answer: &Answer, labels: &[String]) -> Vec<Region> {
    let (region, count) = (position(answer, "region").unwrap_or(0), position(answer, "count"));
    let read = |row: &Vec<Value>| Region {
        sets: members(&text(row, region), labels),
        count: integer(row, count),
    };
    answer.rows.iter().map(read).collect()
}

/// Positions of the labels that a region's name is made of. A label may hold ` & ` itself, so the
/// longest label that fits is taken.
fn members(name: &str, labels: &[String]) -> Vec<usize> {
    let mut out = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let fits = |label: &String| {
            rest.strip_prefix(label.as_str()).is_some_and(|r| r.is_empty() || r.starts_with(" & "))
        };
        let best = labels.iter().enumerate().filter(|(_, label)| fits(label));
        let Some((index, label)) = best.max_by_key(|(_, label)| label.len()) else { break };
        out.push(index);
        rest = rest[label.len()..].strip_prefix(" & ").unwrap_or("");
    }
    out
}

/// A bar per row of an answer `stage, sum`, in major units.
pub(super) fn sums(answer: &Answer) -> Vec<Bar> {
    let sum = position(answer, "sum");
    let bar = |row: &Vec<Value>| {
        let value = match sum.and_then(|at| row.get(at)) {
            Some(Value::Numeric(money)) => {
                let unit = 10_i128.pow(u32::from(money.scale));
                i64::try_from(money.unscaled / unit).unwrap_or(i64::MAX)
            }
            _ => 0,
        };
        Bar { label: text(row, 0), value, note: String::new(), series: 2 }
    };
    answer.rows.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use throng::{Column, ColumnType, Decimal};

    use super::*;

    fn answer(names: &[&str], rows: Vec<Vec<Value>>) -> Answer {
        let column = |name: &&str| Column { name: (*name).to_owned(), kind: ColumnType::Text };
        Answer { columns: names.iter().map(column).collect(), rows, ..Answer::default() }
    }

    fn word(word: &str) -> Value {
        Value::Text(word.to_owned())
    }

    #[test]
    fn changes_are_told_per_stage() {
        let rows = |p, a| {
            answer(
                &["stage", "count"],
                vec![
                    vec![word("P"), Value::Integer(p)],
                    vec![word("A"), Value::Integer(a)],
                    vec![word("none"), Value::Integer(1_000_000)],
                ],
            )
        };
        let days = ("2017-11-10".parse().unwrap(), "2017-11-12".parse().unwrap());
        let bars = change(&rows(10, 200), &rows(25, 150), days);
        assert_eq!(bars.len(), 10);
        assert_eq!((bars[2].label.as_str(), bars[2].value), ("P  11-10", 10));
        assert_eq!((bars[3].value, bars[3].note.as_str()), (25, "+150 %"));
        assert_eq!(bars[7].note, "-25 %");
        assert_eq!(bars[0].value, 0);
    }

    #[test]
    fn flows_regions_and_sums_are_read() {
        let rows = vec![
            vec![word("P"), word("L"), Value::Integer(7)],
            vec![word("none"), word("none"), Value::Integer(9)],
        ];
        let days = ("2017-10-20".parse().unwrap(), "2017-11-12".parse().unwrap());
        let flow = flow(&answer(&["stage", "stage_2", "count"], rows), days.0, days.1);
        assert_eq!((flow.from.as_str(), flow.to.as_str()), ("10-20", "11-12"));
        assert_eq!((flow.cells[1][0], flow.cells[5][5]), (7, 9));

        let labels = ["A & B", "A", "C"].map(str::to_owned);
        assert_eq!(members("A & B & C", &labels), [0, 2]);
        assert_eq!(members("A & C", &labels), [1, 2]);
        assert_eq!(members("A & B & A & C", &labels), [0, 1, 2]);
        let rows = vec![vec![word("A & C"), Value::Integer(2), Value::Integer(5)]];
        let found = regions(&answer(&["region", "sets", "count"], rows), &labels);
        assert_eq!(found, [Region { sets: vec![1, 2], count: 5 }]);

        let money = Value::Numeric(Decimal { unscaled: 123_456, scale: 2 });
        let bars = sums(&answer(&["stage", "sum"], vec![vec![word("L"), money]]));
        assert_eq!(bars[0].value, 1234);
    }
}
