//! What can go wrong with bytes, one enum per family of operations.

use std::path::PathBuf;

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
