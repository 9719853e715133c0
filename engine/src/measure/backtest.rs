//! BACKTEST: what was expected of consumers a horizon ago against what those people then brought.

use throng_query::plan::{Column, Dates, Query, Valuation};

use super::asset::{exponent, money};
use super::cohort::{self, Told};
use super::finish::{Finished, count, ratio};
use super::partial::DayPartial;
use super::steps::Step;
use super::worth;
use crate::answer::{Date, Value};
use crate::error::ExecuteError;
use crate::view::View;

/// The passes that tell what consumers were worth, then the one that tells what they brought.
pub fn steps<'q>(view: &View, query: &Query, of: &Valuation) -> Vec<Step<'q>> {
    let Dates::AsOf(as_of) = query.dates else { return Vec::new() };
    let day = view.as_of(as_of).0;
    let asked = day.saturating_sub_unsigned(of.horizon_days);
    let mut steps = worth::steps(view, of, asked, &[]);
    steps.push(cohort::step(of.into(), day, of.horizon_days, &[]));
    steps
}

/// The rows: stage, consumers, predicted, realised, error, error_rate; then a total.
///
/// # Errors
/// When a number does not fit its column.
pub fn finish(
    of: &Valuation,
    columns: &[Column],
    days: &[DayPartial],
) -> Result<Finished, ExecuteError> {
    let Some((last, told)) = days.split_last() else {
        return Ok(Finished { rows: Vec::new(), notices: Vec::new() });
    };
    let (worths, how) = worth::worths(of, told)?;
    let realised = cohort::told(last)?;
    let exponent = exponent(columns);
    let row = |stage: &str, told: Told, predicted: Option<i128>| {
        let error = predicted.and_then(|predicted| predicted.checked_sub(told.money));
        Ok::<_, ExecuteError>(vec![
            Value::Text(stage.to_owned()),
            count(told.heads)?,
            predicted.map_or(Value::Null, |predicted| money(predicted, exponent)),
            money(told.money, exponent),
            error.map_or(Value::Null, |error| money(error, exponent)),
            error.map_or(Value::Null, |error| ratio(error, told.money)),
        ])
    };
    let mut notices = vec![how];
    let (mut rows, mut all, mut expected) = (Vec::new(), Told::default(), Some(0_i128));
    for (place, stage) in worth::stages() {
        let told = realised.get(&place).copied().unwrap_or_default();
        let predicted = match worths.of(place, &[]) {
            _ if told.heads == 0 => Some(0),
            Some(worth) => Some(worth.times(told.heads)?),
            None => {
                notices.push(format!(
                    "nobody was in stage {stage} to tell what its consumers were worth"
                ));
                None
            }
        };
        all.heads += told.heads;
        all.money = all.money.checked_add(told.money).ok_or(ExecuteError::Overflow)?;
        expected = expected.zip(predicted).and_then(|(sum, one)| sum.checked_add(one));
        rows.push(row(stage, told, predicted)?);
    }
    if all.heads == 0 {
        let day = Date(last.day.saturating_sub_unsigned(of.horizon_days));
        notices.push(format!("`{}` had no consumers on {day}", of.brand));
    }
    rows.push(row("total", all, expected)?);
    Ok(Finished { rows, notices })
}
