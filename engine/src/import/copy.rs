//! Events that arrive piece by piece, as a client's COPY sends them: checked as they come, applied
//! together at the end.

use std::sync::Arc;

use throng_storage::names::Names;
use throng_storage::store::{BulkOptions, Outcome, Settings};

use super::batch::EventBatch;
use super::block::{Block, Syntax};
use super::error::{LoadError, Reject};
use super::events::resolve;
use super::options::{EventOptions, LOAD_MEMORY_DEFAULT, ROW_BYTES_MAX, SAMPLE_ROWS};
use super::pipeline::RowParser;
use super::plan::{EventPlan, Target, check_delimiter};
use super::record::Record;
use super::row::EventRows;
use super::time::TimeReader;
use crate::database::Database;

/// Bytes of rows that one COPY may have once they are read: about 20 million events.
pub const COPY_BYTES_MAX: usize = 1 << 30;
/// Events up to which a COPY goes through the log, beside other small batches.
pub const LOGGED_EVENTS_MAX: usize = 100_000;
/// Bytes that are gathered before their rows are read.
const FEED_BYTES: usize = 256 << 10;
/// What errors call the stream.
const NAME: &str = "COPY";

/// How the rows of a COPY are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyFormat {
    /// `FORMAT csv`: quotes and escapes are `"`; an empty field has no value.
    Csv,
    /// `FORMAT text`: backslash escapes; `\N` has no value.
    Text,
}

/// Whether the first row is a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyHeader {
    /// There is none.
    Absent,
    /// The first row is skipped.
    Skip,
}

/// The shape of a COPY's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvDialect {
    /// How rows are written.
    pub format: CopyFormat,
    /// The byte between fields.
    pub delimiter: u8,
    /// Whether the first row is a header.
    pub header: CopyHeader,
}

impl CsvDialect {
    /// The dialect of `FORMAT csv` without further options.
    #[must_use]
    pub fn csv() -> Self {
        Self { format: CopyFormat::Csv, delimiter: b',', header: CopyHeader::Absent }
    }

    /// The dialect of COPY without options.
    #[must_use]
    pub fn text() -> Self {
        Self { format: CopyFormat::Text, delimiter: b'\t', header: CopyHeader::Absent }
    }
}

/// A COPY under way. Dropping it changes nothing.
pub struct CopyIn {
    plan: Arc<EventPlan>,
    syntax: Syntax,
    fields: usize,
    /// Made when the first rows have shown how times are written.
    rows: Option<EventRows>,
    header: CopyHeader,
    buffer: Vec<u8>,
    record: Record,
    lines: u64,
    batches: Vec<EventBatch>,
    bytes: usize,
}

impl std::fmt::Debug for CopyIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CopyIn").field("lines", &self.lines).field("bytes", &self.bytes).finish()
    }
}

impl CopyIn {
    /// Begins a COPY of these columns, named as in [`super::EventColumn`]. It holds nothing of the
    /// database, so that it may wait for its client as long as it takes.
    ///
    /// # Errors
    /// When a column is not one of an event, is named twice, or a required one is absent.
    pub fn new(
        database: &Database,
        columns: &[String],
        dialect: CsvDialect,
    ) -> Result<Self, LoadError> {
        let store = database.store();
        Self::start(store.settings(), Arc::clone(store.names()), columns, dialect)
    }

    pub(super) fn start(
        settings: &Settings,
        names: Arc<Names>,
        columns: &[String],
        dialect: CsvDialect,
    ) -> Result<Self, LoadError> {
        check_delimiter(Some(dialect.delimiter))?;
        let target = Target::new(settings, names)?;
        let file = Arc::from(NAME);
        for (i, name) in columns.iter().enumerate() {
            let column: super::EventColumn = name.parse().map_err(super::OptionError::from)?;
            if columns.iter().skip(i + 1).any(|other| other.eq_ignore_ascii_case(name)) {
                return Err(super::OptionError::Twice { column }.into());
            }
        }
        let plan = EventPlan::new(&file, columns, &EventOptions::default(), &target)?;
        let delimiter = dialect.delimiter;
        Ok(Self {
            plan: Arc::new(plan),
            syntax: match dialect.format {
                CopyFormat::Csv => Syntax::Csv { delimiter },
                CopyFormat::Text => Syntax::CopyText { delimiter },
            },
            fields: columns.len(),
            rows: None,
            header: dialect.header,
            buffer: Vec::new(),
            record: Record::default(),
            lines: 0,
            batches: Vec::new(),
            bytes: 0,
        })
    }

