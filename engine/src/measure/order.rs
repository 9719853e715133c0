//! ORDER BY and LIMIT over finished rows.

use std::cmp::Ordering;

use throng_query::plan::{Direction, Query};

use crate::answer::Value;

/// Sorts rows by the query's keys, keeping the order of equal rows, and cuts them.
pub fn apply(query: &Query, rows: &mut Vec<Vec<Value>>) {
    if !query.order.is_empty() {
        rows.sort_by(|a, b| {
            let by_key = query.order.iter().map(|key| {
                let pair = a.get(key.column).zip(b.get(key.column));
                pair.map_or(Ordering::Equal, |(a, b)| compare(a, b, key.direction))
            });
            by_key.fold(Ordering::Equal, Ordering::then)
        });
    }
    if let Some(limit) = query.limit {
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
}

/// The order of two values of one column; nulls last either way.
fn compare(a: &Value, b: &Value, direction: Direction) -> Ordering {
    let order = match (a, b) {
        (Value::Null, Value::Null) => return Ordering::Equal,
        (Value::Null, _) => return Ordering::Greater,
        (_, Value::Null) => return Ordering::Less,
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        // One column has one scale.
        (Value::Numeric(a), Value::Numeric(b)) => a.unscaled.cmp(&b.unscaled),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        _ => Ordering::Equal,
    };
    match direction {
        Direction::Ascending => order,
        Direction::Descending => order.reverse(),
    }
}
