//! PROFILE: who a set is, against a base.
//!
//! TGI (target group index) = 100 * share in the set / share in the base. z is the two-proportion
//! z statistic with pooled variance: how many standard errors the shares differ by if both were
//! samples of one population.

use throng_query::partition_label;
use throng_query::plan::Query;

use super::finish::{count, key_value, ratio};
use super::partial::DayPartial;
use crate::answer::Value;
use crate::error::ExecuteError;

/// The rows: attribute, value, count, share, base, base_share, tgi, z.
///
/// # Errors
/// When a number does not fit its column.
pub fn rows(query: &Query, day: &DayPartial) -> Result<Vec<Vec<Value>>, ExecuteError> {
    let total = |channel: usize| day.totals.get(channel).copied().unwrap_or(0);
    let (set_size, base_size) = (total(0), total(1));
    let mut rows = Vec::new();
    for (partition, groups) in query.partitions.iter().zip(&day.groups) {
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
            ]);
        }
    }
    Ok(rows)
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
        assert_eq!(z(0, 0, 1, 2), Value::Null);
        assert_eq!(z(5, 5, 7, 7), Value::Null);
    }
}
