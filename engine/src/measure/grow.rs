//! GROW: the change of revenue between two periods, split so that the parts add up to it.
//!
//! Revenue = buyers x categories a buyer x days a category x money a day. Each factor's part is its
//! Shapley value: the mean, over all orders in which the factors could change one after the other,
//! of what its change makes of the product. L. S. Shapley, A value for n-person games, 1953.

use std::borrow::Cow;
use std::collections::BTreeMap;

use throng_query::expansion;
use throng_query::plan::{Column, Dates, Grow, Query};

use super::asset::{exponent, money};
use super::finish::{Finished, key_value};
use super::partial::{DayPartial, GroupKey};
use super::steps::Step;
use crate::answer::{Date, Value};
use crate::error::ExecuteError;

/// Counts and sums of each as-of day: four of the period before, four of the one asked about.
const NUMBERS: usize = 8;

/// The passes of each day, in the order of [`expansion::grown`].
pub fn steps(query: &Query, brand: &str, grow: &Grow, days: &[i32]) -> Vec<Step<'static>> {
    let of_day = |day: &i32| {
        let day = *day;
        expansion::grown(brand, grow, Date(day)).into_iter().map(move |(measure, set)| {
            let query = Query { measure, ..query.clone() };
            let parts = set.into_iter().map(|set| vec![set]).collect();
            Step { days: vec![day], query: Cow::Owned(query), parts, others: Vec::new() }
        })
    };
    days.iter().flat_map(of_day).collect()
}

/// The rows: groups, before, after, change, penetration, range, frequency, price.
///
/// # Errors
/// When a number does not fit its column.
pub fn finish(
    query: &Query,
    grow: &Grow,
    columns: &[Column],
    days: &[DayPartial],
) -> Result<Finished, ExecuteError> {
    let every = matches!(query.dates, Dates::Every { .. });
    let exponent = exponent(columns);
    let mut rows = Vec::new();
    let mut notices = Vec::new();
    for of_day in days.chunks(NUMBERS) {
        let Some(day) = of_day.first().map(|part| Date(part.day)) else { continue };
        if !every {
            let ((a, b), (c, d)) = expansion::periods(grow, day);
            notices.push(format!("{a} to {b} against {c} to {d}"));
        }
        let mut groups: BTreeMap<&[GroupKey], [i128; NUMBERS]> = BTreeMap::new();
        if query.partitions.is_empty() {
            groups.insert(&[], [0; NUMBERS]);
        }
        for (place, part) in of_day.iter().enumerate() {
            // Heads are counted, all else is summed.
            let at = usize::from(!place.is_multiple_of(NUMBERS / 2));
            for (keys, numbers) in part.groups.first().into_iter().flatten() {
                let number = numbers.get(at).copied().unwrap_or(0);
                if number != 0 {
                    groups.entry(keys).or_insert([0; NUMBERS])[place] = number;
                }
            }
        }
        if groups.values().all(|numbers| *numbers == [0; NUMBERS]) {
            notices.push("nobody bought in either period".to_owned());
        }
        for (keys, [b0, c0, t0, r0, b1, c1, t1, r1]) in groups {
            let split = split([b0, c0, t0, r0], [b1, c1, t1, r1]).ok_or(ExecuteError::Overflow)?;
            let mut row: Vec<Value> = Vec::with_capacity(columns.len());
            row.extend(every.then_some(Value::Date(day)));
            row.extend(keys.iter().map(key_value));
            let amounts = [r0, r1, r1 - r0].into_iter().chain(split);
            row.extend(amounts.map(|amount| money(amount, exponent)));
            rows.push(row);
        }
    }
    Ok(Finished { rows, notices })
}

/// The parts of the change of revenue by penetration, range, frequency and price. None when an
/// amount is too large for a float to tell its minor units.
fn split(before: [i128; 4], after: [i128; 4]) -> Option<[i128; 4]> {
    let mut factors = [factors(before), factors(after)];
    // A period without buyers has no buyer to be like: all of the change is penetration.
    for (own, other) in [(0, 1), (1, 0)] {
        if factors[own][0] == 0.0 {
            let like = factors[other];
            factors[own] = [0.0, like[1], like[2], like[3]];
        }
    }
    let values = shapley(factors[0], factors[1]);
    let change = after[3].checked_sub(before[3])?;
    let mut parts = [0; 4];
    let mut rest = change;
    for (part, value) in parts.iter_mut().zip(values).take(3) {
        *part = whole(value)?;
        rest -= *part;
    }
    parts[3] = rest;
    whole(values[3]).map(|_| parts)
}

/// The largest amount whose minor units a float tells.
const AMOUNT_MAX: f64 = 9e15;

#[expect(clippy::cast_possible_truncation, reason = "it is rounded, and within bounds")]
fn whole(value: f64) -> Option<i128> {
    (value.abs() <= AMOUNT_MAX).then(|| value.round() as i128)
}

/// Buyers, categories a buyer, days a category, money a day.
#[expect(clippy::cast_precision_loss, reason = "the factors are ratios")]
fn factors([buyers, categories, days, money]: [i128; 4]) -> [f64; 4] {
    let over = |a: i128, b: i128| if b == 0 { 0.0 } else { a as f64 / b as f64 };
    [buyers as f64, over(categories, buyers), over(days, categories), over(money, days)]
}

/// What the change of each factor adds to their product.
fn shapley(before: [f64; 4], after: [f64; 4]) -> [f64; 4] {
    // |S|! (3 - |S|)! / 4! by the size of the set S of factors that have changed already.
    const WEIGHTS: [f64; 4] = [1.0 / 4.0, 1.0 / 12.0, 1.0 / 12.0, 1.0 / 4.0];
    let mut values = [0.0; 4];
    for (own, value) in values.iter_mut().enumerate() {
        for changed in (0..16_usize).filter(|changed| changed >> own & 1 == 0) {
            let others = (0..4).filter(|factor| *factor != own);
            let product: f64 =
                others.map(|f| if changed >> f & 1 == 1 { after[f] } else { before[f] }).product();
            let size = usize::try_from(changed.count_ones()).unwrap_or(0);
            *value += WEIGHTS[size] * product * (after[own] - before[own]);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_mean_over_all_orders() {
        // Two factors change: each gets half of what both do together.
        let values = shapley([2.0, 3.0, 1.0, 1.0], [4.0, 5.0, 1.0, 1.0]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{values:?}");
        close(values[0], 2.0 * (3.0 + 5.0) / 2.0);
        close(values[1], 2.0 * (2.0 + 4.0) / 2.0);
        close(values[2] + values[3], 0.0);
        close(values.iter().sum(), 20.0 - 6.0);
    }

    #[test]
    fn the_parts_add_up_and_an_empty_period_is_all_penetration() {
        let parts = split([3, 4, 7, 1_000], [5, 5, 6, 777]).unwrap();
        assert_eq!(parts.iter().sum::<i128>(), -223);
        assert_eq!(split([0; 4], [2, 3, 4, 500]), Some([500, 0, 0, 0]));
        assert_eq!(split([2, 3, 4, 500], [0; 4]), Some([-500, 0, 0, 0]));
        // Money given back for purchases of before: no buyer has anything to do with it.
        assert_eq!(split([0; 4], [0, 0, 0, -70]), Some([0, 0, 0, -70]));
        assert_eq!(split([1, 1, 1, 0], [1, 1, 1, i128::MAX / 2]), None);
    }
}
