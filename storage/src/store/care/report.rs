//! What looking at a store found.

use super::finding::{Finding, Note};

/// What looking at a store found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What a crash left, and the next opening puts in order.
    pub notes: Vec<Note>,
    /// Files that belong to the store.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Events in segments and in the log.
    pub events: u64,
}

impl Report {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}
