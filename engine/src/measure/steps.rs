//! What a query runs: one pass or more over the chunks, each a COUNT, SUM, OVERLAP or PROFILE as
//! of one day. Measures that compare days are made of several.

use std::borrow::Cow;

use throng_query::plan::{Measure, Query};

use super::{asset, backtest, dates, flow, ledger};
use crate::view::View;

/// One pass.
#[derive(Debug)]
pub struct Step<'q> {
    /// The as-of day.
    pub day: i32,
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
            let days = dates::days(&query.dates, view).into_iter();
            days.map(|day| Step { day, query: Cow::Borrowed(query) }).collect()
        }
    }
}
