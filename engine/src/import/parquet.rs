//! Parquet: flat columns, a few thousand rows at a time, as the texts that other formats have, so
//! that every value passes the same checks.

use std::fmt::Write;
use std::fs::File;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::block::{Block, Table, TextColumn};
use super::error::LoadError;
use crate::answer::Date;

/// Rows of a block.
const TABLE_ROWS: usize = 16 << 10;

/// Reads the wanted columns of a file.
pub(super) struct Tables {
    file: Arc<str>,
    reader: SerializedFileReader<File>,
    /// Flat columns: position of the leaf and how its values are written.
    columns: Vec<(usize, Rendering)>,
    wanted: Vec<bool>,
    group: usize,
    open: Option<OpenGroup>,
}

struct OpenGroup {
    /// By column of the file; none where it is not wanted.
    readers: Vec<Option<ColumnReader>>,
    left: usize,
}

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rendering {
    Plain,
    Unsigned,
    Date,
    Timestamp { per_second: i64, zone: Suffix },
    Decimal { scale: usize },
}

/// Whether a timestamp is an instant or a time on the wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suffix {
    Utc,
    Local,
}

impl Tables {
    /// Opens a file: its flat columns, by name.
    pub(super) fn open(file: &Arc<str>, content: File) -> Result<(Self, Vec<String>), LoadError> {
        let wrong = |source| LoadError::Parquet { file: Arc::clone(file), source };
        let reader = SerializedFileReader::new(content).map_err(wrong)?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        let (mut columns, mut names) = (Vec::new(), Vec::new());
        for leaf in 0..schema.num_columns() {
            let column = schema.column(leaf);
            // A list or a member of a struct has no single value in a row.
            if column.max_rep_level() == 0 && column.path().parts().len() == 1 {
                columns.push((leaf, rendering(&column)));
                names.push(column.name().to_owned());
            }
        }
        let wanted = vec![false; columns.len()];
        let file = Arc::clone(file);
        Ok((Self { file, reader, columns, wanted, group: 0, open: None }, names))
    }

    /// Marks a column as wanted.
    pub(super) fn want(&mut self, column: usize) {
        if let Some(wanted) = self.wanted.get_mut(column) {
            *wanted = true;
        }
    }

    /// The next rows.
    pub(super) fn next(&mut self) -> Result<Option<Block>, LoadError> {
        // The readers of a damaged file may panic on lengths that make no sense.
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.read()));
        let read = read.unwrap_or_else(|_| {
            Err(ParquetError::General("its pages contradict its metadata".to_owned()))
        });
        let file = &self.file;
        read.map_err(|source| LoadError::Parquet { file: Arc::clone(file), source })
    }

    fn read(&mut self) -> Result<Option<Block>> {
        loop {
            if let Some(open) = &mut self.open
                && open.left > 0
            {
                let rows = open.left.min(TABLE_ROWS);
                open.left -= rows;
                let mut columns = Vec::with_capacity(open.readers.len());
                for (reader, &(_, rendering)) in open.readers.iter_mut().zip(&self.columns) {
                    let column = reader.as_mut().map(|reader| texts(reader, rendering, rows));
                    columns.push(column.transpose()?);
                }
                return Ok(Some(Block::Table(Table { rows, columns })));
            }
            if self.group >= self.reader.num_row_groups() {
                return Ok(None);
            }
            let group = self.reader.get_row_group(self.group)?;
            self.group += 1;
            self.open = Some(self.open_group(group.as_ref())?);
        }
    }

    fn open_group(&self, group: &dyn RowGroupReader) -> Result<OpenGroup> {
        let left = usize::try_from(group.metadata().num_rows())
            .map_err(|_| ParquetError::General("a negative number of rows".to_owned()))?;
        let readers = self.columns.iter().zip(&self.wanted).map(|(&(leaf, _), &wanted)| {
            if wanted { group.get_column_reader(leaf).map(Some) } else { Ok(None) }
        });
        Ok(OpenGroup { readers: readers.collect::<Result<_>>()?, left })
    }
}

fn rendering(column: &ColumnDescriptor) -> Rendering {
    let stamp = |unit: &TimeUnit, utc: bool| Rendering::Timestamp {
        per_second: match unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        },
        zone: if utc { Suffix::Utc } else { Suffix::Local },
    };
    match column.logical_type_ref() {
        Some(LogicalType::Date) => return Rendering::Date,
        Some(LogicalType::Timestamp(kind)) => return stamp(&kind.unit, kind.is_adjusted_to_u_t_c),
        Some(LogicalType::Decimal(kind)) => {
            return Rendering::Decimal { scale: usize::try_from(kind.scale).unwrap_or(0) };
        }
        Some(LogicalType::Integer(kind)) if !kind.is_signed => return Rendering::Unsigned,
        _ => {}
    }
    match column.converted_type() {
        ConvertedType::DATE => Rendering::Date,
        ConvertedType::TIMESTAMP_MILLIS => stamp(&TimeUnit::MILLIS, true),
        ConvertedType::TIMESTAMP_MICROS => stamp(&TimeUnit::MICROS, true),
        ConvertedType::DECIMAL => {
            Rendering::Decimal { scale: usize::try_from(column.type_scale()).unwrap_or(0) }
        }
        ConvertedType::UINT_8
        | ConvertedType::UINT_16
        | ConvertedType::UINT_32
        | ConvertedType::UINT_64 => Rendering::Unsigned,
        _ => Rendering::Plain,
    }
}

