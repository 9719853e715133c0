//! What consumers are worth by how they move: a chain of the stages and lapsed.
//!
//! Periods have 15 days, the window of A and I. Of the last periods, as many as the horizon has and
//! the store knows, n_ij counts who went from stage i to stage j, and R_i is the net revenue per
//! head of who was in i at the beginning. P_ij = (n_ij + 1/5) / (n_i + 1): one consumer spread over
//! the five states keeps what was never seen possible (a Dirichlet prior). Who lapsed stays so: a
//! consumer who comes back is counted when he is back.

use std::borrow::Cow;

use throng_query::builtin::DEFAULT_MODEL;
use throng_query::plan::Valuation;

use super::chain::{Periods, value};
use super::cohort::{revenue, stage};
use super::moves::place_of;
use super::partial::DayPartial;
use super::steps::{DAYS_AT_ONCE, Step};
use super::worth::{Worth, Worths};
use crate::answer::Date;
use crate::view::View;

/// Days of a period.
pub const PERIOD_DAYS: i32 = 15;
/// The stages that are worth something, and lapsed.
const STATES: usize = throng_query::builtin::ASSET_STAGES.len() + 1;
const LAPSED: usize = STATES - 1;

/// Periods that are looked at in one pass: one day of it more is where the last one ends.
const PERIODS_AT_ONCE: usize = DAYS_AT_ONCE - 1;

/// The passes over the periods, the oldest first.
pub fn steps(view: &View, of: &Valuation, day: i32) -> Vec<Step<'static>> {
    let wanted = i32::try_from(of.horizon_days).unwrap_or(i32::MAX) / PERIOD_DAYS;
    let oldest = view.oldest_day().unwrap_or(day);
    let known = day.saturating_sub(oldest) / PERIOD_DAYS;
    let periods = wanted.min(known).max(1);
    let end = |period: &i32| day.saturating_sub(period * PERIOD_DAYS);
    let ends: Vec<i32> = (0..periods).rev().map(|period| end(&period)).collect();
    let asked = |end: &i32| {
        revenue(of.into(), end - PERIOD_DAYS, *end, vec![stage(of.into(), Some(Date(*end)))])
    };
    let step = |ends: &[i32]| {
        let others: Vec<_> = ends.iter().map(asked).collect();
        let first = others.first().cloned()?;
        Some(Step { others, ..Step::new(ends.to_vec(), Cow::Owned(first)) })
    };
    ends.chunks(PERIODS_AT_ONCE).filter_map(step).collect()
}

/// What consumers are worth, with a sentence that says how.
#[expect(clippy::cast_precision_loss, reason = "shares and means are floats")]
pub fn worths(horizon_days: u32, parts: &[DayPartial]) -> (Worths, String) {
    let mut moved = [[0.0; STATES]; STATES];
    let mut money = [0.0; STATES];
    for (keys, numbers) in parts.iter().flat_map(|part| part.groups.first()).flatten() {
        let [from, to] = keys.as_slice() else { continue };
        let number = |place: usize| numbers.get(place).copied().unwrap_or(0) as f64;
        let state = |key| place_of(DEFAULT_MODEL, key).map_or(LAPSED, |place| place as usize);
        let (from, to) = (state(from), state(to));
        if let (Some(row), Some(earned)) = (moved.get_mut(from), money.get_mut(from)) {
            *earned += number(1);
            if let Some(cell) = row.get_mut(to) {
                *cell += number(0);
            }
        }
    }
    let heads = moved.map(|row| row.iter().sum::<f64>());
    let mut transitions = [[0.0; STATES]; STATES];
    let mut reward = [0.0; STATES];
    for state in 0..STATES {
        if state == LAPSED {
            transitions[state][LAPSED] = 1.0;
            continue;
        }
        transitions[state] = moved[state].map(|n| (n + 1.0 / STATES as f64) / (heads[state] + 1.0));
        reward[state] = if heads[state] > 0.0 { money[state] / heads[state] } else { 0.0 };
    }
    let period = PERIOD_DAYS.unsigned_abs();
    let part = f64::from(horizon_days % period) / f64::from(period);
    let periods = Periods { whole: horizon_days / period, part };
    let values = value(&transitions, &reward, 0.0, periods);
    let known = (0..).zip(values).take(LAPSED).zip(heads).filter(|(_, heads)| *heads > 0.0);
    let stages = known.map(|((place, value), _)| (place, Worth::Estimate(value))).collect();
    let how = format!(
        "markov, horizon {horizon_days} days: {} periods of {PERIOD_DAYS} days observed; one \
         consumer spread over the five states smooths each row; no discount",
        parts.len()
    );
    (Worths { stages, ..Worths::default() }, how)
}
