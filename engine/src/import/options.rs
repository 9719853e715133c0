//! How a file is read and what becomes of its rows.

use std::io::Read;
use std::path::PathBuf;
use std::str::FromStr;

use throng_query::plan::AttributeType;

use super::column::EventColumn;
use super::error::OptionError;

/// Bytes that one row may have. A longer one is refused with its line.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// Bytes that an identity, item or order may have.
pub const KEY_BYTES_MAX: usize = 1024;
/// Bad rows that are listed when a load fails; all of them are listed when it succeeds.
pub const REJECTS_LISTED_MAX: u64 = 1_000;
/// Bytes of a bad value that an error repeats.
pub const VALUE_SHOWN_MAX: usize = 200;
/// Rows looked at before the kind of the time column is decided.
pub const SAMPLE_ROWS: usize = 1_000;
/// Bytes of a stream of attributes, which is kept in memory to be read twice.
pub const STREAM_BYTES_MAX: usize = 256 << 20;
/// Memory for events before a load spills to temporary files, unless told otherwise.
pub const LOAD_MEMORY_DEFAULT: usize = 1 << 30;

/// Where rows come from.
pub enum EventSource {
    /// A file; compressed or not.
    File(PathBuf),
    /// A stream, such as standard input; compressed or not. Not for Parquet, which is read from its
    /// end.
    Stream {
        /// What errors call it.
        name: String,
        /// The bytes.
        reader: Box<dyn Read + Send>,
    },
}

impl EventSource {
    /// What errors call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stream { name, .. } => name.clone(),
        }
    }
}

impl std::fmt::Debug for EventSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("EventSource").field(&self.name()).finish()
    }
}

/// The format of a file, inside its compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header, or with another delimiter.
    Csv,
    /// One JSON object per line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// Its name in options.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
        }
    }
}

impl FromStr for Format {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text.to_ascii_lowercase().as_str() {
            "csv" | "tsv" => Ok(Self::Csv),
            "jsonl" | "ndjson" | "json" => Ok(Self::JsonLines),
            "parquet" => Ok(Self::Parquet),
            _ => Err(OptionError::Format { text: text.to_owned() }),
        }
    }
}

/// How bytes become rows. What is absent is found out from the first bytes.
#[derive(Debug, Clone, Default)]
pub struct InputOptions {
    /// The format.
    pub format: Option<Format>,
    /// The byte between the fields of CSV.
    pub delimiter: Option<u8>,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnSource {
    /// A column of the file. For `amount`, `a*b` names the product of two.
    Column(String),
    /// The same value in every row.
    Constant(String),
}

/// What to do with a behaviour that the store does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewBehaviours {
    /// Reject the row.
    #[default]
    Refuse,
    /// Add it to the store.
    Add,
}

/// What to do with a row without a consumer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingConsumer {
    /// Reject it.
    #[default]
    Reject,
    /// Leave it out and count it.
    Skip,
}

/// What to do with whole numbers that are written as `17850.0` where a key is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrimZero {
    /// Take them as they are.
    #[default]
    Keep,
    /// Drop the `.0`.
    Trim,
}

/// What to do with a `buy` of a negative amount or count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Returns {
    /// Reject it.
    #[default]
    Reject,
    /// Make it a `refund` of the absolute amount and count.
    Refund,
}

/// What to do with more decimals than the currency has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Reject the row.
    #[default]
    Refuse,
    /// Round to the nearest minor unit, halves away from zero.
    HalfUp,
}

/// The unit of the amounts in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AmountUnit {
    /// The currency's unit, such as yuan: `12.50`.
    #[default]
    Major,
    /// Its minor unit, such as fen: `1250`.
    Minor,
}

/// How times are written.
#[derive(Debug, Clone, Default)]
pub struct TimeOptions {
    /// `unix`, `unix-ms`, or a format in the manner of strptime. Found out from the first rows when
    /// absent.
    pub format: Option<String>,
    /// The year of dates that have none.
    pub year: Option<i16>,
}

/// What becomes of bad rows.
#[derive(Debug, Clone, Default)]
pub struct RejectOptions {
    /// How many there may be. With one more the load fails whole.
    pub max: u64,
    /// Where they are listed; none lists them nowhere but in the report.
    pub file: Option<PathBuf>,
}

/// Whether anything is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadMode {
    /// Load.
    #[default]
    Apply,
    /// Read and check everything, keep nothing.
    DryRun,
}

/// How events are loaded.
#[derive(Debug, Clone)]
pub struct EventOptions {
    /// How bytes become rows.
    pub input: InputOptions,
    /// Where columns come from that the file does not have under their own name.
    pub columns: Vec<(EventColumn, ColumnSource)>,
    /// Translations of values, by column: (column, found, meant).
    pub values: Vec<(EventColumn, String, String)>,
    /// How times are written.
    pub time: TimeOptions,
    /// Put before every identity that does not have it yet.
    pub namespace: Option<String>,
    /// Columns whose values lose a trailing `.0`, as `17850.0`.
    pub trim_zero: Vec<EventColumn>,
    /// What to do with a behaviour that the store does not know.
    pub new_behaviours: NewBehaviours,
    /// What to do with a row without a consumer.
    pub missing_consumer: MissingConsumer,
    /// What to do with a `buy` of a negative amount or count.
    pub returns: Returns,
    /// The unit of the amounts.
    pub amount_unit: AmountUnit,
    /// What to do with more decimals than the currency has.
    pub rounding: Rounding,
    /// What becomes of bad rows.
    pub rejects: RejectOptions,
    /// Applied at most once: a load with a token that was applied before changes nothing.
    pub token: Option<String>,
    /// Whether anything is to be kept.
    pub mode: LoadMode,
    /// Bytes of memory for events before they are spilled to temporary files.
    pub memory: usize,
    /// Threads that parse; as many as there are cores when absent.
    pub threads: Option<usize>,
}

