//! What a statement is: about the session, a COPY, or Throng's own language.

use pgwire::api::Type;
use throng::{Column, ParameterType};

use super::copy_statement::{self, CopyStatement};
use super::error::WireError;
use super::session::{self, SessionStatement};

/// A statement by who answers it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Statement {
    Session(SessionStatement),
    Copy(CopyStatement),
    Query,
}

/// Tells the statements apart.
///
/// # Errors
/// When it is about the session or a COPY, and wrong.
pub(super) fn classify(text: &str) -> Result<Statement, WireError> {
    // What was not UTF-8 came through the decoder as this.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(WireError::Encoding);
    }
    if let Some(copy) = copy_statement::parse(text) {
        return Ok(Statement::Copy(copy?));
    }
    match session::parse(text) {
        Some(statement) => Ok(Statement::Session(statement?)),
        None => Ok(Statement::Query),
    }
}

/// A prepared statement of the extended protocol.
#[derive(Debug)]
pub(super) struct Parsed {
    /// The text as the client sent it.
    pub(super) whole: String,
    /// The statement in it, in bytes.
    pub(super) range: std::ops::Range<usize>,
    pub(super) statement: Statement,
    pub(super) columns: Vec<Column>,
    pub(super) parameters: Vec<ParameterType>,
    /// The types that the client gave, where it did.
    pub(super) given: Vec<Option<Type>>,
}

impl Parsed {
    pub(super) fn text(&self) -> &str {
        self.whole.get(self.range.clone()).unwrap_or_default()
    }

    /// How many values have to be bound: a client may declare more than the statement uses.
    pub(super) fn parameter_count(&self) -> usize {
        self.parameters.len().max(self.given.len())
    }

    /// The type of a parameter as it is described to the client.
    pub(super) fn parameter_type(&self, index: usize) -> Type {
        match (self.given.get(index), self.parameters.get(index)) {
            (Some(Some(given)), _) if *given != Type::UNKNOWN => given.clone(),
            (_, Some(wanted)) => super::value::pg_type(*wanted),
            (_, None) => Type::TEXT,
        }
    }
}
