//! Blocks: runs of whole rows, a few MiB each, that workers take one at a time.

use std::io::Read;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memrchr};

use super::csv;
use super::error::{LoadError, Reason};
use super::json::Members;
use super::options::ROW_BYTES_MAX;
use super::record::Record;
use super::text;

/// Bytes of a block of text.
pub(super) const BLOCK_BYTES: usize = 2 << 20;
const _: () = assert!(BLOCK_BYTES > ROW_BYTES_MAX);

/// Whole rows.
pub(super) enum Block {
    /// Text from `start` on.
    Text { bytes: Vec<u8>, start: usize },
    /// Values in columns.
    Table(Table),
}

/// Values as text, in columns.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: usize,
    /// By column of the file; none where the column is not wanted.
    pub(super) columns: Vec<Option<TextColumn>>,
}

/// Values of one column, one after the other.
#[derive(Debug, Default)]
pub(super) struct TextColumn {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

impl TextColumn {
    fn get(&self, row: usize) -> &[u8] {
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(row).copied().unwrap_or(0);
        self.bytes.get(start.unwrap_or(0)..end).unwrap_or(&[])
    }
}

/// How the bytes of a block are rows.
#[derive(Debug, Clone)]
pub(super) enum Syntax {
    Csv {
        delimiter: u8,
    },
    /// PostgreSQL's text format of COPY.
    CopyText {
        delimiter: u8,
    },
    JsonLines(Members),
    Table,
}

impl Syntax {
    /// One past the last row's end in the bytes.
    pub(super) fn last_row_end(&self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Csv { delimiter } => csv::last_row_end(bytes, *delimiter),
            Self::CopyText { .. } => text::last_row_end(bytes),
            Self::JsonLines(_) | Self::Table => memrchr(b'\n', bytes).map(|at| at + 1),
        }
    }
}

/// One row as its parser sees it.
pub(super) struct RowView<'a> {
    /// Lines of the block before it.
    pub(super) line: u64,
    pub(super) data: &'a [u8],
    pub(super) record: &'a Record,
    /// Its bytes.
    pub(super) raw: &'a [u8],
    /// Why it is bad as a whole, or in the field of that position.
    pub(super) fault: Option<(usize, Reason)>,
}

