//! What the engine calls.

use crate::ast::Ast;
use crate::catalog::Catalog;
use crate::date::Date;
use crate::error::QueryError;
use crate::plan::{Column, ColumnType, Model, Plan, Set};

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
pub fn describe(_ast: &Ast, _catalog: &dyn Catalog) -> Result<Description, QueryError> {
    unimplemented!()
}

/// The plan of a statement with the values of its parameters.
///
/// # Errors
/// Unknown names, wrong types, values that make no sense.
pub fn bind(
    _ast: &Ast,
    _catalog: &dyn Catalog,
    _values: &[ParameterValue],
) -> Result<Plan, QueryError> {
    unimplemented!()
}

/// The set that an audience's stored text means.
///
/// # Errors
/// As [`crate::parse_set`] and [`bind`].
pub fn bind_set(_text: &str, _catalog: &dyn Catalog) -> Result<Set, QueryError> {
    unimplemented!()
}

/// The model that a stored text means.
///
/// # Errors
/// As [`crate::parse_model`] and [`bind`].
pub fn bind_model(_name: &str, _text: &str, _catalog: &dyn Catalog) -> Result<Model, QueryError> {
    unimplemented!()
}

/// Whether an attribute may have this name. Loading asks too: no attribute may be called `stage`,
/// and no attribute of a brand `spend`.
///
/// # Errors
/// With a message that says why not.
pub fn check_attribute_name(_brand: Option<&str>, _name: &str) -> Result<(), QueryError> {
    unimplemented!()
}
