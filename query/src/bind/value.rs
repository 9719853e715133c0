//! Literals and parameters as values of the type their place wants.

use crate::ast::{Literal, LiteralKind, Span};
use crate::date::Date;
use crate::error::{ErrorCode, QueryError, shown};
use crate::plan::ColumnType;

use super::binder::{Binder, Given, Wanted, type_words};
use super::decimal::{NotDecimal, scaled};
use super::face::ParameterValue;

/// Parts of a whole in which percentages are kept.
pub(super) const MILLION: u32 = 1_000_000;

/// What a number is for, for its errors.
#[derive(Clone, Copy)]
pub(super) struct Scale<'a> {
    /// What has so many digits: `CNY`, "`points`", "a percentage".
    pub of: &'a str,
    pub digits: u8,
}

impl Binder<'_> {
    pub fn text(&mut self, literal: &Literal) -> Result<Given<String>, QueryError> {
        let value = match self.parameter(literal, ColumnType::Text)? {
            Wanted::Later => return Ok(None),
            Wanted::Value(_, value) => value,
            Wanted::Literal => {
                return match &literal.kind {
                    LiteralKind::Text(text) => Ok(Some(text.clone())),
                    _ => Err(mismatch(literal, ColumnType::Text)),
                };
            }
        };
        Ok(Some(match value {
            ParameterValue::Text(text) | ParameterValue::Numeric(text) => text.clone(),
            ParameterValue::Integer(number) => number.to_string(),
            ParameterValue::Boolean(truth) => truth.to_string(),
            ParameterValue::Date(day) => day.to_string(),
            ParameterValue::Null => String::new(),
        }))
    }

    pub fn texts(&mut self, literals: &[Literal]) -> Result<Vec<String>, QueryError> {
        let mut texts = Vec::with_capacity(literals.len());
        for literal in literals {
            texts.extend(self.text(literal)?);
        }
        Ok(distinct(texts))
    }

    pub fn date(&mut self, literal: &Literal) -> Result<Given<Date>, QueryError> {
        let text = match self.parameter(literal, ColumnType::Date)? {
            Wanted::Later => return Ok(None),
            Wanted::Value(_, ParameterValue::Date(day)) => return Ok(Some(*day)),
            Wanted::Value(_, ParameterValue::Text(text)) => text.trim(),
            Wanted::Value(number, value) => return Err(unfit(literal, number, value, "a date")),
            Wanted::Literal => match &literal.kind {
                LiteralKind::Text(text) => text,
                _ => return Err(mismatch(literal, ColumnType::Date)),
            },
        };
        match text.parse() {
            Ok(day) => Ok(Some(day)),
            Err(_) => Err(bad_date(text, literal.span.clone())),
        }
    }

    pub fn boolean(&mut self, literal: &Literal) -> Result<Given<bool>, QueryError> {
        match self.parameter(literal, ColumnType::Boolean)? {
            Wanted::Later => Ok(None),
            Wanted::Value(_, ParameterValue::Boolean(truth)) => Ok(Some(*truth)),
            Wanted::Value(number, value @ ParameterValue::Text(text)) => {
                match text.trim().to_ascii_lowercase().as_str() {
                    "t" | "true" | "y" | "yes" | "on" | "1" => Ok(Some(true)),
                    "f" | "false" | "n" | "no" | "off" | "0" => Ok(Some(false)),
                    _ => Err(unfit(literal, number, value, "TRUE or FALSE")),
                }
            }
            Wanted::Value(number, value) => Err(unfit(literal, number, value, "TRUE or FALSE")),
            Wanted::Literal => match literal.kind {
                LiteralKind::Boolean(truth) => Ok(Some(truth)),
                _ => Err(mismatch(literal, ColumnType::Boolean)),
            },
        }
    }

    /// A decimal as an integer of its last digit.
    pub fn decimal(
        &mut self,
        literal: &Literal,
        scale: Scale<'_>,
    ) -> Result<Given<i64>, QueryError> {
        let kind = if scale.digits == 0 {
            ColumnType::Integer
        } else {
            ColumnType::Numeric { scale: scale.digits }
        };
        let written = match self.parameter(literal, kind)? {
            Wanted::Later => return Ok(None),
            Wanted::Value(_, ParameterValue::Integer(number)) => number.to_string(),
            Wanted::Value(_, ParameterValue::Numeric(text) | ParameterValue::Text(text)) => {
                text.clone()
            }
            Wanted::Value(number, value) => return Err(unfit(literal, number, value, "a number")),
            Wanted::Literal => match &literal.kind {
                LiteralKind::Number(text) => text.clone(),
                _ => return Err(mismatch(literal, kind)),
            },
        };
        let span = literal.span.clone();
        scaled(&written, scale.digits).map(Some).map_err(|reason| match reason {
            NotDecimal::Syntax => QueryError::new(
                ErrorCode::BadText,
                span,
                format!("'{}' is not a number", shown(&written)),
            ),
            NotDecimal::OutOfRange => {
                let message = format!("{} is too large", shown(&written));
                QueryError::new(ErrorCode::OutOfRange, span, message)
            }
            NotDecimal::TooFine if scale.digits == 0 => {
                let message = format!("{} is a whole number, not {}", scale.of, shown(&written));
                QueryError::new(ErrorCode::BadText, span, message)
            }
            NotDecimal::TooFine => {
                let message = format!(
                    "{} has {} digits after the point, not {}",
                    scale.of,
                    scale.digits,
                    shown(&written)
                );
                QueryError::new(ErrorCode::BadText, span, message)
            }
        })
    }

    /// A whole number from `low` to `high`.
    pub fn whole(
        &mut self,
        literal: &Literal,
        of: &str,
        low: i64,
        high: i64,
    ) -> Result<Given<i64>, QueryError> {
        let number = self.decimal(literal, Scale { of, digits: 0 })?;
        match number {
            Some(number) if number < low || number > high => {
                let message = if number < low {
                    format!("{of} is at least {low}, not {number}")
                } else {
                    format!("{of} is at most {high}, not {number}")
                };
                Err(QueryError::new(ErrorCode::BadValue, literal.span.clone(), message))
            }
            other => Ok(other),
        }
    }

    /// A whole number from 1 to `high`, in 32 bits.
    pub fn at_least_one(
        &mut self,
        literal: &Literal,
        of: &str,
        high: u32,
    ) -> Result<u32, QueryError> {
        let number = self.whole(literal, of, 1, i64::from(high))?.unwrap_or(1);
        Ok(u32::try_from(number).unwrap_or(high))
    }

    /// A percentage, in parts per million. Nobody is no part of anybody, but was one once.
    pub fn per_million(&mut self, percent: &Literal) -> Result<u32, QueryError> {
        // Parts per million are percent with four digits after the point.
        let scale = Scale { of: "a percentage", digits: 4 };
        let given = self.decimal(percent, scale)?;
        let least = u32::from(!self.stored);
        let part = u32::try_from(given.unwrap_or(i64::from(MILLION))).ok();
        part.filter(|part| (least..=MILLION).contains(part)).ok_or_else(|| {
            let message = "a percentage is above 0, up to 100";
            QueryError::new(ErrorCode::BadValue, percent.span.clone(), message)
        })
    }

    /// Two days in order, when both are known.
    pub fn days_between(
        &mut self,
        from: &Literal,
        to: &Literal,
    ) -> Result<Given<(Date, Date)>, QueryError> {
        let (Some(first), Some(last)) = (self.date(from)?, self.date(to)?) else {
            return Ok(None);
        };
        in_order(first <= last, from, to, &first.to_string(), &last.to_string())?;
        Ok(Some((first, last)))
    }
}