    /// Takes the next bytes, cut anywhere.
    ///
    /// # Errors
    /// At the first bad row; the COPY is to be dropped then.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), LoadError> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() < FEED_BYTES {
            return Ok(());
        }
        match self.syntax.last_row_end(&self.buffer) {
            Some(end) => {
                let rest = self.buffer.split_off(end);
                let block = std::mem::replace(&mut self.buffer, rest);
                self.read(block)
            }
            None if self.buffer.len() > ROW_BYTES_MAX => {
                Err(LoadError::RowTooLong { file: NAME.into(), line: self.lines + 1 })
            }
            None => Ok(()),
        }
    }

    fn read(&mut self, bytes: Vec<u8>) -> Result<(), LoadError> {
        let start = match self.header {
            CopyHeader::Absent => 0,
            CopyHeader::Skip => {
                self.header = CopyHeader::Absent;
                self.lines += 1;
                super::block::first_row_end(&bytes)
            }
        };
        let block = Block::Text { bytes, start };
        if self.rows.is_none() {
            self.rows = Some(EventRows::new(Arc::clone(&self.plan), self.time(&block)?));
        }
        let Some(rows) = &mut self.rows else { return Ok(()) };
        let lines =
            block.each_row(&self.syntax, self.fields, &mut self.record, &mut |row| rows.row(row));
        let mut batch = rows.finish();
        if let Some(first) = batch.rejects.first() {
            let first = Reject { line: first.line + self.lines + 1, ..first.clone() };
            return Err(LoadError::Rejected {
                first: Box::new(first),
                count: batch.rejects.len() as u64,
                max: 0,
                rejects: None,
            });
        }
        self.lines += lines;
        batch.shrink();
        self.bytes += batch.bytes();
        if self.bytes > COPY_BYTES_MAX {
            return Err(LoadError::CopyTooLarge { line: self.lines, limit: COPY_BYTES_MAX });
        }
        if batch.len() > 0 {
            self.batches.push(batch);
        }
        Ok(())
    }

    /// How times are written, by the first rows.
    fn time(&self, block: &Block) -> Result<TimeReader, LoadError> {
        let mut times: Vec<Vec<u8>> = Vec::new();
        let super::plan::Pick::Field(field) = *self.plan.pick(super::EventColumn::Time) else {
            return Err(LoadError::Worker);
        };
        block.each_row(&self.syntax, self.fields, &mut Record::default(), &mut |row| {
            if times.len() < SAMPLE_ROWS && row.fault.is_none() {
                times.push(row.record.get(row.data, field).trim_ascii().to_vec());
            }
        });
        let samples = times.iter().map(Vec::as_slice);
        let zone = Arc::clone(&self.plan.zone);
        Ok(TimeReader::new(&self.plan.options.time, zone, samples)?)
    }

    /// Rows taken so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.batches.iter().map(|batch| batch.len() as u64).sum()
    }

    /// Reads what was fed so far, as if it ended here.
    pub(super) fn flush(&mut self) -> Result<(), LoadError> {
        let rest = std::mem::take(&mut self.buffer);
        if rest.is_empty() { Ok(()) } else { self.read(rest) }
    }

    #[cfg(test)]
    pub(super) fn into_batches(mut self) -> Result<Vec<EventBatch>, LoadError> {
        self.flush()?;
        Ok(self.batches)
    }

    /// Ends the rows and applies them all, durably: the number of events, also when the token had
    /// been applied before, which changes nothing.
    ///
    /// # Errors
    /// When the last rows are bad or the store does not take them; then nothing changed.
    pub fn finish(mut self, database: &Database, token: Option<&str>) -> Result<u64, LoadError> {
        self.flush()?;
        let events = self.rows();
        if events == 0 {
            return Ok(0);
        }
        let store = database.store();
        let mut ids = Vec::new();
        if events <= LOGGED_EVENTS_MAX as u64 {
            let mut writer = store.writer()?;
            let batch = EventBatch::joined(self.batches);
            let columns =
                resolve(batch, &mut ids, |table, keys, ids| writer.intern(table, keys, ids))?;
            writer.append(token, columns)?.wait()?;
            return Ok(events);
        }
        let token = token.map(str::to_owned);
        let mut bulk = store.bulk(BulkOptions { token, memory: LOAD_MEMORY_DEFAULT })?;
        if bulk.repeated() {
            return Ok(events);
        }
        for batch in self.batches {
            let columns =
                resolve(batch, &mut ids, |table, keys, ids| bulk.intern(table, keys, ids))?;
            bulk.push(columns)?;
        }
        match bulk.commit(&mut |_, _| {})? {
            Outcome::Applied { .. } | Outcome::Repeated => Ok(events),
        }
    }
}
