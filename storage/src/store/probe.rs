//! The files of a store read for nothing: see [`crate::probe`].

use std::path::Path;

use super::care::{probe_index, probe_segment};
use super::error::OpenError;
use super::open::read_identity;
use super::recover::decode_dump;
use crate::error::{CorruptError, FileError};
use crate::index::IndexFile;
use crate::segment::Segment;

/// A STORE file.
pub(crate) fn identity(path: &Path, bytes: &[u8]) -> Result<u64, FileError> {
    match read_identity(path, bytes) {
        Ok(_) => Ok(0),
        Err(OpenError::Corrupt(error)) => Err(error.into()),
        Err(OpenError::Version { path, found, newest }) => {
            Err(FileError::Version { path, found, newest })
        }
        Err(_) => {
            let what = "not the settings of a store";
            Err(CorruptError { path: path.to_owned(), offset: 0, what }.into())
        }
    }
}

/// A dump of definitions, whoever's it is.
pub(crate) fn dump(path: &Path, bytes: &[u8]) -> Result<u64, FileError> {
    decode_dump(path, bytes).map(|(_, entries)| entries.len() as u64)
}

/// A segment; its rows are decoded unless there are too many.
pub(crate) fn segment(segment: &Segment, rows_max: u64) -> Result<u64, FileError> {
    let presence = segment.presence().map_or(0, |lane| lane.rows());
    let rows = segment.rows() + presence;
    if rows <= rows_max {
        probe_segment(segment);
        return Ok(rows);
    }
    Ok(0)
}

/// An index file.
pub(crate) fn index(index: &IndexFile) -> Result<u64, FileError> {
    probe_index(index);
    Ok(0)
}
