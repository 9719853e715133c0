//! Throng: an embedded audience database.

mod answer;
pub mod attribute;
pub mod behaviour;
mod catalog;
mod database;
pub mod definition;
mod error;
mod exec;
pub mod import;
mod kernel;
pub mod market;
pub mod measure;
pub mod time;
pub mod view;

pub use answer::{Answer, Column, ColumnType, Date, Decimal, Value};
pub use database::{
    Cancel, CreateOptions, Database, ExecuteOptions, Parameter, ParameterType, Prepared,
};
pub use error::{DatabaseError, DefinitionError, ExecuteError, User};
pub use throng_query as query;
pub use throng_storage as storage;
pub use view::View;
