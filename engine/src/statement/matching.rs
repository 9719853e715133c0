//! MATCH CONSUMER ... AGAINST AUDIENCE ...

use throng_query::date::Date;

use super::Reading;
use super::one::find;
use super::reading::text;
use crate::answer::{Answer, Value};
use crate::error::ExecuteError;

/// One row per audience, in the order asked.
pub(crate) fn run(
    reading: &Reading<'_>,
    identity: &str,
    audiences: &[String],
    as_of: Option<Date>,
) -> Result<Answer, ExecuteError> {
    let day = reading.view.as_of(as_of).0;
    let (view, options) = (reading.view, reading.options);
    let list = view.match_lists().get(view, audiences, day, options)?;
    let consumer = find(reading, identity)?;
    let matches = list.holds(view, consumer, options)?;
    let row = |(name, holds): (&String, bool)| vec![text(name), Value::Boolean(holds)];
    let rows = audiences.iter().zip(matches).map(row).collect();
    Ok(reading.answer("MATCH", rows).noting(list.notices().to_vec()))
}
