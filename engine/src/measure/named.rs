//! FAST, DEEPENING, RESERVOIR and PENETRATION: sets counted together, and their ratios. What they
//! are made of is [`throng_query::expansion`]'s.

use std::borrow::Cow;

use throng_query::expansion;
use throng_query::plan::{Column, Dates, Measure, Named, NamedKind, Query};

use super::finish::{Finished, count, key_value, ratio};
use super::partial::DayPartial;
use super::steps::{DAYS_AT_ONCE, Step};
use super::{dates, grow};
use crate::answer::{Date, Value};
use crate::error::ExecuteError;
use crate::view::View;

/// The passes: those of many days share one, where each day is made of few sets.
pub fn steps<'q>(view: &View, query: &'q Query, of: &Named) -> Vec<Step<'q>> {
    let days = dates::days(&query.dates, view);
    let at_once = match &of.kind {
        NamedKind::Grow(grow) => return grow::steps(query, &of.brand, grow, &days),
        NamedKind::Fast { days } => DAYS_AT_ONCE.div_ceil(usize::try_from(*days).unwrap_or(1)),
        _ => DAYS_AT_ONCE,
    };
    let step = |days: &[i32]| {
        let query = Query { measure: Measure::Count, ..query.clone() };
        let parts = days.iter().map(|day| expansion::counted(of, Date(*day))).collect();
        Step { days: days.to_vec(), query: Cow::Owned(query), parts, others: Vec::new() }
    };
    days.chunks(at_once).map(step).collect()
}

/// The rows: groups, then the numbers.
///
/// # Errors
/// When a number does not fit its column.
pub fn finish(
    query: &Query,
    of: &Named,
    columns: &[Column],
    days: &[DayPartial],
) -> Result<Finished, ExecuteError> {
    if let NamedKind::Grow(of) = &of.kind {
        return grow::finish(query, of, columns, days);
    }
    let every = matches!(query.dates, Dates::Every { .. });
    let mut rows = Vec::new();
    for day in days {
        let nothing = vec![0; day.totals.len() * 2];
        let found = day.groups.first().into_iter().flatten();
        let mut found: Vec<_> = found.map(|(keys, numbers)| (keys.as_slice(), numbers)).collect();
        if found.is_empty() && query.partitions.is_empty() {
            found.push((&[], &nothing));
        }
        for (keys, numbers) in found {
            let mut row: Vec<Value> = Vec::with_capacity(columns.len());
            row.extend(every.then_some(Value::Date(Date(day.day))));
            row.extend(keys.iter().map(key_value));
            let number = |channel: usize| numbers.get(channel * 2).copied().unwrap_or(0);
            row.extend(values(&of.kind, number)?);
            rows.push(row);
        }
    }
    let defined = rows.iter().filter_map(|row| row.last());
    let mut notices = Vec::new();
    if !matches!(of.kind, NamedKind::Fast { .. }) && defined.clone().all(|v| *v == Value::Null) {
        notices.push(nobody(&of.kind).to_owned());
    }
    Ok(Finished { rows, notices })
}

fn values(kind: &NamedKind, number: impl Fn(usize) -> i128) -> Result<Vec<Value>, ExecuteError> {
    if let NamedKind::Fast { .. } = kind {
        return Ok(vec![
            count(number(0))?,
            ratio(number(1), number(2)),
            count(number(3))?,
            ratio(number(4), number(3)),
            count(number(1))?,
            count(number(2))?,
            count(number(4))?,
        ]);
    }
    Ok(vec![count(number(0))?, count(number(1))?, ratio(number(0), number(1))])
}

/// What an undefined ratio tells.
fn nobody(kind: &NamedKind) -> &'static str {
    match kind {
        NamedKind::Deepening { .. } => "nobody was in A, I or P when the period began",
        NamedKind::Reservoir => "nobody is in P or L",
        _ => "nobody bought of any brand",
    }
}
