//! From a partial to an answer: keys become values, counts become ratios, rows are ordered.

use throng_query::plan::{Column, ColumnType, Dates, Measure, Operand, OverlapShape, Query};

use super::pairs::pair_place;
use super::partial::{DayPartial, GroupKey, Partial};
use super::{asset, backtest, flow, forecast, ledger, named, order, profile};
use crate::answer::{Answer, Date, Decimal, Value};
use crate::error::ExecuteError;

/// What a measure of several passes makes of them.
#[derive(Debug)]
pub struct Finished {
    /// The rows, not yet ordered as asked.
    pub rows: Vec<Vec<Value>>,
    /// What the asker should know.
    pub notices: Vec<String>,
}

/// The answer of a query.
///
/// # Errors
/// When a number does not fit its column.
pub fn finish(
    query: &Query,
    columns: &[Column],
    partial: &Partial,
) -> Result<Answer, ExecuteError> {
    let finished = match &query.measure {
        Measure::Flow(flow) => flow::finish(flow, &partial.days)?,
        Measure::Asset(of) => asset::finish(query, of, columns, &partial.days)?,
        Measure::Ledger(of) => ledger::finish(of, columns, &partial.days)?,
        Measure::Backtest(of) => backtest::finish(of, columns, &partial.days)?,
        Measure::Named(of) => named::finish(query, of, columns, &partial.days)?,
        _ => Finished { rows: by_day(query, columns, partial)?, notices: Vec::new() },
    };
    let finished = match query.forecast_days {
        Some(days) => forecast::extend(query, columns, days, finished)?,
        None => finished,
    };
    let Finished { mut rows, notices } = finished;
    order::apply(query, &mut rows);
    let tag = format!("SELECT {}", rows.len());
    Ok(Answer { columns: columns.to_vec(), rows, tag, notices })
}

/// The rows of each day, one day after the other.
fn by_day(
    query: &Query,
    columns: &[Column],
    partial: &Partial,
) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let every = matches!(query.dates, Dates::Every { .. });
    let own = columns.get(usize::from(every)..).unwrap_or(&[]);
    let mut rows = Vec::new();
    for day in &partial.days {
        let of_day = match &query.measure {
            Measure::Overlap { operands, shape: OverlapShape::Pairs } => pairs(operands, day)?,
            Measure::Overlap { operands, shape: OverlapShape::Regions } => regions(operands, day)?,
            Measure::Profile => profile::rows(query, day)?,
            Measure::Compare { set, base } => {
                profile::check(query, set, base, day)?;
                profile::rows(query, day)?
            }
            _ => groups(query, own, day)?,
        };
        rows.extend(of_day.into_iter().map(|mut row| {
            if every {
                row.insert(0, Value::Date(Date(day.day)));
            }
            row
        }));
    }
    Ok(rows)
}

/// The value of a group.
pub fn key_value(key: &GroupKey) -> Value {
    match key {
        GroupKey::Stage(_, name) | GroupKey::Text(name) => Value::Text(name.clone()),
        GroupKey::Number(number) => Value::Integer(*number),
        GroupKey::Decimal(unscaled, scale) => {
            Value::Numeric(Decimal { unscaled: i128::from(*unscaled), scale: *scale })
        }
        GroupKey::Day(day) => Value::Date(Date(*day)),
        GroupKey::Boolean(flag) => Value::Boolean(*flag),
        GroupKey::In => Value::Boolean(true),
        GroupKey::Out => Value::Boolean(false),
        GroupKey::Unknown => Value::Null,
    }
}

/// A number of consumers.
///
/// # Errors
/// When it does not fit.
pub fn count(number: i128) -> Result<Value, ExecuteError> {
    i64::try_from(number).map(Value::Integer).map_err(|_| ExecuteError::Overflow)
}

/// A quotient; null where it is not defined.
#[expect(clippy::cast_precision_loss, reason = "a ratio is shown as a float")]
pub fn ratio(numerator: i128, denominator: i128) -> Value {
    if denominator == 0 {
        return Value::Null;
    }
    Value::Double(numerator as f64 / denominator as f64)
}

fn groups(
    query: &Query,
    columns: &[Column],
    day: &DayPartial,
) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let nothing = vec![0; day.totals.len() * 2];
    let found = day.groups.first().into_iter().flatten();
    let mut found: Vec<_> = found.map(|(keys, numbers)| (keys.as_slice(), numbers)).collect();
    if found.is_empty() && query.partitions.is_empty() {
        found.push((&[], &nothing));
    }
    let mut rows = Vec::with_capacity(found.len());
    for (keys, numbers) in found {
        let mut row: Vec<Value> = keys.iter().map(key_value).collect();
        match &query.measure {
            Measure::Spend(_) | Measure::Purchases(_) | Measure::AttributeSum { .. } => {
                let kind = columns.get(keys.len()).map(|column| column.kind);
                row.push(sum(numbers.get(1).copied().unwrap_or(0), kind)?);
            }
            _ => {
                for members in numbers.iter().step_by(2) {
                    row.push(count(*members)?);
                }
            }
        }
        rows.push(row);
    }
    Ok(rows)
}

fn sum(unscaled: i128, kind: Option<ColumnType>) -> Result<Value, ExecuteError> {
    match kind {
        Some(ColumnType::Numeric { scale }) => Ok(Value::Numeric(Decimal { unscaled, scale })),
        _ => count(unscaled),
    }
}

fn pairs(operands: &[Operand], day: &DayPartial) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let k = operands.len();
    let at = |i, j| day.overlap.get(pair_place(i, j, k)).copied().unwrap_or(0);
    let universe = day.totals.first().copied().unwrap_or(0);
    let mut rows = Vec::with_capacity(k * k.saturating_sub(1) / 2);
    for (i, left) in operands.iter().enumerate() {
        for (j, right) in operands.iter().enumerate().skip(i + 1) {
            let (l, r, both) = (at(i, i), at(j, j), at(i, j));
            rows.push(vec![
                Value::Text(left.label.clone()),
                Value::Text(right.label.clone()),
                count(l)?,
                count(r)?,
                count(both)?,
                ratio(both, l + r - both),
                ratio(both * universe, l * r),
            ]);
        }
    }
    Ok(rows)
}

fn regions(operands: &[Operand], day: &DayPartial) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let mut found: Vec<(Vec<usize>, i128)> = Vec::new();
    for (code, members) in day.overlap.iter().enumerate().skip(1) {
        if *members > 0 {
            found.push(((0..operands.len()).filter(|i| code >> i & 1 == 1).collect(), *members));
        }
    }
    found.sort_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut rows = Vec::with_capacity(found.len());
    for (sets, members) in found {
        let labels: Vec<&str> =
            sets.iter().filter_map(|i| operands.get(*i)).map(|o| o.label.as_str()).collect();
        rows.push(vec![
            Value::Text(labels.join(" & ")),
            count(i128::try_from(sets.len()).unwrap_or(i128::MAX))?,
            count(members)?,
        ]);
    }
    Ok(rows)
}
