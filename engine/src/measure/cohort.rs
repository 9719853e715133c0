//! What consumers are worth by what their like brought: the cohort of one horizon ago.
//!
//! As of day D over a horizon of H days, a consumer of stage s is worth v_s = the net revenue in
//! (D - H, D] of those who were in s on day D - H, divided by how many they were. A cell of a
//! partition that has n < 200 of them is worth (n v_cell + (200 - n) v_s) / 200: the fewer tell,
//! the less they are believed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use throng_query::builtin::DEFAULT_MODEL;
use throng_query::plan::{
    BrandRef, Dates, Ledger, Measure, Partition, Query, RowFilter, Spend, Valuation, Window,
};

use super::fraction::Fraction;
use super::moves::place_of;
use super::partial::{DayPartial, GroupKey};
use super::steps::Step;
use super::worth::{Worth, Worths};
use crate::answer::Date;
use crate::error::ExecuteError;

/// A cell with fewer consumers shrinks to the mean of its stage.
const CELL_MIN: i128 = 200;

/// Whose stages and money: a brand's, or what of them lies in some categories.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a> {
    pub brand: &'a str,
    /// All when empty.
    pub categories: &'a [String],
}

impl<'a> From<&'a Valuation> for Whose<'a> {
    fn from(of: &'a Valuation) -> Self {
        Self { brand: &of.brand, categories: &of.categories }
    }
}

impl<'a> From<&'a Ledger> for Whose<'a> {
    fn from(of: &'a Ledger) -> Self {
        Self { brand: &of.brand, categories: &of.categories }
    }
}

/// How many a cohort was, and what they brought.
#[derive(Debug, Clone, Copy, Default)]
pub struct Told {
    /// Consumers.
    pub heads: i128,
    /// Net revenue, minor units.
    pub money: i128,
}

/// The revenue of a horizon that ends with a day, by the stage at its beginning and by partitions.
pub fn step(whose: Whose<'_>, day: i32, horizon_days: u32, by: &[Partition]) -> Step<'static> {
    let start = day.saturating_sub_unsigned(horizon_days);
    let by = by.iter().map(|partition| dated(partition, start)).collect();
    Step::new(vec![day], Cow::Owned(revenue(whose, start, day, by)))
}

/// The net revenue after a day and up to another, by the stage on the first and by partitions.
pub fn revenue(whose: Whose<'_>, start: i32, end: i32, by: Vec<Partition>) -> Query {
    let first = Date(start.saturating_add(1));
    let mut partitions = vec![stage(whose, Some(Date(start)))];
    partitions.extend(by);
    let spend = Spend {
        brand: BrandRef::Named(whose.brand.to_owned()),
        window: Window::Between(first, Date(end)),
        rows: RowFilter { categories: whose.categories.to_vec(), ..RowFilter::default() },
    };
    plain(Measure::Spend(spend), partitions, end)
}

/// The stages of a brand's consumers.
pub fn stage(whose: Whose<'_>, as_of: Option<Date>) -> Partition {
    let (brand, categories) = (whose.brand.to_owned(), whose.categories.to_vec());
    Partition::Stage { brand, model: DEFAULT_MODEL.to_owned(), categories, as_of }
}

/// A query of everybody.
pub fn plain(measure: Measure, partitions: Vec<Partition>, day: i32) -> Query {
    let dates = Dates::AsOf(Some(Date(day)));
    let (filter, versus, order, limit) = (None, None, Vec::new(), None);
    let forecast_days = None;
    Query { measure, filter, versus, partitions, dates, forecast_days, order, limit }
}

/// A partition as it was on the cohort's day.
fn dated(partition: &Partition, day: i32) -> Partition {
    match partition {
        Partition::Stage { brand, model, categories, as_of: None } => {
            let (brand, model) = (brand.clone(), model.clone());
            let (categories, as_of) = (categories.clone(), Some(Date(day)));
            Partition::Stage { brand, model, categories, as_of }
        }
        Partition::Own { name, as_of: None } => {
            Partition::Own { name: name.clone(), as_of: Some(Date(day)) }
        }
        other => other.clone(),
    }
}

/// What each stage's cohort told, by place in the model.
///
/// # Errors
/// When a sum does not fit.
pub fn told(part: &DayPartial) -> Result<BTreeMap<u32, Told>, ExecuteError> {
    let mut stages: BTreeMap<u32, Told> = BTreeMap::new();
    for (place, _, told) in cells(part) {
        let all = stages.entry(place).or_default();
        let sum = |a: i128, b| a.checked_add(b).ok_or(ExecuteError::Overflow);
        *all = Told { heads: sum(all.heads, told.heads)?, money: sum(all.money, told.money)? };
    }
    Ok(stages)
}

fn cells(part: &DayPartial) -> impl Iterator<Item = (u32, &[GroupKey], Told)> {
    let cells = part.groups.first().into_iter().flatten();
    cells.filter_map(|(keys, numbers)| {
        let (first, group) = keys.split_first()?;
        let number = |place: usize| numbers.get(place).copied().unwrap_or(0);
        let told = Told { heads: number(0), money: number(1) };
        Some((place_of(DEFAULT_MODEL, first)?, group, told))
    })
}

/// What consumers are worth, with a sentence that says how.
///
/// # Errors
/// When a number does not fit.
pub fn worths(horizon_days: u32, part: &DayPartial) -> Result<(Worths, String), ExecuteError> {
    let stages = told(part)?;
    let mut worths = Worths::default();
    let mut is_divided = false;
    for (place, told) in &stages {
        if let Some(value) = Fraction::new(told.money, told.heads) {
            worths.stages.insert(*place, Worth::Exact(value));
        }
    }
    for (place, group, cell) in cells(part).filter(|(_, group, _)| !group.is_empty()) {
        is_divided = true;
        let stage = stages.get(&place).copied().unwrap_or_default();
        let value = shrunk(cell, stage).ok_or(ExecuteError::Overflow)?;
        worths.cells.insert((place, group.to_vec()), Worth::Exact(value));
    }
    let start = Date(part.day.saturating_sub_unsigned(horizon_days));
    let cells = if is_divided {
        format!("; cells of fewer than {CELL_MIN} shrink to their stage's mean")
    } else {
        String::new()
    };
    let how = format!(
        "cohort, horizon {horizon_days} days: what those in each stage on {start} brought up to \
         {}, per head; no discount{cells}",
        Date(part.day)
    );
    Ok((worths, how))
}

/// The value of a cell of a stage; none when it does not fit, or nobody is in it.
fn shrunk(cell: Told, stage: Told) -> Option<Fraction> {
    if cell.heads >= CELL_MIN {
        return Fraction::new(cell.money, cell.heads);
    }
    // (n v_cell + (200 - n) v_stage) / 200 on one denominator; n v_cell is the cell's money.
    let own = cell.money.checked_mul(stage.heads)?;
    let rest = (CELL_MIN - cell.heads).checked_mul(stage.money)?;
    Fraction::new(own.checked_add(rest)?, stage.heads.checked_mul(CELL_MIN)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cells_shrink_to_the_mean_of_their_stage() {
        let stage = Told { heads: 1_000, money: 50_000 };
        let value = |heads, money| shrunk(Told { heads, money }, stage).unwrap().times(1_000);
        assert_eq!(value(0, 0), Some(50_000));
        assert_eq!(value(200, 2_000), Some(10_000));
        assert_eq!(value(400, 2_000), Some(5_000));
        // Half of 10 and half of the stage's 50.
        assert_eq!(value(100, 1_000), Some(30_000));
    }
}
