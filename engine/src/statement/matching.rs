//! MATCH CONSUMER ... AGAINST AUDIENCE ...

use throng_query::date::Date;
use throng_query::plan::{NameKind, Set};

use super::Reading;
use super::one::find;
use super::reading::text;
use crate::answer::{Answer, Value};
use crate::definition::{Uses, told};
use crate::error::ExecuteError;
use crate::exec;

/// One row per audience, in the order asked.
pub(crate) fn run(
    reading: &Reading<'_>,
    identity: &str,
    audiences: &[String],
    as_of: Option<Date>,
) -> Result<Answer, ExecuteError> {
    for name in audiences {
        if reading.view.audience(name).is_none() {
            return Err(ExecuteError::Unknown { kind: NameKind::Audience, name: name.clone() });
        }
    }
    let consumer = find(reading, identity)?;
    let sets: Vec<Set> = audiences.iter().cloned().map(Set::Audience).collect();
    let day = reading.view.as_of(as_of).0;
    let matches = exec::contains(reading.view, &sets, day, consumer, reading.options)?;
    let row = |(name, holds): (&String, bool)| vec![text(name), Value::Boolean(holds)];
    let rows = audiences.iter().zip(matches).map(row).collect();
    let mut uses = Uses::default();
    sets.iter().for_each(|set| uses.add(set));
    Ok(reading.answer("MATCH", rows).noting(told(reading.view, &uses)))
}
