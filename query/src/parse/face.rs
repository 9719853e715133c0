//! Whole texts to whole trees.

use crate::ast::{Ast, DivisionAst, ModelAst, SetAst};
use crate::error::{ErrorCode, QueryError};
use crate::lexer::Symbol;

use super::cursor::{Expect, Parser, Subject};

/// Exactly one statement, with or without its semicolon.
///
/// # Errors
/// Where the text is not a statement.
pub fn parse(text: &str) -> Result<Ast, QueryError> {
    let mut parser = Parser::new(text, Subject::Named)?;
    let statement = parser.statement()?;
    parser.end()?;
    Ok(Ast { source: text.to_owned(), statement, parameters: parser.parameters() })
}

/// A set: an audience's text after AS.
///
/// # Errors
/// Where the text is not a set, or has parameters.
pub fn parse_set(text: &str) -> Result<SetAst, QueryError> {
    let mut parser = Parser::new(text, Subject::Named)?;
    let set = parser.set()?;
    parser.end()?;
    without_parameters(&parser)?;
    Ok(SetAst { set })
}

/// Stage rules: a model's text after AS.
///
/// # Errors
/// Where the text is not a model, or has parameters.
pub fn parse_model(text: &str) -> Result<ModelAst, QueryError> {
    let mut parser = Parser::new(text, Subject::Asked)?;
    let stages = parser.stage_rules()?;
    parser.end()?;
    without_parameters(&parser)?;
    Ok(ModelAst { stages })
}

/// A partition of one's own: its text after AS.
///
/// # Errors
/// Where the text is not a partition, or has parameters.
pub fn parse_division(text: &str) -> Result<DivisionAst, QueryError> {
    let mut parser = Parser::new(text, Subject::Named)?;
    let division = parser.division()?;
    parser.end()?;
    without_parameters(&parser)?;
    Ok(DivisionAst { division })
}

fn without_parameters(parser: &Parser) -> Result<(), QueryError> {
    if parser.parameters() == 0 {
        return Ok(());
    }
    let message = "a stored definition has no parameters";
    Err(QueryError::new(ErrorCode::UndefinedParameter, 0..0, message))
}

/// What may follow a text that is the beginning of a statement; nothing when it is none.
pub(crate) fn expectations(text: &str) -> Vec<Expect> {
    let Ok(mut parser) = Parser::new(text, Subject::Named) else { return Vec::new() };
    if parser.statement().is_ok() {
        parser.wants(Expect::Symbol(Symbol::Semicolon));
    }
    parser.into_expectations()
}
