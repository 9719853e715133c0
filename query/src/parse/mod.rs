//! Tokens to syntax tree, by recursive descent.

mod brand_measure;
mod clauses;
mod cursor;
mod definition;
mod division;
mod face;
mod literal;
mod measure;
mod model;
mod named;
mod partition;
mod rows;
mod set;
mod statement;
mod test;

pub(crate) use cursor::Expect;
pub(crate) use face::expectations;
pub use face::{parse, parse_division, parse_model, parse_set};
