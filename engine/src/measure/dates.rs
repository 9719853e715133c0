//! The as-of days of a statement.

use throng_query::plan::{Dates, StepUnit};

use crate::view::View;

/// The days a query is answered as of, ascending.
pub fn days(dates: &Dates, view: &View) -> Vec<i32> {
    let (step, unit, from, to) = match *dates {
        Dates::AsOf(day) => return vec![view.as_of(day).0],
        Dates::Every { step, unit, from, to } => (step.max(1), unit, from, to),
    };
    let nth = |n: u32| {
        let steps = n.checked_mul(step)?;
        match unit {
            StepUnit::Day => from.0.checked_add_unsigned(steps),
            StepUnit::Week => from.0.checked_add_unsigned(steps.checked_mul(7)?),
            StepUnit::Month => Some(from.plus_months(steps).0),
        }
    };
    (0..).map_while(nth).take_while(|day| *day <= to.0).collect()
}
