//! Text on a terminal: its width, its padding, and nothing that could steer the terminal.

use std::borrow::Cow;
use std::fmt::Write;

use throng::{ColumnType, Value};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where text stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left edge.
    Left,
    /// At the right edge, as numbers do.
    Right,
}

/// Columns of a terminal that a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text without control characters: they are written as escapes, so that data from anywhere
/// can break neither a table nor a terminal.
#[must_use]
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Adds a text, padded to a width.
pub fn pad(out: &mut String, text: &str, to: usize, align: Align) {
    let space = to.saturating_sub(width(text));
    if align == Align::Right {
        out.extend(std::iter::repeat_n(' ', space));
    }
    out.push_str(text);
    if align == Align::Left {
        out.extend(std::iter::repeat_n(' ', space));
    }
}

/// The text, cut to a width and marked when something is missing.
#[must_use]
pub fn clip(text: &str, to: usize) -> Cow<'_, str> {
    if width(text) <= to {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > to {
            break;
        }
        out.push(c);
    }
    out.push('…');
    Cow::Owned(out)
}

/// Digits in groups of three.
#[must_use]
pub fn grouped(number: i64) -> String {
    group_digits(&number.to_string())
}

/// The digits before the point in groups of three.
fn group_digits(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |at| digits.split_at(at));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

/// Whether a column's values stand at the right edge.
#[must_use]
pub fn align_of(kind: ColumnType) -> Align {
    match kind {
        ColumnType::Integer | ColumnType::Numeric { .. } | ColumnType::Double => Align::Right,
        ColumnType::Text | ColumnType::Boolean | ColumnType::Date => Align::Left,
    }
}

/// Columns that count or sum. Others, such as a year of birth, are not written in groups.
fn is_measure(column: &str) -> bool {
    const MEASURES: [&str; 8] =
        ["count", "versus", "sum", "both", "left_count", "right_count", "base", "bytes"];
    MEASURES.contains(&column)
}

/// A value for human eyes.
#[must_use]
pub fn for_eyes(value: &Value, column: &str) -> String {
    match value {
        Value::Null => "∅".to_owned(),
        Value::Integer(number) if is_measure(column) => grouped(*number),
        Value::Numeric(number) if is_measure(column) => group_digits(&number.to_string()),
        Value::Double(number) => rounded(*number),
        Value::Text(text) => plain(text).into_owned(),
        other => for_machines(other),
    }
}

/// A value as programs read it.
#[must_use]
pub fn for_machines(value: &Value) -> String {
    match value {
        Value::Boolean(truth) => truth.to_string(),
        other => other.to_string(),
    }
}

/// At most four digits after the point, fewer for large numbers.
fn rounded(number: f64) -> String {
    let digits = match number.abs() {
        size if size >= 1000.0 => 1,
        size if size >= 100.0 => 2,
        _ => 4,
    };
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write!(out, "{number:.digits$}");
    out
}

#[cfg(test)]
mod tests {
    use throng::Decimal;

    use super::*;

    #[test]
    fn wide_characters_take_two_columns() {
        let mut out = String::new();
        pad(&mut out, "澜禾", 6, Align::Left);
        pad(&mut out, "é", 3, Align::Right);
        assert_eq!(out, "澜禾    é");
        assert_eq!(clip("澜禾云栖", 5), "澜禾…");
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abcd", 3), "ab…");
    }

    #[test]
    fn numbers_are_grouped_where_they_measure() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(for_eyes(&Value::Integer(123_456), "count"), "123,456");
        assert_eq!(for_eyes(&Value::Integer(1987), "birth_year"), "1987");
        let sum = Value::Numeric(Decimal { unscaled: -123_456_789, scale: 2 });
        assert_eq!(for_eyes(&sum, "sum"), "-1,234,567.89");
        assert_eq!(for_eyes(&Value::Double(0.123_456), "jaccard"), "0.1235");
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(plain("a\u{1b}[31m\n"), "a\\u{1b}[31m\\n");
        assert!(matches!(plain("澜禾"), Cow::Borrowed(_)));
    }
}
