//! What binding knows, and the parameters it meets.

use crate::ast::{Literal, LiteralKind, Span};
use crate::catalog::Catalog;
use crate::error::{ErrorCode, QueryError};
use crate::plan::ColumnType;

use super::face::ParameterValue;

/// The values of parameters, or that they come later.
#[derive(Clone, Copy)]
pub(super) enum Values<'a> {
    Unknown,
    Known(&'a [ParameterValue]),
}

/// Where a set stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Query,
    /// In the definition of this audience.
    Audience(String),
    /// In the rules of a model.
    Model,
    /// In the rules of a partition.
    Partition,
}

pub(super) struct Binder<'a> {
    pub source: &'a str,
    pub catalog: &'a dyn Catalog,
    pub place: Place,
    /// Whether the text was accepted by an earlier program: what it accepted stays accepted.
    pub stored: bool,
    values: Values<'a>,
    /// The type of `$1`, `$2`, ... as far as their places have told.
    types: Vec<Option<ColumnType>>,
}

/// A value, or a parameter whose value comes later. Only a description is made of the latter, so
/// what stands in its place in the plan is never run.
pub(super) type Given<T> = Option<T>;

impl<'a> Binder<'a> {
    pub fn new(
        source: &'a str,
        catalog: &'a dyn Catalog,
        values: Values<'a>,
        parameters: usize,
    ) -> Self {
        let (place, types) = (Place::Query, vec![None; parameters]);
        Self { source, catalog, place, stored: false, values, types }
    }

    /// Whether the statement has any parameter.
    pub fn has_parameters(&self) -> bool {
        !self.types.is_empty()
    }

    /// The types of all parameters.
    pub fn parameter_types(&self) -> Result<Vec<ColumnType>, QueryError> {
        let mut types = Vec::with_capacity(self.types.len());
        for (index, kind) in self.types.iter().enumerate() {
            let Some(kind) = kind else {
                let message =
                    format!("${} is not used, though ${} is", index + 1, self.types.len());
                return Err(QueryError::new(ErrorCode::IndeterminateParameter, 0..0, message));
            };
            types.push(*kind);
        }
        Ok(types)
    }

    /// The value of a literal that is a parameter, after noting the type wanted of it.
    pub fn parameter(
        &mut self,
        literal: &Literal,
        kind: ColumnType,
    ) -> Result<Wanted<'a>, QueryError> {
        let LiteralKind::Parameter(number) = literal.kind else { return Ok(Wanted::Literal) };
        self.note_type(number, kind, &literal.span)?;
        let Values::Known(values) = self.values else { return Ok(Wanted::Later) };
        match values.get(number - 1) {
            None => {
                let message = format!("there is no value for ${number}");
                let span = literal.span.clone();
                Err(QueryError::new(ErrorCode::UndefinedParameter, span, message))
            }
            Some(ParameterValue::Null) => {
                let message = format!("${number} is null");
                let error = QueryError::new(ErrorCode::NullValue, literal.span.clone(), message);
                Err(error.hint("who has no known value is asked for by IS UNKNOWN"))
            }
            Some(value) => Ok(Wanted::Value(number, value)),
        }
    }

    fn note_type(
        &mut self,
        number: usize,
        kind: ColumnType,
        span: &Span,
    ) -> Result<(), QueryError> {
        let Some(slot) = self.types.get_mut(number - 1) else { return Ok(()) };
        let merged = match (*slot, kind) {
            (None, kind) => kind,
            (Some(known), kind) if known == kind => kind,
            (Some(ColumnType::Numeric { scale: a }), ColumnType::Numeric { scale: b }) => {
                ColumnType::Numeric { scale: a.max(b) }
            }
            (Some(ColumnType::Numeric { scale }), ColumnType::Integer)
            | (Some(ColumnType::Integer), ColumnType::Numeric { scale }) => {
                ColumnType::Numeric { scale }
            }
            (Some(known), kind) => {
                let message = format!(
                    "${number} is {} here and {} elsewhere",
                    type_words(kind),
                    type_words(known)
                );
                let code = ErrorCode::IndeterminateParameter;
                let error = QueryError::new(code, span.clone(), message);
                return Err(error.hint("use two parameters"));
            }
        };
        *slot = Some(merged);
        Ok(())
    }
}

/// What a literal holds.
pub(super) enum Wanted<'a> {
    /// It is not a parameter.
    Literal,
    /// A parameter whose value comes later.
    Later,
    /// The value of `$n`.
    Value(usize, &'a ParameterValue),
}

/// A type in a sentence.
pub(super) fn type_words(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "a text",
        ColumnType::Integer => "an integer",
        ColumnType::Numeric { .. } => "a decimal",
        ColumnType::Double => "a float",
        ColumnType::Boolean => "a boolean",
        ColumnType::Date => "a date",
    }
}
