//! The language of Throng: text to tokens to syntax tree to a typed plan.
//!
//! No files, no sockets, no threads, no clock, no unsafe.
#![forbid(unsafe_code)]

mod ast;
mod bind;
pub mod builtin;
pub mod catalog;
mod change;
mod complete;
pub mod date;
mod error;
mod every;
pub mod expansion;
mod keywords;
mod lexer;
pub mod limits;
mod parse;
pub mod plan;
pub mod sample;
mod split;
mod suggest;
mod text;

pub use ast::{Ast, DivisionAst, Effect, ModelAst, SetAst};
pub use bind::{
    BYTES_PER_EVENT_SCALE, Description, HEAD_DIGITS, ParameterValue, bind, bind_division,
    bind_model, bind_set, check_attribute_name, describe, show_columns,
};
pub use complete::{Completion, CompletionKind, complete};
pub use error::{ErrorCode, QueryError};
pub use every::every_dates;
pub use keywords::keywords;
pub use parse::{parse, parse_division, parse_model, parse_set};
pub use split::{is_complete, split_statements};
pub use suggest::closest;
pub use text::{
    create_text, division_text, model_text, partition_label, query_text, quote_name, quote_text,
    set_text, type_text,
};
