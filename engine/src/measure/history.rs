//! What the store's days of data say about an answer, before and after it is given.

use throng_query::expansion;
use throng_query::plan::{Dates, Measure, Method, Named, NamedKind, Query};

use super::dates;
use super::markov::PERIOD_DAYS;
use crate::answer::Date;
use crate::error::ExecuteError;
use crate::view::View;

/// The days a valuation hangs on.
struct Needs {
    /// The stages of this day must be known.
    stages: i32,
    /// Events since this day tell those stages well enough.
    settled: i32,
    /// The days it is asked about.
    asked: Vec<i32>,
}

fn needs(view: &View, query: &Query) -> Option<Needs> {
    let day = match query.dates {
        Dates::AsOf(day) => view.as_of(day).0,
        Dates::Every { .. } => return None,
    };
    let before = |day: i32, days: u32| day.saturating_sub_unsigned(days);
    let first_stages = |day, method, horizon| match method {
        Method::Cohort => before(day, horizon),
        Method::Markov => day.saturating_sub(PERIOD_DAYS),
    };
    let (stages, horizon, asked) = match &query.measure {
        Measure::Asset(of) => {
            (first_stages(day, of.method, of.horizon_days), of.horizon_days, vec![day])
        }
        Measure::Backtest(of) => {
            let start = before(day, of.horizon_days);
            (first_stages(start, of.method, of.horizon_days), of.horizon_days, vec![day])
        }
        Measure::Ledger(of) => {
            (before(of.from.0, of.horizon_days), of.horizon_days, vec![of.from.0, of.to.0])
        }
        _ => return None,
    };
    Some(Needs { stages, settled: before(stages, horizon), asked })
}

/// Whether the store's history is long enough for a valuation.
///
/// # Errors
/// When it is not: a value from days without data would be a silent zero.
pub fn check(view: &View, query: &Query) -> Result<(), ExecuteError> {
    if query.forecast_days.is_some()
        && let Some(last) = dates::days(&query.dates, view).last()
    {
        let newest = view.newest_day().ok_or(ExecuteError::NoEvents)?;
        if *last > newest {
            let (last, newest) = (Date(*last), Date(newest));
            return Err(ExecuteError::SeriesBeyondData { last, newest });
        }
    }
    let Some(needs) = needs(view, query) else { return Ok(()) };
    match view.oldest_day() {
        None => Err(ExecuteError::NoEvents),
        Some(first) if needs.stages < first => {
            Err(ExecuteError::ShortHistory { needed: Date(needs.stages), first: Date(first) })
        }
        Some(_) => Ok(()),
    }
}

/// What the asker should know of days without data.
pub fn notices(view: &View, query: &Query) -> Vec<String> {
    let (asked, settled) = match &query.measure {
        Measure::Flow(flow) => (vec![flow.from.0, flow.to.0], None),
        Measure::Named(named) => (days_of(view, query, named), None),
        _ => match needs(view, query) {
            Some(needs) => (needs.asked, Some(needs.settled)),
            None => return Vec::new(),
        },
    };
    let Some((first, last)) = view.oldest_day().zip(view.newest_day()) else {
        return vec!["the store has no events".to_owned()];
    };
    let mut notices = Vec::new();
    for day in asked {
        if day < first {
            notices.push(format!("{} is before the first event ({})", Date(day), Date(first)));
        } else if day > last {
            notices.push(format!("{} is after the newest event ({})", Date(day), Date(last)));
        }
    }
    if let Some(settled) = settled.filter(|settled| *settled < first) {
        notices.push(format!(
            "the history is short: it begins on {}, and this is better told by events since {}",
            Date(first),
            Date(settled)
        ));
    }
    notices
}

/// The days that a measure by name compares.
fn days_of(view: &View, query: &Query, named: &Named) -> Vec<i32> {
    let Dates::AsOf(day) = query.dates else { return Vec::new() };
    let day = view.as_of(day);
    match &named.kind {
        NamedKind::Fast { days } | NamedKind::Deepening { days } => {
            vec![day.0.saturating_sub_unsigned(*days), day.0]
        }
        NamedKind::Reservoir | NamedKind::Penetration { .. } => vec![day.0],
        NamedKind::Grow(grow) => {
            let ((start, _), (_, end)) = expansion::periods(grow, day);
            vec![start.0, end.0]
        }
    }
}