impl Block {
    /// Splits the block into rows of `fields` fields; gives the lines it has.
    pub(super) fn each_row(
        &self,
        syntax: &Syntax,
        fields: usize,
        record: &mut Record,
        visit: &mut dyn FnMut(RowView<'_>),
    ) -> u64 {
        match (self, syntax) {
            (Self::Table(table), _) => table.each_row(record, visit),
            (Self::Text { bytes, start }, Syntax::JsonLines(members)) => {
                json_rows(bytes.get(*start..).unwrap_or(&[]), members, record, visit)
            }
            (Self::Text { bytes, start }, Syntax::CopyText { delimiter }) => {
                let data = bytes.get(*start..).unwrap_or(&[]);
                text::each_row(data, *delimiter, fields, record, visit)
            }
            (Self::Text { bytes, start }, Syntax::Csv { delimiter }) => {
                csv_rows(bytes.get(*start..).unwrap_or(&[]), *delimiter, fields, record, visit)
            }
            (Self::Text { .. }, Syntax::Table) => 0,
        }
    }
}

fn csv_rows(
    data: &[u8],
    delimiter: u8,
    fields: usize,
    record: &mut Record,
    visit: &mut dyn FnMut(RowView<'_>),
) -> u64 {
    let clean = std::str::from_utf8(data).is_ok();
    let mut rows = csv::Rows::new(data, delimiter);
    while let Some(row) = rows.next(record) {
        let mut fault = row.fault;
        if fault.is_none() && record.len() != fields {
            let found = record.len();
            fault = Some((usize::MAX, Reason::Fields { found, expected: fields }));
        }
        if fault.is_none() && !clean {
            fault = not_utf8(data, record);
        }
        let raw = trim_line_end(data.get(row.range).unwrap_or(&[]));
        visit(RowView { line: row.line, data, record, raw, fault });
    }
    rows.lines()
}

/// The first field that is not UTF-8.
pub(super) fn not_utf8(data: &[u8], record: &Record) -> Option<(usize, Reason)> {
    (0..record.len()).find_map(|field| {
        let error = std::str::from_utf8(record.get(data, field)).err()?;
        Some((field, Reason::Utf8 { at: error.valid_up_to() + 1 }))
    })
}

fn json_rows(
    data: &[u8],
    members: &Members,
    record: &mut Record,
    visit: &mut dyn FnMut(RowView<'_>),
) -> u64 {
    for (number, line) in data.split_inclusive(|&byte| byte == b'\n').enumerate() {
        let raw = trim_line_end(line);
        if !raw.iter().all(u8::is_ascii_whitespace) {
            let mut fault = members.read(raw, record).err();
            if fault.is_some()
                && let Err(error) = std::str::from_utf8(raw)
            {
                fault = Some((usize::MAX, Reason::Utf8 { at: error.valid_up_to() + 1 }));
            }
            visit(RowView { line: number as u64, data, record, raw, fault });
        }
    }
    memchr_iter(b'\n', data).count() as u64
}

pub(super) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

impl Table {
    fn each_row(&self, record: &mut Record, visit: &mut dyn FnMut(RowView<'_>)) -> u64 {
        for row in 0..self.rows {
            record.reset(self.columns.len());
            let mut fault = None;
            for (field, column) in self.columns.iter().enumerate() {
                let Some(column) = column else { continue };
                let value = column.get(row);
                record.set(field, value);
                if let Err(error) = std::str::from_utf8(value) {
                    fault = Some((field, Reason::Utf8 { at: error.valid_up_to() + 1 }));
                }
            }
            visit(RowView { line: row as u64, data: &[], record, raw: &[], fault });
        }
        self.rows as u64
    }
}

/// Cuts a stream of text into blocks.
pub(super) struct Cutter {
    file: Arc<str>,
    reader: Box<dyn Read + Send>,
    /// The beginning of the next block.
    carry: Vec<u8>,
    /// Bytes of a block.
    block: usize,
    /// Bytes of content read.
    offset: u64,
    ended: bool,
}

impl Cutter {
    pub(super) fn new(file: Arc<str>, reader: Box<dyn Read + Send>) -> Self {
        Self { file, reader, carry: Vec::new(), block: BLOCK_BYTES, offset: 0, ended: false }
    }

    /// Cuts smaller blocks, so that tests meet every boundary.
    #[cfg(test)]
    pub(super) fn with_block(mut self, bytes: usize) -> Self {
        self.block = bytes;
        self
    }

    /// The first bytes, as many as a block has. A byte-order mark is dropped.
    pub(super) fn peek(&mut self) -> Result<&[u8], LoadError> {
        let mut carry = std::mem::take(&mut self.carry);
        self.fill(&mut carry)?;
        if carry.starts_with(b"\xef\xbb\xbf") {
            carry.drain(..3);
        }
        self.carry = carry;
        Ok(&self.carry)
    }

    fn fill(&mut self, buffer: &mut Vec<u8>) -> Result<(), LoadError> {
        let missing = self.block.saturating_sub(buffer.len());
        if self.ended || missing == 0 {
            return Ok(());
        }
        buffer.reserve(missing);
        let read = self.reader.by_ref().take(missing as u64).read_to_end(buffer);
        let length = read.map_err(|source| LoadError::Read {
            file: Arc::clone(&self.file),
            offset: self.offset,
            source,
        })?;
        self.offset += length as u64;
        self.ended = length < missing;
        Ok(())
    }

    /// The next block, into a buffer that is used again. The line of an error counts from the
    /// block's first.
    pub(super) fn next(
        &mut self,
        mut buffer: Vec<u8>,
        syntax: &Syntax,
    ) -> Result<Option<Block>, LoadError> {
        buffer.clear();
        buffer.append(&mut self.carry);
        self.fill(&mut buffer)?;
        if buffer.is_empty() {
            return Ok(None);
        }
        if !self.ended {
            let Some(end) = syntax.last_row_end(&buffer) else {
                return Err(LoadError::RowTooLong { file: Arc::clone(&self.file), line: 1 });
            };
            self.carry.extend_from_slice(buffer.get(end..).unwrap_or(&[]));
            buffer.truncate(end);
        }
        Ok(Some(Block::Text { bytes: buffer, start: 0 }))
    }
}

/// Where the first row that is not an empty line ends: the header's place.
pub(super) fn first_row_end(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}
