//! What a load did, and how far it is.

use std::path::PathBuf;
use std::time::Duration;

use super::error::Reject;
use super::options::Format;
use super::source::Compression;
use crate::answer::Date;

/// How far a load is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Bytes read of the file as it is on disk.
    pub bytes: u64,
    /// Bytes of the file, where that is known.
    pub bytes_total: Option<u64>,
    /// Events read; when writing, events written.
    pub events: u64,
    /// When writing, events to be written.
    pub events_total: u64,
}

/// What a load is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading and checking rows.
    Reading,
    /// Sorting and writing segments.
    Writing,
}

/// How a file was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Understood {
    /// Its format.
    pub format: Format,
    /// Its compression.
    pub compression: Compression,
    /// The delimiter of CSV.
    pub delimiter: Option<char>,
    /// Columns that are loaded: what of the event or consumer, from where, and as what.
    pub columns: Vec<ColumnUse>,
    /// Columns of the file that are not loaded.
    pub unused: Vec<String>,
    /// What looks like a mistake.
    pub notices: Vec<String>,
}

/// How one column was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnUse {
    /// The column of the event, or the attribute.
    pub column: String,
    /// Where its values come from.
    pub source: String,
    /// As what they are read: a format of times, a type.
    pub kind: String,
    /// The first value.
    pub example: String,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// The file.
    pub file: String,
    /// How it was understood. None when its token had been applied before: it was not read.
    pub understood: Option<Understood>,
    /// Whether its token had been applied before. Then nothing changed.
    pub repeated: bool,
    /// Rows read.
    pub rows: u64,
    /// Events kept; for attributes, the values that were.
    pub kept: u64,
    /// Rows without a consumer that were left out because that was asked for.
    pub skipped: u64,
    /// Consumers that the store did not know.
    pub new_consumers: u64,
    /// Rows rejected, by kind of reason, most first.
    pub rejects: Vec<(&'static str, u64)>,
    /// The first rejected rows.
    pub first_rejects: Vec<Reject>,
    /// Where all are listed.
    pub reject_file: Option<PathBuf>,
    /// The first and the last day of the events.
    pub days: Option<(Date, Date)>,
    /// Bytes read of the file as it is on disk.
    pub bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl LoadReport {
    /// How many rows were rejected.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejects.iter().map(|&(_, count)| count).sum()
    }
}
