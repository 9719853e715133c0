//! What the engine calls.

use crate::ast::Ast;
use crate::catalog::Catalog;
use crate::date::Date;
use crate::error::{ErrorCode, QueryError};
use crate::parse::{parse_division, parse_model, parse_set};
use crate::plan::{Column, ColumnType, Division, Model, Plan, Set};

use super::binder::{Binder, Place, Values};

/// What a statement needs and gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The types of `$1`, `$2`, ...
    pub parameters: Vec<ColumnType>,
    /// The columns of the answer.
    pub columns: Vec<Column>,
}

/// A value for a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterValue {
    /// Null: refused everywhere, with a hint.
    Null,
    /// Text; also taken where another type is wanted, when it reads as one.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A decimal number as text.
    Numeric(String),
    /// True or false.
    Boolean(bool),
    /// A calendar day.
    Date(Date),
}

/// The types of a statement's parameters and the columns of its answer, without values.
///
/// # Errors
/// Unknown names, wrong types and everything else that does not hang on parameters.
pub fn describe(ast: &Ast, catalog: &dyn Catalog) -> Result<Description, QueryError> {
    let mut binder = Binder::new(ast.source(), catalog, Values::Unknown, ast.parameter_count());
    let plan = binder.plan(&ast.statement)?;
    Ok(Description { parameters: binder.parameter_types()?, columns: plan.columns })
}

/// The plan of a statement with the values of its parameters.
///
/// # Errors
/// Unknown names, wrong types, values that make no sense.
pub fn bind(
    ast: &Ast,
    catalog: &dyn Catalog,
    values: &[ParameterValue],
) -> Result<Plan, QueryError> {
    let wanted = ast.parameter_count();
    if values.len() > wanted {
        let message = format!("there are {} values for {wanted} parameters", values.len());
        return Err(QueryError::new(ErrorCode::ParameterCount, 0..0, message));
    }
    let mut binder = Binder::new(ast.source(), catalog, Values::Known(values), wanted);
    let plan = binder.plan(&ast.statement)?;
    binder.parameter_types()?;
    Ok(plan)
}

/// The set that an audience's stored text means.
///
/// # Errors
/// As [`crate::parse_set`] and [`bind`].
pub fn bind_set(text: &str, catalog: &dyn Catalog) -> Result<Set, QueryError> {
    let ast = parse_set(text)?;
    let mut binder = Binder::new(text, catalog, Values::Known(&[]), 0);
    binder.stored = true;
    binder.set(&ast.set)
}

/// The model that a stored text means.
///
/// # Errors
/// As [`crate::parse_model`] and [`bind`].
pub fn bind_model(name: &str, text: &str, catalog: &dyn Catalog) -> Result<Model, QueryError> {
    let ast = parse_model(text)?;
    let mut binder = Binder::new(text, catalog, Values::Known(&[]), 0);
    (binder.place, binder.stored) = (Place::Model, true);
    let stages = binder.stage_rules(&ast.stages)?;
    Ok(Model { name: name.to_owned(), stages, text: text.to_owned() })
}

/// The partition that a stored text means.
///
/// # Errors
/// As [`crate::parse_division`] and [`bind`].
pub fn bind_division(
    name: &str,
    text: &str,
    catalog: &dyn Catalog,
) -> Result<Division, QueryError> {
    let ast = parse_division(text)?;
    let mut binder = Binder::new(text, catalog, Values::Known(&[]), 0);
    binder.stored = true;
    binder.division(name, &ast.division, text.to_owned())
}