/// Refuses a range whose end comes before its beginning.
pub(super) fn in_order(
    ordered: bool,
    low: &Literal,
    high: &Literal,
    low_text: &str,
    high_text: &str,
) -> Result<(), QueryError> {
    if ordered {
        return Ok(());
    }
    let span = low.span.start.min(high.span.start)..high.span.end.max(low.span.end);
    let message = format!("{high_text} comes before {low_text}");
    Err(QueryError::new(ErrorCode::BadValue, span, message).hint("the smaller end comes first"))
}

/// The same without repetitions, in order.
pub(super) fn distinct<T: Clone + Eq + std::hash::Hash>(values: Vec<T>) -> Vec<T> {
    let mut seen = std::collections::HashSet::with_capacity(values.len());
    values.into_iter().filter(|value| seen.insert(value.clone())).collect()
}

fn bad_date(text: &str, span: Span) -> QueryError {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let looks_right = text.len() == 10 && digits == 8 && text.matches('-').count() == 2;
    if looks_right {
        let message = format!("there is no day {text}");
        return QueryError::new(ErrorCode::BadDate, span, message);
    }
    QueryError::new(ErrorCode::BadDate, span, format!("'{}' is not a day", shown(text)))
        .hint("a day is written '2017-11-11'")
}

/// A literal of another type than its place wants.
fn mismatch(literal: &Literal, kind: ColumnType) -> QueryError {
    let message = format!("{} is wanted here", type_words(kind));
    QueryError::new(ErrorCode::TypeMismatch, literal.span.clone(), message)
}

/// A parameter's value that does not read as what its place wants.
fn unfit(literal: &Literal, number: usize, value: &ParameterValue, wanted: &str) -> QueryError {
    let (code, shown) = match value {
        ParameterValue::Text(text) => (ErrorCode::BadText, format!("'{}'", shown(text))),
        ParameterValue::Numeric(text) => (ErrorCode::TypeMismatch, shown(text)),
        ParameterValue::Integer(number) => (ErrorCode::TypeMismatch, number.to_string()),
        ParameterValue::Boolean(truth) => (ErrorCode::TypeMismatch, truth.to_string()),
        ParameterValue::Date(day) => (ErrorCode::TypeMismatch, day.to_string()),
        ParameterValue::Null => (ErrorCode::NullValue, "null".to_owned()),
    };
    let message = format!("${number} is {shown}, where {wanted} is wanted");
    QueryError::new(code, literal.span.clone(), message)
}
