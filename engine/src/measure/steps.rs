//! What a query runs: one pass or more over the chunks, each a COUNT, SUM, OVERLAP or PROFILE as
//! of some days. Measures that compare days in other ways are made of several.

use std::borrow::Cow;

use throng_query::plan::{Measure, Query, Set};

use super::{asset, backtest, dates, flow, ledger, named, profile};
use crate::definition::Uses;
use crate::view::View;

/// As-of days answered in one pass over the chunks: enough to share what their windows have in
/// common, few enough that what is kept for each stays small.
pub const DAYS_AT_ONCE: usize = 64;

/// One pass.
#[derive(Debug)]
pub struct Step<'q> {
    /// The as-of days, ascending, at least one.
    pub days: Vec<i32>,
    /// What is counted or summed.
    pub query: Cow<'q, Query>,
    /// Of each day, the sets counted within the filter, each in a channel of its own; without
    /// them the filter is the first channel and VERSUS the second.
    pub parts: Vec<Vec<Set>>,
    /// Of each day what is counted or summed instead, where the days differ in more than their
    /// windows; all of the same measure and number of partitions.
    pub others: Vec<Query>,
}

impl<'q> Step<'q> {
    /// A pass of one query.
    pub fn new(days: Vec<i32>, query: Cow<'q, Query>) -> Self {
        Self { days, query, parts: Vec::new(), others: Vec::new() }
    }

    /// What is asked of a day, by its place.
    pub fn of_day(&self, place: usize) -> &Query {
        self.others.get(place).unwrap_or(&self.query)
    }
}

/// The passes of a query, in the order in which its finish reads them.
pub fn steps<'q>(view: &View, query: &'q Query) -> Vec<Step<'q>> {
    match &query.measure {
        Measure::Flow(flow) => flow::steps(view, query, flow),
        Measure::Asset(of) => asset::steps(view, query, of),
        Measure::Ledger(of) => ledger::steps(query, of),
        Measure::Backtest(of) => backtest::steps(view, query, of),
        Measure::Named(of) => named::steps(view, query, of),
        Measure::Count
        | Measure::Spend(_)
        | Measure::Purchases(_)
        | Measure::AttributeSum { .. }
        | Measure::Overlap { .. }
        | Measure::Profile => each_day(view, Cow::Borrowed(query)),
        Measure::Compare { set, base } => {
            each_day(view, Cow::Owned(profile::of_compared(query, &set.set, &base.set)))
        }
    }
}

/// What the answer of a query hangs on: what the passes it is made of refer to.
pub(crate) fn uses(view: &View, query: &Query) -> Uses {
    let mut uses = Uses::default();
    for Step { query, parts, .. } in steps(view, query) {
        uses.add_query(&query);
        parts.iter().flatten().for_each(|set| uses.add(set));
    }
    uses
}

/// One pass for as many days as may share one.
fn each_day<'q>(view: &View, query: Cow<'q, Query>) -> Vec<Step<'q>> {
    let at_once = match query.measure {
        Measure::Overlap { .. } => 1,
        _ => DAYS_AT_ONCE,
    };
    let days = dates::days(&query.dates, view);
    let step = |days: &[i32]| Step::new(days.to_vec(), query.clone());
    days.chunks(at_once).map(step).collect()
}
