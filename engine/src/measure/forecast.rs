//! FORECAST: a series of EVERY continued, with intervals, and how well that would have gone before.

use throng_query::plan::{Column, Dates, Measure, Named, NamedKind, Query, StepUnit};
use throng_query::{every_dates, limits};

use super::ets::{self, Expected, Fitted, VALUES_MIN, Z_95};
use super::finish::Finished;
use crate::answer::{Date, Value};
use crate::error::ExecuteError;

/// Series of one statement at most: each is fitted by hundreds of passes over its values.
const SERIES_MAX: usize = 64;
/// The newest values that a model is fitted to: older ones tell little of what comes.
const FITTED_MAX: usize = 730;
/// Columns behind the measure's: forecast, low, high.
const COLUMNS: usize = 3;

/// The values of one group by date.
struct Series {
    keys: Vec<Value>,
    values: Vec<Option<f64>>,
}

/// How forecasts of past dates did.
#[derive(Debug, Default)]
struct Test {
    dates: usize,
    off: f64,
    sum: f64,
    within: usize,
}

/// Adds the dates to come to the rows of a series.
///
/// # Errors
/// When the history is too short for it.
pub fn extend(
    query: &Query,
    columns: &[Column],
    days: u32,
    finished: Finished,
) -> Result<Finished, ExecuteError> {
    let Dates::Every { step, unit, from, to } = query.dates else { return Ok(finished) };
    let Finished { mut rows, mut notices } = finished;
    let known = every_dates(step, unit, from, to, limits::EVERY_DATES_MAX);
    let ahead = to.plus_days(i32::try_from(days).unwrap_or(i32::MAX));
    let most = known.len() + limits::EVERY_DATES_MAX;
    let all = every_dates(step, unit, from, ahead, most);
    let coming = all.get(known.len()..).unwrap_or(&[]);
    if known.len() < VALUES_MIN {
        return Err(ExecuteError::ShortSeries { dates: known.len(), needed: VALUES_MIN });
    }
    if coming.is_empty() || coming.len() > known.len() {
        let (dates, known) = (coming.len(), known.len());
        return Err(ExecuteError::ForecastLength { dates, known });
    }
    let keys = query.partitions.len();
    let value_at = columns.len() - COLUMNS - 1;
    let mut series = gathered(&rows, &known, keys, value_at, has_zeros(&query.measure))?;
    if series.is_empty() && query.partitions.is_empty() {
        series.push(Series { keys: Vec::new(), values: vec![Some(0.0); known.len()] });
    }
    for row in &mut rows {
        row.extend(std::iter::repeat_n(Value::Null, COLUMNS));
    }
    let season = season(step, unit);
    let bounds = bounds(&query.measure);
    let (mut test, mut shapes, mut undefined) = (Test::default(), Vec::new(), 0);
    let mut continued = Vec::with_capacity(series.len());
    for Series { keys, values } in series {
        let values: Option<Vec<f64>> = values.into_iter().collect();
        let values =
            values.map(|values| values[values.len().saturating_sub(FITTED_MAX)..].to_vec());
        let fit = values.as_ref().and_then(|values| ets::model(values, season));
        let (Some(values), Some(fit)) = (values, fit) else {
            undefined += 1;
            continue;
        };
        test.add(&values, season, coming.len(), bounds);
        shapes.push(shape(&fit));
        continued.push((keys, fit.expected(coming.len())));
    }
    for (at, date) in coming.iter().enumerate() {
        for (keys, expected) in &continued {
            let mut row = vec![Value::Date(Date(date.0))];
            row.extend(keys.iter().cloned());
            row.resize(columns.len() - COLUMNS, Value::Null);
            row.extend(interval(expected[at], bounds).map(Value::Double));
            rows.push(row);
        }
    }
    notices.extend(told(&shapes, &test, undefined));
    Ok(Finished { rows, notices })
}

