//! PROFILE: who a set is, against a base.
//!
//! TGI (target group index) = 100 * share in the set / share in the base. z is the two-proportion
//! z statistic with pooled variance: how many standard errors the shares differ by if both were
//! samples of one population.

use throng_query::date::Date;
use throng_query::partition_label;
use throng_query::plan::{Measure, Operand, Partition, Query, Set};

use super::finish::{count, key_value, ratio};
use super::partial::DayPartial;
use crate::answer::Value;
use crate::error::ExecuteError;

/// Places of columns.
const TGI: usize = 6;
const Z: usize = 7;
const SMALL: usize = 8;

/// PROFILE a AGAINST b as a profile of one set with the other as its base, WHERE restricting both.
pub fn of_compared(query: &Query, set: &Set, base: &Set) -> Query {
    let within = |set: &Set| match &query.filter {
        Some(filter) => Set::And(vec![set.clone(), filter.clone()]),
        None => set.clone(),
    };
    Query {
        measure: Measure::Profile,
        filter: Some(within(set)),
        versus: Some(within(base)),
        ..query.clone()
    }
}

/// Refuses to compare with nobody.
///
/// # Errors
/// When one of the sets is empty.
pub fn check(
    query: &Query,
    set: &Operand,
    base: &Operand,
    day: &DayPartial,
) -> Result<(), ExecuteError> {
    let mut channels = [set, base].into_iter().zip(&day.totals);
    match channels.find(|(_, total)| **total == 0) {
        Some((empty, _)) => {
            let within = if query.filter.is_some() { " and WHERE" } else { "" };
            let set = format!("`{}`{within}", empty.label);
            Err(ExecuteError::EmptySet { set, day: Date(day.day) })
        }
        None => Ok(()),
    }
}

/// The rows: attribute, value, count, share, base, base_share, tgi, z, small.
///
/// # Errors
/// When a number does not fit its column.
pub fn rows(query: &Query, day: &DayPartial) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let total = |channel: usize| day.totals.get(channel).copied().unwrap_or(0);
    let (set_size, base_size) = (total(0), total(1));
    let mut rows = Vec::new();
    for (partition, groups) in query.partitions.iter().zip(&day.groups) {
        let first = rows.len();
        for (keys, numbers) in groups {
            let Some(key) = keys.first() else { continue };
            let number = |place: usize| numbers.get(place).copied().unwrap_or(0);
            let (inside, base) = (number(0), number(2));
            let value = match key_value(key) {
                Value::Null => Value::Null,
                Value::Boolean(flag) => Value::Text(flag.to_string()),
                value => Value::Text(value.to_string()),
            };
            rows.push(vec![
                Value::Text(partition_label(partition)),
                value,
                count(inside)?,
                ratio(inside, set_size),
                count(base)?,
                ratio(base, base_size),
                ratio(100 * inside * base_size, set_size * base),
                z(inside, set_size, base, base_size),
                Value::Boolean(is_small(inside, set_size, base, base_size)),
            ]);
        }
        if let Partition::About { top, .. } = partition {
            let own = rows.split_off(first);
            rows.extend(significant(own, *top));
        }
    }
    Ok(rows)
}

/// The most telling first: by z, or only the highest TGI of those that are no small samples.
fn significant(mut rows: Vec<Vec<Value>>, top: Option<u64>) -> Vec<Vec<Value>> {
    let number = |row: &Vec<Value>, at: usize| match row.get(at) {
        Some(Value::Double(number)) => *number,
        _ => f64::NEG_INFINITY,
    };
    let by = if top.is_some() { TGI } else { Z };
    if let Some(top) = top {
        rows.retain(|row| row.get(SMALL) == Some(&Value::Boolean(false)));
        rows.sort_by(|a, b| number(b, by).total_cmp(&number(a, by)));
        rows.truncate(usize::try_from(top).unwrap_or(usize::MAX));
        return rows;
    }
    rows.sort_by(|a, b| number(b, by).total_cmp(&number(a, by)));
    rows
}

/// Whether the normal approximation is no good: fewer than 5 are expected in some cell of the two
/// by two table, were both samples of one population (W. G. Cochran, Some methods for strengthening
/// the common chi-square tests, Biometrics 10(4), 1954).
fn is_small(x1: i128, n1: i128, x2: i128, n2: i128) -> bool {
    let (x, n) = (x1 + x2, n1 + n2);
    n == 0 || [n1, n2].into_iter().any(|own| own * x < 5 * n || own * (n - x) < 5 * n)
}

/// The two-proportion z of `x1` of `n1` against `x2` of `n2`; null where it is not defined.
#[expect(clippy::cast_precision_loss, reason = "a statistic is shown as a float")]
fn z(x1: i128, n1: i128, x2: i128, n2: i128) -> Value {
    if n1 == 0 || n2 == 0 {
        return Value::Null;
    }
    let (x1, n1, x2, n2) = (x1 as f64, n1 as f64, x2 as f64, n2 as f64);
    let pooled = (x1 + x2) / (n1 + n2);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / n1 + 1.0 / n2)).sqrt();
    let z = (x1 / n1 - x2 / n2) / deviation;
    if z.is_finite() { Value::Double(z) } else { Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn z_has_the_textbook_value() {
        // p = 50/800, z = 0.05 / sqrt(p (1 - p) (1/200 + 1/600)).
        let Value::Double(found) = z(20, 200, 30, 600) else { panic!("not defined") };
        assert!((found - 2.529_822).abs() < 1e-6, "{found}");
        // 50 of 800: 12.5 and 187.5 are expected of 200.
        assert!(!is_small(20, 200, 30, 600));
        // 4.75 are expected of 100.
        assert!(is_small(9, 100, 10, 300));
        assert!(is_small(0, 0, 10, 300));
        assert_eq!(z(0, 0, 1, 2), Value::Null);
        assert_eq!(z(5, 5, 7, 7), Value::Null);
    }
}