impl Default for EventOptions {
    fn default() -> Self {
        Self {
            input: InputOptions::default(),
            columns: Vec::new(),
            values: Vec::new(),
            time: TimeOptions::default(),
            namespace: None,
            trim_zero: Vec::new(),
            new_behaviours: NewBehaviours::default(),
            missing_consumer: MissingConsumer::default(),
            returns: Returns::default(),
            amount_unit: AmountUnit::default(),
            rounding: Rounding::default(),
            rejects: RejectOptions::default(),
            token: None,
            mode: LoadMode::default(),
            memory: LOAD_MEMORY_DEFAULT,
            threads: None,
        }
    }
}

/// How attributes are loaded.
#[derive(Debug, Clone, Default)]
pub struct AttributeOptions {
    /// How bytes become rows.
    pub input: InputOptions,
    /// Columns under another name: (target, column of the file). The target `consumer` names the
    /// column of identities; any other is the name the attribute shall have.
    pub columns: Vec<(String, String)>,
    /// The only attributes to load, by the names they shall have; all when empty.
    pub only: Vec<String>,
    /// Types that are not to be found out, by attribute.
    pub types: Vec<(String, AttributeType)>,
    /// The brand whose view of its consumers these are; of consumers as such when absent.
    pub brand: Option<String>,
    /// Put before every identity that does not have it yet.
    pub namespace: Option<String>,
    /// What to do with identities written as `17850.0`.
    pub trim_zero: TrimZero,
    /// What to do with a row without a consumer.
    pub missing_consumer: MissingConsumer,
    /// What becomes of bad rows.
    pub rejects: RejectOptions,
    /// Applied at most once.
    pub token: Option<String>,
    /// Whether anything is to be kept.
    pub mode: LoadMode,
    /// Threads that parse; as many as there are cores when absent.
    pub threads: Option<usize>,
}

impl AttributeOptions {
    /// Reads `target=source`, as `--map` takes it.
    ///
    /// # Errors
    /// When there is no `=`.
    pub fn map(&mut self, text: &str) -> Result<(), OptionError> {
        let (target, source) = pair(text)?;
        self.columns.push((target.to_owned(), source.to_owned()));
        Ok(())
    }

    /// Reads `attribute=type`, as `--type` takes it.
    ///
    /// # Errors
    /// When there is no `=`, or no such type.
    pub fn set_type(&mut self, text: &str) -> Result<(), OptionError> {
        let (name, kind) = pair(text)?;
        self.types.push((name.to_owned(), parse_type(kind)?));
        Ok(())
    }
}

/// Reads the name of a type.
fn parse_type(text: &str) -> Result<AttributeType, OptionError> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')'));
    match (lower.as_str(), digits) {
        ("text", _) => Ok(AttributeType::Text),
        ("integer", _) => Ok(AttributeType::Integer),
        ("boolean", _) => Ok(AttributeType::Boolean),
        ("date", _) => Ok(AttributeType::Date),
        (_, Some(digits)) => match digits.trim().parse() {
            Ok(scale @ 0..=9) => Ok(AttributeType::Decimal { scale }),
            _ => Err(OptionError::Type { text: text.to_owned() }),
        },
        _ => Err(OptionError::Type { text: text.to_owned() }),
    }
}

/// The name of a type, as [`AttributeOptions::set_type`] reads it.
pub(super) fn type_name(kind: AttributeType) -> String {
    match kind {
        AttributeType::Text => "text".to_owned(),
        AttributeType::Integer => "integer".to_owned(),
        AttributeType::Boolean => "boolean".to_owned(),
        AttributeType::Date => "date".to_owned(),
        AttributeType::Decimal { scale } => format!("decimal({scale})"),
    }
}

impl EventOptions {
    /// Reads `target=source`, as `--map` takes it.
    ///
    /// # Errors
    /// When there is no `=`, or the target is no column.
    pub fn map(&mut self, text: &str) -> Result<(), OptionError> {
        let (target, source) = pair(text)?;
        self.columns.push((target.parse()?, ColumnSource::Column(source.to_owned())));
        Ok(())
    }

    /// Reads `target=constant`, as `--set` takes it.
    ///
    /// # Errors
    /// When there is no `=`, or the target is no column.
    pub fn set(&mut self, text: &str) -> Result<(), OptionError> {
        let (target, value) = pair(text)?;
        self.columns.push((target.parse()?, ColumnSource::Constant(value.to_owned())));
        Ok(())
    }

    /// Reads `target:found=meant,found=meant`, as `--values` takes it.
    ///
    /// # Errors
    /// When it is written otherwise, or the target's values cannot be translated.
    pub fn translate(&mut self, text: &str) -> Result<(), OptionError> {
        let wrong = || OptionError::Values { text: text.to_owned() };
        let (target, pairs) = text.split_once(':').ok_or_else(wrong)?;
        let column: EventColumn = target.trim().parse()?;
        let names = [
            EventColumn::Brand,
            EventColumn::Behaviour,
            EventColumn::Touchpoint,
            EventColumn::Category,
        ];
        if !names.contains(&column) {
            return Err(OptionError::Untranslatable { column });
        }
        for item in pairs.split(',') {
            let (found, meant) = item.split_once('=').ok_or_else(wrong)?;
            self.values.push((column, found.trim().to_owned(), meant.trim().to_owned()));
        }
        Ok(())
    }
}

fn pair(text: &str) -> Result<(&str, &str), OptionError> {
    match text.split_once('=') {
        Some((target, source)) if !target.trim().is_empty() => Ok((target.trim(), source.trim())),
        _ => Err(OptionError::Pair { text: text.to_owned() }),
    }
}
