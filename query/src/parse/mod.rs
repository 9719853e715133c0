//! Tokens to syntax tree, by recursive descent.

use crate::ast::{Ast, ModelAst, SetAst};
use crate::error::QueryError;

/// Exactly one statement, with or without its semicolon.
///
/// # Errors
/// Where the text is not a statement.
pub fn parse(_text: &str) -> Result<Ast, QueryError> {
    unimplemented!()
}

/// A set: an audience's text after AS.
///
/// # Errors
/// Where the text is not a set, or has parameters.
pub fn parse_set(_text: &str) -> Result<SetAst, QueryError> {
    unimplemented!()
}

/// Stage rules: a model's text after AS.
///
/// # Errors
/// Where the text is not a model, or has parameters.
pub fn parse_model(_text: &str) -> Result<ModelAst, QueryError> {
    unimplemented!()
}
