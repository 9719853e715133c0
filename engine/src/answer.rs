//! The typed answer of a statement.

use std::fmt;

pub use throng_query::date::Date;
pub use throng_query::plan::{Column, ColumnType};

/// Rows with their columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The columns, as [`crate::Database::prepare`] foretold. Empty for a definition.
    pub columns: Vec<Column>,
    /// The rows; each has one value per column.
    pub rows: Vec<Vec<Value>>,
    /// What was done, as PostgreSQL's command tag: `COUNT 6`, `CREATE AUDIENCE`.
    pub tag: String,
    /// What the asker should know: never an error.
    pub notices: Vec<String>,
}

impl Answer {
    /// The same with more for the asker to know.
    pub(crate) fn noting(mut self, notices: Vec<String>) -> Self {
        self.notices.extend(notices);
        self
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Unknown, or undefined.
    Null,
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A decimal number.
    Numeric(Decimal),
    /// A float; never NaN and never infinite.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(Date),
}

/// `unscaled / 10^scale`, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// The digits.
    pub unscaled: i128,
    /// How many of them are after the point.
    pub scale: u8,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = self.unscaled.unsigned_abs();
        if self.scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let unit = 10_u128.pow(u32::from(self.scale));
        let width = usize::from(self.scale);
        write!(f, "{sign}{}.{:0width$}", digits / unit, digits % unit)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Numeric(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number}"),
            Self::Boolean(truth) => f.write_str(if *truth { "t" } else { "f" }),
            Self::Date(day) => write!(f, "{day}"),
        }
    }
}
