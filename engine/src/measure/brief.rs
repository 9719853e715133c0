//! Which queries are brief when the memo has their numbers.

use throng_query::plan::{Measure, Query};

use super::steps::Step;

/// Days of all passes together: each is compiled.
const DAYS_MAX: usize = 8;
/// Sets of an overlap: each is compiled, and looked up in every segment.
const SETS_MAX: usize = 32;

/// Whether nothing but reading takes long, so that it is brief where nothing is read.
pub fn may_be(query: &Query, steps: &[Step<'_>]) -> bool {
    let days: usize = steps.iter().map(|step| step.days.len()).sum();
    let is_light = match query.measure {
        Measure::Count
        | Measure::Spend(_)
        | Measure::AttributeSum { .. }
        | Measure::Profile
        | Measure::Compare { .. }
        | Measure::Flow(_)
        | Measure::Ledger(_)
        | Measure::Purchases(_) => true,
        Measure::Overlap { ref operands, .. } => operands.len() <= SETS_MAX,
        // They compute with what was counted.
        Measure::Asset(_) | Measure::Backtest(_) | Measure::Named(_) => false,
    };
    is_light && days <= DAYS_MAX
}