/// Reads rows of a column as texts; an absent value is an empty one.
fn texts(reader: &mut ColumnReader, rendering: Rendering, rows: usize) -> Result<TextColumn> {
    match reader {
        ColumnReader::BoolColumnReader(reader) => {
            column(reader, rows, |out, value| text(out, format_args!("{value}")))
        }
        ColumnReader::Int32ColumnReader(reader) => column(reader, rows, |out, &value| {
            if rendering == Rendering::Unsigned {
                text(out, format_args!("{}", value.cast_unsigned()));
            } else {
                integer(out, i64::from(value), rendering);
            }
        }),
        ColumnReader::Int64ColumnReader(reader) => {
            column(reader, rows, |out, &value| integer(out, value, rendering))
        }
        ColumnReader::Int96ColumnReader(reader) => column(reader, rows, |out, value| {
            timestamp(out, value.to_millis(), 1_000, Suffix::Utc);
        }),
        ColumnReader::FloatColumnReader(reader) => {
            column(reader, rows, |out, value| text(out, format_args!("{value}")))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            column(reader, rows, |out, value| text(out, format_args!("{value}")))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            column(reader, rows, |out, value| bytes(out, value.data(), rendering))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            column(reader, rows, |out, value| bytes(out, value.data(), rendering))
        }
    }
}

fn column<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    mut render: impl FnMut(&mut Vec<u8>, &T::T),
) -> Result<TextColumn> {
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    let mut records = 0;
    while records < rows {
        let (read, _, _) =
            reader.read_records(rows - records, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            let short = format!("a column ends {} rows before the others", rows - records);
            return Err(ParquetError::General(short));
        }
        records += read;
    }
    let mut out = TextColumn::default();
    // A required column has no levels: every row has a value.
    let required = levels.is_empty();
    let mut values = values.iter();
    for row in 0..rows {
        if (required || levels.get(row).is_some_and(|&level| level > 0))
            && let Some(value) = values.next()
        {
            render(&mut out.bytes, value);
        }
        out.ends.push(out.bytes.len());
    }
    Ok(out)
}

fn text(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    struct Bytes<'a>(&'a mut Vec<u8>);
    impl Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    Bytes(out).write_fmt(arguments).expect("writing to memory does not fail");
}

fn integer(out: &mut Vec<u8>, value: i64, rendering: Rendering) {
    match rendering {
        Rendering::Plain => text(out, format_args!("{value}")),
        Rendering::Unsigned => text(out, format_args!("{}", value.cast_unsigned())),
        Rendering::Date => match i32::try_from(value) {
            Ok(day) if (Date::MIN.0..=Date::MAX.0).contains(&day) => {
                text(out, format_args!("{}", Date(day)));
            }
            _ => text(out, format_args!("day {value}")),
        },
        Rendering::Timestamp { per_second, zone } => timestamp(out, value, per_second, zone),
        Rendering::Decimal { scale } => decimal(out, i128::from(value), scale),
    }
}

fn timestamp(out: &mut Vec<u8>, value: i64, per_second: i64, zone: Suffix) {
    const DAY: i64 = 86_400;
    let seconds = value.div_euclid(per_second);
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    integer(out, day, Rendering::Date);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    text(out, format_args!("T{hour:02}:{minute:02}:{:02}", second % 60));
    if zone == Suffix::Utc {
        out.push(b'Z');
    }
}

fn decimal(out: &mut Vec<u8>, unscaled: i128, scale: usize) {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    text(out, format_args!("{sign}{whole}{point}{fraction}"));
}

/// Text as it is; a decimal is a big-endian number in two's complement.
fn bytes(out: &mut Vec<u8>, value: &[u8], rendering: Rendering) {
    let Rendering::Decimal { scale } = rendering else {
        out.extend_from_slice(value);
        return;
    };
    if value.len() > 16 || value.is_empty() {
        text(out, format_args!("decimal of {} bytes", value.len()));
        return;
    }
    let fill = if value.first().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
    let mut wide = [fill; 16];
    if let Some(tail) = wide.get_mut(16 - value.len()..) {
        tail.copy_from_slice(value);
    }
    decimal(out, i128::from_be_bytes(wide), scale);
}
