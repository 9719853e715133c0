//! The time of day, which no answer depends on: it goes into records.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 UTC; none when the machine's clock is before.
pub(crate) fn now() -> Option<i64> {
    #[expect(clippy::disallowed_methods, reason = "the record of an erasure says when it was")]
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
