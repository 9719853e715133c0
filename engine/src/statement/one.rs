//! One consumer: who it is, and which sets it is in.

use throng_query::plan::Set;
use throng_storage::store::KeyTable;

use super::Reading;
use crate::error::ExecuteError;
use crate::exec::{self, OneConsumer};
use crate::identity::key_of;

/// The consumer of an identity.
pub(super) fn find(reading: &Reading<'_>, identity: &str) -> Result<u32, ExecuteError> {
    let key = key_of(identity).as_bytes();
    let found = reading.view.snapshot().id(KeyTable::Consumer, key)?;
    found.ok_or_else(|| ExecuteError::UnknownConsumer { identity: identity.to_owned() })
}

/// Which of the sets the consumer is in.
pub(super) fn holds(
    reading: &Reading<'_>,
    sets: &[Set],
    day: i32,
    consumer: &mut OneConsumer<'_>,
) -> Result<Vec<bool>, ExecuteError> {
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    exec::contains_one(consumer, sets, day, reading.options)
}
