//! What a query runs: one pass or more over the chunks, each a COUNT, SUM, OVERLAP or PROFILE as
//! of some days. Measures that compare days in other ways are made of several.

use std::borrow::Cow;

use throng_query::plan::{Measure, Query};

use super::{asset, backtest, dates, flow, ledger};
use crate::view::View;

/// As-of days answered in one pass over the chunks: enough to share what their windows have in
/// common, few enough that what is kept for each stays small.
const DAYS_AT_ONCE: usize = 64;

/// One pass.
#[derive(Debug)]
pub struct Step<'q> {
    /// The as-of days, ascending, at least one.
    pub days: Vec<i32>,
    /// What is counted or summed.
    pub query: Cow<'q, Query>,
}

/// The passes of a query, in the order in which its finish reads them.
pub fn steps<'q>(view: &View, query: &'q Query) -> Vec<Step<'q>> {
    match &query.measure {
        Measure::Flow(flow) => flow::steps(view, query, flow),
        Measure::Asset(of) => asset::steps(view, query, of),
        Measure::Ledger(of) => ledger::steps(query, of),
        Measure::Backtest(of) => backtest::steps(view, query, of),
        Measure::Count
        | Measure::Spend(_)
        | Measure::AttributeSum { .. }
        | Measure::Overlap { .. }
        | Measure::Profile => {
            let at_once = match query.measure {
                Measure::Overlap { .. } => 1,
                _ => DAYS_AT_ONCE,
            };
            let days = dates::days(&query.dates, view);
            let step = |days: &[i32]| Step { days: days.to_vec(), query: Cow::Borrowed(query) };
            days.chunks(at_once).map(step).collect()
        }
    }
}
