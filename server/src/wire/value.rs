//! Answers as PostgreSQL's rows: types, text and binary forms.

use std::fmt::Write;

use bytes::{BufMut, BytesMut};
use pgwire::api::Type;
use pgwire::messages::data::{DataRow, FORMAT_CODE_BINARY, FieldDescription, RowDescription};
use throng::{Column, ColumnType, Value};

use super::error::WireError;
use super::numeric;

/// Days from 1970-01-01 to 2000-01-01, PostgreSQL's day 0.
pub(super) const EPOCH_DAYS: i32 = 10_957;

/// The PostgreSQL type of a column or parameter.
pub(super) fn pg_type(kind: ColumnType) -> Type {
    match kind {
        ColumnType::Text => Type::TEXT,
        ColumnType::Integer => Type::INT8,
        ColumnType::Numeric { .. } => Type::NUMERIC,
        ColumnType::Double => Type::FLOAT8,
        ColumnType::Boolean => Type::BOOL,
        ColumnType::Date => Type::DATE,
    }
}

/// `pg_type.typlen`: negative for types of varying length.
fn type_size(kind: ColumnType) -> i16 {
    match kind {
        ColumnType::Text | ColumnType::Numeric { .. } => -1,
        ColumnType::Integer | ColumnType::Double => 8,
        ColumnType::Boolean => 1,
        ColumnType::Date => 4,
    }
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Binary,
}

/// The formats of all columns or parameters, as a client gives them: none for text, one for all,
/// or one for each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Formats(Vec<i16>);

impl Formats {
    /// # Errors
    /// When there are neither none, one, nor `count`, or one is neither text nor binary.
    pub(super) fn new(codes: Vec<i16>, count: usize) -> Result<Self, WireError> {
        let fits = codes.len() <= 1 || codes.len() == count;
        if !fits || codes.iter().any(|code| !(0..=1).contains(code)) {
            return Err(WireError::Formats { given: codes.len(), wanted: count });
        }
        Ok(Self(codes))
    }

    pub(super) fn of(&self, index: usize) -> Format {
        let code = if self.0.len() == 1 { self.0.first() } else { self.0.get(index) };
        if code == Some(&FORMAT_CODE_BINARY) { Format::Binary } else { Format::Text }
    }
}

/// What a client is told about the columns before their rows.
pub(super) fn row_description(columns: &[Column], formats: &Formats) -> RowDescription {
    let field = |(index, column): (usize, &Column)| {
        let format = i16::from(formats.of(index) == Format::Binary);
        // No table, no column number, and -1: no modifier.
        let oid = pg_type(column.kind).oid();
        FieldDescription::new(column.name.clone(), 0, 0, oid, type_size(column.kind), -1, format)
    };
    RowDescription::new(columns.iter().enumerate().map(field).collect())
}

/// One row.
///
/// # Errors
/// When a text is too long for the protocol.
pub(super) fn data_row(row: &[Value], formats: &Formats) -> Result<DataRow, WireError> {
    let mut out = BytesMut::with_capacity(row.len() * 12);
    for (index, value) in row.iter().enumerate() {
        put_value(value, formats.of(index), &mut out)?;
    }
    let count = i16::try_from(row.len()).map_err(|_| WireError::TooLarge)?;
    Ok(DataRow::new(out, count))
}

fn put_value(value: &Value, format: Format, out: &mut BytesMut) -> Result<(), WireError> {
    if *value == Value::Null {
        out.put_i32(-1);
        return Ok(());
    }
    let start = out.len();
    out.put_i32(0);
    match format {
        Format::Text => match value {
            Value::Text(text) => out.put_slice(text.as_bytes()),
            other => write!(out, "{other}").map_err(|_| WireError::TooLarge)?,
        },
        Format::Binary => put_binary(value, out),
    }
    let length = i32::try_from(out.len() - start - 4).map_err(|_| WireError::TooLarge)?;
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn put_binary(value: &Value, out: &mut BytesMut) {
    match value {
        Value::Null => {}
        Value::Text(text) => out.put_slice(text.as_bytes()),
        Value::Integer(number) => out.put_i64(*number),
        Value::Numeric(number) => numeric::encode(*number, out),
        Value::Double(number) => out.put_f64(*number),
        Value::Boolean(truth) => out.put_u8(u8::from(*truth)),
        Value::Date(day) => out.put_i32(day.0 - EPOCH_DAYS),
    }
}

#[cfg(test)]
mod tests {
    use super::{Formats, data_row, row_description};
    use throng::{Column, ColumnType, Date, Decimal, Value};

    fn values() -> Vec<Value> {
        vec![
            Value::Null,
            Value::Text("雅诗".to_owned()),
            Value::Integer(-2),
            Value::Numeric(Decimal { unscaled: 150, scale: 2 }),
            Value::Double(0.5),
            Value::Boolean(true),
            Value::Date(Date(10_958)),
        ]
    }

    #[test]
    fn rows_are_written_as_text() {
        let row = data_row(&values(), &Formats::default()).unwrap();
        let mut expected = vec![0xff; 4];
        for text in ["雅诗", "-2", "1.50", "0.5", "t", "2000-01-02"] {
            expected.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
            expected.extend_from_slice(text.as_bytes());
        }
        assert_eq!(row.data.to_vec(), expected);
        assert_eq!(row.field_count, 7);
    }

    #[test]
    fn rows_are_written_in_binary() {
        let row = data_row(&values(), &Formats::new(vec![1], 7).unwrap()).unwrap();
        let mut expected = vec![0xff; 4];
        for bytes in [
            "雅诗".as_bytes(),
            &(-2_i64).to_be_bytes(),
            &[0, 2, 0, 0, 0, 0, 0, 2, 0, 1, 0x13, 0x88],
            &0.5_f64.to_be_bytes(),
            &[1],
            &1_i32.to_be_bytes(),
        ] {
            expected.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_be_bytes());
            expected.extend_from_slice(bytes);
        }
        assert_eq!(row.data.to_vec(), expected);
    }

    #[test]
    fn formats_are_none_one_or_all() {
        assert!(Formats::new(vec![], 3).is_ok());
        assert!(Formats::new(vec![1], 3).is_ok());
        assert!(Formats::new(vec![1, 0, 1], 3).is_ok());
        assert!(Formats::new(vec![1, 0], 3).is_err());
        assert!(Formats::new(vec![2], 3).is_err());
        let columns = [
            Column { name: "a".to_owned(), kind: ColumnType::Integer },
            Column { name: "b".to_owned(), kind: ColumnType::Date },
        ];
        let described = row_description(&columns, &Formats::new(vec![0, 1], 2).unwrap());
        let codes: Vec<_> = described.fields.iter().map(|f| (f.type_id, f.format_code)).collect();
        assert_eq!(codes, [(20, 0), (1082, 1)]);
    }
}
