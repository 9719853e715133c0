//! What a consumer of each stage is worth, by either method.

use std::collections::BTreeMap;

use throng_query::builtin::ASSET_STAGES;
use throng_query::plan::{Method, Partition, Valuation};

use super::fraction::Fraction;
use super::partial::{DayPartial, GroupKey};
use super::steps::Step;
use super::{cohort, markov};
use crate::answer::{Decimal, Value};
use crate::error::ExecuteError;
use crate::view::View;

/// Digits after the currency's own that a value per head is shown with.
pub const HEAD_DIGITS: u8 = throng_query::HEAD_DIGITS;

/// The largest amount that an estimate may give: beyond it a float no longer tells minor units.
const ESTIMATE_MAX: f64 = 9e15;

/// What one consumer is worth, in minor units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Worth {
    /// Counted.
    Exact(Fraction),
    /// Computed from a chain of probabilities.
    Estimate(f64),
}

/// What consumers are worth by stage, and by stage and partition where the statement has BY.
#[derive(Debug, Default)]
pub struct Worths {
    /// By place in the model.
    pub stages: BTreeMap<u32, Worth>,
    /// By place in the model and group.
    pub cells: BTreeMap<(u32, Vec<GroupKey>), Worth>,
}

impl Worth {
    /// What so many consumers are worth, in whole minor units: rounded once.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn times(self, consumers: i128) -> Result<i128, ExecuteError> {
        let amount = match self {
            Self::Exact(fraction) => fraction.times(consumers),
            Self::Estimate(value) => rounded(value, consumers),
        };
        amount.ok_or(ExecuteError::Overflow)
    }

    /// As a number of the currency, with [`HEAD_DIGITS`] more digits than it has.
    ///
    /// # Errors
    /// When it does not fit.
    pub fn shown(self, exponent: u8) -> Result<Value, ExecuteError> {
        let unscaled = self.times(10_i128.pow(u32::from(HEAD_DIGITS)))?;
        Ok(Value::Numeric(Decimal { unscaled, scale: exponent + HEAD_DIGITS }))
    }
}

impl Worths {
    /// What a consumer of a stage and group is worth: as the stage where the group has no value of
    /// its own; none where nobody tells.
    pub fn of(&self, place: u32, group: &[GroupKey]) -> Option<Worth> {
        let cell = self.cells.get(&(place, group.to_vec()));
        cell.or_else(|| self.stages.get(&place)).copied()
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "an estimate is a float until it is rounded, and the range is checked"
)]
fn rounded(value: f64, consumers: i128) -> Option<i128> {
    let amount = (value * consumers as f64).round();
    (amount.abs() <= ESTIMATE_MAX).then_some(amount as i128)
}

/// The stages that are worth something, deepest first, each with its place in the model.
pub fn stages() -> impl Iterator<Item = (u32, &'static str)> {
    (0..).zip(ASSET_STAGES.iter().rev().copied())
}

/// The passes that tell what consumers are worth as of a day.
pub fn steps(view: &View, of: &Valuation, day: i32, by: &[Partition]) -> Vec<Step<'static>> {
    match of.method {
        Method::Cohort => vec![cohort::step(of.into(), day, of.horizon_days, by)],
        Method::Markov => markov::steps(view, of, day),
    }
}

/// What they tell, with a sentence that says how.
///
/// # Errors
/// When a number does not fit.
pub fn worths(of: &Valuation, parts: &[DayPartial]) -> Result<(Worths, String), ExecuteError> {
    match (of.method, parts) {
        (Method::Cohort, [part, ..]) => cohort::worths(of.horizon_days, part),
        (Method::Cohort, []) => Ok(Default::default()),
        (Method::Markov, parts) => Ok(markov::worths(of.horizon_days, parts)),
    }
}
