//! What can go wrong with bytes, one enum per family of operations.

use std::path::PathBuf;

use crate::io::IoError;

/// Bytes of a file that cannot be trusted. Never answered from.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}: byte {offset}: {what}", path.display())]
pub struct CorruptError {
    /// The file.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Why an immutable file (a segment, an index file) cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is something else.
    #[error("{}: not a Throng {expected}", path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it should have been.
        expected: &'static str,
    },
    /// Another version of Throng wrote it.
    #[error("{}: format version {found}, this Throng reads version {newest}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that this program reads.
        newest: u32,
    },
    /// Its bytes cannot be trusted.
    #[error(transparent)]
    Corrupt(#[from] CorruptError),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] IoError),
}