/// The values by group and date.
fn gathered(
    rows: &[Vec<Value>],
    known: &[Date],
    keys: usize,
    value_at: usize,
    has_zeros: bool,
) -> Result<Vec<Series>, ExecuteError> {
    let missing = has_zeros.then_some(0.0);
    let mut series: Vec<Series> = Vec::new();
    for row in rows {
        let Some(Value::Date(day)) = row.first() else { continue };
        let Ok(at) = known.binary_search(day) else { continue };
        let own = row.get(1..=keys).unwrap_or(&[]);
        let place = series.iter().position(|one| one.keys == own).unwrap_or(series.len());
        if place == series.len() {
            if place == SERIES_MAX {
                let what = "series with a forecast";
                return Err(ExecuteError::TooMany { what, limit: SERIES_MAX });
            }
            series.push(Series { keys: own.to_vec(), values: vec![missing; known.len()] });
        }
        series[place].values[at] = row.get(value_at).and_then(number).or(missing);
    }
    Ok(series)
}

#[expect(clippy::cast_precision_loss, reason = "a model is told values as floats")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Double(number) => Some(*number),
        Value::Numeric(number) => {
            Some(number.unscaled as f64 / 10_f64.powi(i32::from(number.scale)))
        }
        _ => None,
    }
}

/// Whether a date without a row is 0, and not undefined.
fn has_zeros(measure: &Measure) -> bool {
    !matches!(measure, Measure::Named(_))
}

/// What a value can be at least and at most.
fn bounds(measure: &Measure) -> (f64, f64) {
    match measure {
        Measure::Named(Named { kind: NamedKind::Reservoir, .. })
        | Measure::Count
        | Measure::Purchases(_) => (0.0, f64::MAX),
        Measure::Named(_) => (0.0, 1.0),
        _ => (f64::MIN, f64::MAX),
    }
}

/// Values of a week, or of a year of months.
fn season(step: u32, unit: StepUnit) -> usize {
    let of = |all: u32| if all.is_multiple_of(step) { all / step } else { 0 };
    let values = match unit {
        StepUnit::Day => of(7),
        StepUnit::Week => 0,
        StepUnit::Month => of(12),
    };
    usize::try_from(values).unwrap_or(0)
}

/// The mean and the ends of the interval that 95 of 100 values should fall into.
fn interval(of: Expected, (least, most): (f64, f64)) -> [f64; COLUMNS] {
    let half = Z_95 * of.deviation;
    [of.mean, of.mean - half, of.mean + half].map(|value| value.clamp(least, most))
}

impl Test {
    /// Forecasts the last values from those before them.
    fn add(&mut self, values: &[f64], season: usize, steps: usize, bounds: (f64, f64)) {
        let most = values.len().saturating_sub(VALUES_MIN);
        let held = steps.min(values.len() / 4).min(most);
        let (before, after) = values.split_at(values.len() - held);
        let Some(fit) = ets::model(before, season) else { return };
        for (of, value) in fit.expected(held).into_iter().zip(after) {
            let [mean, low, high] = interval(of, bounds);
            self.off += (mean - value).abs();
            self.sum += value.abs();
            self.within += usize::from((low..=high).contains(value));
            self.dates += 1;
        }
    }
}

fn shape(fit: &Fitted) -> String {
    let trend = if fit.shape.trend { "a damped trend" } else { "no trend" };
    match fit.shape.season {
        0 => trend.to_owned(),
        season => format!("{trend} and seasons of {season}"),
    }
}

/// How it was forecast, and what to doubt.
fn told(shapes: &[String], test: &Test, undefined: usize) -> Vec<String> {
    let mut notices = Vec::new();
    let mut kinds = shapes.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    if !kinds.is_empty() {
        let kinds = kinds.join("; ");
        notices.push(format!("forecast by exponential smoothing with {kinds}; 95 % intervals"));
    }
    if test.dates > 0 {
        let Test { dates, off, sum, within } = test;
        let error = if *sum > 0.0 {
            format!("off by {:.1} % of what came", 100.0 * off / sum)
        } else {
            format!("off by {off:.1} in all")
        };
        notices.push(format!(
            "back-test: the last {dates} values from those before them were {error}, {within} \
             within their intervals"
        ));
    } else if !shapes.is_empty() {
        notices.push("the history is too short to test the forecast on it".to_owned());
    }
    if undefined > 0 {
        notices.push(format!("{undefined} series are undefined on some date and have no forecast"));
    }
    notices
}
