//! A log read for nothing: see [`crate::probe`].

use std::path::Path;

use super::body::CommitBody;
use super::frame::{FileKind, Origin, scan};
use crate::error::FileError;

/// Reads every batch of a log of any store, unless it claims too many rows; how many it had.
pub(crate) fn probe(path: &Path, bytes: &[u8], rows_max: u64) -> Result<u64, FileError> {
    let origin = Origin::of(bytes).unwrap_or(Origin { store_id: 0, number: 0 });
    let scan = scan(path, bytes, FileKind::Log, origin)?;
    let rows_max = usize::try_from(rows_max).unwrap_or(usize::MAX);
    let mut rows = 0;
    for record in scan.replayed.records.iter().chain(&scan.later) {
        let body = bytes.get(record.body.clone()).unwrap_or_default();
        if let Ok(body) = CommitBody::decode_within(body, rows_max) {
            rows += body.events.len() as u64;
        }
    }
    Ok(rows)
}
