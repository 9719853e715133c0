//! ASSET: the money that a brand's consumers are expected to bring.
//!
//! A row's asset is its consumers times the value of one of them, rounded to whole minor units
//! once; the total is the sum of the rows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use throng_query::builtin::DEFAULT_MODEL;
use throng_query::plan::{Column, ColumnType, Dates, Measure, Query, Valuation};

use super::cohort::stage;
use super::finish::{Finished, count, key_value, ratio};
use super::fraction::Fraction;
use super::moves::place_of;
use super::partial::{DayPartial, GroupKey};
use super::steps::Step;
use super::worth::{self, Worth, Worths};
use crate::answer::{Decimal, Value};
use crate::error::ExecuteError;
use crate::view::View;

/// The passes that tell what consumers are worth, then the one that counts them.
pub fn steps<'q>(view: &View, query: &Query, of: &Valuation) -> Vec<Step<'q>> {
    let Dates::AsOf(as_of) = query.dates else { return Vec::new() };
    let day = view.as_of(as_of);
    let mut steps = worth::steps(view, of, day.0, &query.partitions);
    let mut partitions = vec![stage(of.into(), None)];
    partitions.extend(query.partitions.iter().cloned());
    let counted = Query {
        measure: Measure::Count,
        filter: query.filter.clone(),
        versus: None,
        partitions,
        dates: Dates::AsOf(Some(day)),
        forecast_days: None,
        order: Vec::new(),
        limit: None,
    };
    steps.push(Step::new(vec![day.0], Cow::Owned(counted)));
    steps
}

/// One row before it is shown.
struct Line {
    group: Vec<GroupKey>,
    stage: &'static str,
    consumers: i128,
    worth: Option<Worth>,
    /// None where nobody tells what these consumers are worth.
    asset: Option<i128>,
}

/// The rows: the partitions, stage, consumers, value, asset, share; then a total.
///
/// # Errors
/// When a number does not fit its column.
pub fn finish(
    query: &Query,
    of: &Valuation,
    columns: &[Column],
    days: &[DayPartial],
) -> Result<Finished, ExecuteError> {
    let Some((counted, told)) = days.split_last() else {
        return Ok(Finished { rows: Vec::new(), notices: Vec::new() });
    };
    let (worths, how) = worth::worths(of, told)?;
    let mut notices = vec![how];
    let exponent = exponent(columns);
    let lines = lines(query, counted, &worths)?;
    let known: Vec<i128> = lines.iter().filter_map(|line| line.asset).collect();
    let total = known.iter().try_fold(0_i128, |sum, asset| sum.checked_add(*asset));
    let total = total.ok_or(ExecuteError::Overflow)?;
    let everyone: i128 = lines.iter().map(|line| line.consumers).sum();
    let unknown: BTreeMap<&str, ()> =
        lines.iter().filter(|line| line.asset.is_none()).map(|line| (line.stage, ())).collect();
    for stage in unknown.keys() {
        notices.push(format!(
            "nobody was in stage {stage} to tell what its consumers are worth: they are not in the \
             total"
        ));
    }
    if everyone == 0 {
        notices.push(format!("`{}` has no consumers here, so there is no asset", of.brand));
    }
    notices.extend(disorder(&worths));
    let mut rows = Vec::with_capacity(lines.len() + 1);
    for line in &lines {
        let mut row: Vec<Value> = line.group.iter().map(key_value).collect();
        row.push(Value::Text(line.stage.to_owned()));
        row.push(count(line.consumers)?);
        row.push(line.worth.map_or(Ok(Value::Null), |worth| worth.shown(exponent))?);
        row.push(line.asset.map_or(Value::Null, |asset| money(asset, exponent)));
        row.push(line.asset.map_or(Value::Null, |asset| ratio(asset, total)));
        rows.push(row);
    }
    let mut row = vec![Value::Null; query.partitions.len()];
    let valued = lines.iter().filter(|line| line.asset.is_some()).map(|line| line.consumers).sum();
    let mean = Fraction::new(total, valued).map(Worth::Exact);
    row.push(Value::Text("total".to_owned()));
    row.push(count(everyone)?);
    row.push(mean.map_or(Ok(Value::Null), |worth| worth.shown(exponent))?);
    row.push(if known.is_empty() { Value::Null } else { money(total, exponent) });
    row.push(ratio(total, total));
    rows.push(row);
    Ok(Finished { rows, notices })
}

/// One line per group and stage; without groups every stage has one.
fn lines(query: &Query, counted: &DayPartial, worths: &Worths) -> Result<Vec<Line>, ExecuteError> {
    let mut consumers: BTreeMap<(Vec<GroupKey>, u32), i128> = BTreeMap::new();
    if query.partitions.is_empty() {
        consumers.extend(worth::stages().map(|(place, _)| ((Vec::new(), place), 0)));
    }
    for (keys, numbers) in counted.groups.first().into_iter().flatten() {
        let Some((first, group)) = keys.split_first() else { continue };
        let Some(place) = place_of(DEFAULT_MODEL, first) else { continue };
        let members = numbers.first().copied().unwrap_or(0);
        *consumers.entry((group.to_vec(), place)).or_insert(0) += members;
    }
    let names: BTreeMap<u32, &'static str> = worth::stages().collect();
    let mut lines = Vec::with_capacity(consumers.len());
    for ((group, place), consumers) in consumers {
        let worth = worths.of(place, &group);
        // Nobody is worth nothing, whatever one would be worth.
        let asset = match worth {
            _ if consumers == 0 => Some(0),
            Some(worth) => Some(worth.times(consumers)?),
            None => None,
        };
        let stage = names.get(&place).copied().unwrap_or_default();
        lines.push(Line { group, stage, consumers, worth, asset });
    }
    Ok(lines)
}

/// Says so when a deeper stage is worth less than one before it.
fn disorder(worths: &Worths) -> Option<String> {
    // Of a million consumers, so that fractions of a minor unit count.
    let value = |place| worths.stages.get(&place)?.times(1_000_000).ok();
    let values: Vec<_> =
        worth::stages().filter_map(|(place, stage)| Some((stage, value(place)?))).collect();
    let (deeper, other) =
        values.iter().zip(values.iter().skip(1)).find(|(deeper, other)| deeper.1 < other.1)?;
    Some(format!(
        "a consumer in {} is worth less than one in {}: the cohort may be too small or too unlike \
         today's",
        deeper.0, other.0
    ))
}

/// The digits of the currency: of the last decimal column, which is money.
pub fn exponent(columns: &[Column]) -> u8 {
    let mut scales = columns.iter().filter_map(|column| match column.kind {
        ColumnType::Numeric { scale } => Some(scale),
        _ => None,
    });
    scales.next_back().unwrap_or(0)
}

/// An amount of money.
pub fn money(unscaled: i128, exponent: u8) -> Value {
    Value::Numeric(Decimal { unscaled, scale: exponent })
}
