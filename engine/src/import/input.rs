//! A source made ready: its format known, its header read, its blocks to come.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::block::{Block, Cutter, RowView, Syntax};
use super::csv;
use super::error::{LoadError, Reason};
use super::json::{self, Members};
use super::options::{EventSource, Format, InputOptions, SAMPLE_ROWS};
use super::parquet::Tables;
use super::record::Record;
use super::source::{self, Compression, Content};

/// What is known of a source before its first row is read.
pub(super) struct Input {
    pub(super) file: Arc<str>,
    pub(super) format: Format,
    pub(super) compression: Compression,
    pub(super) syntax: Syntax,
    /// The names of its columns.
    pub(super) header: Vec<String>,
    /// Lines before the first row.
    pub(super) lines: u64,
    pub(super) read: Arc<AtomicU64>,
    pub(super) total: Option<u64>,
    blocks: Blocks,
    /// Blocks that were looked at already.
    first: Option<Block>,
}

enum Blocks {
    Text(Cutter),
    Tables(Tables),
}

impl Input {
    /// Opens a source and reads its header. JSON lines have the members of their first rows as
    /// columns, and `implicit` ones besides, which may come later.
    pub(super) fn open(
        source: EventSource,
        options: &InputOptions,
        implicit: &[&str],
    ) -> Result<Self, LoadError> {
        let opened = source::open(source)?;
        let (file, compression) = (opened.name, opened.compression);
        let (read, total) = (opened.read, opened.total);
        let reader = match opened.content {
            Content::Text(reader) => reader,
            Content::Parquet(content) => {
                let (tables, header) = Tables::open(&file, content)?;
                check_duplicates(&file, &header)?;
                return Ok(Self {
                    file,
                    format: Format::Parquet,
                    compression,
                    syntax: Syntax::Table,
                    header,
                    lines: 0,
                    read,
                    total,
                    blocks: Blocks::Tables(tables),
                    first: None,
                });
            }
        };
        let mut cutter = Cutter::new(Arc::clone(&file), reader);
        let content = cutter.peek()?;
        if content.is_empty() {
            return Err(LoadError::Empty { file });
        }
        source::check_text(&file, content)?;
        let format = match options.format {
            Some(Format::Parquet) => return Err(LoadError::ParquetStream { file }),
            Some(format) => format,
            None => guess_format(&file, content)?,
        };
        let (syntax, header, lines, start) = match format {
            Format::JsonLines => {
                let header = json_header(content, implicit);
                (Syntax::JsonLines(Members::new(&header)), header, 0, 0)
            }
            _ => {
                let delimiter = options.delimiter.unwrap_or_else(|| csv::guess_delimiter(content));
                let (header, lines, start) = csv_header(&file, content, delimiter)?;
                (Syntax::Csv { delimiter }, header, lines, start)
            }
        };
        check_duplicates(&file, &header)?;
        let first = cutter.next(Vec::new(), &syntax)?;
        let first = first.map(|block| match block {
            Block::Text { bytes, .. } => Block::Text { bytes, start },
            table @ Block::Table(_) => table,
        });
        let blocks = Blocks::Text(cutter);
        Ok(Self { file, format, compression, syntax, header, lines, read, total, blocks, first })
    }

    /// The delimiter of CSV.
    pub(super) fn delimiter(&self) -> Option<char> {
        match self.syntax {
            Syntax::Csv { delimiter } => Some(char::from(delimiter)),
            _ => None,
        }
    }

    /// Tells which columns will be looked at; the others may hold anything.
    pub(super) fn want(&mut self, columns: &[usize]) {
        if let Blocks::Tables(tables) = &mut self.blocks {
            columns.iter().for_each(|&column| tables.want(column));
        }
        if let Syntax::JsonLines(members) = &mut self.syntax {
            members.keep(columns);
        }
    }

    /// Shows the first rows, which stay to be read. To be called after `want`.
    pub(super) fn sample(&mut self, visit: &mut dyn FnMut(RowView<'_>)) -> Result<(), LoadError> {
        if self.first.is_none() {
            self.first = self.next_block(Vec::new())?;
        }
        let Some(first) = &self.first else { return Ok(()) };
        let mut seen = 0;
        let mut record = Record::default();
        first.each_row(&self.syntax, self.header.len(), &mut record, &mut |row| {
            seen += 1;
            if seen <= SAMPLE_ROWS {
                visit(row);
            }
        });
        Ok(())
    }

    /// The next block.
    pub(super) fn next(&mut self, buffer: Vec<u8>) -> Result<Option<Block>, LoadError> {
        match self.first.take() {
            Some(block) => Ok(Some(block)),
            None => self.next_block(buffer),
        }
    }

    fn next_block(&mut self, buffer: Vec<u8>) -> Result<Option<Block>, LoadError> {
        match &mut self.blocks {
            Blocks::Text(cutter) => cutter.next(buffer, &self.syntax),
            Blocks::Tables(tables) => tables.next(),
        }
    }
}

fn guess_format(file: &Arc<str>, content: &[u8]) -> Result<Format, LoadError> {
    match content.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(Format::JsonLines),
        Some(b'[') => Err(LoadError::JsonList { file: Arc::clone(file) }),
        Some(_) => Ok(Format::Csv),
        None => Err(LoadError::Empty { file: Arc::clone(file) }),
    }
}

/// The names in the first row, the lines up to it, and where the rows begin.
fn csv_header(
    file: &Arc<str>,
    content: &[u8],
    delimiter: u8,
) -> Result<(Vec<String>, u64, usize), LoadError> {
    let mut rows = csv::Rows::new(content, delimiter);
    let mut record = Record::default();
    let Some(row) = rows.next(&mut record) else {
        return Err(LoadError::Empty { file: Arc::clone(file) });
    };
    let wrong = |position: usize, reason| LoadError::Header {
        file: Arc::clone(file),
        position: position.saturating_add(1),
        reason,
    };
    match row.fault {
        Some((_, Reason::RowLength { .. } | Reason::Unclosed)) => {
            return Err(LoadError::RowTooLong { file: Arc::clone(file), line: row.line + 1 });
        }
        Some((position, reason)) => return Err(wrong(position, reason)),
        None => {}
    }
    let mut names = Vec::with_capacity(record.len());
    for field in 0..record.len() {
        let name = std::str::from_utf8(record.get(content, field))
            .map_err(|error| wrong(field, Reason::Utf8 { at: error.valid_up_to() + 1 }))?;
        names.push(name.trim().to_owned());
    }
    Ok((names, rows.lines(), row.range.end))
}

fn json_header(content: &[u8], implicit: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in content.split(|&byte| byte == b'\n').take(SAMPLE_ROWS) {
        for name in json::names(line).unwrap_or_default() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    for &name in implicit {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn check_duplicates(file: &Arc<str>, header: &[String]) -> Result<(), LoadError> {
    for (second, column) in header.iter().enumerate() {
        if column.is_empty() {
            continue;
        }
        let first = header.iter().position(|name| name == column).unwrap_or(second);
        if first < second {
            return Err(LoadError::DuplicateColumn {
                file: Arc::clone(file),
                column: column.clone(),
                first: first + 1,
                second: second + 1,
            });
        }
    }
    Ok(())
}
