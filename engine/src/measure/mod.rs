//! Measures: what is counted or summed over the sets of a program, and how it becomes rows.
//!
//! A run gives a [`Partial`], which adds up over the stores of a sharded market; ratios are
//! formed only when a partial becomes an answer.

mod asset;
mod backtest;
mod bandwidth;
mod brief;
mod chain;
mod cohort;
mod combined;
mod counted;
mod dates;
mod ets;
mod explain;
mod explain_json;
mod finish;
mod flow;
mod forecast;
mod fraction;
mod group;
mod groups;
mod grow;
mod history;
mod led;
mod ledger;
mod markov;
mod moves;
mod named;
mod order;
mod overlap;
mod pairs;
mod partial;
mod profile;
mod regions;
mod remembered;
mod simplex;
mod steps;
mod tally;
mod timeline;
mod worth;

pub(crate) use counted::{Asked, Counted};
pub use explain::explain;
pub use finish::finish;
pub(crate) use group::counts;
pub use partial::{DayPartial, GroupKey, Partial};
pub(crate) use steps::uses;

use std::collections::BTreeMap;

use throng_query::plan::{Column, Measure, Query};

use steps::steps;

use crate::answer::Answer;
use crate::database::ExecuteOptions;
use crate::error::{ExecuteError, MemoryUse};
use crate::exec::{Bounds, Program, Timing, Trace};
use crate::view::View;

/// Bytes of a value in a row, texts included.
const VALUE_BYTES: usize = 48;

/// The program of some days with what running it touched.
#[derive(Debug)]
pub(crate) struct DaysTrace {
    /// The as-of days, ascending.
    pub(crate) days: Vec<i32>,
    /// What was run.
    pub(crate) program: Program,
    /// What it touched.
    pub(crate) trace: Trace,
}

/// Answers a query.
///
/// # Errors
/// See [`ExecuteError`].
pub fn run(
    view: &View,
    query: &Query,
    columns: &[Column],
    options: &ExecuteOptions,
) -> Result<Answer, ExecuteError> {
    history::check(view, query)?;
    let bounds = Bounds::new(options, Timing::Off);
    let (partial, _) = traced(view, query, &bounds)?;
    let groups = |day: &DayPartial| day.groups.iter().map(BTreeMap::len).sum::<usize>();
    let rows: usize = partial.days.iter().map(|day| groups(day) + day.overlap.len()).sum();
    bounds.keep(rows * columns.len() * VALUE_BYTES, MemoryUse::Answer)?;
    bounds.check()?;
    let mut answer = finish(query, columns, &partial)?;
    answer.notices.splice(0..0, history::notices(view, query));
    Ok(answer)
}

/// Runs a query up to the point where the results of several stores may be added.
///
/// # Errors
/// See [`ExecuteError`].
pub fn partial(
    view: &View,
    query: &Query,
    options: &ExecuteOptions,
) -> Result<Partial, ExecuteError> {
    Ok(traced(view, query, &Bounds::new(options, Timing::Off))?.0)
}

pub(crate) fn traced(
    view: &View,
    query: &Query,
    bounds: &Bounds,
) -> Result<(Partial, Vec<DaysTrace>), ExecuteError> {
    let mut partial = Partial::default();
    let mut traces = Vec::new();
    let steps = steps(view, query);
    if !brief::may_be(query, &steps) {
        bounds.begin_long()?;
    }
    for step in steps {
        bounds.check()?;
        let (parts, program, trace) = match &step.query.measure {
            Measure::Overlap { operands, shape } => {
                overlap::run(view, &step.query, operands, *shape, &step.days, bounds)?
            }
            _ => group::run(view, &step, bounds)?,
        };
        partial.days.extend(parts);
        traces.push(DaysTrace { days: step.days, program, trace });
    }
    Ok((partial, traces))
}
