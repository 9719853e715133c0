//! Why a row is rejected, and why a load fails.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use throng_storage::names::NameError;
use throng_storage::store::WriteError;

use crate::attribute::AttributeError;
use crate::error::DefinitionError;

use super::column::{ColumnError, EventColumn};
use super::options::{KEY_BYTES_MAX, REJECTS_LISTED_MAX, ROW_BYTES_MAX};

/// An option that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// Not `target=source`.
    #[error("`{text}` is not of the form target=source")]
    Pair {
        /// What was given.
        text: String,
    },
    /// Not `target:found=meant,...`.
    #[error("`{text}` is not of the form target:found=meant,found=meant")]
    Values {
        /// What was given.
        text: String,
    },
    /// Only names are translated.
    #[error(
        "values of `{column}` cannot be translated; brand, behaviour, touchpoint and category can"
    )]
    Untranslatable {
        /// The column.
        column: EventColumn,
    },
    /// Only texts are trimmed.
    #[error("`{column}` is a number or a time: it has no `.0` to trim")]
    Untrimmable {
        /// The column.
        column: EventColumn,
    },
    /// No such column.
    #[error(transparent)]
    Column(#[from] ColumnError),
    /// A column with two sources.
    #[error("column `{column}` is mapped or set twice")]
    Twice {
        /// The column.
        column: EventColumn,
    },
    /// No such format.
    #[error("`{text}` is no format; csv, jsonl and parquet are")]
    Format {
        /// What was given.
        text: String,
    },
    /// A delimiter that cannot delimit.
    #[error("a delimiter is one ASCII character other than a quote or a line end")]
    Delimiter,
    /// A namespace that would not be one.
    #[error("`{text}` is no namespace: it has 1 to 64 letters, digits, `_`, `-` or `.`")]
    Namespace {
        /// What was given.
        text: String,
    },
    /// A format of times that nothing matches.
    #[error("`{text}` is no format of times: {reason}")]
    TimeFormat {
        /// What was given.
        text: String,
        /// What is wrong.
        reason: String,
    },
    /// A type that attributes do not have.
    #[error("`{text}` is no type; text, integer, decimal(DIGITS), boolean and date are")]
    Type {
        /// What was given.
        text: String,
    },
}

/// Why a row is bad.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A required value is absent.
    #[error("empty; every row needs one")]
    Missing,
    /// More or fewer fields than the header.
    #[error("the row has {found} fields, the header has {expected}")]
    Fields {
        /// In the row.
        found: usize,
        /// In the header.
        expected: usize,
    },
    /// A quote that is not closed.
    #[error("a quote is opened here and never closed")]
    Unclosed,
    /// A quote closed before the field ends.
    #[error("there is text after the closing quote")]
    AfterQuote,
    /// A row that is too long.
    #[error("the row has {found} bytes, at most {ROW_BYTES_MAX} are taken")]
    RowLength {
        /// Its bytes.
        found: usize,
    },
    /// Not text.
    #[error("byte {at} of the value is not UTF-8")]
    Utf8 {
        /// The first bad byte.
        at: usize,
    },
    /// Not a JSON object.
    #[error("not a JSON object on one line: {what} at column {at}")]
    Json {
        /// What the parser found.
        what: String,
        /// Where.
        at: usize,
    },
    /// A nested JSON value.
    #[error("a list or an object where a single value is expected")]
    Nested,
    /// A key that is too long.
    #[error("has {found} bytes, at most {KEY_BYTES_MAX} are taken")]
    KeyLength {
        /// Its bytes.
        found: usize,
    },
    /// An identity that is only a namespace.
    #[error("an identity with nothing after its namespace")]
    Identity,
    /// A name that cannot be kept.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A behaviour that the store does not know.
    #[error("unknown behaviour{}", suggested(suggestion.as_deref()))]
    Behaviour {
        /// The one that may have been meant.
        suggestion: Option<String>,
    },
    /// Not a time.
    #[error(
        "not a time; written as 2017-11-11, 2017-11-11 20:15:00, RFC 3339, 20171111 or unix \
             time, or as --time-format says"
    )]
    Time,
    /// A time of another format than the file's.
    #[error("not a time in {format}, which is what the other rows have")]
    TimeFormat {
        /// The format.
        format: String,
    },
    /// Digits that can be read in two ways.
    #[error("can be read as {other} but the first rows are {format}; say which with --time-format")]
    TimeMixed {
        /// What the first rows are.
        format: &'static str,
        /// What this one may be.
        other: &'static str,
    },
    /// A date without a year.
    #[error("has no year; --time-year gives one")]
    NoYear,
    /// Too early.
    #[error("before 1970-01-01, the first day there is")]
    TooEarly,
    /// Too late.
    #[error("after 2149-06-05, the last day there is")]
    TooLate,
    /// Not a number.
    #[error("not a number")]
    Number,
    /// A number too large to be kept.
    #[error("too large a number")]
    Large,
    /// More decimals than the currency has.
    #[error("has {found} decimals, the currency has {exponent}; --round-amounts rounds")]
    Decimals {
        /// In the value.
        found: u32,
        /// Of the currency.
        exponent: u32,
    },
    /// Money given back by another behaviour than `refund`.
    #[error("negative; --returns-as-refunds makes a refund of a negative buy")]
    Negative,
    /// A refund below zero.
    #[error("negative; a refund's amount is written as what was given back")]
    NegativeRefund,
    /// A count that is no positive whole number.
    #[error("not a whole number of 1 or more")]
    Count,
    /// A value of another type than its attribute's.
    #[error("not {expected}")]
    Type {
        /// The type, with its article.
        expected: &'static str,
    },
}

