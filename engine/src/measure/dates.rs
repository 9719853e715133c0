//! The as-of days of a statement.

use throng_query::plan::Dates;
use throng_query::{every_dates, limits};

use crate::view::View;

/// The days a query is answered as of, ascending.
pub fn days(dates: &Dates, view: &View) -> Vec<i32> {
    match *dates {
        Dates::AsOf(day) => vec![view.as_of(day).0],
        Dates::Every { step, unit, from, to } => {
            let days = every_dates(step, unit, from, to, limits::EVERY_DATES_MAX);
            days.into_iter().map(|day| day.0).collect()
        }
    }
}
