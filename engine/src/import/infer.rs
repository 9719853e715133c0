//! The type of an attribute, from all values of its column.

use throng_query::plan::AttributeType;

use super::block::RowView;
use super::number::Number;
use super::options::Rounding;
use super::pipeline::RowParser;
use crate::answer::Date;

/// Digits after the point that a decimal attribute may have.
const SCALE_MAX: u32 = 9;

/// What the values of a column could all be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guess {
    boolean: Fit,
    date: Fit,
    /// The most decimals, while all values are numbers.
    decimals: Option<u32>,
    /// The most digits before the point.
    whole_digits: u32,
    /// The first value there is.
    pub(super) example: Option<String>,
}

/// Whether all values so far are of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    All,
    NotAll,
}

impl Fit {
    fn and(&mut self, fits: impl FnOnce() -> bool) {
        if *self == Self::All && !fits() {
            *self = Self::NotAll;
        }
    }
}

impl Default for Guess {
    fn default() -> Self {
        Self {
            boolean: Fit::All,
            date: Fit::All,
            decimals: Some(0),
            whole_digits: 0,
            example: None,
        }
    }
}

impl Guess {
    /// Takes a value; an empty one says nothing.
    pub(super) fn take(&mut self, value: &[u8]) {
        if value.is_empty() {
            return;
        }
        if self.example.is_none() {
            self.example = Some(super::row::shown(value));
        }
        self.boolean.and(|| truth(value).is_some() && value.len() >= 4);
        self.date.and(|| date(value).is_some());
        let number = if self.decimals.is_some() { number(value) } else { None };
        match number {
            Some(number) => {
                let decimals = number.decimals();
                self.decimals = self.decimals.map(|most| most.max(decimals));
                let digits = number.unscaled.unsigned_abs().checked_ilog10().map_or(1, |n| n + 1);
                self.whole_digits = self.whole_digits.max(digits.saturating_sub(number.scale));
            }
            None => self.decimals = None,
        }
    }

    /// What the values of both could all be.
    pub(super) fn merge(&mut self, other: Self) {
        self.boolean.and(|| other.boolean == Fit::All);
        self.date.and(|| other.date == Fit::All);
        self.decimals = self.decimals.zip(other.decimals).map(|(a, b)| a.max(b));
        self.whole_digits = self.whole_digits.max(other.whole_digits);
        if self.example.is_none() {
            self.example = other.example;
        }
    }

    /// The narrowest type of all values; text when there is none.
    pub(super) fn kind(&self) -> AttributeType {
        // 18 digits always fit 64 bits.
        let fits = |scale: u32| self.whole_digits + scale <= 18;
        if self.example.is_none() {
            AttributeType::Text
        } else if self.boolean == Fit::All {
            AttributeType::Boolean
        } else if self.date == Fit::All {
            AttributeType::Date
        } else {
            match self.decimals {
                Some(0) if fits(0) => AttributeType::Integer,
                Some(scale) if scale <= SCALE_MAX && fits(scale) => {
                    AttributeType::Decimal { scale: u8::try_from(scale).unwrap_or(0) }
                }
                _ => AttributeType::Text,
            }
        }
    }
}

/// True or false.
pub(super) fn truth(value: &[u8]) -> Option<bool> {
    let is =
        |words: [&str; 5]| words.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
    if is(["true", "t", "yes", "y", "1"]) {
        Some(true)
    } else if is(["false", "f", "no", "n", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// A calendar day.
pub(super) fn date(value: &[u8]) -> Option<Date> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A number, unless it is written like a code: `007` and `1e5` are texts.
fn number(value: &[u8]) -> Option<Number> {
    let digits = value.strip_prefix(b"-").unwrap_or(value);
    let plain = digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && digits.first().is_some_and(u8::is_ascii_digit)
        && digits.last().is_some_and(u8::is_ascii_digit);
    let code = digits.len() > 1 && digits.starts_with(b"0") && digits.get(1) != Some(&b'.');
    if plain && !code { Number::parse(value).ok() } else { None }
}

/// The value of a number attribute, as it is kept.
pub(super) fn scaled(value: &[u8], scale: u8) -> Result<i64, super::error::Reason> {
    Number::parse(value)?.units(u32::from(scale), Rounding::Refuse)
}

/// Guesses the types of all columns.
pub(super) struct Guesser {
    /// By column of the file.
    guesses: Vec<Guess>,
    rows: u64,
}

impl Guesser {
    pub(super) fn new(columns: usize) -> Self {
        Self { guesses: vec![Guess::default(); columns], rows: 0 }
    }
}

impl RowParser for Guesser {
    type Batch = (Vec<Guess>, u64);

    fn row(&mut self, row: RowView<'_>) {
        self.rows += 1;
        if row.fault.is_some() {
            return;
        }
        for (field, guess) in self.guesses.iter_mut().enumerate() {
            guess.take(row.record.get(row.data, field).trim_ascii());
        }
    }

    fn finish(&mut self) -> Self::Batch {
        let fresh = vec![Guess::default(); self.guesses.len()];
        (std::mem::replace(&mut self.guesses, fresh), std::mem::take(&mut self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::{AttributeType, Guess};

    fn kind(values: &[&str]) -> AttributeType {
        let mut whole = Guess::default();
        values.iter().for_each(|value| whole.take(value.as_bytes()));
        // However the values are dealt to workers, the type is the same.
        for at in 0..=values.len() {
            let (mut left, mut right) = (Guess::default(), Guess::default());
            values[..at].iter().for_each(|value| left.take(value.as_bytes()));
            values[at..].iter().for_each(|value| right.take(value.as_bytes()));
            left.merge(right);
            assert_eq!(left.kind(), whole.kind());
        }
        whole.kind()
    }

    #[test]
    fn the_narrowest_type_of_all_values_is_taken() {
        assert_eq!(kind(&["1", "-20", "", "300"]), AttributeType::Integer);
        assert_eq!(kind(&["1", "2.50", "3.125"]), AttributeType::Decimal { scale: 3 });
        assert_eq!(kind(&["1.0", "2.0"]), AttributeType::Integer);
        assert_eq!(kind(&["true", "FALSE"]), AttributeType::Boolean);
        assert_eq!(kind(&["0", "1"]), AttributeType::Integer);
        assert_eq!(kind(&["2017-01-31", "2016-02-29"]), AttributeType::Date);
        assert_eq!(kind(&["2017-01-31", "2017-02-29"]), AttributeType::Text);
        assert_eq!(kind(&["18-24", "25-29"]), AttributeType::Text);
        assert_eq!(kind(&["007", "12"]), AttributeType::Text);
        assert_eq!(kind(&["1", "x"]), AttributeType::Text);
        assert_eq!(kind(&["1234567890123456789"]), AttributeType::Text);
        assert_eq!(kind(&["0.1234567891"]), AttributeType::Text);
        assert_eq!(kind(&[""]), AttributeType::Text);
        assert_eq!(kind(&[]), AttributeType::Text);
    }
}