fn suggested(suggestion: Option<&str>) -> String {
    match suggestion {
        Some(name) => format!("; did you mean `{name}`?"),
        None => "; --new-behaviours adds it".to_owned(),
    }
}

impl Reason {
    /// A few words that are the same for all reasons of one kind, to count them by.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "a value is missing",
            Self::Fields { .. } => "wrong number of fields",
            Self::Unclosed | Self::AfterQuote => "quotes",
            Self::RowLength { .. } => "row too long",
            Self::Utf8 { .. } => "not UTF-8",
            Self::Json { .. } | Self::Nested => "not a flat JSON object",
            Self::KeyLength { .. } | Self::Identity => "not an identity or key",
            Self::Name(_) => "not a name",
            Self::Behaviour { .. } => "unknown behaviour",
            Self::Time | Self::TimeFormat { .. } | Self::NoYear => "not a time",
            Self::TimeMixed { .. } => "ambiguous time",
            Self::TooEarly | Self::TooLate => "time out of range",
            Self::Number | Self::Large => "not a number",
            Self::Decimals { .. } => "too many decimals",
            Self::Negative | Self::NegativeRefund => "negative amount",
            Self::Count => "not a count",
            Self::Type { .. } => "wrong type",
        }
    }
}

/// A bad row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject {
    /// The file.
    pub file: Arc<str>,
    /// The line on which the row begins, from 1; in Parquet, the row.
    pub line: u64,
    /// The column of the file, or of the event where it has no column of its own. Empty when it is
    /// the whole row.
    pub column: Arc<str>,
    /// The bad value, shortened to [`super::VALUE_SHOWN_MAX`] bytes.
    pub value: String,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)?;
        if !self.column.is_empty() {
            write!(f, ":{}", self.column)?;
        }
        if !self.value.is_empty() {
            write!(f, ": `{}`", self.value.escape_debug())?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Why a load failed. Nothing of the file was kept.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// An option that cannot be understood.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The file cannot be opened.
    #[error("cannot open {file}: {source}")]
    Open {
        /// The file.
        file: Arc<str>,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read, or its compression is broken.
    #[error("cannot read {file} at byte {offset}: {source}")]
    Read {
        /// The file.
        file: Arc<str>,
        /// After how many bytes of its content.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// Not a file.
    #[error("{file} is a directory; name its files")]
    Directory {
        /// The directory.
        file: Arc<str>,
    },
    /// No bytes.
    #[error("{file} is empty: not even a header")]
    Empty {
        /// The file.
        file: Arc<str>,
    },
    /// Only a header.
    #[error("{file} has a header but no rows")]
    NoRows {
        /// The file.
        file: Arc<str>,
    },
    /// Not text, nor any format we read.
    #[error(
        "{file} is neither text nor Parquet{}: byte {offset} of its content is {byte:#04x}",
        binary(what)
    )]
    Binary {
        /// The file.
        file: Arc<str>,
        /// What it looks like; empty when that is not known.
        what: &'static str,
        /// The first byte that text does not have.
        offset: u64,
        /// That byte.
        byte: u8,
    },
    /// JSON, but not one object a line.
    #[error("{file}:1:1: a JSON list; write one object per line (JSON lines)")]
    JsonList {
        /// The file.
        file: Arc<str>,
    },
    /// A row without an end.
    #[error(
        "{file}:{line}:1: this row has more than {ROW_BYTES_MAX} bytes, the most a row may \
             have; is a quote never closed?"
    )]
    RowTooLong {
        /// The file.
        file: Arc<str>,
        /// Where the row begins.
        line: u64,
    },
    /// The header is not text or not CSV.
    #[error("{file}:1:{position}: the header cannot be read: {reason}")]
    Header {
        /// The file.
        file: Arc<str>,
        /// Which field, from 1.
        position: usize,
        /// What is wrong.
        reason: Reason,
    },
    /// Two columns of one name.
    #[error("{file}:1: columns {first} and {second} are both called `{column}`")]
    DuplicateColumn {
        /// The file.
        file: Arc<str>,
        /// The name.
        column: String,
        /// Its first position, from 1.
        first: usize,
        /// Its second.
        second: usize,
    },
    /// A required column that the file does not have.
    #[error("{file}:1: no column `{column}`; {}", missing(column, suggestion.as_deref(), found))]
    MissingColumn {
        /// The file.
        file: Arc<str>,
        /// The column.
        column: &'static str,
        /// A column of the file that may be meant.
        suggestion: Option<String>,
        /// The columns of the file.
        found: Vec<String>,
    },
    /// A mapped column that the file does not have.
    #[error("{file}:1: no column `{source_column}`, which `{column}` is mapped to{}",
            meant(suggestion.as_deref(), found))]
    UnknownSource {
        /// The file.
        file: Arc<str>,
        /// The target.
        column: String,
        /// The column asked for.
        source_column: String,
        /// A column of the file that may be meant.
        suggestion: Option<String>,
        /// The columns of the file.
        found: Vec<String>,
    },
    /// A type for a column that the file does not have.
    #[error("{file}:1: no column `{column}` to have a type")]
    UntypedColumn {
        /// The file.
        file: Arc<str>,
        /// The column.
        column: String,
    },
    /// Too many bad rows.
    #[error("{first}{}", rejected(*count, *max, rejects.as_ref()))]
    Rejected {
        /// The first of them.
        first: Box<Reject>,
        /// How many were found before the load gave up.
        count: u64,
        /// How many there may be.
        max: u64,
        /// Where they are listed.
        rejects: Option<PathBuf>,
    },
    /// The list of bad rows cannot be written.
    #[error("cannot write the rejected rows to {}: {source}", path.display())]
    RejectFile {
        /// The list.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Parquet that cannot be read.
    #[error("{file}: {source}")]
    Parquet {
        /// The file.
        file: Arc<str>,
        /// Why.
        source: parquet::errors::ParquetError,
    },
    /// Parquet from a stream or in another compression.
    #[error("{file}: Parquet is read from its end: give it as an uncompressed file")]
    ParquetStream {
        /// The file.
        file: Arc<str>,
    },
    /// More rows in one COPY than are kept in memory.
    #[error("line {line}: a COPY may have {limit} bytes of rows; split it, or use `throng load`")]
    CopyTooLarge {
        /// Where.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// More input than is kept in memory to be read twice.
    #[error(
        "{file}: attributes are read twice, and a stream of more than {limit} bytes cannot be; \
             give them as a file"
    )]
    StreamTooLarge {
        /// The stream.
        file: Arc<str>,
        /// The limit.
        limit: usize,
    },
    /// A type that contradicts the store's.
    #[error("{file}: attribute `{attribute}` is {stored} in the store, not {asked}")]
    AttributeType {
        /// The file.
        file: Arc<str>,
        /// The attribute.
        attribute: String,
        /// Its type in the store.
        stored: String,
        /// The type asked for.
        asked: String,
    },
    /// Only the column of consumers.
    #[error("{file}: no column holds an attribute")]
    NoAttributes {
        /// The file.
        file: Arc<str>,
    },
    /// The attributes could not be written.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
    /// The store's definitions cannot be read.
    #[error(transparent)]
    Definition(#[from] DefinitionError),
    /// The store's time zone is not known here.
    #[error(transparent)]
    Zone(#[from] crate::time::ZoneError),
    /// The currency of a new store is not known.
    #[error(transparent)]
    Currency(#[from] crate::currency::CurrencyError),
    /// The store did not take it.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A worker ended before its time.
    #[error("a thread of the load ended unexpectedly")]
    Worker,
}

fn binary(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!(" (it looks like {what})") }
}

fn missing(column: &str, suggestion: Option<&str>, found: &[String]) -> String {
    match suggestion {
        Some(name) => {
            format!("did you mean `{name}`? then add --map \"{column}={name}\"")
        }
        None => format!(
            "name it with --map {column}=SOURCE or give it with --set {column}=VALUE; the file \
             has {}",
            list(found)
        ),
    }
}

fn meant(suggestion: Option<&str>, found: &[String]) -> String {
    match suggestion {
        Some(name) => format!("; did you mean `{name}`?"),
        None => format!("; the file has {}", list(found)),
    }
}

fn list(names: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(", ...");
    }
    text
}

fn rejected(count: u64, max: u64, rejects: Option<&PathBuf>) -> String {
    // Where the list ends, so does the reading.
    let least =
        if count >= REJECTS_LISTED_MAX.max(max.saturating_add(1)) { "at least " } else { "" };
    let mut text =
        format!("\n{least}{count} bad rows, at most {max} may be rejected; nothing was loaded");
    if let Some(path) = rejects {
        text.push_str(&format!("; the bad rows are listed in {}", path.display()));
    }
    text
}
